#!/usr/bin/env bash
# The real components that the tests talk to. Installs what is missing from Debian when
# run as root; otherwise names it and fails. Says nothing when all is there.
set -euo pipefail

missing=()

# need PACKAGE COMMAND...: the package is missing if the command fails.
need() {
	local package=$1
	shift
	"$@" >/dev/null 2>&1 || missing+=("$package")
}

# curl that signs requests by itself (--aws-sigv4): 7.75 or newer.
curl_signs() { curl --help all 2>/dev/null | grep -- --aws-sigv4 >/dev/null; }
boto3_there() { python3 -c 'import boto3' || /usr/bin/python3 -c 'import boto3'; }

# The servers of the database tests need only be there: they are not to run as services.
there() { local path; for path in "$@"; do command -v "$path" || compgen -G "$path" || continue; return 0; done; return 1; }

need openssl command -v openssl
need curl curl_signs
need jq command -v jq
need xxd command -v xxd
need uuid-runtime command -v uuidgen
need nodejs command -v node
need npm command -v npm
need awscli command -v aws
need python3-boto3 boto3_there
need postgresql there '/usr/lib/postgresql/*/bin/postgres' postgres
need mariadb-server there mariadbd /usr/sbin/mariadbd
need sqlite3 command -v sqlite3
need redis-server there redis-server /usr/bin/redis-server
need nginx there nginx /usr/sbin/nginx
need nghttp2-client command -v h2load
need chromium there chromium /usr/bin/chromium
need sqlmap there sqlmap /usr/bin/sqlmap
need caddy there caddy /usr/bin/caddy
# WordPress wants a PHP with a web server; with php-cgi that is not Apache.
need php-cgi there php-cgi /usr/bin/php-cgi
need php-cli there php /usr/bin/php
need php there '/usr/share/doc/php/copyright'
need php-mysql there '/usr/lib/php/*/mysqli.so'
need wordpress there /usr/share/wordpress/wp-load.php
need wordpress-theme-twentytwentyone there /usr/share/wordpress/wp-content/themes/twentytwentyone/style.css

[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
	echo "missing: ${missing[*]}" >&2
	echo "install them:  sudo apt-get install --no-install-recommends ${missing[*]}" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# Debian starts a server when it installs one. These would take ports and memory for
# nothing, so a policy that was not there before forbids it meanwhile.
if [ ! -e /usr/sbin/policy-rc.d ]; then
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
	chmod 755 /usr/sbin/policy-rc.d
	trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}"

# A package that does not bring the program would fail the tests in a less clear way.
curl_signs || { echo "this Debian's curl is older than 7.75" >&2; exit 1; }
