#!/bin/sh
# The cases are in planned.py; this starts them for the test driver.
command -v python3 >/dev/null 2>&1 || {
	echo "1..0 # SKIP no python3"
	exit 0
}
PYTHONPATH=$JP_SOURCE/tests/daemon PYTHONDONTWRITEBYTECODE=1 \
	exec python3 "$JP_SOURCE/tests/cluster/planned.py"
