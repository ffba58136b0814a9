#!/bin/sh
# Compares the encryptionsdk library with AWS's Encryption SDK for Go, raw AES-256-GCM and
# SHA-384 on this machine: see BENCHMARKS.md. Nothing is written into the repository.
# Arguments go to the program: -rounds, -window, -sizes, -only.
set -eu
cd "$(dirname "$0")/../encryptionsdk"
exec go run ./bench "$@"
