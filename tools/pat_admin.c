/*
 * pat-admin: makes, lists, revokes and tests personal access tokens. Here are
 * the table of commands, the options before a command, and what an error
 * means to the shell; the commands themselves are in cmd_*.c.
 */
#include "config.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/decide/core.h"
#include "common/base/escape.h"
#include "common/record/token_scan.h"
#include "common/sys/process.h"
#include "tools/cli/command.h"
#include "tools/cli/output.h"
#include "tools/cli/suggest.h"

/* A group of them begins where `group` is set. */
static const struct {
	const char *group;
	const struct command *command;
} commands[] = {
	{ "Tokens", &cmd_create },
	{ NULL, &cmd_list },
	{ NULL, &cmd_show },
	{ NULL, &cmd_revoke },
	{ NULL, &cmd_rotate },
	{ NULL, &cmd_expiring },
	{ NULL, &cmd_notify },
	{ "Decisions", &cmd_test },
	{ NULL, &cmd_identify },
	{ "Users and policy", &cmd_user },
	{ NULL, &cmd_sync_users },
	{ NULL, &cmd_policy },
	{ "Watching", &cmd_audit },
	{ NULL, &cmd_stats },
	{ NULL, &cmd_check },
	{ NULL, &cmd_guard },
	{ "The store", &cmd_init },
	{ NULL, &cmd_backup },
	{ NULL, &cmd_restore },
	{ NULL, &cmd_export },
	{ NULL, &cmd_import },
	{ NULL, &cmd_purge },
};

enum {
	COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]),
	NAME_WIDTH = 11, /* of a command in the help */
};

/* What is not here is STATUS_UNAVAILABLE. */
static const struct {
	enum jp_err err;
	enum status status;
} statuses[] = {
	{ JP_ERR_OK, STATUS_DONE },
	{ JP_ERR_NOT_FOUND, STATUS_NO },
	{ JP_ERR_REFUSED, STATUS_NO },
	{ JP_ERR_INVALID, STATUS_USAGE },
	{ JP_ERR_TOO_LONG, STATUS_USAGE },
};

/* What to do, where the line about the error does not say it itself. */
static const struct {
	enum jp_err err;
	const char *advice;
} advices[] = {
	{ JP_ERR_PERMISSION,
	    "run as root, or as a member of [patd] admin_group while patd "
	    "runs" },
	{ JP_ERR_DISK_FULL, "make room on that disk and try again" },
	{ JP_ERR_PEER,
	    "the socket folder may be written by others: see `pat-admin "
	    "check`" },
};

enum status
fail(const struct context *context, enum jp_err err, const struct jp_why *why)
{
	struct jp_why unwritten;

	/* The reader has what it wanted: `pat-admin list | head`. */
	if (err == JP_ERR_IO && context->command->only_reads &&
	    output_reader_left())
		return STATUS_DONE;
	/* Who prints an element does not say what hinders it. */
	if (err == JP_ERR_IO && why->text[0] == '\0' &&
	    output_end(&unwritten) != JP_ERR_OK)
		why = &unwritten;
	(void)fprintf(stderr, "pat-admin: %s: %s\n", context->command->name,
	    why->text[0] != '\0' ? why->text : jp_err_text(err));
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
		if (advices[i].err == err)
			(void)fprintf(stderr, "%s\n", advices[i].advice);
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].err == err)
			return statuses[i].status;
	return STATUS_UNAVAILABLE;
}

enum jp_err
context_load(struct context *context, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	if (!context->loaded)
		err =
		    jp_settings_load(context->config, &context->settings, why);
	context->loaded = err == JP_ERR_OK;
	return err;
}

struct only {
	size_t count;
	char *id;
};

static enum jp_err
take_only(void *arg, const struct jp_found *found)
{
	struct only *only = arg;

	if (found->checked && only->count++ == 0)
		memcpy(only->id, found->token.id, JP_TOKEN_ID_LEN);
	return JP_ERR_OK;
}

/* `user:token`, or base64 of it: what clients send, and so what leaks. */
static bool
credential_id(const char *text, char id[JP_TOKEN_ID_LEN + 1])
{
	struct only only = { .id = id };
	struct jp_finder finder;

	jp_finder_start(&finder, JP_TOKEN_PREFIX, take_only, &only);
	(void)jp_finder_feed(&finder, text, strlen(text));
	(void)jp_finder_end(&finder);
	id[JP_TOKEN_ID_LEN] = '\0';
	return only.count == 1;
}

enum jp_err
token_id_read(char *text, const char *what, char id[JP_TOKEN_ID_LEN + 1],
    struct jp_why *why)
{
	size_t len = strlen(text);
	struct jp_token token;
	enum jp_err err = JP_ERR_OK;

	if (jp_token_id_valid(text)) {
		memcpy(id, text, JP_TOKEN_ID_LEN + 1);
		return JP_ERR_OK;
	}
	err = jp_token_parse(text, len, &token);
	if (err == JP_ERR_OK) {
		memcpy(id, token.id, JP_TOKEN_ID_LEN);
		id[JP_TOKEN_ID_LEN] = '\0';
	}
	if (err == JP_ERR_INVALID && credential_id(text, id))
		err = JP_ERR_OK;
	sodium_memzero(text, len);
	if (err == JP_ERR_CHECKSUM)
		return jp_why(why, JP_ERR_INVALID,
		    "%s: the checksum of the token is wrong: a typing error?",
		    what);
	if (err != JP_ERR_OK)
		return jp_why(why, JP_ERR_INVALID,
		    "%s: neither an id of %d letters and digits nor a token",
		    what, JP_TOKEN_ID_LEN);
	return JP_ERR_OK;
}

