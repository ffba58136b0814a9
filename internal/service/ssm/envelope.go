package ssm

import (
	"context"
	"errors"
	"fmt"

	"fastness/encryptionsdk"
	"fastness/internal/api/kmsapi"
)

// SecureStrings of the Advanced tier are messages of the AWS Encryption SDK: KMS encrypts no
// more than 4096 bytes by itself.

// kmsProvider is the provider id of data keys that KMS wrapped.
const kmsProvider = "aws-kms"

// keyring wraps data keys by the KMS of this installation, through the door, so that the
// caller's permissions decide. It encrypts under one key and decrypts under any.
type keyring struct {
	kms *kmsapi.Client
	key string
}

var _ encryptionsdk.Keyring = (*keyring)(nil)

// OnEncrypt implements encryptionsdk.Keyring.
func (k *keyring) OnEncrypt(ctx context.Context, m *encryptionsdk.EncryptionMaterials) error {
	if m.PlaintextDataKey != nil {
		return errors.New("ssm: a data key is there already")
	}
	out, err := k.kms.GenerateDataKey(ctx, &kmsapi.GenerateDataKeyRequest{
		KeyId: &k.key, NumberOfBytes: new(int32(m.Suite.DataKeyLen)), EncryptionContext: m.EncryptionContext,
	})
	if err != nil {
		return err
	}
	m.PlaintextDataKey = out.Plaintext
	m.EncryptedDataKeys = append(m.EncryptedDataKeys, encryptionsdk.EncryptedDataKey{
		ProviderID: kmsProvider, ProviderInfo: []byte(value(out.KeyId)), Ciphertext: out.CiphertextBlob,
	})
	return nil
}

// OnDecrypt implements encryptionsdk.Keyring.
func (k *keyring) OnDecrypt(ctx context.Context, m *encryptionsdk.DecryptionMaterials, keys []encryptionsdk.EncryptedDataKey) error {
	if m.PlaintextDataKey != nil {
		return nil
	}
	failed := encryptionsdk.ErrNoDataKey
	for i := range keys {
		if keys[i].ProviderID != kmsProvider {
			continue
		}
		out, err := k.kms.Decrypt(ctx, &kmsapi.DecryptRequest{
			CiphertextBlob: keys[i].Ciphertext, KeyId: new(string(keys[i].ProviderInfo)), EncryptionContext: m.EncryptionContext,
		})
		if err != nil {
			failed = fmt.Errorf("%w: %w", failed, err)
			continue
		}
		m.PlaintextDataKey = out.Plaintext
		return nil
	}
	return failed
}

// envelopeSuite commits to the data key and does not sign: whoever can write a parameter can
// read it, and a signature by a key that the message itself carries would say nothing more.
const envelopeSuite = encryptionsdk.SuiteAES256GCMHKDFSHA512CommitKey

func (s *Service) encryptEnvelope(ctx context.Context, arn, key string, plaintext []byte) ([]byte, error) {
	message, _, err := encryptionsdk.Encrypt(ctx, plaintext, encryptionsdk.EncryptOptions{
		Keyring: &keyring{s.kms, key}, Suite: envelopeSuite, EncryptionContext: encryptionsdk.EncryptionContext{contextKey: arn}, Concurrency: 1,
	})
	return message, err
}

func (s *Service) decryptEnvelope(ctx context.Context, arn string, message []byte) ([]byte, error) {
	plaintext, _, err := encryptionsdk.Decrypt(ctx, message, encryptionsdk.DecryptOptions{
		Keyring: &keyring{kms: s.kms}, EncryptionContext: encryptionsdk.EncryptionContext{contextKey: arn},
		MaxEncryptedDataKeys: 1, MaxLength: maxAdvancedBytes, Concurrency: 1,
	})
	return plaintext, err
}
