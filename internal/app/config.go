package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"fastness/internal/arn"
	"fastness/internal/clock"
	"fastness/internal/engine/rotator"
	"fastness/internal/engine/xks"
	"fastness/internal/service/kms"
)

// DefaultListen is the address that is served unless configured otherwise: loopback,
// because a first start should not offer itself to a network.
const DefaultListen = "127.0.0.1:4566"

// DefaultAccount is the account that the first start creates.
const DefaultAccount = "000000000000"

// Regions are the Regions that are served: every one of AWS's standard partition.
func Regions() []string {
	return []string{
		"us-east-1", "us-east-2", "us-west-1", "us-west-2", "af-south-1", "ap-east-1", "ap-east-2", "ap-south-1",
		"ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
		"ap-southeast-6", "ap-southeast-7", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ca-central-1",
		"ca-west-1", "eu-central-1", "eu-central-2", "eu-west-1", "eu-west-2", "eu-west-3", "eu-south-1", "eu-south-2",
		"eu-north-1", "il-central-1", "me-south-1", "me-central-1", "mx-central-1", "sa-east-1",
	}
}

// Config is what an operator can set. The zero value of a field means its default.
type Config struct {
	// DataDir holds the store and the key slots; required.
	DataDir string
	// SecretsDir holds the root key file, the first credentials and the TLS key.
	SecretsDir string
	// AdminSocket is the Unix socket of the operator on this machine; default admin.sock
	// in DataDir.
	AdminSocket string
	// Listen is host:port.
	Listen string
	// Account is created at the first start: twelve digits.
	Account string
	// Region that comes first among Regions: unsigned calls are served there.
	Region string
	// Seal says how the root key is kept.
	Seal SealConfig
	// TLSCert and TLSKey are PEM files; empty means our own CA.
	TLSCert, TLSKey string
	// TLSNames are further DNS names and addresses for the certificate of our own CA.
	TLSNames []string
	// Dev takes access keys that IAM does not know without a signature check, as the root
	// user of the account whose id they are, else of DevAccount (default DefaultAccount),
	// and offers a reset. For tests of clients on a developer's machine, on loopback;
	// nothing else turns authentication off.
	Dev        bool
	DevAccount string
	// KeyRotation is how often domain keys are rotated, at least MinKeyRotation; default
	// DefaultKeyRotation.
	KeyRotation time.Duration
	// AttestationRoots verify the attestation documents of Nitro enclaves.
	AttestationRoots *x509.CertPool
	// KMSQuotas limit what callers of KMS may do and have.
	KMSQuotas KMSQuotas
	// Rotation says which databases rotation may reach, and how.
	Rotation rotator.Config
	// RSAPool is how many RSA keys are kept ready of each size in use; 0 keeps none.
	RSAPool int
	// KeyStores says which proxies KMS may use for external key stores. Own is filled in.
	KeyStores kms.ExternalKeyStores
	XKSProxy  XKSProxyConfig
	// Parameters is what Parameter Store is given from files.
	Parameters ParametersConfig
	// Proxy is about load balancers.
	Proxy ProxyConfig
	// Firewall is about web ACLs.
	Firewall FirewallConfig
	// WAFLogs is about the buckets that web ACLs log to.
	WAFLogs WAFLogsConfig

	Version string
	Clock   clock.Clock
	Log     *slog.Logger
}

// The ways to keep the root key.
const (
	SealFile       = "file"
	SealPassphrase = "passphrase"
	SealShamir     = "shamir"
	SealAWSKMS     = "awskms"
)

// SealConfig says how the root key is kept.
type SealConfig struct {
	// Kind is one of the constants above; default SealFile.
	Kind string
	// KeyFile is the root key file of SealFile; default root.key in SecretsDir.
	KeyFile string
	// Passphrase reads the passphrase of SealPassphrase.
	Passphrase func(context.Context) ([]byte, error)
	// Shares and Threshold are for a new set of shares under SealShamir.
	Shares, Threshold int
	// Share reads one share, for commands on a stopped server under SealShamir.
	Share func(context.Context) ([]byte, error)
	// Key, Endpoint, Region and the credentials are for SealAWSKMS.
	Key, Endpoint, Region                      string
	AccessKeyID, SecretAccessKey, SessionToken string
}

func (c *Config) complete() error {
	if c.DataDir == "" {
		return errors.New("app: no data directory")
	}
	if c.AdminSocket == "" {
		// The path of a socket must be short, so it is not made absolute.
		c.AdminSocket = filepath.Join(c.DataDir, adminSocket)
	}
	var err error
	if c.DataDir, err = filepath.Abs(c.DataDir); err != nil {
		return fmt.Errorf("app: data directory: %w", err)
	}
	if c.SecretsDir == "" {
		c.SecretsDir = c.DataDir + "-secrets"
	}
	if c.SecretsDir, err = filepath.Abs(c.SecretsDir); err != nil {
		return fmt.Errorf("app: secrets directory: %w", err)
	}
	if c.KeyRotation == 0 {
		c.KeyRotation = DefaultKeyRotation
	}
	if c.KeyRotation < MinKeyRotation {
		return fmt.Errorf("app: domain keys cannot be rotated more often than every %v", MinKeyRotation)
	}
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.Account == "" {
		c.Account = DefaultAccount
	}
	if c.DevAccount == "" {
		c.DevAccount = DefaultAccount
	}
	for _, a := range []string{c.Account, c.DevAccount} {
		if !arn.IsAccountID(a) {
			return fmt.Errorf("app: account %q is not twelve digits", a)
		}
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if err := checkRSAPool(c.RSAPool); err != nil {
		return err
	}
	if c.XKSProxy.ClientName == "" {
		c.XKSProxy.ClientName = xks.ClientCommonName(c.Region)
	}
	if c.Seal.Kind == "" {
		c.Seal.Kind = SealFile
	}
	if c.Seal.KeyFile == "" {
		c.Seal.KeyFile = filepath.Join(c.SecretsDir, "root.key")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("app: a TLS certificate and its key are given together or not at all")
	}
	if err := c.checkDev(); err != nil {
		return err
	}
	if err := c.Proxy.complete(); err != nil {
		return err
	}
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// regions puts the default Region first.
func (c *Config) regions() ([]string, error) {
	all := Regions()
	for i, r := range all {
		if r == c.Region {
			all[0], all[i] = all[i], all[0]
			return all, nil
		}
	}
	return nil, fmt.Errorf("app: %q is not a Region that is served", c.Region)
}

// drainTimeout is how long running requests get at shutdown.
const drainTimeout = 30 * time.Second
