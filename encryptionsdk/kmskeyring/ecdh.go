package kmskeyring

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/x509"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"fastness/encryptionsdk"
	"fastness/encryptionsdk/internal/datakey"
	"fastness/encryptionsdk/internal/ecdhwrap"
)

// ECDHProviderID is the provider of data keys that KMS ECDH keyrings wrap.
const ECDHProviderID = "aws-kms-ecdh"

// rawECDHProviderID marks data keys that a raw ECDH keyring wrapped in the same form.
const rawECDHProviderID = "raw-ecdh"

// ECDHKeyring wraps data keys under keys that two parties agree on. The private key of this
// party stays in KMS (key usage KEY_AGREEMENT).
type ECDHKeyring struct {
	client  SecretDeriver
	keyID   string
	arn     *keyARN // of keyID, or nil when that is no key ARN
	curve   ecdh.Curve
	name    string          // of the curve, in the derivation
	peer    *ecdh.PublicKey // nil in discovery
	own     []byte          // own public key, compressed
	another []byte          // peer's public key, compressed; nil in discovery
	grants  []string
}

var _ encryptionsdk.Keyring = (*ECDHKeyring)(nil)

// NewECDHStatic returns a keyring between the key of KMS that keyID names, with the public
// key own, and peer (KmsPrivateKeyToStaticPublicKey). It encrypts to peer and decrypts what
// either encrypted to the other. GetECDHPublicKey tells own. Both keys must be on one of
// the curves P-256, P-384, P-521. It fails with ErrOptions.
func NewECDHStatic(client SecretDeriver, keyID string, own, peer *ecdh.PublicKey, grantTokens ...string) (*ECDHKeyring, error) {
	if peer == nil {
		return nil, fmt.Errorf("%w: KMS ECDH needs the public key of the other party", encryptionsdk.ErrOptions)
	}
	return newECDH(client, keyID, own, peer, grantTokens)
}

// NewECDHDiscovery returns a keyring that decrypts what anybody encrypted to the key of KMS
// that keyID names, with the public key own (KmsPublicKeyDiscovery). It cannot encrypt.
func NewECDHDiscovery(client SecretDeriver, keyID string, own *ecdh.PublicKey, grantTokens ...string) (*ECDHKeyring, error) {
	return newECDH(client, keyID, own, nil, grantTokens)
}

func newECDH(client SecretDeriver, keyID string, own, peer *ecdh.PublicKey, grants []string) (*ECDHKeyring, error) {
	if client == nil {
		return nil, fmt.Errorf("%w: no KMS client", encryptionsdk.ErrOptions)
	}
	if err := checkKeyID(keyID); err != nil {
		return nil, err
	}
	if err := checkGrants(grants); err != nil {
		return nil, err
	}
	if own == nil {
		return nil, fmt.Errorf("%w: KMS ECDH needs the public key of %q", encryptionsdk.ErrOptions, keyID)
	}
	k := &ECDHKeyring{client: client, keyID: keyID, curve: own.Curve(), name: ecdhwrap.CurveName(own.Curve()), peer: peer, grants: slices.Clone(grants)}
	if k.name == "" {
		return nil, fmt.Errorf("%w: KMS ECDH on curve %v: only P-256, P-384 and P-521", encryptionsdk.ErrOptions, own.Curve())
	}
	if a, err := parseARN(keyID); err == nil && a.kind == "key" {
		k.arn = &a
	}
	k.own = ecdhwrap.Compress(own)
	if peer != nil {
		if peer.Curve() != own.Curve() {
			return nil, fmt.Errorf("%w: KMS ECDH keys are on different curves", encryptionsdk.ErrOptions)
		}
		k.another = ecdhwrap.Compress(peer)
	}
	return k, nil
}

