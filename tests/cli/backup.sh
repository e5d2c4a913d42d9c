#!/bin/sh
# backup and restore: what comes back, and what a bad backup cannot do.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'max_per_user = 0'
STORE=$HOME_DIR/store
PEPPER=$HOME_DIR/key/pepper.key
run init

new() {
	run create "$1" --name made
	token=$(printf '%s\n' "$out" | head -n 1)
	id=$(id_of "$token")
}

# is_answer SENTENCE TOKEN WANTED
is_answer() {
	run_with "$2" test alice
	is "$1" "$out" "$3"
}

# contents: of store and pepper, by what can be asked and what is there.
contents() {
	find "$HOME_DIR" -path "$HOME_DIR/run" -prune -o -type f -print |
		LC_ALL=C sort | grep -v -e '/log\.' -e '/store.lock'
	sha256sum <"$PEPPER"
	run list --all --json
	printf '%s\n' "$out"
}

# --- Without and with patd ------------------------------------------------------

new alice
first=$token
first_id=$id
for way in without with; do
	backup=$SCRATCH/backup-$way
	[ "$way" = without ] || cli_patd
	exits "[$way patd] backup" 0 backup "$backup"
	like "[$way patd] it says where and how much" "$out" \
		"$backup: * files, * bytes"
	is "[$way patd] nobody else can open it" \
		"$(find "$backup" -perm /077)" ""
	is "[$way patd] no text of a token is in it" \
		"$(grep -r -l -F "${first#jpat_????????_}" "$backup")" ""
	run backup --json "$SCRATCH/json-$way"
	is_json "[$way patd] --json is JSON"
	is "[$way patd] it counts the files" "$(json 'd["files"]')" \
		"$(find "$SCRATCH/json-$way" -type f ! -name manifest.json |
			wc -l)"
done

# --- What cannot be a place for one ---------------------------------------------

run backup "$SCRATCH/backup-with"
is "a folder that is not empty is refused" "$status" 3
like "and it says what to do" "$err" "*is not empty: name a new directory*"
ok "and what is in it stays" test -f "$SCRATCH/backup-with/manifest.json"
exits "without a folder it is a usage error" 2 backup
run backup "$SCRATCH/none/here"
is "a folder that cannot be made is an error" "$status" 3
like "and it says which" "$err" "*cannot create $SCRATCH/none/here: create its parent directory*"

if [ "$(id -u)" = 0 ] && mkdir "$SCRATCH/small" &&
	mount -t tmpfs -o size=64k none "$SCRATCH/small" 2>/dev/null; then
	tap_cleanup="umount $SCRATCH/small"
	run backup "$SCRATCH/small/b"
	is "a full disk is an error" "$status" 3
	like "and it says so" "$err" "*$SCRATCH/small/b: No space left*"
	is "and half a backup is none" "$(ls -A "$SCRATCH/small")" ""
else
	skip "a full disk is an error" "cannot mount"
fi

# --- Restore --------------------------------------------------------------------

run user disable bob
run backup "$SCRATCH/backup-users"
run user enable bob

before=$(contents)
run restore "$SCRATCH/backup-with"
is "restore is refused while patd runs" "$status" 3
like "and it says who has the store" "$err" "*in use by patd*"
is "and nothing is changed" "$(contents)" "$before"
stop patd

new alice
second=$token
run revoke "$first_id"
exits "restore" 0 restore "$SCRATCH/backup-with"
like "it says of when the store is now" "$out" "$STORE: as of 20??-*"
like "it warns of what was revoked since" "$err" "*is live again*"
is_answer "what was there at the time is there" "$first" accepted
is_answer "what came later is not" "$second" "denied: unknown-id"
old=$(printf '%s\n' "$out" | sed -n 's/: what was there before//p')
run restore --json "$SCRATCH/backup-without"
is_json "restore --json is JSON"
old=$(json 'd["before"]')
ok "the store of before is kept" test -f "$old/tokens.db"
is "the pepper stays where it is the same" \
	"$(find "$HOME_DIR/key" -type f)" "$PEPPER"

# Names that this and the next seconds would give are taken.
from=$(date +%s)
for second in $(seq "$from" $((from + 120))); do
	mkdir "$STORE.before-$(date -u -d "@$second" +%Y%m%dT%H%M%SZ)"
done
exits "a restore in the same second as another" 0 \
	restore --json "$SCRATCH/backup-without"
