#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Exim with the files of examples/exim that ask PAM, in Debian's own configuration,
# whole and split.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/clients.sh
. "$JP_SOURCE/tests/lib/clients.sh"
# shellcheck source=tests/doors/lib.sh
. "$JP_SOURCE/tests/doors/lib.sh"
# shellcheck source=tests/doors/exim_lib.sh
. "$JP_SOURCE/tests/doors/exim_lib.sh"

door_needs swaks
door_make
exim_make
door_recipe exim "Set up" -e "s|^update-exim4.conf|& -o $SERVERS/exim.conf|"

exim_start "a whole file"

door_try_it exim try_plain
door_check exim door-address
token_proofs "Exim, PLAIN" try_plain 535 435
token_proofs "Exim, LOGIN" try_login 535 435
ok "patd was asked by Exim's own user, without an address" \
	door_said 'accepted.*peer=983 service="exim" rhost=""'
door_sso Exim try_plain in
door_networks Exim try_plain 535 exim none
door_case Exim try_plain in
door_longest Exim try_plain exim 1000 1001

# A colon ends an item of the list that Exim gives to PAM.
new alice
door_arrives try_plain alice exim 10
is "ten bytes arrive" "$arrived" 10
token_try try_plain "alice:$token" x
is "a name with a token in it does not get in" "$outcome" 535
ok "and is a name for patd, without what is secret in it" \
	door_said 'denied.*user="alice:jpat_'"$id"'_\*\*\*"'

token_try try_plain "<;alice;$token" x
is "nor does one that chooses what ends an item" "$outcome" 535
token_try try_plain " alice" "$token"
is "nor does one that Exim would cut spaces off, PLAIN" "$outcome" 535
token_try try_login "alice " "$token"
is "and LOGIN" "$outcome" 535
tokens_made=${tokens_made%"$token"} # Exim logs names

stop exim
exim_layout true
exim_start "split files"
token_try try_plain alice "$token"
is "in split files: the right token gets in" "$outcome" in
token_try try_login alice "$(spoilt "$token")"
is "in split files: a wrong one does not" "$outcome" 535
door_end exim
