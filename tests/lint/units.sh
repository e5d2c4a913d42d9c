#!/bin/sh
# The systemd units: what systemd-analyze(1) finds, and what they share.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"

command -v systemd-analyze >/dev/null 2>&1 || skip_all "no systemd-analyze"
build=${JP_BUILD:?}
scratch

# clustered COMMAND...: runs it if this build has several hosts.
clustered() {
	[ ! -e "$build/pat_clusterd/pat-clusterd.service" ] || "$@"
}

# The programs and manual pages are not installed here.
for unit in "$build"/patd/*.service "$build"/patd/timers/*.service \
    "$build"/pat_httpd/*.service \
    $(clustered echo "$build/pat_clusterd/pat-clusterd.service") \
    "$JP_SOURCE"/patd/*.socket \
    "$JP_SOURCE"/patd/timers/*.timer "$JP_SOURCE"/pat_httpd/*.socket \
    "$JP_SOURCE"/examples/systemd/*.socket; do
	sed 's|^\(Exec[A-Za-z]*\)=.*|\1=/bin/true|; /^Documentation=/d' "$unit" \
		>"$SCRATCH/${unit##*/}" || bail "no $unit"
done

is "systemd finds nothing to complain about" \
	"$(systemd-analyze verify "$SCRATCH"/*.service "$SCRATCH"/*.socket \
		"$SCRATCH"/*.timer 2>&1 |
		grep -F "$SCRATCH" | grep -v -F 'run/')" ''
is "a program is named by where it is installed" \
	"$(grep -rh --include='*.service' '^Exec' "$build/patd" "$build/pat_httpd" \
		"$build/pat_clusterd" | grep '@')" ''

# exposure UNIT: as systemd sees it, in tenths.
exposure() {
	systemd-analyze security --offline=yes --no-pager "$SCRATCH/$1" 2>/dev/null |
		sed -n 's/.*Overall exposure level[^:]*: \([0-9]*\)\.\([0-9]\).*/\1\2/p'
}

# exposed_by UNIT: what that is made of.
exposed_by() {
	systemd-analyze security --offline=yes --no-pager "$SCRATCH/$1" 2>/dev/null |
		sed -n 's/^✗ \([^ ]*\) .* \([0-9.]*\) *$/\1 \2/p' | LC_ALL=C sort
}

if systemd-analyze --help | grep -q -e --offline; then
	for unit in patd pat-httpd jira-pat-purge jira-pat-backup; do
		ok "$unit is exposed by 0.5 at most, in systemd's eyes" \
			test "$(exposure $unit.service)" -le 5
	done
	# The network is what it is there for.
	clustered ok "pat-clusterd by 1.2" \
		test "$(clustered exposure pat-clusterd.service)" -le 12
	clustered is \
		"of which the network is 1.0, and the rest what pat-httpd has, too" \
		"$(exposed_by pat-clusterd.service)" \
		"$({ exposed_by pat-httpd.service
			echo 'IPAddressDeny= 0.2
PrivateNetwork= 0.5
RestrictAddressFamilies=~AF_(INET|INET6) 0.3'; } | LC_ALL=C sort)"
	ok "jira-pat-stats, which writes as root, by 1.5" \
		test "$(exposure jira-pat-stats.service)" -le 15
fi

# hidden_by UNIT: the directories of which it sees nothing.
hidden_by() {
	awk -F= '
		$1 == "ProtectHome" && $2 == "yes" {
			print "/home/\n/root/\n/run/user/"
		}
		$1 == "PrivateTmp" && $2 == "yes" { print "/tmp/\n/var/tmp/" }
		$1 == "InaccessiblePaths" {
			for (i = split($2, paths, " "); i > 0; i--)
				if (paths[i] !~ /\.key$/)
					print substr(paths[i], 2) "/"
		}' "$SCRATCH/$1" | LC_ALL=C sort
}
clustered is "what the unit of pat-clusterd hides is what --check-config warns of" \
	"$(sed -n '/ hidden\[\] = /,/;/p' "$JP_SOURCE/common/config/conninfo_files.c" |
		grep -o '"[^"]*"' | tr -d '"' | LC_ALL=C sort)" \
	"$(clustered hidden_by pat-clusterd.service)"

# made_by sysusers.d|tmpfiles.d: the users, or the directories, that these make.
made_by() {
	{
		cat "$JP_SOURCE"/patd/"$1"/*.conf "$JP_SOURCE"/pat_httpd/"$1"/*.conf
		clustered cat "$JP_SOURCE"/pat_clusterd/"$1"/*.conf
	} 2>/dev/null | awk '$1 == "u" || $1 == "d" { print $2 }' | sort
}
is "sysusers.d makes the users that the units name, and no others" \
	"$(made_by sysusers.d)" \
	"$(sed -n 's/^User=//p' "$SCRATCH"/*.service | sort -u)"
is "tmpfiles.d makes what they may write to, of what patd cannot make" \
	"$(made_by tmpfiles.d | tr '\n' ' ')" "/run/jira-pat /var/backups/jira-pat "
# What is started first is stopped last.
is "patd is stopped before pat-clusterd, through which it gives its lease back, and that
	before the network" \
	"$(clustered sed -n 's/^Before=\|^After=//p' "$SCRATCH/pat-clusterd.service")" \
	"$(clustered echo 'patd.service
network.target')"
for timer in "$SCRATCH"/*.timer; do
	[ -f "${timer%.timer}.service" ] || echo "$timer"
done >"$SCRATCH/alone"
is "each timer has a service" "$(cat "$SCRATCH/alone")" ""

# hardening UNIT: its lines that take something away.
hardening() {
	grep -E '^(No|Protect|Private|Restrict[A-Z]|Lock|Memory|Keyring|RemoveIPC|SystemCallA|LimitCORE|UMask|Device|IPAddress|Capabil|Ambient|Watchdog)' \
		"$SCRATCH/$1" | grep -v '^MemoryMax' | LC_ALL=C sort
}

is "pat-httpd is confined as patd is" "$(hardening pat-httpd.service)" \
	"$(hardening patd.service)"
clustered is "so is pat-clusterd, but for the network" \
	"$(clustered hardening pat-clusterd.service | grep -v \
		-e '^PrivateNetwork=no$' -e '^IPAddressDeny=$' \
		-e '^IPAddressDeny=multicast$' \
		-e '^RestrictAddressFamilies=AF_INET')" \
	"$(hardening patd.service)"
is "and none has a capability" \
	"$({
		cat "$SCRATCH/patd.service" "$SCRATCH/pat-httpd.service"
		clustered cat "$SCRATCH/pat-clusterd.service"
	} | grep '^CapabilityBoundingSet=' | uniq)" 'CapabilityBoundingSet='
is "everybody may connect, and is asked who it is" \
	"$(cat "$SCRATCH"/patd.socket "$SCRATCH"/pat-httpd-http.socket \
		"$SCRATCH"/pat-httpd-fcgi.socket | grep -c '^SocketMode=0666$')" 3
is "patd leaves the sockets of pat-httpd when it stops" \
	"$(grep '^RuntimeDirectoryPreserve=' "$SCRATCH/patd.service")" \
	'RuntimeDirectoryPreserve=yes'

done_testing
