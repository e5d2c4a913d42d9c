#!/bin/sh
# The cases are in cuts.py; this gives them a mount namespace of their own, so that
# no mount outlives them, and starts them for the test driver.
command -v python3 >/dev/null 2>&1 || {
	echo "1..0 # SKIP no python3"
	exit 0
}
[ -x "$JP_BUILD/tests/torture/record_disk" ] || {
	echo "1..0 # SKIP no libfuse3"
	exit 0
}
if [ "$(id -u)" != 0 ] || [ ! -c /dev/fuse ] ||
	! unshare -m --propagation private true 2>/dev/null; then
	echo "1..0 # SKIP file systems cannot be mounted here"
	exit 0
fi
PYTHONPATH=$JP_SOURCE/tests/daemon PYTHONDONTWRITEBYTECODE=1 \
	exec unshare -m --propagation private \
	python3 "$JP_SOURCE/tests/torture/cuts.py"
