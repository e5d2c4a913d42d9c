/*
 * Preloaded into pam_bench: pam_unix finds the users in the files that
 * JP_BENCH_PASSWD and JP_BENCH_SHADOW name instead of the machine's own.
 */
#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

static FILE *
open_named(const char *variable)
{
	const char *path = getenv(variable);

	return path != NULL ? fopen(path, "re") : NULL;
}

EXPORT int
getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size,
    struct passwd **found)
{
	FILE *file = open_named("JP_BENCH_PASSWD");
	int rc = file != NULL ? 0 : errno;

	*found = NULL;
	while (rc == 0) {
		rc = fgetpwent_r(file, entry, buffer, size, found);
		if (rc == 0 && strcmp(entry->pw_name, name) == 0)
			break;
		*found = NULL;
	}
	if (file != NULL)
		(void)fclose(file);
	return rc == ENOENT ? 0 : rc;
}

EXPORT int
getspnam_r(const char *name, struct spwd *entry, char *buffer, size_t size,
    struct spwd **found)
{
	FILE *file = open_named("JP_BENCH_SHADOW");
	int rc = file != NULL ? 0 : errno;

	*found = NULL;
	while (rc == 0) {
		rc = fgetspent_r(file, entry, buffer, size, found);
		if (rc == 0 && strcmp(entry->sp_namp, name) == 0)
			break;
		*found = NULL;
	}
	if (file != NULL)
		(void)fclose(file);
	return rc == ENOENT ? 0 : rc;
}
