package envelope

import "encoding/binary"

// PRF is HMAC-SHA-256 under one key. It is safe for concurrent use. The key may be
// somewhere that this package knows nothing of, outside the Go heap for example.
type PRF interface {
	// Sum appends the MAC of message to dst.
	Sum(dst, message []byte) ([]byte, error)
	// Destroy overwrites the key; Sum fails from then on.
	Destroy()
}

// counterSize is the room for the counter in front of the fixed input, in bytes.
const counterSize = 4

// counterKDF is the key derivation in counter mode of SP 800-108r1 section 4.1,
// with a 32-bit counter before the fixed input. prf has the key derivation key. The
// first counterSize bytes of input are overwritten with the counter, the rest is the
// fixed input. It fills dst, up to 255 outputs of the PRF.
func counterKDF(prf PRF, dst, input []byte) error {
	for i := uint32(1); len(dst) > 0; i++ {
		binary.BigEndian.PutUint32(input, i)
		out, err := prf.Sum(dst[:0:len(dst)], input) // in place, unless it is longer than dst
		if err != nil {
			return err
		}
		if len(out) > len(dst) {
			copy(dst, out)
			clear(out)
			return nil
		}
		dst = dst[len(out):]
	}
	return nil
}

// appendFixedInput appends room for the counter and label || 0x00 || context || L, the
// fixed input of SP 800-108r1 section 4, with L, the length of the output in bits, as
// four bytes.
func appendFixedInput(dst []byte, label string, context []byte, outputBytes int) []byte {
	dst = append(dst, make([]byte, counterSize)...)
	dst = append(dst, label...)
	dst = append(dst, 0)
	dst = append(dst, context...)
	return binary.BigEndian.AppendUint32(dst, uint32(outputBytes)*8)
}
