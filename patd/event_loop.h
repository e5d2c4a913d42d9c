/*
 * The event loop: epoll(7), the connections that it watches, and what all parts
 * of the server share. Everything here happens in one thread, which never
 * hashes and never waits for a client.
 */
#ifndef PATD_EVENT_LOOP_H
#define PATD_EVENT_LOOP_H

#include "common/decide/core.h"
#include "patd/admin_service.h"
#include "patd/conns.h"
#include "patd/decision_log.h"
#include "patd/guesses.h"
#include "patd/listeners.h"
#include "patd/maintenance.h"
#include "common/config/acl.h"
#include "patd/pool.h"
#include "patd/server.h"

/* What an event is about, if not a connection: above any conns key's place. */
#define LOOP_KEY(n) ((uint64_t)UINT32_MAX << 32 | (UINT32_MAX - (n)))
#define LOOP_SIGNAL LOOP_KEY(0U)
#define LOOP_DONE LOOP_KEY(1U)
#define LOOP_LISTENER LOOP_KEY(2U) /* of the first; the others lie below */

struct loop {
	const struct server_options *options;
	int epoll_fd, signal_fd, done_fd;
	struct conns conns;
	struct pool *pool;
	struct admin_service *admin;
	bool paused; /* no accept(2) for a tick: out of descriptors */
	bool stopping;
	int64_t turn_ns; /* jp_now_ns() at the beginning of this turn */
	bool rested;     /* before it, for there was nothing to do */
	int64_t stop_ms; /* when stopping ends at the latest */
	int64_t tick_ms; /* when deadlines are looked at next */
	int64_t late_ms; /* when the first answer is due; INT64_MAX: none */
	int64_t log_ms;  /* when a refusal may be logged again */
	unsigned int unlogged;
	struct jp_floods floods; /* of denials in the log */
	struct jp_throttle guesses;
	int64_t sockets_ms; /* when the files of sockets are looked at */
	int watchdog_ms;    /* between two signs of life; 0: none */
	int64_t alive_ms;   /* when the next one is due */
};

/* epoll_ctl(2); false: it failed. */
bool
loop_watch(struct loop *loop, int op, int fd, uint64_t key, uint32_t events);

/* The same for a connection, which may be new to epoll. */
bool loop_watch_conn(struct loop *loop, struct conn *conn, uint32_t events);

/* The key of a connection, in events and in the pool. */
uint64_t loop_key_of(const struct loop *loop, const struct conn *conn);

/* Each open connection in turn; `visit` may close it. */
void loop_each_conn(
    struct loop *loop, void (*visit)(struct loop *loop, struct conn *conn));

#endif
