#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# The sample server of Cyrus SASL asks patd through libjirapat, by all four
# mechanisms; it speaks on standard input and output, in lines of base64.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/servers.sh
. "$JP_SOURCE/tests/lib/servers.sh"
# shellcheck source=tests/e2e/mux_lib.sh
. "$JP_SOURCE/tests/e2e/mux_lib.sh"
# shellcheck source=tests/sasl/plugin_lib.sh
. "$JP_SOURCE/tests/sasl/plugin_lib.sh"

plugin_needs sasl-sample-server
plugin_make
plugin_password localhost || bail "no stock password"

# said: prints a line of a client, what comes on standard input.
said() {
	printf 'C: %s\n' "$(base64 -w 0)"
}

# sample: the server with the lines of a client; prints "in" or why not.
sample() {
	env SASL_CONF_PATH="$SERVERS/sasl2" timeout 60 sasl-sample-server \
		-p "$SASL_PLUGINS" -s test -d localhost \
		-i 'local=127.0.0.1;1,remote=198.51.100.7;5555' 2>&1 |
		sed -n -e 's/^Negotiation complete.*/in/p' \
			-e 's/^.*SASL negotiation: \([a-z -]*\) (.*/\1/p'
}

try_plain() {
	printf 'PLAIN\0\0%s\0%s' "$1" "$(cat "$2")" | said | sample
}

try_login() {
	{
		printf LOGIN | said
		printf '%s' "$1" | said
		said <"$2"
	} | sample
}

# After a no the client has to answer once more.
try_oauthbearer() {
	{
		printf 'OAUTHBEARER\0n,a=%s,\1auth=Bearer %s\1\1' "$1" \
			"$(cat "$2")" | said
		printf '\1' | said
	} | sample
}

try_nameless() {
	{
		printf 'OAUTHBEARER\0n,,\1auth=Bearer %s\1\1' "$(cat "$2")" |
			said
		printf '\1' | said
	} | sample
}

try_xoauth2() {
	{
		printf 'XOAUTH2\0user=%s\1auth=Bearer %s\1\1' "$1" \
			"$(cat "$2")" | said
		printf '' | said
	} | sample
}

# A mechanism needs a try_NAME above.
mechanisms=$(sed -n 's/^	X([A-Z0-9-]*, \([a-z0-9]*\), .*/\1/p' \
	"$JP_SOURCE/common/wire/sasl_mechanisms.h" | tr '\n' ' ')

# sample_conf LINE...: its configuration.
sample_conf() {
	printf '%s\n' "mech_list: $(echo "$mechanisms" | tr '[:lower:]' '[:upper:]')" \
		"pwcheck_method: auxprop" "auxprop_plugin: sasldb" \
		"sasldb_path: $SERVERS/sasldb2" "$@" \
		>"$SERVERS/sasl2/sample.conf"
}

enable="jirapat_enable: yes
jirapat_socket: $SCRATCH/run/verify.sock"
out="authentication failure"
later="remote authentication server unavailable"
sample_conf "$enable"
for mechanism in $mechanisms; do
	mux_proofs "sample server, $mechanism" try_"$mechanism" "$out" \
		"$later"
done
new alice
mux_try try_nameless nobody "$token"
is "a bearer without a name is the token's user" "$outcome" in
plugin_reach "sample server" try_plain "$out" test 198.51.100.0/28

mux_try try_plain alice "$PASSWORD"
is "without fallback the stock password does not get in" "$outcome" "$out"
sample_conf "$enable" "jirapat_fallback: yes"
mux_try try_login alice "$PASSWORD"
is "with fallback it does" "$outcome" in
sample_conf "$enable" "jirapat_fallback: yes" "jirapat_mechs: LOGIN"
mux_try try_plain alice "$PASSWORD"
is "PLAIN is the stock one where only LOGIN is taken: a password" "$outcome" in
mux_try try_plain alice "$token"
is "and no token" "$outcome" "$out"
sample_conf "$enable" "jirapat_timeout: soon"
mux_try try_plain alice "$PASSWORD"
is "with a wrong option nobody gets in, not by the stock PLAIN either" \
	"$outcome" "$later"
mux_try try_plain alice "$token"
is "and no token is tried as a password" "$outcome" "$later"
mux_end sample
