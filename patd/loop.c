#include "patd/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "common/audit/audit.h"
#include "common/wire/client.h"
#include "common/sys/log.h"
#include "common/decide/usage.h"
#include "patd/admin_service.h"
#include "patd/answer.h"
#include "patd/conns.h"
#include "patd/mux_conn.h"
#include "patd/notify.h"
#include "patd/pool.h"

enum {
	EVENTS_MAX = 64,
	ACCEPTS_MAX = 64,    /* at the end, of each socket */
	QUESTION_MS = 2000,  /* for one answer */
	FIRST_MS = 5000,     /* until the first question */
	IDLE_MS = 30000,     /* until another one */
	CALM_MS = 1000,      /* of sleep, where nothing is to be done */
	SOCKETS_MS = 1000,   /* between two looks at the files of sockets */
	BACKLOG_MAX = 1024,  /* of a socket whose file is gone */
	DRAIN_MS = 5000,     /* for what is held at the end */
	END_MS = 1000,       /* for the threads, then */
	TICK_MS = 500,       /* between two looks at deadlines */
	LOG_PAUSE_MS = 1000, /* between two lines about refused connections */
	NS_PER_MS = 1000000,
	MS_PER_S = 1000,
};

/* What an event is about, if not a connection: above any conns key's place. */
#define KEY(n) ((uint64_t)UINT32_MAX << 32 | (UINT32_MAX - (n)))
#define KEY_SIGNAL KEY(0U)
#define KEY_DONE KEY(1U)
#define KEY_LISTENER KEY(2U) /* of the first; the others lie below */

struct loop {
	const struct loop_options *options;
	int epoll_fd, signal_fd, done_fd;
	struct conns conns;
	struct pool *pool;
	struct admin_service *admin;
	bool paused; /* no accept(2) for a tick: out of descriptors */
	bool stopping;
	int64_t turn_ns; /* jp_now_ns() at the beginning of this turn */
	int64_t stop_ms; /* when stopping ends at the latest */
	int64_t tick_ms; /* when deadlines are looked at next */
	int64_t late_ms; /* when the first answer is due; INT64_MAX: none */
	int64_t log_ms;  /* when a refusal may be logged again */
	unsigned int unlogged;
	struct jp_floods floods; /* of denials in the log */
	int64_t sockets_ms;      /* when the files of sockets are looked at */
	int watchdog_ms;         /* between two signs of life; 0: none */
	int64_t alive_ms;        /* when the next one is due */
};

/* ---- helpers ---- */

static bool
watch_fd(struct loop *loop, int op, int fd, uint64_t key, uint32_t events)
{
	struct epoll_event event = { .events = events, .data = { .u64 = key } };

	return epoll_ctl(loop->epoll_fd, op, fd, &event) == 0;
}

static uint64_t
key_of(const struct loop *loop, const struct conn *conn)
{
	return (uint64_t)conn->generation << 32 |
	       (uint64_t)(conn - loop->conns.at);
}

/* The same for a connection, which may be new to epoll. */
static bool
watch_conn(struct loop *loop, struct conn *conn, uint32_t events)
{
	int op = conn->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	conn->watched = true;
	return watch_fd(loop, op, conn->fd, key_of(loop, conn), events);
}

/* Refused connections could fill a log: one line a second tells of all. */
static void
log_refused(struct loop *loop, const char *reason, uid_t uid)
{
	int64_t now = jp_now_ms();

	atomic_fetch_add(&loop->options->core->stats.refused, 1);
	if (now < loop->log_ms) {
		loop->unlogged++;
		return;
	}
	jp_log(LOG_WARNING,
	    "refused a connection of uid %u: %s (and %u before)", (unsigned)uid,
	    reason, loop->unlogged);
	loop->log_ms = now + LOG_PAUSE_MS;
	loop->unlogged = 0;
}

/* ---- questions ---- */

/* Acceptances are for --debug; of a flood of others there are a few lines. */
static bool
has_line(struct loop *loop, uid_t uid, const struct jp_decision *decision)
{
	struct jp_flood ended;
	bool told;

	if (decision->verdict == JP_ACCEPT)
		return true;
	told = jp_flood_tell(&loop->floods, uid, decision->reason,
	    jp_now_ms() / MS_PER_S, &ended);
	answer_log_flood(&ended);
	return told;
}

