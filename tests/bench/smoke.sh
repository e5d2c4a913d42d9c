#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# The bench runs: every contender that can be here takes its turns, and the JSON
# says so. How long anything takes is not looked at.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"

command -v python3 >/dev/null 2>&1 || skip_all "no python3"
for part in patd/patd tools/pat-admin tests/bench/pam_bench \
    tests/bench/crowd tests/bench/fill tests/bench/pwhash_bench \
    tests/bench/web tests/bench/fcgi tests/bench/hello pat_httpd/pat-httpd \
    tests/daemon/admin_ask \
    tests/lib/.libs/pam_confdir.so \
    .libs/pam_jira_pat.so tests/bench/.libs/pam_empty.so; do
	[ -e "$JP_BUILD/$part" ] || skip_all "$part is not built"
done
case $(ldd "$JP_BUILD/.libs/pam_jira_pat.so" 2>/dev/null) in
*libasan* | *libtsan*) skip_all "needs a build without sanitizer" ;;
esac
export PYTHONDONTWRITEBYTECODE=1
scratch
mkdir "$SCRATCH/tmp"
export TMPDIR="$SCRATCH/tmp"

# bench ARGUMENT...
bench() {
	timeout 300 python3 "$JP_SOURCE/tests/bench/bench.py" "$@" \
		--output "$SCRATCH/out" >"$SCRATCH/tables" 2>"$SCRATCH/errors"
}

# contenders SLOT: from the JSON, those that took two turns, and those who are
# left out for a reason.
contenders() {
	python3 -c 'import json, sys
slot, = (s for s in json.load(open(sys.argv[1]))["slots"]
         if s["name"] == sys.argv[2])
for name, samples in slot["samples"].items():
    turns = [s for s in samples if all(v >= 0 for v in s.values())]
    assert len(turns) == 2, name
    print(name)
for name, reason in slot["missing"].items():
    assert reason
    print(name)' "$SCRATCH/out/results.json" "$1" 2>&1
}

ok "two rounds of two operations" bench --rounds 2 --operations 2 \
	--slot pam --slot apache --slot mux --slot day
note "$(tail -n 3 "$SCRATCH/errors")"
is "whole PAM transactions: everyone took part" "$(contenders pam | LC_ALL=C sort)" \
	"empty module
empty module that sleeps once
ours, cold
ours, forged token
ours, warm
pam_permit
pam_unix, yescrypt
pam_userdb, SHA-512 crypt"
if [ "$(contenders apache)" = everyone ]; then
	skip "through Apache: everyone took part" "there is no Apache here"
else
	is "through Apache: everyone took part" "$(contenders apache | LC_ALL=C sort)" \
		"mod_authn_dbm (Berkeley DB), bcrypt 5
mod_authn_file, bcrypt 10
mod_authn_file, bcrypt 5
mod_authn_socache and file, bcrypt 10
mod_authn_socache and ours
no authentication
ours, warm
pam_permit"
fi
is "the saslauthd protocol: everyone took part" "$(contenders mux | LC_ALL=C sort)" \
	"ours, 1 client
ours, 8 clients
saslauthd -c, 1 client
saslauthd -c, 8 clients
saslauthd, 1 client
saslauthd, 8 clients"
is "a mixed day: both days took part" "$(contenders day | LC_ALL=C sort)" "mixed day
warm day"
like "the day had every kind of question" "$(cat "$SCRATCH/out/results.json")" \
	'*"warm_p99_us"*"forged_p99_us"*"cold_p50_us"*'
like "the table says what it compares with" "$(cat "$SCRATCH/tables")" \
	'*× empty module*'

ok "the authorizer" bench --slot authorizer --rounds 2 --operations 2
note "$(tail -n 3 "$SCRATCH/errors")"
like "the authorizer: alone, all took part" "$(contenders authorizer)" \
	'*ours, HTTP alone*hello of libmicrohttpd*ours, FastCGI alone*stub*ours, verify*'
like "the authorizer: through proxies, or a reason why not" \
	"$(contenders authorizer)" '*nginx*Apache*'
like "the table says what the targets are" "$(cat "$SCRATCH/tables")" \
	'*nginx, FastCGI: at most*Apache, FastCGI: at most*FastCGI alone: at least*'

