#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# sshd with the files of examples/sshd: a token in place of the password, of users
# with a line in passwd.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/lib.sh
. "$JP_SOURCE/tests/doors/lib.sh"

door_needs /usr/sbin/sshd ssh ssh-keygen openssl usermod
door_make
mkdir "$DOOR/run/sshd"
door_recipe sshd
# shellcheck disable=SC2046
door_check sshd door-local $([ -e /usr/lib/openssh/sshd-session ] &&
	echo sshd-penalties)
for key in host key; do
	ssh-keygen -q -t ed25519 -N '' -f "$DOOR/$key" || bail "no key"
done

sshd_once() {
	door_start sshd /usr/sbin/sshd -D -e -o Port="$server_port" \
		-o ListenAddress=127.0.0.1 -o HostKey="$DOOR/host" \
		-o PidFile=none -o StrictModes=no ${ssh_more:+-o "$ssh_more"}
}

# Debian 13's locks out whoever fails often, and this test does.
ssh_more=$(/usr/sbin/sshd -T 2>/dev/null | grep -q persourcepenalties &&
	echo PerSourcePenaltyExemptList=127.0.0.0/8)
server_try sshd sshd_once ||
	bail "sshd does not start: $(tail -n 20 "$SCRATCH/log/sshd.log")"

# try_ssh METHOD USER FILE
try_ssh() {
	# shellcheck disable=SC2016
	printf '#!/bin/sh\ncat "%s"\n' "$3" >"$DOOR/askpass"
	chmod 755 "$DOOR/askpass"
	ssh_said=$(SSH_ASKPASS=$DOOR/askpass SSH_ASKPASS_REQUIRE=force \
		timeout 120 ssh -F none -p "$server_port" -l "$2" \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-o PreferredAuthentications="$1" -o NumberOfPasswordPrompts=1 \
		127.0.0.1 'echo in' </dev/null)
	echo "${ssh_said:-out}"
}

try_password() {
	try_ssh password "$@"
}

try_dialogue() {
	try_ssh keyboard-interactive "$@"
}

try_key() {
	timeout 120 ssh -F none -p "$server_port" -l "$1" -i "$DOOR/key" \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-o PreferredAuthentications=publickey \
		127.0.0.1 'echo in' </dev/null || echo out
}

door_try_it sshd try_password
token_proofs "sshd, password" try_password out in
token_proofs "sshd, dialogue" try_dialogue out in
door_networks sshd try_password out sshd
door_case sshd try_password in
# The client sends no more.
door_longest "sshd, password" try_password sshd 1023 1023
door_refusing sshd try_password out jira-pat

door_sso sshd try_password out
ok "and patd's log says why" door_said 'denied: reason=shape.*user="sso.user" (sshd replaced the password: the user has no passwd line'
door_sso "sshd, dialogue" try_dialogue out

# jira-pat-or-password instead of jira-pat.
inside usermod -p "$(openssl passwd -6 'correct horse')" alice
token_try try_password alice 'correct horse'
is "with jira-pat, the password does not get in" "$outcome" out
door_service jira-pat-or-password pam.d/jira-pat-or-password
sed -i 's/include jira-pat$/&-or-password/' "$DOOR/etc/pam.d/sshd"
token_try try_password alice 'correct horse'
is "with jira-pat-or-password, it does" "$outcome" in
new alice
token_try try_password alice "$token"
is "and so does a token" "$outcome" in
revoke "$id"
token_try try_password alice "$token"
is "until it is revoked" "$outcome" out
token_try try_password alice 'wrong horse'
is "a wrong password does not" "$outcome" out

is "a public key that is not the user's does not get in" \
	"$(try_key alice 2>>"$SCRATCH/log/client.log")" out
mkdir "$DOOR/home/alice/.ssh"
cp "$DOOR/key.pub" "$DOOR/home/alice/.ssh/authorized_keys"
is "the user's does, without a token" \
	"$(try_key alice 2>>"$SCRATCH/log/client.log")" in

# `account include jira-pat`, with account=user: no key without a token.
sed -i 's/^@include common-account$/account include jira-pat/' \
	"$DOOR/etc/pam.d/sshd"
sed -i 's/^account .*/& account=user/' "$DOOR/etc/pam.d/jira-pat"
is "with account=user: the key of a user who has a token gets in" \
	"$(try_key alice 2>>"$SCRATCH/log/client.log")" in
pat_admin revoke --user alice >>"$SCRATCH/log/pat-admin.log" 2>&1
is "with account=user: when all of them are revoked, it does not" \
	"$(try_key alice 2>>"$SCRATCH/log/client.log")" out
door_end sshd
