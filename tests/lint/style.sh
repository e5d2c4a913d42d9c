#!/bin/sh
# The sources keep the style: short functions, one layout, no loose ends.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"

LINES_MAX=60

cd "$JP_SOURCE" || bail "no source tree"
scratch
find common pam_jira_pat sasl_plugin patd pat_httpd tools tests -name '*.[ch]' |
	LC_ALL=C sort >"$SCRATCH/sources"
grep -v '^tests/' "$SCRATCH/sources" >"$SCRATCH/product"
ok "there are sources" test -s "$SCRATCH/product"

# long_functions: reads names of files.
long_functions() {
	ctags --fields=+ne --kinds-C=f -o - -L - | awk -F '\t' -v max=$LINES_MAX '
		/^!/ { next }
		{
			first = last = 0
			for (i = 4; i <= NF; i++) {
				if ($i ~ /^line:/)
					first = substr($i, 6)
				if ($i ~ /^end:/)
					last = substr($i, 5)
			}
			if (last - first + 1 > max)
				print $2 ": " $1 ": " last - first + 1 " lines"
		}'
}

if ctags --version 2>/dev/null | grep -q 'Universal Ctags'; then
	is "no function is longer than $LINES_MAX lines" \
		"$(long_functions <"$SCRATCH/product")" ''
else
	skip "no function is longer than $LINES_MAX lines" \
		"universal-ctags is missing"
fi

# Written so that this line does not find itself.
is "no loose end is marked in the sources" "$(
	find common pam_jira_pat sasl_plugin patd pat_httpd tools tests doc examples findings m4/jp_*.m4 configure.ac \
		Makefile.am -type f ! -name '*.log' ! -name '*.trs' \
		-exec grep -n -I -E 'TO''DO|FIX''ME' {} +
)" ''

formatter=clang-format-14
command -v $formatter >/dev/null || formatter=clang-format
if $formatter --version 2>/dev/null | grep -q 'version 14\.'; then
	is "clang-format would change nothing" "$(
		xargs $formatter --dry-run -Werror <"$SCRATCH/sources" 2>&1 |
			grep 'error:'
	)" ''
else
	skip "clang-format would change nothing" "clang-format 14 is missing"
fi
done_testing
