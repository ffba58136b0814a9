package kmskeyring

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// Decrypter is the part of a KMS client that opens ciphertexts.
type Decrypter interface {
	Decrypt(context.Context, *kms.DecryptInput, ...func(*kms.Options)) (*kms.DecryptOutput, error)
}

// Client is the part of a KMS client that a symmetric keyring calls.
type Client interface {
	Decrypter
	GenerateDataKey(context.Context, *kms.GenerateDataKeyInput, ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error)
	Encrypt(context.Context, *kms.EncryptInput, ...func(*kms.Options)) (*kms.EncryptOutput, error)
}

// SecretDeriver is the part of a KMS client that agrees on secrets.
type SecretDeriver interface {
	DeriveSharedSecret(context.Context, *kms.DeriveSharedSecretInput, ...func(*kms.Options)) (*kms.DeriveSharedSecretOutput, error)
}

// PublicKeyGetter is the part of a KMS client that tells public keys.
type PublicKeyGetter interface {
	GetPublicKey(context.Context, *kms.GetPublicKeyInput, ...func(*kms.Options)) (*kms.GetPublicKeyOutput, error)
}

var (
	_ Client          = (*kms.Client)(nil)
	_ SecretDeriver   = (*kms.Client)(nil)
	_ PublicKeyGetter = (*kms.Client)(nil)
)
