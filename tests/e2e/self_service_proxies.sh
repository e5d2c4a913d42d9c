#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# The page and the REST interface of pat-httpd through real proxies, with their
# examples: who is signed in is said by the proxy alone. HTTP Basic stands in for a
# single sign-on.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/lib/servers.sh
. "$JP_SOURCE/tests/lib/servers.sh"
# shellcheck source=tests/clients/lib.sh
. "$JP_SOURCE/tests/clients/lib.sh"

WHO=sso.alice
PASSWORD=people-know-this

# Both proxies have the example of the authorizer, this one, and people; nginx asks for
# a password where its example has a place for a single sign-on.
clients_more() {
	printf '%s:%s\n' "$WHO" "$(openssl passwd -apr1 "$PASSWORD")" \
		>"$WORLD/people"
	case $1 in
	nginx)
		sed "s|#auth_request /.*|auth_basic people; auth_basic_user_file $WORLD/people;|" \
			"$JP_SOURCE/examples/nginx/jira-pat-self.conf" \
			>"$WORLD/nginx/signed-in.conf"
		# shellcheck disable=SC2016 # variables of nginx
		echo 'set $jira_pat_sso_user $remote_user; include signed-in.conf;'
		;;
	apache)
		echo "Include $WORLD/apache/jira-pat-self.conf
		    <Location \"/tokens\">
		        AuthType Basic
		        AuthName people
		        AuthBasicProvider file
		        AuthUserFile $WORLD/people
		        Require valid-user
		    </Location>"
		;;
	esac
}

# The page of Apache alone: what is in front of Jira would remove headers, too.
clients_hosts() {
	self_page=$(free_port)
	echo "http://127.0.0.1:$self_page" >"$WORLD/page.url"
	cat <<-EOF
		Listen 127.0.0.1:$self_page
		<VirtualHost *:$self_page>
		$(clients_more apache page)
		</VirtualHost>
	EOF
}

clients_needs openssl "$WORLD_MODULES/mod_authn_file.so"
# shellcheck disable=SC2034 # names of lib.sh
{
	WORLD_APACHE_MODULES=authn_file
	CLIENTS_SECTIONS="$CLIENTS_SECTIONS

[self_service]
trusted_peers = $(if [ "$(id -u)" = 0 ]; then echo www-data; else id -un; fi)"
}
scratch
clients_make

# through NAME URL: all cases, with a new token.
through() {
	clients_new "$WHO"
	printf '%s' "$token" | timeout 600 python3 \
		"$JP_SOURCE/tests/lib/self_service.py" "$2" "$WHO" "$PASSWORD" "$id" \
		${self_alone:+"$self_alone"} \
		>"$SCRATCH/log/self.$1" 2>"$SCRATCH/log/self-error.$1"
	is "all of them were tried: $1" \
		"$? $(cat "$SCRATCH/log/self-error.$1")" "0 "
	while IFS="$(printf '\t')" read -r self_verdict self_what self_why; do
		case $self_verdict in
		ok) pass "$1: $self_what" ;;
		*) fail "$1: $self_what" "$self_why" ;;
		esac
	done <"$SCRATCH/log/self.$1"
}

through nginx "$(front_url nginx)"
through apache "$(front_url apache)"

# --- Alone, and by Caddy, HAProxy, lighttpd ------------------------------------------

# Of each the file that it has for self-service, with people by its own Basic. Caddy's
# is beside Jira, those of the others are not.

# proxied NAME COMMAND: if there is one, through it, as www-data.
proxied() {
	if ! command -v "$1" >/dev/null; then
		skip "$1" "missing here"
		return
	fi
	mkdir -p "$WORLD/$1" && own "$world_web" "$WORLD/$1"
	server_try "$1" "$2" ||
		bail "$1 does not start: $(tail "$SCRATCH/log/$1.log")"
	eval "self_$1=http://127.0.0.1:$server_port"
	through "$1" "http://127.0.0.1:$server_port"
}

