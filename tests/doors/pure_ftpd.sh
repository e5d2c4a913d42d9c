#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# pure-ftpd, started as Debian does it, with the files of examples/pure-ftpd: a token
# in place of the password, of users with a line in passwd.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/lib.sh
. "$JP_SOURCE/tests/doors/lib.sh"
# shellcheck source=tests/doors/ftp.sh
. "$JP_SOURCE/tests/doors/ftp.sh"

door_needs openssl
door_make
door_unpacked pure-ftpd
door_certificate
mkdir -p "$DOOR/run/pure-ftpd"
door_recipe pure-ftpd
door_check pure-ftpd door-address door-local
echo "clf:$SCRATCH/log/transfer.log" >"$DOOR/etc/pure-ftpd/conf/AltLog"

pure_ftpd_once() {
	echo "127.0.0.1,$server_port" >"$DOOR/etc/pure-ftpd/conf/Bind"
	door_start pure_ftpd pure-ftpd-wrapper
}

server_try pure_ftpd pure_ftpd_once ||
	bail "pure-ftpd does not start: $(cat "$SCRATCH/log/pure_ftpd.log")"
door_try_it pure-ftpd try_ftp
token_proofs pure-ftpd try_ftp 530 in
ftp_plain pure-ftpd 421
door_refusing pure-ftpd try_ftp 530 pure-ftpd
door_sso pure-ftpd try_ftp 530
ok "pure-ftpd: it refuses a user whom PAM has accepted" \
	door_said 'accepted.*service="pure-ftpd".*user="sso.user"'
door_networks pure-ftpd try_ftp 530 pure-ftpd none
ok "pure-ftpd: PAM is told a name in place of the address" \
	door_said 'reason=address .*service="pure-ftpd" .*(not an address'
door_longest pure-ftpd try_ftp pure-ftpd 511
door_case pure-ftpd try_ftp in
door_end pure_ftpd
