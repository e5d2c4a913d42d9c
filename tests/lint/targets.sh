#!/bin/sh
# The table "Targets" of CONTRIBUTING.md and the targets of the rings are the same.
set -u

# shellcheck source-path=SCRIPTDIR/../..
# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"
# shellcheck source=tests/lib/build.sh
. "$JP_SOURCE/tests/lib/build.sh"

# made: as make has the names; those that end so serve others.
made() {
	evaluated "${JP_BUILD:?}" "$(sed -n 's/^\.PHONY: //p' \
		"$JP_SOURCE"/tests/*/Makefile.inc | tr '\n' ' ')" |
		tr ' ' '\n' | grep -v -E -e '-(parts|modules|list|clean)$'
}

# documented: the first cells.
# shellcheck disable=SC2016
documented() {
	sed -n '/^## Targets/,/^## Directories/s/^| \(`[^|]*\) |.*/\1/p' \
		"$JP_SOURCE/CONTRIBUTING.md" | grep -o '`[^`]*`' | tr -d '`'
}

is "each target is in the table, and each row is a target" \
	"$(documented | LC_ALL=C sort)" "$(made | LC_ALL=C sort)"
done_testing
