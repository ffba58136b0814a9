package xks

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Layout of our ciphertext metadata, 20 bytes: version, key generation, nonce.
const (
	sealVersion     = 1
	sealNonceBytes  = 16
	sealHeaderBytes = 4
	sealIVBytes     = 12
	// MaxGeneration is the largest key generation that fits the metadata.
	MaxGeneration = 1<<24 - 1
)

// sealLabel separates these message keys from any other use of the same key.
const sealLabel = "XKS-ENC-1"

// Seal encrypts plaintext under key, 32 bytes, for a Keys implementation. Each
// message has its own AES-256 key, derived by SP 800-108 (counter mode, HMAC
// SHA-256) from a random 128-bit nonce that travels in the metadata, so that no
// number of messages exhausts the 96-bit IV (SP 800-38D). generation, up to
// MaxGeneration, names the key's version for Open and is authenticated with the
// nonce and aad as BindMetadata lays down.
func Seal(key []byte, generation uint32, plaintext, aad []byte) (Sealed, error) {
	if len(plaintext) > MaxPlaintextBytes || generation > MaxGeneration {
		return Sealed{}, fmt.Errorf("%w: %d bytes of plaintext, generation %d", ErrInput, len(plaintext), generation)
	}
	metadata := make([]byte, sealHeaderBytes+sealNonceBytes)
	binary.BigEndian.PutUint32(metadata, sealVersion<<24|generation)
	rand.Read(metadata[sealHeaderBytes:])
	iv := make([]byte, sealIVBytes)
	rand.Read(iv)
	aead, err := messageCipher(key, metadata[sealHeaderBytes:], sealIVBytes)
	if err != nil {
		return Sealed{}, err
	}
	bound, err := BindMetadata(aad, metadata)
	if err != nil {
		return Sealed{}, err
	}
	out := aead.Seal(nil, iv, plaintext, bound)
	n := len(plaintext)
	return Sealed{Ciphertext: out[:n:n], Metadata: metadata, IV: iv, Tag: out[n:]}, nil
}

// Generation reads the key generation of a Sealed made by Seal, unauthenticated:
// it only selects the key to try. A foreign layout is an InvalidCiphertextException.
func Generation(s Sealed) (uint32, error) {
	if len(s.Metadata) != sealHeaderBytes+sealNonceBytes || s.Metadata[0] != sealVersion {
		return 0, NewProxyError(InvalidCiphertextException, "the ciphertext metadata is not of this proxy")
	}
	return binary.BigEndian.Uint32(s.Metadata) & MaxGeneration, nil
}

// Open decrypts what Seal made. Any change of any part is an
// InvalidCiphertextException, always the same one.
func Open(key []byte, s Sealed, aad []byte) ([]byte, error) {
	if _, err := Generation(s); err != nil {
		return nil, err
	}
	if len(s.IV) != sealIVBytes || len(s.Tag) != TagBytes || len(s.Ciphertext) > MaxPlaintextBytes {
		return nil, invalidCiphertext()
	}
	aead, err := messageCipher(key, s.Metadata[sealHeaderBytes:], sealIVBytes)
	if err != nil {
		return nil, err
	}
	bound, err := BindMetadata(aad, s.Metadata)
	if err != nil {
		return nil, invalidCiphertext()
	}
	joined := make([]byte, 0, len(s.Ciphertext)+TagBytes)
	joined = append(append(joined, s.Ciphertext...), s.Tag...)
	plaintext, err := aead.Open(nil, s.IV, joined, bound)
	if err != nil {
		return nil, invalidCiphertext()
	}
	return plaintext, nil
}

func invalidCiphertext() *ProxyError {
	return NewProxyError(InvalidCiphertextException,
		"the ciphertext, its metadata, initialization vector or tag, or the additional data does not authenticate")
}

// messageCipher derives the 256-bit message key: one block of HMAC-SHA-256 over
// counter, label, zero, context and length in bits (SP 800-108r1, section 4.1).
func messageCipher(key, nonce []byte, ivBytes int) (cipher.AEAD, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("%w: key of %d bytes, want 32", ErrInput, len(key))
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte{0, 0, 0, 1})
	mac.Write([]byte(sealLabel))
	mac.Write([]byte{0})
	mac.Write(nonce)
	mac.Write([]byte{0, 0, 1, 0})
	messageKey := mac.Sum(nil)
	defer clear(messageKey)
	block, err := aes.NewCipher(messageKey)
	if err != nil {
		return nil, fmt.Errorf("xks: message cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithNonceSize(block, ivBytes)
	if err != nil {
		return nil, fmt.Errorf("xks: message cipher: %w", err)
	}
	return aead, nil
}
