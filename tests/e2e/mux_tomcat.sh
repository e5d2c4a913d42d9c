#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Tomcat 10 asks slapd (JNDIRealm), which asks patd in the protocol of
# saslauthd; its users are in LDAP only.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/servers.sh
. "$JP_SOURCE/tests/lib/servers.sh"
# shellcheck source=tests/e2e/mux_lib.sh
. "$JP_SOURCE/tests/e2e/mux_lib.sh"

mux_needs slapd slapadd java curl /usr/lib/*/sasl2/libplain.so \
	/usr/share/java/tomcat10-catalina.jar
mux_make "mux_realm = keep"
server_sasl slapd/sasl-saslauthd.conf slapd -e "s|/run/jira-pat/mux|$MUX|"
server_preload || bail "no sasl_confdir.so"
server_slapd slapd/slapd-saslauthd.conf slapd/people-saslauthd.ldif ||
	bail "slapd does not start: $(cat "$SCRATCH"/log/slap*)"
server_tomcat tomcat/context-saslauthd.xml tomcat/web-saslauthd.xml \
	"$LDAP_URL" ||
	bail "Tomcat does not start: $(tail -n 30 "$SCRATCH/log/tomcat.log")"

# request USER FILE [CURL-ARGUMENT...]: prints the status of the answer.
request() {
	request_line="$1:$(cat "$2")"
	shift 2
	printf 'user = "%s"\n' "$request_line" |
		curl -s -m 60 -K - -o "$SCRATCH/body" -w '%{http_code}' "$@" \
			"$TOMCAT_URL/"
}

try_http() {
	request_status=$(request "$1" "$2")
	if [ "$request_status $(cat "$SCRATCH/body")" = "200 user=$1" ]; then
		echo in
	else
		echo "$request_status"
	fi
}

# Tomcat says 401 whatever LDAP says.
mux_proofs Tomcat try_http 401 401

ok "the user is in LDAP only" test -z "$(getent passwd alice)"
mux_try try_http carol "$mux_alice"
is "a user who is not in LDAP: 401" "$outcome" 401
is "no credentials: 401" \
	"$(curl -s -o /dev/null -w '%{http_code}' "$TOMCAT_URL/")" 401

# A session is begun, and kept by its cookie.
try_session() {
	request "$1" "$2" -b "$SCRATCH/jar" -c "$SCRATCH/jar"
}
new alice
mux_try try_session alice "$token"
is "a session begins" "$outcome $(grep -c JSESSIONID "$SCRATCH/jar")" '200 1'
mux_try try_session alice "$token"
is "it goes on" "$outcome" 200
revoke "$id"
mux_try try_session alice "$token"
is "a revoked token is out in the middle of a session" "$outcome" 401

stop slapd
mux_try try_http alice "$mux_alice"
like "without slapd nobody gets in" "$outcome" '[45]??'
server_slapd_again || bail "slapd does not start again"
mux_end tomcat slapd
