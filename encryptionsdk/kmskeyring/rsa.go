package kmskeyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" // OAEP with SHA-1 is one of the two algorithms of KMS; it does not rest on collisions
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"errors"
	"fmt"
	"hash"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/internal/datakey"
)

// RSAProviderID is the provider of data keys that RSA keys of KMS wrap.
const RSAProviderID = "aws-kms-rsa"

// RSAKeyring wraps data keys under the public half of an RSA key whose private half is in
// KMS. RSA takes no associated data: a SHA-384 digest of the encryption context is encrypted
// with the data key.
type RSAKeyring struct {
	client    Decrypter
	keyID     string
	arn       keyARN
	public    *rsa.PublicKey
	algorithm types.EncryptionAlgorithmSpec
	grants    []string
}

var _ encryptionsdk.Keyring = (*RSAKeyring)(nil)

// NewRSA returns a keyring for the RSA key with an ARN. public is its public key, which
// GetRSAPublicKey tells; without it (nil) the keyring only decrypts. Without a client (nil)
// it only encrypts. algorithm is RSAES_OAEP_SHA_256 or RSAES_OAEP_SHA_1. It fails with
// ErrOptions, also for moduli below 2048 bits.
func NewRSA(client Decrypter, keyID string, public *rsa.PublicKey, algorithm types.EncryptionAlgorithmSpec, grantTokens ...string) (*RSAKeyring, error) {
	arn, err := checkKeyARN(keyID)
	if err != nil {
		return nil, err
	}
	switch {
	case client == nil && public == nil:
		return nil, fmt.Errorf("%w: KMS RSA needs a client or a public key", encryptionsdk.ErrOptions)
	case public != nil && (public.N == nil || public.N.BitLen() < 2048):
		return nil, fmt.Errorf("%w: RSA keys need at least 2048 bits", encryptionsdk.ErrOptions)
	case algorithm != types.EncryptionAlgorithmSpecRsaesOaepSha1 && algorithm != types.EncryptionAlgorithmSpecRsaesOaepSha256:
		return nil, fmt.Errorf("%w: KMS RSA with algorithm %q", encryptionsdk.ErrOptions, algorithm)
	}
	if err := checkGrants(grantTokens); err != nil {
		return nil, err
	}
	return &RSAKeyring{client: client, keyID: keyID, arn: arn, public: public, algorithm: algorithm, grants: slices.Clone(grantTokens)}, nil
}

var (
	errSigned    = errors.New("KMS RSA refuses suites that sign")
	errNoPublic  = errors.New("no public key to encrypt with")
	errNoClient  = errors.New("no KMS client to decrypt with")
	errRSADigest = errors.New("data key was wrapped for another encryption context")
)

// OnEncrypt implements encryptionsdk.Keyring. It does not call KMS.
func (k *RSAKeyring) OnEncrypt(_ context.Context, m *encryptionsdk.EncryptionMaterials) error {
	if k.public == nil {
		return fmt.Errorf("aws-kms-rsa: %w: %w", encryptionsdk.ErrMaterials, errNoPublic)
	}
	key, err := datakey.Get(m)
	if err != nil {
		return fmt.Errorf("aws-kms-rsa: %w", err)
	}
	if m.Suite.Signs() {
		datakey.Drop(m, key)
		return fmt.Errorf("aws-kms-rsa: %w: %w", encryptionsdk.ErrMaterials, errSigned)
	}
	digest, err := contextDigest(m.EncryptionContext)
	if err != nil {
		datakey.Drop(m, key)
		return fmt.Errorf("aws-kms-rsa: %w", err)
	}
	plaintext := slices.Concat(digest, key)
	defer clear(plaintext)
	var h hash.Hash = sha256.New()
	if k.algorithm == types.EncryptionAlgorithmSpecRsaesOaepSha1 {
		h = sha1.New()
	}
	wrapped, err := rsa.EncryptOAEP(h, rand.Reader, k.public, plaintext, nil)
	if err != nil {
		datakey.Drop(m, key)
		return fmt.Errorf("aws-kms-rsa: %w: %w", encryptionsdk.ErrMaterials, err)
	}
	return datakey.Put(m, key, encryptionsdk.EncryptedDataKey{ProviderID: RSAProviderID, ProviderInfo: []byte(k.keyID), Ciphertext: wrapped})
}

