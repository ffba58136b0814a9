package iam

import (
	"context"

	"fastness/internal/api/iamapi"
	"fastness/internal/call"
	"fastness/internal/policy"
)

// CreateRole makes a role that its trust policy lets others assume.
func (s *Service) CreateRole(ctx context.Context, in *iamapi.CreateRoleRequest) (*iamapi.CreateRoleResponse, error) {
	t, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	trust, err := s.trust(*in.AssumeRolePolicyDocument)
	if err != nil {
		return nil, err
	}
	tags, err := newTags(nil, in.Tags, roleKind)
	if err != nil {
		return nil, err
	}
	r := &role{
		head: t.newHead(roleKind, in.Path, *in.RoleName, tags), Trust: trust,
		Description: text(in.Description), MaxSession: defaultMaxSession,
	}
	if in.MaxSessionDuration != nil {
		r.MaxSession = *in.MaxSessionDuration
	}
	if err := t.bound(r, in.PermissionsBoundary); err != nil {
		return nil, err
	}
	if err := t.create(r, alreadyExists("Role with name %s already exists.", r.Name)); err != nil {
		return nil, err
	}
	shown, err := s.showRole(r, true)
	if err != nil {
		return nil, err
	}
	// The answer shows the policy as it was sent: a role that trusts itself, say, does
	// not exist yet for the way back from ids to names.
	shown.AssumeRolePolicyDocument = new(percentEncode(*in.AssumeRolePolicyDocument))
	// It shows neither of these (AWS CLI, create-role, example 2, asks for 7200 seconds; a record of
	// CreateRole with a description in tests of tat-aws-creator-auto-tag).
	shown.Description, shown.MaxSessionDuration = nil, nil
	return &iamapi.CreateRoleResponse{Role: shown}, nil
}

// trust checks a trust policy and replaces the principals in it by their unique ids.
func (s *Service) trust(text string) (*document, error) {
	stored, err := policy.StorePrincipals(policy.RoleTrust, []byte(text), s.dir.PrincipalID)
	if err != nil {
		return nil, malformed(err)
	}
	if policy.Size([]byte(text)) > maxTrustSize {
		return nil, overQuota("ACLSizePerRole", maxTrustSize)
	}
	return newDocument(string(stored)), nil
}

// GetRole describes a role.
func (s *Service) GetRole(ctx context.Context, in *iamapi.GetRoleRequest) (*iamapi.GetRoleResponse, error) {
	var r *role
	var used *lastUse
	err := s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		var err error
		if r, err = a.role(*in.RoleName); err == nil {
			used = a.use(r.ID).last.Load()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.showRole(r, true)
	if err != nil {
		return nil, err
	}
	shown.RoleLastUsed = new(iamapi.RoleLastUsed)
	if used != nil {
		shown.RoleLastUsed.LastUsedDate, shown.RoleLastUsed.Region = new(used.Time), new(used.Region)
	}
	return &iamapi.GetRoleResponse{Role: shown}, nil
}

func (a *accountView) role(name string) (*role, error) {
	r, ok := a.roles.named(name)
	if !ok {
		return nil, noSuchEntity(roleKind, name)
	}
	return r, nil
}

// ListRoles lists the roles of the account below a path.
func (s *Service) ListRoles(ctx context.Context, in *iamapi.ListRolesRequest) (*iamapi.ListRolesResponse, error) {
	out := new(iamapi.ListRolesResponse)
	var roles []*role
	err := s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		roles = collect(a.roles.byName, under[*role](in.PathPrefix), same)
		return nil
	})
	if err != nil {
		return nil, err
	}
	roles, out.IsTruncated, out.Marker, err = pageOf(ctx, s, paging{in.Marker, in.MaxItems, []string{text(in.PathPrefix)}}, roles, nameOf)
	out.Roles = make([]iamapi.Role, 0, len(roles))
	for _, r := range roles {
		shown, err := s.showRole(r, false)
		if err != nil {
			return nil, err
		}
		out.Roles = append(out.Roles, *shown)
	}
	return out, err
}

