package xksproxy

import (
	"errors"
	"net/http"

	"fastness/internal/engine/xks"
	"fastness/internal/sigv4"
)

// verifier checks signatures by package sigv4. The Region of the scope is the key
// service's, which is whatever it says: the proxy has none.
type verifier struct {
	*sigv4.Verifier
	certificates *xks.ClientCertificatePolicy // nil: none are asked for
}

var _ xks.SignatureVerifier = verifier{}

var (
	errPresigned  = errors.New("xksproxy: presigned requests are not accepted")
	errUnknownKey = errors.New("xksproxy: unknown access key id")
	errPlain      = errors.New("xksproxy: a client certificate is required, and the request came without TLS")
)

// Verify implements xks.SignatureVerifier. A request without the certificate that is
// asked for is as good as unsigned.
func (v verifier) Verify(r *http.Request, body []byte, lookup xks.CredentialLookup) (string, error) {
	if v.certificates != nil {
		if r.TLS == nil {
			return "", errPlain
		}
		if err := v.certificates.Check(r.TLS.PeerCertificates); err != nil {
			return "", err
		}
	}
	sig, err := sigv4.Parse(sigv4.FromHTTP(r))
	if err != nil {
		return "", err
	}
	if sig.Presigned || sig.SecurityToken != "" {
		return "", errPresigned
	}
	// curl does not sign Content-Type; the specification does not ask for it.
	rules := sigv4.Rules{Region: sig.Region, Service: xks.ServiceName, AllowUnsignedContentType: true}
	credential, ok := lookup(sig.AccessKeyID)
	if !ok {
		return "", errors.Join(errUnknownKey, v.VerifyUnknown(sig, rules, body))
	}
	secret := []byte(credential.SecretAccessKey)
	defer clear(secret)
	if err := v.Verifier.Verify(sig, secret, rules, body); err != nil {
		return "", err
	}
	return sig.AccessKeyID, nil
}
