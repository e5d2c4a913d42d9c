#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Tokens through a real Apache with examples/apache/jira-pat.conf, the real
# libpam, the built module and the built patd.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"

ME=/rest/api/2/myself
UNAUTHORIZED="HTTP/1.1 401*WWW-Authenticate: Basic*"

missing=$(world_missing)
[ -z "$missing" ] || skip_all "missing here: $(echo "$missing" | tr '\n' ' ')"

scratch
world_make >"$SCRATCH/log/init.log" 2>&1 ||
	bail "no store: $(cat "$SCRATCH/log/init.log")"
world_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
world_backend || bail "the backend does not start"
world_apache || bail "Apache does not start: $(cat "$SCRATCH"/log/apache*)"

tokens=

# new USER [ARGUMENT...]: makes a token and sets $token and $id.
new() {
	token=$(pat_admin create "$@" 2>>"$SCRATCH/log/pat-admin.log") ||
		bail "pat-admin create $*: $(tail -n 3 "$SCRATCH/log/pat-admin.log")"
	case $token in
	jpat_????????_????????????????????????????????????) ;;
	*) bail "pat-admin create $1 printed no token" ;;
	esac
	id=$(printf '%.13s' "$token")
	id=${id#jpat_}
	tokens="$tokens $token"
}

revoke() {
	pat_admin revoke "$1" >>"$SCRATCH/log/pat-admin.log" 2>&1
}

# flip TEXT N: with another letter at place N.
flip() {
	printf '%s' "$1" | awk -v n="$2" '{
		c = substr($0, n, 1) == "A" ? "B" : "A"
		print substr($0, 1, n - 1) c substr($0, n + 1)
	}'
}

# crc_text TEXT: the six characters that close a token.
crc_text() {
	python3 -c 'import sys, zlib
digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
crc, text = zlib.crc32(sys.stdin.buffer.read()), ""
for _ in range(6):
    crc, digit = divmod(crc, 62)
    text = digits[digit] + text
print(text)' <<-EOF
		$(printf '%s' "$1")
	EOF
}

# --- Who gets in --------------------------------------------------------------

new sso.alice
alice=$token
new sso.bob
bob=$token

ok "the user is known to nobody but jira-pat" \
	test -z "$(getent passwd sso.alice)"

http $ME ''
like "no credentials: 401 that asks for them" "$head" "$UNAUTHORIZED"

http $ME "$(basic sso.alice "$alice")"
is "the right token: 200" "$status" 200
is "the backend hears the token's user" "$(field x_forwarded_user)" \
	'["sso.alice"]'
is "the backend answers as that user" "$(field name)" '"sso.alice"'
is "Authorization does not reach the backend" "$(field authorization)" '[]'

http $ME "$(bearer "$(printf 'sso.alice:%s' "$alice" | base64 -w 0)")"
is "the same token as Bearer: 200 as that user" "$status $(field name)" \
	'200 "sso.alice"'
is "a Bearer token does not reach the backend either" \
	"$(field authorization)" '[]'

text=$(pat_admin create sso.carol --bearer 2>/dev/null)
tokens="$tokens $(echo "$text" | sed -n 1p)"
http $ME "$(bearer "$(echo "$text" | sed -n 2p)")"
is "what pat-admin create --bearer prints is taken as it stands" \
	"$status $(field name)" '200 "sso.carol"'

http '/a%2Fb/c?d=%20e' "$(basic sso.alice "$alice")"
is "the path reaches the backend as it came" "$(field path)" \
	'"/a%2Fb/c?d=%20e"'

http $ME "$(basic sso.alice "$alice")" -X POST -d '{"a": 1}'
is "a POST gets through" "$status $(field method)" '200 "POST"'

# --- Who does not -------------------------------------------------------------

http $ME "$(basic sso.alice "$bob")"
is "another user's token: 401" "$status" 401
http $ME "$(basic SSO.Alice "$alice")"
is "the user name in other letters: 401" "$status" 401

