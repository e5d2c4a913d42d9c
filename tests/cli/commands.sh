#!/bin/sh
# Every command of pat-admin, on the store itself and through patd: the same
# checks, run twice.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

TOKEN='jpat_????????_????????????????????????????????????'

cli_make 'max_per_user = 3' 'max_lifetime = 365d' 'name_required = yes'
secrets=

# new USER [ARGUMENT...]: makes a token, sets $token and $id.
new() {
	new_user=$1
	shift
	run create "$new_user" --name made "$@"
	token=$(printf '%s\n' "$out" | head -n 1)
	id=$(id_of "$token")
	secrets="$secrets
${token#jpat_????????_}"
}

# refuses SENTENCE STATUS PATTERN ARGUMENT...: and no token is made.
refuses() {
	refuses_what=$1
	refuses_status=$2
	refuses_pattern=$3
	shift 3
	run create "$@"
	is "$refuses_what" "$status:$out" "$refuses_status:"
	like "$refuses_what, and it says why" "$err" "$refuses_pattern"
}

check_create() {
	new "$1"
	is "$W create: exit status 0" "$status" 0
	# shellcheck disable=SC2254
	case $out in
	$TOKEN) pass "$W create prints the token alone" ;;
	*) fail "$W create prints the token alone" "$out" ;;
	esac
	like "$W create tells people on standard error" "$err" \
		"*$id*$1*only this once*"
	run_with "$token" test "$1"
	is "$W the new token is accepted" "$status:$out" "0:accepted"
	run_with "$token" test "somebody-else"
	is "$W for another user it is denied" "$status:$out" \
		"1:denied: wrong-user"

	new "$1" --bearer
	is "$W --bearer prints base64(user:token) on line two" \
		"$(printf '%s\n' "$out" | sed -n 2p | base64 -d)" "$1:$token"
	run revoke "$id"
	run create "$1" --name j --json --bearer --scope read --scope write \
		--service 'jira-*' --from 192.0.2.0/24 --expires 2027-01-31
	is_json "$W create --json prints JSON"
	is "$W create --json has all fields" "$(json 'sorted(d)')" \
		"['bearer', 'created_at', 'expires_at', 'id', 'name', 'networks', 'number', 'owner_group', 'parent', 'scopes', 'services', 'token', 'user', 'uses_max']"
	is "$W create --json has the rights" \
		"$(json 'd["scopes"], d["services"], d["networks"], d["expires_at"]')" \
		"(['read', 'write'], ['jira-*'], ['192.0.2.0/24'], '2027-01-31T00:00:00Z')"
	token=$(json 'd["token"]')
	id=$(json 'd["id"]')
	secrets="$secrets
${token#jpat_????????_}"
}

check_test() {
	run_with "$token" test "$1" --service narrow --from 192.0.2.9
	is "$W test: service pattern" "$status:$out" "1:denied: service"
	run_with "$token" test "$1" --service jira-x --from 198.51.100.1
	is "$W test: a service that names no scope" "$status:$out" \
		"1:denied: scope"
	run_with "$token" test "$1" --json
	is_json "$W test --json prints JSON"
	is "$W test --json gives reason and id" "$status:$(json \
		'd["verdict"], d["reason"], d["id"]')" \
		"1:('denied', 'service', '$id')"
	run_with "hello" test "$1"
	is "$W test: not a token" "$status:$out" "1:denied: shape"
	run_with "" test "$1"
	is "$W test: nothing on standard input" "$status" 2
}

# on_terminal TEXT ARGUMENT...: pat-admin with a terminal, on which TEXT and a
# newline are typed once it asks; prints all that the terminal showed.
on_terminal() {
	timeout 60 python3 -c 'import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
shown = b""
try:
    while b"Token: " not in shown:
        shown += os.read(fd, 1024)
    os.write(fd, sys.argv[1].encode() + b"\n")
    while True:
        more = os.read(fd, 1024)
        if not more:
            break
        shown += more
except OSError:
    pass
status = os.waitpid(pid, 0)[1]
print(shown.decode().replace("\r\n", "|"), os.waitstatus_to_exitcode(status))' \
		"$1" "$PAT_ADMIN" --config "$CONF" test "$2"
}

check_terminal() {
	new "$1"
	is "$W test asks on a terminal, and does not show what is typed" \
		"$(on_terminal "$token" "$1")" "Token: |accepted| 0"
	run revoke "$id"
}

