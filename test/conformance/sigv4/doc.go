// Package sigv4 runs the signing test suite of awslabs/aws-c-auth
// (tests/aws-signing-test-suite/v4) against internal/sigv4, as a server would meet
// it: every signed request, header and query, must verify, with the suite's own
// canonical request and string to sign; every request changed in any signed byte
// must be refused.
//
// It needs the build tag "conformance" and the environment variable
// FASTNESS_VECTORS, the folder that holds sigv4/v4; make conformance sets both.
package sigv4
