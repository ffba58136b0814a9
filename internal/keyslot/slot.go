package keyslot

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
)

const (
	pageBytes    = 4096
	copyBytes    = 128
	slotsPerPage = pageBytes / copyBytes
	groupBytes   = 2 * pageBytes
	kekBytes     = 32
	// sealedBytes is a KEK as the AEAD seals it: format, version, XAES nonce and tag.
	sealedBytes = kekBytes + 45
	ownerBytes  = 24
	// MaxSlots bounds the file to 4 GiB.
	MaxSlots = 1 << 24
	// MaxOwnerBytes bounds the name of an owner.
	MaxOwnerBytes = 1024
)

// Places in a copy.
const (
	offMagic   = 0
	offState   = 1
	offSeq     = 4
	offGen     = 8
	offOwner   = 16
	offSealed  = offOwner + ownerBytes
	offPadding = offSealed + sealedBytes
	offSum     = copyBytes - 4
)

const copyMagic = 'S'

// state of a slot or of one copy.
type state uint8

const (
	free state = iota
	live
	shredding
	invalid // a copy: damaged; a slot: both copies damaged
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// SlotID names one allocation of a slot. A slot that is used again gets another
// generation, so an old SlotID never opens a new owner's key.
type SlotID struct {
	Index      uint32
	Generation uint64
}

// ErrSlotID: not the text or bytes of a SlotID.
var ErrSlotID = errors.New("keyslot: malformed slot identifier")

// String is the index in decimal, a hyphen and the generation in 16 hex digits.
func (id SlotID) String() string { return fmt.Sprintf("%d-%016x", id.Index, id.Generation) }

// MarshalText is String.
func (id SlotID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote, or returns ErrSlotID.
func (id *SlotID) UnmarshalText(text []byte) error {
	a, b, ok := strings.Cut(string(text), "-")
	index, err1 := strconv.ParseUint(a, 10, 32)
	gen, err2 := strconv.ParseUint(b, 16, 64)
	got := SlotID{Index: uint32(index), Generation: gen}
	if !ok || err1 != nil || err2 != nil || got.String() != string(text) {
		return ErrSlotID
	}
	*id = got
	return nil
}

// IsZero reports whether id names nothing.
func (id SlotID) IsZero() bool { return id.Generation == 0 }

// image is one copy, decoded.
type image struct {
	state  state
	seq    uint32
	gen    uint64
	owner  [ownerBytes]byte
	sealed [sealedBytes]byte
}

// ownerHash stands for an owner in the file.
func ownerHash(owner string) [ownerBytes]byte {
	sum := sha256.Sum256([]byte("fastness keyslot owner\x00" + owner))
	return [ownerBytes]byte(sum[:])
}

// encode writes the copy of slot index into b (copyBytes).
func (m *image) encode(b []byte, index uint32) {
	clear(b)
	if m.state == free {
		return
	}
	b[offMagic] = copyMagic
	b[offState] = byte(m.state)
	binary.BigEndian.PutUint32(b[offSeq:], m.seq)
	binary.BigEndian.PutUint64(b[offGen:], m.gen)
	copy(b[offOwner:], m.owner[:])
	copy(b[offSealed:], m.sealed[:])
	binary.BigEndian.PutUint32(b[offSum:], checksum(b, index))
}

// decodeImage reads the copy of slot index; what is not a copy has state invalid.
func decodeImage(b []byte, index uint32) image {
	if [copyBytes]byte(b) == [copyBytes]byte{} {
		return image{state: free}
	}
	m := image{
		state:  state(b[offState]),
		seq:    binary.BigEndian.Uint32(b[offSeq:]),
		gen:    binary.BigEndian.Uint64(b[offGen:]),
		owner:  [ownerBytes]byte(b[offOwner:]),
		sealed: [sealedBytes]byte(b[offSealed:]),
	}
	if b[offMagic] != copyMagic || (m.state != live && m.state != shredding) || m.gen == 0 ||
		binary.BigEndian.Uint32(b[offSum:]) != checksum(b, index) {
		return image{state: invalid}
	}
	for _, c := range append(b[2:4:4], b[offPadding:offSum]...) {
		if c != 0 {
			return image{state: invalid}
		}
	}
	return m
}

func checksum(b []byte, index uint32) uint32 {
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], index)
	return crc32.Update(crc32.Checksum(n[:], castagnoli), castagnoli, b[:offSum])
}

// offset is the place of copy c (0 for A, 1 for B) of a slot.
func offset(index uint32, c int) int64 {
	group, in := int64(index/slotsPerPage), int64(index%slotsPerPage)
	return pageBytes + group*groupBytes + int64(c)*pageBytes + in*copyBytes
}

// resolve decides what a slot is from its two copies, and which copies must be
// written again to say so.
func resolve(a, b image) (m image, repair [2]bool) {
	switch {
	case a.state == shredding || b.state == shredding:
		if a.state != shredding {
			a = b
		}
		return image{state: shredding, gen: a.gen}, [2]bool{}
	case a.state == live && b.state == live && a.gen == b.gen:
		if b.seq > a.seq {
			return b, [2]bool{true, false}
		}
		return a, [2]bool{false, a.seq > b.seq}
	case a.state == live && b.state == live:
		return image{state: invalid}, [2]bool{} // no sequence of writes leads here
	case a.state == live:
		return a, [2]bool{false, true}
	case b.state == live:
		return b, [2]bool{true, false}
	case a.state == free || b.state == free:
		return image{state: free}, [2]bool{a.state != free, b.state != free}
	default:
		return image{state: invalid}, [2]bool{}
	}
}
