#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Postfix's smtpd asks patd through libjirapat from inside its chroot; the real
# swaks is its client.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/servers.sh
. "$JP_SOURCE/tests/lib/servers.sh"
# shellcheck source=tests/e2e/mux_lib.sh
. "$JP_SOURCE/tests/e2e/mux_lib.sh"
# shellcheck source=tests/lib/clients.sh
. "$JP_SOURCE/tests/lib/clients.sh"
# shellcheck source=tests/sasl/plugin_lib.sh
. "$JP_SOURCE/tests/sasl/plugin_lib.sh"

[ "$(id -u)" = 0 ] || skip_all "Postfix starts as root only"
plugin_needs postfix swaks /usr/share/postfix/master.cf.dist
# shellcheck disable=SC2034
PLUGIN_LINE="verify = {root}/servers/postfix/spool/jira-pat/verify.sock"
plugin_make
plugin_password mail.example.org || bail "no stock password"

# The stock passwords have to lie in the chroot, too.
plugin_smtpd() {
	mv "$SERVERS/sasldb2" "$SERVERS/postfix/spool/" 2>/dev/null || :
	sed -i 's|^sasldb_path: .*|sasldb_path: /sasldb2|' "$plugin_conf"
}

# Postfix starts anew with the environment of its configuration: without
# SASL_PATH in it, smtpd has none.
start_postfix() {
	plugin_smtpd
	server_postfix postfix/main-saslauthd.cf \
		-e '/^smtpd_tls_auth_only/s/yes/no/' \
		-e "\$a import_environment = MAIL_CONFIG SASL_PATH=$SASL_PLUGINS"
}

# try_bearer MECHANISM USER FILE: the same with Python's client, which speaks
# both; "in" or the code.
try_bearer() {
	timeout 60 python3 "$JP_SOURCE/tests/lib/smtp_bearer.py" "$SMTP_PORT" \
		"$1" "$2" <"$3"
}

try_oauthbearer() {
	try_bearer OAUTHBEARER "$@"
}

try_xoauth2() {
	try_bearer XOAUTH2 "$@"
}

plugin_sasl postfix/smtpd-plugin.conf smtpd
start_postfix ||
	bail "Postfix does not start: $(tail -n 20 "$SCRATCH/log/postfix.log")"
is "smtpd runs in the chroot" "$(
	awk '$1 ~ /^127/ { print $5, $8 }' "$SERVERS/postfix/conf/master.cf"
)" 'y smtpd'

# 535: the client's fault for good. 454: "temporary authentication failure".
mux_proofs "Postfix, PLAIN" try_plain 535 454
mux_proofs "Postfix, LOGIN" try_login 535 454
mux_proofs "Postfix, OAUTHBEARER" try_oauthbearer 535 454
mux_proofs "Postfix, XOAUTH2" try_xoauth2 535 454
plugin_reach Postfix try_plain 535 smtp 127.0.0.0/8

ok "patd knows the service and who asked" wait_for 60 grep -q \
	"reason=accepted.*front=sasl peer=$(id -u postfix) service=\"smtp\"" \
	"$SCRATCH/log/patd.log"
plugin_stock Postfix try_plain 535 start_postfix postfix \
	postfix/smtpd-plugin.conf smtpd
ok "Postfix, a wrong option: its log says which" grep -q \
	'libjirapat: wrong option: jirapat_timeout: "soon"' \
	"$SCRATCH/log/postfix.log"
mux_end postfix
