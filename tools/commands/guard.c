/*
 * pat-admin guard: the lines for Apache and nginx that refuse, unread and
 * unlogged, a token in the place of the user name.
 */
#include "tools/commands/commands.h"

#include <stdio.h>
#include <string.h>

#include "tools/cli/prefixes.h"

static const struct guard {
	const char *server, *before, *after;
} guards[] = {
	{ "apache", "RequestHeader edit Authorization \"^(?i:Basic|Bearer)\\s+",
	    ".*\" \"Token-As-User\" early\n" },
	{ "nginx", "if ($http_authorization ~ \"^(?i:Basic|Bearer)\\s+",
	    "\") {\n    access_log off;\n    return 401;\n}\n" },
};

static struct guard_args {
	const struct guard *guard;
} args;

static enum jp_err
take_server(void *arg, char *value, struct jp_why *why)
{
	struct guard_args *guard_args = arg;

	for (size_t i = 0; i < sizeof(guards) / sizeof(guards[0]); i++)
		if (strcmp(value, guards[i].server) == 0)
			guard_args->guard = &guards[i];
	return guard_args->guard != NULL
	           ? JP_ERR_OK
	           : jp_why(why, JP_ERR_INVALID, "expected apache or nginx");
}

static enum status
run(struct context *context)
{
	struct jp_why why = { .text = "" };
	enum jp_err err = context_load(context, &why);
	char pattern[GUARD_MAX];

	if (err != JP_ERR_OK)
		return context_fail(context, err, &why);
	guard_pattern(&context->settings.policy, pattern);
	(void)printf("%s%s%s", args.guard->before, pattern, args.guard->after);
	return STATUS_DONE;
}

const struct command cmd_guard = {
	.name = "guard",
	.synopsis = "apache|nginx",
	.help = "print the lines that refuse a token typed as a user name",
	.words_min = 1,
	.words_max = 1,
	.word = CMD_CALL("SERVER", NULL, NULL, take_server),
	.args = &args,
	.run = run,
};
