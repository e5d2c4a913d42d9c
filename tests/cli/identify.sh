#!/bin/sh
# pat-admin identify: whose are the tokens in a text, and do they live? On the
# store itself and through patd. And revoke, which takes what was found.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

FOREIGN=jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD

cli_make 'max_per_user = 0' 'name_required = no'
run init

# The recipes of the manual.
manual_line() {
	grep -m 1 "$1" "$JP_SOURCE/doc/pat-admin.8" | sed 's/^\.Dl [#$] //'
}
OBJECTS=$(manual_line 'cat-file')
LOG=$(manual_line 'git log -p -m')

# new USER [ARGUMENT...]: makes a token, sets $token and $id.
new() {
	run create "$@"
	token=$(printf '%s\n' "$out" | head -n 1)
	id=$(id_of "$token")
	secrets="$secrets
$(printf '%s' "${token#jpat_????????_}" | cut -c 1-30)"
}

# crc_text TEXT: the six characters that close a token.
crc_text() {
	printf '%s' "$1" | python3 -c 'import sys, zlib
digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
crc, text = zlib.crc32(sys.stdin.buffer.read()), ""
for _ in range(6):
    crc, digit = divmod(crc, 62)
    text = digits[digit] + text
print(text)'
}

# row N: of the table in $out, with one space between the words.
row() {
	printf '%s\n' "$out" | sed -n "$(($1 + 1))p" | tr -s ' '
}

# finds SENTENCE TEXT STATUS WORDS: what identify says about TEXT.
finds() {
	run_with "$2" identify
	is "$1" "$status:$(row 1 | cut -d ' ' -f 2-)" "$3:$4"
}

check_states() {
	new alice --name job
	alice=$token
	finds "$W a live token" "key=\"$alice\"" 0 "$id alice job live accepted"
	new bob
	run revoke "$id"
	finds "$W a revoked one" "$token" 0 "$id bob - dead revoked"
	new rob
	run rotate "$id" --grace 0
	finds "$W one that was rotated" "$token" 0 \
		"$id rob - dead superseded"
	new bill
	run user disable bill
	finds "$W one whose user is disabled" "$token" 0 \
		"$id bill - paused user-disabled"
	run_with "$token" identify --live
	is "$W it may live again, so --live has it" "$status:$out" "0:$id"
	new carol --service nothing --from 192.0.2.1 --scope few
	finds "$W one of few rights lives" "$token" 0 "$id carol - live service"
	wrong=jpat_$(id_of "$alice")_000000000000000000000000000000
	wrong=$wrong$(crc_text "$wrong")
	finds "$W a known id with another secret" "$wrong" 1 \
		"$(id_of "$alice") alice job forged fast-tag"
	finds "$W a token of somebody else" "$FOREIGN" 1 \
		"D4oBwk0S - - unknown unknown-id"
	finds "$W a wrong checksum" "${alice%?}_ " 1 ""
	finds "$W a checksum with a typing error" "${alice%??}00" 1 \
		"$(id_of "$alice") - - damaged crc"
	finds "$W no token" "nothing to see" 1 ""
}

check_places() {
	printf 'first\n\n"%s",\nAuthorization: Basic %s\n' "$alice" \
		"$(printf 'alice:%s' "$alice" | base64 -w 0)" >"$SCRATCH/one"
	head -c 300000 /dev/zero >"$SCRATCH/two"
	printf 'CI_%s_x' "$alice" >>"$SCRATCH/two"
	printf '%s:%s' "$(head -c 200 /dev/zero | tr '\0' u)" "$alice" |
		base64 >"$SCRATCH/three"
	run identify "$SCRATCH/one" "$SCRATCH/two" "$SCRATCH/three"
	is "$W identify names file and line of each" "$status:$(
		printf '%s\n' "$out" | sed "1d; s|$SCRATCH/||; s/ .*//" |
			tr '\n' ' '
	)" "0:one:3 one:4 two:1 three:$(wc -l <"$SCRATCH/three") "
	run identify --json "$SCRATCH/one"
	is_json "$W identify --json prints JSON"
	is "$W identify --json has all of it" "$(json '[(
