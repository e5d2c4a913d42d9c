#include "pat_httpd/self/visit.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include "common/sys/log.h"
#include "common/sys/time_text.h"

/* ---- refusals ---- */

static const struct {
	unsigned int status;
	const char *id, *text;
} rows[SITE_NO_COUNT] = {
#define SITE_NO_ROW(code, status, id, text)                                    \
	[SITE_NO_##code] = { status, id, text },
	SITE_NO_LIST(SITE_NO_ROW)
#undef SITE_NO_ROW
};

unsigned int
site_no_status(enum site_no no)
{
	return rows[no].status;
}

const char *
site_no_id(enum site_no no)
{
	return rows[no].id;
}

const char *
site_no_text(enum site_no no)
{
	return rows[no].text;
}

/* What is about the request; all else is about patd. */
static const bool about_request[JP_ERR_COUNT] = {
	[JP_ERR_OK] = true,
	[JP_ERR_INVALID] = true,
	[JP_ERR_TOO_LONG] = true,
	[JP_ERR_NOT_FOUND] = true,
	[JP_ERR_EXISTS] = true,
	[JP_ERR_REFUSED] = true,
};

enum site_no
visit_no_of(enum jp_err err)
{
	if (err == JP_ERR_OVERLOAD)
		return SITE_NO_OVERLOAD;
	return about_request[err] ? SITE_NO_COUNT : SITE_NO_UNAVAILABLE;
}

/* ---- its life ---- */

struct visit *
visit_make(struct site *site, void (*done)(struct visit *visit))
{
	struct visit *visit = calloc(1, sizeof(*visit));

	if (visit != NULL) {
		visit->site = site;
		visit->done = done;
	}
	return visit;
}

static void
wipe(void *memory, size_t size)
{
	if (memory != NULL)
		explicit_bzero(memory, size);
	free(memory);
}

static void
free_ask(struct visit_ask *ask)
{
	if (ask == NULL)
		return;
	reactor_disarm(&ask->refused);
	admin_link_forget(&ask->ask);
	wipe(ask, sizeof(*ask));
}

static void
free_answer(struct visit *visit)
{
	wipe(visit->reply, visit->reply_len);
	for (size_t i = 0; i < visit->header_len; i++) {
		free(visit->headers[i].name);
		free(visit->headers[i].value);
	}
}

void
visit_free(struct visit *visit)
{
	if (visit == NULL)
		return;
	patd_link_forget(&visit->question);
	free_ask(visit->ask);
	if (visit->state_end != NULL)
		visit->state_end(visit->state);
	wipe(visit->state, visit->state_size);
	json_decref(visit->json);
	form_free(&visit->form);
	form_free(&visit->query);
	visit->site->body_bytes -= visit->body_cap;
	wipe(visit->body, visit->body_cap);
	free_answer(visit);
	wipe(visit, sizeof(*visit));
}

/* ---- what it is ---- */

const char *
visit_method(const struct visit *visit)
{
	return visit->method;
}

const char *
visit_path(const struct visit *visit)
{
	return visit->target;
}

const struct visitor *
visit_visitor(const struct visit *visit)
{
	return &visit->visitor;
}

const char *
visit_param(const struct visit *visit, const char *name)
{
	for (size_t i = 0; i < visit->param_len; i++) {
		const struct visit_param *param = &visit->params[i];

		if (strlen(name) == param->name_len &&
		    memcmp(name, param->name, param->name_len) == 0)
			return param->value;
	}
	return "";
}

const char *
visit_query(const struct visit *visit, const char *name)
{
	return form_get(&visit->query, name);
}

const char *
visit_field(const struct visit *visit, const char *name)
{
	return form_get(&visit->form, name);
}

size_t
visit_fields(const struct visit *visit, const char *name, const char *values[],
    size_t max)
{
	size_t count = form_all(&visit->form, name, values, max);

	return count < max ? count : max;
}

json_t *
visit_json(const struct visit *visit)
{
	return visit->json;
}

const char *
visit_seen(const struct visit *visit, enum visit_seen seen)
{
	return visit->seen[seen];
}

const struct jp_settings *
visit_settings(const struct visit *visit)
{
	return visit->site->settings;
}

int64_t
visit_now(const struct visit *visit)
{
	return jp_clock_now(visit->site->clock);
}

/* A token is no login, and does not grow old. */
enum site_no
visit_login_age(const struct visit *visit)
{
	enum { CLOCKS_DIFFER = 300 };
	const struct visitor *visitor = &visit->visitor;
	int64_t max = visit->site->settings->self.max_auth_age;
	int64_t age = jp_when_since(visitor->auth_time, visit_now(visit));

	if (max == JP_NEVER || visitor->kind != VISITOR_SSO)
		return SITE_NO_COUNT;
	if (visitor->auth_time == 0)
		return SITE_NO_NO_AUTH_TIME;
	return age <= max && age >= -CLOCKS_DIFFER ? SITE_NO_COUNT
	                                           : SITE_NO_OLD_LOGIN;
}

void *
visit_state(struct visit *visit, size_t size, void (*end)(void *state))
{
	if (visit->state == NULL) {
		visit->state = calloc(1, size);
		visit->state_size = size;
		visit->state_end = visit->state != NULL ? end : NULL;
	}
	return visit->state;
}

/* ---- what it asks ---- */

static struct visit_ask *
ask_of(struct visit *visit)
{
	if (visit->ask == NULL)
		visit->ask = calloc(1, sizeof(*visit->ask));
	if (visit->ask != NULL)
		visit->ask->visit = visit;
	return visit->ask;
}

struct jp_admin_request *
visit_request(struct visit *visit, enum jp_admin_op op)
{
	struct visit_ask *ask = ask_of(visit);
	const struct visitor *visitor = &visit->visitor;
	struct jp_behalf *behalf;

	if (ask == NULL) {
		visit_refuse(visit, SITE_NO_INTERNAL);
		return NULL;
	}
	memset(&ask->ask.request, 0, sizeof(ask->ask.request));
	ask->ask.request.op = op;
	behalf = &ask->ask.request.behalf;
	memcpy(behalf->user, visitor->user, sizeof(behalf->user));
	memcpy(behalf->token, visitor->token, sizeof(behalf->token));
	memcpy(behalf->address, visitor->address, sizeof(behalf->address));
	behalf->staff = visitor->kind == VISITOR_SSO &&
	                (visit->route->needs & ROUTE_STAFF) != 0;
	return &ask->ask.request;
}

static void
on_item(struct admin_ask *admin_ask, const struct jp_admin_item *item)
{
	struct visit_ask *ask = REACTOR_OWNER(admin_ask, struct visit_ask, ask);

	if (ask->item != NULL)
		ask->item(ask->visit, item);
}

static enum self_result
result_of(enum jp_err err)
{
	static const enum jp_err silence[] = { JP_ERR_UNREACHABLE,
		JP_ERR_TIMEOUT, JP_ERR_PROTOCOL, JP_ERR_NEWER,
		JP_ERR_OVERLOAD };

	for (size_t i = 0; i < sizeof(silence) / sizeof(silence[0]); i++)
		if (err == silence[i])
			return SELF_RESULT_UNAVAILABLE;
	return err == JP_ERR_OK ? SELF_RESULT_DONE : SELF_RESULT_REFUSED;
}

static void
end(struct visit_ask *ask, enum jp_err err, const struct jp_why *why)
{
	struct visit *visit = ask->visit;

	if (ask->counts)
		visit->site->counts.acts[ask->op][result_of(err)]++;
	ask->ended(visit, err, why);
	visit_check(visit);
}

static void
on_ended(struct admin_ask *admin_ask, enum jp_err err, const struct jp_why *why)
{
	end(REACTOR_OWNER(admin_ask, struct visit_ask, ask), err, why);
}

static void
on_refused(struct reactor_timer *timer)
{
	struct jp_why why = { .text = "" };

	(void)jp_why(&why, JP_ERR_OVERLOAD, "%s", jp_err_text(JP_ERR_OVERLOAD));
	end(REACTOR_OWNER(timer, struct visit_ask, refused), JP_ERR_OVERLOAD,
	    &why);
}

void
visit_ask(struct visit *visit,
    void (*item)(struct visit *visit, const struct jp_admin_item *item),
    void (*ended)(
        struct visit *visit, enum jp_err err, const struct jp_why *why))
{
	struct admin_link *admin = visit->site->admin;
	struct visit_ask *ask = visit->ask; /* of visit_request() */

	ask->item = item;
	ask->ended = ended;
	ask->ask.item = on_item;
	ask->ask.ended = on_ended;
	ask->op = ask->ask.request.op;
	ask->counts = !ask->ask.request.dry_run;
	if (admin_link_ask(admin, &ask->ask) == JP_ERR_OK)
		return;
	ask->refused.due = on_refused;
	reactor_arm(admin->reactor, &ask->refused, admin->reactor->now_ms);
}

static bool
is_asking(const struct visit *visit)
{
	return visit->ask != NULL && (visit->ask->ask.link != NULL ||
	                                 visit->ask->refused.link != NULL);
}

void
visit_check(struct visit *visit)
{
	if (visit->replied || is_asking(visit))
		return;
	jp_log(LOG_ERR, "self-service: %s %s: no answer was made",
	    visit->route->method, visit->route->path);
	visit_refuse(visit, SITE_NO_INTERNAL);
}

/* ---- what it answers ---- */

static bool
is_header_value(const char *value)
{
	for (; *value != '\0'; value++)
		if ((unsigned char)*value < ' ' || *value == 0x7f)
			return false;
	return true;
}

void
visit_header(struct visit *visit, const char *name, const char *value)
{
	struct visit_header *header = &visit->headers[visit->header_len];

	if (visit->header_len == VISIT_HEADERS_MAX || !is_header_value(value))
		return;
	header->name = strdup(name);
	header->value = strdup(value);
	if (header->name != NULL && header->value != NULL) {
		visit->header_len++;
		return;
	}
	free(header->name);
	free(header->value);
}

/* The path is that of the table: what came may hold anything. */
static void
log_reply(const struct visit *visit)
{
	const struct route *route = visit->route;

	jp_log(LOG_DEBUG, "self-service: %s %s%s: %u",
	    route != NULL ? route->method : "no",
	    route != NULL ? visit->part->prefixes[0] : "",
	    route != NULL ? route->path : "route", visit->status);
}

/* False: there is a reply already. */
static bool
begin_reply(struct visit *visit, unsigned int status, const char *type)
{
	if (visit->replied) {
		jp_log(LOG_ERR, "self-service: a second reply was dropped");
		return false;
	}
	visit->replied = true;
	visit->status = status;
	visit->type = type;
	log_reply(visit);
	return true;
}

void
visit_reply(struct visit *visit, unsigned int status, const char *type,
    char *body, size_t len)
{
	if (!begin_reply(visit, status, type)) {
		wipe(body, body != NULL ? len : 0);
		return;
	}
	visit->reply = body;
	visit->reply_text = body;
	visit->reply_len = body != NULL ? len : 0;
	visit->done(visit);
}

void
visit_reply_static(struct visit *visit, unsigned int status, const char *type,
    const char *body, size_t len)
{
	if (!begin_reply(visit, status, type))
		return;
	visit->reply_text = body;
	visit->reply_len = 0;
	if (body != NULL)
		visit->reply_len = len;
	visit->done(visit);
}

void
visit_redirect(struct visit *visit, const char *path)
{
	visit_header(visit, "Location", path);
	visit_reply(visit, 303, NULL, NULL, 0);
}

void
visit_refuse(struct visit *visit, enum site_no no)
{
	if (no == SITE_NO_THROTTLED)
		visit_header(visit, "Retry-After", "10");
	if (no == SITE_NO_UNAVAILABLE || no == SITE_NO_OVERLOAD)
		visit_header(visit, "Retry-After", "2");
	visit->part->refuse(visit, no);
}

void
visit_count(const struct visit *visit)
{
	struct self_counts *counts = &visit->site->counts;
	unsigned int class = visit->status / 100;

	if (class < SELF_CLASSES)
		counts->replies[visit->part->counted][class]++;
}

/* What every answer says, unless it says it itself. */
static const struct {
	const char *name, *value;
} common[] = {
	{ "Cache-Control", "no-store" },
	{ "Content-Security-Policy",
	    "default-src 'none'; style-src 'self'; script-src 'self'; "
	    "img-src 'self' data:; form-action 'self'; base-uri 'none'; "
	    "frame-ancestors 'none'" },
	{ "Referrer-Policy", "no-referrer" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
};

static bool
has_header(const struct visit *visit, const char *name)
{
	for (size_t i = 0; i < visit->header_len; i++)
		if (strcasecmp(visit->headers[i].name, name) == 0)
			return true;
	return false;
}

bool
visit_each_header(const struct visit *visit,
    bool (*add)(void *arg, const char *name, const char *value), void *arg)
{
	bool more = true;

	for (size_t i = 0; more && i < visit->header_len; i++)
		more =
		    add(arg, visit->headers[i].name, visit->headers[i].value);
	for (size_t i = 0; more && i < sizeof(common) / sizeof(common[0]); i++)
		if (!has_header(visit, common[i].name))
			more = add(arg, common[i].name, common[i].value);
	if (more && visit->type != NULL)
		more = add(arg, "Content-Type", visit->type);
	return more;
}
