#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# memcached -S asks patd in the protocol of saslauthd.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/servers.sh
. "$JP_SOURCE/tests/lib/servers.sh"
# shellcheck source=tests/e2e/mux_lib.sh
. "$JP_SOURCE/tests/e2e/mux_lib.sh"

mux_needs memcached /usr/lib/*/sasl2/libplain.so
mux_make "mux_realm = strip"
server_sasl memcached/memcached-saslauthd.conf memcached \
	-e "s|/run/jira-pat/mux|$MUX|"
server_memcached ||
	bail "memcached does not start: $(cat "$SCRATCH/log/memcached.log")"

try_login() {
	timeout 60 python3 "$JP_SOURCE/tests/lib/memcached_login.py" \
		"$MEMCACHED_PORT" "$1" <"$2"
}

# 0x20: "authentication error", whatever the cause.
mux_proofs memcached try_login 0x20 0x20
mux_end memcached
