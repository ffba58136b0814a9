package keyalg

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"errors"
	"testing"
)

// countedMAC is an HMAC in ordinary memory that counts how often it is destroyed.
type countedMAC struct {
	hash      crypto.Hash
	key       []byte
	destroyed int
}

func (m *countedMAC) Sum(dst, message []byte) ([]byte, error) {
	h := hmac.New(m.hash.New, m.key)
	h.Write(message)
	return h.Sum(dst), nil
}

func (m *countedMAC) Destroy() { m.destroyed++ }

func TestOpenMACIsTheSameKey(t *testing.T) {
	for _, spec := range []Spec{HMAC224, HMAC256, HMAC384, HMAC512} {
		bare := testKeys()[spec]
		material, err := bare.Material()
		if err != nil {
			t.Fatal(err)
		}
		held := &countedMAC{}
		key, err := OpenMAC(spec, material, func(h crypto.Hash, key []byte) (MAC, error) {
			held.hash, held.key = h, bytes.Clone(key)
			return held, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		clear(material)
		name, message := spec.Algorithms(GenerateVerifyMAC)[0], []byte("message")
		want, err := bare.MAC(name, message)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := key.MAC(name, message); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, %v", spec, got, err)
		}
		if err := key.VerifyMAC(name, message, want); err != nil {
			t.Errorf("%s: %v", spec, err)
		}
		if err := key.VerifyMAC(name, message, want[1:]); !errors.Is(err, ErrInvalidMAC) {
			t.Errorf("%s: a truncated MAC: %v", spec, err)
		}
		if _, err := key.Material(); !errors.Is(err, ErrUnsupportedAlgorithm) {
			t.Errorf("%s: Material: %v", spec, err)
		}
		if _, err := key.Public(); !errors.Is(err, ErrUnsupportedAlgorithm) {
			t.Errorf("%s: Public: %v", spec, err)
		}
		key.Destroy()
		key.Destroy()
		if _, err := key.MAC(name, message); !errors.Is(err, ErrDestroyed) || held.destroyed != 1 {
			t.Errorf("%s: destroyed %d times, then %v", spec, held.destroyed, err)
		}
	}
}

func TestOpenMACRefuses(t *testing.T) {
	keyed := func(crypto.Hash, []byte) (MAC, error) { return nil, ErrDestroyed }
	for _, c := range []struct {
		spec Spec
		size int
		want error
	}{
		{P256, 32, ErrUnknownSpec}, {SymmetricDefault, 32, ErrUnknownSpec}, {"X", 32, ErrUnknownSpec},
		{HMAC256, 31, ErrInvalidMaterial}, {HMAC256, 129, ErrInvalidMaterial}, {HMAC256, 32, ErrDestroyed},
	} {
		if _, err := OpenMAC(c.spec, make([]byte, c.size), keyed); !errors.Is(err, c.want) {
			t.Errorf("%s with %d bytes: %v", c.spec, c.size, err)
		}
	}
}
