#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Postfix's smtpd asks patd from inside its chroot; the real swaks is its
# client.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/servers.sh
. "$JP_SOURCE/tests/lib/servers.sh"
# shellcheck source=tests/e2e/mux_lib.sh
. "$JP_SOURCE/tests/e2e/mux_lib.sh"
# shellcheck source=tests/lib/clients.sh
. "$JP_SOURCE/tests/lib/clients.sh"

[ "$(id -u)" = 0 ] || skip_all "Postfix starts as root only"
mux_needs postfix swaks /usr/lib/*/sasl2/libplain.so \
	/usr/share/postfix/master.cf.dist
mux_make "mux = {root}/servers/postfix/spool/jira-pat/mux"
MUX=$SERVERS/postfix/spool/jira-pat/mux
server_sasl postfix/smtpd-saslauthd.conf smtpd
server_postfix postfix/main-saslauthd.cf \
	-e '/^smtpd_tls_auth_only/s/yes/no/' ||
	bail "Postfix does not start: $(tail -n 20 "$SCRATCH/log/postfix.log")"

is "smtpd runs in the chroot" "$(
	awk '$1 ~ /^127/ { print $5, $8 }' "$SERVERS/postfix/conf/master.cf"
)" 'y smtpd'
is "main.cf says where smtpd.conf is" \
	"$(postconf -c "$SERVERS/postfix/conf" -h cyrus_sasl_config_path)" \
	"$SERVERS/sasl2"

# 535: the client's fault for good. 454: "temporary authentication failure".
mux_proofs "Postfix, PLAIN" try_plain 535 454
mux_proofs "Postfix, LOGIN" try_login 535 454

ok "patd knows the service and who asked" wait_for 60 grep -q \
	"reason=accepted.*front=mux peer=$(id -u postfix) service=\"smtp\"" \
	"$SCRATCH/log/patd.log"
is "without a token nobody may relay" "$(
	timeout 60 swaks --server 127.0.0.1 --port "$SMTP_PORT" \
		--to friend@example.net --quit-after RCPT 2>&1 |
		grep -c '^<\*\* 554'
)" 1
mux_end postfix
