#!/bin/sh
# upstream: what users show the server behind the proxy is taken, listed without
# its secret, removed, sealed again; with and without a running patd.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'max_per_user = 10'
KEY=$HOME_DIR/key/upstream.key
PAT=MDA5ODc2NTQzMjEwOgQkVEryS3cr3t

# set_to SECRET ARGUMENT...: sets it.
set_to() {
	set_secret=$1
	shift
	run_with "$set_secret" upstream set "$@"
}

run init
is "init makes no key where no service wants one" "$(ls "$HOME_DIR/key")" "pepper.key"
sed -i "s,^run_dir.*,&\naudit_file = $HOME_DIR/trail/audit," "$CONF"
cat >>"$CONF" <<-EOT
	[service jira]
	upstream = yes
	[service strict]
	upstream = required
	[service perhaps]
	upstream = no
EOT
run init
is "and one where a service does, for its owner alone" "$(stat -c '%a %s' "$KEY")" "400 32"
like "it says that no backup has it" "$err" "*$KEY is new, and in no backup*"
before=$(cksum <"$KEY")
run init
is "twice is fine, and changes nothing" "$status:$(cksum <"$KEY")" "0:$before"

for way in without with; do
	[ "$way" = without ] || cli_patd
	set_to "$PAT" alice
	is "[$way patd] a personal access token" "$status:$out" "0:set alice at *: bearer"
	set_to "bob@example.com:tok" alice --service jira
	is "[$way patd] user:token, for one service" "$status:$out" "0:set alice at jira: basic"
	set_to "$PAT" bob --json
	is "[$way patd] --json" "$(json 'd["user"], d["service"], d["kind"], d["state"]')" \
		"('bob', '*', 'bearer', 'ready')"
	run upstream list
	is "[$way patd] the list: who, for what, how" \
		"$(printf '%s\n' "$out" | awk '{ print $1, $2, $3, $5, $6 }')" \
		"USER SERVICE KIND SET-BY STATE
alice * bearer $(id -un) ready
alice jira basic $(id -un) ready
bob * bearer $(id -un) ready"
	run upstream list alice --json
	is "[$way patd] --json: the same of one user" \
		"$(json '[(r["service"], r["kind"], r["state"], r["set_by"]) for r in d]')" \
		"[('*', 'bearer', 'ready', '$(id -un)'), ('jira', 'basic', 'ready', '$(id -un)')]"
	run upstream list nobody --json
	is "[$way patd] of somebody who has none: nothing" "$status:$out" "0:[]"
	run upstream remove alice --service '*'
	is "[$way patd] that for all services is removed" "$out" "removed alice at *: bearer"
	run upstream remove alice
	is "[$way patd] and all that are left" "$out" "removed alice at jira: basic"
	exits "[$way patd] nothing is left to remove" 1 upstream remove alice
	exits "[$way patd] nor for a service" 1 upstream remove bob --service jira
	before=$(cksum <"$KEY")
	run upstream rekey
	is "[$way patd] rekey seals all again" "$status:$out" "0:sealed again bob at *: bearer"
	ok "[$way patd] with another key" test "$before" != "$(cksum <"$KEY")"
	run upstream list bob
	like "[$way patd] which opens it" "$out" "*ready"
	[ "$way" = without ] || stop patd
done

# What is not taken: the reason is told, and nothing changes.

# given BYTES SENTENCE STATUS WHY: BYTES as printf(1) has them.
given() {
	# shellcheck disable=SC2059 # they are a format
	printf "$1" | timeout 60 "$PAT_ADMIN" --config "$CONF" upstream set carol \
		>"$SCRATCH/out" 2>"$SCRATCH/err"
	status=$?
	cat "$SCRATCH/err" >>"$ERRORS"
	like "refused: $2" "$status:$(cat "$SCRATCH/out"):$(cat "$SCRATCH/err")" "$3::*$4*"
}

