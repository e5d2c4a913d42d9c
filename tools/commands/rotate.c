/*
 * pat-admin rotate: a successor for a token, with the same rights.
 */
#include "tools/commands/commands.h"

#include <string.h>

#include "common/sys/time_text.h"
#include "tools/cli/arguments.h"
#include "tools/cli/handout.h"

#define GRACE_DEFAULT (INT64_C(24) * 3600)

static struct rotate_args {
	struct jp_admin_request request;
	struct handout handout;
} args = { .request = { .grace = GRACE_DEFAULT } };

static enum jp_err
take_id(void *arg, char *value, struct jp_why *why)
{
	struct jp_record *record = &((struct rotate_args *)arg)->request.record;

	return arguments_token_id(value, "ID", record->id, why);
}

static enum jp_err
take_grace(void *arg, char *value, struct jp_why *why)
{
	struct jp_admin_request *request =
	    &((struct rotate_args *)arg)->request;

	if (strcmp(value, "never") != 0 &&
	    jp_duration_parse(value, &request->grace) == JP_ERR_OK)
		return JP_ERR_OK;
	return jp_why(why, JP_ERR_INVALID,
	    "--grace: expected a duration such as 24h, or 0");
}

static enum jp_err
take_keep(void *arg, char *value, struct jp_why *why)
{
	(void)value;
	(void)why;
	((struct rotate_args *)arg)->request.keep_until_grace = true;
	return JP_ERR_OK;
}

static enum jp_err
take_expires(void *arg, char *value, struct jp_why *why)
{
	return arguments_expires(
	    value, &((struct rotate_args *)arg)->request, why);
}

static enum jp_err
take_bearer(void *arg, char *value, struct jp_why *why)
{
	(void)value;
	(void)why;
	((struct rotate_args *)arg)->handout.bearer_wanted = true;
	return JP_ERR_OK;
}

static const struct cmd_option options[] = {
	{ "--grace", "DURATION", "how long the old one lives at most; 24h",
	    take_grace },
	{ "--keep-until-grace", NULL,
	    "use of the new one does not end the old one", take_keep },
	{ "--expires", "WHEN", "90d, 2027-01-31, 2027-01-31T12:00:00Z, never",
	    take_expires },
	{ "--bearer", NULL, "print base64(USER:TOKEN) on a second line",
	    take_bearer },
};

static enum status
run(struct context *context)
{
	args.request.op = JP_ADMIN_ROTATE;
	return handout_run(context, &args.request, &args.handout);
}

const struct command cmd_rotate = {
	.name = "rotate",
	.synopsis = "ID [OPTION]...",
	.help = "make a successor of a token and print it",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.words_min = 1,
	.words_max = 1,
	.take_word = take_id,
	.args = &args,
	.prints = true,
	.run = run,
};
