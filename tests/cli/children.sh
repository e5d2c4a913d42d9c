#!/bin/sh
# Child tokens, tokens with a number of uses, and tokens of a group: on the store
# itself and through patd, the same checks twice.

# `run enable` is a command of pat-admin, not of bash.
# shellcheck disable=SC3044

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'max_per_user = 0' 'name_required = no' 'max_lifetime = 100d'
sed -i "/^\[patd\]/a audit_file = $HOME_DIR/log/audit.jsonl" "$CONF"
run init
secrets=

# new ARGUMENT...: makes a token, sets $token and $id.
new() {
	run create "$@"
	token=$out
	id=$(id_of "$token")
	secrets="$secrets
${token#jpat_????????_}"
}

# refuses SENTENCE STATUS PATTERN ARGUMENT...: create, which makes nothing then.
refuses() {
	refuses_what=$1
	refuses_status=$2
	refuses_pattern=$3
	shift 3
	run create "$@"
	is "$W $refuses_what" "$status:$out" "$refuses_status:"
	like "$W $refuses_what: it says why" "$err" "$refuses_pattern"
}

# says SENTENCE TOKEN ANSWER: test says so of it.
says() {
	run_with "$2" test "$user" --service narrow --from 192.0.2.7
	is "$W $1" "$out" "$3"
}

# field ID EXPRESSION: of `d`, what show says of it.
field() {
	run show "$1" --json
	json "$2"
}

# Seconds from one time to another, in `d`.
SPAN='(lambda a, b: int((__import__("datetime").datetime.fromisoformat(d[b][:-1])
 - __import__("datetime").datetime.fromisoformat(d[a][:-1])).total_seconds()))'

check_children() {
	new "$user" --name agent --scope write --service narrow \
		--from 192.0.2.0/24 --expires 30d
	parent=$id
	new --parent "$parent"
	child=$token
	is "$W a child needs no user" "$status" 0
	run show "$id" --json
	is "$W it has the user and the rights of its parent" "$(json '(d["user"],
d["parent"], d["scopes"], d["services"], d["networks"])')" \
		"('$user', '$parent', ['write'], ['narrow'], ['192.0.2.0/24'])"
	is "$W it lives for an hour" "$(json "$SPAN('created_at', 'expires_at')")" 3600
	says "it is accepted" "$child" accepted
	run show "$id"
	like "$W show says whose child it is" "$out" "*parent *$parent*"
	run list "$user" --parent "$parent"
	is "$W list --parent has the children" "$(printf '%s\n' "$out" |
		awk 'NR > 1 { print $1, $NF }')" \
		"$id scope=write,service=narrow,from=192.0.2.0/24,parent=$parent"
	new "$user" --parent "$parent" --from 192.0.2.7 --expires 1d --json
	is "$W a child may be narrower, and live as long" \
		"$status:$(json "d['networks'], $SPAN('created_at', 'expires_at')")" \
		"0:(['192.0.2.7/32'], 86400)"
	run list "$user" --json
	before=$(json 'len(d)')
	refuses "a scope that the parent has not" 1 "*scope*" \
		--parent "$parent" --scope read
	refuses "one more scope" 1 "*scope*" \
		--parent "$parent" --scope write --scope read
	refuses "a service that the parent has not" 1 "*service*" \
		--parent "$parent" --service 'narr*'
	refuses "a network around the parent's" 1 "*network*" \
		--parent "$parent" --from 192.0.0.0/16
	refuses "a network of the other family" 1 "*network*" \
		--parent "$parent" --from ::/0
	refuses "a longer life than the parent's" 1 "*$parent ends at 20*" \
		--parent "$parent" --expires 31d
	refuses "a life without end" 1 "*" --parent "$parent" --expires never
	refuses "another user" 1 "*user*" somebody --parent "$parent"
	refuses "a parent that is not there" 1 "*no token *the id AAAAAAAA*" \
		--parent AAAAAAAA
	refuses "a parent that is no id" 2 "*--parent: neither*" --parent bob
	run list "$user" --json
	is "$W what was refused left nothing" "$(json 'len(d)')" "$before"
	check_ends
}

