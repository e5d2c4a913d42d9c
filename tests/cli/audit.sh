#!/bin/sh
# pat-admin audit: what it shows, follows and verifies.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'max_per_user = 0'
exits "without a trail there is nothing to show: exit status 3" 3 audit
like "it says which key is missing" "$err" "*audit_file is not set*"

TRAIL=$HOME_DIR/log/audit.jsonl
sed -i "s|^pepper_file.*|&\naudit_file = $TRAIL|" "$CONF"
exits "init makes the folder of the trail" 0 init
ok "it is there" test -d "$HOME_DIR/log"
exits "an empty trail is shown" 0 audit
like "as heads alone" "$out" "TIME*EVENT*REASON*ID*USER*SERVICE*ADDRESS*BY"
exits "and whole" 0 audit verify
is "it has no lines" "$out" "whole: 0 lines, 0 to 0; files: 0"

# new USER: makes a token, sets $token and $id.
new() {
	run create "$1" --name "$1"
	token=$out
	id=$(id_of "$token")
}

new alice
alice=$id
new bob
run revoke "$id" --reason gone
run_with "$token" test bob

# shows SENTENCE EVENTS ARGUMENT...: the second column of the table.
shows() {
	shows_what=$1
	shows_wanted=$2
	shift 2
	run audit "$@"
	is "$shows_what" "$(printf '%s\n' "$out" | awk 'NR > 1 { print $2 }' |
		tr '\n' ' ')" "$shows_wanted"
}

shows "all lines, in their order" "create create revoke test "
shows "--user" "create " --user alice
shows "--id" "create revoke test " --id "$id"
shows "--id takes the text of a token" "create revoke test " --id "$token"
shows "--event" "revoke " --event revoke
exits "an event that does not exist is refused" 2 audit --event bogus
like "with those that do" "$err" "*--event: expected one of *deny*unavailable*"
run audit --event revoke
like "the detail of a line is shown" "$out" "*revoke *$id *bob *gone *"
is "the completion knows the same events" "$(bash -c '. "$0"; program=("$1")
_pat_admin_events' "$JP_SOURCE/tools/pat-admin.bash-completion" "$PAT_ADMIN" |
	tr ' ' '\n' | sort | tr '\n' ' ')" "$(sed -n '/events\[\] = {/,/};/p' \
		"$JP_SOURCE/tools/commands/audit.c" | grep -o '"[a-z-]*"' | tr -d '"' |
		sort | tr '\n' ' ')"
known=$(sed -n '/events\[\] = {/,/};/p' "$JP_SOURCE/tools/commands/audit.c" |
	grep -o '"[a-z-]*"' | tr -d '"' | sort | tr '\n' ' ')
is "the manual of patd knows the same events" "$known" "$({
	sed -n '/^.It Li event/,/^.It Li reason/p' "$JP_SOURCE/doc/patd.8" |
		sed '1d; $d' | sed -n 's/^\.Li //p' | tr -d ',:' | tr ' ' '\n'
} | grep . | sort | tr '\n' ' ')"
shows "two filters at once" "create " --user bob --event create
shows "--since with a duration" "create create revoke test " --since 1h
shows "--since with a date" "create create revoke test " --since 2020-01-01
shows "--since with a time" "" --since 2999-01-01T00:00:00Z
run audit --event test
like "the table tells the reason, the token and who did it" "$out" \
	"*test*revoked*$id*bob*$(id -un)"
run audit --json --user alice
is "--json prints the line as it is" "$out" "$(grep '"alice"' "$TRAIL")"
exits "--since with nonsense is a usage error" 2 audit --since soon
exits "an unknown word is, too" 2 audit check
exits "and --id with something else than an id" 2 audit --id x

# --- rotation -----------------------------------------------------------------

mv "$TRAIL" "$TRAIL-20270101"
new carol
shows "files that were renamed are read first" \
	"create create revoke test create "
exits "both files are one chain" 0 audit verify
like "they are counted" "$out" "whole: 5 lines, 1 to 5; files: 2"
exits "one file can be verified by itself" 0 audit verify "$TRAIL"
is "as far as it goes" "$out" "whole: 1 lines, 5 to 5; files: 1"
like "what is missing before it is told" "$err" "*before 5*not here*"
exits "files may be given in any order" 0 audit verify "$TRAIL" \
	"$TRAIL-20270101"
gzip -k "$TRAIL-20270101" 2>/dev/null || : >"$TRAIL-20270101.gz"
run audit verify
like "compressed files are passed over, and told" "$status:$err" \
	"0:*Compressed*"
rm -f "$TRAIL-20270101.gz"

# --- follow -------------------------------------------------------------------

followed() {
	grep -c "$1" "$SCRATCH/log/follow.log" >/dev/null
}

start follow "$PAT_ADMIN" --config "$CONF" audit --follow
ok "--follow shows what is there" wait_for 60 followed carol
new dave
ok "and what comes" wait_for 60 followed dave
mv "$TRAIL" "$TRAIL-20270201"
new erin
ok "after a rotation, too" wait_for 60 followed erin
printf '%s' '{"seq":' >>"$TRAIL"
new frank
ok "half a line is no line" wait_for 60 followed frank
stop follow
is "no line came twice" "$(grep -c create "$SCRATCH/log/follow.log")" 6

# --- verify -------------------------------------------------------------------

exits "it is whole" 0 audit verify
sed -i '1s/alice/malory/' "$TRAIL-20270101"
exits "a changed line: exit status 1" 1 audit verify
is "it is named" "$out" \
	"$TRAIL-20270101:1: the line was changed, or written with another pepper"
exits "--json names it, too" 1 audit verify --json
is_json "and is JSON"
is "with file and line" \
	"$(json 'd["whole"], d["file"], d["line"]')" \
	"(False, '$TRAIL-20270101', 1)"
exits "what is newer is whole by itself" 0 audit verify "$TRAIL" \
	"$TRAIL-20270201"
exits "a file that is not there: exit status 3" 3 audit verify "$TRAIL-x"
new 'x"y'
is "text of users is one word of JSON" \
	"$(tail -n 1 "$TRAIL" | python3 -c 'import json, sys
print(json.load(sys.stdin)["user"])')" 'x"y'
is "no secret is in the trail" "$(cat "$TRAIL"* | grep -c -F "${token#jpat_????????_}")" 0
is "alice's id is" "$(grep -c "$alice" "$TRAIL-20270101")" 1
done_testing
