/*
 * pat-admin purge: removes the records of tokens that ended long ago. Until
 * then they tell in `list --all` and in the log whose token was tried.
 */
#include "tools/commands/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/cli/output.h"
#include "tools/cli/session.h"
#include "tools/formats/json_values.h"

enum {
	DEAD_FOR = 90 * 86400, /* seconds */
};

static struct purge_args {
	struct jp_admin_request request;
	bool trust_clock;
	uint64_t found;
} args = { .request = { .op = JP_ADMIN_PURGE, .dead_for = DEAD_FOR } };

static const struct cmd_option options[] = {
	CMD_SPAN_OR_0("--dead-for", "that ended this long ago; default 90d",
	    "90d", struct purge_args, request.dead_for),
	CMD_FLAG("--dry-run", "only print which", struct purge_args,
	    request.dry_run),
	CMD_FLAG("--trust-clock",
	    "the clock is right: set the store to its time", struct purge_args,
	    trust_clock),
};

static enum jp_err
print_upstream(const struct context *context, const struct jp_admin_item *item)
{
	const char *service = item->upstream.service;

	if (service[0] == '\0')
		service = "*";
	if (context->json)
		return output_json(json_pack("{s:s,s:s,s:s,s:b}", "user",
		    item->user.name, "upstream", service, "state", "disabled",
		    "removed", !args.request.dry_run));
	(void)printf("upstream credential of %s at %s: the user is disabled\n",
	    item->user.name, service);
	return JP_ERR_OK;
}

static enum jp_err
print_one(void *arg, const struct jp_admin_item *item)
{
	const struct context *context = arg;
	const struct jp_record *record = &item->record;
	char end[JP_WHEN_TEXT_MAX];

	args.found++;
	if (item->kind == JP_ITEM_UPSTREAM)
		return print_upstream(context, item);
	if (item->kind != JP_ITEM_RECORD)
		return JP_ERR_PROTOCOL;
	if (context->json)
		return output_json(
		    json_pack("{s:s,s:s,s:s,s:o,s:b}", "id", record->id, "user",
		        record->user, "state", jp_state_name(item->state),
		        "ended_at", json_time(jp_record_end(record)), "removed",
		        !args.request.dry_run));
	jp_when_format(jp_record_end(record), end);
	(void)printf("%s of %s: %s since %s\n", record->id, record->user,
	    jp_state_name(item->state), end);
	return JP_ERR_OK;
}

static enum status
run(struct context *context)
{
	enum status status;

	if (args.trust_clock)
		args.request.clock_rule = JP_CLOCK_TRUST;
	status = session_once(context, &args.request, print_one, context);
	if (status != STATUS_DONE && args.found > 0 && !args.request.dry_run)
		(void)fputs("The records printed were removed: run it again "
		            "for the rest.\n",
		    stderr);
	if (status == STATUS_DONE)
		(void)fprintf(stderr, "%" PRIu64 " records %s.\n", args.found,
		    args.request.dry_run ? "would be removed" : "removed");
	return status;
}

const struct command cmd_purge = {
	.name = "purge",
	.synopsis = "[OPTION]...",
	.help = "remove the records of tokens that ended long ago",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.prints = true,
	.args = &args,
	.run = run,
};