/* The rest of the floods that are over, or of all. */
static void
log_floods(struct loop *loop, bool all)
{
	struct jp_flood ended;

	while (
	    jp_flood_next(&loop->floods, jp_now_ms() / MS_PER_S, all, &ended))
		answer_log_flood(&ended);
}

/* What is kept of a decision, also where its asker has gone. */
static void
keep(struct loop *loop, uid_t uid, const struct jp_request *request,
    const struct jp_decision *decision)
{
	if (has_line(loop, uid, decision))
		answer_log(request, decision, uid);
	jp_stats_decided(&loop->options->core->stats, decision->reason);
	if (decision->reason == JP_REASON_STORE)
		keeper_suspect(loop->options->keeper);
}

static enum jp_err
send_reply(
    const struct conn *conn, uint32_t seq, const struct jp_decision *decision)
{
	return conn->mux ? mux_send(conn->fd, decision->verdict)
	                 : answer_send(conn->fd, seq, decision);
}

/* Without a question: who speaks the saslauthd protocol still gets a no. */
static void
give_up(struct loop *loop, struct conn *conn)
{
	if (conn->mux)
		(void)mux_send(conn->fd, JP_UNAVAILABLE);
	conns_close(&loop->conns, conn);
}

/* Sends the answer; whoever does not take it, or nothing more, is closed. */
static void
answer(struct loop *loop, struct conn *conn, const struct jp_request *request,
    const struct jp_decision *decision)
{
	struct jp_core *core = loop->options->core;
	enum jp_err err = send_reply(conn, request->seq, decision);
	int64_t now_ns = jp_now_ns();

	jp_stats_answered(&core->stats, now_ns - conn->asked_ns);
	if (jp_usage_decided(core, request, decision))
		keeper_hurry(loop->options->keeper);
	conn->deadline_ms = now_ns / NS_PER_MS + IDLE_MS;
	if (err != JP_ERR_OK || loop->stopping || conn->mux || request->last)
		conns_close(&loop->conns, conn);
}

/* NULL if too many are under way. */
static struct pool_item *
make_item(struct loop *loop, const struct conn *conn,
    const struct jp_request *request)
{
	struct pool_item *item = pool_take(loop->pool);

	if (item == NULL)
		return NULL;
	item->conn = key_of(loop, conn);
	item->uid = conn->uid;
	item->deadline_ms = conn->asked_ns / NS_PER_MS + QUESTION_MS;
	memcpy(&item->request, request, sizeof(item->request));
	return item;
}

/*
 * Until the answer no other question is read from this connection; only its end
 * is still noticed.
 */
static void
make_busy(struct loop *loop, struct conn *conn, uint32_t seq)
{
	conn->seq = seq;
	conn->deadline_ms = conn->asked_ns / NS_PER_MS + QUESTION_MS;
	if (conn->deadline_ms < loop->late_ms)
		loop->late_ms = conn->deadline_ms;
	conns_busy(&loop->conns, conn, true);
	(void)watch_conn(loop, conn, 0);
}

/* Hands the question to a worker. */
static enum jp_reason
enqueue(struct loop *loop, struct conn *conn, const struct jp_request *request,
    const struct jp_decision *open)
{
	struct pool_item *item = make_item(loop, conn, request);
	enum jp_reason reason;

	if (item == NULL)
		return JP_REASON_OVERLOAD;
	reason = pool_submit(loop->pool, open, item);
	if (reason != JP_REASON_NONE) {
		pool_release(loop->pool, item);
		return reason;
	}
	make_busy(loop, conn, request->seq);
	return JP_REASON_NONE;
}

/*
 * Tells the audit trail what will be answered. Where that must have been
 * written first, the answer waits as it does for a worker, and the loop does
 * not: true.
 */
static bool
tell(struct loop *loop, struct conn *conn, const struct jp_request *request,
    struct jp_decision *decision)
{
	struct jp_audit *audit = loop->options->core->audit;
	enum jp_audit_answer told = JP_AUDIT_FAIL;
	struct pool_item *item;

