/*
 * A wrong clock, for LD_PRELOAD: the wall clock alone, whichever way it is
 * read, is as many seconds ahead as the first eight bytes of the file
 * $JP_SHIFT_CLOCK say (behind: a negative number). The file is mapped at the
 * start, as a process may open no more files later.
 */
#include "config.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static _Atomic int64_t *shift;

__attribute__((constructor)) static void
start(void)
{
	const char *path = getenv("JP_SHIFT_CLOCK");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *at;

	if (fd < 0)
		return;
	at = mmap(NULL, sizeof(*shift), PROT_READ, MAP_SHARED, fd, 0);
	if (at != MAP_FAILED)
		shift = at;
	(void)close(fd);
}

static int64_t
shift_of(clockid_t id)
{
	if (shift == NULL ||
	    (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE &&
	        id != CLOCK_TAI))
		return 0;
	return atomic_load(shift);
}

EXPORT int
clock_gettime(clockid_t id, struct timespec *when)
{
	int (*real)(clockid_t, struct timespec *);
	int rc;

	*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	rc = real(id, when);
	if (rc == 0)
		when->tv_sec += shift_of(id);
	return rc;
}

EXPORT int
gettimeofday(struct timeval *restrict when, void *restrict zone)
{
	struct timespec now;
	int rc = clock_gettime(CLOCK_REALTIME, &now);

	(void)zone;
	when->tv_sec = now.tv_sec;
	when->tv_usec = now.tv_nsec / 1000;
	return rc;
}

EXPORT time_t
time(time_t *out)
{
	struct timespec when;
	time_t now =
	    clock_gettime(CLOCK_REALTIME, &when) == 0 ? when.tv_sec : -1;

	if (out != NULL)
		*out = now;
	return now;
}
