# shellcheck shell=sh
# Tokens for the tests of real servers, and the proofs that each of these has to
# pass, whichever way it asks patd.
#
# Needs tests/lib/tap.sh, and of its user two functions: pat_admin ARGUMENT...,
# and patd_again, which starts patd after `stop patd`.

tokens_made=

# new USER [ARGUMENT...]: makes a token and sets $token and $id.
new() {
	token=$(pat_admin create "$@" 2>>"$SCRATCH/log/pat-admin.log") ||
		bail "pat-admin create $*: $(tail -n 3 "$SCRATCH/log/pat-admin.log")"
	id=${token#*_}
	id=${id%%_*}
	tokens_made="$tokens_made $token"
}

# spoilt TOKEN: prints it with another last character.
spoilt() {
	case $1 in
	*x) echo "${1%?}y" ;;
	*) echo "${1%?}x" ;;
	esac
}

# revoke ID
revoke() {
	pat_admin revoke "$1" >>"$SCRATCH/log/pat-admin.log" 2>&1
}

# token_try TRY USER TOKEN: runs TRY with the user and a file of the token. Sets
# $outcome to what it printed.
token_try() {
	token_file=$SCRATCH/secret
	(
		umask 077
		printf '%s' "$3" >"$token_file"
	)
	outcome=$("$1" "$2" "$token_file" 2>>"$SCRATCH/log/client.log")
	rm -f "$token_file"
}

# token_gets TRY TOKEN OUTCOME: what alice gets with it, for wait_for.
token_gets() {
	token_try "$1" alice "$2"
	[ "$outcome" = "$3" ]
}

# token_proofs WHAT TRY OUT DOWN: the proofs that every server has to pass. TRY
# is a function that logs in as $1 with the token in the file $2 and prints "in";
# or it prints OUT if the server says no, DOWN if patd is not running. Leaves
# tokens of both users in $token_alice and $token_bob.
token_proofs() {
	token_what=$1
	token_do=$2
	token_out=$3
	new alice
	token_alice=$token
	new bob
	# shellcheck disable=SC2034
	token_bob=$token
	token_try "$token_do" alice "$token_alice"
	is "$token_what: the right token gets in" "$outcome" in
	token_try "$token_do" alice "$token_alice"
	is "$token_what: and again" "$outcome" in
	token_try "$token_do" alice "$token_bob"
	is "$token_what: another user's token does not" "$outcome" "$token_out"
	token_try "$token_do" alice "$(spoilt "$token_alice")"
	is "$token_what: a wrong token does not" "$outcome" "$token_out"
	token_try "$token_do" alice hunter2
	is "$token_what: nor does a password" "$outcome" "$token_out"
	token_proof_revoked
	new alice --expires 3s
	ok "$token_what: an expired one is out" \
		wait_for 60 token_gets "$token_do" "$token" "$token_out"
	ok "$token_what: patd saw it expire" wait_for 60 \
		grep -q "reason=expired id=$id" "$SCRATCH/log/patd.log"
	stop patd
	is "$token_what: patd ends with 0" $? 0
	token_try "$token_do" alice "$token_alice"
	is "$token_what: what happens without patd: $4" "$outcome" "$4"
	patd_again || bail "patd does not start again"
	token_try "$token_do" alice "$token_alice"
	is "$token_what: patd is back, and the token gets in" "$outcome" in
}

token_proof_revoked() {
	token_late=
	for token_round in 1 2 3; do
		new alice
		token_try "$token_do" alice "$token"
		token_before=$outcome
		revoke "$id"
		token_try "$token_do" alice "$token"
		[ "$token_before $outcome" = "in $token_out" ] ||
			token_late="$token_late $token_round: $token_before $outcome"
	done
	is "$token_what: a revoked one is out on the next try, 3 times" \
		"$token_late" ''
}

# tokens_end [NAME...]: stops these servers and patd, looks at what all have
# left, and ends the test.
tokens_end() {
	for token_name in "$@" patd; do
		stop "$token_name" || :
	done
	# shellcheck disable=SC2086
	printf '%s\n' $tokens_made | sed 's/^[^_]*_[^_]*_//; s/......$//' \
		>"$SCRATCH.patterns"
	# shellcheck disable=SC2034
	tap_cleanup="rm -f '$SCRATCH.patterns'; $tap_cleanup"
	is "no token is in any file of the servers" \
		"$(grep -r -l -a -F -f "$SCRATCH.patterns" "$SCRATCH")" ''
	is "nothing of it crashed" \
		"$(grep -l -i 'segmentation fault\|core dumped\|sanitizer' \
			"$SCRATCH"/log/*)" ''
	done_testing
}
