#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# A test whose output nobody reads any longer, as behind `| head`, ends what it has
# started and removes its folder.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"

scratch
cat >"$SCRATCH/inner.sh" <<'END'
. "$JP_SOURCE/tests/lib/tap.sh"
scratch
start sleeper sleep 600
echo "$started_pid $SCRATCH" >"$1"
while :; do
	pass "a line"
done
END
sh "$SCRATCH/inner.sh" "$SCRATCH/left" | head -n 1 >"$SCRATCH/read"
is "its output was read as far as that" "$(cat "$SCRATCH/read")" "ok 1 - a line"
read -r pid folder <"$SCRATCH/left" || bail "it did not start"
gone() {
	! tap_alive "$pid"
}
ok "what it has started is ended" wait_for 60 gone
ok "its folder is removed" wait_for 60 test ! -e "$folder"
gone || kill "$pid"
done_testing
