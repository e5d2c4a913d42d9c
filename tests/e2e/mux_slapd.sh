#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# slapd asks patd in the protocol of saslauthd, for SASL PLAIN and for simple
# binds; the real ldapwhoami is its client.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/document.sh
. "$JP_SOURCE/tests/lib/document.sh"
# shellcheck source=tests/lib/servers.sh
. "$JP_SOURCE/tests/lib/servers.sh"
# shellcheck source=tests/e2e/mux_lib.sh
. "$JP_SOURCE/tests/e2e/mux_lib.sh"

mux_needs slapd slapadd ldapwhoami /usr/lib/*/sasl2/libplain.so
mux_make "mux_realm = keep"
server_sasl slapd/sasl-saslauthd.conf slapd -e "s|/run/jira-pat/mux|$MUX|"
server_preload || bail "no sasl_confdir.so"
server_slapd slapd/slapd-saslauthd.conf slapd/people-saslauthd.ldif ||
	bail "slapd does not start: $(cat "$SCRATCH"/log/slap*)"

PEOPLE=ou=people,dc=example,dc=org

# whoami ARGUMENT...: prints "in" if slapd says that it is $whoami_dn, else the
# result code of LDAP.
whoami() {
	whoami_said=$(timeout 60 ldapwhoami -H "$LDAP_URL" "$@" 2>&1)
	whoami_status=$?
	printf '%s\n' "$whoami_said" >&2
	if [ "$whoami_said" = "dn:$whoami_dn" ]; then
		echo in
	else
		echo $whoami_status
	fi
}

try_plain() {
	whoami_dn=uid=$1,$PEOPLE
	whoami -Q -O none -Y PLAIN -U "$1" -y "$2"
}

try_simple() {
	whoami_dn=uid=$1,$PEOPLE
	whoami -x -D "uid=$1,$PEOPLE" -y "$2"
}

# 49: invalidCredentials. 80: other, which is how slapd puts a failure of
# libsasl2 that is not the user's; for a simple bind it has no other word than
# 49.
mux_proofs "slapd, PLAIN" try_plain 49 80
mux_proofs "slapd, simple bind" try_simple 49 49

mux_try try_simple carol "$mux_alice"
is "an entry that is not there: 49" "$outcome" 49

# What doc/JIRA.md has its readers try.
block "$JP_SOURCE/doc/JIRA.md" "c. Jira's directory, with LDAP" sh 1 |
	sed "s|ldap://localhost|$LDAP_URL|" >"$SCRATCH/commands"
mkdir "$SCRATCH/guide" "$SCRATCH/bin"
cat >"$SCRATCH/bin/pat-admin" <<-EOT
	#!/bin/sh
	exec "$JP_BUILD/tools/pat-admin" --config "$SCRATCH/jira-pat.conf" "\$@"
EOT
chmod 755 "$SCRATCH/bin/pat-admin"
is "the commands of doc/JIRA.md: slapd takes the token" "$(
	cd "$SCRATCH/guide" && PATH=$SCRATCH/bin:$PATH \
		sh -eu "$SCRATCH/commands" 2>>"$SCRATCH/log/pat-admin.log"
	ls
)" "dn:uid=alice,$PEOPLE"
mux_end slapd
