package app

import (
	"context"
	"crypto/fips140"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"fastness/internal/seal"
	"fastness/internal/securemem"
	"fastness/internal/sigv4"
)

// kmsTimeout bounds one attempt to reach the KMS that holds the root key.
const kmsTimeout = 10 * time.Second

// ErrNotApproved: the seal uses cryptography that is not approved by FIPS 140-3, and
// this process enforces that.
var ErrNotApproved = errors.New("app: a passphrase seal uses Argon2id, which FIPS 140-3 does not approve: use another seal")

// newProvider makes the seal's provider from the configuration. It is nil for Shamir
// shares, which arrive one by one.
func newProvider(c *Config, arena *securemem.Arena) (seal.Provider, error) {
	s := &c.Seal
	switch s.Kind {
	case SealFile:
		if err := os.MkdirAll(filepath.Dir(s.KeyFile), 0o700); err != nil {
			return nil, fmt.Errorf("app: directory of the root key: %w", err)
		}
		return seal.NewFile(arena, s.KeyFile), nil
	case SealPassphrase:
		if fips140.Enforced() {
			return nil, ErrNotApproved
		}
		if s.Passphrase == nil {
			return nil, errors.New("app: no passphrase source")
		}
		return seal.NewPassphrase(arena, seal.DefaultStretch(), s.Passphrase)
	case SealShamir:
		return nil, nil
	case SealAWSKMS:
		if s.Key == "" {
			return nil, errors.New("app: the awskms seal needs a key (--seal-kms-key)")
		}
		client, err := seal.NewKMSClient(seal.KMSClientOptions{
			Endpoint: s.Endpoint, Clock: c.Clock, HTTP: &http.Client{Timeout: kmsTimeout},
			Sign: func(_ context.Context, r *http.Request, body []byte) error {
				return sigv4.Sign(r, body, sigv4.Credentials{
					AccessKeyID: s.AccessKeyID, Secret: []byte(s.SecretAccessKey), SecurityToken: s.SessionToken,
				}, sigv4.Scope{Region: s.Region, Service: "kms"}, c.Clock.Now())
			},
		})
		if err != nil {
			return nil, err
		}
		return seal.NewAWSKMS(client, s.Key), nil
	}
	return nil, fmt.Errorf("app: unknown seal %q", s.Kind)
}

// refuseFreshRoot fails when a data directory without an initialized store holds what
// only an initialized one can have made.
func refuseFreshRoot(c *Config) error {
	if _, err := os.Stat(filepath.Join(c.DataDir, slotsFile)); err == nil {
		return fmt.Errorf("app: %s holds key slots but its store is empty: the store was lost. Put it back from a backup; a new one would not open those keys", c.DataDir)
	}
	return nil
}
