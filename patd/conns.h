/*
 * The connections of those who ask: a table of fixed size. Each is
 * named by a key that is never used again, so that an answer which comes late
 * finds that its asker has gone.
 */
#ifndef PATD_CONNS_H
#define PATD_CONNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/wire/realm.h"

struct front;

struct conn {
	int fd;              /* -1: free */
	uint32_t generation; /* how often this place was taken */
	uint32_t next_free;
	uid_t uid;
	const struct front *front; /* the protocol that it speaks */
	bool watched;              /* by epoll */
	enum jp_realm realm;       /* what becomes of a realm in a user name */
	bool busy;                 /* its question is with a worker */
	uint32_t seq;              /* of that question */
	bool detailed;             /* that question */
	int64_t asked_ns;    /* of jp_now_ns(): when that question was read */
	int64_t deadline_ms; /* of jp_now_ms(): for a question, or an answer */
	uint8_t *held;       /* the beginning of a question, or NULL */
	size_t held_len;
};

struct conns {
	size_t max, len, busy;
	uint32_t first_free;
	struct conn *at;
	size_t uid_len;
	struct {
		uid_t uid;
		size_t len;
	} * uids; /* those that have connections */
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

void conns_busy(struct conns *conns, struct conn *conn, bool busy);

/* Gives it another key: what comes for the old one finds nobody. */
void conns_renew(struct conn *conn);

void conns_close(struct conns *conns, struct conn *conn);

#endif
