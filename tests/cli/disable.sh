#!/bin/sh
# pat-admin disable and enable: on the store itself and through patd, the same
# checks twice.

# `run enable` is a command of pat-admin, not of bash.
# shellcheck disable=SC3044

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'max_per_user = 0' 'name_required = no'
sed -i "/^\[patd\]/a audit_file = $HOME_DIR/log/audit.jsonl" "$CONF"
run init

# new USER [ARGUMENT...]: makes a token, sets $token and $id.
new() {
	run create "$@"
	token=$out
	id=$(id_of "$token")
}

# says SENTENCE TOKEN ANSWER: test says so of it.
says() {
	run_with "$2" test "$user"
	is "$W $1" "$out" "$3"
}

check_one() {
	new "$user" --name ci
	exits "$W disable" 0 disable "$id"
	is "$W it says what it did" "$out" "disabled $id $user ci"
	says "the token is denied" "$token" "denied: disabled"
	run show "$id" --json
	is "$W show --json has who did it, and when" "$(json '(d["state"],
d["state_text"], d["disabled_at"][:2], d["disabled_by"] == d["created_by"])')" \
		"('paused', 'paused: disabled', '20', True)"
	run show "$id"
	like "$W show has it, too" "$out" "*disabled *20??-*disabled-by *[!-]*"
	run list "$user"
	like "$W list has it" "$out" "*$id *paused: disabled*"
	exits "$W disable again" 0 disable "$id" --json
	is "$W nothing is changed then" "$(json 'd["id"], d["changed"]')" \
		"('$id', False)"
	run disable "$id"
	is "$W and that is said" "$out" "already disabled $id $user ci"
	exits "$W enable" 0 enable "$id" --json
	is "$W it says what it did as JSON" \
		"$(json 'd["changed"], d["state"], d["disabled_at"], d["disabled_by"]')" \
		"(True, 'live', None, '')"
	says "the token is accepted again" "$token" accepted
	run enable "$id"
	is "$W enable again" "$status:$out" "0:not disabled $id $user ci"
	exits "$W disable: by the token's text" 0 disable "$token"
	exits "$W enable: by user:token" 0 enable "$user:$token"
	is "$W no text is printed" "$out" "enabled $id $user ci"
}

check_many() {
	first=$id
	new "$user"
	exits "$W an unknown id: the others are done" 1 disable AAAAAAAA "$id"
	like "$W the unknown one is named" "$err" "*no token *the id AAAAAAAA*"
	says "the other is disabled" "$token" "denied: disabled"
	printf '# two\n%s\n\n%s\n' "$first" "$token" >"$SCRATCH/ids"
	exits "$W enable --from-file" 0 enable --from-file "$SCRATCH/ids"
	is "$W each is told" "$(printf '%s\n' "$out" | cut -d' ' -f1,2)" \
		"not disabled
enabled $id"
	printf '%s\nno token\n' "$first" >"$SCRATCH/ids"
	exits "$W a wrong line" 2 disable --from-file "$SCRATCH/ids"
	like "$W is named" "$err" "*line 2:*"
	run show "$first" --json
	is "$W and nothing is done" "$(json 'd["state"]')" live
	run_with "$token" disable --from-file -
	is "$W disable reads standard input" "$status:${out%% *}" 0:disabled
	run create "$user-other"
	other=$out
	exits "$W disable --user" 0 disable --user "$user"
	is "$W all that are not yet" "$out" "disabled $first $user ci"
	exits "$W disable --user: none is left" 1 disable --user "$user"
	exits "$W enable --user" 0 enable --user "$user" --json
	is "$W enables all of them" "$(printf '%s\n' "$out" | python3 -c '
import json, sys
print(sorted(r["id"] for r in map(json.loads, sys.stdin)) == sorted(sys.argv[1:]))' \
		"$first" "$id")" True
	exits "$W enable --user: none is disabled" 1 enable --user "$user"
	run_with "$other" test "$user-other"
	is "$W another user's is not touched" "$out" accepted
}

check_others() {
	run disable "$id"
	run revoke "$id"
	exits "$W a disabled token can be revoked" 0 revoke "$id"
	run enable "$id"
	says "and enabling does not bring it back" "$token" "denied: revoked"
	new "$user"
	run disable "$id"
	run user disable "$user"
	run user enable "$user"
	says "enabling the user does not enable the token" "$token" \
		"denied: disabled"
	exits "$W a disabled token is not rotated" 1 rotate "$id"
	run enable "$id"
}

check_trail() {
	run audit --id "$first" --json
	is "$W the trail has each change, and none twice" \
		"$(printf '%s\n' "$out" | python3 -c 'import json, sys
print([r["event"] for r in map(json.loads, sys.stdin) if r["event"] != "test"])')" \
		"['create', 'disable', 'enable', 'disable', 'enable', 'disable', 'enable']"
	run audit --event disable --user "$user"
	like "$W by the name of the event" "$out" "* disable *$first*"
	is "$W no text of a token is in it" \
		"$(grep -c -F "${token#jpat_????????_}" "$HOME_DIR/log/audit.jsonl")" 0
	exits "$W and it is whole" 0 audit verify
}

all_checks() {
	W=$1
	user=$2
	check_one
	check_many
	check_others
	check_trail
}

all_checks "[no patd]" alice
if [ -x "$PATD" ]; then
	cli_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
	all_checks "[patd]" bob
	stop patd
else
	skip "the same through patd" "patd is not built"
fi
done_testing
