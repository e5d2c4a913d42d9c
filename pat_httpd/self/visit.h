/*
 * A visit from the inside, for the frame: parts know it by site.h alone.
 */
#ifndef PATHTTPD_VISIT_H
#define PATHTTPD_VISIT_H

#include "pat_httpd/base/admin_link.h"
#include "pat_httpd/base/patd_link.h"
#include "pat_httpd/self/form.h"
#include "pat_httpd/self/site.h"

/* Bytes of the bodies of all visits: what is more is refused. */
#define SITE_BODIES_MAX (4U * 1024 * 1024)

/* What all visits share. */
struct site {
	const struct jp_settings *settings;
	const struct jp_clock *clock;
	struct patd_link *link;   /* judges tokens */
	struct admin_link *admin; /* does what is asked for */
	size_t trusted_len;       /* who may name a user */
	uid_t trusted[JP_LIST_MAX];
	size_t body_bytes; /* of all visits */
	struct self_counts counts;
	int64_t log_ms; /* when a forged header may be logged again */
	unsigned int unlogged;
};

enum {
	VISIT_HEADERS_MAX = 12,
	VISIT_PARAMS_MAX = 2,
	VISIT_PARAM_MAX = 64,
	VISIT_SEEN_MAX = 255,
	VISIT_METHOD_MAX = 15,
};

/* What a visit asks of admin.sock. */
struct visit_ask {
	struct admin_ask ask;
	struct visit *visit;
	void (*item)(struct visit *visit, const struct jp_admin_item *item);
	void (*ended)(
	    struct visit *visit, enum jp_err err, const struct jp_why *why);
	struct reactor_timer refused; /* armed: it could not be asked */
	enum jp_admin_op op;          /* of `ask`, whose request is cleared */
	bool counts;                  /* it is no dry run */
};

struct visit {
	struct site *site;
	void (*done)(struct visit *visit); /* it has been replied to */
	void *arg;                         /* of who set that */

	/* What is asked. */
	char method[VISIT_METHOD_MAX + 1];
	char target[SITE_TARGET_MAX + 1]; /* path, NUL, query */
	struct form query, form;
	const struct site_part *part;
	const struct route *route; /* NULL: none */
	size_t param_len;
	struct visit_param {
		const char *name; /* of the route, behind the colon */
		size_t name_len;
		char value[VISIT_PARAM_MAX + 1];
	} params[VISIT_PARAMS_MAX];
	char seen[VISIT_SEEN_COUNT][VISIT_SEEN_MAX + 1];

	/* Who asks. */
	struct visitor visitor;
	bool has_token; /* and `question` has it */
	struct patd_question question;

	/* The body; what is above a limit is not kept. */
	char *body;
	size_t body_len, body_cap; /* `body_cap` counts, also without `body` */
	bool excess;
	size_t dropped; /* bytes of it */
	json_t *json;

	/* What the part does. */
	struct visit_ask *ask; /* NULL: nothing was asked yet */
	void *state;
	size_t state_size;
	void (*state_end)(void *state);

	/* The answer. */
	bool replied;
	bool last; /* nothing behind its head is read */
	unsigned int status;
	const char *type;       /* NULL: it has no body */
	char *reply;            /* the visit's */
	const char *reply_text; /* the same, or a constant */
	size_t reply_len;
	size_t header_len;
	struct visit_header {
		char *name, *value;
	} headers[VISIT_HEADERS_MAX];
};

/* Nothing is known of it yet; NULL: no memory. */
struct visit *visit_make(struct site *site, void (*done)(struct visit *visit));

/* Whatever was asked is forgotten, and everything cleared. NULL is fine. */
void visit_free(struct visit *visit);

/* Its reply goes out: counts it. */
void visit_count(const struct visit *visit);

/* A part has run: if it neither replied nor asked, that is an error. */
void visit_check(struct visit *visit);

/*
 * Calls `add` with each field of the answer but Content-Length, until it says
 * false, which is returned.
 */
bool visit_each_header(const struct visit *visit,
    bool (*add)(void *arg, const char *name, const char *value), void *arg);

#endif
