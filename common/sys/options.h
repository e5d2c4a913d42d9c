/* The command line of a daemon: long options from one table, no arguments. */
#ifndef JP_OPTIONS_H
#define JP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define JP_OPTIONS_MAX 16

struct jp_option {
	const char *name;
	const char *value; /* what the help calls it; NULL: it takes none */
	const char *help;
};

/* What was given, by the place in the table. */
struct jp_options {
	bool given[JP_OPTIONS_MAX];
	const char *value[JP_OPTIONS_MAX];
};

/* False, and standard error says why: they are wrong. */
bool jp_options_parse(const char *program, int argc, char **argv,
    const struct jp_option *known, size_t count, struct jp_options *options);

/* Prints them, behind the line "Usage: ..." and the purpose of the program. */
void jp_options_help(const char *program, const char *purpose,
    const struct jp_option *known, size_t count);

#endif
