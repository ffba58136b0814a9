// Package official wraps AWS's Encryption SDK for Go behind the few calls that tests and
// benchmarks need.
package official

import (
	"context"
	"crypto/ecdh"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	mpl "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygenerated"
	mpltypes "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygeneratedtypes"
	primitives "github.com/aws/aws-cryptographic-material-providers-library/releases/go/primitives/awscryptographyprimitivessmithygeneratedtypes"
	esdk "github.com/aws/aws-encryption-sdk/releases/go/encryption-sdk/awscryptographyencryptionsdksmithygenerated"
	esdktypes "github.com/aws/aws-encryption-sdk/releases/go/encryption-sdk/awscryptographyencryptionsdksmithygeneratedtypes"
)

// Keyring is a keyring of AWS's library.
type Keyring = mpltypes.IKeyring

// Library is AWS's library under both kinds of commitment policy.
type Library struct {
	committing, other *esdk.Client
	providers         *mpl.Client
}

// New makes the clients.
func New() (*Library, error) {
	committing, err := esdk.NewClient(esdktypes.AwsEncryptionSdkConfig{
		CommitmentPolicy: new(mpltypes.ESDKCommitmentPolicyRequireEncryptRequireDecrypt),
	})
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	other, err := esdk.NewClient(esdktypes.AwsEncryptionSdkConfig{
		CommitmentPolicy: new(mpltypes.ESDKCommitmentPolicyForbidEncryptAllowDecrypt),
	})
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	providers, err := mpl.NewClient(mpltypes.MaterialProvidersConfig{})
	if err != nil {
		return nil, fmt.Errorf("material providers: %w", err)
	}
	return &Library{committing: committing, other: other, providers: providers}, nil
}

func (l *Library) client(commits bool) *esdk.Client {
	if commits {
		return l.committing
	}
	return l.other
}

// Encrypt encrypts under the suite with the given number; commits says whether it commits.
func (l *Library) Encrypt(ctx context.Context, plaintext []byte, suite uint16, commits bool, frameLength int64, ec map[string]string, k Keyring) ([]byte, error) {
	out, err := l.client(commits).Encrypt(ctx, esdktypes.EncryptInput{
		Plaintext: plaintext, AlgorithmSuiteId: new(mpltypes.ESDKAlgorithmSuiteId(fmt.Sprintf("0x%04x", suite))),
		EncryptionContext: ec, FrameLength: &frameLength, Keyring: k,
	})
	if err != nil {
		return nil, err
	}
	return out.Ciphertext, nil
}

// Decrypt decrypts a message.
func (l *Library) Decrypt(ctx context.Context, message []byte, commits bool, ec map[string]string, k Keyring) ([]byte, error) {
	out, err := l.client(commits).Decrypt(ctx, esdktypes.DecryptInput{Ciphertext: message, EncryptionContext: ec, Keyring: k})
	if err != nil {
		return nil, err
	}
	return out.Plaintext, nil
}

// AES is a raw AES keyring.
func (l *Library) AES(ctx context.Context, namespace, name string, key []byte) (Keyring, error) {
	alg := map[int]mpltypes.AesWrappingAlg{
		16: mpltypes.AesWrappingAlgAlgAes128GcmIv12Tag16,
		24: mpltypes.AesWrappingAlgAlgAes192GcmIv12Tag16,
		32: mpltypes.AesWrappingAlgAlgAes256GcmIv12Tag16,
	}[len(key)]
	return l.providers.CreateRawAesKeyring(ctx, mpltypes.CreateRawAesKeyringInput{
		KeyNamespace: namespace, KeyName: name, WrappingAlg: alg, WrappingKey: key,
	})
}

// RSA is a raw RSA keyring; padding is AWS's name of it.
func (l *Library) RSA(ctx context.Context, namespace, name, padding string, key *rsa.PrivateKey) (Keyring, error) {
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	return l.providers.CreateRawRsaKeyring(ctx, mpltypes.CreateRawRsaKeyringInput{
		KeyNamespace: namespace, KeyName: name, PaddingScheme: mpltypes.PaddingScheme(padding),
		PrivateKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
		PublicKey:  pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}),
	})
}

// ECDH is a raw ECDH keyring between two static keys; curve is AWS's name of theirs.
func (l *Library) ECDH(ctx context.Context, curve string, own *ecdh.PrivateKey, peer *ecdh.PublicKey) (Keyring, error) {
	private, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(peer)
	if err != nil {
		return nil, err
	}
	return l.providers.CreateRawEcdhKeyring(ctx, mpltypes.CreateRawEcdhKeyringInput{
		CurveSpec: primitives.ECDHCurveSpec(curve),
		KeyAgreementScheme: &mpltypes.RawEcdhStaticConfigurationsMemberRawPrivateKeyToStaticPublicKey{
			Value: mpltypes.RawPrivateKeyToStaticPublicKeyInput{
				SenderStaticPrivateKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
				RecipientPublicKey:     public,
			},
		},
	})
}

// Multi is a multi-keyring.
func (l *Library) Multi(ctx context.Context, generator Keyring, children ...Keyring) (Keyring, error) {
	return l.providers.CreateMultiKeyring(ctx, mpltypes.CreateMultiKeyringInput{Generator: generator, ChildKeyrings: children})
}
