#!/usr/bin/env bash
# The loops at their full counts: hours.
#
#	test/soak.sh [crash] [rotation] [stream] [interop] [policy] [pattern] [waf] [conformance] [race] [fuzz]
#
# runs the named parts, or all. Each has a bound in time, stops at its first failure and
# prints what repeats it; the script goes on with the next. A summary ends it, and the
# exit status tells.
#
#	FASTNESS_SOAK   kills of the crash test (200)
#	FASTNESS_ROTATION_KILLS  kills in rotations of secrets (50)
#	DIFFERENTIAL    cases of the policy differential test (1000000)
#	PATTERN_CASES   random cases of each of the two tests of patterns (10000000)
#	FASTNESS_WAF_CASES  evaluations of random web ACLs (1000000); FASTNESS_WAF_SEED, the
#	                first seed, does them in pieces
#	FUZZ_TIME       for each fuzz target: 20s, 10m, 1h (10m)
#	FUZZ_WORKERS    processes of each fuzz target (as many as processors)
#	FUZZ_TARGETS    a regular expression: only packages and targets that match it
#	FASTNESS_VECTORS  directory of vectors; without it, conformance is left out
set -uo pipefail
cd "$(dirname "$0")/.."
: "${PATTERN_CASES:=10000000}" "${FASTNESS_WAF_CASES:=1000000}"
: "${FASTNESS_SOAK:=200}" "${FASTNESS_ROTATION_KILLS:=50}" "${DIFFERENTIAL:=1000000}" "${FUZZ_TIME:=10m}" "${FUZZ_WORKERS:=$(nproc)}" "${FUZZ_TARGETS:=.}"
output=$(mktemp)
trap 'rm -f "$output"' EXIT
summary=()
failures=0

# seconds of a duration with one unit: 20s, 10m, 1h.
seconds() {
	case $1 in
	*[!0-9]*[!0-9] | [!0-9]*) return 1 ;;
	*s) echo "${1%s}" ;;
	*m) echo $((${1%m} * 60)) ;;
	*h) echo $((${1%h} * 3600)) ;;
	*) return 1 ;;
	esac
}
fuzz_seconds=$(seconds "$FUZZ_TIME") || { echo "FUZZ_TIME is a number with s, m or h, not $FUZZ_TIME" >&2; exit 2; }

# part BOUND NAME DETAIL COMMAND… runs a command for at most BOUND seconds. DETAIL is a
# regular expression; what it matches last in the output goes into the summary.
part() {
	local bound=$1 name=$2 detail=$3 result=passed start=$SECONDS status
	shift 3
	echo "== $name"
	# Interrupted first, so that go test says what it was at.
	timeout --signal=INT --kill-after=30 "$bound" "$@" 2>&1 | tee "$output"
	status=${PIPESTATUS[0]}
	case $status in
	0) ;;
	124 | 137) result="FAILED (not done after $bound s)" ;;
	*) result=FAILED ;;
	esac
	[ "$status" -eq 0 ] || failures=$((failures + 1))
	summary+=("$(printf '%-8s %5d s  %s  %s' "$result" $((SECONDS - start)) "$name" "$(grep -oE "$detail" "$output" | tail -1)")")
}

crash() {
	part $((900 + FASTNESS_SOAK * 30)) "crash, $FASTNESS_SOAK kills" '[0-9]+ answered calls.*' \
		env FASTNESS_SOAK="$FASTNESS_SOAK" go test -count=1 -v -timeout 0 ./test/crash
}

rotation() {
	part $((600 + FASTNESS_ROTATION_KILLS * 20)) "rotation, $FASTNESS_ROTATION_KILLS kills" '[0-9]+ kills, agreement.*' \
		env FASTNESS_ROTATION_KILLS="$FASTNESS_ROTATION_KILLS" go test -count=1 -v -timeout 0 -run '^TestRotationSurvivesKills$' ./test/e2e
}

stream() {
	part 3600 "4 GiB through fastness encrypt | fastness decrypt" '0x0578: .*' \
		env FASTNESS_STREAM_MIB=4096 go test -count=1 -v -timeout 1h -run '^TestStreamingInConstantMemory$' ./test/e2e
}

