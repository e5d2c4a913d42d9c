#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Java's own HTTP client.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/clients/lib.sh
. "$JP_SOURCE/tests/clients/lib.sh"

clients_needs java javac
scratch
javac -d "$SCRATCH" "$JP_SOURCE/tests/clients/JavaClient.java" \
	>"$SCRATCH/log/javac.log" 2>&1 || bail "$(cat "$SCRATCH/log/javac.log")"
clients_make
clients_proofs "HttpURLConnection" "basic bearer authenticator" \
	"timeout 120 java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp $SCRATCH JavaClient"
clients_end
