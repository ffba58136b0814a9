package iam

import (
	"context"
	"slices"

	"fastness/internal/api/iamapi"
	"fastness/internal/call"
	"fastness/internal/policy"
)

// putInline sets an inline policy.
func (s *Service) putInline(ctx context.Context, k *kind, name, policyName, text string) error {
	if _, err := policy.Parse(policy.IdentityInline, []byte(text)); err != nil {
		return malformed(err)
	}
	t, h, err := own[holder](ctx, s, k, name)
	if err != nil {
		return err
	}
	g := h.held()
	i, found := g.findInline(policyName)
	if found {
		g.Inline[i].Doc = newDocument(text)
	} else {
		g.Inline = slices.Insert(g.Inline, i, inline{policyName, newDocument(text)})
	}
	size := 0
	for _, p := range g.Inline {
		size += policy.Size([]byte(p.Doc.source()))
	}
	if size > k.inlineSize {
		return limitExceeded("Maximum policy size of %d bytes exceeded for %s %s", k.inlineSize, k.word, name)
	}
	return t.save(h)
}

func noSuchInline(k *kind, policyName string) error {
	return noSuch("The %s policy with name %s cannot be found.", k.word, policyName)
}

// deleteInline removes an inline policy.
func (s *Service) deleteInline(ctx context.Context, k *kind, name, policyName string) error {
	t, h, err := own[holder](ctx, s, k, name)
	if err != nil {
		return err
	}
	g := h.held()
	i, found := g.findInline(policyName)
	if !found {
		return noSuchInline(k, policyName)
	}
	g.Inline = slices.Delete(g.Inline, i, i+1)
	return t.save(h)
}

// getInline is the document of an inline policy, encoded.
func (s *Service) getInline(ctx context.Context, k *kind, name, policyName string) (doc *string, err error) {
	err = s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		h, err := a.holder(k, name)
		if err != nil {
			return err
		}
		i, found := h.held().findInline(policyName)
		if !found {
			return noSuchInline(k, policyName)
		}
		doc = new(percentEncode(h.held().Inline[i].Doc.source()))
		return nil
	})
	return doc, err
}

// listInline lists the names of inline policies.
func (s *Service) listInline(ctx context.Context, k *kind, name string, p paging) (part []string, truncated *bool, marker *string, err error) {
	names := []string{}
	err = s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		h, err := a.holder(k, name)
		if err != nil {
			return err
		}
		for _, p := range h.held().Inline {
			names = append(names, p.Name)
		}
		return nil
	})
	if err != nil {
		return nil, nil, nil, err
	}
	p.filter = []string{name}
	return pageOf(ctx, s, p, names, same)
}

// PutUserPolicy sets an inline policy of a user.
func (s *Service) PutUserPolicy(ctx context.Context, in *iamapi.PutUserPolicyRequest) (*iamapi.PutUserPolicyOutput, error) {
	return &iamapi.PutUserPolicyOutput{}, s.putInline(ctx, userKind, *in.UserName, *in.PolicyName, *in.PolicyDocument)
}

// PutGroupPolicy sets an inline policy of a group.
func (s *Service) PutGroupPolicy(ctx context.Context, in *iamapi.PutGroupPolicyRequest) (*iamapi.PutGroupPolicyOutput, error) {
	return &iamapi.PutGroupPolicyOutput{}, s.putInline(ctx, groupKind, *in.GroupName, *in.PolicyName, *in.PolicyDocument)
}

// PutRolePolicy sets an inline policy of a role.
func (s *Service) PutRolePolicy(ctx context.Context, in *iamapi.PutRolePolicyRequest) (*iamapi.PutRolePolicyOutput, error) {
	return &iamapi.PutRolePolicyOutput{}, s.putInline(ctx, roleKind, *in.RoleName, *in.PolicyName, *in.PolicyDocument)
}

