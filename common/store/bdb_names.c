/*
 * The names in the folder of a store, for the engine. Its own way takes an
 * error in the middle for the end: it then finds no log, begins the first one
 * again beside those that are there, and the next recovery does not get past
 * it.
 */
#include "common/store/bdb_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/grow.h"

struct names {
	char **at;
	size_t len, cap;
};

static void
free_names(char **at, int len)
{
	for (int i = 0; i < len; i++)
		free(at[i]);
	free(at);
}

static int
add(struct names *names, const char *name)
{
	char *copy;

	if (JP_GROW(names->at, names->len, names->cap) != JP_ERR_OK)
		return ENOMEM;
	copy = strdup(name);
	if (copy == NULL)
		return ENOMEM;
	names->at[names->len++] = copy;
	return 0;
}

/* Of others it copies what they are, and waits for a FIFO. */
static bool
is_file(DIR *dir, const char *name)
{
	struct stat st;

	return fstatat(dirfd(dir), name, &st, 0) == 0 && S_ISREG(st.st_mode);
}

static int
read_names(DIR *dir, struct names *names)
{
	const struct dirent *entry;
	int ret = 0;

	while (ret == 0) {
		errno = 0;
		entry = readdir(dir);
		if (entry == NULL)
			return errno;
		if (is_file(dir, entry->d_name))
			ret = add(names, entry->d_name);
	}
	return ret;
}

static int
list_names(const char *path, char ***at, int *len)
{
	struct names names = { .len = 0 };
	DIR *dir = opendir(path);
	int ret = dir != NULL ? read_names(dir, &names) : errno;

	if (dir != NULL)
		(void)closedir(dir);
	if (ret != 0) {
		free_names(names.at, (int)names.len);
		return ret;
	}
	*at = names.at;
	*len = (int)names.len;
	return 0;
}

int
bdb_names_prepare(void)
{
	int ret = db_env_set_func_dirlist(list_names);

	return ret == 0 ? db_env_set_func_dirfree(free_names) : ret;
}
