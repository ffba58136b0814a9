package wafv2

import (
	"context"

	"fastness/internal/api/wafv2api"
)

// CreateRegexPatternSet implements the operation of that name.
func (s *Service) CreateRegexPatternSet(ctx context.Context, in *wafv2api.CreateRegexPatternSetRequest) (*wafv2api.CreateRegexPatternSetResponse, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.patterns(in.RegularExpressionList); err != nil {
		return nil, err
	}
	e := newEntity(t.name, in.Description)
	set := &wafv2api.RegexPatternSet{Name: in.Name, Id: &e.ID, ARN: new(e.arn()), Description: in.Description, RegularExpressionList: in.RegularExpressionList}
	if err := s.create(c, e, shapeRegexPatternSet, set, in.Tags); err != nil {
		return nil, err
	}
	m := e.summary()
	return &wafv2api.CreateRegexPatternSetResponse{Summary: &wafv2api.RegexPatternSetSummary{
		Name: m.name, Id: m.id, Description: m.description, LockToken: m.token, ARN: m.arn,
	}}, nil
}

// patterns checks the expressions of a set.
func (s *Service) patterns(list []wafv2api.Regex) error {
	if len(list) > s.quotas.PatternsPerSet {
		return limitExceeded("REGEX_PATTERN_SET")
	}
	for _, r := range list {
		if err := s.checkRegex(value(r.RegexString), wafv2api.ParameterExceptionFieldRegexPatternSet); err != nil {
			return err
		}
	}
	return nil
}

// GetRegexPatternSet implements the operation of that name.
func (s *Service) GetRegexPatternSet(ctx context.Context, _ *wafv2api.GetRegexPatternSetRequest) (*wafv2api.GetRegexPatternSetResponse, error) {
	_, e, err := s.found(ctx)
	if err != nil {
		return nil, err
	}
	set := &wafv2api.RegexPatternSet{Description: &e.Description} // never absent in an answer
	if err := s.documents.decode(shapeRegexPatternSet, e.Document, set); err != nil {
		return nil, err
	}
	return &wafv2api.GetRegexPatternSetResponse{RegexPatternSet: set, LockToken: &e.LockToken}, nil
}

// UpdateRegexPatternSet implements the operation of that name.
func (s *Service) UpdateRegexPatternSet(ctx context.Context, in *wafv2api.UpdateRegexPatternSetRequest) (*wafv2api.UpdateRegexPatternSetResponse, error) {
	c, e, err := s.locked(ctx, in.LockToken)
	if err != nil {
		return nil, err
	}
	if err := s.patterns(in.RegularExpressionList); err != nil {
		return nil, err
	}
	e.Description = value(in.Description)
	set := &wafv2api.RegexPatternSet{Name: &e.Name, Id: &e.ID, ARN: new(e.arn()), Description: in.Description, RegularExpressionList: in.RegularExpressionList}
	if err := s.update(c.Txn(), e, nil, shapeRegexPatternSet, set); err != nil {
		return nil, err
	}
	return &wafv2api.UpdateRegexPatternSetResponse{NextLockToken: &e.LockToken}, nil
}

// DeleteRegexPatternSet implements the operation of that name.
func (s *Service) DeleteRegexPatternSet(ctx context.Context, in *wafv2api.DeleteRegexPatternSetRequest) (*wafv2api.DeleteRegexPatternSetResponse, error) {
	return &wafv2api.DeleteRegexPatternSetResponse{}, s.remove(ctx, in.LockToken)
}

// ListRegexPatternSets implements the operation of that name.
func (s *Service) ListRegexPatternSets(ctx context.Context, in *wafv2api.ListRegexPatternSetsRequest) (*wafv2api.ListRegexPatternSetsResponse, error) {
	l, err := s.listAll(ctx, kindRegexPatternSet, in.Scope, in.NextMarker, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &wafv2api.ListRegexPatternSetsResponse{RegexPatternSets: []wafv2api.RegexPatternSetSummary{}, NextMarker: l.next}
	for _, e := range l.entities {
		m := e.summary()
		out.RegexPatternSets = append(out.RegexPatternSets, wafv2api.RegexPatternSetSummary{
			Name: m.name, Id: m.id, Description: m.description, LockToken: m.token, ARN: m.arn,
		})
	}
	return out, nil
}
