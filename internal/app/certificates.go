package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"fastness/internal/ca"
	"fastness/internal/clock"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

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

// loadOwn uses what a former start left, if it is still good for the names: a sealed
// server has TLS too.
func (c *certificates) loadOwn(names []string) bool {
	pair, err := tls.LoadX509KeyPair(filepath.Join(c.dir, "server.pem"), filepath.Join(c.dir, "server.key"))
	if err != nil {
		return false
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil || c.clock.Now().Add(renewBefore).After(leaf.NotAfter) || !covers(leaf, names) {
		return false
	}
	c.current.Store(&pair)
	return true
}

// covers tells whether a certificate has all the names.
func covers(leaf *x509.Certificate, names []string) bool {
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			if !slices.ContainsFunc(leaf.IPAddresses, ip.Equal) {
				return false
			}
		} else if !slices.Contains(leaf.DNSNames, n) {
			return false
		}
	}
	return true
}

// ensureOwn makes the CA at the first start, and a server certificate when there is
// none or it is about to end.
func (c *certificates) ensureOwn(ctx context.Context, s store.Store, t *records, names []string) error {
	authority, err := openAuthority(ctx, s, t, c.clock)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return fmt.Errorf("app: TLS directory: %w", err)
	}
	if err := writeFile(filepath.Join(c.dir, "ca.pem"), authority.CertificatePEM(), 0o644); err != nil {
		return err
	}
	if c.loadOwn(names) {
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
func openAuthority(ctx context.Context, s store.Store, t *records, c clock.Clock) (*ca.Authority, error) {
	var authority *ca.Authority
	_, err := s.Update(ctx, func(tx store.Txn) error {
		r, err := t.authority.Get(tx, table.Scope{}, table.String(only))
		if err == nil {
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
		return t.authority.Put(tx, &authorityRecord{Certificate: authority.CertificatePEM(), Key: key})
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

// ReadCA returns the certificate (PEM) of the server's own authority.
func ReadCA(c Config) ([]byte, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(c.SecretsDir, "tls", "ca.pem"))
	if err != nil {
		return nil, fmt.Errorf("app: the authority is made at the first start of the server: %w", err)
	}
	return text, nil
}
