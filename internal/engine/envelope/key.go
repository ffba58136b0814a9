package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
)

// labelEncrypt separates message keys from everything else that is derived from
// the same material.
const labelEncrypt = "KMS-ENC-1"

// MaterialSize is the length of symmetric key material, in bytes.
const MaterialSize = 32

// Key is the material of one symmetric KMS key, ready to seal and open. It holds
// the material only as the chaining values of HMAC, and is safe for concurrent
// use.
type Key struct {
	// states holds *state values, so that the usual message allocates nothing
	// but the cipher of its own key.
	states sync.Pool
}

// state is the memory one call needs.
type state struct {
	prf   hash.Hash // HMAC-SHA-256 keyed with the material, freshly reset
	aad   []byte
	fixed []byte
	key   [32]byte
}

// Format prints no more than what the value is, whatever the verb.
func (k *Key) Format(f fmt.State, _ rune) { io.WriteString(f, "envelope key") }

var errNoClone = errors.New("HMAC state cannot be cloned")

// NewKey returns a Key for 32 bytes of key material and keeps no reference to
// them: the caller may wipe material at once.
func NewKey(material []byte) (*Key, error) {
	if len(material) != MaterialSize {
		return nil, ErrInvalidKey
	}
	prf := hmac.New(sha256.New, material)
	// Reset makes HMAC replace its padded keys by the hash states behind them;
	// those are what every clone carries.
	prf.Reset()
	original, ok := prf.(hash.Cloner)
	if !ok {
		return nil, errNoClone
	}
	if _, err := original.Clone(); err != nil {
		return nil, fmt.Errorf("clone HMAC: %w", err)
	}
	k := new(Key)
	k.states.New = func() any {
		clone, err := original.Clone()
		if err != nil {
			return nil // cannot be: the same clone succeeded above
		}
		return &state{prf: clone}
	}
	return k, nil
}

// cipher derives the message key for the nonce and returns its AES-256-GCM,
// which puts a random IV before what it seals.
func (s *state) cipher(nonce []byte) (cipher.AEAD, error) {
	s.fixed = appendFixedInput(s.fixed[:0], labelEncrypt, nonce, len(s.key))
	counterKDF(s.prf, s.key[:], s.fixed)
	s.prf.Reset()
	block, err := aes.NewCipher(s.key[:])
	clear(s.key[:])
	if err != nil {
		return nil, fmt.Errorf("message key: %w", err)
	}
	// This constructor, unlike NewGCM, is allowed in FIPS mode, and its output
	// is the IV, ciphertext and tag of the blob in that order.
	return cipher.NewGCMWithRandomNonce(block)
}

func (k *Key) state() (*state, error) {
	s, ok := k.states.Get().(*state)
	if !ok {
		return nil, errNoClone
	}
	return s, nil
}

// Seal appends to dst the blob of plaintext under the header and encryption
// context. The plaintext must not overlap the free room of dst. It fails with
// ErrPlaintextTooLong and nothing else a caller can cause.
func (k *Key) Seal(dst []byte, h Header, context map[string]string, plaintext []byte) ([]byte, error) {
	if len(plaintext) > MaxPlaintext {
		return nil, ErrPlaintextTooLong
	}
	s, err := k.state()
	if err != nil {
		return nil, err
	}
	defer k.states.Put(s)

	s.aad = appendHeader(s.aad[:0], &h)
	rand.Read(s.aad[headerSize-nonceSize:])
	dst = append(dst, s.aad...)
	s.aad = AppendContext(s.aad, context)
	aead, err := s.cipher(s.aad[headerSize-nonceSize : headerSize])
	if err != nil {
		return nil, err
	}
	return aead.Seal(dst, nil, plaintext, s.aad), nil
}

// Open appends to dst the plaintext of a blob. Every failure a blob or a context
// can cause is ErrInvalidCiphertext.
func (k *Key) Open(dst, blob []byte, context map[string]string) ([]byte, error) {
	if _, err := ParseHeader(blob); err != nil {
		return nil, err
	}
	s, err := k.state()
	if err != nil {
		return nil, err
	}
	defer k.states.Put(s)

	s.aad = append(s.aad[:0], blob[:headerSize]...)
	s.aad = AppendContext(s.aad, context)
	aead, err := s.cipher(blob[headerSize-nonceSize : headerSize])
	if err != nil {
		return nil, err
	}
	plaintext, err := aead.Open(dst, nil, blob[headerSize:], s.aad)
	if err != nil {
		return nil, ErrInvalidCiphertext
	}
	return plaintext, nil
}
