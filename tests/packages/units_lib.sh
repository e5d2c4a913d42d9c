# shellcheck shell=sh source-path=SCRIPTDIR/../..
# For the tests of units: a root with the systemd of this release, into which this
# build is installed, and which runs.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/build.sh
. "$JP_SOURCE/tests/lib/build.sh"
# shellcheck source=tests/lib/roots.sh
. "$JP_SOURCE/tests/lib/roots.sh"
# shellcheck source=tests/lib/boot.sh
. "$JP_SOURCE/tests/lib/boot.sh"

# value VARIABLE: of this build's Makefile.
value() {
	evaluated "$JP_BUILD" "\$($1)"
}

# units_start GROUP [FILE...]: with the packages of this group, too, or ''; /srv has the
# build in `installed`, ask.py, and these files of tests/packages.
units_start() {
	case $(ldd "$JP_BUILD/patd/.libs/patd" "$JP_BUILD/patd/patd" 2>/dev/null) in
	*libasan* | *libtsan*)
		skip_all "a sanitizer and MemoryDenyWriteExecute= differ" ;;
	esac
	case $(value prefix) in
	/usr | /usr/local) ;;
	*) skip_all "systemd looks for no units below $(value prefix)" ;;
	esac
	scratch
	# shellcheck source=/dev/null
	release=$(. /etc/os-release && echo "$VERSION_CODENAME")
	ROOT=$SCRATCH/root
	# shellcheck disable=SC2086
	boot_make "$release" "$ROOT" build $1 2>"$SCRATCH/why" ||
		skip_all "$(tail -n 1 "$SCRATCH/why")"
	shift
	make -s -C "$JP_BUILD" install DESTDIR="$ROOT/srv/installed" \
		>"$SCRATCH/log/install" 2>&1 || bail "make install fails"
	for units_file in ask.py "$@"; do
		cp "$JP_SOURCE/tests/packages/$units_file" "$ROOT/srv/"
	done
	boot_start || bail "systemd does not start: $(tail -n 3 "$ROOT/boot.log")"
}

# In there:
in_there() {
	boot_run "$@" 2>&1
}

show() { # UNIT PROPERTY
	in_there systemctl show -P "$2" "$1"
}
