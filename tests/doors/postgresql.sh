#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# PostgreSQL with the files of examples/postgresql: a token in place of the
# password of a role.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/doors/lib.sh
. "$JP_SOURCE/tests/doors/lib.sh"

for bin in /usr/lib/postgresql/*/bin; do
	true
done
version=${bin%/bin}
version=${version##*/}
door_needs "$bin/postgres" "$bin/initdb" psql runuser
door_make

# The machine's own pg_hba.conf, or that of a new cluster, is what is edited.
data=$SERVERS/data
hba=$DOOR/etc/postgresql/$version/main/pg_hba.conf
mkdir -p "$data" "$DOOR/run/postgresql" "$(dirname "$hba")"
chown postgres "$data" "$DOOR/run/postgresql"
# shellcheck disable=SC2046
$(as_user postgres) "$bin/initdb" -D "$data" -A peer --no-sync --no-locale \
	>"$SCRATCH/log/initdb.log" 2>&1 ||
	bail "initdb: $(tail -n 3 "$SCRATCH/log/initdb.log")"
[ -e "$hba" ] || cp "$data/pg_hba.conf" "$hba"
chown postgres "$hba"
door_recipe postgresql

postgres_once() {
	# shellcheck disable=SC2046
	door_start postgres $(as_user postgres) "$bin/postgres" -D "$data" \
		-c hba_file="/etc/postgresql/$version/main/pg_hba.conf" \
		-c listen_addresses=127.0.0.1 -c port="$server_port" \
		-c unix_socket_directories=/run/postgresql -c fsync=off \
		-c log_hostname=off
}

server_try postgres postgres_once ||
	bail "PostgreSQL does not start: $(tail -n 20 "$SCRATCH/log/postgres.log")"
export PGPORT="$server_port" PGHOST=/run/postgresql PGDATABASE=postgres

# try_psql USER FILE
try_psql() {
	(
		umask 077
		printf '*:*:*:*:%s\n' "$(cat "$2")" >"$SCRATCH/secret.pgpass"
	)
	PGPASSFILE=$SCRATCH/secret.pgpass timeout 120 psql -h 127.0.0.1 \
		-U "$1" -w -A -t -c "SELECT 'in'" || echo out
	rm -f "$SCRATCH/secret.pgpass"
}

role() {
	# shellcheck disable=SC2046
	inside $(as_user postgres) psql -q \
		-c "CREATE ROLE \"$1\" LOGIN IN ROLE token_users"
}

door_try_it postgresql try_psql
door_check postgresql
role sso.user
role Jane.Doe
token_proofs PostgreSQL try_psql out out
ok "patd was asked by PostgreSQL's own user" \
	door_said "accepted.*peer=$(id -u postgres) service=\"jira-pat-postgresql\" rhost=\"127.0.0.1\""
door_sso PostgreSQL try_psql in
door_networks PostgreSQL try_psql out jira-pat-postgresql
door_case PostgreSQL try_psql in
door_longest PostgreSQL try_psql jira-pat-postgresql 60000 60001

# Names in place of addresses.
sed -i 's/pamservice=jira-pat-postgresql/& pam_use_hostname=1/' "$hba"
door_check postgresql door-address
kill -HUP "$(head -n 1 "$data/postmaster.pid")"
new alice --from 127.0.0.0/8
ok "with pam_use_hostname=1 a token with --from is refused" \
	wait_for 60 token_gets try_psql "$token" out
door_end postgres
