/*
 * The lock that makes one process the owner of a store. Nothing here calls
 * Berkeley DB.
 */
#include "common/store/bdb_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME "store.lock"
#define LOCK_RETRY_MS 10
#define LOCK_TEXT_MAX 128

/* Reads who holds the lock: text that another process wrote. */
static enum jp_err
name_holder(struct bdb *bdb, int fd)
{
	char text[LOCK_TEXT_MAX];
	ssize_t got = pread(fd, text, sizeof(text) - 1, 0);
	size_t len = 0;

	while (got > 0 && len < (size_t)got && text[len] >= ' ' &&
	       text[len] <= '~')
		len++;
	text[len] = '\0';
	return bdb_fail_why(bdb, JP_ERR_LOCKED, "the store %s is in use by %s",
	    bdb->dir, len > 0 ? text : "another process");
}

/* Whether `fd` is still the file of that name: a lock may be removed. */
static bool
is_lock_file(const struct bdb *bdb, int fd)
{
	struct stat by_fd, by_name;

	return fstat(fd, &by_fd) == 0 &&
	       fstatat(bdb->dir_fd, LOCK_NAME, &by_name, AT_SYMLINK_NOFOLLOW) ==
	           0 &&
	       by_fd.st_dev == by_name.st_dev && by_fd.st_ino == by_name.st_ino;
}

/*
 * A process that stays announces itself with another kind of lock on the same
 * file, fcntl(2)'s F_OFD_SETLK, before it waits for flock(2)'s. Others only
 * look for it, so they never block it.
 */
static bool
announce(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &lock) == 0 ||
	       (errno != EAGAIN && errno != EACCES);
}

static bool
is_announced(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

static enum jp_err
try_lock(struct bdb *bdb, bool first)
{
	enum jp_err err = JP_ERR_OK;
	int fd = openat(bdb->dir_fd, LOCK_NAME,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return bdb_fail_errno(bdb, LOCK_NAME);
	/* Each needs the one before. NOLINTBEGIN(bugprone-branch-clone) */
	if (!first && is_announced(fd))
		err = name_holder(bdb, fd);
	else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		err = errno == EWOULDBLOCK ? name_holder(bdb, fd)
		                           : bdb_fail_errno(bdb, LOCK_NAME);
	else if (!is_lock_file(bdb, fd))
		err = name_holder(bdb, fd);
	/* NOLINTEND(bugprone-branch-clone) */
	if (err == JP_ERR_OK)
		bdb->lock_fd = fd;
	else
		(void)close(fd);
	return err;
}

/* Only for the messages of others: a failure changes nothing. */
static void
sign_lock(const struct bdb *bdb, const char *holder)
{
	char text[LOCK_TEXT_MAX];
	int len = snprintf(
	    text, sizeof(text), "%.64s (pid %ld)\n", holder, (long)getpid());

	if (ftruncate(bdb->lock_fd, 0) != 0 ||
	    pwrite(bdb->lock_fd, text, (size_t)len, 0) != len)
		return;
}

static enum jp_err
lock_until(struct bdb *bdb, const char *holder, int64_t wait_ms, bool first)
{
	int64_t end = jp_now_ms() + wait_ms;
	enum jp_err err = try_lock(bdb, first);

	while (err == JP_ERR_LOCKED && jp_now_ms() < end) {
		bdb_sleep_ms(LOCK_RETRY_MS);
		err = try_lock(bdb, first);
	}
	if (err == JP_ERR_OK)
		sign_lock(bdb, holder);
	return err;
}

enum jp_err
bdb_lock(struct bdb *bdb, const char *holder, int64_t wait_ms)
{
	return lock_until(bdb, holder, wait_ms, false);
}

enum jp_err
bdb_lock_first(struct bdb *bdb, const char *holder, int64_t wait_ms)
{
	int fd = openat(bdb->dir_fd, LOCK_NAME,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	enum jp_err err;

	if (fd < 0)
		return bdb_fail_errno(bdb, LOCK_NAME);
	if (announce(fd)) {
		bdb->announce_fd = fd;
		return lock_until(bdb, holder, wait_ms, true);
	}
	err = name_holder(bdb, fd);
	(void)close(fd);
	return err;
}

void
bdb_lock_remove(struct bdb *bdb)
{
	(void)unlinkat(bdb->dir_fd, LOCK_NAME, 0);
}

bool
jp_store_bdb_holder(const char *dir, char *name, size_t size, pid_t *pid)
{
	static const char before_pid[] = " (pid ";
	char path[PATH_MAX], text[LOCK_TEXT_MAX];
	char *at;
	ssize_t len = -1;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, LOCK_NAME);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0) {
		len = pread(fd, text, sizeof(text) - 1, 0);
		(void)close(fd);
	}
	text[len > 0 ? len : 0] = '\0';
	at = strstr(text, before_pid);
	if (at == NULL)
		return false;
	*at = '\0';
	*pid = (pid_t)strtol(at + sizeof(before_pid) - 1, NULL, 10);
	(void)snprintf(name, size, "%s", text);
	return *pid > 0;
}
