#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# The models have no wrong accept in all of their interleavings, and every fault
# that is built into them is found.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"

command -v spin >/dev/null || skip_all "no spin"
scratch
TMPDIR=$SCRATCH
export TMPDIR

# model NAME MUTANTS: a search of it, which has to find so many mutants.
model() {
	sh "$JP_SOURCE/tests/model/run" "$JP_SOURCE/tests/model/$1.pml" \
		>"$SCRATCH/$1" 2>&1
	model_status=$?
	note "$(cat "$SCRATCH/$1")"
	is "$1: no wrong accept and no deadlock in any order of events" \
		"$(grep -c '^as it is.*: 0 errors in [0-9.e+]* states$' \
			"$SCRATCH/$1")" \
		"$(grep -c "^ \* quick:" "$JP_SOURCE/tests/model/$1.pml")"
	is "$1: each of $2 faults that are built in is found" \
		"$(grep -c '^[A-Z_]*: 1 errors' "$SCRATCH/$1")" "$2"
	is "$1: and all searches are whole" "$model_status" 0
}

model memo 5
model one_shot 4
model lease 14
done_testing
