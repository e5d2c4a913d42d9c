#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# lighttpd's mod_authn_sasl asks patd in the protocol of saslauthd.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/servers.sh
. "$JP_SOURCE/tests/lib/servers.sh"
# shellcheck source=tests/e2e/mux_lib.sh
. "$JP_SOURCE/tests/e2e/mux_lib.sh"

mux_needs lighttpd curl /usr/lib/lighttpd/mod_authn_sasl.so
mux_make "mux_realm = strip"
server_preload || bail "no sasl_confdir.so"
server_lighttpd lighttpd/jira-pat-saslauthd.conf "$MUX" ||
	bail "lighttpd does not start: $(tail "$SCRATCH/log/lighttpd.log")"

try_http() {
	http_status=$(
		printf 'user = "%s:%s"\n' "$1" "$(cat "$2")" |
			curl -s -m 60 -K - -o "$SCRATCH/body" \
				-w '%{http_code}' "$LIGHTTPD_URL/"
	)
	if [ "$http_status $(cat "$SCRATCH/body")" = "200 page" ]; then
		echo in
	else
		echo "$http_status"
	fi
}

mux_proofs lighttpd try_http 401 401
is "no credentials: 401" \
	"$(curl -s -o /dev/null -w '%{http_code}' "$LIGHTTPD_URL/")" 401
mux_end lighttpd
