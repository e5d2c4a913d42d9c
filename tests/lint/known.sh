#!/bin/sh
# Each test that doc/RELIABILITY.md names for a known failure of others is there,
# and is run.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"

command -v python3 >/dev/null || skip_all "python3 is missing"

look=$JP_SOURCE/tests/lint/known.py

# look SOURCE: what is wrong, after a line with the number of cases.
look() {
	env JP_SOURCE="$1" python3 "$look"
}

is "each test in the list is there, and run; and no id is missing" \
	"$(look "$JP_SOURCE" | sed 1d)" ""
ok "there are many" test "$(look "$JP_SOURCE" | head -n 1)" -ge 60

# A list with a test that is none, a file that no one runs, and one id less.
scratch
mkdir "$SCRATCH/tree" "$SCRATCH/tree/doc"
cp -R "$JP_SOURCE/tests" "$SCRATCH/tree"
chmod -R u+w "$SCRATCH/tree" # a release may be read-only
: >"$SCRATCH/tree/tests/pam/gone.c"
{
	sed '/CVE-2016-6515/d' "$JP_SOURCE/doc/RELIABILITY.md" |
		sed '/^## Secrets in memory/,$d'
	# shellcheck disable=SC2016
	printf '| `tests/pam/test_module.c` `%s` | `tests/pam/gone.c` `x` |\n' \
		nobody_wrote_this
} >"$SCRATCH/tree/doc/RELIABILITY.md"
found=$(look "$SCRATCH/tree")
like "a case that is none is seen" "$found" \
	"*tests/pam/test_module.c has no case nobody_wrote_this*"
like "a file that no test is made of is seen" "$found" \
	"*tests/pam/gone.c is run by no test*"
like "an id that has no row is seen" "$found" \
	"*CVE-2016-6515*is not in the list*"
done_testing
