#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# MariaDB with the files of examples/mariadb: a token in place of the password of
# an account.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/lib.sh
. "$JP_SOURCE/tests/doors/lib.sh"

door_needs mariadbd mariadb-install-db mariadb \
	/usr/lib/mysql/plugin/auth_pam.so
door_make
door_recipe mariadb

data=$SERVERS/data
mkdir -p "$data" "$DOOR/run/mysqld"
chown mysql "$data" "$DOOR/run/mysqld"
inside mariadb-install-db --user=mysql --datadir="$data" --skip-test-db \
	--auth-root-authentication-method=socket \
	>"$SCRATCH/log/install.log" 2>&1 ||
	bail "mariadb-install-db: $(tail -n 3 "$SCRATCH/log/install.log")"

mariadb_once() {
	door_start mariadb mariadbd --user=mysql --datadir="$data" \
		--bind-address=127.0.0.1 --port="$server_port" \
		--innodb-flush-log-at-trx-commit=0 \
		--innodb-buffer-pool-size=16M
}

server_try mariadb mariadb_once ||
	bail "MariaDB does not start: $(tail -n 20 "$SCRATCH/log/mariadb.log")"

# try_mariadb USER FILE
try_mariadb() {
	(
		umask 077
		printf '[client]\npassword=%s\n' "$(cat "$2")" \
			>"$SCRATCH/secret.cnf"
	)
	timeout 120 mariadb --defaults-file="$SCRATCH/secret.cnf" -u "$1" \
		-h 127.0.0.1 -P "$server_port" -N -e "SELECT 'in'" || echo out
	rm -f "$SCRATCH/secret.cnf"
}

account() {
	inside mariadb -e "CREATE USER '$1'@'%' IDENTIFIED VIA pam"
}

# An account without a name, as mariadb-install-db without --skip-test-db makes it.
inside mariadb -e "CREATE USER IF NOT EXISTS ''@'localhost'" ||
	bail "no account: $(tail -n 20 "$SCRATCH/log/mariadb.log")"
door_try_it mariadb try_mariadb
door_check mariadb door-address
account sso.user
account Jane.Doe
token_proofs MariaDB try_mariadb out in
ok "patd was asked by root, without an address" \
	door_said 'accepted.*peer=0 service="mysql" rhost=""'
door_sso MariaDB try_mariadb in
door_networks MariaDB try_mariadb out mysql none
door_case MariaDB try_mariadb in
door_longest MariaDB try_mariadb mysql 1100 1101
door_refusing MariaDB try_mariadb out mysql
door_end mariadb
