package ca

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// Sign makes a server certificate for a public key and the DNS names (also wildcards), of which the
// first is the common name where it fits one (64 characters, RFC 5280 appendix A.1). The certificate
// and that of the authority are PEM.
func (a *Authority) Sign(now time.Time, validity time.Duration, names []string, key crypto.PublicKey) (certPEM, chainPEM []byte, err error) {
	if len(names) == 0 {
		return nil, nil, errors.New("ca: a certificate without names")
	}
	serial, err := serialNumber()
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(validity),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:     names,
	}
	const maxCommonName = 64
	if len(names[0]) <= maxCommonName {
		template.Subject = pkix.Name{CommonName: names[0]}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key, a.key)
	if err != nil {
		return nil, nil, fmt.Errorf("ca: sign server certificate: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), a.CertificatePEM(), nil
}
