package attestation

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// maxClockSkew is how far in the future a document may lie when MaxAge is set.
const maxClockSkew = time.Minute

// Verifier checks documents against a set of roots. It is immutable and safe for
// concurrent use.
type Verifier struct {
	// Roots are the certificates that a document may chain to. An empty or nil
	// pool trusts nobody.
	Roots *x509.CertPool
	// MaxAge refuses documents issued longer ago, or more than a minute in the
	// future. Zero leaves the certificate's own validity (three hours on AWS) as
	// the only bound.
	MaxAge time.Duration
}

// NewVerifier returns a Verifier for roots and maxAge.
func NewVerifier(roots *x509.CertPool, maxAge time.Duration) *Verifier {
	return &Verifier{Roots: roots, MaxAge: maxAge}
}

// Verify checks document as of now and returns what it says. Its errors wrap one
// of ErrTooLarge, ErrMalformed, ErrField, ErrCertificate, ErrSignature and
// ErrStale. Nothing of an unverified document is returned.
func (v *Verifier) Verify(document []byte, now time.Time) (*Document, error) {
	if len(document) > MaxDocumentBytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(document), MaxDocumentBytes)
	}
	dec, err := decoder()
	if err != nil {
		return nil, malformed("decoder: %w", err)
	}
	message, err := parseSign1(dec, document)
	if err != nil {
		return nil, err
	}
	doc, err := parsePayload(dec, message.payload)
	if err != nil {
		return nil, err
	}
	key, err := v.signingKey(doc, now)
	if err != nil {
		return nil, err
	}
	if err := message.verify(key); err != nil {
		return nil, err
	}
	if err := v.checkAge(doc, now); err != nil {
		return nil, err
	}
	return doc, nil
}

// signingKey chains the document's certificate to a root at now and returns its
// key. Path length, basic constraints, certificate-signing usage and validity of
// every certificate, the root included, are checked by crypto/x509; what is left
// here is the role of the target certificate. Revocation is not consulted, as
// AWS prescribes.
func (v *Verifier) signingKey(doc *Document, now time.Time) (*ecdsa.PublicKey, error) {
	if v.Roots == nil {
		// x509 would take nil for "the roots of this machine".
		return nil, fmt.Errorf("%w: no root configured", ErrCertificate)
	}
	target, err := x509.ParseCertificate(doc.certificate)
	if err != nil {
		return nil, fmt.Errorf("%w: certificate: %w", ErrCertificate, err)
	}
	intermediates := x509.NewCertPool()
	for i, der := range doc.bundle {
		issuer, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%w: cabundle entry %d: %w", ErrCertificate, i, err)
		}
		intermediates.AddCert(issuer)
	}
	if _, err := target.Verify(x509.VerifyOptions{
		Roots:         v.Roots,
		Intermediates: intermediates,
		CurrentTime:   now,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	if target.IsCA {
		return nil, fmt.Errorf("%w: signed by a certificate authority instead of a platform certificate", ErrCertificate)
	}
	if target.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return nil, fmt.Errorf("%w: key usage lacks digitalSignature", ErrCertificate)
	}
	key, ok := target.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P384() {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, errors.New("key is not on P-384"))
	}
	return key, nil
}

func (v *Verifier) checkAge(doc *Document, now time.Time) error {
	if v.MaxAge <= 0 {
		return nil
	}
	switch age := now.Sub(doc.Timestamp); {
	case age > v.MaxAge:
		return fmt.Errorf("%w: issued %s ago, at most %s", ErrStale, age.Round(time.Second), v.MaxAge)
	case age < -maxClockSkew:
		return fmt.Errorf("%w: issued %s in the future", ErrStale, (-age).Round(time.Second))
	default:
		return nil
	}
}
