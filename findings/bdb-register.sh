#!/bin/sh
# With DB_REGISTER a process may open an environment of Berkeley DB once. The
# second open is refused with EINVAL, as the manual says; but on its way out it
# closes the register file, and so drops the lock of the first handle, which
# works on: to others the process now looks dead.
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

cat >register.c <<'END'
#include <db.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int
open_env(DB_ENV **env)
{
	u_int32_t flags = DB_CREATE | DB_RECOVER | DB_REGISTER | DB_INIT_TXN |
	                  DB_INIT_LOG | DB_INIT_LOCK | DB_INIT_MPOOL;

	return db_env_create(env, 0) != 0 ? -1 :
	                                    (*env)->open(*env, "env", flags, 0600);
}

/* What another process sees; its own close() drops none of our locks. */
static void
show_lock(const char *when)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	fflush(stdout);
	if (fork() == 0) {
		fcntl(open("env/__db.register", O_RDWR), F_GETLK, &lock);
		printf("%s: %s\n", when,
		    lock.l_type == F_UNLCK ? "no lock" : "locked");
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

int
main(void)
{
	DB_ENV *first, *second;
	DB_TXN *txn;

	if (open_env(&first) != 0)
		return 1;
	printf("%s\n", db_version(NULL, NULL, NULL));
	show_lock("after the first open");
	printf("the second open: %s\n", db_strerror(open_env(&second)));
	show_lock("after the second");
	printf("the first handle: %s\n",
	    first->txn_begin(first, NULL, &txn, 0) == 0 &&
	            txn->commit(txn, 0) == 0 ? "works" : "fails");
	return 0;
}
END
cc -I pkg/usr/include -o register register.c -L "$lib" -l:libdb-5.3.so

mkdir env
seen=$(LD_LIBRARY_PATH=$lib ./register)

echo "$seen"
[ "$seen" = 'Berkeley DB 5.3.28: (September  9, 2013)
after the first open: locked
the second open: Invalid argument
after the second: no lock
the first handle: works' ]
