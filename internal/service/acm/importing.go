package acm

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"

	"fastness/internal/api/acmapi"
)

// maxChain is how many certificates a chain has.
const maxChain = 20

// invalid is ValidationException.
func invalid(text string) error { return &acmapi.ValidationException{Message: &text} }

// parsed is a checked certificate from elsewhere.
type parsed struct {
	leaf               *x509.Certificate
	certificate, chain string // PEM
	key                []byte // PKCS #8
	algorithm          acmapi.KeyAlgorithm
}

// parseImport checks a certificate, its private key and its chain (AWS Certificate Manager User Guide,
// "Prerequisites for importing certificates" and "Troubleshooting certificate import").
func parseImport(now time.Time, certificate, chain, private []byte) (*parsed, error) {
	certs, err := parseCertificates(certificate)
	if err != nil {
		return nil, err
	}
	if len(certs) != 1 {
		return nil, invalid("The certificate field contains more than one certificate. You can specify only one certificate in this field.")
	}
	p := &parsed{leaf: certs[0], certificate: encodeCertificates(certs)}
	key, err := parseKey(private)
	if err != nil {
		return nil, invalid("The private key is not supported.")
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if p.algorithm = algorithmOf(key.Public()); p.algorithm == "" || !ok {
		return nil, invalid("The private key is not supported.")
	}
	switch {
	case !public.Equal(p.leaf.PublicKey):
		return nil, invalid("The certificate and private key do not match.")
	case now.Before(p.leaf.NotBefore):
		return nil, invalid(fmt.Sprintf("The certificate is not valid until %s.", p.leaf.NotBefore.UTC().Format(time.RFC3339)))
	case !now.Before(p.leaf.NotAfter):
		return nil, invalid("The certificate has expired.")
	}
	if err := p.checkChain(chain); err != nil {
		return nil, err
	}
	if p.key, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return nil, invalid("The private key is not supported.")
	}
	return p, nil
}

// checkChain checks that each certificate is signed by the next one. Without a chain the
// certificate has to be signed by itself.
func (p *parsed) checkChain(text []byte) error {
	if len(text) == 0 {
		// CheckSignature, not CheckSignatureFrom: a certificate of a server is no authority.
		if err := p.leaf.CheckSignature(p.leaf.SignatureAlgorithm, p.leaf.RawTBSCertificate, p.leaf.Signature); err != nil {
			return invalid("The provided certificate is not a valid self signed. Please provide either a valid self-signed certificate or certificate chain.")
		}
		return nil
	}
	chain, err := parseCertificates(text)
	if err != nil {
		return err
	}
	if len(chain) > maxChain {
		return invalid("The certificate chain is too long.")
	}
	child := p.leaf
	for _, c := range chain {
		if child.CheckSignatureFrom(c) != nil {
			return invalid("Could not validate the certificate with the certificate chain.")
		}
		child = c
	}
	p.chain = encodeCertificates(chain)
	return nil
}

// parseCertificates reads certificates in PEM, with nothing but them.
func parseCertificates(text []byte) (all []*x509.Certificate, err error) {
	bad := invalid("Unable to parse certificate. Please ensure the certificate is in PEM format.")
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil || block.Type != "CERTIFICATE" || len(all) > maxChain {
			return nil, bad
		}
		all, text = append(all, c), rest
	}
	if len(all) == 0 {
		return nil, bad
	}
	return all, nil
}

func encodeCertificates(list []*x509.Certificate) string {
	var text []byte
	for _, c := range list {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return string(text)
}

// ImportCertificate implements the operation of that name. With an ARN the certificate takes the
// place of one that was imported before.
func (s *Service) ImportCertificate(ctx context.Context, in *acmapi.ImportCertificateRequest) (*acmapi.ImportCertificateResponse, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	now := s.now(ctx)
	p, err := parseImport(now, in.Certificate, in.CertificateChain, in.PrivateKey)
	if err != nil {
		return nil, err
	}
	r := &certificateRecord{Account: c.Account, Region: c.Region, ID: t.id, Type: acmapi.CertificateTypeImported, Created: now}
	if in.CertificateArn != nil {
		switch r, err = s.tables.certificate(c.Txn(), t.arn); {
		case isNotFound(err):
			return nil, notFound(t.arn)
		case err != nil:
			return nil, err
		case r.Type != acmapi.CertificateTypeImported:
			return nil, invalid("Certificate " + t.arn + " was not imported.")
		case len(in.Tags) > 0:
			return nil, invalid("Tagging is not permitted on re-import.")
		}
	} else if r.Tags, err = withTags(nil, in.Tags); err != nil {
		return nil, err
	}
	r.Certificate, r.Chain, r.Key, r.Algorithm = p.certificate, p.chain, p.key, p.algorithm
	r.Names = p.leaf.DNSNames
	r.Domain = p.leaf.Subject.CommonName
	if r.Domain == "" && len(r.Names) > 0 {
		r.Domain = r.Names[0]
	}
	r.NotBefore, r.NotAfter, r.Issued = p.leaf.NotBefore.UTC(), p.leaf.NotAfter.UTC(), now
	if in.CertificateArn != nil {
		return &acmapi.ImportCertificateResponse{CertificateArn: &t.arn}, s.save(c.Txn(), r)
	}
	return &acmapi.ImportCertificateResponse{CertificateArn: &t.arn}, s.insert(c.Txn(), r)
}
