package page

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrToken: the token was not made by this Sealer, was altered, or belongs to another
// call. Services answer it with their own error for a bad token.
var ErrToken = errors.New("page: invalid token")

// Sizes in bytes.
const (
	// KeyBytes is the size of a Sealer's key.
	KeyBytes = 32
	// MaxCursor is the largest cursor.
	MaxCursor = 8 << 10
	saltBytes = 16
)

// format is the first byte of a token.
const format = 1

// info separates the keys of this package from others derived from the same secret.
const info = "fastness page token 1"

// Binding is the call a token belongs to.
type Binding struct {
	// Operation names service and operation, such as "kms:ListAliases".
	Operation       string
	Account, Region string
	// Filters are the parameters that select what is listed, in an order that the
	// service fixes. The page size is not one of them.
	Filters []string
	// Version is the version of the cursor's meaning; a service raises it when it can
	// no longer read the cursors that it gave out.
	Version uint32
}

// data is the binding as the seal authenticates it: every field with its length, so
// that no two bindings look the same.
func (b Binding) data() []byte {
	d := binary.BigEndian.AppendUint32([]byte{format}, b.Version)
	for _, s := range append([]string{b.Operation, b.Account, b.Region}, b.Filters...) {
		d = binary.BigEndian.AppendUint64(d, uint64(len(s)))
		d = append(d, s...)
	}
	return d
}

// Sealer makes and opens tokens. It is safe for concurrent use.
type Sealer struct{ key []byte }

// NewSealer returns a Sealer with a key of KeyBytes. Servers that share the key open
// each other's tokens.
func NewSealer(key []byte) (*Sealer, error) {
	if len(key) != KeyBytes {
		return nil, fmt.Errorf("page: key of %d bytes, want %d", len(key), KeyBytes)
	}
	return &Sealer{key: append([]byte(nil), key...)}, nil
}

func (s *Sealer) aead(salt []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, s.key, salt, info, KeyBytes)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	clear(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Seal returns the token for a cursor of at most MaxCursor bytes. It consists of
// letters, digits, hyphens and underscores.
func (s *Sealer) Seal(b Binding, cursor []byte) (string, error) {
	if len(cursor) > MaxCursor {
		return "", fmt.Errorf("page: cursor of %d bytes, at most %d", len(cursor), MaxCursor)
	}
	token := make([]byte, 1+saltBytes, 1+saltBytes+12+len(cursor)+16)
	token[0] = format
	salt := token[1 : 1+saltBytes]
	rand.Read(salt)
	aead, err := s.aead(salt)
	if err != nil {
		return "", fmt.Errorf("page: seal: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(aead.Seal(token, nil, cursor, b.data())), nil
}

// maxToken bounds the text that Open decodes.
var maxToken = base64.RawURLEncoding.EncodedLen(1 + saltBytes + 12 + MaxCursor + 16)

// Open returns the cursor of a token that Seal made for b, or ErrToken.
func (s *Sealer) Open(b Binding, token string) ([]byte, error) {
	if len(token) > maxToken {
		return nil, ErrToken
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < 1+saltBytes || raw[0] != format {
		return nil, ErrToken
	}
	aead, err := s.aead(raw[1 : 1+saltBytes])
	if err != nil {
		return nil, fmt.Errorf("page: open: %w", err)
	}
	cursor, err := aead.Open(nil, nil, raw[1+saltBytes:], b.data())
	if err != nil {
		return nil, ErrToken
	}
	return cursor, nil
}
