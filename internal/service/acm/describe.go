package acm

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"fastness/internal/api/acmapi"
	"fastness/internal/store"
)

// status is what a certificate is at a time.
func (r *certificateRecord) status(now time.Time) acmapi.CertificateStatus {
	if !now.Before(r.NotAfter) {
		return acmapi.CertificateStatusExpired
	}
	return acmapi.CertificateStatusIssued
}

// leaf reads the certificate.
func (r *certificateRecord) leaf() (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(r.Certificate))
	if block == nil {
		return nil, fmt.Errorf("acm: stored certificate %s is not PEM", r.ID)
	}
	return x509.ParseCertificate(block.Bytes)
}

// usages are the names of key usages, in the order of their bits.
var usages = []struct {
	bit  x509.KeyUsage
	name acmapi.KeyUsageName
}{
	{x509.KeyUsageDigitalSignature, acmapi.KeyUsageNameDigitalSignature}, {x509.KeyUsageContentCommitment, acmapi.KeyUsageNameNonRepudiation},
	{x509.KeyUsageKeyEncipherment, acmapi.KeyUsageNameKeyEncipherment}, {x509.KeyUsageDataEncipherment, acmapi.KeyUsageNameDataEncipherment},
	{x509.KeyUsageKeyAgreement, acmapi.KeyUsageNameKeyAgreement}, {x509.KeyUsageCertSign, acmapi.KeyUsageNameCertificateSigning},
	{x509.KeyUsageCRLSign, acmapi.KeyUsageNameCrlSigning}, {x509.KeyUsageEncipherOnly, acmapi.KeyUsageNameEncipherOnly},
	{x509.KeyUsageDecipherOnly, acmapi.KeyUsageNameDecipherOnly},
}

// extended are the names of extended key usages.
var extended = map[x509.ExtKeyUsage]struct {
	name acmapi.ExtendedKeyUsageName
	oid  string
}{
	x509.ExtKeyUsageAny:             {acmapi.ExtendedKeyUsageNameAny, "2.5.29.37.0"},
	x509.ExtKeyUsageServerAuth:      {acmapi.ExtendedKeyUsageNameTLSWebServerAuthentication, "1.3.6.1.5.5.7.3.1"},
	x509.ExtKeyUsageClientAuth:      {acmapi.ExtendedKeyUsageNameTLSWebClientAuthentication, "1.3.6.1.5.5.7.3.2"},
	x509.ExtKeyUsageCodeSigning:     {acmapi.ExtendedKeyUsageNameCodeSigning, "1.3.6.1.5.5.7.3.3"},
	x509.ExtKeyUsageEmailProtection: {acmapi.ExtendedKeyUsageNameEmailProtection, "1.3.6.1.5.5.7.3.4"},
	x509.ExtKeyUsageTimeStamping:    {acmapi.ExtendedKeyUsageNameTimeStamping, "1.3.6.1.5.5.7.3.8"},
	x509.ExtKeyUsageOCSPSigning:     {acmapi.ExtendedKeyUsageNameOcspSigning, "1.3.6.1.5.5.7.3.9"},
}

func keyUsagesOf(c *x509.Certificate) (all []acmapi.KeyUsageName) {
	for _, u := range usages {
		if c.KeyUsage&u.bit != 0 {
			all = append(all, u.name)
		}
	}
	return all
}

