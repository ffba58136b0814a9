package pebble

import (
	"bytes"
	"encoding/binary"

	"fastness/internal/store"

	lsm "github.com/cockroachdb/pebble/v2"
)

// The first byte of a key names the space it lies in.
const (
	spaceLog   = 'c' // change log: one record for each group of commits
	spaceData  = 'd' // versions of user keys
	spaceLease = 'l' // fencing tokens of leases
	spaceMeta  = 'm' // the engine's own state
)

// A key ends with one byte that counts the bytes of its version, itself included:
// plainEnd (no version) or versionEnd.
const (
	plainEnd   = 0x00
	versionEnd = 0x09
	// versionLen is the eight bytes of the inverted revision and versionEnd.
	versionLen = 9
)

// The first byte of a stored value.
const (
	valueLive    = 0x01 // the user's bytes follow
	valueDeleted = 0x00 // the key was deleted at this revision
)

// plainKey is the key of name in a space that has no versions. For spaceData it is
// the prefix of all versions of name, and sorts before them.
func plainKey(dst []byte, space byte, name []byte) []byte {
	dst = append(dst, space)
	dst = append(dst, name...)
	return append(dst, plainEnd)
}

// versionKey is the key of the version of name written at rev.
func versionKey(dst, name []byte, rev store.Revision) []byte {
	dst = plainKey(dst, spaceData, name)
	dst = binary.BigEndian.AppendUint64(dst, ^uint64(rev))
	return append(dst, versionEnd)
}

// splitVersion takes a key of spaceData apart. ok is false for a key that is not a
// well-formed version.
func splitVersion(key []byte) (name []byte, rev store.Revision, ok bool) {
	n := len(key) - versionLen
	if n < 2 || key[0] != spaceData || key[len(key)-1] != versionEnd || key[n-1] != plainEnd {
		return nil, 0, false
	}
	return key[1 : n-1], store.Revision(^binary.BigEndian.Uint64(key[n : n+8])), true
}

// logKey is the key of the change log record whose last commit is rev.
func logKey(dst []byte, rev store.Revision) []byte {
	dst = append(dst, spaceLog)
	dst = binary.BigEndian.AppendUint64(dst, uint64(rev))
	return append(dst, plainEnd)
}

// spaceBounds are the bounds of an iterator over one space.
func spaceBounds(space byte) *lsm.IterOptions {
	return &lsm.IterOptions{LowerBound: []byte{space, plainEnd}, UpperBound: []byte{space + 1, plainEnd}}
}

// splitKey tells the tree where the prefix of a key ends and its version begins.
func splitKey(key []byte) int {
	n := len(key)
	if n == 0 {
		return 0
	}
	v := int(key[n-1])
	if v > n {
		return n
	}
	return n - v
}

func compareKeys(a, b []byte) int {
	an, bn := splitKey(a), splitKey(b)
	if c := bytes.Compare(a[:an], b[:bn]); c != 0 {
		return c
	}
	return bytes.Compare(a[an:], b[bn:])
}

// newComparer orders keys by name and, within a name, from the newest version to the
// oldest. The name is part of the stored format.
func newComparer() *lsm.Comparer {
	return &lsm.Comparer{
		Name:                 "fastness.versions.1",
		Split:                splitKey,
		Compare:              compareKeys,
		Equal:                bytes.Equal,
		ComparePointSuffixes: bytes.Compare,
		CompareRangeSuffixes: bytes.Compare,
		AbbreviatedKey: func(key []byte) uint64 {
			return lsm.DefaultComparer.AbbreviatedKey(key[:splitKey(key)])
		},
		FormatKey: lsm.DefaultComparer.FormatKey,
		// A shorter separator would have to end in a valid version length; the key
		// itself always does.
		Separator:          func(dst, a, _ []byte) []byte { return append(dst, a...) },
		Successor:          func(dst, a []byte) []byte { return append(dst, a...) },
		ImmediateSuccessor: func(dst, a []byte) []byte { return append(append(dst, a...), plainEnd) },
	}
}
