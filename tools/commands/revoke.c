/*
 * pat-admin revoke: ends tokens, at once. Everything is read and checked
 * before the first of them is revoked.
 */
#include "tools/commands/commands.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tools/cli/output.h"
#include "tools/cli/token_ids.h"
#include "tools/formats/json_values.h"

static struct revoke_args {
	struct jp_admin_request request; /* user and reason */
	struct token_ids tokens;
} args;

static enum jp_err
take_id(void *arg, char *value, struct jp_why *why)
{
	return token_ids_take(&((struct revoke_args *)arg)->tokens, value, why);
}

static const struct cmd_option options[] = {
	CMD_USER("--user", "USER", "all live tokens of USER",
	    struct revoke_args, request.record.user),
	CMD_TEXT("--from-file", "FILE",
	    "ids or tokens, one a line; -: standard input", struct revoke_args,
	    tokens.file),
	CMD_FIELD("--reason", "TEXT", "why, for the record", struct revoke_args,
	    request.record.revoked_why),
};

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
	struct jp_admin_request request = args.request;
	struct jp_why why = { .text = "" };
	enum status status, one;
	enum jp_err err;

	request.record.user[0] = '\0';
	status = token_ids_each(
	    &args.tokens, context, session, &request, print_item, context);
	if (args.request.record.user[0] == '\0' || status == STATUS_UNAVAILABLE)
		return status;
	err = session_run(session, &args.request, print_item, context, &why);
	one = err == JP_ERR_OK ? STATUS_DONE : context_fail(context, err, &why);
	return one > status ? one : status;
}

static enum status
run(struct context *context)
{
	struct jp_why why = { .text = "" };
	struct session session;
	enum status status;
	enum jp_err err = token_ids_read(&args.tokens, &why);

	args.request.op = JP_ADMIN_REVOKE;
	if (err == JP_ERR_OK && args.tokens.len == 0 &&
	    args.tokens.file == NULL && args.request.record.user[0] == '\0')
		err = jp_why(&why, JP_ERR_INVALID,
		    "nothing to revoke: give an ID, --user or --from-file");
	if (err == JP_ERR_OK)
		err = session_open(&session, context, &why);
	if (err != JP_ERR_OK) {
		token_ids_free(&args.tokens);
		return context_fail(context, err, &why);
	}
	status = revoke_each(context, &session);
	session_close(&session);
	token_ids_free(&args.tokens);
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
