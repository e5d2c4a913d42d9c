#!/bin/sh
# self_service: what a local user may do with pat-admin, and what not.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

if [ "$(id -u)" != 0 ]; then
	plan 0 # it takes root to be somebody else
	exit
fi
cli_make 'max_per_user = 4' 'self_lifetime = 30d' 'self_scopes = read, report'
run init
chmod 755 "$SCRATCH" "$HOME_DIR"
chmod 644 "$CONF"

# as USER ARGUMENT...: pat-admin, run by USER. Sets $status, $out and $err.
as() {
	as_user=$1
	shift
	setpriv --reuid="$as_user" --regid=nogroup --clear-groups timeout 60 \
		"$PAT_ADMIN" --config "$CONF" "$@" \
		>"$SCRATCH/out" 2>"$SCRATCH/err" </dev/null
	status=$?
	out=$(cat "$SCRATCH/out")
	err=$(cat "$SCRATCH/err")
}

# refused SENTENCE STATUS PATTERN ARGUMENT...: to nobody, the user.
refused() {
	refused_what=$1
	refused_status=$2
	refused_pattern=$3
	shift 3
	as nobody "$@"
	is "$refused_what is refused" "$status:$out" "$refused_status:"
	like "$refused_what: it says why" "$err" "$refused_pattern"
}

# --- Off ----------------------------------------------------------------------

cli_patd
as nobody list
is "by default nothing is open to users" "$status:$out" "3:"
is "and the socket is root's" "$(stat -c %a "$HOME_DIR/run/admin.sock")" 600
stop patd

# --- On -----------------------------------------------------------------------

echo "self_service = yes" >"$SCRATCH/line"
sed -i "/^\[patd\]/r $SCRATCH/line" "$CONF"
cli_patd
run create daemon --name theirs
theirs=$(id_of "$out")

as nobody create nobody --scope read
is "a user makes a token" "$status" 0
own=$out
id=$(id_of "$own")
like "it may be used" "$own" 'jpat_????????_*'
run_with "$own" test nobody --service narrow
is "within its scopes only" "$out" "denied: scope"
as nobody show "$id" --json
is "its maker is the user" "$status:$(json 'd["created_by"], d["user"]')" \
	"0:('nobody', 'nobody')"
is "it lives as long as self_lifetime allows" "$(json '__import__("datetime").datetime.fromisoformat(d["expires_at"][:-1]) - __import__("datetime").datetime.fromisoformat(d["created_at"][:-1])')" \
	"30 days, 0:00:00"
as nobody list --json
is "list shows the user's own" "$(json '[t["id"] for t in d]')" "['$id']"
as nobody list nobody --json
is "also by name" "$(json '[t["id"] for t in d]')" "['$id']"
as daemon list --json
is "and to others theirs" "$(json '[t["id"] for t in d]')" "['$theirs']"

as nobody create --scope read --bearer
is "a user need not name themselves" "$status" 0
mine=$(printf '%s\n' "$out" | head -n 1)
is "and the token is theirs, also to Bearer" \
	"$(printf '%s\n' "$out" | tail -n 1 | base64 -d)" "nobody:$mine"
run show "$(id_of "$mine")" --json
is "as the record says" "$(json 'd["user"]')" nobody
as nobody revoke "$(id_of "$mine")"
run create
is "an administrator must name somebody" "$status" 2

refused "a token for another" 1 '*name yourself only*' \
	create daemon --scope read
refused "a token without scope" 1 '*--scope*self_scopes*' create nobody
refused "a scope that is not allowed" 1 '*self_scopes*' \
	create nobody --scope read --scope write
refused "a longer life" 1 '*at most 30d*self_lifetime*' \
	create nobody --scope read --expires 31d
refused "a life without end" 1 '*at most 30d*' \
	create nobody --scope read --expires never
refused "another's list" 1 '*name yourself only*' list daemon
refused "another's token" 1 "*no token with the id $theirs*" show "$theirs"
refused "a token that is not there" 1 '*no token with the id AAAAAAAA*' \
	show AAAAAAAA
refused "the end of another's token" 1 "*no token with the id $theirs*" \
	revoke "$theirs"
refused "the end of all of another's tokens" 1 '*name yourself only*' \
	revoke --user daemon
