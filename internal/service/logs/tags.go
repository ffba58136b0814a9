package logs

import (
	"context"
	"maps"
	"strings"

	"fastness/internal/api/logsapi"
	"fastness/internal/call"
)

// maxTags is how many tags a log group can have.
const maxTags = 50

func checkTags(resource string, tags map[string]string) error {
	for key := range tags {
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return invalid("Tag keys can't begin with aws:.")
		}
	}
	if len(tags) > maxTags {
		return &logsapi.TooManyTagsException{Message: new("A resource can have no more than 50 tags."), ResourceName: &resource}
	}
	return nil
}

// TagResource implements the operation of that name.
func (s *Service) TagResource(ctx context.Context, in *logsapi.TagResourceRequest) (*logsapi.TagResourceOutput, error) {
	return &logsapi.TagResourceOutput{}, s.retag(ctx, in.Tags, nil)
}

// UntagResource implements the operation of that name.
func (s *Service) UntagResource(ctx context.Context, in *logsapi.UntagResourceRequest) (*logsapi.UntagResourceOutput, error) {
	return &logsapi.UntagResourceOutput{}, s.retag(ctx, nil, in.TagKeys)
}

// TagLogGroup implements the operation of that name.
func (s *Service) TagLogGroup(ctx context.Context, in *logsapi.TagLogGroupRequest) (*logsapi.TagLogGroupOutput, error) {
	return &logsapi.TagLogGroupOutput{}, s.retag(ctx, in.Tags, nil)
}

// UntagLogGroup implements the operation of that name.
func (s *Service) UntagLogGroup(ctx context.Context, in *logsapi.UntagLogGroupRequest) (*logsapi.UntagLogGroupOutput, error) {
	return &logsapi.UntagLogGroupOutput{}, s.retag(ctx, nil, in.Tags)
}

// ListTagsForResource implements the operation of that name.
func (s *Service) ListTagsForResource(ctx context.Context, _ *logsapi.ListTagsForResourceRequest) (*logsapi.ListTagsForResourceResponse, error) {
	tags, err := tagsOf(ctx)
	return &logsapi.ListTagsForResourceResponse{Tags: tags}, err
}

// ListTagsLogGroup implements the operation of that name.
func (s *Service) ListTagsLogGroup(ctx context.Context, _ *logsapi.ListTagsLogGroupRequest) (*logsapi.ListTagsLogGroupResponse, error) {
	tags, err := tagsOf(ctx)
	return &logsapi.ListTagsLogGroupResponse{Tags: tags}, err
}

func tagsOf(ctx context.Context) (map[string]string, error) {
	t, err := targetOf(ctx)
	switch {
	case err != nil:
		return nil, err
	case t.found == nil:
		return nil, noGroup()
	case t.found.Tags == nil:
		return map[string]string{}, nil
	}
	return t.found.Tags, nil
}

// retag changes the tags of the group of the call.
func (s *Service) retag(ctx context.Context, set map[string]string, remove []string) error {
	t, err := targetOf(ctx)
	if err != nil {
		return err
	}
	c := call.From(ctx)
	g, err := s.tables.group(c.Txn(), c.Account, c.Region, t.group)
	if err != nil {
		return err
	}
	if g.Tags == nil {
		g.Tags = make(map[string]string)
	}
	maps.Copy(g.Tags, set)
	for _, key := range remove {
		delete(g.Tags, key)
	}
	if err := checkTags(groupARN(g.Account, g.Region, g.Name), g.Tags); err != nil {
		return err
	}
	return s.tables.groups.Put(c.Txn(), g)
}
