/*
 * The parts of pam_jira_pat: its arguments (options.c), what the application
 * gives (converse.c) and what an answer means to libpam (outcome.c). Nothing
 * is kept between two calls but in the handle: hosts enter the module from
 * many threads at once, each with its own handle.
 *
 * A part says true to go on, or false with the PAM code to leave with, which
 * is never PAM_SUCCESS and, in authenticate, never PAM_IGNORE: that code lets
 * a stack pass on the word of the other modules (CVE-2025-23013).
 */
#ifndef JP_PAM_INTERNAL_H
#define JP_PAM_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include <security/pam_modules.h>

#include "common/wire/client.h"
#include "common/base/escape.h"

/* The module's arguments; the texts belong to libpam. */
struct pamjp_options {
	const char *socket_path;
	const char *config_path; /* for a one-shot patd; NULL: its default */
	const char *prompt;
	int timeout_ms;
	bool unknown_pass; /* what is no token is for the next module */
	bool debug;
	bool one_shot;
	bool account_user; /* account: also whom another module let in */
};

/* False after a log line that names the argument: PAM_SERVICE_ERR then. */
bool pamjp_options_read(pam_handle_t *pamh, int argc, const char **argv,
    struct pamjp_options *options);

/*
 * Fills in `request`: user, service and address of the transaction, and the
 * token, asked for with one prompt. False: `rc` says why.
 */
bool pamjp_gather(pam_handle_t *pamh, const struct pamjp_options *options,
    struct jp_request *request, int *rc);

/* True if patd accepted just this request's user. False: `rc` says why. */
bool pamjp_accepted(pam_handle_t *pamh, const struct pamjp_options *options,
    const struct jp_request *request, enum jp_err err,
    const struct jp_reply *reply, int *rc);

/* The same without a token, of the user whom the application has by now. */
bool
pamjp_gather_account(pam_handle_t *pamh, struct jp_request *request, int *rc);

/* What patd's answer to that means, or why there is none. */
int pamjp_account_code(pam_handle_t *pamh, const struct pamjp_options *options,
    const struct jp_request *request, enum jp_err err,
    const struct jp_reply *reply);

#define ESCAPED_MAX 512 /* of text from outside in a log line */

#endif
