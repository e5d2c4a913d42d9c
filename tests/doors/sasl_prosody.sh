#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Prosody's mod_auth_cyrus, by both ways to patd.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/sasl_lib.sh
. "$JP_SOURCE/tests/doors/sasl_lib.sh"

sasl_needs prosody openssl \
	/usr/lib/prosody/modules/mod_auth_cyrus/mod_auth_cyrus.lua
sasl_make
sasl_certificate "$SCRATCH/pki" xmpp.example.org ||
	bail "no certificate: $(cat "$SCRATCH/log/openssl.log")"
for name in xmpp.example.org second.example.org; do
	install -m 644 "$SCRATCH/pki/server-cert.pem" \
		"$DOOR/etc/prosody/certs/$name.crt"
	install -m 644 "$SCRATCH/pki/server-key.pem" \
		"$DOOR/etc/prosody/certs/$name.key"
done
mkdir "$SCRATCH/prosody"
chown prosody "$SCRATCH/prosody"

# Debian's own configuration, which reads those in conf.d at its end.
prosody_once() {
	cat >"$DOOR/etc/prosody/conf.d/a-test.cfg.lua" <<-EOT
		data_path = "$SCRATCH/prosody"
		c2s_ports = { $server_port }
		c2s_interfaces = { "127.0.0.1" }
		s2s_ports = { }
		log = { debug = "*console" }
		pidfile = "$SCRATCH/prosody/pid"
	EOT
	cat >"$DOOR/etc/prosody/conf.d/second.cfg.lua" <<-EOT
		VirtualHost "second.example.org"
			authentication = "cyrus"
	EOT
	door_start prosody setpriv --reuid=prosody --regid=prosody \
		--init-groups prosody -F
}

prosody_start() {
	server_try prosody prosody_once ||
		bail "Prosody does not start: $(tail "$SCRATCH/log/prosody.log")"
}

# try_host DOMAIN USER FILE
try_host() {
	timeout 90 python3 "$JP_SOURCE/tests/lib/xmpp_login.py" "$server_port" \
		"$1" "$2" <"$3"
}

try_xmpp() {
	try_host xmpp.example.org "$@"
}

try_second() {
	try_host second.example.org "$@"
}

OUT=not-authorized
DOWN=undefined-condition
door_recipe prosody
prosody_start
door_try_it prosody try_xmpp
token_proofs Prosody try_xmpp "$OUT" "$DOWN"
door_networks Prosody try_xmpp "$OUT" xmpp none
token_try try_second alice "$token_alice"
is "with strip a token is for each virtual host" "$outcome" in

stop prosody
sed -i /strip/d "$DOOR/etc/sasl2/prosody.conf"
prosody_start
new alice@xmpp.example.org
token_try try_xmpp alice "$token"
is "without strip it is for the one in its name" "$outcome" in
token_try try_second alice "$token"
is "and not for the other" "$outcome" "$OUT"
token_try try_xmpp alice "$token_alice"
is "nor is one without host" "$outcome" "$OUT"

stop prosody
door_file prosody/prosody-saslauthd.conf /etc/sasl2/prosody.conf ||
	bail "no prosody-saslauthd.conf"
prosody_start
token_try try_xmpp alice "$token"
is "by mux the token is for the one in its name" "$outcome" in
token_try try_second alice "$token"
is "by mux not for the other" "$outcome" "$OUT"
stop patd
sed -i "s|^mux = .*/jira-pat/mux\$|& strip|" "$WORLD/jira-pat.conf"
patd_again || bail "patd does not start again"
token_proofs "Prosody, mux" try_xmpp "$OUT" "$DOWN"
door_networks "Prosody, mux" try_xmpp "$OUT" xmpp none
door_end prosody
