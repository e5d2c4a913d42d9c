/*
 * The beginning and the end of each daemon: its command line, long options from
 * one table and no arguments; the signals that it reads; its last words.
 */
#ifndef JP_DAEMON_H
#define JP_DAEMON_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/sys/sandbox.h"

/* What a daemon exits with. */
enum jp_daemon_status {
	JP_DAEMON_DONE = 0,
	JP_DAEMON_UNWANTED = 1, /* there is nothing for it to do here */
	JP_DAEMON_USAGE = 2,
	JP_DAEMON_FAILED = 3,
};

/*
 * X(CODE, name, value in the help, help, whose: bits of enum jp_process). What
 * --debug adds is a matter of each daemon.
 */
#define JP_OPTION_LIST(X)                                                      \
	X(CONFIG, "config", "FILE", "read this configuration file", ~0U)       \
	X(FOREGROUND, "foreground", NULL,                                      \
	    "stay in the foreground: it always does", ~0U)                     \
	X(CHECK_CONFIG, "check-config", NULL,                                  \
	    "check the configuration, and leave", ~0U)                         \
	X(ONE_SHOT, "one-shot", NULL, "answer one question on descriptor 0",   \
	    JP_PROCESS_PATD)                                                   \
	X(SETUP, "setup", NULL, "serve pat-admin, which has started it",       \
	    JP_PROCESS_CLUSTERD)                                               \
	X(SYSLOG, "syslog", NULL, "log to syslog, not to standard error", ~0U) \
	X(DEBUG, "debug", NULL, NULL, ~0U)                                     \
	X(HELP, "help", NULL, "print this text", ~0U)                          \
	X(VERSION, "version", NULL, "print the version", ~0U)

enum jp_option {
#define JP_OPTION_ENUM(code, name, value, help, whose) JP_OPTION_##code,
	JP_OPTION_LIST(JP_OPTION_ENUM)
#undef JP_OPTION_ENUM
	    JP_OPTION_COUNT
};

/* What was given. */
struct jp_options {
	const char *program;
	bool given[JP_OPTION_COUNT];
	const char *config; /* NULL: the file where it always is */
	bool to_syslog;
};

/*
 * main() of the daemon `process`: what `run` returns once the command line is
 * good, and asks for more than a text. The log is ended then.
 */
int jp_daemon_main(enum jp_process process, int argc, char **argv,
    enum jp_daemon_status (*run)(const struct jp_options *options));

/* The first of `run`: the log goes where it was asked for; no core files. */
void jp_daemon_begin(const struct jp_options *options);

/* One line, wherever the log goes, and on standard error. */
enum jp_daemon_status jp_daemon_fail(const struct jp_options *options,
    const char *what, const struct jp_why *why);

/* Those that end it or have it read its settings; before another thread. */
void jp_daemon_block_signals(void);

/* Where they are read, see signalfd(2); below 0 with errno: nowhere. */
int jp_daemon_signal_fd(void);

/*
 * The next one that has come there; 0: there is none. SIGTERM where that cannot
 * be read: what stays there would keep a loop busy for ever. The daemon ends
 * with JP_DAEMON_FAILED then, so that it is started again.
 */
int jp_daemon_next_signal(int fd);

#endif
