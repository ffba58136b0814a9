package clients

import (
	"crypto/aes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// importSymmetric imports material into a key, as its owner would.
func importSymmetric(t *testing.T, keyID string, material []byte) *kms.ImportKeyMaterialOutput {
	t.Helper()
	in := wrapOAEP(t, keyID, material)
	return must[*kms.ImportKeyMaterialOutput](t)(kmsClient().ImportKeyMaterial(t.Context(), in))
}

// wrapOAEP fetches the parameters of an import and wraps short material.
func wrapOAEP(t *testing.T, keyID string, material []byte) *kms.ImportKeyMaterialInput {
	t.Helper()
	parameters, public := importParameters(t, keyID, types.AlgorithmSpecRsaesOaepSha256)
	wrapped := must[[]byte](t)(rsa.EncryptOAEP(sha256.New(), rand.Reader, public, material, nil))
	return &kms.ImportKeyMaterialInput{
		KeyId: &keyID, ImportToken: parameters.ImportToken, EncryptedKeyMaterial: wrapped,
		ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
	}
}

func importParameters(t *testing.T, keyID string, algorithm types.AlgorithmSpec) (*kms.GetParametersForImportOutput, *rsa.PublicKey) {
	t.Helper()
	parameters := must[*kms.GetParametersForImportOutput](t)(kmsClient().GetParametersForImport(t.Context(), &kms.GetParametersForImportInput{
		KeyId: &keyID, WrappingAlgorithm: algorithm, WrappingKeySpec: types.WrappingKeySpecRsa2048,
	}))
	public, ok := must[any](t)(x509.ParsePKIXPublicKey(parameters.PublicKey)).(*rsa.PublicKey)
	if !ok {
		t.Fatal("the wrapping key is not RSA")
	}
	return parameters, public
}

// importPrivateKey makes a key with origin EXTERNAL from a PKCS #8 private key, by
// RSA_AES_KEY_WRAP_SHA_256: the material under a fresh AES key by RFC 5649, and that
// one under the RSA key.
func importPrivateKey(t *testing.T, spec types.KeySpec, usage types.KeyUsageType, pkcs8 []byte) (*kmsKey, error) {
	t.Helper()
	k := createKey(t, &kms.CreateKeyInput{Origin: types.OriginTypeExternal, KeySpec: spec, KeyUsage: usage})
	parameters, public := importParameters(t, k.id, types.AlgorithmSpecRsaAesKeyWrapSha256)
	aesKey := randomBytes(32)
	wrapped := must[[]byte](t)(rsa.EncryptOAEP(sha256.New(), rand.Reader, public, aesKey, nil))
	_, err := kmsClient().ImportKeyMaterial(t.Context(), &kms.ImportKeyMaterialInput{
		KeyId: &k.id, ImportToken: parameters.ImportToken, EncryptedKeyMaterial: append(wrapped, wrapWithPadding(aesKey, pkcs8)...),
		ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
	})
	return k, err
}

// wrapWithPadding is the AES key wrap with padding of RFC 5649, for more than eight
// bytes.
func wrapWithPadding(key, plaintext []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	n := (len(plaintext) + 7) / 8
	out := make([]byte, 8+8*n)
	copy(out[8:], plaintext)
	var b [16]byte
	copy(b[:4], "\xa6\x59\x59\xa6")
	binary.BigEndian.PutUint32(b[4:8], uint32(len(plaintext)))
	for j := range 6 {
		for i := 1; i <= n; i++ {
			copy(b[8:], out[8*i:])
			block.Encrypt(b[:], b[:])
			binary.BigEndian.PutUint64(b[:8], binary.BigEndian.Uint64(b[:8])^uint64(n*j+i))
			copy(out[8*i:], b[8:])
		}
	}
	copy(out, b[:8])
	return out
}
