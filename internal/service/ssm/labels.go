package ssm

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"fastness/internal/api/ssmapi"
	"fastness/internal/call"
)

// maxLabels is how many labels a version can have.
const maxLabels = 10

// LabelParameterVersion implements the operation of that name. A label is on one version of a
// parameter at a time: it moves.
func (s *Service) LabelParameterVersion(ctx context.Context, in *ssmapi.LabelParameterVersionRequest) (*ssmapi.LabelParameterVersionResult, error) {
	c, p, v, err := s.labelTarget(ctx, in.ParameterVersion)
	if err != nil {
		return nil, err
	}
	tx := c.Txn()
	out := &ssmapi.LabelParameterVersionResult{InvalidLabels: []string{}, ParameterVersion: new(v.Version.Number)}
	var added []string
	for _, l := range in.Labels {
		switch {
		case !validLabel(l):
			out.InvalidLabels = append(out.InvalidLabels, l)
		case !slices.Contains(v.Labels, l):
			v.Labels = append(v.Labels, l)
			added = append(added, l)
		}
	}
	if len(v.Labels) > maxLabels {
		return nil, &ssmapi.ParameterVersionLabelLimitExceeded{Message: new("A parameter version can have maximum " + strconv.Itoa(maxLabels) +
			" labels.Move one or more labels to another version and try again.")}
	}
	for _, l := range added {
		from, err := s.tables.labelled(tx, p, l)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		from.Labels = slices.DeleteFunc(from.Labels, func(have string) bool { return have == l })
		if err := s.tables.versions.Put(tx, from); err != nil {
			return nil, err
		}
	}
	if err := s.tables.versions.Put(tx, v); err != nil {
		return nil, err
	}
	for _, l := range added {
		if err := s.report(tx, p, change{Operation: "LabelParameterVersion", Label: l}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// validLabel applies the rules for labels (AWS Systems Manager user guide, "Working with
// parameter labels").
func validLabel(l string) bool {
	lower := strings.ToLower(l)
	return l != "" && (l[0] < '0' || l[0] > '9') && !strings.HasPrefix(lower, "aws") && !strings.HasPrefix(lower, "ssm") &&
		!strings.Contains(l, "/") && nameCharacters(l)
}

// UnlabelParameterVersion implements the operation of that name.
func (s *Service) UnlabelParameterVersion(ctx context.Context, in *ssmapi.UnlabelParameterVersionRequest) (*ssmapi.UnlabelParameterVersionResult, error) {
	c, _, v, err := s.labelTarget(ctx, in.ParameterVersion)
	if err != nil {
		return nil, err
	}
	out := &ssmapi.UnlabelParameterVersionResult{RemovedLabels: []string{}, InvalidLabels: []string{}}
	for _, l := range in.Labels {
		at := slices.Index(v.Labels, l)
		if at < 0 {
			out.InvalidLabels = append(out.InvalidLabels, l)
			continue
		}
		v.Labels = slices.Delete(v.Labels, at, at+1)
		out.RemovedLabels = append(out.RemovedLabels, l)
	}
	return out, s.tables.versions.Put(c.Txn(), v)
}

// labelTarget is the version that a call labels: the latest if it names none.
func (s *Service) labelTarget(ctx context.Context, number *int64) (*call.Call, *parameterRecord, *versionRecord, error) {
	c, t, err := targetOf(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	if t.account != c.Account || t.selector != "" {
		return nil, nil, nil, &ssmapi.ParameterNotFound{}
	}
	p, err := s.tables.parameter(c.Txn(), t.key())
	if isNotFound(err) {
		return nil, nil, nil, &ssmapi.ParameterNotFound{}
	}
	if err != nil {
		return nil, nil, nil, err
	}
	n := p.Latest.Number
	if number != nil {
		n = *number
	}
	wanted := *t
	wanted.selector = strconv.FormatInt(n, 10)
	if n < 1 {
		return nil, nil, nil, noVersion(&wanted)
	}
	v, err := s.tables.version(c.Txn(), p, n)
	if isNotFound(err) {
		return nil, nil, nil, noVersion(&wanted)
	}
	return c, p, v, err
}
