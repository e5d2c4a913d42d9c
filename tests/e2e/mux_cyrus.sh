#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Cyrus IMAP asks patd in the protocol of saslauthd, for its own LOGIN and for
# AUTHENTICATE PLAIN.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/servers.sh
. "$JP_SOURCE/tests/lib/servers.sh"
# shellcheck source=tests/e2e/mux_lib.sh
. "$JP_SOURCE/tests/e2e/mux_lib.sh"

mux_needs /usr/lib/cyrus/bin/master /usr/lib/*/sasl2/libplain.so
mux_make "mux_realm = keep"
server_cyrus cyrus/imapd-saslauthd.conf -e "s|/run/jira-pat/mux|$MUX|" \
	-e '/^allowplaintext/s/no/yes/' ||
	bail "Cyrus IMAP does not start: $(tail -n 20 "$SCRATCH/log/cyrus.log")"

try_imap() {
	timeout 60 python3 "$JP_SOURCE/tests/lib/imap_login.py" "$IMAP_PORT" \
		"$1" "$2" <"$3"
}

try_login() {
	try_imap LOGIN "$@"
}

try_plain() {
	try_imap PLAIN "$@"
}

mux_proofs "Cyrus IMAP, LOGIN" try_login "authentication failure" \
	"generic failure"
mux_proofs "Cyrus IMAP, PLAIN" try_plain "authentication failure" \
	"generic failure"
mux_end cyrus
