#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# slapd asks patd through libjirapat, for SASL PLAIN with and without an
# authzid; the real ldapwhoami is its client.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/servers.sh
. "$JP_SOURCE/tests/lib/servers.sh"
# shellcheck source=tests/e2e/mux_lib.sh
. "$JP_SOURCE/tests/e2e/mux_lib.sh"
# shellcheck source=tests/sasl/plugin_lib.sh
. "$JP_SOURCE/tests/sasl/plugin_lib.sh"

plugin_needs slapd slapadd slapmodify ldapwhoami
plugin_make
plugin_sasl slapd/sasl-plugin.conf slapd
server_preload || bail "no sasl_confdir.so"
server_slapd slapd/slapd-plugin.conf slapd/people-plugin.ldif ||
	bail "slapd does not start: $(cat "$SCRATCH"/log/slap*)"

PEOPLE=ou=people,dc=example,dc=org

# The stock PLAIN of slapd reads the entry; alice gets a password there.
stop slapd
# shellcheck disable=SC2046
$(as_user openldap) slapmodify -f "$SERVERS/ldap/slapd.conf" <<-EOT ||
	dn: uid=alice,$PEOPLE
	changetype: modify
	add: userPassword
	userPassword: $PASSWORD
EOT
	bail "alice gets no password"
server_slapd_again || bail "slapd does not start again"

try_plain() {
	ldap_whoami "uid=$1,$PEOPLE" -Q -O none -Y PLAIN \
		-H "$LDAP_URL" -U "$1" -y "$2"
}

# As alice; the user is who asks.
try_for_alice() {
	ldap_whoami "uid=alice,$PEOPLE" -Q -O none -Y PLAIN \
		-H "$LDAP_URL" -U "$1" -X u:alice -y "$2"
}

# Over the socket: slapd tells no address.
try_socket() {
	ldap_whoami "uid=$1,$PEOPLE" -Q -O none -Y PLAIN \
		-H "$LDAPI_URL" -U "$1" -y "$2"
}

# 49: invalidCredentials. 52: unavailable.
mux_proofs slapd try_plain 49 52
plugin_reach slapd try_plain 49 ldap 127.0.0.0/8
plugin_reach "slapd, ldapi" try_socket 49 ldap ''

# 50: insufficientAccess.
new alice
mux_try try_for_alice alice "$token"
is "alice may act for herself" "$outcome" in
new robot
mux_try try_for_alice robot "$token"
is "the robot may act for alice, with a token of its own" "$outcome" in
mux_try try_for_alice alice "$token"
is "alice may not use the robot's token" "$outcome" 49
new bob
mux_try try_for_alice bob "$token"
is "bob may not act for alice" "$outcome" 50
revoke "$id"
mux_try try_for_alice bob "$token"
is "with a revoked token he is not asked whom he acts for" "$outcome" 49

said=$(ldapwhoami -Q -O none -Y PLAIN -H "$LDAP_URL" -U alice -w hunter2 2>&1)
like "the client learns no reason" "$said" \
	'*Invalid credentials (49)*authentication failed*'

plugin_stock slapd try_plain 49 server_slapd_again slapd \
	slapd/sasl-plugin.conf slapd
mux_end slapd