run create carol --bearer
OURS=$(printf '%s\n' "$out" | head -n 1)
OURS64=$(printf '%s\n' "$out" | tail -n 1)
given '' "nothing" 2 "expected a secret"
given '\n' "an empty line" 2 "expected a secret"
given 'one\ntwo\n' "two lines" 2 "one line"
given 'one\n\n' "an empty line behind it" 2 "one line"
given 'a\tb\n' "a control character" 2 "control character"
given 'a\000b\n' "a NUL byte" 2 "NUL byte"
given 'a b\n' "a blank in a token" 2 "personal access token"
given 'Bearer abc\n' "the word Bearer" 2 "personal access token"
given ' abc\n' "a blank in front" 2 "blanks"
given ':token\n' "user:token without a user" 2 "one half is empty"
given 'user:\n' "and without a token" 2 "one half is empty"
given "$OURS\\n" "a token of jira-pat" 1 "token of jira-pat"
given "carol:$OURS\\n" "with its user" 1 "token of jira-pat"
given "$OURS64\\n" "in base64" 1 "token of jira-pat"
given "$(printf '%0481d' 0)\\n" "481 bytes" 2 "480 bytes"
given "$(printf 'u:%0377d' 0)\\n" "user:token of 379 bytes" 2 "378 bytes"
given "$(printf '%0600d' 0)\\n" "more than any secret has" 2 "that long"
run upstream list carol --json
is "and none of them was stored" "$out" "[]"
set_to "$(printf '%0480d' 0)" carol
is "480 bytes are taken" "$status" 0
set_to "$(printf 'u:%0376d' 0)" carol
is "and user:token of 378" "$status" 0
printf 'abc\r\n' | "$PAT_ADMIN" --config "$CONF" upstream set carol >/dev/null 2>&1
is "a line of CR LF is one, and without them" "$?" 0
printf 'abc' | "$PAT_ADMIN" --config "$CONF" upstream set carol >/dev/null 2>&1
is "as is one that does not end" "$?" 0

set_to abc carol --service imap
like "a service that does not use it: a warning" "$status:$err" \
	"0:*imap has no *upstream = yes*not used*"
set_to abc carol --service jira
is "one that does: none" "$status:$err" "0:"
set_to abc carol --service strict
is "nor one that requires it" "$status:$err" "0:"
for service in 'ji*' 'ji?a' '[a]' 'a b' ''; do
	set_to abc carol --service "$service"
	is "no name of a service: \"$service\"" "$status:$out" "2:"
done
exits "no user" 2 upstream set
exits "no action" 2 upstream
exits "an unknown action" 2 upstream show alice
exits "two users" 2 upstream set alice bob
exits "a user for rekey" 2 upstream rekey alice
exits "a service for list" 2 upstream list --service jira
exits "a user name that is none" 2 upstream set a:b

chmod 440 "$KEY"
set_to abc carol
like "a key that others may read" "$status:$err" "3:*others may open*$KEY*"
chmod 400 "$KEY"
mv "$KEY" "$KEY.kept"
printf short >"$KEY"
chmod 400 "$KEY"
set_to abc carol
like "one of another size" "$status:$err" "3:*32 bytes*"
rm -f "$KEY"
run upstream list bob
like "without a key the list says so" "$out" "*there is no key"
run check
like "and so does check" "$out" "*bad   upstream*"
set_to abc carol
like "set makes another one, and says so" "$status:$err" "0:*is new*"
run upstream list bob
like "which is not the old one" "$out" "*another key"
run upstream rekey
like "nothing is sealed again while that is so" "$status:$out" "3:cannot be opened: bob*another key*"
rm -f "$KEY.new"
mv -f "$KEY.kept" "$KEY"
run upstream list bob
like "with the old one all is as before" "$out" "*ready"
run upstream remove carol
run check
like "check knows of them" "$out" "*ok    upstream*"

run audit --event set-upstream --json
out=$(printf '%s\n' "$out" | head -n 1)
is "the trail tells who set one, and not which" \
	"$(json '(d["user"], d["actor"], d["detail"])')" \
	"('alice', '$(id -un)', 'bearer, all services')"
run audit --event rekey-upstream --json
out=$(printf '%s\n' "$out" | head -n 1)
is "and that they were sealed again" "$(json 'd["user"]')" bob

run backup "$SCRATCH/backup"
is "a backup has them, and not the key" \
	"$(find "$SCRATCH/backup" -name 'up*' | sed 's,.*/,,')" "upstream.db"
run export
is "an export has none" "$(printf '%s' "$out" | grep -c upstream)" 0
run restore "$SCRATCH/backup"
run upstream list bob
like "a restored store has them" "$status:$out" "0:*bob*ready"

run user disable bob
run purge --dry-run --dead-for 0
like "purge --dry-run names those of a user who is disabled" "$out" \
	"*upstream credential of bob at **"
run purge
is "purge keeps them for 90 days" "$out" ""
run purge --dead-for 0 --json
is "then they go" "$(json 'd["user"], d["upstream"], d["removed"]')" "('bob', '*', True)"
run upstream list bob --json
is "and are gone" "$out" "[]"

sed "s,^pepper_file.*,&\nupstream_key_file = $HOME_DIR/store/upstream.key," "$CONF" >"$SCRATCH/inside"
CONF=$SCRATCH/inside run upstream list
like "a key inside the store is refused" "$status:$err" "3:*upstream_key_file lies in store_dir*"

is "no secret was printed" \
	"$(grep -c -e "$PAT" -e "${OURS#*_*_}" "$ERRORS")" 0
done_testing
