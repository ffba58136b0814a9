package xks

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// DataIntegrityValue is the ciphertextDataIntegrityValue of appendix C: SHA-256
// over additional data, ciphertext metadata, IV, ciphertext and tag, in that order
// and without lengths. It detects accidents, not forgery.
func DataIntegrityValue(aad []byte, s Sealed) [sha256.Size]byte {
	h := sha256.New()
	for _, part := range [][]byte{aad, s.Metadata, s.IV, s.Ciphertext, s.Tag} {
		h.Write(part)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// BindMetadata is the additional data to give to AES-GCM: a two-byte big-endian
// length and aad, a one-byte length and metadata. The lengths keep the one from
// being taken for the other.
func BindMetadata(aad, metadata []byte) ([]byte, error) {
	if len(aad) > MaxAADBytes || len(metadata) > MaxCiphertextMetadataBytes {
		return nil, fmt.Errorf("%w: %d bytes of additional data and %d of metadata, at most %d and %d",
			ErrInput, len(aad), len(metadata), MaxAADBytes, MaxCiphertextMetadataBytes)
	}
	out := make([]byte, 0, 3+len(aad)+len(metadata))
	out = binary.BigEndian.AppendUint16(out, uint16(len(aad)))
	out = append(out, aad...)
	out = append(out, byte(len(metadata)))
	return append(out, metadata...), nil
}
