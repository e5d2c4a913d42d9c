#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../.. disable=SC2016
# The units that "make install" brings, under the systemd of this release: who runs
# with which rights, what a socket that outlives the daemon is good for, the timers,
# the examples of drop-ins, and the way from units that started patd as root.

# shellcheck source=tests/packages/units_lib.sh
. "$JP_SOURCE/tests/packages/units_lib.sh"

units_start ''

# ask WAY PATH: what www-data is answered about the token of jane.
ask() {
	echo "$token" | in_there setpriv --reuid www-data --regid www-data \
		--clear-groups python3 /srv/ask.py "$1" "$2" jane
}

# of_process UNIT FIELD: of proc(5).
of_process() {
	in_there sed -n "s/^$2:[	 ]*//p" "/proc/$(show "$1" MainPID)/status" |
		tr '\t' ' '
}

is_active() {
	[ "$(show "$1" ActiveState)" = active ]
}

in_there cp -a --no-preserve=ownership /srv/installed/. /
in_there ldconfig
in_there systemd-sysusers >"$SCRATCH/log/sysusers"
in_there systemd-tmpfiles --create patd.conf >"$SCRATCH/log/tmpfiles"
in_there mkdir -p "$(value sysconfdir)/jira-pat"
conf=$(value sysconfdir)/jira-pat/jira-pat.conf
in_there cp "$(value docdir)/examples/jira-pat.conf" "$conf"
in_there pat-admin init >"$SCRATCH/log/init" || bail "init: $(cat "$SCRATCH/log/init")"

# --- Users and rights ------------------------------------------------------------

in_there systemctl daemon-reload
ok "patd and pat-httpd start with what sysusers.d and tmpfiles.d create" \
	in_there systemctl -q enable --now patd pat-httpd
for daemon in patd:jira-pat pat-httpd:jira-pat-http; do
	unit=${daemon%:*}
	user=$(in_there id -u "${daemon#*:}")
	is "$unit has had no root, and has no capability" \
		"$(of_process "$unit" Uid)/$(of_process "$unit" CapBnd)" \
		"$user $user $user $user/0000000000000000"
	like "$unit: systemd's exposure is 0.5 at most" \
		"$(in_there systemd-analyze --no-pager security "$unit" | tail -n 1)" \
		"*: 0.[0-5] *"
	like "$unit gives up the rest by itself" \
		"$(in_there journalctl -q -o cat -u "$unit" | sed -n 's/.*sandbox: //p')" \
		"capabilities dropped, *Landlock (*), seccomp"
done
like "what patd remembers of tokens is locked" "$(of_process patd VmLck)" \
	"[1-9][0-9][0-9][0-9] kB"
is "the sockets: those of systemd for everybody, admin.sock for nobody else" \
	"$(in_there sh -c 'cd /run/jira-pat && stat -c "%n %U %a" *.sock')" \
	"admin.sock jira-pat 600
fcgi.sock root 666
http.sock root 666
verify.sock root 666"
token=$(boot_run pat-admin create jane --name test 2>/dev/null)
is "root makes a token, and a server has it accepted" \
	"$(ask verify /run/jira-pat/verify.sock)" accepted
is "a proxy asks pat-httpd" \
	"$(printf 'user = "jane:%s"\n' "$token" | in_there curl -s -o /dev/null \
		-w '%{http_code}' --config - --unix-socket /run/jira-pat/http.sock \
		http://localhost/auth/jira)" 200
in_there groupadd pat-admins
in_there usermod -aG pat-admins jira-pat
in_there sed -i '/^\[patd\]/a admin_group = pat-admins' "$conf"
ok "a new admin_group: patd starts with it" in_there systemctl restart patd
is "and gives it admin.sock, though it may change nothing else" \
	"$(in_there stat -c '%G %a' /run/jira-pat/admin.sock)" "pat-admins 660"
printf '[service jira]\ngroups = nobody-else\n' | in_there tee -a "$conf" >/dev/null
ok "a reload succeeds" in_there systemctl reload patd
is "and what is new in the configuration holds" \
	"$(ask verify /run/jira-pat/verify.sock)" denied
in_there sed -i '/^\[service jira\]/,$d' "$conf"
in_there systemctl reload patd

# --- The socket is there before patd, and stays -------------------------------------

httpd=$(show pat-httpd MainPID)
in_there systemctl kill -s KILL patd
is "who asks while patd starts anew is answered" \
	"$(ask verify /run/jira-pat/verify.sock)" accepted