wrong=$(flip "$(printf '%.44s' "$alice")" 44)
wrong=$wrong$(crc_text "$wrong")
http $ME "$(basic sso.alice "$wrong")"
like "a wrong secret with the right checksum: 401" "$head" "$UNAUTHORIZED"
http $ME "$(basic sso.alice "$(flip "$alice" 50)")"
is "a wrong checksum: 401" "$status" 401
wrong=$(flip "$(printf '%.44s' "$alice")" 8)
wrong=$wrong$(crc_text "$wrong")
http $ME "$(basic sso.alice "$wrong")"
is "an id that nobody has: 401" "$status" 401
http $ME "$(basic sso.alice '')"
is "no password: 401" "$status" 401
http $ME "$(basic sso.alice secret)"
is "a password that is no token: 401" "$status" 401
http $ME "$(basic '' "$alice")"
is "no user name: 401" "$status" 401
http $ME "$(basic "$(printf 'sso\n.al\377ice\001')" "$alice")"
is "a user name of odd bytes: 401" "$status" 401
long=$(head -c 3000 /dev/zero | tr '\0' A)
http $ME "$(basic sso.alice "$long")"
is "a password of 3,000 bytes: 401" "$status" 401
http $ME "$(basic sso.alice "$alice$long")"
is "a token with 3,000 bytes behind it: 401" "$status" 401
http $ME "$(basic "$long" "$alice")"
is "a user name of 3,000 bytes: 401" "$status" 401
http $ME "$(basic "$alice" '')"
is "the token as the user name: 401" "$status" 401
http $ME "$(basic "$alice" x-oauth-basic)"
is "the token as the user name, with a password: 401" "$status" 401
http $ME "Bearer $alice"
is "the bare token as Bearer: 401" "$status" 401
http $ME "$(bearer "$(printf '%s' "$alice" | base64 -w 0)")"
is "a Bearer without user name: 401" "$status" 401
http $ME 'Digest username=\"sso.alice\", realm=\"x\", nonce=\"1\"'
is "Digest: 401" "$status" 401
for garbage in Basic 'Basic !!!!' 'Basic  ' Bearer 'Bearer =' 'Negotiate YII=' \
    '%00%ff' ','; do
	http $ME "$garbage"
	is "Authorization: $garbage is 401" "$status" 401
done
http $ME '' -u ':' -H 'Authorization;'
is "an empty Authorization: 401" "$status" 401
http /.jira-pat-refused ''
is "the page for refused requests is not for callers" "$status" 404
http /.jira-pat-refused/x "$(basic sso.alice "$alice")"
is "nor is anything below it" "$status" 404

# --- The end of a token -------------------------------------------------------

refused() {
	http $ME "$1"
	[ "$status" != 200 ]
}

new sso.alice --expires 3s
http $ME "$(basic sso.alice "$token")"
before=$status
wait_for 60 refused "$(basic sso.alice "$token")"
is "an expired token: 200 before, 401 after" "$before $status" '200 401'

late=0
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	new sso.dave
	http $ME "$(basic sso.dave "$token")"
	before=$status
	revoke "$id" || note "revoke $id failed"
	http $ME "$(basic sso.dave "$token")"
	if [ "$before $status" != '200 401' ]; then
		late=$((late + 1))
		note "round $round: $before before, $status after"
	fi
done
is "20 times: 200 before revoke, 401 on the very next request" "$late" 0

# --- What the client may not say ----------------------------------------------

http $ME "$(basic sso.alice "$alice")" -H 'X-Forwarded-User: admin' \
	-H 'x-forwarded-user: admin2'
is "a claimed X-Forwarded-User is replaced, repeated or not" \
	"$(field x_forwarded_user)" '["sso.alice"]'
http $ME "$(basic sso.alice "$alice")" -H 'X_Forwarded_User: admin' \
	-H 'x-forwarded_user: admin' -H 'X_FORWARDED-USER: admin'
