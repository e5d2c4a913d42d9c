#include "patd/one_shot.h"

#include <poll.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "common/audit.h"
#include "common/client.h"
#include "common/core.h"
#include "common/uses.h"
#include "patd/answer.h"
#include "patd/peers.h"

enum {
	RECEIVE_MS = 3000,
	LOCK_MS = 2000, /* a pat-admin may hold the store for a moment */
};

static uid_t
asker(void)
{
	uid_t uid = (uid_t)-1;

	(void)peers_uid(STDIN_FILENO, &uid);
	return uid;
}

static enum jp_err
receive(struct jp_request *request, struct jp_why *why)
{
	enum jp_err err =
	    jp_wait_fd(STDIN_FILENO, POLLIN, jp_now_ms() + RECEIVE_MS);

	if (err == JP_ERR_OK)
		err = answer_receive(STDIN_FILENO, request);
	if (err != JP_ERR_OK)
		return jp_why(why, err, "no question on descriptor 0: %s",
		    jp_err_text(err));
	return JP_ERR_OK;
}

/* What must be told and cannot be is no answer. */
static void
tell(struct jp_core *core, const struct jp_request *request,
    struct jp_decision *decision)
{
	if (jp_audit_decision(core->audit, request, decision, asker(), NULL,
	        NULL) == JP_AUDIT_FAIL)
		jp_decision_refuse(decision, JP_REASON_AUDIT);
}

static enum jp_err
reply(const struct jp_request *request, const struct jp_decision *decision)
{
	answer_log(request, decision, asker());
	return answer_send(STDIN_FILENO, request->seq, decision);
}

/* Written when the core is closed. */
static void
note_use(struct jp_core *core, const struct jp_request *request,
    const struct jp_decision *decision)
{
	if (decision->verdict != JP_ACCEPT &&
	    !jp_reason_proved(decision->reason))
		return;
	core->uses = jp_uses_make();
	(void)jp_uses_decided(core, request, decision);
}

enum jp_err
one_shot(const struct jp_settings *settings, struct jp_why *why)
{
	struct jp_request request;
	struct jp_decision decision = { .id = "" };
	struct jp_core core;
	enum jp_err err = receive(&request, why);

	if (err != JP_ERR_OK)
		return err;
	err = jp_core_open(&core, settings, "patd --one-shot", LOCK_MS, why);
	if (err != JP_ERR_OK) {
		jp_decision_refuse(&decision, JP_REASON_STORE);
		(void)reply(&request, &decision);
	} else {
		jp_decide_now(&core, &request, &decision);
		tell(&core, &request, &decision);
		note_use(&core, &request, &decision);
		err = reply(&request, &decision);
		if (err != JP_ERR_OK)
			(void)jp_why(
			    why, err, "the client left: %s", jp_err_text(err));
		/* Only now: it takes a moment, and the client waits. */
		jp_core_close(&core);
	}
	explicit_bzero(&request, sizeof(request));
	return err;
}
