#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# slapd as examples/slapd/README.md sets it up, with the plugin; the real ldapwhoami is
# its client. tests/sasl/plugin_slapd.sh and tests/e2e/mux_slapd.sh have more.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/sasl_lib.sh
. "$JP_SOURCE/tests/doors/sasl_lib.sh"

sasl_needs slapd slapadd ldapwhoami
sasl_make
mkdir -p "$DOOR/run/slapd"
own openldap "$DOOR/run/slapd"

# As server_slapd starts it, but inside, and at Debian's own socket.
server_slapd_once() {
	# shellcheck disable=SC2046
	door_start slapd $(as_user openldap) slapd -d 0 \
		-f "$SERVERS/ldap/slapd.conf" \
		-h "ldap://127.0.0.1:$server_port ldapi:///"
}

try_plain() {
	ldap_whoami "uid=$1,ou=people,dc=example,dc=org" -Q -O none -Y PLAIN \
		-H "$LDAP_URL" -U "$1" -y "$2"
}

door_recipe slapd
server_slapd slapd/slapd-plugin.conf slapd/people-plugin.ldif ||
	bail "slapd does not start: $(cat "$SCRATCH"/log/slap*)"
door_recipe slapd "Try it" -e 's|>token|>/run/token|; s| token$| /run/token|'
is "ldapwhoami is who the token says" "$(cat "$DOOR/said")" \
	dn:uid=alice,ou=people,dc=example,dc=org
token_proofs slapd try_plain 49 52
door_networks slapd try_plain 49 ldap
door_end slapd
