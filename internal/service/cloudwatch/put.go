package cloudwatch

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"fastness/internal/api/cloudwatchapi"
	"fastness/internal/call"
	"fastness/internal/store/table"
)

// The limits of PutMetricData (Amazon CloudWatch API reference; Amazon CloudWatch User Guide,
// "CloudWatch service quotas").
const (
	maxData      = 1000
	maxValues    = 150
	maxAge       = 14 * 24 * time.Hour
	maxAhead     = 2 * time.Hour
	maxMagnitude = 0x1p360
)

// entry is what a call gave of one metric.
type entry struct {
	Namespace  string      `json:"ns"`
	Name       string      `json:"m"`
	Dimensions []dimension `json:"d,omitempty"`
	Data       []aggregate `json:"a"`
}

func invalid(format string, args ...any) error {
	return &cloudwatchapi.InvalidParameterValueException{Message: new(fmt.Sprintf(format, args...))}
}

func combination(format string, args ...any) error {
	return &cloudwatchapi.InvalidParameterCombinationException{Message: new(fmt.Sprintf(format, args...))}
}

func missing(format string, args ...any) error {
	return &cloudwatchapi.MissingRequiredParameterException{Message: new(fmt.Sprintf(format, args...))}
}

// PutMetricData implements the operation of that name.
func (s *Service) PutMetricData(ctx context.Context, in *cloudwatchapi.PutMetricDataInput) (*cloudwatchapi.PutMetricDataOutput, error) {
	c := call.From(ctx)
	namespace := value(in.Namespace)
	if strings.HasPrefix(namespace, "AWS/") && c.Principal.Kind != call.Service {
		return nil, invalid("The value AWS/ for parameter Namespace is invalid.")
	}
	data := in.MetricData
	for _, e := range in.EntityMetricData {
		data = append(data[:len(data):len(data)], e.MetricData...)
	}
	switch {
	case len(data) == 0:
		return nil, missing("The parameter MetricData is required.")
	case len(data) > maxData:
		return nil, invalid("The collection MetricData must not have a size greater than %d.", maxData)
	}
	now := s.clock.Now()
	var entries []entry
	at := make(map[string]int)
	for i := range data {
		name := fmt.Sprintf("MetricData.member.%d", i+1)
		a, err := datum(&data[i], name, now)
		if err != nil {
			return nil, err
		}
		m := metricRecord{Namespace: namespace, Name: value(data[i].MetricName), Dimensions: dimensionsOf(data[i].Dimensions)}
		if sortDimensions(m.Dimensions) {
			return nil, invalid("The parameter %s.Dimensions has two values of one name.", name)
		}
		id := m.series()
		n, known := at[id]
		if !known {
			n = len(entries)
			at[id] = n
			entries = append(entries, entry{Namespace: m.Namespace, Name: m.Name, Dimensions: m.Dimensions})
		}
		entries[n].Data = put(entries[n].Data, &a, a.Minute)
	}
	sc := table.Scope{Account: c.Account, Region: c.Region}
	for len(entries) > 0 {
		n := journalRow(entries)
		row, err := pack(entries[:n])
		if err != nil {
			return nil, err
		}
		if err := c.Txn().Put(journalKey(sc, now), row); err != nil {
			return nil, err
		}
		entries = entries[n:]
	}
	if err := s.settle(c.Txn(), sc); err != nil {
		return nil, err
	}
	return &cloudwatchapi.PutMetricDataOutput{}, nil
}

func dimensionsOf(all []cloudwatchapi.Dimension) []dimension {
	var out []dimension
	for _, d := range all {
		out = append(out, dimension{value(d.Name), value(d.Value)})
	}
	return out
}

// datum checks one datum.
func datum(d *cloudwatchapi.MetricDatum, name string, now time.Time) (a aggregate, err error) {
	at := now
	if d.Timestamp != nil {
		at = *d.Timestamp
	}
	switch {
	case at.Before(now.Add(-maxAge)):
		return a, invalid("The parameter %s.Timestamp must specify a time within the past two weeks.", name)
	case at.After(now.Add(maxAhead)):
		return a, invalid("The parameter %s.Timestamp must specify a time no more than two hours in the future.", name)
	}
	if r := d.StorageResolution; r != nil && *r != 1 && *r != 60 {
		return a, invalid("The value %d for parameter %s.StorageResolution is invalid.", *r, name)
	}
	a = aggregate{Minute: at.Unix() / 60, Unit: "None"}
	if d.Unit != nil {
		a.Unit = string(*d.Unit)
	}
	check := func(v float64, member string) error {
		if math.IsNaN(v) || math.Abs(v) > maxMagnitude {
			return invalid("The value %v for parameter %s.%s is invalid.", v, name, member)
		}
		return nil
	}
	switch {
	case d.StatisticValues != nil && (d.Value != nil || d.Values != nil), d.Value != nil && d.Values != nil:
		return a, combination("The parameters %[1]s.Value, %[1]s.Values and %[1]s.StatisticValues are mutually exclusive and you have specified more than one.", name)
	case d.Value != nil:
		a.add(*d.Value, 1)
		return a, check(*d.Value, "Value")
	case d.StatisticValues != nil:
		v := d.StatisticValues
		a.Count, a.Sum, a.Min, a.Max = value(v.SampleCount), value(v.Sum), value(v.Minimum), value(v.Maximum)
		for _, x := range []float64{a.Count, a.Sum, a.Min, a.Max} {
			if err := check(x, "StatisticValues"); err != nil {
				return a, err
			}
		}
		if a.Count <= 0 || a.Min > a.Max {
			return a, invalid("The value of the parameter %s.StatisticValues is invalid.", name)
		}
		return a, nil
	case len(d.Values) == 0:
		return a, missing("At least one of the parameters %[1]s.Value, %[1]s.Values or %[1]s.StatisticValues must be specified.", name)
	case len(d.Values) > maxValues:
		return a, invalid("The collection %s.Values must not have a size greater than %d.", name, maxValues)
	case d.Counts != nil && len(d.Counts) != len(d.Values):
		return a, invalid("The parameters %[1]s.Values and %[1]s.Counts must be of the same size.", name)
	}
	for i, v := range d.Values {
		n := 1.0
		if d.Counts != nil {
			n = d.Counts[i]
		}
		if err := check(v, "Values"); err != nil {
			return a, err
		}
		if err := check(n, "Counts"); err != nil || n <= 0 {
			return a, invalid("The value %v for parameter %s.Counts is invalid.", n, name)
		}
		a.add(v, n)
	}
	return a, nil
}
