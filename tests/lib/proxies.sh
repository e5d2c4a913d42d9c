# shellcheck shell=sh disable=SC2154
# What the tests of Caddy, HAProxy and lighttpd share beside tests/lib/authorizer.sh,
# which they need: one port on several addresses of the loopback, each another
# server of the same proxy.
#
# $server_port is from server_try of tests/lib/servers.sh, and others from
# tests/lib/world.sh.

# Of NATIVE the backend gets users' own credentials, of OPEN a preflight is let in,
# MUTE asks somebody whose yes names nobody, and BALANCED trusts a load balancer,
# which is BALANCER.
export PROXY_JIRA=127.0.0.1 PROXY_WIKI=127.0.0.2 PROXY_OPEN=127.0.0.3
export PROXY_MUTE=127.0.0.4 PROXY_BALANCED=127.0.0.5 PROXY_TLS=127.0.0.8
export PROXY_NATIVE=127.0.0.9
PROXY_BALANCER=127.0.0.6
ME=/rest/api/2/myself

# to JIRA|WIKI|...: which server http() calls.
to() {
	# shellcheck disable=SC2034
	eval "WORLD_URL=http://\$PROXY_$1:$server_port"
}

# proxy_mute http|fcgi: who says yes and names nobody, on $PROXY_MUTE_SOCKET.
proxy_mute() {
	mkdir "$WORLD/mute"
	PROXY_MUTE_SOCKET=$WORLD/mute/sock
	start mute python3 "$JP_SOURCE/tests/lib/authorizer_mute.py" \
		"$PROXY_MUTE_SOCKET" "$1"
	wait_for 60 test -S "$PROXY_MUTE_SOCKET" ||
		bail "no second authorizer: $(cat "$SCRATCH/log/mute.log")"
}

# proxy_readme DIRECTORY WORDS: the line of that README that begins with WORDS, for
# $PROXY_BALANCER in place of the address of the documentation.
proxy_readme() {
	sed -n "s/^    *\($2.*\)/\1/p" "$JP_SOURCE/examples/$1/README.md" |
		sed "s/192\.0\.2\.1\>/$PROXY_BALANCER/g"
}

# proxy_reached TAG: how often the backend was asked for it.
proxy_reached() {
	grep -c -F "$1" "$WORLD_BACKEND_LOG"
}

# proxy_certificate: of $PROXY_TLS, for the user of the proxy.
proxy_certificate() {
	mkdir "$WORLD/tls"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
		-addext "subjectAltName=IP:$PROXY_TLS" \
		-keyout "$WORLD/tls/key.pem" -out "$WORLD/tls/cert.pem" \
		>"$SCRATCH/log/openssl.log" 2>&1 ||
		bail "no certificate: $(tail "$SCRATCH/log/openssl.log")"
	own "$world_web" "$WORLD/tls"
}

# proxy_http2 URL CURL-ARGUMENT...: what reads and writes over HTTP/2.
proxy_http2() {
	# shellcheck disable=SC2034
	WORLD_URL=$1
	shift
	for proxy_name in alice reader revoked; do
		http "$ME?h2=$proxy_name" "$(authorizer_bearer $proxy_name)" \
			"$@" -X DELETE \
			-H 'X-Forwarded-User: admin' -H 'Cookie: JSESSIONID=1'
		like "HTTP/2, a DELETE of $proxy_name" \
			"$(printf '%s\n' "$head" | sed -n 's/ *$//; 1p') $(
				field x_forwarded_user)" "HTTP/2 $(
				case $proxy_name in
				alice) echo '200*\["sso.alice"\]' ;;
				reader) echo 403 ;;
				*) echo 401 ;;
				esac)*"
	done
	is "of these, one reached the backend" "$(proxy_reached 'h2=')" 1
	to JIRA
}

# A yes that names nobody is none, whatever the client calls itself.
proxy_named() {
	to MUTE
	for proxy_name in X-Forwarded-User X_Forwarded_User x-forwarded-user; do
		http "$ME?mute" "$(authorizer_bearer alice)" \
			-H "$proxy_name: admin"
		is "a yes that names nobody, and $proxy_name: 503" "$status" 503
	done
	http "$ME?mute" "$(authorizer_bearer alice)" \
		-H 'X-Token-Preflight: yes' -H 'Token-Preflight: yes'
	is "nor does a client make it a preflight" "$status" 503
	is "nothing of it reached the backend" "$(proxy_reached '?mute')" 0
	to JIRA
}

proxy_preflight() {
	to OPEN
	http "$ME?cors" '' -X OPTIONS -H 'Origin: https://board.example.org' \
		-H 'Access-Control-Request-Method: PUT' \
		-H 'X-Forwarded-User: admin'
	is "preflight = allow: the question reaches Jira as nobody's" \
		"$(field method) $(field x_forwarded_user)" '"OPTIONS" []'
	http "$ME?cors" '' -X OPTIONS
	proxy_plain=$status
	http "$ME?cors" '' -H 'Origin: https://board.example.org' \
		-H 'Access-Control-Request-Method: PUT'
	is "OPTIONS that asks for nothing, and GET: 401" \
		"$proxy_plain $status $(proxy_reached '?cors')" "401 401 1"
	to JIRA
}

# proxy_from PEER X-FORWARDED-FOR: whether the token of 192.0.2.0/24 is let in.
proxy_from() {
	http $ME "$(authorizer_basic away)" --interface "$1" \
		-H "X-Forwarded-For: $2"
	printf '%s ' "$status"
}

proxy_balanced() {
	to BALANCED
	is "the hop before the load balancer counts, not what it was told" "$(
		proxy_from $PROXY_BALANCER 192.0.2.7
		proxy_from $PROXY_BALANCER '203.0.113.5, 192.0.2.7'
		proxy_from $PROXY_BALANCER '192.0.2.7, 203.0.113.5'
		proxy_from 127.0.0.7 192.0.2.7
	)" "200 200 403 403 "
	to JIRA
}
