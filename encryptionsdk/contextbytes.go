package encryptionsdk

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"unicode/utf8"
)

// AppendBinary appends the canonical serialization of c to b: nothing for an empty context,
// else the number of pairs and the pairs, in ascending order of the UTF-8 bytes of their
// keys, each string after its length, all numbers in two bytes (AWS Encryption SDK
// specification, framework/structures.md, "Serialization"). It is what keyrings
// authenticate and what the message header carries behind a length. It fails with
// ErrEncryptionContext when a string is not UTF-8 or the whole exceeds 65,535 bytes.
func (c EncryptionContext) AppendBinary(b []byte) ([]byte, error) {
	if len(c) == 0 {
		return b, nil
	}
	size := 2
	for k, v := range c {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return nil, fmt.Errorf("%w: key %q or its value is not UTF-8", ErrEncryptionContext, k)
		}
		if size += 4 + len(k) + len(v); size > math.MaxUint16 {
			return nil, fmt.Errorf("%w: more than %d bytes serialized", ErrEncryptionContext, math.MaxUint16)
		}
	}
	b = slices.Grow(b, size)
	b = binary.BigEndian.AppendUint16(b, uint16(len(c)))
	// Go compares strings bytewise, which is the order that the format wants.
	for _, k := range slices.Sorted(maps.Keys(c)) {
		b = binary.BigEndian.AppendUint16(b, uint16(len(k)))
		b = append(b, k...)
		b = binary.BigEndian.AppendUint16(b, uint16(len(c[k])))
		b = append(b, c[k]...)
	}
	return b, nil
}