e["file"].split("/")[-1], e["line"], e["user"], e["name"], e["state"],
e["reason"], e["base64"]) for e in d]')" \
		"[('one', 3, 'alice', 'job', 'live', 'accepted', False), ('one', 4, 'alice', 'job', 'live', 'accepted', True)]"
	run_with "x" identify --json
	is "$W identify --json without a token" "$status:$out" "1:[]"
	new frank
	run revoke "$id"
	printf '%s\n' "$token" >>"$SCRATCH/one"
	run identify --live "$SCRATCH/one"
	is "$W identify --live prints the ids of live ones alone" \
		"$status:$out" "0:$(id_of "$alice")
$(id_of "$alice")"
	run_with "$alice" identify - "$SCRATCH/one"
	is "$W - is standard input" "$(row 1 | cut -d ' ' -f 1)" "-:1"
	run_with "$alice" identify "$SCRATCH/nothing" -
	is "$W a file that is not there: exit status 3, the others are read" \
		"$status:$(row 1 | cut -d ' ' -f 1)" "3:-:1"
	like "$W a file that is not there is named" "$err" \
		"*identify: $SCRATCH/nothing: No such file*"
}

# Last used is what `list` and `show` say of it.
check_traces() {
	new dave
	run_with "$token" identify
	run show "$id" --json
	is "$W identify is no use of the token" \
		"$(json 'd["last_used_at"], d["use_count"]')" "(None, 0)"
}

check_revoke() {
	new erin --bearer
	bearer=$(printf '%s\n' "$out" | sed -n 2p)
	first=$id
	new erin
	second=$id
	pair=erin:$token
	new erin
	third=$id
	new erin
	printf '# found\n%s\n%s\n%s\n\n%s\n' "$bearer" "$pair" "$third" \
		"$token" >"$SCRATCH/found"
	run revoke --from-file "$SCRATCH/found" --reason leaked
	is "$W revoke takes base64, user:token, ids and tokens from one file" \
		"$status:$(printf '%s\n' "$out" | cut -d ' ' -f 1,2 |
			tr '\n' ' ')" \
		"0:revoked $first revoked $second revoked $third revoked $id "
	printf '%s\n%s\n' "$alice" "$alice.$alice" >"$SCRATCH/found"
	run revoke --from-file "$SCRATCH/found"
	like "$W two tokens on a line: exit status 2" "$status:$err" \
		"2:*line 2: neither*"
	run_with "$alice" identify
	is "$W and nothing was revoked" "$(row 1 | cut -d ' ' -f 5)" live
}

check_all() {
	W=$1
	check_states
	check_places
	check_folders
	check_order
	check_streams
	check_history
	check_traces
	check_revoke
}

# found ARGUMENT...: where identify finds a token of ours, below $SCRATCH.
found() {
	run identify "$@"
	printf '%s' "$status:"
	printf '%s\n' "$out" | sed "1d; s|$SCRATCH/||; s/ .*//" | sort |
		tr '\n' ' '
}

