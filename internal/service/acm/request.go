package acm

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fastness/internal/api/acmapi"
	"fastness/internal/store/table"
)

const (
	// maxNames is how many names a requested certificate has.
	maxNames = 10
	// validity is how long a certificate is good (AWS Certificate Manager User Guide: 13 months).
	validity = 395 * 24 * time.Hour
	// tokenAge is how long a request with the same token is the same request (API reference,
	// RequestCertificate).
	tokenAge = time.Hour
)

// namesOf are the names of a request, the domain first, each once.
func namesOf(in *acmapi.RequestCertificateRequest) []string {
	names := []string{strings.ToLower(value(in.DomainName))}
	for _, n := range in.SubjectAlternativeNames {
		if n = strings.ToLower(n); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

// RequestCertificate implements the operation of that name. The certificate is issued at once.
func (s *Service) RequestCertificate(ctx context.Context, in *acmapi.RequestCertificateRequest) (*acmapi.RequestCertificateResponse, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	names := namesOf(in)
	r := &certificateRecord{
		Account: c.Account, Region: c.Region, ID: t.id, Type: acmapi.CertificateTypeAmazonIssued, Domain: names[0], Names: names,
		Algorithm: value(in.KeyAlgorithm), Token: value(in.IdempotencyToken), Validation: value(in.ValidationMethod),
		Logging: acmapi.CertificateTransparencyLoggingPreferenceEnabled, Export: acmapi.CertificateExportDisabled, ManagedBy: value(in.ManagedBy),
	}
	if r.Algorithm == "" {
		r.Algorithm = acmapi.KeyAlgorithmRSA2048
	}
	if r.Validation == "" {
		r.Validation = acmapi.ValidationMethodEmail
	}
	if o := in.Options; o != nil {
		if o.CertificateTransparencyLoggingPreference != nil {
			r.Logging = *o.CertificateTransparencyLoggingPreference
		}
		if o.Export != nil {
			r.Export = *o.Export
		}
	}
	switch {
	case in.CertificateAuthorityArn != nil:
		return nil, &acmapi.InvalidParameterException{Message: new("Certificates of private certificate authorities are not supported.")}
	case len(names) > maxNames:
		return nil, &acmapi.LimitExceededException{Message: new(fmt.Sprintf("Error: the certificate has more than %d domain names.", maxNames))}
	case !slices.Contains([]acmapi.KeyAlgorithm{acmapi.KeyAlgorithmRSA2048, acmapi.KeyAlgorithmECPrime256v1, acmapi.KeyAlgorithmECSecp384r1}, r.Algorithm):
		return nil, &acmapi.InvalidParameterException{Message: new(fmt.Sprintf("The key algorithm %s is not supported for requested certificates.", r.Algorithm))}
	}
	for _, o := range in.DomainValidationOptions {
		if !slices.Contains(names, strings.ToLower(value(o.DomainName))) || !strings.HasSuffix(strings.ToLower(value(o.DomainName)), strings.ToLower(value(o.ValidationDomain))) {
			return nil, &acmapi.InvalidDomainValidationOptionsException{Message: new("The validation domain of " + value(o.DomainName) + " must be the domain name or a superdomain of it.")}
		}
	}
	now := s.now(ctx)
	if r.Token != "" {
		for row, err := range s.tables.certificates.Scan(c.Txn(), table.Scope{Account: c.Account, Region: c.Region}, table.Page{}) {
			if err != nil {
				return nil, err
			}
			if o := row.Record; o.Token == r.Token && slices.Equal(o.Names, r.Names) && now.Sub(o.Created) < tokenAge {
				return &acmapi.RequestCertificateResponse{CertificateArn: new(o.arn())}, nil
			}
		}
	}
	if r.Tags, err = withTags(nil, in.Tags); err != nil {
		return nil, err
	}
	r.Created = now
	if err := s.issue(r, now); err != nil {
		return nil, err
	}
	if err := s.insert(c.Txn(), r); err != nil {
		return nil, err
	}
	return &acmapi.RequestCertificateResponse{CertificateArn: &t.arn}, s.scheduleRenewal(c.Txn(), r)
}

// issue makes a key and a certificate for the names of a record.
func (s *Service) issue(r *certificateRecord, now time.Time) error {
	key, err := newKey(r.Algorithm)
	if err != nil {
		return err
	}
	certificate, chain, err := s.authority.Sign(now, validity, r.Names, key.Public())
	if err != nil {
		return fmt.Errorf("acm: %w", err)
	}
	block, _ := pem.Decode(certificate)
	if block == nil {
		return errors.New("acm: the authority's certificate is not PEM")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("acm: the authority's certificate: %w", err)
	}
	if r.Key, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return fmt.Errorf("acm: encode a key: %w", err)
	}
	r.Certificate, r.Chain, r.NotBefore, r.NotAfter, r.Issued = string(certificate), string(chain), leaf.NotBefore, leaf.NotAfter, now
	return nil
}

// validationRecord is the DNS record with which AWS would have a domain validated. It is told for
// clients that wait for it; nothing looks it up.
func (r *certificateRecord) validationRecord(name string) *acmapi.ResourceRecord {
	domain := strings.TrimPrefix(name, "*.")
	digest := func(what string) string {
		sum := sha256.Sum256([]byte(what + "\x00" + r.Account + "\x00" + domain))
		return "_" + hex.EncodeToString(sum[:16])
	}
	return &acmapi.ResourceRecord{
		Name: new(digest("name") + "." + domain + "."), Type: new(acmapi.RecordTypeCname), Value: new(digest("value") + ".acm-validations.aws."),
	}
}
