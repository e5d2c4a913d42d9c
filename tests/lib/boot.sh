# shellcheck shell=sh
# A system of its own, that systemd has booted, in a root of tests/lib/roots.sh: units
# run in it as they do on a machine. Include tests/lib/roots.sh first.
#
#     boot_make bookworm "$SCRATCH/root" build || skip_all "..."
#     cp something "$SCRATCH/root/srv/"
#     boot_start || bail "..."
#     boot_run systemctl start something
#     boot_stop
#
# It has no network but a loopback, and no control groups but what hangs below one of
# cgroups v2, which goes with it.

# boot_make RELEASE DIR [GROUP...]: a root with systemd, and with these packages.
boot_make() {
	boot_dir=$2
	[ -n "$(boot_groups)" ] || {
		echo "no control groups v2" >&2
		return 1
	}
	root_make "$@" boot
}

# boot_groups: where cgroups v2 are mounted here.
boot_groups() {
	awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts
}

# boot_start: returns when everything has been started.
boot_start() {
	boot_group=${boot_dir#"${boot_dir%/*/*}"}
	boot_group=$(printf %s "$boot_group" | tr / -)
	cp "$JP_SOURCE/tests/lib/boot_inside.sh" "$boot_dir/srv/" || return 1
	root_run "$boot_dir" sh -eu /srv/boot_inside.sh "$boot_group" \
		</dev/null >"$boot_dir/boot.log" 2>&1 &
	boot_shell=$!
	tap_cleanup="boot_stop; ${tap_cleanup:-}"
	wait_for 120 boot_is_up
}

# boot_is_up: with units that failed, too: they are not what is tested.
boot_is_up() {
	case $(boot_run systemctl is-system-running 2>/dev/null) in
	running | degraded) ;;
	*) return 1 ;;
	esac
}

# boot_pid: the systemd, which is the first process in there.
boot_pid() {
	boot_one=$boot_shell
	while [ -n "$boot_one" ] &&
		[ "$(cat "/proc/$boot_one/comm" 2>/dev/null)" != systemd ]; do
		boot_one=$(pgrep -P "$boot_one" | head -n 1)
	done
	[ -n "$boot_one" ] && echo "$boot_one"
}

# boot_run COMMAND...: as root in there.
boot_run() {
	boot_at=$(boot_pid) || return 125
	nsenter -t "$boot_at" -m -p -i -u -n -C -r -w env -i \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		LC_ALL=C.UTF-8 "$@"
}

# boot_stop: it is shut down, and if that hangs killed.
boot_stop() {
	[ -n "${boot_shell:-}" ] || return 0
	boot_run systemctl --no-block poweroff 2>/dev/null
	wait_for 60 boot_is_down || kill -s KILL "$(boot_pid)"
	wait "$boot_shell" 2>/dev/null
	boot_shell=
	find "$(boot_groups)/$boot_group" -depth -type d -exec rmdir {} + \
		2>/dev/null
	return 0
}

boot_is_down() {
	! boot_pid >/dev/null
}
