package k8skms

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"
)

// KMS is one symmetric key of a key service.
type KMS interface {
	// Encrypt wraps plaintext and binds it to encryptionContext. key is what it was
	// wrapped with; a service that does not tell the material leaves MaterialID empty.
	Encrypt(ctx context.Context, plaintext []byte, encryptionContext map[string]string) (blob []byte, key Key, err error)
	// Decrypt unwraps what Encrypt wrapped, also under former key material.
	Decrypt(ctx context.Context, blob []byte, encryptionContext map[string]string) (plaintext []byte, err error)
	// Describe tells the key and its current material. It fails if the key cannot
	// encrypt now, because it is disabled, say.
	Describe(ctx context.Context) (Key, error)
}

// Errors a KMS wraps so that the apiserver gets a fitting gRPC code. Any other
// error counts as "unavailable".
var (
	// ErrInvalidCiphertext: the blob is not of this key and context (InvalidArgument).
	ErrInvalidCiphertext = errors.New("ciphertext not valid for this key")
	// ErrDenied: the plugin's identity may not use the key (PermissionDenied).
	ErrDenied = errors.New("access to the key denied")
)

// Key is a key at one point of its rotations.
type Key struct {
	ARN        string
	MaterialID string
}

// ID is the key_id for Kubernetes: SHA-256 of ARN and material id, each with its
// length before it, as 64 hexadecimal digits.
func (k Key) ID() string {
	var buf []byte
	for _, part := range []string{k.ARN, k.MaterialID} {
		buf = binary.BigEndian.AppendUint64(buf, uint64(len(part)))
		buf = append(buf, part...)
	}
	sum := sha256.Sum256(buf)
	return hex.EncodeToString(sum[:])
}

// Clock is the time, as the plugin needs it.
type Clock interface {
	Now() time.Time
	// After delivers the time once, when d has passed; stop releases the timer.
	After(d time.Duration) (ch <-chan time.Time, stop func())
}
