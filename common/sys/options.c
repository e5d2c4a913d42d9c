#include "common/sys/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* getopt_long(3) prints what is wrong itself. */
static bool
take_all(int argc, char **argv, const struct option *table, size_t count,
    struct jp_options *options)
{
	int code;

	while ((code = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (code < 0 || (size_t)code >= count)
			return false;
		options->given[code] = true;
		options->value[code] = optarg;
	}
	return true;
}

bool
jp_options_parse(const char *program, int argc, char **argv,
    const struct jp_option *known, size_t count, struct jp_options *options)
{
	struct option table[JP_OPTIONS_MAX + 1];

	memset(table, 0, sizeof(table));
	memset(options, 0, sizeof(*options));
	for (size_t i = 0; i < count; i++) {
		table[i].name = known[i].name;
		table[i].has_arg = known[i].value != NULL;
		table[i].val = (int)i;
	}
	if (!take_all(argc, argv, table, count, options))
		return false;
	if (optind < argc)
		fprintf(stderr, "%s: unexpected argument: %s\n", program,
		    argv[optind]);
	return optind == argc;
}

void
jp_options_help(const char *program, const char *purpose,
    const struct jp_option *known, size_t count)
{
	printf("Usage: %s [OPTION]...\n%s\n\n", program, purpose);
	for (size_t i = 0; i < count; i++) {
		char left[32];

		(void)snprintf(left, sizeof(left), "--%s%s%s", known[i].name,
		    known[i].value != NULL ? " " : "",
		    known[i].value != NULL ? known[i].value : "");
		printf("  %-18s %s\n", left, known[i].help);
	}
}