check_folders() {
	mkdir -p "$SCRATCH/tree/sub/.git" "$SCRATCH/away"
	printf '%s' "$alice" >"$SCRATCH/tree/b"
	printf '\0\377%s\0' "$alice" >"$SCRATCH/tree/sub/.git/x y"
	printf '%s' "$alice" >"$SCRATCH/away/z"
	ln -s ../away "$SCRATCH/tree/link"
	ln -s ../away/z "$SCRATCH/tree/link2"
	ln -s .. "$SCRATCH/tree/sub/up"
	mkfifo "$SCRATCH/tree/fifo"
	is "$W a folder is searched, hidden and binary files too, no links" \
		"$(found "$SCRATCH/tree")" "0:tree/b:1 tree/sub/.git/x "
	run identify "$SCRATCH/tree"
	is "$W what is no file is named, and no error" "$status:$err" \
		"0:pat-admin: identify: $SCRATCH/tree/fifo: not a regular file: skipped"
	is "$W with or without a slash, twice named is twice read" \
		"$(found "$SCRATCH/away/" "$SCRATCH/tree/b" "$SCRATCH/away")" \
		"0:away/z:1 away/z:1 tree/b:1 "
	is "$W a link that is named is followed" \
		"$(found "$SCRATCH/tree/link" "$SCRATCH/tree/link2")" \
		"0:tree/link/z:1 tree/link2:1 "
	mkdir "$SCRATCH/empty"
	is "$W a folder with nothing" "$(found "$SCRATCH/empty")" "1:"
	mkdir -m 700 "$SCRATCH/tree/shut"
	echo "nothing" >"$SCRATCH/tree/b"
	chmod 600 "$SCRATCH/tree/sub/.git/x y"
	chmod 755 "$SCRATCH"
	if [ "$(id -u)" = 0 ] && setpriv --reuid=65534 --clear-groups \
		test -r "$CONF"; then
		setpriv --reuid=65534 --clear-groups "$PAT_ADMIN" --config \
			"$CONF" identify "$SCRATCH/tree" >"$SCRATCH/out" \
			2>"$SCRATCH/err"
		is "$W what cannot be read is named: exit status 3" \
			"$?:$(cat "$SCRATCH/out"):$(sed "s|$SCRATCH/||" \
				"$SCRATCH/err" | tr '\n' ' ')" \
			"3::pat-admin: identify: tree/fifo: not a regular file: skipped pat-admin: identify: tree/shut: Permission denied pat-admin: identify: tree/sub/.git/x y: Permission denied "
	else
		skip "$W what cannot be read is named: exit status 3" \
			"it takes root, and a folder that others can reach"
	fi
	rm -r "$SCRATCH/tree" "$SCRATCH/away" "$SCRATCH/empty"
}

# Files that take longer and shorter, with more than may wait, and bad ones; as
# with one processor, line by line.
check_order() {
	mkdir "$SCRATCH/many" "$SCRATCH/many/d"
	for file in $(seq 100 140); do
		if [ $((file % 7)) = 0 ]; then
			head -c 3000000 /dev/zero | tr '\0' a
		elif [ $((file % 5)) = 0 ]; then
			yes "x $FOREIGN" | head -n 40
		fi >"$SCRATCH/many/$file"
		printf ' %s' "$alice" >>"$SCRATCH/many/$file"
	done
	mv "$SCRATCH/many/121" "$SCRATCH/many/122" "$SCRATCH/many/d"
	mkfifo "$SCRATCH/many/130-fifo"
	rm "$SCRATCH/many/133"
	ln -s nowhere "$SCRATCH/many/133"
	set -- "$SCRATCH/many" "$SCRATCH/many/133" "$SCRATCH/many/101"
	run identify "$@"
	is "$W many files: all is found" "$status:$(
		printf '%s\n' "$out" | grep -c "live"
	):$(printf '%s\n' "$out" | grep -c "unknown")" "3:41:280"
	is "$W many files: in the order of their names" "$(
		printf '%s\n' "$out" | sed '1d; s/:.*//' | uniq
	)" "$(for file in $(seq 100 140) d/121 d/122 101; do
		case $file in 121 | 122 | 133) continue ;; esac
		echo "$SCRATCH/many/$file"
	done)"
	several=$out
	if command -v taskset >/dev/null; then
		out=$(taskset -c "$(cpu)" "$PAT_ADMIN" --config "$CONF" \
			identify "$@" 2>/dev/null)
		is "$W many files: as with one processor" "$out" "$several"
	else
		skip "$W many files: as with one processor" "no taskset"
	fi
	rm -r "$SCRATCH/many"
}

# One that we may use.
cpu() {
	sed -n 's/^Cpus_allowed_list:[[:blank:]]*\([0-9]*\).*/\1/p' \
		/proc/self/status
}

# What is no file is read when it is its turn, one after the other.
check_streams() {
	mkfifo "$SCRATCH/a" "$SCRATCH/b"
	(
		printf 'x\n%s' "${alice%??????}" >"$SCRATCH/a"
		printf '%s' "$alice" >"$SCRATCH/b"
	) &
	run_with "
$alice" identify "$SCRATCH/a" "$SCRATCH/b" - -
	is "$W pipes are read one after the other" "$status:$(
		printf '%s\n' "$out" | sed "1d; s|$SCRATCH/||; s/ .*//" |
			tr '\n' ' '
	)" "0:b:1 -:2 "
	wait $!
	rm "$SCRATCH/a" "$SCRATCH/b"
	yes "x $FOREIGN" | head -n 3000 | "$PAT_ADMIN" --config "$CONF" \
		identify - - >"$SCRATCH/out"
	is "$W standard input is read by one, also if it is named twice" \
		"$(grep -c unknown "$SCRATCH/out"):$(
			tail -n 1 "$SCRATCH/out" | sed 's/ .*//'
		)" "3000:-:3000"
}

