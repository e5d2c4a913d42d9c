#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# memcached -S asks patd through libjirapat.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/servers.sh
. "$JP_SOURCE/tests/lib/servers.sh"
# shellcheck source=tests/e2e/mux_lib.sh
. "$JP_SOURCE/tests/e2e/mux_lib.sh"
# shellcheck source=tests/sasl/plugin_lib.sh
. "$JP_SOURCE/tests/sasl/plugin_lib.sh"

plugin_needs memcached
plugin_make
plugin_password "$(hostname)" || bail "no stock password"
plugin_sasl memcached/memcached-plugin.conf memcached
server_memcached ||
	bail "memcached does not start: $(cat "$SCRATCH/log/memcached.log")"

try_login() {
	timeout 60 python3 "$JP_SOURCE/tests/lib/memcached_login.py" \
		"$MEMCACHED_PORT" "$1" <"$2"
}

# 0x20: "authentication error", whatever the cause.
mux_proofs memcached try_login 0x20 0x20
plugin_reach memcached try_login 0x20 memcached ''
plugin_stock memcached try_login 0x20 server_memcached memcached \
	memcached/memcached-plugin.conf memcached
mux_end memcached