# What becomes of the child when something becomes of $parent.
check_ends() {
	run disable "$parent"
	says "the parent is disabled: so is the child" "$child" "denied: parent"
	is "$W its state says so" "$(field "$(id_of "$child")" \
		'd["state_text"], d["state"]')" "('paused: parent', 'paused')"
	refuses "a parent that is disabled" 1 "*" --parent "$parent"
	run enable "$parent"
	says "enabled again: so is the child" "$child" accepted
	run user disable "$user"
	says "the user is disabled" "$child" "denied: user-disabled"
	run user enable "$user"
	run revoke "$parent"
	says "the parent is revoked: the child is dead" "$child" "denied: parent"
	is "$W its state says so, too" "$(field "$(id_of "$child")" \
		'd["state_text"], d["state"]')" "('dead: parent', 'dead')"
	refuses "a parent that is revoked" 1 "*" --parent "$parent"
	run list "$user" --all --parent "$parent"
	like "$W list --all --parent has it still" "$out" \
		"*$(id_of "$child") *dead: parent*"
}

check_levels() {
	new "$user"
	first=$id
	levels=
	for _ in 1 2 3 4; do
		new --parent "$id"
		levels=$levels$status
	done
	is "$W four levels of children" "$levels" 0000
	refuses "a fifth one" 1 "*" --parent "$id"
	run_with "$token" test "$user"
	is "$W the last one is accepted" "$out" accepted
	run revoke "$first"
	run_with "$token" test "$user"
	is "$W until the first one is revoked" "$out" "denied: parent"
}

check_uses() {
	new "$user" --uses 2
	for _ in 1 2 3; do
		run_with "$token" test "$user"
	done
	is "$W test spends no use" "$out:$(field "$id" \
		'd["uses_max"], d["uses_left"]')" "accepted:(2, 2)"
	run show "$id"
	like "$W show has the uses" "$out" "*uses-max *2*uses-left *2*"
	run list "$user"
	like "$W list has them" "$out" "*$id * uses=2/2*"
	is "$W others have no number of uses" "$(field "$first" \
		'd["uses_max"], d["uses_left"]')" "(None, None)"
	new "$user" --uses 4294967295
	is "$W the highest number of uses" "$status:$(field "$id" 'd["uses_left"]')" \
		0:4294967295
	new "$user" --uses 5
	parent=$id
	new --parent "$parent" --uses 3
	is "$W the uses of a child are taken from its parent" \
		"$status:$(field "$parent" 'd["uses_max"], d["uses_left"]'):$(field \
			"$id" 'd["uses_left"]')" "0:(5, 2):3"
	refuses "more uses than the parent has left" 1 "*2 times more*3 times*" \
		--parent "$parent" --uses 3
	refuses "a child without a number of uses" 1 "*--uses*" --parent "$parent"
	is "$W that takes none" "$(field "$parent" 'd["uses_left"]')" 2
	run rotate "$parent" --json
	is "$W a successor has what is left" "$status:$(json 'd["uses_max"]'):$(field \
		"$(json 'd["id"]')" 'd["uses_left"]')" "0:$(json 'd["uses_max"]'):2"
}

# ask TOKEN: the verdict of patd on a question of a front door.
ask() {
	python3 -c 'import socket, sys
sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
sock.connect(sys.argv[1])
sys.path.insert(0, sys.argv[2])
from daemon import question
sock.send(question(sys.argv[3], sys.argv[4], 7))
print(sock.recv(4096)[4])' "$HOME_DIR/run/verify.sock" \
		"$JP_SOURCE/tests/daemon" "$user" "$1"
}

check_spending() {
	new "$user" --uses 2
	is "$W a token for two uses" "$(ask "$token")$(ask "$token")$(ask "$token")" \
		220
	is "$W is used up" "$(field "$id" 'd["state_text"], d["uses_left"]')" \
		"('dead: used-up', 0)"
	run_with "$token" test "$user"
	is "$W as test says" "$out" "denied: used-up"
	refuses "a parent that is used up" 1 "*" --parent "$id"
	new "$user" --uses 3
	limited=$token
	new --parent "$id" --uses 2
	is "$W the parent has one use left, the child its own" \
		"$(ask "$limited")$(ask "$limited")$(ask "$token")$(ask "$token")$(ask \
			"$token")" 20220
}

