#include "pat_httpd/authorizer/authorize.h"

#include <string.h>
#include <syslog.h>

#include "common/base/clock.h"
#include "common/record/policy.h"
#include "common/sys/log.h"
#include "pat_httpd/authorizer/access.h"
#include "pat_httpd/authorizer/credentials.h"

bool
authorize_service_valid(const char *name)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	    "._-";
	size_t len = strlen(name);

	return len > 0 && len <= JP_SERVICE_MAX && strspn(name, letters) == len;
}

/* ---- the log ---- */

/* A mistyped name would go unnoticed: tokens without scopes are still accepted.
 */
static void
warn_no_rule(struct authorizer *authorizer, const char *service)
{
	enum { PAUSE_MS = 60000 };
	int64_t now_ms = authorizer->link->reactor->now_ms;

	if (authorizer->settings->policy.rule_len == 0 ||
	    now_ms < authorizer->warn_ms)
		return;
	authorizer->warn_ms = now_ms + PAUSE_MS;
	jp_log(LOG_WARNING,
	    "service %s: no [service] section of the configuration is for it: "
	    "is it the name that the web server should ask with?",
	    service);
}

static void
log_answer(const struct authorization *authorization)
{
	const struct answer *answer = &authorization->answer;

	jp_log(LOG_DEBUG, "service %s: %u: %s%s%s", authorization->service,
	    answer_status(answer->kind), answer_title(answer->kind),
	    answer->id[0] != '\0' ? "token " : "", answer->id);
}

/* ---- before patd is asked ---- */

/* The answer that the request itself has; ANSWER_COUNT: patd is to be asked. */
static enum answer_kind
look_at_request(struct authorizer *authorizer, const struct ask *ask,
    enum jp_access *access)
{
	const struct jp_rule *rule;
	const struct access_request request = { .method = ask->method,
		.uri = ask->uri,
		.preflight = ask->preflight && ask->authorizations == 0 };

	if (ask->service == NULL || !authorize_service_valid(ask->service))
		return ANSWER_NOT_FOUND;
	if (ask->ambiguous)
		return ANSWER_HEADER;
	rule = jp_policy_rule(&authorizer->settings->policy, ask->service);
	if (rule == NULL)
		warn_no_rule(authorizer, ask->service);
	switch (access_of(rule, &request)) {
	case ACCESS_DENY_PATH:
		return ANSWER_PATH;
	case ACCESS_PREFLIGHT:
		return ANSWER_PREFLIGHT;
	case ACCESS_READ:
		*access = JP_ACCESS_READ;
		return ANSWER_COUNT;
	case ACCESS_WRITE:
		*access = JP_ACCESS_WRITE;
		return ANSWER_COUNT;
	}
	return ANSWER_PATH;
}

/* The same of what shall prove who asks. */
static enum answer_kind
look_at_credentials(const struct ask *ask, struct jp_request *request)
{
	struct jp_login login;

	if (ask->authorizations == 0)
		return ANSWER_NO_CREDENTIALS;
	if (ask->authorizations > 1 ||
	    credentials_parse(ask->authorization, strlen(ask->authorization),
	        &login) != JP_ERR_OK)
		return ANSWER_MALFORMED;
	(void)jp_field_set(request->user, sizeof(request->user), login.authcid);
	request->token = login.passwd;
	jp_login_clear(&login);
	return ANSWER_COUNT;
}

/* What is too long to be an address is none: from no network. */
static void
fill(struct jp_request *request, const struct ask *ask, enum jp_access access)
{
	request->front = JP_FRONT_HTTP;
	request->detailed = true;
	request->access = access;
	(void)jp_field_set(
	    request->service, sizeof(request->service), ask->service);
	if (ask->address == NULL ||
	    jp_field_set(request->rhost, sizeof(request->rhost),
	        ask->address) != JP_ERR_OK)
		request->rhost[0] = '\0';
}

/* ---- what patd says ---- */

/* Whether it can stand in a header field without becoming another one: no
 * control character, and no blank at an end, where it would get lost. */
static bool
is_field_value(const char *text)
{
	struct jp_why ignored;

	return jp_text_check("value", text, JP_SECRET_MAX, &ignored) ==
	           JP_ERR_OK &&
	       !jp_blank_ends(text);
}

/* A yes names somebody, whom a header field can carry. */
static enum answer_kind
say_yes(struct answer *answer, const struct jp_reply *reply)
{
	if (reply->user[0] == '\0' || !is_field_value(reply->user) ||
	    !is_field_value(reply->upstream.text)) {
		jp_log(LOG_ERR,
		    "token %s: its user, or what is stored for upstream, "
		    "cannot stand in a header",
		    reply->id);
		return ANSWER_FORBIDDEN;
	}
	memcpy(answer->user, reply->user, sizeof(answer->user));
	memcpy(answer->id, reply->id, sizeof(answer->id));
	answer->expires = reply->expires;
	answer->upstream = reply->upstream;
	return ANSWER_ACCEPTED;
}

static enum answer_kind
say_no(const struct jp_reply *reply)
{
	switch (reply->denial) {
	case JP_DENIAL_RIGHTS:
		return ANSWER_FORBIDDEN;
	case JP_DENIAL_THROTTLED:
		return ANSWER_THROTTLED;
	case JP_DENIAL_CREDENTIALS:
		break;
	}
	return ANSWER_DENIED;
}

static enum answer_kind
translate(struct answer *answer, const struct jp_reply *reply)
{
	switch (reply->verdict) {
	case JP_ACCEPT:
		return say_yes(answer, reply);
	case JP_DENY:
	case JP_MAY: /* nobody asked for that */
		return say_no(reply);
	case JP_UNAVAILABLE:
		break;
	}
	return ANSWER_UNAVAILABLE;
}

static void
on_answered(struct patd_question *question, const struct jp_reply *reply)
{
	struct authorization *authorization =
	    REACTOR_OWNER(question, struct authorization, question);

	authorization->answer.kind = translate(&authorization->answer, reply);
	log_answer(authorization);
	authorization->done(authorization);
}

/* ---- both ---- */

/* Whether the answer is there already. */
static bool
answer_here(struct authorizer *authorizer, const struct ask *ask,
    struct authorization *authorization)
{
	struct patd_question *question = &authorization->question;
	struct answer *answer = &authorization->answer;
	enum jp_access access = JP_ACCESS_WRITE;

	answer->kind = look_at_request(authorizer, ask, &access);
	if (answer->kind == ANSWER_COUNT)
		answer->kind = look_at_credentials(ask, &question->request);
	if (answer->kind != ANSWER_COUNT)
		return true;
	answer->kind = ANSWER_UNAVAILABLE;
	fill(&question->request, ask, access);
	question->answered = on_answered;
	if (patd_link_ask(authorizer->link, question) == JP_ERR_OK)
		return false;
	patd_link_forget(question);
	return true;
}

bool
authorize(struct authorizer *authorizer, const struct ask *ask,
    struct authorization *authorization)
{
	memset(&authorization->question, 0, sizeof(authorization->question));
	memset(&authorization->answer, 0, sizeof(authorization->answer));
	authorization->answer.body = ask->body;
	authorization->asked_ns = jp_now_ns();
	if (ask->service == NULL ||
	    jp_field_set(authorization->service, sizeof(authorization->service),
	        ask->service) != JP_ERR_OK)
		authorization->service[0] = '\0';
	if (!answer_here(authorizer, ask, authorization))
		return false;
	log_answer(authorization);
	return true;
}

void
authorize_forget(struct authorization *authorization)
{
	patd_link_forget(&authorization->question);
	answer_clear(&authorization->answer);
}
