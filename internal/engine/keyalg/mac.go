package keyalg

import (
	"crypto"
	"crypto/hmac"
	"fmt"
)

// MAC is HMAC under one key. It is safe for concurrent use. The key may be somewhere
// that this package knows nothing of, outside the Go heap for example.
type MAC interface {
	// Sum appends the MAC of message to dst.
	Sum(dst, message []byte) ([]byte, error)
	// Destroy overwrites the key.
	Destroy()
}

// OpenMAC is ParseMaterial for HMAC specs, with keyed to make the MAC of the material.
// It keeps no reference to material: the caller may wipe it at once. Such a key makes and
// verifies MACs; it does not give its material away again (ErrUnsupportedAlgorithm).
func OpenMAC(s Spec, material []byte, keyed func(h crypto.Hash, key []byte) (MAC, error)) (*Key, error) {
	row := lookup(s)
	if row == nil || row.family != familyHMAC {
		return nil, fmt.Errorf("%q is no HMAC spec: %w", s, ErrUnknownSpec)
	}
	if err := checkSpecApproved(row); err != nil {
		return nil, err
	}
	if !row.takesBare(len(material)) {
		return nil, fmt.Errorf("%s: %w", s, ErrInvalidMaterial)
	}
	mac, err := keyed(lookupAlgorithm(row.mac[0]).hash, material)
	if err != nil {
		return nil, fmt.Errorf("%s: key a MAC: %w", s, err)
	}
	return newKey(row, heldMAC{row, mac}), nil
}

// heldMAC is an HMAC key whose material is elsewhere.
type heldMAC struct {
	row *specInfo
	MAC
}

func (k heldMAC) public() publicHalf { return nil }
func (k heldMAC) wipe()              { k.Destroy() }

func (k heldMAC) material() ([]byte, error) {
	return nil, fmt.Errorf("the material of this %s key is not exported: %w", k.row.spec, ErrUnsupportedAlgorithm)
}

func (k heldMAC) mac(_ *algorithmInfo, message []byte) ([]byte, error) {
	return k.Sum(nil, message)
}

// VerifyMAC compares mac with the full-length HMAC of message in constant time
// and returns ErrInvalidMAC when they differ. Truncated MACs differ.
func (k *Key) VerifyMAC(name Algorithm, message, mac []byte) error {
	want, err := k.MAC(name, message)
	if err != nil {
		return fmt.Errorf("verify MAC: %w", err)
	}
	defer clear(want) // it would verify
	if !hmac.Equal(want, mac) {
		return ErrInvalidMAC
	}
	return nil
}
