#include "tools/cli/file_walk.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

void
file_walk_start(struct file_walk *walk, char *const *names, size_t len)
{
	static char input[] = "-";
	static char *const only_input[] = { input };

	*walk = (struct file_walk){ .names = len > 0 ? names : only_input,
		.len = len > 0 ? len : 1 };
}

void
file_walk_end(struct file_walk *walk)
{
	if (walk->tree != NULL)
		(void)fts_close(walk->tree);
	walk->tree = NULL;
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* False: it is nothing to read, or to speak of. */
static bool
take_entry(const FTSENT *entry, struct walked_file *file)
{
	*file = (struct walked_file){ .below = true };
	switch (entry->fts_info) {
	case FTS_F:
		return true;
	case FTS_DEFAULT:
		file->special = true;
		return true;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		file->error = entry->fts_errno;
		return true;
	default:
		return false;
	}
}

/* The next file of the folder that we are in, if it has one. */
static enum jp_err
next_below(struct file_walk *walk, struct walked_file *file, const char **path)
{
	FTSENT *entry = NULL;
	int error = 0;

	*path = NULL;
	while (walk->tree != NULL && *path == NULL) {
		errno = 0;
		entry = fts_read(walk->tree);
		if (entry == NULL) {
			error = errno;
			file_walk_end(walk);
		} else if (take_entry(entry, file))
			*path = entry->fts_path;
	}
	return error == 0 ? JP_ERR_OK : jp_err_from_errno(error);
}

static enum jp_err
open_tree(struct file_walk *walk, char *name)
{
	char *const names[] = { name, NULL };

	walk->tree = fts_open(
	    names, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	return walk->tree != NULL ? JP_ERR_OK : JP_ERR_NOMEM;
}

static bool
is_folder(const char *name)
{
	struct stat st;

	return strcmp(name, "-") != 0 && stat(name, &st) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* The next name; it is in `path` unless it is that of a folder. */
static enum jp_err
next_name(struct file_walk *walk, struct walked_file *file, const char **path)
{
	char *name = walk->names[walk->at++];

	if (is_folder(name)) {
		enum jp_err err = open_tree(walk, name);

		return err == JP_ERR_OK ? next_below(walk, file, path) : err;
	}
	*file = (struct walked_file){ .below = false };
	*path = name;
	return JP_ERR_OK;
}

enum jp_err
file_walk_next(struct file_walk *walk, struct walked_file *file, bool *more)
{
	const char *path = NULL;
	enum jp_err err = next_below(walk, file, &path);

	while (path == NULL && err == JP_ERR_OK && walk->at < walk->len)
		err = next_name(walk, file, &path);
	*more = path != NULL && err == JP_ERR_OK;
	if (!*more || (!file->below && strcmp(path, "-") == 0))
		return err;
	file->path = strdup(path);
	return file->path != NULL ? JP_ERR_OK : JP_ERR_NOMEM;
}
