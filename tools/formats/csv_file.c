#include "tools/formats/csv_file.h"

#include <csv.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/escape.h"
#include "common/base/text.h"

/* A row on its way out of the parser. */
struct row {
	struct csv_file *csv;
	size_t len;
	const char *fields[CSV_HEAD_MAX];
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
	    row->len == CSV_HEAD_MAX || len >= sizeof(csv->text) - csv->used;
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
		return wrong(csv, why, "the line is too long");
	if (*len > 0 && line[*len - 1] == '\r')
		(*len)--;
	if (!jp_utf8_valid(line, *len))
		return wrong(csv, why, "not UTF-8: save the file as UTF-8");
	return JP_ERR_OK;
}

/* The separators that are looked for, and what people call them. */
static const struct {
	char byte;
	const char *name, *shown;
} separators[] = {
	{ ',', "comma", "a comma" },
	{ ';', "semicolon", "a semicolon" },
	{ '\t', "tab", "a tab" },
	{ '|', "bar", "a bar (|)" },
};

enum { SEPARATORS = sizeof(separators) / sizeof(separators[0]) };

static enum jp_err
bad_fields(const struct csv_file *csv, struct jp_why *why)
{
	size_t i = 0;

	while (i + 1 < SEPARATORS && separators[i].byte != csv->separator)
		i++;
	(void)jp_why(why, JP_ERR_INVALID,
	    "expected fields with %s between them (see --separator); a field "
	    "that holds one, or a quote, stands in quotes, and a quote in it "
	    "twice",
	    separators[i].shown);
	return csv_file_at(csv, JP_ERR_INVALID, why);
}

