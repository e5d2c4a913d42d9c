#!/bin/sh
# pat-admin identify: whose are the tokens in a text, and do they live? On the
# store itself and through patd. And revoke, which takes what was found.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

FOREIGN=jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD

cli_make 'max_per_user = 0' 'name_required = no'
run init

# new USER [ARGUMENT...]: makes a token, sets $token and $id.
new() {
	run create "$@"
	token=$(printf '%s\n' "$out" | head -n 1)
	id=$(id_of "$token")
	secrets="$secrets
$(printf '%s' "${token#jpat_????????_}" | cut -c 1-30)"
}

# crc_text TEXT: the six characters that close a token.
crc_text() {
	printf '%s' "$1" | python3 -c 'import sys, zlib
digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
crc, text = zlib.crc32(sys.stdin.buffer.read()), ""
for _ in range(6):
    crc, digit = divmod(crc, 62)
    text = digits[digit] + text
print(text)'
}

# row N: of the table in $out, with one space between the words.
row() {
	printf '%s\n' "$out" | sed -n "$(($1 + 1))p" | tr -s ' '
}

# finds SENTENCE TEXT STATUS WORDS: what identify says about TEXT.
finds() {
	run_with "$2" identify
	is "$1" "$status:$(row 1 | cut -d ' ' -f 2-)" "$3:$4"
}

check_states() {
	new alice --name job
	alice=$token
	finds "$W a live token" "key=\"$alice\"" 0 "$id alice job live accepted"
	new bob
	run revoke "$id"
	finds "$W a revoked one" "$token" 0 "$id bob - dead revoked"
	new rob
	run rotate "$id" --grace 0
	finds "$W one that was rotated" "$token" 0 \
		"$id rob - dead superseded"
	new bill
	run user disable bill
	finds "$W one whose user is disabled" "$token" 0 \
		"$id bill - paused user-disabled"
	run_with "$token" identify --live
	is "$W it may live again, so --live has it" "$status:$out" "0:$id"
	new carol --service nothing --from 192.0.2.1 --scope few
	finds "$W one of few rights lives" "$token" 0 "$id carol - live service"
	wrong=jpat_$(id_of "$alice")_000000000000000000000000000000
	wrong=$wrong$(crc_text "$wrong")
	finds "$W a known id with another secret" "$wrong" 1 \
		"$(id_of "$alice") alice job forged fast-tag"
	finds "$W a token of somebody else" "$FOREIGN" 1 \
		"D4oBwk0S - - unknown unknown-id"
	finds "$W a wrong checksum" "${alice%?}_ " 1 ""
	finds "$W a checksum with a typing error" "${alice%??}00" 1 \
		"$(id_of "$alice") - - damaged crc"
	finds "$W no token" "nothing to see" 1 ""
}

check_places() {
	printf 'first\n\n"%s",\nAuthorization: Basic %s\n' "$alice" \
		"$(printf 'alice:%s' "$alice" | base64 -w 0)" >"$SCRATCH/one"
	head -c 300000 /dev/zero >"$SCRATCH/two"
	printf 'CI_%s_x' "$alice" >>"$SCRATCH/two"
	printf '%s:%s' "$(head -c 200 /dev/zero | tr '\0' u)" "$alice" |
		base64 >"$SCRATCH/three"
	run identify "$SCRATCH/one" "$SCRATCH/two" "$SCRATCH/three"
	is "$W identify names file and line of each" "$status:$(
		printf '%s\n' "$out" | sed "1d; s|$SCRATCH/||; s/ .*//" |
			tr '\n' ' '
	)" "0:one:3 one:4 two:1 three:$(wc -l <"$SCRATCH/three") "
	run identify --json "$SCRATCH/one"
	is_json "$W identify --json prints JSON"
	is "$W identify --json has all of it" "$(json '[(
e["file"].split("/")[-1], e["line"], e["user"], e["name"], e["state"],
e["reason"], e["base64"]) for e in d]')" \
		"[('one', 3, 'alice', 'job', 'live', 'accepted', False), ('one', 4, 'alice', 'job', 'live', 'accepted', True)]"
	run_with "x" identify --json
	is "$W identify --json without a token" "$status:$out" "1:[]"
	new frank
	run revoke "$id"
	printf '%s\n' "$token" >>"$SCRATCH/one"
	run identify --live "$SCRATCH/one"
	is "$W identify --live prints the ids of live ones alone" \
		"$status:$out" "0:$(id_of "$alice")
