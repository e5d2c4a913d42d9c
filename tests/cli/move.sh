#!/bin/sh
# export and import: what arrives on another machine, what another system's
# lines become, and what a bad file cannot do.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'max_per_user = 0' 'default_lifetime = 30d'
LINES=$SCRATCH/lines

anew() {
	rm -rf "$HOME_DIR"
	mkdir "$HOME_DIR"
	run init
}

# answers SENTENCE TEXT USER WANTED
answers() {
	run_with "$2" test "$3"
	is "$1" "$out" "$4"
}

# runs: Argon2id runs of patd since its start.
runs() {
	run stats --json
	json 'd["argon2_runs"]'
}

# --- There and back -----------------------------------------------------------

run init
run create alice --name 'über "alles"' --scope read --scope write \
	--service 'jira-*' --from 192.0.2.0/24 --from 2001:db8::/32 --expires 300d
run create bob
bob=$out
run create bob
dead=$out
run revoke "$(id_of "$dead")" --reason 'a, b'
exits "export" 0 export
printf '%s\n' "$out" >"$LINES"
is "a line of JSON for each record" \
	"$(python3 -c 'import json, sys
print(len([json.loads(line) for line in open(sys.argv[1])]))' "$LINES")" 3
is "no text of a token is in it" \
	"$(grep -c -F "${bob#jpat_????????_}" "$LINES")" 0

# As if alice's token had been used.
python3 -c 'import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
at = "2026-11-25T12:00:00Z"
for line in lines:
    if line["user"] == "alice":
        line.update(last_used_at=at, use_count=7,
            uses=[{"at": at, "service": "jira-x", "address": "192.0.2.7",
                   "since": "2026-11-01T00:00:00Z"}])
with open(sys.argv[1], "w") as file:
    file.writelines(json.dumps(line) + "\n" for line in lines)' "$LINES"

for way in without with; do
	anew
	[ "$way" = without ] || cli_patd
	run import --dry-run "$LINES"
	is "[$way patd] import --dry-run" "$status:$out" \
		"0:would be: 3 tokens and 0 users imported, 0 known already"
	run list --all
	is "[$way patd] it stores nothing" "$(printf '%s\n' "$out" | wc -l)" 1
	run_with "" import --json "$LINES"
	is "[$way patd] import --json" "$status:$out" \
		'0:{"imported":3,"users":0,"known":0,"dry_run":false}'
	answers "[$way patd] a token is good there" "$bob" bob accepted
	answers "[$way patd] a revoked one is not" "$dead" bob "denied: revoked"
	run export
	printf '%s\n' "$out" >"$SCRATCH/again"
	is "[$way patd] all but the fast tag is as it was" \
		"$(python3 -c 'import json, sys
def lines(name):
    for line in open(name):
        record = json.loads(line)
        for key in ("fast_tag", "pepper"):
            record.pop(key, None)
        yield record
print(list(lines(sys.argv[1])) == list(lines(sys.argv[2])))' \
			"$LINES" "$SCRATCH/again")" True
	is "[$way patd] a tag of another pepper is dropped" \
		"$(grep -c fast_tag "$SCRATCH/again")" 0
	run import "$LINES"
	is "[$way patd] once more is refused" "$status:$out" "3:"
	like "[$way patd] and it names file, line and id" "$err" \
		"*$LINES:1: token ???????? is there already*--skip-known*"
	run import --skip-known "$LINES"
	is "[$way patd] --skip-known leaves them alone" "$out" \
		"0 tokens and 0 users imported, 3 known already"
	[ "$way" = without ] || stop patd
done

anew
run create carol
carol=$out
run export
printf '%s\n' "$out" | tee "$SCRATCH/mine" >/dev/null
rm -rf "$HOME_DIR/store"
run init
run_with "$(cat "$SCRATCH/mine")" import -
is "from standard input" "$out" "1 tokens and 0 users imported, 0 known already"
run export
is "under the same pepper the tag stays" "$out" "$(cat "$SCRATCH/mine")"
answers "and the token is good" "$carol" carol accepted

# A token that was rotated, and its successor that was not used yet.
run create hugo
hugo=$out
run rotate "$(id_of "$hugo")"
heir=$out
run export
printf '%s\n' "$out" | grep '"user":"hugo"' >"$LINES"
anew
run import "$LINES"
cli_patd
ask() {
	python3 -c 'import socket, sys
sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
sock.connect(sys.argv[1])
sys.path.insert(0, sys.argv[2])
from daemon import question
sock.send(question("hugo", sys.argv[3], 7))
print(sock.recv(4096)[4])' "$HOME_DIR/run/verify.sock" \
		"$JP_SOURCE/tests/daemon" "$1"
}
is "a rotated token lives in its grace there, too" "$(ask "$hugo")" 2
is "until its successor is used" "$(ask "$heir")" 2
is "then it ends" "$(ask "$hugo")" 0
stop patd

# Users go over with what is known of them, and are not overwritten.
anew
run create ivan
ivan=$out
run user disable ivan --note 'left, "for good"'
run user groups judy dev ops
exits "export with users" 0 export
printf '%s\n' "$out" >"$LINES"
anew
run import "$LINES"
is "users are imported" "$out" "1 tokens and 2 users imported, 0 known already"
answers "a disabled user is disabled there, too" "$ivan" ivan \
	"denied: user-disabled"
run user show judy --json
is "groups go over" "$(json 'd["groups"]')" \
	"['dev', 'ops']"
run import "$LINES"
is "once more is refused" "$status" 3
sed -i /phc/d "$LINES"
run user enable ivan
run import "$LINES"
like "and a user who is there is named" "$status:$err" \
	"3:*$LINES:1: the user ivan is there already*"
run import --skip-known "$LINES"
is "--skip-known leaves the user alone" "$out" \
	"0 tokens and 0 users imported, 2 known already"
run user show ivan --json
is "as it is" "$(json 'd["active"]')" True

# --- What tokens hang on ------------------------------------------------------

anew
run create kim --owner-group 'dev ops' --uses 9 --name parent
kim=$(id_of "$out")
run create --parent "$kim" --uses 4 --name child
child=$(id_of "$out")
run create --parent "$kim" --uses 1 --name revoked
run revoke "$(id_of "$out")"
run disable "$child"
run export
printf '%s\n' "$out" >"$LINES"
cp "$LINES" "$SCRATCH/before"
# as_it_was SENTENCE: what was exported before is there, but for tags.
as_it_was() {
	run export
	printf '%s\n' "$out" >"$SCRATCH/again"
	is "$1" "$(python3 -c 'import json, sys
def lines(name):
    records = [json.loads(line) for line in open(name)]
    for record in records:
        for key in ("fast_tag", "pepper", "state", "state_text", "state_cause"):
            record.pop(key, None)
    return sorted(records, key=lambda record: record["id"])
print(lines(sys.argv[1]) == lines(sys.argv[2]))' "$SCRATCH/before" \
		"$SCRATCH/again")" True
}
anew
run import "$LINES"
is "a family of tokens goes over" "$out" \
	"3 tokens and 0 users imported, 0 known already"
as_it_was "with parents, owners, uses and pauses"
run show "$child" --json
is "the child is what it was" "$(json '(d["parent"], d["owner_group"],
d["uses_max"], d["uses_left"], d["state_text"])')" \
	"('$kim', 'dev ops', 4, 4, 'paused: disabled')"