// UpdateRole changes the description and the longest session of a role.
func (s *Service) UpdateRole(ctx context.Context, in *iamapi.UpdateRoleRequest) (*iamapi.UpdateRoleResponse, error) {
	_, err := s.changeRole(ctx, *in.RoleName, func(_ *tx, r *role) error {
		if in.Description != nil {
			r.Description = *in.Description
		}
		if in.MaxSessionDuration != nil {
			r.MaxSession = *in.MaxSessionDuration
		}
		return nil
	})
	return &iamapi.UpdateRoleResponse{}, err
}

// UpdateRoleDescription changes the description of a role.
func (s *Service) UpdateRoleDescription(ctx context.Context, in *iamapi.UpdateRoleDescriptionRequest) (*iamapi.UpdateRoleDescriptionResponse, error) {
	r, err := s.changeRole(ctx, *in.RoleName, func(_ *tx, r *role) error {
		r.Description = *in.Description
		return nil
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.showRole(r, true)
	return &iamapi.UpdateRoleDescriptionResponse{Role: shown}, err
}

// UpdateAssumeRolePolicy replaces the trust policy of a role.
func (s *Service) UpdateAssumeRolePolicy(ctx context.Context, in *iamapi.UpdateAssumeRolePolicyRequest) (*iamapi.UpdateAssumeRolePolicyOutput, error) {
	_, err := s.changeRole(ctx, *in.RoleName, func(_ *tx, r *role) error {
		trust, err := s.trust(*in.PolicyDocument)
		r.Trust = trust
		return err
	})
	return &iamapi.UpdateAssumeRolePolicyOutput{}, err
}

// DeleteRole deletes a role without policies that is in no instance profile. Its sessions end at once.
func (s *Service) DeleteRole(ctx context.Context, in *iamapi.DeleteRoleRequest) (*iamapi.DeleteRoleOutput, error) {
	t, r, err := own[*role](ctx, s, roleKind, *in.RoleName)
	if err != nil {
		return nil, err
	}
	if err := bare(r); err != nil {
		return nil, err
	}
	if in, err := indexed(t.dir.tables.profiles, t, indexRole, t.account, r.ID); err != nil {
		return nil, err
	} else if in {
		return nil, inProfile()
	}
	if err := t.forgetUse(r.ID); err != nil {
		return nil, err
	}
	return &iamapi.DeleteRoleOutput{}, t.destroy(r)
}

func (s *Service) changeRole(ctx context.Context, name string, change func(*tx, *role) error) (*role, error) {
	t, r, err := own[*role](ctx, s, roleKind, name)
	if err != nil {
		return nil, err
	}
	if err := change(t, r); err != nil {
		return nil, err
	}
	return r, t.save(r)
}

// showRole is a role as the API shows it. Lists leave tags and boundary out.
func (s *Service) showRole(r *role, whole bool) (*iamapi.Role, error) {
	trust, err := policy.ShowPrincipals(policy.RoleTrust, []byte(r.Trust.source()), s.dir.PrincipalARN)
	if err != nil {
		return nil, err
	}
	out := &iamapi.Role{
		Path: new(r.Path), RoleName: new(r.Name), RoleId: new(r.ID), Arn: new(arnOf(r)), CreateDate: new(r.Created),
		AssumeRolePolicyDocument: new(percentEncode(string(trust))), MaxSessionDuration: new(r.MaxSession),
	}
	if r.Description != "" {
		out.Description = new(r.Description)
	}
	if whole {
		out.Tags, out.PermissionsBoundary = showTags(r.Tags), showBoundary(r.Boundary)
	}
	return out, nil
}

// percentEncode encodes a document as RFC 3986 asks, which is how the API returns
// documents.
func percentEncode(s string) string {
	const hex = "0123456789ABCDEF"
	out := make([]byte, 0, len(s)*2)
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.', c == '~':
			out = append(out, c)
		default:
			out = append(out, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(out)
}
