package sts

import (
	"context"
	"time"

	"fastness/internal/api/stsapi"
	"fastness/internal/call"
)

const (
	defaultSession = 12 * time.Hour
	// maxRootSession bounds sessions of root users; longer ones are cut to it.
	maxRootSession = time.Hour
)

// longTerm makes sure that the caller uses long-term credentials.
func longTerm(c *call.Call) error {
	p := c.Principal
	if p.Session != nil || (p.Kind != call.User && p.Kind != call.Root) {
		return denied("Cannot call %s with session credentials", c.Operation.Name)
	}
	return nil
}

func sessionLength(p *call.Principal, wanted *int32) time.Duration {
	d := seconds(wanted, defaultSession)
	if p.Kind == call.Root {
		d = min(d, maxRootSession)
	}
	return d
}

// GetSessionToken gives temporary credentials to the caller itself.
func (s *Service) GetSessionToken(ctx context.Context, in *stsapi.GetSessionTokenRequest) (*stsapi.GetSessionTokenResponse, error) {
	c := call.From(ctx)
	if err := longTerm(c); err != nil {
		return nil, err
	}
	if in.SerialNumber != nil || in.TokenCode != nil {
		return nil, denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	}
	p := c.Principal
	credentials, err := s.issue(&claims{Kind: kindUser, Account: p.Account, ID: p.ID}, sessionLength(p, in.DurationSeconds))
	if err != nil {
		return nil, err
	}
	noteIssued(c, credentials, "", nil)
	return &stsapi.GetSessionTokenResponse{Credentials: credentials}, nil
}

// GetFederationToken gives temporary credentials to somebody whom the caller names and
// vouches for. They can do what the caller can and the session policies allow.
func (s *Service) GetFederationToken(ctx context.Context, in *stsapi.GetFederationTokenRequest) (*stsapi.GetFederationTokenResponse, error) {
	c := call.From(ctx)
	if err := longTerm(c); err != nil {
		return nil, err
	}
	p := c.Principal
	tags, err := sessionTags(in.Tags)
	if err != nil {
		return nil, err
	}
	l, err := s.sessionLimits(p.Account, in.Policy, in.PolicyArns)
	if err != nil {
		return nil, err
	}
	packed, err := pack(l, tags)
	if err != nil {
		return nil, err
	}
	credentials, err := s.issue(&claims{
		Kind: kindFederated, Account: p.Account, ID: p.ID, Name: *in.Name,
		Tags: tags, Policy: l.policy, PolicyARNs: l.arns,
	}, sessionLength(p, in.DurationSeconds))
	if err != nil {
		return nil, err
	}
	u := &stsapi.FederatedUser{FederatedUserId: new(p.Account + ":" + *in.Name), Arn: new(federatedARN(p.Account, *in.Name))}
	noteIssued(c, credentials, "federatedUser", map[string]any{"federatedUserId": *u.FederatedUserId, "arn": *u.Arn})
	return &stsapi.GetFederationTokenResponse{Credentials: credentials, PackedPolicySize: packed, FederatedUser: u}, nil
}
