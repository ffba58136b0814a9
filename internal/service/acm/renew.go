package acm

import (
	"context"
	"fmt"
	"time"

	"fastness/internal/api/acmapi"
	"fastness/internal/due"
	"fastness/internal/store"
)

const (
	// jobRenew renews a certificate.
	jobRenew = "acm/renew"
	// renewBefore is how long before its end a certificate is renewed (AWS Certificate Manager User
	// Guide, "Managed certificate renewal": 60 days).
	renewBefore = 60 * 24 * time.Hour
)

// JobHandlers are the service's jobs by kind, for the runner (due.NewRunner).
func (s *Service) JobHandlers() map[string]due.Handler {
	return map[string]due.Handler{jobRenew: {RunInTxn: s.renewDue}}
}

func (s *Service) scheduleRenewal(tx store.Txn, r *certificateRecord) error {
	return s.jobs.Schedule(tx, due.Job{Kind: jobRenew, ID: r.arn(), At: r.NotAfter.Add(-renewBefore), Payload: []byte(r.arn())})
}

func (s *Service) renewDue(ctx context.Context, tx store.Txn, j due.Job) error {
	r, err := s.tables.certificate(tx, string(j.Payload))
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.renew(ctx, tx, r)
}

// renew issues a certificate again, with a new key; its ARN stays.
func (s *Service) renew(ctx context.Context, tx store.Txn, r *certificateRecord) error {
	now := s.now(ctx)
	if err := s.issue(r, now); err != nil {
		return err
	}
	r.Renewed = now
	if err := s.save(tx, r); err != nil {
		return err
	}
	return s.scheduleRenewal(tx, r)
}

// RenewCertificate implements the operation of that name.
func (s *Service) RenewCertificate(ctx context.Context, _ *acmapi.RenewCertificateRequest) (*acmapi.RenewCertificateOutput, error) {
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
		return nil, invalid(fmt.Sprintf("Certificate %s is not eligible for renewal.", t.arn))
	}
	return &acmapi.RenewCertificateOutput{}, s.renew(ctx, c.Txn(), r)
}
