package cloudwatch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fastness/internal/api/cloudwatchapi"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

// statistic reads a number off an aggregate; ok is false when it is not known.
type statistic func(a *aggregate) (v float64, ok bool)

// parseStatistic reads the name of a statistic: Sum, Average …, or p99.9.
func parseStatistic(name string) (statistic, bool) {
	known := func(f func(*aggregate) float64) statistic {
		return func(a *aggregate) (float64, bool) { return f(a), true }
	}
	switch cloudwatchapi.Statistic(name) {
	case cloudwatchapi.StatisticSampleCount:
		return known(func(a *aggregate) float64 { return a.Count }), true
	case cloudwatchapi.StatisticSum:
		return known(func(a *aggregate) float64 { return a.Sum }), true
	case cloudwatchapi.StatisticAverage:
		return known(func(a *aggregate) float64 { return a.Sum / a.Count }), true
	case cloudwatchapi.StatisticMinimum:
		return known(func(a *aggregate) float64 { return a.Min }), true
	case cloudwatchapi.StatisticMaximum:
		return known(func(a *aggregate) float64 { return a.Max }), true
	}
	digits, ok := strings.CutPrefix(name, "p")
	share, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || share < 0 || share > 100 || strings.ContainsAny(digits, "+-eExX_nN") {
		return nil, false
	}
	return func(a *aggregate) (float64, bool) { return a.percentile(share) }, true
}

// point is the aggregate of a period.
type point struct {
	at int64 // seconds since 1970
	aggregate
}

// window is a range of time in periods.
type window struct {
	from, to, period int64 // seconds; periods begin at from
}

// points are the aggregates of a metric in a window, by period and unit, in order. unit selects one; empty
// means all, each for itself.
func points(r store.Reader, sc table.Scope, m *metricRecord, w window, unit string) ([]point, error) {
	first, last := max(w.from/3600, m.First), min((w.to-1)/3600, m.Last)
	id := m.series()
	var all []aggregate // Minute is the number of the period
	for hour := first; hour <= last; hour++ {
		list, err := readHour(r, sc, hour, id)
		if err != nil {
			return nil, err
		}
		for i := range list {
			a := &list[i]
			at := a.Minute * 60
			if at < w.from || at >= w.to || unit != "" && a.Unit != unit {
				continue
			}
			all = put(all, a, (at-w.from)/w.period)
		}
	}
	out := make([]point, len(all))
	for i := range all {
		out[i] = point{w.from + all[i].Minute*w.period, all[i]}
	}
	return out, nil
}

// find returns the metric of a name, nil if there is none.
func (s *Service) find(r store.Reader, sc table.Scope, namespace, name string, dimensions []dimension) (*metricRecord, error) {
	m := &metricRecord{Namespace: namespace, Name: name, Dimensions: slices.Clone(dimensions)}
	sortDimensions(m.Dimensions)
	found, err := s.tables.metrics.Get(r, sc, table.String(namespace), table.String(name), table.String(m.series()))
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cloudwatch: %w", err)
	}
	return found, nil
}
