#!/bin/sh
# restore: whatever fails in it or ends it, all is as it was, and nothing is left.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'max_per_user = 0'
WORLD=$SCRATCH/world

# made USER: a store with a token of this user, and a pepper of its own.
made() {
	rm -rf "$HOME_DIR"
	mkdir "$HOME_DIR"
	run init
	run create "$1"
	[ "$status" = 0 ] || bail "no store: $err"
}
made bob
run backup "$SCRATCH/backup"
made alice
cp -a "$HOME_DIR" "$WORLD"

# state FOLDER: each file of it, but those that are made anew.
state() {
	(cd "$1" && find . -type f ! -name store.lock ! -path './run/*' \
		-exec sha256sum {} + | LC_ALL=C sort -k 2)
}
before=$(state "$WORLD")

# is_done: the store of the backup is there, and nothing beside but what was there.
is_done() {
	[ "$(find "$HOME_DIR" -name '*.restore')" = '' ] &&
		run list --json && [ "$(json '[t["user"] for t in d]')" \
		= "['bob']" ]
}

# --- Something fails --------------------------------------------------------------

if ! strace -o "$SCRATCH/trace" true 2>"$SCRATCH/err" || [ ! -s "$SCRATCH/trace" ]; then
	skip_all "strace is missing, or may not trace: $(head -n 1 "$SCRATCH/err")"
fi

# each SENTENCE CALL FAULT SAID [OPTION...]: a restore for each CALL, which has the
# FAULT; one that fails has SAID this. The OPTIONs are of strace.
each() {
	each_what=$1 each_call=$2 each_fault=$3 each_said=$4
	shift 4
	number=0 refused=0 wrong=
	while :; do
		number=$((number + 1))
		rm -rf "$HOME_DIR"
		cp -a "$WORLD" "$HOME_DIR"
		timeout 60 strace -f -qq -o "$SCRATCH/trace" "$@" \
			-e "inject=$each_call:$each_fault:when=$number" \
			"$PAT_ADMIN" --config "$CONF" restore \
			"$SCRATCH/backup" >"$SCRATCH/out" 2>"$SCRATCH/err"
		status=$?
		grep -q "$each_call.*INJECTED\|^[0-9]* *--- SIG" \
			"$SCRATCH/trace" || break
		case $status in
		0) is_done || wrong="$wrong $number" ;;
		3)
			refused=$((refused + 1))
			[ "$(state "$HOME_DIR")" = "$before" ] &&
				grep -q "^pat-admin: restore: $each_said" \
					"$SCRATCH/err" ||
				wrong="$wrong $number"
			;;
		*) wrong="$wrong $number:$status" ;;
		esac
	done
	is "$each_what" "$wrong" ''
	ok "$each_what: some were refused" test "$refused" -gt 0
}

each "a sync that fails changes nothing" fsync error=EIO 'cannot .*Input/output error' \
	-e trace=fsync
each "nor where names cannot be exchanged" fsync error=EIO cannot \
	-e trace=fsync,renameat2 -e inject=renameat2:error=EINVAL
each "nor does a full disk" fchown error=ENOSPC 'cannot write .*No space left' \
	-e trace=fchown
each "nor a signal, unless it comes too late" fsync signal=INT \
	'interrupted: nothing was changed' -e trace=fsync
done_testing
