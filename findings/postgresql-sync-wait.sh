#!/bin/sh
# What PostgreSQL 15.20 does with commits that wait for a synchronous standby:
#
# * a wait that is cancelled makes the commit succeed, with a warning: psql prints
#   INSERT 0 1 and ends with status 0, others see the row, and after the standby was
#   promoted it is gone;
# * statement_timeout does not end the wait;
# * a transaction that has an xid, but has written nothing, does not wait, although it
#   has read what the standby does not have; with FOR SHARE of any row it waits.
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
# sql PORT COMMAND...
sql() {
	port=$1
	shift
	"$bin/psql" -X -A -t -q -h "$dir" -p "$port" -U own postgres "$@" 2>&1
}
# waiting: until so many wait for the standby.
waiting() {
	until [ "$(sql 1 -c "SELECT count(*) FROM pg_stat_activity
	    WHERE wait_event = 'SyncRep'")" = "$1" ]; do
		sleep 1
	done
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
sql 1 -c 'CREATE TABLE t (a int)' -c 'CREATE TABLE lock (a int)' \
	-c 'INSERT INTO lock VALUES (1)'
stop b

{
	PGOPTIONS='-c statement_timeout=1s' "$bin/psql" -X -h "$dir" -p 1 -U own \
		postgres -c 'INSERT INTO t VALUES (1)' >said 2>&1
	echo "status $?" >>said
} &
waiting 1
sleep 2
waiting 1
sql 1 -c "SELECT pg_cancel_backend(pid) FROM pg_stat_activity
	WHERE wait_event = 'SyncRep'" >cancelled
wait
seen="$(grep -E '^WARNING|^INSERT|^status' said)
another one, with an xid: $(sql 1 -c 'SELECT a FROM t, pg_current_xact_id()')"
sql 1 -c 'SELECT t.a FROM t, (SELECT FROM lock FOR SHARE) l' >/dev/null &
waiting 1
seen="$seen
another one, with FOR SHARE: waits"
stop a
wait
start b 2
"$bin/pg_ctl" -s -w -D b promote
seen="$seen
after the promotion: $(sql 2 -c 'SELECT count(*) FROM t') rows"

echo "PostgreSQL 15.20"
echo "$seen"
[ "$seen" = 'WARNING:  canceling wait for synchronous replication due to user request
INSERT 0 1
status 0
another one, with an xid: 1
another one, with FOR SHARE: waits
after the promotion: 0 rows' ]
