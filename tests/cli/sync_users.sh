#!/bin/sh
# pat-admin sync-users: on the store itself and through patd, the same checks
# twice.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'name_required = no'

# list LINE...: the file that sync-users reads.
list() {
	printf '%s\n' "$@" >"$SCRATCH/list"
}

# disabled: the disabled users, on one line.
disabled() {
	run user list --disabled --json
	json '" ".join(u["user"] for u in d)'
}

# sync SENTENCE STATUS ARGUMENT...
sync() {
	sync_what=$1
	sync_status=$2
	shift 2
	exits "$sync_what" "$sync_status" sync-users "$SCRATCH/list" "$@"
}

all_checks() {
	W="[$1]"
	for name in a b c d e f; do
		run create "$name"
	done
	run create g
	token=$out
	list user,active,groups a,yes,ops 'b,true,"ops, qa"' c,1, d,, e,yes, f,yes,
	sync "$W --dry-run" 0 --dry-run
	is "$W --dry-run shows whom" "$out" "groups a: ops
groups b: ops qa
disable g (not in the list)"
	is "$W --dry-run changes nothing" "$(disabled)" ""
	sync "$W a full list" 0
	is "$W who is missing is disabled" "$(disabled)" g
	run_with "$token" test g
	is "$W with all tokens" "$out" "denied: user-disabled"
	run user show b --json
	is "$W the groups are set" "$(json 'd["groups"]')" "['ops', 'qa']"
	sync "$W the same list again" 0
	is "$W changes nothing more" "$out" ""
	like "$W and says so" "$err" "*0 users changed, 7 stay*"

	list '{"user": "a"}' '{"user": "b", "active": false}' \
		'{"user": "c", "groups": []}' '{"user": "d"}' '{"user": "e"}' \
		'{"user": "f"}' '' '{"user": "g", "active": true}'
	sync "$W JSON lines" 0 --json
	is "$W JSON lines disable, and enable again" "$(disabled)" b
	is "$W --json prints an object for each change" \
		"$(printf '%s\n' "$out" | python3 -c 'import json, sys
print([(d["user"], d["active"]) for d in map(json.loads, sys.stdin)])')" \
		"[('b', False), ('g', True)]"
	run user show a --json
	is "$W groups of which the list says nothing stay" \
		"$(json 'd["groups"]')" "['ops']"

	list user a c
	sync "$W a guard refuses to disable more than a fifth" 1
	like "$W it says how many, and what to do" "$err" \
		"*disable 4 of 6 active users, more than 20%*--dry-run*--force*"
	is "$W and nothing is changed" "$(disabled)" b
	sync "$W --max-disable moves the guard" 1 --max-disable 66%
	sync "$W --max-disable allows as much" 0 --max-disable 67
	is "$W then they are disabled" "$(disabled)" "b d e f g"
	list user
	sync "$W an empty list is refused" 1
	list user a b c d e f g
	sync "$W a list enables all again" 0
	is "$W all are active" "$(disabled)" ""
	sync "$W --force" 0 --force
	run_with 'user,active
a,yes' sync-users - --force
	is "$W standard input, with --force" "$status:$(disabled)" \
		"0:b c d e f g"
	list user a b c d e f g
	sync "$W a list enables all again" 0
	for name in a b c d e f g; do
		run user groups "$name" --none
	done
}

# bad PATTERN LINE...: refused with file and line, and nothing is changed.
bad() {
	bad_pattern=$1
	shift
	list "$@"
	sync "refused: $*" 2 --force
	like "it names the line, and what was expected: $*" "$err" \
		"*$SCRATCH/list:$bad_pattern"
	is "and nothing is changed: $*" "$(disabled)" ""
}

run init
all_checks "no patd"
if [ -x "$PATD" ]; then
	cli_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
	all_checks "patd"
	stop patd
else
	skip "the same through patd" "patd is not built"
fi

bad '1: *expected*user*' name a
bad '3: *yes or no*' user,active a,yes b,perhaps
bad '3: *once*line 2*' user a a
bad "2: *':'*" user a:b
bad '2: *at most 32 groups*' user,groups \
	"a,1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33"
bad '2: *JSON object*' '{"user": "a"}' nonsense
bad '1: *keys*user*' '{"name": "a"}'
bad '1: *list of strings*' '{"user": "a", "groups": "ops"}'
bad '1: *user name is empty*' '{"active": false}'
exits "a missing file" 3 sync-users "$SCRATCH/none"
exits "no file" 2 sync-users
exits "a wrong share" 2 sync-users "$SCRATCH/list" --max-disable many
like "says what was expected" "$err" "*--max-disable: expected a share*"
done_testing
