#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Debian's python3-jira.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/clients/lib.sh
. "$JP_SOURCE/tests/clients/lib.sh"

clients_needs curl
# Debian's own Python: others do not see Debian's packages.
PYTHON=/usr/bin/python3
"$PYTHON" -c 'import jira' 2>/dev/null ||
	skip_all "missing here: python3-jira"
scratch
clients_make
clients_proofs "python3-jira" "basic bearer" \
	"timeout 120 $PYTHON $JP_SOURCE/tests/clients/python_client.py"
clients_end
