/*
 * The directory of a store: who may use it, what lies in it, and the mark of a
 * store in the making. Nothing here calls Berkeley DB.
 */
#include "common/store/bdb_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * It exists while a store is made, so a directory with this file holds no
 * store, whatever else is in it. A store that lost its tokens.db has no such
 * file: its logs may still allow a rescue, and nothing of it is ever removed.
 */
#define MARK_NAME "creating"

static const struct {
	const char *name;
	uint8_t since;
} files[] = {
#define BDB_FILE_ROW(code, name, since) { name, since },
	BDB_FILE_LIST(BDB_FILE_ROW)
#undef BDB_FILE_ROW
};

const char *
bdb_file_name(enum bdb_file file)
{
	return files[file].name;
}

uint8_t
bdb_file_since(enum bdb_file file)
{
	return files[file].since;
}

bool
bdb_dir_has(const struct bdb *bdb, const char *name)
{
	struct stat st;

	return fstatat(bdb->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * Whoever can write here can give tokens to everybody; whoever can read here
 * has the hashes.
 */
static enum jp_err
check_dir(struct bdb *bdb)
{
	struct stat st;

	if (fstat(bdb->dir_fd, &st) != 0)
		return bdb_fail_errno(bdb, "");
	if (st.st_uid != geteuid())
		return bdb_fail_why(bdb, JP_ERR_CONFIG,
		    "%s belongs to uid %u, but uid %u uses it: "
		    "chown %u %s",
		    bdb->dir, st.st_uid, geteuid(), geteuid(), bdb->dir);
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return bdb_fail_why(bdb, JP_ERR_CONFIG,
		    "%s is open to others (mode %04o): chmod 0700 %s", bdb->dir,
		    st.st_mode & 07777, bdb->dir);
	/* Its lines would silently override what the code sets. */
	if (bdb_dir_has(bdb, "DB_CONFIG"))
		return bdb_fail_why(bdb, JP_ERR_CONFIG,
		    "%s/DB_CONFIG would change how the store works: remove it",
		    bdb->dir);
	return JP_ERR_OK;
}

enum jp_err
bdb_dir_open(struct bdb *bdb, const char *dir)
{
	int len = snprintf(bdb->dir, sizeof(bdb->dir), "%s", dir);

	if (dir[0] != '/' || (size_t)len >= sizeof(bdb->dir))
		return bdb_fail_why(bdb, JP_ERR_CONFIG,
		    "the store's directory must be an absolute path, not "
		    "\"%s\"",
		    dir);
	bdb->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (bdb->dir_fd >= 0)
		return check_dir(bdb);
	if (errno == ENOTDIR)
		return bdb_fail_why(
		    bdb, JP_ERR_CONFIG, "%s is not a directory", dir);
	return bdb_fail_errno(bdb, "");
}

enum jp_err
bdb_dir_sync(struct bdb *bdb)
{
	if (fsync(bdb->dir_fd) != 0)
		return bdb_fail_errno(bdb, "");
	return JP_ERR_OK;
}

static bool
is_ours(const char *name)
{
	for (size_t i = 0; i < BDB_FILES; i++)
		if (strcmp(name, files[i].name) == 0)
			return true;
	return strcmp(name, BDB_HWM_NAME) == 0 ||
	       strcmp(name, BDB_RESERVE_NAME) == 0 ||
	       strcmp(name, BDB_CLOCK_NAME) == 0 ||
	       strcmp(name, BDB_COPY_NAME) == 0 ||
	       strncmp(name, "log.", strlen("log.")) == 0 ||
	       strncmp(name, "__db.", strlen("__db.")) == 0;
}

/* A stream over the directory with a descriptor of its own, or NULL. */
static DIR *
read_dir(const struct bdb *bdb)
{
	int fd = openat(bdb->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;

	if (stream == NULL && fd >= 0)
		(void)close(fd);
	return stream;
}

uint64_t
bdb_dir_bytes(const struct bdb *bdb)
{
	DIR *stream = read_dir(bdb);
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
bdb_dir_empty(struct bdb *bdb)
{
	DIR *stream = read_dir(bdb);
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
		return bdb_fail_errno(bdb, MARK_NAME);
	(void)close(fd);
	return bdb_dir_sync(bdb);
}

enum jp_err
bdb_mark_clear(struct bdb *bdb)
{
	if (unlinkat(bdb->dir_fd, MARK_NAME, 0) != 0)
		return bdb_fail_errno(bdb, MARK_NAME);
	return bdb_dir_sync(bdb);
}

bool
bdb_mark_there(const struct bdb *bdb)
{
	return bdb_dir_has(bdb, MARK_NAME);
}
