#!/bin/sh
# Measures Parameter Store and Secrets Manager on this machine: see BENCHMARKS.md. Nothing
# is written into the repository. MOTO_SERVER names moto_server (taken from PATH when it
# runs; empty leaves it out). Arguments go to secretsload: -parts (reads, pages, memory),
# -ops, -rounds, -window, -conns, -limit; with arguments, rotations are left out.
set -eu
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$dir/fastness" ./cmd/fastness
go build -o "$dir/secretsload" ./test/bench/secretsload
moto=${MOTO_SERVER-$(command -v moto_server || true)}
if [ -n "$moto" ] && ! timeout 30 "$moto" --help >/dev/null 2>&1; then
	echo "moto_server does not run here: left out" >&2
	moto=
fi
"$dir/secretsload" -fastness "$dir/fastness" -moto "$moto" "$@"
# In a real PostgreSQL over TLS, as a client sees it: one after the other, and 100 at once.
if [ $# -eq 0 ]; then
	go test -run '^$' -bench 'Rotation' -benchtime 50x ./test/e2e
fi
