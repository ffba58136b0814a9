#!/usr/bin/env bash
# The loops at their full counts: hours. Each part stops at its first failure, prints
# what repeats it, and the script goes on with the next; the exit status tells.
#
#	FASTNESS_SOAK   kills of the crash test (200)
#	FUZZ_TIME       for each fuzz target (10m)
#	DIFFERENTIAL    cases of the policy differential test (1000000)
set -uo pipefail
cd "$(dirname "$0")/.."
: "${FASTNESS_SOAK:=200}" "${FUZZ_TIME:=10m}" "${DIFFERENTIAL:=1000000}"
failed=()

part() {
	local name=$1
	shift
	echo "== $name"
	"$@" || failed+=("$name")
}

part "crash, $FASTNESS_SOAK kills" env FASTNESS_SOAK="$FASTNESS_SOAK" go test -count=1 -v -timeout 6h ./test/crash

part "4 GiB through encrypt and decrypt" env FASTNESS_STREAM_MIB=4096 \
	go test -count=1 -v -timeout 1h -run '^TestStreamingInConstantMemory$' ./test/e2e

part "policy differential, $DIFFERENTIAL cases" env POLICY_CASES="$DIFFERENTIAL" \
	go test -count=1 -timeout 6h -run '^TestEvaluatorAgreesWithReference$' ./internal/policy

if [ -n "${FASTNESS_VECTORS:-}" ]; then
	part "conformance with the race detector" env GOFLAGS="${GOFLAGS:-} -race" ./test/conformance/run.sh
fi
part "codecs with the race detector" go test -count=1 -race -timeout 1h ./internal/wire/... ./internal/front/... ./internal/sigv4/...

fuzz() {
	local package target targets
	for package in $(go list ./...); do
		# Packages without fuzz targets print only their result line.
		targets=$(go test -list '^Fuzz' "$package" 2>/dev/null | grep '^Fuzz') || continue
		for target in $targets; do
			part "$package $target, $FUZZ_TIME" go test -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZ_TIME" "$package"
		done
	done
}
fuzz

if [ ${#failed[@]} -gt 0 ]; then
	printf 'FAILED: %s\n' "${failed[@]}" >&2
	exit 1
fi
echo "all good"
