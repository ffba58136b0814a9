package cloudwatch

import (
	"context"
	"encoding/binary"
	"regexp"
	"slices"
	"time"

	"fastness/internal/api/cloudwatchapi"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
	"fastness/internal/wire"
)

// The limits of reading (API reference, GetMetricStatistics and GetMetricData).
const (
	maxDatapoints  = 1440
	maxQueries     = 500
	maxTotalPoints = 100_800
	maxRangeDays   = 455
)

const minute = 60

// roundedStart is a start as AWS rounds it, by how long ago it is.
func roundedStart(start, now time.Time) int64 {
	step := int64(minute)
	switch age := now.Sub(start); {
	case age > wholeAfter*time.Hour:
		step = 3600
	case age > fivesAfter*time.Hour:
		step = 300
	}
	return start.Unix() - start.Unix()%step
}

// GetMetricStatistics implements the operation of that name.
func (s *Service) GetMetricStatistics(ctx context.Context, in *cloudwatchapi.GetMetricStatisticsInput) (*cloudwatchapi.GetMetricStatisticsOutput, error) {
	c := call.From(ctx)
	period := int64(value(in.Period))
	start, end := value(in.StartTime), value(in.EndTime)
	switch {
	case len(in.Statistics) == 0 && len(in.ExtendedStatistics) == 0:
		return nil, missing("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
	case period%minute != 0:
		return nil, invalid("The parameter Period must be a value that is a multiple of 60: no data here have a higher resolution.")
	case !start.Before(end):
		return nil, combination("The parameter StartTime must be less than the parameter EndTime.")
	}
	extended := make(map[string]statistic)
	for _, name := range in.ExtendedStatistics {
		f, ok := parseStatistic(name)
		if !ok || name[0] != 'p' {
			return nil, invalid("The value %s for parameter ExtendedStatistics is invalid.", name)
		}
		extended[name] = f
	}
	w := window{roundedStart(start, s.clock.Now()), end.Unix(), period}
	if n := (w.to - w.from + period - 1) / period; n > maxDatapoints {
		return nil, combination("You have requested up to %d datapoints, which exceeds the limit of %d. You may reduce the datapoints requested by increasing Period, or decreasing the time range.", n, maxDatapoints)
	}
	w.from = max(w.from, s.clock.Now().Add(-maxRangeDays*24*time.Hour).Unix()/3600*3600)
	sc := table.Scope{Account: c.Account, Region: c.Region}
	if err := s.work(ctx, sc); err != nil {
		return nil, err
	}
	out := &cloudwatchapi.GetMetricStatisticsOutput{Label: in.MetricName, Datapoints: []cloudwatchapi.Datapoint{}}
	var found []point
	if err := s.store.View(ctx, func(r store.Reader) error {
		m, err := s.find(r, sc, value(in.Namespace), value(in.MetricName), dimensionsOf(in.Dimensions))
		if err != nil || m == nil {
			return err
		}
		found, err = points(r, sc, m, w, string(value(in.Unit)))
		return err
	}); err != nil {
		return nil, err
	}
	for i := range found {
		p := &found[i]
		d := cloudwatchapi.Datapoint{Timestamp: new(time.Unix(p.at, 0).UTC()), Unit: new(cloudwatchapi.StandardUnit(p.Unit))}
		for _, name := range in.Statistics {
			f, _ := parseStatistic(string(name))
			v, _ := f(&p.aggregate)
			switch name {
			case cloudwatchapi.StatisticSampleCount:
				d.SampleCount = &v
			case cloudwatchapi.StatisticSum:
				d.Sum = &v
			case cloudwatchapi.StatisticAverage:
				d.Average = &v
			case cloudwatchapi.StatisticMinimum:
				d.Minimum = &v
			case cloudwatchapi.StatisticMaximum:
				d.Maximum = &v
			}
		}
		for name, f := range extended {
			if v, ok := f(&p.aggregate); ok {
				if d.ExtendedStatistics == nil {
					d.ExtendedStatistics = make(map[string]float64)
				}
				d.ExtendedStatistics[name] = v
			}
		}
		out.Datapoints = append(out.Datapoints, d)
	}
	return out, nil
}

var queryID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

func validation(message string) error {
	return &wire.CommonError{Kind: wire.Validation, Message: message}
}

// query is a checked query of GetMetricData.
type query struct {
	*cloudwatchapi.MetricDataQuery
	stat   statistic
	window window
}

// queries checks the queries of GetMetricData.
func (s *Service) queries(in *cloudwatchapi.GetMetricDataInput) (all []query, err error) {
	start, end := value(in.StartTime), value(in.EndTime)
	switch {
	case !start.Before(end):
		return nil, validation("The parameter StartTime must be less than the parameter EndTime.")
	case len(in.MetricDataQueries) == 0:
		return nil, validation("The parameter MetricDataQueries is required.")
	case len(in.MetricDataQueries) > maxQueries:
		return nil, validation("The collection MetricDataQueries must not have a size greater than 500.")
	}
	seen := make(map[string]bool)
	for i := range in.MetricDataQueries {
		q := query{MetricDataQuery: &in.MetricDataQueries[i]}
		id := value(q.Id)
		switch {
		case !queryID.MatchString(id):
			return nil, validation("The value " + id + " for parameter MetricDataQueries.member.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.")
		case seen[id]:
			return nil, validation("The values for parameter id in MetricDataQueries are not unique.")
		case q.Expression != nil && q.MetricStat != nil, q.Expression == nil && q.MetricStat == nil:
			return nil, validation("Either MetricStat or Expression is a required parameter in MetricDataQueries, and only one of them.")
		case q.Expression != nil:
			return nil, validation("Error in expression '" + id + "': expressions are not offered here.")
		}
		seen[id] = true
		st := q.MetricStat
		var ok bool
		if q.stat, ok = parseStatistic(value(st.Stat)); !ok {
			return nil, validation("The value " + value(st.Stat) + " for parameter MetricDataQueries.member.MetricStat.Stat is not supported.")
		}
		period := int64(value(st.Period))
		if period%minute != 0 {
			return nil, validation("The parameter Period must be a value that is a multiple of 60: no data here have a higher resolution.")
		}
		// Periods begin at multiples of themselves.
		from := roundedStart(start, s.clock.Now())
		from = max(from-from%period, s.clock.Now().Add(-maxRangeDays*24*time.Hour).Unix()/period*period)
		q.window = window{from, end.Unix(), period}
		all = append(all, q)
	}
	return all, nil
}

// GetMetricData implements the operation of that name.
func (s *Service) GetMetricData(ctx context.Context, in *cloudwatchapi.GetMetricDataInput) (*cloudwatchapi.GetMetricDataOutput, error) {
	c := call.From(ctx)
	all, err := s.queries(in)
	if err != nil {
		return nil, err
	}
	most := maxTotalPoints
	if n := int(value(in.MaxDatapoints)); n > 0 && n < most {
		most = n
	}
	sc := table.Scope{Account: c.Account, Region: c.Region}
	at, skip, err := s.dataPosition(c, in.NextToken)
	if err != nil {
		return nil, err
	}
	if err := s.work(ctx, sc); err != nil {
		return nil, err
	}
	out := &cloudwatchapi.GetMetricDataOutput{MetricDataResults: []cloudwatchapi.MetricDataResult{}, Messages: []cloudwatchapi.MessageData{}}
	ascending := value(in.ScanBy) == cloudwatchapi.ScanByTimestampAscending
	err = s.store.View(ctx, func(r store.Reader) error {
		for ; at < len(all); at, skip = at+1, 0 {
			q := &all[at]
			if q.ReturnData != nil && !*q.ReturnData {
				continue
			}
			if most == 0 {
				return nil
			}
			x, err := s.answer(r, sc, q, ascending)
			if err != nil {
				return err
			}
			skip = min(skip, len(x.Values))
			x.Timestamps, x.Values = x.Timestamps[skip:], x.Values[skip:]
			if len(x.Values) > most {
				x.Timestamps, x.Values = x.Timestamps[:most], x.Values[:most]
				x.StatusCode = new(cloudwatchapi.StatusCodePartialData)
				out.MetricDataResults = append(out.MetricDataResults, x)
				skip, most = skip+most, 0
				return nil
			}
			most -= len(x.Values)
			out.MetricDataResults = append(out.MetricDataResults, x)
		}
		return nil
	})
	if err != nil || at >= len(all) {
		return out, err
	}
	position := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(at)), uint64(skip))
	t, err := s.pages.Seal(c.Operation.Name, c.Account+"/"+c.Region, "", position)
	out.NextToken = &t
	return out, err
}

