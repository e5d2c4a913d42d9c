/*
 * pat-admin disable and pat-admin enable: pause tokens, reversibly, from the
 * next request on. Everything is read and checked before the first of them is
 * changed.
 */
#include "tools/commands/commands.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tools/cli/output.h"
#include "tools/cli/token_ids.h"
#include "tools/formats/json_values.h"

static struct disable_args {
	struct token_ids tokens;
	char user[JP_USER_MAX + 1];
} args;

/* What the two have to do and to say. */
static const struct act {
	enum jp_admin_op op;
	const char *done, *before;
} disables = { JP_ADMIN_DISABLE, "disabled", "already disabled" },
  enables = { JP_ADMIN_ENABLE, "enabled", "not disabled" };

struct run {
	const struct context *context;
	const struct act *act;
};

static enum jp_err
take_id(void *arg, char *value, struct jp_why *why)
{
	return token_ids_take(
	    &((struct disable_args *)arg)->tokens, value, why);
}

static enum jp_err
print_item(void *arg, const struct jp_admin_item *item)
{
	const struct run *run = arg;
	const struct jp_record *record = &item->record;
	json_t *json;

	if (item->kind != JP_ITEM_RECORD)
		return JP_ERR_PROTOCOL;
	if (!run->context->json) {
		(void)printf("%s %s %s %s\n",
		    item->changed ? run->act->done : run->act->before,
		    record->id, record->user,
		    record->name[0] != '\0' ? record->name : "-");
		return JP_ERR_OK;
	}
	json = json_record(record, item->state);
	(void)json_object_set_new(json, "changed", json_boolean(item->changed));
	return output_json(json);
}

/*
 * A pause that its user made is the administrator's from now on. No name of an
 * account has a colon: "sso:NAME" and "token:ID" are users in self-service.
 */
static bool
paused_by_user(const struct jp_record *record)
{
	return strchr(record->disabled_by, ':') != NULL ||
	       strcmp(record->disabled_by, record->user) == 0;
}

/* Those of the user that the act would change; not those of a group of theirs.
 */
static enum jp_err
add_one(void *arg, const struct jp_admin_item *item)
{
	const struct run *run = arg;
	bool enabling = run->act->op == JP_ADMIN_ENABLE;
	bool disabled = item->record.disabled_at != JP_NEVER;

	if (item->kind != JP_ITEM_RECORD)
		return JP_ERR_PROTOCOL;
	if (disabled && !enabling)
		disabled = !paused_by_user(&item->record);
	if (disabled != enabling || strcmp(item->record.user, args.user) != 0)
		return JP_ERR_OK;
	return token_ids_add(&args.tokens, item->record.id);
}

static enum jp_err
add_of_user(struct run *run, struct session *session, struct jp_why *why)
{
	static struct jp_admin_request request = { .op = JP_ADMIN_LIST };
	size_t before = args.tokens.len;
	enum jp_err err;

	if (args.user[0] == '\0')
		return JP_ERR_OK;
	(void)jp_field_set(
	    request.record.user, sizeof(request.record.user), args.user);
	err = session_run(session, &request, add_one, run, why);
	if (err == JP_ERR_OK && args.tokens.len == before)
		return jp_why(why, JP_ERR_NOT_FOUND,
		    "the user has no token that could be %s", run->act->done);
	return err;
}

static enum status
run_in(struct run *run, struct context *context, struct session *session)
{
	static struct jp_admin_request request; /* zeroes, but for these */
	struct jp_why why = { .text = "" };
	enum jp_err err = add_of_user(run, session, &why);
	enum status status, found = STATUS_DONE;

	if (err != JP_ERR_OK)
		found = context_fail(context, err, &why);
	if (found == STATUS_UNAVAILABLE)
		return found;
	request.op = run->act->op;
	status = token_ids_each(
	    &args.tokens, context, session, &request, print_item, run);
	return status > found ? status : found;
}

static enum status
run_act(struct context *context, const struct act *act)
{
	struct run run = { context, act };
	struct jp_why why = { .text = "" };
	struct session session;
	enum status status;
	enum jp_err err = token_ids_read(&args.tokens, &why);

	if (err == JP_ERR_OK && args.tokens.len == 0 &&
	    args.tokens.file == NULL && args.user[0] == '\0')
		err = jp_why(&why, JP_ERR_INVALID,
		    "no token is named: give an ID, --user or --from-file");
	if (err == JP_ERR_OK)
		err = session_open(&session, context, &why);
	if (err == JP_ERR_OK) {
		status = run_in(&run, context, &session);
		session_close(&session);
	} else {
		status = context_fail(context, err, &why);
	}
	token_ids_free(&args.tokens);
	return status;
}

static enum status
disable_run(struct context *context)
{
	return run_act(context, &disables);
}

static enum status
enable_run(struct context *context)
{
	return run_act(context, &enables);
}

#define FROM_FILE                                                              \
	CMD_TEXT("--from-file", "FILE",                                        \
	    "ids or tokens, one a line; -: standard input",                    \
	    struct disable_args, tokens.file)

static const struct cmd_option disable_options[] = {
	CMD_USER(
	    "--user", "USER", "all tokens of USER", struct disable_args, user),
	FROM_FILE,
};

static const struct cmd_option enable_options[] = {
	CMD_USER("--user", "USER", "all tokens of USER that are disabled",
	    struct disable_args, user),
	FROM_FILE,
};

const struct command cmd_disable = {
	.name = "disable",
	.synopsis = "[ID]... [OPTION]...",
	.help = "pause tokens at once, until they are enabled",
	.options = disable_options,
	.option_len = sizeof(disable_options) / sizeof(disable_options[0]),
	.words_max = SIZE_MAX,
	.word = CMD_CALL("ID", NULL, NULL, take_id),
	.args = &args,
	.prints = true,
	.run = disable_run,
};

const struct command cmd_enable = {
	.name = "enable",
	.synopsis = "[ID]... [OPTION]...",
	.help = "let disabled tokens work again",
	.options = enable_options,
	.option_len = sizeof(enable_options) / sizeof(enable_options[0]),
	.words_max = SIZE_MAX,
	.word = CMD_CALL("ID", NULL, NULL, take_id),
	.args = &args,
	.prints = true,
	.run = enable_run,
};
