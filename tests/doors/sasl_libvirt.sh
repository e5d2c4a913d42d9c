#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# libvirtd, by both ways to patd; the real virsh is its client.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/sasl_lib.sh
. "$JP_SOURCE/tests/doors/sasl_lib.sh"

sasl_needs libvirtd virsh openssl
sasl_make
SOCKET=$SCRATCH/libvirt/run/libvirt-sock
sasl_certificate "$SCRATCH/libvirt" localhost ||
	bail "no certificate: $(cat "$SCRATCH/log/openssl.log")"
mkdir "$SCRATCH/libvirt/run"
# Its driver for QEMU wants an account that another package makes.
grep -q '^libvirt-qemu:' /etc/passwd || door_account libvirt-qemu 64055
grep -q '^kvm:' /etc/group || echo kvm:x:64056: >>"$DOOR/etc/group"

libvirtd_once() {
	TCP=$(free_port)
	cat "$SCRATCH/libvirtd.conf" - >"$DOOR/etc/libvirt/libvirtd.conf" <<-EOT
		listen_tls = 1
		listen_tcp = 1
		listen_addr = "127.0.0.1"
		tls_port = "$server_port"
		tcp_port = "$TCP"
		auth_tcp = "sasl"
		ca_file = "$SCRATCH/libvirt/ca-cert.pem"
		cert_file = "$SCRATCH/libvirt/server-cert.pem"
		key_file = "$SCRATCH/libvirt/server-key.pem"
		unix_sock_dir = "$SCRATCH/libvirt/run"
	EOT
	# shellcheck disable=SC2016
	door_start libvirtd sh -c '
		for folder in /var/cache /var/lib /var/log; do
			mount -t tmpfs none $folder || exit
		done
		exec libvirtd --listen'
}

# try_virsh URI USER FILE: lists the guests of libvirt's own test driver.
try_virsh() {
	(
		umask 077
		{
			printf '[credentials-pat]\nauthname=%s\n' "$2"
			printf 'password=%s\n' "$(cat "$3")"
			printf '[auth-libvirt-%s]\ncredentials=pat\n' \
				localhost default
		} >"$SCRATCH/auth.conf"
	)
	virsh_said=$(LIBVIRT_AUTH_FILE=$SCRATCH/auth.conf timeout 60 \
		virsh --connect "$1" list --name 2>&1 </dev/null)
	rm -f "$SCRATCH/auth.conf"
	printf '%s\n' "$virsh_said" >&2
	case $virsh_said in
	test*) echo in ;;
	*) printf '%s\n' "$virsh_said" | sed -n 's/^error: //p' | tail -n 1 ;;
	esac
}

try_unix() {
	try_virsh "test+unix:///default?socket=$SOCKET" "$@"
}

try_tls() {
	try_virsh "test+tls://localhost:$server_port/default?pkipath=$SCRATCH/pki" "$@"
}

try_tcp() {
	try_virsh "test+tcp://localhost:$TCP/default" "$@"
}

libvirtd_start() {
	server_try libvirtd libvirtd_once || bail "libvirtd does not start: $(
		tail "$SCRATCH/log/libvirtd.log")"
}

mkdir "$SCRATCH/pki"
cp "$SCRATCH/libvirt/ca-cert.pem" "$SCRATCH/pki/cacert.pem"
OUT="authentication failed: authentication failed"
mkdir -p "$DOOR/etc/libvirt"
: >"$DOOR/etc/libvirt/libvirtd.conf"
door_recipe libvirt
cp "$DOOR/etc/libvirt/libvirtd.conf" "$SCRATCH/"
libvirtd_start
door_try_it libvirt try_unix
token_proofs "libvirtd" try_unix "$OUT" "$OUT"
ok "its log says that nobody answered" \
	wait_for 60 grep -q 'SASL.*-24' "$SCRATCH/log/libvirtd.log"
door_networks "libvirtd, TLS" try_tls "$OUT" libvirt
new carol
token_try try_tls carol "$token"
is "who is not in sasl_allowed_username_list stays out" "$outcome" "$OUT"
new alice
token_try try_tcp alice "$token"
like "plain TCP refuses PLAIN" "$outcome" "authentication failed: *"
is "and patd is not asked" "$(grep -c "id=$id" "$SCRATCH/log/patd.log")" 0

stop libvirtd
door_file libvirt/libvirt-saslauthd.conf /etc/sasl2/libvirt.conf ||
	bail "no libvirt-saslauthd.conf"
libvirtd_start
token_proofs "libvirtd, mux" try_tls "$OUT" "$OUT"
door_networks "libvirtd, mux" try_unix "$OUT" libvirt none
door_end libvirtd
