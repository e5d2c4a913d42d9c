/*
 * pat_httpd/: the protocols that proxies speak, and who may come in.
 *
 * The connections of proxies, whatever protocol they speak: how many there are,
 * in all and of each user, and their end.
 */
#ifndef PATHTTPD_PROXY_CONNS_H
#define PATHTTPD_PROXY_CONNS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/config/acl.h"
#include "pat_httpd/authorizer/authorize.h"
#include "pat_httpd/base/reactor.h"
#include "pat_httpd/counts.h"
#include "pat_httpd/self/visit.h"

struct http;
struct jp_listener;

/* The user of a peer that the kernel does not name: one that came over TCP. */
#define PROXY_NO_UID ((uid_t)-1)

/*
 * Connections that read the metrics, at most. They count apart, beside the
 * limits: that there is no more room is a thing to be read.
 */
#define PROXY_WATCHERS_MAX 8U

/* What they have in common; it lies in the connection of a protocol. */
struct proxy_conn {
	struct proxy_conns *conns;
	struct proxy_conn *next, **link;
	uid_t uid;
	bool watches; /* it reads the metrics */

	/* The process is about to end: closes it, at once or when what it asked
	 * is answered. */
	void (*drain)(struct proxy_conn *conn);

	/* Closes it now. */
	void (*end)(struct proxy_conn *conn);
};

struct proxy_conns {
	size_t max, max_per_uid; /* limits */
	size_t len;
	size_t most; /* there were since memory was last given back */
	size_t watchers;
	struct proxy_conn *first;
	bool draining;
	void (*drained)(struct proxy_conns *conns); /* the last one has gone */
	int64_t log_ms; /* when a refusal may be logged again */
	unsigned int unlogged;
	size_t uid_len;
	struct proxy_conns_of_uid {
		uid_t uid;
		size_t len;
	} * uids; /* those that have connections */
};

/* What the connections of all protocols share. */
struct service {
	struct reactor reactor;
	struct patd_link link;
	struct authorizer authorizer;
	struct admin_link admin;
	struct site site;
	const struct jp_acl *acl;
	struct proxy_conns conns;
	struct counts counts;
	struct http *http; /* the library of that protocol */
};

/*
 * A protocol: it takes over the descriptor, which does not block, of a peer
 * that may ask; there is room. Out of memory, it closes it.
 */
typedef void proxy_take(struct service *service, int fd, uid_t uid,
    const struct jp_listener *listener);

/* What a peer hears that may not come in: 403, or 503 if there is no room. One
 * try; the descriptor stays open. */
typedef void proxy_refuse(int fd, enum answer_kind kind);

/* Limits of at least 1; `drained` is called from proxy_conns_drain() at the
 * soonest. JP_ERR_NOMEM. */
enum jp_err
proxy_conns_make(struct proxy_conns *conns, size_t max, size_t max_per_uid);

/* All have been removed. */
void proxy_conns_free(struct proxy_conns *conns);

/* Why `uid` may have none more, of those that watch or the others; NULL: it
 * may. */
const char *
proxy_conns_objection(const struct proxy_conns *conns, uid_t uid, bool watches);

/* Counts it; `uid`, `watches`, `drain` and `end` are set. */
void proxy_conns_add(struct proxy_conns *conns, struct proxy_conn *conn);

/* It has been closed. */
void proxy_conns_remove(struct proxy_conn *conn);

/* Logs why somebody was refused: at most one line a second. */
void proxy_conns_log_refused(
    struct proxy_conns *conns, uid_t uid, const char *reason);

/* Drains all of them. */
void proxy_conns_drain(struct proxy_conns *conns);

/* Ends all of them. */
void proxy_conns_end(struct proxy_conns *conns);

#endif
