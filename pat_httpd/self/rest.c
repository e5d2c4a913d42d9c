#include "pat_httpd/self/rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/record/token_number.h"
#include "common/sys/json_text.h"
#include "pat_httpd/self/rest_json.h"

#define JSON_TYPE "application/json"
#define REALM "realm=\"jira-pat\""
#define GRACE INT64_C(86400) /* of a rotation that names none */
#define LIST_MAX 500         /* tokens in one answer */
/* Seconds. */
#define TOO_FAST_WAIT "900" /* patd lets one more pass by then */
#define FAULT_WAIT "10"     /* until the audit trail may be written again */

/* ---- answers ---- */

/* The first challenge is the one that programs wait for: many a proxy hands on
 * no other. */
static void
challenge(struct visit *visit, enum site_no no)
{
	static const char *const bearer[SITE_NO_COUNT] = {
		[SITE_NO_NO_LOGIN] = "Bearer " REALM,
		[SITE_NO_BAD_LOGIN] =
		    "Bearer " REALM ", error=\"invalid_request\"",
		[SITE_NO_BAD_TOKEN] =
		    "Bearer " REALM ", error=\"invalid_token\"",
	};

	if (bearer[no] == NULL)
		return;
	visit_header(
	    visit, "WWW-Authenticate", "Basic " REALM ", charset=\"UTF-8\"");
	visit_header(visit, "WWW-Authenticate", bearer[no]);
}

static void
reply_error(
    struct visit *visit, unsigned int status, const char *id, const char *text)
{
	char *body = rest_error_body(id, text);

	visit_reply(visit, status, body != NULL ? JSON_TYPE : NULL, body,
	    body != NULL ? strlen(body) : 0);
}

static void
refuse(struct visit *visit, enum site_no no)
{
	challenge(visit, no);
	reply_error(
	    visit, site_no_status(no), site_no_id(no), site_no_text(no));
}

static void
fail(struct visit *visit, enum rest_error error)
{
	unsigned int status = rest_error_status(error);

	if (status == 429)
		visit_header(visit, "Retry-After", TOO_FAST_WAIT);
	if (status == 503)
		visit_header(visit, "Retry-After", FAULT_WAIT);
	reply_error(
	    visit, status, rest_error_id(error), rest_error_text(error));
}

/* What patd says, or the way to it. */
static void
fail_as(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	enum rest_error error = rest_error_of(err, why);
	enum site_no no = visit_no_of(err);

	if (error == REST_UNAVAILABLE && no == SITE_NO_COUNT)
		no = SITE_NO_UNAVAILABLE;
	if (no != SITE_NO_COUNT)
		visit_refuse(visit, no);
	else
		fail(visit, error);
}

/* ---- what a request gathers ---- */

struct work {
	struct rest_list list;
	char next[JP_TOKEN_ID_LEN + 1]; /* behind it the list goes on */
	bool begun;                     /* and this is not its beginning */
	char *text; /* the token that patd answered, in JSON */
	size_t len;
	bool failed; /* no memory */
	bool changed;
	/* While the tokens are looked at that a new one may not outlive. */
	struct jp_admin_request wish;
	char outer[2][JP_TOKEN_ID_LEN + 1];
	size_t outer_at;
};

static void
end_work(void *state)
{
	struct work *work = state;

	rest_list_clear(&work->list);
	if (work->text != NULL)
		explicit_bzero(work->text, work->len);
	free(work->text);
}

/* NULL: no memory, and that was the answer. */
static struct work *
work_of(struct visit *visit)
{
	struct work *work = visit_state(visit, sizeof(*work), end_work);

	if (work == NULL)
		visit_refuse(visit, SITE_NO_INTERNAL);
	return work;
}

/* The token that the path names; false: none has this name, and that was the
 * answer. */
static bool
name_token(struct visit *visit, char id[JP_TOKEN_ID_LEN + 1])
{
	const char *name = visit_param(visit, "id");

	if (strcmp(name, "self") == 0)
		name = visit_visitor(visit)->token;
	if (jp_token_named(name, id) == JP_ERR_OK)
		return true;
	fail(visit, REST_NOT_FOUND);
	return false;
}

/* Keeps the first token of an answer: of a rotation, the new one. */
static void
keep_token(struct visit *visit, const struct jp_admin_item *item)
{
	struct work *work = visit_state(visit, sizeof(*work), end_work);
	json_t *json;

	work->changed |= item->changed;
	if (work->text != NULL)
		return;
	json = rest_token(item);
	work->text = jp_json_text(json);
	json_decref(json);
	if (work->text != NULL)
		work->len = strlen(work->text);
}

