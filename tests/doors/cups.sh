#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# CUPS with the files of examples/cups: a token in place of the password, to print.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/lib.sh
. "$JP_SOURCE/tests/doors/lib.sh"

door_needs /usr/sbin/cupsd lpadmin curl
door_make
door_recipe cups

if command -v apparmor_parser >/dev/null 2>&1; then
	ok "AppArmor's profile for cupsd is one with these lines" \
		inside apparmor_parser -Q -K /etc/apparmor.d/usr.sbin.cupsd
else
	skip "AppArmor's profile" "apparmor_parser is missing"
fi

# All that Debian's configuration keeps in /var.
mkdir -p "$SERVERS/cups/spool/tmp" "$SERVERS/cups/cache" "$DOOR/run/cups"
cat >>"$DOOR/etc/cups/cups-files.conf" <<-EOT
	RequestRoot $SERVERS/cups/spool
	CacheDir $SERVERS/cups/cache
	TempDir $SERVERS/cups/spool/tmp
	AccessLog $SERVERS/cups/access_log
	ErrorLog stderr
	PageLog $SERVERS/cups/page_log
	FileDevice Yes
EOT
sed -i -e '/^Browsing/d' -e '/^Listen localhost/d' "$DOOR/etc/cups/cupsd.conf"
cp "$DOOR/etc/cups/cupsd.conf" "$DOOR/cupsd.conf"

address=127.0.0.1
net= # whose network it is, if not this one

cups_once() {
	cp "$DOOR/cupsd.conf" "$DOOR/etc/cups/cupsd.conf"
	echo "Listen $address:$server_port" >>"$DOOR/etc/cups/cupsd.conf"
	door_start cups ${net:+nsenter -n -t "$net"} /usr/sbin/cupsd -f
}

server_try cups cups_once ||
	bail "CUPS does not start: $(tail -n 20 "$SCRATCH/log/cups.log")"
inside lpadmin -h /run/cups/cups.sock -p office -E \
	-v file:///dev/null 2>>"$SCRATCH/log/client.log" ||
	bail "no printer: $(tail -n 20 "$SCRATCH/log/cups.log")"

# Validate-Job, as RFC 8011 has it.
python3 - "$server_port" >"$SCRATCH/job" <<'EOT'
import struct
import sys

def text(tag, name, value):
    return struct.pack(">BH", tag, len(name)) + name + \
        struct.pack(">H", len(value)) + value

sys.stdout.buffer.write(
    b"\x02\x00\x00\x04\x00\x00\x00\x01\x01" +
    text(0x47, b"attributes-charset", b"utf-8") +
    text(0x48, b"attributes-natural-language", b"en") +
    text(0x45, b"printer-uri", b"ipp://127.0.0.1:%s/printers/office" %
         sys.argv[1].encode()) + b"\x03")
EOT

# try_cups USER FILE: prints "in", or the status of HTTP or IPP.
try_cups() {
	cups_status=$(printf 'user = "%s:%s"\n' "$1" "$(cat "$2")" |
		${net:+nsenter -n -t "$net"} curl -K - -s -m 60 -o "$SCRATCH/answer" -w '%{http_code}' \
			-H 'Content-Type: application/ipp' \
			--data-binary @"$SCRATCH/job" \
			"http://$address:$server_port/printers/office")
	[ "$cups_status" != 200 ] ||
		cups_status=$(od -A n -t x1 -j 2 -N 2 "$SCRATCH/answer")
	case $cups_status in
	' 00 00') echo in ;;
	*) echo "$cups_status" ;;
	esac
}

door_try_it cups try_cups
# The trap is gone by the recipe.
door_check cups door-address
token_proofs CUPS try_cups 401 in
ok "patd was asked by root, with a name in place of the address" \
	door_said 'accepted.*peer=0 service="cups" rhost="localhost" (not an address: not used)'
door_sso CUPS try_cups in
door_networks CUPS try_cups 401 cups none
door_case CUPS try_cups in
# With the name and a colon: 255 bytes.
door_longest CUPS try_cups cups 249 249
door_refusing CUPS try_cups 401 jira-pat
stop cups

# A client that is not on CUPS's own host, as far as CUPS can tell: its address is
# that of an interface.
if unshare -n ip link set lo up 2>/dev/null; then
	start net unshare -n sh -c 'ip link set lo up &&
		ip address add 192.0.2.7/32 dev lo && echo up && exec sleep 3600'
	wait_for 60 grep -q up "$SCRATCH/log/net.log" || bail "no network"
	net=$started_pid
	address=192.0.2.7
	sed -i -e 's/^<Location \/>/&\nAllow all/' "$DOOR/cupsd.conf"
	echo "DefaultEncryption Never" >>"$DOOR/cupsd.conf"
	server_port=$(free_port)
	cups_once
	new alice --from 192.0.2.7/32
	ok "from another host: a token for the client's network gets in" \
		wait_for 60 token_gets try_cups "$token" in
	new alice --from 127.0.0.0/8
	token_try try_cups alice "$token"
	is "from another host: a token for another network does not" \
		"$outcome" 401
else
	skip "from another host" "no network namespace here"
fi
door_end cups net
