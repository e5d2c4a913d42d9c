#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Clients from npm: jira-client, jira.js and jira-connector, of the versions in
# package-lock.json.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/clients/lib.sh
. "$JP_SOURCE/tests/clients/lib.sh"

# shellcheck source=tests/lib/build.sh
. "$JP_SOURCE/tests/lib/build.sh"

clients_needs node npm
scratch
NODE_PATH=$(need_npm "$JP_SOURCE/tests/clients" 2>"$SCRATCH/log/npm.log") ||
	skip_all "npm cannot install the clients: $(
		tail -n 1 "$SCRATCH/log/npm.log")"
export NODE_PATH
clients_make
npm_client="timeout 120 node $JP_SOURCE/tests/clients/npm_client.js"
clients_proofs jira-client "basic bearer" "$npm_client jira-client"
clients_proofs jira-connector basic "$npm_client jira-connector"
if node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)'; then
	clients_proofs jira.js "basic bearer" "$npm_client jira.js"
else
	skip "jira.js" "it needs Node.js 20: here is $(node --version)"
fi
clients_end