like "its other spellings do not reach the backend" "$(field headers)" \
	'*"x-forwarded-user"*'
like "nor do they hide among the headers" \
	"$(field headers | grep -c -i 'x_forwarded\|forwarded_user')" 0
http $ME "$(basic sso.alice "$alice")" \
	-H 'Connection: keep-alive, X-Forwarded-User'
is "Connection: X-Forwarded-User does not remove it" \
	"$(field x_forwarded_user)" '["sso.alice"]'
like "no other header, in no spelling, says who the user is" \
	"$(claims sso.alice "$(basic sso.alice "$alice")")" "$CLAIMS_NONE"
like "nor does one of a Bearer request" "$(claims sso.alice "$(
	bearer "$(printf 'sso.alice:%s' "$alice" | base64 -w 0)"
)" POST)" "$CLAIMS_NONE"
http $ME "$(basic sso.alice "$alice")" -X PUT -d '{"a": 1}' \
	-H 'X-Atlassian-Token: no-check' -H 'If-Match: "1"' \
	-H 'Content-Type: application/json'
for name in X-Atlassian-Token:no-check If-Match:'"1"' \
	Content-Type:application/json Content-Length:8; do
	ok "$name reaches the backend" test "$(printf '%s' "$body" |
		python3 -c 'import json, sys
print(dict(json.load(sys.stdin)["fields"]).get(sys.argv[1]))' \
			"${name%%:*}")" = "${name#*:}"
done
http $ME '' -H 'X-Forwarded-User: admin'
is "a claimed user without a token: 401" "$status" 401
http $ME "$(basic sso.alice "$alice")" -H 'Cookie: JSESSIONID=1; a=b'
is "cookies do not reach the backend" "$(field cookie)" '[]'
is "nor do the backend's reach the client" \
	"$(printf '%s\n' "$head" | grep -c -i '^set-cookie')" 0

for code in 401 404 500 503; do
	http /status/$code "$(basic sso.alice "$alice")"
	is "the backend's own $code is its own, without its cookie" \
		"$status $(field path) $(printf '%s\n' "$head" |
			grep -c -i '^set-cookie')" "$code \"/status/$code\" 0"
done

# --- Many at once -------------------------------------------------------------

mixed=$SCRATCH/mixed
mkdir "$mixed"
for round in 1 2 3 4 5 6 7 8 9 10; do
	for who in alice bob; do
		[ "$round$who" = 1alice ] || echo next
		[ $who = alice ] && secret=$alice || secret=$bob
		printf 'header = "Authorization: %s"\n' \
			"$(basic "sso.$who" "$secret")"
		printf 'url = "%s%s"\n' "$WORLD_URL" $ME
		printf 'output = "%s/%02d.%s"\n' "$mixed" "$round" "$who"
		printf 'write-out = "%%{num_connects}\\n"\nsilent\n'
	done
done | curl -K - >"$mixed/connects"
is "20 requests went over one connection" \
	"$(tr -d '\n' <"$mixed/connects")" 10000000000000000000
