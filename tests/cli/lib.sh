# shellcheck shell=sh
# For the tests of pat-admin: a scratch configuration and store, one run of
# pat-admin at a time, and everything it ever wrote to standard error.
#
# Needs tests/lib/tap.sh. Sets $CONF, $HOME_DIR (of the store and all else).

PAT_ADMIN=$JP_BUILD/tools/pat-admin
PATD=$JP_BUILD/patd/patd

# cli_make [LINE...]: the world; LINEs go into [tokens].
cli_make() {
	scratch
	HOME_DIR=$SCRATCH/home
	CONF=$SCRATCH/jira-pat.conf
	ERRORS=$SCRATCH/log/errors
	: >"$ERRORS"
	mkdir "$HOME_DIR"
	cli_user=$(id -un)
	[ "$(id -u)" != 0 ] || cli_user=root
	cli_conf "$HOME_DIR" "$@" >"$CONF"
}

# cli_conf FOLDER [LINE...]: prints a configuration.
cli_conf() {
	cli_dir=$1
	shift
	echo "[tokens]"
	[ $# -eq 0 ] || printf '%s\n' "$@"
	cat <<-EOT
		[argon2]
		memory = 64K
		passes = 1
		[patd]
		user = $cli_user
		run_dir = $cli_dir/run
		store_dir = $cli_dir/store
		pepper_file = $cli_dir/key/pepper.key
		[service narrow]
		scope = write
	EOT
}

# run ARGUMENT...: pat-admin. Sets $status, $out and $err.
run() {
	run_with "" "$@"
}

# run_with INPUT ARGUMENT...: the same, with a line on standard input.
run_with() {
	run_input=$1
	shift
	printf '%s\n' "$run_input" | timeout "${CLI_TIMEOUT:-60}" "$PAT_ADMIN" --config "$CONF" "$@" \
		>"$SCRATCH/out" 2>"$SCRATCH/err"
	status=$?
	out=$(cat "$SCRATCH/out")
	err=$(cat "$SCRATCH/err")
	cat "$SCRATCH/err" >>"$ERRORS"
}

# exits SENTENCE STATUS ARGUMENT...: runs it and looks at its status.
exits() {
	exits_what=$1
	exits_wanted=$2
	shift 2
	run "$@"
	if [ "$status" = "$exits_wanted" ]; then
		pass "$exits_what"
	else
		fail "$exits_what" "status $status, not $exits_wanted
out: $out
err: $err"
	fi
}

# id_of TOKEN
id_of() {
	id_rest=${1#*_}
	printf '%s' "${id_rest%%_*}"
}

# json EXPRESSION: of `d`, the JSON in $out, printed by Python.
json() {
	printf '%s' "$out" | python3 -c 'import json, sys
d = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$1" 2>&1
}

# is_json SENTENCE: $out is JSON.
is_json() {
	if printf '%s' "$out" | python3 -m json.tool >/dev/null 2>&1; then
		pass "$1"
	else
		fail "$1" "$out"
	fi
}

cli_listens() {
	python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(sys.argv[1])' \
		"$HOME_DIR/run/admin.sock" 2>/dev/null
}

# cli_patd: starts patd on this store.
cli_patd() {
	start patd "$PATD" --config "$CONF" --foreground
	wait_for 60 cli_listens
}
