/*
 * The folder of a Berkeley DB store: who may use it, the lock that makes one
 * process its owner, the mark of a store in the making, the high-water mark.
 * Nothing here calls Berkeley DB.
 */
#include "common/store/bdb_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_NAME "store.lock"
#define LOCK_RETRY_MS 10
#define LOCK_TEXT_MAX 128

/*
 * It stands in the folder while a store is made, so that a folder with this
 * file holds no store, whatever else it holds. A store that lost its
 * tokens.db has no such file: its logs may still be worth a rescue, and
 * nothing of it is ever removed.
 */
#define MARK_NAME "creating"

static const char *const file_names[] = {
#define BDB_FILE_ROW(code, name) name,
	BDB_FILE_LIST(BDB_FILE_ROW)
#undef BDB_FILE_ROW
};

const char *
bdb_file_name(enum bdb_file file)
{
	return file_names[file];
}

void
bdb_sleep_ms(int64_t ms)
{
	struct timespec nap = { .tv_sec = ms / 1000,
		.tv_nsec = (ms % 1000) * 1000000 };

	(void)nanosleep(&nap, NULL);
}

static enum jp_err
fail_errno(struct bdb *bdb, const char *name)
{
	int errnum = errno;

	return bdb_fail_why(bdb, jp_err_from_errno(errnum), "%s/%s: %s",
	    bdb->dir, name, strerror(errnum));
}

