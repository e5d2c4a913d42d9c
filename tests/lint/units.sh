#!/bin/sh
# The systemd units: what systemd-analyze(1) finds, and what they share.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"

command -v systemd-analyze >/dev/null 2>&1 || skip_all "no systemd-analyze"
build=${JP_BUILD:?}
scratch

# The programs and manual pages are not installed here.
for unit in "$build/patd/patd.service" "$build/pat_httpd/pat-httpd.service" \
    "$JP_SOURCE"/pat_httpd/*.socket "$JP_SOURCE"/examples/systemd/*.socket; do
	sed 's|^\(Exec[A-Za-z]*\)=.*|\1=/bin/true|; /^Documentation=/d' "$unit" \
		>"$SCRATCH/${unit##*/}" || bail "no $unit"
done

is "systemd finds nothing to complain about" \
	"$(systemd-analyze verify "$SCRATCH"/*.service "$SCRATCH"/*.socket 2>&1 |
		grep -F "$SCRATCH" | grep -v -F 'run/')" ''

# hardening UNIT: its lines that take something away.
hardening() {
	grep -E '^(No|Protect|Private|Restrict[A-Z]|Lock|Memory|Keyring|RemoveIPC|SystemCallA|LimitCORE|UMask)' \
		"$SCRATCH/$1" | grep -v '^MemoryMax' | LC_ALL=C sort
}

is "pat-httpd is confined as patd is" "$(hardening pat-httpd.service)" \
	"$(hardening patd.service)"
is "pat-httpd has no capability" \
	"$(grep '^CapabilityBoundingSet=' "$SCRATCH/pat-httpd.service")" \
	'CapabilityBoundingSet='
is "everybody may connect, and is asked who it is" \
	"$(cat "$SCRATCH"/pat-httpd-http.socket "$SCRATCH"/pat-httpd-fcgi.socket |
		grep -c '^SocketMode=0666$')" 2
is "patd leaves the sockets of pat-httpd when it stops" \
	"$(grep '^RuntimeDirectoryPreserve=' "$SCRATCH/patd.service")" \
	'RuntimeDirectoryPreserve=yes'

done_testing