	if (!jp_audit_waits(audit)) {
		(void)jp_audit_decision(
		    audit, request, decision, conn->uid, NULL, NULL);
		return false;
	}
	item = make_item(loop, conn, request);
	if (item != NULL) {
		item->decision = *decision;
		told = pool_tell(loop->pool, item);
	}
	if (told == JP_AUDIT_WAIT) {
		make_busy(loop, conn, request->seq);
		return true;
	}
	if (item != NULL)
		pool_release(loop->pool, item);
	if (told == JP_AUDIT_FAIL)
		jp_decision_refuse(decision, JP_REASON_AUDIT);
	return false;
}

/* What was decided here is told, kept and answered. */
static void
conclude(struct loop *loop, struct conn *conn, const struct jp_request *request,
    struct jp_decision *decision)
{
	if (tell(loop, conn, request, decision))
		return;
	keep(loop, conn->uid, request, decision);
	answer(loop, conn, request, decision);
}

static void
decide(struct loop *loop, struct conn *conn, const struct jp_request *request)
{
	struct jp_decision decision;

	conn->asked_ns = loop->turn_ns;
	jp_decide(loop->options->core, request, NULL, &decision);
	if (decision.reason == JP_REASON_NONE) {
		enum jp_reason reason = enqueue(loop, conn, request, &decision);

		if (reason == JP_REASON_NONE)
			return;
		jp_decision_refuse(&decision, reason);
	}
	conclude(loop, conn, request, &decision);
}

/*
 * What came is no question. A client of the saslauthd protocol is answered, and
 * that is a denial like others; in our own protocol it has no right to one.
 */
static void
refuse(struct loop *loop, struct conn *conn, enum jp_err err)
{
	struct jp_request request = { .front = JP_FRONT_MUX };
	struct jp_decision decision = { .verdict = JP_DENY };

	jp_log(LOG_DEBUG, "bad message of uid %u%s: %s", (unsigned)conn->uid,
	    conn->mux ? " on mux" : "", jp_err_name(err));
	if (!conn->mux) {
		conns_close(&loop->conns, conn);
		return;
	}
	conn->asked_ns = loop->turn_ns;
	jp_decision_refuse(&decision,
	    err == JP_ERR_NOMEM ? JP_REASON_MEMORY : JP_REASON_SHAPE);
	conclude(loop, conn, &request, &decision);
}

static enum jp_err
receive(struct conn *conn, struct jp_request *request)
{
	return conn->mux ? mux_receive(conn, request)
	                 : answer_receive(conn->fd, request);
}

static void
on_conn(struct loop *loop, uint64_t key, uint32_t events)
{
	struct conn *conn = conns_find(&loop->conns, key);
	struct jp_request request;
	enum jp_err err;

	if (conn == NULL)
		return;
	if (conn->busy) { /* only its end is reported: it may not come again */
		if (events & (EPOLLHUP | EPOLLERR))
			conns_close(&loop->conns, conn);
		return;
	}
	err = receive(conn, &request);
	if (err == JP_ERR_OK) {
		decide(loop, conn, &request);
		explicit_bzero(&request, sizeof(request));
	} else if (err != JP_ERR_TIMEOUT && err != JP_ERR_UNREACHABLE) {
		refuse(loop, conn, err);
	} else if (err == JP_ERR_UNREACHABLE || loop->stopping) {
		give_up(loop, conn);
	}
}

/* The same of what a worker has done. */
static bool
tell_item(struct loop *loop, struct pool_item *item)
{
	enum jp_audit_answer told = JP_AUDIT_GO;

	if (!item->told)
		told = pool_tell(loop->pool, item);
	if (told == JP_AUDIT_FAIL)
		jp_decision_refuse(&item->decision, JP_REASON_AUDIT);
	return told == JP_AUDIT_WAIT;
}

/* Has epoll watch a connection for another question, if it is still there. */
static void
listen_on(struct loop *loop, uint64_t key)
{
	struct conn *conn = conns_find(&loop->conns, key);

	if (conn != NULL && !conn->busy && !watch_conn(loop, conn, EPOLLIN))
		give_up(loop, conn);
}

