package keyalg

import (
	"bytes"
	"crypto/hmac"
)

// bareKey is a symmetric or HMAC key: bytes without structure.
type bareKey struct {
	bytes []byte
}

// takesBare reports whether bare material of the spec may have n bytes.
func (row *specInfo) takesBare(n int) bool { return n >= row.size && n <= max(row.size, row.maxSize) }

func parseBareKey(row *specInfo, material []byte) (*bareKey, error) {
	if !row.takesBare(len(material)) {
		return nil, ErrInvalidMaterial
	}
	return &bareKey{bytes: bytes.Clone(material)}, nil
}

func (k *bareKey) public() publicHalf        { return nil }
func (k *bareKey) material() ([]byte, error) { return bytes.Clone(k.bytes), nil }
func (k *bareKey) wipe()                     { clear(k.bytes) }

func (k *bareKey) mac(a *algorithmInfo, message []byte) ([]byte, error) {
	h := hmac.New(a.hash.New, k.bytes)
	h.Write(message)
	return h.Sum(nil), nil
}
