#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../.. disable=SC2016
# What a test reads of a Makefile is what stands there, also where that is made anew.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"
# shellcheck source=tests/lib/build.sh
. "$JP_SOURCE/tests/lib/build.sh"

scratch
printf '%s\n' 'TESTS = one two' 'Makefile: part' >"$SCRATCH/Makefile"
printf '\t%s\n' 'echo made anew' 'touch Makefile' >>"$SCRATCH/Makefile"
touch -d 2001-01-01 "$SCRATCH/part"
is "a variable has its value" "$(evaluated "$SCRATCH" '$(TESTS)')" "one two"
is "an expression, too" "$(evaluated "$SCRATCH" '$(filter t%,$(TESTS))')" two
is "whatever the make has on its command line that runs this" \
	"$(MAKEFLAGS='-- TESTS=three' evaluated "$SCRATCH" '$(TESTS)')" "one two"
touch -d 2001-01-01 "$SCRATCH/Makefile"
touch "$SCRATCH/part"
is "what making it anew prints is no part of that" \
	"$(evaluated "$SCRATCH" '$(TESTS)' 2>"$SCRATCH/said")" "one two"
ok "but is to be read elsewhere" grep -q -x 'made anew' "$SCRATCH/said"
done_testing
