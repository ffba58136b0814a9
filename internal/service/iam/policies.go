package iam

import (
	"context"
	"slices"
	"strings"

	"fastness/internal/api/iamapi"
	"fastness/internal/call"
	"fastness/internal/policy"
)

// CreatePolicy makes a managed policy with its first version.
func (s *Service) CreatePolicy(ctx context.Context, in *iamapi.CreatePolicyRequest) (*iamapi.CreatePolicyResponse, error) {
	t, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	doc, err := managedDocument(*in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	tags, err := newTags(nil, in.Tags, policyKind)
	if err != nil {
		return nil, err
	}
	m := &managed{
		head: t.newHead(policyKind, in.Path, *in.PolicyName, tags), Description: text(in.Description), Updated: t.now,
		Versions: []version{{Number: 1, Created: t.now, Doc: doc}}, Default: 1, Next: 2,
	}
	if err := t.create(m, alreadyExists("A policy called %s already exists. Duplicate names are not allowed.", m.Name)); err != nil {
		return nil, err
	}
	return &iamapi.CreatePolicyResponse{Policy: new(showPolicy(m, usage{}, true))}, nil
}

// managedDocument checks the document of a managed policy.
func managedDocument(text string) (*document, error) {
	if _, err := policy.Parse(policy.IdentityManaged, []byte(text)); err != nil {
		return nil, malformed(err)
	}
	if policy.Size([]byte(text)) > maxPolicySize {
		return nil, overQuota("PolicySize", maxPolicySize)
	}
	return newDocument(text), nil
}

// usage counts who uses a policy.
type usage struct{ attached, boundary int32 }

// usages counts the uses of all policies in the account, by ARN.
func (a *accountView) usages() map[string]usage {
	counts := make(map[string]usage)
	add := func(g *grants) {
		for _, arn := range g.Attached {
			n := counts[arn]
			n.attached++
			counts[arn] = n
		}
		if g.Boundary != "" {
			n := counts[g.Boundary]
			n.boundary++
			counts[g.Boundary] = n
		}
	}
	for _, u := range a.users.byName {
		add(&u.grants)
	}
	for _, g := range a.groups.byName {
		add(&g.grants)
	}
	for _, r := range a.roles.byName {
		add(&r.grants)
	}
	return counts
}

// GetPolicy describes a managed policy.
func (s *Service) GetPolicy(ctx context.Context, in *iamapi.GetPolicyRequest) (*iamapi.GetPolicyResponse, error) {
	out := new(iamapi.GetPolicyResponse)
	return out, s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		m := s.dir.policyByARN(a, *in.PolicyArn)
		if m == nil {
			return noSuchPolicy(*in.PolicyArn)
		}
		out.Policy = new(showPolicy(m, a.usages()[*in.PolicyArn], true))
		return nil
	})
}

