package seal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// KindAWSKMS is the kind of the AWSKMS provider.
const KindAWSKMS = "awskms"

// ErrKMS: the KMS refused or could not be reached.
var ErrKMS = errors.New("seal: KMS request failed")

// KMS is what the AWSKMS provider needs of a key management service. KMSClient
// implements it for any endpoint with AWS's interface.
type KMS interface {
	// Encrypt encrypts plaintext under the key and returns the ciphertext and the ARN
	// of the key that was used.
	Encrypt(ctx context.Context, keyID string, plaintext []byte, encryptionContext map[string]string) (ciphertext []byte, keyARN string, err error)
	// Decrypt writes the plaintext, which must have exactly its size, into dst, and
	// returns the ARN of the key that was used.
	Decrypt(ctx context.Context, keyID string, ciphertext []byte, encryptionContext map[string]string, dst []byte) (keyARN string, err error)
}

// The encryption context that binds the wrapped root to one installation. AWS shows
// it in CloudTrail.
const (
	kmsContextInstallation = "fastness:installation"
	kmsContextUse          = "fastness:use"
)

// AWSKMS protects the root by a key of a KMS.
type AWSKMS struct {
	kms   KMS
	keyID string
}

var _ Provider = (*AWSKMS)(nil)

type awsKMSConfig struct {
	KeyARN string `json:"keyArn"` // pinned when the root was wrapped
}

// NewAWSKMS returns the provider. keyID (id, ARN or alias) is used by Wrap; Unwrap
// accepts only the key that Wrap's answer named, so an alias that is moved later does
// not change the key.
func NewAWSKMS(kms KMS, keyID string) *AWSKMS { return &AWSKMS{kms: kms, keyID: keyID} }

// Kind is KindAWSKMS.
func (p *AWSKMS) Kind() string { return KindAWSKMS }

// Wrap implements Provider.
func (p *AWSKMS) Wrap(ctx context.Context, installation string, root []byte) (Wrapped, error) {
	ct, arn, err := p.kms.Encrypt(ctx, p.keyID, root, kmsContext(installation))
	if err != nil {
		return Wrapped{}, err
	}
	if arn == "" || len(ct) == 0 {
		return Wrapped{}, fmt.Errorf("%w: the answer names no key or has no ciphertext", ErrKMS)
	}
	config, err := json.Marshal(awsKMSConfig{KeyARN: arn})
	if err != nil {
		return Wrapped{}, fmt.Errorf("seal: encoding the KMS configuration: %w", err)
	}
	return Wrapped{Config: config, Root: ct}, nil
}

// Unwrap implements Provider.
func (p *AWSKMS) Unwrap(ctx context.Context, installation string, w Wrapped, root []byte) error {
	var c awsKMSConfig
	if err := decodeConfig(w.Config, &c); err != nil {
		return err
	}
	if c.KeyARN == "" {
		return fmt.Errorf("%w: KMS configuration", ErrIntegrity)
	}
	arn, err := p.kms.Decrypt(ctx, c.KeyARN, w.Root, kmsContext(installation), root)
	if err != nil {
		return err
	}
	if arn != c.KeyARN {
		clear(root)
		return fmt.Errorf("%w: decrypted by %q, not by %q", ErrWrongKey, arn, c.KeyARN)
	}
	return nil
}

func kmsContext(installation string) map[string]string {
	return map[string]string{kmsContextInstallation: installation, kmsContextUse: "root-key"}
}
