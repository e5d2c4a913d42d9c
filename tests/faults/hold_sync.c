/*
 * A disk that hangs, for LD_PRELOAD: while the file $JP_HOLD_SYNC exists,
 * fsync(2) and fdatasync(2) of files whose name begins with $JP_HOLD_NAME
 * ("log.", those of Berkeley DB, if it is not set) do not return. The first of
 * them makes the file $JP_HOLD_SYNC.held.
 */
#include "config.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool
is_meant(int fd)
{
	const char *prefix = getenv("JP_HOLD_NAME"), *name;
	char link[64], path[PATH_MAX];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	path[len > 0 ? len : 0] = '\0';
	name = strrchr(path, '/');
	prefix = prefix != NULL ? prefix : "log.";
	return name != NULL && strncmp(name + 1, prefix, strlen(prefix)) == 0;
}

static void
hold(int fd)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	const char *path = getenv("JP_HOLD_SYNC");
	char held[PATH_MAX];
	int made;

	if (path == NULL || access(path, F_OK) != 0 || !is_meant(fd))
		return;
	(void)snprintf(held, sizeof(held), "%s.held", path);
	made = open(held, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (made >= 0)
		(void)close(made);
	while (access(path, F_OK) == 0)
		(void)nanosleep(&nap, NULL);
}

static int
call(const char *name, int fd)
{
	int (*real)(int);

	*(void **)&real = dlsym(RTLD_NEXT, name);
	hold(fd);
	return real(fd);
}

__attribute__((visibility("default"))) int
fsync(int fd)
{
	return call("fsync", fd);
}

__attribute__((visibility("default"))) int
fdatasync(int fd)
{
	return call("fdatasync", fd);
}
