package elbv2

import (
	"context"
	"slices"

	"fastness/internal/api/elbv2api"
	"fastness/internal/call"
	"fastness/internal/store"
)

// AddListenerCertificates implements the operation of that name. Those that are there already are
// no error.
func (s *Service) AddListenerCertificates(ctx context.Context, in *elbv2api.AddListenerCertificatesInput) (*elbv2api.AddListenerCertificatesOutput, error) {
	c, l, err := s.ownListener(ctx)
	if err != nil {
		return nil, err
	}
	if l.Protocol != elbv2api.ProtocolEnumHTTPS {
		return nil, unsupported("Certificates can only be added to HTTPS listeners")
	}
	out := &elbv2api.AddListenerCertificatesOutput{}
	for _, x := range in.Certificates {
		arn := value(x.CertificateArn)
		if x.IsDefault != nil {
			return nil, invalid("IsDefault cannot be specified")
		}
		if err := s.checkCertificate(c.Txn(), arn); err != nil {
			return nil, err
		}
		if !slices.Contains(l.Certificates, arn) {
			l.Certificates = append(l.Certificates, arn)
		}
		out.Certificates = append(out.Certificates, elbv2api.Certificate{CertificateArn: &arn, IsDefault: new(arn == l.Certificates[0])})
	}
	if len(l.Certificates) > maxCertificates+1 {
		return nil, &elbv2api.TooManyCertificatesException{Message: new("You've reached the limit on the number of certificates per load balancer.")}
	}
	return out, s.saveListener(c.Txn(), l)
}

// RemoveListenerCertificates implements the operation of that name.
func (s *Service) RemoveListenerCertificates(ctx context.Context, in *elbv2api.RemoveListenerCertificatesInput) (*elbv2api.RemoveListenerCertificatesOutput, error) {
	c, l, err := s.ownListener(ctx)
	if err != nil {
		return nil, err
	}
	for _, x := range in.Certificates {
		at := slices.Index(l.Certificates, value(x.CertificateArn))
		if at == 0 {
			return nil, &elbv2api.OperationNotPermittedException{Message: new("The default certificate of a listener cannot be removed")}
		}
		if at > 0 {
			l.Certificates = slices.Delete(l.Certificates, at, at+1)
		}
	}
	return &elbv2api.RemoveListenerCertificatesOutput{}, s.saveListener(c.Txn(), l)
}

// DescribeListenerCertificates implements the operation of that name.
func (s *Service) DescribeListenerCertificates(ctx context.Context, in *elbv2api.DescribeListenerCertificatesInput) (*elbv2api.DescribeListenerCertificatesOutput, error) {
	out := &elbv2api.DescribeListenerCertificatesOutput{Certificates: []elbv2api.Certificate{}}
	err := s.store.View(ctx, func(r store.Reader) error {
		l, err := s.listenerAt(r, call.From(ctx), value(in.ListenerArn))
		if err != nil {
			return err
		}
		for i := range l.Certificates {
			out.Certificates = append(out.Certificates, elbv2api.Certificate{CertificateArn: &l.Certificates[i], IsDefault: new(i == 0)})
		}
		return nil
	})
	return out, err
}

// CertificateUsers are the load balancers whose listeners present a certificate: for who deletes
// certificates (acm.Users).
func (s *Service) CertificateUsers(r store.Reader, account, region, arn string) ([]string, error) {
	return s.tables.users(r, account, region, arn)
}
