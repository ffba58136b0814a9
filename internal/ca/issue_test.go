package ca

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"
)

func TestSignForAKeyOfOthers(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	a, err := New(now)
	if err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("a", 60) + ".example.com"
	for _, names := range [][]string{{"shop.example.com", "*.shop.example.com"}, {long}} {
		certPEM, chainPEM, err := a.Sign(now, time.Hour, names, &key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(certPEM)
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(chainPEM)
		if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, DNSName: names[0]}); err != nil {
			t.Errorf("%v: %v", names, err)
		}
		if cn := cert.Subject.CommonName; cn != names[0] && len(names[0]) <= 64 {
			t.Errorf("common name %q", cn)
		}
	}
	if _, _, err := a.Sign(now, time.Hour, nil, &key.PublicKey); err == nil {
		t.Error("a certificate without names is signed")
	}
}