next=$(json 'd["before"]')
like "it gives what was there another name" "$next" "*Z-[2-9]"
ok "which holds the store of before" test -f "$next/tokens.db"
ok "and the first one is kept, too" test -f "$old/tokens.db"
rmdir "$STORE".before-*Z 2>/dev/null
cli_patd
is_answer "patd serves from it" "$first" accepted
stop patd

exits "restore of a disabled user" 0 restore "$SCRATCH/backup-users"
run user show bob --json
is "who is disabled again" \
	"$(json 'd["active"]')" False

rm -rf "$HOME_DIR"
mkdir "$HOME_DIR"
exits "restore where nothing was, as on a new machine" 0 \
	restore "$SCRATCH/backup-with"
is_answer "what was there at the time is there" "$first" accepted
exits "the doctor has nothing against it" 0 check
is "only its owner can open it" "$(find "$STORE" "$PEPPER" -perm /077)" ""

rm -rf "$HOME_DIR"
mkdir "$HOME_DIR"
run init
new bob
exits "restore in place of a store with another pepper" 0 \
	restore "$SCRATCH/backup-with"
is_answer "what was there at the time is there" "$first" accepted
is "the other pepper is kept" \
	"$(find "$HOME_DIR/key" -name 'pepper.key.before-*' | wc -l)" 1

# --- Bad backups ----------------------------------------------------------------

before=$(contents)

# bad SENTENCE PATTERN: $SCRATCH/bad is refused, and changes nothing.
bad() {
	run restore "$SCRATCH/bad"
	is "$1 is refused" "$status" 3
	like "$1: it says what is wrong" "$err" "$2"
	is "$1: nothing is changed" "$(contents)" "$before"
	rm -rf "$SCRATCH/bad"
}

fresh() {
	cp -r "$SCRATCH/backup-with" "$SCRATCH/bad"
}

# flip FILE: its first byte.
flip() {
	python3 -c 'import sys
with open(sys.argv[1], "r+b") as file:
    byte = file.read(1)[0]
    file.seek(0)
    file.write(bytes([byte ^ 1]))' "$SCRATCH/bad/$1"
}

for file in tokens.db by_user.db by_owner.db users.db meta.db log.0000000001 hwm pepper.key; do
	fresh
	flip "$file"
	bad "a changed $file" "*$file is not what was written there*"
	fresh
	: >"$SCRATCH/bad/$file"
	bad "an empty $file" "*$file is not what was written there*"
	fresh
	rm "$SCRATCH/bad/$file"
	bad "a backup without $file" "*$file cannot be opened*"
done

fresh
rm "$SCRATCH/bad/manifest.json"
bad "a folder without manifest" "*is not a backup: it holds no manifest.json*"

# manifest SENTENCE PATTERN STATEMENT: changes `d`, the manifest.
manifest() {
	fresh
	python3 -c 'import json, sys
name = sys.argv[1]
with open(name) as file:
    d = json.load(file)
exec(sys.argv[2])
with open(name, "w") as file:
    json.dump(d, file)' "$SCRATCH/bad/manifest.json" "$3"
	bad "$1" "$2"
}

manifest "a manifest of a newer format" "*newer version of jira-pat*" \
	'd["format"] = 2'
for statement in 'd["format"] = "1"' 'del d["files"]' 'd["files"] = 1' \
	'd["more"] = 1' 'd["files"][0]["name"] = "../x"' \
	'd["files"][0]["name"] = "/etc/x"' 'd["files"][0]["name"] = ""' \
	'd["files"][0]["name"] = "DB_CONFIG"' \
	'd["files"][0]["bytes"] = -1' 'd["files"][0]["blake2b"] = "00"' \
	'd["files"].append(d["files"][0])' 'd["made_at"] = "yesterday"'; do
	manifest "a manifest with $statement" \
		"*manifest.json does not hold what a backup writes*" \
		"$statement"
done
manifest "a manifest without the pepper" "*pepper.key is missing*" \
	'd["files"] = [f for f in d["files"] if f["name"] != "pepper.key"]'
manifest "a manifest without a database" "*by_user.db is missing*" \
	'd["files"] = [f for f in d["files"] if f["name"] != "by_user.db"]'
fresh
echo '{' >"$SCRATCH/bad/manifest.json"
bad "a manifest that is no JSON" \
	"*manifest.json does not hold what a backup writes*"

mkdir "$STORE.restore"
run restore "$SCRATCH/backup-with"
is "the rest of an interrupted restore is in the way" "$status" 3
like "and it says what to do" "$err" "*$STORE.restore is in the way*remove it*"
ok "and it is kept" test -d "$STORE.restore"

done_testing
