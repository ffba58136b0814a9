package ecdhwrap

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"errors"

	"fastness/encryptionsdk/internal/counterkdf"
)

// Sizes of the parts of a wrapped data key, in bytes: salt, commitment, encrypted key, tag.
const (
	saltLen       = 32
	commitmentLen = 32
	tagLen        = 16
	derivedLen    = commitmentLen + 32
)

// Wrap encrypts a data key under a key derived from the shared secret: the x coordinate
// that both parties agree on. context is the serialized encryption context.
func Wrap(secret []byte, curve string, info Info, context, dataKey []byte) ([]byte, error) {
	out := make([]byte, saltLen, saltLen+commitmentLen+len(dataKey)+tagLen)
	rand.Read(out) // never fails (crypto/rand)
	fixed := fixedInfo(curve, info, context)
	derived := derive(secret, fixed, out)
	defer clear(derived)
	out = append(out, derived[:commitmentLen]...)
	aead, err := wrapper(derived)
	if err != nil {
		return nil, err
	}
	return aead.Seal(out, make([]byte, aead.NonceSize()), dataKey, fixed), nil
}

// ErrCommitment says that the secret or the context is not what the key was wrapped with.
var ErrCommitment = errors.New("wrapping key does not match its commitment")

// Unwrap is the inverse of Wrap.
func Unwrap(secret []byte, curve string, info Info, context, wrapped []byte) ([]byte, error) {
	if len(wrapped) < saltLen+commitmentLen+tagLen {
		return nil, errors.New("wrapped data key is truncated")
	}
	fixed := fixedInfo(curve, info, context)
	derived := derive(secret, fixed, wrapped[:saltLen])
	defer clear(derived)
	if subtle.ConstantTimeCompare(derived[:commitmentLen], wrapped[saltLen:saltLen+commitmentLen]) != 1 {
		return nil, ErrCommitment
	}
	aead, err := wrapper(derived)
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, make([]byte, aead.NonceSize()), wrapped[saltLen+commitmentLen:], fixed)
}

func wrapper(derived []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(derived[commitmentLen:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// fixedInfo is what the derivation and the wrapping authenticate.
func fixedInfo(curve string, info Info, context []byte) []byte {
	const label, prf = "ecdh-key-derivation\x00", "\x00HMAC_SHA384\x00"
	b := make([]byte, 0, len(label)+len(curve)+len(prf)+len(info.Sender)+len(info.Recipient)+3+len(context))
	b = append(b, label...)
	b = append(b, curve...)
	b = append(b, prf...)
	b = append(b, info.Sender...)
	b = append(b, info.Recipient...)
	b = append(b, 0, version, 0)
	return append(b, context...)
}

// derive makes commitment and wrapping key.
func derive(secret, label, salt []byte) []byte {
	return counterkdf.Derive(sha512.New384, secret, label, salt, derivedLen)
}
