#include "patd/questions.h"

#include <string.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <unistd.h>

#include "common/audit/audit.h"
#include "common/decide/usage.h"
#include "common/sys/log.h"
#include "common/base/clock.h"

enum {
	QUESTION_MS = 2000, /* for one answer */
	IDLE_MS = 30000,    /* until another one */
	BURST_MAX = 8,      /* of a connection, before others get their turn */
	NS_PER_MS = 1000000,
};

/* What is kept of a decision, also where its asker has gone. */
static void
keep(struct loop *loop, uid_t uid, const struct jp_request *request,
    const struct jp_decision *decision)
{
	decision_log_add(&loop->floods, request, decision, uid);
	jp_stats_decided(&loop->options->core->stats, decision->reason);
	if (decision->reason == JP_REASON_STORE)
		maintenance_suspect(loop->options->maintenance);
}

void
questions_turn_away(const struct front *front, int fd)
{
	static const struct jp_request none;
	struct jp_decision decision = { .verdict = JP_UNAVAILABLE };

	if (front->answers_all)
		(void)front->send(fd, &none, &decision, NULL);
}

/* Without an answer. */
static void
give_up(struct loop *loop, struct conn *conn)
{
	questions_turn_away(conn->front, conn->fd);
	conns_close(&loop->conns, conn);
}

/* Whether another question may be read from it now. */
static bool
may_ask(const struct loop *loop, const struct conn *conn)
{
	return !conn->alone && !conn->ends &&
	       conns_have_room(&loop->conns, conn);
}

/* Its end is noticed in any case. */
static bool
listen_for_more(struct loop *loop, struct conn *conn)
{
	return loop_watch_conn(loop, conn, may_ask(loop, conn) ? EPOLLIN : 0);
}

/* The next answer is due, or the next question. */
static void
set_deadline(struct loop *loop, struct conn *conn, int64_t now_ms)
{
	const struct pool_item *oldest = TAILQ_FIRST(&conn->pending);

	if (oldest == NULL) {
		conn->deadline_ms = now_ms + IDLE_MS;
		return;
	}
	conn->deadline_ms = oldest->deadline_ms;
	if (conn->deadline_ms < loop->late_ms)
		loop->late_ms = conn->deadline_ms;
}

/*
 * Sends the answer to what was asked at `asked_ns`; whoever does not take it,
 * or nothing more, is closed.
 */
static void
answer(struct loop *loop, struct conn *conn, const struct jp_request *request,
    int64_t asked_ns, struct jp_decision *decision,
    const struct jp_secret *upstream)
{
	struct jp_core *core = loop->options->core;
	int64_t now_ns;
	enum jp_err err;

	guesses_count(
	    &loop->guesses, request, decision, loop->turn_ns / NS_PER_MS);
	err = conn->front->send(conn->fd, request, decision, upstream);
	now_ns = jp_now_ns();
	jp_stats_answered(&core->stats, now_ns - asked_ns);
	if (jp_usage_decided(core, request, decision))
		maintenance_hurry(loop->options->maintenance);
	set_deadline(loop, conn, now_ns / NS_PER_MS);
	if (err != JP_ERR_OK || (conn->ends && conn->pending_len == 0) ||
	    !listen_for_more(loop, conn))
		conns_close(&loop->conns, conn);
}

/* Whether this asker is told upstream credentials, by this question. */
static bool
reveals(const struct loop *loop, const struct conn *conn,
    const struct jp_request *request)
{
	return request->detailed && request->access != JP_ACCESS_SELF &&
	       jp_acl_may_have_upstream(loop->options->acl, conn->uid);
}

/* NULL if too many are under way. */
static struct pool_item *
make_item(struct loop *loop, const struct conn *conn,
    const struct jp_request *request)
{
	struct pool_item *item = pool_take(loop->pool);

	if (item == NULL)
		return NULL;
	item->conn = loop_key_of(loop, conn);
	item->uid = conn->uid;
	item->asked_ns = conn->asked_ns;
	item->deadline_ms = conn->asked_ns / NS_PER_MS + QUESTION_MS;
	item->reveals = reveals(loop, conn, request);
	item->held = conn->held;
	memcpy(&item->request, request, sizeof(item->request));
	return item;
}

