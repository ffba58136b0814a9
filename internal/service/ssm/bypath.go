package ssm

import (
	"context"
	"strings"

	"fastness/internal/api/ssmapi"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// defaultPathPage is the size of a page of GetParametersByPath, which is also the largest.
const defaultPathPage = 10

// GetParametersByPath implements the operation of that name. A page is one range of the
// store, however many parameters there are.
func (s *Service) GetParametersByPath(ctx context.Context, in *ssmapi.GetParametersByPathRequest) (*ssmapi.GetParametersByPathResult, error) {
	c := call.From(ctx)
	path, err := normalPath(strings.TrimSpace(value(in.Path)))
	if err != nil {
		return nil, err
	}
	f, err := parseFilters(in.ParameterFilters, true)
	if err != nil {
		return nil, err
	}
	query, err := queryOf(path, value(in.Recursive), in.ParameterFilters)
	if err != nil {
		return nil, err
	}
	after, err := s.position(c, query, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := limitOf(in.MaxResults, defaultPathPage)
	if isPublic(path) {
		return s.publicByPath(c, path, in, f, query, after, limit)
	}
	out := &ssmapi.GetParametersByPathResult{Parameters: []ssmapi.Parameter{}}
	var found []selection
	var next []byte
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		found, next, err = s.below(r, c, path, value(in.Recursive), f, after, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range found {
		p, err := s.show(ctx, found[i].parameter, found[i].parameter.arn(), found[i].version, value(in.WithDecryption))
		if err != nil {
			return nil, err
		}
		p.Selector = found[i].selector
		out.Parameters = append(out.Parameters, *p)
	}
	out.NextToken, err = s.nextToken(c, query, next)
	return out, err
}

// selection is a version of a parameter that a listing returns.
type selection struct {
	parameter *parameterRecord
	version   *version
	selector  *string
}

// below lists a page of what lies below a path ("" is the root): all of it, or only the
// children. next is nil at the end.
func (s *Service) below(r store.Reader, c *call.Call, path string, recursive bool, f filters, after []byte, limit int) (found []selection, next []byte, err error) {
	where := scope(c.Account, c.Region)
	// Two more than a page are read, because the parameter that is called as the path itself is
	// in the range.
	at := table.Page{After: after, Limit: limit + 2}
	if len(f) > 0 {
		at.Limit = maxScanned
	}
	rows := s.tables.parameters.ScanIndex(r, where, parametersByParent, withPrefix(at, parts(path+"/")))
	if recursive {
		rows = s.tables.parameters.Scan(r, where, withPrefix(at, pathParts(path)))
	}
	scanned := 0
	for row, err := range rows {
		if err != nil {
			return nil, nil, err
		}
		if len(found) == limit {
			return found, next, nil
		}
		scanned++
		next = row.Cursor
		if path != "" && !strings.HasPrefix(row.Record.Name, path+"/") {
			continue
		}
		v, label, ok, err := s.matching(r, row.Record, f)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			found = append(found, selection{row.Record, v, label})
		}
	}
	if scanned < at.Limit {
		return found, nil, nil
	}
	return found, next, nil
}

// matching is the version of a parameter that filters let through: the one that has a
// label, if they ask for one, else the latest.
func (s *Service) matching(r store.Reader, p *parameterRecord, f filters) (v *version, label *string, ok bool, err error) {
	if !f.match(p) {
		return nil, nil, false, nil
	}
	labels := f.labels()
	if labels == nil {
		return &p.Latest, nil, true, nil
	}
	for _, l := range labels {
		labelled, err := s.tables.labelled(r, p, l)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return nil, nil, false, err
		}
		return &labelled.Version, new(":" + l), true, nil
	}
	return nil, nil, false, nil
}

func withPrefix(p table.Page, prefix []table.Part) table.Page {
	p.Prefix = prefix
	return p
}
