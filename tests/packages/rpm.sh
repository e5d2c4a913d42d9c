#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# examples/rpm: the packages are built by Debian's rpmbuild, from the archive of a
# release, and unpacked; the feature of authselect is put into a profile.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"

files=$JP_SOURCE/examples/rpm
for tool in rpmbuild rpm2cpio cpio; do
	command -v $tool >/dev/null 2>&1 || skip_all "no $tool"
done
scratch

# --- authselect ------------------------------------------------------------------------

mkdir "$SCRATCH/profile"
cat >"$SCRATCH/profile/system-auth" <<'EOF'
auth        required                                     pam_env.so
auth        required                                     pam_faildelay.so delay=2000000
auth        required                                     pam_faillock.so preauth silent {include if "with-faillock"}
auth        [default=1 ignore=ignore success=ok]         pam_localuser.so
auth        sufficient                                   pam_unix.so nullok
auth        required                                     pam_deny.so

account     required                                     pam_unix.so

password    required                                     pam_deny.so
EOF
cp "$SCRATCH/profile/system-auth" "$SCRATCH/before"
exits_2() {
	"$files/authselect-feature" "$@" >/dev/null 2>&1
	[ $? -eq 2 ]
}
ok "authselect-feature wants a profile" exits_2 "$SCRATCH/none"
"$files/authselect-feature" "$SCRATCH/profile"
is "it adds two lines, both for the feature alone" \
	"$(diff "$SCRATCH/before" "$SCRATCH/profile/system-auth" | grep '^[<>]' |
		tr -s ' ')" \
	'> auth [success=done user_unknown=ignore default=die] pam_jira_pat.so unknown=pass {include if "with-jira-pat"}
> account [success=done ignore=ignore default=die] pam_jira_pat.so {include if "with-jira-pat"}'
is "in front of what jumps over lines" \
	"$(sed -n '3s/.*\(pam_jira_pat.so\).*/\1/p' "$SCRATCH/profile/system-auth")" \
	pam_jira_pat.so
cp "$SCRATCH/profile/system-auth" "$SCRATCH/before"
"$files/authselect-feature" "$SCRATCH/profile"
ok "twice is once" cmp -s "$SCRATCH/before" "$SCRATCH/profile/system-auth"
is "the feature is listed once" \
	"$(grep -c 'if "with-jira-pat"' "$SCRATCH/profile/REQUIREMENTS")" 1

# --- The packages ----------------------------------------------------------------------

version=$(sed -n 's/^Version: *//p' "$files/jira-pat.spec")
is "the spec file has the version of the release" "$version" \
	"$(sed -n 's/^AC_INIT(\[jira-pat\], \[\([^]]*\)\].*/\1/p' \
		"$JP_SOURCE/configure.ac")"
mkdir "$SCRATCH/sources"
make -s -C "$JP_BUILD" distdir distdir="$SCRATCH/jira-pat-$version" \
	>"$SCRATCH/log/dist" 2>&1 || bail "no archive: $(tail -n 3 "$SCRATCH/log/dist")"
tar -C "$SCRATCH" -cJf "$SCRATCH/sources/jira-pat-$version.tar.xz" \
	"jira-pat-$version" || bail "no archive"

build_rpms() {
	if command -v ccache >/dev/null 2>&1; then
		CC="ccache gcc"
		export CC
	fi
	rpmbuild -ba --nodeps --load "$JP_SOURCE/tests/packages/rpm.macros" \
		--define "_topdir $SCRATCH/top" --define "_dbpath $SCRATCH/db" \
		--define "_tmppath $SCRATCH" --define "debug_package %{nil}" \
		--define "_sourcedir $SCRATCH/sources" "$files/jira-pat.spec" \
		>"$SCRATCH/log/rpmbuild" 2>&1
}
ok "rpmbuild makes the packages" build_rpms
find "$SCRATCH/top" -name '*.rpm' >"$SCRATCH/rpms"
is "of what they are named" "$(sed 's|.*/||; s/-[0-9].*\.\([a-z0-9_]*\)\.rpm$/ \1/' \
	"$SCRATCH/rpms" | sed "s/$(uname -m)/here/" | LC_ALL=C sort)" \
	"cyrus-sasl-jira-pat here
jira-pat here
jira-pat src
jira-pat-cluster here
jira-pat-httpd here
pam_jira_pat here"
while IFS= read -r package; do
	case $package in
	*.src.rpm) ;;
	*) (cd "$SCRATCH/top" && rpm2cpio "$package" | cpio -idm --quiet) ;;
	esac
done <"$SCRATCH/rpms" 2>"$SCRATCH/log/unpack"
like "patd runs as it is unpacked" "$("$SCRATCH/top/usr/sbin/patd" --version)" \
	"patd (jira-pat) $version"
is "its unit starts what the package has" \
	"$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' \
		"$SCRATCH/top/usr/lib/systemd/system/patd.service")" /usr/sbin/patd
if command -v rpmlint >/dev/null 2>&1; then
	is "rpmlint sees no error in the spec file" \
		"$(rpmlint "$files/jira-pat.spec" 2>&1 | grep ': E: ')" ""
else
	skip "rpmlint sees no error in the spec file" "no rpmlint"
fi
done_testing
