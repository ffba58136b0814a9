package ssm

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"fastness/internal/api/ssmapi"
	"fastness/internal/call"
)

// AddTagsToResource implements the operation of that name.
func (s *Service) AddTagsToResource(ctx context.Context, in *ssmapi.AddTagsToResourceRequest) (*ssmapi.AddTagsToResourceResult, error) {
	return &ssmapi.AddTagsToResourceResult{}, s.changeTags(ctx, func(p *parameterRecord) error {
		p.Tags = newTags(p.Tags, in.Tags)
		return checkTags(p.Tags)
	})
}

// checkTags applies the rules for the tags of a parameter.
func checkTags(tags []tag) error {
	for _, t := range tags {
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return invalid("Tag keys can't begin with aws:.")
		}
	}
	if len(tags) > maxTags {
		return &ssmapi.TooManyTagsError{Message: new("The Targets parameter includes too many tags. Remove one or more tags and try the command again.")}
	}
	return nil
}

// RemoveTagsFromResource implements the operation of that name. Keys that are not there are
// no error.
func (s *Service) RemoveTagsFromResource(ctx context.Context, in *ssmapi.RemoveTagsFromResourceRequest) (*ssmapi.RemoveTagsFromResourceResult, error) {
	return &ssmapi.RemoveTagsFromResourceResult{}, s.changeTags(ctx, func(p *parameterRecord) error {
		p.Tags = slices.DeleteFunc(p.Tags, func(t tag) bool { return slices.Contains(in.TagKeys, t.Key) })
		return nil
	})
}

// ListTagsForResource implements the operation of that name.
func (s *Service) ListTagsForResource(ctx context.Context, _ *ssmapi.ListTagsForResourceRequest) (*ssmapi.ListTagsForResourceResult, error) {
	_, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	if t.found == nil || t.selector != "" {
		return nil, noResource()
	}
	out := &ssmapi.ListTagsForResourceResult{TagList: []ssmapi.Tag{}}
	for _, t := range slices.SortedFunc(slices.Values(t.found.record.Tags), func(a, b tag) int { return cmp.Compare(a.Key, b.Key) }) {
		out.TagList = append(out.TagList, ssmapi.Tag{Key: new(t.Key), Value: new(t.Value)})
	}
	return out, nil
}

func noResource() error { return &ssmapi.InvalidResourceId{Message: new("Invalid Resource Id")} }

// changeTags changes the tags of the parameter of the call.
func (s *Service) changeTags(ctx context.Context, f func(p *parameterRecord) error) error {
	c, p, err := s.own(ctx)
	if err != nil {
		return err
	}
	if p == nil {
		return noResource()
	}
	if err := f(p); err != nil {
		return err
	}
	return s.save(c.Txn(), p)
}

// own reads the parameter of a mutating call in its transaction; it is nil if there is
// none that belongs to the caller's account.
func (s *Service) own(ctx context.Context) (*call.Call, *parameterRecord, error) {
	c, t, err := targetOf(ctx)
	if err != nil || t.account != c.Account || t.selector != "" {
		return c, nil, err
	}
	p, err := s.tables.parameter(c.Txn(), t.key())
	if isNotFound(err) {
		return c, nil, nil
	}
	return c, p, err
}

// newTags adds tags to others; those of the same key are replaced.
func newTags(old []tag, add []ssmapi.Tag) []tag {
	tags := slices.Clone(old)
	for _, t := range add {
		at := slices.IndexFunc(tags, func(have tag) bool { return have.Key == value(t.Key) })
		if at < 0 {
			tags = append(tags, tag{value(t.Key), value(t.Value)})
		} else {
			tags[at].Value = value(t.Value)
		}
	}
	return tags
}
