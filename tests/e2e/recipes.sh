#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# doc/recipes.md: its commands are run and its configuration is used as they
# stand there, and each recipe keeps what it promises through a real Apache.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/document.sh
. "$JP_SOURCE/tests/lib/document.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"

ME=/rest/api/2/myself
RECIPES=$JP_SOURCE/doc/recipes.md

missing=$(world_missing)
[ -e "$WORLD_MODULES/mod_remoteip.so" ] || missing="$missing mod_remoteip"
[ -z "$missing" ] || skip_all "missing here: $(echo "$missing" | tr '\n' ' ')"

# recipe TITLE [N]: runs its commands in $KITCHEN, with pat-admin of this world.
# Sets $status and $out.
recipe() {
	recipe_title=$1
	block "$RECIPES" "$1" sh "${2:-}" >"$SCRATCH/commands"
	ok "there are commands for: $1" test -s "$SCRATCH/commands"
	out=$(cd "$KITCHEN" && PATH=$KITCHEN/bin:$PATH \
		sh -e "$SCRATCH/commands" 2>>"$SCRATCH/log/recipes.log")
	status=$?
	is "its commands run: $recipe_title" "$status" 0
	ran=$((ran + $(grep -c '^ *pat-admin ' "$SCRATCH/commands")))
}

scratch
KITCHEN=$SCRATCH/kitchen
ran=0
mkdir -p "$KITCHEN/bin"

READER="A token for Zapier that may only read"
WORLD_SECTIONS=$(block "$RECIPES" "$READER" ini)
WORLD_APACHE_LINES="$(block "$RECIPES" "$READER" apache)
RemoteIPHeader X-Forwarded-For
RemoteIPInternalProxy 127.0.0.1"
WORLD_APACHE_MODULES=remoteip
world_make >"$SCRATCH/log/init.log" 2>&1 ||
	bail "no store: $(cat "$SCRATCH/log/init.log")"
world_pam jira-read jira-pat
world_pam jira-write jira-pat
world_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
world_backend || bail "the backend does not start"
world_apache || bail "Apache does not start: $(cat "$SCRATCH"/log/apache*)"
cat >"$KITCHEN/bin/pat-admin" <<-END
	#!/bin/sh
	exec "$JP_BUILD/tools/pat-admin" --config "$WORLD/jira-pat.conf" "\$@"
END
chmod 755 "$KITCHEN/bin/pat-admin"

# made [ARGUMENT...]: a token beside those of the recipes.
made() {
	pat_admin create "$@" 2>>"$SCRATCH/log/pat-admin.log" ||
		bail "pat-admin create $*"
}

# asks USER TOKEN [CURL-ARGUMENT...]: the status of a request.
asks() {
	asks_auth=$(basic "$1" "$2")
	shift 2
	http $ME "$asks_auth" "$@"
	echo "$status"
}

# --- A token for Zapier that may only read ---------------------------------------------

recipe "$READER"
zapier=$out
is "it may GET and not POST" "$(asks zapier.bot "$zapier") $(
	asks zapier.bot "$zapier" -X POST)" "200 403"
both=$(made zapier.bot --scope read --scope write)
is "with both scopes it may both" "$(asks zapier.bot "$both") $(
	asks zapier.bot "$both" -X POST)" "200 200"

# --- A CI job's token that works from one network ----------------------------------------

recipe "A CI job's token that works from one network"
ci=$out
is "it is let in from there, and from nowhere else" "$(
	asks ci.bot "$ci" -H 'X-Forwarded-For: 192.0.2.7'
) $(asks ci.bot "$ci" -H 'X-Forwarded-For: 192.0.3.7') $(
	asks ci.bot "$ci"
)" "200 403 403"

# --- Only developers may use the API -------------------------------------------------------

# patd_reads SECTIONS: in place of those that there are.
patd_reads() {
	sed -i '/^\[service/,$d' "$WORLD/jira-pat.conf"
	printf '%s\n' "$1" >>"$WORLD/jira-pat.conf"
	kill -HUP "$(pid_of patd)"
}
asked() {
	[ "$(asks "$1" "$2")" = "$3" ]
}
hers=$(made jane.doe --name group)
his=$(made john.doe --name group)
patd_reads "$(block "$RECIPES" "Only developers may use the API" ini)"
ok "a token of somebody in no group is refused" \
	wait_for 60 asked john.doe "$his" 403
is "hers, too" "$(asks jane.doe "$hers")" 403
recipe "Only developers may use the API"
is "hers is let in once she is a developer, his is not" "$(
	asks jane.doe "$hers") $(asks john.doe "$his")" "200 403"
pat_admin user groups jane.doe --none >>"$SCRATCH/log/pat-admin.log" 2>&1
is "hers is refused when she is no longer one" "$(asks jane.doe "$hers")" 403
patd_reads "$WORLD_SECTIONS"
ok "without groups everybody may" wait_for 60 asked john.doe "$his" 200

# --- A token is renewed without an outage --------------------------------------------------

