#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# FreeRADIUS's rlm_pam, with the files of examples/freeradius among those of Debian:
# a token in place of the password of PAP.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/lib.sh
. "$JP_SOURCE/tests/doors/lib.sh"

door_needs freeradius openssl radclient /usr/lib/freeradius/rlm_pam.so
door_make
door_certificate
own freerad "$DOOR/etc/ssl/private"
raddb=$DOOR/etc/freeradius/3.0
# Debian's own client at this address is moved out of the way.
sed -i 's/ipaddr = 127.0.0.1$/ipaddr = 192.0.2.77/' "$raddb/clients.conf"
sed -i "s|^logdir = .*|logdir = $SCRATCH/log|" "$raddb/radiusd.conf"
mkdir "$DOOR/run/freeradius" && own freerad "$DOOR/run/freeradius"
door_recipe freeradius
door_check freeradius door-address
sed -i 's/192\.0\.2\.10/127.0.0.1/' "$raddb/clients.conf"

# The port may be taken before it gets it: then once more.
freeradius_once() {
	stop freeradius
	server_port=$(free_port)
	door_start freeradius freeradius -f -l stdout -i 127.0.0.1 \
		-p "$server_port"
	wait_for 60 freeradius_settled && running freeradius
}

freeradius_settled() {
	grep -q 'Ready to process' "$SCRATCH/log/freeradius.log" ||
		! running freeradius
}

# try_radius USER FILE [ATTRIBUTE...]: see token_try; a device that says where its
# client is.
try_radius() {
	{
		printf 'User-Name = "%s"\nUser-Password = "%s"\n' "$1" \
			"$(cat "$2")"
		printf '%s\n' 'Calling-Station-Id = "127.0.0.1"' \
			'Message-Authenticator = 0x00'
	} >"$SCRATCH/secret.radius"
	radius_said=$(radclient -r 1 -t 60 -f "$SCRATCH/secret.radius" \
		"127.0.0.1:$server_port" auth CHANGE-THIS)
	rm -f "$SCRATCH/secret.radius"
	case $radius_said in
	*Access-Accept*) echo in ;;
	*Access-Reject*) echo rejected ;;
	*) echo "$radius_said" ;;
	esac
}

freeradius_once || freeradius_once ||
	bail "FreeRADIUS does not start: $(tail -n 20 "$SCRATCH/log/freeradius.log")"
door_try_it freeradius try_radius
token_proofs FreeRADIUS try_radius rejected rejected
door_sso FreeRADIUS try_radius in
door_networks FreeRADIUS try_radius rejected jira-pat-radius none
door_case FreeRADIUS try_radius in
case $(inside freeradius -v 2>&1) in
*"Version 3.2.1,"*) door_longest FreeRADIUS try_radius jira-pat-radius 128 128 ;;
*) door_longest FreeRADIUS try_radius jira-pat-radius 240 ;;
esac
door_end freeradius
