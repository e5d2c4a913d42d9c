/*
 * pat_httpd/self/: the page where users manage their own tokens, and Jira's
 * REST interface for them.
 *
 * The frame that both stand in: a visit is one request. The frame has judged
 * it before a part hears of it: its head, its origin, who it is, its body. A
 * part has a table of routes; the function of a route replies at once, or asks
 * patd and replies from a callback, always exactly once. What holds memory
 * belongs to the visit and is cleared with it, also when the client has gone.
 *
 * One thread; nothing here waits.
 */
#ifndef PATHTTPD_SITE_H
#define PATHTTPD_SITE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/admin/request.h"
#include "common/config/settings.h"
#include "pat_httpd/self/self_counts.h"
#include "pat_httpd/self/visitor.h"

#define SITE_BODY_MAX 16384  /* bytes of the body of a request */
#define SITE_TARGET_MAX 4096 /* bytes of a path with its query */

struct visit;

/* ---- routes ---- */

/* What a request needs before its route runs; or-ed. */
enum route_needs {
	ROUTE_USER = 0,   /* a visitor, of whatever kind its part takes */
	ROUTE_PUBLIC = 1, /* nobody: it shows nothing of anybody */
	ROUTE_FORM = 2,   /* a body that is a form; 415 for another one */
	ROUTE_JSON = 4,   /* a body that is JSON, the same */
	ROUTE_BODY_OPTIONAL = 8, /* none at all is fine as well */
	ROUTE_FRESH = 16, /* a login that is younger than max_auth_age; only
	                     one by the single sign-on can be too old */
	ROUTE_STAFF =
	    32, /* behalf.staff is set; patd decides whether it is so */
};

/*
 * One row. `path` is compared by segments, behind the prefixes of the part;
 * ":name" takes one segment of 1 to 64 characters A-Za-z0-9._~- which is then
 * visit_param("name"). Of two rows that fit, the first counts, so
 * "/tokens/new" stands in front of "/tokens/:id". One slash behind the path is
 * fine. GET serves HEAD as well; a path without the method is 405 with Allow.
 */
struct route {
	const char *method;
	const char *path;
	unsigned int needs; /* of enum route_needs */
	void (*run)(struct visit *visit);
	const char *lists; /* names of fields that may come more than once,
	                      with a blank between; NULL: none */
};

/*
 * X(CODE, status, id, text): what the frame refuses, and a part may with
 * visit_refuse(). The id is for programs, and for data-error.
 */
#define SITE_NO_LIST(X)                                                        \
	X(BAD_REQUEST, 400, "bad-request", "The request is malformed.")        \
	X(BAD_FORM, 400, "bad-form",                                           \
	    "The form is malformed, or has a field twice.")                    \
	X(BAD_JSON, 400, "bad-json",                                           \
	    "The body is not JSON, or has a key twice.")                       \
	X(BAD_QUERY, 400, "bad-query",                                         \
	    "The query is malformed, or has a field twice.")                   \
	X(LEAKED, 400, "token-in-address",                                     \
	    "The address has a token in it, and addresses are logged: revoke " \
	    "that token.")                                                     \
	X(NO_LOGIN, 401, "login-needed",                                       \
	    "Nobody is signed in: send Basic USER:TOKEN or Bearer TOKEN.")     \
	X(BAD_LOGIN, 401, "bad-credentials",                                   \
	    "The credentials are malformed: send Basic USER:TOKEN or Bearer "  \
	    "TOKEN, once.")                                                    \
	X(BAD_TOKEN, 401, "bad-token", "The token is not valid.")              \
	X(FORGED, 403, "forged-header",                                        \
	    "A header that only the single sign-on may set came from "         \
	    "somebody else.")                                                  \
	X(AMBIGUOUS, 403, "ambiguous-header",                                  \
	    "A header came twice, in another spelling, or with a value that "  \
	    "is none.")                                                        \
	X(CROSS_SITE, 403, "cross-site",                                       \
	    "The request comes from another site, or does not say from "       \
	    "where.")                                                          \
	X(OTHER_USER, 403, "other-user",                                       \
	    "The token is not one of the user who is signed in.")              \
	X(OLD_LOGIN, 403, "login-again",                                       \
	    "The sign-on is too long ago for this: sign in again.")            \
	X(NO_AUTH_TIME, 403, "login-time-unknown",                             \
	    "The single sign-on does not say when you signed in.")             \
	X(FORBIDDEN, 403, "not-allowed", "This is not allowed.")               \
	X(NOT_FOUND, 404, "not-found", "There is nothing here.")               \
	X(METHOD, 405, "bad-method",                                           \
	    "The method cannot be used here: see Allow.")                      \
	X(SLOW, 408, "too-slow", "The body did not come in time.")             \
	X(TOO_LARGE, 413, "too-large", "The body is larger than 16 KiB.")      \
	X(TARGET, 414, "long-path", "The path is longer than 4 KiB.")          \
	X(TYPE, 415, "bad-type",                                               \
	    "The Content-Type is not application/json, or for a form "         \
	    "application/x-www-form-urlencoded.")                              \
	X(HEAD, 431, "large-head", "The header is larger than 16 KiB.")        \
	X(THROTTLED, 429, "throttled", "Too many wrong tokens.")               \
	X(INTERNAL, 500, "internal", "Something went wrong here.")             \
	X(UNAVAILABLE, 503, "unavailable", "patd does not answer: try again.") \
	X(OVERLOAD, 503, "overload", "Too many requests at once: try again.")

enum site_no {
#define SITE_NO_ENUM(code, status, id, text) SITE_NO_##code,
	SITE_NO_LIST(SITE_NO_ENUM)
#undef SITE_NO_ENUM
	    SITE_NO_COUNT,
};

