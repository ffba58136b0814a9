package counterkdf

import (
	"crypto/hmac"
	"encoding/binary"
	"hash"
)

// Derive makes n bytes, at least 1, from key for a label and a context.
func Derive(h func() hash.Hash, key []byte, label, context []byte, n int) []byte {
	fixed := make([]byte, 0, len(label)+1+len(context)+4)
	fixed = append(fixed, label...)
	fixed = append(fixed, 0)
	fixed = append(fixed, context...)
	fixed = binary.BigEndian.AppendUint32(fixed, uint32(n)*8)
	return expand(h, key, fixed, n)
}

// expand is the loop of the function over the fixed input.
func expand(h func() hash.Hash, key, fixed []byte, n int) []byte {
	mac := hmac.New(h, key)
	out := make([]byte, 0, n+mac.Size())
	var counter [4]byte
	for i := uint32(1); len(out) < n; i++ {
		mac.Reset()
		binary.BigEndian.PutUint32(counter[:], i)
		mac.Write(counter[:])
		mac.Write(fixed)
		out = mac.Sum(out)
	}
	clear(out[n:])
	return out[:n]
}
