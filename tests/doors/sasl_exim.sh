#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Exim with the files of examples/exim-sasl: its driver cyrus_sasl, and ${if saslauthd}.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/clients.sh
. "$JP_SOURCE/tests/lib/clients.sh"
# shellcheck source=tests/doors/sasl_lib.sh
. "$JP_SOURCE/tests/doors/sasl_lib.sh"
# shellcheck source=tests/doors/exim_lib.sh
. "$JP_SOURCE/tests/doors/exim_lib.sh"

sasl_needs swaks
sasl_make
exim_make
cp "$DOOR/etc/exim4/exim4.conf.template" "$SCRATCH/template"
door_recipe exim-sasl "Set up" -e "s|^update-exim4.conf|& -o $SERVERS/exim.conf|"
exim_start cyrus_sasl
door_try_it exim-sasl try_plain
token_proofs "Exim, cyrus_sasl, PLAIN" try_plain 535 435
token_proofs "Exim, cyrus_sasl, LOGIN" try_login 535 435
door_networks "Exim, cyrus_sasl" try_plain 535 smtp
ok "patd was asked by Exim's own user" \
	door_said 'accepted.*front=sasl peer=983 service="smtp"'

stop exim
cp "$SCRATCH/template" "$DOOR/etc/exim4/exim4.conf.template"
door_recipe exim-sasl "Set up with saslauthd" \
	-e "s|^update-exim4.conf|& -o $SERVERS/exim.conf|"
exim_start saslauthd
token_proofs "Exim, saslauthd, PLAIN" try_plain 535 435
token_proofs "Exim, saslauthd, LOGIN" try_login 535 435
door_networks "Exim, saslauthd" try_plain 535 smtp none
ok "patd was asked in the place of saslauthd" \
	door_said 'accepted.*front=mux peer=983 service="smtp"'

# Braces are Exim's, and a token's owner may have others in their name.
new 'a}b{c'
token_try try_plain 'a}b{c' "$token"
is "braces in a name are its own" "$outcome" in
door_end exim
