# shellcheck shell=sh
# For the tests of proxies that ask pat-httpd: a world with tokens of every kind,
# the requests that each proxy has to answer alike, and the faults that no proxy
# may answer with a yes.
#
# Needs tests/lib/tap.sh and tests/lib/world.sh. Order: authorizer_needs,
# authorizer_make, then the proxy with its example, as `proxy` of `start`, in front
# of $WORLD_BACKEND; then the proofs.
#
# Before that may be set: AUTHORIZER_LINES, more sections of jira-pat.conf.
# shellcheck disable=SC2034,SC2154 # names of tap.sh and world.sh

# What is tested with: reading and writing by request with one service, another
# product beside it, and one where a CORS preflight is let in.
AUTHORIZER_SECTIONS='[service jira]
scope = write
read_scope = read
read_paths = POST /rest/api/2/search
deny_paths = /rest/auth/*

[service wiki]
scope = wiki

[service open]
preflight = allow

[service native]
upstream = yes'

# authorizer_needs TOOL...: leaves, unless all of them are here: commands, or
# files.
authorizer_needs() {
	PATH=$PATH:/usr/sbin:/sbin
	authorizer_missing=$(
		closed_folders "$JP_BUILD" "$JP_SOURCE"
		for authorizer_tool in curl openssl python3 setsid "$@"; do
			command -v "$authorizer_tool" >/dev/null 2>&1 ||
				[ -e "$authorizer_tool" ] || echo "$authorizer_tool"
		done
		for authorizer_tool in patd/patd pat_httpd/pat-httpd \
		    tools/pat-admin .libs/pam_jira_pat.so \
		    tests/lib/.libs/pam_confdir.so; do
			[ -e "$JP_BUILD/$authorizer_tool" ] ||
				echo "$authorizer_tool (build it)"
		done
	)
	[ -z "$authorizer_missing" ] ||
		skip_all "missing here: $(echo "$authorizer_missing" | tr '\n' ' ')"
}

# authorizer_make: everything but the proxy.
authorizer_make() {
	scratch
	WORLD_SECTIONS="$AUTHORIZER_SECTIONS
${AUTHORIZER_LINES:-}"
	WORLD_BACKEND_LOG=$SCRATCH/log/backend.jsonl
	: >"$WORLD_BACKEND_LOG"
	world_make >"$SCRATCH/log/init.log" 2>&1 ||
		bail "no store: $(cat "$SCRATCH/log/init.log")"
	world_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
	world_httpd ||
		bail "pat-httpd does not start: $(cat "$SCRATCH/log/httpd.log")"
	world_backend || bail "the backend does not start"
	authorizer_tokens
}

# authorizer_token NAME USER [ARGUMENT...]: one more line for authorizer.py. Sets
# $token, $id and $auth, which is Basic.
authorizer_token() {
	authorizer_name=$1
	authorizer_user=$2
	shift 2
	token=$(pat_admin create "$authorizer_user" "$@" \
		2>>"$SCRATCH/log/pat-admin.log") ||
		bail "pat-admin create $*: $(tail -n 3 "$SCRATCH/log/pat-admin.log")"
	id=$(printf '%.13s' "$token" | cut -c 6-)
	auth=$(basic "$authorizer_user" "$token")
	(
		umask 077
		echo "$authorizer_name $authorizer_user $token" \
			>>"$AUTHORIZER_TOKENS"
	)
}

# What each of them may: alice all, reader and writer what their scopes say, the
# others nothing at the service jira, as their names tell. One is sent where it
# will be logged.
authorizer_tokens() {
	AUTHORIZER_TOKENS=$SCRATCH/tokens
	tap_cleanup="rm -f '$AUTHORIZER_TOKENS' '$SCRATCH.patterns'"
	authorizer_token alice sso.alice
	authorizer_token reader reader --scope read
	authorizer_token writer writer --scope write
	authorizer_token wiki wiki.bot --scope wiki
	authorizer_token scoped sso.alice --service wiki
	authorizer_token home home.bot --from 127.0.0.1
	authorizer_token away away.bot --from 192.0.2.0/24
	authorizer_token revoked sso.alice
	pat_admin revoke "$id" >>"$SCRATCH/log/pat-admin.log" 2>&1
	authorizer_token guessed guessed.bot
	authorizer_token spilt sso.alice
	authorizer_token expired sso.alice --expires 4s
	ok "a token is there that expires" wait_for 60 authorizer_expired
}

authorizer_expired() {
	[ "$(printf '%s\n' "$token" | pat_admin test sso.alice \
		2>>"$SCRATCH/log/pat-admin.log")" = "denied: expired" ]
}

# authorizer_token_of NAME: the line of it: the user, then the token.
authorizer_token_of() {
	sed -n "s/^$1 //p" "$AUTHORIZER_TOKENS"
}

# authorizer_basic NAME / authorizer_bearer NAME: the value of Authorization.
authorizer_basic() {
	# shellcheck disable=SC2046
	basic $(authorizer_token_of "$1")
}

authorizer_bearer() {
	bearer "$(authorizer_token_of "$1" | cut -d ' ' -f 2)"
}

# --- The proofs ---------------------------------------------------------------

# authorizer_run MODE: what tests/lib/authorizer.py finds at $WORLD_URL, as tests.
authorizer_run() {
	timeout 800 python3 "$JP_SOURCE/tests/lib/authorizer.py" "$1" \
		"$WORLD_URL" "$WORLD_BACKEND_LOG" "$AUTHORIZER_TOKENS" \
		>"$SCRATCH/log/authorizer.$1" 2>&1
	authorizer_status=$?
	while IFS="$(printf '\t')" read -r authorizer_verdict authorizer_what \
	    authorizer_why; do
		case $authorizer_verdict in
		ok) pass "$authorizer_what" ;;
		*) fail "$authorizer_what" \
			"${authorizer_why:-$authorizer_verdict}" ;;
		esac
	done <"$SCRATCH/log/authorizer.$1"
	is "all of them were tried: $1" "$authorizer_status" 0
}

# authorizer_table: the requests of one URL that everybody answers alike.
authorizer_table() {
	authorizer_run table
	like "no other header, in no spelling, says who the user is" \
		"$(claims sso.alice "$(authorizer_bearer alice)")" "$CLAIMS_NONE"
	authorizer_revoke
}

# authorizer_transport: large bodies, chunks, 100-continue, WebSocket.
authorizer_transport() {
	authorizer_run transport
}

# authorizer_certificate DIRECTORY: makes cert.pem and key.pem there, which curl
# then trusts.
authorizer_certificate() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
		-addext subjectAltName=IP:127.0.0.1 -keyout "$1/key.pem" \
		-out "$1/cert.pem" >"$SCRATCH/log/openssl.log" 2>&1 ||
		bail "no certificate: $(cat "$SCRATCH/log/openssl.log")"
	export CURL_CA_BUNDLE="$1/cert.pem"
}

# authorizer_http2 URL: the same server, by HTTP/2 over TLS.
authorizer_http2() {
	authorizer_first=$WORLD_URL
	WORLD_URL=$1
	http /rest/api/2/myself "$(authorizer_bearer alice)"
	like "HTTP/2 with a right token: 200 as that user" \
		"$(field x_forwarded_user)$(field authorization) $head" \
		'\["sso.alice"\]\[\] HTTP/2 200*'
	http /rest/api/2/myself?h2=wrong "$(authorizer_bearer revoked)"
	like "HTTP/2 with a wrong token: 401" "$head" "HTTP/2 401*"
	# Without a body: of one that curl still sends it loses the early answer now and
	# then, as the server closes the stream right behind it.
	http /rest/api/2/myself?h2=none '' -X POST
	like "HTTP/2 without a token: 401" "$head" "HTTP/2 401*"
	truncate -s 100M "$SCRATCH/huge"
	http /rest/api/2/issue?h2=huge "$(authorizer_bearer alice)" \
		-m 300 -X POST -T "$SCRATCH/huge"
	is "HTTP/2: 100 MB reach the backend" "$status $(field received)" \
		"200 104857600"
	http /rest/api/2/issue?h2=wrong "$(authorizer_bearer revoked)" \
		-m 300 -X POST -T "$SCRATCH/huge"
	like "HTTP/2: 401 for 100 MB with a wrong token, or the stream is reset" \
		"$status" '[04]0[01]'
	rm "$SCRATCH/huge"
	is "none of it reached the backend" \
		"$(grep -c 'h2=wrong\|h2=none' "$WORLD_BACKEND_LOG")" 0
	WORLD_URL=$authorizer_first
}

# authorizer_preflight URL: of the service open, where a preflight is let in.
authorizer_preflight() {
	authorizer_first=$WORLD_URL
	WORLD_URL=$1
	set -- -H "Origin: https://example.org" \
		-H "Access-Control-Request-Method: PUT"
	http /rest/api/2/issue '' -X OPTIONS "$@" -H "X-Forwarded-User: admin"
	is "a preflight is let in, as nobody, where jira-pat.conf says so" \
		"$status $(field method) $(field x_forwarded_user)" \
		'200 "OPTIONS" []'
	is "with what it asks" "$(field headers |
		grep -c '"access-control-request-method".*"origin"')" 1
	http '/rest/api/2/issue?preflight=no' '' "$@"
	authorizer_got=$status
	http '/rest/api/2/issue?preflight=no' '' -X OPTIONS
	is "what is none needs a token there, too" "$authorizer_got $status" \
		"401 401"
	http '/rest/api/2/issue?preflight=no' "$(authorizer_bearer revoked)" \
		-X OPTIONS "$@"
	is "so does one with a token" "$status $(
		grep -c 'preflight=no' "$WORLD_BACKEND_LOG")" "401 0"
	WORLD_URL=$authorizer_first
}

# authorizer_upstream URL: of the service native, where a credential of the user
# takes the place of the token.
authorizer_upstream() {
	authorizer_first=$WORLD_URL
	WORLD_URL=$1
	authorizer_native=native$(od -An -N 16 -t x1 /dev/urandom | tr -d ' \n')
	echo "$authorizer_native" | pat_admin upstream set sso.alice \
		>>"$SCRATCH/log/pat-admin.log" 2>&1 || bail "pat-admin upstream"
	http /rest/api/2/issue "$(authorizer_bearer alice)" \
		-H "X-Upstream-Authorization: Bearer intruder"
	is "the backend gets the user's credential in place of the token" \
		"$status $(field x_forwarded_user) $(field authorization)" \
		"200 [\"sso.alice\"] [\"Bearer $authorizer_native\"]"
	is "the client is told nothing of it" \
		"$(printf '%s\n' "$head" | grep -c "$authorizer_native")" 0
	http /rest/api/2/issue "$(authorizer_bearer home)" \
		-H "X-Upstream-Authorization: Bearer intruder"
	is "that of a user who has none gets none" \
		"$status $(field x_forwarded_user) $(field authorization) $(
		field headers | grep -c upstream)" '200 ["home.bot"] [] 0'
	http /rest/api/2/issue '' \
		-H "X-Upstream-Authorization: Bearer $authorizer_native"
	is "nor does it open anything itself" "$status" 401
	WORLD_URL=$authorizer_first
	http /rest/api/2/issue "$(authorizer_bearer alice)"
	is "another service gets none" "$status $(field authorization)" "200 []"
	rm -f "$WORLD/body" # it has the credential
}

authorizer_revoke() {
	authorizer_late=0
	for authorizer_round in 1 2 3 4 5; do
		authorizer_token "gone$authorizer_round" sso.gone
		http "/rest/api/2/myself" "$auth"
		authorizer_before=$status
		pat_admin revoke "$id" >>"$SCRATCH/log/pat-admin.log" 2>&1
		http "/rest/api/2/myself" "$auth"
		[ "$authorizer_before $status" = "200 401" ] ||
			authorizer_late=$((authorizer_late + 1))
	done
	is "5 times: 200 before revoke, 401 on the very next request" \
		"$authorizer_late" 0
}

# authorizer_beside PATH: answers while patd is frozen, before a request that came
# earlier and waits for it; the proxy must have a single worker.
authorizer_beside() {
	ok "an unrelated location answers while patd is frozen" \
		timeout 300 python3 "$JP_SOURCE/tests/lib/authorizer.py" \
		beside "$WORLD_URL" "/$1" "$AUTHORIZER_TOKENS"
}

# authorizer_two URL: another product, of the service wiki, at URL.
authorizer_two() {
	authorizer_first=$WORLD_URL
	authorizer_got=
	for authorizer_url in "$WORLD_URL" "$1"; do
		WORLD_URL=$authorizer_url
		for authorizer_name in reader wiki scoped alice; do
			http /rest/api/2/myself \
				"$(authorizer_bearer $authorizer_name)"
			authorizer_got="$authorizer_got $status"
		done
	done
	WORLD_URL=$authorizer_first
	is "two products: what opens one does not open the other" \
		"$authorizer_got" " 200 403 403 200 403 200 200 200"
}

# --- Faults -------------------------------------------------------------------

# authorizer_may NAME: whether this token is let in just now.
authorizer_may() {
	http /rest/api/2/myself "$(authorizer_bearer "$1")"
	[ "$status" = 200 ]
}

# authorizer_reached KIND: how many requests of the load reached the backend.
authorizer_reached() {
	grep -c "load=$1" "$WORLD_BACKEND_LOG"
}

# authorizer_more: whether the load has come through again, since the last call.
authorizer_more() {
	authorizer_now=$(authorizer_reached right)
	[ "$authorizer_now" -gt "$((${authorizer_last:-0} + 20))" ]
}

authorizer_flows() {
	authorizer_last=$(authorizer_reached right)
	ok "right tokens are let in: $1" wait_for 60 authorizer_more
}

# unavailable SENTENCE: a right token gets 503 with Retry-After and no challenge,
# a wrong one no yes.
authorizer_unavailable() {
	http /rest/api/2/myself "$(authorizer_bearer alice)" \
		-m "${AUTHORIZER_LIMIT:-60}"
	is "$1: 503 with Retry-After, and no challenge" "$status $(
		printf '%s\n' "$head" | grep -c -i '^retry-after: [0-9]'
	) $(printf '%s\n' "$head" | grep -c -i '^www-authenticate')" "503 1 0"
	http /rest/api/2/myself "$(authorizer_bearer revoked)" \
		-m "${AUTHORIZER_LIMIT:-60}"
	like "$1: not 200 for a wrong one" "$status" '[45]??'
}

authorizer_killed() {
	kill -KILL "$(pid_of "$1")"
	stop "$1"
}

# authorizer_faults: kills and freezes, under load. The proxy goes on without a
# restart.
authorizer_faults() {
	authorizer_pid=$(pid_of proxy)
	: >"$SCRATCH/log/load.log"
	start load python3 "$JP_SOURCE/tests/lib/authorizer.py" load \
		"$WORLD_URL" "$SCRATCH/stop" "$AUTHORIZER_TOKENS"
	authorizer_flows "before"
	authorizer_killed httpd
	authorizer_unavailable "pat-httpd is killed"
	world_httpd || fail "pat-httpd starts again"
	authorizer_flows "pat-httpd is back"
	authorizer_killed patd
	authorizer_unavailable "patd is killed"
	world_patd || fail "patd starts again"
	authorizer_flows "patd is back"
	authorizer_freeze "patd is frozen" "$(pid_of patd)"
	authorizer_freeze "both are frozen" "$(pid_of patd)" "$(pid_of httpd)"
	: >"$SCRATCH/stop"
	ok "the load ends" wait_for 120 authorizer_loaded
	like "no wrong token was ever answered with a yes" \
		"$(cat "$SCRATCH/log/load.log")" '*"wrong": {*'
	is "nor any of its requests passed on" "$(authorizer_reached wrong) $(
		python3 -c 'import json, sys
print(json.load(sys.stdin)["wrong"].get("200", 0))' <"$SCRATCH/log/load.log"
	)" "0 0"
	ok "the proxy was not restarted" tap_alive "$authorizer_pid"
}

authorizer_loaded() {
	! running load
}

authorizer_freeze() {
	authorizer_what=$1
	shift
	freeze "$@"
	authorizer_unavailable "$authorizer_what"
	kill -CONT "$@"
	authorizer_flows "after: $authorizer_what"
}

# --- What stays in files ------------------------------------------------------

# authorizer_secrets LOG: no token is in any file of the world. LOG is one that
# has the user's name.
authorizer_secrets() {
	ok "the proxy's log is there to be searched" test -s "$1"
	grep -v '^spilt ' "$AUTHORIZER_TOKENS" | cut -d ' ' -f 3 |
		cut -c 15-44 >"$SCRATCH.patterns"
	[ -z "${authorizer_native:-}" ] ||
		echo "$authorizer_native" >>"$SCRATCH.patterns"
	rm -f "$AUTHORIZER_TOKENS"
	is "no token is in any file of the proxy, pat-httpd, patd or the store" \
		"$(grep -r -l -a -F -f "$SCRATCH.patterns" "$SCRATCH")" ''
	is "nothing of it crashed" \
		"$(grep -l -i 'segmentation\|exited on signal\|panic' \
			"$SCRATCH"/log/*)" ''
}
