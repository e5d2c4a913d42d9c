#!/bin/sh
# One large transaction of Berkeley DB fails with ENOMEM on a machine with plenty
# of memory: "out of memory" is the lock table in the shared region. With
# DB_PRIVATE, and nothing else changed, the same transaction goes through.
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get -qq -o APT::Sandbox::User=root download \
	libdb5.3=5.3.28+dfsg2-1 libdb5.3-dev=5.3.28+dfsg2-1 || exit 77
for deb in *.deb; do
	dpkg -x "$deb" pkg
done
lib=$dir/pkg/usr/lib/$(uname -m)-linux-gnu

cat >puts.c <<'END'
#include <db.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void
say(const DB_ENV *env, const char *prefix, const char *text)
{
	(void)env, (void)prefix;
	printf("library: %s\n", text);
}

static int
put(DB *db, DB_TXN *txn, uint32_t number)
{
	uint32_t mixed = number * UINT32_C(2654435761); /* far from sorted */
	char value[280] = "";
	DBT key = { .data = &mixed, .size = sizeof(mixed) };
	DBT data = { .data = value, .size = sizeof(value) };

	return db->put(db, txn, &key, &data, 0);
}

int
main(int argc, char **argv)
{
	uint32_t flags = DB_CREATE | DB_INIT_TXN | DB_INIT_LOG | DB_INIT_LOCK |
	                 DB_INIT_MPOOL | (argc > 2 ? DB_PRIVATE : 0);
	uint32_t done = 0, all = 200000;
	DB_TXN *txn;
	DB_ENV *env;
	DB *db;
	int err = 0;

	if (db_env_create(&env, 0) != 0)
		return 1;
	env->set_errcall(env, say);
	env->set_cachesize(env, 0, 64 << 20, 1);
	if (env->open(env, argv[1], flags, 0600) != 0 ||
	    db_create(&db, env, 0) != 0 ||
	    db->open(db, NULL, "t.db", NULL, DB_BTREE,
	        DB_CREATE | DB_AUTO_COMMIT, 0600) != 0 ||
	    env->txn_begin(env, NULL, &txn, 0) != 0)
		return 1;
	while (done < all && (err = put(db, txn, done)) == 0)
		done++;
	printf("%s: %s\n", done == all ? "all are put" : "some are put",
	    err == 0 ? "no error" : strerror(err));
	txn->abort(txn);
	return db->close(db, 0) != 0 || env->close(env, 0) != 0;
}
END
cc -I pkg/usr/include -o puts puts.c -L "$lib" -l:libdb-5.3.so
mkdir shared private
export LD_LIBRARY_PATH="$lib"
seen=$(./puts shared && ./puts private DB_PRIVATE)

echo "Berkeley DB 5.3.28+dfsg2-1: 200,000 records of 280 bytes in a transaction," \
	"shared, then DB_PRIVATE"
echo "$seen"
[ "$seen" = 'library: BDB2055 Lock table is out of available lock entries
some are put: Cannot allocate memory
all are put: no error' ]