/*
 * Whatever holds up the workers, the name service or the disk of the audit
 * trail: a client gets its answer in time.
 */
static void
answer_late(struct loop *loop, struct conn *conn)
{
	struct jp_decision decision = { .id = "" };
	enum jp_reason reason = JP_REASON_OVERLOAD;
	struct pool_item *item =
	    pool_leave(loop->pool, key_of(loop, conn), &reason);
	uint64_t key;

	if (item == NULL) {
		give_up(loop, conn);
		return;
	}
	memcpy(decision.id, item->id, sizeof(decision.id));
	jp_decision_refuse(&decision, reason);
	(void)jp_audit_decision(loop->options->core->audit, &item->request,
	    &decision, item->uid, NULL, NULL);
	keep(loop, item->uid, &item->request, &decision);
	conns_busy(&loop->conns, conn, false);
	conns_renew(conn);
	key = key_of(loop, conn);
	answer(loop, conn, &item->request, &decision);
	listen_on(loop, key);
}

/* What the workers have done; askers may have left meanwhile. */
static void
on_done(struct loop *loop)
{
	struct pool_item *item, *next;
	uint64_t count;

	(void)!read(loop->done_fd, &count, sizeof(count));
	for (item = pool_done(loop->pool); item != NULL; item = next) {
		struct conn *conn = conns_find(&loop->conns, item->conn);

		next = item->next;
		if (item->left) { /* answered, and told, before */
			pool_release(loop->pool, item);
			continue;
		}
		if (tell_item(loop, item))
			continue;
		keep(loop, item->uid, &item->request, &item->decision);
		if (conn != NULL) {
			conns_busy(&loop->conns, conn, false);
			answer(loop, conn, &item->request, &item->decision);
			listen_on(loop, item->conn);
		}
		pool_release(loop->pool, item);
	}
}

/* ---- connections ---- */

static void
add_asker(struct loop *loop, int fd, uid_t uid, size_t place)
{
	const struct loop_options *options = loop->options;
	bool mux = options->listeners->at[place].kind == LISTENER_MUX;
	const char *reason = NULL;
	struct conn *conn;
	uint64_t key;

	if (!peers_may_verify(options->peers, fd, uid))
		reason = "not allowed to ask";
	else if (loop->conns.len >= loop->conns.max)
		reason = "max_connections reached";
	else if (conns_of(&loop->conns, uid) >= options->settings->max_per_uid)
		reason = "max_per_uid reached";
	if (reason != NULL) {
		log_refused(loop, reason, uid);
		if (mux)
			(void)mux_send(fd, JP_UNAVAILABLE);
		(void)close(fd);
		return;
	}
	key = conns_add(&loop->conns, fd, uid, mux);
	conn = conns_find(&loop->conns, key);
	conn->deadline_ms = jp_now_ms() + FIRST_MS;
	conn->realm = jp_settings_realm(
	    options->settings, options->listeners->at[place].path);
	on_conn(loop, key, 0); /* the question is often there already */
	listen_on(loop, key);
}

static void
add_admin(struct loop *loop, int fd, uid_t uid)
{
	bool all = peers_may_administer(loop->options->peers, fd, uid);

	if (!all && !loop->options->settings->self_service) {
		log_refused(loop, "not an administrator", uid);
		(void)close(fd);
	} else if (admin_service_take(loop->admin, fd, uid,
	               all ? ADMIN_ALL : ADMIN_SELF) != JP_ERR_OK) {
		log_refused(loop, "too many at once on admin.sock", uid);
	}
}

/* Has epoll watch all listening sockets, or none (`events` 0). */
static bool
watch_listeners(struct loop *loop, int op, uint32_t events)
{
	const struct listeners *listeners = loop->options->listeners;
	bool done = true;

	for (size_t i = 0; i < LISTENERS_MAX; i++)
		if (listeners->at[i].fd >= 0)
			done &= watch_fd(loop, op, listeners->at[i].fd,
			    KEY_LISTENER - i, events);
	return done;
}

