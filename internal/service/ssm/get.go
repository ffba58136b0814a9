package ssm

import (
	"context"
	"errors"
	"strings"

	"fastness/internal/api/ssmapi"
	"fastness/internal/call"
	"fastness/internal/store"
)

// GetParameter implements the operation of that name.
func (s *Service) GetParameter(ctx context.Context, in *ssmapi.GetParameterRequest) (*ssmapi.GetParameterResult, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.read(ctx, c, t, value(in.WithDecryption))
	if err != nil {
		return nil, err
	}
	return &ssmapi.GetParameterResult{Parameter: p}, nil
}

// GetParameters implements the operation of that name. Names without a parameter are no
// error; a key that cannot be used is.
func (s *Service) GetParameters(ctx context.Context, in *ssmapi.GetParametersRequest) (*ssmapi.GetParametersResult, error) {
	c := call.From(ctx)
	r, ok := c.Resolved.(*resolved)
	if !ok {
		return nil, errUnresolved
	}
	out := &ssmapi.GetParametersResult{Parameters: []ssmapi.Parameter{}, InvalidParameters: []string{}}
	seen := make(map[string]bool, len(r.targets))
	for i := range r.targets {
		t := &r.targets[i]
		if seen[t.given] {
			continue
		}
		seen[t.given] = true
		p, err := s.read(ctx, c, t, value(in.WithDecryption))
		switch {
		case err == nil:
			out.Parameters = append(out.Parameters, *p)
		case isMissing(err):
			out.InvalidParameters = append(out.InvalidParameters, t.given)
		default:
			return nil, err
		}
	}
	return out, nil
}

// isMissing tells whether an error says that there is no such parameter or version.
func isMissing(err error) bool {
	if _, ok := errors.AsType[*ssmapi.ParameterNotFound](err); ok {
		return true
	}
	_, ok := errors.AsType[*ssmapi.ParameterVersionNotFound](err)
	return ok
}

// read returns the version of a parameter that a caller named.
func (s *Service) read(ctx context.Context, c *call.Call, t *target, decrypt bool) (*ssmapi.Parameter, error) {
	switch {
	case strings.HasPrefix(t.name, referencePrefix):
		return s.readSecret(ctx, c, t, decrypt)
	case t.public != nil:
		if t.selector != "" && !t.public.selectedBy(t.selector) {
			return nil, noVersion(t)
		}
		p := t.public.parameter(c.Region)
		p.Selector = selector(t)
		return p, nil
	case t.found == nil || strings.Contains(t.selector, ":"):
		return nil, &ssmapi.ParameterNotFound{}
	}
	v := &t.found.record.Latest
	if t.selector != "" {
		var err error
		if v, err = s.selected(ctx, t); err != nil {
			return nil, err
		}
	}
	p, err := s.show(ctx, &t.found.record, t.found.arn, v, decrypt)
	if err == nil {
		p.Selector = selector(t)
	}
	return p, err
}

// selected is the version that a selector chooses.
func (s *Service) selected(ctx context.Context, t *target) (*version, error) {
	p := &t.found.record
	number, isNumber := versionOf(t.selector)
	switch {
	case isNumber && number == p.Latest.Number:
		return &p.Latest, nil
	case isNumber && number < 1:
		return nil, noVersion(t)
	}
	var v *versionRecord
	err := s.store.View(ctx, func(r store.Reader) (err error) {
		if isNumber {
			v, err = s.tables.version(r, p, number)
		} else {
			v, err = s.tables.labelled(r, p, t.selector)
		}
		return err
	})
	if isNotFound(err) {
		return nil, noVersion(t)
	}
	if err != nil {
		return nil, err
	}
	return &v.Version, nil
}

func noVersion(t *target) error {
	kind := "label"
	if _, ok := versionOf(t.selector); ok {
		kind = "version"
	}
	return &ssmapi.ParameterVersionNotFound{Message: new("Systems Manager could not find " + kind + " " + t.selector + " of " + t.name + ". Verify the " + kind + " and try again.")}
}

// selector is what the answer repeats of a name: ":" and the version or label.
func selector(t *target) *string {
	if t.selector == "" {
		return nil
	}
	return new(":" + t.selector)
}

// show is a version as the API returns it. arn is the parameter's.
func (s *Service) show(ctx context.Context, p *parameterRecord, arn string, v *version, decrypt bool) (*ssmapi.Parameter, error) {
	text, err := s.reveal(ctx, arn, v, decrypt)
	if err != nil {
		return nil, err
	}
	// What was stored never changes, so the answer points to it.
	return &ssmapi.Parameter{
		Name: &p.Name, Type: &v.Type, Value: &text, Version: &v.Number, LastModifiedDate: &v.Modified,
		ARN: &arn, DataType: &v.DataType,
	}, nil
}
