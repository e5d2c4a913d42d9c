# shellcheck shell=sh
# For shell tests: TAP output, a scratch folder, background programs that never
# outlive the test. Use with `. "$JP_SOURCE/tests/lib/tap.sh"`.
#
# $SCRATCH is the folder; it goes when the shell ends, however it ends. The
# variables that begin with tap_ are private.

tap_count=0
tap_failed=0
tap_planned=
tap_running= # NAME:PID:BIRTH of each program in the background
tap_cleanup= # commands of the caller, run first at the end

# --- Results -----------------------------------------------------------------

# plan N: as the first line, if the number of tests is known; else end with
# done_testing.
plan() {
	tap_planned=$1
	echo "1..$1"
}

done_testing() {
	[ -n "$tap_planned" ] || plan "$tap_count"
}

note() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

# pass SENTENCE / fail SENTENCE [WHY]
pass() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

fail() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $1"
	[ $# -lt 2 ] || note "$2"
}

# ok SENTENCE COMMAND...: the command succeeds.
ok() {
	tap_what=$1
	shift
	if "$@"; then
		pass "$tap_what"
	else
		fail "$tap_what" "failed with status $?: $*"
	fi
}

# is SENTENCE GOT WANTED
is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "got: $2
wanted: $3"
	fi
}

# like SENTENCE GOT PATTERN: a pattern of `case`.
like() {
	# shellcheck disable=SC2254
	case $2 in
	$3) pass "$1" ;;
	*) fail "$1" "got: $2
wanted something like: $3" ;;
	esac
}

# skip SENTENCE REASON: one test that cannot run here.
skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# skip_all REASON: nothing of this file can run here. Leaves.
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# bail REASON: no use to go on. Leaves.
bail() {
	echo "Bail out! $1"
	exit 1
}

# --- Scratch folder ----------------------------------------------------------

# scratch: makes $SCRATCH. Others may enter it (servers that give up root read
# their files there), so what is private gets a folder of its own.
scratch() {
	umask 022
	SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/jira-pat.XXXXXXXX") ||
		bail "no scratch folder"
	chmod 755 "$SCRATCH"
	mkdir "$SCRATCH/log"
}

# closed_folders PATH...: for tests that root runs and whose servers give up
# root: prints each folder on the way to PATH that these may not enter.
closed_folders() {
	[ "$(id -u)" = 0 ] || return 0
	for tap_path in "$@"; do
		while [ "$tap_path" != / ] && [ -n "$tap_path" ]; do
			case $(stat -L -c %A "$tap_path") in
			*[xt]) ;;
			*) echo "the right to enter $tap_path" ;;
			esac
			tap_path=${tap_path%/*}
		done
	done | sort -u
}

# --- Background programs -----------------------------------------------------

# tap_stat PID: its state, and what else proc(5) lists from there on.
tap_stat() {
	sed 's/.*) //' "/proc/$1/stat" 2>/dev/null
}

# tap_birth PID: when it began, which tells it from a later one of the same number.
tap_birth() {
	tap_stat "$1" | cut -d ' ' -f 20
}

# tap_alive PID: it runs, and is not a zombie.
tap_alive() {
	case $(tap_stat "$1") in
	'' | [ZX]*) return 1 ;;
	esac
}

# start NAME COMMAND...: in the background, in a process group of its own, with
# its output in $SCRATCH/log/NAME.log. $started_pid is its process.
start() {
	tap_name=$1
	shift
	setsid "$@" </dev/null >>"$SCRATCH/log/$tap_name.log" 2>&1 &
	started_pid=$!
	tap_running="$tap_running $tap_name:$started_pid:$(tap_birth $started_pid)"
}

# tap_find NAME: PID:BIRTH of the last program of that name that was not stopped.
tap_find() {
	for tap_item in $tap_running; do
		[ "${tap_item%%:*}" != "$1" ] || echo "${tap_item#*:}"
	done | tail -n 1
}

pid_of() {
	tap_find "$1" | cut -d : -f 1
}

# tap_lives PID:BIRTH: that one does, and no later one that got its number.
tap_lives() {
	tap_alive "${1%:*}" && [ "$(tap_birth "${1%:*}")" = "${1#*:}" ]
}

tap_gone() {
	! tap_lives "$1"
}

# running NAME
running() {
	tap_found=$(tap_find "$1")
	[ -n "$tap_found" ] && tap_lives "$tap_found"
}

# tap_group PID:BIRTH: its group may be there, for nobody has its number, or it has.
tap_group() {
	case $(tap_birth "${1%:*}") in
	'' | "${1#*:}") ;;
	*) return 1 ;;
	esac
}

# stop NAME: with SIGTERM; after half a minute the hard way. Returns its status.
stop() {
	tap_found=$(tap_find "$1")
	[ -n "$tap_found" ] || return 127
	tap_pid=${tap_found%:*}
	! tap_lives "$tap_found" || kill -TERM "$tap_pid" 2>/dev/null
	wait_for 30 tap_gone "$tap_found"
	# And what it left behind.
	! tap_group "$tap_found" || kill -s KILL -- "-$tap_pid" 2>/dev/null
	tap_keep=
	for tap_item in $tap_running; do
		[ "$tap_item" = "$1:$tap_found" ] || tap_keep="$tap_keep $tap_item"
	done
	tap_running=$tap_keep
	wait "$tap_pid" 2>/dev/null
}

# freeze PID...: SIGSTOP, and none of their threads runs any more.
freeze() {
	kill -s STOP "$@"
	for tap_pid; do
		wait_for 60 tap_frozen "$tap_pid"
	done
}

tap_frozen() {
	! cat /proc/"$1"/task/*/status | grep '^State:' | grep -q -v '(stopped)'
}

# wait_for SECONDS COMMAND...: until the command succeeds; fails if it did not
# in that time.
wait_for() {
	tap_until=$(($(date +%s) + $1 + 1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$tap_until" ] || return 1
		sleep 0.05
	done
}

# free_port: a TCP port of the loopback that nobody uses at the moment.
free_port() {
	free_ports 1
}

# free_ports N: different ones, on one line.
free_ports() {
	python3 "$JP_SOURCE/tests/lib/ports.py" "$1"
}

# --- The end -----------------------------------------------------------------

tap_end() {
	tap_status=$?
	trap - EXIT
	trap '' HUP INT PIPE TERM
	eval "$tap_cleanup"
	for tap_item in $tap_running; do
		stop "${tap_item%%:*}"
	done
	case ${SCRATCH:-} in
	*/jira-pat.????????) rm -rf "$SCRATCH" ;;
	esac
	if [ $tap_status -eq 0 ] && [ $tap_failed -gt 0 ]; then
		tap_status=1
	fi
	exit $tap_status
}

trap tap_end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM
