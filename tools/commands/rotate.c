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

static const struct cmd_option options[] = {
	CMD_SPAN_OR_0("--grace", "how long the old one lives at most; 24h",
	    "24h", struct rotate_args, request.grace),
	CMD_FLAG("--keep-until-grace",
	    "use of the new one does not end the old one", struct rotate_args,
	    request.keep_until_grace),
	CMD_EXPIRY("--expires", struct rotate_args, request),
	CMD_FLAG("--bearer", "print base64(USER:TOKEN) on a second line",
	    struct rotate_args, handout.bearer_wanted),
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
	.help = "create a successor of a token and print it",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.words_min = 1,
	.words_max = 1,
	.word = CMD_TOKEN_ID(
	    "ID", NULL, NULL, struct rotate_args, request.record.id),
	.args = &args,
	.prints = true,
	.run = run,
};