$(id_of "$alice")"
	run_with "$alice" identify - "$SCRATCH/one"
	is "$W - is standard input" "$(row 1 | cut -d ' ' -f 1)" "-:1"
	run_with "$alice" identify "$SCRATCH/nothing" -
	is "$W a file that is not there: exit status 3, the others are read" \
		"$status:$(row 1 | cut -d ' ' -f 1)" "3:-:1"
	like "$W a file that is not there is named" "$err" \
		"*identify: $SCRATCH/nothing: No such file*"
}

# Last used is what `list` and `show` say of it.
check_traces() {
	new dave
	run_with "$token" identify
	run show "$id" --json
	is "$W identify is no use of the token" \
		"$(json 'd["last_used_at"], d["use_count"]')" "(None, 0)"
}

check_revoke() {
	new erin --bearer
	bearer=$(printf '%s\n' "$out" | sed -n 2p)
	first=$id
	new erin
	second=$id
	pair=erin:$token
	new erin
	third=$id
	new erin
	printf '# found\n%s\n%s\n%s\n\n%s\n' "$bearer" "$pair" "$third" \
		"$token" >"$SCRATCH/found"
	run revoke --from-file "$SCRATCH/found" --reason leaked
	is "$W revoke takes base64, user:token, ids and tokens from one file" \
		"$status:$(printf '%s\n' "$out" | cut -d ' ' -f 1,2 |
			tr '\n' ' ')" \
		"0:revoked $first revoked $second revoked $third revoked $id "
	printf '%s\n%s\n' "$alice" "$alice.$alice" >"$SCRATCH/found"
	run revoke --from-file "$SCRATCH/found"
	like "$W two tokens on a line: exit status 2" "$status:$err" \
		"2:*line 2: neither*"
	run_with "$alice" identify
	is "$W and nothing was revoked" "$(row 1 | cut -d ' ' -f 5)" live
}

check_all() {
	W=$1
	check_states
	check_places
	check_traces
	check_revoke
}

secrets=
check_all "store:"
cli_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
check_all "patd:"
stop patd

# More than this process may ever hold, with a token at its end.
{
	head -c 200000000 /dev/zero
	printf ' %s' "$alice"
} | bash -c 'ulimit -v 160000 && exec "$0" --config "$1" identify' \
	"$PAT_ADMIN" "$CONF" >"$SCRATCH/out" 2>"$SCRATCH/err"
is "200 MB are read in less memory" "$?:$(grep -c "live" "$SCRATCH/out")" "0:1"

# --- Without rights, and what is never shown -----------------------------------

exits "a token in place of FILE: exit status 2" 2 identify "$alice"
like "it says where the token goes" "$err" "*standard input*"
cp "$SCRATCH/one" "$SCRATCH/$alice"
run identify "$SCRATCH/$alice"
like "a file with a token in its name is not named" "$status:$(row 1)" \
	"0:(a*token*name):3 *"
rm "$SCRATCH/$alice"
mv "$HOME_DIR/store" "$HOME_DIR/store.away"
run_with "no token" identify
is "no store is opened where no token is" "$status" 1
run_with "$alice" identify
is "no store: exit status 3" "$status:$out" "3:"
mv "$HOME_DIR/store.away" "$HOME_DIR/store"

tap_cleanup="rm -f '$SCRATCH.patterns'"
printf '%s\n' "$secrets" | grep . >"$SCRATCH.patterns"
ok "there are secrets to search for" \
	test "$(grep -c . "$SCRATCH.patterns")" -ge 16
rm -f "$SCRATCH"/one "$SCRATCH"/two "$SCRATCH"/three "$SCRATCH"/found \
	"$SCRATCH/out"
is "no secret is in any error or log" \
	"$(grep -r -l -a -F -f "$SCRATCH.patterns" "$SCRATCH")" ''
done_testing
