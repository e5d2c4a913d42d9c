#include "patd/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "common/config/confine.h"
#include "common/sys/log.h"
#include "common/sys/daemon.h"
#include "common/base/clock.h"
#include "patd/accept.h"
#include "common/sys/notify.h"
#include "patd/questions.h"
#include "patd/sockets.h"

enum {
	EVENTS_MAX = 64,
	CALM_MS = 1000,  /* of sleep, where nothing is to be done */
	DRAIN_MS = 5000, /* for what is held at the end */
	WORD_MS = 500,   /* of these, for what operations say at last */
	END_MS = 1000,   /* for the threads, then */
	TICK_MS = 500,   /* between two looks at deadlines */
	REST_NS = 3000,  /* longer than epoll_wait(2) takes without sleeping */
	NS_PER_MS = 1000000,
};

/* ---- time and signals ---- */

/*
 * A bad file changes nothing: the old policy holds. What was proved is
 * forgotten in any case.
 */
static void
reload(struct loop *loop)
{
	struct jp_settings settings;
	struct jp_why why = { .text = "" };

	jp_notify_reloading();
	jp_memo_flush(loop->options->core->memo);
	jp_memo_flush(loop->options->core->wrong);
	jp_groups_flush(&loop->options->core->groups);
	(void)jp_upstream_keys_load(&loop->options->core->upstream, NULL, &why);
	if (jp_settings_load(loop->options->config, &settings, &why) ==
	    JP_ERR_OK) {
		jp_core_set_policy(loop->options->core, &settings.policy);
		admin_service_set_self(loop->admin, &settings.self);
		listeners_set_open(loop->options->listeners,
		    loop->options->settings->self_service ||
		        settings.self.configured);
		jp_log(LOG_INFO,
		    "settings: reloaded: the rules for tokens and for "
		    "[self_service] apply now; changes in [patd] need a "
		    "restart");
	} else {
		jp_log(LOG_ERR, "settings: not changed: %s", why.text);
	}
	jp_notify_ready();
}

static void
begin_stop(struct loop *loop)
{
	if (loop->stopping)
		return;
	accept_the_last(loop);
	loop->stopping = true;
	loop->stop_ms = jp_now_ms() + DRAIN_MS;
	jp_notify_stopping();
	jp_log(LOG_INFO, "stopping");
	listeners_close(loop->options->listeners);
	loop_each_conn(loop, questions_drain);
}

static void
on_signal(struct loop *loop)
{
	int number = jp_daemon_next_signal(loop->signal_fd);

	if (number == SIGHUP && !loop->stopping)
		reload(loop);
	else if (number != SIGHUP && number != 0)
		begin_stop(loop);
}

static void
tick(struct loop *loop, int64_t now)
{
	if (now < loop->tick_ms && now < loop->late_ms)
		return;
	loop->tick_ms = now + TICK_MS;
	loop->late_ms = INT64_MAX;
	loop_each_conn(loop, questions_look);
	decision_log_floods(&loop->floods, false);
	sockets_look(loop, now);
	if (loop->paused && !loop->stopping)
		loop->paused = !accept_watch(loop, EPOLL_CTL_MOD, EPOLLIN);
}

/* A sign of life for the service manager: it comes from here or not at all. */
static void
show_life(struct loop *loop, int64_t now)
{
	if (loop->watchdog_ms == 0 || now < loop->alive_ms)
		return;
	jp_notify_alive();
	loop->alive_ms = now + loop->watchdog_ms;
}

/* Milliseconds that the loop may sleep, if nothing happens. */
static int
sleep_ms(const struct loop *loop, int64_t now)
{
	int64_t until = now + CALM_MS;

	if (loop->conns.len > 0 || loop->paused || loop->stopping)
		until = now + TICK_MS;
	if (loop->watchdog_ms > 0 && loop->alive_ms < until)
		until = loop->alive_ms;
	if (loop->late_ms < until)
		until = loop->late_ms;
	return until > now ? (int)(until - now) : 0;
}

/* epoll_wait(2); one that comes back early with nothing does not spin. */
static int
wait_for_events(struct loop *loop, struct epoll_event *events, int64_t now)
{
	int ms = sleep_ms(loop, now);
	int count = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, ms);

	if (count == 0 && ms > 0)
		(void)jp_pause(now + ms);
	return count;
}

/* ---- start and end ---- */

static void
on_event(struct loop *loop, const struct epoll_event *event)
{
	uint64_t key = event->data.u64;

	if (key == LOOP_SIGNAL)
		on_signal(loop);
	else if (key == LOOP_DONE)
		questions_on_done(loop);
	else if (LOOP_LISTENER - key >= LISTENERS_MAX)
		questions_on_conn(loop, key, event->events);
	else if (!loop->stopping)
		accept_some(loop, LOOP_LISTENER - key);
}

