/*
 * Preloaded into patd: a disk and a name service that hang. While the file
 * "disk" is in the folder $JP_HANG, what is written to the file $JP_HANG_FILE
 * waits; while "names" is there, each look-up waits, and while "names.NAME" is
 * there, those of that name.
 */
#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

static int
is_set(const char *what, const char *name)
{
	const char *folder = getenv("JP_HANG");
	char path[512];
	struct stat st;

	if (folder == NULL)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/%s%s", folder, what, name);
	return stat(path, &st) == 0; /* patd may make that call */
}

static void
nap(void)
{
	(void)nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
}

static int
is_slow_file(int fd)
{
	const char *path = getenv("JP_HANG_FILE");
	int errnum = errno;
	struct stat named, opened;
	int is = path != NULL && fd > STDERR_FILENO &&
	         stat(path, &named) == 0 && fstat(fd, &opened) == 0 &&
	         named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;

	errno = errnum;
	return is;
}

static void
hang_on_disk(int fd)
{
	while (is_slow_file(fd) && is_set("disk", ""))
		nap();
}

static void
hang_on_names(const char *name)
{
	char one[256];

	(void)snprintf(one, sizeof(one), ".%s", name);
	while (is_set("names", "") || is_set("names", one))
		nap();
}

SHOWN ssize_t
write(int fd, const void *bytes, size_t len)
{
	hang_on_disk(fd);
	return syscall(SYS_write, fd, bytes, len);
}

SHOWN int
fdatasync(int fd)
{
	hang_on_disk(fd);
	return (int)syscall(SYS_fdatasync, fd);
}

SHOWN int
getpwnam_r(const char *name, struct passwd *pw, char *room, size_t size,
    struct passwd **found)
{
	int (*real)(
	    const char *, struct passwd *, char *, size_t, struct passwd **);

	*(void **)&real = dlsym(RTLD_NEXT, "getpwnam_r");
	hang_on_names(name);
	return real(name, pw, room, size, found);
}

SHOWN int
getgrnam_r(const char *name, struct group *group, char *room, size_t size,
    struct group **found)
{
	int (*real)(
	    const char *, struct group *, char *, size_t, struct group **);

	*(void **)&real = dlsym(RTLD_NEXT, "getgrnam_r");
	hang_on_names(name);
	return real(name, group, room, size, found);
}

SHOWN int
getgrouplist(const char *user, gid_t gid, gid_t *gids, int *len)
{
	int (*real)(const char *, gid_t, gid_t *, int *);

	*(void **)&real = dlsym(RTLD_NEXT, "getgrouplist");
	hang_on_names(user);
	return real(user, gid, gids, len);
}
