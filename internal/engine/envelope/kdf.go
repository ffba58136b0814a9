package envelope

import (
	"encoding/binary"
	"hash"
)

// counterKDF is the key derivation in counter mode of SP 800-108r1 section 4.1,
// with a 32-bit counter before the fixed input. prf is HMAC under the key
// derivation key, freshly reset. It fills dst, up to 255 outputs of the PRF.
func counterKDF(prf hash.Hash, dst, fixedInput []byte) {
	var counter [4]byte
	var block [64]byte
	for i := uint32(1); len(dst) > 0; i++ {
		if i > 1 {
			prf.Reset()
		}
		binary.BigEndian.PutUint32(counter[:], i)
		prf.Write(counter[:])
		prf.Write(fixedInput)
		n := copy(dst, prf.Sum(block[:0]))
		dst = dst[n:]
	}
	clear(block[:])
}

// appendFixedInput appends label || 0x00 || context || L, the fixed input of SP
// 800-108r1 section 4, with L, the length of the output in bits, as four bytes.
func appendFixedInput(dst []byte, label string, context []byte, outputBytes int) []byte {
	dst = append(dst, label...)
	dst = append(dst, 0)
	dst = append(dst, context...)
	return binary.BigEndian.AppendUint32(dst, uint32(outputBytes)*8)
}
