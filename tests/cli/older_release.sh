#!/bin/sh
# A backup of a store that Debian 12's Berkeley DB 5.3.28 wrote opens on every release
# on which jira-pat is built. backup-debian12.tar.xz was made there by
#
#     create alice --name laptop --expires never
#     create alice --name lost --expires never; revoke it
#     create bob --name build --expires never --from 192.0.2.0/24
#         --service narrow --scope write
#     create carol --name gone --expires never
#     user disable carol --note left; user groups bob staff
#     backup backup-debian12

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/cli/lib.sh
. "$JP_SOURCE/tests/cli/lib.sh"

command -v xz >/dev/null || skip_all "xz is missing"
cli_make 'max_per_user = 0' 'max_lifetime = never'
tar -C "$SCRATCH" -xJf "$JP_SOURCE/tests/cli/backup-debian12.tar.xz" ||
	bail "no backup"

laptop=jpat_hjro9vUB_TQ1SyyYbIEyLMs5DU0mzNvlJ9CVyzU4c2reU
lost=jpat_0tGvU2ne_0sBt4koUtBIygE83bOIkR3TBh8A02I0gMTdL
build=jpat_YVz1hX2F_Ree05NUG8Aso4bmA7bLQMVPbshNgB1338gvB
gone=jpat_F6P7sdYt_cjttPpUjQD37kwKCQws05JduYpOkZn3kKnNg

# answer TOKEN USER ARGUMENT...: what `test` says.
answer() {
	token=$1
	shift
	run_with "$token" test "$@"
	printf '%s\n' "$out"
}

# proofs WHERE: what the tokens of the backup may do.
proofs() {
	is "[$1] a live token is accepted" "$(answer "$laptop" alice)" accepted
	is "[$1] for its own user alone" "$(answer "$laptop" bob)" \
		"denied: wrong-user"
	is "[$1] what was revoked is" "$(answer "$lost" alice)" "denied: revoked"
	is "[$1] the token of a disabled user is not accepted" \
		"$(answer "$gone" carol)" "denied: user-disabled"
	is "[$1] networks still hold" "$(
		answer "$build" bob --service narrow --from 192.0.2.7
		answer "$build" bob --service narrow --from 198.51.100.7)" \
		"accepted
denied: address"
}

exits "the backup is restored" 0 restore "$SCRATCH/backup-debian12"
is "with all of its tokens" "$(run list --all --json
	json '"\n".join(sorted(" ".join([t["user"], t["name"], t["state"],
	    *t["services"], *t["scopes"], *t["networks"]]) for t in d))')" \
	"alice laptop live
alice lost revoked
bob build live narrow write 192.0.2.0/24
carol gone paused"
is "and its users" "$(run user list --json
	json '"\n".join(" ".join([u["user"], str(u["active"]), u["note"],
	    *u["groups"]]) for u in d)')" "bob True  staff
carol False left"
proofs "without patd"
cli_patd
proofs "with patd"

run create alice --name new
new=$(printf '%s\n' "$out" | head -n 1)
is "what is made here is accepted" "$(answer "$new" alice)" accepted
run revoke "$(id_of "$laptop")"
is "and what is revoked here is denied" "$(answer "$laptop" alice)" \
	"denied: revoked"
stop patd
done_testing
