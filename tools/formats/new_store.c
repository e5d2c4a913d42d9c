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
#include "common/record/pepper.h"
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

static enum jp_err
remove_name(void *arg, const char *path)
{
	(void)arg;
	(void)unlink(path);
	return JP_ERR_OK;
}

/* The folder of the new store with all that is in it, and the new pepper. */
static void
remove_new(const struct new_store *making)
{
	struct jp_why ignored;

	if (act_as(&making->owner, &ignored) == JP_ERR_OK)
		(void)each_name(making->store.new, remove_name, NULL);
	if (act_at(making->store.new, &ignored) == JP_ERR_OK)
		(void)rmdir(making->store.new);
	if (act_at(making->pepper.new, &ignored) == JP_ERR_OK)
		(void)unlink(making->pepper.new);
	act_as_self();
}

/* Nobody works on it: whoever does has the lock that is in it. */
static enum jp_err
take_over(struct new_store *making)
{
	const struct jp_settings *settings = making->settings;
	struct stat st;
	int fd = -1;
	enum jp_err err;

	place_name(&making->store, settings->store_dir, making->suffix);
	place_name(&making->pepper, settings->pepper_file, making->suffix);
	err = act_as(&making->owner, making->why);
	if (err == JP_ERR_OK && lstat(making->store.new, &st) == 0 &&
	    S_ISDIR(st.st_mode))
		err = jp_store_bdb_hold(
		    making->store.new, making->holder, 0, &fd, making->why);
	act_as_self();
	if (err == JP_ERR_LOCKED)
		return err;
	remove_new(making);
	if (fd >= 0)
		(void)close(fd);
	return JP_ERR_OK;
}

enum jp_err
new_store_begin(struct new_store *making)
{
	const struct jp_settings *settings = making->settings;
	enum jp_err err = owner_of_store(settings, &making->owner, making->why);

	if (err == JP_ERR_OK && making->takes_over)
		err = take_over(making);
	if (err == JP_ERR_OK)
		err = place_set(&making->store, settings->store_dir,
		    making->suffix, making->why);
	if (err == JP_ERR_OK)
		err = place_set(&making->pepper, settings->pepper_file,
		    making->suffix, making->why);
	if (err == JP_ERR_OK && making->store.old[0] != '\0')
		err = hold_old(making);
	if (err == JP_ERR_OK)
		err = make_audit_folder(settings, &making->owner, making->why);
	return err == JP_ERR_OK ? make_new(making) : err;
}

/*
 * Both or none, as a store is of no use with another one's pepper: where the
 * store cannot be taken back, the new pepper stays, too.
 */
void
new_store_take_back(struct new_store *making)
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
		new_store_take_back(making);
	return err;
}

void
new_store_end(struct new_store *making)
{
	if (making->made)
		remove_new(making);
	if (making->lock_fd >= 0)
		(void)close(making->lock_fd);
}

/* ---- a pepper without its store ---- */

/* Whether the store that is there was made with that pepper. */
static bool
opens(struct new_store *making, const char *path)
{
	struct jp_store_options options = {
		.dir = making->settings->store_dir,
		.holder = making->holder,
		.wait_ms = LOCK_MS,
	};
	struct jp_store *store = NULL;
	struct jp_pepper pepper;
	struct jp_why ignored;
	enum jp_err err = jp_pepper_load(path, &pepper, &ignored);

	if (err != JP_ERR_OK)
		return false;
	jp_pepper_name(&pepper, options.tag);
	jp_pepper_clear(&pepper);
	err = jp_store_bdb_open(&options, &store, &ignored);
	if (err == JP_ERR_OK)
		jp_store_close(store);
	return err == JP_ERR_OK;
}

struct search {
	struct new_store *making;
	char start[PLACE_MAX]; /* of the names that count */
	char found[PLACE_MAX];
};

static enum jp_err
look_at(void *arg, const char *path)
{
	struct search *search = arg;

	if (strncmp(path, search->start, strlen(search->start)) == 0 &&
	    search->found[0] == '\0' && opens(search->making, path))
		(void)snprintf(
		    search->found, sizeof(search->found), "%s", path);
	return JP_ERR_OK;
}

static enum jp_err
search_folder(struct search *search)
{
	const char *path = search->making->settings->pepper_file;
	char folder[PLACE_MAX];
	char *slash;

	(void)snprintf(
	    search->start, sizeof(search->start), "%s" JP_PEPPER_BEFORE, path);
	(void)snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash == NULL || slash == folder)
		return JP_ERR_NOT_FOUND;
	*slash = '\0';
	return each_name(folder, look_at, search);
}

enum jp_err
new_store_undo(struct new_store *making, struct place *pepper)
{
	const char *path = making->settings->pepper_file;
	struct search search = { .making = making };
	enum jp_err err = act_as(&making->owner, making->why);

	if (err == JP_ERR_OK)
		err = search_folder(&search);
	if (err == JP_ERR_OK && search.found[0] == '\0')
		err = JP_ERR_NOT_FOUND;
	if (err == JP_ERR_OK)
		err = place_from(pepper, path, search.found, making->why);
	if (err == JP_ERR_OK)
		err = place_put(pepper, making->why);
	act_as_self();
	return err;
}