# example FILE: for this world.
example() {
	sed "s|/run/jira-pat/|$WORLD/run/|; s|/etc/$1/|$JP_SOURCE/examples/$1/|" \
		"$JP_SOURCE/examples/$1/$2"
}

caddy_once() {
	{
		echo '{
			admin off
			auto_https off
		}'
		example caddy jira-pat.caddy
		example caddy jira-pat-self.caddy
		echo "http://127.0.0.1:$server_port {
			bind 127.0.0.1
			basicauth /tokens* {
				$WHO $(caddy hash-password --plaintext "$PASSWORD" | base64 -w 0)
			}
			import jira_pat_self {http.auth.user.id}
			import jira_pat jira ${WORLD_BACKEND#http://}
		}"
	} >"$WORLD/caddy/Caddyfile"
	# shellcheck disable=SC2046
	start caddy $(as_user "$world_web") env XDG_DATA_HOME="$WORLD/caddy" \
		XDG_CONFIG_HOME="$WORLD/caddy" \
		caddy run --config "$WORLD/caddy/Caddyfile" --adapter caddyfile
}

haproxy_once() {
	{
		echo "global
		    log stdout format raw local0
		userlist people
		    user $WHO insecure-password $PASSWORD
		defaults
		    log global
		    option httplog"
		example haproxy jira-pat-self.cfg |
			sed -e "s|bind :443.*|bind 127.0.0.1:$server_port|" -e '
				/set-header X-Remote-User/c\
	http-request auth realm people if page !{ http_auth(people) }\
	http-request set-header X-Remote-User %[http_auth_user] if page'
	} >"$WORLD/haproxy/haproxy.cfg"
	# shellcheck disable=SC2046
	start haproxy $(as_user "$world_web") \
		haproxy -db -f "$WORLD/haproxy/haproxy.cfg"
}

lighttpd_once() {
	printf '%s:%s\n' "$WHO" "$PASSWORD" >"$WORLD/lighttpd/people"
	{
		echo "server.bind = \"127.0.0.1\"
		server.port = $server_port
		server.document-root = \"$WORLD/web\"
		server.upload-dirs = ( \"$WORLD/lighttpd\" )
		server.modules = ( \"mod_auth\", \"mod_authn_file\" )
		auth.backend = \"plain\"
		auth.backend.plain.userfile = \"$WORLD/lighttpd/people\"
		auth.require = ( \"/tokens\" => ( \"method\" => \"basic\",
			\"realm\" => \"people\", \"require\" => \"valid-user\" ) )"
		example lighttpd jira-pat-self.conf
	} >"$WORLD/lighttpd/lighttpd.conf"
	# shellcheck disable=SC2046
	start lighttpd $(as_user "$world_web") \
		lighttpd -D -f "$WORLD/lighttpd/lighttpd.conf"
}

self_alone=
proxied caddy caddy_once
self_alone=alone
through page "$(cat "$WORLD/page.url")"
proxied haproxy haproxy_once
proxied lighttpd lighttpd_once

# --- pat-httpd is away ----------------------------------------------------------------

# dead NAME URL: what pat-httpd does not answer is no success.
dead() {
	is "$1: pat-httpd is away: no success" "$(
		for path in /tokens /rest/pat/latest/tokens; do
			printf '%s\n%s\n' "user = \"$WHO:$PASSWORD\"" "url = \"$2$path\"" |
				curl -s -K - -m 60 -o "$SCRATCH/dead" -w '%{http_code} '
		done
	)" "$3"
}

stop httpd
dead nginx "$(front_url nginx)" "502 502 "
dead apache "$(front_url apache)" "503 503 "
[ -z "${self_caddy:-}" ] || dead caddy "$self_caddy" "502 502 "
[ -z "${self_haproxy:-}" ] || dead haproxy "$self_haproxy" "503 503 "
[ -z "${self_lighttpd:-}" ] || dead lighttpd "$self_lighttpd" "503 503 "

clients_end
