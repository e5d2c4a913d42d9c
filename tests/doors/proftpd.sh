#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# ProFTPD, with the files of examples/proftpd beside those of Debian: a token in
# place of the password, of users with a line in passwd or in AuthUserFile.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/lib.sh
. "$JP_SOURCE/tests/doors/lib.sh"
# shellcheck source=tests/doors/ftp.sh
. "$JP_SOURCE/tests/doors/ftp.sh"

door_needs openssl
door_make
door_unpacked proftpd-mod-crypto
door_certificate

# What Debian's package makes when it is configured, but for its folders in /var.
mkdir -p "$DOOR/etc/proftpd/conf.d" "$DOOR/run/proftpd" "$SCRATCH/ftp"
echo "proftpd:x:61005:65534::/run/proftpd:/usr/sbin/nologin" >>"$DOOR/etc/passwd"
# shellcheck disable=SC2016
inside sh -c 'cd /usr/share/proftpd/templates &&
	cp modules.conf proftpd.conf /etc/proftpd/' ||
	bail "no templates of ProFTPD"
sed -i "s|/var/log/proftpd|$SCRATCH/log|" "$DOOR/etc/proftpd/proftpd.conf"
# How this one is started; it is read last.
cat >"$DOOR/etc/proftpd/conf.d/zz-test.conf" <<-EOT
	DefaultAddress 127.0.0.1
	UseIPv6 off
	SocketBindTight on
	PidFile $SCRATCH/proftpd.pid
	ScoreboardFile $SCRATCH/proftpd.scoreboard
	DelayTable none
	WtmpLog off
	ServerLog $SCRATCH/log/proftpd-own.log
EOT
door_recipe proftpd
door_check proftpd
sed -i "s|/srv/ftp|$SCRATCH/ftp|" "$DOOR/etc/proftpd/jira-pat.passwd"

proftpd_once() {
	sed -i "s|^Port .*|Port $server_port|" "$DOOR/etc/proftpd/proftpd.conf"
	door_start proftpd proftpd -n -c /etc/proftpd/proftpd.conf
}

# not_asked: patd knows nothing of the last token.
not_asked() {
	! grep -q "id=$id" "$SCRATCH/log/patd.log"
}

server_try proftpd proftpd_once ||
	bail "ProFTPD does not start: $(cat "$SCRATCH/log/proftpd.log")"
door_try_it proftpd try_ftp
token_proofs ProFTPD try_ftp 530 in
ftp_plain ProFTPD 550
door_refusing ProFTPD try_ftp 530 jira-pat-proftpd
door_sso ProFTPD try_ftp in
door_networks ProFTPD try_ftp 530 jira-pat-proftpd
door_longest ProFTPD try_ftp jira-pat-proftpd 512 512
door_case ProFTPD try_ftp in

# What the star, the session and AuthUserFile are for.
sed -i "s|^alice:[^:]*|alice:$(openssl passwd -6 local.password)|" \
	"$DOOR/etc/shadow"
token_try try_ftp alice local.password
is "ProFTPD: a password of the machine does not get in" "$outcome" 530
sed -i '/^session/d' "$DOOR/etc/pam.d/jira-pat-proftpd"
door_check proftpd door-session
token_try try_ftp alice "$token_alice"
is "ProFTPD: without a line for the session, the right token does not get in" \
	"$outcome" 530
door_service jira-pat-proftpd proftpd/jira-pat-proftpd
stop proftpd
sed -i '/^AuthUserFile/d' "$DOOR/etc/proftpd/conf.d/jira-pat.conf"
server_try proftpd proftpd_once ||
	bail "ProFTPD does not start: $(cat "$SCRATCH/log/proftpd.log")"
door_sso "ProFTPD without AuthUserFile" try_ftp 530
ok "ProFTPD without AuthUserFile: patd is not asked" not_asked
door_end proftpd