// DescribeCertificate implements the operation of that name.
func (s *Service) DescribeCertificate(ctx context.Context, _ *acmapi.DescribeCertificateRequest) (*acmapi.DescribeCertificateResponse, error) {
	_, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	if t.record == nil {
		return nil, notFound(t.arn)
	}
	r := t.record
	leaf, err := r.leaf()
	if err != nil {
		return nil, err
	}
	d := &acmapi.CertificateDetail{
		CertificateArn: &t.arn, DomainName: &r.Domain, SubjectAlternativeNames: r.Names, Serial: new(serial(leaf)), Subject: new(leaf.Subject.String()),
		Issuer: new(leaf.Issuer.CommonName), CreatedAt: &r.Created, Status: new(r.status(s.clock.Now())), NotBefore: &r.NotBefore, NotAfter: &r.NotAfter,
		KeyAlgorithm: &r.Algorithm, SignatureAlgorithm: new(strings.ReplaceAll(strings.ToUpper(leaf.SignatureAlgorithm.String()), "-", "WITH")), Type: &r.Type,
		RenewalEligibility: new(acmapi.RenewalEligibilityIneligible), InUseBy: []string{}, ManagedBy: some(r.ManagedBy),
		Options: &acmapi.CertificateOptions{CertificateTransparencyLoggingPreference: some(r.Logging), Export: some(r.Export)},
	}
	for _, n := range keyUsagesOf(leaf) {
		d.KeyUsages = append(d.KeyUsages, acmapi.KeyUsage{Name: &n})
	}
	for _, u := range leaf.ExtKeyUsage {
		if e, ok := extended[u]; ok {
			d.ExtendedKeyUsages = append(d.ExtendedKeyUsages, acmapi.ExtendedKeyUsage{Name: &e.name, OID: &e.oid})
		}
	}
	if r.Type == acmapi.CertificateTypeImported {
		d.ImportedAt = &r.Issued
		if d.Issuer = new(leaf.Issuer.CommonName); *d.Issuer == "" {
			d.Issuer = new(leaf.Issuer.String())
		}
	} else {
		d.IssuedAt, d.RenewalEligibility = &r.Issued, new(acmapi.RenewalEligibilityEligible)
		d.DomainValidationOptions = r.validations()
		if !r.Renewed.IsZero() {
			d.RenewalSummary = &acmapi.RenewalSummary{RenewalStatus: new(acmapi.RenewalStatusSuccess), DomainValidationOptions: r.validations(), UpdatedAt: &r.Renewed}
		}
	}
	err = s.store.View(ctx, func(rd store.Reader) error {
		users, err := s.users.CertificateUsers(rd, r.Account, r.Region, t.arn)
		d.InUseBy = append(d.InUseBy, users...)
		return err
	})
	return &acmapi.DescribeCertificateResponse{Certificate: d}, err
}

// validations are the validations of the names.
func (r *certificateRecord) validations() (all []acmapi.DomainValidation) {
	for _, n := range r.Names {
		v := acmapi.DomainValidation{
			DomainName: new(n), ValidationDomain: new(n), ValidationStatus: new(acmapi.DomainStatusSuccess), ValidationMethod: &r.Validation,
		}
		if r.Validation == acmapi.ValidationMethodDNS {
			v.ResourceRecord = r.validationRecord(n)
		}
		all = append(all, v)
	}
	return all
}

// serial is a serial number as AWS shows it: bytes in hexadecimal with colons between.
func serial(c *x509.Certificate) string {
	var parts []string
	for _, b := range c.SerialNumber.Bytes() {
		parts = append(parts, fmt.Sprintf("%02x", b))
	}
	return strings.Join(parts, ":")
}

// GetCertificate implements the operation of that name.
func (s *Service) GetCertificate(ctx context.Context, _ *acmapi.GetCertificateRequest) (*acmapi.GetCertificateResponse, error) {
	_, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	if t.record == nil {
		return nil, notFound(t.arn)
	}
	return &acmapi.GetCertificateResponse{Certificate: &t.record.Certificate, CertificateChain: some(t.record.Chain)}, nil
}

// UpdateCertificateOptions implements the operation of that name.
func (s *Service) UpdateCertificateOptions(ctx context.Context, in *acmapi.UpdateCertificateOptionsRequest) (*acmapi.UpdateCertificateOptionsOutput, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	r, err := s.tables.certificate(c.Txn(), t.arn)
	if isNotFound(err) {
		return nil, notFound(t.arn)
	}
	if err != nil {
		return nil, err
	}
	if r.Type != acmapi.CertificateTypeAmazonIssued {
		return nil, &acmapi.InvalidStateException{Message: new("The options of an imported certificate cannot be changed.")}
	}
	if p := in.Options.CertificateTransparencyLoggingPreference; p != nil {
		r.Logging = *p
	}
	if e := in.Options.Export; e != nil && *e != r.Export {
		return nil, &acmapi.InvalidStateException{Message: new("The export option of a certificate cannot be changed.")}
	}
	return &acmapi.UpdateCertificateOptionsOutput{}, s.save(c.Txn(), r)
}
