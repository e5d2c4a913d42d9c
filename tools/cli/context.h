/*
 * What a command is given, and what its exit status says. Commands report what
 * went wrong through here, so that one error has one status and one advice.
 */
#ifndef PAT_ADMIN_CONTEXT_H
#define PAT_ADMIN_CONTEXT_H

#include <stdbool.h>

#include "common/config/settings.h"

/* The exit status. */
enum status {
	STATUS_DONE = 0,    /* done, accepted, healthy */
	STATUS_NO = 1,      /* the answer is no */
	STATUS_USAGE = 2,   /* a wrong command line */
	STATUS_UNAVAILABLE, /* it could not be found out or done */
};

struct context {
	const struct command *command;
	const char *config; /* NULL: the default file, which may be missing */
	bool json;
	bool help;
	bool loaded;
	struct jp_settings settings; /* of context_load() */
};

/* Reads the configuration file, once. */
enum jp_err context_load(struct context *context, struct jp_why *why);

/* Prints `pat-admin: command: why` on stderr; returns the exit status. */
enum status context_fail(
    const struct context *context, enum jp_err err, const struct jp_why *why);

#endif
