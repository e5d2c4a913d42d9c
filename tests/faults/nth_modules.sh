#!/bin/sh
# Every n-th call of the PAM module and of the SASL plugin fails, in a host that
# loads them: tests/faults/nth_host.c.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"

host=$JP_BUILD/tests/faults/nth_host
shim=$JP_BUILD/tests/faults/.libs/nth_call.so
[ -x "$host" ] || skip_all "tests/faults/nth_host is not built"
case $(ldd "$host") in
*libasan* | *libtsan* | *libubsan*) skip_all "preloads a library of its own" ;;
esac
scratch
truncate -s 65536 "$SCRATCH/calls"
mkdir "$SCRATCH/pam" "$SCRATCH/sasl"
ln -s "$JP_BUILD/.libs/libjirapat.so" "$SCRATCH/sasl/"
echo "auth required $JP_BUILD/.libs/pam_jira_pat.so" \
	"socket=$SCRATCH/pam/sock one_shot=no timeout=1" >"$SCRATCH/pam/host"

for kind in pam sasl; do
	out=$(JP_NTH_CALL=$SCRATCH/calls LD_PRELOAD=$shim \
		timeout 600 "$host" $kind "$SCRATCH/$kind" 2>&1)
	status=$?
	note "$out"
	is "$kind: whatever call fails, the host lives" $status 0
	like "$kind: whatever call fails, no wrong token is in, and the next is" \
		"$out" "1..[12]
ok 1 -*"
	is "$kind: so it is with those of the library" "$(echo "$out" | grep -c '^not ok')" 0
done
done_testing
