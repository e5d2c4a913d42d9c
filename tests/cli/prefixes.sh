#!/bin/sh
# A change of [tokens] prefix: which tokens live on, how many have which prefix,
# and the guards of Apache and nginx, which name the prefixes, too.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

HAMMER=$JP_BUILD/tests/daemon/hammer
RECORD_EDIT=$JP_BUILD/tests/daemon/record_edit

# today [LINE...]: the settings of [tokens].
today() {
	cli_conf "$HOME_DIR" 'max_per_user = 0' 'name_required = no' "$@" \
		>"$CONF"
}

# check_says SENTENCE STATUS PATTERN: pat-admin check --json, of prefixes.
check_says() {
	run check --root "$SCRATCH/empty" --json
	like "$1" "$status $(json '[f["level"] + " " + f["text"] for f in d
if f["subject"] == "prefixes"][0]')" "$2 $3"
}

# --- Tokens -------------------------------------------------------------------

cli_make 'max_per_user = 0' 'name_required = no'
mkdir "$SCRATCH/empty"
run init
check_says "a store without tokens" 0 "ok no live token"
run create alice
first=$out
check_says "one token" 0 "ok jpat 1"
today 'prefix = acme'
run_with "$first" test alice
is "a token of a former prefix is out" "$out" "denied: shape"
run create bob
like "new tokens have the new one" "$out" 'acme_????????_*'
check_says "check counts both, and warns" 0 \
	"warn acme 1, jpat 1 (not accepted): *accept_prefix*"
run policy check
is "that breaks no policy" "$status:$out" "0:"
like "policy check counts, too" "$err" \
	'*Live tokens by prefix: acme 1, jpat 1 (not accepted).*'
today 'prefix = acme' 'accept_prefix = old, jpat'
run_with "$first" test alice
is "unless its prefix is accepted" "$out" "accepted"
run create carol
like "which no new token has" "$out" 'acme_????????_*'
check_says "check is content" 0 "ok acme 2, jpat 1"
run revoke "$first"
check_says "what is revoked does not count" 0 "ok acme 2"

# --- Records of an older version ----------------------------------------------

today
run create dora
token=$out
id=$(id_of "$token")
run export
printf '%s\n' "$out" | grep "$id" | python3 -c 'import json, sys
record = json.load(sys.stdin)
assert record.pop("prefix") == "jpat"
print(json.dumps(record))' >"$SCRATCH/old"
"$RECORD_EDIT" "$CONF" delete "$id"
exits "a record without prefix comes in" 0 import "$SCRATCH/old"
# what another program made of a secret that is no token
# shellcheck disable=SC2016
run_with 'erin:$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' \
	import -
check_says "it counts as unknown; an imported secret has no prefix" 0 \
	"warn acme 2 (not accepted), unknown 1 (until their next use)*"
cli_patd
printf 'dora\t%s\n' "$token" |
	"$HAMMER" "$HOME_DIR/run/verify.sock" count 1 1 1 >"$SCRATCH/log/hammer"
stop patd
check_says "its use tells the prefix" 0 \
	"warn acme 2 (not accepted), jpat 1*"

# --- Guards -------------------------------------------------------------------

run guard apache
is "guard apache prints the line of the example" \
	"$(grep -cFx -e "$out" "$JP_SOURCE/examples/apache/jira-pat.conf")" 1
run guard nginx
for file in jira-pat.conf jira-pat-scopes.conf; do
	is "guard nginx prints that of examples/nginx/$file" "$(
		grep -cF -e "$(printf '%s\n' "$out" | head -n 1)" \
			"$JP_SOURCE/examples/nginx/$file"
	)" 1
done
exits "guard knows these two" 2 guard lighttpd
exits "and needs one" 2 guard

today 'prefix = a' 'accept_prefix = ab abc abcd zzzzzzzzzzzzzzz 123456'
for server in apache nginx; do
	run guard "$server"
	printf '%s\n' "$out" >"$SCRATCH/guard"
	is "guard $server matches these prefixes, and nothing else" "$(
		python3 - "$SCRATCH/guard" <<-'PYTHON'
			import base64, random, re, string, sys
			with open(sys.argv[1]) as file:
			    pattern = file.readline().split('"')[1]
			if pattern.endswith(".*"):
			    pattern = pattern[:-2]
			# Python has no group flag in the middle without a colon
			guard = re.compile(pattern)
			mine = ["a", "ab", "abc", "abcd", "z" * 15, "123456"]
			letters = string.ascii_letters + string.digits
			def matches(user):
			    text = base64.b64encode((user + ":x").encode()).decode()
			    return [bool(guard.match(scheme + text))
			            for scheme in ("Basic ", "bearer  ", "BASIC\t")]
			for _ in range(2000):
			    rest = "".join(random.choices(letters + "_", k=46))
			    for prefix in mine:
			        assert all(matches(prefix + "_" + rest)), prefix
			    for other in ("abcde", "b", "A", "zz", "12345", "alice"):
			        assert not any(matches(other + "_" + rest)), other
			assert not guard.match("Digest YV9h")
			print("good")
		PYTHON
	)" good
done

# --- In a real nginx ----------------------------------------------------------

PATH=$PATH:/usr/sbin
if ! command -v nginx >/dev/null || ! command -v curl >/dev/null; then
	skip "nginx refuses each of them" "nginx or curl is missing"
	done_testing
	exit
fi
port=$(free_port)
run guard nginx
cat >"$SCRATCH/nginx.conf" <<-EOT
	daemon off;
	pid $SCRATCH/nginx.pid;
	error_log $SCRATCH/log/nginx-error.log;
	events { }
	http {
	    access_log $SCRATCH/log/nginx-access.log;
	    client_body_temp_path $SCRATCH/nginx-body;
	    proxy_temp_path $SCRATCH/nginx-proxy;
	    fastcgi_temp_path $SCRATCH/nginx-fastcgi;
	    uwsgi_temp_path $SCRATCH/nginx-uwsgi;
	    scgi_temp_path $SCRATCH/nginx-scgi;
	    server {
	        listen 127.0.0.1:$port;
	        location / {
	            $out
	            return 204;
	        }
	    }
	}
EOT
start nginx nginx -c "$SCRATCH/nginx.conf" -e "$SCRATCH/log/nginx-error.log"
wait_for 60 curl -s -o "$SCRATCH/page" "http://127.0.0.1:$port/"
answers=
for user in a_x ab_x abc_x abcd_x zzzzzzzzzzzzzzz_x 123456_x alice abcde_x; do
	answers="$answers $(curl -s -o "$SCRATCH/page" -w '%{http_code}' \
		-u "$user:pw" "http://127.0.0.1:$port/")"
done
is "nginx refuses each of them, and nobody else" "$answers" \
	" 401 401 401 401 401 401 204 204"
is "unlogged" "$(grep -c ' 401 ' "$SCRATCH/log/nginx-access.log")" 0
stop nginx

done_testing
