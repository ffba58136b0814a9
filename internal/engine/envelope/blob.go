package envelope

import (
	"errors"
)

// The layout of version 1; see the package comment.
const (
	version1        = 0x01
	algorithmAESGCM = 0x01

	// KeyRefSize is the length of a key reference, in bytes.
	KeyRefSize = 16
	// MaterialIDSize is the length of a key material id, in bytes; AWS shows it
	// as 64 hexadecimal digits.
	MaterialIDSize = 32

	nonceSize  = 16
	ivSize     = 12
	tagSize    = 16
	headerSize = 2 + KeyRefSize + MaterialIDSize + nonceSize

	// Overhead is what a blob is longer than its plaintext, in bytes.
	Overhead = headerSize + ivSize + tagSize

	// MaxBlob is the longest blob, in bytes: the limit of CiphertextBlob in the
	// AWS KMS API.
	MaxBlob = 6144
	// MaxPlaintext is the longest plaintext, in bytes. The API allows callers
	// 4096; private keys of GenerateDataKeyPair and external key stores are
	// sealed here too.
	MaxPlaintext = MaxBlob - Overhead
)

// The errors of this package.
var (
	// ErrInvalidCiphertext: the blob is not one of ours, was changed, or does
	// not belong to this material or encryption context. It never says which.
	ErrInvalidCiphertext = errors.New("invalid ciphertext")
	// ErrPlaintextTooLong: more than MaxPlaintext bytes.
	ErrPlaintextTooLong = errors.New("plaintext too long")
	// ErrInvalidKey: key material that is not 32 bytes.
	ErrInvalidKey = errors.New("key material is not 32 bytes")
)

// Header says which key and which of its materials sealed a blob. It is not
// authenticated until the blob is opened: authorize on the key it leads to, never
// on what the caller claims about it.
type Header struct {
	KeyRef     [KeyRefSize]byte
	MaterialID [MaterialIDSize]byte
}

// ParseHeader reads the header of a blob that came from outside. Blobs of
// another version, too short or too long are ErrInvalidCiphertext.
func ParseHeader(blob []byte) (Header, error) {
	var h Header
	if len(blob) < Overhead || len(blob) > MaxBlob || blob[0] != version1 || blob[1] != algorithmAESGCM {
		return h, ErrInvalidCiphertext
	}
	copy(h.KeyRef[:], blob[2:])
	copy(h.MaterialID[:], blob[2+KeyRefSize:])
	return h, nil
}

// appendHeader appends the header with room for the nonce at its end.
func appendHeader(dst []byte, h *Header) []byte {
	dst = append(dst, version1, algorithmAESGCM)
	dst = append(dst, h.KeyRef[:]...)
	dst = append(dst, h.MaterialID[:]...)
	return append(dst, make([]byte, nonceSize)...)
}
