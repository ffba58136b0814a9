package upstream

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// Insecure is a configuration that encrypts without knowing to whom: AWS's load balancers do
// not verify the certificates of targets.
func Insecure() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // see above
}

// Verified is a configuration that verifies that the certificate is for name, under roots
// in PEM; the system's if there are none.
func Verified(name, roots string) (*tls.Config, error) {
	c := &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}
	if roots != "" {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM([]byte(roots)) {
			return nil, errors.New("no certificate among the roots")
		}
	}
	return c, nil
}