is "systemd has started it anew" "$(show patd NRestarts)" 1
in_there systemctl kill -s STOP patd
is "a patd that hangs is killed, and who waits for it is answered by the next" \
	"$(ask verify /run/jira-pat/verify.sock)" accepted
is "systemd's watchdog did it" "$(show patd NRestarts)" 2
is "pat-httpd has not noticed" "$(show pat-httpd MainPID)" "$httpd"
in_there systemctl stop patd
is "patd is stopped: who asks starts it" \
	"$(ask verify /run/jira-pat/verify.sock)" accepted
in_there systemctl stop patd
is "a check that starts it finds nothing bad" \
	"$(in_there pat-admin check | grep '^bad')" ""
in_there systemctl stop patd
boot_run python3 -c '
import fcntl, os, time
with open("/var/lib/jira-pat/store.lock", "r+") as lock:
    fcntl.lockf(lock, fcntl.LOCK_EX)
    fcntl.flock(lock, fcntl.LOCK_EX)
    while not os.path.exists("/run/store-is-free"):
        time.sleep(0.1)' >"$SCRATCH/log/holder" 2>&1 &
in_there systemctl start patd >"$SCRATCH/log/start"
restarted_often() {
	[ "$(show patd NRestarts)" -ge 7 ]
}
ok "a store is in use: systemd starts patd again and again" \
	wait_for 60 restarted_often
in_there touch /run/store-is-free
ok "and once it is free patd is back" wait_for 60 is_active patd
is "with its socket" "$(ask verify /run/jira-pat/verify.sock)" accepted
in_there systemctl stop patd.socket
ok "whoever stops the socket stops patd" \
	in_there sh -c '! systemctl -q is-active patd'
like "then nobody is there, at once" \
	"$(ask verify /run/jira-pat/verify.sock | tail -n 1)" "FileNotFoundError:*"
ok "and pat-admin works on the store itself, also to restore" \
	in_there sh -ec 'pat-admin backup /var/backups/all && rm -r /var/lib/jira-pat
		pat-admin restore /var/backups/all'
ok "patd starts with its socket" in_there systemctl start patd
is "and with what was restored" \
	"$(ask verify /run/jira-pat/verify.sock)" accepted
like "a question of root's where no patd is, beside one that starts" \
	"$(echo "$token" | in_there sh -c 'systemctl stop patd.socket patd
		systemctl --no-block start patd
		python3 /srv/ask.py one-shot "$(command -v patd)" jane')" accepted

# --- Sockets for chroots, and over TCP ----------------------------------------------

examples=$(value docdir)/examples/systemd
in_there sh -ec "mkdir /etc/systemd/system/patd.socket.d
	cp $examples/patd-postfix.conf $examples/patd-saslauthd.conf \
		/etc/systemd/system/patd.socket.d/
	systemctl daemon-reload
	systemctl restart patd.socket patd"
is "the drop-in for Postfix: the plugin is answered in its chroot" \
	"$(ask verify /var/spool/postfix/jira-pat/verify.sock)" accepted
is "and so is saslauthd's protocol" \
	"$(ask mux /var/spool/postfix/jira-pat/mux)" accepted
is "and where a service looks for saslauthd" "$(ask mux /run/saslauthd/mux)" accepted
is "only root may put a socket there" \
	"$(in_there stat -c '%U %a' /var/spool/postfix/jira-pat)" "root 755"
in_there sh -c "cat >>$conf" <<'EOF'
[listener web]
listen = 127.0.0.1:919
EOF
in_there sh -ec "sed 's/:888/:919/; s/=apache/=web/' \
	$examples/pat-httpd-apache.socket >/etc/systemd/system/pat-httpd-web.socket
	systemctl daemon-reload
	systemctl stop pat-httpd
	systemctl -q enable --now pat-httpd-web.socket pat-httpd"
is "a TCP socket of systemd serves, though pat-httpd itself has no network" \
	"$(printf 'user = "jane:%s"\n' "$token" | in_there curl -s -o /dev/null \
		-w '%{http_code}' --config - http://127.0.0.1:919/auth/jira)" 200

# --- Timers ------------------------------------------------------------------------

is "no timer is enabled by the installation" \
	"$(in_there sh -c 'for timer in backup notify purge stats; do
		systemctl is-enabled jira-pat-$timer.timer; done' | sort | uniq -c |
		tr -s ' ')" " 4 disabled"