static void
release(struct loop *loop, struct pool_item *item)
{
	if (item->further)
		conns_release(&loop->conns, item->uid);
	pool_release(loop->pool, item);
}

/*
 * It is answered later. Its asker may ask on meanwhile, if it can tell answers
 * that come in another order, as whoever asks in detail can.
 */
static void
add_pending(struct loop *loop, struct conn *conn, struct pool_item *item)
{
	conns_add_pending(&loop->conns, conn, item);
	conn->alone = !item->request.detailed;
	set_deadline(loop, conn, loop->turn_ns / NS_PER_MS);
	(void)listen_for_more(loop, conn);
}

/* It is answered now. */
static void
drop_pending(struct loop *loop, struct conn *conn, struct pool_item *item)
{
	conns_drop_pending(&loop->conns, conn, item);
	conn->alone = conn->alone && item->request.detailed;
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
	add_pending(loop, conn, item);
	return JP_REASON_NONE;
}

/* jp_audit_decision() has written the line, or has not; from its thread. */
static void
on_logged(void *arg, enum jp_err err)
{
	struct pool_item *item = arg;

	if (err != JP_ERR_OK)
		jp_decision_refuse(&item->decision, JP_REASON_AUDIT);
	pool_give_back(item);
}

/*
 * Logs the item's decision in the audit trail, once. JP_AUDIT_WAIT: it comes
 * back with those that are done, and its decision may then have become that it
 * could not be logged.
 */
static enum jp_audit_answer
log_item(struct loop *loop, struct pool_item *item)
{
	enum jp_audit_answer answer;

	item->logged = true;
	pool_lend(loop->pool, item, JP_REASON_AUDIT);
	answer = jp_audit_decision(loop->options->core->audit, &item->request,
	    &item->decision, item->uid, on_logged, item);
	if (answer != JP_AUDIT_WAIT)
		pool_keep(item);
	return answer;
}

/*
 * Logs what will be answered in the audit trail. Where that must have been
 * written first, the answer waits as it does for a worker, and the loop does
 * not: true.
 */
static bool
log_first(struct loop *loop, struct conn *conn,
    const struct jp_request *request, struct jp_decision *decision,
    const struct jp_secret *upstream)
{
	struct jp_audit *audit = loop->options->core->audit;
	enum jp_audit_answer logged = JP_AUDIT_FAIL;
	struct pool_item *item;

	if (!jp_audit_waits(audit)) {
		(void)jp_audit_decision(
		    audit, request, decision, conn->uid, NULL, NULL);
		return false;
	}
	item = make_item(loop, conn, request);
	if (item != NULL) {
		item->decision = *decision;
		item->upstream = *upstream;
		logged = log_item(loop, item);
	}
	if (logged == JP_AUDIT_WAIT) {
		add_pending(loop, conn, item);
		return true;
	}
	if (item != NULL)
		pool_release(loop->pool, item);
	if (logged == JP_AUDIT_FAIL)
		jp_decision_refuse(decision, JP_REASON_AUDIT);
	return false;
}

/* What was decided here is logged, kept and answered. */
static void
conclude(struct loop *loop, struct conn *conn, const struct jp_request *request,
    struct jp_decision *decision, const struct jp_secret *upstream)
{
	jp_cluster_guard(loop->options->core->cluster, conn->held, decision);
	if (log_first(loop, conn, request, decision, upstream))
		return;
	keep(loop, conn->uid, request, decision);
	answer(loop, conn, request, conn->asked_ns, decision, upstream);
}

static void
decide(struct loop *loop, struct conn *conn, const struct jp_request *request)
{
	struct jp_core *core = loop->options->core;
	struct jp_secret upstream = { .len = 0 };
	struct jp_decision decision;

	conn->asked_ns = loop->turn_ns;
	conn->ends = request->last || !conn->front->keep_open;
	conn->several = request->detailed;
	conn->held = jp_cluster_holds(core->cluster);
	jp_decide(core, request, NULL, &decision);
	if (reveals(loop, conn, request))
		jp_upstream_complete(
		    core, request, false, &decision, &upstream);
	if (decision.reason == JP_REASON_NONE) {
		enum jp_reason reason = enqueue(loop, conn, request, &decision);

		if (reason == JP_REASON_NONE)
			return;
		jp_decision_refuse(&decision, reason);
	}
	conclude(loop, conn, request, &decision, &upstream);
	if (upstream.len > 0)
		jp_secret_clear(&upstream);
}

