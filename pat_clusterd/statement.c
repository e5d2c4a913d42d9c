#include "pat_clusterd/statement.h"

#include <string.h>

/* The types of parameters: their OIDs in pg_type never change. */
enum {
	TYPE_BOOL = 16,
	TYPE_BYTEA = 17,
	TYPE_INT8 = 20,
	TYPE_INT4 = 23,
	TYPE_TEXT = 25,
	TYPE_UUID = 2950,
};

void
statement_begin(struct statement *statement, const char *sql)
{
	memset(statement, 0, sizeof(*statement));
	statement->sql = sql;
}

static void
add(struct statement *statement, Oid type, const void *value, size_t len)
{
	int at = statement->count++;

	statement->types[at] = type;
	statement->values[at] = value;
	statement->lengths[at] = (int)len;
}

/* The last `len` bytes of the number, the high one first. */
static void
add_number(struct statement *statement, Oid type, uint64_t value, size_t len)
{
	uint8_t *bytes = statement->numbers[statement->count];

	for (size_t i = len; i-- > 0; value >>= 8)
		bytes[i] = (uint8_t)value;
	add(statement, type, bytes, len);
}

void
statement_int8(struct statement *statement, int64_t value)
{
	add_number(statement, TYPE_INT8, (uint64_t)value, 8);
}

void
statement_int4(struct statement *statement, int32_t value)
{
	add_number(statement, TYPE_INT4, (uint32_t)value, 4);
}

void
statement_bool(struct statement *statement, bool value)
{
	add_number(statement, TYPE_BOOL, value, 1);
}

void
statement_text(struct statement *statement, const char *text)
{
	add(statement, TYPE_TEXT, text, strlen(text));
}

void
statement_bytes(struct statement *statement, const void *bytes, size_t len)
{
	add(statement, TYPE_BYTEA, len > 0 ? bytes : "", len);
}

void
statement_uuid(struct statement *statement, const uint8_t uuid[16])
{
	add(statement, TYPE_UUID, uuid, 16);
}

int
statement_send(const struct statement *statement, PGconn *conn)
{
	static const int binary[STATEMENT_PARAMS_MAX] = { 1, 1, 1, 1, 1, 1, 1,
		1 };

	return PQsendQueryParams(conn, statement->sql, statement->count,
	    statement->types, statement->values, statement->lengths, binary, 1);
}

/* ---- rows ---- */

const uint8_t *
row_bytes(const PGresult *rows, int row, int column, size_t *len)
{
	*len = 0;
	if (row >= PQntuples(rows) || column >= PQnfields(rows) ||
	    PQfformat(rows, column) != 1 || PQgetisnull(rows, row, column))
		return NULL;
	*len = (size_t)PQgetlength(rows, row, column);
	return (const uint8_t *)PQgetvalue(rows, row, column);
}

int64_t
row_int(const PGresult *rows, int row, int column)
{
	size_t len;
	const uint8_t *bytes = row_bytes(rows, row, column, &len);
	uint64_t value = 0;

	if (bytes == NULL || (len != 1 && len != 4 && len != 8))
		return 0;
	for (size_t i = 0; i < len; i++)
		value = value << 8 | bytes[i];
	return len == 4 ? (int32_t)value : (int64_t)value;
}

void
row_text(const PGresult *rows, int row, int column, char *text, size_t size)
{
	size_t len;
	const uint8_t *bytes = row_bytes(rows, row, column, &len);

	if (len >= size)
		len = 0;
	if (len > 0)
		memcpy(text, bytes, len);
	text[len] = '\0';
}

void
row_copy(const PGresult *rows, int row, int column, uint8_t *to, size_t size)
{
	size_t len;
	const uint8_t *bytes = row_bytes(rows, row, column, &len);

	memset(to, 0, size);
	if (bytes != NULL && len == size)
		memcpy(to, bytes, size);
}
