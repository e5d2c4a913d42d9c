/*
 * pat_httpd/authorizer/: what proxies ask: may this request pass?
 *
 * One request, from what a proxy says of it to the answer, whatever protocol it
 * came by. patd decides; here it is only read and classified.
 */
#ifndef PATHTTPD_AUTHORIZE_H
#define PATHTTPD_AUTHORIZE_H

#include "common/config/settings.h"
#include "pat_httpd/authorizer/answer.h"
#include "pat_httpd/base/patd_link.h"

/* The same for all: the settings and the way to patd. */
struct authorizer {
	const struct jp_settings *settings;
	struct patd_link *link;
	int64_t warn_ms; /* when a service without a rule may be logged again */
};

/* What a proxy asks. Its texts are those of the caller, closed by NUL; NULL:
 * absent. */
struct ask {
	const char *service;       /* from a fixed place; NULL: none is named */
	const char *authorization; /* its value, the first one */
	size_t authorizations;     /* how often it came */
	const char
	    *method;     /* of the original request, from one fixed source; */
	const char *uri; /* absent counts as a write */
	const char *address; /* the element that the trusted hop wrote; what is
	                        no literal address is from no network */
	bool ambiguous;      /* a field that is read came twice or misspelt */
	bool preflight;      /* it has what only a CORS preflight has */
	bool body;           /* a problem detail is asked for */
};

/* One request under way; it lies in the connection. */
struct authorization {
	struct patd_question question;
	struct answer answer;
	char service[JP_SERVICE_MAX + 1]; /* for the log */
	int64_t asked_ns;                 /* when, of jp_now_ns() */
	/* Called once, later than authorize(), with `answer` set. */
	void (*done)(struct authorization *authorization);
};

/*
 * True: `answer` is set at once, and `done` is not called. False: patd is asked
 * and `done` will be called. In both cases the caller clears the answer.
 */
bool authorize(struct authorizer *authorizer, const struct ask *ask,
    struct authorization *authorization);

/* The proxy has gone: `done` is not called any more. Clears everything. */
void authorize_forget(struct authorization *authorization);

/* Whether `name` is one of a service: 1 to JP_SERVICE_MAX of A-Za-z0-9._- */
bool authorize_service_valid(const char *name);

#endif
