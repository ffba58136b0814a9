package ca

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestIssuedCertificateServesTLSUnderTheRootOnly(t *testing.T) {
	now := time.Now()
	a, err := New(now)
	if err != nil {
		t.Fatal(err)
	}
	certPEM, keyPEM, err := a.IssueServer(now, time.Hour, []string{"localhost", "*.amazonaws.com", "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(a.CertificatePEM())
	for name, want := range map[string]bool{"localhost": true, "127.0.0.1": true, "kms.amazonaws.com": true, "example.com": false} {
		client, server := net.Pipe()
		go func() {
			_ = tls.Server(server, &tls.Config{Certificates: []tls.Certificate{pair}}).Handshake()
			server.Close()
		}()
		err := tls.Client(client, &tls.Config{RootCAs: roots, ServerName: name}).Handshake()
		client.Close()
		if (err == nil) != want {
			t.Errorf("handshake as %s: %v, want success %v", name, err, want)
		}
	}
}

func TestParseRoundTripAndForeignKey(t *testing.T) {
	now := time.Now()
	a, err := New(now)
	if err != nil {
		t.Fatal(err)
	}
	der, err := a.KeyDER()
	if err != nil {
		t.Fatal(err)
	}
	b, err := Parse(a.CertificatePEM(), der)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.CertificatePEM(), b.CertificatePEM()) {
		t.Fatal("certificate changed")
	}
	other, err := New(now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(other.CertificatePEM(), der); err == nil {
		t.Fatal("a key that belongs to another root was accepted")
	}
	if _, err := Parse([]byte("x"), der); err == nil {
		t.Fatal("garbage accepted as certificate")
	}
}

func TestOpensslVerifiesTheChain(t *testing.T) {
	now := time.Now()
	a, err := New(now)
	if err != nil {
		t.Fatal(err)
	}
	certPEM, _, err := a.IssueServer(now, time.Hour, []string{"localhost"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	root, leaf := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "leaf.pem")
	for name, text := range map[string][]byte{root: a.CertificatePEM(), leaf: certPEM} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("openssl", "verify", "-x509_strict", "-CAfile", root, leaf).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl verify: %v\n%s", err, out)
	}
}