interop() {
	part 21600 "every suite, frame length, size and keyring against AWS's Encryption SDK for Go" '^ok .*' \
		env FASTNESS_INTEROP_WHOLE=1 go -C test/encryptionsdk test -count=1 -timeout 0 -run '^TestOfficialLibraryBothWays$' .
}

policy() {
	part $((600 + DIFFERENTIAL / 1000)) "policy differential, $DIFFERENTIAL cases" '[0-9]+ requests.*' \
		env POLICY_CASES="$DIFFERENTIAL" go test -count=1 -v -timeout 0 -run '^TestEvaluatorAgreesWithReference$' ./internal/policy
}

pattern() {
	part $((3600 + PATTERN_CASES / 1000)) "pattern sets against Go's matcher and backtracking, $PATTERN_CASES cases" '[0-9]+ cases, [0-9]+ matches' \
		env PATTERN_CASES="$PATTERN_CASES" go test -count=1 -v -timeout 0 \
		-run '^(TestMatchAgreesWithGo|TestLookAroundAgreesWithBacktracking|TestCoreRuleSetAgreesWithGo)$' ./internal/engine/waf/pattern
}

waf() {
	part $((600 + FASTNESS_WAF_CASES / 100)) "web ACLs against the plain evaluator, $FASTNESS_WAF_CASES evaluations" '[0-9]+ ACLs.*' \
		env FASTNESS_WAF_CASES="$FASTNESS_WAF_CASES" go test -count=1 -v -timeout 0 -run '^TestProgramsDecideAsTheSpecificationSays$' ./internal/engine/waf
}

conformance() {
	if [ -z "${FASTNESS_VECTORS:-}" ]; then
		summary+=("left out          conformance: FASTNESS_VECTORS is not set")
		return
	fi
	part 3600 "conformance with the race detector" '^ok .*' env GOFLAGS="${GOFLAGS:-} -race" ./test/conformance/run.sh
}

race() {
	part 3600 "codecs, door and signatures with the race detector" '^ok .*' \
		go test -count=1 -race -timeout 1h ./internal/wire/... ./internal/front/... ./internal/sigv4/...
}

# fuzzed runs one target. Go's fuzzing now and then fails because its time is over
# (https://go.dev/issue/75804): that is no finding, and there is no input with it.
fuzzed() {
	local log status
	log=$(mktemp)
	go test -run '^$' -fuzz "^$2\$" -fuzztime "$FUZZ_TIME" -parallel "$FUZZ_WORKERS" "$1" 2>&1 | tee "$log"
	status=${PIPESTATUS[0]}
	if [ "$status" -ne 0 ] && grep -qx ' *context deadline exceeded' "$log" && ! grep -q 'Failing input written' "$log"; then
		status=0
	fi
	rm -f "$log"
	return "$status"
}
export -f fuzzed
export FUZZ_TIME FUZZ_WORKERS

fuzz() {
	local directory target
	for directory in $(git grep -l '^func Fuzz' -- '*_test.go' ':!test/clients' | xargs -n 1 dirname | sort -u); do
		for target in $(cat "$directory"/*_test.go | sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p'); do
			[[ "$directory $target" =~ $FUZZ_TARGETS ]] || continue
			# What a target finds is first made smaller, for up to a minute.
			part $((fuzz_seconds + 300)) "$directory $target, $FUZZ_TIME" 'execs: [0-9]+' bash -c 'fuzzed "$@"' fuzz "./$directory" "$target"
		done
	done
}

parts=("$@")
[ $# -gt 0 ] || parts=(crash rotation stream interop policy pattern waf conformance race fuzz)
for p in "${parts[@]}"; do
	case $p in
	crash | rotation | stream | interop | policy | pattern | waf | conformance | race | fuzz) "$p" ;;
	*) echo "no part $p" >&2; exit 2 ;;
	esac
done

echo "== summary"
printf '%s\n' "${summary[@]}"
if [ "$failures" -gt 0 ]; then
	echo "$failures of ${#summary[@]} failed" >&2
	exit 1
fi
echo "all good"
