// Package clients runs the clients that people use against the real server: the AWS
// SDKs for Go, Python and JavaScript, AWS's Encryption SDK for JavaScript, the AWS CLI,
// sops, sigstore and openssl, and Wycheproof's vectors through the API. Nothing is
// replaced on either side.
//
// It is a module of its own so that the product does not carry client libraries.
//
//	cd test/clients && go test ./...
//
// TestMain builds the server from the repository (or takes the program that
// FASTNESS_BINARY names), starts it with an empty data directory on a free loopback
// port, and at the end stops it with SIGTERM: a server that does not drain fails the
// run. A client that is missing on the machine fails its test and names the Debian
// package; test/deps.sh installs them all.
//
// # Errors of KMS
//
// testdata/kms-errors.txt has a line for each error that AWS's model lists for each
// KMS operation: the test that provokes it, or why no client can. All answers of the
// SDK are recorded; TestMain fails if a pair that the file calls provoked was not
// seen in a complete run, and TestErrorTable if the file and the model differ.
package clients
