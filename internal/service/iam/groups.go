package iam

import (
	"context"
	"slices"

	"fastness/internal/api/iamapi"
	"fastness/internal/call"
)

// CreateGroup makes a group without members.
func (s *Service) CreateGroup(ctx context.Context, in *iamapi.CreateGroupRequest) (*iamapi.CreateGroupResponse, error) {
	t, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	g := &group{head: t.newHead(groupKind, in.Path, *in.GroupName, nil)}
	if err := t.create(g, alreadyExists("Group with name %s already exists.", g.Name)); err != nil {
		return nil, err
	}
	return &iamapi.CreateGroupResponse{Group: new(showGroup(g))}, nil
}

// GetGroup describes a group and lists its users.
func (s *Service) GetGroup(ctx context.Context, in *iamapi.GetGroupRequest) (*iamapi.GetGroupResponse, error) {
	out := new(iamapi.GetGroupResponse)
	var users []*user
	err := s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		g, err := a.group(*in.GroupName)
		if err != nil {
			return err
		}
		out.Group = new(showGroup(g))
		users = collect(a.users.byName, func(u *user) bool { return slices.Contains(u.Groups, g.ID) }, same)
		return nil
	})
	if err != nil {
		return nil, err
	}
	users, out.IsTruncated, out.Marker, err = pageOf(ctx, s, paging{in.Marker, in.MaxItems, []string{*in.GroupName}}, users, nameOf)
	out.Users = make([]iamapi.User, 0, len(users))
	for _, u := range users {
		out.Users = append(out.Users, *showUser(u, false))
	}
	return out, err
}

func (a *accountView) group(name string) (*group, error) {
	g, ok := a.groups.named(name)
	if !ok {
		return nil, noSuchEntity(groupKind, name)
	}
	return g, nil
}

// ListGroups lists the groups of the account below a path.
func (s *Service) ListGroups(ctx context.Context, in *iamapi.ListGroupsRequest) (*iamapi.ListGroupsResponse, error) {
	out := new(iamapi.ListGroupsResponse)
	var groups []iamapi.Group
	err := s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		groups = collect(a.groups.byName, under[*group](in.PathPrefix), showGroup)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.Groups, out.IsTruncated, out.Marker, err = pageOf(ctx, s, paging{in.Marker, in.MaxItems, []string{text(in.PathPrefix)}}, groups, groupName)
	return out, err
}

// ListGroupsForUser lists the groups a user is in.
func (s *Service) ListGroupsForUser(ctx context.Context, in *iamapi.ListGroupsForUserRequest) (*iamapi.ListGroupsForUserResponse, error) {
	out := new(iamapi.ListGroupsForUserResponse)
	groups := []iamapi.Group{}
	err := s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		u, err := a.user(*in.UserName)
		if err != nil {
			return err
		}
		for _, id := range u.Groups {
			if g := a.groups.byID[id]; g != nil {
				groups = append(groups, showGroup(g))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.Groups, out.IsTruncated, out.Marker, err = pageOf(ctx, s, paging{in.Marker, in.MaxItems, []string{*in.UserName}}, groups, groupName)
	return out, err
}

func groupName(g iamapi.Group) string { return *g.GroupName }

// UpdateGroup renames a group or changes its path.
func (s *Service) UpdateGroup(ctx context.Context, in *iamapi.UpdateGroupRequest) (*iamapi.UpdateGroupOutput, error) {
	t, g, err := own[*group](ctx, s, groupKind, *in.GroupName)
	if err != nil {
		return nil, err
	}
	return &iamapi.UpdateGroupOutput{}, t.moveTo(g, in.NewPath, in.NewGroupName)
}

// DeleteGroup deletes a group without members and policies.
func (s *Service) DeleteGroup(ctx context.Context, in *iamapi.DeleteGroupRequest) (*iamapi.DeleteGroupOutput, error) {
	t, g, err := own[*group](ctx, s, groupKind, *in.GroupName)
	if err != nil {
		return nil, err
	}
	members, err := indexed(t.dir.tables.users, t, indexGroup, t.account, g.ID)
	if err != nil {
		return nil, err
	}
	if members {
		return nil, conflict("Cannot delete entity, must remove users from group first.")
	}
	if err := bare(g); err != nil {
		return nil, err
	}
	return &iamapi.DeleteGroupOutput{}, t.destroy(g)
}

// AddUserToGroup makes a user a member; one that is a member stays one.
func (s *Service) AddUserToGroup(ctx context.Context, in *iamapi.AddUserToGroupRequest) (*iamapi.AddUserToGroupOutput, error) {
	t, g, u, err := s.membership(ctx, *in.GroupName, *in.UserName)
	if err != nil {
		return nil, err
	}
	if slices.Contains(u.Groups, g.ID) {
		return &iamapi.AddUserToGroupOutput{}, nil
	}
	if len(u.Groups) >= maxGroupsPerUser {
		return nil, overQuota("GroupsPerUser", maxGroupsPerUser)
	}
	u.Groups = append(u.Groups, g.ID)
	return &iamapi.AddUserToGroupOutput{}, t.save(u)
}

// RemoveUserFromGroup ends a membership.
func (s *Service) RemoveUserFromGroup(ctx context.Context, in *iamapi.RemoveUserFromGroupRequest) (*iamapi.RemoveUserFromGroupOutput, error) {
	t, g, u, err := s.membership(ctx, *in.GroupName, *in.UserName)
	if err != nil {
		return nil, err
	}
	i := slices.Index(u.Groups, g.ID)
	if i < 0 {
		return nil, noSuch("User %s not in group %s", u.Name, g.Name)
	}
	u.Groups = slices.Delete(u.Groups, i, i+1)
	return &iamapi.RemoveUserFromGroupOutput{}, t.save(u)
}

func (s *Service) membership(ctx context.Context, groupName, userName string) (*tx, *group, *user, error) {
	t, g, err := own[*group](ctx, s, groupKind, groupName)
	if err != nil {
		return nil, nil, nil, err
	}
	u, err := t.user(userName)
	return t, g, u, err
}

func showGroup(g *group) iamapi.Group {
	return iamapi.Group{
		Path: new(g.Path), GroupName: new(g.Name), GroupId: new(g.ID), Arn: new(arnOf(g)), CreateDate: new(g.Created),
	}
}
