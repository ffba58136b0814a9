#!/bin/sh
# Known vulnerabilities in what the build calls. GOVULNDB names another database than
# https://vuln.go.dev: the URL of a mirror, file:///directory, or a directory (the files
# of https://vuln.go.dev/vulndb.zip, unpacked). Where the database cannot be reached this
# says so and goes on, unless STRICT=1; a finding always fails.
set -u
modfile=$1
set -- ./...
case ${GOVULNDB:-} in
'') ;;
/*) set -- -db "file://$GOVULNDB" "$@" ;;
*) set -- -db "$GOVULNDB" "$@" ;;
esac
out=$(go tool -modfile="$modfile" govulncheck "$@" 2>&1)
status=$?
printf '%s\n' "$out"
if [ $status -ne 0 ] && printf '%s' "$out" | grep 'fetching vulnerabilities' >/dev/null; then
	echo "govulncheck: the database ${GOVULNDB:-https://vuln.go.dev} cannot be reached; GOVULNDB names another (CONTRIBUTING.md)" >&2
	[ "${STRICT:-0}" = 1 ] && exit 1
	exit 0
fi
exit $status
