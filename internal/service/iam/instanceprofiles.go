package iam

import (
	"context"
	"slices"

	"fastness/internal/api/iamapi"
	"fastness/internal/call"
	"fastness/internal/policy"
)

// An instance profile hands a role to a machine. No room here runs machines yet; what makes roles
// (Terraform, CloudFormation, Elastic Beanstalk) makes profiles with them, and asks of a role that
// it deletes in which profiles it is.

// CreateInstanceProfile makes an instance profile without a role.
func (s *Service) CreateInstanceProfile(ctx context.Context, in *iamapi.CreateInstanceProfileRequest) (*iamapi.CreateInstanceProfileResponse, error) {
	t, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	tags, err := newTags(nil, in.Tags, profileKind)
	if err != nil {
		return nil, err
	}
	p := &instanceProfile{head: t.newHead(profileKind, in.Path, *in.InstanceProfileName, tags)}
	if err := t.create(p, alreadyExists("Instance Profile %s already exists.", p.Name)); err != nil {
		return nil, err
	}
	return &iamapi.CreateInstanceProfileResponse{InstanceProfile: showBareProfile(p, true)}, nil
}

// GetInstanceProfile describes an instance profile and its role.
func (s *Service) GetInstanceProfile(ctx context.Context, in *iamapi.GetInstanceProfileRequest) (*iamapi.GetInstanceProfileResponse, error) {
	var p *instanceProfile
	err := s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		var err error
		p, err = a.profile(*in.InstanceProfileName)
		return err
	})
	if err != nil {
		return nil, err
	}
	shown, err := s.showProfile(p, true)
	return &iamapi.GetInstanceProfileResponse{InstanceProfile: shown}, err
}

func (a *accountView) profile(name string) (*instanceProfile, error) {
	p, ok := a.profiles.named(name)
	if !ok {
		return nil, noSuchEntity(profileKind, name)
	}
	return p, nil
}

// ListInstanceProfiles lists the instance profiles of the account below a path.
func (s *Service) ListInstanceProfiles(ctx context.Context, in *iamapi.ListInstanceProfilesRequest) (out *iamapi.ListInstanceProfilesResponse, err error) {
	out = new(iamapi.ListInstanceProfilesResponse)
	out.InstanceProfiles, out.IsTruncated, out.Marker, err = s.profilesPage(ctx, paging{in.Marker, in.MaxItems, []string{text(in.PathPrefix)}},
		func(*accountView) (func(*instanceProfile) bool, error) {
			return under[*instanceProfile](in.PathPrefix), nil
		})
	return out, err
}

// ListInstanceProfilesForRole lists the instance profiles a role is in.
func (s *Service) ListInstanceProfilesForRole(ctx context.Context, in *iamapi.ListInstanceProfilesForRoleRequest) (out *iamapi.ListInstanceProfilesForRoleResponse, err error) {
	out = new(iamapi.ListInstanceProfilesForRoleResponse)
	out.InstanceProfiles, out.IsTruncated, out.Marker, err = s.profilesPage(ctx, paging{in.Marker, in.MaxItems, []string{*in.RoleName}},
		func(a *accountView) (func(*instanceProfile) bool, error) {
			r, err := a.role(*in.RoleName)
			if err != nil {
				return nil, err
			}
			return func(p *instanceProfile) bool { return slices.Contains(p.Roles, r.ID) }, nil
		})
	return out, err
}

// profilesPage is a page of the instance profiles that the filter of choose keeps.
func (s *Service) profilesPage(ctx context.Context, page paging, choose func(*accountView) (func(*instanceProfile) bool, error)) ([]iamapi.InstanceProfile, *bool, *string, error) {
	var profiles []*instanceProfile
	err := s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		keep, err := choose(a)
		if err == nil {
			profiles = collect(a.profiles.byName, keep, same)
		}
		return err
	})
	if err != nil {
		return nil, nil, nil, err
	}
	profiles, truncated, marker, err := pageOf(ctx, s, page, profiles, nameOf)
	if err != nil {
		return nil, nil, nil, err
	}
	shown := make([]iamapi.InstanceProfile, 0, len(profiles))
	for _, p := range profiles {
		one, err := s.showProfile(p, false)
		if err != nil {
			return nil, nil, nil, err
		}
		shown = append(shown, *one)
	}
	return shown, truncated, marker, nil
}

// AddRoleToInstanceProfile puts a role into an instance profile, which holds one.
func (s *Service) AddRoleToInstanceProfile(ctx context.Context, in *iamapi.AddRoleToInstanceProfileRequest) (*iamapi.AddRoleToInstanceProfileOutput, error) {
	t, p, r, err := s.profileAndRole(ctx, *in.InstanceProfileName, *in.RoleName)
	if err != nil {
		return nil, err
	}
	if len(p.Roles) >= maxRolesPerProfile {
		return nil, overQuota("InstanceSessionsPerInstanceProfile", maxRolesPerProfile)
	}
	p.Roles = append(p.Roles, r.ID)
	return &iamapi.AddRoleToInstanceProfileOutput{}, t.save(p)
}

