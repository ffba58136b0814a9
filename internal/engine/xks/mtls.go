package xks

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"
)

// ClientCommonName is the subject common name of the client certificate that AWS
// KMS presents in a Region.
func ClientCommonName(region string) string { return "cks.kms." + region + ".amazonaws.com" }

// ClientCertificatePolicy says which client certificates a proxy lets in.
type ClientCertificatePolicy struct {
	// Roots are the accepted authorities; Amazon Trust Services for real AWS KMS.
	Roots *x509.CertPool
	// CommonName is the one accepted subject, see ClientCommonName.
	CommonName string
	// Now is the clock for the certificate's validity.
	Now func() time.Time
}

// Check verifies a presented chain, leaf first.
func (p ClientCertificatePolicy) Check(chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return errors.New("xks: no client certificate")
	}
	if p.Roots == nil || p.CommonName == "" || p.Now == nil {
		return errors.New("xks: client certificate policy is not configured")
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{
		Roots:         p.Roots,
		Intermediates: intermediates,
		CurrentTime:   p.Now(),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}); err != nil {
		return fmt.Errorf("xks: client certificate: %w", err)
	}
	if got := chain[0].Subject.CommonName; got != p.CommonName {
		return fmt.Errorf("xks: client certificate is of %q, not of %q", got, p.CommonName)
	}
	return nil
}

// RequireClientCertificate returns a copy of config that ends the handshake unless
// the client presents a certificate that policy accepts.
//
// A refused certificate is one and the same handshake_failure alert under TLS 1.2,
// whatever was wrong with it (RFC 5246, section 7.4.6, leaves the choice), which is
// also what AWS's proxy test client expects to see. Under TLS 1.3 crypto/tls sends
// bad_certificate.
func RequireClientCertificate(config *tls.Config, policy ClientCertificatePolicy) *tls.Config {
	return withClientCertificate(config, policy, tls.RequireAnyClientCert)
}

// AskClientCertificate is RequireClientCertificate for a port that serves more than
// the proxy: a client may come without a certificate, and the proxy refuses its
// requests (ClientCertificatePolicy.Check on the connection's certificates); one that
// presents a certificate which policy does not accept is turned away all the same.
func AskClientCertificate(config *tls.Config, policy ClientCertificatePolicy) *tls.Config {
	return withClientCertificate(config, policy, tls.RequestClientCert)
}

func withClientCertificate(config *tls.Config, policy ClientCertificatePolicy, auth tls.ClientAuthType) *tls.Config {
	base := config.Clone()
	base.MinVersion = max(base.MinVersion, tls.VersionTLS12)
	base.ClientAuth = auth
	base.ClientCAs = policy.Roots // named to the client so that it can choose
	// A resumed session would skip the check of a certificate that has expired since.
	base.SessionTicketsDisabled = true
	inner := base.GetConfigForClient
	outer := base.Clone()
	outer.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		chosen := base
		if inner != nil {
			other, err := inner(hello)
			if err != nil {
				return nil, err
			}
			if other != nil {
				chosen = withClientCertificate(other, policy, auth)
			}
		}
		perConnection := chosen.Clone()
		perConnection.GetConfigForClient = nil
		perConnection.VerifyConnection = verifyConnection(policy, auth, chosen.VerifyConnection, hello.Conn)
		return perConnection, nil
	}
	outer.VerifyConnection = verifyConnection(policy, auth, base.VerifyConnection, nil)
	return outer
}

// handshakeFailureRecord is a fatal handshake_failure alert in the clear, as a TLS
// 1.2 record (RFC 5246, sections 6.2.1 and 7.2).
var handshakeFailureRecord = [...]byte{21, 3, 3, 0, 2, 2, 40}

func verifyConnection(policy ClientCertificatePolicy, auth tls.ClientAuthType, next func(tls.ConnectionState) error, conn net.Conn) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		without := len(state.PeerCertificates) == 0 && auth == tls.RequestClientCert
		if err := policy.Check(state.PeerCertificates); err != nil && !without {
			// crypto/tls gives no choice of the alert, but in TLS 1.2 the server has not
			// switched to encryption at this point, so the alert can precede its own.
			if conn != nil && state.Version == tls.VersionTLS12 {
				_, _ = conn.Write(handshakeFailureRecord[:])
			}
			return err
		}
		if next != nil {
			return next(state)
		}
		return nil
	}
}
