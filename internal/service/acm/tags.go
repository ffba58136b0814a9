package acm

import (
	"context"
	"slices"
	"strings"

	"fastness/internal/api/acmapi"
)

// maxTags is how many tags a certificate can have.
const maxTags = 50

func tagsOf(tags []acmapi.Tag) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[value(t.Key)] = value(t.Value)
	}
	return m
}

func tagMap(tags []tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

// withTags adds tags to others; those of the same key are replaced.
func withTags(old []tag, add []acmapi.Tag) ([]tag, error) {
	tags := slices.Clone(old)
	for _, t := range add {
		if strings.HasPrefix(strings.ToLower(value(t.Key)), "aws:") {
			return nil, &acmapi.InvalidTagException{Message: new("The tag key " + value(t.Key) + " begins with aws:, which is reserved.")}
		}
		at := slices.IndexFunc(tags, func(have tag) bool { return have.Key == value(t.Key) })
		if at < 0 {
			tags = append(tags, tag{value(t.Key), value(t.Value)})
		} else {
			tags[at].Value = value(t.Value)
		}
	}
	if len(tags) > maxTags {
		return nil, &acmapi.TooManyTagsException{Message: new("The certificate has more than 50 tags.")}
	}
	return tags, nil
}

// AddTagsToCertificate implements the operation of that name.
func (s *Service) AddTagsToCertificate(ctx context.Context, in *acmapi.AddTagsToCertificateRequest) (*acmapi.AddTagsToCertificateOutput, error) {
	return &acmapi.AddTagsToCertificateOutput{}, s.retag(ctx, func(have []tag) ([]tag, error) { return withTags(have, in.Tags) })
}

// RemoveTagsFromCertificate implements the operation of that name: a tag with a value is removed if
// it has the value, one without a value in any case.
func (s *Service) RemoveTagsFromCertificate(ctx context.Context, in *acmapi.RemoveTagsFromCertificateRequest) (*acmapi.RemoveTagsFromCertificateOutput, error) {
	return &acmapi.RemoveTagsFromCertificateOutput{}, s.retag(ctx, func(have []tag) ([]tag, error) {
		return slices.DeleteFunc(have, func(t tag) bool {
			return slices.ContainsFunc(in.Tags, func(r acmapi.Tag) bool { return value(r.Key) == t.Key && (r.Value == nil || *r.Value == t.Value) })
		}), nil
	})
}

func (s *Service) retag(ctx context.Context, change func([]tag) ([]tag, error)) error {
	c, t, err := targetOf(ctx)
	if err != nil {
		return err
	}
	r, err := s.tables.certificate(c.Txn(), t.arn)
	if isNotFound(err) {
		return notFound(t.arn)
	}
	if err != nil {
		return err
	}
	if r.Tags, err = change(r.Tags); err != nil {
		return err
	}
	return s.tables.certificates.Put(c.Txn(), r)
}

// ListTagsForCertificate implements the operation of that name.
func (s *Service) ListTagsForCertificate(ctx context.Context, _ *acmapi.ListTagsForCertificateRequest) (*acmapi.ListTagsForCertificateResponse, error) {
	_, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	if t.record == nil {
		return nil, notFound(t.arn)
	}
	out := &acmapi.ListTagsForCertificateResponse{Tags: []acmapi.Tag{}}
	for _, x := range t.record.Tags {
		out.Tags = append(out.Tags, acmapi.Tag{Key: new(x.Key), Value: new(x.Value)})
	}
	return out, nil
}
