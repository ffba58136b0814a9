package keyalg

import (
	"fmt"
)

// publicHalf is what one family implements for its public keys.
type publicHalf interface {
	// spki returns the bits of the SubjectPublicKeyInfo.
	spki() []byte
}

type verifier interface {
	verify(a *algorithmInfo, t MessageType, message, signature []byte) bool
}

type encrypter interface {
	encrypt(a *algorithmInfo, plaintext []byte) ([]byte, error)
}

// PublicKey is the public half of an asymmetric key. It is immutable and safe
// for concurrent use.
type PublicKey struct {
	row  *specInfo
	impl publicHalf
}

// MaxSPKI bounds a SubjectPublicKeyInfo that this package reads, in bytes: the
// limit of PublicKey in the AWS KMS API.
const MaxSPKI = 8192

// ParsePublicKey reads a DER SubjectPublicKeyInfo of the given spec. Anything
// else, a key of another spec included, is ErrInvalidPublicKey.
func ParsePublicKey(s Spec, spki []byte) (*PublicKey, error) {
	row := lookup(s)
	if row == nil {
		return nil, fmt.Errorf("%q: %w", s, ErrUnknownSpec)
	}
	if err := checkSpecApproved(row); err != nil {
		return nil, err
	}
	impl, err := parsePublic(row, spki)
	if err != nil {
		return nil, err
	}
	return &PublicKey{row: row, impl: impl}, nil
}

// Spec returns the key spec.
func (p *PublicKey) Spec() Spec { return p.row.spec }

// SPKI returns the key as a DER SubjectPublicKeyInfo (RFC 5280).
func (p *PublicKey) SPKI() []byte { return marshalSPKI(p.row, p.impl.spki()) }

// Verify checks a signature and returns ErrInvalidSignature when it does not
// hold, whatever the reason. The errors of Key.Sign say that the request itself
// cannot be.
func (p *PublicKey) Verify(name Algorithm, t MessageType, message, signature []byte) error {
	a, err := p.row.algorithm(SignVerify, name)
	if err != nil {
		return err
	}
	if err := a.checkMessage(t, message); err != nil {
		return err
	}
	v, ok := p.impl.(verifier)
	if !ok {
		return unsupported(p.row.spec, name)
	}
	if !v.verify(a, t, message, signature) {
		return ErrInvalidSignature
	}
	return nil
}

// Encrypt encrypts plaintext with RSAES-OAEP or SM2PKE. Errors:
// *MessageTooLongError, ErrUnsupportedAlgorithm, ErrNotApproved.
func (p *PublicKey) Encrypt(name Algorithm, plaintext []byte) ([]byte, error) {
	a, err := p.row.algorithm(EncryptDecrypt, name)
	if err != nil {
		return nil, err
	}
	e, ok := p.impl.(encrypter)
	if !ok {
		return nil, unsupported(p.row.spec, name)
	}
	if limit, _ := MaxPlaintext(p.row.spec, name); len(plaintext) > limit {
		return nil, &MessageTooLongError{Spec: p.row.spec, Algorithm: name, Limit: limit}
	}
	ciphertext, err := e.encrypt(a, plaintext)
	if err != nil {
		return nil, fmt.Errorf("encrypt with %s: %w", name, err)
	}
	return ciphertext, nil
}
