/*
 * A disk whose power can be cut: a file system (FUSE) that passes everything on
 * to the folder BACKING and writes each change, and each sync, into the file
 * LOG before whoever asked for it gets its answer. power.py makes of that what
 * a disk may hold after a power cut at any point.
 *
 *     record_disk BACKING MOUNTPOINT LOG
 *
 * It runs until it is told to end (SIGTERM), or its parent ends. One thread
 * serves everything, so that the order in LOG is the order of what happened. A
 * sync is only recorded: nothing here has to survive.
 */
#define FUSE_USE_VERSION 31
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

/* What power.py reads; it has the same list. */
enum op {
	OP_MAKE = 1, /* the entry `name` of the folder `dir`: a new `ino` */
	OP_LINK,     /* another entry for `ino` */
	OP_REMOVE,   /* the entry goes */
	OP_RENAME, /* becomes `name2` of `dir2`, where `ino2` was, or nothing */
	OP_EXCHANGE, /* of the two */
	OP_WRITE,    /* `len` bytes, which follow, at `offset` of `ino` */
	OP_SIZE,     /* `ino` has `offset` bytes from now on */
	OP_SYNC,     /* `ino`, a file or a folder */
	OP_OWNER,    /* mode and owner of `ino` */
};

/* Of one entry in LOG; the names and the bytes follow. */
struct entry {
	uint32_t op;
	uint32_t mode, uid, gid;
	uint32_t name_len, name2_len;
	uint64_t ino, ino2, dir, dir2;
	uint64_t offset, len;
};

static const char *backing;
static int log_fd;

struct path {
	char text[PATH_MAX];
};

static const char *
real(struct path *path, const char *name)
{
	(void)snprintf(path->text, sizeof(path->text), "%s%s", backing, name);
	return path->text;
}

/* A negative errno(3), as FUSE wants it. */
static int
result(long ret)
{
	return ret < 0 ? -errno : (int)ret;
}

static const char *
base_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* The number of a file or folder; 0: there is none. */
static uint64_t
number_of(const char *name)
{
	struct path path;
	struct stat st;

	return lstat(real(&path, name), &st) == 0 ? st.st_ino : 0;
}

static uint64_t
number_of_folder(const char *name)
{
	char folder[PATH_MAX];

	(void)snprintf(folder, sizeof(folder), "%s", name);
	*strrchr(folder, '/') = '\0';
	return number_of(folder);
}

