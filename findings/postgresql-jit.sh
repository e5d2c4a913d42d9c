#!/bin/sh
# A join without condition of three new tables with one row each is compiled to machine
# code by PostgreSQL 15.20, each time it is run: a table of which there are no statistics
# is taken for one of hundreds of rows or more, and three of these for hundreds of
# millions. Two tables, or LIMIT 1, do not come that far.
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
# compiled FROM: whether such a SELECT is.
compiled() {
	sql -c "EXPLAIN (ANALYZE) SELECT * FROM $1" >plan
	if grep -q '^JIT:' plan; then
		echo "$1: compiled"
	else
		echo "$1: not compiled"
	fi
}

"$bin/initdb" -D "$data" -U own -A trust --no-locale --no-sync >init.log
"$bin/pg_ctl" -s -w -D "$data" -l log \
	-o "-c listen_addresses= -k $dir -p 1 -c autovacuum=off" start
for table in a b c; do
	sql -c "CREATE TABLE $table (n int)" -c "INSERT INTO $table VALUES (1)"
done
seen="$(compiled 'a, b')
$(compiled 'a, b, c')
$(compiled 'a, (SELECT * FROM b LIMIT 1) b, (SELECT * FROM c LIMIT 1) c')"

echo "PostgreSQL 15.20"
echo "$seen"
[ "$seen" = 'a, b: not compiled
a, b, c: compiled
a, (SELECT * FROM b LIMIT 1) b, (SELECT * FROM c LIMIT 1) c: not compiled' ]
