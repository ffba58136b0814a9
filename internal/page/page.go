package page

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// MaxPosition bounds a position, in bytes, so that a token stays below the 1024
// characters that the shortest API models allow.
const MaxPosition = 600

// ErrInvalid: not a token of this listing.
var ErrInvalid = errors.New("page: not a token of this listing")

// AEAD is authenticated encryption (*seal.AEAD).
type AEAD interface {
	Seal(dst, plaintext, aad []byte) ([]byte, error)
	Open(dst, sealed, aad []byte) ([]byte, error)
}

// Sealer makes and opens tokens. It is safe for concurrent use if its AEAD is.
type Sealer struct{ aead AEAD }

// New returns a Sealer.
func New(aead AEAD) *Sealer { return &Sealer{aead: aead} }

// binding is what a token belongs to: each part with its length, so that no two
// listings share one.
func binding(parts ...string) []byte {
	b := []byte("page/1")
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

// Seal returns the token of a position (at most MaxPosition bytes) in a listing.
// filter is whatever else the listing depends on, in a canonical form.
func (s *Sealer) Seal(operation, account, filter string, position []byte) (string, error) {
	if len(position) > MaxPosition {
		return "", errors.New("page: position too long")
	}
	sealed, err := s.aead.Seal(nil, position, binding(operation, account, filter))
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// Open returns the position of a token, or ErrInvalid.
func (s *Sealer) Open(operation, account, filter, token string) ([]byte, error) {
	if len(token) > base64.RawURLEncoding.EncodedLen(MaxPosition+256) {
		return nil, ErrInvalid
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return nil, ErrInvalid
	}
	position, err := s.aead.Open(nil, sealed, binding(operation, account, filter))
	if err != nil {
		return nil, ErrInvalid
	}
	return position, nil
}