/* Around fields; a separator is none. */
static int
is_blank(unsigned char c)
{
	return c == ' ';
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
	csv_set_delim(&parser, (unsigned char)csv->separator);
	csv_set_space_func(&parser, is_blank);
	bad = csv_parse(&parser, line, len, take_field, NULL, row) != len ||
	      csv_fini(&parser, take_field, NULL, row) != 0;
	csv_free(&parser);
	if (row->overflow)
		return wrong(csv, why, "too many fields");
	if (bad || row->nul)
		return bad_fields(csv, why);
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

/* ---- the head ---- */

enum jp_err
csv_style_separator(
    struct csv_style *style, const char *value, struct jp_why *why)
{
	for (size_t i = 0; i < SEPARATORS; i++)
		if (strcasecmp(value, separators[i].name) == 0 ||
		    (value[0] == separators[i].byte && value[1] == '\0'))
			style->separator = separators[i].byte;
	if (style->separator != '\0' || strcmp(value, "\\t") == 0) {
		if (style->separator == '\0')
			style->separator = '\t';
		return JP_ERR_OK;
	}
	return jp_why(why, JP_ERR_INVALID,
	    "--separator: expected comma, semicolon, tab or bar, or the "
	    "character");
}

enum jp_err
csv_style_column(struct csv_style *style, const char *value, struct jp_why *why)
{
	struct csv_map *map = &style->maps[style->map_len];
	size_t len = strcspn(value, "=");

	if (value[len] == '\0' || value[len + 1] == '\0' || len == 0 ||
	    len >= sizeof(map->column))
		return jp_why(why, JP_ERR_INVALID,
		    "--column: expected OURS=THEIRS, such as "
		    "user=userPrincipalName");
	if (style->map_len == CSV_MAPS_MAX)
		return jp_why(why, JP_ERR_TOO_LONG, "--column: too many");
	memcpy(map->column, value, len);
	map->column[len] = '\0';
	map->head = value + len + 1;
	for (size_t i = 0; i < style->map_len; i++)
		if (strcasecmp(style->maps[i].column, map->column) == 0 ||
		    strcasecmp(style->maps[i].head, map->head) == 0)
			return jp_why(why, JP_ERR_INVALID,
			    "--column: %.64s: one column of theirs for each of "
			    "ours, given once",
			    value);
	style->map_len++;
	return JP_ERR_OK;
}

/* Whether `text`, or what is in brackets in it, is that name. */
static bool
is_named(const char *text, const char *name)
{
	const char *open = strchr(text, '[');
	size_t len = strlen(name);

	if (strcasecmp(text, name) == 0)
		return true;
	return open != NULL && strncasecmp(open + 1, name, len) == 0 &&
	       open[1 + len] == ']';
}

/* What the file calls one of our columns. */
static const char *
head_of(const struct csv_file *csv, const char *column)
{
	for (size_t i = 0; i < csv->style->map_len; i++)
		if (strcasecmp(csv->style->maps[i].column, column) == 0)
			return csv->style->maps[i].head;
	return column;
}

/* The number of our column; `column_len`: it is none of ours. */
static size_t
find_column(const struct csv_file *csv, const char *text)
{
	size_t i = 0;

	while (i < csv->column_len &&
	       !is_named(text, head_of(csv, csv->columns[i].name)))
		i++;
	return i;
}

static void
list_columns(const struct csv_file *csv, char *known, size_t size)
{
	size_t len = 0;

	known[0] = '\0';
	for (size_t i = 0; i < csv->column_len && len < size; i++)
		len += (size_t)snprintf(known + len, size - len, "%s%s",
		    i > 0 ? ", " : "", csv->columns[i].name);
}

static enum jp_err
unknown_column(const struct csv_file *csv, const char *text, struct jp_why *why)
{
	char known[128], shown[JP_ESCAPED_MAX(64)];

	list_columns(csv, known, sizeof(known));
	(void)jp_escape(shown, sizeof(shown), text);
	(void)jp_why(why, JP_ERR_INVALID,
	    "the first line names an unknown column %.70s: expected of %s; "
	    "--column OURS=THEIRS says which is which",
	    shown, known);
	return csv_file_at(csv, JP_ERR_INVALID, why);
}

static enum jp_err
check_maps(const struct csv_file *csv, struct jp_why *why)
{
	char known[128];

	for (size_t i = 0; i < csv->style->map_len; i++) {
		const char *name = csv->style->maps[i].column;
		size_t j = 0;

		while (j < csv->column_len &&
		       strcasecmp(csv->columns[j].name, name) != 0)
			j++;
		list_columns(csv, known, sizeof(known));
		if (j == csv->column_len)
			return jp_why(why, JP_ERR_INVALID,
			    "--column: \"%s\" is none of %s", name, known);
	}
	return JP_ERR_OK;
}

/* Every column that is required or mapped has to be there. */
static enum jp_err
check_seen(const struct csv_file *csv, const bool *seen, struct jp_why *why)
{
	for (size_t i = 0; i < csv->column_len; i++) {
		const char *name = csv->columns[i].name;
		const char *head = head_of(csv, name);

		if (seen[i] || (!csv->columns[i].required && head == name))
			continue;
		(void)jp_why(why, JP_ERR_INVALID,
		    "the first line must name the column \"%.100s\"%s", head,
		    head == name ? "; --column OURS=THEIRS says which is which"
		                 : "");
		return csv_file_at(csv, JP_ERR_INVALID, why);
	}
	return JP_ERR_OK;
}

/* Nobody notices otherwise that one of them should have been mapped. */
static void
say_left_out(const struct csv_file *csv, const struct row *row)
{
	const char *before = "columns that are not read: ";
	char shown[JP_ESCAPED_MAX(64)];

	for (size_t i = 0; i < row->len; i++) {
		const char *text = row->fields[i];

		if (csv->column[i] < csv->column_len || text[0] == '\0')
			continue;
		if (before[0] != ',')
			(void)fprintf(
			    stderr, "note: %s:%lu: ", csv->name, csv->line);
		(void)fprintf(stderr, "%s%.70s", before,
		    jp_escape(shown, sizeof(shown), text));
		before = ", ";
	}
	if (before[0] == ',')
		(void)fprintf(stderr, "\n");
}

static enum jp_err
take_head(struct csv_file *csv, const struct row *row, struct jp_why *why)
{
	bool seen[CSV_HEAD_MAX] = { false };

	for (size_t i = 0; i < row->len; i++) {
		const char *text = row->fields[i];
		size_t column = find_column(csv, text);

		csv->column[i] = column;
		if (column == csv->column_len && text[0] != '\0' &&
		    csv->style->map_len == 0)
			return unknown_column(csv, text, why);
		if (column < csv->column_len && seen[column])
			return wrong(csv, why, "a column is named twice");
		seen[column] = true;
	}
	csv->width = row->len;
	say_left_out(csv, row);
	return check_seen(csv, seen, why);
}

/* The separator that stands most often in the line, outside of quotes. */
static char
guess_separator(const char *line, size_t len)
{
	size_t counts[SEPARATORS] = { 0 }, best = 0;
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		quoted ^= line[i] == '"';
		for (size_t j = 0; !quoted && j < SEPARATORS; j++)
			counts[j] += line[i] == separators[j].byte;
	}
	for (size_t j = 1; j < SEPARATORS; j++)
		if (counts[j] > counts[best])
			best = j;
	return separators[best].byte;
}

