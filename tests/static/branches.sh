#!/bin/sh
# Every branch of what decides is taken by its units: branches.py.
set -u

[ -x "${JP_BUILD:?}/tests/unit/test_decide" ] || {
	echo "1..0 # SKIP the units are not built: cmocka is missing"
	exit 0
}
for tool in gcc gcov python3; do
	command -v $tool >/dev/null || {
		echo "1..0 # SKIP $tool is missing"
		exit 0
	}
done
PYTHONDONTWRITEBYTECODE=1 exec python3 "${JP_SOURCE:?}/tests/static/branches.py" \
	"$JP_BUILD"