static bool
is_over(const struct loop *loop)
{
	return loop->stopping &&
	       (loop->conns.busy == 0 || jp_now_ms() >= loop->stop_ms);
}

static enum jp_err
turn(struct loop *loop, struct jp_why *why)
{
	struct epoll_event events[EVENTS_MAX];
	int64_t now_ns = jp_now_ns();

	while (!is_over(loop)) {
		int count = wait_for_events(loop, events, now_ns / NS_PER_MS);

		if (count < 0 && errno != EINTR)
			return jp_why(why, jp_err_from_errno(errno),
			    "epoll_wait: %s", strerror(errno));
		loop->turn_ns = jp_now_ns();
		loop->rested = loop->turn_ns - now_ns > REST_NS;
		for (int i = 0; i < count; i++)
			on_event(loop, &events[i]);
		now_ns = jp_now_ns();
		tick(loop, now_ns / NS_PER_MS);
		show_life(loop, now_ns / NS_PER_MS);
		atomic_store(
		    &loop->options->core->stats.connections, loop->conns.len);
	}
	return JP_ERR_OK;
}

static bool
open_fds(struct loop *loop)
{
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->signal_fd = jp_daemon_signal_fd();
	loop->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return loop->epoll_fd >= 0 && loop->signal_fd >= 0 &&
	       loop->done_fd >= 0 &&
	       loop_watch(loop, EPOLL_CTL_ADD, loop->signal_fd, LOOP_SIGNAL,
	           EPOLLIN) &&
	       loop_watch(
	           loop, EPOLL_CTL_ADD, loop->done_fd, LOOP_DONE, EPOLLIN) &&
	       accept_watch(loop, EPOLL_CTL_ADD, EPOLLIN);
}

static enum jp_err
set_up(struct loop *loop, struct jp_why *why)
{
	const struct jp_settings *settings = loop->options->settings;
	enum jp_err err = JP_ERR_NOMEM;

	atomic_store(&loop->options->core->stats.started_at,
	    (uint64_t)jp_clock_now(&loop->options->core->clock));
	atomic_store(&loop->options->core->stats.max_connections,
	    settings->max_connections);
	if (!open_fds(loop))
		return jp_why(why, jp_err_from_errno(errno),
		    "cannot set up the event loop: %s", strerror(errno));
	if (conns_make(&loop->conns, settings->max_connections))
		err = admin_service_make(&loop->admin, loop->options->core,
		    loop->options->maintenance, settings);
	if (err == JP_ERR_OK)
		err = pool_start(&loop->pool, loop->options->core,
		    settings->workers,
		    settings->max_connections + CONNS_FURTHER_MAX,
		    loop->done_fd);
	if (err != JP_ERR_OK)
		return jp_why(
		    why, err, "cannot start the workers: %s", jp_err_text(err));
	jp_memo_lock_file(loop->options->core->memo); /* last: see there */
	return JP_ERR_OK;
}

static void
close_fds(struct loop *loop)
{
	const int fds[] = { loop->epoll_fd, loop->signal_fd, loop->done_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

enum jp_err
server_run(
    const struct server_options *options, bool *drained, struct jp_why *why)
{
	struct loop loop = { .options = options,
		.epoll_fd = -1,
		.signal_fd = -1,
		.done_fd = -1,
		.late_ms = INT64_MAX };
	enum jp_err err = set_up(&loop, why);
	int64_t deadline_ms;

	*drained = true;
	guesses_init(&loop.guesses);
	if (err == JP_ERR_OK)
		err = jp_confine_calls(
		    options->sandbox, JP_PROCESS_PATD, options->settings, why);
	if (err == JP_ERR_OK) {
		loop.watchdog_ms = jp_notify_watchdog_ms();
		jp_notify_ready();
		jp_log(LOG_INFO, "ready");
		err = turn(&loop, why);
		loop_each_conn(&loop, questions_end);
		decision_log_floods(&loop.floods, true);
	}
	listeners_close(options->listeners);
	pool_end_tasks(loop.pool);
	deadline_ms = loop.stopping ? loop.stop_ms : jp_now_ms();
	/* Commits that wait for other hosts end in time for their answers. */
	cluster_end_by(options->cluster, deadline_ms - WORD_MS);
	if (loop.admin != NULL)
		*drained = admin_service_stop(loop.admin, deadline_ms);
	/* Operations that have not ended may still ask for the workers. */
	if (*drained && pool_stop(loop.pool, jp_now_ms() + END_MS)) {
		close_fds(&loop);
	} else {
		jp_log(LOG_ERR, "the name service, or a disk, hangs: exiting "
		                "anyway");
		*drained = false;
	}
	conns_free(&loop.conns);
	return err;
}