unsigned int site_no_status(enum site_no no);
const char *site_no_id(enum site_no no);
const char *site_no_text(enum site_no no);

/*
 * A part of the site: its routes, and how it refuses. page.h and rest.h each
 * declare one, page_part and rest_part; site.c lists both.
 */
struct site_part {
	const char *root; /* it and all below is of this part, if only to say
	                     that nothing is there */
	const char *const *prefixes; /* of all its paths; NULL behind the last;
	                                "" is none */
	const struct route *routes;
	size_t len;
	enum visitor_takes takes; /* the kinds of visitor, and whose credentials
	                             count if it has both */
	enum self_part counted;   /* as what its replies are counted */
	bool needs_origin; /* an unsafe request says where it comes from; false:
	                      one that says nothing comes from no browser */

	/*
	 * Replies with a refusal in its own form. Allow and Retry-After have
	 * been set, what else goes with its status has not. It may be called
	 * before anything about the visitor is known.
	 */
	void (*refuse)(struct visit *visit, enum site_no no);
};

/* ---- what the visit is ---- */

const char *visit_method(const struct visit *visit);

/* Its path as it came, without the query. */
const char *visit_path(const struct visit *visit);

/*
 * Whether the login is young enough for what makes a token: SITE_NO_COUNT, or
 * why it is not. For a part that then shows its form again, in place of
 * ROUTE_FRESH.
 */
enum site_no visit_login_age(const struct visit *visit);

/* Who it is; `kind` VISITOR_NONE on a ROUTE_PUBLIC, and in refuse(). */
const struct visitor *visit_visitor(const struct visit *visit);

/* The segment of ":NAME"; never NULL, "" is no segment. */
const char *visit_param(const struct visit *visit, const char *name);

/* A field of the query; NULL: it has none. One that comes twice was refused. */
const char *visit_query(const struct visit *visit, const char *name);

/* The same of the form. */
const char *visit_field(const struct visit *visit, const char *name);

/* All fields of a name among the route's `lists`; how many, at most `max`. */
size_t visit_fields(const struct visit *visit, const char *name,
    const char *values[], size_t max);

/* The body, parsed, with JSON_REJECT_DUPLICATES; the visit's. NULL: none came,
 * on a ROUTE_BODY_OPTIONAL. */
json_t *visit_json(const struct visit *visit);

/* X(CODE, name): other fields of the head that parts read. The first one, if it
 * came twice. */
#define VISIT_SEEN_LIST(X)                                                     \
	X(ACCEPT, "Accept")                                                    \
	X(LANGUAGE, "Accept-Language")                                         \
	X(HOST, "Host")                                                        \
	X(IF_NONE_MATCH, "If-None-Match")

enum visit_seen {
#define VISIT_SEEN_ENUM(code, name) VISIT_SEEN_##code,
	VISIT_SEEN_LIST(VISIT_SEEN_ENUM)
#undef VISIT_SEEN_ENUM
	    VISIT_SEEN_COUNT,
};

/* Never NULL; "": it has none, or one of more than 255 bytes. */
const char *visit_seen(const struct visit *visit, enum visit_seen seen);

const struct jp_settings *visit_settings(const struct visit *visit);

/* The time of day, in seconds since 1970. */
int64_t visit_now(const struct visit *visit);

/*
 * Zeroed memory for what a part gathers, as long as the visit lives; one piece,
 * the same at every call. `end`, if not NULL, frees what it holds, once, and
 * then it is cleared. NULL: no memory.
 */
void *visit_state(struct visit *visit, size_t size, void (*end)(void *state));

/* ---- what it asks of patd ---- */

/*
 * The request to be sent next, zeroed but for `op`, and `behalf`, which says
 * who the visitor is; the part sets the rest. NULL: no memory, and the visit
 * has been refused.
 */
struct jp_admin_request *
visit_request(struct visit *visit, enum jp_admin_op op);

/*
 * Sends it; one at a time, another one from `ended` at the soonest. Both are
 * called later, never from here. `item`, NULL if there is nothing to see, gets
 * each item, which is cleared when it returns. `ended` is called once, with
 * JP_ERR_OK or what patd says; JP_ERR_UNREACHABLE, JP_ERR_TIMEOUT,
 * JP_ERR_OVERLOAD if it cannot be asked, JP_ERR_PROTOCOL, JP_ERR_NEWER if it
 * is of another version. Neither is called when the client has gone: patd then
 * takes back what it was making.
 */
void visit_ask(struct visit *visit,
    void (*item)(struct visit *visit, const struct jp_admin_item *item),
    void (*ended)(
        struct visit *visit, enum jp_err err, const struct jp_why *why));

/* The refusal for an error that is patd's or of the way to it; SITE_NO_COUNT:
 * it is about what was asked. */
enum site_no visit_no_of(enum jp_err err);

/* ---- what it answers ---- */

/*
 * A field of the answer, in front of visit_reply(): text without line ends,
 * copied; at most 12. Those that every answer has need not be set
 * (Cache-Control: no-store, unless it is set here; Content-Security-Policy and
 * the like); Content-Type and Content-Length never.
 */
void visit_header(struct visit *visit, const char *name, const char *value);

/*
 * Replies. `body` is from malloc(3) and is taken over in all cases; it is
 * overwritten once it has been sent. NULL: no body. `type` is a constant; NULL
 * without body.
 */
void visit_reply(struct visit *visit, unsigned int status, const char *type,
    char *body, size_t len);

/* The same with a constant. */
void visit_reply_static(struct visit *visit, unsigned int status,
    const char *type, const char *body, size_t len);

/* 303 to a path of this site, or to a URL of the configuration. */
void visit_redirect(struct visit *visit, const char *path);

/* Replies with a refusal in the form of its part. */
void visit_refuse(struct visit *visit, enum site_no no);

#endif