# The history of a repository, from which the token is gone: `git grep` does not
# see it.
check_history() {
	command -v git >/dev/null || {
		skip "$W the history of a repository" "git is not installed"
		return
	}
	repo=$SCRATCH/repo
	in_repo() {
		git -C "$repo" -c user.name=t -c user.email=t@example.org \
			-c commit.gpgsign=false "$@" >/dev/null 2>&1
	}
	for place in removed merge stash tag note message dangling submerged; do
		rm -rf "$repo"
		git init -q -b main "$repo"
		echo first >"$repo/file"
		in_repo add file
		in_repo commit -m first
		hide_in_"$place"
		sees "git cat-file" "$OBJECTS"
		[ "$place" = tag ] || sees "git log" "$LOG"
	done
	rm -rf "$repo"
}

# sees WHAT RECIPE: the token in $repo.
sees() {
	is "$W $1, a token in: $place" "$(
		# shellcheck disable=SC2016
		cd "$repo" && eval "$(printf '%s\n' "$2" | sed \
			's/pat-admin/"$PAT_ADMIN" --config "$CONF"/')" 2>&1 |
			sed -n '2s/^-:[0-9]* *//p' | tr -s ' '
	)" "$(id_of "$alice") alice job live accepted"
}

secret_file() {
	echo "$alice" >"$repo/secret"
	in_repo add secret
}

hide_in_removed() {
	secret_file
	in_repo commit -m second
	in_repo rm secret
	in_repo commit -m third
}

# It is in no parent of the merge, and `git log -p` shows no merge.
hide_in_merge() {
	in_repo checkout -b side
	in_repo commit --allow-empty -m side
	in_repo checkout main
	in_repo merge --no-ff --no-commit side
	secret_file
	in_repo commit -m merge
	in_repo rm secret
	in_repo commit -m removed
}

hide_in_stash() {
	echo "$alice" >"$repo/file"
	in_repo stash
	echo again >"$repo/file"
	in_repo stash
}

hide_in_tag() {
	in_repo checkout -b gone
	hide_in_removed
	in_repo tag -a -m "x" v1
	in_repo checkout main
	in_repo branch -D gone
	in_repo tag -a -m "$alice" v2
}

hide_in_note() {
	in_repo notes --ref=review add -m "$alice"
}

hide_in_message() {
	in_repo commit --allow-empty -m "$alice"
	in_repo commit --allow-empty -m "x"
}

# Left behind by `git commit --amend`: no branch has it, the reflog does.
hide_in_dangling() {
	hide_in_removed
	in_repo reset --hard HEAD~2
}

# In the middle of a stack of stashes, in a file that git did not track.
hide_in_submerged() {
	echo "$alice" >"$repo/untracked"
	in_repo stash -u
	echo again >"$repo/file"
	in_repo stash
}

secrets=
check_all "store:"
cli_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
check_all "patd:"
stop patd

# More than this process may ever hold, with a token at its end.
{
	head -c 200000000 /dev/zero
	printf ' %s' "$alice"
} | bash -c 'ulimit -v 160000 && exec "$0" --config "$1" identify' \
	"$PAT_ADMIN" "$CONF" >"$SCRATCH/out" 2>"$SCRATCH/err"
is "200 MB are read in less memory" "$?:$(grep -c "live" "$SCRATCH/out")" "0:1"

{
	head -c 100000000 /dev/zero | tr '\0' a
	printf ' %s' "$alice"
} | bash -c 'ulimit -v 160000 && exec "$0" --config "$1" identify' \
	"$PAT_ADMIN" "$CONF" >"$SCRATCH/out" 2>"$SCRATCH/err"
is "one line of 100 MB, too" "$?:$(grep -c "live" "$SCRATCH/out")" "0:1"

