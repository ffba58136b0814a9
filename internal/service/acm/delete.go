package acm

import (
	"context"
	"fmt"

	"fastness/internal/api/acmapi"
	"fastness/internal/store/table"
)

// DeleteCertificate implements the operation of that name.
func (s *Service) DeleteCertificate(ctx context.Context, _ *acmapi.DeleteCertificateRequest) (*acmapi.DeleteCertificateOutput, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	tx := c.Txn()
	r, err := s.tables.certificate(tx, t.arn)
	if isNotFound(err) {
		return nil, notFound(t.arn)
	}
	if err != nil {
		return nil, err
	}
	users, err := s.users.CertificateUsers(tx, r.Account, r.Region, t.arn)
	if err != nil {
		return nil, err
	}
	if len(users) > 0 {
		return nil, &acmapi.ResourceInUseException{Message: new(fmt.Sprintf("Certificate %s in account %s is in use.", t.arn, r.Account))}
	}
	if _, err := s.jobs.Cancel(tx, jobRenew, t.arn); err != nil {
		return nil, err
	}
	at := table.Scope{Account: r.Account, Region: r.Region}
	s.counted(tx, at, -1)
	return &acmapi.DeleteCertificateOutput{}, s.tables.certificates.Delete(tx, at, table.String(r.ID))
}
