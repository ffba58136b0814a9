package sts

import (
	"context"
	"time"

	"fastness/internal/api/stsapi"
	"fastness/internal/call"
)

const (
	defaultRoleSession = time.Hour
	// maxChained bounds the session of a role assumed by a session of a role.
	maxChained = time.Hour
)

// assumption is what Resolve has found out about a role to be assumed.
type assumption struct {
	role       *call.Principal // template
	maxSession time.Duration
	tags       map[string]string
	transitive []string
	source     string
}

// assumption works out tags and source identity of the session to be, with what a
// chained session inherits.
func (s *Service) assumption(c *call.Call, in *stsapi.AssumeRoleRequest) (*assumption, error) {
	tags, err := sessionTags(in.Tags)
	if err != nil {
		return nil, err
	}
	a := &assumption{tags: tags}
	for _, key := range in.TransitiveTagKeys {
		if _, ok := tagValue(tags, key); !ok {
			return nil, &parameterError{"The specified transitive tag key must be included in the requested tags."}
		}
		if !contains(a.transitive, key) {
			a.transitive = append(a.transitive, key)
		}
	}
	if in.SourceIdentity != nil {
		a.source = *in.SourceIdentity
	}
	parent := c.Principal.Session
	if parent == nil {
		return a, nil
	}
	for _, key := range parent.TransitiveTagKeys {
		if _, ok := tagValue(tags, key); ok {
			return nil, &parameterError{"One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session."}
		}
		if v, ok := tagValue(c.Principal.Tags, key); ok {
			a.tags[key] = v
			a.transitive = append(a.transitive, key)
		}
	}
	if parent.SourceIdentity != "" {
		if a.source != "" && a.source != parent.SourceIdentity {
			return nil, denied("The source identity of the calling session cannot be changed.")
		}
		a.source = parent.SourceIdentity
	}
	return a, nil
}

// AssumeRole makes a session of a role.
func (s *Service) AssumeRole(ctx context.Context, in *stsapi.AssumeRoleRequest) (*stsapi.AssumeRoleResponse, error) {
	c := call.From(ctx)
	a, ok := c.Resolved.(*assumption)
	if !ok || a.role == nil {
		return nil, denied("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", c.Principal.ARN, *in.RoleArn)
	}
	d := seconds(in.DurationSeconds, defaultRoleSession)
	switch {
	case c.Principal.Kind == call.AssumedRole && d > maxChained:
		return nil, invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	case d > a.maxSession:
		return nil, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	if in.SerialNumber != nil || in.TokenCode != nil {
		// No account has an MFA device that could have made the code.
		return nil, denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
	}
	l, err := s.sessionLimits(a.role.Account, in.Policy, in.PolicyArns)
	if err != nil {
		return nil, err
	}
	packed, err := pack(l, a.tags)
	if err != nil {
		return nil, err
	}
	credentials, err := s.issue(&claims{
		Kind: kindRole, Account: a.role.Account, ID: a.role.Session.RoleID, Name: *in.RoleSessionName,
		Tags: a.tags, Transitive: a.transitive, SourceIdentity: a.source, Policy: l.policy, PolicyARNs: l.arns,
	}, d)
	if err != nil {
		return nil, err
	}
	out := &stsapi.AssumeRoleResponse{
		Credentials: credentials, PackedPolicySize: packed,
		AssumedRoleUser: assumedRoleUser(a.role, *in.RoleSessionName),
	}
	if a.source != "" {
		out.SourceIdentity = new(a.source)
	}
	noteIssued(c, credentials, "assumedRoleUser", noteRole(out.AssumedRoleUser))
	return out, nil
}

func assumedRoleUser(role *call.Principal, name string) *stsapi.AssumedRoleUser {
	return &stsapi.AssumedRoleUser{
		AssumedRoleId: new(role.Session.RoleID + ":" + name),
		Arn:           new(sessionARN(role.Account, role.Session.RoleName, name)),
	}
}

func noteRole(u *stsapi.AssumedRoleUser) map[string]any {
	return map[string]any{"assumedRoleId": *u.AssumedRoleId, "arn": *u.Arn}
}
