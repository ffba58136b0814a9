#!/bin/sh
# Generates the models of the protocol tests as Go and runs all cases.
# FASTNESS_VECTORS is the directory of the vectors (default ../shared/vectors).
set -eu
cd "$(dirname "$0")/../../.."
: "${FASTNESS_VECTORS:=$(cd .. && pwd)/shared/vectors}"
export FASTNESS_VECTORS
GO=${GO:-go}
out=test/conformance/protocols/generated
$GO run ./internal/apigen/cmd/apigen -protocol-tests "$FASTNESS_VECTORS/protocols" \
	-out $out -import-prefix fastness/$out
$GO test -count=1 -v -tags conformance,generated -run '^TestProtocols$' ./test/conformance/protocols
