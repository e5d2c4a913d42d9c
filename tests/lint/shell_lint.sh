#!/bin/sh
# Every shell file of the source tree is clean under shellcheck.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"

command -v shellcheck >/dev/null ||
	skip_all "shellcheck is missing: apt-get install shellcheck"

# Files that are made by bootstrap or configure are not ours.
shell_files() {
	find . \( -name .git -o -name build-aux -o -name m4 \
		-o -name autom4te.cache -o -name '_build' -o -name build \
		-o -name 'jira-pat-[0-9]*' \) -prune -o -type f \
		! -name configure ! -name 'configure~' ! -name config.status \
		! -name libtool ! -name '*.log' ! -name '*.trs' -print |
		LC_ALL=C sort | while IFS= read -r file; do
		case $file in
		*.sh) echo "$file" ;;
		*) head -n 1 "$file" | tr -d '\0' | grep -q -E \
			'^#!.*[/ ](ba|da)?sh|^# shellcheck shell=' &&
			echo "$file" ;;
		esac
	done
}

cd "$JP_SOURCE" || bail "no source tree"
scratch
shell_files >"$SCRATCH/files"
ok "there are shell files" test -s "$SCRATCH/files"
while IFS= read -r file; do
	is "${file#./} is clean under shellcheck" \
		"$(shellcheck -x -P "$JP_SOURCE" "$file" 2>&1)" ''
done <"$SCRATCH/files"
done_testing
