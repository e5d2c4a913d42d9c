/*
 * The files of an audit trail, oldest first: the one that is written now and
 * those that log rotation has renamed.
 */
#ifndef PAT_ADMIN_TRAIL_H
#define PAT_ADMIN_TRAIL_H

#include <stdio.h>

#include "common/audit/line.h"

struct trail_file {
	char *path;
	FILE *file;
	uint64_t first; /* number of its first line */
};

struct trail {
	struct trail_file *files;
	size_t len, cap;
	size_t packed; /* compressed files, which are not read */
};

/* One line of a file. */
struct trail_line {
	const char *path;
	uint64_t number; /* from 1 */
	const char *text;
	size_t len;
	bool whole; /* it ends in a newline */
	bool last_file;
};

/* Takes one line; an error ends the reading with it. */
typedef enum jp_err (*trail_take)(void *arg, const struct trail_line *line);

/*
 * Opens a regular file, as whoever owns the folder that it is in; NULL: there
 * is none.
 */
FILE *trail_open(const char *path);

/* The number of the first line of what follows, which is then read anew; 0: it
 * cannot be told. */
uint64_t trail_first_number(FILE *file);

/* Opens one file. An empty one is passed over. */
enum jp_err
trail_add(struct trail *trail, const char *path, struct jp_why *why);

/*
 * Opens `path` and all files of its folder that are named like it with `.` or
 * `-` and more behind. None at all is no error.
 */
enum jp_err
trail_find(struct trail *trail, const char *path, struct jp_why *why);

/* By the numbers of the lines, not by the names. */
void trail_sort(struct trail *trail);

/* Each line of all files. */
enum jp_err trail_each(struct trail *trail, trail_take take, void *arg);

/* What is left of one file; `line` tells its path and where it stands. */
enum jp_err
trail_read(FILE *file, struct trail_line *line, trail_take take, void *arg);

/*
 * Hands over the last file, where it was read to, if that is `path`: it is then
 * the caller's. Else NULL.
 */
FILE *trail_last(struct trail *trail, const char *path);

void trail_close(struct trail *trail);

#endif
