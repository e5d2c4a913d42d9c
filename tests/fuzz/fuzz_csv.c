/*
 * A file of comma-separated values, with the separator and the names of columns
 * that the first byte chooses: rows that are accepted are written so that they
 * are read the same.
 */
#include <csv.h>

#include "tests/fuzz/errors.h"
#include "tools/formats/csv_file.h"

static const struct csv_column columns[] = {
	{ "user", true },
	{ "name", false },
	{ "expires", false },
	{ "scope", false },
};

enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static struct csv_file csv, csv_again;

static void
choose(struct csv_style *style, uint8_t byte)
{
	static const char *const separators[] = { "comma", ";", "\\t", "bar" };
	struct jp_why why = { .text = "" };

	*style = (struct csv_style){ 0 };
	if ((byte & 1) != 0)
		(void)csv_style_separator(
		    style, separators[(byte >> 1) & 3], &why);
	if ((byte & 8) != 0)
		(void)csv_style_column(style, "user=mail", &why);
	if ((byte & 16) != 0)
		(void)csv_style_column(style, "scope=role", &why);
}

/* One row as it is written anew; false: too long for a line. */
static bool
write_row(char *text, size_t size, const char *const *fields)
{
	size_t len = (size_t)snprintf(text, size, "user,name,expires,scope\n");

	for (size_t i = 0; i < COLUMNS; i++) {
		if (len + 2 * strlen(fields[i]) + 4 > size)
			return false;
		len += csv_write(
		    text + len, size - len, fields[i], strlen(fields[i]));
		text[len++] = i + 1 < COLUMNS ? ',' : '\n';
	}
	text[len] = '\0';
	return true;
}

/* Such a row would be left out. */
static bool
is_empty(const char *const *fields)
{
	for (size_t i = 0; i < COLUMNS; i++)
		if (fields[i][0] != '\0')
			return false;
	return true;
}

static void
read_again(const char *const *fields)
{
	static const struct csv_style plain = { 0 };
	char text[CSV_LINE_MAX - 1];
	const char *got[CSV_COLUMNS_MAX];
	struct jp_why why = { .text = "" };
	bool end = false;
	FILE *file;

	if (is_empty(fields) || !write_row(text, sizeof(text), fields))
		return;
	file = fuzz_file((const uint8_t *)text, strlen(text));
	FUZZ_ASSERT(csv_file_open(&csv_again, file, "again", columns, COLUMNS,
	                &plain, &why) == JP_ERR_OK);
	FUZZ_ASSERT(
	    csv_file_next(&csv_again, got, &end, &why) == JP_ERR_OK && !end);
	for (size_t i = 0; i < COLUMNS; i++)
		FUZZ_ASSERT(strcmp(got[i], fields[i]) == 0);
	(void)fclose(file);
}

static enum jp_err
read_all(FILE *file, const struct csv_style *style, struct jp_why *why)
{
	const char *fields[CSV_COLUMNS_MAX];
	enum jp_err err = csv_file_open(
	    &csv, file, "people.csv", columns, COLUMNS, style, why);
	bool end = false;

	while (err == JP_ERR_OK) {
		err = csv_file_next(&csv, fields, &end, why);
		if (err != JP_ERR_OK || end)
			return err;
		read_again(fields);
	}
	return err;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_why why = { .text = "" };
	struct csv_style style;
	struct fuzz_errors errors;
	FILE *file;

	if (size == 0)
		return 0;
	choose(&style, data[0]);
	file = fuzz_file(data + 1, size - 1);
	fuzz_errors_take(&errors);
	if (read_all(file, &style, &why) != JP_ERR_OK)
		fuzz_says(why.text);
	fuzz_errors_end(&errors);
	(void)fclose(file);
	return 0;
}
