#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Tokens through a real nginx that asks pat-httpd, with examples/nginx as it
# stands.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/lib/authorizer.sh
. "$JP_SOURCE/tests/lib/authorizer.sh"

ME=/rest/api/2/myself
README=$JP_SOURCE/examples/nginx/README.md

authorizer_needs nginx
authorizer_make

# --- nginx -------------------------------------------------------------------------

mkdir "$WORLD/nginx" "$WORLD/nginx/tmp"
cp "$JP_SOURCE"/examples/nginx/jira-pat-*.conf "$WORLD/nginx/"
chmod 644 "$WORLD"/nginx/*.conf
# Of this world: the socket, and no more.
sed -i "s|unix:/run/jira-pat/|unix:$WORLD/run/|" "$WORLD"/nginx/*.conf
[ "$(id -u)" != 0 ] || chown "$world_web" "$WORLD/nginx/tmp"
authorizer_certificate "$WORLD/nginx"

# What else the administrator may have said, which must open nothing: a cache,
# pages for errors that are a success, ways in beside the token, and headers with
# an underscore.
# shellcheck disable=SC2016 # variables of nginx
HOSTILE='proxy_cache poison; proxy_cache_valid any 10m;
    proxy_cache_key same; proxy_ignore_headers Cache-Control Expires;
    fastcgi_cache poison_too; fastcgi_cache_valid any 10m; fastcgi_cache_key same;
    fastcgi_ignore_headers Cache-Control Expires;
    proxy_intercept_errors on; fastcgi_intercept_errors on;
    error_page 401 403 404 429 500 502 503 504 =200 /sorry.html;
    satisfy any; allow all; underscores_in_headers on;
    ignore_invalid_headers off; client_max_body_size 1k;
    proxy_set_header X-Forwarded-User $http_x_forwarded_user;
    fastcgi_pass_header X-Forwarded-User; fastcgi_param REQUEST_METHOD GET;
    location = /sorry.html { return 200 sorry; }'

nginx_conf() {
	world_nginx_head 1 notice
	cat <<-EOF
		    proxy_cache_path $WORLD/nginx/tmp/cache keys_zone=poison:1m;
		    fastcgi_cache_path $WORLD/nginx/tmp/more keys_zone=poison_too:1m;
		    upstream nobody { server unix:$WORLD/nginx/nobody.sock; }
		    include jira-pat-authorizer-http.conf;
	EOF
	nginx_server "$jira_port" jira jira \
		'location = /unrelated { return 200 unrelated; }'
	nginx_server "$open_port" open jira
	nginx_server "$native_port" native jira
	nginx_server "$hostile_port" jira jira "$HOSTILE"
	nginx_server "$dead_port" jira nobody
	nginx_nameless
	nginx_readme
	echo "}"
}

# An authorizer whose yes names nobody, and a server that asks it.
nginx_nameless() {
	sed 's|http://jira_pat_authorizer/|http://nameless/|' \
		"$WORLD/nginx/jira-pat-authorizer.conf" >"$WORLD/nginx/nameless.conf"
	nginx_server "$nameless_port" jira jira | sed \
		's/include jira-pat-authorizer.conf/include nameless.conf/'
	echo "upstream nameless { server unix:$WORLD/nginx/nameless.sock; }
	server { listen unix:$WORLD/nginx/nameless.sock; return 200; }"
}

# Both servers of the README, for this world: by TLS, each with its product.
nginx_readme() {
	sed -n '/^## Set up (Debian/,/^## Which/s/^       //p' "$README" |
		awk -v jira="$tls_port" -v wiki="$wiki_port" \
			-v backend="${WORLD_BACKEND#http://}" '
			/^ *(upstream|server) .*{$|^upstream/ { inside = 1 }
			!inside { next }
			/^upstream/ { sub(/127.0.0.1:[0-9]*/, backend) }
			/listen 443/ { sub(/443/, "127.0.0.1:" \
				(++servers == 1 ? jira : wiki)) }
			/ssl_certificate_key/ { sub(/[/].*;/, "key.pem;") }
			/ssl_certificate / { sub(/[/].*;/, "cert.pem;") }
			{ print }
			/^}/ { inside = 0 }'
}

