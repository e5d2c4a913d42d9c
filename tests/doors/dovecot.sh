#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Dovecot with the files of examples/dovecot: 2.3 or 2.4, whichever this release has.
# It is unpacked where another IMAP server is installed.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/lib.sh
. "$JP_SOURCE/tests/doors/lib.sh"

door_needs useradd openssl
door_make
door_unpacked dovecot-imapd

# What the package's scripts make.
if [ ! -e "$DOOR/etc/dovecot/dovecot.conf" ]; then
	door_account dovecot 981
	door_account dovenull 982
	inside cp -a /usr/share/dovecot/dovecot.conf \
		/usr/share/dovecot/conf.d /etc/dovecot/ || bail "no configuration"
	openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost \
		-keyout "$DOOR/etc/dovecot/private/dovecot.key" \
		-out "$DOOR/etc/dovecot/private/dovecot.pem" \
		2>"$SCRATCH/log/openssl.log" || bail "no certificate"
fi
release=$(inside dovecot --version | cut -d . -f 1-2)
mkdir -p "$SCRATCH/var"
chmod 711 "$SCRATCH/var"
sed -i "s|/var/vmail|$SCRATCH&|" "$DOOR"/etc/passwd
door_recipe dovecot "Set up: Dovecot $release" -e "s|/var/vmail|$SCRATCH&|"
sed -i "s|/var/vmail|$SCRATCH&|" "$DOOR/etc/dovecot/conf.d/99-jira-pat.conf"

case $release in
2.3) mail="mail_location = maildir:~/Maildir" ;;
*) mail="mail_driver = maildir
mail_path = ~/Maildir
mail_inbox_path =" ;;
esac

dovecot_once() {
	cat >"$DOOR/etc/dovecot/conf.d/98-test.conf" <<-EOT
		protocols = imap
		listen = 127.0.0.1
		ssl = no
		log_path = /dev/stderr
		auth_failure_delay = 0
		$mail
		${dovecot_extra:-}
		service imap-login {
		  inet_listener imap {
		    port = $server_port
		  }
		  inet_listener imaps {
		    port = 0
		  }
		}
		service anvil {
		  unix_listener anvil-auth-penalty {
		    mode = 0
		  }
		}
	EOT
	mkdir -p "$DOOR/run/dovecot"
	door_start dovecot dovecot -F
}

server_try dovecot dovecot_once ||
	bail "Dovecot does not start: $(tail -n 20 "$SCRATCH/log/dovecot.log")"

try_login() {
	timeout 120 python3 "$JP_SOURCE/tests/lib/imap_login.py" "$server_port" \
		LOGIN "$1" <"$2"
}

try_plain() {
	timeout 120 python3 "$JP_SOURCE/tests/lib/imap_login.py" "$server_port" \
		PLAIN "$1" <"$2"
}

out="[AUTHENTICATIONFAILED] Authentication failed."
what="Dovecot $release"
door_try_it dovecot try_login
door_check dovecot
token_proofs "$what, LOGIN" try_login "$out" in
token_proofs "$what, PLAIN" try_plain "$out" in
ok "patd was asked by root" \
	door_said 'accepted.*peer=0 service="jira-pat-dovecot" rhost="127.0.0.1"'
door_sso "$what" try_login in
door_networks "$what" try_login "$out" jira-pat-dovecot
door_case "$what" try_login in
door_longest "$what" try_login jira-pat-dovecot 1024
door_refusing "$what" try_login "$out" jira-pat-dovecot

try_doveadm() {
	inside doveadm auth test -x rip=127.0.0.1 "$1" <"$2" |
		sed -n 's/.*auth succeeded/in/p'
}
new alice --from 127.0.0.0/8
token_try try_doveadm alice "$token"
is "doveadm auth test says so, too" "$outcome" in

# Its cache is off by default. Where a site has it, the recipe keeps PAM's answers
# out of it.
cached() {
	# Not in a subshell, which would have its own list of what runs.
	stop dovecot
	dovecot_extra="auth_cache_size = 10M"
	server_try dovecot dovecot_once || bail "Dovecot does not start again"
	new alice
	token_try try_login alice "$token"
	cached_first=$outcome
	revoke "$id"
	token_try try_login alice "$token"
	outcome="$cached_first, $outcome"
}

cached
is "with Dovecot's cache on, a revoked token is out on the next try" \
	"$outcome" "in, $out"
door_check dovecot
# Break the recipe: the trap is there, and pat-admin check knows it.
sed -i -e '/use_cache = no/d' -e 's/args = jira-pat/args = cache_key=%u jira-pat/' \
	"$DOOR/etc/dovecot/conf.d/99-jira-pat.conf"
cached
is "without the recipe's care it gets in" "$outcome" "in, in"
door_check dovecot dovecot-cache
door_end dovecot
