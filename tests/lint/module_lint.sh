#!/bin/sh
# What the built PAM module brings into a foreign process: two libraries,
# three symbols, and code that stays mapped (a module that libpam unloads at
# each transaction is slow, and crashes hosts that still point into it).
set -eu

module=${JP_BUILD:?}/.libs/pam_jira_pat.so
if ! command -v readelf >/dev/null || ! command -v nm >/dev/null; then
	echo '1..0 # SKIP readelf and nm are missing: apt-get install binutils'
	exit 0
fi
count=0

# check NAME EXPECTED FOUND: one test, which says what it found.
check()
{
	count=$((count + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $count - $1"
	else
		echo "not ok $count - $1"
		printf '# expected: %s\n# found: %s\n' "$2" "$3"
	fi
}

# Standard input's words on one line, sorted.
line()
{
	sort | tr '\n' ' ' | sed 's/ $//'
}

# has SECTION-LISTING WORD: "yes" or "no".
has()
{
	if printf '%s\n' "$1" | grep -qw -- "$2"; then echo yes; else echo no; fi
}

dynamic=$(readelf -dW "$module")
headers=$(readelf -lW "$module")

# The dynamic linker, and a sanitizer's own libraries, are no dependency.
needed=$(printf '%s\n' "$dynamic" |
	sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p')
if printf '%s\n' "$needed" | grep -q '^lib[a-z]*san\.'; then
	needed=$(printf '%s\n' "$needed" |
		grep -Ev '^lib([a-z]*san|gcc_s|m|pthread|dl)\.')
fi
needed=$(printf '%s\n' "$needed" | grep -v '^ld-linux' | line)

echo 1..6
check 'the module needs libc and libpam and no other library' \
	'libc.so.6 libpam.so.0' "$needed"
check 'the module exports its three entry points and nothing else' \
	'pam_sm_acct_mgmt pam_sm_authenticate pam_sm_setcred' \
	"$(nm -D --defined-only "$module" | awk '{ print $NF }' | line)"
check 'the module is never unloaded' yes "$(has "$dynamic" NODELETE)"
check 'the module binds all symbols at once' yes \
	"$(has "$dynamic" BIND_NOW)"
check 'the module makes its relocations read-only' yes \
	"$(has "$headers" GNU_RELRO)"
check 'the module has no executable stack and no text relocations' no \
	"$(has "$headers $dynamic" 'RWE\|TEXTREL')"
