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
	sync "$W a dry run is not refused" 0 --dry-run
	like "$W it warns of the refusal" "$err" \
		"*warning: *--dry-run*refused*disable 4 of 6 active users*"
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
	"a,1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;21;22;23;24;25;26;27;28;29;30;31;32;33"
bad '2: *JSON object*' '{"user": "a"}' nonsense
bad '1: *keys*user*' '{"name": "a"}'
bad '1: *list of strings*' '{"user": "a", "groups": "ops"}'
bad '1: *user name is empty*' '{"active": false}'
exits "a missing file" 3 sync-users "$SCRATCH/none"
exits "no file" 2 sync-users
exits "a wrong share" 2 sync-users "$SCRATCH/list" --max-disable many
like "says what was expected" "$err" "*--max-disable: expected a share*"

# --- Who is kept -------------------------------------------------------------------

for name in bot-ci bot-nightly anna x y z; do
	run create "$name"
done
list user a b c d e f g anna x y z
sync "--keep, a dry run" 0 --dry-run --keep 'bot-*'
is "--keep: who is kept is said, and by what" "$out" \
	"keep bot-ci (not in the list; --keep bot-*)
keep bot-nightly (not in the list; --keep bot-*)"
sync "--keep that names nobody" 0 --dry-run --keep 'bot_*' --keep 'bot-*'
like "is worth a warning: a typing error would disable them" "$err" \
	"warning: --keep bot_\*: no user has such a name*"
run user protect bot-ci
is "user protect" "$status:$out" \
	"0:protected bot-ci: live tokens 1, groups -"
run user show bot-ci --json
is "it is in the record" "$(json 'd["protected"]')" True
sync "a protected user, and another one" 0
is "the protected one is kept, the other is disabled" "$out" \
	"keep bot-ci (not in the list; protected)
disable bot-nightly (not in the list)"
like "the summary counts them" "$err" "*1 users changed*
Disabled: 1 (not in the list: 1, inactive there: 0); enabled: 0; groups set: 0; kept: 1.*"
list user,active a, b, c, d, e, f, g, anna, x, y, z,no bot-ci,no bot-nightly,
sync "inactive in the list" 0 --json
is "JSON says why, and who is kept" "$(printf '%s\n' "$out" | python3 -c '
import json, sys
print([(d["user"], d["active"], d["reason"], d.get("kept"))
       for d in map(json.loads, sys.stdin)])')" \
	"[('bot-ci', True, 'inactive', 'protected'), ('bot-nightly', True, 'listed', None), ('z', False, 'inactive', None)]"
run user unprotect bot-ci
sync "user unprotect ends that" 0
is "then the list disables it" "$out" "disable bot-ci (inactive in line 13 of the list)"
run user show bot-ci --json
is "protection is written by export" "$(json 'd["protected"]')" False

# --- Names that look alike -----------------------------------------------------------

# alike SENTENCE LISTED...: stopped, with both spellings, although forced.
alike() {
	alike_what=$1
	shift
	list user a b c d e f g x y "$@"
	sync "$alike_what: stopped" 2 --force
	like "$alike_what: both spellings" "$err" \
		"*$SCRATCH/list:*\"*$1\"*differ in case or blanks alone*"
	is "$alike_what: nothing is changed" "$(disabled)" "bot-ci z"
}

alike "another case than in the store" Anna
alike "twice in the list" Bert bert
joerg=$(printf 'J\303\266rg')
run create "$joerg"
list user a b c d e f g x y anna bot-nightly "$(printf 'j\303\266RG')"
sync "another case beyond ASCII: stopped" 2 --force
list user a b c d e f g x y anna bot-nightly "$(printf 'Jo\314\210rg')"
sync "letters put together otherwise: stopped" 2 --force
like "both spellings, so that the difference shows" "$err" \
	'*Jo\\xcc\\x88rg" and "J\\xc3\\xb6rg" of the store*'
list user a b c d e f g x y anna bot-nightly 'x '
printf 'user\n"a "\n' >"$SCRATCH/list"
sync "blanks at the end of a name" 2 --force
like "are refused, in quotes" "$err" '*:2: the user name "a " has blanks*'
run user disable anna
list user a b c d e f g x y Anna bot-nightly "$joerg"
sync "who was disabled by hand is not in the way" 0 --force

# --- Files as others write them --------------------------------------------------------

everybody='a b c d e f g x y Anna bot-nightly'

# file SENTENCE STATUS WANTED ARGUMENT...: the list as it stands; WANTED is a
# pattern for what it prints, or for the error.
file() {
	file_what=$1
	file_status=$2
	file_wanted=$3
	shift 3
	sync "$file_what" "$file_status" --dry-run "$@"
	if [ "$file_status" = 0 ]; then
		is "$file_what: what it means" "$out" "$file_wanted"
	else
		like "$file_what: what it says" "$err" "$file_wanted"
	fi
}

# rows HEAD FORMAT: everybody, and "new" in two groups.
rows() {
	printf '%b' "$1"
	for one in $everybody "$joerg"; do
		# shellcheck disable=SC2059
		printf "$2" "$one" yes ''
	done
	# shellcheck disable=SC2059
	printf "$2" x1 yes 'Jira Admins'
}

