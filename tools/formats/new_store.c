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
	LOCK_MS = 3000, /* a patd that is just leaving */
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

/*
 * What stays beside the store, of whatever day it is: the trail goes on, and no
 * notice is given twice.
 */
static const char *const kept[] = { JP_AUDIT_CHECKPOINT_NAME, NOTICES_NAME };

static ssize_t
read_kept(struct new_store *making, const char *name, char *text, size_t size)
{
	char path[PLACE_MAX + 32];
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
	char path[PLACE_MAX + 32], text[1024];
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
	char path[PLACE_MAX + 32];
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
		err = place_set(&making->store, settings->store_dir,
		    making->suffix, making->why);
	if (err == JP_ERR_OK)
		err = place_set(&making->pepper, settings->pepper_file,
		    making->suffix, making->why);
	if (err == JP_ERR_OK && making->store.old[0] != '\0')
		err = hold_old(making);
	return err == JP_ERR_OK ? make_new(making) : err;
}

/*
 * Both or none, as a store is of no use with another one's pepper: where the
 * store cannot be taken back, the new pepper stays, too.
 */
static void
take_back(struct new_store *making)
{
	struct place *const places[] = { &making->store, &making->pepper };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (place_take_back(places[i]))
			continue;
		(void)fprintf(stderr,
		    "%s is the new one and cannot be taken back%s%s\n",
		    places[i]->path,
		    places[i]->old[0] != '\0' ? "; what was there is " : "",
		    places[i]->old);
		return;
	}
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
		err = place_put(&making->pepper, making->why);
	if (err == JP_ERR_OK)
		err = place_put(&making->store, making->why);
	if (err != JP_ERR_OK)
		take_back(making);
	return err;
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
