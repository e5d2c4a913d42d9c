#include "pat_httpd/self/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include "common/base/escape.h"
#include "common/sys/log.h"
#include "pat_httpd/self/origin.h"
#include "pat_httpd/self/page.h"
#include "pat_httpd/self/rest.h"

/* A step refuses, or says that the next one may come. */
#define PASSED SITE_NO_COUNT

static const struct site_part *const parts[] = { &page_part, &rest_part };

/* ---- paths ---- */

/* What follows `prefix`; NULL: it is another path. */
static const char *
behind(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(path, prefix, len) == 0 ? path + len : NULL;
}

/* Bytes of the path in a target. */
static size_t
path_len(const char *target)
{
	return strcspn(target, "?");
}

/* Whether it is that path, or one below. */
static bool
is_below(const char *path, const char *root)
{
	const char *rest = behind(path, root);

	return rest != NULL &&
	       (rest[0] == '\0' || rest[0] == '/' || rest[0] == '?');
}

/* The part of a path, and what follows its prefix: no route, if it has none. */
static const struct site_part *
find_part(const struct site *site, const char *path, const char **rest)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const struct site_part *part = parts[i];

		if (part == &rest_part && !site->settings->self.rest)
			continue;
		if (!is_below(path, part->root))
			continue;
		for (size_t n = 0; part->prefixes[n] != NULL; n++) {
			*rest = behind(path, part->prefixes[n]);
			if (*rest != NULL)
				return part;
		}
		*rest = path + path_len(path);
		return part;
	}
	return NULL;
}

bool
serve_has(const struct site *site, const char *target)
{
	const char *rest;

	return site->settings->self.configured &&
	       find_part(site, target, &rest) != NULL;
}

static bool
take_param(struct visit *visit, const char *name, size_t name_len,
    const char *text, size_t len)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	    "._~-";
	struct visit_param *param = &visit->params[visit->param_len];

	if (visit->param_len == VISIT_PARAMS_MAX || len == 0 ||
	    len > VISIT_PARAM_MAX || strspn(text, allowed) < len)
		return false;
	visit->param_len++;
	param->name = name;
	param->name_len = name_len;
	memcpy(param->value, text, len);
	param->value[len] = '\0';
	return true;
}

/* Compares segment by segment, and takes those that stand for parameters. */
static bool
fits(struct visit *visit, const char *route, const char *path)
{
	visit->param_len = 0;
	while (*route == '/' && *path == '/') {
		size_t route_len = strcspn(++route, "/");
		size_t len = strcspn(++path, "/");

		if (*route == ':') {
			if (!take_param(
			        visit, route + 1, route_len - 1, path, len))
				return false;
		} else if (len != route_len || memcmp(route, path, len) != 0) {
			return false;
		}
		route += route_len;
		path += len;
	}
	return *route == '\0' && (*path == '\0' || strcmp(path, "/") == 0);
}

/* Any row with the path, whatever its method; NULL: none. */
static const struct route *
find_path(struct visit *visit, const char *path)
{
	const struct site_part *part = visit->part;

	for (size_t i = 0; i < part->len; i++)
		if (fits(visit, part->routes[i].path, path))
			return &part->routes[i];
	visit->param_len = 0;
	return NULL;
}

/* ---- methods ---- */

static bool
has_method(const struct route *route, const char *method)
{
	return strcmp(route->method, method) == 0 ||
	       (strcmp(method, "HEAD") == 0 &&
	           strcmp(route->method, "GET") == 0);
}

static void
say_allowed(struct visit *visit, const char *path)
{
	const struct site_part *part = visit->part;
	char list[128] = "OPTIONS";

	for (size_t i = 0; i < part->len; i++) {
		const struct route *route = &part->routes[i];
		size_t len = strlen(list);

		if (strcmp(route->path, path) == 0)
			(void)snprintf(list + len, sizeof(list) - len, ", %s%s",
			    route->method,
			    has_method(route, "HEAD") ? ", HEAD" : "");
	}
	visit_header(visit, "Allow", list);
}