// DeleteUserPolicy removes an inline policy of a user.
func (s *Service) DeleteUserPolicy(ctx context.Context, in *iamapi.DeleteUserPolicyRequest) (*iamapi.DeleteUserPolicyOutput, error) {
	return &iamapi.DeleteUserPolicyOutput{}, s.deleteInline(ctx, userKind, *in.UserName, *in.PolicyName)
}

// DeleteGroupPolicy removes an inline policy of a group.
func (s *Service) DeleteGroupPolicy(ctx context.Context, in *iamapi.DeleteGroupPolicyRequest) (*iamapi.DeleteGroupPolicyOutput, error) {
	return &iamapi.DeleteGroupPolicyOutput{}, s.deleteInline(ctx, groupKind, *in.GroupName, *in.PolicyName)
}

// DeleteRolePolicy removes an inline policy of a role.
func (s *Service) DeleteRolePolicy(ctx context.Context, in *iamapi.DeleteRolePolicyRequest) (*iamapi.DeleteRolePolicyOutput, error) {
	return &iamapi.DeleteRolePolicyOutput{}, s.deleteInline(ctx, roleKind, *in.RoleName, *in.PolicyName)
}

// GetUserPolicy returns an inline policy of a user.
func (s *Service) GetUserPolicy(ctx context.Context, in *iamapi.GetUserPolicyRequest) (*iamapi.GetUserPolicyResponse, error) {
	doc, err := s.getInline(ctx, userKind, *in.UserName, *in.PolicyName)
	return &iamapi.GetUserPolicyResponse{UserName: in.UserName, PolicyName: in.PolicyName, PolicyDocument: doc}, err
}

// GetGroupPolicy returns an inline policy of a group.
func (s *Service) GetGroupPolicy(ctx context.Context, in *iamapi.GetGroupPolicyRequest) (*iamapi.GetGroupPolicyResponse, error) {
	doc, err := s.getInline(ctx, groupKind, *in.GroupName, *in.PolicyName)
	return &iamapi.GetGroupPolicyResponse{GroupName: in.GroupName, PolicyName: in.PolicyName, PolicyDocument: doc}, err
}

// GetRolePolicy returns an inline policy of a role.
func (s *Service) GetRolePolicy(ctx context.Context, in *iamapi.GetRolePolicyRequest) (*iamapi.GetRolePolicyResponse, error) {
	doc, err := s.getInline(ctx, roleKind, *in.RoleName, *in.PolicyName)
	return &iamapi.GetRolePolicyResponse{RoleName: in.RoleName, PolicyName: in.PolicyName, PolicyDocument: doc}, err
}

// ListUserPolicies lists the names of a user's inline policies.
func (s *Service) ListUserPolicies(ctx context.Context, in *iamapi.ListUserPoliciesRequest) (out *iamapi.ListUserPoliciesResponse, err error) {
	out = new(iamapi.ListUserPoliciesResponse)
	out.PolicyNames, out.IsTruncated, out.Marker, err = s.listInline(ctx, userKind, *in.UserName, paging{marker: in.Marker, max: in.MaxItems})
	return out, err
}

// ListGroupPolicies lists the names of a group's inline policies.
func (s *Service) ListGroupPolicies(ctx context.Context, in *iamapi.ListGroupPoliciesRequest) (out *iamapi.ListGroupPoliciesResponse, err error) {
	out = new(iamapi.ListGroupPoliciesResponse)
	out.PolicyNames, out.IsTruncated, out.Marker, err = s.listInline(ctx, groupKind, *in.GroupName, paging{marker: in.Marker, max: in.MaxItems})
	return out, err
}

// ListRolePolicies lists the names of a role's inline policies.
func (s *Service) ListRolePolicies(ctx context.Context, in *iamapi.ListRolePoliciesRequest) (out *iamapi.ListRolePoliciesResponse, err error) {
	out = new(iamapi.ListRolePoliciesResponse)
	out.PolicyNames, out.IsTruncated, out.Marker, err = s.listInline(ctx, roleKind, *in.RoleName, paging{marker: in.Marker, max: in.MaxItems})
	return out, err
}
