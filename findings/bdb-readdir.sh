#!/bin/sh
# Berkeley DB takes an error of readdir(3) for the end of the folder: recovery then
# finds no log, and begins the first file of the log anew beside the newest one.
# The environment opens, and says nothing.
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

cat >logs.c <<'END'
#define _GNU_SOURCE
#include <db.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fails;

/* What the library calls. */
struct dirent *
readdir(DIR *stream)
{
	struct dirent *(*next)(DIR *) =
	    (struct dirent * (*)(DIR *)) dlsym(RTLD_NEXT, "readdir");

	errno = EIO;
	return fails ? NULL : next(stream);
}

static int
fill(DB_ENV *env)
{
	char value[1000] = "";
	char **names = NULL;
	DB *db;

	if (db_create(&db, env, 0) != 0 ||
	    db->open(db, NULL, "t.db", NULL, DB_BTREE,
	        DB_CREATE | DB_AUTO_COMMIT, 0600) != 0)
		return 1;
	for (int i = 0; i < 1000; i++) {
		DBT key = { .data = &i, .size = sizeof(i) };
		DBT data = { .data = value, .size = sizeof(value) };

		if (db->put(db, NULL, &key, &data, DB_AUTO_COMMIT) != 0)
			return 1;
	}
	return env->txn_checkpoint(env, 0, 0, 0) != 0 ||
	       env->log_archive(env, &names, DB_ARCH_REMOVE) != 0 ||
	       db->close(db, 0) != 0;
}

int
main(int argc, char **argv)
{
	int ret;
	DB_ENV *env;

	fails = argc > 2;
	if (db_env_create(&env, 0) != 0)
		return 1;
	env->set_errfile(env, stdout);
	env->set_lg_bsize(env, 32 << 10);
	env->set_lg_max(env, 256 << 10);
	ret = env->open(env, argv[1],
	    DB_CREATE | DB_PRIVATE | DB_RECOVER | DB_INIT_TXN | DB_INIT_LOG |
	        DB_INIT_LOCK | DB_INIT_MPOOL,
	    0600);
	printf("open: %s\n", ret == 0 ? "no error" : db_strerror(ret));
	if (ret == 0 && !fails && fill(env) != 0)
		return 1;
	return env->close(env, 0) != 0;
}
END
cc -w -I pkg/usr/include -o logs logs.c -L "$lib" -l:libdb-5.3.so -ldl
mkdir env
export LD_LIBRARY_PATH="$lib"
seen=$(
	./logs env
	(cd env && ls log.*)
	./logs env fails
	(cd env && ls log.*)
)

echo "Berkeley DB 5.3.28+dfsg2-1: an environment is filled, old log files are" \
	"removed; then opened with DB_RECOVER while readdir(3) fails with EIO"
echo "$seen"
[ "$seen" = 'open: no error
log.0000000009
open: no error
log.0000000001
log.0000000009' ]
