/*
 * pat-admin policy: which tokens break today's policy, and what is done to
 * them.
 */
#include "tools/commands/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/cli/output.h"
#include "tools/cli/prefixes.h"
#include "tools/cli/session.h"
#include "tools/formats/json_values.h"

static struct policy_args {
	struct jp_admin_request request;
	bool apply, dry_run, trust_clock;
	uint64_t found;
} args;

static enum jp_err
take_word(void *arg, char *value, struct jp_why *why)
{
	struct policy_args *policy = arg;

	if (strcmp(value, "check") != 0 && strcmp(value, "apply") != 0)
		return jp_why(why, JP_ERR_INVALID, "expected check or apply");
	policy->apply = value[0] == 'a';
	return JP_ERR_OK;
}

static const struct cmd_option options[] = {
	CMD_FLAG("--dry-run", "apply: only say what would be done",
	    struct policy_args, dry_run),
	CMD_FLAG("--summary", "check: only how many break which setting",
	    struct policy_args, request.summary),
	CMD_FLAG("--trust-clock",
	    "the clock is right: set the store to its time", struct policy_args,
	    trust_clock),
};

/* A line for each setting that some token breaks; JSON has all of them. */
static enum jp_err
print_counts(const struct context *context, const struct jp_admin_item *item)
{
	json_t *breaks = json_object();

	for (int i = JP_BREACH_NONE + 1; i < JP_BREACH_COUNT_OF; i++) {
		enum jp_breach breach = (enum jp_breach)i;
		uint64_t count = item->breaches[i];

		args.found += count;
		(void)json_object_set_new(breaks, jp_breach_setting(breach),
		    json_integer((json_int_t)count));
		if (!context->json && count > 0)
			(void)printf("%s %" PRIu64 ": %s\n",
			    jp_breach_act(breach), count,
			    jp_breach_setting(breach));
	}
	if (context->json)
		return output_json(json_pack("{s:I,s:o}", "live",
		    (json_int_t)item->live, "breaks", breaks));
	json_decref(breaks);
	return JP_ERR_OK;
}

static enum jp_err
print_item(void *arg, const struct jp_admin_item *item)
{
	const struct context *context = arg;
	const struct jp_record *record = &item->record;
	json_t *json;

	if (args.request.summary && item->kind == JP_ITEM_COUNTS)
		return print_counts(context, item);
	if (item->kind != JP_ITEM_RECORD)
		return JP_ERR_PROTOCOL;
	args.found++;
	if (!context->json) {
		(void)printf("%s %s %s %s: %s\n", jp_breach_act(item->breach),
		    record->id, record->user,
		    record->name[0] != '\0' ? record->name : "-",
		    jp_breach_setting(item->breach));
		return JP_ERR_OK;
	}
	json = json_record(record, item->state);
	(void)json_object_set_new(
	    json, "breaks", json_string(jp_breach_setting(item->breach)));
	(void)json_object_set_new(
	    json, "act", json_string(jp_breach_act(item->breach)));
	(void)json_object_set_new(json, "changed", json_boolean(item->changed));
	return output_json(json);
}

/* Not a breach: what is not accepted is out anyway, and stays as it is. */
static enum jp_err
say_prefixes(
    struct session *session, const struct context *context, struct jp_why *why)
{
	char text[PREFIXES_TEXT_MAX];
	struct prefix_counts counts;
	enum jp_err err = prefixes_count(session, &counts, why);

	if (err != JP_ERR_OK)
		return err;
	(void)prefixes_format(&counts, &context->settings.policy, text);
	(void)fprintf(stderr, "Live tokens by prefix: %s.\n", text);
	return err;
}

static enum status
hold(struct context *context)
{
	struct jp_why why = { .text = "" };
	struct session session;
	enum jp_err err = session_open(&session, context, &why);

	if (err != JP_ERR_OK)
		return context_fail(context, err, &why);
	err = session_run(&session, &args.request, print_item, context, &why);
	if (err == JP_ERR_OK && !args.apply)
		err = say_prefixes(&session, context, &why);
	session_close(&session);
	return err == JP_ERR_OK ? STATUS_DONE
	                        : context_fail(context, err, &why);
}

static enum status
run(struct context *context)
{
	bool dry = !args.apply || args.dry_run;
	struct jp_why why = { .text = "" };
	enum status status;

	if (args.request.summary && !dry)
		return context_fail(context,
		    jp_why(&why, JP_ERR_INVALID,
		        "--summary changes nothing: it is for check, or "
		        "together with --dry-run"),
		    &why);
	args.request.op = JP_ADMIN_POLICY;
	args.request.dry_run = dry;
	if (args.trust_clock)
		args.request.clock_rule = JP_CLOCK_TRUST;
	status = hold(context);
	if (status != STATUS_DONE && args.found > 0 && !dry)
		(void)fputs("The changes printed were made: run it again for "
		            "the rest.\n",
		    stderr);
	if (status != STATUS_DONE)
		return status;
	(void)fprintf(stderr, "%" PRIu64 " tokens %s the policy.\n", args.found,
	    dry ? "break" : "broke");
	return dry && args.found > 0 ? STATUS_NO : STATUS_DONE;
}

const struct command cmd_policy = {
	.name = "policy",
	.synopsis = "check|apply [OPTION]...",
	.help = "find the tokens that break today's policy; fix them",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.words_min = 1,
	.words_max = 1,
	.word = CMD_CALL("check", NULL, NULL, take_word),
	.args = &args,
	.prints = true,
	.run = run,
};
