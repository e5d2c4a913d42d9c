#!/bin/sh
# What one question costs the program that libjirapat.so runs in.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"
# shellcheck source=tests/lib/calls.sh
. "$JP_SOURCE/tests/lib/calls.sh"
# shellcheck source=tests/sasl/plugin_folders.sh
. "$JP_SOURCE/tests/sasl/plugin_folders.sh"

plugin_folders
trace "$program" "$SCRATCH"
is "each answered question is seven system calls, these" \
	"$(questions "$answered")" "$question"
done_testing
