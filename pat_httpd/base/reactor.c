#include "pat_httpd/base/reactor.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"

enum jp_err
reactor_make(struct reactor *reactor)
{
	memset(reactor, 0, sizeof(*reactor));
	reactor->now_ms = jp_now_ms();
	reactor->next_ms = INT64_MAX;
	reactor->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return reactor->epoll_fd >= 0 ? JP_ERR_OK : jp_err_from_errno(errno);
}

void
reactor_free(struct reactor *reactor)
{
	(void)close(reactor->epoll_fd);
}

/* ---- descriptors ---- */

static bool
control(struct reactor *reactor, int op, struct reactor_watch *watch,
    uint32_t events)
{
	struct epoll_event event = { .events = events,
		.data = { .ptr = watch } };

	return epoll_ctl(reactor->epoll_fd, op, watch->fd, &event) == 0;
}

bool
reactor_add(
    struct reactor *reactor, struct reactor_watch *watch, uint32_t events)
{
	return control(reactor, EPOLL_CTL_ADD, watch, events);
}

bool
reactor_change(
    struct reactor *reactor, struct reactor_watch *watch, uint32_t events)
{
	return control(reactor, EPOLL_CTL_MOD, watch, events);
}

void
reactor_remove(struct reactor *reactor, struct reactor_watch *watch)
{
	(void)control(reactor, EPOLL_CTL_DEL, watch, 0);
	for (int i = reactor->batch_at; i < reactor->batch_len; i++)
		if (reactor->batch[i].data.ptr == watch)
			reactor->batch[i].data.ptr = NULL;
}

static void
run_events(struct reactor *reactor)
{
	while (reactor->batch_at < reactor->batch_len) {
		const struct epoll_event *event =
		    &reactor->batch[reactor->batch_at++];
		struct reactor_watch *watch = event->data.ptr;

		if (watch != NULL)
			watch->ready(watch, event->events);
	}
}

/* ---- deadlines ---- */

void
reactor_disarm(struct reactor_timer *timer)
{
	if (timer->link == NULL)
		return;
	*timer->link = timer->next;
	if (timer->next != NULL)
		timer->next->link = timer->link;
	timer->link = NULL;
}

void
reactor_arm(struct reactor *reactor, struct reactor_timer *timer, int64_t at_ms)
{
	timer->at_ms = at_ms;
	if (at_ms < reactor->next_ms)
		reactor->next_ms = at_ms;
	if (timer->link != NULL)
		return;
	timer->next = reactor->timers;
	if (timer->next != NULL)
		timer->next->link = &timer->next;
	timer->link = &reactor->timers;
	reactor->timers = timer;
}

/* One that is due; NULL: none. */
static struct reactor_timer *
due_one(struct reactor *reactor)
{
	struct reactor_timer *timer = reactor->timers;

	while (timer != NULL && timer->at_ms > reactor->now_ms)
		timer = timer->next;
	return timer;
}

/*
 * Most are disarmed or moved before they are due, so they lie in no order: all
 * are looked at, but only when the earliest that was ever set has come.
 */
static void
run_timers(struct reactor *reactor)
{
	struct reactor_timer *timer;

	if (reactor->now_ms < reactor->next_ms)
		return;
	while ((timer = due_one(reactor)) != NULL) {
		reactor_disarm(timer);
		timer->due(timer);
	}
	reactor->next_ms = INT64_MAX;
	for (timer = reactor->timers; timer != NULL; timer = timer->next)
		if (timer->at_ms < reactor->next_ms)
			reactor->next_ms = timer->at_ms;
}

/* ---- turns ---- */

void
reactor_later(struct reactor *reactor, struct reactor_duty *duty)
{
	if (duty->queued)
		return;
	duty->queued = true;
	duty->next = reactor->duties;
	reactor->duties = duty;
}

static void
run_duties(struct reactor *reactor)
{
	struct reactor_duty *duty;

	while ((duty = reactor->duties) != NULL) {
		reactor->duties = duty->next;
		duty->queued = false;
		duty->run(duty);
	}
}

/* Milliseconds that epoll may wait; -1: as long as it likes. */
static int
patience(const struct reactor *reactor)
{
	int64_t ms = reactor->next_ms - jp_now_ms();

	if (reactor->duties != NULL)
		return 0;
	if (reactor->next_ms == INT64_MAX)
		return -1;
	return ms <= 0 ? 0 : ms < INT_MAX ? (int)ms : INT_MAX;
}

/* epoll_wait(2); one that comes back early with nothing does not spin. */
static int
wait_for_events(struct reactor *reactor)
{
	int ms = patience(reactor);
	int len =
	    epoll_wait(reactor->epoll_fd, reactor->batch, REACTOR_BATCH, ms);

	if (len == 0 && ms > 0)
		(void)jp_pause(reactor->next_ms);
	return len;
}

enum jp_err
reactor_run(struct reactor *reactor)
{
	int len;

	while (!reactor->stop) {
		len = wait_for_events(reactor);
		if (len < 0 && errno != EINTR)
			return jp_err_from_errno(errno);
		reactor->now_ms = jp_now_ms();
		reactor->batch_len = len > 0 ? len : 0;
		reactor->batch_at = 0;
		run_events(reactor);
		run_timers(reactor);
		run_duties(reactor);
	}
	return JP_ERR_OK;
}
