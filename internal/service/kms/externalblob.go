package kms

import (
	"crypto/sha256"

	"fastness/internal/engine/envelope"
	"fastness/internal/engine/xks"
)

// The blob of a key in an external key store, version 2 (version 1 is package
// envelope's):
//
//	offset     bytes  field
//	0          1      version, 0x02
//	1          1      algorithm, 0x01 = envelope version 1, sealed again by the proxy
//	2          16     key reference
//	18         1      i, length of the proxy's initialization vector: 12 or 16
//	19         1      m, length of the proxy's metadata: 0 to 20
//	20         i      initialization vector
//	20+i       m      metadata
//	20+i+m     16     tag
//	36+i+m     n      the envelope blob, encrypted by the proxy
//
// The longest, of 4096 bytes of plaintext, has 4262.
const (
	externalVersion   = 0x02
	externalAlgorithm = 0x01
	externalFixed     = 2 + envelope.KeyRefSize + 2
)

// externalAAD is the additional data for the proxy: what stands in front of the blob,
// and the hash of the encryption context in its canonical form. The context itself
// stays here: the proxy has no use for it, and contexts can be longer than the 8,192
// bytes that the protocol has room for.
func externalAAD(ref [envelope.KeyRefSize]byte, context map[string]string) []byte {
	aad := make([]byte, 0, 2+len(ref)+sha256.Size)
	aad = append(append(aad, externalVersion, externalAlgorithm), ref[:]...)
	sum := sha256.Sum256(envelope.AppendContext(nil, context))
	return append(aad, sum[:]...)
}

func appendExternalBlob(ref [envelope.KeyRefSize]byte, s *xks.Sealed) []byte {
	blob := make([]byte, 0, externalFixed+len(s.IV)+len(s.Metadata)+len(s.Tag)+len(s.Ciphertext))
	blob = append(append(blob, externalVersion, externalAlgorithm), ref[:]...)
	// The client has checked that the lengths fit a byte.
	blob = append(blob, byte(len(s.IV)), byte(len(s.Metadata)))
	blob = append(append(blob, s.IV...), s.Metadata...)
	return append(append(blob, s.Tag...), s.Ciphertext...)
}

// parseExternalBlob takes a blob from outside apart. The parts alias it.
func parseExternalBlob(blob []byte) (ref [envelope.KeyRefSize]byte, s xks.Sealed, err error) {
	if len(blob) < externalFixed || len(blob) > envelope.MaxBlob || blob[0] != externalVersion || blob[1] != externalAlgorithm {
		return ref, s, envelope.ErrInvalidCiphertext
	}
	iv, metadata := int(blob[externalFixed-2]), int(blob[externalFixed-1])
	rest := blob[externalFixed:]
	n := len(rest) - iv - metadata - xks.TagBytes
	if iv != 12 && iv != 16 || metadata > xks.MaxCiphertextMetadataBytes || n < 1 || n > xks.MaxPlaintextBytes {
		return ref, s, envelope.ErrInvalidCiphertext
	}
	copy(ref[:], blob[2:])
	s.IV, rest = rest[:iv:iv], rest[iv:]
	s.Metadata, rest = rest[:metadata:metadata], rest[metadata:]
	s.Tag, s.Ciphertext = rest[:xks.TagBytes:xks.TagBytes], rest[xks.TagBytes:]
	return ref, s, nil
}

// blobKeyRef reads which key a blob asks for, whatever its version.
func blobKeyRef(blob []byte) (ref [envelope.KeyRefSize]byte, err error) {
	if ref, _, err = parseExternalBlob(blob); err == nil {
		return ref, nil
	}
	h, err := envelope.ParseHeader(blob)
	return h.KeyRef, err
}
