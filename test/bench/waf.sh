#!/bin/sh
# Compares firewalls on this machine: see BENCHMARKS.md. Nothing is written into the
# repository. nginx, and its module of ModSecurity, are Debian's (nginx-light,
# libnginx-mod-http-modsecurity); without them they are left out.
# Arguments go to the program: -rounds, -window, -parts, -conns, -limit.
set -eu
cd "$(dirname "$0")/../crs"
module=
for m in /usr/lib/nginx/modules/ngx_http_modsecurity_module.so /usr/share/nginx/modules/ngx_http_modsecurity_module.so; do
	if [ -e "$m" ]; then module=$m; fi
done
[ -n "$module" ] || echo "no module of ModSecurity for nginx: left out" >&2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# Coraza's filter before its expressions is behind a build tag.
go build -tags coraza.rule.rx_prefilter -o "$dir/bench" ./bench
"$dir/bench" -modsecurity "$module" "$@"