old=$(made report.bot --scope read)
ID=$(printf '%.13s' "$old" | cut -c 6-)
export ID
recipe "A token is renewed without an outage"
renewed=$out
is "the old one works until the new one is used, no longer" "$(
	asks report.bot "$old") $(printf '%s' "$renewed" |
	pat_admin identify --live >>"$SCRATCH/log/pat-admin.log"
	asks report.bot "$old") $(asks report.bot "$renewed") $(
	asks report.bot "$old")" "200 200 200 401"
is "it has the rights of the old one" "$(asks report.bot "$renewed") $(
	asks report.bot "$renewed" -X POST)" "200 403"

# --- An hour's token for a CI job or an agent ----------------------------------------------

long=$(made agent.bot --scope read --scope write)
ID=$(printf '%.13s' "$long" | cut -c 6-)
recipe "An hour's token for a CI job or an agent" 1
job=$out
is "it may read, and not write" "$(asks agent.bot "$job") $(
	asks agent.bot "$job" -X POST)" "200 403"
recipe "An hour's token for a CI job or an agent" 2
like "it is listed" "$out" "*build 4711*parent=$ID*"
for _ in 2 3 4 5 6 7 8 9 10; do
	asks agent.bot "$job"
done >"$SCRATCH/asked"
is "ten requests that were accepted are all that it may send" "$(
	sort -u "$SCRATCH/asked") $(asks agent.bot "$job")" "200 401"
second=$(made --parent "$ID")
is "another one lives" "$(asks agent.bot "$second")" 200
pat_admin revoke "$ID" >>"$SCRATCH/log/pat-admin.log" 2>&1
is "until the parent is revoked" "$(asks agent.bot "$second")" 401

# --- A service token that survives its maker -----------------------------------------------

recipe "A service token that survives its maker" 1
service=$(printf '%s\n' "$out" | tail -n 1)
recipe "A service token that survives its maker" 2
like "it is found by its group" "$out" "* svc-ci *deploy *live*"
is "it works when its maker has left" "$(asks svc-ci "$service" -X POST)" 200
pat_admin user enable jane.doe >>"$SCRATCH/log/pat-admin.log" 2>&1

# --- Somebody leaves -----------------------------------------------------------------------

first=$(made jane.doe)
second=$(made jane.doe)
is "before: both tokens live" "$(asks jane.doe "$first") $(
	asks jane.doe "$second")" "200 200"
recipe "Somebody leaves" 1
is "disabled: neither does" "$(asks jane.doe "$first") $(
	asks jane.doe "$second")" "401 401"
pat_admin user enable jane.doe >>"$SCRATCH/log/pat-admin.log" 2>&1
is "enabled again: both live" "$(asks jane.doe "$first") $(
	asks jane.doe "$second")" "200 200"
recipe "Somebody leaves" 2
is "after: neither does" "$(asks jane.doe "$first") $(
	asks jane.doe "$second")" "401 401"
is "nobody else is hit" "$(asks zapier.bot "$zapier")" 200

# --- A token has leaked ----------------------------------------------------------------------

leaked=$(made john.doe --name leak)
id=$(printf '%.13s' "$leaked" | cut -c 6-)
printf 'GET /x\nAuthorization: Basic %s\n\n' \
	"$(printf 'john.doe:%s' "$leaked" | base64 -w 0)" >"$KITCHEN/found.txt"
printf '%s\n' "$first" >>"$KITCHEN/found.txt"
is "before: it lives" "$(asks john.doe "$leaked")" 200
recipe "A token has leaked" 1
like "it says whose it is" "$out" "*found.txt:2 *$id *john.doe *leak *live*"
recipe "A token has leaked" 2
is "only what lived is revoked" "$out" "revoked $id john.doe leak"
is "after: it does not" "$(asks john.doe "$leaked")" 401

# --- 200 tokens are delivered by links -------------------------------------------------------

LINKS="200 tokens are delivered by links"
patd_reads "$WORLD_SECTIONS
$(block "$RECIPES" "$LINKS" ini)"
block "$RECIPES" "$LINKS" csv >"$KITCHEN/users.csv"
recipe "$LINKS" 1
like "each user has a link" "$(cat "$KITCHEN/links.csv")" \
	"*jane.doe*reports*https://jira.example.com/tokens/link/*john.doe*/link/*"
recipe "$LINKS" 2
is "and has not fetched the token yet" "$(printf '%s\n' "$out" |
	awk '{ print $2, $3, $4, $5 }')" "jane.doe reports paused: unclaimed
john.doe reports paused: unclaimed"

is "every command of the document was run" "$ran" "$(
	awk '/^```/ { open = !open && $0 == "```sh" } open' "$RECIPES" |
		grep -c '^ *pat-admin '
)"
is "nothing leaked into the logs" "$(printf '%s\n' "$zapier" "$ci" "$leaked" |
	cut -c 15-44 | grep -r -l -a -F -f - "$SCRATCH/log" "$WORLD/store")" ''
done_testing
