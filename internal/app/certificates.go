package app

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"context"

	"fastness/internal/ca"
	"fastness/internal/clock"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// caKey is where the authority lives in the sealed store.
var caKey = table.Key(table.String(""), table.String(""), table.String("ca"), table.String("authority"))

// The certificate of our own CA is valid for a year and made anew when less than a
// month is left.
const (
	serverValidity = 365 * 24 * time.Hour
	renewBefore    = 30 * 24 * time.Hour
)

// certificates serves the current TLS certificate. Until the first one is there,
// handshakes fail.
type certificates struct {
	current atomic.Pointer[tls.Certificate]
	dir     string // of our own CA's files
	clock   clock.Clock
}

var errNoCertificate = errors.New("app: no TLS certificate yet")

func (c *certificates) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if cert := c.current.Load(); cert != nil {
				return cert, nil
			}
			return nil, errNoCertificate
		},
	}
}

// loadFiles uses certificate files that the operator gives.
func (c *certificates) loadFiles(certFile, keyFile string) error {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return fmt.Errorf("app: TLS certificate: %w", err)
	}
	c.current.Store(&pair)
	return nil
}

// loadOwn uses what a former start left, if it is still good: a sealed server has TLS
// too.
func (c *certificates) loadOwn() bool {
	pair, err := tls.LoadX509KeyPair(filepath.Join(c.dir, "server.pem"), filepath.Join(c.dir, "server.key"))
	if err != nil {
		return false
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil || c.clock.Now().Add(renewBefore).After(leaf.NotAfter) {
		return false
	}
	c.current.Store(&pair)
	return true
}

// authorityRecord is the CA in the store.
type authorityRecord struct {
	Certificate []byte `json:"certificate"` // PEM
	Key         []byte `json:"key"`         // PKCS #8
}

// ensureOwn makes the CA at the first start, and a server certificate when there is
// none or it is about to end.
func (c *certificates) ensureOwn(ctx context.Context, s store.Store, names []string) error {
	authority, err := openAuthority(ctx, s, c.clock)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return fmt.Errorf("app: TLS directory: %w", err)
	}
	if err := writeFile(filepath.Join(c.dir, "ca.pem"), authority.CertificatePEM(), 0o644); err != nil {
		return err
	}
	if c.loadOwn() {
		return nil
	}
	certPEM, keyPEM, err := authority.IssueServer(c.clock.Now(), serverValidity, names)
	if err != nil {
		return err
	}
	defer clear(keyPEM)
	if err := writeFile(filepath.Join(c.dir, "server.key"), keyPEM, 0o600); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(c.dir, "server.pem"), certPEM, 0o644); err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return fmt.Errorf("app: TLS certificate: %w", err)
	}
	c.current.Store(&pair)
	return nil
}

// openAuthority reads the CA from the sealed store and makes it when there is none.
func openAuthority(ctx context.Context, s store.Store, c clock.Clock) (*ca.Authority, error) {
	var authority *ca.Authority
	_, err := s.Update(ctx, func(tx store.Txn) error {
		item, err := tx.Get(caKey)
		if err == nil {
			var r authorityRecord
			if err := json.Unmarshal(item.Value, &r); err != nil {
				return fmt.Errorf("stored CA: %w", err)
			}
			defer clear(r.Key)
			authority, err = ca.Parse(r.Certificate, r.Key)
			return err
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if authority, err = ca.New(c.Now()); err != nil {
			return err
		}
		key, err := authority.KeyDER()
		if err != nil {
			return err
		}
		defer clear(key)
		value, err := json.Marshal(authorityRecord{authority.CertificatePEM(), key})
		if err != nil {
			return err
		}
		defer clear(value)
		return tx.Put(caKey, value)
	})
	if err != nil {
		return nil, fmt.Errorf("app: certificate authority: %w", err)
	}
	return authority, nil
}

// serverNames are the names of the certificate: loopback, the machine's own name, the
// AWS host names that clients may be pointed at, and what the operator adds.
func serverNames(extra []string) []string {
	names := []string{"localhost", "127.0.0.1", "::1", "*.amazonaws.com", "*.localhost"}
	for _, r := range Regions() {
		names = append(names, "*."+r+".amazonaws.com")
	}
	if host, err := os.Hostname(); err == nil && host != "" {
		names = append(names, host)
	}
	return append(names, extra...)
}

// writeFile replaces a file at once: a crash leaves the old or the new one.
func writeFile(name string, data []byte, mode os.FileMode) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return fmt.Errorf("app: %w", err)
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if err = tmp.Chmod(mode); err != nil {
		return fmt.Errorf("app: %w", err)
	}
	if _, err = tmp.Write(data); err != nil {
		return fmt.Errorf("app: %w", err)
	}
	if err = tmp.Sync(); err != nil {
		return fmt.Errorf("app: %w", err)
	}
	if err = tmp.Close(); err != nil {
		return fmt.Errorf("app: %w", err)
	}
	if err = os.Rename(tmp.Name(), name); err != nil {
		return fmt.Errorf("app: %w", err)
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return fmt.Errorf("app: %w", err)
	}
	defer dir.Close()
	if err = dir.Sync(); err != nil {
		return fmt.Errorf("app: %w", err)
	}
	return nil
}
