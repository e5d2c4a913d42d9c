#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Apache's mod_authn_sasl, which knows one socket and waits without end: also what
# becomes of its requests while patd hangs, under the watchdog of its unit.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/sasl_lib.sh
. "$JP_SOURCE/tests/doors/sasl_lib.sh"

sasl_needs apache2 curl "$WORLD_MODULES/mod_authn_sasl.so"
sasl_make
mkdir "$SCRATCH/apache" && echo page >"$SCRATCH/apache/index.html"

apache_once() {
	{
		cat <<-EOT
			ServerRoot $SCRATCH/apache
			ServerName localhost
			Listen 127.0.0.1:$server_port
			DefaultRuntimeDir $SCRATCH/apache
			PidFile $SCRATCH/apache/pid
			Mutex file:$SCRATCH/apache
			ErrorLog $SCRATCH/log/apache-error.log
			DocumentRoot $SCRATCH/apache
			DirectoryIndex index.html
			StartServers 1
			ServerLimit 1
			ThreadsPerChild 32
			MaxRequestWorkers 32
			User www-data
			Group www-data
		EOT
		for apache_module in mpm_event authn_core authz_core authz_user \
		    auth_basic authn_sasl dir; do
			echo "LoadModule ${apache_module}_module" \
				"$WORLD_MODULES/mod_$apache_module.so"
		done
		cat "$JP_SOURCE/examples/apache/jira-pat-saslauthd.conf"
	} >"$SCRATCH/apache/apache2.conf"
	door_start apache apache2 -f "$SCRATCH/apache/apache2.conf" -DFOREGROUND
}

# ask USER FILE: one request; prints its status, and 000 if it does not end.
ask() {
	printf 'user = "%s:%s"\n' "$1" "$(cat "$2")" |
		curl -s -m 120 -K - -o /dev/null -w '%{http_code}\n' \
			"http://127.0.0.1:$server_port/"
}

try_http() {
	ask_status=$(ask "$@")
	[ "$ask_status" != 200 ] || ask_status=in
	echo "$ask_status"
}

server_try apache apache_once ||
	bail "Apache does not start: $(cat "$SCRATCH"/log/apache*)"
token_proofs "mod_authn_sasl" try_http 401 401
door_networks "mod_authn_sasl" try_http 401 jira none
stop patd

# supervised NAME [SOCKET-UNIT...]: patd under a stand-in for systemd, with its unit.
supervised() {
	supervised_as=$1
	shift
	door_start "$supervised_as" python3 "$JP_SOURCE/tests/lib/supervise.py" \
		"$JP_BUILD/patd/patd.service" "$@" -- \
		"$JP_BUILD/patd/patd" --config "$WORLD/jira-pat.conf" --debug
	wait_for 60 lets_in || bail "patd does not start: $(
		tail "$SCRATCH/log/$supervised_as.log")"
}

lets_in() {
	token_try try_http alice "$token_alice"
	[ "$outcome" = in ]
}

# hang NAME REQUESTS: patd does not run on; so many requests at a time, whose
# statuses are $statuses, each with how often it came.
hang() {
	kill -s STOP "$(sed -n 's/^started //p' "$SCRATCH/log/$1.log" | tail -n 1)"
	printf '%s' "$token_alice" >"$SCRATCH/secret"
	hang_pids=
	hang_left=$2
	while [ "$hang_left" -gt 0 ]; do
		ask alice "$SCRATCH/secret" >"$SCRATCH/status.$hang_left" &
		hang_pids="$hang_pids $!"
		hang_left=$((hang_left - 1))
	done
	for hang_pid in $hang_pids; do
		wait "$hang_pid"
	done
	statuses=$(cat "$SCRATCH"/status.* | sort | uniq -c | sed 's/^ *//')
	rm -f "$SCRATCH/secret" "$SCRATCH"/status.*
}

# hangs WHAT NAME STATUSES
hangs() {
	hang "$2" 20
	is "$1: all of 20 requests to a patd that hangs end" "$statuses" "$3"
	is "$1: as the watchdog has ended it" \
		"$(grep -c '^watchdog: ' "$SCRATCH/log/$2.log")" 1
	ok "$1: the token gets in again" wait_for 60 lets_in
	stop "$2"
}

supervised own
hangs "a socket of patd's own" own "20 401"
sed -i '/^verify = /d; /^mux = /d' "$WORLD/jira-pat.conf"
supervised passed "$JP_SOURCE/patd/patd.socket" \
	"$JP_SOURCE/examples/systemd/patd-saslauthd.conf"
hangs "a socket of systemd's" passed "20 200"
door_end apache
