/*
 * pat-admin create: one new token.
 */
#include "tools/commands/commands.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/sys/time_text.h"
#include "tools/cli/arguments.h"
#include "tools/commands/create_batch.h"
#include "tools/cli/handout.h"

static struct create_args {
	struct jp_admin_request request;
	bool bearer, link;
	int64_t link_lifetime; /* seconds; 0: that of the configuration */
	struct batch batch;
	struct handout handout;
} args;

static enum jp_err
take_user(void *arg, char *value, struct jp_why *why)
{
	struct jp_record *record = &((struct create_args *)arg)->request.record;
	enum jp_err err = jp_user_check_new(value, why);

	return err != JP_ERR_OK
	           ? err
	           : jp_field_set(record->user, sizeof(record->user), value);
}

/* Takes one more of a list of texts. */
static enum jp_err
take_more(const char *option, const char *value, char *fields, size_t size,
    size_t most, size_t *len, struct jp_why *why)
{
	enum jp_err err = jp_text_check(option, value, size - 1, why);

	if (err != JP_ERR_OK)
		return err;
	if (value[0] == '\0')
		return jp_why(
		    why, JP_ERR_INVALID, "%s: the value is empty", option);
	if (*len == most)
		return jp_why(why, JP_ERR_TOO_LONG, "%s: more than %zu of them",
		    option, most);
	return jp_field_set(fields + size * (*len)++, size, value);
}

static enum jp_err
take_scope(void *arg, char *value, struct jp_why *why)
{
	struct jp_record *record = &((struct create_args *)arg)->request.record;

	if (strpbrk(value, " ,") != NULL)
		return jp_why(why, JP_ERR_INVALID,
		    "--scope: a scope is one word: give --scope again for "
		    "another");
	return take_more("--scope", value, record->scopes[0],
	    sizeof(record->scopes[0]), JP_SCOPES_MAX, &record->scope_len, why);
}

static enum jp_err
take_service(void *arg, char *value, struct jp_why *why)
{
	struct jp_record *record = &((struct create_args *)arg)->request.record;

	return take_more("--service", value, record->services[0],
	    sizeof(record->services[0]), JP_SERVICES_MAX, &record->service_len,
	    why);
}

static enum jp_err
take_from(void *arg, char *value, struct jp_why *why)
{
	struct jp_record *record = &((struct create_args *)arg)->request.record;
	struct jp_why detail = { .text = "" };
	struct jp_net net;
	enum jp_err err = jp_net_parse(value, &net, &detail);

	if (err != JP_ERR_OK)
		return jp_why(why, err, "--from: %s",
		    detail.text[0] != '\0' ? detail.text : jp_err_text(err));
	if (record->net_len == JP_NETS_MAX)
		return jp_why(why, JP_ERR_TOO_LONG,
		    "--from: more than %d of them", JP_NETS_MAX);
	record->nets[record->net_len++] = net;
	return JP_ERR_OK;
}

static enum jp_err
take_uses(void *arg, char *value, struct jp_why *why)
{
	struct jp_record *record = &((struct create_args *)arg)->request.record;
	char *end = value;
	unsigned long long uses = 0;

	errno = 0;
	if (isdigit((unsigned char)value[0]))
		uses = strtoull(value, &end, 10);
	if (uses == 0 || uses > UINT32_MAX || errno != 0 || *end != '\0')
		return jp_why(why, JP_ERR_INVALID,
		    "--uses: expected a number from 1 to %" PRIu32
		    "; without this option their number is not limited",
		    UINT32_MAX);
	record->uses_max = (uint32_t)uses;
	return JP_ERR_OK;
}

static enum jp_err
take_owner_group(void *arg, char *value, struct jp_why *why)
{
	struct jp_record *record = &((struct create_args *)arg)->request.record;
	struct jp_why detail = { .text = "" };
	enum jp_err err = jp_group_check(value, &detail);

	return err != JP_ERR_OK
	           ? jp_why(why, err, "--owner-group: %s", detail.text)
	           : jp_field_set(record->owner_group,
	                 sizeof(record->owner_group), value);
}

static enum jp_err
take_separator(void *arg, char *value, struct jp_why *why)
{
	return csv_style_separator(
	    &((struct create_args *)arg)->batch.style, value, why);
}

static enum jp_err
take_column(void *arg, char *value, struct jp_why *why)
{
	return csv_style_column(
	    &((struct create_args *)arg)->batch.style, value, why);
}