/*
 * What came is not a question. Where every client is answered that is a denial
 * like others; elsewhere it has no right to an answer.
 */
static void
refuse(struct loop *loop, struct conn *conn, enum jp_err err)
{
	struct jp_request request = { .front = conn->front->code };
	struct jp_decision decision = { .verdict = JP_DENY };
	const struct jp_secret none = { .len = 0 };

	jp_log(LOG_DEBUG, "bad message from uid %u%s%s: %s",
	    (unsigned)conn->uid, conn->front->name != NULL ? " on " : "",
	    conn->front->name != NULL ? conn->front->name : "",
	    jp_err_name(err));
	if (!conn->front->answers_all) {
		conns_close(&loop->conns, conn);
		return;
	}
	conn->asked_ns = loop->turn_ns;
	conn->ends = true;
	jp_decision_refuse(&decision,
	    err == JP_ERR_NOMEM ? JP_REASON_MEMORY : JP_REASON_SHAPE);
	conclude(loop, conn, &request, &decision, &none);
}

/* No more comes: what is under way is still answered. */
static void
end(struct loop *loop, struct conn *conn)
{
	conn->ends = true;
	if (conn->pending_len == 0 || !listen_for_more(loop, conn))
		give_up(loop, conn);
}

/* Whoever may not ask so is judged as the strictest access is. */
static void
limit_access(const struct loop *loop, const struct conn *conn,
    struct jp_request *request)
{
	if (request->access == JP_ACCESS_SELF &&
	    !jp_acl_may_ask_self(loop->options->acl, conn->uid))
		request->access = JP_ACCESS_WRITE;
}

/*
 * Where many halves of questions are held, the oldest one makes room: a client
 * that means it sends the rest at once.
 */
static enum jp_err
receive(struct loop *loop, struct conn *conn, struct jp_request *request)
{
	enum jp_err err = conn->front->receive(conn, request);
	struct conn *oldest = halves_oldest(&loop->conns.halves);

	if (err != JP_ERR_OVERLOAD)
		return err;
	if (oldest == NULL)
		return JP_ERR_NOMEM;
	atomic_fetch_add(&loop->options->core->stats.refused, 1);
	give_up(loop, oldest);
	return conn->front->receive(conn, request);
}

/* False: there is no question now. */
static bool
take_question(struct loop *loop, struct conn *conn)
{
	struct jp_request request;
	enum jp_err err = receive(loop, conn, &request);

	if (err == JP_ERR_OK) {
		limit_access(loop, conn, &request);
		decide(loop, conn, &request);
		explicit_bzero(&request, sizeof(request));
	} else if (err == JP_ERR_UNREACHABLE) {
		end(loop, conn);
	} else if (err != JP_ERR_TIMEOUT) {
		refuse(loop, conn, err);
	}
	return err == JP_ERR_OK;
}

/* Whoever asks in detail often has more than one question at a time. */
static void
take_some(struct loop *loop, uint64_t key)
{
	struct conn *conn = conns_find(&loop->conns, key);

	for (int i = 0; i < BURST_MAX && take_question(loop, conn); i++) {
		conn = conns_find(&loop->conns, key);
		if (conn == NULL || !conn->several || !may_ask(loop, conn))
			return;
	}
}

void
questions_on_conn(struct loop *loop, uint64_t key, uint32_t events)
{
	struct conn *conn = conns_find(&loop->conns, key);

	if (conn == NULL)
		return;
	if (may_ask(loop, conn))
		take_some(loop, key);
	else if (events & (EPOLLHUP | EPOLLERR)) /* it may not come again */
		conns_close(&loop->conns, conn);
	else /* the room was used up meanwhile */
		questions_listen(loop, key);
}

