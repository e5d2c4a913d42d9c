#include "tools/formats/new_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/audit/audit.h"
#include "common/base/clock.h"
#include "common/store/bdb.h"
#include "common/sys/durable.h"
#include "tools/formats/files.h"
#include "tools/formats/path_why.h"

enum {
	LOCK_MS = 3000,   /* a patd that is just leaving */
	OLD_TRIES = 1000, /* names for what was there, of one second */
};

int
new_store_file(struct new_store *making, const char *path, mode_t mode)
{
	int fd = -1, errnum;

	if (act_at(path, making->why) == JP_ERR_OK)
		fd = open(path,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd >= 0 && fchown(fd, making->owner.uid, making->owner.gid) != 0) {
		errnum = errno;
		(void)close(fd);
		fd = -1;
		errno = errnum;
	}
	errnum = errno;
	act_as_self();
	errno = errnum;
	return fd;
}

/* ---- places ---- */

/* What is there goes to "PATH.before-20261125T010203Z", and with "-2", "-3" …
 * behind where that name is taken. */
static enum jp_err
name_old(struct place *place, struct jp_why *why)
{
	time_t now = (time_t)jp_clock_now(&jp_system_clock);
	char when[sizeof("20261125T010203Z")], more[16] = "";
	struct tm utc;
	struct stat st;

	if (lstat(place->path, &st) != 0)
		return JP_ERR_OK;
	if (strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ",
	        gmtime_r(&now, &utc)) == 0)
		return jp_why(why, JP_ERR_IO, "the clock is wrong");
	for (int i = 2; i <= OLD_TRIES; i++) {
		int len = snprintf(place->old, sizeof(place->old),
		    "%s.before-%s%s", place->path, when, more);

		if (len < 0 || (size_t)len >= sizeof(place->old))
			return jp_why(why, JP_ERR_TOO_LONG,
			    "%s: the path is too long", place->path);
		if (lstat(place->old, &st) != 0)
			return JP_ERR_OK;
		(void)snprintf(more, sizeof(more), "-%d", i);
	}
	return jp_why(
	    why, JP_ERR_EXISTS, "%s is in the way: remove it", place->old);
}

static enum jp_err
set_place(struct new_store *making, struct place *place, const char *path)
{
	struct stat st;
	enum jp_err err = make_parents(path, making->why);

	place->path = path;
	(void)snprintf(
	    place->new, sizeof(place->new), "%s%s", path, making->suffix);
	if (err == JP_ERR_OK)
		err = name_old(place, making->why);
	if (err != JP_ERR_OK)
		return err;
	if (lstat(place->new, &st) == 0)
		return jp_why(making->why, JP_ERR_EXISTS,
		    "%s is in the way, perhaps of a command that was "
		    "interrupted: remove it",
		    place->new);
	return JP_ERR_OK;
}

static enum jp_err
rename_why(struct new_store *making, const char *from, const char *to)
{
	return rename(from, to) == 0 ? JP_ERR_OK
	                             : path_why(making->why, "rename", from);
}

/*
 * In one step, so that at no time nothing is there: the new one, under the name
 * that the old one shall have, changes places with it. False: it cannot be done
 * on this file system, or not at all.
 */
static bool
exchange_at_once(const struct place *place)
{
	if (rename(place->new, place->old) != 0)
		return false;
	if (renameat2(AT_FDCWD, place->old, AT_FDCWD, place->path,
	        RENAME_EXCHANGE) == 0)
		return true;
	(void)rename(place->old, place->new);
	return false;
}

/* What was there goes aside; if the new cannot come it comes back. */
static enum jp_err
exchange(struct new_store *making, const struct place *place)
{
	enum jp_err err = JP_ERR_OK;

	if (place->old[0] != '\0' && exchange_at_once(place))
		return sync_parent(place->path, making->why);
	if (place->old[0] != '\0')
		err = rename_why(making, place->path, place->old);
	if (err != JP_ERR_OK)
		return err;
	err = rename_why(making, place->new, place->path);
	if (err != JP_ERR_OK && place->old[0] != '\0')
		(void)rename(place->old, place->path);
	return err == JP_ERR_OK ? sync_parent(place->path, making->why) : err;
}

static enum jp_err
put_in_place(struct new_store *making, const struct place *place)
{
	enum jp_err err = act_at(place->path, making->why);

	if (err == JP_ERR_OK)
		err = exchange(making, place);
	act_as_self();
	return err;
}