check_list() {
	run list
	like "$W list has its heads" "$out" \
		"ID *USER *NAME *STATE *CREATED *EXPIRES *LAST-USED*"
	like "$W list shows the live token" "$out" "*$id*$1*j*live*2027-01-31*"
	is "$W list aligns its columns" "$(printf '%s\n' "$out" |
		awk '{ print index($0, $4 == "STATE" ? "STATE" : " live ") + ($4 != "STATE") }' |
		sort -u | wc -l)" 1
	run list "$1" --json
	is_json "$W list --json prints JSON"
	is "$W list --json: a user's live ones" \
		"$(json 'len(d), {t["state"] for t in d}, {t["user"] for t in d}')" \
		"(2, {'live'}, {'$1'})"
	run list "$1" --all --json
	is "$W list --all shows dead ones" "$(json 'len(d)')" 3
	run list nobody-here --json
	is "$W an empty list is an empty array" "$status:$out" "0:[]"
	run list "$1" --expiring 1s --json
	is "$W list --expiring leaves out the others" "$out" "[]"

	exits "$W show: by id" 0 show "$id"
	like "$W show has the fields" "$out" "*$id*$1*live*192.0.2.0/24*"
	exits "$W show: by the token's text" 0 show "$token" --json
	is_json "$W show --json prints JSON"
	is "$W show tells no hash" "$(printf '%s' "$out" |
		grep -c 'argon2\|phc\|tag')" 0
	exits "$W show: not found" 1 show AAAAAAAA
}

check_revoke() {
	exits "$W revoke: an unknown id" 1 revoke AAAAAAAA
	exits "$W revoke: the others are done" 1 \
		revoke AAAAAAAA "$token" --reason 'leaked in a log'
	like "$W revoke prints what it did" "$out" "revoked $id $1 j"
	run_with "$token" test "$1" --service jira-x --from 192.0.2.9
	is "$W a revoked token is denied" "$status:$out" "1:denied: revoked"
	exits "$W revoke: again" 0 revoke "$id"
	like "$W revoke: again is told" "$out" "already revoked $id $1*"
	run show "$id" --json
	is "$W the reason is kept" "$(json 'd["revoked_why"]')" \
		"leaked in a log"
	run show "$id"
	is "$W under the same name in the text, and the old one" "$(
		printf '%s\n' "$out" | grep -c 'leaked in a log$'
	):$(printf '%s\n' "$out" | sed -n 's/^revoked-why  *//p')" \
		"2:leaked in a log"

	new "$1"
	printf '# leaked\n\n  %s\r\n%s\n' "$token" "$id" >"$SCRATCH/ids"
	printf '%s\nnot a token\n' "$id" >"$SCRATCH/wrong"
	exits "$W revoke --from-file: a wrong line" 2 \
		revoke --from-file "$SCRATCH/wrong"
	like "$W revoke --from-file names the line" "$err" "*line 2:*"
	run show "$id" --json
	is "$W revoke --from-file: then nothing is revoked" \
		"$(json 'd["state"]')" live
	exits "$W revoke --from-file" 0 revoke --from-file "$SCRATCH/ids" --json
	is "$W revoke --json: one object a line" "$(printf '%s\n' "$out" |
		python3 -c 'import json, sys
print([json.loads(line)["changed"] for line in sys.stdin])')" "[True, False]"
	new "$1"
	run_with "$token" revoke --from-file -
	is "$W revoke reads standard input" "$status:${out%% *}" 0:revoked
	exits "$W revoke --user" 0 revoke --user "$1"
	run list "$1"
	is "$W revoke --user left none" "$(printf '%s\n' "$out" | wc -l)" 1
	exits "$W revoke --user: none is left" 1 revoke --user "$1"
}

# A text of Python's, which can hold anything.
text() {
	python3 -c "import sys; sys.stdout.buffer.write($1)"
}

