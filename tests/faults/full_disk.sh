#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# The cases are in full_disk.py; this gives them a small disk, in a mount
# namespace of its own, and starts them for the test driver.
command -v python3 >/dev/null 2>&1 || {
	echo "1..0 # SKIP no python3"
	exit 0
}
# shellcheck source=tests/lib/mounts.sh
. "$JP_SOURCE/tests/lib/mounts.sh"
disk=$(mktemp -d "${TMPDIR:-/tmp}/jira-pat-disk.XXXXXXXX") || exit 1
trap 'umount -l "$disk"; rmdir "$disk"' EXIT
mount -t tmpfs -o size=16m,mode=1777 none "$disk" || {
	echo "1..0 # SKIP no tmpfs can be mounted here"
	exit 0
}
TMPDIR=$disk PYTHONPATH=$JP_SOURCE/tests/daemon PYTHONDONTWRITEBYTECODE=1 \
	python3 "$JP_SOURCE/tests/faults/full_disk.py"
