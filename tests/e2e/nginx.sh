#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Tokens through a real nginx with examples/nginx as it stands, the real libpam,
# the built module and the built patd.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"

ME=/rest/api/2/myself
NGINX_MODULE=/usr/lib/nginx/modules/ngx_http_auth_pam_module.so

missing=$(world_missing | grep -v -x -e apache2 -e mod_authnz_pam)
PATH=$PATH:/usr/sbin
command -v nginx >/dev/null || missing="$missing nginx"
[ -e $NGINX_MODULE ] || missing="$missing libnginx-mod-http-auth-pam"
[ -z "$missing" ] || skip_all "missing here: $(echo "$missing" | tr '\n' ' ')"

WORLD_SECTIONS='[service jira-write]
scope = write

[service jira-read]
scope = read'
scratch
world_make >"$SCRATCH/log/init.log" 2>&1 ||
	bail "no store: $(cat "$SCRATCH/log/init.log")"
world_pam jira-read jira-pat
world_pam jira-write jira-pat
world_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
world_backend || bail "the backend does not start"

# --- nginx -------------------------------------------------------------------------

mkdir "$WORLD/nginx" "$WORLD/nginx/inner" "$WORLD/nginx/tmp"
cp "$JP_SOURCE"/examples/nginx/*.conf "$WORLD/nginx/"
chmod 644 "$WORLD"/nginx/*.conf
# The folder of the socket between the two hops.
sed -i "s|/run/jira-pat-nginx/|$WORLD/nginx/inner/|" "$WORLD"/nginx/*.conf
if [ "$(id -u)" = 0 ]; then
	chown "$world_web" "$WORLD/nginx/inner" "$WORLD/nginx/tmp"
	chmod 700 "$WORLD/nginx/inner"
fi

nginx_conf() {
	echo "load_module $NGINX_MODULE;"
	echo "env JP_PAM_CONFDIR;"
	world_nginx_head 2 info
	cat <<-EOF
		    upstream jira { server ${WORLD_BACKEND#http://}; keepalive 16; }
		    include jira-pat-bearer.conf;
	EOF
	nginx_server "$plain_port" "include jira-pat.conf;"
	nginx_server "$scopes_port" "include jira-pat-scopes.conf;"
	nginx_server "$bearer_port" \
		"location / { include jira-pat-outer.conf; }"
	nginx_server "$proxied_port" "set_real_ip_from 127.0.0.2;
		real_ip_header X-Forwarded-For; include jira-pat.conf;"
	echo "}"
}

nginx_server() {
	echo "    server { listen 127.0.0.1:$1; $2 }"
}

nginx_settled() {
	running nginx || return 0
	curl -s -o "$WORLD/probe" "$WORLD_URL/"
}

nginx_start() {
	for _ in 1 2 3; do
		# shellcheck disable=SC2046
		set -- $(free_ports 4)
		plain_port=$1 scopes_port=$2 bearer_port=$3 proxied_port=$4
		to plain
		rm -f "$WORLD/nginx/inner/inner.sock"
		nginx_conf >"$WORLD/nginx/nginx.conf"
		start nginx env LD_PRELOAD="$WORLD/lib/pam_confdir.so" \
			JP_PAM_CONFDIR="$WORLD/pam.d" \
			nginx -p "$WORLD/nginx" -c "$WORLD/nginx/nginx.conf"
		wait_for 60 nginx_settled && running nginx && return 0
		stop nginx || :
	done
	return 1
}

# to plain|scopes|bearer|proxied: which server http() calls.
to() {
	eval "WORLD_URL=http://127.0.0.1:\$${1}_port"
}

nginx_start || bail "nginx does not start: $(cat "$SCRATCH"/log/nginx*)"

# new USER [ARGUMENT...]: makes a token; sets $token, $id and $auth.
new() {
	token=$(pat_admin create "$@" 2>>"$SCRATCH/log/pat-admin.log") ||
		bail "pat-admin create $*: $(tail -n 3 "$SCRATCH/log/pat-admin.log")"
	id=$(printf '%.13s' "$token" | cut -c 6-)
	auth=$(basic "$1" "$token")
}

may() {
	may_auth=$1
	shift
	for may_method in "$@"; do
		if [ "$may_method" = HEAD ]; then
			http $ME "$may_auth" --head
		else
			http $ME "$may_auth" -X "$may_method"
		fi
		printf '%s ' "$status"
	done
}

# --- Who gets in ---------------------------------------------------------------------

new sso.alice
alice=$token
alice_auth=$auth
http $ME ''
like "no credentials: 401 that asks for them" "$head" \
	"HTTP/1.1 401*WWW-Authenticate: Basic*"
http $ME "$alice_auth"
is "the right token: 200 as that user" "$status $(field x_forwarded_user)" \
	'200 ["sso.alice"]'
is "neither token nor cookie reaches the backend" \
	"$(field authorization) $(field cookie)" '[] []'
http $ME "$(basic sso.bob "$alice")"
is "another user's token: 401" "$status" 401
http $ME "$(basic sso.alice "${alice%?}")"
is "a token that is cut: 401" "$status" 401
http $ME "$(basic '' "$alice")"
is "no user name: 401" "$status" 401
http $ME "$alice_auth" -H 'X-Forwarded-User: admin' \
	-H 'X_Forwarded_User: admin' -H 'Cookie: JSESSIONID=1' \
	-H 'Connection: keep-alive, X-Forwarded-User'
is "a claimed user and session do not reach the backend" \
	"$(field x_forwarded_user) $(field cookie) $(field headers |
		grep -c 'x_forwarded')" '["sso.alice"] [] 0'
is "nor do the backend's cookies reach the client" \
	"$(printf '%s\n' "$head" | grep -c -i '^set-cookie')" 0
like "no other header, in no spelling, says who the user is" \
	"$(claims sso.alice "$alice_auth")" "$CLAIMS_NONE"
http $ME "$alice_auth" -X PUT -d '{"a": 1}' -H 'If-Match: "1"' \
	-H 'X-Atlassian-Token: no-check' -H 'Content-Type: application/json'
for name in X-Atlassian-Token:no-check If-Match:'"1"' \
	Content-Type:application/json Content-Length:8; do
	ok "$name reaches the backend" test "$(printf '%s' "$body" |
		python3 -c 'import json, sys
print(dict(json.load(sys.stdin)["fields"]).get(sys.argv[1]))' \
			"${name%%:*}")" = "${name#*:}"
done
truncate -s 3M "$WORLD/attachment"
for server in scopes bearer plain; do
	to $server
	http $ME "$alice_auth" -X POST -H 'Content-Type: text/plain' \
		--data-binary "@$WORLD/attachment"
	is "an attachment of 3 MB reaches the backend: $server" \
		"$status $(field received)" "200 3145728"
done
http '/a%2Fb/c?d=%20e' "$alice_auth"
is "the path reaches the backend as it came" "$(field path)" \
	'"/a%2Fb/c?d=%20e"'
http $ME "$alice_auth" --http1.0 -H 'Host:'
is "a request without Host harms nothing" "$status" 200
new sso.dave
http $ME "$auth"
before=$status
pat_admin revoke "$id" >>"$SCRATCH/log/pat-admin.log" 2>&1
http $ME "$auth"
is "revoke: 200 before, 401 on the very next request" "$before $status" \
	"200 401"

# --- Reading and writing ---------------------------------------------------------------

to scopes
new reader --scope read
reader=$auth
is "a read token may GET, HEAD and OPTIONS" \
	"$(may "$reader" GET HEAD OPTIONS)" "200 200 200 "
is "a read token may not POST, PUT, DELETE or PATCH" \
	"$(may "$reader" POST PUT DELETE PATCH)" "401 401 401 401 "
new writer --scope read --scope write
is "a token with both scopes may all of it" \
	"$(may "$auth" GET HEAD OPTIONS POST PUT DELETE)" \
	"200 200 200 200 200 200 "
http $ME "$auth" -X POST -H 'X-Forwarded-User: admin'
is "a POST is that user's, too" \
	"$(field x_forwarded_user) $(field authorization)" '["writer"] []'
is "a token without scopes may all of it" "$(may "$alice_auth" GET POST)" \
	"200 200 "
for method in GET POST; do
	like "no header says who the user is: $method" \
		"$(claims writer "$auth" $method)" "$CLAIMS_NONE"
done
new some --service jira-read
is "--service jira-read: no POST" "$(may "$auth" GET POST)" "200 401 "
http $ME "$reader" -H 'X-HTTP-Method-Override: DELETE'
is "a GET with X-HTTP-Method-Override stays one" "$status $(
	field headers | grep -c -i override
)" "200 0"
to plain
is "a service that names no scope: a read token may nothing" \
	"$(may "$reader" GET POST)" "401 401 "

# --- Bearer ----------------------------------------------------------------------------

to bearer
http $ME "$(bearer "$(printf 'sso.alice:%s' "$alice" | base64 -w 0)")"
is "the same token as Bearer: 200 as that user" \
	"$status $(field x_forwarded_user) $(field authorization)" \
	'200 ["sso.alice"] []'
like "no header says who the user is, through both hops" "$(
	claims sso.alice "$(bearer "$(printf 'sso.alice:%s' "$alice" |
		base64 -w 0)")"
)" "$CLAIMS_NONE"
http $ME "$alice_auth"
is "Basic there, too" "$status $(field x_forwarded_user)" \
	'200 ["sso.alice"]'
http $ME "$(bearer "$alice")"
is "the bare token as Bearer: 401" "$status" 401
new home --from 127.0.0.1
http $ME "$auth"
before=$status
new away --from 192.0.2.0/24
http $ME "$auth" -H 'X-Real-IP: 192.0.2.7'
is "the address is the client's, not the one it claims" "$before $status" \
	"200 401"

# --- Networks --------------------------------------------------------------------------

to plain
http $ME "$auth" -H 'X-Forwarded-For: 192.0.2.7'
is "X-Forwarded-For of a stranger does not help" "$status" 401
to proxied
http $ME "$auth" --interface 127.0.0.2 -H 'X-Forwarded-For: 192.0.2.7'
before=$status
http $ME "$auth" --interface 127.0.0.3 -H 'X-Forwarded-For: 192.0.2.7'
is "that of the load balancer counts, of another peer not" \
	"$before $status" "200 401"

# --- The logs ----------------------------------------------------------------------------

to plain
http $ME "$(basic "$alice" x)"
is "a token in the place of the user name: 401" "$status" 401
stop patd
http $ME "$alice_auth"
is "patd is stopped: 401" "$status" 401
tap_cleanup="rm -f '$SCRATCH.patterns'"
printf '%s' "$alice" | cut -c 15-44 >"$SCRATCH.patterns"
ok "nginx's log is there to be searched" \
	wait_for 60 grep -q sso.alice "$SCRATCH/log/nginx-access.log"
is "no token is in any file of nginx, patd or the store" \
	"$(grep -r -l -a -F -f "$SCRATCH.patterns" "$SCRATCH")" ''
rm -f "$SCRATCH.patterns"
stop nginx
is "nothing of it crashed" \
	"$(grep -l -i 'segmentation\|exited on signal\|panic' \
		"$SCRATCH"/log/*)" ''
done_testing
