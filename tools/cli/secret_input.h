/*
 * A secret on standard input, where no other user can see it. On a terminal it
 * is asked for, and not shown.
 */
#ifndef PAT_ADMIN_SECRET_INPUT_H
#define PAT_ADMIN_SECRET_INPUT_H

#include <stdbool.h>

#include "common/base/secret.h"

/* What is asked for: "Token: " on a terminal, "token" in errors. */
struct secret_input {
	const char *prompt, *what;
};

/*
 * One line; what is behind it stays unread. Without its end, which `ended`
 * tells of: not on a terminal. JP_ERR_INVALID, JP_ERR_TOO_LONG, JP_ERR_IO.
 */
enum jp_err secret_read_line(const struct secret_input *input,
    struct jp_secret *secret, bool *ended, struct jp_why *why);

/*
 * Every byte. JP_ERR_TOO_LONG for what is no text that a front door can pass:
 * none at all, too long, or with a NUL in it.
 */
enum jp_err secret_read_exact(const struct secret_input *input,
    struct jp_secret *secret, struct jp_why *why);

/* Whether nothing follows on standard input, unless that is a terminal. */
bool secret_input_at_end(void);

#endif
