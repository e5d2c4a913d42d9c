#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# lighttpd's mod_authn_pam: tokens as passwords of HTTP Basic.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/lib.sh
. "$JP_SOURCE/tests/doors/lib.sh"

door_needs lighttpd curl /usr/lib/lighttpd/mod_authn_pam.so
door_make
door_recipe lighttpd "Through PAM"
door_check lighttpd
mkdir "$SERVERS/www" && echo page >"$SERVERS/www/index.html"

# lighttpd_once [LINE]
lighttpd_once() {
	cat >"$DOOR/etc/lighttpd/lighttpd.conf" <<-EOT
		server.bind = "127.0.0.1"
		server.port = $server_port
		server.username = "www-data"
		server.groupname = "www-data"
		server.document-root = "$SERVERS/www"
		index-file.names = ( "index.html" )
		include "/etc/lighttpd/conf-enabled/*-jira-pat-pam.conf"
		${1:-}
	EOT
	door_start lighttpd lighttpd -D -f /etc/lighttpd/lighttpd.conf
}

try_http() {
	http_status=$(
		printf 'user = "%s:%s"\n' "$1" "$(cat "$2")" |
			curl -s -m 60 -K - -o "$SCRATCH/body" \
				-w '%{http_code}' "http://127.0.0.1:$server_port/"
	)
	if [ "$http_status $(cat "$SCRATCH/body")" = "200 page" ]; then
		echo in
	else
		echo "$http_status"
	fi
}

server_try lighttpd lighttpd_once ||
	bail "lighttpd does not start: $(tail "$SCRATCH/log/lighttpd.log")"
token_proofs lighttpd try_http 401 401
is "no credentials: 401" "$(curl -s -o /dev/null -w '%{http_code}' \
	"http://127.0.0.1:$server_port/")" 401
door_sso lighttpd try_http in
door_networks lighttpd try_http 401 jira-pat-lighttpd
door_case lighttpd try_http in
door_longest lighttpd try_http jira-pat-lighttpd 1000 1001

# Why the recipe has no cache.
stop lighttpd
server_try lighttpd lighttpd_once 'auth.cache = ( "max-age" => "600" )' ||
	bail "lighttpd does not start: $(tail "$SCRATCH/log/lighttpd.log")"
door_check lighttpd lighttpd-cache
new alice
token_try try_http alice "$token"
is "with auth.cache, a token gets in" "$outcome" in
revoke "$id"
token_try try_http alice "$token"
is "and still when it has been revoked" "$outcome" in
token_try try_http alice "$token_alice"
is "and the second token of this user does not" "$outcome" 401
door_end lighttpd
