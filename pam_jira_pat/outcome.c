/*
 * What an answer of patd, or the lack of one, means to libpam, and the log
 * line about it. The reason of a denial is in patd's log, not here; the token
 * is in neither.
 */
#include "config.h"

#include <string.h>
#include <syslog.h>

#include <security/pam_ext.h>

#include "common/base/net.h"
#include "pam_jira_pat/internal.h"

/* One line about the request: `what`, and `why` in parentheses if not NULL. */
static void
report(pam_handle_t *pamh, int priority, const struct jp_request *request,
    const char *what, const char *why)
{
	char user[ESCAPED_MAX], rhost[ESCAPED_MAX];

	(void)jp_escape(user, sizeof(user), request->user);
	(void)jp_escape(rhost, sizeof(rhost), request->rhost);
	pam_syslog(pamh, priority, "%s%s%s%s; user=\"%s\" rhost=%s%s", what,
	    why != NULL ? " (" : "", why != NULL ? why : "",
	    why != NULL ? ")" : "", user, rhost, jp_rhost_note(request->rhost));
}

static int
failure_code(enum jp_err err)
{
	return err == JP_ERR_NOMEM ? PAM_BUF_ERR : PAM_AUTHINFO_UNAVAIL;
}

/*
 * Acceptance is for one user: the one that the application will let in. So is
 * the answer that a good token of that user lacks a right; no user here is "".
 */
static bool
same_user(const struct jp_request *request, const struct jp_reply *reply)
{
	return strcmp(request->user, reply->user) == 0;
}

bool
pamjp_accepted(pam_handle_t *pamh, const struct pamjp_options *options,
    const struct jp_request *request, enum jp_err err,
    const struct jp_reply *reply, int *rc)
{
	*rc = failure_code(err);
	if (err != JP_ERR_OK) {
		report(pamh, LOG_ERR, request, "patd is unavailable",
		    jp_err_text(err));
		return false;
	}
	switch (reply->verdict) {
	case JP_ACCEPT:
		if (same_user(request, reply)) {
			if (options->debug)
				report(
				    pamh, LOG_DEBUG, request, "accepted", NULL);
			return true;
		}
		report(pamh, LOG_ERR, request,
		    "patd's answer is for another user", NULL);
		break;
	case JP_DENY:
		*rc =
		    same_user(request, reply) ? PAM_PERM_DENIED : PAM_AUTH_ERR;
		report(pamh, LOG_NOTICE, request, "denied", NULL);
		break;
	case JP_MAY: /* it was not asked that */
	case JP_UNAVAILABLE:
		report(pamh, LOG_ERR, request, "patd cannot decide now", NULL);
		break;
	}
	return false;
}

int
pamjp_account_code(pam_handle_t *pamh, const struct pamjp_options *options,
    const struct jp_request *request, enum jp_err err,
    const struct jp_reply *reply)
{
	if (err != JP_ERR_OK) {
		report(pamh, LOG_ERR, request, "patd is unavailable",
		    jp_err_text(err));
		return failure_code(err);
	}
	switch (reply->verdict) {
	case JP_MAY:
		if (!same_user(request, reply))
			break;
		if (options->debug)
			report(pamh, LOG_DEBUG, request, "the user may", NULL);
		return PAM_SUCCESS;
	case JP_DENY:
		report(pamh, LOG_NOTICE, request,
		    "denied: the user has no token for this", NULL);
		return PAM_PERM_DENIED;
	case JP_ACCEPT: /* it was not asked that */
	case JP_UNAVAILABLE:
		break;
	}
	report(pamh, LOG_ERR, request, "patd cannot decide now", NULL);
	return PAM_AUTHINFO_UNAVAIL;
}
