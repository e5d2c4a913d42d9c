/*
 * Names of files and folders, as a list of the files that they stand for. Below
 * a folder, links are not followed, and what is not a regular file is left
 * alone.
 */
#ifndef PAT_ADMIN_FILE_WALK_H
#define PAT_ADMIN_FILE_WALK_H

#include <fts.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

struct walked_file {
	char *path;   /* whoever asked frees it; NULL: standard input */
	bool below;   /* a folder: it is to be a regular file, and no link */
	bool special; /* it is none, and there is nothing to read */
	int error;    /* an errno value: why it cannot be read; or 0 */
};

struct file_walk {
	char *const *names; /* the caller's */
	size_t len, at;
	FTS *tree; /* the folder we are in, or NULL */
};

/* `len` names; `-`, or no name at all, is standard input. */
void file_walk_start(struct file_walk *walk, char *const *names, size_t len);

/*
 * The next file: folders in the order of the names, and those in a folder in
 * that of their bytes. `more` is false behind the last one.
 */
enum jp_err
file_walk_next(struct file_walk *walk, struct walked_file *file, bool *more);

void file_walk_end(struct file_walk *walk);

#endif
