/*
 * The disk of a store becomes full. In a mount namespace of its own, so that
 * nobody else sees the small tmpfs, and nothing is left of it.
 */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

#include "tests/faults/store_tap.h"

#define TESTS 6
#define BALLAST "ballast"

static const char *const users[] = { "alice" };

/* Takes space until only about `left` bytes are free. */
static bool
take_space(const char *dir, size_t left)
{
	static const char zeroes[4096];
	char path[PATH_MAX + NAME_MAX];
	off_t size = 0;
	bool fits;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, BALLAST);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	while (write(fd, zeroes, sizeof(zeroes)) == (ssize_t)sizeof(zeroes))
		size += (off_t)sizeof(zeroes);
	size -= size > (off_t)left ? (off_t)left : 0;
	fits = ftruncate(fd, size) == 0;
	(void)close(fd);
	return fits;
}

static void
free_space(const char *dir)
{
	char path[PATH_MAX + NAME_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, BALLAST);
	(void)unlink(path);
}

static enum jp_err
add_next(struct jp_store *store, unsigned int i)
{
	char id[16];

	(void)snprintf(id, sizeof(id), "%08u", i);
	return add(store, id, users[0], 1 + i);
}

/* Commits until it fails; `count` gets how many did not. */
static enum jp_err
fill_up(struct jp_store *store, unsigned int *count)
{
	enum jp_err err = JP_ERR_OK;

	while (err == JP_ERR_OK && *count < 100000) {
		err = add_next(store, *count);
		*count += err == JP_ERR_OK;
	}
	return err;
}

/* Exactly the first `count` are there, in all their places. */
static bool
has_just(struct jp_store *store, unsigned int count)
{
	struct jp_store_info info;

	return indexes_agree(store, users, 1) &&
	       jp_store_info(store, &info) == JP_ERR_OK &&
	       info.records == count && info.commits == count;
}

static void
test_commits(struct tap *tap, const struct jp_store_options *options)
{
	struct jp_store *store;
	struct jp_why why;
	unsigned int count = 0;
	enum jp_err err;

	if (jp_store_bdb_create(options, &why) != JP_ERR_OK ||
	    jp_store_bdb_open(options, &store, &why) != JP_ERR_OK) {
		(void)printf("Bail out! %s\n", why.text);
		exit(1);
	}
	(void)take_space(options->dir, 2U << 20);
	err = fill_up(store, &count);
	(void)tap_why(store, jp_err_name(err));
	(void)printf("# %u commits fitted\n", count);
	tap_ok(tap, err == JP_ERR_DISK_FULL && count > 0,
	    "a commit that does not fit on the disk says so");
	tap_ok(tap, has_just(store, count),
	    "what was acknowledged is there, and nothing else");
	free_space(options->dir);
	err = add_next(store, count);
	count += err == JP_ERR_OK;
	if (err != JP_ERR_OK)
		(void)tap_why(store, "after space was freed");
	tap_ok(tap, err == JP_ERR_OK && has_just(store, count),
	    "it works again as soon as there is space");
	jp_store_close(store);
	err = jp_store_bdb_open(options, &store, &why);
	tap_ok(tap, err == JP_ERR_OK && has_just(store, count),
	    "it opens again with all that was acknowledged");
	jp_store_close(store);
	tap_ok(tap, jp_store_bdb_verify(options, &why) == JP_ERR_OK,
	    "every page verifies");
}

static bool
is_empty(const char *dir)
{
	DIR *stream = opendir(dir);
	const struct dirent *entry;
	bool empty = stream != NULL;

	while (stream != NULL && (entry = readdir(stream)) != NULL)
		if (entry->d_name[0] != '.')
			empty = false;
	if (stream != NULL)
		(void)closedir(stream);
	return empty;
}

static void
test_making(struct tap *tap, const struct jp_store_options *options)
{
	struct jp_why why;
	enum jp_err err;
	bool clean;

	(void)take_space(options->dir, 20000);
	err = jp_store_bdb_create(options, &why);
	(void)printf("# %s: %s\n", jp_err_name(err), why.text);
	free_space(options->dir);
	clean = is_empty(options->dir);
	tap_ok(tap,
	    err == JP_ERR_DISK_FULL && clean &&
	        jp_store_bdb_create(options, &why) == JP_ERR_OK,
	    "a making that does not fit says so and leaves nothing");
}

static bool
mount_small(const char *dir)
{
	return mount("none", dir, "tmpfs", MS_NOSUID | MS_NODEV,
	           "size=8m,mode=0700") == 0;
}

int
main(void)
{
	struct tap tap = { .count = 0 };
	struct jp_store_options options;
	char dir[PATH_MAX];

	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
		(void)printf("1..0 # SKIP mounting is not allowed here: %s\n",
		    strerror(errno));
		return 0;
	}
	scratch_make(dir);
	options = options_for(dir);
	options.cache = 8U << 20;
	if (mount_small(dir))
		test_commits(&tap, &options);
	(void)umount(dir);
	if (mount_small(dir))
		test_making(&tap, &options);
	(void)umount(dir);
	(void)rmdir(dir);
	while (tap.count < TESTS)
		(void)printf(
		    "ok %d # SKIP no tmpfs can be mounted here\n", ++tap.count);
	return tap_end(&tap);
}
