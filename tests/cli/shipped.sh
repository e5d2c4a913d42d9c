#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# The configuration that is shipped, taken as it is, in the order of the README:
# the audit trail is on.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'max_per_user = 0'
# The same folders, below $HOME_DIR; those of the defaults are given here.
{
	sed "s|/var/log/jira-pat|$HOME_DIR/log|" "$JP_SOURCE/examples/jira-pat.conf" |
		sed "/^\[patd\]/a user = $cli_user\\
run_dir = $HOME_DIR/run\\
store_dir = $HOME_DIR/store\\
pepper_file = $HOME_DIR/key/pepper.key"
} >"$CONF"

ok "patd --check-config accepts it" \
	"$PATD" --config "$CONF" --check-config
exits "init makes what it needs" 0 init
ok "patd starts" cli_patd
run create jane.doe --name "first try" --expires 1d
token=$out
run_with "$token" test jane.doe
is "a token is made and accepted" "$out" accepted
run revoke "$(id_of "$token")"
run audit
like "the trail has who made and who revoked it" "$out" \
	"* create * jane.doe *revoke * jane.doe *"
exits "and is whole" 0 audit verify
stop patd
is "the README's rotation is for this file" \
	"$(sed -n 's/ {$//p' "$JP_SOURCE/examples/logrotate/jira-pat")" \
	"$(sed -n 's/^audit_file = //p' "$JP_SOURCE/examples/jira-pat.conf")"
done_testing