/*
 * No descriptor or no memory for another connection: it stays in the backlog
 * until the next tick. To try at once would only burn the processor.
 */
static void
on_accept_error(struct loop *loop, int errnum)
{
	switch (errnum) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		jp_log(LOG_ERR, "cannot accept: %s", strerror(errnum));
		loop->paused = watch_listeners(loop, EPOLL_CTL_MOD, 0);
		break;
	default:
		break;
	}
}

/* Whether somebody wanted to connect. */
static bool
take_one(struct loop *loop, size_t place)
{
	int listener = loop->options->listeners->at[place].fd;
	enum listener kind = loop->options->listeners->at[place].kind;
	int flags = SOCK_CLOEXEC | (kind == LISTENER_ADMIN ? 0 : SOCK_NONBLOCK);
	int fd = accept4(listener, NULL, NULL, flags);
	uid_t uid;

	if (fd < 0) {
		on_accept_error(loop, errno);
		return false;
	}
	if (!peers_uid(fd, &uid))
		(void)close(fd);
	else if (kind == LISTENER_ADMIN)
		add_admin(loop, fd, uid);
	else
		add_asker(loop, fd, uid, place);
	return true;
}

/*
 * One at a time: those behind it are there at the next turn, too, and to be
 * told that there is none costs nearly as much as to get one.
 */
static void
on_listener(struct loop *loop, size_t place)
{
	if (!loop->stopping)
		(void)take_one(loop, place);
}

/* ---- sockets whose file goes ---- */

/* Once, until there is something else to say. */
static void
say(struct loop *loop, size_t place, int priority, const struct jp_why *why)
{
	struct jp_why *said = &loop->options->listeners->at[place].said;

	if (strcmp(said->text, why->text) == 0)
		return;
	*said = *why;
	jp_log(priority, "sockets: %s", why->text);
}

/* Those who arrived before the file went are taken first. */
static void
bind_again(struct loop *loop, size_t place, struct jp_why *why)
{
	struct listeners *listeners = loop->options->listeners;
	int left = BACKLOG_MAX, old;

	while (left-- > 0 && take_one(loop, place))
		continue;
	if (listeners_again(listeners, place, loop->options->settings, &old,
	        why) != JP_ERR_OK)
		return;
	(void)close(old);
	(void)watch_fd(loop, EPOLL_CTL_ADD, listeners->at[place].fd,
	    KEY_LISTENER - place, EPOLLIN);
	(void)jp_why(why, JP_ERR_OK, "%s was gone: bound again",
	    listeners->at[place].path);
}

/*
 * Somebody removed the file of a socket, or its folder: nobody can reach patd
 * any more, who would not know. What belongs to somebody else stays.
 */
static void
look_at_socket(struct loop *loop, size_t place)
{
	struct listeners *listeners = loop->options->listeners;
	const char *path = listeners->at[place].path;
	struct jp_why why = { "" };

	switch (listeners_look(listeners, place)) {
	case LISTENER_FINE:
		listeners->at[place].said.text[0] = '\0';
		return;
	case LISTENER_REPLACED:
		(void)jp_why(&why, JP_ERR_EXISTS,
		    "%s is another file now, which is left alone: nobody "
		    "reaches patd there until it is removed",
		    path);
		break;
	case LISTENER_GONE:
		if (listeners->at[place].ours)
			bind_again(loop, place, &why);
		else
			(void)jp_why(&why, JP_ERR_MISSING,
			    "%s is gone, and the service manager made it: "
			    "restart its socket unit and patd",
			    path);
		break;
	}
	say(loop, place, LOG_ERR, &why);
}

static void
look_at_sockets(struct loop *loop, int64_t now)
{
	if (loop->stopping || now < loop->sockets_ms)
		return;
	loop->sockets_ms = now + SOCKETS_MS;
	for (size_t i = 0; i < LISTENERS_MAX; i++)
		if (loop->options->listeners->at[i].fd >= 0)
			look_at_socket(loop, i);
}

