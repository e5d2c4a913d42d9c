/* No text of an argument that is no option is ever
 * shown: it may be a token in the wrong place.
 */
#include "tools/cli/options.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/base/escape.h"
#include "tools/cli/suggest.h"

static const char try_help[] = "try `pat-admin %s --help`";

static enum jp_err
usage(const struct context *context, const char *format, const char *name)
{
	struct jp_why why;
	size_t used;
	char shown[64];

	/* Up to a '=': its value stays unseen. */
	(void)snprintf(
	    shown, sizeof(shown), "%.*s", (int)strcspn(name, "="), name);
	(void)snprintf(why.text, sizeof(why.text), "%s: ", format);
	used = strlen(why.text);
	(void)jp_escape(why.text + used, sizeof(why.text) - used, shown);
	(void)context_fail(context, JP_ERR_INVALID, &why);
	(void)fprintf(stderr, try_help, context->command->name);
	(void)fputc('\n', stderr);
	return JP_ERR_INVALID;
}

/* Whether `arg` is the option `name`; `value` gets what stands behind '='. */
static bool
is_option(char *arg, const char *name, char **value)
{
	size_t len = strlen(name);

	*value = NULL;
	if (strncmp(arg, name, len) != 0)
		return false;
	if (arg[len] == '=')
		*value = arg + len + 1;
	return arg[len] == '\0' || arg[len] == '=';
}

size_t
options_config(struct context *context, char **argv)
{
	char *value;

	if (!is_option(argv[0], "--config", &value))
		return 0;
	context->config = value != NULL ? value : argv[1];
	if (context->config == NULL)
		return 0;
	return value != NULL ? 1 : 2;
}

static enum jp_err
take_known(struct context *context, const struct cmd_option *option,
    char *value, bool attached)
{
	struct jp_why why = { .text = "" };
	enum jp_err err;

	if (option->value == NULL && attached)
		return usage(context, "takes no value", option->name);
	if (option->value != NULL && value == NULL)
		return usage(context, "needs a value", option->name);
	err = option_take(option, context->command->args, value, &why);
	if (err != JP_ERR_OK) {
		if (why.text[0] == '\0')
			(void)jp_why(&why, err, "%s: %s", option->name,
			    jp_err_text(err));
		(void)context_fail(context, err, &why);
	}
	return err;
}

/* Those that every command has. */
static bool
take_common(struct context *context, const char *arg)
{
	if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
		return context->help = true;
	if (strcmp(arg, "--json") == 0 && context->command->prints)
		return context->json = true;
	return false;
}

/* One of these with a value behind '=', which none of them takes. */
static bool
is_common(const struct context *context, char *arg)
{
	char *value;

	return is_option(arg, "--help", &value) ||
	       is_option(arg, "-h", &value) ||
	       (context->command->prints && is_option(arg, "--json", &value));
}

static enum jp_err
unknown_option(const struct context *context, const char *arg)
{
	const struct command *command = context->command;
	struct suggestion suggestion;

	suggestion_start(&suggestion, arg);
	for (size_t i = 0; i < command->option_len; i++)
		suggestion_try(&suggestion, command->options[i].name);
	suggestion_try(&suggestion, "--config");
	suggestion_try(&suggestion, "--help");
	if (command->prints)
		suggestion_try(&suggestion, "--json");
	(void)usage(context, "unknown option", arg);
	suggestion_print(&suggestion);
	return JP_ERR_INVALID;
}

/* One option and its value; `used` gets how many arguments that is. */
static enum jp_err
take_option(struct context *context, char **argv, size_t *used)
{
	const struct command *command = context->command;
	char *attached;

	*used = options_config(context, argv);
	if (*used > 0)
		return JP_ERR_OK;
	*used = 1;
	if (take_common(context, argv[0]))
		return JP_ERR_OK;
	if (is_option(argv[0], "--config", &attached))
		return usage(context, "needs a value", "--config");
	if (is_common(context, argv[0]))
		return usage(context, "takes no value", argv[0]);
	for (size_t i = 0; i < command->option_len; i++) {
		const struct cmd_option *option = &command->options[i];

		if (!is_option(argv[0], option->name, &attached))
			continue;
		if (option->value != NULL && attached == NULL &&
		    argv[1] != NULL)
			*used = 2;
		return take_known(context, option,
		    *used == 2 ? argv[1] : attached, attached != NULL);
	}
	return unknown_option(context, argv[0]);
}

static enum jp_err
take_word(struct context *context, char *word, size_t nth)
{
	const struct command *command = context->command;
	struct jp_why why = { .text = "" };
	enum jp_err err;

	if (nth >= command->words_max) {
		sodium_memzero(word, strlen(word));
		return usage(
		    context, "too many arguments; usage", command->synopsis);
	}
	err = option_take(&command->word, command->args, word, &why);
	if (err != JP_ERR_OK)
		(void)context_fail(context, err, &why);
	return err;
}

enum status
options_parse(struct context *context, char **argv)
{
	const struct command *command = context->command;
	enum jp_err err = JP_ERR_OK;
	bool only_words = false;
	size_t words = 0, used;

	for (; *argv != NULL && err == JP_ERR_OK; argv += used) {
		used = 1;
		if (only_words || argv[0][0] != '-' || argv[0][1] == '\0')
			err = take_word(context, argv[0], words++);
		else if (strcmp(argv[0], "--") == 0)
			only_words = true;
		else
			err = take_option(context, argv, &used);
	}
	if (err == JP_ERR_OK && !context->help && words < command->words_min)
		err = usage(context, "an argument is missing; usage",
		    command->synopsis);
	return err == JP_ERR_OK ? STATUS_DONE : STATUS_USAGE;
}

static int
option_width(const char *name, const char *value)
{
	return (int)strlen(name) + (value != NULL ? 1 + (int)strlen(value) : 0);
}

/* Of the longest one, so that the texts stand below each other. */
static int
widest_option(const struct command *command)
{
	int widest = option_width("--config", "FILE");

	for (size_t i = 0; i < command->option_len; i++) {
		int width = option_width(
		    command->options[i].name, command->options[i].value);

		widest = width > widest ? width : widest;
	}
	return widest;
}

static void
print_option(int width, const char *name, const char *value, const char *help)
{
	char left[40];

	(void)snprintf(left, sizeof(left), "%s%s%s", name,
	    value != NULL ? " " : "", value != NULL ? value : "");
	(void)printf("  %-*s  %s\n", width, left, help);
}

void
options_help(const struct command *command)
{
	int width = widest_option(command);

	(void)printf("Usage: pat-admin %s %s\n\n%c%s.\n\nOptions:\n",
	    command->name, command->synopsis,
	    toupper((unsigned char)command->help[0]), command->help + 1);
	for (size_t i = 0; i < command->option_len; i++)
		print_option(width, command->options[i].name,
		    command->options[i].value, command->options[i].help);
	if (command->prints)
		print_option(width, "--json", NULL, "print JSON");
	print_option(
	    width, "--config", "FILE", "read FILE in place of " JP_CONFIG_FILE);
	print_option(width, "--help, -h", NULL, "print this");
}
