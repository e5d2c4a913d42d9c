#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../.. disable=SC2016
# The unit of pat-clusterd, under the systemd of this release: with a real PostgreSQL
# over TCP and TLS, whose name it looks up in the DNS, all that the unit takes away is
# not missed, and what it does not take away could not go.

# shellcheck source=tests/packages/units_lib.sh
. "$JP_SOURCE/tests/packages/units_lib.sh"

[ -x "$JP_BUILD/pat_clusterd/pat-clusterd" ] || skip_all "built without pat-clusterd"
units_start sql unit_tries.py

# told TEXT: pat-clusterd has logged that since the last "since_now".
told() {
	in_there journalctl -q -o cat -u pat-clusterd --since "@$since" |
		grep -q -F -e "$1"
}
since_now() {
	since=$(in_there date +%s.%N)
}

# left_alone: systemd has tried to start it once, and does not again; why is said once.
left_alone() {
	since_now
	! in_there systemctl start pat-clusterd >"$SCRATCH/log/start" || return 1
	[ "$(show pat-clusterd SubState) $(show pat-clusterd NRestarts) $(show \
		pat-clusterd ExecMainStatus)" = "failed 0 1" ] &&
		[ "$(in_there journalctl -q -o cat -u pat-clusterd --since "@$since" |
			grep -c -F "there is no section [cluster]")" = 1 ]
}

# --- The database, and the name that it has --------------------------------------

in_there cp -a --no-preserve=ownership /srv/installed/. /
in_there ldconfig
in_there systemd-sysusers >"$SCRATCH/log/sysusers"
in_there systemd-tmpfiles --create patd.conf >"$SCRATCH/log/tmpfiles"
conf=$(value sysconfdir)/jira-pat
in_there sh -c 'mkdir -p "$1"; : >"$1/jira-pat.conf"; systemctl daemon-reload' sh "$conf"
ok "on a host of no cluster it is not started again and again" left_alone ||
	note "$(in_there systemctl status -n 5 pat-clusterd)"
in_there sh -eu -c '
	mkdir -p "$1"
	cd /etc/postgresql/*/main
	openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=db1.example \
		-addext subjectAltName=DNS:db1.example -days 2 \
		-keyout db.key -out db.pem
	chown postgres db.key
	cp db.pem "$1/db-ca.pem"
	echo "ssl = on
ssl_cert_file = '\''$PWD/db.pem'\''
ssl_key_file = '\''$PWD/db.key'\''
listen_addresses = '\''127.0.0.1'\''" >conf.d/tls.conf
	sed -i "s/^host .*127.0.0.1.*/hostssl all all 127.0.0.1\/32 scram-sha-256/" \
		pg_hba.conf
	pg_ctlcluster "$(echo "$PWD" | cut -d / -f 4)" main restart
	runuser -u postgres -- psql -q -c "CREATE ROLE jira_pat LOGIN PASSWORD '\''geheim'\''"
	runuser -u postgres -- createdb --owner=jira_pat jira_pat
	install -o jira-pat-cluster -m 600 /dev/null "$1/pgpass"
	echo "*:*:*:*:geheim" >"$1/pgpass"' sh "$conf" >"$SCRATCH/log/database" ||
	bail "no database: $(tail -n 5 "$SCRATCH/log/database")"
in_there sh -c 'echo nameserver 127.0.0.1 >/etc/resolv.conf
	systemd-run -q --unit=names python3 /srv/unit_tries.py names db1.example'
names_there() {
	in_there python3 -c "import socket; socket.getaddrinfo('db1.example', 1)"
}
wait_for 60 names_there || bail "no DNS: $(in_there journalctl -q -u names)"
in_there tee "$conf/jira-pat.conf" >/dev/null <<EOF2
[cluster]
node = proxy1
conninfo = host=db1.example dbname=jira_pat user=jira_pat
conninfo = passfile=$conf/pgpass
conninfo = sslmode=verify-full sslrootcert=$conf/db-ca.pem
EOF2
in_there systemctl daemon-reload
in_there pat-admin init >"$SCRATCH/log/init" || bail "init: $(cat "$SCRATCH/log/init")"
ok "pat-admin makes a cluster of this host" in_there pat-admin cluster init
in_there rm /run/names

# --- The unit ----------------------------------------------------------------------

