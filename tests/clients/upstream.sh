#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# An unmodified Jira behind the proxies, which knows its own tokens and nothing of
# jira-pat: with the configuration and the commands of doc/JIRA.md.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/document.sh
. "$JP_SOURCE/tests/lib/document.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/clients/lib.sh
. "$JP_SOURCE/tests/clients/lib.sh"

GUIDE=$JP_SOURCE/doc/JIRA.md
UPSTREAM="a. Upstream credentials: Jira is not changed"
NATIVE=NzYxMzY4MDYwMTk4OuZlXcRrYLuAAd3uKJ5SVtGN9C2e # as Jira's look

clients_needs curl
scratch
CLIENTS_SECTIONS=$(block "$GUIDE" "$UPSTREAM" ini)
clients_make
mkdir "$SCRATCH/guide"
echo "$NATIVE" >"$SCRATCH/guide/native-token"
guide_commands "$UPSTREAM"
rm "$SCRATCH/guide/native-token"
clients_new jane.doe
jane=$token
clients_new jane.doe --scope read
jane_reads=$token
clients_new cloud
cloud=$token
printf 'cloud@example.org:API-TOKEN\n' |
	pat_admin upstream set cloud >>"$SCRATCH/log/pat-admin.log" 2>&1

# seen AUTHORIZATION [CURL-ARGUMENT...]: the status, and what Jira got.
seen() {
	WORLD_URL=$(front_url "$front")
	http /rest/api/2/myself "$@"
	if [ "$status" = 200 ]; then
		echo "200 $(field authorization)"
	else
		echo "$status"
	fi
}

for front in nginx apache; do
	is "$front: Bearer: Jira gets its own token" "$(seen "$(bearer "$jane")")" \
		"200 [\"Bearer $NATIVE\"]"
	is "$front: Basic, which Jira would refuse, as well" \
		"$(seen "$(basic jane.doe "$jane")")" "200 [\"Bearer $NATIVE\"]"
	is "$front: user:token for Jira Cloud goes as Basic" \
		"$(seen "$(bearer "$cloud")")" \
		"200 [\"$(basic cloud@example.org API-TOKEN)\"]"
	is "$front: one that may read reads with it, and does not write" "$(
		seen "$(bearer "$jane_reads")"), $(
		seen "$(bearer "$jane_reads")" -X POST)" \
		"200 [\"Bearer $NATIVE\"], 403"
	is "$front: the native token itself opens nothing" \
		"$(seen "$(bearer "$NATIVE")")" 401
	is "$front: a client's header of that name is not passed on" "$(
		seen "$(bearer "$jane")" -H 'X-Upstream-Authorization: Bearer x'
		field fields | grep -c -i upstream)" "200 [\"Bearer $NATIVE\"]
0"
	is "$front: a user without one is refused" \
		"$(seen "$(bearer "$alice")")" 403
	clients_new jane.doe
	before=$(seen "$(bearer "$token")")
	pat_admin revoke "$id" >>"$SCRATCH/log/pat-admin.log" 2>&1
	is "$front: revoked, it is out, and so is Jira's" \
		"$before, $(seen "$(bearer "$token")")" \
		"200 [\"Bearer $NATIVE\"], 401"
done
clients_tokens="$clients_tokens xxxxxxxxxxxxxx$NATIVE"
clients_end
