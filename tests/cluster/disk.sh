#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# The cases are in disk.py; this gives them a mount namespace of its own, for a small
# disk and a broken one, and starts them for the test driver.
command -v python3 >/dev/null 2>&1 || {
	echo "1..0 # SKIP no python3"
	exit 0
}
# shellcheck source=tests/lib/mounts.sh
. "$JP_SOURCE/tests/lib/mounts.sh"
PYTHONPATH=$JP_SOURCE/tests/daemon PYTHONDONTWRITEBYTECODE=1 \
	exec python3 "$JP_SOURCE/tests/cluster/disk.py"
