#!/bin/sh
# The cases are in marked.c; this runs them under valgrind.
program=${JP_BUILD:?}/tests/timing/marked
skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}
command -v valgrind >/dev/null 2>&1 ||
	skip 'valgrind is missing: apt-get install valgrind'
! ldd "$program" | grep -q 'lib[atu]b*san' ||
	skip 'a program with sanitizers does not run in valgrind'
# libtool's wrapper is a script; what counts is the program.
exec "$JP_BUILD/libtool" --silent --mode=execute \
	valgrind --quiet --error-limit=no "$program"
