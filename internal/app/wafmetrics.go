package app

import (
	"context"
	"fmt"
	"time"

	"fastness/internal/api/cloudwatchapi"
	"fastness/internal/service/wafv2"
	"fastness/internal/waflog"
)

// metricService is who puts the metrics of web ACLs, metricNamespace where.
const (
	metricService   = "wafv2.amazonaws.com"
	metricNamespace = "AWS/WAFV2"
)

// metricPeriod is how often counts of requests become metrics. They are by the minute, as AWS's; a
// shorter period shows them sooner.
const metricPeriod = 5 * time.Second

// maxMetricData is how many data one call puts.
const maxMetricData = 500

// countKey is what counts are added up by until they become metrics.
type countKey struct {
	acl    string
	series waflog.Series
	minute int64
}

// maxCounts bounds the counts that wait.
const maxCounts = 100_000

// count adds counts up.
func (a *activity) count(counts []waflog.Count) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range counts {
		key := countKey{c.ACL, c.Series, c.Minute}
		if n, known := a.counts[key]; known || len(a.counts) < maxCounts {
			a.counts[key] = n + c.N
		} else {
			a.counters.uncounted.Add(c.N)
		}
	}
}

// run makes metrics of counts until ctx is done.
func (a *activity) run(ctx context.Context) error {
	for {
		if err := a.clock.Sleep(ctx, metricPeriod); err != nil {
			return err
		}
		a.flush(ctx)
	}
}

// flush makes metrics of the counts that there are; those that cannot be put stay.
func (a *activity) flush(ctx context.Context) {
	a.mu.Lock()
	counts := a.counts
	a.counts = make(map[countKey]uint64)
	a.mu.Unlock()
	type place struct{ account, region string }
	data := make(map[place][]cloudwatchapi.MetricDatum)
	keys := make(map[place][]countKey)
	for key, n := range counts {
		account, region, _, ok := wafv2.LogStream(key.acl)
		if !ok {
			continue
		}
		at := place{account, region}
		data[at] = append(data[at], cloudwatchapi.MetricDatum{
			MetricName: &key.series.Metric, Dimensions: dimensions(&key.series, region, wafv2.IsGlobal(key.acl)), Timestamp: new(time.Unix(key.minute*60, 0)),
			Values: []float64{1}, Counts: []float64{float64(n)},
		})
		keys[at] = append(keys[at], key)
	}
	for at, all := range data {
		for from := 0; from < len(all); from += maxMetricData {
			to := min(from+maxMetricData, len(all))
			as := a.service(ctx, metricService, at.account, at.region)
			_, err := a.metrics.PutMetricData(as, &cloudwatchapi.PutMetricDataInput{Namespace: new(metricNamespace), MetricData: all[from:to]})
			if err == nil {
				continue
			}
			a.log.Warn("metrics of web ACLs could not be put", "account", at.account, "region", at.region, "error", fmt.Errorf("app: %w", err))
			oldest := a.clock.Now().Add(-time.Hour).Unix() / 60
			a.mu.Lock()
			for _, key := range keys[at][from:to] {
				if key.minute < oldest || len(a.counts) >= maxCounts {
					a.counters.uncounted.Add(counts[key])
				} else {
					a.counts[key] += counts[key]
				}
			}
			a.mu.Unlock()
		}
	}
}

// dimensions are those of a series (AWS WAF Developer Guide, "AWS WAF metrics and dimensions"): those of
// web ACLs of CloudFront have no Region.
func dimensions(s *waflog.Series, region string, global bool) (all []cloudwatchapi.Dimension) {
	add := func(name, value string) {
		if value != "" {
			all = append(all, cloudwatchapi.Dimension{Name: &name, Value: &value})
		}
	}
	if !global {
		add("Region", region)
	}
	add("WebACL", s.WebACL)
	add("Rule", s.Rule)
	add("RuleGroup", s.RuleGroup)
	add("ManagedRuleGroup", s.ManagedGroup)
	add("ManagedRuleGroupRule", s.ManagedRule)
	add("LabelNamespace", s.Namespace)
	add("LabelName", s.Label)
	return all
}
