package wafv2

import (
	"context"
	"slices"
	"strings"

	"fastness/internal/api/wafv2api"
)

// maxTags is how many tags an entity can have.
const maxTags = 50

// withTags adds tags to others; those of the same key are replaced.
func withTags(old []tag, add []wafv2api.Tag) ([]tag, error) {
	tags := slices.Clone(old)
	for _, t := range add {
		if strings.HasPrefix(strings.ToLower(value(t.Key)), "aws:") {
			return nil, badTags()
		}
		at := slices.IndexFunc(tags, func(have tag) bool { return have.Key == value(t.Key) })
		if at < 0 {
			tags = append(tags, tag{value(t.Key), value(t.Value)})
		} else {
			tags[at].Value = value(t.Value)
		}
	}
	if len(tags) > maxTags {
		return nil, limitExceeded("TAGS")
	}
	return tags, nil
}

func tagMap(tags []tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

func tagsOf(tags []wafv2api.Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[value(t.Key)] = value(t.Value)
	}
	return m
}

// TagResource implements the operation of that name.
func (s *Service) TagResource(ctx context.Context, in *wafv2api.TagResourceRequest) (*wafv2api.TagResourceResponse, error) {
	return &wafv2api.TagResourceResponse{}, s.retag(ctx, func(have []tag) ([]tag, error) { return withTags(have, in.Tags) })
}

// UntagResource implements the operation of that name. Keys that are not there are no error.
func (s *Service) UntagResource(ctx context.Context, in *wafv2api.UntagResourceRequest) (*wafv2api.UntagResourceResponse, error) {
	return &wafv2api.UntagResourceResponse{}, s.retag(ctx, func(have []tag) ([]tag, error) {
		return slices.DeleteFunc(have, func(t tag) bool { return slices.Contains(in.TagKeys, t.Key) }), nil
	})
}

// retag changes the tags of the entity of the call. Its lock token stays: tags are no part of
// what an update replaces.
func (s *Service) retag(ctx context.Context, change func([]tag) ([]tag, error)) error {
	c, t, err := targetOf(ctx)
	if err != nil {
		return err
	}
	e, err := s.tables.entity(c.Txn(), t.name)
	if err != nil {
		return err
	}
	if e.Tags, err = change(e.Tags); err != nil {
		return err
	}
	return s.tables.entities.Put(c.Txn(), e)
}

// ListTagsForResource implements the operation of that name.
func (s *Service) ListTagsForResource(ctx context.Context, in *wafv2api.ListTagsForResourceRequest) (*wafv2api.ListTagsForResourceResponse, error) {
	c, e, err := s.found(ctx)
	if err != nil {
		return nil, err
	}
	after, err := s.position(c, value(in.ResourceARN), in.NextMarker)
	if err != nil {
		return nil, err
	}
	tags := slices.Clone(e.Tags)
	slices.SortFunc(tags, func(a, b tag) int { return strings.Compare(a.Key, b.Key) })
	// Keys can be longer than a token: a position is the digest of one.
	if after != "" {
		at := slices.IndexFunc(tags, func(t tag) bool { return digest(t.Key) == after })
		tags = tags[at+1:]
	}
	next := ""
	if limit := limitOf(in.Limit); len(tags) > limit {
		tags = tags[:limit]
		next = digest(tags[limit-1].Key)
	}
	list := []wafv2api.Tag{}
	for _, t := range tags {
		list = append(list, wafv2api.Tag{Key: new(t.Key), Value: new(t.Value)})
	}
	out := &wafv2api.ListTagsForResourceResponse{TagInfoForResource: &wafv2api.TagInfoForResource{ResourceARN: in.ResourceARN, TagList: list}}
	out.NextMarker, err = s.nextMarker(c, value(in.ResourceARN), next)
	return out, err
}
