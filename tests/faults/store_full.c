/*
 * The disk of a store becomes full. In a mount namespace of its own, so that
 * nobody else sees the small tmpfs, and nothing is left of it.
 */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/faults/store_tap.h"

#define TESTS 14
#define ENDS 1000 /* revocations: far more than a step of the reserve */
#define FILLER "filler"

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

	(void)snprintf(path, sizeof(path), "%s/%s", dir, FILLER);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	size = lseek(fd, 0, SEEK_END);
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

	(void)snprintf(path, sizeof(path), "%s/%s", dir, FILLER);
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

static enum jp_err
end_one(struct jp_store *store, unsigned int i)
{
	struct jp_change change = { .kind = JP_CHANGE_END };
	struct jp_record record;
	char id[16];
	enum jp_err err;

	(void)snprintf(id, sizeof(id), "%08u", i);
	err = jp_store_get(store, id, &record);
	record.revoked_at = 1700000000;
	memset(record.revoked_why, 'w', JP_NOTE_MAX);
	change.record = &record;
	return err == JP_ERR_OK ? jp_store_commit(store, &change, 1) : err;
}

static enum jp_err
disable(struct jp_store *store, unsigned int i)
{
	struct jp_user user = { .disabled = true };

	(void)snprintf(user.name, sizeof(user.name), "user%u", i);
	return jp_store_put_users(store, &user, 1);
}

/* Somebody else takes what is given up, as fast as it comes. */
static bool
end_many(struct jp_store *store, const char *dir, bool greedy)
{
	enum jp_err err = JP_ERR_OK;
	unsigned int i;

	for (i = 0; i < ENDS && err == JP_ERR_OK; i++) {
		if (greedy && i % 100 == 0)
			(void)take_space(dir, 0);
		err = end_one(store, i);
		if (err == JP_ERR_OK && i % 4 == 0)
			err = disable(store, i);
	}
	if (err != JP_ERR_OK)
		(void)tap_why(store, jp_err_name(err));
	(void)printf("# %u revocations on a full disk\n", i);
	return err == JP_ERR_OK;
}

static bool
all_ended(struct jp_store *store)
{
	struct jp_record record;
	struct jp_user user;
	char text[32];

	for (unsigned int i = 0; i < ENDS; i++) {
		(void)snprintf(text, sizeof(text), "%08u", i);
		if (jp_store_get(store, text, &record) != JP_ERR_OK ||
		    record.revoked_at == JP_NEVER)
			return false;
		(void)snprintf(text, sizeof(text), "user%u", i / 4 * 4);
		if (jp_store_user(store, text, &user) != JP_ERR_OK ||
		    !user.disabled)
			return false;
	}
	return true;
}

static uint64_t
reserve_of(struct jp_store *store)
{
	struct jp_store_info info;

	return jp_store_info(store, &info) == JP_ERR_OK ? info.reserve : 0;
}

/* Its owner leaves without a word, and the disk stays full. */
static bool
end_and_die(const struct jp_store_options *options)
{
	struct jp_store *store;
	struct jp_why why;
	int status = 1;
	pid_t child = fork();

	if (child == 0) {
		if (jp_store_bdb_open(options, &store, &why) != JP_ERR_OK)
			(void)printf("# child: %s\n", why.text);
		else if (end_many(store, options->dir, false))
			status = 0;
		(void)fflush(stdout);
		_exit(status);
	}
	return waitpid(child, &status, 0) == child && status == 0;
}

static bool
says_what_to_do(struct jp_store *store)
{
	struct jp_why why;

	jp_store_why(store, &why);
	(void)printf("# %s\n", why.text);
	return strstr(why.text, "make room") != NULL &&
	       strstr(why.text, "revoked") != NULL;
}

static void
test_ends(struct tap *tap, const struct jp_store_options *options)
{
	struct jp_store *store;
	struct jp_why why;
	unsigned int count = 0;

	if (jp_store_bdb_create(options, &why) != JP_ERR_OK ||
	    jp_store_bdb_open(options, &store, &why) != JP_ERR_OK) {
		(void)printf("Bail out! %s\n", why.text);
		exit(1);
	}
	tap_ok(tap, reserve_of(store) == JP_STORE_RESERVE,
	    "a store keeps space for the end of tokens");
	while (count < ENDS && add_next(store, count) == JP_ERR_OK)
		count++;
	(void)take_space(options->dir, 0);
	(void)fill_up(store, &count);
	tap_ok(tap, end_many(store, options->dir, true) && all_ended(store),
	    "on a full disk tokens are revoked and users disabled");
	tap_ok(tap,
	    add_next(store, count) == JP_ERR_DISK_FULL &&
	        says_what_to_do(store),
	    "nothing else is written then, and the message says what to do");
	jp_store_close(store);
	tap_ok(tap, end_and_die(options) && end_and_die(options),
	    "it opens on a full disk, also after its owner was killed");
	if (jp_store_bdb_open(options, &store, &why) != JP_ERR_OK) {
		(void)printf("Bail out! %s\n", why.text);
		exit(1);
	}
	(void)printf("# %llu bytes of the reserve are left\n",
	    (unsigned long long)reserve_of(store));
	tap_ok(tap, all_ended(store) && reserve_of(store) < JP_STORE_RESERVE,
	    "what was revoked stays so, and the reserve is known to be in use");
	free_space(options->dir);
	tap_ok(tap,
	    jp_store_checkpoint(store) == JP_ERR_OK &&
	        reserve_of(store) == JP_STORE_RESERVE,
	    "a checkpoint makes the reserve whole again");
	tap_ok(tap, add_next(store, count) == JP_ERR_OK && all_ended(store),
	    "and all goes on as before");
	jp_store_close(store);
	tap_ok(tap, jp_store_bdb_verify(options, &why) == JP_ERR_OK,
	    "every page verifies after that, too");
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
	if (mount_small(dir))
		test_ends(&tap, &options);
	(void)umount(dir);
	(void)rmdir(dir);
	while (tap.count < TESTS)
		(void)printf(
		    "ok %d # SKIP no tmpfs can be mounted here\n", ++tap.count);
	return tap_end(&tap);
}
