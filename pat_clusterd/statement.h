/*
 * A statement with its parameters, in binary: what is sent to the database is
 * never spliced into SQL.
 */
#ifndef STATEMENT_H
#define STATEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

enum {
	STATEMENT_PARAMS_MAX = 8,
};

struct statement {
	const char *sql;
	int count;
	Oid types[STATEMENT_PARAMS_MAX];
	const char *values[STATEMENT_PARAMS_MAX];
	int lengths[STATEMENT_PARAMS_MAX];
	uint8_t numbers[STATEMENT_PARAMS_MAX][8];
};

void statement_begin(struct statement *statement, const char *sql);

/* One more parameter each; texts and bytes stay the caller's. */
void statement_int8(struct statement *statement, int64_t value);
void statement_int4(struct statement *statement, int32_t value);
void statement_bool(struct statement *statement, bool value);
void statement_text(struct statement *statement, const char *text);
void
statement_bytes(struct statement *statement, const void *bytes, size_t len);
void statement_uuid(struct statement *statement, const uint8_t uuid[16]);

/* Sends it, in nonblocking mode; 0: it cannot, see PQerrorMessage(). */
int statement_send(const struct statement *statement, PGconn *conn);

/*
 * A column of a row, in binary. What has another length than it should, or is
 * NULL, is 0, or empty: nothing from there is trusted.
 */
int64_t row_int(const PGresult *rows, int row, int column);
const uint8_t *
row_bytes(const PGresult *rows, int row, int column, size_t *len);
void
row_text(const PGresult *rows, int row, int column, char *text, size_t size);
/* All zero unless it has `size` bytes. */
void
row_copy(const PGresult *rows, int row, int column, uint8_t *to, size_t size);

#endif
