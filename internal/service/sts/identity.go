package sts

import (
	"context"

	"fastness/internal/api/stsapi"
	"fastness/internal/call"
)

// GetCallerIdentity answers who the caller is.
func (s *Service) GetCallerIdentity(ctx context.Context, _ *stsapi.GetCallerIdentityRequest) (*stsapi.GetCallerIdentityResponse, error) {
	p := call.From(ctx).Principal
	return &stsapi.GetCallerIdentityResponse{UserId: new(p.ID), Account: new(p.Account), Arn: new(p.ARN)}, nil
}

// GetAccessKeyInfo answers which account an access key belongs to; the id says it.
func (s *Service) GetAccessKeyInfo(_ context.Context, in *stsapi.GetAccessKeyInfoRequest) (*stsapi.GetAccessKeyInfoResponse, error) {
	account, ok := s.dir.AccountOf(*in.AccessKeyId)
	if !ok {
		return nil, invalid("The access key ID %s is not valid.", *in.AccessKeyId)
	}
	return &stsapi.GetAccessKeyInfoResponse{Account: new(account)}, nil
}
