#!/bin/sh
# create --batch: a token for each row, in a file of its own; or none.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'max_per_user = 3' 'max_lifetime = 100d'
run init
ROWS=$SCRATCH/rows.csv
TOKENS=$SCRATCH/tokens.csv

# column NAME: of the output, one a line.
column() {
	python3 -c 'import csv, sys
for row in csv.DictReader(open(sys.argv[1])):
    print(row[sys.argv[2]])' "$TOKENS" "$1"
}

live() {
	run list --json
	json 'len(d)'
}

# --- Good files ---------------------------------------------------------------

for way in without with; do
	[ "$way" = without ] || cli_patd
	rm -f "$TOKENS"
	printf '%s\r\n' 'name,user,scope,expires,from' \
		'"CI, ""nightly""",alice,read write,30d,192.0.2.0/24 ::1' '' \
		',bérénice,,,' >"$ROWS"
	run create --batch "$ROWS" --output "$TOKENS"
	is "[$way patd] create --batch" "$status:$out" "0:$TOKENS: 2 tokens"
	is "[$way patd] only its owner can read the file" \
		"$(stat -c %a "$TOKENS")" 600
	is "[$way patd] it holds the users" "$(column user | tr '\n' ' ')" \
		"alice bérénice "
	run_with "$(column token | head -n 1)" test alice --service narrow \
		--from 192.0.2.7
	is "[$way patd] a token of it is good" "$out" accepted
	run show "$(column id | head -n 1)" --json
	is "[$way patd] and has what the row says" \
		"$(json 'd["name"], d["scopes"], d["networks"]')" \
		"('CI, \"nightly\"', ['read', 'write'], ['192.0.2.0/24', '::1/128'])"
	for id in $(column id); do
		run revoke "$id"
	done
	[ "$way" = without ] || stop patd
done
rm -f "$TOKENS"
printf 'user\ncarol\n' >"$ROWS"
run create --batch "$ROWS" --output "$TOKENS" --json
is "--json" "$(json 'd["tokens"]')" 1
run create --batch "$ROWS" --output "$TOKENS"
is "a file that is there is not overwritten" "$status:$(column user)" "3:carol"
for id in $(column id); do
	run revoke "$id"
done

# --- Bad files ----------------------------------------------------------------

# bad SENTENCE LINE PATTERN [LINE...]: of the rows.
bad() {
	bad_what=$1
	bad_pattern=$2
	shift 2
	rm -f "$TOKENS"
	printf '%s\n' "$@" >"$ROWS"
	run create --batch "$ROWS" --output "$TOKENS"
	case $status in
	1 | 2) pass "$bad_what is refused" ;;
	*) fail "$bad_what is refused" "status $status" ;;
	esac
	like "$bad_what: it says where and why" "$err" \
		"pat-admin: create: $ROWS:$bad_pattern"
	ok "$bad_what: there is no file" test ! -e "$TOKENS"
	is "$bad_what: there is no token" "$(live)" 0
}

bad "an unknown column" '1: *expected of user, parent, name*' 'user,color' 'bob,red'
bad "a column twice" '1: *named twice*' 'user,user' 'bob,bob'
bad "no column of users" '1: *must name the column "user"*' name x
bad "a row that is too short" '3: expected 2 fields*there are 1' \
	user,name bob,x eve
bad "a row that is too long" '2: expected 1 fields*there are 2' user bob,x
bad "an open quote" '2: *quote in it twice*' user '"bob'
bad "a quote inside" '2: *quote in it twice*' user 'bo"b'
bad "an empty user" '2: *user name is empty*' user,name ,x
bad "a wrong date" '3: --expires: expected*' user,expires bob,1d eve,soon
bad "a wrong network" '2: --from: *' user,from bob,10.0.0.1/8
bad "a life that the policy does not allow" '3: *max_lifetime*' \
	user,expires bob,1d eve,200d
bad "too many for one user" '5: *max_per_user*' user bob bob bob bob
bad "the first of two" '3: *max_lifetime*' user,expires bob,1d eve,200d \
	carl,soon
for row in 1 300 700; do
	# shellcheck disable=SC2046
	bad "row $row of 700, in batches of 256," "$((row + 1)): *max_lifetime*" \
		user,expires $(seq -f 'user%g,1d' $((row - 1))) eve,200d \
		$(seq -f 'user%g,1d' $((row + 1)) 700)
done
# shellcheck disable=SC2046
bad "one too many, batches apart" '602: *max_per_user*' user bob bob bob \
	$(seq -f 'user%g' 597) bob $(seq -f 'user%g' 598 700)
printf 'user\nbob\0\n' >"$ROWS"
run create --batch "$ROWS" --output "$TOKENS"
is "a NUL byte is refused" "$status" 2
: >"$ROWS"
run create --batch "$ROWS" --output "$TOKENS"
like "an empty file is refused" "$status:$err" "2:*:0: it is empty*"
exits "a file that is not there" 3 create --batch "$SCRATCH/none" \
	--output "$TOKENS"
exits "--batch alone" 2 create --batch "$ROWS"
exits "--output alone" 2 create bob --output "$TOKENS"
exits "--batch with a user" 2 create bob --batch "$ROWS" --output "$TOKENS"

if [ "$(id -u)" = 0 ] && mkdir "$SCRATCH/small" &&
	mount -t tmpfs -o size=8k none "$SCRATCH/small" 2>/dev/null; then
	tap_cleanup="umount $SCRATCH/small"
	{
		echo user
		seq -f 'user%g' 300
	} >"$ROWS"
	run create --batch "$ROWS" --output "$SCRATCH/small/tokens"
	is "a full disk is an error" "$status" 3
	like "it says so" "$err" "*$SCRATCH/small/tokens: No space left*"
	is "and no token stays" "$(live)" 0
	is "nor the file" "$(ls -A "$SCRATCH/small")" ""
else
	skip "a full disk is an error" "cannot mount"
fi

done_testing