enum jp_err
expires_read(
    const char *value, struct jp_admin_request *request, struct jp_why *why)
{
	int64_t now = jp_clock_now(&jp_system_clock);
	enum jp_err err = jp_when_parse(value, now, &request->expires_at);

	if (err != JP_ERR_OK)
		return jp_why(why, err,
		    "--expires: expected a duration such as 90d, a date such "
		    "as 2027-01-31 or 2027-01-31T12:00:00Z, or never");
	request->lifetime = request->expires_at == JP_NEVER ? JP_LIFETIME_NEVER
	                                                    : JP_LIFETIME_UNTIL;
	return JP_ERR_OK;
}

static void
print_help(FILE *file)
{
	(void)fprintf(file,
	    "Usage: pat-admin [--config FILE] COMMAND [ARGUMENT]...\n"
	    "       pat-admin help [COMMAND]\n\n"
	    "Personal access tokens for PAM and SASL.\n\nCommands:\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (commands[i].group != NULL)
			(void)fprintf(file, "%s:\n", commands[i].group);
		(void)fprintf(file, "  %-*s %s\n", NAME_WIDTH,
		    commands[i].command->name, commands[i].command->help);
	}
	(void)fprintf(file,
	    "\nOptions:\n"
	    "  --config FILE  read FILE in place of %s\n"
	    "  --help, -h     print this; with a command, its own help\n"
	    "  --version      print the version\n\n"
	    "Exit status: 0 done; 1 the answer is no; 2 a wrong command line; "
	    "3 unavailable.\n",
	    JP_CONFIG_FILE);
}

static bool
is_help(const char *arg)
{
	return strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0;
}

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(name, commands[i].command->name) == 0)
			return commands[i].command;
	return NULL;
}

/* What was printed must also arrive; a list of nothing is a list, too. */
static enum status
finish(const struct context *context, enum status status)
{
	struct jp_why why;
	enum jp_err err;

	if (status == STATUS_DONE && context->json && !context->help)
		json_print_empty();
	err = output_end(&why);
	if (err == JP_ERR_OK || status == STATUS_UNAVAILABLE)
		return status;
	if (output_reader_left() &&
	    (context->command == NULL || context->command->only_reads))
		return status;
	if (context->command != NULL)
		return fail(context, err, &why);
	(void)fprintf(stderr, "pat-admin: %s\n", why.text);
	return STATUS_UNAVAILABLE;
}

static void
suggest(const char *arg)
{
	static const char *const options[] = { "--config", "--help",
		"--version" };
	struct suggestion suggestion;

	suggestion_start(&suggestion, arg);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		suggestion_try(&suggestion, commands[i].command->name);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		suggestion_try(&suggestion, options[i]);
	suggestion_print(&suggestion);
}

static enum status
wrong_start(const char *problem, const char *arg)
{
	char shown[128];

	if (arg == NULL) {
		print_help(stderr);
		return STATUS_USAGE;
	}
	(void)jp_escape(shown, sizeof(shown), arg);
	(void)fprintf(stderr, "pat-admin: %s: %s\n", problem, shown);
	suggest(arg);
	(void)fprintf(stderr, "try `pat-admin --help`\n");
	return STATUS_USAGE;
}

/* `help`, alone or with a command's name behind it. */
static enum status
run_help(char **argv)
{
	const struct command *command;

	if (argv[0] == NULL || is_help(argv[0])) {
		print_help(stdout);
		return STATUS_DONE;
	}
	command = find_command(argv[0]);
	if (command == NULL)
		return wrong_start("unknown command", argv[0]);
	options_help(command);
	return STATUS_DONE;
}

static enum status
run_command(struct context *context, char **argv)
{
	enum status status = options_parse(context, argv);

	if (status != STATUS_DONE)
		return status;
	if (!context->help)
		return context->command->run(context);
	options_help(context->command);
	return STATUS_DONE;
}

/* The options before the command, then the command. */
static enum status
run(struct context *context, char **argv)
{
	size_t used = 1;

	for (; *argv != NULL && argv[0][0] == '-'; argv += used) {
		if (is_help(argv[0]))
			return run_help(argv + 1);
		if (strcmp(argv[0], "--version") == 0) {
			(void)printf("pat-admin %s\n", PACKAGE_VERSION);
			return STATUS_DONE;
		}
		used = options_config(context, argv);
		if (used == 0)
			return wrong_start(strcmp(argv[0], "--config") == 0
			                       ? "needs a value"
			                       : "unknown option",
			    argv[0]);
	}
	if (*argv != NULL && strcmp(argv[0], "help") == 0)
		return run_help(argv + 1);
	if (*argv != NULL)
		context->command = find_command(argv[0]);
	if (context->command != NULL)
		return run_command(context, argv + 1);
	return wrong_start("unknown command", argv[0]);
}

int
main(int argc, char **argv)
{
	static struct context context;
	enum status status;

	jp_hold_descriptors();
	jp_harden_process();
	(void)signal(SIGPIPE, SIG_IGN); /* a write error is told instead */
	output_start();
	status = run(&context, argc > 0 ? argv + 1 : argv);
	return (int)finish(&context, status);
}
