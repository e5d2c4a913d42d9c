#include "tools/cli/output.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uniwidth.h>

#include "common/base/escape.h"
#include "common/sys/time_text.h"

/* Ours, and not the C library's, so that it can be wiped. */
static char buffer[65536];

/* What jansson frees may have been the text of a token. */
static void
wipe_and_free(void *mem)
{
	if (mem != NULL)
		sodium_memzero(mem, malloc_usable_size(mem));
	free(mem);
}

static void
write_all(const char *text)
{
	size_t left = strlen(text);
	ssize_t len;

	while (left > 0) {
		len = write(STDERR_FILENO, text, left);
		if (len < 0 && errno != EINTR)
			return;
		left -= len > 0 ? (size_t)len : 0;
		text += len > 0 ? len : 0;
	}
}

/* What goes to standard error: tokens that stood in the wrong place masked. */
static ssize_t
write_masked(void *cookie, const char *bytes, size_t len)
{
	char text[BUFSIZ + 1];

	(void)cookie;
	for (size_t at = 0, step; at < len; at += step) {
		step = len - at < BUFSIZ ? len - at : BUFSIZ;
		memcpy(text, bytes + at, step);
		text[step] = '\0';
		jp_mask(text);
		write_all(text);
	}
	return (ssize_t)len;
}

/* All of it goes through one place, so that no message can forget it. */
static void
mask_errors(void)
{
	FILE *masked = fopencookie(
	    NULL, "w", (cookie_io_functions_t){ .write = write_masked });

	if (masked == NULL)
		return;
	(void)setvbuf(masked, NULL, _IONBF, 0); /* one write for each call */
	stderr = masked;
}

void
output_start(void)
{
	mask_errors();
	json_set_alloc_funcs(malloc, wipe_and_free);
	(void)setvbuf(stdout, buffer, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF,
	    sizeof(buffer));
}

enum jp_err
output_end(struct jp_why *why)
{
	int errnum;

	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout)) {
		sodium_memzero(buffer, sizeof(buffer));
		return JP_ERR_OK;
	}
	errnum = errno != 0 ? errno : EIO;
	sodium_memzero(buffer, sizeof(buffer));
	return jp_why(
	    why, JP_ERR_IO, "cannot write the answer: %s", strerror(errnum));
}

bool
output_reader_left(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return ferror(stdout) && poll(&out, 1, 0) == 1 &&
	       (out.revents & (POLLERR | POLLHUP)) != 0;
}

/* ---- Tables ---- */

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

/* ---- JSON ---- */

static bool printed;

void
json_was_printed(void)
{
	printed = true;
}

void
json_print_empty(void)
{
	if (!printed)
		(void)puts("[]");
	printed = true;
}

enum jp_err
json_print(json_t *value)
{
	char *text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;

	json_decref(value);
	if (text == NULL)
		return JP_ERR_NOMEM;
	(void)fprintf(stdout, "%s\n", text);
	printed = true;
	wipe_and_free(text);
	return ferror(stdout) ? JP_ERR_IO : JP_ERR_OK;
}

/* ---- lists ---- */

enum jp_err
listing_json(struct listing *listing, json_t *value)
{
	(void)fputs(listing->begun ? "," : "[", stdout);
	listing->begun = true;
	return json_print(value);
}

enum jp_err
listing_text(struct listing *listing, const char *json)
{
	(void)printf("%s%s\n", listing->begun ? "," : "[", json);
	json_was_printed();
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
		json_print_empty();
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

/* ---- parts of JSON ---- */

json_t *
json_time(int64_t when)
{
	char text[JP_WHEN_TEXT_MAX];

	if (when == JP_NEVER)
		return json_null();
	jp_when_format(when, text);
	return json_string(text);
}

json_t *
json_scopes(const struct jp_record *record)
{
	json_t *list = json_array();

	for (size_t i = 0; i < record->scope_len; i++)
		(void)json_array_append_new(
		    list, json_string(record->scopes[i]));
	return list;
}

json_t *
json_services(const struct jp_record *record)
{
	json_t *list = json_array();

	for (size_t i = 0; i < record->service_len; i++)
		(void)json_array_append_new(
		    list, json_string(record->services[i]));
	return list;
}

json_t *
json_networks(const struct jp_record *record)
{
	char text[JP_NET_TEXT_MAX];
	json_t *list = json_array();

	for (size_t i = 0; i < record->net_len; i++) {
		jp_net_format(&record->nets[i], text);
		(void)json_array_append_new(list, json_string(text));
	}
	return list;
}

static json_t *
json_uses(const struct jp_record *record)
{
	json_t *list = json_array();

	for (size_t i = 0; i < record->use_len; i++)
		(void)json_array_append_new(
		    list, json_pack("{s:o,s:s,s:s}", "at",
		              json_time(record->uses[i].at), "service",
		              record->uses[i].service, "address",
		              record->uses[i].rhost));
	return list;
}

json_t *
json_record(const struct jp_record *record, enum jp_state state)
{
	char text[JP_STATE_TEXT_MAX];

	jp_state_format(state, record, text);
	return json_pack(
	    "{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:s,s:o,s:o,s:s,s:s,s:o,s:I,"
	    "s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:b,s:s,s:o,s:s}",
	    "id", record->id, "user", record->user, "name", record->name,
	    "state", jp_state_name(state), "state_text", text, "state_cause",
	    jp_state_cause(state), "prefix", record->prefix, "created_at",
	    json_time(record->created_at), "created_by", record->created_by,
	    "expires_at", json_time(record->expires_at), "revoked_at",
	    json_time(record->revoked_at), "revoked_by", record->revoked_by,
	    "revoked_why", record->revoked_why, "last_used_at",
	    json_time(record->last_used_at), "use_count",
	    (json_int_t)record->use_count, "uses", json_uses(record), "scopes",
	    json_scopes(record), "services", json_services(record), "networks",
	    json_networks(record), "family", record->family, "superseded_at",
	    json_time(record->superseded_at), "grace_until",
	    json_time(record->grace_until), "keep_until_grace",
	    (int)record->keep_until_grace, "ends", record->ends, "denied_at",
	    json_time(record->denied_at), "denied_why", record->denied_why);
}
