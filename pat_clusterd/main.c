/*
 * pat-clusterd: the link between patd and PostgreSQL. Here are the command line
 * and the order of the start and the end; the work is done elsewhere.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "common/config/settings.h"
#include "common/sys/log.h"
#include "common/sys/options.h"
#include "common/sys/process.h"

enum status {
	STATUS_DONE = 0,
	STATUS_USAGE = 2,
	STATUS_FAILED = 3,
};

/* X(CODE, name, value in the help, help) */
#define OPTION_LIST(X)                                                         \
	X(CONFIG, "config", "FILE", "read this configuration file")            \
	X(FOREGROUND, "foreground", NULL,                                      \
	    "stay in the foreground: it always does")                          \
	X(CHECK_CONFIG, "check-config", NULL,                                  \
	    "check the configuration, and leave")                              \
	X(SETUP, "setup", NULL, "serve pat-admin, which has started it")       \
	X(SYSLOG, "syslog", NULL, "log to syslog, not to standard error")      \
	X(DEBUG, "debug", NULL, "log each step, too")                          \
	X(HELP, "help", NULL, "print this text")                               \
	X(VERSION, "version", NULL, "print the version")

enum option_code {
#define OPTION_ENUM(code, name, value, help) OPTION_##code,
	OPTION_LIST(OPTION_ENUM)
#undef OPTION_ENUM
	    OPTION_COUNT
};

static const struct jp_option options_known[] = {
#define OPTION_ROW(code, name, value, help) { name, value, help },
	OPTION_LIST(OPTION_ROW)
#undef OPTION_ROW
};

static enum status
fail(const struct jp_options *options, const char *what,
    const struct jp_why *why)
{
	if (options->given[OPTION_SYSLOG])
		fprintf(stderr, "pat-clusterd: %s: %s\n", what, why->text);
	jp_log(LOG_ERR, "%s: %s", what, why->text);
	return STATUS_FAILED;
}

static enum status
run(const struct jp_options *options)
{
	static struct jp_settings settings;
	struct jp_why why = { .text = "" };

	jp_log_open("pat-clusterd", options->given[OPTION_SYSLOG],
	    options->given[OPTION_DEBUG]);
	jp_harden_process();
	if (jp_settings_load(options->value[OPTION_CONFIG], &settings, &why) !=
	    JP_ERR_OK)
		return fail(options, "settings", &why);
	return STATUS_DONE;
}

int
main(int argc, char **argv)
{
	struct jp_options options;

	jp_hold_descriptors();
	if (!jp_options_parse("pat-clusterd", argc, argv, options_known,
	        OPTION_COUNT, &options)) {
		fprintf(
		    stderr, "pat-clusterd: usage: see pat-clusterd --help\n");
		return STATUS_USAGE;
	}
	if (options.given[OPTION_HELP]) {
		jp_options_help("pat-clusterd",
		    "Links patd with the PostgreSQL that several hosts share.",
		    options_known, OPTION_COUNT);
		return STATUS_DONE;
	}
	if (options.given[OPTION_VERSION]) {
		printf("pat-clusterd (%s) %s\n", PACKAGE_NAME, PACKAGE_VERSION);
		return STATUS_DONE;
	}
	return (int)run(&options);
}
