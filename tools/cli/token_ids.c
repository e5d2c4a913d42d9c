#include "tools/cli/token_ids.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/grow.h"
#include "tools/cli/arguments.h"

enum {
	WHAT_MAX = 300,
	LINE_ROOM = 1024,
};

static enum jp_err
add_text(
    struct token_ids *tokens, char *text, const char *what, struct jp_why *why)
{
	if (JP_GROW(tokens->ids, tokens->len, tokens->cap) != JP_ERR_OK)
		return JP_ERR_NOMEM;
	return arguments_token_id(text, what, tokens->ids[tokens->len++], why);
}

enum jp_err
token_ids_take(struct token_ids *tokens, char *value, struct jp_why *why)
{
	char what[32];

	(void)snprintf(what, sizeof(what), "ID %zu", tokens->len + 1);
	return add_text(tokens, value, what, why);
}

enum jp_err
token_ids_add(struct token_ids *tokens, const char *id)
{
	if (JP_GROW(tokens->ids, tokens->len, tokens->cap) != JP_ERR_OK)
		return JP_ERR_NOMEM;
	return jp_field_set(
	    tokens->ids[tokens->len++], sizeof(tokens->ids[0]), id);
}

/* One line; `text` is wiped by the caller. */
static enum jp_err
add_line(struct token_ids *tokens, char *text, const char *name,
    unsigned long number, bool whole, struct jp_why *why)
{
	char what[WHAT_MAX];
	size_t len;

	text += strspn(text, " \t");
	len = strcspn(text, " \t\r\n");
	(void)snprintf(what, sizeof(what), "%.255s, line %lu", name, number);
	if (whole && (text[0] == '#' || text[strspn(text, " \t\r\n")] == '\0'))
		return JP_ERR_OK;
	if (!whole || text[len + strspn(text + len, " \t\r\n")] != '\0')
		return jp_why(why, JP_ERR_INVALID,
		    "%s: expected one id or one token", what);
	text[len] = '\0';
	return add_text(tokens, text, what, why);
}

static enum jp_err
read_lines(
    struct token_ids *tokens, FILE *file, const char *name, struct jp_why *why)
{
	static char buffer[4096], line[LINE_ROOM];
	unsigned long number = 0;
	enum jp_err err = JP_ERR_OK;

	(void)setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	while (err == JP_ERR_OK && fgets(line, sizeof(line), file) != NULL) {
		/* Too long, or with a NUL: no newline before the end. */
		bool whole = strchr(line, '\n') != NULL || feof(file);

		err = add_line(tokens, line, name, ++number, whole, why);
	}
	if (err == JP_ERR_OK && ferror(file))
		err = jp_why(why, JP_ERR_IO, "%s: %s", name, strerror(errno));
	sodium_memzero(line, sizeof(line));
	sodium_memzero(buffer, sizeof(buffer));
	return err;
}

enum jp_err
token_ids_read(struct token_ids *tokens, struct jp_why *why)
{
	enum jp_err err;
	FILE *file;

	if (tokens->file == NULL)
		return JP_ERR_OK;
	if (strcmp(tokens->file, "-") == 0)
		return read_lines(tokens, stdin, "standard input", why);
	file = fopen(tokens->file, "re");
	if (file == NULL) {
		err = jp_err_from_errno(errno);
		return jp_why(
		    why, err, "%s: %s", tokens->file, strerror(errno));
	}
	err = read_lines(tokens, file, tokens->file, why);
	(void)fclose(file);
	return err;
}

enum status
token_ids_each(const struct token_ids *tokens, struct context *context,
    struct session *session, struct jp_admin_request *request,
    jp_admin_emit emit, void *arg)
{
	enum status status = STATUS_DONE;

	for (size_t i = 0; i < tokens->len && status != STATUS_UNAVAILABLE;
	     i++) {
		struct jp_why why = { .text = "" };
		enum status one = STATUS_DONE;
		enum jp_err err;

		memcpy(request->record.id, tokens->ids[i],
		    sizeof(request->record.id));
		err = session_run(session, request, emit, arg, &why);
		if (err != JP_ERR_OK)
			one = context_fail(context, err, &why);
		if (one > status)
			status = one;
	}
	return status;
}

void
token_ids_free(struct token_ids *tokens)
{
	free(tokens->ids);
	tokens->ids = NULL;
	tokens->len = tokens->cap = 0;
}
