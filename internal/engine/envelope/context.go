package envelope

import (
	"encoding/binary"
	"slices"
)

// AppendContext appends the canonical form of an encryption context: for each
// pair, in the order of the bytes of the keys, the length of the key as four
// bytes big-endian, the key, the length of the value likewise, and the value. No
// two contexts share a form, and a missing context is the same as an empty one:
// nothing.
func AppendContext(dst []byte, context map[string]string) []byte {
	if len(context) == 0 {
		return dst
	}
	var room [16]string // keeps the usual context off the heap
	keys := room[:0]
	for k := range context {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		dst = appendString(dst, k)
		dst = appendString(dst, context[k])
	}
	return dst
}

func appendString(dst []byte, s string) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s)))
	return append(dst, s...)
}