static const struct cmd_option options[] = {
	CMD_FIELD("--name", "NAME", "what it is for, as `list` shows it",
	    struct create_args, request.record.name),
	CMD_EXPIRY("--expires", struct create_args, request),
	CMD_CALL("--scope", "SCOPE",
	    "holds this scope, and none but those given", take_scope),
	CMD_CALL("--service", "GLOB",
	    "serves these services, and none but those given", take_service),
	CMD_CALL("--from", "CIDR", "comes from there, and from nowhere else",
	    take_from),
	CMD_TOKEN_ID("--parent", "ID",
	    "a child of ID: within it, and ends with it", struct create_args,
	    request.record.parent),
	CMD_CALL("--uses", "N", "it may be used N times", take_uses),
	CMD_CALL("--owner-group", "GROUP", "members of GROUP manage it, too",
	    take_owner_group),
	CMD_FLAG("--link", "print a link, by which USER fetches it, once",
	    struct create_args, link),
	CMD_SPAN("--link-lifetime", "how long the link is valid", "7d",
	    struct create_args, link_lifetime),
	CMD_FLAG("--bearer", "print base64(USER:TOKEN) on a second line",
	    struct create_args, bearer),
	CMD_TEXT("--batch", "FILE", "a token for each row of FILE, a CSV file",
	    struct create_args, batch.from),
	CMD_TEXT("--output", "FILE",
	    "with --batch: the new file for the tokens", struct create_args,
	    batch.to),
	CMD_CALL("--separator", "CHAR",
	    "with --batch: comma, semicolon, tab or bar", take_separator),
	CMD_CALL("--column", "OURS=THEIRS",
	    "with --batch: what the file calls a column", take_column),
};

/* Whether a word or an option says anything of the token itself. */
static bool
is_described(void)
{
	static const struct jp_admin_request nothing;
	/* The gaps of both are zero, as both are static.
	 * NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*) */
	int differs = memcmp(&args.request, &nothing, sizeof(nothing));

	return args.bearer || differs != 0;
}

static enum jp_err
check_link(struct jp_why *why)
{
	if (args.link_lifetime != 0 && !args.link)
		return jp_why(
		    why, JP_ERR_INVALID, "--link-lifetime needs --link");
	if (args.link_lifetime != 0 &&
	    (args.link_lifetime < JP_LINK_LIFETIME_MIN ||
	        args.link_lifetime > JP_LINK_LIFETIME_MAX))
		return jp_why(why, JP_ERR_INVALID,
		    "--link-lifetime: expected a duration from 1m to 30d");
	if (args.link && args.bearer)
		return jp_why(why, JP_ERR_INVALID,
		    "--link hands no token out yet, so --bearer cannot "
		    "encode it: omit one of them");
	return JP_ERR_OK;
}

/*
 * Either a user, or a file of them. In self-service patd knows who is meant,
 * and of a child its parent says it; an administrator is refused there, root
 * at once.
 */
static enum jp_err
check_args(struct jp_why *why)
{
	const struct batch *batch = &args.batch;
	const struct jp_record *record = &args.request.record;

	if ((batch->from != NULL) != (batch->to != NULL))
		return jp_why(
		    why, JP_ERR_INVALID, "--batch and --output come together");
	if (batch->from != NULL && is_described())
		return jp_why(why, JP_ERR_INVALID,
		    "--batch takes user and options from its file");
	if (batch->from == NULL && record->user[0] == '\0' &&
	    record->parent[0] == '\0' && geteuid() == 0)
		return jp_why(
		    why, JP_ERR_INVALID, "an argument is missing: name a user");
	return check_link(why);
}

/* For how long a link is valid; 0: there is to be none. */
static enum jp_err
choose_link(struct context *context, int64_t *link_for, struct jp_why *why)
{
	const struct jp_self_settings *self = &context->settings.self;
	enum jp_err err = JP_ERR_OK;

	*link_for = 0;
	if (!args.link)
		return err;
	err = context_load(context, why);
	if (err == JP_ERR_OK && self->url[0] == '\0')
		return jp_why(why, JP_ERR_CONFIG,
		    "--link: the address of the page is not known: set "
		    "[self_service] url, such as "
		    "https://jira.example.com/tokens");
	*link_for =
	    args.link_lifetime != 0 ? args.link_lifetime : self->link_lifetime;
	return err;
}

static enum status
run(struct context *context)
{
	struct jp_why why = { .text = "" };
	enum jp_err err = check_args(&why);
	int64_t link_for = 0;

	if (err == JP_ERR_OK)
		err = choose_link(context, &link_for, &why);
	if (err != JP_ERR_OK)
		return context_fail(context, err, &why);
	if (args.batch.from != NULL) {
		args.batch.link_for = link_for;
		args.batch.command = context->command;
		args.batch.request = &args.request;
		return create_batch(context, &args.batch);
	}
	args.request.op = JP_ADMIN_CREATE;
	args.request.link_for = link_for;
	args.handout.bearer_wanted = args.bearer;
	return handout_run(context, &args.request, &args.handout);
}

const struct command cmd_create = {
	.name = "create",
	.synopsis = "[USER]|--batch FILE [OPTION]...",
	.help = "create a token for USER, and print it or a link to it",
	.options = options,
	.option_len = sizeof(options) / sizeof(options[0]),
	.words_min = 0,
	.words_max = 1,
	.word = CMD_CALL("USER", NULL, NULL, take_user),
	.args = &args,
	.prints = true,
	.run = run,
};
