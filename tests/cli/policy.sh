#!/bin/sh
# pat-admin policy: on the store itself and through patd, the same checks twice.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

# policy LINE...: today's policy.
policy() {
	cli_conf "$HOME_DIR" "$@" >"$CONF"
}

# make ARGUMENT...: a token of $user; prints its id.
make() {
	run create "$user" "$@"
	id_of "$out"
}

all_checks() {
	user=$1
	W="[$2]"
	nameless=$(make --expires 20d)
	long=$(make --name long --expires 300d)
	good=$(make --name good --expires 20d)
	policy 'name_required = yes' 'max_lifetime = 100d' \
		'default_lifetime = 90d' 'max_per_user = 2'
	[ "$3" = 0 ] || { stop patd && cli_patd; }
	exits "$W policy check: exit status 1" 1 policy check
	is "$W it shows what breaks the policy, and what would be done" \
		"$(printf '%s\n' "$out" | sort)" "revoke $nameless $user -: name_required
shorten $long $user long: max_lifetime"
	exits "$W policy check --summary: exit status 1" 1 policy check --summary
	is "$W it shows how many break which setting" \
		"$(printf '%s\n' "$out" | sort)" "revoke 1: name_required
shorten 1: max_lifetime"
	like "$W and how many there are" "$err" "*2 tokens break the policy*"
	run policy apply --dry-run --summary --json
	is "$W --summary --json has all settings" "$status:$(json '(len(d["breaks"]),
{k: v for k, v in d["breaks"].items() if v}, d["live"])')" \
		"1:(4, {'name_required': 1, 'max_lifetime': 1}, 3)"
	exits "$W policy apply --dry-run: the same" 1 policy apply --dry-run
	run show "$nameless" --json
	is "$W and nothing is changed" "$(json 'd["state"]')" live
	exits "$W policy apply" 0 policy apply --json
	is "$W it prints an object for each token" \
		"$(printf '%s\n' "$out" | python3 -c 'import json, sys
print(sorted((d["breaks"], d["act"], d["changed"])
             for d in map(json.loads, sys.stdin)))')" \
		"[('max_lifetime', 'shorten', True), ('name_required', 'revoke', True)]"
	run show "$nameless" --json
	is "$W what cannot be mended is revoked" \
		"$(json 'd["state"], d["revoked_why"]')" \
		"('revoked', 'it breaks the policy')"
	run show "$good" --json
	is "$W what keeps to it stays" "$(json 'd["state"]')" live
	exits "$W then there is nothing to do" 0 policy check
	exits "$W nor to count" 0 policy check --summary
	is "$W and nothing is printed" "$out" ""

	policy 'name_required = yes' 'max_per_user = 1'
	[ "$3" = 0 ] || { stop patd && cli_patd; }
	run policy check
	like "$W one token too many is found" "$out" "revoke * $user *: max_per_user"
	run policy apply
	run list "$user" --json
	is "$W so many as are allowed are left" "$(json 'len(d)')" 1
	run revoke --user "$user"
	policy 'name_required = no'
	[ "$3" = 0 ] || { stop patd && cli_patd; }
}

cli_make 'name_required = no'
run init
all_checks alice "no patd" 0
if [ -x "$PATD" ]; then
	cli_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
	all_checks bob "patd" 1
	stop patd
else
	skip "the same through patd" "patd is not built"
fi
exits "policy without a word" 2 policy
exits "policy with another word" 2 policy mend
done_testing
