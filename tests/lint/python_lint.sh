#!/bin/sh
# Every Python file of the source tree is clean under pyflakes: no name that nothing
# has, nothing imported for nothing.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"

command -v pyflakes3 >/dev/null ||
	skip_all "pyflakes is missing: apt-get install pyflakes3"

cd "$JP_SOURCE" || bail "no source tree"
scratch
find . \( -name .git -o -name build -o -name '_build' -o -name 'jira-pat-[0-9]*' \) \
	-prune -o -type f -name '*.py' -print | LC_ALL=C sort >"$SCRATCH/files"
ok "there are Python files" test -s "$SCRATCH/files"
while IFS= read -r file; do
	is "${file#./} is clean under pyflakes" "$(pyflakes3 "$file" 2>&1)" ''
done <"$SCRATCH/files"
done_testing
