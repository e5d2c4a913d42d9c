#!/bin/sh
# target_session_attrs=read-write of libpq 15.20 takes the first host of the list that
# is no standby: also a primary whose standby has been promoted, where every commit
# waits for ever, and again with each new connection. The real primary, further down the
# list, is never reached.
#
# As root it becomes nobody: PostgreSQL wants that. Needs what Debian's postgresql-15
# depends on, as an installed one has.
set -eu

if [ "$(id -u)" = 0 ]; then
	exec setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/ sh "$0"
fi
dir=$(mktemp -d)
trap 'stop a; stop b; rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download postgresql-15=15.20-0+deb12u1 \
	postgresql-client-15=15.20-0+deb12u1 libpq5=15.20-0+deb12u1 || exit 77
for deb in *.deb; do
	dpkg -x "$deb" pkg
done
bin=$dir/pkg/usr/lib/postgresql/15/bin
LD_LIBRARY_PATH=$dir/pkg/usr/lib/$(uname -m)-linux-gnu
export LD_LIBRARY_PATH

stop() {
	[ ! -e "$dir/$1/postmaster.pid" ] || "$bin/pg_ctl" -s -D "$dir/$1" -m immediate stop
}
start() {
	"$bin/pg_ctl" -s -w -D "$dir/$1" -l "$dir/$1.log" \
		-o "-c listen_addresses= -k $dir -p $2" start
}
both="host=$dir,$dir port=1,2 user=own dbname=postgres target_session_attrs=read-write"
sql() {
	PGOPTIONS="${2:-}" "$bin/psql" -X -A -t -q "$both" -c "$1" 2>&1
}

"$bin/initdb" -D a -U own -A trust --no-locale --no-sync >init.log
cat >>a/postgresql.conf <<END
synchronous_standby_names = '*'
primary_conninfo = 'host=$dir port=1 user=own'
END
cp -a a b
touch b/standby.signal
start a 1
start b 2
sql 'CREATE TABLE t (a int)'
echo "synchronous_standby_names = ''" >>b/postgresql.conf
"$bin/pg_ctl" -s -D b reload
"$bin/pg_ctl" -s -w -D b promote

sql 'INSERT INTO t VALUES (1)' >/dev/null &
until [ "$(sql "SELECT count(*) FROM pg_stat_activity
    WHERE wait_event = 'SyncRep'")" = 1 ]; do
	sleep 1
done
seen="the primary is on port 2
connected to port $(sql "SELECT current_setting('port')"): an INSERT waits for the standby
once more: port $(sql "SELECT current_setting('port')")"
stop a
wait
seen="$seen
after that one has ended: port $(sql "SELECT current_setting('port')")"

echo "libpq 15.20, PostgreSQL 15.20: hosts on ports 1 and 2"
echo "$seen"
[ "$seen" = 'the primary is on port 2
connected to port 1: an INSERT waits for the standby
once more: port 1
after that one has ended: port 2' ]
