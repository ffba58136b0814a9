// Package crash kills the running server and looks for what it lost.
//
// Sixty-four writers create keys, aliases and grants, rotate, change policies and
// encrypt, through the API of the real binary. At a random moment the server gets
// SIGKILL. It is started again over the same data, and everything that a client had an
// answer for must be there: each key, alias, grant, revocation, rotation and policy;
// each blob must decrypt; and each answered call must be in CloudTrail's event history.
// A call without an answer may have happened or not, but not by half.
//
// The same for logs: writers put events into CloudWatch Logs, data into CloudWatch, and records of requests, as
// proxies do, that become objects in a bucket. After each start every acknowledged event is there once, and the
// sums of metrics are right to the last value; in the end every acknowledged record is in one object, and an object
// that was put twice was the same both times.
//
// go test kills five times in each test; FASTNESS_SOAK=200 (make soak) sets another number. The
// writers choose by a seed that a failure prints and FASTNESS_SEED repeats, but the
// moments of the kills depend on the machine.
package crash
