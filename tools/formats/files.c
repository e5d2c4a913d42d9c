#include "tools/formats/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/store/bdb.h"
#include "common/sys/durable.h"
#include "tools/formats/path_why.h"

/* The umask is 077; nobody else can be in there yet. */
static enum jp_err
make_parent(const char *path, struct jp_why *why)
{
	enum jp_err err = act_at(path, why);

	if (err != JP_ERR_OK)
		return err;
	if (mkdir(path, 0755) == 0) {
		if (chmod(path, 0755) != 0)
			err = path_why(why, "chmod", path);
		else
			err = sync_parent(path, why);
	} else if (errno != EEXIST) {
		err = path_why(why, "create the directory", path);
	}
	act_as_self();
	return err;
}

enum jp_err
make_parents(const char *path, struct jp_why *why)
{
	char part[JP_PATH_MAX + 1];
	enum jp_err err = JP_ERR_OK;

	if (jp_field_set(part, sizeof(part), path) != JP_ERR_OK)
		return jp_why(why, JP_ERR_CONFIG, "%s: too long", path);
	for (char *at = strchr(part + 1, '/'); at != NULL && err == JP_ERR_OK;
	     at = strchr(at + 1, '/')) {
		*at = '\0';
		err = make_parent(part, why);
		*at = '/';
	}
	return err;
}

enum jp_err
sync_parent(const char *path, struct jp_why *why)
{
	return jp_sync_parent(path) == 0
	           ? JP_ERR_OK
	           : path_why(why, "sync the directory of", path);
}

bool
folder_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	bool empty = dir != NULL;

	if (dir == NULL) {
		if (copy >= 0)
			(void)close(copy);
		return false;
	}
	while (empty && (entry = readdir(dir)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 ||
		        strcmp(entry->d_name, "..") == 0;
	(void)closedir(dir);
	return empty;
}

enum jp_err
each_name(const char *dir, enum jp_err (*visit)(void *arg, const char *path),
    void *arg)
{
	char path[PATH_MAX + NAME_MAX];
	DIR *stream = opendir(dir);
	const struct dirent *entry;
	enum jp_err err = JP_ERR_OK;

	if (stream == NULL)
		return jp_err_from_errno(errno);
	while (err == JP_ERR_OK && (entry = readdir(stream)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		err = visit(arg, path);
	}
	(void)closedir(stream);
	return err;
}

/* ---- folders with an owner ---- */

/*
 * Gives a folder its owner and mode. One that holds something else than a
 * store is left alone: `store_dir = /home` must not lock everybody out.
 */
static enum jp_err
own_folder(int fd, const char *path, mode_t mode, const struct owner *owner,
    struct jp_why *why)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return path_why(why, "look at", path);
	if (st.st_uid == owner->uid && (st.st_mode & 07777) == mode)
		return JP_ERR_OK;
	if (!folder_empty(fd) && !jp_store_bdb_exists(path))
		return jp_why(why, JP_ERR_CONFIG,
		    "%s is not empty and does not have mode %04o and owner uid "
		    "%lu: name another directory, or change it yourself",
		    path, (unsigned int)mode, (unsigned long)owner->uid);
	if (fchown(fd, owner->uid, owner->gid) != 0)
		return path_why(why, "chown", path);
	if (fchmod(fd, mode) != 0)
		return path_why(why, "chmod", path);
	return JP_ERR_OK;
}

static enum jp_err
make_one_folder(const char *path, mode_t mode, const struct owner *owner,
    struct jp_why *why)
{
	bool made = mkdir(path, 0700) == 0;
	enum jp_err err;
	int fd;

	if (!made && errno != EEXIST)
		return path_why(why, "create the directory", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return path_why(why, "open the directory", path);
	err = own_folder(fd, path, mode, owner, why);
	(void)close(fd);
	return err == JP_ERR_OK && made ? sync_parent(path, why) : err;
}

enum jp_err
make_owned_folder(const char *path, mode_t mode, const struct owner *owner,
    struct jp_why *why)
{
	enum jp_err err = make_parents(path, why);

	if (err == JP_ERR_OK)
		err = act_at(path, why);
	if (err == JP_ERR_OK)
		err = make_one_folder(path, mode, owner, why);
	act_as_self();
	return err;
}

enum jp_err
make_audit_folder(const struct jp_settings *settings, const struct owner *owner,
    struct jp_why *why)
{
	char folder[JP_PATH_MAX + 1];
	struct stat st;

	if (settings->audit_file[0] == '\0')
		return JP_ERR_OK;
	memcpy(folder, settings->audit_file, sizeof(folder));
	*strrchr(folder, '/') = '\0';
	if (folder[0] == '\0' || lstat(folder, &st) == 0)
		return JP_ERR_OK;
	return make_owned_folder(folder, 0750, owner, why);
}
