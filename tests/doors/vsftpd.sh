#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# vsftpd, with the lines of examples/vsftpd behind those of Debian: a token in place
# of the password, also of users without a line in passwd.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/lib.sh
. "$JP_SOURCE/tests/doors/lib.sh"
# shellcheck source=tests/doors/ftp.sh
. "$JP_SOURCE/tests/doors/ftp.sh"

door_needs vsftpd openssl
door_make
door_certificate
door_recipe vsftpd
door_check vsftpd
mkdir -p "$DOOR/run/vsftpd/empty" "$SCRATCH/ftp"
# The folder of the user ftp is not on every machine.
sed -i "s|:/srv/ftp:|:$SCRATCH/ftp:|" "$DOOR/etc/passwd"
sed "s|/srv/ftp|$SCRATCH/ftp|" "$DOOR/etc/vsftpd.conf" >"$SCRATCH/vsftpd.conf"

# vsftpd_once [SED-ARGUMENT...]: for what the recipe has made.
vsftpd_once() {
	sed -e '' "$@" "$SCRATCH/vsftpd.conf" >"$DOOR/etc/vsftpd.conf"
	cat >>"$DOOR/etc/vsftpd.conf" <<-EOT
		listen=YES
		listen_ipv6=NO
		listen_address=127.0.0.1
		listen_port=$server_port
		background=NO
		xferlog_file=$SCRATCH/log/xfer.log
		max_login_fails=1
		delay_failed_login=0
	EOT
	door_start vsftpd vsftpd /etc/vsftpd.conf
}

server_try vsftpd vsftpd_once ||
	bail "vsftpd does not start: $(cat "$SCRATCH/log/vsftpd.log")"
door_try_it vsftpd try_ftp
token_proofs vsftpd try_ftp 530 in
ftp_plain vsftpd 530
door_refusing vsftpd try_ftp 530 jira-pat-vsftpd
door_sso vsftpd try_ftp in
door_networks vsftpd try_ftp 530 jira-pat-vsftpd
door_case vsftpd try_ftp in
door_longest vsftpd try_ftp jira-pat-vsftpd 128

# What the lines about guests are for. The answer to all others is not TLS.
stop vsftpd
server_try vsftpd vsftpd_once -e '/^guest_/d' ||
	bail "vsftpd does not start: $(cat "$SCRATCH/log/vsftpd.log")"
door_check vsftpd door-local
token_try try_ftp alice "$token_alice"
is "vsftpd without guests: a user with a passwd line gets in" "$outcome" in
door_sso "vsftpd without guests" try_ftp broken
door_end vsftpd
