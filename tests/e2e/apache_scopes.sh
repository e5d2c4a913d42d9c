#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Scopes and services through a real Apache: one PAM service for reading, one
# for writing, both by examples/apache/jira-pat.conf.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"

ME=/rest/api/2/myself

missing=$(world_missing)
[ -z "$missing" ] || skip_all "missing here: $(echo "$missing" | tr '\n' ' ')"

WORLD_SECTIONS='[service jira-write]
scope = write

[service jira-read]
scope = read

[service jira-[ab]dmin]
scope = admin'
scratch
world_make >"$SCRATCH/log/init.log" 2>&1 ||
	bail "no store: $(cat "$SCRATCH/log/init.log")"
world_pam jira-read jira-pat
world_pam jira-write jira-pat
world_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
world_backend || bail "the backend does not start"

# new USER [ARGUMENT...]: makes a token and sets $auth, the header for it.
new() {
	token=$(pat_admin create "$@" 2>>"$SCRATCH/log/pat-admin.log") ||
		bail "pat-admin create $*: $(tail -n 3 "$SCRATCH/log/pat-admin.log")"
	auth=$(basic "$1" "$token")
}

# may AUTHORIZATION METHOD...: the status of each method, on one line.
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

new reader --scope read
reader=$auth
reader_token=$token
new writer --scope read --scope write
writer=$auth
new blind --scope write
blind=$auth
new all
all=$auth
new other --scope admin
other=$auth
new some --service jira-read
some=$auth
new glob --service 'jira-*'
glob=$auth
new plain --service jira-pat
plain=$auth

# --- One service for reading, one for the rest ----------------------------------

WORLD_APACHE_LINES='Define JIRA_PAT_SERVICE jira-write
Define JIRA_PAT_READ_SERVICE jira-read'
world_apache || bail "Apache does not start: $(cat "$SCRATCH"/log/apache*)"

is "a read token may GET, HEAD and OPTIONS" \
	"$(may "$reader" GET HEAD OPTIONS)" "200 200 200 "
is "a read token may not POST, PUT, DELETE or PATCH" \
	"$(may "$reader" POST PUT DELETE PATCH)" "403 403 403 403 "
is "nor use a method that is none" "$(may "$reader" get GETX PROPFIND)" \
	"403 403 403 "
http $ME "$reader" -X POST
like "that is Apache's own 403, and nobody's page" "$head" "HTTP/1.1 403*"
is "which does not ask for another token" \
	"$(printf '%s\n' "$head" | grep -i '^www-authenticate')" ''
is "a token that is another user's is 401, whatever it lacks" "$(
	may "$(basic writer "$reader_token")" POST)" "401 "
revoked=$(pat_admin create gone --scope read 2>>"$SCRATCH/log/pat-admin.log")
pat_admin revoke "$(printf '%.13s' "$revoked" | cut -c 6-)" >>"$SCRATCH/log/pat-admin.log" 2>&1
is "nor does a revoked token show what it lacked" \
	"$(may "$(basic gone "$revoked")" GET POST)" "401 401 "
is "a token with both scopes may all of it" \
	"$(may "$writer" GET HEAD OPTIONS POST PUT DELETE)" \
	"200 200 200 200 200 200 "
is "a token that may only write cannot read" "$(may "$blind" GET POST)" \
	"403 200 "
is "a token without scopes may all of it" "$(may "$all" GET POST)" "200 200 "
is "a token of another scope may nothing" "$(may "$other" GET POST)" \
	"403 403 "
is "--service jira-read: no POST" "$(may "$some" GET POST)" "200 403 "
is "--service 'jira-*': both" "$(may "$glob" GET POST)" "200 200 "
is "--service of another service: none" "$(may "$plain" GET POST)" \
	"403 403 "

http $ME "$reader" -H 'X-HTTP-Method-Override: DELETE'
is "a GET with X-HTTP-Method-Override stays one" "$status $(
	field headers | grep -c -i override
)" "200 0"
http $ME "$reader" -X POST -H 'X-HTTP-Method-Override: GET'
is "a POST that calls itself GET stays one" "$status" 403
http $ME "$(bearer "$(printf 'reader:%s' "$reader_token" | base64 -w 0)")" \
	-X POST
is "a read token as Bearer may not POST either" "$status" 403
http $ME "$reader"
http $ME "$reader" -X POST
is "a GET that was let in lets no POST in" "$status" 403

for method in GET POST; do
	like "no header says who the user is: $method" \
		"$(claims writer "$writer" $method)" "$CLAIMS_NONE"
done

# may_one USER SERVICE: what pat-admin says, with the reason.
may_one() {
	printf '%s\n' "$reader_token" |
		pat_admin test "$1" --service "$2" 2>>"$SCRATCH/log/pat-admin.log"
}
is "pat-admin test says so, too" \
	"$(may_one reader jira-read) $(may_one reader jira-write)" \
	"accepted denied: scope"
is "a token with scopes opens no service that names none" \
	"$(may_one reader sshd) $(may_one reader '')" \
	"denied: scope denied: scope"

# --- One service that names no scope ---------------------------------------------

stop apache
WORLD_APACHE_LINES=
world_apache || bail "Apache does not start: $(cat "$SCRATCH"/log/apache*)"
is "jira-pat names no scope: a read token may not even GET" \
	"$(may "$reader" GET POST)" "403 403 "
is "nor a token with both scopes" "$(may "$writer" GET POST)" "403 403 "
is "a token without scopes may" "$(may "$all" GET POST)" "200 200 "
is "--service jira-pat: both" "$(may "$plain" GET POST)" "200 200 "
is "--service jira-read: none" "$(may "$some" GET POST)" "403 403 "

# --- A policy that changes ---------------------------------------------------------

printf '\n[service jira-pat]\nscope = read\n' >>"$WORLD/jira-pat.conf"
kill -HUP "$(pid_of patd)"
lets_in() {
	http $ME "$reader"
	[ "$status" = 200 ]
}
ok "patd reads the sections anew on SIGHUP" wait_for 60 lets_in
is "the new section wants its scope" "$(may "$blind" GET)" "403 "
done_testing
