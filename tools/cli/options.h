/*
 * Arguments against the table of a command's options, and the help that is
 * made of the same table.
 */
#ifndef PAT_ADMIN_OPTIONS_H
#define PAT_ADMIN_OPTIONS_H

#include "tools/cli/command.h"

/*
 * Reads the arguments behind the command's name, up to a NULL. On an error the
 * line about it has been printed.
 */
enum status options_parse(struct context *context, char **argv);

/* --config at argv[0] or `--config=`: how many arguments it took; 0: none. */
size_t options_config(struct context *context, char **argv);

/* Prints `pat-admin CMD --help`. */
void options_help(const struct command *command);

#endif
