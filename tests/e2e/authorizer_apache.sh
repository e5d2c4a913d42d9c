#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Tokens through a real Apache that asks pat-httpd, with examples/apache as it
# stands.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/lib/authorizer.sh
. "$JP_SOURCE/tests/lib/authorizer.sh"

ME=/rest/api/2/myself
README=$JP_SOURCE/examples/apache/README.md

authorizer_needs apache2 "$WORLD_MODULES/mod_authnz_fcgi.so" \
	"$WORLD_MODULES/mod_lua.so"
AUTHORIZER_PORT=$(free_port) || bail "no port"
AUTHORIZER_LINES="[listener apache]
listen = 127.0.0.1:$AUTHORIZER_PORT
protocol = fastcgi"
authorizer_make

# --- Apache ------------------------------------------------------------------------

mkdir "$WORLD/apache"
authorizer_certificate "$WORLD/apache"
cp "$JP_SOURCE"/examples/apache/*.conf "$WORLD/apache/"
sed -i "s|fcgi://127.0.0.1:888/|fcgi://127.0.0.1:$AUTHORIZER_PORT/|" \
	"$WORLD/apache/jira-pat-authorizer-provider.conf"

# What else the administrator may have said, which must open nothing: a success for
# every error, a method besides the token, users by another way.
HOSTILE='ErrorDocument 401 "sorry"
	ErrorDocument 403 "sorry"
	ErrorDocument 500 "sorry"
	ErrorDocument 503 "sorry"
	SetEnv REMOTE_USER intruder
	SetEnvIf Request_URI . REMOTE_USER=intruder JIRA_PAT_SERVICE=wiki
	<Location "/">
		Satisfy Any
		Order allow,deny
		Allow from all
		Options MultiViews
	</Location>'

apache_conf() {
	WORLD_APACHE_LUA='lua authnz_fcgi setenvif http2 ssl access_compat
	    negotiation env'
	world_apache_server
	echo "Include $WORLD/apache/jira-pat-authorizer-provider.conf"
	for port in "$wiki_port" "$open_port" "$hostile_port" "$tls_port" \
	    "$native_port"; do
		echo "Listen 127.0.0.1:$port"
	done
	apache_readme "Jira and a wiki behind one Apache" "$world_port" "$wiki_port"
	apache_readme "Set up (Debian 12 and 13)" "$tls_port"
	apache_host "$open_port" jira 'Define JIRA_PAT_PREFLIGHT'
	apache_host "$native_port" native ''
	apache_host "$hostile_port" jira "$HOSTILE"
}

# apache_host PORT SERVICE LINES
apache_host() {
	cat <<-EOF
		<VirtualHost *:$1>
		$3
		Define JIRA_PAT_BACKEND $WORLD_BACKEND
		Define JIRA_PAT_SERVICE $2
		$(apache_include)
		</VirtualHost>
	EOF
}

apache_include() {
	echo "Define JIRA_PAT_HEADERS $WORLD/lib/jira-pat-headers.lua"
	echo "Include $WORLD/apache/jira-pat-authorizer.conf"
}

# apache_readme TITLE PORT...: the virtual hosts of this section of the README,
# for this world.
apache_readme() {
	apache_title=$1
	shift
	awk -v title="## $apache_title" -v ports="$*" '
		BEGIN { split(ports, port, " ") }
		/^## / { inside = $0 == title }
		!inside { next }
		/<VirtualHost/ { shown = 1; sub(/443/, port[++hosts]) }
		shown { print }
		/<[/]VirtualHost/ { shown = 0 }' "$README" |
		sed -e "s|http://127.0.0.1:80[89]0|$WORLD_BACKEND|" \
			-e "s|/etc/ssl/certs/.*|$WORLD/apache/cert.pem|" \
			-e "s|/etc/ssl/private/.*|$WORLD/apache/key.pem|" \
			-e "s|SSLEngine on|& \nProtocols h2 http/1.1|" \
			-e "s|Include .*|$(apache_include | sed 's/$/\\n/' |
				tr -d '\n')|"
}

apache_start() {
	for _ in 1 2 3; do
		# shellcheck disable=SC2046
		set -- $(free_ports 6)
		world_port=$1 wiki_port=$2 open_port=$3
		hostile_port=$4 tls_port=$5 native_port=$6
		WORLD_URL=http://127.0.0.1:$world_port
		apache_conf >"$WORLD/apache2.conf"
		start proxy apache2 -f "$WORLD/apache2.conf" -DFOREGROUND
		wait_for 60 apache_settled && running proxy && return 0
		stop proxy || :
	done
	return 1
}

apache_settled() {
	running proxy || return 0
	curl -s -o "$WORLD/probe" "$WORLD_URL/"
}

apache_start || bail "Apache does not start: $(cat "$SCRATCH"/log/proxy.log \
	"$SCRATCH"/log/apache*)"

is "the service of the README is the one that is tested" "$(
	sed -n '/^       .service jira/,/^$/s/^       //p' "$README")" "$(
	echo "$AUTHORIZER_SECTIONS" | sed '/^$/,$d')"
is "so is its listener, on another port" "$(
	sed -n '/^       .listener apache/,/^$/s/^       //p' "$README" |
		sed "s/:888$/:$AUTHORIZER_PORT/")" "$AUTHORIZER_LINES"

# --- What all proxies answer ---------------------------------------------------------

authorizer_table
authorizer_transport
authorizer_http2 "https://127.0.0.1:$tls_port"
authorizer_two "http://127.0.0.1:$wiki_port"
authorizer_preflight "http://127.0.0.1:$open_port"
authorizer_upstream "http://127.0.0.1:$native_port"
# Apache itself answers 500 after 30 seconds.
AUTHORIZER_LIMIT=90
authorizer_faults

# --- What is Apache's own ------------------------------------------------------------

challenges() {
	printf '%s\n' "$head" | sed -n 's/^www-authenticate: //Ip'
}
BASIC='Basic realm="jira-pat", charset="UTF-8", Bearer realm="jira-pat"'
http $ME ''
is "no credentials: both challenges" "$(challenges)" "$BASIC"
http $ME "$(authorizer_bearer revoked)"
is "a wrong token: both, and why" "$(challenges)" \
	"$BASIC, error=\"invalid_token\""
http $ME "$(authorizer_bearer alice)"
is "a right one: none" "$status $(challenges)" "200 "
http $ME "$(authorizer_bearer away)"
is "nor one that lacks a right" "$status $(challenges)" "403 "
for code in 401 404 500 503; do
	http /status/$code "$(authorizer_bearer alice)"
	is "the backend's own $code is its own" "$status $(field path)" \
		"$code \"/status/$code\""
done
is "nor do the backend's cookies reach the client" \
	"$(printf '%s\n' "$head" | grep -c -i '^set-cookie')" 0
WORLD_URL=http://127.0.0.1:$wiki_port
http '/a%2Fb/c?d=%20e' "$(authorizer_bearer alice)"
is "the path reaches the backend as it came" "$(field path)" \
	'"/a%2Fb/c?d=%20e"'

WORLD_URL=http://127.0.0.1:$hostile_port
authorizer_run table
authorizer_revoke

# --- What stays in files -------------------------------------------------------------

authorizer_secrets "$SCRATCH/log/apache-access.log"
done_testing
