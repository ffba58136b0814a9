package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"fastness/internal/clock"
	"fastness/internal/engine/xks"
	"fastness/internal/service/xksproxy"
)

// What the test client takes unless told otherwise.
const clientPrefix = "/example/uri/path/prefix"

var clientCredential = xks.Credential{
	AccessKeyID:     "BETWEEN2TENAND3TENCHARACTERS",
	SecretAccessKey: "PleaseReplaceThisWithSomeSecretOfLength43To64",
}

var clientKeys = []xksproxy.KeySpec{
	{ID: "foo"},
	{ID: "encrypt_only_key", Usages: []string{xks.UsageEncrypt}},
	{ID: "decrypt_only_key", Usages: []string{xks.UsageDecrypt}},
	{ID: "impotent_key", Usages: []string{}},
}

func main() {
	var a addresses
	flag.StringVar(&a.plain, "http", "127.0.0.1:8180", "address for plain HTTP")
	flag.StringVar(&a.secure, "https", "127.0.0.1:8443", "address for HTTPS")
	flag.StringVar(&a.mutual, "mtls", "127.0.0.1:8444", "address for mutual TLS")
	flag.StringVar(&a.dir, "certificates", "", "directory for ca.pem, client.pem and client-key.pem; required")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, a); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "xksproxy:", err)
		os.Exit(1)
	}
}

type addresses struct{ plain, secure, mutual, dir string }

func run(ctx context.Context, a addresses) error {
	if a.dir == "" {
		return fmt.Errorf("-certificates is required")
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	h, err := openHouse(ctx, options{clock: clock.System{}, log: log})
	if err != nil {
		return err
	}
	defer h.close()
	if err := h.export(ctx); err != nil {
		return err
	}
	server, clients, err := certificates(a.dir)
	if err != nil {
		return err
	}
	secure := &tls.Config{Certificates: []tls.Certificate{server}, MinVersion: tls.VersionTLS12}
	mutual := xks.RequireClientCertificate(secure, xks.ClientCertificatePolicy{
		Roots: clients, CommonName: xks.ClientCommonName(region), Now: time.Now,
	})
	failed := make(chan error, 3)
	for _, l := range []struct {
		address string
		tls     *tls.Config
	}{{a.plain, nil}, {a.secure, secure}, {a.mutual, mutual}} {
		listener, err := net.Listen("tcp", l.address)
		if err != nil {
			return err
		}
		if l.tls != nil {
			listener = tls.NewListener(listener, l.tls)
		}
		s := &http.Server{Handler: h.proxy, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
		defer s.Close()
		go func() { failed <- s.Serve(listener) }()
	}
	fmt.Println("ready")
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-failed:
		return err
	}
}

// export makes the test client's prefix and keys.
func (h *house) export(ctx context.Context) error {
	admin := h.proxy.Admin()
	if _, err := admin.CreatePrefix(ctx, xksproxy.PrefixSpec{Prefix: clientPrefix, Account: account, Region: region, Credential: &clientCredential}); err != nil {
		return err
	}
	key, err := h.exportable(ctx)
	if err != nil {
		return err
	}
	for _, k := range clientKeys {
		k.KMSKey = key
		if err := admin.AddKey(ctx, clientPrefix, k); err != nil {
			return err
		}
	}
	return nil
}

// certificates makes an authority, writes it and a client certificate to dir, and
// returns the server's certificate and the authority.
func certificates(dir string) (tls.Certificate, *x509.CertPool, error) {
	var none tls.Certificate
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return none, nil, err
	}
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "xksproxy test authority"}, NotBefore: now.Add(-time.Hour),
		NotAfter: now.Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		return none, nil, err
	}
	if ca, err = x509.ParseCertificate(caDER); err != nil {
		return none, nil, err
	}
	issue := func(c *x509.Certificate) (tls.Certificate, error) {
		c.NotBefore, c.NotAfter, c.KeyUsage = now.Add(-time.Hour), now.Add(24*time.Hour), x509.KeyUsageDigitalSignature
		leaf, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return none, err
		}
		der, err := x509.CreateCertificate(rand.Reader, c, ca, leaf.Public(), key)
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: leaf}, err
	}
	server, err := issue(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	if err != nil {
		return none, nil, err
	}
	client, err := issue(&x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: xks.ClientCommonName(region)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return none, nil, err
	}
	clientKey, err := x509.MarshalPKCS8PrivateKey(client.PrivateKey)
	if err != nil {
		return none, nil, err
	}
	for name, block := range map[string]*pem.Block{
		"ca.pem":         {Type: "CERTIFICATE", Bytes: caDER},
		"client.pem":     {Type: "CERTIFICATE", Bytes: client.Certificate[0]},
		"client-key.pem": {Type: "PRIVATE KEY", Bytes: clientKey},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return none, nil, err
		}
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	return server, pool, nil
}