/* The same of what a worker has done: true if it has to wait. */
static bool
log_done(struct loop *loop, struct pool_item *item)
{
	struct jp_cluster_view *cluster = loop->options->core->cluster;
	enum jp_audit_answer logged = JP_AUDIT_GO;

	if (!item->logged) {
		jp_cluster_guard(cluster, item->held, &item->decision);
		logged = log_item(loop, item);
	}
	if (logged == JP_AUDIT_FAIL)
		jp_decision_refuse(&item->decision, JP_REASON_AUDIT);
	return logged == JP_AUDIT_WAIT;
}

void
questions_listen(struct loop *loop, uint64_t key)
{
	struct conn *conn = conns_find(&loop->conns, key);

	if (conn != NULL && !listen_for_more(loop, conn))
		give_up(loop, conn);
}

static void
answer_late(struct loop *loop, struct conn *conn, struct pool_item *item)
{
	struct jp_decision decision = { .id = "" };

	memcpy(decision.id, item->id, sizeof(decision.id));
	jp_decision_refuse(&decision, pool_leave(loop->pool, item));
	(void)jp_audit_decision(loop->options->core->audit, &item->request,
	    &decision, item->uid, NULL, NULL);
	keep(loop, item->uid, &item->request, &decision);
	drop_pending(loop, conn, item);
	answer(loop, conn, &item->request, item->asked_ns, &decision, NULL);
}

/*
 * Whatever holds up the workers, the name service or the disk of the audit
 * trail: a client gets its answers in time.
 */
static void
answer_all_late(struct loop *loop, struct conn *conn)
{
	const uint64_t key = loop_key_of(loop, conn);
	const int64_t now_ms = jp_now_ms();
	struct pool_item *item;

	while ((conn = conns_find(&loop->conns, key)) != NULL &&
	       (item = TAILQ_FIRST(&conn->pending)) != NULL &&
	       item->deadline_ms <= now_ms)
		answer_late(loop, conn, item);
}

void
questions_on_done(struct loop *loop)
{
	struct pool_item *item, *next;
	uint64_t count;

	(void)!read(loop->done_fd, &count, sizeof(count));
	for (item = pool_done(loop->pool); item != NULL; item = next) {
		struct conn *conn = conns_find(&loop->conns, item->conn);

		next = item->next;
		if (item->left) { /* answered, and logged, before */
			release(loop, item);
			continue;
		}
		if (log_done(loop, item))
			continue;
		keep(loop, item->uid, &item->request, &item->decision);
		if (conn != NULL) {
			drop_pending(loop, conn, item);
			answer(loop, conn, &item->request, item->asked_ns,
			    &item->decision, &item->upstream);
		}
		release(loop, item);
	}
}

void
questions_end(struct loop *loop, struct conn *conn)
{
	struct jp_decision decision = { .id = "" };
	struct pool_item *item;

	if (conn->pending_len == 0) {
		give_up(loop, conn);
		return;
	}
	jp_decision_refuse(&decision, JP_REASON_STOPPING);
	TAILQ_FOREACH(item, &conn->pending, of_conn)
	(void)conn->front->send(conn->fd, &item->request, &decision, NULL);
	conns_close(&loop->conns, conn);
}

void
questions_drain(struct loop *loop, struct conn *conn)
{
	const uint64_t key = loop_key_of(loop, conn);

	for (size_t i = 0; i < CONN_PENDING_MAX && conn != NULL &&
	                   may_ask(loop, conn) && take_question(loop, conn);
	     i++)
		conn = conns_find(&loop->conns, key);
	conn = conns_find(&loop->conns, key);
	if (conn != NULL)
		end(loop, conn);
}

void
questions_look(struct loop *loop, struct conn *conn)
{
	if (jp_now_ms() < conn->deadline_ms) {
		if (conn->pending_len > 0 && conn->deadline_ms < loop->late_ms)
			loop->late_ms = conn->deadline_ms;
	} else if (conn->pending_len > 0) {
		answer_all_late(loop, conn);
	} else {
		give_up(loop, conn);
	}
}
