#!/bin/sh
# pat-admin where things are wrong: no permission, a full disk, a store in use,
# a missing pepper, a patd that dies, folders that are not ours.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'name_required = no' 'max_per_user = 0'
run init
token=$("$PAT_ADMIN" --config "$CONF" create bob 2>>"$ERRORS")
id=$(id_of "$token")

# --- Another user -------------------------------------------------------------

# The program may lie where that user cannot go.
as_other() {
	install -m 755 "$(cli_binary)" "$SCRATCH/pat-admin-copy" &&
		setpriv --reuid 65534 --regid 65534 --clear-groups \
			"$SCRATCH/pat-admin-copy" --config "$CONF" "$@" \
			>"$SCRATCH/out" 2>"$SCRATCH/err"
}

# What libtool made may be a script around the program.
cli_binary() {
	if [ -x "$JP_BUILD/tools/.libs/pat-admin" ]; then
		echo "$JP_BUILD/tools/.libs/pat-admin"
	else
		echo "$PAT_ADMIN"
	fi
}

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	for command in "list" "create eve" "show $id" "revoke $id"; do
		# shellcheck disable=SC2086
		as_other $command
		is "$command by another user: exit status 3" \
			"$?:$(cat "$SCRATCH/out")" "3:"
		like "$command by another user: tells what to do" \
			"$(cat "$SCRATCH/err")" \
			"pat-admin: *ermission denied*run as root*"
	done
	as_other check
	is "check by another user: exit status 1" $? 1
	is "it says once to run it as root, and nothing of chown" \
		"$(grep -c 'run as root' "$SCRATCH/out") $(
			grep -c 'chown\|chmod' "$SCRATCH/out")" "1 0"
	if [ -x "$PATD" ]; then
		cli_patd || bail "patd does not start"
		as_other list
		is "list by another user through patd: exit status 3" \
			"$?:$(cat "$SCRATCH/out")" "3:"
		like "it tells what to do" "$(cat "$SCRATCH/err")" \
			"*admin.sock*run as root*admin_group*"
		stop patd
	fi
else
	skip "by another user" "needs root and setpriv"
fi

# --- A store in use -----------------------------------------------------------

if command -v flock >/dev/null; then
	exec 9<"$HOME_DIR/store/store.lock"
	flock -n 9
	exits "a store that another process holds: exit status 3" 3 list
	exits "check tells it" 1 check
	exec 9<&-
else
	skip "a store in use" "needs flock"
fi

# --- Pepper and folders -------------------------------------------------------

mv "$HOME_DIR/key/pepper.key" "$HOME_DIR/key/away"
exits "init with a store and no pepper: exit status 3" 3 init
like "it says to put it back" "$err" "*pepper*backup*"
ok "and makes no other pepper" test ! -e "$HOME_DIR/key/pepper.key"
exits "check finds that the pepper is missing" 1 check --json
is "with a row" "$(json '[r["subject"] for r in d if r["level"] == "bad"]')" \
	"['pepper']"
exits "list without a pepper: exit status 3" 3 list
mv "$HOME_DIR/key/away" "$HOME_DIR/key/pepper.key"
chmod 0440 "$HOME_DIR/key/pepper.key"
exits "check finds a pepper that others can read" 1 check
like "and tells the command" "$out" "*bad *pepper*chmod 0400*"
chmod 0400 "$HOME_DIR/key/pepper.key"
chmod 0755 "$HOME_DIR/store"
exits "check finds a store that others can enter" 1 check
exits "init puts its mode right" 0 init
is "to 0700" "$(stat -c %a "$HOME_DIR/store")" 700
exits "then check is content" 0 check

# other NAME SED-EXPRESSION: another configuration becomes $CONF.
other() {
	sed "$2" "$SCRATCH/jira-pat.conf" >"$SCRATCH/$1.conf"
	CONF=$SCRATCH/$1.conf
}

mkdir -m 750 "$SCRATCH/full" "$SCRATCH/target"
echo precious >"$SCRATCH/full/file"
other full "s|^store_dir.*|store_dir = $SCRATCH/full|"
exits "init takes over no folder with other things: exit status 3" 3 init
is "and changes nothing of it" "$(stat -c %a "$SCRATCH/full"):$(ls \
	"$SCRATCH/full")" "750:file"
ln -s "$SCRATCH/target" "$SCRATCH/link"
other link "s|^store_dir.*|store_dir = $SCRATCH/link|"
exits "init follows no link: exit status 3" 3 init
is "and changes nothing behind it" "$(stat -c %a "$SCRATCH/target"):$(ls \
	"$SCRATCH/target")" "750:"
if [ "$(id -u)" = 0 ]; then
	other nobody "s|^user.*|user = no-such-user|"
	exits "init for a user that is not there: exit status 3" 3 init
	like "it says how to make the user" "$err" "*adduser --system*"
fi

# --- A user of its own --------------------------------------------------------