# What the same process may do, before it is pat-clusterd.
in_there sh -eu -c 'mkdir -p /etc/systemd/system/pat-clusterd.service.d
	printf "[Service]\nExecStartPre=/usr/bin/python3 /srv/unit_tries.py tries\n" \
		>/etc/systemd/system/pat-clusterd.service.d/tries.conf
	systemctl daemon-reload'
since_now
is "the unit waits for the configuration file that pat-clusterd reads" \
	"$(in_there sed -n 's/^ConditionPathExists=//p' \
		"$(value systemdsystemunitdir)/pat-clusterd.service")" \
	"$conf/jira-pat.conf"
ok "patd and pat-clusterd start" in_there systemctl -q enable --now patd.socket patd \
	pat-clusterd
has_lease() {
	in_there pat-admin cluster status >"$SCRATCH/log/status"
}
ok "and the host has a lease" wait_for 60 has_lease ||
	note "$(in_there journalctl -q -n 20 -o cat -u pat-clusterd -u patd)"
is "over TLS, from a primary" "$(in_there pat-admin cluster status --json |
	tr -d ' \n' | grep -o -e '"tls":true' -e '"primary":true' | sort)" '"primary":true
"tls":true'
token=$(boot_run pat-admin create jane --name test 2>/dev/null)
is "a token that was appended is accepted" "$(echo "$token" | in_there setpriv \
	--reuid www-data --regid www-data --clear-groups python3 /srv/ask.py verify \
	/run/jira-pat/verify.sock jane)" accepted
ok "its name came from the DNS" in_there grep -q db1.example /run/names
like "systemd's exposure is 1.2" \
	"$(in_there systemd-analyze --no-pager security pat-clusterd | tail -n 1)" \
	"*: 1.2 *"
ok "it gives up the rest by itself" told "sandbox: capabilities dropped"
is "its unit lets nobody connect, look around, or become somebody else" \
	"$(in_there journalctl -q -o cat -u pat-clusterd --since "@$since" |
		sed -n 's/^try: //p')" "accept EPERM
bind EPERM
connect ok
listen EPERM
multicast EPERM
netlink EAFNOSUPPORT
other processes 0
packet EAFNOSUPPORT
pepper EACCES
setuid EPERM
unshare EPERM
write EROFS"

# --- patd starts again -------------------------------------------------------------

since_now
ok "a patd that starts again" in_there systemctl restart patd
ok "has a lease" wait_for 60 has_lease
is "without having waited for that of the one before" \
	"$(told "leases of the machine that had its name"; echo $?)" 1

# --- What it cannot go without -----------------------------------------------------

in_there rm /etc/systemd/system/pat-clusterd.service.d/tries.conf

# without OPTION TEXT: with this option more, it has no lease, and says why.
without() {
	printf '[Service]\n%s\n' "$1" | in_there tee \
		/etc/systemd/system/pat-clusterd.service.d/less.conf >/dev/null
	in_there systemctl daemon-reload
	since_now
	in_there systemctl --no-block restart pat-clusterd
	ok "it cannot work with $1" wait_for 60 told "$2"
	in_there rm /etc/systemd/system/pat-clusterd.service.d/less.conf
	in_there systemctl daemon-reload
}
without PrivateUsers=yes "another user listens there than patd's"
without PrivateNetwork=yes "not connected"
without IPAddressDeny=any "not connected"
without RestrictAddressFamilies=~AF_UNIX "Address family not supported"
in_there systemctl restart pat-clusterd
ok "without these it works again" wait_for 60 has_lease

# --- A host that leaves ------------------------------------------------------------

in_there systemctl stop patd.socket patd pat-clusterd
is "all are stopped at once, but patd first: it has given its lease back" \
	"$(in_there runuser -u postgres -- psql -q -A -t -d jira_pat \
		-c "SELECT lease_ms FROM jira_pat.node")" 0
ok "the host leaves the cluster" in_there pat-admin cluster leave
in_there sed -i '/^\[cluster\]/,$d' "$conf/jira-pat.conf"
ok "where pat-clusterd is left alone, too" left_alone ||
	note "$(in_there systemctl status -n 5 pat-clusterd)"
ok "and patd starts" in_there systemctl start patd.socket patd ||
	note "$(in_there journalctl -q -n 8 -o cat -u patd)"
is "which accepts what it did" "$(echo "$token" | in_there setpriv \
	--reuid www-data --regid www-data --clear-groups python3 /srv/ask.py verify \
	/run/jira-pat/verify.sock jane)" accepted
done_testing
