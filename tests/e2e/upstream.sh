#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Upstream credentials through a real nginx and pat-httpd, with examples/nginx as it
# stands: the backend is shown the user's own token of it, and never one of ours.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/lib/authorizer.sh
. "$JP_SOURCE/tests/lib/authorizer.sh"

ME=/rest/api/2/myself
# shellcheck disable=SC2034 # of authorizer.sh
AUTHORIZER_LINES='
[service own]
scope = write
read_scope = read
upstream = yes

[service strict]
upstream = required'

authorizer_needs nginx
authorizer_make

# --- nginx -------------------------------------------------------------------------

mkdir "$WORLD/nginx" "$WORLD/nginx/tmp"
cp "$JP_SOURCE"/examples/nginx/jira-pat-*.conf "$WORLD/nginx/"
chmod 644 "$WORLD"/nginx/*.conf
sed -i "s|unix:/run/jira-pat/|unix:$WORLD/run/|" "$WORLD"/nginx/*.conf
[ "$(id -u)" != 0 ] || chown "$world_web" "$WORLD/nginx/tmp"

nginx_conf() {
	world_nginx_head 1 notice
	cat <<-EOT
		    upstream jira { server ${WORLD_BACKEND#http://}; }
		    include jira-pat-authorizer-http.conf;
		    server { listen 127.0.0.1:$native_port;
		        set \$jira_pat_service own; set \$jira_pat_backend jira;
		        include jira-pat-authorizer.conf; }
		    server { listen 127.0.0.1:$strict_port;
		        set \$jira_pat_service strict; set \$jira_pat_backend jira;
		        include jira-pat-authorizer.conf; }
		    server { listen 127.0.0.1:$jira_port;
		        set \$jira_pat_service jira; set \$jira_pat_backend jira;
		        include jira-pat-authorizer.conf; }
		}
	EOT
}

nginx_settled() {
	running proxy || return 0
	curl -s -o "$WORLD/probe" "http://127.0.0.1:$native_port/"
}

nginx_start() {
	for _ in 1 2 3; do
		native_port=$(free_port)
		strict_port=$(free_port)
		jira_port=$(free_port)
		nginx_conf >"$WORLD/nginx/nginx.conf"
		start proxy nginx -p "$WORLD/nginx" -c "$WORLD/nginx/nginx.conf"
		wait_for 60 nginx_settled && running proxy && return 0
		stop proxy || :
	done
	return 1
}

# to native|strict|jira: which server http() calls.
to() {
	eval "WORLD_URL=http://127.0.0.1:\$${1}_port"
}

nginx_start || bail "nginx does not start: $(cat "$SCRATCH"/log/proxy.log \
	"$SCRATCH"/log/nginx*)"

# stored USER SECRET [ARGUMENT...]
stored() {
	stored_user=$1
	stored_secret=$2
	shift 2
	printf '%s\n' "$stored_secret" |
		pat_admin upstream set "$stored_user" "$@" \
			>>"$SCRATCH/log/pat-admin.log" 2>&1
}

# shown: what the backend was shown, if it was asked at all.
shown() {
	echo "$status $(field authorization)"
}

# --- What the backend is shown -------------------------------------------------------

PAT=MDA5ODc2NTQzMjEwOgQkVEryS3cr3t
to native
http $ME "$(authorizer_basic alice)"
is "nothing stored: the request of nobody, without our token" "$(shown)" "200 []"
stored sso.alice "$PAT"
http $ME "$(authorizer_basic alice)"
is "Basic user:token arrives as the user's own token" "$(shown)" "200 [\"Bearer $PAT\"]"
http $ME "$(authorizer_bearer alice)"
is "so does a bare Bearer" "$(shown)" "200 [\"Bearer $PAT\"]"
http $ME "$(authorizer_bearer alice)" -H "X-Upstream-Authorization: Bearer forged" \
	-H "X_Upstream_Authorization: Bearer forged"
is "a client cannot name another one" "$(shown)" "200 [\"Bearer $PAT\"]"
is "nor does it get to see its own" \
	"$(printf '%s' "$head" | grep -c -i -e "$PAT" -e upstream)" 0
http $ME "$(authorizer_bearer writer)"
is "another user has none: nothing" "$(shown)" "200 []"
http $ME "$(authorizer_bearer reader)"
is "nor one who only reads" "$(shown)" "200 []"
stored reader "bob@example.com:tok"
http $ME "$(authorizer_bearer reader)"
is "user:token of a cloud arrives as Basic" "$(shown)" \
	'200 ["Basic Ym9iQGV4YW1wbGUuY29tOnRvaw=="]'
http "/rest/api/2/issue?denied=1" "$(authorizer_bearer reader)" -X POST -d x
is "who may not write does not, whatever is stored" "$status" 403
to jira
http $ME "$(authorizer_bearer alice)"
is "a service that does not ask for it: nothing" "$(shown)" "200 []"
to strict
authorizer_token nobody sso.nobody
http "$ME?denied=2" "$auth"
is "required, and nothing stored: 403" "$status" 403
http $ME "$(authorizer_bearer alice)"
is "and stored: as above" "$(shown)" "200 [\"Bearer $PAT\"]"
stored sso.alice own --service strict
http $ME "$(authorizer_bearer alice)"
is "that of the service goes first" "$(shown)" '200 ["Bearer own"]'

# --- When it ends ---------------------------------------------------------------------

to native
authorizer_token gone sso.gone
stored sso.gone "$PAT"
http $ME "$auth"
before=$(shown)
pat_admin revoke "$id" >>"$SCRATCH/log/pat-admin.log" 2>&1
http "$ME?denied=3" "$auth"
is "a revoked token: 401 on the next request" "$before $status" "200 [\"Bearer $PAT\"] 401"
pat_admin user disable sso.alice >>"$SCRATCH/log/pat-admin.log" 2>&1
http "$ME?denied=4" "$(authorizer_bearer alice)"
is "a disabled user, too" "$status" 401
pat_admin user enable sso.alice >>"$SCRATCH/log/pat-admin.log" 2>&1
pat_admin upstream remove sso.alice >>"$SCRATCH/log/pat-admin.log" 2>&1
http $ME "$(authorizer_bearer alice)"
is "one that was removed is shown no more" "$(shown)" "200 []"
freeze "$(pid_of patd)"
http "$ME?denied=5" "$(authorizer_bearer reader)"
is "patd is frozen: 503" "$status" 503
kill -CONT "$(pid_of patd)"
is "nothing of what was refused reached the backend" \
	"$(grep -c 'denied=' "$WORLD_BACKEND_LOG")" 0

# --- What stays in files --------------------------------------------------------------

is "no log of patd, pat-httpd, nginx and pat-admin has a credential" \
	"$(cd "$SCRATCH/log" && cat patd.log httpd.log nginx* pat-admin.log |
		grep -c -e "$PAT" -e Ym9iQGV4YW1wbGUuY29tOnRvaw)" 0
done_testing
