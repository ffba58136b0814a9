package hierarchical

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"fastness/encryptionsdk"
)

// KMS is the part of a KMS client that protects branch keys.
type KMS interface {
	Decrypt(context.Context, *kms.DecryptInput, ...func(*kms.Options)) (*kms.DecryptOutput, error)
	GenerateDataKeyWithoutPlaintext(context.Context, *kms.GenerateDataKeyWithoutPlaintextInput, ...func(*kms.Options)) (*kms.GenerateDataKeyWithoutPlaintextOutput, error)
	ReEncrypt(context.Context, *kms.ReEncryptInput, ...func(*kms.Options)) (*kms.ReEncryptOutput, error)
}

var _ KMS = (*kms.Client)(nil)

// KMSProtector protects branch keys with a symmetric key of AWS KMS, by the calls that AWS's
// key store makes: who creates or rotates branch keys never sees them.
type KMSProtector struct {
	client KMS
	keyARN string
	grants []string
}

var _ Protector = (*KMSProtector)(nil)

// NewKMSProtector returns a protector with the key of an ARN. It fails with ErrOptions.
func NewKMSProtector(client KMS, keyARN string, grantTokens ...string) (*KMSProtector, error) {
	if client == nil || keyARN == "" || len(grantTokens) > 10 {
		return nil, fmt.Errorf("%w: a protector needs a KMS client, a key ARN and at most 10 grant tokens", encryptionsdk.ErrOptions)
	}
	return &KMSProtector{client: client, keyARN: keyARN, grants: slices.Clone(grantTokens)}, nil
}

// KeyID implements Protector: it is the ARN.
func (p *KMSProtector) KeyID() string { return p.keyARN }

// Generate implements Protector.
func (p *KMSProtector) Generate(ctx context.Context, version, active map[string]string) (forVersion, forActive []byte, err error) {
	made, err := p.client.GenerateDataKeyWithoutPlaintext(ctx, &kms.GenerateDataKeyWithoutPlaintextInput{
		KeyId: &p.keyARN, NumberOfBytes: new(int32(BranchKeyLen)), EncryptionContext: version, GrantTokens: p.grants,
	})
	if err != nil {
		return nil, nil, err
	}
	if err := p.checkKey(made.KeyId); err != nil {
		return nil, nil, err
	}
	forActive, err = p.reEncrypt(ctx, made.CiphertextBlob, version, active)
	return made.CiphertextBlob, forActive, err
}

// Open implements Protector.
func (p *KMSProtector) Open(ctx context.Context, protected []byte, authenticated map[string]string) ([]byte, error) {
	out, err := p.client.Decrypt(ctx, &kms.DecryptInput{
		KeyId: &p.keyARN, CiphertextBlob: protected, EncryptionContext: authenticated, GrantTokens: p.grants,
	})
	if err != nil {
		return nil, err
	}
	if err := p.checkKey(out.KeyId); err != nil {
		clear(out.Plaintext)
		return nil, err
	}
	return out.Plaintext, nil
}

// Verify implements Protector. It needs the permission for ReEncrypt, not for Decrypt.
func (p *KMSProtector) Verify(ctx context.Context, protected []byte, authenticated map[string]string) error {
	_, err := p.reEncrypt(ctx, protected, authenticated, authenticated)
	return err
}

func (p *KMSProtector) reEncrypt(ctx context.Context, protected []byte, from, to map[string]string) ([]byte, error) {
	out, err := p.client.ReEncrypt(ctx, &kms.ReEncryptInput{
		SourceKeyId: &p.keyARN, SourceEncryptionContext: from, CiphertextBlob: protected,
		DestinationKeyId: &p.keyARN, DestinationEncryptionContext: to, GrantTokens: p.grants,
	})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(p.checkKey(out.SourceKeyId), p.checkKey(out.KeyId)); err != nil {
		return nil, err
	}
	return out.CiphertextBlob, nil
}

func (p *KMSProtector) checkKey(id *string) error {
	if id == nil || *id != p.keyARN {
		return fmt.Errorf("%w: KMS used another key than %q", encryptionsdk.ErrMaterials, p.keyARN)
	}
	return nil
}

// AESProtector protects branch keys with AES-256-GCM under a key that the program holds. The
// form is this package's own: AWS's key stores do not read it.
type AESProtector struct {
	name string
	aead cipher.AEAD
}

var _ Protector = (*AESProtector)(nil)

// NewAESProtector returns a protector with a key of 32 bytes, which is not kept. name tells
// the key from others. It fails with ErrOptions.
func NewAESProtector(name string, key []byte) (*AESProtector, error) {
	if name == "" || len(key) != 32 {
		return nil, fmt.Errorf("%w: a protector needs a name and a key of 32 bytes", encryptionsdk.ErrOptions)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", encryptionsdk.ErrOptions, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", encryptionsdk.ErrOptions, err)
	}
	return &AESProtector{name: name, aead: aead}, nil
}

// KeyID implements Protector: it is the name.
func (p *AESProtector) KeyID() string { return p.name }

// Generate implements Protector.
func (p *AESProtector) Generate(_ context.Context, version, active map[string]string) (forVersion, forActive []byte, err error) {
	key := make([]byte, BranchKeyLen)
	defer clear(key)
	rand.Read(key) // never fails (crypto/rand)
	forVersion, err = p.seal(key, version)
	if err != nil {
		return nil, nil, err
	}
	forActive, err = p.seal(key, active)
	return forVersion, forActive, err
}

func (p *AESProtector) seal(key []byte, authenticated map[string]string) ([]byte, error) {
	aad, err := encryptionsdk.EncryptionContext(authenticated).AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	return p.aead.Seal(nil, nil, key, aad), nil
}

// Open implements Protector.
func (p *AESProtector) Open(_ context.Context, protected []byte, authenticated map[string]string) ([]byte, error) {
	aad, err := encryptionsdk.EncryptionContext(authenticated).AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	return p.aead.Open(nil, nil, protected, aad)
}

// Verify implements Protector.
func (p *AESProtector) Verify(ctx context.Context, protected []byte, authenticated map[string]string) error {
	key, err := p.Open(ctx, protected, authenticated)
	clear(key)
	return err
}
