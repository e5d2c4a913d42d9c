#!/bin/sh
# Whoever takes a lock in Berkeley DB has a locker. Where none is free, the engine
# asks for the memory of a quarter of those that there are, and, as its loop never
# asks for less, again and again for as long as it gets none; where the quarter is
# one, it goes on without it and crashes. With all lockers made at the start
# (DB_MEM_LOCKER), it ends with ENOMEM where there is no other.
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

cat >lockers.c <<'END'
#include <db.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX = 1000, PATIENCE = 1000000 };
static int missing, in_vain;

static void *
take(size_t size)
{
	if (!missing)
		return malloc(size);
	if (++in_vain == PATIENCE) {
		printf("asked %d times in vain\n", PATIENCE);
		exit(0);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	DB_ENV *env;
	u_int32_t id;
	int ret, count = 0;

	(void)argc;
	db_env_set_func_malloc(take);
	if (db_env_create(&env, 0) != 0 ||
	    env->set_lk_max_lockers(env, MAX) != 0 ||
	    env->set_memory_init(env, DB_MEM_LOCKER,
	        (u_int32_t)atoi(argv[1])) != 0 ||
	    env->open(env, NULL, DB_CREATE | DB_PRIVATE | DB_INIT_LOCK, 0) != 0)
		return 1;
	missing = 1;
	while ((ret = env->lock_id(env, &id)) == 0)
		count++;
	printf("%d lockers, then %s\n", count, db_strerror(ret));
	return 0;
}
END
cc -I pkg/usr/include -o lockers lockers.c -L "$lib" -l:libdb-5.3.so

export LD_LIBRARY_PATH="$lib"
four=$( (./lockers 4 || echo "status $?") 2>/dev/null | tail -1)
eight=$(./lockers 8 2>/dev/null)
all=$(./lockers 1000 2>/dev/null)

echo "Berkeley DB 5.3.28+dfsg2-1, without memory once the environment is open"
echo "begun with 4 lockers: $four"
echo "begun with 8: $eight"
echo "begun with all 1,000: $all"
[ "$four" = 'status 139' ]
[ "$eight" = 'asked 1000000 times in vain' ]
[ "$all" = '1000 lockers, then Cannot allocate memory' ]