// dataPosition is where a page of GetMetricData begins: the query, and the point in it.
func (s *Service) dataPosition(c *call.Call, token *string) (at, skip int, err error) {
	if value(token) == "" {
		return 0, 0, nil
	}
	b, err := s.pages.Open(c.Operation.Name, c.Account+"/"+c.Region, "", *token)
	if err == nil {
		q, n := binary.Uvarint(b)
		if n > 0 {
			p, m := binary.Uvarint(b[n:])
			if m > 0 && q < maxQueries && p < maxTotalPoints {
				return int(q), int(p), nil
			}
		}
	}
	return 0, 0, &cloudwatchapi.InvalidNextToken{Message: new("Invalid nextToken")}
}

func (s *Service) answer(r store.Reader, sc table.Scope, q *query, ascending bool) (x cloudwatchapi.MetricDataResult, err error) {
	metric := q.MetricStat.Metric
	x = cloudwatchapi.MetricDataResult{
		Id: q.Id, Label: q.Label, Timestamps: []time.Time{}, Values: []float64{}, StatusCode: new(cloudwatchapi.StatusCodeComplete),
	}
	if x.Label == nil {
		x.Label = metric.MetricName
	}
	m, err := s.find(r, sc, value(metric.Namespace), value(metric.MetricName), dimensionsOf(metric.Dimensions))
	if err != nil || m == nil {
		return x, err
	}
	found, err := points(r, sc, m, q.window, string(value(q.MetricStat.Unit)))
	if err != nil {
		return x, err
	}
	if !ascending {
		slices.Reverse(found)
	}
	for i := range found {
		if v, ok := q.stat(&found[i].aggregate); ok {
			x.Timestamps = append(x.Timestamps, time.Unix(found[i].at, 0).UTC())
			x.Values = append(x.Values, v)
		}
	}
	return x, nil
}
