/*
 * pat-admin revoke: ends tokens, at once. Everything is read and checked
 * before the first of them is revoked.
 */
#include "common/base/grow.h"
#include "tools/cli/arguments.h"
#include "tools/commands/commands.h"

#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cli/output.h"
#include "tools/cli/session.h"
#include "tools/formats/json_values.h"

/* ids are public; the texts they were read from are wiped. */
static struct revoke_args {
	struct jp_admin_request request; /* user and reason */
	const char *file;
	size_t len, cap;
	char (*ids)[JP_TOKEN_ID_LEN + 1];
} args;

static enum jp_err
add_id(struct revoke_args *revoke, char *text, const char *what,
    struct jp_why *why)
{
	if (JP_GROW(revoke->ids, revoke->len, revoke->cap) != JP_ERR_OK)
		return JP_ERR_NOMEM;
	return arguments_token_id(text, what, revoke->ids[revoke->len++], why);
}

static enum jp_err
take_id(void *arg, char *value, struct jp_why *why)
{
	struct revoke_args *revoke = arg;
	char what[32];

	(void)snprintf(what, sizeof(what), "ID %zu", revoke->len + 1);
	return add_id(revoke, value, what, why);
}

static const struct cmd_option options[] = {
	CMD_USER("--user", "USER", "all live tokens of USER",
	    struct revoke_args, request.record.user),
	CMD_TEXT("--from-file", "FILE",
	    "ids or tokens, one a line; -: standard input", struct revoke_args,
	    file),
	CMD_FIELD("--reason", "TEXT", "why, for the record", struct revoke_args,
	    request.record.revoked_why),
};

/* One line; `text` is wiped by the caller. */
static enum jp_err
add_line(char *text, const char *name, unsigned long number, bool whole,
    struct jp_why *why)
{
	char what[300];
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
	return add_id(&args, text, what, why);
}

static enum jp_err
read_lines(FILE *file, const char *name, struct jp_why *why)
{
	static char buffer[4096], line[1024];
	unsigned long number = 0;
	enum jp_err err = JP_ERR_OK;

	(void)setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	while (err == JP_ERR_OK && fgets(line, sizeof(line), file) != NULL) {
		/* Too long, or with a NUL: no newline before the end. */
		bool whole = strchr(line, '\n') != NULL || feof(file);

		err = add_line(line, name, ++number, whole, why);
	}
	if (err == JP_ERR_OK && ferror(file))
		err = jp_why(why, JP_ERR_IO, "%s: %s", name, strerror(errno));
	sodium_memzero(line, sizeof(line));
	sodium_memzero(buffer, sizeof(buffer));
	return err;
}

static enum jp_err
read_ids(struct jp_why *why)
{
	enum jp_err err;
	FILE *file;

	if (args.file == NULL)
		return JP_ERR_OK;
	if (strcmp(args.file, "-") == 0)
		return read_lines(stdin, "standard input", why);
	file = fopen(args.file, "re");
	if (file == NULL) {
		err = jp_err_from_errno(errno);
		return jp_why(why, err, "%s: %s", args.file, strerror(errno));
	}
	err = read_lines(file, args.file, why);
	(void)fclose(file);
	return err;
}

static enum jp_err
print_item(void *arg, const struct jp_admin_item *item)
{
	const struct context *context = arg;
	const struct jp_record *record = &item->record;
	json_t *json;

	if (item->kind != JP_ITEM_RECORD)
		return JP_ERR_PROTOCOL;
	if (!context->json) {
		(void)printf("%s %s %s %s\n",
		    item->changed ? "revoked" : "already revoked", record->id,
		    record->user, record->name[0] != '\0' ? record->name : "-");
		return JP_ERR_OK;
	}
	json = json_record(record, item->state);
	(void)json_object_set_new(json, "changed", json_boolean(item->changed));
	return output_json(json);
}

/* JSON: a line for each. The worst status of all is the status. */
static enum status
revoke_each(struct context *context, struct session *session)
{
	enum status status = STATUS_DONE, one;
	struct jp_record *record = &args.request.record;
	struct jp_why why = { .text = "" };
	enum jp_err err = JP_ERR_OK;
	bool user = record->user[0] != '\0';

	for (size_t i = 0; i < args.len + user; i++) {
		if (i < args.len) {
			struct jp_admin_request request = args.request;

			memcpy(request.record.id, args.ids[i],
			    sizeof(request.record.id));
			request.record.user[0] = '\0';
			err = session_run(
			    session, &request, print_item, context, &why);
		} else {
			err = session_run(
			    session, &args.request, print_item, context, &why);
		}
		one = err == JP_ERR_OK ? STATUS_DONE
		                       : context_fail(context, err, &why);
		if (one > status)
			status = one;
		if (status == STATUS_UNAVAILABLE)
			break; /* the others would fail alike */
	}
	return status;
}

static enum status
run(struct context *context)
{
	struct jp_why why = { .text = "" };
	struct session session;
	enum status status;
	enum jp_err err = read_ids(&why);

	args.request.op = JP_ADMIN_REVOKE;
	if (err == JP_ERR_OK && args.len == 0 && args.file == NULL &&
	    args.request.record.user[0] == '\0')
		err = jp_why(&why, JP_ERR_INVALID,
		    "nothing to revoke: give an ID, --user or --from-file");
	if (err == JP_ERR_OK)
		err = session_open(&session, context, &why);
	if (err != JP_ERR_OK) {
		free(args.ids);
		return context_fail(context, err, &why);
	}
	status = revoke_each(context, &session);
	session_close(&session);
	free(args.ids);
	return status;
}

const struct command cmd_revoke = {
	.name = "revoke",
	.synopsis = "[ID]... [OPTION]...",
	.help = "revoke tokens at once, by id or by their text",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.words_max = SIZE_MAX,
	.word = CMD_CALL("ID", NULL, NULL, take_id),
	.args = &args,
	.prints = true,
	.run = run,
};
