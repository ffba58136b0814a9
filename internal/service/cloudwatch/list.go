package cloudwatch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"fastness/internal/api/cloudwatchapi"
	"fastness/internal/call"
	"fastness/internal/page"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// The bounds of a page: AWS's number of metrics, and how many are looked at.
const (
	maxListed  = 500
	maxScanned = 5000
	// listedHours is how long after its last data a metric is listed, activeHours recently active.
	listedHours = 14 * 24
	activeHours = 3
)

// ListMetrics implements the operation of that name.
func (s *Service) ListMetrics(ctx context.Context, in *cloudwatchapi.ListMetricsInput) (*cloudwatchapi.ListMetricsOutput, error) {
	c := call.From(ctx)
	sc := table.Scope{Account: c.Account, Region: c.Region}
	namespace, name := value(in.Namespace), value(in.MetricName)
	text, err := json.Marshal([]any{namespace, name, in.Dimensions, in.RecentlyActive})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	filter := hex.EncodeToString(sum[:])
	p := table.Page{}
	if namespace != "" {
		p.Prefix = append(p.Prefix, table.String(namespace))
		if name != "" {
			p.Prefix = append(p.Prefix, table.String(name))
		}
	}
	if value(in.NextToken) != "" {
		if p.After, err = s.openCursor(c, filter, *in.NextToken); err != nil {
			return nil, &cloudwatchapi.InvalidParameterValueException{Message: new("Invalid nextToken")}
		}
	}
	if err := s.work(ctx, sc); err != nil {
		return nil, err
	}
	oldest := s.clock.Now().Unix()/3600 - listedHours
	if in.RecentlyActive != nil {
		oldest = s.clock.Now().Unix()/3600 - activeHours
	}
	out := &cloudwatchapi.ListMetricsOutput{Metrics: []cloudwatchapi.Metric{}}
	if value(in.IncludeLinkedAccounts) {
		out.OwningAccounts = []string{}
	}
	var next []byte
	if err := s.store.View(ctx, func(r store.Reader) error {
		var last []byte
		scanned := 0
		for row, err := range s.tables.metrics.Scan(r, sc, p) {
			if err != nil {
				return err
			}
			if scanned++; len(out.Metrics) == maxListed || scanned > maxScanned {
				next = last
				return nil
			}
			last = row.Cursor
			m := row.Record
			if m.Last < oldest || name != "" && m.Name != name || !has(m, in.Dimensions) {
				continue
			}
			out.Metrics = append(out.Metrics, describe(m))
			if value(in.IncludeLinkedAccounts) {
				out.OwningAccounts = append(out.OwningAccounts, m.Account)
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if next == nil {
		return out, nil
	}
	t, err := s.sealCursor(c, filter, next)
	out.NextToken = &t
	return out, err
}

// A cursor has a namespace and a name, which may be longer than a token holds: then it is two tokens, the
// second bound to the first. maxCursor bounds it.
const maxCursor = 2 * page.MaxPosition

func (s *Service) sealCursor(c *call.Call, filter string, cursor []byte) (string, error) {
	cut := min(len(cursor), page.MaxPosition)
	t, err := s.pages.Seal(c.Operation.Name, c.Account+"/"+c.Region, filter, cursor[:cut])
	if err != nil || cut == len(cursor) {
		return t, err
	}
	if len(cursor) > maxCursor {
		// The page goes on with the first metric of the name.
		cursor = cursor[:maxCursor]
	}
	more, err := s.pages.Seal(c.Operation.Name, c.Account+"/"+c.Region, filter+t, cursor[cut:])
	return t + "." + more, err
}

func (s *Service) openCursor(c *call.Call, filter, token string) ([]byte, error) {
	t, more, two := strings.Cut(token, ".")
	cursor, err := s.pages.Open(c.Operation.Name, c.Account+"/"+c.Region, filter, t)
	if err != nil || !two {
		return cursor, err
	}
	rest, err := s.pages.Open(c.Operation.Name, c.Account+"/"+c.Region, filter+t, more)
	return append(cursor, rest...), err
}

// has tells whether a metric has all dimensions of a filter.
func has(m *metricRecord, filters []cloudwatchapi.DimensionFilter) bool {
	for _, f := range filters {
		if !slices.ContainsFunc(m.Dimensions, func(d dimension) bool {
			return d.Name == value(f.Name) && (f.Value == nil || d.Value == *f.Value)
		}) {
			return false
		}
	}
	return true
}

func describe(m *metricRecord) cloudwatchapi.Metric {
	out := cloudwatchapi.Metric{Namespace: &m.Namespace, MetricName: &m.Name, Dimensions: []cloudwatchapi.Dimension{}}
	for _, d := range m.Dimensions {
		out.Dimensions = append(out.Dimensions, cloudwatchapi.Dimension{Name: new(d.Name), Value: new(d.Value)})
	}
	return out
}
