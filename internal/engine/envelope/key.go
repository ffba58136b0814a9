package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"io"
	"sync"
)

// labelEncrypt separates message keys from everything else that is derived from
// the same material.
const labelEncrypt = "KMS-ENC-1"

const (
	// MaterialSize is the length of symmetric key material, in bytes.
	MaterialSize = 32

	messageKeySize = 32
)

// Key is the material of one symmetric KMS key, ready to seal and open. It has
// the material only as a PRF, and is safe for concurrent use.
type Key struct {
	prf PRF
}

// scratch is the memory one call needs, so that the usual message allocates nothing but
// the cipher of its own key. Between calls it holds no key.
type scratch struct {
	aad   []byte
	fixed []byte
	key   [messageKeySize]byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// Format prints no more than what the value is, whatever the verb.
func (k *Key) Format(f fmt.State, _ rune) { io.WriteString(f, "envelope key") }

// NewKey returns a Key for 32 bytes of key material, which keyed makes a PRF of. It keeps
// no reference to them: the caller may wipe material at once. It fails with ErrInvalidKey
// or the error of keyed.
func NewKey(material []byte, keyed func(key []byte) (PRF, error)) (*Key, error) {
	if len(material) != MaterialSize {
		return nil, ErrInvalidKey
	}
	prf, err := keyed(material)
	if err != nil {
		return nil, fmt.Errorf("envelope: key a PRF: %w", err)
	}
	return &Key{prf: prf}, nil
}

// Destroy overwrites the material. From then on Seal and Open fail with the error
// of the PRF.
func (k *Key) Destroy() { k.prf.Destroy() }

// messageCipher is the AES-256-GCM of one message. The random IV is put before what is
// sealed.
type messageCipher struct {
	block cipher.Block
	cipher.AEAD
}

// wipe overwrites the key of the message.
func (c *messageCipher) wipe() { wipeCipher(c.block, c.AEAD) }

// cipher derives the message key for the nonce.
func (k *Key) cipher(s *scratch, nonce []byte) (c messageCipher, err error) {
	s.fixed = appendFixedInput(s.fixed[:0], labelEncrypt, nonce, messageKeySize)
	defer clear(s.key[:])
	if err := counterKDF(k.prf, s.key[:], s.fixed); err != nil {
		return c, fmt.Errorf("envelope: derive a message key: %w", err)
	}
	if c.block, err = aes.NewCipher(s.key[:]); err != nil {
		return c, fmt.Errorf("envelope: message key: %w", err)
	}
	// This constructor, unlike NewGCM, is allowed in FIPS mode, and its output
	// is the IV, ciphertext and tag of the blob in that order.
	if c.AEAD, err = cipher.NewGCMWithRandomNonce(c.block); err != nil {
		return c, fmt.Errorf("envelope: message cipher: %w", err)
	}
	return c, nil
}

// Seal appends to dst the blob of plaintext under the header and encryption
// context. The plaintext must not overlap the free room of dst. It fails with
// ErrPlaintextTooLong, and once the key is destroyed.
func (k *Key) Seal(dst []byte, h Header, context map[string]string, plaintext []byte) ([]byte, error) {
	if len(plaintext) > MaxPlaintext {
		return nil, ErrPlaintextTooLong
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)

	s.aad = appendHeader(s.aad[:0], &h)
	rand.Read(s.aad[headerSize-nonceSize:])
	header := len(s.aad)
	s.aad = AppendContext(s.aad, context)
	c, err := k.cipher(s, s.aad[headerSize-nonceSize:headerSize])
	if err != nil {
		return nil, err
	}
	defer c.wipe()
	if dst == nil {
		dst = make([]byte, 0, len(plaintext)+Overhead)
	}
	dst = append(dst, s.aad[:header]...)
	return c.Seal(dst, nil, plaintext, s.aad), nil
}

// Open appends to dst the plaintext of a blob. Every failure a blob or a context
// can cause is ErrInvalidCiphertext; a destroyed key is another error.
func (k *Key) Open(dst, blob []byte, context map[string]string) ([]byte, error) {
	if _, err := ParseHeader(blob); err != nil {
		return nil, err
	}
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)

	s.aad = append(s.aad[:0], blob[:headerSize]...)
	s.aad = AppendContext(s.aad, context)
	c, err := k.cipher(s, blob[headerSize-nonceSize:headerSize])
	if err != nil {
		return nil, err
	}
	defer c.wipe()
	plaintext, err := c.Open(dst, nil, blob[headerSize:], s.aad)
	if err != nil {
		return nil, ErrInvalidCiphertext
	}
	return plaintext, nil
}
