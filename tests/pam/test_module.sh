#!/bin/sh
# Runs test_module under the real libpam: pam_wrapper makes it read service
# files from a scratch folder instead of /etc/pam.d, without root.
set -eu

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

program=${JP_BUILD:?}/tests/pam/test_module
JP_PAM_MODULE=$JP_BUILD/.libs/pam_jira_pat.so
JP_PAM_HERE=$JP_BUILD/tests/pam/.libs/pam_jira_pat_here.so
test -x "$program" || skip 'cmocka is missing: apt-get install libcmocka-dev'
for wrapper in /usr/lib/*/libpam_wrapper.so /usr/lib*/libpam_wrapper.so; do
	test ! -e "$wrapper" || break
done
test -e "$wrapper" ||
	skip 'pam_wrapper is missing: apt-get install libpam-wrapper'
JP_PAM_HELPERS=${wrapper%/*}/pam_wrapper
export JP_PAM_MODULE JP_PAM_HERE JP_PAM_HELPERS

scratch=$(mktemp -d "${TMPDIR:-/tmp}/jp-pam.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
"$program" --services "$scratch"

# A sanitizer's library has to be in front of the wrapper's. ThreadSanitizer
# stops at the RTLD_DEEPBIND that the wrapper uses, so it goes without.
sanitizers=$(ldd "$program" |
	awk '$1 ~ /^lib(asan|tsan|ubsan)\./ { print $3 }' | tr '\n' ':')
case $sanitizers in
*libtsan*)
	"$program" "$scratch"
	;;
*)
	LD_PRELOAD=$sanitizers$wrapper PAM_WRAPPER=1 \
		PAM_WRAPPER_SERVICE_DIR=$scratch/services \
		"$program" "$scratch"
	;;
esac
