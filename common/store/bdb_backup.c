/*
 * Copying an open store.
 *
 * The engine copies its databases and then its logs while others write. None
 * of them is of one moment; recovery makes them so, if no log that was there
 * when the copying began has gone. While it copies it keeps others from writing
 * pages, so the copy first goes to unnamed files in the store's directory,
 * and only then to its receiver, which may be slow.
 */
#include "common/store/bdb_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	FILES_MAX = 4096, /* a log has a megabyte: far more than there are */
	PIECE = 1 << 16,
};

/* One copied file. */
struct bdb_file_copy {
	char *name;
	int fd;
};

/* The backup under way; the engine hands its callbacks nothing else. */
struct bdb_copy {
	int errnum; /* of what went wrong first: then nothing is written */
	size_t len;
	struct bdb_file_copy files[FILES_MAX];
};

/* ---- callbacks of the engine: they return errno(3) ---- */

/* A file without a name, also where the file system makes none such. */
static int
unnamed_file(const struct bdb *bdb)
{
	int fd = openat(bdb->dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	(void)unlinkat(
	    bdb->dir_fd, BDB_COPY_NAME, 0); /* of a process that died */
	fd = openat(bdb->dir_fd, BDB_COPY_NAME,
	    O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void)unlinkat(bdb->dir_fd, BDB_COPY_NAME, 0);
	return fd;
}

static int
open_next(struct bdb *bdb, struct bdb_copy *copy, const char *name)
{
	struct bdb_file_copy *file = &copy->files[copy->len];

	if (copy->len == FILES_MAX)
		return ENFILE;
	file->fd = unnamed_file(bdb);
	if (file->fd < 0)
		return errno;
	file->name = strdup(name);
	copy->len++; /* from here on free_copy() frees it */
	return file->name != NULL ? 0 : ENOMEM;
}

static int
copy_open(DB_ENV *env, const char *name, const char *target, void **handle)
{
	struct bdb *bdb = env->app_private;
	struct bdb_copy *copy = bdb->copy;

	(void)target;
	if (copy->errnum == 0)
		copy->errnum = open_next(bdb, copy, name);
	*handle = copy;
	return copy->errnum;
}

/* The engine writes to a file that was not opened, too, with any handle. */
static int
copy_write(DB_ENV *env, uint32_t gib, uint32_t offset, uint32_t len,
    uint8_t *bytes, void *handle)
{
	struct bdb *bdb = env->app_private;
	const struct bdb_copy *copy = bdb->copy;
	off_t at = ((off_t)gib << 30) + (off_t)offset;

	(void)handle;
	if (copy->errnum != 0)
		return copy->errnum;
	atomic_store(&bdb->progress, jp_now_ms()); /* for the watchdog */
	while (len > 0) {
		ssize_t put =
		    pwrite(copy->files[copy->len - 1].fd, bytes, len, at);

		if (put < 0 && errno != EINTR)
			return errno;
		if (put > 0) {
			at += put;
			bytes += put;
			len -= (uint32_t)put;
		}
	}
	return 0;
}

static int
copy_close(DB_ENV *env, const char *name, void *handle)
{
	(void)env;
	(void)name;
	(void)handle; /* it is handed over later */
	return 0;
}

int
bdb_copy_prepare(DB_ENV *env)
{
	return env->set_backup_callbacks(
	    env, copy_open, copy_write, copy_close);
}

/* ---- the two halves ---- */

static void
free_copy(struct bdb_copy *copy)
{
	for (size_t i = 0; i < copy->len; i++) {
		(void)close(copy->files[i].fd);
		free(copy->files[i].name);
	}
	free(copy);
}

static enum jp_err
copy_all(struct bdb *bdb, struct bdb_copy *copy)
{
	char target[] = "-"; /* only the callbacks would use it */
	int ret;

	bdb_pause(bdb);
	(void)pthread_mutex_lock(&bdb->copy_mutex);
	bdb_memory_hold();
	bdb->copy = copy;
	ret = bdb->env->backup(bdb->env, target, 0);
	bdb->copy = NULL;
	bdb_memory_drop();
	(void)pthread_mutex_unlock(&bdb->copy_mutex);
	bdb_resume(bdb);
	return ret == 0 ? JP_ERR_OK : bdb_fail(bdb, ret, "backup");
}

/* The mark first, of before the copying: it must not be ahead of it. */
static enum jp_err
hand_hwm(uint64_t commits, jp_store_take take, void *arg)
{
	char text[BDB_HWM_TEXT];
	const struct jp_piece piece = {
		.name = BDB_HWM_NAME,
		.bytes = (const uint8_t *)text,
		.len = BDB_HWM_LEN,
	};

	bdb_hwm_print(text, commits);
	return take(arg, &piece);
}

static enum jp_err
hand_file(struct bdb *bdb, const struct bdb_file_copy *file, uint8_t *bytes,
    jp_store_take take, void *arg)
{
	struct jp_piece piece = { .name = file->name, .bytes = bytes };
	enum jp_err err = JP_ERR_OK;
	ssize_t got;

	while (err == JP_ERR_OK) {
		got = pread(file->fd, bytes, PIECE, (off_t)piece.offset);
		if (got < 0)
			return bdb_fail(bdb, errno, "reading the copy");
		if (got == 0)
			break;
		piece.len = (size_t)got;
		err = take(arg, &piece);
		piece.offset += piece.len;
	}
	return err;
}

static enum jp_err
hand_over(struct bdb *bdb, const struct bdb_copy *copy, uint64_t commits,
    jp_store_take take, void *arg)
{
	uint8_t *bytes = malloc(PIECE);
	enum jp_err err = JP_ERR_NOMEM;

	if (bytes != NULL)
		err = hand_hwm(commits, take, arg);
	for (size_t i = 0; i < copy->len && err == JP_ERR_OK; i++)
		err = hand_file(bdb, &copy->files[i], bytes, take, arg);
	free(bytes);
	return err;
}

enum jp_err
bdb_backup(struct jp_store *store, jp_store_take take, void *arg)
{
	struct bdb *bdb = bdb_of(store);
	struct bdb_copy *copy = calloc(1, sizeof(*copy));
	struct jp_store_info info;
	enum jp_err err = bdb_enter(bdb);

	if (copy == NULL && err == JP_ERR_OK)
		err = bdb_leave(bdb, JP_ERR_NOMEM);
	if (copy == NULL || err != JP_ERR_OK) {
		free(copy);
		return err;
	}
	err = jp_store_info(store, &info);
	if (err == JP_ERR_OK)
		err = copy_all(bdb, copy);
	err = bdb_leave(bdb, err);
	if (err == JP_ERR_OK)
		err = hand_over(bdb, copy, info.commits, take, arg);
	free_copy(copy);
	return err;
}
