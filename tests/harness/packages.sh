#!/bin/sh
# What need_packages and need_unpacked of tests/lib/build.sh do with the real apt-get and dpkg,
# for a machine and a repository that are folders.

# shellcheck source-path=SCRIPTDIR/../..
# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/build.sh
. "$JP_SOURCE/tests/lib/build.sh"

[ "$(id -u)" = 0 ] || skip_all "dpkg installs as root only"
for tool in apt-get apt-cache dpkg dpkg-deb; do
	command -v $tool >/dev/null || skip_all "$tool is missing"
done
scratch
arch=$(dpkg --print-architecture)
machine=$SCRATCH/machine
repo=$SCRATCH/repo

# package NAME [FIELD]: one with a file of that name, in the repository.
package() {
	mkdir -p "$SCRATCH/$1/DEBIAN"
	{
		printf 'Package: %s\nVersion: 1\nArchitecture: all\n' "$1"
		printf 'Maintainer: nobody\n'
		[ $# -lt 2 ] || printf '%s\n' "$2"
		printf 'Description: nearly empty\n'
	} >"$SCRATCH/$1/DEBIAN/control"
	mkdir -p "$SCRATCH/$1/usr/share"
	echo "$1" >"$SCRATCH/$1/usr/share/$1"
	dpkg-deb --root-owner-group -b "$SCRATCH/$1" "$repo/$1.deb" \
		>"$SCRATCH/log/dpkg-deb.log" || bail "no package $1"
	{
		cat "$SCRATCH/$1/DEBIAN/control"
		printf 'Filename: ./%s.deb\nSize: %s\nSHA256: %s\n\n' "$1" \
			"$(stat -c %s "$repo/$1.deb")" \
			"$(sha256sum "$repo/$1.deb" | cut -d ' ' -f 1)"
	} >>"$repo/Packages"
}

# machine_make: one without packages, that knows nothing of the repository yet.
machine_make() {
	rm -rf "$machine"
	mkdir -p "$machine/var/lib/dpkg/updates" "$machine/var/lib/dpkg/info" \
		"$machine/var/lib/apt/lists/partial" "$machine/etc/apt/parts" \
		"$machine/var/cache/apt/archives/partial" \
		"$machine/var/log/apt"
	: >"$machine/var/lib/dpkg/status"
	echo "deb [trusted=yes] file:$repo ./" >"$machine/etc/apt/sources.list"
	cat >"$SCRATCH/apt.conf" <<-EOF
		Dir "$machine";
		Dir::State::status "$machine/var/lib/dpkg/status";
		Dir::Etc::sourceparts "$machine/etc/apt/parts";
		Dir::Etc::preferencesparts "$machine/etc/apt/parts";
		Dir::Bin::Methods "/usr/lib/apt/methods";
		APT::Architecture "$arch";
		APT::Sandbox::User "root";
		DPkg::Options { "--root=$machine"; "--log=$machine/dpkg.log";
			"--force-not-root"; "--force-script-chrootless"; };
		DPkg::Pre-Install-Pkgs {};
		DPkg::Post-Invoke {};
		APT::Update::Post-Invoke {};
		APT::Update::Post-Invoke-Success {};
	EOF
}

# The files of this machine's own apt and dpkg are not looked at.
export APT_CONFIG="$SCRATCH/apt.conf" DPKG_ADMINDIR="$machine/var/lib/dpkg"
without_services() {
	"$@"
}

# need LINE...: sets $said and $ended.
need() {
	printf '%s\n' "$@" >"$SCRATCH/packages"
	need_packages "$SCRATCH/packages" test 2>"$SCRATCH/said"
	ended=$?
	said=$(cat "$SCRATCH/said")
}

# calls: how often dpkg was run to unpack something.
calls() {
	grep -c ' startup archives unpack' "$machine/dpkg.log"
}

installed() {
	dpkg-query -W -f '${Package} ' 2>/dev/null
}

mkdir "$repo"
package one
package two
package three
package mail-a "Conflicts: mail-b"
package mail-b
package mail-c "Conflicts: mail-a
Depends: one, two"

machine_make
need "test one" "test two" "build three"
is "packages of a group are installed, after the list was fetched" \
	"$ended: $(installed)" "0: one two "
note "$said"
need "test one" "test two"
is "what is there already is no work" "$ended: $said" "0: "

need "test gone|three"
is "where the first of two names is not known, the second is installed" \
	"$ended: $(installed)" "0: one three two "
need "test gone|one|two"
is "one of these names is enough" "$ended: $said" "0: "
need "test gone|-"
is "a name that may be unknown is no fault" "$ended: $said" "0: "

machine_make
need "test one" "test gone" "test two"
is "a name that this release does not have keeps no other back" \
	"$ended: $(installed)" "1: one two "
like "it is named" "$said" "*cannot install: gone (not in this release)"
is "and the others are installed together" "$(calls)" 1

machine_make
need "test mail-b"
need "test one" "test mail-a" "test two"
is "what conflicts with an installed package is left out, and this one stays" \
	"$ended: $(installed)" "1: mail-b one two "
like "both are named" "$said" "*cannot install: mail-a (in the place of mail-b)"
is "again the others are installed together" "$(calls)" 2

machine_make
need "test mail-a" "test one" "test mail-b"
is "of two that exclude each other the first one is installed" \
	"$ended: $(installed)" "1: mail-a one "
like "and the second one is named" "$said" "*cannot install: mail-b (*)"

# unpacked NAME: sets $out, $said and $ended.
export JP_CACHE="$SCRATCH/cache"
unpacked() {
	out=$(need_unpacked "$1" 2>"$SCRATCH/said")
	ended=$?
	said=$(cat "$SCRATCH/said")
}

before=$(installed)
unpacked mail-c
is "what conflicts with an installed package can be unpacked" \
	"$ended $out $(cat "$out/usr/share/mail-c")" "0 $JP_CACHE/unpacked/mail-c-1 mail-c"
is "with what it needs" "$(cat "$out/usr/share/two")" two
is "and without what is installed" "$(ls "$out/usr/share")" "mail-c
two"
is "nothing is installed" "$(installed)" "$before"
touch "$out/mark"
unpacked mail-c
is "the second time it is there already" "$ended $said $(ls "$out/mark")" \
	"0  $out/mark"
unpacked gone
is "a name that this release does not have is no folder" "$ended $out $said" \
	"1  gone is not in this release"
rm -rf "$JP_CACHE" "$repo/two.deb"
unpacked mail-c
is "where a part cannot be had there is no folder, and nothing is left" \
	"$ended $out $(ls "$JP_CACHE/unpacked")" "1  "
done_testing