# More than stdout's buffer holds, so that it is a row that fails.
yes "$FOREIGN" | head -n 1600 >"$SCRATCH/many"
for form in --json ""; do
	# shellcheck disable=SC2086
	"$PAT_ADMIN" --config "$CONF" identify "$SCRATCH/many" $form \
		>/dev/full 2>"$SCRATCH/err"
	like "a long answer ${form:-in text} that finds no room says so" \
		"$?:$(cat "$SCRATCH/err")" \
		"3:pat-admin: identify: cannot write the answer: *"
done

# on_terminal ARGUMENT...: what standard error gets that is one, while standard
# input has 1000 bytes and goes on; it ends when something was shown.
on_terminal() {
	timeout 60 python3 -c 'import os, pty, subprocess, sys
master, slave = pty.openpty()
with subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stderr=slave,
                      stdout=subprocess.DEVNULL) as child:
    os.close(slave)
    child.stdin.write(bytes(1000))
    child.stdin.flush()
    seen = b""
    while b"bytes/s" not in seen:
        seen += os.read(master, 1000)
    child.stdin.close()
    while True:
        try:
            seen += os.read(master, 1000)
        except OSError:
            break
print(child.returncode, ascii(seen.decode()))' "$@"
}
like "a terminal is told how far it is, and then is as before" \
	"$(on_terminal "$PAT_ADMIN" --config "$CONF" identify)" \
	"1 '*identify: (1000 bytes), * bytes/s*x1b\[K'"

# Nobody writes to the other end, and nobody closes it.
mkfifo "$SCRATCH/silent"
exec 9<>"$SCRATCH/silent"
timeout 60 "$PAT_ADMIN" --config "$CONF" identify "$SCRATCH/many" - \
	<"$SCRATCH/silent" >/dev/full 2>"$SCRATCH/err"
like "an error ends it also while it reads from a pipe" \
	"$?:$(cat "$SCRATCH/err")" \
	"3:pat-admin: identify: cannot write the answer: *"
exec 9>&-

# --- Without rights, and what is never shown -----------------------------------

exits "a token in place of FILE: exit status 2" 2 identify "$alice"
like "it says where the token goes" "$err" "*standard input*"
cp "$SCRATCH/one" "$SCRATCH/$alice"
run identify "$SCRATCH/$alice"
like "a file with a token in its name is not named" "$status:$(row 1)" \
	"0:(a*token*name):3 *"
rm "$SCRATCH/$alice"
mv "$HOME_DIR/store" "$HOME_DIR/store.away"
run_with "no token" identify
is "no store is opened where no token is" "$status" 1
run_with "$alice" identify
is "no store: exit status 3" "$status:$out" "3:"
mv "$HOME_DIR/store.away" "$HOME_DIR/store"

# As root it opens every file, also behind the first token; the store it opens
# as its owner.
if [ "$(id -u)" = 0 ]; then
	sed -i 's/^user = .*/user = daemon/' "$CONF"
	chown -R daemon: "$HOME_DIR/store" "$HOME_DIR/key" "$HOME_DIR/run"
	mkdir -m 700 "$SCRATCH/closed" "$SCRATCH/closed/inner"
	for file in a inner/b c; do
		printf '%s\n' "$alice" >"$SCRATCH/closed/$file"
	done
	chmod 600 "$SCRATCH"/closed/[ac] "$SCRATCH/closed/inner/b"
	run identify "$SCRATCH/one" "$SCRATCH/closed" "$SCRATCH/closed/c"
	is "root reads what only root may, behind the first token, too" \
		"$status:$err:$(printf '%s\n' "$out" | grep -c 'closed/.*live')" \
		"0::4"
	is "and nothing in the store is root's" \
		"$(find "$HOME_DIR/store" ! -user daemon)" ""
	rm -r "$SCRATCH/closed"
fi

tap_cleanup="rm -f '$SCRATCH.patterns'"
printf '%s\n' "$secrets" | grep . >"$SCRATCH.patterns"
ok "there are secrets to search for" \
	test "$(grep -c . "$SCRATCH.patterns")" -ge 16
rm -f "$SCRATCH"/one "$SCRATCH"/two "$SCRATCH"/three "$SCRATCH"/found \
	"$SCRATCH/out"
is "no secret is in any error or log" \
	"$(grep -r -l -a -F -f "$SCRATCH.patterns" "$SCRATCH")" ''
done_testing