// RemoveRoleFromInstanceProfile takes the role out of an instance profile.
func (s *Service) RemoveRoleFromInstanceProfile(ctx context.Context, in *iamapi.RemoveRoleFromInstanceProfileRequest) (*iamapi.RemoveRoleFromInstanceProfileOutput, error) {
	t, p, r, err := s.profileAndRole(ctx, *in.InstanceProfileName, *in.RoleName)
	if err != nil {
		return nil, err
	}
	i := slices.Index(p.Roles, r.ID)
	if i < 0 {
		return nil, noSuch("Role %s in Instance Profile %s cannot be found.", r.Name, p.Name)
	}
	p.Roles = slices.Delete(p.Roles, i, i+1)
	return &iamapi.RemoveRoleFromInstanceProfileOutput{}, t.save(p)
}

// DeleteInstanceProfile deletes an instance profile without a role.
func (s *Service) DeleteInstanceProfile(ctx context.Context, in *iamapi.DeleteInstanceProfileRequest) (*iamapi.DeleteInstanceProfileOutput, error) {
	t, p, err := s.ownProfile(ctx, *in.InstanceProfileName)
	if err != nil {
		return nil, err
	}
	if len(p.Roles) > 0 {
		return nil, inProfile()
	}
	return &iamapi.DeleteInstanceProfileOutput{}, t.destroy(p)
}

// inProfile refuses to delete a role that is in an instance profile, and a profile with a role.
func inProfile() error {
	return conflict("Cannot delete entity, must remove roles from instance profile first.")
}

// ownProfile begins the change of an instance profile of the caller's account.
func (s *Service) ownProfile(ctx context.Context, name string) (*tx, *instanceProfile, error) {
	t, err := s.begin(ctx)
	if err != nil {
		return nil, nil, err
	}
	p, err := named(t, t.dir.tables.profiles, profileKind, name)
	if err != nil {
		return nil, nil, err
	}
	return t, p, t.authorized(p)
}

// profileAndRole begins a change of which role is in a profile. Authorization was asked about both
// (Resolve), so both have to be the ones it was asked about.
func (s *Service) profileAndRole(ctx context.Context, name, roleName string) (*tx, *instanceProfile, *role, error) {
	t, p, err := s.ownProfile(ctx, name)
	if err != nil {
		return nil, nil, nil, err
	}
	r, err := t.role(roleName)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, a := range t.call.Accesses {
		if a.Action == passRole && a.Resource != arnOf(r) {
			return nil, nil, nil, concurrent()
		}
	}
	return t, p, r, nil
}

// showBareProfile is an instance profile as the API shows it, without its roles. Lists leave tags
// out.
func showBareProfile(p *instanceProfile, whole bool) *iamapi.InstanceProfile {
	out := &iamapi.InstanceProfile{
		Path: new(p.Path), InstanceProfileName: new(p.Name), InstanceProfileId: new(p.ID), Arn: new(arnOf(p)), CreateDate: new(p.Created),
		Roles: []iamapi.Role{},
	}
	if whole {
		out.Tags = showTags(p.Tags)
	}
	return out
}

// showProfile is an instance profile with its role, of which AWS shows less here than elsewhere
// (API reference, GetInstanceProfile, example).
func (s *Service) showProfile(p *instanceProfile, whole bool) (*iamapi.InstanceProfile, error) {
	out := showBareProfile(p, whole)
	var roles []*role
	if err := s.dir.read(p.Account, func(a *accountView) error {
		for _, id := range p.Roles {
			if r := a.roles.byID[id]; r != nil {
				roles = append(roles, r)
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	// Outside the lock: showing a role looks up the principals of its trust policy.
	for _, r := range roles {
		shown, err := s.showRole(r, false)
		if err != nil {
			return nil, err
		}
		shown.Description, shown.MaxSessionDuration = nil, nil
		out.Roles = append(out.Roles, *shown)
	}
	return out, nil
}

// passRole is what a caller needs for the role that it puts into an instance profile (API
// reference, AddRoleToInstanceProfile).
const passRole = "iam:PassRole"

// passing adds the access to the role that is put into an instance profile, to be used by machines.
func passing(c *call.Call, a *accountView, in members) []call.Access {
	add, ok := c.Input.(*iamapi.AddRoleToInstanceProfileRequest)
	if !ok {
		return nil
	}
	keys := conditionKeys{"iam:passedtoservice": policy.One("ec2.amazonaws.com")}
	access := call.Access{Action: passRole, Account: c.Account, Context: keys, ResourceType: roleKind.cloudTrail, Unlogged: true}
	r, ok := a.roles.named(*add.RoleName)
	if !ok {
		access.Resource = entityARN(c.Account, roleKind, "/", *add.RoleName)
		return []call.Access{access}
	}
	access.Resource, access.ResourceTags = arnOf(r), tagMap(r.Tags)
	return []call.Access{access}
}
