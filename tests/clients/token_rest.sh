#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# What calls Jira's REST interface for tokens, /rest/pat/: each of its public callers,
# and what nobody should send, through nginx and Apache with their examples.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/clients/lib.sh
. "$JP_SOURCE/tests/clients/lib.sh"

# One host is Jira's, for clients with tokens; at the other one people are signed in,
# by a stand-in for a single sign-on: whoever has its cookie is who it says.
clients_more() {
	case $1.$2 in
	nginx.jira)
		# shellcheck disable=SC2016 # variables of nginx
		echo 'set $jira_pat_sso_user "";' ;;
	nginx.sso)
		# shellcheck disable=SC2016
		echo 'set $jira_pat_sso_user $cookie_sso;' ;;
	esac
	case $1 in
	nginx)
		echo "include jira-pat-self.conf;" ;;
	apache)
		echo "Include $WORLD/apache/jira-pat-self.conf" ;;
	esac
	# shellcheck disable=SC2016
	[ "$1.$2" != apache.sso ] ||
		echo 'SetEnvIf Cookie "sso=([a-z0-9.-]+)" SSO_USER=$1
		    <Location "/rest/pat">
		        RequestHeader set X-Remote-User "expr=%{reqenv:SSO_USER}"
		    </Location>'
}

clients_needs curl python3
# shellcheck disable=SC2034 # names of lib.sh and world.sh
{
	CLIENTS_SERVICES='jira sso'
	CLIENTS_SECTIONS="$CLIENTS_SECTIONS

[self_service]
trusted_peers = $(if [ "$(id -u)" = 0 ]; then echo www-data; else id -un; fi)"
	WORLD_TOKENS='max_per_user = 12
name_required = no
default_lifetime = 90d
max_lifetime = 365d'
}
scratch
clients_make

# rest_token NAME USER [ARGUMENT...]: one more line of $rest_tokens.
rest_token() {
	rest_name=$1
	rest_user=$front.$2
	shift 2
	clients_new "$rest_user" "$@"
	rest_tokens="$rest_tokens$rest_name $rest_user $token
"
}

# rest_limit N: of tokens for each user, from now on.
rest_limit() {
	rest_reloads=$(rest_reloaded)
	sed -i "s/^max_per_user = .*/max_per_user = $1/" "$WORLD/jira-pat.conf"
	kill -HUP "$(pid_of patd)"
	wait_for 60 rest_has_limit || bail "patd does not reload"
}

rest_reloaded() {
	grep -c 'settings: reloaded' "$SCRATCH/log/patd.log"
}

rest_has_limit() {
	[ "$(rest_reloaded)" -gt "$rest_reloads" ]
}

# rest_many NAME: a token of somebody who has 1100 others.
rest_many() {
	rest_limit 0
	rest_token "$1" "$1"
	python3 -c 'import sys
print("user,name")
for i in range(1100):
    print("%s,n%d" % (sys.argv[1], i))' "$front.$1" >"$SCRATCH/rows"
	pat_admin create --batch "$SCRATCH/rows" --output "$SCRATCH/secrets" \
		>>"$SCRATCH/log/pat-admin.log" 2>&1 ||
		bail "no batch: $(tail -n 3 "$SCRATCH/log/pat-admin.log")"
	rm -f "$SCRATCH/secrets"
	rest_limit 12
}

# rest_run: all cases, through $front.
rest_run() {
	rest_tokens=
	rest_token alice alice --name alice
	rest_token reader reader --scope read
	rest_token wiki wiki --scope wiki --service wiki
	rest_token maker maker --scope tokens --scope write
	rest_token narrow narrow --scope tokens --scope read --service jira \
		--from 127.0.0.1 --expires 10d
	rest_token away away --from 192.0.2.0/24
	rest_token bob bob
	rest_token bobmaker bob --scope tokens
	rest_many many
	rest_token revoked alice
	pat_admin revoke "$id" >>"$SCRATCH/log/pat-admin.log" 2>&1
	printf '%s' "$rest_tokens" | timeout 600 python3 \
		"$JP_SOURCE/tests/clients/token_rest.py" \
		"$(front_url "$front" jira)" "$(front_url "$front" sso)" \
		>"$SCRATCH/log/rest.$front" 2>"$SCRATCH/log/rest-error.$front"
	is "all of them were tried: $front" \
		"$? $(cat "$SCRATCH/log/rest-error.$front")" "0 "
	while IFS="$(printf '\t')" read -r rest_verdict rest_what rest_why; do
		case $rest_verdict in
		ok) pass "$front: $rest_what" ;;
		*) fail "$front: $rest_what" "$rest_why" ;;
		esac
	done <"$SCRATCH/log/rest.$front"
}

for front in nginx apache; do
	rest_run
done

# --- What is not up to the caller ------------------------------------------------

# rest_said AUTHORIZATION [CURL-ARGUMENT...]: of a GET and of a POST, and of the second
# how often it says when to try again.
rest_said() {
	rest_auth=$1
	shift
	http "$REST" "$rest_auth" "$@"
	printf '%s %s ' "$status" "$(field error)"
	http "$REST" "$rest_auth" "$@" -H 'Content-Type: application/json' \
		-d '{"name":"n"}'
	printf '%s %s ' "$status" "$(field error)"
	printf '%s\n' "$head" | grep -c -i '^retry-after: [1-9]'
}

REST=/rest/pat/latest/tokens
for front in nginx apache; do
	clients_new "$front.gone" --scope tokens
	pat_admin user disable "$front.gone" >>"$SCRATCH/log/pat-admin.log" 2>&1
	WORLD_URL=$(front_url "$front")
	is "$front: a token of a disabled user is none" \
		"$(rest_said "$(bearer "$token")")" \
		'401 "bad-token" 401 "bad-token" 0'
	WORLD_URL=$(front_url "$front" sso)
	is "$front: nor does the single sign-on help a disabled user" \
		"$(rest_said '' -H "Cookie: sso=$front.gone")" \
		'403 "user-disabled" 403 "user-disabled" 0'
	clients_new "$front.late" --scope tokens
	eval "rest_late_$front=\$token"
done
stop patd
for front in nginx apache; do
	eval "token=\$rest_late_$front"
	WORLD_URL=$(front_url "$front")
	is "$front: patd is away: 503, and when to try again" \
		"$(rest_said "$(bearer "$token")")" \
		'503 "unavailable" 503 "unavailable" 1'
	WORLD_URL=$(front_url "$front" sso)
	is "$front: patd is away: the same for who is signed in" \
		"$(rest_said '' -H "Cookie: sso=$front.alice")" \
		'503 "unavailable" 503 "unavailable" 1'
done

clients_end
