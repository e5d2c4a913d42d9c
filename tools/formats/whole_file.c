#include "tools/formats/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/formats/act_as.h"
#include "tools/formats/path_why.h"

/* ---- where ---- */

/* Its name ends with none that a reader of the folder looks for. */
static enum jp_err
set_names(struct whole_file *file, const char *path,
    char folder[JP_PATH_MAX + 1], struct jp_why *why)
{
	const char *slash = strrchr(path, '/');

	memset(file, 0, sizeof(*file));
	file->folder = -1;
	file->path = path;
	file->name = slash != NULL ? slash + 1 : path;
	if (strlen(path) > JP_PATH_MAX)
		return jp_why(why, JP_ERR_CONFIG, "%s: too long", path);
	if (file->name[0] == '\0')
		return jp_why(why, JP_ERR_CONFIG, "%s: not a file", path);
	(void)snprintf(file->new_name, sizeof(file->new_name), "%s.%08x",
	    file->name, randombytes_random());
	(void)snprintf(folder, JP_PATH_MAX + 1, "%.*s",
	    slash != NULL ? (int)(file->name - path) : 1,
	    slash != NULL ? path : ".");
	return JP_ERR_OK;
}

/* -1: see errno(3). */
static int
make_new(struct whole_file *file, int folder)
{
	int fd = -1, errnum = errno;

	if (folder >= 0) {
		fd = openat(folder, file->new_name,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		errnum = errno;
	}
	/* By whom it belongs to: another may lack the right. */
	if (fd >= 0 && fchmod(fd, 0644) != 0) {
		errnum = errno;
		(void)unlinkat(folder, file->new_name, 0);
		(void)close(fd);
		fd = -1;
	}
	if (fd >= 0)
		file->folder = folder;
	else if (folder >= 0)
		(void)close(folder);
	errno = errnum;
	return fd;
}

static enum jp_err
make_somewhere(
    struct whole_file *file, const char *folder, int *fd, struct jp_why *why)
{
	enum jp_err err = act_at(file->path, why);

	if (err != JP_ERR_OK)
		return err;
	*fd = make_new(file, open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	act_as_self();
	if (*fd < 0 && errno == EACCES) {
		file->is_roots = true;
		*fd = make_new(file, open_roots_folder(folder));
	}
	return *fd >= 0 ? JP_ERR_OK
	                : path_why(why, "create a file beside", file->path);
}

/* The rights that the folder was opened with. */
static enum jp_err
act_there(const struct whole_file *file, struct jp_why *why)
{
	act_as_self();
	return file->is_roots ? JP_ERR_OK : act_at(file->path, why);
}

/* ---- what is done there ---- */

static enum jp_err
open_new(struct whole_file *file, int fd, struct jp_why *why)
{
	struct stat st;

	file->file = fdopen(fd, "w");
	if (file->file == NULL) {
		(void)path_why(why, "open", file->new_name);
		(void)close(fd);
		return JP_ERR_IO;
	}
	if (fstatat(file->folder, file->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    !S_ISREG(st.st_mode))
		return jp_why(why, JP_ERR_CONFIG,
		    "%s: not a regular file: name another one", file->path);
	return JP_ERR_OK;
}

enum jp_err
whole_file_open(struct whole_file *file, const char *path, struct jp_why *why)
{
	char folder[JP_PATH_MAX + 1];
	enum jp_err err = set_names(file, path, folder, why);
	int fd = -1;

	if (err == JP_ERR_OK)
		err = make_somewhere(file, folder, &fd, why);
	if (err == JP_ERR_OK)
		err = open_new(file, fd, why);
	if (err != JP_ERR_OK && fd >= 0)
		whole_file_drop(file);
	return err;
}

/* A disk that is full may say so only here. */
static enum jp_err
close_new(struct whole_file *file, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	errno = 0;
	if (fflush(file->file) != 0 || ferror(file->file) ||
	    fsync(fileno(file->file)) != 0) {
		errno = errno != 0 ? errno : EIO;
		err = path_why(why, "write", file->path);
	}
	(void)fclose(file->file);
	file->file = NULL;
	return err;
}

enum jp_err
whole_file_finish(struct whole_file *file, struct jp_why *why)
{
	enum jp_err err = close_new(file, why);

	if (err == JP_ERR_OK)
		err = act_there(file, why);
	if (err == JP_ERR_OK && renameat(file->folder, file->new_name,
	                            file->folder, file->name) != 0)
		err = path_why(why, "replace", file->path);
	else if (err == JP_ERR_OK && fsync(file->folder) != 0)
		err = path_why(why, "sync the directory of", file->path);
	act_as_self();
	if (err != JP_ERR_OK)
		whole_file_drop(file);
	else
		(void)close(file->folder);
	return err;
}

void
whole_file_drop(struct whole_file *file)
{
	struct jp_why ignored;

	if (file->file != NULL)
		(void)fclose(file->file);
	file->file = NULL;
	if (act_there(file, &ignored) == JP_ERR_OK)
		(void)unlinkat(file->folder, file->new_name, 0);
	act_as_self();
	(void)close(file->folder);
}
