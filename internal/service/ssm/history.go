package ssm

import (
	"context"

	"fastness/internal/api/ssmapi"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// defaultHistoryPage is the size of a page of GetParameterHistory, which is also the largest.
const defaultHistoryPage = 50

// GetParameterHistory implements the operation of that name: the versions that are kept,
// oldest first.
func (s *Service) GetParameterHistory(ctx context.Context, in *ssmapi.GetParameterHistoryRequest) (*ssmapi.GetParameterHistoryResult, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	// Public parameters are read by GetParameter, GetParameters and GetParametersByPath only
	// (AWS Systems Manager user guide, "Discovering public parameters").
	if t.public != nil || t.found == nil || t.selector != "" {
		return nil, &ssmapi.ParameterNotFound{}
	}
	p := &t.found.record
	// The id: a token of a parameter that was deleted is none of its successor's.
	query, err := queryOf(p.ID)
	if err != nil {
		return nil, err
	}
	after, err := s.position(c, query, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := limitOf(in.MaxResults, defaultHistoryPage)
	var found []*versionRecord
	var last, next []byte
	err = s.store.View(ctx, func(r store.Reader) error {
		at := table.Page{Prefix: parts(p.ID), After: after, Limit: limit + 1}
		for row, err := range s.tables.versions.Scan(r, scope(p.Account, p.Region), at) {
			if err != nil {
				return err
			}
			if len(found) == limit {
				next = last
				return nil
			}
			found, last = append(found, row.Record), row.Cursor
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &ssmapi.GetParameterHistoryResult{Parameters: []ssmapi.ParameterHistory{}}
	for _, v := range found {
		h, err := s.history(ctx, p, v, value(in.WithDecryption))
		if err != nil {
			return nil, err
		}
		out.Parameters = append(out.Parameters, h)
	}
	out.NextToken, err = s.nextToken(c, query, next)
	return out, err
}

func (s *Service) history(ctx context.Context, p *parameterRecord, r *versionRecord, decrypt bool) (h ssmapi.ParameterHistory, err error) {
	v := &r.Version
	text, err := s.reveal(ctx, p.arn(), v, decrypt)
	if err != nil {
		return h, err
	}
	h = ssmapi.ParameterHistory{
		Name: new(p.Name), Type: new(v.Type), KeyId: some(v.KeyID), LastModifiedDate: new(v.Modified), LastModifiedUser: new(v.User),
		Description: some(v.Description), Value: new(text), AllowedPattern: some(v.AllowedPattern), Version: new(v.Number),
		Labels: r.Labels, Tier: new(v.Tier), Policies: v.inline(), DataType: new(v.DataType),
	}
	if h.Labels == nil {
		h.Labels = []string{}
	}
	if h.Policies == nil {
		h.Policies = []ssmapi.ParameterInlinePolicy{}
	}
	return h, nil
}
