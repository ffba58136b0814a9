// Package badinput attacks a running server: the whole of Fastness in process, on a
// port of its own, spoken to in raw bytes. It has no code but tests.
//
// Every case says which status, error code and message the answer must have; the
// harness adds what holds for all of them: a request id, a date, the content type of
// the protocol, the state of the connection, an audit record exactly where AWS writes
// one, no secret in any record or log line, no internal error logged, and nothing
// changed by a request that was refused. Time limits are shown with a synthetic clock
// in package front.
//
//	harness_test.go     the server, raw requests and their signatures
//	wire_test.go        lines on a connection
//	expect_test.go      what every answer is checked for
//	json_test.go        documents of AWS JSON
//	query_test.go       forms of AWS Query
//	routing_test.go     requests that mean two things, or none
//	framing_test.go     HTTP framing: never two requests from one
//	http2_test.go       the same of HTTP/2
//	signatures_test.go  missing, altered, replayed and foreign signatures
//	tokens_test.go      session tokens and others that callers carry
//	slow_test.go        slow clients, many clients, TLS garbage
//	policies_test.go    policy documents
//	blobs_test.go       ciphertexts, grant tokens, imports, key ids
//	records_test.go     what hostile requests leave in the audit log
package badinput