run show "$kim" --json
is "and its parent" "$(json 'd["uses_max"], d["uses_left"]')" "(9, 4)"

# More than a batch holds: a parent may be in another one than its children. The
# fields of `export`, for 300 families of two, as it orders them.
python3 -c 'import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
child = next(line for line in lines if line["name"] == "child")
parent = next(line for line in lines if line["name"] == "parent")
for begin, line, hangs in (("zz", parent, ""), ("00", child, "zz")):
    for i in range(300):
        end = "%06d" % i
        line = dict(line, id=begin + end, family=begin + end,
                    parent=hangs and hangs + end)
        line.pop("number", None)
        print(json.dumps(line))' "$SCRATCH/before" >"$LINES"
cp "$LINES" "$SCRATCH/families"
anew
exits "many families: each line is tried" 0 import --dry-run "$LINES"
run import "$LINES"
is "many families go over" "$out" \
	"600 tokens and 0 users imported, 0 known already"
run export
printf '%s\n' "$out" >"$LINES"
anew
run import "$LINES"
is "and once more, as they were exported" "$out" \
	"600 tokens and 0 users imported, 0 known already"
exits "parents that are there already" 0 import --skip-known "$LINES"
# lacks SENTENCE SED-SCRIPT MESSAGE: these lines are refused, and none is stored.
lacks() {
	anew
	sed "$2" "$SCRATCH/families" >"$LINES"
	exits "$1" 2 import "$LINES"
	like "$1: it is said" "$err" "$3"
	run list --all --json
	is "$1: nothing is stored" "$out" '[]'
}
lacks "a parent that is missing" 7d '*:306:*zz000006 is not there*'
lacks "a parent behind its child" "1{h;d;};\$G" \
	'*:300:*zz000000 stands behind it, in line 600*'
lacks "a parent of another user" '7s/"user": "kim"/"user": "leo"/' \
	'*:307:*zz000006 is another user*'

