#include "tools/cli/dispatch.h"

#include <stdio.h>
#include <string.h>

#include "common/base/escape.h"
#include "config.h"
#include "tools/cli/options.h"
#include "tools/cli/output.h"
#include "tools/cli/suggest.h"

enum {
	NAME_WIDTH = 11, /* of a command in the help */
};

static void
print_help(const struct dispatch *dispatch, FILE *file)
{
	(void)fprintf(file,
	    "Usage: pat-admin [--config FILE] COMMAND [ARGUMENT]...\n"
	    "       pat-admin help [COMMAND]\n\n"
	    "Personal access tokens for PAM and SASL.\n\nCommands:\n");
	for (size_t i = 0; i < dispatch->len; i++) {
		const struct dispatch_row *row = &dispatch->rows[i];

		if (row->group != NULL)
			(void)fprintf(file, "%s:\n", row->group);
		(void)fprintf(file, "  %-*s %s\n", NAME_WIDTH,
		    row->command->name, row->command->help);
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
find_command(const struct dispatch *dispatch, const char *name)
{
	for (size_t i = 0; i < dispatch->len; i++)
		if (strcmp(name, dispatch->rows[i].command->name) == 0)
			return dispatch->rows[i].command;
	return NULL;
}

/* What was printed must also arrive; a list of nothing is a list, too. */
static enum status
finish(const struct context *context, enum status status)
{
	struct jp_why why;
	enum jp_err err;

	if (status == STATUS_DONE && context->json && !context->help)
		output_json_empty();
	err = output_end(&why);
	if (err == JP_ERR_OK || status == STATUS_UNAVAILABLE)
		return status;
	if (output_reader_left() &&
	    (context->command == NULL || context->command->only_reads))
		return status;
	if (context->command != NULL)
		return context_fail(context, err, &why);
	(void)fprintf(stderr, "pat-admin: %s\n", why.text);
	return STATUS_UNAVAILABLE;
}

static void
suggest(const struct dispatch *dispatch, const char *arg)
{
	static const char *const options[] = { "--config", "--help",
		"--version" };
	struct suggestion suggestion;

	suggestion_start(&suggestion, arg);
	for (size_t i = 0; i < dispatch->len; i++)
		suggestion_try(&suggestion, dispatch->rows[i].command->name);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		suggestion_try(&suggestion, options[i]);
	suggestion_print(&suggestion);
}

static enum status
wrong_start(
    const struct dispatch *dispatch, const char *problem, const char *arg)
{
	char shown[128];

	if (arg == NULL) {
		print_help(dispatch, stderr);
		return STATUS_USAGE;
	}
	(void)jp_escape(shown, sizeof(shown), arg);
	(void)fprintf(stderr, "pat-admin: %s: %s\n", problem, shown);
	suggest(dispatch, arg);
	(void)fprintf(stderr, "try `pat-admin --help`\n");
	return STATUS_USAGE;
}

/* `help`, alone or with a command's name behind it. */
static enum status
run_help(const struct dispatch *dispatch, char **argv)
{
	const struct command *command;

	if (argv[0] == NULL || is_help(argv[0])) {
		print_help(dispatch, stdout);
		return STATUS_DONE;
	}
	command = find_command(dispatch, argv[0]);
	if (command == NULL)
		return wrong_start(dispatch, "unknown command", argv[0]);
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
run(const struct dispatch *dispatch, struct context *context, char **argv)
{
	size_t used = 1;

	for (; *argv != NULL && argv[0][0] == '-'; argv += used) {
		if (is_help(argv[0]))
			return run_help(dispatch, argv + 1);
		if (strcmp(argv[0], "--version") == 0) {
			(void)printf("pat-admin %s\n", PACKAGE_VERSION);
			return STATUS_DONE;
		}
		used = options_config(context, argv);
		if (used == 0)
			return wrong_start(dispatch,
			    strcmp(argv[0], "--config") == 0 ? "needs a value"
			                                     : "unknown option",
			    argv[0]);
	}
	if (*argv != NULL && strcmp(argv[0], "help") == 0)
		return run_help(dispatch, argv + 1);
	if (*argv != NULL)
		context->command = find_command(dispatch, argv[0]);
	if (context->command != NULL)
		return run_command(context, argv + 1);
	return wrong_start(dispatch, "unknown command", argv[0]);
}

int
dispatch_run(const struct dispatch *dispatch, char **argv)
{
	static struct context context;
	enum status status = run(dispatch, &context, argv);

	return (int)finish(&context, status);
}
