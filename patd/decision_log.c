#include "patd/decision_log.h"

#include <inttypes.h>
#include <syslog.h>

#include "common/sys/log.h"
#include "common/base/net.h"
#include "common/base/clock.h"

enum {
	USER_SHOWN = 512, /* bytes of an escaped user name in the log */
	MS_PER_S = 1000,
};

static int
priority_of(enum jp_verdict verdict)
{
	switch (verdict) {
	case JP_ACCEPT:
	case JP_MAY:
		return LOG_DEBUG;
	case JP_UNAVAILABLE:
		return LOG_ERR;
	case JP_DENY:
		break;
	}
	return LOG_NOTICE;
}

/*
 * OpenSSH's auth-pam.c, as old as its PAM: repeated to the length of what was
 * typed, for a user without a passwd line, and one whom sshd_config keeps out.
 */
static bool
is_filler_of_sshd(const struct jp_secret *password)
{
	static const char filler[] = "\b\n\r\177INCORRECT";
	const size_t len = sizeof(filler) - 1;

	if (password->len < len)
		return false;
	for (size_t i = 0; i < password->len; i++)
		if (password->text[i] != filler[i % len])
			return false;
	return true;
}

const char *
decision_log_note(
    const struct jp_request *request, const struct jp_decision *decision)
{
	return decision->reason == JP_REASON_SHAPE &&
	               request->front == JP_FRONT_PAM &&
	               is_filler_of_sshd(&request->token)
	           ? " (sshd replaced the password: the user has no passwd "
	             "line, or may not log in)"
	           : "";
}

void
decision_log_line(const struct jp_request *request,
    const struct jp_decision *decision, uid_t uid)
{
	const int priority = priority_of(decision->verdict);
	char user[USER_SHOWN];
	char service[JP_ESCAPED_MAX(JP_SERVICE_MAX)];
	char rhost[JP_ESCAPED_MAX(JP_RHOST_MAX)];

	if (!jp_log_takes(priority))
		return;
	jp_log(priority,
	    "%s: reason=%s id=%s front=%s peer=%u service=\"%s\" "
	    "rhost=\"%s\"%s "
	    "user=\"%s\"%s",
	    jp_verdict_name(decision->verdict),
	    jp_reason_name(decision->reason),
	    decision->id[0] != '\0' ? decision->id : "-",
	    jp_front_name(request->front), (unsigned)uid,
	    jp_escape(service, sizeof(service), request->service),
	    jp_escape(rhost, sizeof(rhost), request->rhost),
	    jp_rhost_note(request->rhost),
	    jp_escape(user, sizeof(user), request->user),
	    decision_log_note(request, decision));
}

static void
log_flood(const struct jp_flood *flood)
{
	enum jp_verdict verdict = jp_reason_verdict(flood->reason);

	if (flood->held > 0)
		jp_log(priority_of(verdict),
		    "%s: reason=%s peer=%u: %" PRIu64
		    " more, not logged one by one",
		    jp_verdict_name(verdict), jp_reason_name(flood->reason),
		    (unsigned)flood->peer, flood->held);
}

/* Acceptances are for --debug; of a flood of others there are a few lines. */
static bool
has_line(
    struct jp_floods *floods, uid_t uid, const struct jp_decision *decision)
{
	struct jp_flood ended;
	bool logged;

	if (decision->verdict == JP_ACCEPT)
		return true;
	logged = jp_flood_passes(
	    floods, uid, decision->reason, jp_now_ms() / MS_PER_S, &ended);
	log_flood(&ended);
	return logged;
}

void
decision_log_add(struct jp_floods *floods, const struct jp_request *request,
    const struct jp_decision *decision, uid_t uid)
{
	if (has_line(floods, uid, decision))
		decision_log_line(request, decision, uid);
}

void
decision_log_floods(struct jp_floods *floods, bool all)
{
	struct jp_flood ended;

	while (jp_flood_next(floods, jp_now_ms() / MS_PER_S, all, &ended))
		log_flood(&ended);
}
