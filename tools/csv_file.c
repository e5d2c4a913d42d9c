#include "tools/csv_file.h"

#include <csv.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>

/* A row on its way out of the parser. */
struct row {
	struct csv_file *csv;
	size_t len;
	const char *fields[CSV_COLUMNS_MAX];
	bool overflow, nul;
};

enum jp_err
csv_file_at(const struct csv_file *csv, enum jp_err err, struct jp_why *why)
{
	const struct jp_why what = *why;

	return jp_why(why, err, "%.200s:%lu: %.280s", csv->name, csv->line,
	    what.text[0] != '\0' ? what.text : jp_err_text(err));
}

static enum jp_err
wrong(const struct csv_file *csv, struct jp_why *why, const char *what)
{
	(void)jp_why(why, JP_ERR_INVALID, "%s", what);
	return csv_file_at(csv, JP_ERR_INVALID, why);
}

static void
take_field(void *bytes, size_t len, void *arg)
{
	struct row *row = arg;
	struct csv_file *csv = row->csv;
	char *to = csv->text + csv->used;

	row->overflow |=
	    row->len == CSV_COLUMNS_MAX || len >= sizeof(csv->text) - csv->used;
	row->nul |= len > 0 && memchr(bytes, '\0', len) != NULL;
	if (row->overflow)
		return;
	if (len > 0)
		memcpy(to, bytes, len);
	to[len] = '\0';
	csv->used += len + 1;
	row->fields[row->len++] = to;
}

/* One line, with its end cut off; `len` 0 and `end` at the end of the file. */
static enum jp_err
read_line(struct csv_file *csv, char line[CSV_LINE_MAX], size_t *len, bool *end,
    struct jp_why *why)
{
	*len = 0;
	*end = fgets(line, CSV_LINE_MAX, csv->file) == NULL;
	if (*end && ferror(csv->file))
		return jp_why(why, JP_ERR_IO, "cannot read %.200s: %s",
		    csv->name, strerror(errno));
	if (*end)
		return JP_ERR_OK;
	csv->line++;
	*len = strcspn(line, "\n");
	if (line[*len] != '\n' && !feof(csv->file))
		return wrong(
		    csv, why, "the line is too long, or holds a NUL byte");
	if (*len > 0 && line[*len - 1] == '\r')
		(*len)--;
	return JP_ERR_OK;
}

/* Hands one line to libcsv. */
static enum jp_err
parse_line(struct csv_file *csv, const char *line, size_t len, struct row *row,
    struct jp_why *why)
{
	struct csv_parser parser;
	int bad;

	csv->used = 0;
	if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
		return jp_why(
		    why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	bad = csv_parse(&parser, line, len, take_field, NULL, row) != len ||
	      csv_fini(&parser, take_field, NULL, row) != 0;
	csv_free(&parser);
	if (row->overflow)
		return wrong(csv, why, "too many fields");
	if (bad || row->nul)
		return wrong(csv, why,
		    "expected fields between commas; a field with a comma or a "
		    "quote stands in quotes, and a quote in it twice");
	return JP_ERR_OK;
}

/* The next line that is not empty. */
static enum jp_err
next_row(struct csv_file *csv, struct row *row, bool *end, struct jp_why *why)
{
	char line[CSV_LINE_MAX];
	size_t len = 0;
	enum jp_err err;

	*row = (struct row){ .csv = csv };
	do
		err = read_line(csv, line, &len, end, why);
	while (err == JP_ERR_OK && !*end && len == 0);
	if (err == JP_ERR_OK && !*end)
		err = parse_line(csv, line, len, row, why);
	sodium_memzero(line, sizeof(line));
	return err;
}

static enum jp_err
find_column(
    struct csv_file *csv, const char *name, size_t *column, struct jp_why *why)
{
	char known[256] = "";
	size_t len = 0;

	for (*column = 0; *column < csv->column_len; (*column)++) {
		const char *other = csv->columns[*column].name;

		if (strcmp(other, name) == 0)
			return JP_ERR_OK;
		len += (size_t)snprintf(known + len, sizeof(known) - len,
		    "%s%s", len > 0 ? ", " : "", other);
	}
	(void)jp_why(why, JP_ERR_INVALID,
	    "the first line names the columns: expected of %s", known);
	return csv_file_at(csv, JP_ERR_INVALID, why);
}

static enum jp_err
take_head(struct csv_file *csv, const struct row *row, struct jp_why *why)
{
	bool seen[CSV_COLUMNS_MAX] = { false };

	for (size_t i = 0; i < row->len; i++) {
		enum jp_err err =
		    find_column(csv, row->fields[i], &csv->column[i], why);

		if (err != JP_ERR_OK)
			return err;
		if (seen[csv->column[i]])
			return wrong(csv, why, "a column is named twice");
		seen[csv->column[i]] = true;
	}
	csv->width = row->len;
	for (size_t i = 0; i < csv->column_len; i++)
		if (csv->columns[i].required && !seen[i]) {
			(void)jp_why(why, JP_ERR_INVALID,
			    "the first line must name the column \"%s\"",
			    csv->columns[i].name);
			return csv_file_at(csv, JP_ERR_INVALID, why);
		}
	return JP_ERR_OK;
}

enum jp_err
csv_file_open(struct csv_file *csv, FILE *file, const char *name,
    const struct csv_column *columns, size_t column_len, struct jp_why *why)
{
	struct row row;
	bool end;
	enum jp_err err;

	*csv = (struct csv_file){ .file = file,
		.name = name,
		.columns = columns,
		.column_len = column_len };
	err = next_row(csv, &row, &end, why);
	if (err == JP_ERR_OK && end)
		return wrong(
		    csv, why, "it is empty; its first line names the columns");
	return err == JP_ERR_OK ? take_head(csv, &row, why) : err;
}

enum jp_err
csv_file_next(struct csv_file *csv, const char *fields[CSV_COLUMNS_MAX],
    bool *end, struct jp_why *why)
{
	struct row row;
	enum jp_err err = next_row(csv, &row, end, why);

	if (err != JP_ERR_OK || *end)
		return err;
	if (row.len != csv->width) {
		(void)jp_why(why, JP_ERR_INVALID,
		    "expected %zu fields, as in the first line; there are %zu",
		    csv->width, row.len);
		return csv_file_at(csv, JP_ERR_INVALID, why);
	}
	for (size_t i = 0; i < csv->column_len; i++)
		fields[i] = "";
	for (size_t i = 0; i < row.len; i++)
		fields[csv->column[i]] = row.fields[i];
	return JP_ERR_OK;
}
