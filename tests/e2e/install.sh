#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# doc/INSTALL.md, "The source": its commands are run as they stand there, on a copy of
# this machine that nothing outside of it sees; then a token opens what it should.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/build.sh
. "$JP_SOURCE/tests/lib/build.sh"
# shellcheck source=tests/lib/document.sh
. "$JP_SOURCE/tests/lib/document.sh"
# shellcheck source=tests/lib/roots.sh
. "$JP_SOURCE/tests/lib/roots.sh"

INSTALL=$JP_SOURCE/doc/INSTALL.md

# unrun: commands for the packages that no test in roots of Debian 12 and 13 runs.
unrun() {
	block "$INSTALL" "The packages" sh | while IFS= read -r command; do
		case $command in
		"apt-get build-dep ./") continue ;; # as debian/control says
		*" create "*) command="pat-admin create jane.doe" ;;
		*) ;;
		esac
		sed 's/ -y / /' "$JP_SOURCE/tests/lib/deb_steps.sh" |
			grep -q -F -e "$command" || echo "$command"
	done
}

for tool in autoreconf pamtester systemd-sysusers systemd-tmpfiles; do
	command -v $tool >/dev/null 2>&1 || skip_all "$tool is missing"
done
# The build with sanitizers is another one: once is enough.
case $(ldd "${JP_BUILD:?}/.libs/pam_jira_pat.so" 2>/dev/null) in
*libasan* | *libtsan*) skip_all "a build without sanitizer is missing" ;;
*) ;;
esac
MACHINE=$(mktemp -d /dev/shm/jira-pat.XXXXXXXX) || skip_all "no /dev/shm"
# What the machine has mounted goes with the last of its processes.
# shellcheck disable=SC2034,SC2016
tap_cleanup='root_drop "$MACHINE/root"; rmdir "$MACHINE"'
why=$(root_here "$MACHINE/root" 2>&1) || skip_all "$why"
scratch
copy_source "$JP_SOURCE" "$MACHINE/root/srv/source" ||
	bail "no copy of the source"
mkdir "$MACHINE/root/srv/bin"

# --- The machine ----------------------------------------------------------------

# No service manager runs there, and no network is asked.
cat >"$MACHINE/root/srv/bin/systemctl" <<'END'
#!/bin/sh
# Starts what a unit starts, as root, who makes the sockets, too; after a restart
# another process.
case $1 in
enable) shift 2 ;;
restart | try-restart) shift ;;
*) exit 0 ;;
esac
for unit; do
	if [ -e /srv/"$unit".pid ]; then
		kill "$(cat /srv/"$unit".pid)"
		while [ -e /proc/"$(cat /srv/"$unit".pid)"/exe ]; do sleep 0.1; done
		rm /srv/"$unit".pid
	fi
	exec_start=$(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/"$unit".service)
	[ -n "$exec_start" ] || exit 1
	setsid $exec_start >>/srv/"$unit".log 2>&1 &
	echo $! >/srv/"$unit".pid
done
# A file alone may be left over: somebody is to listen there.
listens() {
	grep -q " 00010000 .* /run/jira-pat/$1.sock\$" /proc/net/unix
}
for socket in verify admin http; do
	for _ in $(seq 600); do
		! listens $socket || break
		sleep 0.1
	done
	listens $socket || exit 1
done
END
cat >"$MACHINE/root/srv/bin/apt-get" <<'END'
#!/bin/sh
# What the document names is installed here.
[ "$1" = install ] || exit 1
shift
for package; do
	dpkg-query -W -f '${Status}\n' "$package" | grep -q ' installed$' ||
		exit 1