// OnEncrypt implements encryptionsdk.Keyring. A discovery keyring fails.
func (k *ECDHKeyring) OnEncrypt(ctx context.Context, m *encryptionsdk.EncryptionMaterials) error {
	if k.peer == nil {
		return fmt.Errorf("aws-kms-ecdh: %w: %w", encryptionsdk.ErrMaterials, errDiscoveryEncrypts)
	}
	if m == nil || m.Suite == nil {
		return fmt.Errorf("aws-kms-ecdh: %w: no algorithm suite", encryptionsdk.ErrMaterials)
	}
	serialized, err := m.EncryptionContext.AppendBinary(nil)
	if err != nil {
		return fmt.Errorf("aws-kms-ecdh: %w", err)
	}
	secret, err := k.derive(ctx, k.peer)
	if err != nil {
		return fmt.Errorf("aws-kms-ecdh: %w", err)
	}
	defer clear(secret)
	key, err := datakey.Get(m)
	if err != nil {
		return fmt.Errorf("aws-kms-ecdh: %w", err)
	}
	info := ecdhwrap.Info{Sender: k.own, Recipient: k.another}
	wrapped, err := ecdhwrap.Wrap(secret, k.name, info, serialized, key)
	if err != nil {
		datakey.Drop(m, key)
		return fmt.Errorf("aws-kms-ecdh: %w", err)
	}
	return datakey.Put(m, key, encryptionsdk.EncryptedDataKey{ProviderID: ECDHProviderID, ProviderInfo: info.Append(nil), Ciphertext: wrapped})
}

// OnDecrypt implements encryptionsdk.Keyring. It also opens what a raw ECDH keyring wrapped
// for this party.
func (k *ECDHKeyring) OnDecrypt(ctx context.Context, m *encryptionsdk.DecryptionMaterials, keys []encryptionsdk.EncryptedDataKey) error {
	err := datakey.Open(ctx, m, keys, func(edk *encryptionsdk.EncryptedDataKey) ([]byte, error) {
		if edk.ProviderID != ECDHProviderID && edk.ProviderID != rawECDHProviderID {
			return nil, datakey.ErrForeign
		}
		info, err := ecdhwrap.ParseInfo(edk.ProviderInfo)
		if err != nil {
			return nil, err
		}
		peer, err := info.Partner(k.curve, k.own, k.another, k.peer)
		if err != nil {
			return nil, err
		}
		if peer == nil {
			return nil, datakey.ErrForeign
		}
		serialized, err := m.EncryptionContext.AppendBinary(nil)
		if err != nil {
			return nil, err
		}
		secret, err := k.derive(ctx, peer)
		if err != nil {
			return nil, err
		}
		defer clear(secret)
		return ecdhwrap.Unwrap(secret, k.name, info, serialized, edk.Ciphertext)
	})
	if err != nil {
		return fmt.Errorf("aws-kms-ecdh: %w", err)
	}
	return nil
}

// derive asks KMS for the secret that this party's key shares with peer.
func (k *ECDHKeyring) derive(ctx context.Context, peer *ecdh.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(peer)
	if err != nil {
		return nil, err
	}
	out, err := k.client.DeriveSharedSecret(ctx, &kms.DeriveSharedSecretInput{
		KeyId:                 &k.keyID,
		KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpecEcdh,
		PublicKey:             der,
		GrantTokens:           k.grants,
	})
	if err != nil {
		return nil, err
	}
	if k.arn != nil && (out.KeyId == nil || *out.KeyId != k.keyID) {
		clear(out.SharedSecret)
		return nil, fmt.Errorf("%w: KMS used another key than %q", encryptionsdk.ErrMaterials, k.keyID)
	}
	// The x coordinate: as long as half a point without its first byte.
	if want := (len(peer.Bytes()) - 1) / 2; len(out.SharedSecret) != want {
		n := len(out.SharedSecret)
		clear(out.SharedSecret)
		return nil, fmt.Errorf("%w: KMS derived a secret of %d bytes, not %d", encryptionsdk.ErrMaterials, n, want)
	}
	return out.SharedSecret, nil
}

// GetECDHPublicKey asks KMS for the public half of a key for key agreement, for the
// constructors of ECDHKeyring.
func GetECDHPublicKey(ctx context.Context, client PublicKeyGetter, keyID string, grantTokens ...string) (*ecdh.PublicKey, error) {
	key, err := publicKey(ctx, client, keyID, types.KeyUsageTypeKeyAgreement, grantTokens)
	if err != nil {
		return nil, err
	}
	public, ok := key.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: KMS key %q is not an elliptic curve key", encryptionsdk.ErrOptions, keyID)
	}
	agree, err := public.ECDH()
	if err != nil {
		return nil, fmt.Errorf("%w: KMS key %q: %w", encryptionsdk.ErrOptions, keyID, err)
	}
	return agree, nil
}
