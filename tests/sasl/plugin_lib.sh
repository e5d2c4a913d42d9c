# shellcheck shell=sh
# For the tests of real servers that have libjirapat: the proofs that each has to
# pass on top of those that tests/e2e/mux_lib.sh has for both ways to patd.
#
# Needs tests/lib/tap.sh, tests/lib/servers.sh and tests/e2e/mux_lib.sh.

# Set by mux_lib.sh:
token=
id=
outcome=

PASSWORD='correct horse'

# plugin_needs TOOL...: leaves, unless all of them are here.
plugin_needs() {
	for plugin_stock in /usr/lib/*/sasl2/libplain.so; do
		break
	done
	mux_needs saslpasswd2 "$plugin_stock" \
		"${plugin_stock%/*}/libsasldb.so" "$@"
	[ -e "$JP_BUILD/.libs/libjirapat.so" ] ||
		skip_all "missing here: libjirapat.so (build it)"
}

# plugin_make: store and patd, with $PLUGIN_LINE in [patd]; the plugin in a folder
# of its own, behind the stock ones: it must come first all the same.
plugin_make() {
	mux_make ${PLUGIN_LINE:+"$PLUGIN_LINE"}
	mkdir "$SERVERS/plugins"
	cp "$JP_BUILD/.libs/libjirapat.so" "$SERVERS/plugins/"
	chmod 644 "$SERVERS/plugins/libjirapat.so"
	# shellcheck disable=SC2034
	SASL_PLUGINS=${plugin_stock%/*}:$SERVERS/plugins
}

# plugin_password REALM: alice has a stock password there, too.
plugin_password() {
	printf '%s' "$PASSWORD" | saslpasswd2 -c -p -f "$SERVERS/sasldb2" \
		-u "$1" alice && chmod 644 "$SERVERS/sasldb2"
}

# plugin_sasl EXAMPLE NAME [LINE...]: the configuration of the application NAME,
# with the stock passwords and these lines behind it.
plugin_sasl() {
	plugin_conf=$SERVERS/sasl2/$2.conf
	server_sasl "$1" "$2" \
		-e "s|/run/jira-pat/verify.sock|$SCRATCH/run/verify.sock|"
	shift 2
	printf '%s\n' "pwcheck_method: auxprop" "auxprop_plugin: sasldb" \
		"sasldb_path: $SERVERS/sasldb2" "$@" >>"$plugin_conf"
}

# plugin_reach WHAT TRY OUT SERVICE ADDRESS: patd learns the service, and the
# address, or that there is none if ADDRESS is empty.
plugin_reach() {
	new alice --service "$4"
	mux_try "$2" alice "$token"
	is "$1: a token for $4 gets in" "$outcome" in
	new alice --service elsewhere
	mux_try "$2" alice "$token"
	is "$1: a token for another service does not" "$outcome" "$3"
	new alice --from "${5:-127.0.0.0/8}"
	mux_try "$2" alice "$token"
	is "$1: a token for the client's network: ${5:-no address, out}" \
		"$outcome" "$([ -n "$5" ] && echo in || echo "$3")"
	new alice --from 192.0.2.0/24
	mux_try "$2" alice "$token"
	is "$1: a token for another network does not get in" "$outcome" "$3"
}

# plugin_stock WHAT TRY OUT START NAME EXAMPLE APPLICATION: the stock password is
# out of reach, also with a wrong option; START starts the server NAME again, and it
# is there with fallback, and is all there is where the service does not enable the
# plugin.
plugin_stock() {
	plugin_do=$2
	plugin_out=$3
	new alice
	mux_try "$plugin_do" alice "$PASSWORD"
	is "$1: without fallback the stock password does not get in" \
		"$outcome" "$plugin_out"

	plugin_again "$4" "$5" "$6" "$7" "jirapat_fallback: yes"
	mux_try "$plugin_do" alice "$PASSWORD"
	is "$1: with fallback it does" "$outcome" in
	mux_try "$plugin_do" alice "$token"
	is "$1: beside the token" "$outcome" in
	mux_try "$plugin_do" alice hunter2
	is "$1: a wrong password does not" "$outcome" "$plugin_out"
	mux_try "$plugin_do" alice "$(spoilt "$token")"
	is "$1: nor does a wrong token" "$outcome" "$plugin_out"

	plugin_again "$4" "$5" "$6" "$7" "jirapat_timeout: soon"
	new alice
	mux_try "$plugin_do" alice "$PASSWORD"
	like "$1: a wrong option: the stock password does not get in" \
		"$outcome" '[!i]*'
	mux_try "$plugin_do" alice "$token"
	like "$1: a wrong option: nor does a token" "$outcome" '[!i]*'
	is "$1: a wrong option: patd is not asked" \
		"$(grep -c "id=$id" "$SCRATCH/log/patd.log")" 0

	plugin_again "$4" "$5" "$6" "$7"
	sed -i '/^jirapat_/d' "$plugin_conf"
	stop "$5"
	"$4" || bail "$5 does not start again"
	mux_try "$plugin_do" alice "$PASSWORD"
	is "$1: not enabled: the stock password gets in" "$outcome" in
	mux_try "$plugin_do" alice "$token"
	like "$1: not enabled: no token does" "$outcome" '[!i]*'
}

# plugin_again START NAME EXAMPLE APPLICATION [LINE...]
plugin_again() {
	plugin_start=$1
	plugin_name=$2
	shift 2
	plugin_sasl "$@"
	stop "$plugin_name"
	"$plugin_start" || bail "$plugin_name does not start again"
}
