/*
 * The connection to patd: one, kept open, with many questions under way. It is
 * made when it is needed, and again when patd was away.
 */
#ifndef PATHTTPD_PATD_LINK_H
#define PATHTTPD_PATD_LINK_H

#include "common/wire/verify.h"
#include "pat_httpd/base/reactor.h"

#define PATD_LINK_MAX 1024  /* questions under way */
#define PATD_LINK_WINDOW 64 /* of them at patd, which takes no more at once */
#define PATD_LINK_TIMEOUT_MS 3000 /* for each of them */

/* A question; it lies in what asks, and must stay there until it is answered
 * or forgotten. */
struct patd_question {
	struct jp_request request; /* set by who asks, but `seq` */

	/* Once; `reply` says JP_UNAVAILABLE where nobody answered in time. It
	 * holds secrets and is cleared when this returns. */
	void (*answered)(
	    struct patd_question *question, const struct jp_reply *reply);

	struct patd_link *link;             /* NULL: not under way */
	struct patd_question *next, **back; /* of those to be sent; `back` NULL:
	                                       it is not among them */
	struct reactor_timer timer;
	uint32_t place; /* in the table */
	bool sent,
	    again; /* it was sent on this connection; for the second time */
};

struct patd_link {
	struct reactor *reactor;
	char path[108];             /* of verify.sock */
	struct reactor_watch watch; /* `fd` -1: not connected */
	struct reactor_duty duty;
	struct patd_question *first, **last; /* to be sent */
	uint32_t round; /* makes `seq` differ from those of the place before */
	uint32_t free_len;
	uint32_t free_places[PATD_LINK_MAX];
	bool owed[PATD_LINK_MAX]; /* nobody waits for the answer to come */
	struct patd_question *at[PATD_LINK_MAX]; /* by place */
	size_t unanswered; /* of those that were sent, also of forgotten ones */
	int64_t logged_ms; /* when it was logged last that patd is away */
	bool late;         /* the last question was not answered in time */
};

/* `path` of at most 107 bytes. Nothing is connected yet. */
void patd_link_make(
    struct patd_link *link, struct reactor *reactor, const char *path);

/* All questions must have been forgotten. */
void patd_link_free(struct patd_link *link);

/*
 * Asks. `answered` is called later, never from here. JP_ERR_OVERLOAD: too many
 * are under way, nothing was asked.
 */
enum jp_err
patd_link_ask(struct patd_link *link, struct patd_question *question);

/* Nobody waits for it any more; fine for one that is not under way. Clears the
 * request. */
void patd_link_forget(struct patd_question *question);

/* Whether patd listens and answers, as far as is known; connects if need be. */
bool patd_link_healthy(struct patd_link *link);

#endif
