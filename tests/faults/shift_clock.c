/*
 * A wrong clock, for LD_PRELOAD: clock_gettime(2) of CLOCK_REALTIME is as many
 * seconds ahead as the file $JP_SHIFT_CLOCK says (behind: a negative number).
 */
#include "config.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long
shift(void)
{
	const char *path = getenv("JP_SHIFT_CLOCK");
	FILE *file = path != NULL ? fopen(path, "re") : NULL;
	char line[32] = "";

	if (file == NULL)
		return 0;
	(void)!fgets(line, sizeof(line), file);
	(void)fclose(file);
	return strtol(line, NULL, 10);
}

__attribute__((visibility("default"))) int
clock_gettime(clockid_t id, struct timespec *when)
{
	int (*real)(clockid_t, struct timespec *);
	int rc;

	*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	rc = real(id, when);
	if (rc == 0 && id == CLOCK_REALTIME)
		when->tv_sec += shift();
	return rc;
}

__attribute__((visibility("default"))) time_t
time(time_t *out)
{
	struct timespec when;
	time_t now =
	    clock_gettime(CLOCK_REALTIME, &when) == 0 ? when.tv_sec : -1;

	if (out != NULL)
		*out = now;
	return now;
}
