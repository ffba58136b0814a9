package iam

import (
	"context"
	"slices"
	"strings"

	"fastness/internal/api/iamapi"
	"fastness/internal/call"
)

// attach attaches a managed policy; one that is attached stays so.
func (s *Service) attach(ctx context.Context, k *kind, name, arn string) error {
	t, h, err := own[holder](ctx, s, k, name)
	if err != nil {
		return err
	}
	if _, err := t.managed(arn, notAttachable); err != nil {
		return err
	}
	g := h.held()
	if g.uses(arn) {
		return nil
	}
	if len(g.Attached) >= maxAttached {
		return overQuota(k.attachedQuota, maxAttached)
	}
	g.Attached = append(g.Attached, arn)
	return t.save(h)
}

// detach ends an attachment.
func (s *Service) detach(ctx context.Context, k *kind, name, arn string) error {
	t, h, err := own[holder](ctx, s, k, name)
	if err != nil {
		return err
	}
	g := h.held()
	i := slices.Index(g.Attached, arn)
	if i < 0 {
		return noSuchPolicy(arn)
	}
	g.Attached = slices.Delete(g.Attached, i, i+1)
	return t.save(h)
}

// attached lists what is attached to a holder.
func (s *Service) attached(ctx context.Context, k *kind, name string, prefix *string, p paging) (part []iamapi.AttachedPolicy, truncated *bool, marker *string, err error) {
	var list []iamapi.AttachedPolicy
	err = s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		h, err := a.holder(k, name)
		if err != nil {
			return err
		}
		for _, arn := range h.held().Attached {
			m := s.dir.policyByARN(a, arn)
			if m != nil && (prefix == nil || strings.HasPrefix(m.Path, *prefix)) {
				list = append(list, iamapi.AttachedPolicy{PolicyName: new(m.Name), PolicyArn: new(arn)})
			}
		}
		return nil
	})
	if err != nil {
		return nil, nil, nil, err
	}
	p.filter = []string{name, text(prefix)}
	return pageOf(ctx, s, p, list, func(p iamapi.AttachedPolicy) string { return listKey(*p.PolicyName, *p.PolicyArn) })
}

// holder finds a user, group or role by name.
func (a *accountView) holder(k *kind, name string) (holder, error) {
	switch k {
	case userKind:
		return a.user(name)
	case groupKind:
		return a.group(name)
	}
	return a.role(name)
}

// AttachUserPolicy attaches a managed policy to a user.
func (s *Service) AttachUserPolicy(ctx context.Context, in *iamapi.AttachUserPolicyRequest) (*iamapi.AttachUserPolicyOutput, error) {
	return &iamapi.AttachUserPolicyOutput{}, s.attach(ctx, userKind, *in.UserName, *in.PolicyArn)
}

// AttachGroupPolicy attaches a managed policy to a group.
func (s *Service) AttachGroupPolicy(ctx context.Context, in *iamapi.AttachGroupPolicyRequest) (*iamapi.AttachGroupPolicyOutput, error) {
	return &iamapi.AttachGroupPolicyOutput{}, s.attach(ctx, groupKind, *in.GroupName, *in.PolicyArn)
}

// AttachRolePolicy attaches a managed policy to a role.
func (s *Service) AttachRolePolicy(ctx context.Context, in *iamapi.AttachRolePolicyRequest) (*iamapi.AttachRolePolicyOutput, error) {
	return &iamapi.AttachRolePolicyOutput{}, s.attach(ctx, roleKind, *in.RoleName, *in.PolicyArn)
}

// DetachUserPolicy ends an attachment to a user.
func (s *Service) DetachUserPolicy(ctx context.Context, in *iamapi.DetachUserPolicyRequest) (*iamapi.DetachUserPolicyOutput, error) {
	return &iamapi.DetachUserPolicyOutput{}, s.detach(ctx, userKind, *in.UserName, *in.PolicyArn)
}

// DetachGroupPolicy ends an attachment to a group.
func (s *Service) DetachGroupPolicy(ctx context.Context, in *iamapi.DetachGroupPolicyRequest) (*iamapi.DetachGroupPolicyOutput, error) {
	return &iamapi.DetachGroupPolicyOutput{}, s.detach(ctx, groupKind, *in.GroupName, *in.PolicyArn)
}

// DetachRolePolicy ends an attachment to a role.
func (s *Service) DetachRolePolicy(ctx context.Context, in *iamapi.DetachRolePolicyRequest) (*iamapi.DetachRolePolicyOutput, error) {
	return &iamapi.DetachRolePolicyOutput{}, s.detach(ctx, roleKind, *in.RoleName, *in.PolicyArn)
}

