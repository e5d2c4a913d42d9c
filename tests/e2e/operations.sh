#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# doc/OPERATIONS.md: its commands are run as they stand there, but for paths, ports
# and account names of this world; a stand-in for systemctl starts and stops the real
# patd and pat-httpd.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/document.sh
. "$JP_SOURCE/tests/lib/document.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"

OPERATIONS=$JP_SOURCE/doc/OPERATIONS.md

missing=$(
	for tool in curl promtool python3; do
		command -v "$tool" >/dev/null 2>&1 || echo "$tool"
	done
	closed_folders "$JP_BUILD" "$JP_SOURCE"
)
[ -z "$missing" ] || skip_all "missing here: $(echo "$missing" | tr '\n' ' ')"

# --- The world ------------------------------------------------------------------

scratch
METRICS=$(free_port)
WORLD=$SCRATCH/world
# shellcheck disable=SC2034
WORLD_SECTIONS="audit_file = $WORLD/trail/audit.jsonl"
world_make >"$SCRATCH/log/init.log" 2>&1 ||
	bail "no store: $(cat "$SCRATCH/log/init.log")"
mkdir "$SCRATCH/bin" "$SCRATCH/root" "$SCRATCH/systemd" "$SCRATCH/textfile" \
	"$SCRATCH/prometheus"

# The doors of this machine are none of this world's.
cat >"$SCRATCH/bin/pat-admin" <<END
#!/bin/sh
case \$1 in
--config) exec "$JP_BUILD/tools/pat-admin" "\$@" ;;
check) set -- "\$@" --root "$SCRATCH/root" ;;
esac
exec "$JP_BUILD/tools/pat-admin" --config "$WORLD/jira-pat.conf" "\$@"
END

# A timer is there, or its socket is, wherever the commands have put it.
cat >"$SCRATCH/bin/systemctl" <<END
#!/bin/sh
runs() {
	case \$(sed 's/.*) //' "/proc/\$(cat "$SCRATCH/\$1.pid")/stat") in
	'' | [ZX]*) return 1 ;;
	esac
}
stop() {
	[ -e "$SCRATCH/\$1.pid" ] || return 0
	kill "\$(cat "$SCRATCH/\$1.pid")"
	while runs "\$1" 2>/dev/null; do sleep 0.05; done
	rm "$SCRATCH/\$1.pid"
}
start() {
	program=\$1
	socket=\$2
	[ -x "$JP_BUILD/\$program" ] || exit 5
	name=\${program##*/}
	[ ! -e "$SCRATCH/\$name.pid" ] || exit 0
	setsid "$JP_BUILD/\$program" --config "$WORLD/jira-pat.conf" --foreground \\
		</dev/null >>"$SCRATCH/log/\$name.log" 2>&1 &
	echo \$! >"$SCRATCH/\$name.pid"
	until [ -S "$WORLD/run/\$socket" ] &&
		grep -q "\$name: ready" "$SCRATCH/log/\$name.log"; do
		runs "\$name" || exit 1
		sleep 0.05
	done
}
echo "\$*" >>"$SCRATCH/systemctl.log"
case "\$*" in
daemon-reload) ;;
'stop patd.socket patd') stop patd ;;
'start patd.socket patd') start patd/patd verify.sock ;;
'restart patd') stop patd; start patd/patd verify.sock ;;
'stop pat-httpd') stop pat-httpd ;;
'try-restart pat-httpd')
	[ ! -e "$SCRATCH/pat-httpd.pid" ] || {
		stop pat-httpd
		start pat_httpd/pat-httpd http.sock
	}
	;;
'enable --now pat-httpd-metrics.socket pat-httpd')
	[ -f "$SCRATCH/systemd/pat-httpd-metrics.socket" ] || exit 1
	start pat_httpd/pat-httpd http.sock
	;;
