/*
 * Looks up whose a token is, and what the decision says of it, in a process of
 * its own: where no patd runs, that one becomes the user of patd for good, and
 * the one that reads files for `identify` must stay who it is.
 */
#ifndef PAT_ADMIN_LOOKUP_H
#define PAT_ADMIN_LOOKUP_H

#include <sys/types.h>

#include "common/record/token_scan.h"
#include "tools/cli/command.h"
#include "tools/cli/session.h"

struct lookup {
	int fd; /* -1: not started */
	pid_t pid;
};

/* What is known of one token. */
struct lookup_answer {
	enum jp_err err; /* JP_ERR_NOT_FOUND: no record has its id */
	struct jp_why why;
	struct jp_record record;
	enum jp_state state;   /* of the record */
	enum jp_reason reason; /* of the decision, for the record's own user */
};

/*
 * Starts the process, which opens the store with the first question. The
 * settings are loaded already; nothing secret was read yet.
 */
enum jp_err lookup_start(
    struct lookup *lookup, struct context *context, struct jp_why *why);

/*
 * Asks for one token whose checksum is right. JP_ERR_OK also if no record has
 * its id; an error is in `answer->why`.
 */
enum jp_err lookup_ask(struct lookup *lookup, const struct jp_found *found,
    struct lookup_answer *answer);

/* Lets the store go, until the next question. */
void lookup_rest(const struct lookup *lookup);

/* Ends the process, and waits for that. */
void lookup_end(struct lookup *lookup);

#endif