ok "the timers start" in_there systemctl -q enable --now jira-pat-backup.timer \
	jira-pat-notify.timer jira-pat-purge.timer jira-pat-stats.timer
ok "purge runs" in_there systemctl start jira-pat-purge
in_there sh -ec 'mkdir -p /etc/systemd/system/jira-pat-backup.service.d
	cp '"$examples"'/jira-pat-backup.conf /etc/systemd/system/jira-pat-backup.service.d/
	sed -i "s/KEEP=.*/KEEP=2/; s/^RequiresMountsFor.*//" \
		/etc/systemd/system/jira-pat-backup.service.d/jira-pat-backup.conf
	install -d -o jira-pat -g jira-pat -m 700 /srv/backups/jira-pat
	mkdir /srv/backups/jira-pat/2020-01-01T000000Z /srv/backups/jira-pat/2026-01-01T000000Z /srv/backups/jira-pat/other
	systemctl daemon-reload'
ok "a backup is made" in_there systemctl start jira-pat-backup
is "where the drop-in says, and of those it makes only the last two are left" \
	"$(in_there sh -c 'cd /srv/backups/jira-pat && ls -d 2*/manifest.json |
		grep -c . && ls -d 2020* 2026-01* other 2>/dev/null')" "1
2026-01-01T000000Z
other"
ok "it is good" in_there sh -ec 'systemctl stop patd.socket patd
	rm -r /var/lib/jira-pat
	pat-admin restore "$(ls -d /srv/backups/jira-pat/2* | tail -n 1)"
	systemctl start patd'
is "and has the token" "$(ask verify /run/jira-pat/verify.sock)" accepted
like "notify without a command fails, and says what to set" \
	"$(in_there systemctl start jira-pat-notify; in_there journalctl -q -n 5 \
		-o cat -u jira-pat-notify)" "*set ?tokens? notify_command*"
in_there sh -c 'printf "#!/bin/sh\nid -un >>/tmp/told\n" >/usr/local/bin/tell
	chmod 755 /usr/local/bin/tell
	sed -i "s|^\[tokens\]|&\nnotify_command = /usr/local/bin/tell|" "$1"' \
	sh "$conf"
ok "with one it runs" in_there systemctl start jira-pat-notify

# As Debian's prometheus-node-exporter leaves it.
in_there sh -ec 'useradd -r prometheus
	mkdir -p /var/lib/prometheus/node-exporter
	chown prometheus:prometheus /var/lib/prometheus'
ok "stats runs" in_there systemctl start jira-pat-stats
like "and node-exporter may read it" \
	"$(in_there setpriv --reuid prometheus --clear-groups --regid prometheus \
		cat /var/lib/prometheus/node-exporter/jira-pat.prom)" "*# TYPE *"

in_there sh -ec 'rm /var/lib/prometheus/node-exporter/*
	chown prometheus:prometheus /var/lib/prometheus/node-exporter'
ok "stats runs where the directory is its user's" \
	in_there systemctl start jira-pat-stats
is "and the file is this user's, for everybody to read" \
	"$(in_there sh -c 'cd /var/lib/prometheus/node-exporter && stat -c "%n %U %a" *')" \
	"jira-pat.prom prometheus 644"

# --- From units that started patd as root ------------------------------------------

in_there sh -ec 'systemctl disable -q --now patd.socket patd
	cat >/etc/systemd/system/patd.service
	systemctl daemon-reload
	systemctl start patd' <<'EOF'
[Service]
Type=notify
ExecStart=/usr/local/sbin/patd --foreground
RuntimeDirectory=jira-pat
RuntimeDirectoryPreserve=yes
[Install]
WantedBy=multi-user.target
EOF
is "before: patd makes its socket itself" \
	"$(ask verify /run/jira-pat/verify.sock) $(in_there stat -c %U \
		/run/jira-pat/verify.sock)" "accepted jira-pat"
in_there rm /etc/systemd/system/patd.service
in_there systemctl daemon-reload
ok "after: a restart is enough" in_there systemctl restart patd
is "and the socket is systemd's" \
	"$(ask verify /run/jira-pat/verify.sock) $(show patd.socket SubState)" \
	"accepted running"

boot_stop
is "nothing of it is left" "$(find "$(boot_groups)" -maxdepth 1 \
	-name "$boot_group")" ""
done_testing