ok "the page" bench --slot page --rounds 2 --operations 2
note "$(tail -n 3 "$SCRATCH/errors")"
like "the page and REST took part" "$(contenders page)" \
	'*the page*REST*administrators, search*hello of libmicrohttpd*'

ok "another build beside" bench --rounds 2 --operations 2 --slot mux \
	--beside "$JP_BUILD"
like "another build beside: ours took part twice" "$(contenders mux)" \
	'*ours, 8 clients*saslauthd*ours, 1 client, other build*'
like "another build beside: the two are compared" "$(cat "$SCRATCH/tables")" \
	'*ours, 8 clients: no worse than ours, 8 clients, other build*'

ok "a cold token" bench --slot cold --rounds 2 --operations 2
note "$(tail -n 3 "$SCRATCH/errors")"
is "a cold token: everyone took part" "$(contenders cold | sort)" \
	"crypto_pwhash() alone
patd, cold"

ok "a slow disk" bench --slot sync --rounds 2 --operations 2
note "$(tail -n 3 "$SCRATCH/errors")"
like "a slow disk: both took part" "$(contenders sync)" \
	'*no commit*during a 3 s fsync*'

ok "a list of users" bench --slot users --rounds 2 --operations 4
note "$(tail -n 3 "$SCRATCH/errors")"
like "a list of users: all took part" "$(contenders users)" \
	'*one commit for each*sync-users*questions*beside*'

ok "a restart" bench --slot restart --rounds 2 --operations 2
note "$(tail -n 3 "$SCRATCH/errors")"
like "a restart: patd was killed and started" "$(contenders restart)" \
	'*ours, killed and started*'

ok "files" bench --slot identify --rounds 2 --operations 2 \
	--beside "$JP_BUILD"
note "$(tail -n 3 "$SCRATCH/errors")"
like "files: all took part" "$(contenders identify)" \
	'GNU grep*ours, log*ours, log in 8 files*base64*wrong checksums*other build'

ok "what is done to many" bench --slot bulk --rounds 2 --operations 4
note "$(tail -n 3 "$SCRATCH/errors")"
like "what is done to many: all took part" "$(contenders bulk)" \
	'*create --batch*sync-users*import*policy apply*purge*beside create*beside import*'

ok "many tokens" bench --slot scale --rounds 2 --operations 2
note "$(tail -n 3 "$SCRATCH/errors")"
like "many tokens: warm questions were asked" "$(contenders scale)" \
	'*warm, 1 k tokens*'
like "many tokens: the larger stores are left out" "$(cat "$SCRATCH/tables")" \
	'*warm, 1 M tokens: left out:*'

ok "several hosts" bench --slot cluster --rounds 2 --operations 2
note "$(tail -n 3 "$SCRATCH/errors")"
like "several hosts: a single one took part" "$(contenders cluster)" \
	'*ours, warm, single host*ours, create, single*ours, revoke, single*'
case $(contenders cluster) in
*"several hosts"*) skip "several hosts: all took part" "they cannot be here" ;;
*)
	like "several hosts: all took part" "$(contenders cluster)" \
		'*create, 3 hosts*revoke, 3 hosts*in PostgreSQL*all refuse*failover*join, 50 tokens*idle*'
	;;
esac

printf '%s\n' before \
	'<!-- begin of what tests/bench/run --into writes -->' old \
	'<!-- end of what tests/bench/run --into writes -->' after \
	>"$SCRATCH/page.md"
ok "an earlier result is put into a page" timeout 60 \
	python3 "$JP_SOURCE/tests/bench/bench.py" --markdown \
	--from "$SCRATCH/out/results.json" --into "$SCRATCH/page.md"
is "around it nothing changes" "$(sed -n '1p;$p' "$SCRATCH/page.md")" "before
after"
is "what was there before is gone" "$(grep -c -x old "$SCRATCH/page.md")" 0

is "nothing is left behind" "$(ls "$TMPDIR")" ''

ok "--list needs no build" timeout 60 env -u JP_BUILD \
	"$JP_SOURCE/tests/bench/run" --list
bench --slot nonsense
is "an unknown slot is a usage error" $? 2
done_testing
