package hierarchical

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
)

// BranchKeyLen is the length of a branch key in bytes.
const BranchKeyLen = 32

// BranchKey is one version of a branch key.
type BranchKey struct {
	ID       string
	Version  string // a UUID in its 36 characters, lower case
	Material []byte // BranchKeyLen bytes; the receiver's, who wipes it
}

// BranchKeyStore finds branch keys. It must be safe for use by several goroutines.
type BranchKeyStore interface {
	// ActiveBranchKey returns the version that encrypts.
	ActiveBranchKey(ctx context.Context, id string) (*BranchKey, error)
	// BranchKeyVersion returns one version, active or not.
	BranchKeyVersion(ctx context.Context, id, version string) (*BranchKey, error)
}

// ErrNoBranchKey says that a branch key, or that version of it, does not exist.
var ErrNoBranchKey = errors.New("no such branch key")

// newVersion makes a version 4 UUID (RFC 9562).
func newVersion() string {
	var u [16]byte
	rand.Read(u[:]) // never fails (crypto/rand)
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return formatVersion(u)
}

func formatVersion(u [16]byte) string {
	s := hex.EncodeToString(u[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// parseVersion reads what formatVersion writes, and nothing else.
func parseVersion(s string) (u [16]byte, ok bool) {
	if len(s) != 36 {
		return u, false
	}
	if _, err := hex.Decode(u[:], []byte(s[:8]+s[9:13]+s[14:18]+s[19:23]+s[24:])); err != nil {
		return u, false
	}
	return u, formatVersion(u) == s
}
