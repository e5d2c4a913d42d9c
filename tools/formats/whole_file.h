/*
 * A file that others may read at any time: it is replaced by a whole one, or
 * stays what it was.
 */
#ifndef PAT_ADMIN_WHOLE_FILE_H
#define PAT_ADMIN_WHOLE_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "common/config/settings.h"

struct whole_file {
	FILE *file; /* what is written comes into the new one */
	const char *path;
	const char *name; /* its last part */
	char new_name[JP_PATH_MAX + sizeof(".01234567")];
	int folder;    /* that both lie in */
	bool is_roots; /* that folder */
};

/*
 * Begins to replace `path`, which outlives this, with a file of mode 0644. As
 * root: with the rights of act_at(), or, where these do not suffice, in a
 * folder of open_roots_folder().
 */
enum jp_err
whole_file_open(struct whole_file *file, const char *path, struct jp_why *why);

/* The file is replaced. After an error it is what it was, and nothing is left
 * of the new one. */
enum jp_err whole_file_finish(struct whole_file *file, struct jp_why *why);

/* The file stays what it was. */
void whole_file_drop(struct whole_file *file);

#endif
