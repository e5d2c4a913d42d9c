#!/bin/sh
# Every header compiles alone: it includes what it needs.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"

compiler=${CC:-cc}
command -v "${compiler%% *}" >/dev/null || skip_all "there is no $compiler"

# compiles HEADER
compiles() {
	# shellcheck disable=SC2086
	printf '#include "%s"\n' "$1" |
		$compiler -std=gnu11 -D_GNU_SOURCE -Wall -Werror -fsyntax-only \
			-I. -x c - 2>&1
}

cd "$JP_SOURCE" || bail "no source tree"
for header in common/*/*.h patd/*.h pat_httpd/*.h pat_httpd/*/*.h tools/*/*.h pam_jira_pat/*.h sasl_plugin/*.h; do
	[ -e "$header" ] || continue
	is "$header compiles alone" "$(compiles "$header")" ''
done
done_testing