# The export of a version that knew none of this.
run create leo --name old
leo=$out
run export
printf '%s\n' "$out" | grep '"user":"leo"' | python3 -c 'import json, sys
record = json.load(sys.stdin)
for key in ("number", "parent", "owner_group", "disabled_at", "disabled_by",
            "uses_max", "uses_left", "link_until"):
    del record[key]
at = "2026-11-25T12:00:00Z"
record.update(uses=[{"at": at, "service": "x", "address": "192.0.2.7"}])
print(json.dumps(record))' >"$LINES"
anew
run import "$LINES"
is "an export of an older version is imported" "$out" \
	"1 tokens and 0 users imported, 0 known already"
answers "and the token is good" "$leo" leo accepted
run show "$(id_of "$leo")" --json
is "it hangs on nothing" "$(json '(d["parent"], d["owner_group"], d["uses_max"],
d["disabled_at"], d["link_until"], d["uses"][0]["since"])')" \
	"('', '', None, None, None, None)"

# --- Lines of another system --------------------------------------------------

# shellcheck disable=SC2016
hash='$argon2id$v=19$m=64,t=1,p=1$aWQKC8uQC3zrIvgiHeNK5g$U5yHLIylS8fKWT2OYd7ou9YNp3Y4vkr7GQGwfrX4nqo'
# What another program makes of this secret with the same library.
own=$(python3 -c 'import ctypes
sodium = ctypes.CDLL("libsodium.so.23")
sodium.sodium_init()
out = ctypes.create_string_buffer(128)
secret = b"correct horse"
assert sodium.crypto_pwhash_str(out, secret, ctypes.c_ulonglong(len(secret)),
    ctypes.c_ulonglong(1), ctypes.c_size_t(8192)) == 0
print(out.value.decode())')
anew
printf '# user:hash\n\nerin:%s\r\nfrank:%s\n' "$own" "$hash" >"$LINES"
exits "import of USER:HASH" 0 import "$LINES"
run list --json
is "each is a record that ends by the policy" \
	"$(json '[(t["user"], t["name"], t["expires_at"] > t["created_at"]) for t in d]' |
		tr -d ' ')" \
	"[('erin','imported',True),('frank','imported',True)]" ||
	note "$out"
cli_patd
answers "its secret is accepted" "correct horse" erin accepted
answers "for its own user only" "correct horse" frank "denied: shape"
answers "a wrong one is denied" "not it" erin "denied: shape"
before=$(runs)
for _ in 1 2 3; do
	answers "another user's text costs nothing" "not it" nobody \
		"denied: shape"
done
is "no Argon2id ran for users without an imported secret" "$(runs)" "$before"
stop patd

# --- Bad files ----------------------------------------------------------------

anew
run create gina
run export
good=$out
anew

# bad SENTENCE LINE PATTERN: a good line, then LINE.
bad() {
	printf '%s\n%s\n' "$good" "$2" >"$LINES"
	run import "$LINES"
	is "$1 is refused" "$status:$out" "2:"
	like "$1: it names the line and what was expected" "$err" \
		"pat-admin: import: $LINES:2: $3"
	run export
	is "$1: nothing is stored" "$out" ""
}

# changed KEY VALUE: the good line with another id, and KEY changed.
changed() {
	printf '%s' "$good" | python3 -c 'import json, sys
record = json.load(sys.stdin)
record["id"] = "AAAAAAAA"
record[sys.argv[1]] = json.loads(sys.argv[2])
print(json.dumps(record))' "$1" "$2"
}

bad "a line of neither kind" 'hello' '*USER:HASH*'
# shellcheck disable=SC2016
bad "a hash of another kind" 'eve:$2b$05$abcdefghijklmnopqrstuv' '*USER:HASH*'
# shellcheck disable=SC2016
bad "a hash that costs too much" \
	'eve:$argon2id$v=19$m=4194304,t=1,p=1$aWQKC8uQC3zrIvgiHeNK5g$U5yHLIylS8fKWT2OYd7ou9YNp3Y4vkr7GQGwfrX4nqo' \
	'*m=65536*'
bad "an empty user" ":$hash" '*user name is empty*'
bad "JSON that breaks off" '{"id":' '*column*'
bad "a list" '{}' '*"id": expected 8*'
bad "a repeated key" '{"id":"AAAAAAAA","id":"AAAAAAAA"}' '*breaks off*'
bad "an unknown key" "$(changed more 1)" '*unknown key*'
bad "a number as id" "$(changed id 7)" '*"id": expected a string*'
bad "a short id" "$(changed id '"AAA"')" '*"id": expected 8*'
bad "no user" "$(changed user '""')" '*user name is empty*'
bad "a control character" "$(changed name '"a\u0001b"')" \
	'*name holds a control character*'
bad "a NUL" "$(changed name '"a\u0000b"')" '*breaks off*'
bad "a wrong time" "$(changed expires_at '"90d"')" \
	'*"expires_at": expected a time*'
