#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Two products behind one Apache, as "Several products, with PAM" of
# examples/apache/README.md has them: what opens one does not open the other.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"

ME=/rest/api/2/myself
README=$JP_SOURCE/examples/apache/README.md
EXAMPLE=$JP_SOURCE/examples/apache/jira-pat.conf

missing=$(world_missing)
[ -z "$missing" ] || skip_all "missing here: $(echo "$missing" | tr '\n' ' ')"

WORLD_SECTIONS='[service jira-write]
scope = write

[service jira-read]
scope = read

[service wiki]
scope = wiki'
scratch
world_make >"$SCRATCH/log/init.log" 2>&1 ||
	bail "no store: $(cat "$SCRATCH/log/init.log")"
for service in jira-read jira-write wiki; do
	world_pam $service jira-pat
done
world_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
world_backend || bail "the backend does not start"

# products: the two virtual hosts of the README, for this world.
products() {
	sed -n '/^## Several products, with PAM/,/^## Behind/s/^    //p' "$README" |
		sed -e "s|http://127.0.0.1:80[89]0|$WORLD_BACKEND|" \
			-e "s|Include .*|Define JIRA_PAT_HEADERS \
$WORLD/lib/jira-pat-headers.lua\n    Include $EXAMPLE|" \
			-e 's|\*:443|*|'
}
WORLD_APACHE_END=$(products)
is "the README has two virtual hosts" \
	"$(echo "$WORLD_APACHE_END" | grep -c "Include $EXAMPLE")" 2
world_apache || bail "Apache does not start: $(cat "$SCRATCH"/log/apache*)"

# opens [ARGUMENT...]: what a token may: Jira GET, POST, wiki GET, POST.
opens() {
	token=$(pat_admin create reader "$@" 2>>"$SCRATCH/log/pat-admin.log") ||
		bail "pat-admin create: $(tail -n 3 "$SCRATCH/log/pat-admin.log")"
	for host in jira-api wiki-api; do
		for method in GET POST; do
			http $ME "$(basic reader "$token")" -X $method \
				-H "Host: $host.example.org"
			printf '%s ' "$status"
		done
	done
}

is "a token that reads Jira does not read the wiki" \
	"$(opens --scope read)" "200 403 403 403 "
is "one with both of Jira's scopes neither" \
	"$(opens --scope read --scope write)" "200 200 403 403 "
is "one of the wiki opens the wiki alone" \
	"$(opens --scope wiki)" "403 403 200 200 "
is "--service 'jira-*' opens Jira alone" \
	"$(opens --service 'jira-*')" "200 200 403 403 "
is "--service wiki opens the wiki alone" \
	"$(opens --service wiki)" "403 403 200 200 "
is "a token without limits opens both" "$(opens)" "200 200 200 200 "
done_testing
