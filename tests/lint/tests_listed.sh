#!/bin/sh
# What is written as a test is run by make check: each is named in TESTS.
set -u

# shellcheck source-path=SCRIPTDIR/../..
# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"

# shellcheck source=tests/lib/build.sh
. "$JP_SOURCE/tests/lib/build.sh"

scratch
# Also where make check has TESTS from its command line.
# shellcheck disable=SC2016
evaluated "${JP_BUILD:?}" '$(TESTS)' |
	tr ' ' '\n' | grep '^tests/' | LC_ALL=C sort >"$SCRATCH/listed"
ok "make knows the tests" grep -q -x tests/lint/tests_listed.sh "$SCRATCH/listed"
cd "$JP_SOURCE" || bail "no source tree"

# unlisted: of the names that it reads, those that make check does not run.
unlisted() {
	LC_ALL=C sort | LC_ALL=C comm -23 - "$SCRATCH/listed"
}

# What others include has no "#!", and what they run is in tests/lib.
scripts() {
	for script in tests/*/*.sh; do
		case $script in
		tests/lib/*) ;;
		*) head -n 1 "$script" | grep -q '^#!' && echo "$script" ;;
		esac
	done
}
is "every script of a ring is in TESTS" "$(scripts | unlisted)" ''

# programs FILE...: without the ending.
programs() {
	printf '%s\n' "$@" | sed 's/\.c$//'
}
if grep -q '^tests/unit/' "$SCRATCH/listed"; then
	is "every unit is in TESTS" "$(programs tests/unit/test_*.c | unlisted)" ''
else
	skip "every unit is in TESTS" "cmocka is missing"
fi
is "every fuzz target is in TESTS" "$(programs tests/fuzz/fuzz_*.c |
	grep -v -x tests/fuzz/fuzz_main | unlisted)" ''

is "no test is listed twice" "$(LC_ALL=C uniq -d "$SCRATCH/listed")" ''
done_testing
