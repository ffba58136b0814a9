package keyalg

import (
	"bytes"
	"crypto/hmac"
	"fmt"
)

// bareKey is a symmetric or HMAC key: bytes without structure.
type bareKey struct {
	bytes []byte
}

func parseBareKey(row *specInfo, material []byte) (*bareKey, error) {
	longest := max(row.size, row.maxSize)
	if len(material) < row.size || len(material) > longest {
		return nil, ErrInvalidMaterial
	}
	return &bareKey{bytes: bytes.Clone(material)}, nil
}

func (k *bareKey) public() publicHalf        { return nil }
func (k *bareKey) material() ([]byte, error) { return bytes.Clone(k.bytes), nil }
func (k *bareKey) wipe()                     { clear(k.bytes) }

func (k *bareKey) mac(a *algorithmInfo, message []byte) []byte {
	h := hmac.New(a.hash.New, k.bytes)
	h.Write(message)
	return h.Sum(nil)
}

// VerifyMAC compares mac with the full-length HMAC of message in constant time
// and returns ErrInvalidMAC when they differ. Truncated MACs differ.
func (k *Key) VerifyMAC(name Algorithm, message, mac []byte) error {
	want, err := k.MAC(name, message)
	if err != nil {
		return fmt.Errorf("verify MAC: %w", err)
	}
	if !hmac.Equal(want, mac) {
		return ErrInvalidMAC
	}
	return nil
}
