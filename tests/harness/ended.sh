#!/bin/sh
# A test that is ended, as whoever waits for it may do, leaves nothing behind: no
# process, no file. What shell tests have started ends in tests/lib/tap.sh.

# shellcheck source-path=SCRIPTDIR/../..
# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"

command -v python3 >/dev/null 2>&1 || skip_all "no python3"
scratch

# ended_in SIGNAL NAME WHAT: the test in NAME.py, as soon as it has WHAT.
ended_in() {
	mark=$$.$1.$2
	mkdir "$SCRATCH/tmp"
	JP_TEST_MARK=$mark TMPDIR=$SCRATCH/tmp PYTHONDONTWRITEBYTECODE=1 \
		PYTHONPATH=$JP_SOURCE/tests/daemon:$JP_SOURCE/tests/cluster \
		start "$2" python3 "$SCRATCH/$2.py"
	wait_for 120 has_begun "$2"
	if ! running "$2"; then
		fail "a test that has $3 begins" "$(cat "$SCRATCH/log/$2.log")"
		return
	fi
	kill -s "$1" "$started_pid"
	wait_for 120 has_ended "$2"
	is "a test that has $3 is ended by SIG$1: no process is left" \
		"$(left_behind)" ''
	is "nor a file" "$(ls -A "$SCRATCH/tmp")" ''
	stop "$2"
	rm -rf "$SCRATCH/tmp" "$SCRATCH/log/$2.log"
}

has_begun() {
	grep -q -x begun "$SCRATCH/log/$1.log" || ! running "$1"
}

has_ended() {
	! running "$1"
}

# What has $mark; servers that write over their environment are in their folder.
left_behind() {
	grep -l -s -z -x "JP_TEST_MARK=$mark" /proc/[0-9]*/environ
	find /proc/[0-9]*/cwd -lname "$SCRATCH/tmp/*" 2>/dev/null
}

cat >"$SCRATCH/of_daemon.py" <<-'EOF'
	import time
	from daemon import main, world

	def waits():
	    """waits for its end"""
	    with world():
	        print("begun", flush=True)
	        time.sleep(600)

	main([waits])
EOF
cat >"$SCRATCH/of_cluster.py" <<-'EOF'
	import time
	from daemon import main
	from link import Place
	from postgres import Pair

	def waits():
	    """waits for its end"""
	    with Place(pair.conninfo()) as place:
	        place.host()
	        print("begun", flush=True)
	        time.sleep(600)

	with Pair() as pair:
	    main([waits])
EOF
for signal in TERM HUP; do
	ended_in $signal of_daemon "a patd"
	if [ -n "$(find /usr/lib/postgresql/*/bin/initdb 2>/dev/null)" ]; then
		ended_in $signal of_cluster "PostgreSQL and a pat-clusterd"
	else
		skip "one with PostgreSQL is ended by SIG$signal" "not installed"
	fi
done

# Two have one name, and neither is left.
(
	start two sleep 600
	echo $started_pid
	start two sleep 600
	echo $started_pid
	stop two
	stop two
) >"$SCRATCH/two"
is "of programs that have one name each is stopped" "$(
	while read -r pid; do
		! tap_alive "$pid" || echo "$pid"
	done <"$SCRATCH/two"
)" ''

# Its number belongs to another by the time a shell test stops it.
cat >"$SCRATCH/reused.sh" <<-'EOF'
	. "$JP_SOURCE/tests/lib/tap.sh"
	scratch
	start gone true
	gone() {
		[ ! -e "/proc/$started_pid" ]
	}
	wait_for 60 gone
	is_later() {
		[ "$(cat /proc/uptime)" != "$now" ]
	}
	now=$(cat /proc/uptime)
	wait_for 60 is_later
	echo $((started_pid - 2)) >/proc/sys/kernel/ns_last_pid
	(setsid sleep 600 &)
	tap_alive "$started_pid" || bail "its number is not given out again"
	stop gone
	is "the status of a program that was gone is its own" $? 0
	ok "who has its number by then is left alone" tap_alive "$started_pid"
	done_testing
EOF
if unshare -p -f --mount-proc sh -c ': >>/proc/sys/kernel/ns_last_pid' 2>/dev/null; then
	is "a program is not taken for a later one with its number" \
		"$(unshare -p -f --mount-proc sh "$SCRATCH/reused.sh")" \
		"ok 1 - the status of a program that was gone is its own
ok 2 - who has its number by then is left alone
1..2"
else
	skip "a program is not taken for a later one with its number" "not root"
fi
done_testing
