#!/bin/sh
# pat-admin user: on the store itself and through patd, the same checks twice.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'name_required = no'

# said SENTENCE TOKEN ANSWER: what `test` says of a token of $user.
said() {
	run_with "$2" test "$user"
	is "$1" "$out" "$3"
}

all_checks() {
	user=$1
	W="[$2]"
	run create "$user"
	token=$out
	said "$W a user exists by being named" "$token" accepted
	exits "$W user disable" 0 user disable "$user" --note 'has left'
	is "$W user disable says so, and how many tokens it hit" "$out" \
		"disabled $user: live tokens 1, groups -"
	said "$W every token of a disabled user is out" "$token" \
		"denied: user-disabled"
	run_with "$token" test "$user" --json
	is "$W test --json gives the reason" "$(json 'd["reason"]')" \
		user-disabled
	run create "$user"
	said "$W a new token of it is out, too" "$out" "denied: user-disabled"
	exits "$W user disable: again" 0 user disable "$user"
	like "$W user disable: again is told" "$out" "already disabled $user:*"
	exits "$W user enable" 0 user enable "$user"
	said "$W an enabled user's tokens work again" "$token" accepted

	exits "$W user groups" 0 user groups "$user" developers ops --json
	is_json "$W user groups --json prints JSON"
	is "$W user groups sets them" \
		"$(json 'd["groups"], d["changed"], d["note"]')" \
		"(['developers', 'ops'], True, 'has left')"
	exits "$W user show" 0 user show "$user"
	like "$W user show has the fields" "$out" \
		"user *$user*state *active*live-tokens *2*group *developers*note *has left*"
	exits "$W user groups --none" 0 user groups "$user" --none
	run user show "$user" --json
	is "$W user groups --none leaves none" "$(json 'd["groups"]')" "[]"
	exits "$W user disable: several" 0 user disable "$user" "$user-x"
	run user list --json
	is_json "$W user list --json prints JSON"
	is "$W user list has those of whom something is recorded" \
		"$(json '[u["user"] for u in d if u["user"].startswith("'"$user"'")]')" \
		"['$user', '$user-x']"
	run user list --disabled
	like "$W user list --disabled" "$out" \
		"USER *STATE *TOKENS*$user *disabled *2 *$user-x *disabled *0 *"
	run user enable "$user"
	run user list --disabled --json
	is "$W user list --disabled leaves out the others" \
		"$(json '"'"$user"'" in [u["user"] for u in d]')" False
	exits "$W user enable: a bad name changes nothing" 2 \
		user disable "$user" 'a:b'
	said "$W so the one before it is still active" "$token" accepted
	run user enable "$user-x"
}

exits "user list without a store: exit status 3" 3 user list
run init
exits "an empty list" 0 user list --json
is "an empty list is an empty array" "$out" "[]"

all_checks alice "no patd"
if [ -x "$PATD" ]; then
	cli_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
	all_checks bob "patd"
	stop patd
else
	skip "the same through patd" "patd is not built"
fi

# wrong PATTERN ARGUMENT...
wrong() {
	wrong_pattern=$1
	shift
	run "$@"
	is "pat-admin $*: exit status 2" "$status:$out" "2:"
	like "pat-admin $*: tells what and what to do" "$err" "$wrong_pattern"
}

wrong '*an argument is missing*' user
wrong '*expected list, show, disable, enable, protect, unprotect or groups*' user remove bob
wrong '*disable: name a user*' user disable
wrong '*list takes no user*' user list bob
wrong '*--none*' user groups bob
wrong '*--none*' user groups bob ops --none
wrong '*--none*' user show bob --none
wrong '*--note*' user show bob --note x
wrong '*--disabled*' user show bob --disabled
wrong '*blanks at its ends*' user groups bob 'a '
wrong '*a user has at most 32 groups*' user groups bob \
	a b c d e f g h i j k l m n o p q r s t u v w x y z 1 2 3 4 5 6 7
done_testing
