#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Clients of an earlier version are answered as they were: wire.txt has what was
# sent and received on each socket, of the store store-4-4.tar.xz.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

command -v xz >/dev/null || skip_all "xz is missing"
cli_make 'max_per_user = 0' 'max_lifetime = never' 'name_required = no'
sed -i "s|^\[patd\]|&\nmux = $HOME_DIR/run/mux|" "$CONF"
mkdir "$HOME_DIR/run"
tar -C "$HOME_DIR" --no-same-owner -xJf \
	"$JP_SOURCE/tests/compat/store-4-4.tar.xz" store key ||
	bail "the fixture is damaged"
cli_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd")"
PYTHONDONTWRITEBYTECODE=1 python3 "$JP_SOURCE/tests/compat/wire.py" \
	"$HOME_DIR/run" "$JP_SOURCE/tests/compat/wire.txt"
tap_failed=$?
tap_planned=known
stop patd
