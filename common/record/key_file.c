#include "common/record/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/sys/account.h"
#include "common/sys/durable.h"

static enum jp_err
file_why(
    struct jp_why *why, const char *path, const char *what, const char *doing)
{
	char whose[JP_WHOSE_MAX];
	int errnum = errno;

	jp_account_whose(path, errnum, whose);
	return jp_why(why, jp_err_from_errno(errnum),
	    "cannot %s the %s %s: %s%s", doing, what, path, strerror(errnum),
	    whose);
}

/* A new file with a new key; false: see errno(3). */
static bool
write_key(const char *path)
{
	uint8_t key[JP_KEY_LEN];
	bool written;
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);

	if (fd < 0)
		return false;
	randombytes_buf(key, sizeof(key));
	written = write(fd, key, sizeof(key)) == (ssize_t)sizeof(key) &&
	          fchmod(fd, 0400) == 0 && fsync(fd) == 0;
	sodium_memzero(key, sizeof(key));
	(void)close(fd);
	return written;
}

/* It gets its name when it is whole: half a key is in nobody's way. */
enum jp_err
jp_key_file_create(const char *path, const char *what, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;
	char new[PATH_MAX];

	(void)snprintf(new, sizeof(new), "%s.%08x", path, randombytes_random());
	if (!write_key(new) || jp_rename_new(new, path) != 0) {
		err = file_why(why, path, what, "make");
		(void)unlink(new);
	}
	return err;
}

static enum jp_err
check_file(const char *path, const char *what, const struct stat *st,
    struct jp_why *why)
{
	if (!S_ISREG(st->st_mode) || st->st_size != JP_KEY_LEN)
		return jp_why(why, JP_ERR_CONFIG,
		    "the %s %s is not a regular file of %d bytes: put the "
		    "right one back from a backup",
		    what, path, JP_KEY_LEN);
	if ((st->st_mode & 077) != 0)
		return jp_why(why, JP_ERR_CONFIG,
		    "others may open the %s %s (mode %03o): chmod 0400 %s",
		    what, path, (unsigned int)(st->st_mode & 0777), path);
	return JP_ERR_OK;
}

enum jp_err
jp_key_file_load(const char *path, const char *what, uint8_t key[JP_KEY_LEN],
    struct jp_why *why)
{
	struct stat st;
	enum jp_err err;
	/* O_NONBLOCK: whoever put a FIFO there shall not hang us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		err = file_why(why, path, what, "open");
	else if (fstat(fd, &st) != 0)
		err = file_why(why, path, what, "stat");
	else
		err = check_file(path, what, &st, why);
	if (err == JP_ERR_OK &&
	    read(fd, key, JP_KEY_LEN) != (ssize_t)JP_KEY_LEN)
		err = file_why(why, path, what, "read");
	if (fd >= 0)
		(void)close(fd);
	if (err != JP_ERR_OK)
		sodium_memzero(key, JP_KEY_LEN);
	return err;
}