/* What spreadsheets and directories put in front of the head. */
static bool
is_preface(struct csv_file *csv, const char *line, size_t len)
{
	if (len == 5 && strncasecmp(line, "sep=", 4) == 0) {
		if (csv->separator == '\0')
			csv->separator = line[4];
		return true;
	}
	return len >= 8 && strncasecmp(line, "version:", 8) == 0;
}

static enum jp_err
read_head(struct csv_file *csv, struct row *row, bool *end, struct jp_why *why)
{
	char line[CSV_LINE_MAX];
	size_t len = 0;
	enum jp_err err;

	*row = (struct row){ .csv = csv };
	do
		err = read_line(csv, line, &len, end, why);
	while (err == JP_ERR_OK && !*end &&
	       (len == 0 || is_preface(csv, line, len)));
	if (err != JP_ERR_OK || *end)
		return err;
	if (line[0] == '[' || line[0] == '{')
		return wrong(csv, why,
		    "this is JSON; expected CSV with the names of the columns "
		    "in the first line");
	if (csv->separator == '\0')
		csv->separator = guess_separator(line, len);
	return parse_line(csv, line, len, row, why);
}

enum jp_err
csv_file_open(struct csv_file *csv, FILE *file, const char *name,
    const struct csv_column *columns, size_t column_len,
    const struct csv_style *style, struct jp_why *why)
{
	struct row row;
	bool end;
	enum jp_err err;

	*csv = (struct csv_file){ .file = file,
		.name = name,
		.columns = columns,
		.column_len = column_len,
		.style = style,
		.separator = style->separator };
	err = check_maps(csv, why);
	if (err == JP_ERR_OK)
		err = read_head(csv, &row, &end, why);
	if (err == JP_ERR_OK && end)
		return wrong(
		    csv, why, "it is empty; its first line names the columns");
	return err == JP_ERR_OK ? take_head(csv, &row, why) : err;
}

static bool
is_empty(const struct row *row)
{
	for (size_t i = 0; i < row->len; i++)
		if (row->fields[i][0] != '\0')
			return false;
	return true;
}

enum jp_err
csv_file_next(struct csv_file *csv, const char *fields[CSV_COLUMNS_MAX],
    bool *end, struct jp_why *why)
{
	struct row row;
	enum jp_err err;

	do
		err = next_row(csv, &row, end, why);
	while (err == JP_ERR_OK && !*end && csv->width > 1 && is_empty(&row));
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
		if (csv->column[i] < csv->column_len)
			fields[csv->column[i]] = row.fields[i];
	return JP_ERR_OK;
}