static void
reply_token(struct visit *visit, unsigned int status, enum jp_err err,
    const struct jp_why *why)
{
	struct work *work = visit_state(visit, sizeof(*work), end_work);
	char *text = work->text;

	if (err != JP_ERR_OK) {
		fail_as(visit, err, why);
	} else if (text == NULL) {
		visit_refuse(visit, SITE_NO_INTERNAL);
	} else {
		work->text = NULL;
		visit_reply(visit, status, JSON_TYPE, text, work->len);
	}
}

/* ---- GET /tokens ---- */

static void
list_token(struct visit *visit, const struct jp_admin_item *item)
{
	struct work *work = visit_state(visit, sizeof(*work), end_work);

	if (item->kind == JP_ITEM_PAGE)
		memcpy(work->next, item->record.id, sizeof(work->next));
	if (item->kind == JP_ITEM_RECORD)
		work->failed |= rest_list_add(&work->list, item) != JP_ERR_OK;
}

/* Jira has no pages, as it has few tokens: so whoever does not look for the
 * next one misses nothing but what is too much. */
static void
link_next(struct visit *visit, const char *id)
{
	char link[sizeof("<>; rel=\"next\"") + SITE_TARGET_MAX +
	          JP_TOKEN_ID_LEN + sizeof("?after=")];

	(void)snprintf(link, sizeof(link), "<%s?after=%s>; rel=\"next\"",
	    visit_path(visit), id);
	visit_header(visit, "Link", link);
}

static void
reply_list(struct visit *visit, struct work *work)
{
	size_t len = 0;
	char *text = work->failed ? NULL : rest_list_take(&work->list, &len);

	if (text == NULL) {
		visit_refuse(visit, SITE_NO_INTERNAL);
		return;
	}
	if (work->next[0] != '\0')
		link_next(visit, work->next);
	visit_reply(visit, 200, JSON_TYPE, text, len);
}

/* The token that asks stands first in a list that was cut in front of it, too.
 */
static void
listed(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	struct work *work = visit_state(visit, sizeof(*work), end_work);
	const char *own = visit_visitor(visit)->token;
	struct jp_admin_request *request;

	if (err != JP_ERR_OK) {
		fail_as(visit, err, why);
		return;
	}
	if (work->next[0] == '\0' || own[0] == '\0' || work->begun ||
	    work->list.first != NULL) {
		reply_list(visit, work);
		return;
	}
	work->begun = true;
	request = visit_request(visit, JP_ADMIN_SHOW);
	if (request == NULL)
		return;
	memcpy(request->record.id, own, sizeof(request->record.id));
	visit_ask(visit, list_token, listed);
}

static void
list(struct visit *visit)
{
	const char *after = visit_query(visit, "after");
	struct work *work = work_of(visit);
	struct jp_admin_request *request;

	if (work == NULL)
		return;
	work->list.first_id = visit_visitor(visit)->token;
	work->begun = after != NULL;
	request = visit_request(visit, JP_ADMIN_LIST);
	if (request == NULL)
		return;
	request->limit = LIST_MAX;
	if (after != NULL && jp_token_named(after, request->after) != JP_ERR_OK)
		fail(visit, REST_REQUEST);
	else
		visit_ask(visit, list_token, listed);
}

/* ---- GET /tokens/:id ---- */

static void
shown(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	reply_token(visit, 200, err, why);
}

static void
show(struct visit *visit)
{
	struct jp_admin_request *request;

	if (work_of(visit) == NULL)
		return;
	request = visit_request(visit, JP_ADMIN_SHOW);
	if (request != NULL && name_token(visit, request->record.id))
		visit_ask(visit, keep_token, shown);
}

/* ---- POST /tokens ---- */

static void
created(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	/* There is one id in it that may not be there. */
	if (rest_error_of(err, why) == REST_NOT_FOUND)
		fail(visit, REST_PARENT);
	else
		reply_token(visit, 201, err, why);
}

/* patd refuses what would outlive that token; Jira cuts, and so do we. */
static void
measure(struct visit *visit, const struct jp_admin_item *item)
{
	struct work *work = visit_state(visit, sizeof(*work), end_work);
	const struct jp_record *outer = &item->record;
	int64_t now = visit_now(visit), end = jp_record_end(outer);

	if (strcmp(outer->id, work->wish.record.parent) == 0 && end > now)
		rest_cut_lifetime(&work->wish, now, end - now);
	if (strcmp(outer->id, work->wish.behalf.token) == 0)
		rest_cut_lifetime(
		    &work->wish, now, jp_record_lifetime(outer, now));
}

static void
measured(struct visit *visit, enum jp_err err, const struct jp_why *why);

