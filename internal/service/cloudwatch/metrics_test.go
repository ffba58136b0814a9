package cloudwatch

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"fastness/internal/api/cloudwatchapi"
	"fastness/internal/audit"
	"fastness/internal/call"
	"fastness/internal/store"
	"fastness/internal/store/table"
)

func dims(pairs ...string) (all []cloudwatchapi.Dimension) {
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, cloudwatchapi.Dimension{Name: &pairs[i], Value: &pairs[i+1]})
	}
	return all
}

func (h *harness) put(namespace string, data ...cloudwatchapi.MetricDatum) error {
	_, err := h.admin().PutMetricData(h.Context(), &cloudwatchapi.PutMetricDataInput{Namespace: &namespace, MetricData: data})
	return err
}

// at is a datum some time before now.
func (h *harness) at(ago time.Duration, name string, v float64, pairs ...string) cloudwatchapi.MetricDatum {
	return cloudwatchapi.MetricDatum{MetricName: &name, Value: &v, Timestamp: new(h.clock.Now().Add(-ago)), Dimensions: dims(pairs...)}
}

func (h *harness) statistics(change func(*cloudwatchapi.GetMetricStatisticsInput)) []cloudwatchapi.Datapoint {
	h.Helper()
	in := &cloudwatchapi.GetMetricStatisticsInput{
		Namespace: new("app"), MetricName: new("m"), Period: new(int32(60)), StartTime: new(h.clock.Now().Add(-time.Hour)), EndTime: new(h.clock.Now().Add(time.Minute)),
		Statistics: []cloudwatchapi.Statistic{"SampleCount", "Sum", "Average", "Minimum", "Maximum"},
	}
	change(in)
	out, err := h.admin().GetMetricStatistics(h.Context(), in)
	if err != nil {
		h.Fatal(err)
	}
	return out.Datapoints
}

