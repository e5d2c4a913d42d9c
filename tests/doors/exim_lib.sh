# shellcheck shell=sh
# Exim in Debian's own configuration, whole or split, for the tests of its doors. It is
# unpacked where another mail server is installed. Needs tests/doors/lib.sh, and
# exim_make behind door_make.

server_port= # of server_try

# exim_layout true|false: what debconf asks for, and the folders of this test.
exim_layout() {
	cat >"$DOOR/etc/exim4/update-exim4.conf.conf" <<-EOT
		dc_eximconfig_configtype='local'
		dc_other_hostnames='localhost'
		dc_local_interfaces='127.0.0.1'
		dc_use_split_config='$1'
		dc_localdelivery='mail_spool'
	EOT
	cat >"$DOOR/etc/exim4/conf.d/main/000_test" <<-EOT
		AUTH_SERVER_ALLOW_NOTLS_PASSWORDS = yes
		SPOOLDIR = $SERVERS/exim
		log_file_path = $SERVERS/exim/%slog
		primary_hostname = mail.example.org
	EOT
	cp "$DOOR/etc/exim4/conf.d/main/000_test" \
		"$DOOR/etc/exim4/exim4.conf.localmacros"
}

# exim_make: Exim, its user and folders, and the whole configuration.
exim_make() {
	door_unpacked exim4-daemon-heavy
	grep -q '^Debian-exim:' "$DOOR/etc/passwd" || door_account Debian-exim 983
	mkdir -p "$SERVERS/exim" "$DOOR/run/exim4"
	inside chown Debian-exim "$SERVERS/exim" /run/exim4
	touch "$DOOR/etc/mailname"
	exim_layout false
}

exim_once() {
	inside update-exim4.conf -o "$SERVERS/exim.conf" || return 1
	door_start exim exim4 -C "$SERVERS/exim.conf" -bdf -q30m \
		-oX "$server_port" -oP "$SERVERS/exim/pid"
}

# exim_start WHAT: sets $SMTP_PORT.
exim_start() {
	server_try exim exim_once ||
		bail "$1: Exim does not start: $(tail -n 20 "$SCRATCH/log/exim.log")"
	# shellcheck disable=SC2034
	SMTP_PORT=$server_port
}
