/*
 * Tables for people, and lists of items as a table or as JSON.
 */
#ifndef PAT_ADMIN_TABLE_H
#define PAT_ADMIN_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

#define TABLE_COLUMNS_MAX 9
#define TABLE_ROWS 256

/*
 * A table whose columns are as wide as their content. It measures the first
 * TABLE_ROWS rows, then prints every row at once: a list of any length needs
 * no more memory. A later, wider cell moves what is right of it.
 */
struct table {
	size_t columns;
	size_t rows; /* held back for measuring */
	bool measured;
	size_t width[TABLE_COLUMNS_MAX];
	char *cell[TABLE_ROWS][TABLE_COLUMNS_MAX];
};

void table_start(struct table *table, const char *const *heads, size_t columns);
enum jp_err table_row(struct table *table, const char *const *cells);

/* Prints what was held back, and frees it; also to be called after errors. */
void table_end(struct table *table);

/*
 * A list of items, as a table or as an array of JSON. An error leaves standard
 * output empty, or the array without its end, so that half a list is seen as
 * such.
 */
struct listing {
	bool json;
	bool begun; /* something was printed */
	const char *const *heads;
	size_t columns;
	struct table table;
};

/* One item, as JSON or as a row. */
enum jp_err listing_json(struct listing *listing, json_t *value);
enum jp_err listing_text(struct listing *listing, const char *json);
enum jp_err listing_row(struct listing *listing, const char *const *cells);

/* The end: of all items if `whole`, else after an error. */
void listing_end(struct listing *listing, bool whole);

#endif
