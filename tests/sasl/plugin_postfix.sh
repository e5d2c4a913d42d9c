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

# try_smtp MECHANISM USER FILE: prints "in" if the relaying of a mail is
# permitted, else the code of the answer to AUTH. Arguments are visible to
# everybody, so the token comes in a file.
try_smtp() {
	smtp_rc=$SCRATCH/secret.swaks
	(
		umask 077
		{
			printf 'auth-user %s\nauth-password ' "$2"
			cat "$3"
			echo
		} >"$smtp_rc"
	)
	smtp_said=$(timeout 60 swaks --config "$smtp_rc" --auth "$1" \
		--server 127.0.0.1 --port "$SMTP_PORT" --timeout 50 \
		--from "$2@example.org" --to friend@example.net \
		--quit-after RCPT 2>&1)
	rm -f "$smtp_rc"
	smtp_codes=$(printf '%s\n' "$smtp_said" |
		sed -n 's/^<[-*~ ]* \([25]..\|4..\) .*/\1/p' | tr '\n' ' ')
	case $smtp_codes in
	*'235 250 250 221 ') echo in ;;
	*) printf '%s\n' "$smtp_codes" | grep -o -E '535|454|554|504' |
		head -n 1 ;;
	esac
}

try_plain() {
	try_smtp PLAIN "$@"
}

try_login() {
	try_smtp LOGIN "$@"
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

like "patd knows the service and who asked" "$(cat "$SCRATCH/log/patd.log")" \
	"*reason=accepted*front=sasl peer=$(id -u postfix) service=\"smtp\"*"
plugin_stock Postfix try_plain 535 start_postfix postfix \
	postfix/smtpd-plugin.conf smtpd
mux_end postfix