check_refusals() {
	refuses "$W no empty user" 2 '*create:*' '' --name n
	refuses "$W no user of 256 bytes" 2 '*' "$(text 'b"u" * 256')" --name n
	refuses "$W no user that is not UTF-8" 2 '*UTF-8*' \
		"$(text 'b"u\xff"')" --name n
	refuses "$W no control character in a user" 2 '*' \
		"$(text 'b"u\x01x"')" --name n
	refuses "$W no colon in a user" 2 '*:*' 'a:b' --name n
	refuses "$W no name of 129 bytes" 2 '*name*' u --name \
		"$(text 'b"n" * 129')"
	refuses "$W no missing name" 2 '*--name*' u
	refuses "$W no expiry in the past" 2 '*past*' u --name n \
		--expires 2020-01-31
	refuses "$W no 31 February" 2 '*--expires*' u --name n \
		--expires 2027-02-31
	refuses "$W no expiry in 1970, which is the number for never" 2 '*' \
		u --name n --expires 1970-01-01
	refuses "$W no lifetime above the policy's" 1 '*max_lifetime*' u \
		--name n --expires 366d
	refuses "$W no token without end" 1 '*max_lifetime*' u --name n \
		--expires never
	refuses "$W no scope of two words" 2 '*--scope*' u --name n \
		--scope 'a b'
	refuses "$W no empty scope" 2 '*--scope*' u --name n --scope ''
	refuses "$W no scope with a comma" 2 '*--scope*' u --name n --scope a,b
	refuses "$W no empty service" 2 '*--service*' u --name n --service ''
	refuses "$W no network with host bits" 2 '*--from*' u --name n \
		--from 192.0.2.1/24
	refuses "$W no name in place of a network" 2 '*--from*' u --name n \
		--from localhost
	run list u --all --json
	is "$W what was refused left nothing" "$out" "[]"

	new "$1-many" --expires 365d
	is "$W the longest lifetime is allowed" "$status" 0
	first=$id
	new "$1-many"
	new "$1-many"
	refuses "$W no fourth live token" 1 '*max_per_user*' "$1-many" --name n
	run revoke "$first"
	exits "$W revoked ones do not count" 0 create "$1-many" --name n
	secrets="$secrets
${out#jpat_????????_}"
}

check_output_lost() {
	"$PAT_ADMIN" --config "$CONF" create "$1-lost" --name n >/dev/full \
		2>"$SCRATCH/err"
	is "$W create with a full disk for its output: exit status 3" $? 3
	like "$W it says that the token is revoked again" \
		"$(cat "$SCRATCH/err")" "*revoked again*"
	"$PAT_ADMIN" --config "$CONF" create "$1-lost" --name n >&- \
		2>>"$ERRORS"
	is "$W create with standard output closed: exit status 3" $? 3
	run list "$1-lost" --json
	is "$W no such token is live" "$out" "[]"
	"$PAT_ADMIN" --config "$CONF" list --all >/dev/full 2>>"$ERRORS"
	is "$W list with a full disk for its output: exit status 3" $? 3
}

check_doctor() {
	exits "$W check: healthy" 0 check
	like "$W check has its rows" "$out" "ok *config*ok *pepper*"
	run check --json
	is_json "$W check --json prints JSON"
	is "$W check --json: no row is bad" \
		"$(json '[r for r in d if r["level"] == "bad"]')" "[]"
	exits "$W init: twice is fine" 0 init
}

all_checks() {
	W="[$2]"
	check_create "$1"
	check_test "$1"
	check_list "$1"
	check_revoke "$1"
	check_terminal "$1"
	check_refusals "$1"
	check_output_lost "$1"
	check_doctor
}

exits "list without a store: exit status 3" 3 list
like "it says to run init" "$err" "*pat-admin init*"
exits "check without a store: exit status 1" 1 check
exits "init" 0 init
is "init prints nothing on standard output" "$out" ""
is "init makes the store 0700" "$(stat -c %a "$HOME_DIR/store")" 700
is "init makes the pepper 0400" \
	"$(stat -c %a "$HOME_DIR/key/pepper.key")" 400
is "init makes the socket folder 0755" "$(stat -c %a "$HOME_DIR/run")" 755

all_checks alice "no patd"
if [ -x "$PATD" ]; then
	cli_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
	all_checks bob "patd"
	run check
	like "check sees patd" "$out" "*listens on*admin.sock*"
	stop patd
else
	skip "the same through patd" "patd is not built"
fi

printf '%s\n' "$secrets" | sed '/^$/d' >"$SCRATCH/secrets"
ok "there were secrets to look for" test -s "$SCRATCH/secrets"
is "no secret is in what went to standard error or to a log" \
	"$(cat "$SCRATCH"/log/* | grep -cFf "$SCRATCH/secrets")" 0
is "no secret is in the store" \
	"$(cat "$HOME_DIR"/store/* | grep -acFf "$SCRATCH/secrets")" 0
done_testing
