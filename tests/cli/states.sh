#!/bin/sh
# The state of a token: list, show, their JSON and identify say the same of it,
# and call live only what a front door takes. On the store itself and through
# patd.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

TIME='20??-??-??T??:??:??Z'

# new USER [ARGUMENT...]: makes a token, sets $token and $id.
new() {
	run create "$@"
	token=$(printf '%s\n' "$out" | head -n 1)
	id=$(id_of "$token")
}

# is_state SENTENCE TEXT WORD CAUSE WORTH: of $id and $token, wherever it is
# shown. TEXT and WORTH are patterns.
is_state() {
	run list --all
	like "$W $1: list" "$(printf '%s\n' "$out" | grep "^$id ")" \
		"$id *  $2  *"
	run show "$id"
	like "$W $1: show" "$(printf '%s\n' "$out" |
		sed -n 's/^state *//p')" "$2"
	run show "$id" --json
	like "$W $1: show --json" \
		"$(json '"|".join([d["state_text"], d["state"], d["state_cause"]])')" \
		"$2|$3|$4"
	shown=$(json d)
	run list --all --json
	is "$W $1: list --json, the same as show --json" \
		"$(json '[t for t in d if t["id"] == "'"$id"'"][0]')" \
		"$shown"
	run_with "$token" identify
	like "$W $1: identify" "$(printf '%s\n' "$out" | sed -n 2p |
		tr -s ' ' | cut -d ' ' -f 5-)" "$5"
	run_with "$token" identify --json
	like "$W $1: identify --json" "$(json 'd[0]["state_text"]')" \
		"${5% *}"
}

# today LINE...: the settings of [tokens]; patd reads them again.
today() {
	cli_conf "$HOME_DIR" 'max_per_user = 0' 'name_required = no' "$@" \
		>"$CONF"
	[ "$patd" = 0 ] || { stop patd && cli_patd; }
}

# old_token USER [forget]: a token of a year ago, made in another store, with a
# record that knows its prefix or not. Sets $token and $id.
old_token() {
	main=$CONF
	CONF=$SCRATCH/other.conf
	new "$1" --expires never
	run export
	printf '%s\n' "$out" | grep "$id" | python3 -c 'import json, sys
d = json.load(sys.stdin)
d["created_at"] = "2025-01-01T00:00:00Z"
del d["fast_tag"], d["pepper"]
sys.argv[1:] and d.pop("prefix")
print(json.dumps(d))' ${2:+"$2"} >"$SCRATCH/old"
	CONF=$main
	run import "$SCRATCH/old"
}

all_checks() {
	W=$1
	new alice
	is_state "a good one" live live "" "live accepted"
	run revoke "$id"
	is_state "a revoked one" "dead: revoked" revoked revoked "dead revoked"
	new alice
	run rotate "$id"
	is_state "one in its grace" "replaced until $TIME" replaced "" \
		"replaced until $TIME accepted"
	new alice
	run rotate "$id" --grace 0
	is_state "one behind its grace" "dead: superseded" superseded \
		superseded "dead superseded"

	new alice
	run disable "$id"
	is_state "a disabled one" "paused: disabled" paused disabled \
		"paused disabled"
	new alice
	parent=$id
	new --parent "$parent"
	run disable "$parent"
	is_state "a child of a disabled one" "paused: parent" paused parent \
		"paused parent"
	run revoke "$parent"
	is_state "a child of a revoked one" "dead: parent" dead parent \
		"dead parent"

	new "bob$patd"
	run user disable "bob$patd"
	is_state "one of a disabled user" "paused: user-disabled" paused \
		user-disabled "paused user-disabled"
	run list "bob$patd"
	like "$W it may live again, so list has it" "$out" \
		"*$id *paused: user-disabled*"
	run user enable "bob$patd"
	is_state "one of a user enabled again" live live "" "live accepted"

	old_token "carol$patd"
	is_state "one that nobody uses, without a limit" live live "" \
		"live accepted"
	today 'unused_limit = 30d'
	is_state "one that nobody used for too long" "paused: unused" paused \
		unused "paused unused"
	run policy check --json
	is "$W policy check says the same" \
		"$(printf '%s\n' "$out" | grep -c "$id.*paused: unused")" 1
	today

	old_token "dora$patd"
	new "dave$patd"
	today 'prefix = other'
	is_state "one of a former prefix" "dead: prefix" dead prefix \
		"dead shape"
	run list "dave$patd"
	like "$W a setting brings it back, so list has it" "$out" \
		"*$id *dead: prefix*"
	new "dave$patd"
	is_state "one of the prefix of today" live live "" "live accepted"
	today
}

check_list() {
	run create zoe --name b
	run create zoe --name a --scope read --service 'jira-*' \
		--from 192.0.2.0/24
	run create adam --name c
	run list
	is "list is sorted by user and name" "$(printf '%s\n' "$out" |
		awk '$2 == "zoe" || $2 == "adam" { print $2, $3 }' |
		tr '\n' ' ')" "adam c zoe a zoe b "
	is "list shows the rights" "$(printf '%s\n' "$out" |
		awk '$2 == "zoe" { print $NF }' | tr '\n' ' ')" \
		"scope=read,service=jira-*,from=192.0.2.0/24 any "
	run list --json
	is "list --json is sorted, too" \
		"$(json '[t["name"] for t in d if t["user"] in ("zoe", "adam")]')" \
		"['c', 'a', 'b']"
	for more in "" --utc; do
		python3 -c 'import pty, sys
pty.spawn(sys.argv[1:])' "$PAT_ADMIN" --config "$CONF" list zoe ${more:+$more} \
			</dev/null >"$SCRATCH/shown" 2>&1
		grep -c "ago .*in " "$SCRATCH/shown"
		grep -c "2 tokens, 2 live" "$SCRATCH/shown"
	done >"$SCRATCH/counts"
	is "on a terminal times are relative unless --utc, and counts follow" \
		"$(tr '\n' ' ' <"$SCRATCH/counts")" "2 1 0 1 "
}

patd=0
cli_make 'max_per_user = 0' 'name_required = no'
mkdir "$SCRATCH/other"
cli_conf "$SCRATCH/other" 'max_lifetime = never' 'name_required = no' \
	>"$SCRATCH/other.conf"
run init
run init --config "$SCRATCH/other.conf"
all_checks "store:"

check_list

# An older record does not know its prefix before it is used.
old_token erna forget
today 'prefix = other'
run show "$id" --json
is "a prefix that is not known is not called a former one" \
	"$(json 'd["state"], d["prefix"]')" "('live', '')"
run_with "$token" identify
like "identify sees it in the text" "$out" "* erna * dead *shape"

if [ -x "$PATD" ]; then
	patd=1
	today
	cli_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
	all_checks "patd:"
	stop patd
else
	skip "the same through patd" "patd is not built"
fi
done_testing
