# shellcheck shell=sh
# For the tests of real servers that ask Cyrus SASL: as tests/doors/lib.sh, with
# patd's sockets and the plugin where a service of this machine would find them:
# /run/jira-pat/verify.sock, /run/jira-pat/mux, /run/saslauthd/mux, and libsasl2's
# folder.
#
# A script does, in this order:
#
#	sasl_needs TOOL...		leaves where something is missing
#	sasl_make			store, patd, the plugin
#	door_file X/X-plugin.conf /etc/sasl2/X.conf
#	server_try X x_once		x_once does: door_start X COMMAND...
#	token_proofs, door_networks ...
#	door_end X

# shellcheck source=tests/doors/lib.sh
. "$JP_SOURCE/tests/doors/lib.sh"

SASL_PLUGIN=$JP_BUILD/.libs/libjirapat.so

# sasl_needs TOOL...: leaves, unless all of them are here.
sasl_needs() {
	for sasl_stock in /usr/lib/*/sasl2/libplain.so; do
		break
	done
	door_needs "$sasl_stock" "$@"
	[ -e "$SASL_PLUGIN" ] || skip_all "missing here: $SASL_PLUGIN (build it)"
}

sasl_make() {
	# shellcheck disable=SC2034
	WORLD_SECTIONS="mux = {run}/jira-pat/mux
mux = {run}/saslauthd/mux
verify = {run}/jira-pat/verify.sock"
	door_make
	sasl_layer=$SCRATCH/plugin${sasl_stock%/*}
	mkdir -p "$sasl_layer"
	install -m 644 "$SASL_PLUGIN" "$sasl_layer/" ||
		bail "no copy of the plugin"
	door_layer "$SCRATCH/plugin" || skip_all "no overlay of folders here"
}

# sasl_certificate FOLDER NAME: a certificate of the server NAME, and its authority:
# server-cert.pem, server-key.pem, ca-cert.pem.
sasl_certificate() {
	mkdir -p "$1" && sasl_new_key ca-key "$1" -subj "/CN=test" \
		-addext keyUsage=keyCertSign -out "$1/ca-cert.pem" &&
		sasl_new_key server-key "$1" -subj "/CN=$2" \
			-CA "$1/ca-cert.pem" -CAkey "$1/ca-key.pem" \
			-addext basicConstraints=critical,CA:FALSE \
			-addext keyUsage=digitalSignature,keyEncipherment \
			-addext "subjectAltName=DNS:$2,IP:127.0.0.1" \
			-out "$1/server-cert.pem"
}

# sasl_new_key NAME FOLDER ARGUMENT...
sasl_new_key() {
	sasl_key=$2/$1.pem
	shift 2
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout "$sasl_key" \
		"$@" 2>>"$SCRATCH/log/openssl.log"
}