// ListAttachedUserPolicies lists the managed policies of a user.
func (s *Service) ListAttachedUserPolicies(ctx context.Context, in *iamapi.ListAttachedUserPoliciesRequest) (out *iamapi.ListAttachedUserPoliciesResponse, err error) {
	out = new(iamapi.ListAttachedUserPoliciesResponse)
	out.AttachedPolicies, out.IsTruncated, out.Marker, err = s.attached(ctx, userKind, *in.UserName, in.PathPrefix, paging{marker: in.Marker, max: in.MaxItems})
	return out, err
}

// ListAttachedGroupPolicies lists the managed policies of a group.
func (s *Service) ListAttachedGroupPolicies(ctx context.Context, in *iamapi.ListAttachedGroupPoliciesRequest) (out *iamapi.ListAttachedGroupPoliciesResponse, err error) {
	out = new(iamapi.ListAttachedGroupPoliciesResponse)
	out.AttachedPolicies, out.IsTruncated, out.Marker, err = s.attached(ctx, groupKind, *in.GroupName, in.PathPrefix, paging{marker: in.Marker, max: in.MaxItems})
	return out, err
}

// ListAttachedRolePolicies lists the managed policies of a role.
func (s *Service) ListAttachedRolePolicies(ctx context.Context, in *iamapi.ListAttachedRolePoliciesRequest) (out *iamapi.ListAttachedRolePoliciesResponse, err error) {
	out = new(iamapi.ListAttachedRolePoliciesResponse)
	out.AttachedPolicies, out.IsTruncated, out.Marker, err = s.attached(ctx, roleKind, *in.RoleName, in.PathPrefix, paging{marker: in.Marker, max: in.MaxItems})
	return out, err
}

// ListEntitiesForPolicy lists the users, groups and roles that a policy is attached
// to or is the boundary of.
func (s *Service) ListEntitiesForPolicy(ctx context.Context, in *iamapi.ListEntitiesForPolicyRequest) (*iamapi.ListEntitiesForPolicyResponse, error) {
	arn, filter, use := *in.PolicyArn, iamapi.EntityType(""), iamapi.PolicyUsageType("")
	if in.EntityFilter != nil {
		filter = *in.EntityFilter
	}
	if in.PolicyUsageFilter != nil {
		use = *in.PolicyUsageFilter
	}
	var found []holder
	err := s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		if s.dir.policyByARN(a, arn) == nil {
			return noSuchPolicy(arn)
		}
		add := func(h holder) {
			g := h.held()
			attached := g.uses(arn) && use != iamapi.PolicyUsageTypePermissionsBoundary
			boundary := g.Boundary == arn && use != iamapi.PolicyUsageTypePermissionsPolicy
			if (attached || boundary) && (in.PathPrefix == nil || strings.HasPrefix(h.base().Path, *in.PathPrefix)) {
				found = append(found, h)
			}
		}
		if filter == "" || filter == iamapi.EntityTypeUser {
			for _, u := range a.users.byName {
				add(u)
			}
		}
		if filter == "" || filter == iamapi.EntityTypeGroup {
			for _, g := range a.groups.byName {
				add(g)
			}
		}
		if filter == "" || filter == iamapi.EntityTypeRole {
			for _, r := range a.roles.byName {
				add(r)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := new(iamapi.ListEntitiesForPolicyResponse)
	p := paging{in.Marker, in.MaxItems, []string{arn, string(filter), string(use), text(in.PathPrefix)}}
	found, out.IsTruncated, out.Marker, err = pageOf(ctx, s, p, found, func(h holder) string { return h.kind().segment + "/" + h.base().Name })
	out.PolicyUsers, out.PolicyGroups, out.PolicyRoles = []iamapi.PolicyUser{}, []iamapi.PolicyGroup{}, []iamapi.PolicyRole{}
	for _, h := range found {
		b := h.base()
		switch h.kind() {
		case userKind:
			out.PolicyUsers = append(out.PolicyUsers, iamapi.PolicyUser{UserName: new(b.Name), UserId: new(b.ID)})
		case groupKind:
			out.PolicyGroups = append(out.PolicyGroups, iamapi.PolicyGroup{GroupName: new(b.Name), GroupId: new(b.ID)})
		case roleKind:
			out.PolicyRoles = append(out.PolicyRoles, iamapi.PolicyRole{RoleName: new(b.Name), RoleId: new(b.ID)})
		}
	}
	return out, err
}
