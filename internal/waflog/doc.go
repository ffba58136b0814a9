// Package waflog is what a proxy tells of the requests that web ACLs inspected: log records in AWS
// WAF's format, and counts for metrics.
//
// A Recorder is told of every request once it was answered. On the request's path it decides by
// the web ACL's filter whether the request is logged at all, counts it, and puts aside what the record
// needs; a goroutine of its own makes the records (for rules that look for injections it asks the
// engine once more what they found) and hands them over in batches, with the counts of the time since the batch
// before. When that cannot keep up, records are dropped and counted; counts are never lost.
//
// A batch is plain data that marshals to JSON: a proxy on another host sends it to the control
// plane, one in the same process hands it over. Whatever a web ACL or its logging hides (redacted
// fields, data protection) is hidden before a record is made: it leaves the proxy in no form.
//
//	recorder.go   Recorder, Batch
//	record.go     the record: AWS WAF Developer Guide, "Log fields"
//	details.go    what rules found
//	filter.go     which requests are logged
//	hide.go       redaction and data protection
//	counts.go     metrics: AWS WAF Developer Guide, "AWS WAF metrics and dimensions"
package waflog
