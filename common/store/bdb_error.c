/*
 * What the errors of Berkeley DB mean, and the words for them.
 */
#include "common/store/bdb_internal.h"

#include "common/base/escape.h"
#include "common/sys/account.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
	int ret;
	enum jp_err err;
} codes[] = {
	{ DB_LOCK_DEADLOCK, BDB_AGAIN },
	{ DB_LOCK_NOTGRANTED, BDB_AGAIN },
	{ DB_NOTFOUND, JP_ERR_NOT_FOUND },
	{ DB_KEYEXIST, JP_ERR_EXISTS },
	{ DB_RUNRECOVERY, JP_ERR_DAMAGED },
	{ DB_PAGE_NOTFOUND, JP_ERR_DAMAGED },
	{ DB_SECONDARY_BAD, JP_ERR_DAMAGED },
	{ DB_VERIFY_BAD, JP_ERR_DAMAGED },
	{ DB_OLD_VERSION, JP_ERR_DAMAGED },
	{ DB_BUFFER_SMALL, JP_ERR_DAMAGED },
	/* Our own calls never change: it is a file that does not fit them. */
	{ EINVAL, JP_ERR_DAMAGED },
	{ ENOENT, JP_ERR_DAMAGED },
	/* It is the disk that takes nothing; no rights are missing. */
	{ EROFS, JP_ERR_IO },
};

static enum jp_err
code_of(int ret)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].ret == ret)
			return codes[i].err;
	return ret > 0 ? jp_err_from_errno(ret) : JP_ERR_IO;
}

/*
 * One failure can have several lines: "checksum error: page 7", then
 * "tokens.db: pgin failed for page 7", then that all is lost, which says
 * nothing new.
 */
void
bdb_keep_line(const DB_ENV *env, const char *prefix, const char *line)
{
	struct bdb *bdb = env->app_private;
	size_t len, more = strlen(line);

	(void)prefix;
	if (bdb == NULL)
		return;
	if (strstr(line, strerror(ENOSPC)) != NULL)
		atomic_store(&bdb->full, true);
	(void)pthread_mutex_lock(&bdb->mutex);
	len = strlen(bdb->line);
	if (len == 0 || len + 2 + more >= sizeof(bdb->line)) {
		(void)snprintf(bdb->line, sizeof(bdb->line), "%s", line);
	} else if (strstr(line, "PANIC") == NULL) {
		memcpy(bdb->line + len, "; ", 2);
		memcpy(bdb->line + len + 2, line, more + 1);
	}
	(void)pthread_mutex_unlock(&bdb->mutex);
}

/* Called with the mutex held. */
static void
explain(struct bdb *bdb, int ret, enum jp_err err, const char *doing)
{
	const char *text = bdb->line;

	/* There the engine's lines are of addresses in memory. */
	if (text[0] == '\0' || err == JP_ERR_DISK_FULL || ret == EROFS)
		text = db_strerror(ret);
	/* Where memory is not short, a disk that takes no page is behind it. */
	(void)jp_why(&bdb->why, err, "%s: %s: %.300s%s", bdb->dir, doing, text,
	    err == JP_ERR_NOMEM ? " (or the disk is full, and so the cache)"
	                        : "");
}

enum jp_err
bdb_fail(struct bdb *bdb, int ret, const char *doing)
{
	enum jp_err err = code_of(ret);
	bool known = false;

	if (err == JP_ERR_NOT_FOUND || err == JP_ERR_EXISTS)
		return err;
	/* After a panic every thread fails; the first one has the reason. */
	if (ret == DB_RUNRECOVERY)
		known = atomic_exchange(&bdb->dead, true);
	(void)pthread_mutex_lock(&bdb->mutex);
	if (!known)
		explain(bdb, ret, err, doing);
	bdb->line[0] = '\0';
	(void)pthread_mutex_unlock(&bdb->mutex);
	return err;
}

enum jp_err
bdb_fail_why(struct bdb *bdb, enum jp_err err, const char *format, ...)
{
	va_list args;

	(void)pthread_mutex_lock(&bdb->mutex);
	va_start(args, format);
	(void)vsnprintf(bdb->why.text, sizeof(bdb->why.text), format, args);
	va_end(args);
	jp_cut_end(bdb->why.text);
	(void)pthread_mutex_unlock(&bdb->mutex);
	return err;
}

void
bdb_sleep_ms(int64_t ms)
{
	struct timespec nap = { .tv_sec = ms / 1000,
		.tv_nsec = (ms % 1000) * 1000000 };

	(void)nanosleep(&nap, NULL);
}

enum jp_err
bdb_fail_errno(struct bdb *bdb, const char *name)
{
	char path[PATH_MAX + 64], whose[JP_WHOSE_MAX];
	int errnum = errno;

	(void)snprintf(path, sizeof(path), "%s%s%.32s", bdb->dir,
	    name[0] != '\0' ? "/" : "", name);
	jp_account_whose(path, errnum, whose);
	return bdb_fail_why(bdb, jp_err_from_errno(errnum), "%s: %s%s", path,
	    strerror(errnum), whose);
}
