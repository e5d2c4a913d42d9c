#!/bin/sh
# create --link: a link by which the user fetches the token, in place of the
# token. On the store itself and through patd, the same checks twice.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

URL=https://jira.example.com/tokens
CODE='????????-??????????????????????'
cli_make 'max_per_user = 4' 'name_required = no'
sed -i "/^\[patd\]/a audit_file = $HOME_DIR/log/audit.jsonl" "$CONF"
run init
run create alice --link
is "without an address of the page: exit status 3" "$status:$out" "3:"
like "it says what to set" "$err" "*\[self_service\] url*https://*"
run list alice --all --json
is "and there is no token" "$out" "[]"
cat >>"$CONF" <<-END
	[self_service]
	url = $URL
	link_lifetime = 3d
END
codes=

# Seconds from one time to another, in `d`, to the next minute: pat-admin reckons
# from when it reads its arguments, the record is made some moments later.
SPAN='(lambda a, b: 60 * round((__import__("datetime").datetime.fromisoformat(
 d[b][:-1]) - __import__("datetime").datetime.fromisoformat(
 d[a][:-1])).total_seconds() / 60))'

# linked ARGUMENT...: makes a link, sets $link, $code and $id.
linked() {
	run create "$@"
	link=$out
	code=${link##*/}
	id=${code%%-*}
	codes="$codes
${code#*-}"
}

check_link() {
	linked "$user" --link --name laptop
	like "$W create --link prints a link alone" "$status:$link" "0:$URL/link/$CODE"
	run show "$id" --json
	until=$(json 'd["link_until"]')
	is "$W the token waits for as long as the configuration says" \
		"$(json "$SPAN('created_at', 'link_until'), d['state_text'], d['state']")" \
		"(259200, 'paused: unclaimed', 'paused')"
	run create "$user" --link --name other
	other=${out##*/}
	codes="$codes
${other#*-}"
	like "$W people are told who opens it, and until when" "$err" \
		"*${other%%-*}*$user*signed in*20??-*Z*"
	is "$W and not the link" "$(printf '%s' "$err" | grep -c "${other#*-}")" 0
	run list "$user"
	like "$W list has it" "$out" "*$id *paused: unclaimed*"
	run show "$id"
	like "$W show has its end" "$out" "*link-until *$until*"
	is "$W there is no hash yet" "$(run export; printf '%s\n' "$out" |
		grep "\"id\":\"$id\"" | python3 -c 'import json, sys
d = json.load(sys.stdin)
print(repr(d["phc"]), "fast_tag" in d, len(d["link_tag"]))')" "'' False 32"
	run_with "jpat_${id}_${code#*-}" test "$user"
	like "$W the link is no token" "$out" "denied: *"
	linked "$user" --link --link-lifetime 1h --expires 10d --json --scope write
	is "$W --json" "$(json "$SPAN('created_at', 'link_until'), \
$SPAN('created_at', 'expires_at'), 'token' in d, d['scopes'], \
d['link'].startswith('$URL/link/' + d['id'] + '-')")" \
		"(3600, 864000, False, ['write'], True)"
	code=$(json 'd["link"].split("/")[-1]')
	codes="$codes
${code#*-}"
	check_lost
	run revoke --user "$user"
	run show "$latest" --json
	is "$W one that waits can be revoked" "$(json 'd["state"]')" revoked
}

check_lost() {
	"$PAT_ADMIN" --config "$CONF" create "$user-lost" --link >/dev/full \
		2>"$SCRATCH/err"
	is "$W a link that could not be written: exit status 3" $? 3
	like "$W it is revoked again" "$(cat "$SCRATCH/err")" "*revoked again*"
	run list "$user-lost" --json
	is "$W so that none waits" "$out" "[]"
	for lifetime in 59s 31d 1000d; do
		run create "$user" --link --link-lifetime "$lifetime"
		like "$W a link for $lifetime" "$status:$out:$err" \
			"2::*--link-lifetime*from 1m to 30d*"
	done
	linked "$user" --link
	latest=$id
	run create "$user" --link
	like "$W those that wait count, too" "$status:$err" "1:*max_per_user*"
}

check_batch() {
	seq 200 | awk -v user="$user" 'BEGIN { print "user,name,expires" }
		{ print user "-" $1 ",ops " $1 ",20d" }' >"$SCRATCH/rows"
	rm -f "$SCRATCH/links"
	run create --batch "$SCRATCH/rows" --output "$SCRATCH/links" --link
	is "$W create --batch --link" "$status:$out" "0:$SCRATCH/links: 200 tokens"
	is "$W only its owner can read the file" "$(stat -c %a "$SCRATCH/links")" 600
	is "$W each row has a link, and nothing secret else" "$(python3 -c '
import csv, re, sys
rows = list(csv.DictReader(open(sys.argv[1])))
print(sorted(rows[0]), len(rows), all(re.fullmatch(re.escape(sys.argv[2] + "/link/" +
    row["id"]) + "-[0-9A-Za-z]{22}", row["link"]) for row in rows),
    len({row["link"] for row in rows}))' "$SCRATCH/links" "$URL")" \
		"['expires_at', 'id', 'link', 'name', 'user'] 200 True 200"
	is "$W no token is in it" "$(grep -c jpat_ "$SCRATCH/links")" 0
	codes="$codes
$(tail -n +2 "$SCRATCH/links" | sed 's/.*-//; s/"//')"
	run list "$user-7" --json
	is "$W each waits for its user" "$(json '[(t["name"], t["state_text"]) for t in d]')" \
		"[('ops 7', 'paused: unclaimed')]"
	is "$W under the name of the row" "$(json 'd[0]["id"]')" \
		"$(tr -d '"' <"$SCRATCH/links" | awk -F, -v user="$user-7" \
			'$1 == user { print $3 }')"
}

# Into another store: the links go with their pepper alone.
check_moved() {
	linked "$user" --link --name moved
	run export
	printf '%s\n' "$out" | grep "\"id\":\"$id\"" >"$SCRATCH/line"
	run revoke "$id"
	run purge --dead-for 0
	exits "$W a token that waits is imported" 0 import "$SCRATCH/line"
	run export
	is "$W as it was" "$(printf '%s\n' "$out" | grep "\"id\":\"$id\"")" \
		"$(cat "$SCRATCH/line")"
	sed -i 's/"id":"......../"id":"Another1/; s/"family":"[^"]*"/"family":""/
		s/"pepper":"[0-9a-f]*"/"pepper":"00000000000000000000000000000000"/' \
		"$SCRATCH/line"
	exits "$W one of another pepper is imported" 0 import "$SCRATCH/line"
	run export
	is "$W without a link that nothing would fit" "$(printf '%s\n' "$out" |
		grep Another1 | grep -c link_tag)" 0
	run revoke Another1 "$id"
	run purge --dead-for 0
}

all_checks() {
	W=$1
	user=$2
	check_link
	check_batch
	check_moved
	run audit verify
	is "$W the trail is whole" "$status" 0
}

all_checks "[no patd]" alice
if [ -x "$PATD" ]; then
	cli_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
	all_checks "[patd]" bob
	stop patd
else
	skip "the same through patd" "patd is not built"
fi

printf '%s\n' "$codes" | sed '/^$/d' >"$SCRATCH/codes"
is "there were codes to look for" "$(($(wc -l <"$SCRATCH/codes") > 400))" 1
is "none is in what went to standard error, to a log or to the trail" \
	"$(cat "$SCRATCH"/log/* "$HOME_DIR"/log/* | grep -cFf "$SCRATCH/codes")" 0
is "none is in the store" \
	"$(cat "$HOME_DIR"/store/* | grep -acFf "$SCRATCH/codes")" 0
done_testing
