#!/bin/sh
# Each line that patd, pat-httpd, pat-clusterd and the modules can log has a row in
# doc/TROUBLESHOOTING.md, and no row is of a line that is logged no more.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"

command -v python3 >/dev/null || skip_all "python3 is missing"

look=$JP_SOURCE/tests/lint/log_rows.py

# rows SOURCE WHAT: as tests/lint/log_rows.py says.
rows() {
	JP_SOURCE=$1 python3 "$look" "$2"
}

is "doc/TROUBLESHOOTING.md has a row for each line of the log" \
	"$(rows "$JP_SOURCE" missing)" ''
is "its rows are of lines that are logged" "$(rows "$JP_SOURCE" stale)" ''

# A tree with one text that has no row, and one row that no text makes.
scratch
mkdir "$SCRATCH/tree" "$SCRATCH/tree/doc"
cp -R "$JP_SOURCE/common" "$JP_SOURCE/patd" "$SCRATCH/tree"
chmod -R u+w "$SCRATCH/tree" # a release may be read-only
cat >"$SCRATCH/tree/patd/new.c" <<'END'
	jp_log(LOG_ERR,
	    "the moon %s is "
	    "full of %" PRIu64 " cats",
	    phase, cats);
END
{
	cat "$JP_SOURCE/doc/TROUBLESHOOTING.md"
	printf '\n| log line | meaning | what to do |\n|---|---|---|\n'
	# shellcheck disable=SC2016
	echo '| `the sun is out, NAME` | | |'
} >"$SCRATCH/tree/doc/TROUBLESHOOTING.md"
is "a new text is seen, whole" "$(rows "$SCRATCH/tree" missing)" \
	"patd/new.c: the moon ... is full of ... cats"
is "a row without a text is seen" \
	"$(rows "$SCRATCH/tree" stale | grep sun)" "the sun is out, NAME"
is "a line without a row is seen" "$(
	printf '%s\n' 'patd: ready' 'patd: the moon is full of 3 cats' \
		"patd: refused a connection from uid 1000: not allowed to ask (and 3 before)" |
		rows "$JP_SOURCE" unknown
)" "patd: the moon is full of 3 cats"
done_testing
