#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Jira, Confluence and Bitbucket behind the same proxies, with the configuration and
# the commands of doc/JIRA.md: a token for one of them is refused by the others.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/document.sh
. "$JP_SOURCE/tests/lib/document.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/clients/lib.sh
. "$JP_SOURCE/tests/clients/lib.sh"

GUIDE=$JP_SOURCE/doc/JIRA.md
PRODUCTS="Confluence and Bitbucket behind the same proxy"

clients_needs curl
scratch
CLIENTS_SERVICES='jira confluence bitbucket'
CLIENTS_SECTIONS=$(block "$GUIDE" "$PRODUCTS" ini)
clients_make
guide_commands "$PRODUCTS"
jira_only=$(printf '%s\n' "$guide_said" | sed -n 1p)
wiki_reader=$(printf '%s\n' "$guide_said" | sed -n 2p)
clients_new dev --scope bitbucket-read
clones=$token

# each TOKEN METHOD [PATH]: the statuses at all three, through $front.
each() {
	each_said=
	for each_service in $CLIENTS_SERVICES; do
		WORLD_URL=$(front_url "$front" "$each_service")
		http "${3:-/rest/api/2/myself}" "$(bearer "$1")" -X "$2"
		each_said="$each_said $status"
	done
	echo "${each_said# }"
}

for front in nginx apache; do
	is "$front: --service jira: Jira and nothing else" \
		"$(each "$jira_only" GET), $(each "$jira_only" POST)" \
		"200 403 403, 200 403 403"
	is "$front: --scope confluence-read: reading, in Confluence" \
		"$(each "$wiki_reader" GET), $(each "$wiki_reader" POST)" \
		"403 200 403, 403 403 403"
	is "$front: --scope bitbucket-read: reading, and cloning, in Bitbucket" \
		"$(each "$clones" GET), $(
			each "$clones" POST /scm/p/r.git/git-upload-pack), $(
			each "$clones" POST /scm/p/r.git/git-receive-pack)" \
		"403 403 200, 403 403 200, 403 403 403"
	is "$front: no session is made in Jira" "$(
		each "$alice" POST /rest/auth/1/session)" "403 200 200"
	is "$front: a token without limits is one for all" \
		"$(each "$alice" GET)" "200 200 200"
done

# Jira 11's switch: what is sent is what Jira takes.
block "$GUIDE" "c. Jira's directory, with LDAP" sh 2 |
	sed -e "s|https://jira.example.org|$WORLD_BACKEND|" \
		-e "s|-u admin|-s -u admin:x|" >"$SCRATCH/commands"
body=$(sh -eu "$SCRATCH/commands")
is "the list of users of Basic is set" "$(field method) $(field path)" \
	'"PUT" "/rest/basicauth/1.0/config"'
is "it is JSON" "$(tr '\n' ' ' <"$SCRATCH/commands" |
	sed "s/.* -d '\([^']*\)'.*/\1/" | python3 -c 'import json, sys
print(*json.load(sys.stdin))')" "block-requests allowed-users"
clients_end
