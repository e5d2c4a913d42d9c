#!/bin/sh
# Runs test_plugin under the real libsasl2, with the built plugin in one folder
# and those of Cyrus in another.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"
# shellcheck source=tests/sasl/plugin_folders.sh
. "$JP_SOURCE/tests/sasl/plugin_folders.sh"

plugin_folders
"$program" "$SCRATCH"
