package rate

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
)

// Key identifies what is counted.
type Key [16]byte

// AddressKey returns the key of an address: the address itself, IPv4 in its mapped form. The zone
// does not count.
func AddressKey(a netip.Addr) Key { return a.As16() }

// Address returns the address that AddressKey was given.
func (k Key) Address() netip.Addr { return netip.AddrFrom16(k).Unmap() }

// Hasher makes keys of byte strings with secrets of its own. Safe for concurrent use.
type Hasher struct {
	one, two maphash.Seed
}

// NewHasher returns a hasher with new secrets.
func NewHasher() *Hasher { return &Hasher{one: maphash.MakeSeed(), two: maphash.MakeSeed()} }

// Key returns the key of b. The caller writes the parts of a composite key so that no two
// different lists of parts give the same bytes.
func (h *Hasher) Key(b []byte) Key {
	var k Key
	binary.LittleEndian.PutUint64(k[:8], maphash.Bytes(h.one, b))
	binary.LittleEndian.PutUint64(k[8:], maphash.Bytes(h.two, b))
	return k
}