/* Finds the route; OPTIONS is replied to here. */
static enum site_no
find_route(struct visit *visit, const char *path)
{
	const struct site_part *part = visit->part;
	const struct route *any = find_path(visit, path);

	if (any == NULL)
		return SITE_NO_NOT_FOUND;
	for (size_t i = 0; visit->route == NULL && i < part->len; i++)
		if (strcmp(part->routes[i].path, any->path) == 0 &&
		    has_method(&part->routes[i], visit->method))
			visit->route = &part->routes[i];
	if (visit->route != NULL)
		return PASSED;
	say_allowed(visit, any->path);
	if (strcmp(visit->method, "OPTIONS") != 0)
		return SITE_NO_METHOD;
	visit_reply(visit, 204, NULL, NULL, 0);
	return PASSED;
}

/* ---- who it is ---- */

bool
serve_trusts(const struct site *site, uid_t uid)
{
	for (size_t i = 0; i < site->trusted_len; i++)
		if (site->trusted[i] == uid)
			return true;
	return false;
}

/* Whoever tries could fill a log. */
static void
log_forged(struct site *site, const struct serve_request *request)
{
	enum { PAUSE_MS = 1000 };
	char who[32] = "a TCP client";
	int64_t now = jp_now_ms();

	if (now < site->log_ms) {
		site->unlogged++;
		return;
	}
	if (request->is_unix)
		(void)snprintf(
		    who, sizeof(who), "uid %u", (unsigned int)request->uid);
	jp_log(LOG_WARNING,
	    "self-service: refused %s, which may not name users: %s or %s "
	    "came from it, see trusted_peers in [self_service] (and %u before)",
	    who, site->settings->self.user_header,
	    site->settings->self.auth_time_header, site->unlogged);
	site->log_ms = now + PAUSE_MS;
	site->unlogged = 0;
}

static void
take_token(struct visit *visit, const struct jp_login *login)
{
	struct jp_request *question = &visit->question.request;

	visit->has_token = login->passwd.len > 0;
	if (!visit->has_token)
		return;
	question->front = JP_FRONT_HTTP;
	question->detailed = true;
	question->access = JP_ACCESS_SELF;
	memcpy(question->user, login->authcid, sizeof(question->user));
	question->token = login->passwd;
	(void)jp_field_set(
	    question->service, sizeof(question->service), JP_SERVICE_SELF);
	memcpy(
	    question->rhost, visit->visitor.address, sizeof(question->rhost));
}

static enum site_no
find_visitor(struct visit *visit, const struct serve_request *request)
{
	struct site *site = visit->site;
	const struct jp_self_settings *self = &site->settings->self;
	const struct visitor_rules rules = { .user_header = self->user_header,
		.auth_time_header = self->auth_time_header,
		.address_header = request->listener->address_header,
		.trusted = request->is_unix && serve_trusts(site, request->uid),
		.takes = visit->part->takes };
	struct jp_login login;
	enum visitor_verdict verdict =
	    visitor_read(request->head, &rules, &visit->visitor, &login);

	if (verdict == VISITOR_READ)
		take_token(visit, &login);
	jp_login_clear(&login);
	switch (verdict) {
	case VISITOR_READ:
		return PASSED;
	case VISITOR_AMBIGUOUS:
		return SITE_NO_AMBIGUOUS;
	case VISITOR_BAD_LOGIN:
		return SITE_NO_BAD_LOGIN;
	case VISITOR_FORGED:
		break;
	}
	log_forged(site, request);
	return SITE_NO_FORGED;
}

static enum site_no
check_origin(struct visit *visit, const struct http_head *head)
{
	switch (origin_of(head, !visit->part->needs_origin)) {
	case ORIGIN_OWN:
		return PASSED;
	case ORIGIN_AMBIGUOUS:
		return SITE_NO_AMBIGUOUS;
	case ORIGIN_FOREIGN:
		break;
	}
	return SITE_NO_CROSS_SITE;
}

static enum site_no
check_needs(const struct visit *visit)
{
	unsigned int needs = visit->route->needs;

	if ((needs & ROUTE_PUBLIC) == 0 &&
	    visit->visitor.kind == VISITOR_NONE && !visit->has_token)
		return SITE_NO_NO_LOGIN;
	if ((needs & ROUTE_FRESH) != 0 && !visit->has_token)
		return visit_login_age(visit);
	return PASSED;
}