/*
 * What stays beside the store, of whatever day it is: the trail goes on, and no
 * notice is given twice.
 */
static const char *const kept[] = { JP_AUDIT_CHECKPOINT_NAME, NOTICES_NAME };

static ssize_t
read_kept(struct new_store *making, const char *name, char *text, size_t size)
{
	char path[NEW_STORE_PATH_MAX + 32];
	ssize_t len = -1;
	int fd = -1;

	(void)snprintf(path, sizeof(path), "%s/%s", making->store.path, name);
	if (act_at(path, making->why) == JP_ERR_OK)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0) {
		len = read(fd, text, size);
		(void)close(fd);
	}
	act_as_self();
	return len;
}

static enum jp_err
keep_file(struct new_store *making, const char *name)
{
	char path[NEW_STORE_PATH_MAX + 32], text[1024];
	enum jp_err err = JP_ERR_OK;
	ssize_t len = read_kept(making, name, text, sizeof(text));
	int fd;

	if (len <= 0)
		return JP_ERR_OK;
	(void)snprintf(path, sizeof(path), "%s/%s", making->store.new, name);
	fd = new_store_file(making, path, 0600);
	if (fd < 0 || write(fd, text, (size_t)len) != len || fsync(fd) != 0)
		err = path_why(making->why, "write", path);
	if (fd >= 0)
		(void)close(fd);
	return err;
}

/* The lock of the store that is there; it lies in the hands of its owner. */
static enum jp_err
hold_old(struct new_store *making)
{
	char path[NEW_STORE_PATH_MAX + 32];
	enum jp_err err;

	(void)snprintf(path, sizeof(path), "%s/store.lock", making->store.path);
	err = act_at(path, making->why);
	if (err == JP_ERR_OK)
		err = jp_store_bdb_hold(making->store.path, making->holder,
		    LOCK_MS, &making->lock_fd, making->why);
	act_as_self();
	return err;
}

/* The folder of the new store. */
static enum jp_err
make_new(struct new_store *making)
{
	const char *path = making->store.new;
	enum jp_err err = act_at(path, making->why);

	if (err != JP_ERR_OK)
		return err;
	making->made = mkdir(path, 0700) == 0;
	if (!making->made)
		err = path_why(making->why, "make", path);
	else if (lchown(path, making->owner.uid, making->owner.gid) != 0)
		err = path_why(making->why, "chown", path);
	act_as_self();
	return err;
}

enum jp_err
new_store_begin(struct new_store *making)
{
	const struct jp_settings *settings = making->settings;
	enum jp_err err = owner_of_store(settings, &making->owner, making->why);

	if (err == JP_ERR_OK)
		err = set_place(making, &making->store, settings->store_dir);
	if (err == JP_ERR_OK)
		err = set_place(making, &making->pepper, settings->pepper_file);
	if (err == JP_ERR_OK && making->store.old[0] != '\0')
		err = hold_old(making);
	return err == JP_ERR_OK ? make_new(making) : err;
}

/* Not before all that is in it is durable by its name, too. */
enum jp_err
new_store_swap(struct new_store *making)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0;
	     err == JP_ERR_OK && i < sizeof(kept) / sizeof(kept[0]); i++)
		err = keep_file(making, kept[i]);
	if (err == JP_ERR_OK && jp_sync_folder(making->store.new) != 0)
		err = path_why(making->why, "sync", making->store.new);
	if (err == JP_ERR_OK && !making->same_pepper)
		err = put_in_place(making, &making->pepper);
	return err == JP_ERR_OK ? put_in_place(making, &making->store) : err;
}

static enum jp_err
remove_name(void *arg, const char *path)
{
	(void)arg;
	(void)unlink(path);
	return JP_ERR_OK;
}

void
new_store_end(struct new_store *making)
{
	struct jp_why ignored;

	if (making->made) {
		if (act_as(&making->owner, &ignored) == JP_ERR_OK)
			(void)each_name(making->store.new, remove_name, NULL);
		if (act_at(making->store.new, &ignored) == JP_ERR_OK)
			(void)rmdir(making->store.new);
		if (act_at(making->pepper.new, &ignored) == JP_ERR_OK)
			(void)unlink(making->pepper.new);
		act_as_self();
	}
	if (making->lock_fd >= 0)
		(void)close(making->lock_fd);
}
