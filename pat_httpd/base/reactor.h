/*
 * pat_httpd/base/: what all of pat-httpd stands on: the event loop, the way to
 * patd, the head of a request.
 *
 * The event loop: epoll(7), callbacks, and deadlines. One thread; nothing in
 * it waits.
 */
#ifndef PATHTTPD_REACTOR_H
#define PATHTTPD_REACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "common/base/err.h"

#define REACTOR_BATCH 64 /* events of one turn */

/* What a watch, a timer or a duty lies in. */
#define REACTOR_OWNER(pointer, type, member)                                   \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* A descriptor that is watched; it lies in what it belongs to. */
struct reactor_watch {
	int fd;
	/* `events` of epoll. It may end this watch and any other. */
	void (*ready)(struct reactor_watch *watch, uint32_t events);
};

/* A moment at which something is due; zeroed, it is not armed. */
struct reactor_timer {
	void (*due)(struct reactor_timer *timer);
	int64_t at_ms;                      /* of jp_now_ms() */
	struct reactor_timer *next, **link; /* `link` NULL: not armed */
};

/* What is done once a turn, behind its events: writes of several together. */
struct reactor_duty {
	void (*run)(struct reactor_duty *duty);
	struct reactor_duty *next;
	bool queued;
};

struct reactor {
	int epoll_fd;
	int64_t now_ms;  /* jp_now_ms() at the beginning of this turn */
	int64_t next_ms; /* no timer is due before; INT64_MAX: none is armed */
	struct reactor_timer *timers;
	struct reactor_duty *duties;
	struct epoll_event batch[REACTOR_BATCH];
	int batch_len, batch_at;
	bool stop; /* set by anybody: the loop ends behind this turn */
};

enum jp_err reactor_make(struct reactor *reactor);

void reactor_free(struct reactor *reactor);

/* epoll_ctl(2); false: it failed. */
bool reactor_add(
    struct reactor *reactor, struct reactor_watch *watch, uint32_t events);
bool reactor_change(
    struct reactor *reactor, struct reactor_watch *watch, uint32_t events);

/* Events of this turn that are still to come for it are dropped, so that it
 * may be freed. The descriptor stays open. */
void reactor_remove(struct reactor *reactor, struct reactor_watch *watch);

/* Arms it, or sets another time; it is disarmed before it is called. */
void reactor_arm(
    struct reactor *reactor, struct reactor_timer *timer, int64_t at_ms);
void reactor_disarm(struct reactor_timer *timer);

/* Runs it once, when the events of this turn are done. */
void reactor_later(struct reactor *reactor, struct reactor_duty *duty);

/* Until `stop`. */
enum jp_err reactor_run(struct reactor *reactor);

#endif
