#!/bin/sh
# What one question costs the program that pam_jira_pat.so runs in: so many
# system calls, and no shared object but the module, loaded once.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"
# shellcheck source=tests/lib/calls.sh
. "$JP_SOURCE/tests/lib/calls.sh"

program=${JP_BUILD:?}/tests/pam/test_module
JP_PAM_MODULE=$JP_BUILD/.libs/pam_jira_pat.so
JP_PAM_HERE=$JP_BUILD/tests/pam/.libs/pam_jira_pat_here.so
test -x "$program" || skip_all "cmocka is missing: apt-get install libcmocka-dev"
for helpers in /usr/lib/*/pam_wrapper /usr/lib*/pam_wrapper; do
	test ! -d "$helpers" || break
done
test -d "$helpers" ||
	skip_all "pam_wrapper is missing: apt-get install libpam-wrapper"
JP_PAM_HELPERS=$helpers
export JP_PAM_MODULE JP_PAM_HERE JP_PAM_HELPERS
# pam_wrapper itself is not wanted: it copies the modules.
unset PAM_WRAPPER

scratch
mkdir "$SCRATCH/pam"
"$program" --services "$SCRATCH/pam"
trace "$program" "$SCRATCH/pam"
is "each answered question is seven system calls, these" \
	"$(questions "$answered")" "$question"
is "the module is loaded once for all transactions" \
	"$(objects_loaded | grep '^pam_jira_pat\.so ')" "pam_jira_pat.so 1"
# The name services of this machine for hosts: libaudit looks PAM_RHOST up.
hosts=$(sed -n 's/\[[^]]*\]//g; s/^hosts: *//p' /etc/nsswitch.conf |
	tr -s ' \t' '||')
# libpam's are there at the start, pam_deny.so is that of "other".
is "and brings no other shared object" "$(objects_loaded |
	grep -v -E "^libnss_(${hosts:-none})\.so" |
	sed -n '/^libcmocka\|^libpam\.\|^libaudit\|^libcap-ng\|^libc\./d
		/^pam_deny\|^pam_matrix\|^pam_[gs]et_items\|_here\.so /d; p')" \
	"pam_jira_pat.so 1"

if [ "$(id -u)" = 0 ]; then
	trace "$JP_BUILD/tests/unit/test_client"
	peer='^getsockopt.*SO_PEERCRED.*uid=[1-9]'
	is "of a listener that is not root the directory is looked at" \
		"$(questions "$peer" | sed 's/^chown chmod //')" \
		"socket connect getsockopt stat close
socket connect getsockopt stat sendto poll recvfrom close"
else
	skip "of a listener that is not root the directory is looked at" \
		"needs root"
fi
done_testing