done
END
chmod 755 "$MACHINE"/root/srv/bin/*
block "$INSTALL" "The source" sh >"$MACHINE/root/srv/commands"
block "$INSTALL" Upgrade sh >"$MACHINE/root/srv/upgrade"
block "$INSTALL" "Try it" sh >"$MACHINE/root/srv/try"
ok "there are commands for an installation from source" \
	grep -q 'pat-admin create' "$MACHINE/root/srv/commands"

# What was on the machine before is none of this installation's.
cat >"$MACHINE/root/srv/story" <<'END'
set -eu
for user in jira-pat jira-pat-http; do
	! getent passwd $user >/dev/null || deluser --quiet $user
done
rm -rf /etc/jira-pat /var/lib/jira-pat /var/log/jira-pat /run/jira-pat
cd /srv/source
export PATH=/srv/bin:$PATH CFLAGS=-O1 MAKEFLAGS="-s -j$(nproc)"
sh -eu /srv/commands >/srv/out 2>/srv/err
token=$(grep -x 'jpat_[0-9A-Za-z]*_[0-9A-Za-z]*' /srv/out)
echo "$token" | pat-admin test jane.doe
cp examples/pam.d/jira-pat /etc/pam.d/
by_pam() {
	echo "$token" | setpriv --reuid www-data --regid www-data --clear-groups \
		pamtester jira-pat jane.doe authenticate acct_mgmt >/dev/null 2>&1 &&
		echo yes || echo no
}
by_httpd() {
	printf 'user = "jane.doe:%s"\n' "$token" | curl -s -K - -o /dev/null \
		-w '%{http_code}\n' --unix-socket /run/jira-pat/http.sock \
		http://localhost/auth/jira
}
by_pam
by_httpd
cat /srv/*.pid >/srv/before
sh -eu /srv/upgrade >>/srv/out 2>>/srv/err
cat /srv/*.pid | cmp -s - /srv/before || echo "another process"
by_pam
by_httpd
ID=$(printf %.13s "$token" | cut -c 6-)
export ID
echo "$token" | sh -eu /srv/try >/srv/tried 2>>/srv/err
sed -n 1p /srv/tried
grep -c -w "$ID" /srv/tried
by_pam
by_httpd
pat-admin audit verify >/dev/null 2>&1 && echo whole
stat -c %U /var/lib/jira-pat /etc/jira-pat/pepper.key /run/jira-pat/admin.sock
make uninstall >/dev/null 2>&1
find /usr /lib -newer /srv/commands -type f \( -name '*jira*pat*' -o -name 'pat*d' \
	-o -name pat-admin \)
END
chmod 644 "$MACHINE"/root/srv/story "$MACHINE/root/srv/commands"

# --- The story --------------------------------------------------------------------

root_run "$MACHINE/root" sh /srv/story >"$SCRATCH/story" 2>"$SCRATCH/log/story"
status=$?
is "the commands of \"The source\" run as they stand there" "$status" 0
[ $status -eq 0 ] || note "$(cd "$MACHINE/root/srv" && tail -n 5 out err ./*.log
	tail -n 5 "$SCRATCH/log/story")"
is "the token is accepted by test, PAM and pat-httpd" \
	"$(sed -n 1,3p "$SCRATCH/story" | tr '\n' ' ')" "accepted yes 200 "
is "after an upgrade other processes accept it, too" \
	"$(sed -n 4,6p "$SCRATCH/story" | tr '\n' ' ')" "another process yes 200 "
is "it is tried as the document says" "$(sed -n 7p "$SCRATCH/story") $(
	[ "$(sed -n 8p "$SCRATCH/story")" -ge 3 ] && echo seen)" "accepted seen"
is "and denied once it is revoked" \
	"$(sed -n 9,10p "$SCRATCH/story" | tr '\n' ' ')" "no 401 "
is "the audit trail is on, and whole" "$(sed -n 11p "$SCRATCH/story")" whole
is "store, pepper and sockets are patd's" \
	"$(sed -n 12,14p "$SCRATCH/story" | tr '\n' ' ')" "jira-pat jira-pat jira-pat "
is "make uninstall leaves nothing of what was installed" \
	"$(sed 1,14d "$SCRATCH/story")" ''
is "the commands of \"The packages\" are those that tests/packages runs" \
	"$(unrun)" ''
done_testing
