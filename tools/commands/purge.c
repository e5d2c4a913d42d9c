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

static struct jp_admin_request request = { .op = JP_ADMIN_PURGE,
	.dead_for = DEAD_FOR };

static enum jp_err
take_dead_for(void *arg, char *value, struct jp_why *why)
{
	(void)arg;
	if (strcmp(value, "never") != 0 && /* it would be 0: all of them */
	    jp_duration_parse(value, &request.dead_for) == JP_ERR_OK)
		return JP_ERR_OK;
	return jp_why(why, JP_ERR_INVALID,
	    "--dead-for: expected a duration such as 90d, or 0");
}

static enum jp_err
take_dry_run(void *arg, char *value, struct jp_why *why)
{
	(void)arg;
	(void)value;
	(void)why;
	request.dry_run = true;
	return JP_ERR_OK;
}

static enum jp_err
take_trust(void *arg, char *value, struct jp_why *why)
{
	(void)arg;
	(void)value;
	(void)why;
	request.clock_rule = JP_CLOCK_TRUST;
	return JP_ERR_OK;
}

static const struct cmd_option options[] = {
	{ "--dead-for", "DURATION", "that ended this long ago; default 90d",
	    take_dead_for },
	{ "--dry-run", NULL, "only tell which", take_dry_run },
	{ "--trust-clock", NULL, "the clock is right: the store takes its time",
	    take_trust },
};

static enum jp_err
print_one(void *arg, const struct jp_admin_item *item)
{
	const struct context *context = arg;
	const struct jp_record *record = &item->record;
	char end[JP_WHEN_TEXT_MAX];

	if (item->kind != JP_ITEM_RECORD)
		return JP_ERR_PROTOCOL;
	if (context->json)
		return output_json(
		    json_pack("{s:s,s:s,s:s,s:o,s:b}", "id", record->id, "user",
		        record->user, "state", jp_state_name(item->state),
		        "ended_at", json_time(jp_record_end(record)), "removed",
		        !request.dry_run));
	jp_when_format(jp_record_end(record), end);
	(void)printf("%s of %s: %s since %s\n", record->id, record->user,
	    jp_state_name(item->state), end);
	return JP_ERR_OK;
}

static enum status
run(struct context *context)
{
	return session_once(context, &request, print_one, context);
}

const struct command cmd_purge = {
	.name = "purge",
	.synopsis = "[OPTION]...",
	.help = "remove the records of tokens that ended long ago",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.prints = true,
	.run = run,
};
