/*
 * One request of the site, from its head to the function of its route, whatever
 * protocol it came by.
 */
#ifndef PATHTTPD_SERVE_H
#define PATHTTPD_SERVE_H

#include "pat_httpd/self/visit.h"

/* Whether a request with this target, as it came, is one for the site. */
bool serve_has(const struct site *site, const char *target);

/* Whether that user may name others, on a Unix socket. */
bool serve_trusts(const struct site *site, uid_t uid);

/* What came; all is the caller's. */
struct serve_request {
	const struct http_head *head;
	enum jp_err err;    /* of reading it */
	const char *target; /* as it came, with the query */
	const struct jp_listener *listener;
	bool is_unix; /* and `uid` is the peer's */
	uid_t uid;
	bool old; /* HTTP/1.0 */
};

/*
 * Judges the head. If it is refused, the reply is there; else the body comes,
 * if it has one, and then serve_run().
 */
void serve_begin(struct visit *visit, const struct serve_request *request);

/* Bytes of a body that is too large, or not wanted, but read all the same. */
#define SITE_SKIPPED_MAX (1024U * 1024)

/* A body that is not wanted, after a refusal, comes all the same: false if
 * there is no room for what the library reads ahead. */
bool serve_may_skip(struct visit *visit);

/* A piece of the body. False: it is so large that the connection should end. */
bool serve_body(struct visit *visit, const char *bytes, size_t len);

/* The body has not come in time: the reply is there, if it was not before. */
void serve_late(struct visit *visit);

/* All has come. The reply is there at once, or comes later. */
void serve_run(struct visit *visit);

#endif
