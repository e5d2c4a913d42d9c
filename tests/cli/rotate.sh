#!/bin/sh
# pat-admin rotate: on the store itself and through patd, the same checks twice.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

cli_make 'name_required = no' 'max_per_user = 2'

# said SENTENCE TOKEN ANSWER: what `test` says of a token of $user.
said() {
	run_with "$2" test "$user" --service narrow
	is "$1" "$out" "$3"
}

all_checks() {
	user=$1
	W="[$2]"
	run create "$user" --name ci --scope write --expires 30d
	first=$out
	id=$(id_of "$first")
	exits "$W rotate" 0 rotate "$id"
	second=$out
	like "$W rotate prints the token alone" "$second" \
		'jpat_????????_????????????????????????????????????'
	like "$W rotate tells people when the old one ends" "$err" \
		"*$(id_of "$second")*only this once*$id ends at 20*first used*"
	said "$W the new token has the rights" "$second" accepted
	said "$W the old one lives in its grace" "$first" accepted
	run show "$id"
	like "$W show tells of the rotation" "$out" "*superseded *grace-until *"
	run show "$(id_of "$second")" --json
	is "$W the new one is of the family and ends the old one" \
		"$(json 'd["family"], d["ends"], d["scopes"], d["name"]')" \
		"('$id', '$id', ['write'], 'ci')"
	exits "$W a rotated token is not rotated again" 1 rotate "$id"
	like "$W and it says what to do" "$err" "*rotate its successor*"

	exits "$W rotate by the token's text, without grace" 0 \
		rotate "$second" --grace 0 --json --bearer --expires 7d
	is_json "$W rotate --json prints JSON"
	third=$(json 'd["token"]')
	is "$W rotate --json has all fields" "$(json 'sorted(d)')" \
		"['bearer', 'created_at', 'expires_at', 'grace_until', 'id', 'keep_until_grace', 'name', 'networks', 'number', 'owner_group', 'parent', 'rotated', 'scopes', 'services', 'token', 'user', 'uses_max']"
	said "$W with --grace 0 the old one ends at once" "$second" \
		"denied: superseded"
	exits "$W rotate --keep-until-grace" 0 \
		rotate "$(id_of "$third")" --keep-until-grace --grace 1h
	case $err in
	*'first used'*) fail "$W --keep-until-grace: no word of a first use" ;;
	*) pass "$W --keep-until-grace: no word of a first use" ;;
	esac
	run revoke --user "$user"
	exits "$W a revoked token is not rotated" 1 rotate "$(id_of "$third")"
	run create "$user" --expires 2h
	run rotate "$(id_of "$out")" --grace 100d
	run list "$user" --json
	is "$W a grace beyond the expiry: the old one ends with that" "$(json '[
		t["state_text"] == "replaced until " + t["expires_at"]
		for t in d if t["grace_until"] and t["grace_until"] > t["expires_at"]
	]')" "[True]"
	run revoke --user "$user"
	"$PAT_ADMIN" --config "$CONF" create "$user" >"$SCRATCH/out" \
		2>>"$ERRORS"
	"$PAT_ADMIN" --config "$CONF" rotate "$(id_of "$(cat "$SCRATCH/out")")" \
		>/dev/full 2>"$SCRATCH/err"
	is "$W rotate with a full disk for its output: exit status 3" $? 3
	like "$W and it says that the new one is revoked again" \
		"$(cat "$SCRATCH/err")" "*revoked again*"
}

run init
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

wrong '*an argument is missing*' rotate
wrong '*neither an id*' rotate xyz
wrong '*--grace: expected a duration*' rotate AAAAAAAA --grace soon
wrong '*--grace: expected a duration*' rotate AAAAAAAA --grace never
wrong '*--expires: expected*' rotate AAAAAAAA --expires x
done_testing