is "users that alternate on one connection are not mixed up" \
	"$(grep -l '"name": "sso.alice"' "$mixed"/*.alice | wc -l) $(
		grep -l '"name": "sso.bob"' "$mixed"/*.bob | wc -l)" '10 10'

many=$SCRATCH/many
mkdir "$many"
pids=
for who in 1 2 3 4 5 6 7 8; do
	new "sso.many$who"
	{
		printf 'header = "Authorization: %s"\n' \
			"$(basic "sso.many$who" "$token")"
		printf 'url = "%s%s?n=[1-50]"\n' "$WORLD_URL" $ME
		printf 'silent\nmax-time = 60\n'
	} >"$many/config.$who"
done
for who in 1 2 3 4 5 6 7 8; do
	curl -K - <"$many/config.$who" >"$many/out.$who" &
	pids="$pids $!"
done
# shellcheck disable=SC2086
wait $pids
rm -f "$many"/config.*
got=
for who in 1 2 3 4 5 6 7 8; do
	got="$got $(grep -c "\"name\": \"sso.many$who\"" "$many/out.$who")"
	got="$got/$(wc -l <"$many/out.$who")"
done
is "8 clients x 50 requests at once: every answer is the right user's" \
	"$got" " 50/50 50/50 50/50 50/50 50/50 50/50 50/50 50/50"

# --- No patd ------------------------------------------------------------------

unavailable() {
	like "$1: 503" "$head" "HTTP/1.1 503*"
	like "$1: Retry-After" "$head" "*
Retry-After: *"
	is "$1: no challenge, which would ask for another token" \
		"$(printf '%s\n' "$head" | grep -i '^www-authenticate')" ''
}

patd=$(pid_of patd)
freeze "$patd"
http $ME "$(basic sso.alice "$alice")"
unavailable "patd does not answer"
kill -CONT "$patd"
http $ME "$(basic sso.alice "$alice")"
is "patd answers again: 200" "$status" 200

stop patd
is "patd ends with 0 on SIGTERM" $? 0
http $ME "$(basic sso.alice "$alice")"
unavailable "patd is stopped"
http $ME "$(basic sso.alice secret)"
like "patd is stopped, and no token: not 200" "$status" '[45]??'
http $ME ''
is "patd is stopped, and no credentials: 401" "$status" 401

world_patd || bail "patd does not start again"
http $ME "$(basic sso.alice "$alice")"
is "patd is back: 200, with the same Apache" "$status $(field name)" \
	'200 "sso.alice"'

rm "$WORLD/pam.d/jira-pat"
http $ME "$(basic sso.alice "$alice")"
like "no file in pam.d: not 200" "$status" '[45]??'
world_pam jira-pat
sed -i 's/socket=/sokket=/' "$WORLD/pam.d/jira-pat"
http $ME "$(basic sso.alice "$alice")"
like "an unknown argument of the module: not 200" "$status" '[45]??'
world_pam jira-pat

# --- Without mod_lua ----------------------------------------------------------

stop apache
WORLD_APACHE_LUA=
world_apache || bail "Apache does not start: $(cat "$SCRATCH"/log/apache*)"
like "without mod_lua the usual spellings of the usual names are dropped" \
	"$(claims sso.alice "$(basic sso.alice "$alice")" GET usual)" \
	'21 claims in 1 requests'
http $ME "$(basic sso.alice "$alice")" -H 'Cookie: JSESSIONID=1; a=b' \
	-H 'Connection: keep-alive, X-Forwarded-User'
is "and neither a session passes, nor is the user removed" \
	"$(field cookie) $(field x_forwarded_user)" '[] ["sso.alice"]'

# --- What stays in files ------------------------------------------------------

# The secrets alone, and base64(user:token) from where the secret begins.
tap_cleanup="rm -f '$SCRATCH.patterns'"
for token in $tokens; do
	printf '%s\n' "$token" | cut -c 15-44
	for user in sso.alice sso.bob sso.carol sso.dave sso.many1; do
		printf '%s:%s' "$user" "$token" | base64 -w 0 | cut -c 36-70
	done
done >"$SCRATCH.patterns"
ok "the search for secrets has something to search for" \
	test "$(grep -c '^.\{30,\}$' "$SCRATCH.patterns")" -ge 100
ok "Apache's logs are there to be searched" \
	wait_for 60 grep -q sso.alice "$SCRATCH/log/apache-access.log"
is "no token is in any file of Apache, patd or the store" \
	"$(grep -r -l -a -F -f "$SCRATCH.patterns" "$SCRATCH")" ''
rm -f "$SCRATCH.patterns"

stop apache
stop backend
is "nothing of it crashed" \
	"$(grep -l -i 'segmentation\|exit signal\|panic\|sanitizer' \
		"$SCRATCH"/log/*)" ''
done_testing
