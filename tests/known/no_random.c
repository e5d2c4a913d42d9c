/*
 * A system without random numbers, for LD_PRELOAD: from call $JP_RANDOM_UNTIL
 * on, counted from 0, getrandom(2) fails; so does what opens a device of them.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define EXPORT __attribute__((visibility("default")))

static atomic_long calls;

static bool
is_over(long call)
{
	const char *until = getenv("JP_RANDOM_UNTIL");

	return until != NULL && call >= atol(until);
}

EXPORT ssize_t
getrandom(void *to, size_t len, unsigned int flags)
{
	ssize_t (*real)(void *, size_t, unsigned int);

	if (is_over(atomic_fetch_add(&calls, 1))) {
		errno = EIO;
		return -1;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "getrandom");
	return real(to, len, flags);
}

EXPORT int
open(const char *path, int flags, ...)
{
	int (*real)(const char *, int, ...);
	mode_t mode;
	va_list args;

	va_start(args, flags);
	mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (strcmp(path, "/dev/urandom") == 0 ||
	    strcmp(path, "/dev/random") == 0) {
		errno = EIO;
		return -1;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "open");
	return real(path, flags, mode);
}
