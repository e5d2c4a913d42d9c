/*
 * The way to patd's admin.sock: a few connections, kept open, each with one
 * request under way; what does not fit waits. They are made when they are
 * needed, and again when patd was away.
 */
#ifndef PATHTTPD_ADMIN_LINK_H
#define PATHTTPD_ADMIN_LINK_H

#include "common/admin/wire.h"
#include "pat_httpd/base/reactor.h"

#define ADMIN_LINK_CONNS 4
#define ADMIN_LINK_WAITING_MAX 64
#define ADMIN_LINK_TIMEOUT_MS                                                  \
	10000 /* for each request, also while it waits                         \
	       */

/* A request; it lies in what asks, and must stay there until it has ended or
 * was forgotten. */
struct admin_ask {
	struct jp_admin_request
	    request; /* set by who asks; cleared behind it */

	/* Each item, in order, which is cleared when this returns. It may
	 * forget the request. NULL: nobody wants to know. */
	void (*item)(struct admin_ask *ask, const struct jp_admin_item *item);

	/*
	 * Once, with what patd says, or JP_ERR_UNREACHABLE, JP_ERR_TIMEOUT, or
	 * JP_ERR_PROTOCOL and JP_ERR_NEWER from a patd of another version. The
	 * request is then no longer under way: it may be freed, or asked anew.
	 */
	void (*ended)(struct admin_ask *ask, enum jp_err result,
	    const struct jp_why *why);

	struct admin_link *link; /* NULL: not under way */
	struct admin_conn *conn; /* that it was sent on; NULL: it waits */
	struct admin_ask *next, **back; /* of those that wait */
	struct reactor_timer timer;
	bool heard; /* an item has come */
};

struct admin_link {
	struct reactor *reactor;
	char path[108];     /* of admin.sock */
	int64_t timeout_ms; /* for each request; whoever made it may raise it */
	struct reactor_duty duty;
	struct reactor_timer pause; /* armed: patd had no room for us */
	size_t waiting;
	struct admin_ask *first, **last; /* those that wait */
	struct admin_conn {
		struct admin_link *link;
		struct reactor_watch watch; /* `fd` -1: not connected */
		struct reactor_timer idle;
		struct admin_ask *ask; /* under way; NULL: none */
	} conns[ADMIN_LINK_CONNS];
	int64_t logged_ms; /* when it was last logged that patd is away */

	/* One message at a time goes through here. */
	struct jp_admin_item item;
	uint8_t bytes[JP_ADMIN_MSG_MAX];
};

/* `path` of at most 107 bytes. Nothing is connected yet. */
void admin_link_make(
    struct admin_link *link, struct reactor *reactor, const char *path);

/* All requests have been forgotten. */
void admin_link_free(struct admin_link *link);

/*
 * Asks. Both callbacks come later, never from here. JP_ERR_OVERLOAD: too many
 * wait, nothing was asked; the request is cleared all the same.
 */
enum jp_err admin_link_ask(struct admin_link *link, struct admin_ask *ask);

/*
 * Nobody waits for it any more; fine for one that is not under way. If it is at
 * patd, its connection is closed, so that patd takes back the secret that it
 * was about to hand out. Clears the request.
 */
void admin_link_forget(struct admin_ask *ask);

#endif