/* ---- the body: what the head says of it ---- */

/* Whether what the head says of a body can be read in one way only (RFC 9112
 * §6.1, §6.3). Else nobody knows where the next request begins. */
static bool
is_framed(const struct serve_request *request)
{
	const struct http_head *head = request->head;
	struct http_found length = http_head_find(head, "Content-Length");
	struct http_found coding = http_head_find(head, "Transfer-Encoding");
	struct http_found expect = http_head_find(head, "Expect");

	if (length.count > 1 || coding.count > 1 || expect.count > 1 ||
	    length.odd || coding.odd || expect.odd)
		return false;
	if (expect.count == 1 && strcasecmp(expect.first, "100-continue") != 0)
		return false;
	return coding.count == 0 ||
	       (length.count == 0 && !request->old &&
	           strcasecmp(coding.first, "chunked") == 0);
}

/* RFC 9110 §8.6; one, and of digits alone: others read others differently. */
static enum site_no
read_length(const struct http_found *found, size_t *len)
{
	enum { DIGITS_MAX = 9 };
	const char *text = found->first;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || text[digits] != '\0')
		return SITE_NO_BAD_REQUEST;
	text += strspn(text, "0");
	if (strlen(text) > DIGITS_MAX)
		return SITE_NO_TOO_LARGE;
	*len = (size_t)strtoul(text, NULL, 10);
	return *len <= SITE_BODY_MAX ? PASSED : SITE_NO_TOO_LARGE;
}

/* Room for all of it at once; one of unknown length may be as large as any. */
static enum site_no
make_room(struct visit *visit, size_t len)
{
	struct site *site = visit->site;

	visit->last = site->body_bytes + len + 1 > SITE_BODIES_MAX;
	if (visit->last)
		return SITE_NO_OVERLOAD;
	visit->body = calloc(1, len + 1); /* and a NUL */
	if (visit->body == NULL)
		return SITE_NO_OVERLOAD;
	visit->body_cap = len + 1;
	site->body_bytes += visit->body_cap;
	return PASSED;
}

/* Whether a media type is that, whatever its parameters are. */
static bool
is_type(const char *type, const char *wanted)
{
	size_t len = strlen(wanted);

	return type != NULL && strncasecmp(type, wanted, len) == 0 &&
	       strchr("; \t", type[len]) != NULL;
}

static enum site_no
check_type(const struct visit *visit, const struct http_head *head, bool body)
{
	unsigned int needs = visit->route->needs;
	struct http_found type = http_head_find(head, "Content-Type");

	if (type.count > 1 || type.odd)
		return SITE_NO_AMBIGUOUS;
	if ((needs & (ROUTE_FORM | ROUTE_JSON)) == 0)
		return body ? SITE_NO_BAD_REQUEST : PASSED;
	if (!body && (needs & (ROUTE_FORM | ROUTE_BODY_OPTIONAL)) != 0)
		return PASSED;
	if ((needs & ROUTE_FORM) != 0 &&
	    is_type(type.first, "application/x-www-form-urlencoded"))
		return PASSED;
	if ((needs & ROUTE_JSON) != 0 &&
	    is_type(type.first, "application/json"))
		return PASSED;
	return SITE_NO_TYPE;
}

static enum site_no
check_body(struct visit *visit, const struct serve_request *request)
{
	struct http_found length =
	    http_head_find(request->head, "Content-Length");
	struct http_found coding =
	    http_head_find(request->head, "Transfer-Encoding");
	size_t len = coding.count > 0 ? SITE_BODY_MAX : 0;
	enum site_no no = PASSED;

	if (length.count > 0)
		no = read_length(&length, &len);
	if (no == PASSED)
		no = check_type(visit, request->head, len > 0);
	if (no == PASSED && len > 0)
		no = make_room(visit, len);
	return no;
}

/* ---- the head ---- */