/* Who asked before patd was told to stop gets an answer. */
static void
take_the_last(struct loop *loop)
{
	const struct listeners *listeners = loop->options->listeners;

	for (size_t i = 0; i < LISTENERS_MAX; i++) {
		int left = ACCEPTS_MAX;

		if (listeners->at[i].fd < 0 ||
		    listeners->at[i].kind == LISTENER_ADMIN)
			continue;
		while (left-- > 0 && take_one(loop, i))
			continue;
	}
}

/* ---- time and signals ---- */

/*
 * A bad file changes nothing: the old policy holds. What was proved is
 * forgotten in any case.
 */
static void
reload(struct loop *loop)
{
	struct jp_settings settings;
	struct jp_why why = { "" };

	notify_reloading();
	jp_memo_flush(loop->options->core->memo);
	jp_memo_flush(loop->options->core->wrong);
	jp_groups_flush(&loop->options->core->groups);
	if (jp_settings_load(loop->options->config, &settings, &why) ==
	    JP_ERR_OK) {
		jp_core_set_policy(loop->options->core, &settings.policy);
		jp_log(LOG_INFO, "settings: read again: the rules for tokens "
		                 "hold now, changes of [patd] need a restart");
	} else {
		jp_log(LOG_ERR, "settings: not changed: %s", why.text);
	}
	notify_ready();
}

/* Each open connection in turn; `visit` may close it. */
static void
each_conn(struct loop *loop, void (*visit)(struct loop *, struct conn *))
{
	for (size_t i = 0; i < loop->conns.max && loop->conns.len > 0; i++)
		if (loop->conns.at[i].fd >= 0)
			visit(loop, &loop->conns.at[i]);
}

/* A question that lies in the socket is still held; then it closes. */
static void
drain(struct loop *loop, struct conn *conn)
{
	if (!conn->busy)
		on_conn(loop, key_of(loop, conn), EPOLLIN);
}

static void
begin_stop(struct loop *loop)
{
	if (loop->stopping)
		return;
	take_the_last(loop);
	loop->stopping = true;
	loop->stop_ms = jp_now_ms() + DRAIN_MS;
	notify_stopping();
	jp_log(LOG_INFO, "stopping");
	listeners_close(loop->options->listeners);
	each_conn(loop, drain);
}

static void
on_signal(struct loop *loop)
{
	struct signalfd_siginfo info;

	while (read(loop->signal_fd, &info, sizeof(info)) ==
	       (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP && !loop->stopping)
			reload(loop);
		else if (info.ssi_signo != SIGHUP)
			begin_stop(loop);
	}
}

static void
close_if_late(struct loop *loop, struct conn *conn)
{
	if (jp_now_ms() < conn->deadline_ms) {
		if (conn->busy && conn->deadline_ms < loop->late_ms)
			loop->late_ms = conn->deadline_ms;
	} else if (conn->busy) {
		answer_late(loop, conn);
	} else {
		give_up(loop, conn);
	}
}

static void
tick(struct loop *loop)
{
	int64_t now = jp_now_ms();

	if (now < loop->tick_ms && now < loop->late_ms)
		return;
	loop->tick_ms = now + TICK_MS;
	loop->late_ms = INT64_MAX;
	each_conn(loop, close_if_late);
	log_floods(loop, false);
	look_at_sockets(loop, now);
	if (loop->paused && !loop->stopping)
		loop->paused = !watch_listeners(loop, EPOLL_CTL_MOD, EPOLLIN);
}

/* A sign of life for the service manager: it comes from here or not at all. */
static void
show_life(struct loop *loop)
{
	int64_t now = jp_now_ms();

	if (loop->watchdog_ms == 0 || now < loop->alive_ms)
		return;
	notify_alive();
	loop->alive_ms = now + loop->watchdog_ms;
}

/* Milliseconds that the loop may sleep, if nothing happens. */
static int
sleep_ms(const struct loop *loop)
{
	int64_t now = jp_now_ms();
	int64_t until = now + CALM_MS;

	if (loop->conns.len > 0 || loop->paused || loop->stopping)
		until = now + TICK_MS;
	if (loop->watchdog_ms > 0 && loop->alive_ms < until)
		until = loop->alive_ms;
	if (loop->late_ms < until)
		until = loop->late_ms;
	return until > now ? (int)(until - now) : 0;
}

