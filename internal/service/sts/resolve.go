package sts

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"fastness/internal/api/stsapi"
	"fastness/internal/arn"
	"fastness/internal/call"
	"fastness/internal/policy"
)

// conditionKeys are the service's own condition keys, in lower case.
type conditionKeys map[string]policy.Values

// Lookup implements policy.Context.
func (k conditionKeys) Lookup(key string) (policy.Values, bool) {
	v, ok := k[key]
	return v, ok
}

const roleType = "AWS::IAM::Role"

// Resolve says what a call touches. GetCallerIdentity and GetSessionToken touch
// nothing that policies could deny.
func (s *Service) Resolve(_ context.Context, c *call.Call) ([]call.Access, error) {
	if err := sessionMayCall(c); err != nil {
		return nil, err
	}
	switch in := c.Input.(type) {
	case *stsapi.GetCallerIdentityRequest, *stsapi.GetSessionTokenRequest:
		return nil, nil
	case *stsapi.AssumeRoleRequest:
		return s.resolveAssumeRole(c, in)
	case *stsapi.AssumeRoleWithWebIdentityRequest:
		return nil, s.resolveWebIdentity(c, in)
	case *stsapi.GetFederationTokenRequest:
		return resolveFederation(c, in)
	case *stsapi.GetAccessKeyInfoRequest, *stsapi.DecodeAuthorizationMessageRequest:
		return []call.Access{{Action: c.Operation.Actions[0].Name, Resource: "*", Account: c.Account}}, nil
	}
	return nil, fmt.Errorf("sts: no resolution for %s", c.Operation.Name)
}

// sessionMayCall refuses what temporary credentials cannot do: federated users may only
// ask who they are, sessions of GetSessionToken may also assume roles ("Compare AWS
// STS credentials").
func sessionMayCall(c *call.Call) error {
	p := c.Principal
	if p.Session == nil {
		return nil
	}
	name := c.Operation.Name
	if p.Kind == call.FederatedUser && name != "GetCallerIdentity" ||
		(p.Kind == call.User || p.Kind == call.Root) && name != "GetCallerIdentity" && name != "AssumeRole" {
		return denied("Cannot call %s with session credentials", name)
	}
	return nil
}

func (s *Service) resolveAssumeRole(c *call.Call, in *stsapi.AssumeRoleRequest) ([]call.Access, error) {
	target, err := roleARN(*in.RoleArn)
	if err != nil {
		return nil, err
	}
	if c.Principal.Kind == call.Root {
		return nil, denied("Roles may not be assumed by root accounts.")
	}
	a, err := s.assumption(c, in)
	if err != nil {
		return nil, err
	}
	keys := conditionKeys{"sts:rolesessionname": policy.One(*in.RoleSessionName)}
	if in.ExternalId != nil {
		keys["sts:externalid"] = policy.One(*in.ExternalId)
	}
	if a.source != "" {
		keys["sts:sourceidentity"] = policy.One(a.source)
	}
	if len(a.transitive) > 0 {
		keys["sts:transitivetagkeys"] = policy.Many(a.transitive)
	}
	access := call.Access{
		Action: "sts:AssumeRole", Resource: *in.RoleArn, ResourceType: roleType, Account: target.Account,
		Mode: policy.ResourceTrust, RequestTags: a.tags, Context: keys,
		// STS gives no reason: https://github.com/aws-actions/configure-aws-credentials/issues/1219,
		// and for sts:SetSourceIdentity https://github.com/noqdev/iambic/issues/357.
		Unexplained: true,
	}
	role, trust, maxSession, err := s.dir.AssumableRole(*in.RoleArn)
	if err != nil {
		return nil, err
	}
	if role != nil {
		a.role, a.maxSession = role, maxSession
		access.Policy, access.ResourceTags = trust, role.Tags
		for k, v := range role.Tags {
			keys["iam:resourcetag/"+strings.ToLower(k)] = policy.One(v)
		}
	}
	c.Resolved = a
	accesses := []call.Access{access}
	also := func(action string) {
		more := access
		more.Action, more.Unlogged, more.Context = action, true, maps.Clone(keys)
		accesses = append(accesses, more)
	}
	if len(a.tags) > 0 {
		also("sts:TagSession")
	}
	if a.source != "" {
		also("sts:SetSourceIdentity")
	}
	return accesses, nil
}

// roleARN checks the form of a role's ARN.
func roleARN(s string) (arn.ARN, error) {
	a, err := arn.Parse(s)
	if err != nil || a.Partition != call.Partition || a.Service != "iam" || a.Region != "" ||
		!arn.IsAccountID(a.Account) || a.ResourceType() != "role" || a.ResourceID() == "" {
		return arn.ARN{}, invalid("Request ARN is invalid")
	}
	return a, nil
}

func resolveFederation(c *call.Call, in *stsapi.GetFederationTokenRequest) ([]call.Access, error) {
	tags, err := sessionTags(in.Tags)
	if err != nil {
		return nil, err
	}
	access := call.Access{
		Action: "sts:GetFederationToken", Resource: federatedARN(c.Account, *in.Name), Account: c.Account, RequestTags: tags,
	}
	accesses := []call.Access{access}
	if len(tags) > 0 {
		access.Action, access.Unlogged = "sts:TagSession", true
		accesses = append(accesses, access)
	}
	return accesses, nil
}