/* Looks at the next token that the new one may not outlive, or makes it. */
static void
go_on(struct visit *visit)
{
	struct work *work = visit_state(visit, sizeof(*work), end_work);
	struct jp_admin_request *request = visit_request(visit, JP_ADMIN_SHOW);

	if (request == NULL)
		return;
	while (work->outer_at < 2 && work->outer[work->outer_at][0] == '\0')
		work->outer_at++;
	if (work->outer_at < 2) {
		memcpy(request->record.id, work->outer[work->outer_at++],
		    sizeof(request->record.id));
		visit_ask(visit, measure, measured);
		return;
	}
	*request = work->wish;
	visit_ask(visit, keep_token, created);
}

static void
measured(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	if (rest_error_of(err, why) == REST_NOT_FOUND)
		fail(visit, REST_PARENT);
	else if (err != JP_ERR_OK)
		fail_as(visit, err, why);
	else
		go_on(visit);
}

/* The shorter one; JP_NEVER is none. */
static int64_t
shorter(int64_t one, int64_t other)
{
	if (one == JP_NEVER || other == JP_NEVER)
		return one != JP_NEVER ? one : other;
	return one < other ? one : other;
}

static void
create(struct visit *visit)
{
	const struct jp_policy *policy = &visit_settings(visit)->policy;
	const struct visitor *visitor = visit_visitor(visit);
	const struct rest_terms terms = { visit_now(visit),
		shorter(policy->max_lifetime, policy->self_lifetime),
		visitor->token };
	struct work *work = work_of(visit);
	struct jp_admin_request *request;
	enum rest_error error;

	if (work == NULL)
		return;
	request = visit_request(visit, JP_ADMIN_CREATE);
	if (request == NULL)
		return;
	work->wish = *request;
	error = rest_read_token(visit_json(visit), &terms, &work->wish);
	if (error != REST_NONE) {
		fail(visit, error);
		return;
	}
	if (work->wish.lifetime == JP_LIFETIME_UNTIL) {
		const char *parent = work->wish.record.parent;

		(void)jp_field_set(
		    work->outer[0], sizeof(work->outer[0]), visitor->token);
		if (strcmp(parent, visitor->token) != 0)
			(void)jp_field_set(
			    work->outer[1], sizeof(work->outer[1]), parent);
	}
	go_on(visit);
}

/* ---- DELETE /tokens/:id ---- */

static void
revoked(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	struct work *work = visit_state(visit, sizeof(*work), end_work);

	if (err != JP_ERR_OK)
		fail_as(visit, err, why);
	else if (!work->changed) /* it has been gone for a while */
		fail(visit, REST_NOT_FOUND);
	else
		visit_reply(visit, 204, NULL, NULL, 0);
}

static void
revoke(struct visit *visit)
{
	struct jp_admin_request *request;

	if (work_of(visit) == NULL)
		return;
	request = visit_request(visit, JP_ADMIN_REVOKE);
	if (request != NULL && name_token(visit, request->record.id))
		visit_ask(visit, keep_token, revoked);
}

/* ---- POST /tokens/:id/rotate ---- */

static void
rotated(struct visit *visit, enum jp_err err, const struct jp_why *why)
{
	reply_token(visit, 201, err, why);
}

static void
rotate(struct visit *visit)
{
	struct jp_admin_request *request;
	enum rest_error error;

	if (work_of(visit) == NULL)
		return;
	request = visit_request(visit, JP_ADMIN_ROTATE);
	if (request == NULL || !name_token(visit, request->record.id))
		return;
	request->grace = GRACE;
	error = rest_read_rotation(visit_json(visit), request);
	if (error != REST_NONE)
		fail(visit, error);
	else
		visit_ask(visit, keep_token, rotated);
}

/* ---- the part ---- */

static const struct route routes[] = {
	{ "GET", "/tokens", ROUTE_USER, list, NULL },
	{ "POST", "/tokens", ROUTE_JSON | ROUTE_FRESH, create, NULL },
	{ "GET", "/tokens/:id", ROUTE_USER, show, NULL },
	{ "DELETE", "/tokens/:id", ROUTE_USER, revoke, NULL },
	{ "POST", "/tokens/:id/rotate",
	    ROUTE_JSON | ROUTE_BODY_OPTIONAL | ROUTE_FRESH, rotate, NULL },
};

static const char *const prefixes[] = { "/rest/pat/latest", "/rest/pat/1.0",
	NULL };

const struct site_part rest_part = {
	.root = "/rest/pat",
	.prefixes = prefixes,
	.routes = routes,
	.len = sizeof(routes) / sizeof(routes[0]),
	.takes = VISITOR_TAKES_TOKEN,
	.counted = SELF_PART_REST,
	.needs_origin = false,
	.refuse = refuse,
};
