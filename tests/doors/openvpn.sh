#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# OpenVPN's auth-pam plugin, with the file of examples/openvpn: a token in place of
# the password of auth-user-pass.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/lib.sh
. "$JP_SOURCE/tests/doors/lib.sh"

door_needs openvpn openssl /dev/net/tun
door_make
door_certificate

# A server as an administrator may have it, but for addresses of the machine.
mkdir -p "$DOOR/etc/openvpn/server"
cat >"$DOOR/etc/openvpn/server/server.conf" <<-EOT
	proto tcp-server
	local 127.0.0.1
	dev tun
	server 10.99.77.0 255.255.255.0
	topology subnet
	ifconfig-noexec
	route-noexec
	ca /etc/ssl/certs/ssl-cert-snakeoil.pem
	cert /etc/ssl/certs/ssl-cert-snakeoil.pem
	key /etc/ssl/private/ssl-cert-snakeoil.key
	dh none
	keepalive 10 60
	duplicate-cn
EOT
door_recipe openvpn
door_check openvpn
cp "$DOOR/etc/openvpn/server/jira-pat.conf" "$SCRATCH/"

# openvpn_start [SED-ARGUMENT...]: for the example's file.
openvpn_start() {
	sed -e '' "$@" "$SCRATCH/jira-pat.conf" \
		>"$DOOR/etc/openvpn/server/jira-pat.conf"
	server_try openvpn openvpn_once ||
		bail "OpenVPN does not start: $(tail "$SCRATCH/log/openvpn.log")"
}

openvpn_once() {
	door_start openvpn openvpn --cd /etc/openvpn/server \
		--config server.conf --port "$server_port"
}

# client_start USER FILE: one that tries once; its log is new.
client_start() {
	(
		umask 077
		printf '%s\n%s\n' "$1" "$(cat "$2")" >"$SCRATCH/secret.up"
	)
	rm -f "$SCRATCH/log/vpn.log"
	door_start vpn openvpn --client --proto tcp-client --dev tun \
		--remote 127.0.0.1 "$server_port" \
		--ca /etc/ssl/certs/ssl-cert-snakeoil.pem \
		--ifconfig-noexec --route-noexec --connect-retry-max 1 \
		--auth-user-pass "$SCRATCH/secret.up" --reneg-sec 0 --verb 3
}

client_settled() {
	client_is_in || ! running vpn
}

client_is_in() {
	grep -q 'Initialization Sequence Completed' "$SCRATCH/log/vpn.log"
}

client_is_out() {
	! running vpn
}

try_vpn() {
	client_start "$@"
	wait_for 120 client_settled
	rm -f "$SCRATCH/secret.up"
	if client_is_in; then
		echo in
	else
		grep -o AUTH_FAILED "$SCRATCH/log/vpn.log" | head -n 1
	fi
	stop vpn
}

openvpn_start
door_try_it openvpn try_vpn
token_proofs OpenVPN try_vpn AUTH_FAILED in
door_refusing OpenVPN try_vpn AUTH_FAILED jira-pat-openvpn
door_sso OpenVPN try_vpn in
door_networks OpenVPN try_vpn AUTH_FAILED jira-pat-openvpn
door_case OpenVPN try_vpn in
door_longest OpenVPN try_vpn jira-pat-openvpn 127 127

# How often the keys of the client's tunnel have been negotiated.
negotiated() {
	grep -c 'Control Channel: ' "$SCRATCH/log/vpn.log"
}

negotiated_more() {
	[ "$(negotiated)" -gt "$1" ] || client_is_out
}

# tunnel_revoked: opens a tunnel whose keys are renegotiated, and revokes its token.
tunnel_revoked() {
	new alice
	printf '%s' "$token" >"$SCRATCH/secret"
	client_start alice "$SCRATCH/secret"
	wait_for 120 negotiated_more 2
	rm -f "$SCRATCH/secret" "$SCRATCH/secret.up"
	ok "$1: a tunnel outlives a renegotiation" running vpn
	revoke "$id"
}

stop openvpn
openvpn_start -e 's/^reneg-sec .*/reneg-sec 3/'
tunnel_revoked OpenVPN
ok "OpenVPN: the next one ends it when the token has been revoked" \
	wait_for 120 client_is_out
ok "OpenVPN: and patd was asked for it" \
	door_said "reason=revoked id=$id.*service=\"jira-pat-openvpn\""
stop vpn

# Why the recipe says that there is no auth-gen-token.
stop openvpn
openvpn_start -e 's/^reneg-sec .*/reneg-sec 3\nauth-gen-token 0 120/'
door_check openvpn openvpn-once
tunnel_revoked "with auth-gen-token"
wait_for 120 negotiated_more $(($(negotiated) + 2))
ok "with auth-gen-token, a revoked token's tunnel outlives renegotiations" \
	running vpn
stop vpn
door_end openvpn
