/*
 * tools/cli/: what commands share.
 *
 * How a command describes itself. One table describes its options; parsing and
 * help both read it.
 */
#ifndef PAT_ADMIN_COMMAND_H
#define PAT_ADMIN_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/cli/context.h"

/* Takes one argument into the command's `args`; `why` tells what is wrong. */
typedef enum jp_err (*take_value)(void *args, char *value, struct jp_why *why);

struct cmd_option {
	const char *name;  /* "--expires" */
	const char *value; /* "WHEN" in the help; NULL: takes none */
	const char *help;
	take_value take;
};

struct command {
	const char *name;
	const char *synopsis; /* what stands behind the name */
	const char *help;     /* one line */
	const struct cmd_option *options;
	size_t option_len;
	size_t words_min, words_max; /* arguments that are no options */
	take_value take_word;
	void *args;      /* what the take functions fill and `run` reads */
	bool prints;     /* accepts --json */
	bool only_reads; /* nothing is lost where its output is not read */
	enum status (*run)(struct context *context);
};

#endif