'enable --now '*.timer) [ -f "$JP_SOURCE/patd/timers/\$3" ] ;;
*) echo "systemctl: what is \$*?" >&2; exit 4 ;;
esac
END
chmod 755 "$SCRATCH"/bin/*
PATH=$SCRATCH/bin:$PATH
# shellcheck disable=SC2016
tap_cleanup='for pid in "$SCRATCH"/*.pid; do
	[ ! -e "$pid" ] || kill "$(cat "$pid")" 2>/dev/null; done'
group=$(id -gn "$world_user")

# commands TITLE N: the block, for this world.
commands() {
	block "$OPERATIONS" "$1" "${3:-sh}" "$2" | sed \
		-e "s|/usr/share/doc/jira-pat/examples|$JP_SOURCE/examples|g" \
		-e "s|/var/lib/prometheus/node-exporter|$SCRATCH/textfile|g" \
		-e "s|/var/backups|$SCRATCH/backups|g" \
		-e "s|/etc/systemd/system|$SCRATCH/systemd|g" \
		-e "s|/etc/prometheus|$SCRATCH/prometheus|g" \
		-e "s|127[.]0[.]0[.]1:9712|127.0.0.1:$METRICS|g" \
		-e "s|-o jira-pat -g jira-pat|-o $world_user -g $group|g" \
		-e "s|^\[patd\]\$|&\nuser = $world_user|" \
		-e "s|revoke ID|revoke ${id:-ID}|"
}

# follow TITLE N: runs the block as a reader would, and stops at what fails; check
# may have warnings. Sets $out.
ran=0
follow() {
	commands "$1" "$2" | sed 's/^pat-admin check$/& || [ $? = 1 ]/' \
		>"$SCRATCH/commands"
	ran=$((ran + 1))
	if [ -s "$SCRATCH/commands" ] &&
		sh -e "$SCRATCH/commands" >"$SCRATCH/out" 2>&1; then
		pass "the commands run: $1, $2"
	else
		fail "the commands run: $1, $2" "$(cat "$SCRATCH/out")"
	fi
	out=$(cat "$SCRATCH/out")
}

# accepted TOKEN
accepted() {
	printf '%s\n' "$1" | pat-admin test alice >/dev/null 2>&1
}
denied() {
	! accepted "$1"
}

systemctl start patd.socket patd ||
	bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
mkdir "$SCRATCH/backups"
token=$(pat-admin create alice --name before 2>/dev/null) || bail "no token"
id=$(printf %.8s "${token#*_}")

# --- Backup and restore ---------------------------------------------------------

follow Backup 1
follow Backup 2
ok "the backup is whole" test -s "$SCRATCH/backups/jira-pat/monday/manifest.json"
follow Backup 3
like "a rehearsal shows what is in the backup" "$out" "*$id*"
ok "and leaves nothing" test ! -e "$SCRATCH/backups/rehearsal"

later=$(pat-admin create alice --name later 2>/dev/null)
pat-admin revoke "$id" >"$SCRATCH/out" || bail "$id cannot be revoked"
ok "a token is revoked after the backup" denied "$token"
follow Restore 1
ok "patd is stopped" test ! -S "$WORLD/run/verify.sock"
follow Restore 2
like "the audit trail still knows what was revoked since" "$out" "*revoke*$id*"
ok "so that it is revoked again" denied "$token"
ok "a token that was made since is unknown" denied "$later"
is "the store of before is kept" \
	"$(find "$WORLD" -maxdepth 1 -name 'store.before-*' | wc -l)" 1
ok "patd runs again" world_accepts "$WORLD/run/verify.sock"

# What would be without that.
systemctl stop patd.socket patd
pat-admin restore "$SCRATCH/backups/jira-pat/monday" >/dev/null 2>&1
systemctl start patd.socket patd
ok "a restored store has live tokens that had been revoked" accepted "$token"

# --- Rotation and upgrade -------------------------------------------------------

follow Rotation 1
follow Rotation 2
follow Upgrade 1
ok "there is a way back" test -s "$SCRATCH/backups/jira-pat/before/manifest.json"
follow Upgrade 2
ok "after the restart tokens are accepted" accepted "$token"

# --- Monitoring -----------------------------------------------------------------

follow Monitoring 1
follow Monitoring 2
like "the file for the node exporter has the figures" \
	"$(cat "$SCRATCH/textfile/jira-pat.prom")" "*jira_pat_up 1*"
commands Monitoring 1 ini >>"$WORLD/jira-pat.conf"
follow Monitoring 3
follow Monitoring 4
like "the metrics of pat-httpd can be read" "$out" \
	"*# HELP jira_pat_httpd_answers_total *"
follow Monitoring 5
like "the rules are good" "$out" "*SUCCESS*"
is "each block of commands was run" "$ran" \
	"$(grep -c '^ *```sh$' "$OPERATIONS")"

# --- What stands in sentences and tables ----------------------------------------

# help_of COMMAND OPTION: whether it is one.
help_of() {
	"$JP_BUILD/tools/pat-admin" "$1" --help 2>/dev/null | grep -q -e "$2\\b"
}
# shellcheck disable=SC2016
is "pat-admin has the commands and options that are named" "$(
	grep -o -E '`pat-admin [^`]*`' "$OPERATIONS" | tr -d '`' | sort -u |
		while read -r _ command words; do
			help_of "$command" "$command" || echo "$command"
			for word in $words; do
				case $word in
				--*) help_of "$command" "$word" ||
					echo "$command $word" ;;
				esac
			done
		done
)" ''
is "each chapter that is named is there" "$(
	grep -o -E 'JiraPat[A-Za-z]+' "$OPERATIONS" | sort -u |
		while read -r name; do
			grep -q -x "### $name" "$OPERATIONS" || echo "$name"
		done
)" ''
done_testing
