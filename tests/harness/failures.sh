#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# What is shown of a program that failed begins with what failed in it.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"
# shellcheck source=tests/lib/failures.sh
. "$JP_SOURCE/tests/lib/failures.sh"

scratch
log=$SCRATCH/try.log
{
	echo 'a line of its own'
	echo 'ok 1 - one'
	echo 'PASS: tests/cli/try.sh 1 - one'
	echo 'not ok 2 - two'
	echo 'FAIL: tests/cli/try.sh 2 - two'
	echo '# got: a'
	echo '# wanted: b'
	echo 'ok 3 - three'
	echo 'PASS: tests/cli/try.sh 3 - three'
	seq -f 'noise %g' 1 100
	echo 'not ok 4 - four'
	seq -f '# why %g' 1 100
	echo 'ERROR: tests/cli/try.sh - exited with status 1'
} >"$log"
failures "$log" >"$SCRATCH/shown"

is "the first line is the name of what failed, and what belongs to it follows" \
	"$(head -n 3 "$SCRATCH/shown")" "not ok 2 - two
# got: a
# wanted: b"
is "a long reason is cut, and the next one is shown" \
	"$(sed -n '4,/^-- and/p' "$SCRATCH/shown" | sed '2,39d')" "not ok 4 - four
# why 39
# ...
ERROR: tests/cli/try.sh - exited with status 1
-- and:"
is "of the rest, the end is shown last" \
	"$(sed '1,/^-- and/d' "$SCRATCH/shown" | sed -n '1p;$p')" "noise 61
noise 100"
is "what passed is left out" "$(grep -c -E '^(ok|PASS)' "$SCRATCH/shown")" 0
is "all that failed can be named in few lines" "$({
	echo 'building'
	echo '---- plain/tests/cli/try.log'
	cat "$SCRATCH/shown"
} | failed_names)" "---- plain/tests/cli/try.log
not ok 2 - two
not ok 4 - four
ERROR: tests/cli/try.sh - exited with status 1"
is "where nothing failed, nothing is named" "$(echo 'all passed' | failed_names)" ''
done_testing
