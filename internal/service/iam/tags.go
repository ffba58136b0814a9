package iam

import (
	"context"
	"slices"
	"strings"

	"fastness/internal/api/iamapi"
	"fastness/internal/call"
)

// newTags adds tags to those an entity has, in the order of keys. Keys are the same
// without regard to case ("Tags for AWS Identity and Access Management resources").
func newTags(have []tag, add []iamapi.Tag, k *kind) ([]tag, error) {
	out := slices.Clone(have)
	seen := make(map[string]bool, len(add))
	for _, t := range add {
		lower := strings.ToLower(*t.Key)
		if seen[lower] {
			return nil, invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		if strings.HasPrefix(lower, "aws:") {
			return nil, invalidInput("Tag keys that begin with aws: are reserved for system use.")
		}
		seen[lower] = true
		i := slices.IndexFunc(out, func(o tag) bool { return strings.EqualFold(o.Key, *t.Key) })
		if i >= 0 {
			out[i] = tag{*t.Key, *t.Value}
		} else {
			out = append(out, tag{*t.Key, *t.Value})
		}
	}
	if len(out) > maxTags {
		return nil, overQuota(k.tagsQuota, maxTags)
	}
	slices.SortFunc(out, func(a, b tag) int { return strings.Compare(a.Key, b.Key) })
	return out, nil
}

func showTags(tags []tag) []iamapi.Tag {
	if len(tags) == 0 {
		return nil
	}
	out := make([]iamapi.Tag, 0, len(tags))
	for _, t := range tags {
		out = append(out, iamapi.Tag{Key: new(t.Key), Value: new(t.Value)})
	}
	return out
}

// retag changes the tags of a user or role.
func (s *Service) retag(ctx context.Context, k *kind, name string, add []iamapi.Tag, remove []string) error {
	t, h, err := own[holder](ctx, s, k, name)
	if err != nil {
		return err
	}
	return t.retag(h, add, remove)
}

func (s *Service) retagPolicy(ctx context.Context, arn string, add []iamapi.Tag, remove []string) error {
	t, m, err := s.ownPolicy(ctx, arn)
	if err != nil {
		return err
	}
	return t.retag(m, add, remove)
}

func (t *tx) retag(e entity, add []iamapi.Tag, remove []string) error {
	h := e.base()
	h.Tags = slices.DeleteFunc(h.Tags, func(o tag) bool {
		return slices.ContainsFunc(remove, func(k string) bool { return strings.EqualFold(k, o.Key) })
	})
	tags, err := newTags(h.Tags, add, e.kind())
	if err != nil {
		return err
	}
	h.Tags = tags
	return t.save(e)
}

// TagUser sets tags of a user.
func (s *Service) TagUser(ctx context.Context, in *iamapi.TagUserRequest) (*iamapi.TagUserOutput, error) {
	return &iamapi.TagUserOutput{}, s.retag(ctx, userKind, *in.UserName, in.Tags, nil)
}

// UntagUser removes tags of a user.
func (s *Service) UntagUser(ctx context.Context, in *iamapi.UntagUserRequest) (*iamapi.UntagUserOutput, error) {
	return &iamapi.UntagUserOutput{}, s.retag(ctx, userKind, *in.UserName, nil, in.TagKeys)
}

// TagRole sets tags of a role.
func (s *Service) TagRole(ctx context.Context, in *iamapi.TagRoleRequest) (*iamapi.TagRoleOutput, error) {
	return &iamapi.TagRoleOutput{}, s.retag(ctx, roleKind, *in.RoleName, in.Tags, nil)
}

// UntagRole removes tags of a role.
func (s *Service) UntagRole(ctx context.Context, in *iamapi.UntagRoleRequest) (*iamapi.UntagRoleOutput, error) {
	return &iamapi.UntagRoleOutput{}, s.retag(ctx, roleKind, *in.RoleName, nil, in.TagKeys)
}

// retagProfile changes the tags of an instance profile.
func (s *Service) retagProfile(ctx context.Context, name string, add []iamapi.Tag, remove []string) error {
	t, p, err := s.ownProfile(ctx, name)
	if err != nil {
		return err
	}
	return t.retag(p, add, remove)
}

// TagInstanceProfile sets tags of an instance profile.
func (s *Service) TagInstanceProfile(ctx context.Context, in *iamapi.TagInstanceProfileRequest) (*iamapi.TagInstanceProfileOutput, error) {
	return &iamapi.TagInstanceProfileOutput{}, s.retagProfile(ctx, *in.InstanceProfileName, in.Tags, nil)
}

// UntagInstanceProfile removes tags of an instance profile.
func (s *Service) UntagInstanceProfile(ctx context.Context, in *iamapi.UntagInstanceProfileRequest) (*iamapi.UntagInstanceProfileOutput, error) {
	return &iamapi.UntagInstanceProfileOutput{}, s.retagProfile(ctx, *in.InstanceProfileName, nil, in.TagKeys)
}

// TagPolicy sets tags of a customer managed policy.
func (s *Service) TagPolicy(ctx context.Context, in *iamapi.TagPolicyRequest) (*iamapi.TagPolicyOutput, error) {
	return &iamapi.TagPolicyOutput{}, s.retagPolicy(ctx, *in.PolicyArn, in.Tags, nil)
}

// UntagPolicy removes tags of a customer managed policy.
func (s *Service) UntagPolicy(ctx context.Context, in *iamapi.UntagPolicyRequest) (*iamapi.UntagPolicyOutput, error) {
	return &iamapi.UntagPolicyOutput{}, s.retagPolicy(ctx, *in.PolicyArn, nil, in.TagKeys)
}

// tagsPage is a page of the tags of the entity that find finds.
func (s *Service) tagsPage(ctx context.Context, p paging, find func(*accountView) (entity, error)) ([]iamapi.Tag, *bool, *string, error) {
	tags := []iamapi.Tag{}
	err := s.dir.read(call.From(ctx).Account, func(a *accountView) error {
		e, err := find(a)
		if err == nil {
			tags = append(tags, showTags(e.base().Tags)...)
		}
		return err
	})
	if err != nil {
		return nil, nil, nil, err
	}
	return pageOf(ctx, s, p, tags, func(t iamapi.Tag) string { return *t.Key })
}

// ListUserTags lists the tags of a user.
func (s *Service) ListUserTags(ctx context.Context, in *iamapi.ListUserTagsRequest) (out *iamapi.ListUserTagsResponse, err error) {
	out = new(iamapi.ListUserTagsResponse)
	out.Tags, out.IsTruncated, out.Marker, err = s.tagsPage(ctx, paging{in.Marker, in.MaxItems, []string{*in.UserName}},
		func(a *accountView) (entity, error) { return a.user(*in.UserName) })
	return out, err
}

// ListRoleTags lists the tags of a role.
func (s *Service) ListRoleTags(ctx context.Context, in *iamapi.ListRoleTagsRequest) (out *iamapi.ListRoleTagsResponse, err error) {
	out = new(iamapi.ListRoleTagsResponse)
	out.Tags, out.IsTruncated, out.Marker, err = s.tagsPage(ctx, paging{in.Marker, in.MaxItems, []string{*in.RoleName}},
		func(a *accountView) (entity, error) { return a.role(*in.RoleName) })
	return out, err
}

// ListInstanceProfileTags lists the tags of an instance profile.
func (s *Service) ListInstanceProfileTags(ctx context.Context, in *iamapi.ListInstanceProfileTagsRequest) (out *iamapi.ListInstanceProfileTagsResponse, err error) {
	out = new(iamapi.ListInstanceProfileTagsResponse)
	out.Tags, out.IsTruncated, out.Marker, err = s.tagsPage(ctx, paging{in.Marker, in.MaxItems, []string{*in.InstanceProfileName}},
		func(a *accountView) (entity, error) { return a.profile(*in.InstanceProfileName) })
	return out, err
}

// ListPolicyTags lists the tags of a managed policy.
func (s *Service) ListPolicyTags(ctx context.Context, in *iamapi.ListPolicyTagsRequest) (out *iamapi.ListPolicyTagsResponse, err error) {
	out = new(iamapi.ListPolicyTagsResponse)
	out.Tags, out.IsTruncated, out.Marker, err = s.tagsPage(ctx, paging{in.Marker, in.MaxItems, []string{*in.PolicyArn}},
		func(a *accountView) (entity, error) {
			if m := s.dir.policyByARN(a, *in.PolicyArn); m != nil {
				return m, nil
			}
			return nil, noSuchPolicy(*in.PolicyArn)
		})
	return out, err
}
