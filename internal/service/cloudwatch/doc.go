// Package cloudwatch is Amazon CloudWatch's metrics: numbers with a time, by name and dimensions, and
// statistics of them.
//
// # What AWS promises here
//
// PutMetricData takes up to 1,000 data of a namespace: a value, up to 150 values with counts, or a set of
// statistics, not more than two weeks old and not more than two hours ahead. GetMetricStatistics and
// GetMetricData give statistics over periods; percentiles where values were given, not sets of statistics.
// ListMetrics lists what had data within two weeks. Data are kept by the minute for 15 days, by five minutes
// for 63 days, and by the hour for 455 days. Namespaces that begin with AWS/ are for services.
//
// Here no data have a resolution below a minute, and GetMetricData has no metric math: an expression is
// refused as one that is not valid. Alarms, dashboards and streams are not offered.
//
// # How it is kept
//
// A call is written to a journal, as rows of at most 40 series. Behind it (Run, and before any reading) the journal
// is worked into the metrics, a row for each metric, and into hours (before reading, 500 rows at most: after a crash under load a first
// answer may have less than all that was acknowledged, never anything twice):
//
//	account / Region / cloudwatch / journal / time / number
//	account / Region / cloudwatch / hour / hour / series
//
// An hour of a series holds an aggregate for each minute and unit: count, sum, minimum, maximum, and how
// often values of each size came (within 2.5 %), of which percentiles are taken. Hours become coarser, and are deleted,
// by their age: they lie in the order of time.
//
// # Where to look
//
//	state.go      metrics, aggregates, keys
//	aggregate.go  adding up, percentiles
//	put.go        PutMetricData
//	journal.go    working the journal in
//	aging.go      making hours coarser
//	statistics.go statistics of a range
//	get.go        GetMetricStatistics, GetMetricData
//	list.go       ListMetrics
//	resolve.go    authorization
package cloudwatch