/* Keeps what parts may look at. */
static void
keep_seen(struct visit *visit, const struct http_head *head)
{
	static const char *const names[VISIT_SEEN_COUNT] = {
#define VISIT_SEEN_NAME(code, name) [VISIT_SEEN_##code] = name,
		VISIT_SEEN_LIST(VISIT_SEEN_NAME)
#undef VISIT_SEEN_NAME
	};

	for (size_t i = 0; i < VISIT_SEEN_COUNT; i++) {
		struct http_found found = http_head_find(head, names[i]);

		if (found.count == 0 ||
		    jp_field_set(visit->seen[i], sizeof(visit->seen[i]),
		        found.first) != JP_ERR_OK)
			visit->seen[i][0] = '\0';
	}
}

/* Takes the target, and cuts it in two. */
static enum site_no
take_target(struct visit *visit, const char *target)
{
	size_t len = path_len(target);
	bool query = target[len] == '?';

	if (jp_field_set(visit->target, sizeof(visit->target), target) !=
	    JP_ERR_OK)
		return SITE_NO_TARGET;
	visit->target[len] = '\0';
	if (!query)
		return PASSED;
	if (form_parse(&visit->query, visit->target + len + 1,
	        strlen(visit->target + len + 1)) != JP_ERR_OK ||
	    form_repeated(&visit->query, NULL) != NULL)
		return SITE_NO_BAD_QUERY;
	for (size_t i = 0; i < visit->query.len; i++)
		if (jp_has_token(visit->query.fields[i].value))
			return SITE_NO_LEAKED;
	return PASSED;
}

static enum site_no
check_head(struct visit *visit, const struct serve_request *request)
{
	if (request->err == JP_ERR_OK && is_framed(request))
		return PASSED;
	visit->last = true;
	return request->err == JP_ERR_TOO_LONG ? SITE_NO_HEAD
	                                       : SITE_NO_BAD_REQUEST;
}

/* All that can be said of the head alone; the first objection counts. */
static enum site_no
judge(
    struct visit *visit, const struct serve_request *request, const char *path)
{
	enum site_no no = check_head(visit, request);

	if (no == PASSED && jp_field_set(visit->method, sizeof(visit->method),
	                        request->head->method) != JP_ERR_OK)
		no = SITE_NO_BAD_REQUEST;
	if (no == PASSED)
		no = take_target(visit, request->target);
	if (no != PASSED)
		return no;
	keep_seen(visit, request->head);
	no = find_visitor(visit, request);
	if (no == PASSED)
		no = find_route(visit, path);
	if (no == PASSED && visit->route != NULL)
		no = check_origin(visit, request->head);
	if (no == PASSED && visit->route != NULL)
		no = check_needs(visit);
	if (no == PASSED && visit->route != NULL)
		no = check_body(visit, request);
	return no;
}

static void
forget_visitor(struct visit *visit)
{
	patd_link_forget(&visit->question);
	visit->has_token = false;
	explicit_bzero(&visit->visitor, sizeof(visit->visitor));
}

/* Whoever is refused is nobody. */
static void
refuse(struct visit *visit, enum site_no no)
{
	forget_visitor(visit);
	visit_refuse(visit, no);
}

void
serve_begin(struct visit *visit, const struct serve_request *request)
{
	char path[SITE_TARGET_MAX + 1] = "";
	size_t len = path_len(request->target);
	const char *rest = request->target;
	enum site_no no;

	visit->part = find_part(visit->site, request->target, &rest);
	len -= (size_t)(rest - request->target);
	if (len < sizeof(path))
		memcpy(path, rest, len);
	no = judge(visit, request, path);
	if (no != PASSED)
		refuse(visit, no);
}

/* ---- the body ---- */

bool
serve_may_skip(struct visit *visit)
{
	struct site *site = visit->site;

	if (site->body_bytes + SITE_BODY_MAX > SITE_BODIES_MAX)
		return false;
	visit->body_cap += SITE_BODY_MAX;
	site->body_bytes += SITE_BODY_MAX;
	return true;
}

