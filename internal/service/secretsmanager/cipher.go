package secretsmanager

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
)

// defaultKeyAlias is the AWS managed key of Secrets Manager.
const defaultKeyAlias = "alias/aws/secretsmanager"

// maxValueBytes bounds a secret value.
const maxValueBytes = 65536

// secretValue is a value in the clear. Whoever makes one clears it.
type secretValue struct {
	form  form
	bytes []byte
}

// clear wipes the value.
func (v *secretValue) clear() { clear(v.bytes) }

// equal compares values in constant time. A string and bytes are never equal.
func (v *secretValue) equal(o *secretValue) bool {
	return v.form == o.form && subtle.ConstantTimeCompare(v.bytes, o.bytes) == 1
}

// givenValue reads SecretString and SecretBinary of a request; nil means that neither is
// there.
func givenValue(text *string, binary []byte) (*secretValue, error) {
	switch {
	case text != nil && binary != nil:
		return nil, invalidParameter("You can't specify both a binary secret value and a string secret value in the same secret.")
	case text != nil:
		if len(*text) > maxValueBytes {
			return nil, tooLarge("secretString")
		}
		return &secretValue{secretString, []byte(*text)}, nil
	case binary != nil:
		if len(binary) > maxValueBytes {
			return nil, tooLarge("secretBinary")
		}
		return &secretValue{secretBinary, slices.Clone(binary)}, nil // the call may run again
	}
	return nil, nil
}

// tooLarge speaks of bytes where the model counts characters.
func tooLarge(member string) error {
	return validation("1 validation error detected: Value at '" + member + "' failed to satisfy constraint: Member must have length less than or equal to 65536")
}

// encryptionContext binds a data key to its version (AWS Secrets Manager user guide,
// "Encryption context").
func encryptionContext(arn, version string) map[string]string {
	return map[string]string{"SecretARN": arn, "SecretVersionId": version}
}

// associated binds a value to its version under the data key.
func associated(v *versionRecord) []byte {
	return []byte("secretsmanager/1\x00" + v.Account + "\x00" + v.Region + "\x00" + v.Secret + "\x00" + v.ID + "\x00" + string(v.Form))
}

// kmsKey is the key of a secret as a caller in any account has to name it.
func kmsKey(c *call.Call, s *secretRecord) string {
	switch {
	case s.KMSKey != "":
		return s.KMSKey
	case s.Account == c.Account:
		return defaultKeyAlias
	}
	return "arn:" + call.Partition + ":kms:" + s.Region + ":" + s.Account + ":" + defaultKeyAlias
}

// inRegion returns a context for calls in another Region on behalf of the same caller.
func inRegion(ctx context.Context, region string) context.Context {
	c := call.From(ctx)
	if c.Region == region {
		return ctx
	}
	there := *c
	there.Region = region
	return call.With(ctx, &there)
}

// seal encrypts a value for a version of a secret, under a fresh data key that KMS makes
// for the caller in ctx. It fills in Key, DefaultKey and Form of v.
func (s *Service) seal(ctx context.Context, sec *secretRecord, v *versionRecord, value *secretValue) (*valueRecord, error) {
	ctx = inRegion(ctx, sec.Region)
	key, err := s.kms.GenerateDataKey(ctx, &kmsapi.GenerateDataKeyRequest{
		KeyId: new(kmsKey(call.From(ctx), sec)), KeySpec: new(kmsapi.DataKeySpecAES256),
		EncryptionContext: encryptionContext(sec.arn(), v.ID),
	})
	if err != nil {
		return nil, encryptionError(ctx, err)
	}
	defer clear(key.Plaintext)
	v.Key, v.DefaultKey, v.Form = *key.KeyId, sec.KMSKey == "", value.form
	aead, err := newCipher(key.Plaintext)
	if err != nil {
		return nil, err
	}
	return &valueRecord{
		Account: v.Account, Region: v.Region, Secret: v.Secret, Version: v.ID,
		DataKey: key.CiphertextBlob, Value: aead.Seal(nil, nil, value.bytes, associated(v)),
	}, nil
}

// keyValidation is what stands for the version id when a key is tried.
const keyValidation = "RequestToValidateKeyAccess"

// validateKey makes sure that the caller may encrypt and decrypt with a key of his own that a
// secret gets, also where there is no value yet, by a data key that nothing is done with (AWS
// Secrets Manager user guide, "Validating access to the KMS key").
func (s *Service) validateKey(ctx context.Context, sec *secretRecord, key string) error {
	if key == "" {
		return nil
	}
	ctx = inRegion(ctx, sec.Region)
	bound := encryptionContext(sec.arn(), keyValidation)
	made, err := s.kms.GenerateDataKey(ctx, &kmsapi.GenerateDataKeyRequest{KeyId: &key, KeySpec: new(kmsapi.DataKeySpecAES256), EncryptionContext: bound})
	if err != nil {
		return encryptionError(ctx, err)
	}
	clear(made.Plaintext)
	opened, err := s.kms.Decrypt(ctx, &kmsapi.DecryptRequest{KeyId: made.KeyId, CiphertextBlob: made.CiphertextBlob, EncryptionContext: bound})
	if err != nil {
		return decryptionError(ctx, err)
	}
	clear(opened.Plaintext)
	return nil
}

// open decrypts the value of a version, by a data key that KMS decrypts for the caller in
// ctx. The caller clears the value.
func (s *Service) open(ctx context.Context, arn string, v *versionRecord, stored *valueRecord) (*secretValue, error) {
	ctx = inRegion(ctx, v.Region)
	key, err := s.kms.Decrypt(ctx, &kmsapi.DecryptRequest{
		KeyId: &v.Key, CiphertextBlob: stored.DataKey, EncryptionContext: encryptionContext(arn, v.ID),
	})
	if err != nil {
		return nil, decryptionError(ctx, err)
	}
	defer clear(key.Plaintext)
	aead, err := newCipher(key.Plaintext)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, stored.Value, associated(v))
	if err != nil {
		return nil, fmt.Errorf("secretsmanager: version %s of %s does not open", v.ID, v.Secret)
	}
	return &secretValue{v.Form, plain}, nil
}

// newCipher is AES-256-GCM that puts a random nonce in front; a data key encrypts one
// value.
func newCipher(key []byte) (cipher.AEAD, error) {
	if len(key) != 32 {
		return nil, errors.New("secretsmanager: KMS gave a data key of another size")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// answer puts a value into the members of a response. Strings of Go cannot be wiped: the
// response holds one of its own until the collector takes it.
func (v *secretValue) answer() (text *string, binary []byte) {
	if v.form == secretBinary {
		return nil, append([]byte{}, v.bytes...)
	}
	return new(string(v.bytes)), nil
}
