/*
 * What the tests of the store share: a scratch folder, records, and short ways
 * to change a store.
 */
#ifndef JP_TESTS_STORE_HELP_H
#define JP_TESTS_STORE_HELP_H

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/store/bdb.h"

/* A new folder of mode 0700 under $TMPDIR or /tmp. */
static inline void
scratch_make(char dir[PATH_MAX])
{
	const char *top = getenv("TMPDIR");

	(void)snprintf(dir, PATH_MAX, "%s/jp-store.XXXXXX",
	    top != NULL && top[0] == '/' ? top : "/tmp");
	if (mkdtemp(dir) == NULL)
		abort();
}

static inline void
scratch_remove(const char *dir)
{
	DIR *stream = opendir(dir);
	const struct dirent *entry;

	if (stream == NULL)
		return;
	while ((entry = readdir(stream)) != NULL)
		if (entry->d_name[0] != '.')
			(void)unlinkat(dirfd(stream), entry->d_name, 0);
	(void)closedir(stream);
	(void)rmdir(dir);
}

static inline struct jp_store_options
options_for(const char *dir)
{
	return (struct jp_store_options){ .dir = dir,
		.holder = "tester",
		.cache = 1U << 20,
		.kept = 64,
		.tag = "0123456789abcde" };
}

/* A record whose name tells its id and its user again. */
static inline void
record_make(struct jp_record *record, const char *id, const char *user,
    int64_t expires_at)
{
	memset(record, 0, sizeof(*record));
	(void)snprintf(record->id, sizeof(record->id), "%.8s", id);
	(void)snprintf(record->user, sizeof(record->user), "%.255s", user);
	(void)snprintf(
	    record->name, sizeof(record->name), "%.8s of %.100s", id, user);
	record->created_at = 1700000000;
	record->expires_at = expires_at;
}

/* One change in a commit of its own. */
static inline enum jp_err
commit_one(struct jp_store *store, enum jp_change_kind kind,
    const struct jp_record *record)
{
	struct jp_change change = { .kind = kind, .record = record };

	return jp_store_commit(store, &change, 1);
}

static inline enum jp_err
add(struct jp_store *store, const char *id, const char *user,
    int64_t expires_at)
{
	struct jp_record record;

	record_make(&record, id, user, expires_at);
	return commit_one(store, JP_CHANGE_CREATE, &record);
}

static inline enum jp_err
drop(struct jp_store *store, const char *id)
{
	struct jp_record record;

	record_make(&record, id, "", JP_NEVER);
	return commit_one(store, JP_CHANGE_DELETE, &record);
}

#endif