// ListPolicies lists the managed policies that the account has or can use.
func (s *Service) ListPolicies(ctx context.Context, in *iamapi.ListPoliciesRequest) (*iamapi.ListPoliciesResponse, error) {
	scope, use := iamapi.PolicyScopeTypeAll, iamapi.PolicyUsageType("")
	if in.Scope != nil {
		scope = *in.Scope
	}
	if in.PolicyUsageFilter != nil {
		use = *in.PolicyUsageFilter
	}
	onlyAttached := in.OnlyAttached != nil && *in.OnlyAttached
	var found []iamapi.Policy
	err := s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		counts := a.usages()
		add := func(m *managed) {
			n := counts[arnOf(m)]
			switch {
			case in.PathPrefix != nil && !strings.HasPrefix(m.Path, *in.PathPrefix),
				onlyAttached && n == usage{},
				use == iamapi.PolicyUsageTypePermissionsPolicy && n.attached == 0,
				use == iamapi.PolicyUsageTypePermissionsBoundary && n.boundary == 0:
			default:
				found = append(found, showPolicy(m, n, false))
			}
		}
		if scope != iamapi.PolicyScopeTypeLocal {
			for _, m := range s.dir.aws {
				add(m)
			}
		}
		if scope != iamapi.PolicyScopeTypeAWS {
			for _, m := range a.managed.byName {
				add(m)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := new(iamapi.ListPoliciesResponse)
	filter := []string{string(scope), string(use), text(in.PathPrefix), flag(onlyAttached)}
	out.Policies, out.IsTruncated, out.Marker, err = pageOf(ctx, s, paging{in.Marker, in.MaxItems, filter}, found,
		func(p iamapi.Policy) string { return listKey(*p.PolicyName, *p.Arn) })
	return out, err
}

// listKey orders policies: names are unique among those of the account, and among
// AWS's.
func listKey(name, arn string) string {
	return name + "\x00" + flag(strings.HasPrefix(arn, "arn:"+call.Partition+":iam::"+awsAccount+":"))
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// DeletePolicy deletes a policy that nobody uses and that has one version.
func (s *Service) DeletePolicy(ctx context.Context, in *iamapi.DeletePolicyRequest) (*iamapi.DeletePolicyOutput, error) {
	t, m, err := s.ownPolicy(ctx, *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	used, err := t.inUse(*in.PolicyArn)
	if err != nil {
		return nil, err
	}
	if used {
		return nil, conflict("Cannot delete a policy attached to entities.")
	}
	if len(m.Versions) > 1 {
		return nil, conflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	}
	return &iamapi.DeletePolicyOutput{}, t.destroy(m)
}

// inUse tells whether anybody has the policy, attached or as boundary. Whoever gets it
// meanwhile has read its record, so that one of both transactions runs again.
func (t *tx) inUse(arn string) (bool, error) {
	used, err := indexed(t.dir.tables.users, t, indexPolicy, t.account, arn)
	if err == nil && !used {
		used, err = indexed(t.dir.tables.groups, t, indexPolicy, t.account, arn)
	}
	if err == nil && !used {
		used, err = indexed(t.dir.tables.roles, t, indexPolicy, t.account, arn)
	}
	return used, err
}

// ownPolicy loads a policy that the account may change.
func (s *Service) ownPolicy(ctx context.Context, arn string) (*tx, *managed, error) {
	t, err := s.begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	m, err := t.managed(arn, noSuchPolicy)
	if err != nil {
		return nil, nil, err
	}
	if m.Account == awsAccount {
		return nil, nil, invalidInput("Cannot modify an AWS managed policy: " + arn)
	}
	return t, m, nil
}

// CreatePolicyVersion adds a version and can put it in force.
func (s *Service) CreatePolicyVersion(ctx context.Context, in *iamapi.CreatePolicyVersionRequest) (*iamapi.CreatePolicyVersionResponse, error) {
	t, m, err := s.ownPolicy(ctx, *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	doc, err := managedDocument(*in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	if len(m.Versions) >= maxVersions {
		return nil, limitExceeded("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
	}
	v := version{Number: m.Next, Created: t.now, Doc: doc}
	m.Versions, m.Next, m.Updated = append(m.Versions, v), m.Next+1, t.now
	if in.SetAsDefault != nil && *in.SetAsDefault {
		m.Default = v.Number
	}
	if err := t.save(m); err != nil {
		return nil, err
	}
	return &iamapi.CreatePolicyVersionResponse{PolicyVersion: new(showVersion(m, v, false))}, nil
}

// GetPolicyVersion returns one version with its document.
func (s *Service) GetPolicyVersion(ctx context.Context, in *iamapi.GetPolicyVersionRequest) (*iamapi.GetPolicyVersionResponse, error) {
	out := new(iamapi.GetPolicyVersionResponse)
	return out, s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		m := s.dir.policyByARN(a, *in.PolicyArn)
		if m == nil {
			return noSuchPolicy(*in.PolicyArn)
		}
		i := m.findVersion(*in.VersionId)
		if i < 0 {
			return noSuchVersion(*in.PolicyArn, *in.VersionId)
		}
		out.PolicyVersion = new(showVersion(m, m.Versions[i], true))
		return nil
	})
}

// ListPolicyVersions lists the versions of a policy, newest first.
func (s *Service) ListPolicyVersions(ctx context.Context, in *iamapi.ListPolicyVersionsRequest) (*iamapi.ListPolicyVersionsResponse, error) {
	var versions []iamapi.PolicyVersion
	err := s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		m := s.dir.policyByARN(a, *in.PolicyArn)
		if m == nil {
			return noSuchPolicy(*in.PolicyArn)
		}
		for _, v := range m.Versions {
			versions = append(versions, showVersion(m, v, false))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := new(iamapi.ListPolicyVersionsResponse)
	out.Versions, out.IsTruncated, out.Marker, err = pageOf(ctx, s, paging{in.Marker, in.MaxItems, []string{*in.PolicyArn}}, versions, newestFirst)
	return out, err
}

// newestFirst orders versions: the later the number, the smaller the key.
func newestFirst(v iamapi.PolicyVersion) string {
	number := strings.TrimPrefix(*v.VersionId, "v")
	b := []byte(strings.Repeat("0", max(0, 10-len(number))) + number)
	for i := range b {
		b[i] = '9' - (b[i] - '0')
	}
	return string(b)
}

// SetDefaultPolicyVersion puts a version in force.
func (s *Service) SetDefaultPolicyVersion(ctx context.Context, in *iamapi.SetDefaultPolicyVersionRequest) (*iamapi.SetDefaultPolicyVersionOutput, error) {
	t, m, err := s.ownPolicy(ctx, *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	i := m.findVersion(*in.VersionId)
	if i < 0 {
		return nil, noSuchVersion(*in.PolicyArn, *in.VersionId)
	}
	m.Default, m.Updated = m.Versions[i].Number, t.now
	return &iamapi.SetDefaultPolicyVersionOutput{}, t.save(m)
}

// DeletePolicyVersion deletes a version that is not in force.
func (s *Service) DeletePolicyVersion(ctx context.Context, in *iamapi.DeletePolicyVersionRequest) (*iamapi.DeletePolicyVersionOutput, error) {
	t, m, err := s.ownPolicy(ctx, *in.PolicyArn)
	if err != nil {
		return nil, err
	}
	i := m.findVersion(*in.VersionId)
	if i < 0 {
		return nil, noSuchVersion(*in.PolicyArn, *in.VersionId)
	}
	if m.Versions[i].Number == m.Default {
		return nil, conflict("Cannot delete the default version of a policy.")
	}
	m.Versions, m.Updated = slices.Delete(m.Versions, i, i+1), t.now
	return &iamapi.DeletePolicyVersionOutput{}, t.save(m)
}

// showPolicy is a policy as the API shows it. Lists leave tags and description out.
func showPolicy(m *managed, n usage, whole bool) iamapi.Policy {
	out := iamapi.Policy{
		PolicyName: new(m.Name), PolicyId: new(m.ID), Arn: new(arnOf(m)), Path: new(m.Path),
		DefaultVersionId: new(version{Number: m.Default}.id()), AttachmentCount: new(n.attached),
		PermissionsBoundaryUsageCount: new(n.boundary), IsAttachable: new(true),
		CreateDate: new(m.Created), UpdateDate: new(m.Updated),
	}
	if whole {
		out.Tags = showTags(m.Tags)
		if m.Description != "" {
			out.Description = new(m.Description)
		}
	}
	return out
}

func showVersion(m *managed, v version, whole bool) iamapi.PolicyVersion {
	out := iamapi.PolicyVersion{VersionId: new(v.id()), IsDefaultVersion: new(v.Number == m.Default), CreateDate: new(v.Created)}
	if whole {
		out.Document = new(percentEncode(v.Doc.source()))
	}
	return out
}
