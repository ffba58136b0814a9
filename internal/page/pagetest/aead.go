package pagetest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"testing"
)

// AEAD is AES-256-GCM with random nonces under a key of its own.
type AEAD struct{ gcm cipher.AEAD }

// New makes an AEAD with a random key.
func New(tb testing.TB) *AEAD {
	tb.Helper()
	var key [32]byte
	_, _ = rand.Read(key[:])
	block, err := aes.NewCipher(key[:])
	if err != nil {
		tb.Fatal(err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		tb.Fatal(err)
	}
	return &AEAD{gcm}
}

// Seal implements page.AEAD.
func (a *AEAD) Seal(dst, plaintext, aad []byte) ([]byte, error) {
	return a.gcm.Seal(dst, nil, plaintext, aad), nil
}

// Open implements page.AEAD.
func (a *AEAD) Open(dst, sealed, aad []byte) ([]byte, error) {
	return a.gcm.Open(dst, nil, sealed, aad)
}