static uint64_t
number_of_fd(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* A record that is lost would make every verdict wrong: the disk ends. */
static void
record(const struct entry *entry, const char *name, const char *name2,
    const void *bytes)
{
	struct iovec parts[] = {
		{ (void *)(uintptr_t)entry, sizeof(*entry) },
		{ (void *)(uintptr_t)name, entry->name_len },
		{ (void *)(uintptr_t)name2, entry->name2_len },
		{ (void *)(uintptr_t)bytes, bytes != NULL ? entry->len : 0 },
	};
	size_t len = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		len += parts[i].iov_len;
	if (writev(log_fd, parts, sizeof(parts) / sizeof(parts[0])) ==
	    (ssize_t)len)
		return;
	perror("record_disk: log");
	_exit(1);
}

/* What happened to the entry `path` of a folder. */
static void
record_name(enum op op, const char *path, uint64_t ino)
{
	const char *name = base_name(path);
	struct path at;
	struct stat st = { .st_mode = 0 };
	struct entry entry = { .op = op };

	(void)lstat(real(&at, path), &st);
	entry.ino = ino;
	entry.dir = number_of_folder(path);
	entry.name_len = (uint32_t)strlen(name);
	entry.mode = st.st_mode;
	entry.uid = st.st_uid;
	entry.gid = st.st_gid;
	record(&entry, name, "", NULL);
}

static void
record_size(uint64_t ino, off_t size)
{
	const struct entry entry = {
		.op = OP_SIZE, .ino = ino, .offset = (uint64_t)size
	};

	record(&entry, "", "", NULL);
}

static void
record_sync(uint64_t ino)
{
	const struct entry entry = { .op = OP_SYNC, .ino = ino };

	record(&entry, "", "", NULL);
}

/* What is made belongs to whoever made it. */
static void
record_made(const char *path)
{
	const struct fuse_context *caller = fuse_get_context();
	struct path at;

	(void)!lchown(real(&at, path), caller->uid, caller->gid);
	record_name(OP_MAKE, path, number_of(path));
}

/* ---- what only asks ---- */

static int
disk_getattr(const char *path, struct stat *st, struct fuse_file_info *file)
{
	struct path at;

	return result(file != NULL ? fstat((int)file->fh, st)
	                           : lstat(real(&at, path), st));
}

static int
disk_readlink(const char *path, char *text, size_t size)
{
	struct path at;
	ssize_t len = readlink(real(&at, path), text, size - 1);

	if (len < 0)
		return -errno;
	text[len] = '\0';
	return 0;
}

static int
disk_read(const char *path, char *bytes, size_t len, off_t at,
    struct fuse_file_info *file)
{
	(void)path;
	return result(pread((int)file->fh, bytes, len, at));
}

static int
disk_readdir(const char *path, void *list, fuse_fill_dir_t fill, off_t from,
    struct fuse_file_info *file, enum fuse_readdir_flags flags)
{
	const struct dirent *entry;
	struct path at;
	DIR *dir = opendir(real(&at, path));

	(void)from;
	(void)file;
	(void)flags;
	if (dir == NULL)
		return -errno;
	while ((entry = readdir(dir)) != NULL)
		if (fill(list, entry->d_name, NULL, 0, 0) != 0)
			break;
	(void)closedir(dir);
	return 0;
}

static int
disk_statfs(const char *path, struct statvfs *fs)
{
	struct path at;

	return result(statvfs(real(&at, path), fs));
}

/* ---- what changes names ---- */

static int
disk_create(const char *path, mode_t mode, struct fuse_file_info *file)
{
	struct path at;
	int fd = open(real(&at, path),
	    (file->flags & ~(O_ACCMODE | O_APPEND)) | O_RDWR | O_CREAT | O_EXCL,
	    mode);

	if (fd < 0)
		return -errno;
	file->fh = (uint64_t)fd;
	record_made(path);
	return 0;
}

static int
disk_mkdir(const char *path, mode_t mode)
{
	struct path at;

	if (mkdir(real(&at, path), mode) != 0)
		return -errno;
	record_made(path);
	return 0;
}

static int
disk_link(const char *from, const char *to)
{
	struct path source, target;

	if (link(real(&source, from), real(&target, to)) != 0)
		return -errno;
	record_name(OP_LINK, to, number_of(to));
	return 0;
}

static int
remove_name(const char *path, int (*call)(const char *path))
{
	uint64_t ino = number_of(path);
	struct path at;

	if (call(real(&at, path)) != 0)
		return -errno;
	record_name(OP_REMOVE, path, ino);
	return 0;
}

static int
disk_unlink(const char *path)
{
	return remove_name(path, unlink);
}

static int
disk_rmdir(const char *path)
{
	return remove_name(path, rmdir);
}

static int
disk_rename(const char *from, const char *to, unsigned int flags)
{
	const char *name = base_name(from), *name2 = base_name(to);
	struct path source, target;
	const struct entry entry = {
		.op = (flags & RENAME_EXCHANGE) != 0 ? OP_EXCHANGE : OP_RENAME,
		.name_len = (uint32_t)strlen(name),
		.name2_len = (uint32_t)strlen(name2),
		.ino = number_of(from),
		.ino2 = number_of(to),
		.dir = number_of_folder(from),
		.dir2 = number_of_folder(to),
	};

	if (renameat2(AT_FDCWD, real(&source, from), AT_FDCWD,
	        real(&target, to), flags) != 0)
		return -errno;
	record(&entry, name, name2, NULL);
	return 0;
}

/* ---- what changes files ---- */

static int
disk_open(const char *path, struct fuse_file_info *file)
{
	struct path at;
	int mode = file->flags & O_ACCMODE;
	int fd = open(real(&at, path),
	    (file->flags & ~(O_ACCMODE | O_APPEND | O_CREAT | O_EXCL)) |
	        (mode == O_RDONLY ? O_RDONLY : O_RDWR));

	if (fd < 0)
		return -errno;
	file->fh = (uint64_t)fd;
	if ((file->flags & O_TRUNC) != 0)
		record_size(number_of_fd(fd), 0);
	return 0;
}

static int
disk_release(const char *path, struct fuse_file_info *file)
{
	(void)path;
	return result(close((int)file->fh));
}

static int
disk_write(const char *path, const char *bytes, size_t len, off_t at,
    struct fuse_file_info *file)
{
	struct entry entry = { .op = OP_WRITE };
	ssize_t put = pwrite((int)file->fh, bytes, len, at);

	(void)path;
	if (put < 0)
		return -errno;
	entry.ino = number_of_fd((int)file->fh);
	entry.offset = (uint64_t)at;
	entry.len = (uint64_t)put;
	record(&entry, "", "", bytes);
	if ((file->flags & O_DSYNC) != 0)
		record_sync(entry.ino);
	return (int)put;
}

static int
disk_truncate(const char *path, off_t size, struct fuse_file_info *file)
{
	struct path at;
	uint64_t ino =
	    file != NULL ? number_of_fd((int)file->fh) : number_of(path);

	if ((file != NULL ? ftruncate((int)file->fh, size)
	                  : truncate(real(&at, path), size)) != 0)
		return -errno;
	record_size(ino, size);
	return 0;
}

static int
disk_fallocate(const char *path, int mode, off_t at, off_t len,
    struct fuse_file_info *file)
{
	struct stat before;

	(void)path;
	if (mode != 0)
		return -EOPNOTSUPP;
	if (fstat((int)file->fh, &before) != 0 ||
	    fallocate((int)file->fh, 0, at, len) != 0)
		return -errno;
	if (at + len > before.st_size)
		record_size(before.st_ino, at + len);
	return 0;
}

static int
disk_fsync(const char *path, int data, struct fuse_file_info *file)
{
	(void)path;
	(void)data;
	record_sync(number_of_fd((int)file->fh));
	return 0;
}

static int
disk_fsyncdir(const char *path, int data, struct fuse_file_info *file)
{
	(void)data;
	(void)file;
	record_sync(number_of(path));
	return 0;
}

/* ---- modes, owners, times ---- */

static int
changed(const char *path, int ret)
{
	if (ret != 0)
		return -errno;
	record_name(OP_OWNER, path, number_of(path));
	return 0;
}

static int
disk_chmod(const char *path, mode_t mode, struct fuse_file_info *file)
{
	struct path at;

	(void)file;
	return changed(path, chmod(real(&at, path), mode));
}

static int
disk_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *file)
{
	struct path at;

	(void)file;
	return changed(path, lchown(real(&at, path), uid, gid));
}