if [ "$(id -u)" = 0 ] && id daemon >/dev/null 2>&1; then
	cli_user=daemon
	CONF=$SCRATCH/daemon.conf
	mkdir "$SCRATCH/daemon"
	cli_conf "$SCRATCH/daemon/new" 'name_required = no' >"$CONF"
	exits "init for another user" 0 init
	is "all of the store, the pepper and the socket folder are its" \
		"$(find "$SCRATCH/daemon/new" -mindepth 1 -user root \
			-printf '%f ')" "key "
	exits "create as root works as that user" 0 create bob
	exits "check is content" 0 check
	is "and root left no file of its own in the store" \
		"$(find "$SCRATCH/daemon/new/store" -user root)" ""
	# As if init had been interrupted before it gave the pepper away.
	rm -rf "$SCRATCH/daemon/new/store"
	chown root "$SCRATCH/daemon/new/key/pepper.key"
	exits "init finishes what an interrupted one began" 0 init
	exits "and the store opens" 0 list
else
	skip "a user of its own" "needs root and the user daemon"
fi
CONF=$SCRATCH/jira-pat.conf

# --- A full disk --------------------------------------------------------------

# In a mount namespace of its own: a store of 6 MiB, then every byte taken.
# shellcheck disable=SC2016
full_disk() {
	unshare -m sh -c '
		mount -t tmpfs -o size=6m none "$2/small" || exit 77
		"$1" --config "$3" init 2>/dev/null || exit 77
		: >"$2/made"
		n=0
		while :; do
			"$1" --config "$3" create bob >>"$2/made" 2>"$2/why"
			status=$?
			[ $status = 0 ] || break
			n=$((n + 1))
			[ $n != 2 ] || dd if=/dev/zero of="$2/small/fill" \
				bs=4096 2>/dev/null
			[ $n -lt 5000 ] || exit 1
		done
		echo $status >"$2/status"
		"$1" --config "$3" list --all --json >"$2/listed-full" \
			2>"$2/list-why"
		rm "$2/small/fill"
		"$1" --config "$3" list --all --json >"$2/listed"
		"$1" --config "$3" check >"$2/checked"
		"$1" --config "$3" create bob >/dev/null 2>&1
		echo $? >"$2/after"
	' sh "$PAT_ADMIN" "$SCRATCH/disk" "$SCRATCH/disk.conf"
}

mkdir -p "$SCRATCH/disk/small"
cli_conf "$SCRATCH/disk/small" 'max_per_user = 0' >"$SCRATCH/disk.conf"
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	full_disk 2>>"$ERRORS"
	full_status=$?
else
	full_status=77
fi
if [ $full_status = 77 ]; then
	skip "a full disk" "needs root, unshare and a tmpfs"
else
	is "create on a full disk: exit status 3" \
		"$(cat "$SCRATCH/disk/status")" 3
	like "it says so" "$(cat "$SCRATCH/disk/why")" "*pat-admin: create:*"
	out=$(cat "$SCRATCH/disk/listed")
	is "every token that was printed is stored, and no other is" \
		"$(json 'sorted(t["id"] for t in d)')" \
		"$(python3 -c 'import sys
print(sorted(line.split("_")[1] for line in open(sys.argv[1])))' \
			"$SCRATCH/disk/made")"
	like "then every page is sound" "$(cat "$SCRATCH/disk/checked")" \
		"*ok *pages*"
	is "and with room again create works" "$(cat "$SCRATCH/disk/after")" 0
fi

# --- A patd that dies, or is none ---------------------------------------------

# liar WHAT: listens on admin.sock; after a request it closes ("close"), sends
# rubbish ("rubbish") or too much ("long").
liar() {
	rm -f "$HOME_DIR/run/admin.sock"
	start liar python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(sys.argv[1])
s.listen()
while True:
    c = s.accept()[0]
    if c.recv(65536):
        if sys.argv[2] == "rubbish":
            c.send(b"\xff" * 100)
        elif sys.argv[2] == "long":
            c.send(b"\0" * 20000)
    c.close()' "$HOME_DIR/run/admin.sock" "$1"
	wait_for 60 cli_listens || bail "no listener"
}

liar close
exits "a patd that goes away: exit status 3" 3 create bob
like "create: it says what to look at" "$err" \
	"*patd went away*may or may not*pat-admin list*"
exits "list, too" 3 list --json
is "no answer is no empty list" "$out" ""
stop liar
liar rubbish
exits "a patd that talks rubbish: exit status 3" 3 list
stop liar
liar long
exits "a message that is too long: exit status 3" 3 show "$id"
stop liar
exits "a socket that nobody listens on: the store itself" 0 show "$id"
run check
like "check tells that it is left over" "$out" "*warn *admin.sock is left*"

is "no secret is in what went to standard error" \
	"$(cat "$SCRATCH"/log/* | grep -cF "${token#jpat_????????_}")" 0
done_testing