bool
bdb_folder_has(const struct bdb *bdb, const char *name)
{
	struct stat st;

	return fstatat(bdb->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * Whoever can write here can give tokens to everybody; whoever can read here
 * has the hashes.
 */
static enum jp_err
judge_folder(struct bdb *bdb)
{
	struct stat st;

	if (fstat(bdb->dir_fd, &st) != 0)
		return fail_errno(bdb, "");
	if (st.st_uid != geteuid())
		return bdb_fail_why(bdb, JP_ERR_CONFIG,
		    "%s belongs to uid %u, not to uid %u who uses it: "
		    "chown %u %s",
		    bdb->dir, st.st_uid, geteuid(), geteuid(), bdb->dir);
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return bdb_fail_why(bdb, JP_ERR_CONFIG,
		    "%s is open to others (mode %04o): chmod 0700 %s", bdb->dir,
		    st.st_mode & 07777, bdb->dir);
	/* Its lines would silently overrule what the code sets. */
	if (bdb_folder_has(bdb, "DB_CONFIG"))
		return bdb_fail_why(bdb, JP_ERR_CONFIG,
		    "%s/DB_CONFIG would change how the store works: remove it",
		    bdb->dir);
	return JP_ERR_OK;
}

enum jp_err
bdb_folder_open(struct bdb *bdb, const char *dir)
{
	int len = snprintf(bdb->dir, sizeof(bdb->dir), "%s", dir);

	if (dir[0] != '/' || (size_t)len >= sizeof(bdb->dir))
		return bdb_fail_why(bdb, JP_ERR_CONFIG,
		    "the store's folder must be an absolute path, not \"%s\"",
		    dir);
	bdb->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (bdb->dir_fd >= 0)
		return judge_folder(bdb);
	if (errno == ENOTDIR)
		return bdb_fail_why(
		    bdb, JP_ERR_CONFIG, "%s is not a folder", dir);
	return bdb_fail_why(
	    bdb, jp_err_from_errno(errno), "%s: %s", dir, strerror(errno));
}

enum jp_err
bdb_folder_sync(struct bdb *bdb)
{
	if (fsync(bdb->dir_fd) != 0)
		return fail_errno(bdb, "");
	return JP_ERR_OK;
}

static bool
is_ours(const char *name)
{
	for (size_t i = 0; i < BDB_FILES; i++)
		if (strcmp(name, file_names[i]) == 0)
			return true;
	return strcmp(name, BDB_HWM_NAME) == 0 ||
	       strcmp(name, BDB_RESERVE_NAME) == 0 ||
	       strcmp(name, BDB_CLOCK_NAME) == 0 ||
	       strncmp(name, "log.", strlen("log.")) == 0 ||
	       strncmp(name, "__db.", strlen("__db.")) == 0;
}

/* A stream over the folder with a descriptor of its own, or NULL. */
static DIR *
read_folder(const struct bdb *bdb)
{
	int fd = openat(bdb->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;

	if (stream == NULL && fd >= 0)
		(void)close(fd);
	return stream;
}

uint64_t
bdb_folder_bytes(const struct bdb *bdb)
{
	DIR *stream = read_folder(bdb);
	const struct dirent *entry;
	uint64_t bytes = 0;
	struct stat st;

	if (stream == NULL)
		return 0;
	while ((entry = readdir(stream)) != NULL)
		if (is_ours(entry->d_name) &&
		    strcmp(entry->d_name, BDB_RESERVE_NAME) != 0 &&
		    fstatat(bdb->dir_fd, entry->d_name, &st,
		        AT_SYMLINK_NOFOLLOW) == 0)
			bytes += (uint64_t)st.st_blocks * 512;
	(void)closedir(stream);
	return bytes;
}

void
bdb_folder_empty(struct bdb *bdb)
{
	DIR *stream = read_folder(bdb);
	const struct dirent *entry;

	if (stream == NULL)
		return;
	while ((entry = readdir(stream)) != NULL)
		if (is_ours(entry->d_name))
			(void)unlinkat(bdb->dir_fd, entry->d_name, 0);
	(void)closedir(stream);
}

enum jp_err
bdb_mark_set(struct bdb *bdb)
{
	int fd = openat(bdb->dir_fd, MARK_NAME,
	    O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail_errno(bdb, MARK_NAME);
	(void)close(fd);
	return bdb_folder_sync(bdb);
}

enum jp_err
bdb_mark_clear(struct bdb *bdb)
{
	if (unlinkat(bdb->dir_fd, MARK_NAME, 0) != 0)
		return fail_errno(bdb, MARK_NAME);
	return bdb_folder_sync(bdb);
}

bool
bdb_mark_there(const struct bdb *bdb)
{
	return bdb_folder_has(bdb, MARK_NAME);
}

/* Reads who holds the lock; the words are another process's. */
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

/* Whether `fd` still is what the name stands for: a lock may be removed. */
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
 * Who stays announces it by another kind of lock on the same file, fcntl(2)'s
 * F_OFD_SETLK, before it waits for flock(2)'s. Others only look for it, so that
 * they are never in its way.
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
		return fail_errno(bdb, LOCK_NAME);
	if (!first && is_announced(fd))
		err = name_holder(bdb, fd);
	else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		err = errno == EWOULDBLOCK ? name_holder(bdb, fd)
		                           : fail_errno(bdb, LOCK_NAME);
	else if (!is_lock_file(bdb, fd))
		err = name_holder(bdb, fd);
	if (err == JP_ERR_OK)
		bdb->lock_fd = fd;
	else
		(void)close(fd);
	return err;
}

/* For the message of others only: that it fails changes nothing. */
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
		return fail_errno(bdb, LOCK_NAME);
	if (announce(fd)) {
		bdb->announce_fd = fd;
		return lock_until(bdb, holder, wait_ms, true);
	}
	err = name_holder(bdb, fd);
	(void)close(fd);
	return err;
}

enum jp_err
jp_store_bdb_hold(const char *dir, const char *holder, int64_t wait_ms, int *fd,
    struct jp_why *why)
{
	struct bdb *bdb = bdb_new(why);
	enum jp_err err = JP_ERR_NOMEM;

	*fd = -1;
	if (bdb == NULL)
		return err;
	(void)snprintf(bdb->dir, sizeof(bdb->dir), "%s", dir);
	bdb->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = bdb->dir_fd >= 0 ? bdb_lock(bdb, holder, wait_ms)
	                       : fail_errno(bdb, "");
	if (err == JP_ERR_OK) {
		*fd = bdb->lock_fd;
		bdb->lock_fd = -1;
	} else {
		*why = bdb->why;
	}
	bdb_free(bdb);
	return err;
}

void
bdb_lock_remove(struct bdb *bdb)
{
	(void)unlinkat(bdb->dir_fd, LOCK_NAME, 0);
}

void
bdb_hwm_print(char text[BDB_HWM_TEXT], uint64_t commits)
{
	(void)snprintf(
	    text, BDB_HWM_TEXT, "%0*" PRIu64 "\n", BDB_HWM_DIGITS, commits);
}

/* Called with the mutex held, or where there are no other threads yet. */
static bool
write_hwm(struct bdb *bdb, uint64_t commits)
{
	char text[BDB_HWM_TEXT];

	bdb_hwm_print(text, commits);
	if (pwrite(bdb->hwm_fd, text, BDB_HWM_LEN, 0) != BDB_HWM_LEN)
		return false;
	bdb->hwm = commits;
	return true;
}

/* Accepts exactly what write_hwm() writes. */
static bool
parse_hwm(const char text[BDB_HWM_LEN], uint64_t *commits)
{
	*commits = 0;
	for (size_t i = 0; i < BDB_HWM_DIGITS; i++) {
		uint64_t digit = (uint64_t)(unsigned char)text[i] - '0';

		if (digit > 9 || *commits > (UINT64_MAX - digit) / 10)
			return false;
		*commits = *commits * 10 + digit;
	}
	return text[BDB_HWM_DIGITS] == '\n';
}

bool
bdb_hwm_there(const struct bdb *bdb)
{
	return bdb_folder_has(bdb, BDB_HWM_NAME);
}

static enum jp_err
start_hwm(struct bdb *bdb, uint64_t commits)
{
	if (!write_hwm(bdb, commits) || fsync(bdb->hwm_fd) != 0)
		return fail_errno(bdb, BDB_HWM_NAME);
	return JP_ERR_OK;
}

/*
 * The engine takes damage in its last log file for the log's end and forgets
 * what was committed after it. Only the count of commits that returned, kept
 * beside, tells. It is not synced, so it may be behind the database, and is
 * never ahead of a healthy one.
 */
enum jp_err
bdb_hwm_open(struct bdb *bdb, uint64_t commits)
{
	char text[BDB_HWM_TEXT];
	uint64_t hwm;
	ssize_t got;

	bdb->hwm_fd = openat(bdb->dir_fd, BDB_HWM_NAME,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (bdb->hwm_fd < 0)
		return fail_errno(bdb, BDB_HWM_NAME);
	got = pread(bdb->hwm_fd, text, sizeof(text), 0);
	if (got == 0)
		return start_hwm(bdb, commits);
	if (got != BDB_HWM_LEN || !parse_hwm(text, &hwm))
		return bdb_fail_why(bdb, JP_ERR_DAMAGED,
		    "%s/%s does not hold a count of commits; restore from a "
		    "backup",
		    bdb->dir, BDB_HWM_NAME);
	if (hwm > commits)
		return bdb_fail_why(bdb, JP_ERR_DAMAGED,
		    "the end of the log in %s is damaged: %" PRIu64
		    " commits are lost; restore from a backup",
		    bdb->dir, hwm - commits);
	bdb->hwm = hwm;
	bdb_hwm_raise(bdb, commits);
	return JP_ERR_OK;
}

void
bdb_clock_open(struct bdb *bdb)
{
	char text[BDB_HWM_TEXT];
	struct stat last;
	uint64_t seen;

	bdb->clock_fd = openat(bdb->dir_fd, BDB_CLOCK_NAME,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (bdb->clock_fd >= 0 &&
	    pread(bdb->clock_fd, text, sizeof(text), 0) == BDB_HWM_LEN &&
	    parse_hwm(text, &seen) && jp_when_valid((int64_t)seen))
		atomic_store(&bdb->seen, (long long)seen);
	/* A store of before there was this file was written to then. */
	else if (fstatat(bdb->dir_fd, BDB_HWM_NAME, &last,
	             AT_SYMLINK_NOFOLLOW) == 0)
		atomic_store(&bdb->seen, (long long)last.st_mtime);
}

/* Not synced: after a power cut it may be behind, as the mark. */
void
bdb_clock_write(struct bdb *bdb, int64_t now)
{
	char text[BDB_HWM_TEXT];

	if (!jp_when_valid(now))
		return;
	bdb_hwm_print(text, (uint64_t)now);
	atomic_store(&bdb->seen, now);
	if (bdb->clock_fd >= 0)
		(void)!pwrite(bdb->clock_fd, text, BDB_HWM_LEN, 0);
}

void
bdb_hwm_raise(struct bdb *bdb, uint64_t commits)
{
	(void)pthread_mutex_lock(&bdb->mutex);
	/* Threads come here in another order than they committed in. */
	if (commits > bdb->hwm)
		(void)write_hwm(bdb, commits);
	(void)pthread_mutex_unlock(&bdb->mutex);
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
