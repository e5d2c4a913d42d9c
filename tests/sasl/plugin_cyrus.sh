#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Cyrus IMAP asks patd through libjirapat, for AUTHENTICATE PLAIN.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/servers.sh
. "$JP_SOURCE/tests/lib/servers.sh"
# shellcheck source=tests/e2e/mux_lib.sh
. "$JP_SOURCE/tests/e2e/mux_lib.sh"
# shellcheck source=tests/sasl/plugin_lib.sh
. "$JP_SOURCE/tests/sasl/plugin_lib.sh"

plugin_needs /usr/lib/cyrus/bin/master
plugin_make
plugin_password localhost || bail "no stock password"

# cyrus_with [SED-ARGUMENT...]: starts it with the example, and the stock
# passwords beside it.
cyrus_with() {
	server_cyrus cyrus/imapd-plugin.conf \
		-e "s|/run/jira-pat/verify.sock|$SCRATCH/run/verify.sock|" \
		-e '/^allowplaintext/s/no/yes/' \
		-e "\$a sasl_pwcheck_method: auxprop" \
		-e "\$a sasl_auxprop_plugin: sasldb" \
		-e "\$a sasl_sasldb_path: $SERVERS/sasldb2" "$@" ||
		bail "Cyrus IMAP does not start: $(
			tail -n 20 "$SCRATCH/log/cyrus.log")"
}

try_imap() {
	timeout 60 python3 "$JP_SOURCE/tests/lib/imap_login.py" "$IMAP_PORT" \
		"$1" "$2" <"$3"
}

try_plain() {
	try_imap PLAIN "$@"
}

try_bearer() {
	try_imap OAUTHBEARER "$@"
}

try_command() {
	try_imap LOGIN "$@"
}

cyrus_with
out="authentication failure"
down="remote authentication server unavailable"
mux_proofs "Cyrus IMAP, PLAIN" try_plain "$out" "$down"
mux_proofs "Cyrus IMAP, OAUTHBEARER" try_bearer "$out" "$down"
plugin_reach "Cyrus IMAP" try_plain "$out" imap 127.0.0.0/8

new alice
mux_try try_command alice "$token"
is "the command LOGIN does not reach the plugin" "$outcome" "$out"
mux_try try_plain alice "$PASSWORD"
is "without fallback the stock password does not get in" "$outcome" "$out"

stop cyrus
cyrus_with -e "\$a sasl_jirapat_fallback: yes"
mux_try try_plain alice "$PASSWORD"
is "with fallback it does" "$outcome" in
mux_try try_plain alice "$token"
is "beside the token" "$outcome" in
mux_try try_plain alice hunter2
is "a wrong password does not" "$outcome" "$out"

stop cyrus
cyrus_with -e '/jirapat/d'
mux_try try_plain alice "$PASSWORD"
is "not enabled: the stock password gets in" "$outcome" in
mux_try try_plain alice "$token"
is "not enabled: no token does" "$outcome" "$out"
mux_end cyrus