made='groups x1: "Jira Admins"'
rows 'user,active,groups\n' '%s,%s,%s\n' >"$SCRATCH/list"
file "a group with a space is one group" 0 "$made"
rows '\357\273\277user,active,groups\n' '%s,%s,%s\n' >"$SCRATCH/list"
file "a byte order mark" 0 "$made"
rows 'user;active;groups\n' '%s;%s;%s\n' >"$SCRATCH/list"
file "semicolons" 0 "$made"
rows 'user\tactive\tgroups\n' '%s\t%s\t%s\n' >"$SCRATCH/list"
file "tabs" 0 "$made"
rows 'sep=;\r\nUser;Active;GROUPS\r\n' '%s;%s;%s\r\n' >"$SCRATCH/list"
printf '\r\n;;\r\n\r\n' >>"$SCRATCH/list"
file "sep=, another case, CRLF, empty lines at the end" 0 "$made"
rows 'user,active,groups\n' '"%s","%s","%s"\n' >"$SCRATCH/list"
file "every field in quotes" 0 "$made"
rows 'user|active|groups\n' '%s|%s|%s\n' >"$SCRATCH/list"
file "a named separator" 0 "$made" --separator bar
file "a wrong one" 2 '*--separator*' --separator x
rows 'user,active,groups\n' '%s,%s,%s\n' >"$SCRATCH/utf8"
for charset in UTF-16LE UTF-16BE UTF-32LE; do
	{ printf '\357\273\277' && cat "$SCRATCH/utf8"; } |
		iconv -f UTF-8 -t $charset >"$SCRATCH/list"
	file "$charset" 0 "$made"
done
iconv -f UTF-8 -t UTF-16LE "$SCRATCH/utf8" >"$SCRATCH/list"
file "UTF-16 without a mark" 2 "*$SCRATCH/list:1: *UTF-16*UTF-8*"
{ printf '\377\376' && printf 'user\n'; } >"$SCRATCH/list"
file "half of UTF-16" 2 "*$SCRATCH/list: *UTF-16LE*"
# shellcheck disable=SC2059
for text in 'user,active\na,yes\nb,\0no' 'user\na\nb\0' 'user\na\n\0' \
	'\n\n{"user": "a"}\0{"user": "b"}\n'; do
	printf "$text" >"$SCRATCH/list"
	file "a NUL byte at the end" 2 "*$SCRATCH/list:3: a NUL byte*"
done
printf 'user\nJ\366rg\n' >"$SCRATCH/list"
file "Latin-1" 2 "*$SCRATCH/list:2: *UTF-8*"
rows 'version:v1.0\nUser name [userPrincipalName] Required,Block sign in (Yes/No) [active],Department [groups],City\n' \
	'%s,%s,%s,Berlin\n' >"$SCRATCH/list"
file "Azure's first line" 2 '*:2: *unknown column User name *user, active, groups*'
file "Azure's list, mapped" 0 "$made" --column user=userPrincipalName
like "what is not read of it is said" "$err" \
	"note: $SCRATCH/list:2: columns that are not read: City
*"
file "a column mapped twice" 2 '*once*' --column user=userPrincipalName \
	--column User=City
file "two of ours from one of theirs" 2 '*each of ours*' \
	--column user=userPrincipalName --column groups=userprincipalname
file "a column that is not there" 2 '*must name the column "upn"*' \
	--column user=upn
file "a column that nobody has" 2 '*"usr" is none of user, active, groups*' \
	--column usr=upn
rows 'user,aktiv\n' '%s,%s\n' >"$SCRATCH/list"
file "an unknown column is quoted" 2 "*$SCRATCH/list:1: *aktiv*user, active, groups*"
rows 'user,active,groups\n' '%s,%s\n' >"$SCRATCH/list"
file "a row that is too short" 2 "*$SCRATCH/list:2: expected 3 fields*2*"
printf '%s' "$(cat "$SCRATCH/utf8")" | python3 -c '
import csv, json, sys
rows = list(csv.DictReader(sys.stdin))
print(json.dumps([dict(user=r["user"], active=True,
    groups=[r["groups"]] if r["groups"] else []) for r in rows], indent=1))' \
	>"$SCRATCH/list"
file "a JSON array" 0 "$made"
echo '[{"user": "a"}, {"user": 1}]' >"$SCRATCH/list"
file "a wrong element" 2 "*$SCRATCH/list:element 2: user*"
echo '[{"user": "a"},' >"$SCRATCH/list"
file "half an array" 2 "*$SCRATCH/list:2: not JSON*"
: >"$SCRATCH/list"
file "an empty file" 2 "*it is empty*"

# --- Groups ----------------------------------------------------------------------------

run create g1
rows 'user,groups\n' '%s,%.0s%s\n' >"$SCRATCH/utf8"
groups() {
	{ cat "$SCRATCH/utf8" && echo "$2" && echo 'x1x,'; } >"$SCRATCH/list"
	sync "$1" 0 --dry-run
	is "$1: as they are read" "$(printf '%s\n' "$out" | grep '^groups g1')" \
		"groups g1: $3"
}

groups "commas in a quoted field" 'g1,"ops, Jira Admins"' 'ops "Jira Admins"'
groups "semicolons" 'g1,ops; Jira Admins ;' 'ops "Jira Admins"'
groups "semicolons, and commas in names" \
	'g1,"CN=Jira,OU=x;ops"' '"CN=Jira,OU=x" ops'
groups "quotes in a quoted field" 'g1,"""a;b"";c"' '"a;b" c'
run user groups g1 developers 'Jira Admins'
{ cat "$SCRATCH/utf8" && echo 'g1,Jira Admins;developers'; } >"$SCRATCH/list"
sync "the same groups in another order" 0
is "are no change" "$(printf '%s\n' "$out" | grep 'g1')" ""
run user groups g1 --none
run user groups g1 'Jira Admins' developers
is "user groups prints them so that they can be read" "$out" \
	'set groups of g1: live tokens 1, groups "Jira Admins",developers'
echo '[service admins]
groups = "Jira Admins" ops' >>"$CONF"
run create g1
token=$out
run_with "$token" test g1 --service admins
is "a service that wants a group with a space" "$out" accepted
run user groups g1 Jira Admins
run_with "$token" test g1 --service admins
is "two groups are not it" "$out" "denied: group"
done_testing
