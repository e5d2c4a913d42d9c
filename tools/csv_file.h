/*
 * A file of comma-separated values (RFC 4180) with a head, row by row. A row is
 * one line, so that an error can name it.
 */
#ifndef PAT_ADMIN_CSV_FILE_H
#define PAT_ADMIN_CSV_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/err.h"

#define CSV_COLUMNS_MAX 16
#define CSV_LINE_MAX 8192 /* bytes of a line, with its end */

struct csv_column {
	const char *name;
	bool required; /* in the head */
};

struct csv_file {
	FILE *file;       /* the caller's */
	const char *name; /* of the file, for people */
	unsigned long line;
	const struct csv_column *columns;
	size_t column_len;
	size_t width;                   /* fields of a row */
	size_t column[CSV_COLUMNS_MAX]; /* of the first to the last field */
	char text[CSV_LINE_MAX];
	size_t used; /* of `text` */
};

/*
 * Reads the head: each of its fields names one of `columns`, in any order, none
 * twice. JP_ERR_INVALID with file and line in `why` for anything else.
 */
enum jp_err csv_file_open(struct csv_file *csv, FILE *file, const char *name,
    const struct csv_column *columns, size_t column_len, struct jp_why *why);

/*
 * Reads the next row: `fields` gets a text for each of the columns, "" for
 * those that the head does not name; they live until the next call. Empty lines
 * are skipped. `end` is set behind the last row.
 */
enum jp_err csv_file_next(struct csv_file *csv,
    const char *fields[CSV_COLUMNS_MAX], bool *end, struct jp_why *why);

/* Puts file and line in front of `why`; returns `err`. */
enum jp_err
csv_file_at(const struct csv_file *csv, enum jp_err err, struct jp_why *why);

#endif
