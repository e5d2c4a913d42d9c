#!/bin/sh
# restore: which pepper is where. Whatever fails in it or ends it, all is as it was,
# and nothing is left.
set -u

# shellcheck source=tests/lib/tap.sh
. "${JP_SOURCE:?}/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'max_per_user = 0'
WORLD=$SCRATCH/world
STORE=$HOME_DIR/store
PEPPER=$HOME_DIR/key/pepper.key

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
cp "$HOME_DIR/key/pepper.key" "$SCRATCH/bob.key"
made alice
run backup "$SCRATCH/own"
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

# --- Two peppers ------------------------------------------------------------------

# place STORE PEPPER: what is there, each "own", "none", or for the pepper another
# one or damaged.
place() {
	rm -rf "$HOME_DIR"
	cp -a "$WORLD" "$HOME_DIR"
	[ "$1" = own ] || rm -rf "$STORE"
	case $2 in
	own) ;;
	none) rm "$PEPPER" ;;
	other) install -m 400 "$SCRATCH/bob.key" "$PEPPER" ;;
	damaged) : >"$PEPPER" ;;
	esac
}

# lost: of the files of this state, those that are nowhere any more.
lost() {
	printf '%s\n' "$1" | while read -r sum name; do
		state "$HOME_DIR" | grep -q "^$sum " || echo "$name"
	done
}

# changed BACKUP [PYTHON]: $SCRATCH/bad with the pepper of bob, and `d` of its
# manifest changed.
changed() {
	rm -rf "$SCRATCH/bad"
	cp -a "$1" "$SCRATCH/bad"
	install -m 400 "$SCRATCH/bob.key" "$SCRATCH/bad/pepper.key"
	[ $# -eq 1 ] || python3 - "$SCRATCH" "$2" <<-'END'
		import json, sys
		def read(name):
		    with open(sys.argv[1] + name + "/manifest.json") as file:
		        return json.load(file)
		d, other = read("/bad"), read("/backup")
		exec(sys.argv[2])
		with open(sys.argv[1] + "/bad/manifest.json", "w") as file:
		    json.dump(d, file)
	END
}

# refuses HERE WHAT SAID: $SCRATCH/bad does not come in the place of what is HERE.
refuses() {
	refuses_before=$(state "$HOME_DIR")
	run restore "$SCRATCH/bad"
	is "[$1] a backup with $2 is refused, and nothing is changed" \
		"$status $(state "$HOME_DIR")" "3 $refuses_before"
	is "[$1] it says what is wrong with it, and what to do" "$err" \
		"pat-admin: restore: $SCRATCH/bad/pepper.key $3: put the right one back, or take another backup; nothing was changed"
}

for store in own none; do
	for pepper in own none other damaged; do
		here="store: $store, pepper: $pepper"
		place $store $pepper
		was=$(state "$HOME_DIR")
		exits "[$here] restore" 0 restore "$SCRATCH/backup"
		is "[$here] nothing is lost" "$(lost "$was")" ''
		is "[$here] it names what it has kept" \
			"$(sed -n 's/: what was there before$//p' "$SCRATCH/out" |
				LC_ALL=C sort)" \
			"$(find "$HOME_DIR" -name '*.before-*' | LC_ALL=C sort)"
		ok "[$here] the store of the backup is there, with its pepper" is_done
		place $store $pepper
		changed "$SCRATCH/own"
		refuses "$here" "another one's pepper" \
			"is not what was written there: its size or its hash differs"
		rm "$SCRATCH/bad/pepper.key"
		refuses "$here" "no pepper" "cannot be opened: No such file or directory"
		changed "$SCRATCH/own" 'd["files"] = [
		    one for one in d["files"] if one["name"] != "pepper.key"] + [
		    one for one in other["files"] if one["name"] == "pepper.key"]'
		refuses "$here" "a pepper that is not its store's" \
			"is not the one that its store was made with"
	done
done

# --- The audit trail of another pepper --------------------------------------------

printf '[patd]\naudit_file = %s/audit/audit.jsonl\n' "$HOME_DIR" >>"$CONF"
made alice
cp "$PEPPER" "$SCRATCH/alice.key"
run restore --json "$SCRATCH/backup"
is "with a trail it says that the pepper is another one" "$(echo "$err" |
	sed -n 's/ is verified with that alone.*//p')" \
	"The pepper is another one now. What the one of before has signed of the audit trail"
is "and names that one in JSON" "$(json 'd["pepper_before"]')" \
	"$(find "$HOME_DIR/key" -name 'pepper.key.before-*')"
mkdir "$HOME_DIR/away"
mv "$HOME_DIR"/audit/audit.jsonl* "$HOME_DIR/away"
run create bob
exits "with its files moved away the trail goes on" 0 audit verify
head -n 1 "$HOME_DIR/away/audit.jsonl" >"$HOME_DIR/away/first"
sed "s|^pepper_file = .*|pepper_file = $SCRATCH/alice.key|" "$CONF" >"$SCRATCH/before.conf"
chmod 400 "$SCRATCH/alice.key"
is "and what is from before is whole with the pepper of before" \
	"$("$PAT_ADMIN" --config "$SCRATCH/before.conf" audit verify \
		"$HOME_DIR/away/first" 2>&1)" "whole: 1 lines, 1 to 1; files: 1"
run restore "$SCRATCH/backup"
is "where the pepper is the same it says nothing of it" \
	"$(echo "$err" | grep -c pepper)" 0
cli_conf "$HOME_DIR" 'max_per_user = 0' >"$CONF"

# --- Something fails --------------------------------------------------------------

if ! strace -o "$SCRATCH/trace" true 2>"$SCRATCH/err" || [ ! -s "$SCRATCH/trace" ]; then
	skip "a fault changes nothing, wherever it is" \
		"strace is missing, or may not trace: $(head -n 1 "$SCRATCH/err")"
	done_testing
	exit
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
