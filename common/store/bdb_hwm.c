/*
 * The high-water mark of commits, and the time that was last seen: two small
 * files beside the databases. Nothing here calls Berkeley DB.
 */
#include "common/store/bdb_internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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
	return bdb_dir_has(bdb, BDB_HWM_NAME);
}

static enum jp_err
start_hwm(struct bdb *bdb, uint64_t commits)
{
	if (!write_hwm(bdb, commits) || fsync(bdb->hwm_fd) != 0)
		return bdb_fail_errno(bdb, BDB_HWM_NAME);
	return JP_ERR_OK;
}

/*
 * The engine takes damage in its last log file for the log's end and forgets
 * what was committed after it. Only the count of commits that returned, kept
 * in a file beside it, shows that. It is not synced, so it may be behind the
 * database, and is never ahead of a healthy one.
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
		return bdb_fail_errno(bdb, BDB_HWM_NAME);
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
	/* A store older than this file was last written to then. */
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
	/* Threads may get here in another order than they committed in. */
	if (commits > bdb->hwm)
		(void)write_hwm(bdb, commits);
	(void)pthread_mutex_unlock(&bdb->mutex);
}
