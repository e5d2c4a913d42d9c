# shellcheck shell=sh
# shellcheck source-path=SCRIPTDIR/../..
# The Debian packages in a root of a release: built as from a checkout, twice;
# installed, used, upgraded, and removed. $RELEASE says which one.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/build.sh
. "$JP_SOURCE/tests/lib/build.sh"
# shellcheck source=tests/lib/roots.sh
. "$JP_SOURCE/tests/lib/roots.sh"
# shellcheck source=tests/lib/boot.sh
. "$JP_SOURCE/tests/lib/boot.sh"

deb_why=$(root_have "$RELEASE" build package 2>&1) ||
	skip_all "no root of $RELEASE: $(echo "$deb_why" | tail -n 1)"
scratch

# fresh NAME: one more root.
fresh() {
	root_make "$RELEASE" "$SCRATCH/$1" build package 2>"$SCRATCH/log/root" ||
		bail "no root: $(cat "$SCRATCH/log/root")"
	furnish "$1"
}

# furnish NAME: the steps, and what was built, go there.
furnish() {
	cp "$JP_SOURCE/tests/lib/deb_steps.sh" \
		"$JP_SOURCE/tests/packages/deb_profile.py" "$SCRATCH/$1/srv/"
	cp -r "$JP_SOURCE/debian/tests" "$SCRATCH/$1/srv/"
	[ ! -d "$SCRATCH/build/srv/debs" ] ||
		cp -r "$SCRATCH/build/srv/debs" "$SCRATCH/$1/srv/"
}

# step SENTENCE ROOT STEP [ARGUMENT...]: one step of deb_steps.sh in that root.
step() {
	deb_what=$1
	deb_root=$2
	shift 2
	if root_run "$SCRATCH/$deb_root" sh -eu /srv/deb_steps.sh "$@" \
		</dev/null >"$SCRATCH/log/$deb_root.$1" 2>&1; then
		pass "$deb_what"
	else
		fail "$deb_what" \
			"$(tail -n 40 "$SCRATCH/log/$deb_root.$1" | cut -c -300)"
		return 1
	fi
}

# needed SENTENCE ROOT STEP...: nothing can go on without it.
needed() {
	step "$@" || bail "$1"
}

# --- Building -----------------------------------------------------------------

fresh build
mkdir "$SCRATCH/build/srv/first"
copy_source "$JP_SOURCE" "$SCRATCH/build/srv/first/jira-pat"
chmod -R u+w "$SCRATCH/build/srv/first"
# As a checkout is: a release has what ./bootstrap makes, too.
(cd "$SCRATCH/build/srv/first/jira-pat" && rm -rf aclocal.m4 build-aux \
	config.h.in config.h.in~ configure configure~ Makefile.in \
	m4/libtool.m4 m4/lt*.m4)
mkdir "$SCRATCH/build/srv/second"
cp -a "$SCRATCH/build/srv/first/jira-pat" "$SCRATCH/build/srv/second/another-name"
needed "dpkg-buildpackage makes the packages, without root" build \
	build /srv/first/jira-pat 1000
step "lintian finds no error and no warning" build lint
step "blhc finds no object without hardening" build hardened
step "lintian's overrides say why" build explained
step "apparmor_parser reads the profiles" build profiles
step "pat-admin needs nothing of the daemon, and patd this pat-admin" build needs
step "a newer version is made, which writes another format" build newer
step "debian/rules clean leaves what was there" build clean
step "they are built again, elsewhere, by root and with other settings" build \
	build /srv/second/another-name 0
step "both builds are the same, byte for byte" build same

# --- Installed, used, removed -------------------------------------------------

fresh new
needed "apt install ./*.deb asks nothing" new by_apt
step "units are enabled, timers are not" new enabled
step "no service of PAM has changed" new pam_untouched
step "one command makes the first token" new first_command
step "the first token is accepted, revoked and denied: autopkgtest" new story
step "the profiles of AppArmor allow what patd and pat-httpd do" new allowed
step "with the profile of pam-auth-update tokens and passwords log in" new \
	pam_selected
step "which stays when the module of another architecture goes" new \
	pam_other_gone s390x
step "its removal takes it out again" new pam_removed
step "remove keeps the tokens, and the next installation finds them" new kept
step "purge keeps the tokens, unless it is answered" new purged_kept
step "purge with the answer yes takes all of them" new purged_gone
root_drop "$SCRATCH/new"

# --- Under systemd ------------------------------------------------------------

# booted SENTENCE STEP: as step, in a system that has been booted.
booted() {
	if boot_run sh -eu /srv/deb_steps.sh "$2" </dev/null \
		>"$SCRATCH/log/booted.$2" 2>&1; then
		pass "under systemd: $1"
	else
		fail "under systemd: $1" \
			"$(tail -n 40 "$SCRATCH/log/booted.$2" | cut -c -300)"
	fi
}

if boot_make "$RELEASE" "$SCRATCH/boot" build package \
	2>"$SCRATCH/log/boot" && furnish boot && boot_start; then
	booted "apt install starts patd and pat-httpd" by_apt
	booted "one command makes the first token" first_command
	booted "it is accepted, revoked and denied: autopkgtest" story
	booted "an upgrade starts the new version, with the tokens; timers go on" \
		upgraded
	booted "the removal stops both, and the timers" stopped
	boot_stop
else
	skip "under systemd" "$(tail -n 1 "$SCRATCH/log/boot")"
fi
root_drop "$SCRATCH/boot"

# --- Upgraded, and back -------------------------------------------------------

fresh old
cp -a "$SCRATCH/build/srv/first/made" "$SCRATCH/old/srv/"
needed "0.1.0 was installed by make install" old by_hand
step "the packages take its place, with its tokens" old take_over
step "also where make uninstall was forgotten" old installed_over
step "a newer version is installed, and writes its format" old upgrade
step "an older patd does not take its place" old downgrade
step "nor does it read that store once the newer one is removed" old went_back
step "the newer one goes on" old upgrade
root_drop "$SCRATCH/old"
root_drop "$SCRATCH/build"
done_testing