check_owner() {
	new "$user" --owner-group "ops $patd"
	owned=$id
	new "$user" --owner-group other
	run list --owner "ops $patd" --json
	is "$W list --owner has the tokens of a group" \
		"$(json '[(t["id"], t["user"], t["owner_group"]) for t in d]')" \
		"[('$owned', '$user', 'ops $patd')]"
	run show "$owned"
	like "$W show has the owner" "$out" "*owner-group *ops $patd*"
	new --parent "$owned"
	is "$W a child is owned by the same group" \
		"$(field "$id" 'd["owner_group"]')" "ops $patd"
	run rotate "$owned" --json
	is "$W and so is a successor" "$(json 'd["owner_group"]')" "ops $patd"
}

check_search() {
	new "$user-Zoë" --name "Nightly BUILD $user"
	for text in "nightly build $user" "$user-zo" "$id" "LY build $(printf %.2s "$user")"; do
		run list --search "$text" --json
		is "$W list --search $text" "$(json '[t["id"] for t in d]')" "['$id']"
	done
	run list --search 'no such text' --json
	is "$W list --search: nothing has it" "$status:$out" "0:[]"
	number=$(field "$id" 'd["number"]')
	run list "$user-Zoë" --json
	is "$W each has a number of more than 32 bits, the same everywhere" \
		"$(json 'd[0]["number"]'):$((number > 4294967296))" "$number:1"
}

check_batch() {
	new "$user" --scope write --uses 9
	printf '%s\n' 'user,parent,uses,owner_group,name' ",$id,2,,a" \
		"$user,,,dev ops,b" ",$id,4,,c" >"$SCRATCH/rows"
	rm -f "$SCRATCH/tokens"
	run create --batch "$SCRATCH/rows" --output "$SCRATCH/tokens"
	is "$W a batch has parents, uses and owners" "$status" 0
	is "$W as its rows say" "$(tail -n +2 "$SCRATCH/tokens" | cut -d, -f3 | tr -d '"' |
		while read -r one; do
			field "$one" 'd["user"], d["parent"], d["uses_left"], d["owner_group"]'
		done)" "('$user', '$id', 2, '')
('$user', '', None, 'dev ops')
('$user', '$id', 4, '')"
	is "$W the parent has the rest" "$(field "$id" 'd["uses_left"]')" 3
	printf '%s\n' 'user,parent,uses' ",$id,2" ",$id,2" >"$SCRATCH/rows"
	rm "$SCRATCH/tokens"
	run create --batch "$SCRATCH/rows" --output "$SCRATCH/tokens"
	is "$W too many uses together: refused" "$status:$(field "$id" \
		'd["uses_left"]')" 1:3
	ok "$W and there is no file" test ! -e "$SCRATCH/tokens"
	printf '%s\n' 'user,uses' "$user,0" >"$SCRATCH/rows"
	run create --batch "$SCRATCH/rows" --output "$SCRATCH/tokens"
	like "$W no uses in a batch: refused with its line" "$status:$err" \
		"2:*rows:2: --uses: expected*"
	for option in '--uses 1' "--parent $id" '--scope read' '--expires 1d' \
		'--name x' '--owner-group ops'; do
		# shellcheck disable=SC2086
		run create --batch "$SCRATCH/rows" --output "$SCRATCH/tokens" $option
		like "$W --batch with $option, which would be ignored: refused" \
			"$status:$err" "2:*--batch takes*from its file*"
	done
}

check_trail() {
	run audit --user "$user" --json
	printf '%s\n' "$out" >"$SCRATCH/trail"
	is "$W the trail has each token that was created" "$(python3 -c '
import json, sys
made = {r["id"] for r in map(json.loads, open(sys.argv[1])) if r["event"] == "create"}
print(set(sys.argv[2:]) <= made)' "$SCRATCH/trail" "$parent" "$owned" "$id")" True
	run audit verify
	is "$W and is whole" "$status" 0
}

all_checks() {
	W=$1
	user=$2
	check_children
	check_levels
	check_uses
	check_owner
	check_search
	check_batch
	[ "$patd" = 0 ] || check_spending
	check_trail
}

patd=0
all_checks "[no patd]" alice
if [ -x "$PATD" ]; then
	patd=1
	cli_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
	all_checks "[patd]" bob
	stop patd
else
	skip "the same through patd" "patd is not built"
fi

printf '%s\n' "$secrets" | sed '/^$/d; /{/d' >"$SCRATCH/secrets"
ok "there were secrets to look for" test -s "$SCRATCH/secrets"
is "no secret is in what went to standard error or to a log" \
	"$(cat "$SCRATCH"/log/* "$HOME_DIR"/log/* | grep -cFf "$SCRATCH/secrets")" 0
done_testing
