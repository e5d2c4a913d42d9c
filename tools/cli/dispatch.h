/*
 * From the command line to one command of a table. The table is handed in:
 * nothing here knows what commands there are.
 */
#ifndef PAT_ADMIN_DISPATCH_H
#define PAT_ADMIN_DISPATCH_H

#include "tools/cli/command.h"

/* In the order of the help. */
struct dispatch_row {
	const char *group; /* a group of them begins here; else NULL */
	const struct command *command;
};

struct dispatch {
	const struct dispatch_row *rows;
	size_t len;
};

/* Runs what `argv`, without the program's name, asks for: the exit status. */
int dispatch_run(const struct dispatch *dispatch, char **argv);

#endif
