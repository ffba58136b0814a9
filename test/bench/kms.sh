#!/bin/sh
# Compares KMS servers on this machine: see BENCHMARKS.md. Nothing is written into the
# repository. The peers are optional; an empty variable leaves one out:
#   OPENBAO      OpenBao's binary (bao, taken from PATH)
#   LOCAL_KMS    binary of nsmithuk/local-kms
#   MOTO_SERVER  moto_server (taken from PATH when it runs)
# Further arguments go to kmsload: -rounds, -window, -conns, -ops, -limit. A peer that
# does not start, answers with an error or does not answer is left out, and said.
set -eu
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$dir/fastness" ./cmd/fastness
go build -o "$dir/kmsload" ./test/bench/kmsload
bao=${OPENBAO-$(command -v bao || true)}
moto=${MOTO_SERVER-$(command -v moto_server || true)}
if [ -n "$moto" ] && ! timeout 30 "$moto" --help >/dev/null 2>&1; then
	echo "moto_server does not run here: left out" >&2
	moto=
fi
"$dir/kmsload" -fastness "$dir/fastness" -openbao "$bao" -local-kms "${LOCAL_KMS:-}" -moto "$moto" "$@"
