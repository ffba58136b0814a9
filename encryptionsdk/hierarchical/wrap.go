package hierarchical

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"

	"fastness/encryptionsdk/internal/counterkdf"
)

// ProviderID is the provider of data keys that branch keys wrap.
const ProviderID = "aws-kms-hierarchy"

// A wrapped data key is salt, IV, version of the branch key, encrypted key and tag.
const (
	saltLen    = 16
	ivLen      = 12
	versionLen = 16
	tagLen     = 16
	overhead   = saltLen + ivLen + versionLen + tagLen
)

// wrap encrypts a data key under a key derived from a branch key. context is the serialized
// encryption context.
func wrap(material []byte, id string, version [16]byte, context, dataKey []byte) ([]byte, error) {
	out := make([]byte, saltLen, overhead+len(dataKey))
	rand.Read(out) // never fails (crypto/rand)
	aead, err := wrappingCipher(material, out)
	if err != nil {
		return nil, err
	}
	sealed := aead.Seal(nil, nil, dataKey, wrappingAAD(id, version, context))
	out = append(out, sealed[:ivLen]...)
	out = append(out, version[:]...)
	return append(out, sealed[ivLen:]...), nil
}

var errWrapping = errors.New("wrapped data key is truncated")

// wrappedVersion reads which version of the branch key a data key was wrapped under.
func wrappedVersion(wrapped []byte) (version [16]byte, err error) {
	if len(wrapped) < overhead {
		return version, errWrapping
	}
	return [16]byte(wrapped[saltLen+ivLen:]), nil
}

// unwrap is the inverse of wrap.
func unwrap(material []byte, id string, context, wrapped []byte) ([]byte, error) {
	version, err := wrappedVersion(wrapped)
	if err != nil {
		return nil, err
	}
	aead, err := wrappingCipher(material, wrapped[:saltLen])
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, 0, len(wrapped)-saltLen-versionLen)
	sealed = append(sealed, wrapped[saltLen:saltLen+ivLen]...)
	sealed = append(sealed, wrapped[saltLen+ivLen+versionLen:]...)
	return aead.Open(nil, nil, sealed, wrappingAAD(id, version, context))
}

// wrappingCipher is AES-256-GCM under the key derived for a salt; it makes and reads IVs in
// front of the ciphertext.
func wrappingCipher(material, salt []byte) (cipher.AEAD, error) {
	derived := counterkdf.Derive(sha256.New, material, []byte(ProviderID), salt, 32)
	defer clear(derived)
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func wrappingAAD(id string, version [16]byte, context []byte) []byte {
	b := make([]byte, 0, len(ProviderID)+len(id)+len(version)+len(context))
	b = append(b, ProviderID...)
	b = append(b, id...)
	b = append(b, version[:]...)
	return append(b, context...)
}
