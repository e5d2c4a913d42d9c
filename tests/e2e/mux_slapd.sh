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

try_plain() {
	ldap_whoami "uid=$1,$PEOPLE" -H "$LDAP_URL" -Q -O none -Y PLAIN \
		-U "$1" -y "$2"
}

try_simple() {
	ldap_whoami "uid=$1,$PEOPLE" -H "$LDAP_URL" -x -D "uid=$1,$PEOPLE" -y "$2"
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

# What doc/MIGRATION.md does with an entry that had a password.
GUIDE="From LDAP passwords"
stop slapd
printf '%s\n' "rootpw of-admin" >>"$SERVERS/ldap/slapd.conf"
# shellcheck disable=SC2046
$(as_user openldap) slapadd -f "$SERVERS/ldap/slapd.conf" <<-EOT \
	>>"$SCRATCH/log/slapadd.log" 2>&1
	dn: uid=ci-bot,$PEOPLE
	objectClass: inetOrgPerson
	uid: ci-bot
	cn: ci-bot
	sn: bot
	userPassword: of-before
EOT
server_slapd_again || bail "slapd does not start: $(cat "$SCRATCH"/log/slap*)"
mkdir "$SCRATCH/migration"
cd "$SCRATCH/migration" || bail "no folder"
(umask 077; printf of-before >old; printf of-admin >admin.password)
block "$JP_SOURCE/doc/MIGRATION.md" "$GUIDE" ldif >bots.ldif
block "$JP_SOURCE/doc/MIGRATION.md" "$GUIDE" sh |
	sed "s|ldap://localhost|$LDAP_URL|" >commands
is "before: the password" "$(try_simple ci-bot old)" in
PATH=$SCRATCH/bin:$PATH sh -eu commands >out 2>>"$SCRATCH/log/pat-admin.log"
is "the commands of doc/MIGRATION.md run" "$?" 0
(umask 077; tr -d '\n' <ci-bot.token >new)
is "after: the token, and no password" \
	"$(try_simple ci-bot new 2>/dev/null) $(try_simple ci-bot old 2>/dev/null)" \
	"in 49"
mux_end slapd
