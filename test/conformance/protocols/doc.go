// Package protocols runs botocore's protocol tests, which are generated from Smithy's,
// against our codecs in the role of a server: a request that a client serializes must
// decode to the case's parameters, and the case's result must encode to what a client
// parses back to it.
//
// The tests need the vectors (FASTNESS_VECTORS, default ../shared/vectors beside the
// project) and the packages that apigen generates from them:
//
//	test/conformance/protocols/run.sh
//
// which make conformance runs too. The generated packages are not committed, so the
// tests have a build tag of their own, generated, besides conformance.
//
// Cases that do not apply to a server are listed with their reasons in
// notapplicable.txt. A listed case that starts to pass fails the test, as does an
// unlisted one that does not pass.
package protocols