mkdir "$SCRATCH/stolen"
chown nobody "$SCRATCH/stolen"
for command in stats export "purge --dead-for 0" "backup $SCRATCH/stolen"; do
	# shellcheck disable=SC2086
	refused "$command" 1 '*not an administrator*' $command
done
is "and writes nothing" "$(ls -A "$SCRATCH/stolen")" ""
run show "$theirs" --json
is "the other's token lives" "$(json 'd["state"]')" live

for _ in 1 2 3; do
	as nobody create nobody --scope report
done
refused "more than max_per_user" 1 '*max_per_user*' create nobody --scope read
as nobody revoke "$id"
is "a user ends an own token" "$status" 0
run_with "$own" test nobody
is "at once" "$out" "denied: revoked"
as nobody revoke --user nobody
is "or all of them" "$status:$(printf '%s\n' "$out" | wc -l)" "0:3"
run list --json
is "the other's stays" "$(json '[t["id"] for t in d]')" "['$theirs']"
as nobody create nobody --name "$(printf 'a\001')" --scope read
is "bad text is refused" "$status" 2

# --- Children, groups and pauses ------------------------------------------------

as nobody create --scope read --expires 2h --name parent
parent=$(id_of "$out")
as nobody create --parent "$parent" --scope read --json
is "a user makes a child of an own token" \
	"$status:$(json '(d["user"], d["scopes"], d["parent"])')" \
	"0:('nobody', ['read'], '$parent')"
refused "a child of another's token" 1 "*no token *the id $theirs*" \
	create --parent "$theirs" --scope read
refused "a child with another scope" 1 '*scope*' \
	create --parent "$parent" --scope report
refused "a token for a group" 1 '*you are not in the group*' \
	create --scope read --owner-group ops
run create daemon --owner-group ops --name shared
shared=$(id_of "$out")
refused "a token of a group, to others," 1 "*no token *the id $shared*" \
	disable "$shared"
run user groups nobody ops
as nobody list --owner ops --json
is "a member sees what the group owns" "$(json '[(t["id"], t["user"]) for t in d]')" \
	"[('$shared', 'daemon')]"
as nobody disable "$shared"
is "and pauses it" "$status:$out" "0:disabled $shared daemon shared"
as nobody enable "$shared"
is "and ends that" "$status:$out" "0:enabled $shared daemon shared"
as nobody disable --user nobody
is "disable --user has the user's own alone" \
	"$status:$(printf '%s\n' "$out" | grep -c "$shared"):$(printf '%s\n' "$out" |
		grep -c "^disabled ")" "0:0:2"
as nobody enable --user nobody
is "enable --user, too" "$status:$(printf '%s\n' "$out" | wc -l)" "0:2"
run disable "$parent"
refused "the end of a pause that an administrator began" 1 '*administrator*' \
	enable "$parent"
run user groups nobody --none
refused "what a group owns that the user has left" 1 "*no token *the id $shared*" \
	revoke "$shared"
refused "the policy" 1 '*not an administrator*' policy check --summary
run revoke --user nobody
run revoke "$shared"

# --- Crowds -------------------------------------------------------------------

# SOCKET USER COUNT END HELD: connections of USER that say nothing, until END is
# closed. HELD gets what the last one receives: nothing, for it is refused.
cat >"$SCRATCH/hold.py" <<'PYTHON'
import os, pwd, socket, sys
os.seteuid(pwd.getpwnam(sys.argv[2]).pw_uid)
held = []
for _ in range(int(sys.argv[3])):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.connect(sys.argv[1])
    held.append(client)
os.seteuid(0)
client.settimeout(10)
with open(sys.argv[5], "w") as file:
    file.write(str(len(client.recv(16))))
with open(sys.argv[4]) as end:
    end.read()
PYTHON
mkfifo "$SCRATCH/end"
start hold python3 "$SCRATCH/hold.py" "$HOME_DIR/run/admin.sock" nobody 5 \
	"$SCRATCH/end" "$SCRATCH/held"
exec 9>"$SCRATCH/end"
wait_for 60 test -s "$SCRATCH/held"
is "a user has a few connections at a time" "$(cat "$SCRATCH/held")" 0
as nobody list
is "then no more" "$status" 3
as daemon list
is "which does not keep another out" "$status" 0
exits "nor the administrator" 0 list
exec 9>&-
stop hold
stop patd

done_testing
