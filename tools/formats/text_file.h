/*
 * A file of text that people and their tools wrote: UTF-8 with or without a
 * byte order mark, or UTF-16 with one, as spreadsheets and PowerShell write it.
 * It is read as UTF-8 without mark, and as often as one likes.
 */
#ifndef PAT_ADMIN_TEXT_FILE_H
#define PAT_ADMIN_TEXT_FILE_H

#include <stdio.h>

#include "common/base/err.h"

#define TEXT_FILE_MAX (1U << 30) /* bytes */

struct text_file {
	const char *name; /* for people */
	FILE *file;       /* of `bytes` */
	char *bytes;      /* UTF-8, as far as the file was that */
	size_t len;
};

/*
 * Reads the file `path`, or standard input for "-". The caller closes it, in
 * any case.
 */
enum jp_err
text_file_open(struct text_file *text, const char *path, struct jp_why *why);

/* The first character that is not white, or NUL: there is none. */
char text_file_first(const struct text_file *text);

/* Wipes what was read, and frees it. */
void text_file_close(struct text_file *text);

#endif
