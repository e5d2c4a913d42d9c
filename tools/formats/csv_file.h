/*
 * A file of comma-separated values (RFC 4180) with a head, row by row. A row is
 * one line, so that an error can name it.
 */
#ifndef PAT_ADMIN_CSV_FILE_H
#define PAT_ADMIN_CSV_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/base/err.h"

#define CSV_COLUMNS_MAX 16
#define CSV_LINE_MAX 8192 /* bytes of a line, with its end */

#define CSV_MAPS_MAX 16
#define CSV_HEAD_MAX 64 /* columns of a file, also those that are left out */

struct csv_column {
	const char *name;
	bool required; /* in the head */
};

/* How a file is written, where that is not to be found out. */
struct csv_style {
	char separator; /* NUL: as the first line has it */
	size_t map_len; /* columns that the file names otherwise */
	struct csv_map {
		char column[32];  /* ours */
		const char *head; /* the file's */
	} maps[CSV_MAPS_MAX];
};

/* The values of --separator and --column, into a style. */
enum jp_err csv_style_separator(
    struct csv_style *style, const char *value, struct jp_why *why);
enum jp_err csv_style_column(
    struct csv_style *style, const char *value, struct jp_why *why);

struct csv_file {
	FILE *file;       /* the caller's */
	const char *name; /* of the file, for people */
	unsigned long line;
	const struct csv_column *columns;
	size_t column_len;
	const struct csv_style *style;
	char separator;
	size_t width;                /* fields of a row */
	size_t column[CSV_HEAD_MAX]; /* of the first to the last field;
	                                `column_len`: left out */
	char text[CSV_LINE_MAX];
	size_t used; /* of `text` */
};

/*
 * Reads the head: each of its fields names one of `columns`, in any order and
 * any case, none twice; a name in brackets, as in "User name [user]", is one,
 * too. Where `style` maps a column, others that nobody knows are left out. In
 * front of the head may stand "sep=;" and "version:v1.0". JP_ERR_INVALID with
 * file and line in `why` for anything else.
 */
enum jp_err csv_file_open(struct csv_file *csv, FILE *file, const char *name,
    const struct csv_column *columns, size_t column_len,
    const struct csv_style *style, struct jp_why *why);

/*
 * Reads the next row: `fields` gets a text for each of the columns, "" for
 * those that the head does not name; they live until the next call. Lines
 * without a text in any field are skipped. `end` is set behind the last row.
 */
enum jp_err csv_file_next(struct csv_file *csv,
    const char *fields[CSV_COLUMNS_MAX], bool *end, struct jp_why *why);

/* Puts file and line in front of `why`; returns `err`. */
enum jp_err
csv_file_at(const struct csv_file *csv, enum jp_err err, struct jp_why *why);

#endif