static int
disk_utimens(const char *path, const struct timespec times[2],
    struct fuse_file_info *file)
{
	struct path at;

	(void)file;
	return result(
	    utimensat(AT_FDCWD, real(&at, path), times, AT_SYMLINK_NOFOLLOW));
}

/* Names are looked up anew each time: it is the folder that counts. */
static void *
disk_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
	(void)connection;
	config->use_ino = 1;
	config->hard_remove = 1;
	config->entry_timeout = 0;
	config->attr_timeout = 0;
	config->negative_timeout = 0;
	return NULL;
}

static const struct fuse_operations operations = {
	.init = disk_init,
	.getattr = disk_getattr,
	.readlink = disk_readlink,
	.mkdir = disk_mkdir,
	.unlink = disk_unlink,
	.rmdir = disk_rmdir,
	.rename = disk_rename,
	.link = disk_link,
	.chmod = disk_chmod,
	.chown = disk_chown,
	.truncate = disk_truncate,
	.open = disk_open,
	.read = disk_read,
	.write = disk_write,
	.statfs = disk_statfs,
	.release = disk_release,
	.fsync = disk_fsync,
	.readdir = disk_readdir,
	.fsyncdir = disk_fsyncdir,
	.create = disk_create,
	.utimens = disk_utimens,
	.fallocate = disk_fallocate,
};

/* Serves until a signal; the mount point is free again after it. */
static bool
serve(const char *mountpoint)
{
	char name[] = "record_disk", option[] = "-o",
	     allow[] = "allow_other,default_permissions";
	char *argv[] = { name, option, allow, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	struct fuse *fuse =
	    fuse_new(&args, &operations, sizeof(operations), NULL);
	int ret = -1; /* a signal ends the loop with its number */

	if (fuse == NULL)
		return false;
	if (fuse_set_signal_handlers(fuse_get_session(fuse)) == 0 &&
	    fuse_mount(fuse, mountpoint) == 0) {
		ret = fuse_loop(fuse);
		fuse_unmount(fuse);
	}
	fuse_destroy(fuse);
	fuse_opt_free_args(&args);
	return ret >= 0;
}

int
main(int argc, char **argv)
{
	if (argc != 4) {
		(void)fprintf(
		    stderr, "usage: record_disk BACKING MOUNTPOINT LOG\n");
		return 2;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)umask(0);
	backing = argv[1];
	log_fd = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log_fd < 0) {
		perror(argv[3]);
		return 1;
	}
	return serve(argv[2]) ? 0 : 1;
}
