#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# A real vsftpd that asks the module while no patd runs: each login spawns a
# patd for one question. vsftpd's handler of SIGCHLD waits for any child; were
# the spawned one to raise that signal, the session would hang, and with it, by
# the lock of its log, all later ones.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"

PATH=$PATH:/usr/sbin:/sbin
LOGINS=8

[ "$(id -u)" = 0 ] || skip_all "not root: nothing is spawned"
for tool in vsftpd python3 setsid; do
	command -v "$tool" >/dev/null 2>&1 || skip_all "$tool is missing"
done
module=$JP_BUILD/tests/pam/.libs/pam_jira_pat_here.so
case $(ldd "$module") in
*libasan* | *libtsan*) skip_all "a server without sanitizer cannot load it" ;;
esac

# ftp_login USER TOKEN...: a login with each; prints the codes of the answers.
ftp_login() {
	ftp_user=$1
	shift
	printf '%s\n' "$@" | python3 -c 'import socket, sys
for token in sys.stdin.read().split("\n")[:-1]:
    code = "hangs"
    try:
        with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60) as sock:
            talk = sock.makefile("rw", newline="\r\n")
            talk.readline()
            for line in ("USER " + sys.argv[2], "PASS " + token):
                print(line, file=talk, end="\r\n", flush=True)
                code = talk.readline()[:3] or "closed"
    except TimeoutError:
        code = "hangs"
    print(code, end=" ")' "$port" "$ftp_user"
}

scratch
world_make >"$SCRATCH/log/init.log" 2>&1 ||
	bail "no store: $(cat "$SCRATCH/log/init.log")"
printf '%s required %s config=%s/jira-pat.conf timeout=30\n' \
	auth "$module" "$WORLD" account "$module" "$WORLD" \
	>"$WORLD/pam.d/jira-pat-vsftpd"
token=$(pat_admin create alice 2>"$SCRATCH/log/create.log") ||
	bail "no token: $(cat "$SCRATCH/log/create.log")"
mkdir "$WORLD/empty" "$WORLD/ftp"

vsftpd_start() {
	port=$(free_port) || return 1
	cat >"$WORLD/vsftpd.conf" <<-EOF
		listen=YES
		listen_address=127.0.0.1
		listen_port=$port
		background=NO
		anonymous_enable=NO
		local_enable=YES
		pam_service_name=jira-pat-vsftpd
		secure_chroot_dir=$WORLD/empty
		nopriv_user=nobody
		guest_enable=YES
		guest_username=daemon
		local_root=$WORLD/ftp
		max_login_fails=3
		delay_failed_login=0
		xferlog_enable=YES
		dual_log_enable=YES
		vsftpd_log_file=$SCRATCH/log/vsftpd-own.log
		xferlog_file=$SCRATCH/log/xfer.log
	EOF
	chown root "$WORLD/vsftpd.conf"
	start vsftpd env LD_PRELOAD="$JP_BUILD/tests/lib/.libs/pam_confdir.so" \
		JP_PAM_CONFDIR="$WORLD/pam.d" vsftpd "$WORLD/vsftpd.conf"
	wait_for 60 vsftpd_settled && running vsftpd
}

vsftpd_settled() {
	running vsftpd || return 0
	python3 -c 'import socket, sys
socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)' "$port" \
		2>/dev/null
}

vsftpd_start || vsftpd_start ||
	bail "vsftpd does not start: $(cat "$SCRATCH/log/vsftpd.log")"

is "a good token is let in, with no patd running" \
	"$(ftp_login alice "$token")" "230 "
is "a wrong one is not" "$(ftp_login alice wrong)" "530 "
good=
for _ in $(seq $LOGINS); do
	good="$good$token "
done
# shellcheck disable=SC2086
is "nobody hangs afterwards" "$(ftp_login alice $good)" \
	"$(echo "$good" | sed 's/[^ ]* /230 /g')"
pat_admin revoke --user alice >"$SCRATCH/log/revoke.log" 2>&1
is "a revoked token is refused" "$(ftp_login alice "$token")" "530 "
sed -i 's/^store_dir.*/store_dir = \/nonexistent/' "$WORLD/jira-pat.conf"
# shellcheck disable=SC2046
is "where the store is gone, everybody is refused, and nobody hangs" \
	"$(ftp_login alice "$token" "$token" "$token")" "530 530 530 "
is "no process is left behind" "$(pgrep -f "one-shot.*$WORLD" | wc -l)" 0
done_testing
