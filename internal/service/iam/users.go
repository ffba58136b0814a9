package iam

import (
	"context"

	"fastness/internal/api/iamapi"
	"fastness/internal/call"
)

// CreateUser makes a user without any permission.
func (s *Service) CreateUser(ctx context.Context, in *iamapi.CreateUserRequest) (*iamapi.CreateUserResponse, error) {
	t, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	tags, err := newTags(nil, in.Tags, userKind)
	if err != nil {
		return nil, err
	}
	u := &user{head: t.newHead(userKind, in.Path, *in.UserName, tags)}
	if err := t.bound(u, in.PermissionsBoundary); err != nil {
		return nil, err
	}
	if err := t.create(u, alreadyExists("User with name %s already exists.", u.Name)); err != nil {
		return nil, err
	}
	return &iamapi.CreateUserResponse{User: showUser(u, true)}, nil
}

// GetUser describes a user, by default the caller.
func (s *Service) GetUser(ctx context.Context, in *iamapi.GetUserRequest) (*iamapi.GetUserResponse, error) {
	c := call.From(ctx)
	out := new(iamapi.GetUserResponse)
	return out, s.dir.read(c.Account, func(a *accountView) error {
		if in.UserName == nil && c.Principal.Kind == call.Root {
			out.User = &iamapi.User{UserId: new(a.id), Arn: new(rootARN(a.id))}
			if a.record != nil {
				out.User.CreateDate = new(a.record.Created)
			}
			return nil
		}
		u, err := a.user(selfName(c, in.UserName))
		if err != nil {
			return err
		}
		out.User = showUser(u, true)
		return nil
	})
}

// user finds a user by name.
func (a *accountView) user(name string) (*user, error) {
	u, ok := a.users.named(name)
	if !ok {
		return nil, noSuchEntity(userKind, name)
	}
	return u, nil
}

// selfName is the user an operation is about: the one it names or the caller.
func selfName(c *call.Call, name *string) string {
	if name != nil {
		return *name
	}
	return c.Principal.UserName
}

// ListUsers lists the users of the account below a path.
func (s *Service) ListUsers(ctx context.Context, in *iamapi.ListUsersRequest) (*iamapi.ListUsersResponse, error) {
	out := new(iamapi.ListUsersResponse)
	var users []*user
	err := s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		users = collect(a.users.byName, under[*user](in.PathPrefix), same)
		return nil
	})
	if err != nil {
		return nil, err
	}
	users, out.IsTruncated, out.Marker, err = pageOf(ctx, s, paging{in.Marker, in.MaxItems, []string{text(in.PathPrefix)}}, users, nameOf)
	out.Users = make([]iamapi.User, 0, len(users))
	for _, u := range users {
		out.Users = append(out.Users, *showUser(u, false))
	}
	return out, err
}

// same is the show of collect for the entity itself.
func same[T any](e T) T { return e }

// nameOf orders entities.
func nameOf[E entity](e E) string { return e.base().Name }

// UpdateUser renames a user or changes its path. Its id, and with it what it may do,
// stays.
func (s *Service) UpdateUser(ctx context.Context, in *iamapi.UpdateUserRequest) (*iamapi.UpdateUserOutput, error) {
	t, u, err := own[*user](ctx, s, userKind, *in.UserName)
	if err != nil {
		return nil, err
	}
	return &iamapi.UpdateUserOutput{}, t.moveTo(u, in.NewPath, in.NewUserName)
}

// DeleteUser deletes a user that has nothing left.
func (s *Service) DeleteUser(ctx context.Context, in *iamapi.DeleteUserRequest) (*iamapi.DeleteUserOutput, error) {
	t, u, err := own[*user](ctx, s, userKind, *in.UserName)
	if err != nil {
		return nil, err
	}
	switch {
	case len(u.Groups) > 0:
		return nil, conflict("Cannot delete entity, must remove users from group first.")
	case len(u.Keys) > 0:
		return nil, conflict("Cannot delete entity, must delete access keys first.")
	}
	if err := bare(u); err != nil {
		return nil, err
	}
	return &iamapi.DeleteUserOutput{}, t.destroy(u)
}

// bare refuses to delete what still has policies.
func bare(h holder) error {
	switch g := h.held(); {
	case len(g.Attached) > 0:
		return conflict("Cannot delete entity, must detach all policies first.")
	case len(g.Inline) > 0:
		return conflict("Cannot delete entity, must delete policies first.")
	}
	return nil
}

// showUser is a user as the API shows it. Lists leave tags and boundary out.
func showUser(u *user, whole bool) *iamapi.User {
	out := &iamapi.User{
		Path: new(u.Path), UserName: new(u.Name), UserId: new(u.ID), Arn: new(arnOf(u)), CreateDate: new(u.Created),
	}
	if whole {
		out.Tags, out.PermissionsBoundary = showTags(u.Tags), showBoundary(u.Boundary)
	}
	return out
}