# nginx_server LISTEN SERVICE BACKEND [LINES]
nginx_server() {
	echo "    server { listen 127.0.0.1:$1;
	set \$jira_pat_service $2; set \$jira_pat_backend $3;
	${4:-}
	include jira-pat-authorizer.conf; }"
}

nginx_settled() {
	running proxy || return 0
	curl -s -o "$WORLD/probe" "$WORLD_URL/"
}

nginx_start() {
	for _ in 1 2 3; do
		# shellcheck disable=SC2046
		set -- $(free_ports 8)
		jira_port=$1 wiki_port=$2 open_port=$3
		hostile_port=$4 dead_port=$5 tls_port=$6 native_port=$7
		nameless_port=$8
		to jira
		rm -f "$WORLD/nginx/nameless.sock"
		nginx_conf >"$WORLD/nginx/nginx.conf"
		start proxy nginx -p "$WORLD/nginx" -c "$WORLD/nginx/nginx.conf"
		wait_for 60 nginx_settled && running proxy && return 0
		stop proxy || :
	done
	return 1
}

# to jira|wiki|...: which server http() calls.
to() {
	eval "WORLD_URL=http://127.0.0.1:\$${1}_port"
}

nginx_start || bail "nginx does not start: $(cat "$SCRATCH"/log/proxy.log \
	"$SCRATCH"/log/nginx*)"

is "the service of the README is the one that is tested" "$(
	sed -n '/^       .service jira/,/^$/s/^       //p' "$README")" "$(
	echo "$AUTHORIZER_SECTIONS" | sed '/^$/,$d')"

# --- What all proxies answer ---------------------------------------------------------

authorizer_table
authorizer_transport
authorizer_http2 "https://127.0.0.1:$tls_port"
authorizer_two "https://127.0.0.1:$wiki_port"
authorizer_preflight "http://127.0.0.1:$open_port"
authorizer_upstream "http://127.0.0.1:$native_port"
authorizer_faults

# --- What is nginx's own -------------------------------------------------------------

challenges() {
	printf '%s\n' "$head" | grep -i '^www-authenticate:' | sort
}
BASIC='WWW-Authenticate: Basic realm="jira-pat", charset="UTF-8"'
http $ME ''
is "no credentials: both challenges" "$(challenges)" "$BASIC
WWW-Authenticate: Bearer realm=\"jira-pat\""
http $ME "$(authorizer_bearer revoked)"
is "a wrong token: both, and why" "$(challenges)" "$BASIC
WWW-Authenticate: Bearer realm=\"jira-pat\", error=\"invalid_token\""
http $ME "$(authorizer_bearer alice)"
is "a right one: none" "$status $(challenges)" "200 "
http /status/500 "$(authorizer_bearer alice)"
is "the backend's own 500 is its own" "$status $(field path)" \
	'500 "/status/500"'
is "nor do the backend's cookies reach the client" \
	"$(printf '%s\n' "$head" | grep -c -i '^set-cookie')" 0
to open
http '/a%2Fb/c?d=%20e' "$(authorizer_bearer alice)"
is "the path reaches the backend as it came" "$(field path)" \
	'"/a%2Fb/c?d=%20e"'
to dead
http $ME "$(authorizer_bearer alice)"
is "a dead backend is 502" "$status" 502

to nameless
http "$ME?yes=nameless" "$(authorizer_bearer alice)" -H 'X-Forwarded-User: admin'
is "a yes that names nobody is none: 503" "$status" 503
is "and does not reach the backend" \
	"$(grep -c yes=nameless "$WORLD_BACKEND_LOG")" 0

to hostile
authorizer_run table
authorizer_run transport
authorizer_revoke
freeze "$(pid_of patd)"
http $ME "$(authorizer_bearer alice)"
is "patd is frozen behind it: 503, not its page" "$status" 503
kill -CONT "$(pid_of patd)"

# --- A worker that does not wait -----------------------------------------------------

# The one worker has a question under way while it answers something else.
to jira
freeze "$(pid_of patd)"
authorizer_beside unrelated
kill -CONT "$(pid_of patd)"

# --- What stays in files -------------------------------------------------------------

authorizer_secrets "$SCRATCH/log/nginx-access.log"
done_testing
