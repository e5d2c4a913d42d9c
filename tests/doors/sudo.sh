#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# sudo with the files of examples/sudo: a token in place of the password.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/lib.sh
. "$JP_SOURCE/tests/doors/lib.sh"

door_needs sudo visudo setpriv
door_make
door_recipe sudo
sed -i 's/^\(sudo:[^:]*:[^:]*:\).*/\1alice,bob/' "$DOOR/etc/group"

# as USER COMMAND...
as() {
	as_whom=$1
	shift
	inside setpriv --reuid="$as_whom" --regid="$as_whom" --init-groups "$@"
}

# try_sudo USER FILE
try_sudo() {
	as "$1" timeout 120 sudo -S -p '' echo in <"$2" || echo out
}

door_try_it sudo try_sudo
door_check sudo
token_proofs sudo try_sudo out in
ok "patd was asked by root, without an address" \
	door_said 'accepted.*peer=0 service="sudo" rhost=""'
door_networks sudo try_sudo out sudo none
try_root_shell() {
	as "$1" timeout 120 sudo -S -p '' -i echo in <"$2" || echo out
}

new alice --service sudo
token_try try_root_shell alice "$token"
is "sudo -i asks for another service" "$outcome" out
ok "which is sudo-i" door_said 'reason=service.*service="sudo-i"'
new alice --service sudo --service sudo-i
token_try try_root_shell alice "$token"
is "a token for both services gets in" "$outcome" in

# Who has no line in passwd does not exist, for either.
new sso.user
printf '%s' "$token" >"$SCRATCH/secret"
like "sudo knows nobody without a passwd line" \
	"$(inside setpriv --reuid=61004 --regid=61004 --clear-groups \
		sudo -S -p '' true 2>&1 <"$SCRATCH/secret")" "*passwd*"
like "nor does su" "$(as alice su sso.user -c true 2>&1 <"$SCRATCH/secret")" \
	"*sso.user*exist*"
rm "$SCRATCH/secret"
is "and PAM is not asked" "$(grep -c "user=\"sso.user\"" \
	"$SCRATCH/log/patd.log")" 0
door_longest sudo try_sudo sudo 511
door_refusing sudo try_sudo out jira-pat

# again: whether a second sudo of the same shell is let in, when the token with
# which the first one was is revoked. It may not ask.
again() {
	new alice
	printf '%s' "$token" >"$SCRATCH/secret"
	# shellcheck disable=SC2016
	as alice sh -c '
		sudo -S -p "" echo in || echo out
		until [ -e "$1" ]; do sleep 0.1; done
		sudo -n echo in || echo out' sh "$SCRATCH/revoked" \
		<"$SCRATCH/secret" >"$SCRATCH/answers" \
		2>>"$SCRATCH/log/client.log" &
	wait_for 60 test -s "$SCRATCH/answers"
	revoke "$id"
	: >"$SCRATCH/revoked"
	wait $!
	rm "$SCRATCH/revoked" "$SCRATCH/secret"
	tr '\n' ' ' <"$SCRATCH/answers"
}

is "a revoked token is out at once: the next sudo asks" "$(again)" "in out "
rm "$DOOR/etc/sudoers.d/jira-pat"
is "without the recipe's timestamp_timeout=0 it is not" "$(again)" "in in "
door_check sudo sudo-cache
# shellcheck disable=SC2119
door_end
