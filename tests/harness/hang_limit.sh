#!/bin/sh
# A test program that hangs is cut, and says so; one that ends is left alone.

# shellcheck source-path=SCRIPTDIR/../..
# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"

scratch
program=$SCRATCH/tests/cli/try.sh
mkdir -p "$SCRATCH/tests/cli"

# limited SECONDS: runs $program; sets $out and $ended.
limited() {
	out=$(JP_TEST_LIMIT=$1 JP_PROGRESS=$SCRATCH/progress sh \
		"$JP_SOURCE/tests/lib/hang_limit" sh "$program")
	ended=$?
}

echo 'echo 1..1; echo ok 1; exit 7' >"$program"
limited 60
is "the output of a test that ends is its own" "$out" "1..1
ok 1"
is "and its status" "$ended" 7
limited 0
is "without a limit, too" "$ended" 7
like "its begin and its end are in the file of progress" \
	"$(cat "$SCRATCH/progress")" "begin tests/cli/try.sh
end tests/cli/try.sh 7 *
begin *"

# One that ignores SIGTERM is in a session of its own.
cat >"$program" <<-EOF
	echo ok 1
	setsid sh -c 'trap "" TERM; echo \$\$ >"$SCRATCH/child"
	while :; do sleep 600; done' &
	until [ -s "$SCRATCH/child" ]; do sleep 0.05; done
	sleep 600
EOF
limited 2
like "what a test that hangs had printed is kept, and it says that it was cut" \
	"$out" "ok 1
Bail out! tests/cli/try.sh hangs: cut after 2 seconds"
is "it has failed" "$ended" 124
ok "what it had started is gone" wait_for 60 sh -c "! kill -0 $(
	cat "$SCRATCH/child") 2>/dev/null"

# 124 is what timeout(1) exits with, but a test may do so, too.
echo 'exit 124' >"$program"
limited 60
is "a status of 124 alone is no hang" "$out" ''
done_testing
