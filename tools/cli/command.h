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
#include "tools/cli/option.h"

struct command {
	const char *name;
	const char *synopsis; /* what stands behind the name */
	const char *help;     /* one line */
	const struct cmd_option *options;
	size_t option_len;
	size_t words_min, words_max; /* arguments that are no options */
	struct cmd_option word;      /* how each of them is taken */
	void *args;                  /* what the rows fill and `run` reads */
	bool prints;                 /* accepts --json */
	bool only_reads; /* nothing is lost where its output is not read */
	enum status (*run)(struct context *context);
};

#endif
