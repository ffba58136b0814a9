package rate

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
)

// Key identifies what is counted.
type Key [16]byte

// AddressKey returns the key of an address: the address itself, IPv4 in its mapped form. The zone
// does not count.
func AddressKey(a netip.Addr) Key { return a.As16() }

// Address returns the address that AddressKey was given.
func (k Key) Address() netip.Addr { return netip.AddrFrom16(k).Unmap() }

// Hasher makes keys of byte strings under a secret of its own: nobody without it can choose strings
// whose keys collide. Safe for concurrent use.
type Hasher struct{ k0, k1 uint64 }

// SecretSize is the length of a Hasher's secret in bytes.
const SecretSize = 16

// NewHasher returns a hasher with a new secret.
func NewHasher() *Hasher {
	var secret [SecretSize]byte
	_, _ = rand.Read(secret[:]) // never fails
	return NewHasherWith(secret[:])
}

// NewHasherWith returns a hasher with a secret of SecretSize bytes: processes with the same one
// make the same keys, and can add their counts up.
func NewHasherWith(secret []byte) *Hasher {
	return &Hasher{binary.LittleEndian.Uint64(secret), binary.LittleEndian.Uint64(secret[8:SecretSize])}
}

// Key returns the key of b. The caller writes the parts of a composite key so that no two
// different lists of parts give the same bytes.
func (h *Hasher) Key(b []byte) Key { return sipHash(h.k0, h.k1, b) }
