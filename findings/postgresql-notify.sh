#!/bin/sh
# A transaction that has said NOTIFY locks all others of PostgreSQL 15.20 that do, on
# any channel, until its commit is over, which includes the wait for the synchronous
# standby; those that do not even want to wait for that, too.
#
# As root it becomes nobody: PostgreSQL wants that. Needs what Debian's postgresql-15
# depends on, as an installed one has.
set -eu

if [ "$(id -u)" = 0 ]; then
	exec setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/ sh "$0"
fi
dir=$(mktemp -d)
data=$dir/data
trap '[ ! -e "$data/postmaster.pid" ] || "$bin/pg_ctl" -s -D "$data" -m immediate stop
rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq download postgresql-15=15.20-0+deb12u1 \
	postgresql-client-15=15.20-0+deb12u1 libpq5=15.20-0+deb12u1 || exit 77
for deb in *.deb; do
	dpkg -x "$deb" pkg
done
bin=$dir/pkg/usr/lib/postgresql/15/bin
LD_LIBRARY_PATH=$dir/pkg/usr/lib/$(uname -m)-linux-gnu
export LD_LIBRARY_PATH

sql() {
	"$bin/psql" -X -A -t -q -h "$dir" -p 1 -U own postgres "$@"
}
# waits NAME: for what does it wait, as soon as it waits?
waits() {
	until seen=$(sql -c "SELECT wait_event_type, wait_event FROM pg_stat_activity
	    WHERE application_name = '$1' AND wait_event_type IN ('IPC', 'Lock')") &&
	    [ -n "$seen" ]; do
		sleep 1
	done
	echo "$1: $seen"
}

"$bin/initdb" -D "$data" -U own -A trust --no-locale --no-sync >init.log
"$bin/pg_ctl" -s -w -D "$data" -l log \
	-o "-c listen_addresses= -k $dir -p 1 -c synchronous_standby_names=*" start

PGAPPNAME=first sql -c 'BEGIN; CREATE TABLE t (); NOTIFY one; COMMIT' 2>/dev/null &
first=$(waits first)
PGAPPNAME=second sql -c \
	'BEGIN; SET LOCAL synchronous_commit = off; NOTIFY two; COMMIT' 2>/dev/null &
second=$(waits second)

echo "PostgreSQL 15.20"
echo "$first"
echo "$second"
[ "$first" = 'first: IPC|SyncRep' ] && [ "$second" = 'second: Lock|object' ]
