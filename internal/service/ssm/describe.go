package ssm

import (
	"context"
	"slices"
	"strings"

	"fastness/internal/api/ssmapi"
	"fastness/internal/call"
	"fastness/internal/policy"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// defaultDescribePage is the size of a page of DescribeParameters.
const defaultDescribePage = 10

// DescribeParameters implements the operation of that name.
func (s *Service) DescribeParameters(ctx context.Context, in *ssmapi.DescribeParametersRequest) (*ssmapi.DescribeParametersResult, error) {
	c := call.From(ctx)
	if len(in.Filters) > 0 && len(in.ParameterFilters) > 0 {
		return nil, invalid("You can use either Filters or ParameterFilters in a single request.")
	}
	f, err := parseFilters(in.ParameterFilters, false)
	if err != nil {
		return nil, err
	}
	f = append(f, formerFilters(in.Filters)...)
	query, err := queryOf(in.Filters, in.ParameterFilters, value(in.Shared))
	if err != nil {
		return nil, err
	}
	after, err := s.position(c, query, in.NextToken)
	if err != nil {
		return nil, err
	}
	limit := limitOf(in.MaxResults, defaultDescribePage)
	var found []*parameterRecord
	var next []byte
	err = s.store.View(ctx, func(r store.Reader) (err error) {
		if value(in.Shared) {
			found, next, err = s.listShared(r, c, f, after, limit)
		} else {
			found, next, err = s.listOwn(r, c, f, after, limit)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &ssmapi.DescribeParametersResult{Parameters: []ssmapi.ParameterMetadata{}}
	for _, p := range found {
		out.Parameters = append(out.Parameters, p.metadata())
	}
	out.NextToken, err = s.nextToken(c, query, next)
	return out, err
}

// formerFilters reads Filters, which ParameterFilters replaced: a name is a prefix there.
func formerFilters(in []ssmapi.ParametersFilter) (all filters) {
	for i := range in {
		f := filter{key: string(value(in[i].Key)), option: optionEquals, values: in[i].Values}
		if f.key == "Name" {
			f.option = optionBeginsWith
		}
		all = append(all, f)
	}
	return all
}

// listOwn lists a page of the parameters of the caller's account. Where the filters allow
// it, less is read than all of them.
func (s *Service) listOwn(r store.Reader, c *call.Call, f filters, after []byte, limit int) (found []*parameterRecord, next []byte, err error) {
	if names := f.names(); names != nil {
		return s.listNamed(r, c, f, names, after, limit)
	}
	path, recursive, _ := f.path()
	where := scope(c.Account, c.Region)
	at := table.Page{After: after, Limit: maxScanned}
	if len(f) == 0 {
		at.Limit = limit + 1
	}
	rows := s.tables.parameters.Scan(r, where, withPrefix(at, pathParts(path)))
	if _, _, ok := f.path(); ok && !recursive {
		rows = s.tables.parameters.ScanIndex(r, where, parametersByParent, withPrefix(at, parts(path+"/")))
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
		if f.match(row.Record) {
			found = append(found, row.Record)
		}
	}
	if scanned < at.Limit {
		return found, nil, nil
	}
	return found, next, nil
}

// listNamed looks the only names up that the filters let through, in their order.
func (s *Service) listNamed(r store.Reader, c *call.Call, f filters, names []string, after []byte, limit int) (found []*parameterRecord, next []byte, err error) {
	var candidates []string
	for _, n := range names {
		if plain(n) {
			candidates = append(candidates, strings.TrimPrefix(n, "/"))
		}
	}
	slices.Sort(candidates)
	for _, n := range slices.Compact(candidates) {
		if after != nil && n <= string(after) {
			continue
		}
		p, err := s.tables.parameter(r, parameterName{c.Account, c.Region, n})
		if isNotFound(err) || err == nil && !f.match(p) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if len(found) == limit {
			return found, next, nil
		}
		found, next = append(found, p), []byte(n)
	}
	return found, nil, nil
}

// listShared lists a page of what other accounts share with the caller's. The resource
// policy must let the caller describe it.
func (s *Service) listShared(r store.Reader, c *call.Call, f filters, after []byte, limit int) (found []*parameterRecord, next []byte, err error) {
	scanned := 0
	at := table.Page{Prefix: parts(c.Account), After: after, Limit: maxScanned}
	for row, err := range s.tables.shares.ScanIndex(r, shareScope(c.Region), sharesByGrantee, at) {
		if err != nil {
			return nil, nil, err
		}
		if len(found) == limit {
			return found, next, nil
		}
		scanned++
		next = row.Cursor
		p, err := s.tables.parameter(r, identity(row.Record.Account, row.Record.Region, row.Record.Name))
		if isNotFound(err) {
			continue // deleted, and not swept yet
		}
		if err != nil {
			return nil, nil, err
		}
		shared, err := snapshot(p)
		if err != nil {
			return nil, nil, err
		}
		if f.match(p) && s.mayDescribe(c, shared) {
			found = append(found, p)
		}
	}
	if scanned < at.Limit {
		return found, nil, nil
	}
	return found, next, nil
}

// mayDescribe tells whether the resource policy of a parameter lets the caller list it. What
// the caller's own policies say has been decided.
func (s *Service) mayDescribe(c *call.Call, p *parameter) bool {
	if p.sharing == nil {
		return false
	}
	request := &policy.Request{
		Principal: c.Principal.Subject(), Action: "ssm:DescribeParameters", Resource: p.arn, ResourceAccount: p.record.Account,
	}
	all := &policy.Policies{Identity: []*policy.Policy{s.everything}, Resource: []*policy.Policy{p.sharing}}
	result := policy.Evaluate(request, all, nil)
	return result.Allowed()
}

// metadata is a parameter as DescribeParameters shows it.
func (p *parameterRecord) metadata() ssmapi.ParameterMetadata {
	v := &p.Latest
	m := ssmapi.ParameterMetadata{
		Name: new(p.Name), ARN: new(p.arn()), Type: new(v.Type), LastModifiedDate: new(v.Modified), LastModifiedUser: new(v.User),
		Version: new(v.Number), Tier: new(v.Tier), Policies: v.inline(), DataType: new(v.DataType),
	}
	if m.Policies == nil {
		m.Policies = []ssmapi.ParameterInlinePolicy{}
	}
	m.KeyId, m.Description, m.AllowedPattern = some(v.KeyID), some(v.Description), some(v.AllowedPattern)
	return m
}

// some is a member that is left out when it is empty.
func some(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
