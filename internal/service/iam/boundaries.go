package iam

import (
	"context"

	"fastness/internal/api/iamapi"
)

// bound sets the permissions boundary of a user or role in its record, which the
// caller saves: nil leaves it, the empty ARN removes it.
func (t *tx) bound(h holder, arn *string) error {
	g := h.held()
	if arn == nil || *arn == g.Boundary {
		return nil
	}
	if *arn != "" {
		if _, err := t.managed(*arn, notAttachable); err != nil {
			return err
		}
	}
	g.Boundary = *arn
	return nil
}

func (s *Service) changeBoundary(ctx context.Context, k *kind, name, arn string) error {
	t, h, err := own[holder](ctx, s, k, name)
	if err != nil {
		return err
	}
	if err := t.bound(h, &arn); err != nil {
		return err
	}
	return t.save(h)
}

// PutUserPermissionsBoundary sets the permissions boundary of a user.
func (s *Service) PutUserPermissionsBoundary(ctx context.Context, in *iamapi.PutUserPermissionsBoundaryRequest) (*iamapi.PutUserPermissionsBoundaryOutput, error) {
	return &iamapi.PutUserPermissionsBoundaryOutput{}, s.changeBoundary(ctx, userKind, *in.UserName, *in.PermissionsBoundary)
}

// PutRolePermissionsBoundary sets the permissions boundary of a role.
func (s *Service) PutRolePermissionsBoundary(ctx context.Context, in *iamapi.PutRolePermissionsBoundaryRequest) (*iamapi.PutRolePermissionsBoundaryOutput, error) {
	return &iamapi.PutRolePermissionsBoundaryOutput{}, s.changeBoundary(ctx, roleKind, *in.RoleName, *in.PermissionsBoundary)
}

// DeleteUserPermissionsBoundary removes the permissions boundary of a user.
func (s *Service) DeleteUserPermissionsBoundary(ctx context.Context, in *iamapi.DeleteUserPermissionsBoundaryRequest) (*iamapi.DeleteUserPermissionsBoundaryOutput, error) {
	return &iamapi.DeleteUserPermissionsBoundaryOutput{}, s.changeBoundary(ctx, userKind, *in.UserName, "")
}

// DeleteRolePermissionsBoundary removes the permissions boundary of a role.
func (s *Service) DeleteRolePermissionsBoundary(ctx context.Context, in *iamapi.DeleteRolePermissionsBoundaryRequest) (*iamapi.DeleteRolePermissionsBoundaryOutput, error) {
	return &iamapi.DeleteRolePermissionsBoundaryOutput{}, s.changeBoundary(ctx, roleKind, *in.RoleName, "")
}

func showBoundary(arn string) *iamapi.AttachedPermissionsBoundary {
	if arn == "" {
		return nil
	}
	return &iamapi.AttachedPermissionsBoundary{
		// "This data type can only have a value of Policy": the enum says otherwise.
		PermissionsBoundaryType: new(iamapi.PermissionsBoundaryAttachmentType("Policy")),
		PermissionsBoundaryArn:  new(arn),
	}
}