func TestStatisticsOfWhatWasPut(t *testing.T) {
	h := newHarness(t)
	for _, err := range []error{
		h.put("app", h.at(2*time.Minute, "m", 3, "host", "a"), h.at(2*time.Minute, "m", 5, "host", "a"), h.at(time.Minute, "m", 10, "host", "a"), h.at(0, "m", 99, "host", "b")),
		h.put("app", cloudwatchapi.MetricDatum{MetricName: new("m"), Dimensions: dims("host", "a"), Timestamp: new(h.clock.Now().Add(-time.Minute)), Values: []float64{1, 2}, Counts: []float64{3, 1}}),
		h.put("app", cloudwatchapi.MetricDatum{MetricName: new("m"), Dimensions: dims("host", "a"), Timestamp: new(h.clock.Now().Add(-3 * time.Minute)), StatisticValues: &cloudwatchapi.StatisticSet{
			SampleCount: new(4.0), Sum: new(20.0), Minimum: new(1.0), Maximum: new(9.0)}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	show := func(points []cloudwatchapi.Datapoint) (text string) {
		for _, p := range points {
			text += fmt.Sprintf("%d: %g %g %g %g %g; ", int(h.clock.Now().Sub(*p.Timestamp).Minutes()), *p.SampleCount, *p.Sum, *p.Average, *p.Minimum, *p.Maximum)
		}
		return text
	}
	got := show(h.statistics(func(in *cloudwatchapi.GetMetricStatisticsInput) { in.Dimensions = dims("host", "a") }))
	if want := "3: 4 20 5 1 9; 2: 2 8 4 3 5; 1: 5 15 3 1 10; "; got != want {
		t.Errorf("by the minute: %s, want %s", got, want)
	}
	got = show(h.statistics(func(in *cloudwatchapi.GetMetricStatisticsInput) {
		in.Dimensions = dims("host", "a")
		in.Period = new(int32(3600))
	}))
	if want := "60: 11 43 3.909090909090909 1 10; "; got != want {
		t.Errorf("by the hour: %s, want %s", got, want)
	}
	if got := h.statistics(func(*cloudwatchapi.GetMetricStatisticsInput) {}); len(got) != 0 {
		t.Errorf("without dimensions it is another metric: %v", got)
	}
	out, err := h.admin().GetMetricData(t.Context(), &cloudwatchapi.GetMetricDataInput{
		StartTime: new(h.clock.Now().Add(-time.Hour)), EndTime: new(h.clock.Now()), MetricDataQueries: []cloudwatchapi.MetricDataQuery{
			{Id: new("a"), MetricStat: &cloudwatchapi.MetricStat{Metric: &cloudwatchapi.Metric{Namespace: new("app"), MetricName: new("m"), Dimensions: dims("host", "a")}, Period: new(int32(60)), Stat: new("Sum")}},
			{Id: new("b"), MetricStat: &cloudwatchapi.MetricStat{Metric: &cloudwatchapi.Metric{Namespace: new("app"), MetricName: new("none")}, Period: new(int32(60)), Stat: new("p90")}},
		},
	})
	if err != nil || len(out.MetricDataResults) != 2 || !slices.Equal(out.MetricDataResults[0].Values, []float64{15, 8, 20}) || *out.MetricDataResults[0].Label != "m" || len(out.MetricDataResults[1].Values) != 0 {
		t.Errorf("%+v %v", out, err)
	}
}

func TestPercentilesAreNearlyRight(t *testing.T) {
	h := newHarness(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	var all []float64
	for range 20 {
		d := cloudwatchapi.MetricDatum{MetricName: new("m")}
		for range maxValues {
			v := math.Exp(rnd.NormFloat64())
			all = append(all, v)
			d.Values = append(d.Values, v)
		}
		if err := h.put("app", d); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(all)
	points := h.statistics(func(in *cloudwatchapi.GetMetricStatisticsInput) {
		in.Statistics, in.ExtendedStatistics = nil, []string{"p10", "p50", "p99.5"}
	})
	if len(points) != 1 {
		t.Fatalf("points %+v", points)
	}
	if points[0].ExtendedStatistics == nil {
		t.Fatal("no percentiles")
	}
	for name, share := range map[string]float64{"p10": .10, "p50": .50, "p99.5": .995} {
		want := all[int(share*float64(len(all)))-1]
		if got := points[0].ExtendedStatistics[name]; math.Abs(got-want) > 0.03*want {
			t.Errorf("%s: %g, want %g", name, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	h := newHarness(t)
	two := func(_ any, err error) string { return textOf(err) }
	in := func(change func(*cloudwatchapi.GetMetricStatisticsInput)) string {
		in := &cloudwatchapi.GetMetricStatisticsInput{
			Namespace: new("app"), MetricName: new("m"), Period: new(int32(60)), StartTime: new(h.clock.Now().Add(-time.Hour)), EndTime: new(h.clock.Now()), Statistics: []cloudwatchapi.Statistic{"Sum"},
		}
		change(in)
		return two(h.admin().GetMetricStatistics(t.Context(), in))
	}
	datum := func(d cloudwatchapi.MetricDatum) string {
		d.MetricName = new("m")
		return textOf(h.put("app", d))
	}
	var many []cloudwatchapi.MetricDatum
	for range maxData + 1 {
		many = append(many, h.at(0, "m", 1))
	}
	for _, c := range []struct{ got, want string }{
		{textOf(h.put("AWS/EC2", h.at(0, "m", 1))), "InvalidParameterValue: The value AWS/ for parameter Namespace is invalid."},
		{textOf(h.put("app")), "MissingParameter: The parameter MetricData is required."},
		{textOf(h.put("app", many...)), "InvalidParameterValue: The collection MetricData must not have a size greater than 1000."},
		{textOf(h.put("app", h.at(15*24*time.Hour, "m", 1))), "InvalidParameterValue: The parameter MetricData.member.1.Timestamp must specify a time within the past two weeks."},
		{textOf(h.put("app", h.at(0, "m", 1), h.at(-3*time.Hour, "m", 1))), "InvalidParameterValue: The parameter MetricData.member.2.Timestamp must specify a time no more than two hours in the future."},
		{textOf(h.put("app", h.at(0, "m", math.NaN()))), "InvalidParameterValue: The value NaN for parameter MetricData.member.1.Value is invalid."},
		{datum(cloudwatchapi.MetricDatum{}), "MissingParameter: At least one of the parameters"},
		{datum(cloudwatchapi.MetricDatum{Value: new(1.0), Values: []float64{1}}), "InvalidParameterCombination: "},
		{datum(cloudwatchapi.MetricDatum{Values: make([]float64, maxValues+1)}), "InvalidParameterValue: The collection MetricData.member.1.Values must not have a size greater than 150."},
		{datum(cloudwatchapi.MetricDatum{Values: []float64{1}, Counts: []float64{1, 2}}), "InvalidParameterValue: "},
		{in(func(in *cloudwatchapi.GetMetricStatisticsInput) { in.Statistics = nil }), "MissingParameter: "},
		{in(func(in *cloudwatchapi.GetMetricStatisticsInput) { in.EndTime = in.StartTime }), "InvalidParameterCombination: The parameter StartTime must be less than the parameter EndTime."},
		{in(func(in *cloudwatchapi.GetMetricStatisticsInput) {
			in.StartTime = new(h.clock.Now().Add(-1441 * time.Minute))
		}), "InvalidParameterCombination: You have requested up to 1441 datapoints, which exceeds the limit of 1440."},
		{in(func(in *cloudwatchapi.GetMetricStatisticsInput) { in.ExtendedStatistics = []string{"p101"} }), "InvalidParameterValue: The value p101 for parameter ExtendedStatistics is invalid."},
		{in(func(in *cloudwatchapi.GetMetricStatisticsInput) { in.Period = new(int32(30)) }), "InvalidParameterValue: The parameter Period"},
		{two(h.admin().GetMetricData(t.Context(), &cloudwatchapi.GetMetricDataInput{StartTime: new(h.clock.Now().Add(-time.Hour)), EndTime: new(h.clock.Now()), MetricDataQueries: []cloudwatchapi.MetricDataQuery{{Id: new("e1"), Expression: new("1+1")}}})), "ValidationError: Error in expression 'e1': "},
		{two(h.admin().GetMetricData(t.Context(), &cloudwatchapi.GetMetricDataInput{StartTime: new(h.clock.Now().Add(-time.Hour)), EndTime: new(h.clock.Now()), NextToken: new("x"), MetricDataQueries: []cloudwatchapi.MetricDataQuery{{Id: new("e1"), MetricStat: &cloudwatchapi.MetricStat{Metric: &cloudwatchapi.Metric{}, Period: new(int32(60)), Stat: new("Sum")}}}})), "InvalidNextToken: "},
	} {
		_, want, _ := strings.Cut(c.want, ": ")
		if _, got, _ := strings.Cut(c.got, ": "); !strings.HasPrefix(got, want) || c.got == "" {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}

func TestMetricsAreListed(t *testing.T) {
	h := newHarness(t)
	long := strings.Repeat("\u00e4", 255)
	for i := range 6 {
		var data []cloudwatchapi.MetricDatum
		for j := range 200 {
			data = append(data, h.at(0, "m", 1, "number", fmt.Sprint(i*200+j)))
		}
		if err := h.put(long, data...); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.put("app", h.at(5*time.Hour, "old", 1, "a", "1"), h.at(0, "new", 1, "a", "2", "b", "3")); err != nil {
		t.Fatal(err)
	}
	list := func(in cloudwatchapi.ListMetricsInput) (names []string) {
		for {
			out, err := h.admin().ListMetrics(t.Context(), &in)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range out.Metrics {
				names = append(names, *m.MetricName)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return names
			}
		}
	}
	if got := list(cloudwatchapi.ListMetricsInput{}); len(got) != 1202 {
		t.Errorf("%d metrics, want 1202", len(got))
	}
	for _, c := range []struct {
		in   cloudwatchapi.ListMetricsInput
		want string
	}{
		{cloudwatchapi.ListMetricsInput{Namespace: new("app")}, "new old"},
		{cloudwatchapi.ListMetricsInput{MetricName: new("old")}, "old"},
		{cloudwatchapi.ListMetricsInput{Dimensions: []cloudwatchapi.DimensionFilter{{Name: new("a")}}}, "new old"},
		{cloudwatchapi.ListMetricsInput{Dimensions: []cloudwatchapi.DimensionFilter{{Name: new("a"), Value: new("2")}, {Name: new("b")}}}, "new"},
		{cloudwatchapi.ListMetricsInput{Namespace: new("app"), RecentlyActive: new(cloudwatchapi.RecentlyActivePT3H)}, "new"},
		{cloudwatchapi.ListMetricsInput{Namespace: new("none")}, ""},
	} {
		if got := strings.Join(list(c.in), " "); got != c.want {
			t.Errorf("%+v: %s, want %s", c.in, got, c.want)
		}
	}
	h.clock.Advance(15 * 24 * time.Hour)
	if got := list(cloudwatchapi.ListMetricsInput{}); len(got) != 0 {
		t.Errorf("%d metrics are listed after two weeks", len(got))
	}
}

func TestDataBecomeCoarserAndGo(t *testing.T) {
	h := newHarness(t)
	const n = 150 // minutes
	sum := 0.0
	for i := range n {
		if err := h.put("app", h.at(time.Duration(i)*time.Minute, "m", float64(i), "a", "1")); err != nil {
			t.Fatal(err)
		}
		sum += float64(i)
	}
	start := h.clock.Now()
	total := func(period int32) (points int, total float64) {
		for _, p := range h.statistics(func(in *cloudwatchapi.GetMetricStatisticsInput) {
			in.StartTime, in.EndTime, in.Period, in.Dimensions = new(start.Add(-4*time.Hour)), new(start.Add(time.Hour)), &period, dims("a", "1")
		}) {
			points++
			total += *p.Sum
		}
		return points, total
	}
	for _, c := range []struct {
		days   int
		period int32
		points int
	}{{0, 60, n}, {16, 60, 31}, {16, 300, 31}, {64, 300, 4}, {64, 3600, 4}} {
		h.clock.Set(start.Add(time.Duration(c.days) * 24 * time.Hour))
		h.runJobs()
		if points, got := total(c.period); got != sum || points < c.points-1 || points > c.points {
			t.Errorf("after %d days, by %d seconds: %d points, want %d; sum %g, want %g", c.days, c.period, points, c.points, got, sum)
		}
	}
	h.clock.Set(start.Add(456 * 24 * time.Hour))
	h.runJobs()
	if points, _ := total(3600); points != 0 || h.house.Keys(tableService, kindHour) != 0 {
		t.Errorf("%d points and %d hours are left", points, h.house.Keys(tableService, kindHour))
	}
}

func TestWhoMayPutWhat(t *testing.T) {
	h := newHarness(t)
	waf := &call.Principal{Kind: call.Service, Service: "wafv2.amazonaws.com", ARN: "wafv2.amazonaws.com", Account: testAccount}
	put := func(who *call.Principal, namespace string) string {
		_, err := h.as(who).PutMetricData(t.Context(), &cloudwatchapi.PutMetricDataInput{Namespace: &namespace, MetricData: []cloudwatchapi.MetricDatum{h.at(0, "m", 1)}})
		return textOf(err)
	}
	if got := put(waf, "AWS/WAFV2"); got != "" {
		t.Error(got)
	}
	if got := put(waf, "app"); !strings.HasPrefix(got, "AccessDenied") {
		t.Errorf("a service in another namespace: %s", got)
	}
	ops := user(testAccount, "ops")
	h.allow(ops, `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "cloudwatch:PutMetricData", "Resource": "*", "Condition": {"StringEquals": {"cloudwatch:namespace": "app"}}}}`)
	if got := put(ops, "app"); got != "" {
		t.Error(got)
	}
	if got := put(ops, "other"); !strings.HasPrefix(got, "AccessDenied") {
		t.Errorf("another namespace: %s", got)
	}
	found, err := h.audit.Lookup(t.Context(), audit.Query{Account: testAccount, Region: testRegion, Limit: 50})
	if err != nil || len(found.Events) != 0 {
		t.Errorf("%d events are in the history: they are data events; %v", len(found.Events), err)
	}
}

func TestFsckFindsNothingWrong(t *testing.T) {
	h := newHarness(t)
	if err := h.put("app", h.at(0, "m", 1)); err != nil {
		t.Fatal(err)
	}
	if err := h.service.workAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := h.put("app", h.at(0, "m", 1)); err != nil {
		t.Fatal(err)
	}
	for _, check := range h.registry.Checks() {
		if err := h.store.View(t.Context(), func(r store.Reader) error {
			return check.Run(t.Context(), r, func(key []byte, problem string) { t.Errorf("%s: %x: %s", check.Name, key, problem) })
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// BenchmarkPutMetricData puts data of different metrics. The floor only writes an empty value to the same sealed store.
func BenchmarkPutMetricData(b *testing.B) {
	for _, n := range []int{1, 100} {
		h := newHarness(b)
		var data []cloudwatchapi.MetricDatum
		for i := range n {
			data = append(data, h.at(0, "m", float64(i), "number", fmt.Sprint(i)))
		}
		b.Run(fmt.Sprint(n, "/fastness"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := h.put("app", data...); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprint(n, "/floor"), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				key := table.Key(table.String(""), table.String(""), table.String("bench"), table.String("floor"), table.Uint(uint64(i)))
				if _, err := h.store.Update(b.Context(), func(tx store.Txn) error { return tx.Put(key, []byte{1}) }); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}