/* ---- start and end ---- */

static void
on_event(struct loop *loop, const struct epoll_event *event)
{
	uint64_t key = event->data.u64;

	if (key == KEY_SIGNAL)
		on_signal(loop);
	else if (key == KEY_DONE)
		on_done(loop);
	else if (KEY_LISTENER - key < LISTENERS_MAX)
		on_listener(loop, KEY_LISTENER - key);
	else
		on_conn(loop, key, event->events);
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

	while (!is_over(loop)) {
		int count = epoll_wait(
		    loop->epoll_fd, events, EVENTS_MAX, sleep_ms(loop));

		if (count < 0 && errno != EINTR)
			return jp_why(why, jp_err_from_errno(errno),
			    "epoll_wait: %s", strerror(errno));
		loop->turn_ns = jp_now_ns();
		for (int i = 0; i < count; i++)
			on_event(loop, &events[i]);
		tick(loop);
		show_life(loop);
		atomic_store(
		    &loop->options->core->stats.connections, loop->conns.len);
	}
	return JP_ERR_OK;
}

static bool
open_fds(struct loop *loop)
{
	sigset_t signals;

	loop_signals(&signals);
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	loop->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return loop->epoll_fd >= 0 && loop->signal_fd >= 0 &&
	       loop->done_fd >= 0 &&
	       watch_fd(
	           loop, EPOLL_CTL_ADD, loop->signal_fd, KEY_SIGNAL, EPOLLIN) &&
	       watch_fd(
	           loop, EPOLL_CTL_ADD, loop->done_fd, KEY_DONE, EPOLLIN) &&
	       watch_listeners(loop, EPOLL_CTL_ADD, EPOLLIN);
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
		err = admin_service_make(
		    &loop->admin, loop->options->core, loop->options->keeper);
	if (err == JP_ERR_OK)
		err = pool_start(&loop->pool, loop->options->core,
		    settings->workers, settings->max_connections,
		    loop->done_fd);
	if (err != JP_ERR_OK)
		return jp_why(
		    why, err, "cannot start the workers: %s", jp_err_text(err));
	return JP_ERR_OK;
}

/* The bounded time is over: whoever still waits is told to come again. */
static void
turn_away(struct loop *loop, struct conn *conn)
{
	struct jp_decision decision = { .id = "" };

	if (conn->busy) {
		jp_decision_refuse(&decision, JP_REASON_STOPPING);
		(void)send_reply(conn, conn->seq, &decision);
		conns_close(&loop->conns, conn);
	} else {
		give_up(loop, conn);
	}
}

static void
close_fds(struct loop *loop)
{
	const int fds[] = { loop->epoll_fd, loop->signal_fd, loop->done_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

void
loop_signals(sigset_t *signals)
{
	(void)sigemptyset(signals);
	(void)sigaddset(signals, SIGTERM);
	(void)sigaddset(signals, SIGINT);
	(void)sigaddset(signals, SIGHUP);
}

enum jp_err
loop_run(const struct loop_options *options, bool *drained, struct jp_why *why)
{
	struct loop loop = { .options = options,
		.epoll_fd = -1,
		.signal_fd = -1,
		.done_fd = -1,
		.late_ms = INT64_MAX };
	enum jp_err err = set_up(&loop, why);
	int64_t deadline_ms;

	*drained = true;
	if (err == JP_ERR_OK) {
		loop.watchdog_ms = notify_watchdog_ms();
		notify_ready();
		jp_log(LOG_INFO, "ready");
		err = turn(&loop, why);
		each_conn(&loop, turn_away);
		log_floods(&loop, true);
	}
	listeners_close(options->listeners);
	deadline_ms = loop.stopping ? loop.stop_ms : jp_now_ms();
	if (loop.admin != NULL)
		*drained = admin_service_stop(loop.admin, deadline_ms);
	if (pool_stop(loop.pool, jp_now_ms() + END_MS)) {
		close_fds(&loop);
	} else {
		jp_log(LOG_ERR, "the name service, or a disk, hangs: leaving "
		                "all the same");
		*drained = false;
	}
	conns_free(&loop.conns);
	return err;
}
