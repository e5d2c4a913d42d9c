#!/bin/sh
# Every manual page is clean under mandoc.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"

command -v mandoc >/dev/null ||
	skip_all "mandoc is missing: apt-get install mandoc"

for page in "$JP_SOURCE"/doc/*.[1-9]; do
	is "${page##*/} has no warning of mandoc" \
		"$(mandoc -T lint -W warning "$page" 2>&1)" ''
done
done_testing
