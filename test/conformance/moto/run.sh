#!/usr/bin/env bash
# Runs moto's own tests of our services, unmodified, against Fastness, as moto's server
# mode does.
#
#	test/conformance/moto/run.sh DIR [SERVICE] [pytest arguments]
#
# SERVICE is the name of one of the lists in excused/ (kms, secretsmanager, ssm); without it
# all are run.
#
# DIR is a checkout of https://github.com/getmoto/moto; its tests/ is enough if a moto
# of about the same age is installed. Needs python3 with boto3, pytest and freezegun
# (Debian: python3-boto3 python3-pytest python3-freezegun) and what moto itself needs.
#
# The tests count that send at least one request to the server (moto's others test its
# Python code). The run passes if those that fail are exactly those of excused/SERVICE.txt,
# which gives the reasons; with pytest arguments, as far as they select them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
[ $# -ge 1 ] && [ -d "$1/tests" ] || { echo "usage: $0 DIR-OF-A-MOTO-CHECKOUT [SERVICE] [pytest arguments]" >&2; exit 2; }
checkout=$(cd "$1" && pwd)
shift
services=$(cd "$here/excused" && ls ./*.txt | sed 's|^\./||; s|\.txt$||')
if [ $# -gt 0 ] && [ -f "$here/excused/$1.txt" ]; then
	services=$1
	shift
fi
tests=
for service in $services; do tests="$tests tests/test_$service"; done
whole=
[ $# -gt 0 ] || whole=1

work=$(mktemp -d)
server=
cleanup() {
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
	fi
	rm -rf "$work"
}
trap cleanup EXIT

binary=${FASTNESS_BINARY:-$work/fastness}
[ -n "${FASTNESS_BINARY:-}" ] || (cd "$root" && go build -o "$binary" ./cmd/fastness)
# What AWS publishes under /aws/service an operator loads from a file: here it is what moto has
# of it.
public=
if [ -d "$checkout/moto/ssm/resources" ]; then
	python3 "$here/public_parameters.py" "$checkout/moto/ssm/resources" >"$work/public.json"
	public="--ssm-parameters $work/public.json"
fi
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$binary" serve --data "$work/data" --listen "127.0.0.1:$port" --dev --dev-account 123456789012 $public >"$work/server.log" 2>&1 &
server=$!
curl -sS --fail --retry 50 --retry-connrefused --retry-delay 1 --retry-max-time 60 -o /dev/null "http://127.0.0.1:$port/health"

for service in $services; do cat "$here/excused/$service.txt"; done >"$work/excused.txt"

# A checkout without the package (a partial copy) uses the installed moto.
python_path=$here
if [ -f "$checkout/moto/__init__.py" ]; then python_path=$here:$checkout; fi
cd "$checkout"
env -u AWS_PROFILE -u AWS_ENDPOINT_URL TEST_SERVER_MODE=true TEST_SERVER_MODE_ENDPOINT="http://127.0.0.1:$port" \
	AWS_ACCESS_KEY_ID=testing AWS_SECRET_ACCESS_KEY=testing AWS_DEFAULT_REGION=us-east-1 NO_PROXY='*' \
	PYTHONPATH="$python_path" PYTHONDONTWRITEBYTECODE=1 MOTO_EXCUSED="$work/excused.txt" MOTO_WHOLE="$whole" \
	python3 "$here/pytest_with_debian.py" -p count_requests -p no:cacheprovider -q $tests "$@"
