// Package follow gets a proxy's configuration from a control plane on another host, and tells
// it what the proxy sees.
//
// # The protocol
//
// All requests are signed with AWS Signature Version 4 for the service "wafv2", with the
// credentials of a principal that is allowed to fetch configurations, and go over TLS unless
// the control plane is on loopback: a configuration holds private keys.
//
//	GET /_fastness/proxy/v1/configuration?after=REVISION&wait=SECONDS
//
// answers 200 with the current configuration, JSON of proxy.Config, as soon as its revision
// is not REVISION (a decimal number, 0 for none), and its revision in the field
// Fastness-Revision. If that does not happen within SECONDS (at most 60) it answers 304 without
// a body. Revisions are never 0 and never used again; they need not be consecutive. A new
// configuration is answered at once, so that it is enforced within a second.
//
//	POST /_fastness/proxy/v1/report
//
// takes JSON of Report and answers 204. Reports are for the control plane's eyes only
// (DescribeTargetHealth, samples, logs, metrics); whether they arrive changes nothing here.
//
//	POST /_fastness/proxy/v1/activity
//
// takes JSON of what the proxy's recorder made of requests (package waflog: Batch), and answers 204
// once it is stored.
//
//	POST /_fastness/proxy/v1/counts
//
// takes JSON of Counts, what the rate-based rules of the proxy have counted since the last time, and answers 200
// with JSON of Answer, what those of others have. Keys of custom aggregations are hashed under a secret of the
// installation, which comes with the configuration.
//
// Any other status is an error; its body is not looked at but for the log's sake, bounded.
//
// # The last configuration
//
// What was fetched last is kept in a file of mode 0600, sealed by AES-256-GCM under a key
// derived from the secret access key (HKDF-SHA-256): the file alone is of no use. A proxy that
// starts while the control plane is away goes on with it.
package follow
