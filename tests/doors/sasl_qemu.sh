#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# QEMU's VNC server, by both ways to patd.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/sasl_lib.sh
. "$JP_SOURCE/tests/doors/sasl_lib.sh"

sasl_needs qemu-system-x86_64 openssl
sasl_make
sasl_certificate "$DOOR/etc/pki/qemu" localhost ||
	bail "no certificate: $(cat "$SCRATCH/log/openssl.log")"
chmod 644 "$DOOR/etc/pki/qemu/server-key.pem"
mkdir "$SCRATCH/qemu"
AS= # root


# No guest: an empty machine, whose console has nothing to show. VNC counts from
# port 5900, and here it is on three: as the example has it, without TLS, and on a
# Unix socket.
qemu_once() {
	PLAIN_PORT=$(free_port)
	sed -i "s|^  vnc = .*|  vnc = \"127.0.0.1:$((server_port - 5900))\"|" \
		"$DOOR/etc/qemu/vnc.cfg"
	# shellcheck disable=SC2086
	door_start qemu $AS qemu-system-x86_64 -machine none -display none \
		-readconfig /etc/qemu/vnc.cfg \
		-vnc "127.0.0.1:$((PLAIN_PORT - 5900)),sasl=on" \
		-vnc "unix:$SCRATCH/qemu/vnc,sasl=on"
}

qemu_start() {
	server_try qemu qemu_once ||
		bail "QEMU does not start: $(tail "$SCRATCH/log/qemu.log")"
}

# try_vnc WHERE HOW USER FILE
try_vnc() {
	timeout 90 python3 "$JP_SOURCE/tests/lib/vnc_login.py" \
		"$1" "$3" "$2" <"$4"
}

try_tls() {
	try_vnc "127.0.0.1:$server_port" tls "$@"
}

try_clear() {
	try_vnc "127.0.0.1:$PLAIN_PORT" plain "$@"
}

try_unix() {
	try_vnc "$SCRATCH/qemu/vnc" plain "$@"
}

OUT="hangs up"
door_recipe qemu
qemu_start
door_try_it qemu try_tls
token_proofs "QEMU's VNC" try_tls "$OUT" "$OUT"
door_networks "QEMU's VNC" try_tls "$OUT" vnc
new carol
token_try try_tls carol "$token"
is "who is not in its list stays out" "$outcome" "Authentication failed"
new alice
token_try try_unix alice "$token"
case $(qemu-system-x86_64 -version) in
*" version 7."*) on_unix=$OUT ;; # it wants an IP address, and there is none
*) on_unix=in ;;
esac
is "on a Unix socket of this QEMU: $on_unix" "$outcome" "$on_unix"
new alice
token_try try_clear alice "$token"
like "TCP without TLS does not take a token" "$outcome" '[!i]*'
is "and patd is not asked" "$(grep -c "id=$id" "$SCRATCH/log/patd.log")" 0

stop qemu
door_file qemu/qemu-saslauthd.conf /etc/sasl2/qemu.conf ||
	bail "no qemu-saslauthd.conf"
qemu_start
token_proofs "QEMU's VNC, mux" try_tls "$OUT" "$OUT"
door_networks "QEMU's VNC, mux" try_tls "$OUT" vnc none

# As libvirt's user.
stop qemu
AS="setpriv --reuid=64055 --regid=64055 --clear-groups"
chown 64055 "$SCRATCH/qemu"
qemu_start
new alice
token_try try_tls alice "$token"
is "as uid 64055 QEMU may not ask" "$outcome" "$OUT"
ok "and patd says so" door_said "from uid 64055: not allowed to ask"
stop patd
echo "allow_users = 64055" >>"$WORLD/jira-pat.conf"
patd_again || bail "patd does not start again"
token_try try_tls alice "$token"
is "with allow_users it may" "$outcome" in
door_end qemu
