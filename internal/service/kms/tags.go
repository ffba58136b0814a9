package kms

import (
	"context"
	"slices"

	"fastness/internal/api/kmsapi"
	"fastness/internal/call"
)

// TagResource implements the operation of that name.
func (s *Service) TagResource(ctx context.Context, in *kmsapi.TagResourceRequest) (*kmsapi.TagResourceOutput, error) {
	return &kmsapi.TagResourceOutput{}, s.change(ctx, func(k *keyRecord) (err error) {
		k.Tags, err = newTags(k.Tags, in.Tags)
		return err
	})
}

// UntagResource implements the operation of that name. Keys that are not there are no
// error.
func (s *Service) UntagResource(ctx context.Context, in *kmsapi.UntagResourceRequest) (*kmsapi.UntagResourceOutput, error) {
	return &kmsapi.UntagResourceOutput{}, s.change(ctx, func(k *keyRecord) error {
		for _, name := range in.TagKeys {
			if err := checkTagKey(name); err != nil {
				return err
			}
		}
		k.Tags = slices.DeleteFunc(k.Tags, func(t tag) bool { return slices.Contains(in.TagKeys, t.Key) })
		return nil
	})
}

// ListResourceTags implements the operation of that name.
func (s *Service) ListResourceTags(ctx context.Context, in *kmsapi.ListResourceTagsRequest) (*kmsapi.ListResourceTagsResponse, error) {
	_, k, err := target(ctx)
	if err != nil {
		return nil, err
	}
	c := call.From(ctx)
	p, err := s.page(c, k.record.ID, in.Limit, in.Marker)
	if err != nil {
		return nil, err
	}
	if in.Limit == nil {
		p.limit = tagsPage
	}
	tags := slices.SortedFunc(slices.Values(k.record.Tags), func(a, b tag) int {
		if a.Key < b.Key {
			return -1
		}
		return 1
	})
	out := &kmsapi.ListResourceTagsResponse{Tags: []kmsapi.Tag{}, Truncated: new(false)}
	for _, t := range tags {
		if t.Key <= p.after && p.after != "" {
			continue
		}
		if len(out.Tags) == p.limit {
			out.Truncated = new(true)
			out.NextMarker, err = s.nextMarker(c, k.record.ID, text(out.Tags[len(out.Tags)-1].TagKey))
			return out, err
		}
		out.Tags = append(out.Tags, kmsapi.Tag{TagKey: new(t.Key), TagValue: new(t.Value)})
	}
	return out, nil
}
