#include "common/sys/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
jp_sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret, errnum;

	if (fd < 0)
		return -1;
	ret = fsync(fd);
	errnum = errno;
	(void)close(fd);
	errno = errnum;
	return ret;
}

int
jp_sync_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	int len = snprintf(folder, sizeof(folder), "%.*s",
	    slash != NULL ? (int)(slash - path + 1) : 1,
	    slash != NULL ? path : ".");

	if ((size_t)len < sizeof(folder))
		return jp_sync_folder(folder);
	errno = ENAMETOOLONG;
	return -1;
}

int
jp_rename_new(const char *from, const char *to)
{
	int ret = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);

	/* A file system that cannot look and rename in one. */
	if (ret != 0 && errno == EINVAL) {
		ret = access(to, F_OK);
		errno = ret == 0 ? EEXIST : errno;
		ret = ret == 0 ? -1 : rename(from, to);
	}
	return ret == 0 ? jp_sync_parent(to) : ret;
}
