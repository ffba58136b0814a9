#!/usr/bin/env bash
# The conformance suites that need vectors: FASTNESS_VECTORS names their directory, see
# docs/conformance.md. make conformance sets it.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${FASTNESS_VECTORS:?names the directory of the test vectors}"
export FASTNESS_VECTORS
for part in protocols sigv4 encryptionsdk; do
	[ -d "$FASTNESS_VECTORS/$part" ] || { echo "$FASTNESS_VECTORS has no $part" >&2; exit 1; }
done
# Arguments are go test's: -race, -v.
./test/conformance/protocols/run.sh "$@"
go test -count=1 -timeout 20m -tags conformance "$@" ./test/conformance/sigv4 ./test/conformance/encryptionsdk
