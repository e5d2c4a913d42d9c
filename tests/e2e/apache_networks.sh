#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# Tokens that are bound to networks, through a real Apache behind a load
# balancer (mod_remoteip), and through PAM without any address.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"

ME=/rest/api/2/myself
BALANCER=127.0.0.2
STRANGER=127.0.0.3

missing=$(world_missing)
[ -e "$WORLD_MODULES/mod_remoteip.so" ] || missing="$missing mod_remoteip"
[ -z "$missing" ] || skip_all "missing here: $(echo "$missing" | tr '\n' ' ')"

scratch
world_make >"$SCRATCH/log/init.log" 2>&1 ||
	bail "no store: $(cat "$SCRATCH/log/init.log")"
world_patd || bail "patd does not start: $(cat "$SCRATCH/log/patd.log")"
world_backend || bail "the backend does not start"
# As examples/apache/README.md has it.
WORLD_APACHE_MODULES=remoteip
WORLD_APACHE_LINES="$(sed -n 's/^    \(RemoteIP.*\)/\1/p' \
	"$JP_SOURCE/examples/apache/README.md" |
	sed "s/192\.0\.2\.1$/$BALANCER/")"
like "examples/apache/README.md tells how to trust a load balancer" \
	"$WORLD_APACHE_LINES" "*RemoteIPHeader*RemoteIP*Proxy $BALANCER*"
world_apache || bail "Apache does not start: $(cat "$SCRATCH"/log/apache*)"

# new USER [ARGUMENT...]: makes a token; sets $token and $auth.
new() {
	token=$(pat_admin create "$@" 2>>"$SCRATCH/log/pat-admin.log") ||
		bail "pat-admin create $*: $(tail -n 3 "$SCRATCH/log/pat-admin.log")"
	auth=$(basic "$1" "$token")
}

# from PEER X-FORWARDED-FOR...: the status of a request of $auth for each.
from() {
	from_peer=$1
	shift
	for from_header in "$@"; do
		http $ME "$auth" --interface "$from_peer" \
			-H "X-Forwarded-For: $from_header"
		printf '%s ' "$status"
	done
}

# --- Through the load balancer -------------------------------------------------------

new many --from 192.0.2.0/24 --from 198.51.100.7 --from 2001:db8:1::/48
is "each of several networks is let in" "$(from $BALANCER 192.0.2.0 \
	192.0.2.255 198.51.100.7 2001:db8:1::1 \
	2001:DB8:1:ffff:ffff:ffff:ffff:ffff)" "200 200 200 200 200 "
is "what is beside them is not" "$(from $BALANCER 192.0.1.255 192.0.3.0 \
	198.51.100.6 198.51.100.8 2001:db8:2:: 2001:db8::1)" \
	"403 403 403 403 403 403 "
is "an IPv4 address in IPv6 is that IPv4 address" \
	"$(from $BALANCER ::ffff:192.0.2.9 ::ffff:192.0.3.9)" "200 403 "
is "the hop before the load balancer counts, not what it was told" \
	"$(from $BALANCER '203.0.113.5, 192.0.2.9' '192.0.2.9, 203.0.113.5')" \
	"200 403 "
is "no address where one should be: 403" \
	"$(from $BALANCER '' garbage 192.0.2 192.0.2.9.example.org)" \
	"403 403 403 403 "
http $ME "$auth" --interface $BALANCER
is "no X-Forwarded-For: the load balancer's own address is none of them" \
	"$status" 403

new mapped --from ::ffff:192.0.2.0/120
is "a network of IPv4 in IPv6 is that IPv4 network" \
	"$(from $BALANCER 192.0.2.9 192.0.3.9)" "200 403 "
new six --from 2001:db8::/32
is "an IPv6 network lets no IPv4 in" "$(from $BALANCER 2001:db8::9 192.0.2.9)" \
	"200 403 "
new four --from 0.0.0.0/0
is "all of IPv4 is not all of IPv6" "$(from $BALANCER 203.0.113.5 2001:db8::9)" \
	"200 403 "

# --- Around it -------------------------------------------------------------------------

new many --from 192.0.2.0/24 --from 2001:db8::/32
is "a stranger's X-Forwarded-For does not help" \
	"$(from $STRANGER 192.0.2.9 "192.0.2.9, $BALANCER" "$BALANCER" \
		2001:db8::9)" "403 403 403 403 "
for header in X-Real-IP Forwarded Client-IP True-Client-IP CF-Connecting-IP \
	X-Client-IP X-Remote-IP; do
	http $ME "$auth" --interface $BALANCER -H "$header: 192.0.2.9"
	is "$header does not help" "$status" 403
done
new stranger --from $STRANGER
is "a stranger comes from where it comes, whatever it claims" \
	"$(from $STRANGER 192.0.2.9 203.0.113.5)" "200 200 "
new balancer --from $BALANCER
is "behind the load balancer nobody comes from it" \
	"$(from $BALANCER 192.0.2.9)" "403 "
new anywhere
is "a token without networks comes from anywhere" \
	"$(from $BALANCER 203.0.113.5 2001:db8::9 '')$(from $STRANGER '')" \
	"200 200 200 200 "

# --- Without an address ------------------------------------------------------------------

new many --from 192.0.2.0/24

# says [ADDRESS]: what pat-admin test says.
says() {
	printf '%s\n' "$token" | pat_admin test many ${1:+--from "$1"} \
		2>>"$SCRATCH/log/pat-admin.log"
}
is "pat-admin test: no address is denied, as a wrong one is" \
	"$(says) $(says 192.0.3.1) $(says 192.0.2.1)" \
	"denied: address denied: address accepted"

# pam [ARGUMENT...]: 0 if a PAM application that sets no address lets it in.
pam() {
	printf '%s\n' "$token" | env LD_PRELOAD="$WORLD/lib/pam_confdir.so" \
		JP_PAM_CONFDIR="$WORLD/pam.d" pamtester "$@" jira-pat many \
		authenticate >>"$SCRATCH/log/pamtester.log" 2>&1
	echo $?
}
if command -v pamtester >/dev/null 2>&1; then
	is "PAM with an address: as with Apache" \
		"$(pam -I rhost=192.0.2.1) $(pam -I rhost=::ffff:192.0.2.1) $(
			pam -I rhost=192.0.3.1)" "0 0 1"
	is "PAM without an address: denied" "$(pam)" 1
	is "PAM with a name in place of an address: denied" \
		"$(pam -I rhost=localhost) $(pam -I rhost=192.0.2.1.example.org)" \
		"1 1"
	new many
	is "PAM without an address: a token without networks is let in" \
		"$(pam)" 0
else
	skip "PAM without an address: denied" "pamtester is missing"
fi
done_testing
