#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# What Traefik, Envoy and APISIX ask pat-httpd by their examples, which are in no
# Debian release: tests/lib/asking.py asks it, and does what they do with the answer.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/lib/authorizer.sh
. "$JP_SOURCE/tests/lib/authorizer.sh"

ME=/rest/api/2/myself

python3 -c 'import yaml' 2>/dev/null ||
	skip_all "missing here: python3-yaml"
authorizer_needs sed
authorizer_make

# section NAME: that section, as the README of the example has it; at a free port,
# or in this world.
section() {
	sed -n 's/^    //p' "$JP_SOURCE/examples/$1/README.md" | sed -n \
		-e "s|/run/jira-pat/|$WORLD/run/|; s|127.0.0.1:919|127.0.0.1:$2|" \
		-e '/^.listener/,/^$/p'
}

# Ports that are free now: pat-httpd may have to try others.
listen() {
	cp "$WORLD/jira-pat.conf" "$WORLD/jira-pat.conf.first"
	for _ in 1 2 3; do
		traefik_port=$(free_port) apisix_port=$(free_port)
		{
			cat "$WORLD/jira-pat.conf.first"
			section traefik "$traefik_port"
			section apisix "$apisix_port"
			section envoy
		} >"$WORLD/jira-pat.conf"
		stop httpd
		world_httpd && return 0
	done
	return 1
}

# example NAME FILE PORT: the file of that example, for this world.
example() {
	sed -e "s|127.0.0.1:919|127.0.0.1:${3:-}|; s|/run/jira-pat/|$WORLD/run/|" \
		-e "s|port_value: 8080|port_value: ${WORLD_BACKEND##*:}|" \
		-e "s|127.0.0.1:8080|${WORLD_BACKEND#http://}|" \
		"$JP_SOURCE/examples/$1/$2" >"$WORLD/$1.yaml"
}

# asking NAME FILE [PORT]
asking() {
	example "$@"
	start "$1" python3 "$JP_SOURCE/tests/lib/asking.py" "$1" \
		"$WORLD/$1.yaml" "$WORLD/$1.port"
	wait_for 60 test -s "$WORLD/$1.port" ||
		bail "$1: $(cat "$SCRATCH/log/$1.log")"
	WORLD_URL=http://127.0.0.1:$(cat "$WORLD/$1.port")
}

listen || bail "pat-httpd: $(tail "$SCRATCH/log/httpd.log")"

# away NAME STATUS: nobody passes while pat-httpd is away, and then again.
away() {
	authorizer_killed httpd
	http "$ME?away=$1" "$(authorizer_bearer alice)"
	is "$1, pat-httpd is killed: $2, and nothing reaches Jira" \
		"$status $(grep -c "away=$1" "$WORLD_BACKEND_LOG")" "$2 0"
	world_httpd || fail "pat-httpd starts again"
	http "$ME" "$(authorizer_bearer alice)"
	is "$1, pat-httpd is back: 200" "$status" 200
	freeze "$(pid_of patd)"
	http "$ME?away=$1" "$(authorizer_bearer alice)"
	kill -CONT "$(pid_of patd)"
	is "$1, patd is frozen: 503, and nothing reaches Jira" \
		"$status $(grep -c "away=$1" "$WORLD_BACKEND_LOG")" "503 0"
}

# challenges NAME: both pass.
challenges() {
	http "$ME" ''
	is "$1: both challenges reach the client" "$status $(
		printf '%s\n' "$head" | grep -i -c '^www-authenticate: ')" "401 2"
}

# --- Traefik -----------------------------------------------------------------------

asking traefik jira-pat.yaml "$traefik_port"
authorizer_run table
authorizer_revoke
challenges Traefik
away Traefik 500
like "the static file deletes names with an underscore" "$(python3 -c '
import sys, yaml
print(yaml.safe_load(open(sys.argv[1]))["entryPoints"]["websecure"]["http"])' \
	"$JP_SOURCE/examples/traefik/traefik.yaml")" \
	"*'underscoreHeadersStrategy': 'delete'*"
stop traefik

# --- Envoy -------------------------------------------------------------------------

authorizer_token guessed another.bot # the first one is throttled by now
asking envoy envoy.yaml
authorizer_run table
authorizer_revoke
challenges Envoy
away Envoy 503
stop envoy

# --- APISIX ------------------------------------------------------------------------

asking apisix apisix.yaml "$apisix_port"
authorizer_revoke
challenges APISIX
away APISIX 503
got=
for name in alice reader writer wiki scoped home away revoked expired; do
	for method in GET POST; do
		http "$ME?of=$name" "$(authorizer_basic $name)" -X $method \
			-H 'Content-Length: 0' -H 'X-Forwarded-Method: GET' \
			-H 'X-Forwarded-For: 192.0.2.7' \
			-H 'X-Forwarded-User: admin'
		got="$got $status"
	done
done
is "APISIX: who may read and write" "$got" \
	" 200 200 200 403 200 200 403 403 403 403 200 200 403 403 401 401 401 401"
http "$ME" "$(authorizer_bearer alice)" -H 'X-Forwarded-User: admin' \
	-H 'Cookie: JSESSIONID=1'
is "APISIX: Jira gets the user, no token and no session" \
	"$(field x_forwarded_user) $(field authorization) $(field cookie)" \
	'["sso.alice"] [] []'
done_testing
