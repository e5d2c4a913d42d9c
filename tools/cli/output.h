/*
 * What goes to standard output: tables and JSON. No write error is lost:
 * output_end() tells it.
 */
#ifndef PAT_ADMIN_OUTPUT_H
#define PAT_ADMIN_OUTPUT_H

#include <jansson.h>

#include "common/admin/admin.h"

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

/*
 * Before anything else: own buffer, memory of JSON wiped when freed, standard
 * error without tokens.
 */
void output_start(void);

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

/* Whether standard output is a pipe that nobody reads any more. */
bool output_reader_left(void);

/* Prints [], if no JSON was printed yet. */
void json_print_empty(void);

/* For JSON that is not printed by json_print(). */
void json_was_printed(void);

/* Prints `value` as one line and frees it: NULL means out of memory. */
enum jp_err json_print(json_t *value);

/* The end as a JSON string, or null. */
json_t *json_time(int64_t when);

/* Every field of a record but its hash and tag. */
json_t *json_record(const struct jp_record *record, enum jp_state state);

/* The rights of a record, each list as JSON strings. */
json_t *json_scopes(const struct jp_record *record);
json_t *json_services(const struct jp_record *record);
json_t *json_networks(const struct jp_record *record);

/*
 * Sends everything; wipes the buffer, which may hold a token. An error of any
 * write since the start is this one's.
 */
enum jp_err output_end(struct jp_why *why);

#endif
