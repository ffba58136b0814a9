// Package xksproxy has one Fastness use another as its external key store, both in
// this process, on clocks that the tests move. test/e2e does the same with two programs,
// and docs/xks.md tells how to run AWS's public proxy test client
// (github.com/aws-samples/aws-kms-xksproxy-test-client) against the program; the keys
// here are those which that client expects.
package xksproxy
