#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Account management without a token, account=user: a real Apache that knows its
# users from elsewhere and says `Require pam-account`, and pamtester.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"

missing=$(world_missing)
command -v pamtester >/dev/null 2>&1 || missing="$missing pamtester"
[ -e "$WORLD_MODULES/mod_authn_file.so" ] || missing="$missing mod_authn_file"
[ -z "$missing" ] || skip_all "missing here: $(echo "$missing" | tr '\n' ' ')"

# In place of the example: the users' passwords are in a file.
# shellcheck disable=SC2034
WORLD_APACHE_MODULES=authn_file
world_apache_site() {
	cat <<-EOF
		<Location />
		AuthType Basic
		AuthName x
		AuthBasicProvider file
		AuthUserFile $WORLD/web/passwords
		</Location>
		<Location /token>
		Require pam-account jira-pat
		</Location>
		<Location /user>
		Require pam-account jira-pat-user
		</Location>
	EOF
}

scratch
world_make >"$SCRATCH/log/init.log" 2>&1 ||
	bail "no store: $(cat "$SCRATCH/log/init.log")"
world_pam jira-pat-user jira-pat
sed -i '/^account/s/$/ account=user/' "$WORLD/pam.d/jira-pat-user"
world_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
for user in alice bob; do
	echo "$user:$(python3 -c 'import base64, hashlib
print("{SHA}" + base64.b64encode(hashlib.sha1(b"hunter2").digest()).decode())')"
done >"$WORLD/web/passwords"
echo page >"$WORLD/web/token"
echo page >"$WORLD/web/user"
world_apache || bail "Apache does not start: $(cat "$SCRATCH"/log/apache*)"

# sees USER: the statuses that the user gets at /token and /user.
sees() {
	http /token "$(basic "$1" hunter2)"
	printf '%s ' "$status"
	http /user "$(basic "$1" hunter2)"
	printf '%s' "$status"
}

# may USER: what account management alone says, without an address.
may() {
	env LD_PRELOAD="$WORLD/lib/pam_confdir.so" \
		JP_PAM_CONFDIR="$WORLD/pam.d" pamtester jira-pat-user "$1" \
		acct_mgmt >>"$SCRATCH/log/pamtester.log" 2>&1 && echo yes || echo no
}

is "nobody may who has no token" "$(sees alice) $(may alice)" "401 401 no"
token=$(pat_admin create alice 2>>"$SCRATCH/log/admin.log")
is "who has one may, with account=user alone" \
	"$(sees alice) $(sees bob) $(may alice) $(may bob)" \
	"401 200 401 401 yes no"
http /user "$(basic alice "$token")"
is "the token is no password there" "$status" 401
pat_admin user disable alice >>"$SCRATCH/log/admin.log" 2>&1
is "a disabled user may not" "$(sees alice) $(may alice)" "401 401 no"
pat_admin user enable alice >>"$SCRATCH/log/admin.log" 2>&1
is "and may again" "$(sees alice) $(may alice)" "401 200 yes"
pat_admin revoke --user alice >>"$SCRATCH/log/admin.log" 2>&1
is "who has revoked ones only may not" "$(sees alice) $(may alice)" "401 401 no"
pat_admin create alice --from 127.0.0.0/8 >"$SCRATCH/token" 2>>"$SCRATCH/log/admin.log"
is "a token with networks counts where the address is known" \
	"$(sees alice) $(may alice)" "401 200 no"
stop patd
is "without patd nobody may" "$(sees alice) $(may alice)" "401 401 no"
done_testing
