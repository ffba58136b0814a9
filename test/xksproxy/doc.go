// Command xksproxy starts Fastness as an external key store proxy with the prefix,
// the credential and the four keys that AWS's public proxy test client expects
// (github.com/aws-samples/aws-kms-xksproxy-test-client), over plain HTTP, HTTPS and
// mutual TLS. It is for tests only: everything is in memory and the credential is
// public. docs/conformance.md has the commands.
//
// Its own tests have one Fastness use another as its external key store.
package main