bool
serve_body(struct visit *visit, const char *bytes, size_t len)
{
	size_t room = visit->body_cap > 0 ? visit->body_cap - 1 : 0;

	if (visit->replied || visit->excess || len > room - visit->body_len) {
		visit->excess = true;
		visit->dropped += len;
		return visit->dropped <= SITE_SKIPPED_MAX;
	}
	memcpy(visit->body + visit->body_len, bytes, len);
	visit->body_len += len;
	return true;
}

void
serve_late(struct visit *visit)
{
	if (!visit->replied)
		refuse(visit, SITE_NO_SLOW);
}

static enum site_no
read_form(struct visit *visit)
{
	return form_parse(&visit->form, visit->body, visit->body_len) ==
	                   JP_ERR_OK &&
	               form_repeated(&visit->form, visit->route->lists) == NULL
	           ? PASSED
	           : SITE_NO_BAD_FORM;
}

/* A value takes far more memory than the two bytes that it may be written in.
 */
static bool
is_crowded(const char *text, size_t len)
{
	enum { VALUES_MAX = 1024 };
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += strchr("[{,", text[i]) != NULL;
	return count > VALUES_MAX;
}

static enum site_no
read_json(struct visit *visit)
{
	if (!is_crowded(visit->body, visit->body_len))
		visit->json = json_loadb(visit->body, visit->body_len,
		    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	return visit->json != NULL ? PASSED : SITE_NO_BAD_JSON;
}

static enum site_no
read_body(struct visit *visit)
{
	unsigned int needs = visit->route->needs;

	if (visit->excess)
		return SITE_NO_TOO_LARGE;
	if (visit->body_len == 0)
		return (needs & ROUTE_JSON) != 0 &&
		               (needs & ROUTE_BODY_OPTIONAL) == 0
		           ? SITE_NO_BAD_JSON
		           : PASSED;
	return (needs & ROUTE_FORM) != 0 ? read_form(visit) : read_json(visit);
}

/* ---- the run ---- */

static void
run(struct visit *visit)
{
	visit->route->run(visit);
	visit_check(visit);
}

static enum site_no
no_of_denial(enum jp_denial denial)
{
	switch (denial) {
	case JP_DENIAL_RIGHTS:
		return SITE_NO_FORBIDDEN;
	case JP_DENIAL_THROTTLED:
		return SITE_NO_THROTTLED;
	case JP_DENIAL_CREDENTIALS:
		break;
	}
	return SITE_NO_BAD_TOKEN;
}

/* patd has accepted a token: the visitor is its user, and no other. */
static enum site_no
become(struct visitor *visitor, const struct jp_reply *reply)
{
	if (reply->user[0] == '\0' || reply->id[0] == '\0')
		return SITE_NO_BAD_TOKEN;
	if (visitor->kind == VISITOR_SSO &&
	    strcmp(visitor->user, reply->user) != 0)
		return SITE_NO_OTHER_USER;
	visitor->kind = VISITOR_TOKEN;
	memcpy(visitor->user, reply->user, sizeof(visitor->user));
	memcpy(visitor->token, reply->id, sizeof(visitor->token));
	return PASSED;
}

static void
on_answered(struct patd_question *question, const struct jp_reply *reply)
{
	struct visit *visit = REACTOR_OWNER(question, struct visit, question);
	enum site_no no = SITE_NO_UNAVAILABLE;

	switch (reply->verdict) {
	case JP_ACCEPT:
		no = become(&visit->visitor, reply);
		break;
	case JP_DENY:
	case JP_MAY: /* nobody asked for that */
		no = no_of_denial(reply->denial);
		break;
	case JP_UNAVAILABLE:
		break;
	}
	if (no == PASSED)
		run(visit);
	else
		refuse(visit, no);
}

void
serve_run(struct visit *visit)
{
	enum site_no no = read_body(visit);

	if (no != PASSED) {
		refuse(visit, no);
		return;
	}
	if ((visit->route->needs & ROUTE_PUBLIC) != 0)
		forget_visitor(visit);
	if (!visit->has_token) {
		run(visit);
		return;
	}
	visit->question.answered = on_answered;
	if (patd_link_ask(visit->site->link, &visit->question) != JP_ERR_OK)
		refuse(visit, SITE_NO_OVERLOAD);
}
