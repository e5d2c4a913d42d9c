/*
 * The connections of those who ask: a table of fixed size. Each is
 * named by a key that is never used again, so that an answer which comes late
 * finds that its asker has gone.
 *
 * A connection may have several questions under way. There is always room for
 * the first one; further ones share a bounded room, of which no user gets all.
 * Where it is used up they wait in their sockets.
 */
#ifndef PATD_CONNS_H
#define PATD_CONNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "common/wire/realm.h"
#include "patd/halves.h"

struct front;
struct pool_item;

#define CONN_PENDING_MAX 64     /* questions of one connection under way */
#define CONNS_FURTHER_MAX 512   /* of all, beyond the first of each */
#define CONNS_FURTHER_SHARE 128 /* of these, of one user */

struct conn {
	int fd;              /* -1: free */
	uint32_t generation; /* how often this place was taken */
	uint32_t next_free;
	uid_t uid;
	const struct front *front; /* the protocol that it speaks */
	bool watched;              /* by epoll, */
	uint32_t events;           /* for these */
	enum jp_realm realm;       /* what becomes of a realm in a user name */
	TAILQ_HEAD(, pool_item)
	pending; /* its questions that are with a
	            worker, the oldest first */
	size_t pending_len;
	bool alone;   /* no other one is read before the answer to the last */
	bool several; /* the last one was detailed, and more may be there */
	bool ends;    /* none at all: it closes with the last answer */
	int64_t asked_ns;    /* of jp_now_ns(): when the last one was read */
	bool held;           /* what jp_cluster_holds() said then */
	int64_t deadline_ms; /* of jp_now_ms(): for a question, or an answer */
	struct half *half;   /* the beginning of a question, or NULL */
	struct halves *halves; /* where there is room for one */
};

struct conns {
	size_t max, len, busy; /* busy: those with questions under way */
	size_t further;
	uint32_t first_free;
	struct conn *at;
	struct halves halves;
	size_t uid_len;
	struct {
		uid_t uid;
		size_t len, further;
	} * uids; /* those that have connections, or further questions */
};

/* Room for `max` connections. */
bool conns_make(struct conns *conns, size_t max);

/* Closes and frees all. */
void conns_free(struct conns *conns);

/* How many connections `uid` has. */
size_t conns_of(const struct conns *conns, uid_t uid);

/* Takes over `fd`; there must be room. */
uint64_t
conns_add(struct conns *conns, int fd, uid_t uid, const struct front *front);

/* NULL if that connection has gone. */
struct conn *conns_find(struct conns *conns, uint64_t key);

/* Whether one more of its questions may be under way. */
bool conns_have_room(const struct conns *conns, const struct conn *conn);

/*
 * `item` is under way for it; until conns_release() of its user it takes room,
 * if it is a further one.
 */
void conns_add_pending(
    struct conns *conns, struct conn *conn, struct pool_item *item);

/* It was answered. */
void conns_drop_pending(
    struct conns *conns, struct conn *conn, struct pool_item *item);

/* The room that a further question of `uid` took is free. */
void conns_release(struct conns *conns, uid_t uid);

void conns_close(struct conns *conns, struct conn *conn);

#endif