// OnDecrypt implements encryptionsdk.Keyring. Replicas of a multi-Region key count as the
// key; the configured one is called.
func (k *RSAKeyring) OnDecrypt(ctx context.Context, m *encryptionsdk.DecryptionMaterials, keys []encryptionsdk.EncryptedDataKey) error {
	if k.client == nil {
		return fmt.Errorf("aws-kms-rsa: %w: %w", encryptionsdk.ErrNoDataKey, errNoClient)
	}
	if m != nil && m.Suite != nil && m.Suite.Signs() && m.PlaintextDataKey == nil {
		return fmt.Errorf("aws-kms-rsa: %w: %w", encryptionsdk.ErrNoDataKey, errSigned)
	}
	err := datakey.Open(ctx, m, keys, func(edk *encryptionsdk.EncryptedDataKey) ([]byte, error) {
		if edk.ProviderID != RSAProviderID {
			return nil, datakey.ErrForeign
		}
		a, err := parseMessageARN(edk.ProviderInfo)
		if err != nil {
			return nil, err
		}
		if !sameKey(a, k.arn) {
			return nil, datakey.ErrForeign
		}
		digest, err := contextDigest(m.EncryptionContext)
		if err != nil {
			return nil, err
		}
		out, err := k.client.Decrypt(ctx, &kms.DecryptInput{
			KeyId:               &k.keyID,
			CiphertextBlob:      edk.Ciphertext,
			EncryptionAlgorithm: k.algorithm,
			GrantTokens:         k.grants,
		})
		if err != nil {
			return nil, err
		}
		defer clear(out.Plaintext)
		if out.KeyId == nil || *out.KeyId != k.keyID {
			return nil, fmt.Errorf("%w: KMS used another key than %q", encryptionsdk.ErrMaterials, k.keyID)
		}
		if len(out.Plaintext) < len(digest) || subtle.ConstantTimeCompare(out.Plaintext[:len(digest)], digest) != 1 {
			return nil, errRSADigest
		}
		return bytes.Clone(out.Plaintext[len(digest):]), nil
	})
	if err != nil {
		return fmt.Errorf("aws-kms-rsa: %w", err)
	}
	return nil
}

func contextDigest(ec encryptionsdk.EncryptionContext) ([]byte, error) {
	serialized, err := ec.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	digest := sha512.Sum384(serialized)
	return digest[:], nil
}

// GetRSAPublicKey asks KMS for the public half of an RSA key for encryption, for NewRSA.
func GetRSAPublicKey(ctx context.Context, client PublicKeyGetter, keyID string, grantTokens ...string) (*rsa.PublicKey, error) {
	key, err := publicKey(ctx, client, keyID, types.KeyUsageTypeEncryptDecrypt, grantTokens)
	if err != nil {
		return nil, err
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: KMS key %q is not an RSA key", encryptionsdk.ErrOptions, keyID)
	}
	return public, nil
}

// publicKey fetches a public key and checks which key it belongs to and what it is for.
func publicKey(ctx context.Context, client PublicKeyGetter, keyID string, usage types.KeyUsageType, grants []string) (any, error) {
	if client == nil {
		return nil, fmt.Errorf("%w: no KMS client", encryptionsdk.ErrOptions)
	}
	if err := checkKeyID(keyID); err != nil {
		return nil, err
	}
	out, err := client.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &keyID, GrantTokens: grants})
	if err != nil {
		return nil, fmt.Errorf("public key of %q: %w", keyID, err)
	}
	if a, err := parseARN(keyID); err == nil && a.kind == "key" && (out.KeyId == nil || *out.KeyId != keyID) {
		return nil, fmt.Errorf("%w: KMS gave the public key of another key than %q", encryptionsdk.ErrMaterials, keyID)
	}
	if out.KeyUsage != usage {
		return nil, fmt.Errorf("%w: KMS key %q is for %s, not %s", encryptionsdk.ErrOptions, keyID, out.KeyUsage, usage)
	}
	key, err := x509.ParsePKIXPublicKey(out.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("%w: public key of %q: %w", encryptionsdk.ErrMaterials, keyID, err)
	}
	return key, nil
}
