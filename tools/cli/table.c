#include "tools/cli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uniwidth.h>

#include "tools/cli/output.h"

/* Columns of a terminal: a character may take two of them, or none. */
static size_t
text_width(const char *text)
{
	int width = u8_strwidth((const uint8_t *)text, "UTF-8");

	return width > 0 ? (size_t)width : 0;
}

/* The last cell gets no spaces behind it. */
static void
print_cell(const struct table *table, size_t column, const char *text)
{
	size_t width = text_width(text);

	(void)fputs(text, stdout);
	if (column + 1 == table->columns) {
		(void)fputc('\n', stdout);
		return;
	}
	for (; width < table->width[column] + 2; width++)
		(void)fputc(' ', stdout);
}

void
table_start(struct table *table, const char *const *heads, size_t columns)
{
	memset(table, 0, sizeof(*table));
	table->columns = columns;
	(void)table_row(table, heads);
}

/* Prints the rows held back: the widths are known from here on. */
static void
release(struct table *table)
{
	for (size_t row = 0; row < table->rows; row++) {
		for (size_t i = 0; i < table->columns; i++) {
			char *text = table->cell[row][i];

			print_cell(table, i, text != NULL ? text : "");
			free(text);
		}
	}
	table->rows = 0;
	table->measured = true;
}

static enum jp_err
print_row(const struct table *table, const char *const *cells)
{
	for (size_t i = 0; i < table->columns; i++)
		print_cell(table, i, cells[i]);
	return ferror(stdout) ? JP_ERR_IO : JP_ERR_OK;
}

enum jp_err
table_row(struct table *table, const char *const *cells)
{
	enum jp_err err = JP_ERR_OK;

	if (table->measured)
		return print_row(table, cells);
	for (size_t i = 0; i < table->columns; i++) {
		char *copy = strdup(cells[i]);
		size_t width = text_width(cells[i]);

		table->cell[table->rows][i] = copy;
		if (copy == NULL)
			err = JP_ERR_NOMEM;
		if (width > table->width[i])
			table->width[i] = width;
	}
	if (++table->rows == TABLE_ROWS)
		release(table);
	return ferror(stdout) ? JP_ERR_IO : err;
}

void
table_end(struct table *table)
{
	release(table);
}

enum jp_err
listing_json(struct listing *listing, json_t *value)
{
	(void)fputs(listing->begun ? "," : "[", stdout);
	listing->begun = true;
	return output_json(value);
}

enum jp_err
listing_text(struct listing *listing, const char *json)
{
	(void)printf("%s%s\n", listing->begun ? "," : "[", json);
	output_json_printed();
	listing->begun = true;
	return ferror(stdout) ? JP_ERR_IO : JP_ERR_OK;
}

/* Not before there is an answer. */
static void
listing_begin(struct listing *listing)
{
	if (!listing->begun)
		table_start(&listing->table, listing->heads, listing->columns);
	listing->begun = true;
}

enum jp_err
listing_row(struct listing *listing, const char *const *cells)
{
	listing_begin(listing);
	return table_row(&listing->table, cells);
}

static void
listing_close(const struct listing *listing)
{
	if (listing->begun)
		(void)puts("]");
	else
		output_json_empty();
}

void
listing_end(struct listing *listing, bool whole)
{
	if (listing->json) {
		if (whole)
			listing_close(listing);
		return;
	}
	if (whole)
		listing_begin(listing); /* heads alone, if empty */
	table_end(&listing->table);
}
