package elbv2

import (
	"context"
	"slices"
	"strings"

	"fastness/internal/api/elbv2api"
	"fastness/internal/call"
	"fastness/internal/store"
)

// maxTags is how many tags a resource can have.
const maxTags = 50

func tagsOf(tags []elbv2api.Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[value(t.Key)] = value(t.Value)
	}
	return m
}

// withTags adds tags to others; those of the same key are replaced.
func withTags(old []tag, add []elbv2api.Tag) ([]tag, error) {
	tags := slices.Clone(old)
	seen := make(map[string]struct{}, len(add))
	for _, t := range add {
		key := value(t.Key)
		if _, twice := seen[key]; twice {
			return nil, &elbv2api.DuplicateTagKeysException{Message: new("A tag key was specified more than once.")}
		}
		seen[key] = struct{}{}
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, invalid("Tag keys beginning with 'aws:' are reserved for system use")
		}
		at := slices.IndexFunc(tags, func(have tag) bool { return have.Key == key })
		if at < 0 {
			tags = append(tags, tag{key, value(t.Value)})
		} else {
			tags[at].Value = value(t.Value)
		}
	}
	if len(tags) > maxTags {
		return nil, &elbv2api.TooManyTagsException{Message: new("The tag quota for the resource has been reached.")}
	}
	return tags, nil
}

// tagged is where the tags of something are, and how it is written.
type tagged struct {
	tags  *[]tag
	write func(store.Txn) error
}

// taggedAt finds the tags of what a name names.
func (s *Service) taggedAt(r store.Reader, n name) (t tagged, err error) {
	switch n.kind {
	case kindLoadBalancer:
		l, err := s.tables.balancer(r, n)
		if err != nil {
			return t, err
		}
		return tagged{&l.Tags, func(tx store.Txn) error { return s.tables.balancers.Put(tx, l) }}, nil
	case kindTargetGroup:
		g, err := s.tables.group(r, n)
		if err != nil {
			return t, err
		}
		return tagged{&g.Tags, func(tx store.Txn) error { return s.tables.groups.Put(tx, g) }}, nil
	case kindListener:
		l, err := s.tables.listener(r, n)
		if err != nil {
			return t, err
		}
		return tagged{&l.Tags, func(tx store.Txn) error { return s.tables.listeners.Put(tx, l) }}, nil
	default:
		l, rule, err := s.tables.rule(r, n)
		if err != nil {
			return t, err
		}
		return tagged{&rule.Tags, func(tx store.Txn) error { return s.tables.listeners.Put(tx, l) }}, nil
	}
}

// tagsAt are the tags of what a name names, none if it does not exist.
func (s *Service) tagsAt(r store.Reader, n name) (map[string]string, error) {
	t, err := s.taggedAt(r, n)
	if isAbsent(err) {
		return nil, nil
	}
	if err != nil || len(*t.tags) == 0 {
		return nil, err
	}
	m := make(map[string]string, len(*t.tags))
	for _, x := range *t.tags {
		m[x.Key] = x.Value
	}
	return m, nil
}

// isAbsent tells whether an error says that something does not exist.
func isAbsent(err error) bool {
	switch err.(type) {
	case *elbv2api.LoadBalancerNotFoundException, *elbv2api.TargetGroupNotFoundException, *elbv2api.ListenerNotFoundException, *elbv2api.RuleNotFoundException:
		return true
	}
	return false
}

// AddTags implements the operation of that name.
func (s *Service) AddTags(ctx context.Context, in *elbv2api.AddTagsInput) (*elbv2api.AddTagsOutput, error) {
	return &elbv2api.AddTagsOutput{}, s.retag(ctx, func(have []tag) ([]tag, error) { return withTags(have, in.Tags) })
}

// RemoveTags implements the operation of that name. Keys that are not there are no error.
func (s *Service) RemoveTags(ctx context.Context, in *elbv2api.RemoveTagsInput) (*elbv2api.RemoveTagsOutput, error) {
	return &elbv2api.RemoveTagsOutput{}, s.retag(ctx, func(have []tag) ([]tag, error) {
		return slices.DeleteFunc(have, func(t tag) bool { return slices.Contains(in.TagKeys, t.Key) }), nil
	})
}

func (s *Service) retag(ctx context.Context, change func([]tag) ([]tag, error)) error {
	c := call.From(ctx)
	r, ok := c.Resolved.(*resolved)
	if !ok {
		return errUnresolved
	}
	for _, n := range r.of {
		t, err := s.taggedAt(c.Txn(), n)
		if err != nil {
			return err
		}
		if *t.tags, err = change(*t.tags); err != nil {
			return err
		}
		if err := t.write(c.Txn()); err != nil {
			return err
		}
	}
	return nil
}

// maxDescribedTags is how many resources DescribeTags answers for.
const maxDescribedTags = 20

// DescribeTags implements the operation of that name.
func (s *Service) DescribeTags(ctx context.Context, in *elbv2api.DescribeTagsInput) (*elbv2api.DescribeTagsOutput, error) {
	c := call.From(ctx)
	if len(in.ResourceArns) > maxDescribedTags {
		return nil, invalid("Up to %d resource ARNs can be described", maxDescribedTags)
	}
	out := &elbv2api.DescribeTagsOutput{TagDescriptions: []elbv2api.TagDescription{}}
	err := s.store.View(ctx, func(r store.Reader) error {
		for _, text := range in.ResourceArns {
			n, ok := parseAny(text, c.Account, c.Region)
			if !ok {
				return malformed(kindLoadBalancer, text)
			}
			t, err := s.taggedAt(r, n)
			if err != nil {
				return err
			}
			d := elbv2api.TagDescription{ResourceArn: &text, Tags: []elbv2api.Tag{}}
			for _, x := range *t.tags {
				d.Tags = append(d.Tags, elbv2api.Tag{Key: new(x.Key), Value: new(x.Value)})
			}
			out.TagDescriptions = append(out.TagDescriptions, d)
		}
		return nil
	})
	return out, err
}