bad "a wrong count" "$(changed use_count -1)" '*"use_count": expected*'
bad "a wrong truth" "$(changed keep_until_grace 1)" '*true or false*'
bad "a wrong network" "$(changed networks '["10.0.0.1/8"]')" \
	'*"networks": expected networks*'
bad "too many scopes" "$(changed scopes '["a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a"]')" \
	'*more than 16*'
bad "a wrong use" "$(changed uses '[7]')" '*"uses": expected*'
bad "a wrong hash" "$(changed phc '"x"')" '*"phc": expected*'
bad "a parent that is no id" "$(changed parent '"x"')" '*"parent": expected 8*'
bad "a token as its own parent" "$(changed parent '"AAAAAAAA"')" '*parent*'
bad "a parent that is not there" "$(changed parent '"BBBBBBBB"')" '*parent*'
bad "an owner with blanks" "$(changed owner_group '" a"')" '*blanks*'
bad "more uses than a number holds" "$(changed uses_max 4294967296)" \
	'*"uses_max": expected a number from 0 to 4294967295*'
bad "uses that are left of none" "$(changed uses_left 1)" \
	'*"uses_left": expected a number up to "uses_max"*'
bad "a wrong time of a pause" "$(changed disabled_at true)" \
	'*"disabled_at": expected a time*'
bad "a link for what has a hash" "$(changed link_until '"2030-01-01T00:00:00Z"')" \
	'*"link_until" is for a token that was not fetched*'
bad "the tag of a link that is none" \
	"$(changed link_tag '"00112233445566778899aabbccddeeff"')" \
	'*"link_tag" needs "link_until"*'
bad "a wrong since" "$(changed uses '[{"at":"2026-01-01T00:00:00Z","since":1}]')" \
	'*"since": expected a time*'
bad "a tag without pepper" "$(changed fast_tag '"00"')" '*32 hexadecimal*'
bad "a wrong group" '{"user":"eve","active":true,"groups":["a b "]}' '*group*'
bad "a wrong state" '{"user":"eve","active":1}' '*"active": expected*'
bad "a user without a name" '{"active":true}' '*user name is empty*'
bad "an id twice" "$good" '*stands in line 1, too*'
printf '%s\n' '{"user":"eve","active":true}' "$good" \
	'{"user":"eve","active":false}' >"$LINES"
run import "$LINES"
like "a user twice is refused, and both lines are named" "$status:$err" \
	"2:*$LINES:3: *eve stands in line 1, too*"
run export
is "and nothing is stored" "$out" ""

# many N WHAT LINE: 700 good lines, with LINE in place of the N-th, that is WHAT.
many() {
	python3 -c 'import json, sys
record = json.loads(sys.argv[1])
for i in range(1, 701):
    record["id"] = record["family"] = "%08d" % i
    print(sys.argv[3] if i == int(sys.argv[2]) else json.dumps(record))' \
		"$good" "$1" "$3" >"$LINES"
	run import "$LINES"
	like "$2 in line $1 of 700" "$status:$err" "[23]:*import: $LINES:$1: *"
	run export
	is "$2 in line $1 of 700: nothing is stored" "$out" ""
}

for row in 1 300 700; do
	many "$row" "a wrong user" "$(changed user '"a:b"')"
	many "$row" "nonsense" nonsense
done
anew
exits "export --json of nothing" 0 export --json
is "is an empty array" "$out" "[]"
printf '%s\n' "$out" >"$LINES"
exits "which import takes" 0 import "$LINES"
is "as nothing" "$out" "0 tokens and 0 users imported, 0 known already"
for nothing in '' '[]' ' [ \n ]\n\n'; do
	# shellcheck disable=SC2059
	printf "$nothing" >"$LINES"
	exits "nothing, written as '$nothing'" 0 import "$LINES" --json
done
for more in '[] x' '[[]]' '[' '[]\0{"id":"x"}' '[]\n[]'; do
	# shellcheck disable=SC2059
	printf "$more" >"$LINES"
	exits "'$more' is more than nothing" 2 import "$LINES"
done

exits "a file that is not there" 3 import "$SCRATCH/nothing"
exits "no file is a usage error" 2 import
: >"$LINES"
run import "$LINES"
is "an empty file is fine" "$status:$out" "0:0 tokens and 0 users imported, 0 known already"

python3 -c 'import json, sys
record = json.loads(sys.argv[1])
for i in range(1000):
    record["id"] = record["family"] = "%08d" % i
    print(json.dumps(record))' "$good" >"$LINES"
run import "$LINES"
is "a thousand records go over" "$out" "1000 tokens and 0 users imported, 0 known already"
run list gina --json
is "and are there" "$(json 'len(d)')" 1000

done_testing
