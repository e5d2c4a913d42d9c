#include "pat_httpd/fcgi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "common/sys/log.h"
#include "common/sys/socket_io.h"
#include "pat_httpd/fcgi_ask.h"

enum {
	HEAD_MS = 5000,   /* for the parameters of a request */
	IDLE_MS = 75000,  /* between two requests */
	SEND_MS = 5000,   /* for an answer to be taken */
	LINGER_MS = 2000, /* for a body that nobody reads */
	WATCH_MS = 20,    /* before a new connection that waits is watched */
	IN_MAX = 8192,
	OUT_MAX = 2 * FCGI_ANSWER_MAX,
	LOG_PAUSE_MS = 60000, /* between two lines about one mistake */
};

/* What it waits for. Each has its deadline; that of patd is not kept here. */
enum phase {
	PHASE_NEW, /* nothing is armed */
	PHASE_HEAD,
	PHASE_IDLE,
	PHASE_PATD,
	PHASE_SEND,
	PHASE_LINGER,
};

static const int deadlines_ms[] = {
	[PHASE_HEAD] = HEAD_MS,
	[PHASE_IDLE] = IDLE_MS,
	[PHASE_PATD] = WATCH_MS,
	[PHASE_SEND] = SEND_MS,
	[PHASE_LINGER] = LINGER_MS,
};

struct fcgi_conn {
	struct proxy_conn conn;
	struct service *service;
	const struct jp_listener *listener;
	struct reactor_watch watch;
	struct reactor_timer timer;
	struct authorization authorization;
	enum phase phase;
	bool watched;
	uint32_t events;  /* that are watched */
	bool asking;      /* patd */
	bool answered;    /* a request, ever */
	bool held;        /* what comes waits for the answer */
	bool half_closed; /* nothing more will come */
	bool last;        /* no request is read any more */
	bool broken;      /* nor is anything else */
	size_t lingered;
	struct fcgi_reader reader;
	size_t in_at, in_len;
	size_t out_at, out_len;
	uint8_t in[IN_MAX];   /* read, but not looked at */
	uint8_t out[OUT_MAX]; /* to be sent */
};

static void
end(struct fcgi_conn *conn)
{
	if (conn->watched)
		reactor_remove(&conn->service->reactor, &conn->watch);
	reactor_disarm(&conn->timer);
	authorize_forget(&conn->authorization);
	fcgi_reader_end(&conn->reader);
	explicit_bzero(conn->in, conn->in_len);
	explicit_bzero(conn->out, conn->out_len);
	(void)close(conn->watch.fd);
	proxy_conns_remove(&conn->conn);
	free(conn);
}

/* ---- sending ---- */

/* Sends what there is; false: the peer does not take all of it now, or ever. */
static bool
flush(struct fcgi_conn *conn)
{
	ssize_t sent = 0;

	if (conn->out_len > 0)
		sent = jp_send(conn->watch.fd, conn->out + conn->out_at,
		    conn->out_len - conn->out_at, MSG_DONTWAIT);
	if (sent < 0) {
		conn->broken = errno != EAGAIN;
		return false;
	}
	conn->out_at += (size_t)sent;
	if (conn->out_at < conn->out_len)
		return false;
	explicit_bzero(conn->out, conn->out_len);
	conn->out_at = conn->out_len = 0;
	return true;
}

/* Whether there is room for an answer, after a try to make it. */
static bool
has_room(struct fcgi_conn *conn)
{
	return sizeof(conn->out) - conn->out_len >= FCGI_ANSWER_MAX ||
	       flush(conn);
}

/* The open request ends with what has been put into `out`. */
static void
end_request(struct fcgi_conn *conn, size_t len)
{
	conn->out_len += len;
	conn->last = conn->last || !conn->reader.keep_conn;
	conn->asking = false;
	conn->answered = true;
	conn->phase = PHASE_NEW;
	fcgi_reader_end(&conn->reader);
}

static void
put_answer(struct fcgi_conn *conn)
{
	struct answer *answer = &conn->authorization.answer;
	const struct jp_settings *settings = conn->service->authorizer.settings;

	counts_answer(&conn->service->counts, JP_LISTENER_FCGI, answer->kind,
	    conn->authorization.asked_ns);
	conn->authorization.asked_ns = 0;
	end_request(
	    conn, fcgi_answer_make(answer, conn->reader.role, conn->reader.id,
	              settings->httpd.user_header, conn->out + conn->out_len));
	answer_clear(answer);
}

/* ---- requests ---- */

/* Not for each request: whoever asks could fill the log. */
static void
log_no_service(const struct fcgi_conn *conn)
{
	static int64_t due_ms;

	if (conn->service->reactor.now_ms < due_ms)
		return;
	due_ms = conn->service->reactor.now_ms + LOG_PAUSE_MS;
	if (conn->reader.role == FCGI_AUTHORIZER)
		jp_log(LOG_ERR,
		    "listener %s: the web server names no service: have it set "
		    "JIRA_PAT_SERVICE, or set service in [listener %s]",
		    conn->listener->name, conn->listener->name);
	else
		jp_log(LOG_ERR,
		    "listener %s: the web server names no service: its "
		    "SCRIPT_NAME must be /auth/SERVICE",
		    conn->listener->name);
}

static void
start(struct fcgi_conn *conn)
{
	struct ask ask;

	fcgi_ask_read(&conn->reader, conn->listener, &ask);
	if (ask.service == NULL)
		log_no_service(conn);
	conn->asking =
	    !authorize(&conn->service->authorizer, &ask, &conn->authorization);
	if (!conn->asking)
		put_answer(conn);
}

static void
give_up(struct fcgi_conn *conn)
{
	authorize_forget(&conn->authorization);
	end_request(conn, fcgi_end(conn->out + conn->out_len, conn->reader.id));
}

/* What follows cannot be trusted to be in step. */
static void
refuse_size(struct fcgi_conn *conn)
{
	conn->authorization.answer = (struct answer){
		.kind = ANSWER_TOO_LARGE,
	};
	conn->last = true;
	put_answer(conn);
}

static void
put_reply(struct fcgi_conn *conn)
{
	const struct fcgi_reader *reader = &conn->reader;

	memcpy(conn->out + conn->out_len, reader->reply, reader->reply_len);
	conn->out_len += reader->reply_len;
	conn->last = conn->last || reader->reply_ends;
}

static void
step(struct fcgi_conn *conn, enum fcgi_step step)
{
	switch (step) {
	case FCGI_STEP_ASK:
		start(conn);
		break;
	case FCGI_STEP_TOO_LARGE:
		refuse_size(conn);
		break;
	case FCGI_STEP_ABORT:
		give_up(conn);
		break;
	case FCGI_STEP_REPLY:
		put_reply(conn);
		break;
	case FCGI_STEP_HOLD:
		conn->held = true;
		break;
	case FCGI_STEP_BROKEN:
		conn->broken = true;
		break;
	case FCGI_STEP_MORE:
		break;
	}
}

/* Looks at what was read, as far as it can be answered. */
static void
look(struct fcgi_conn *conn)
{
	enum fcgi_step now;
	size_t used;

	conn->held = false;
	do {
		if (!has_room(conn)) {
			conn->held = true;
			return;
		}
		now = fcgi_reader_step(&conn->reader, conn->in + conn->in_at,
		    conn->in_len - conn->in_at, &used);
		conn->in_at += used;
		if (conn->last && now != FCGI_STEP_MORE)
			return;
		step(conn, now);
	} while (now != FCGI_STEP_MORE && !conn->held && !conn->broken);
}

/* ---- what happens next ---- */

/* The last answer has gone. What the peer still sends is read for a while: a
 * reset could overtake the answer. */
static void
finish(struct fcgi_conn *conn)
{
	conn->held = false;
	if (conn->half_closed || conn->reader.whole ||
	    shutdown(conn->watch.fd, SHUT_WR) != 0)
		conn->broken = true;
}

static enum phase
phase_of(const struct fcgi_conn *conn)
{
	if (conn->out_len > 0)
		return PHASE_SEND;
	if (conn->asking)
		return PHASE_PATD;
	if (conn->last)
		return PHASE_LINGER;
	return conn->answered && fcgi_reader_idle(&conn->reader) ? PHASE_IDLE
	                                                         : PHASE_HEAD;
}

static void
arm(struct fcgi_conn *conn)
{
	struct reactor *reactor = &conn->service->reactor;
	enum phase phase = phase_of(conn);

	if (phase == conn->phase)
		return;
	conn->phase = phase;
	if (phase == PHASE_PATD && conn->watched)
		reactor_disarm(&conn->timer);
	else
		reactor_arm(reactor, &conn->timer,
		    reactor->now_ms + deadlines_ms[phase]);
}

/* Nothing is read that would have to wait; a peer that leaves is always seen.
 */
static bool
watch(struct fcgi_conn *conn)
{
	struct reactor *reactor = &conn->service->reactor;
	bool reads = !conn->half_closed && !conn->held;
	uint32_t events =
	    (reads ? EPOLLIN : 0U) | (conn->out_len > 0 ? EPOLLOUT : 0U);
	bool watched = conn->watched;

	if (watched && events == conn->events)
		return true;
	conn->watched = true;
	conn->events = events;
	return watched ? reactor_change(reactor, &conn->watch, events)
	               : reactor_add(reactor, &conn->watch, events);
}

/* Most web servers make a connection for each request, and most answers come at
 * once. */
static bool
is_worth_watching(const struct fcgi_conn *conn)
{
	return conn->watched || !conn->asking || conn->out_len > 0;
}

/* It may be gone behind this. */
static void
settle(struct fcgi_conn *conn)
{
	bool flushed = flush(conn);

	if (flushed && !conn->asking && conn->last)
		finish(conn);
	if (flushed && !conn->asking && conn->half_closed)
		conn->broken = true;
	if (conn->broken || (is_worth_watching(conn) && !watch(conn)))
		end(conn);
	else
		arm(conn);
}

static void
serve(struct fcgi_conn *conn)
{
	(void)flush(conn);
	if (!conn->last || conn->asking)
		look(conn);
	settle(conn);
}

/* ---- events ---- */

/* Everything that was read before has been looked at. */
static void
receive(struct fcgi_conn *conn)
{
	ssize_t got;

	explicit_bzero(conn->in, conn->in_len);
	conn->in_at = conn->in_len = 0;
	got = jp_recv(conn->watch.fd, conn->in, sizeof(conn->in), MSG_DONTWAIT);
	if (got > 0)
		conn->in_len = (size_t)got;
	else if (got == 0)
		conn->half_closed = true;
	else
		conn->broken = errno != EAGAIN;
}

static void
linger(struct fcgi_conn *conn)
{
	receive(conn);
	conn->lingered += conn->in_len;
	if (conn->half_closed || conn->broken ||
	    conn->lingered > FCGI_SKIPPED_MAX)
		end(conn);
}

/* Where both directions have ended, nobody takes an answer any more. */
static void
on_ready(struct reactor_watch *watch, uint32_t events)
{
	struct fcgi_conn *conn = REACTOR_OWNER(watch, struct fcgi_conn, watch);

	if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
		end(conn);
		return;
	}
	if (conn->phase == PHASE_LINGER) {
		linger(conn);
		return;
	}
	if ((events & EPOLLIN) != 0)
		receive(conn);
	serve(conn);
}

static void
on_due(struct reactor_timer *timer)
{
	struct fcgi_conn *conn = REACTOR_OWNER(timer, struct fcgi_conn, timer);

	if (conn->phase != PHASE_PATD || !watch(conn))
		end(conn);
}

static void
on_done(struct authorization *authorization)
{
	struct fcgi_conn *conn =
	    REACTOR_OWNER(authorization, struct fcgi_conn, authorization);

	put_answer(conn);
	serve(conn);
}

static void
on_end(struct proxy_conn *conn)
{
	end(REACTOR_OWNER(conn, struct fcgi_conn, conn));
}

static void
on_drain(struct proxy_conn *one)
{
	struct fcgi_conn *conn = REACTOR_OWNER(one, struct fcgi_conn, conn);

	conn->last = true;
	if (!conn->asking && conn->out_len == 0)
		end(conn);
}

/* ---- the beginning ---- */

/* The buffers are not touched. */
static struct fcgi_conn *
make(struct service *service, int fd, uid_t uid,
    const struct jp_listener *listener)
{
	struct fcgi_conn *conn = malloc(sizeof(*conn));

	if (conn == NULL)
		return NULL;
	memset(conn, 0, offsetof(struct fcgi_conn, reader));
	conn->conn.uid = uid;
	conn->conn.drain = on_drain;
	conn->conn.end = on_end;
	conn->service = service;
	conn->listener = listener;
	conn->watch.fd = fd;
	conn->watch.ready = on_ready;
	conn->timer.due = on_due;
	conn->authorization.done = on_done;
	conn->in_at = conn->in_len = conn->out_at = conn->out_len = 0;
	fcgi_reader_start(
	    &conn->reader, service->authorizer.settings->httpd.max_connections);
	return conn;
}

/* Most send their request with the connection: it is read at once. */
void
fcgi_take(struct service *service, int fd, uid_t uid,
    const struct jp_listener *listener)
{
	struct fcgi_conn *conn = make(service, fd, uid, listener);

	if (conn == NULL) {
		(void)close(fd);
		return;
	}
	proxy_conns_add(&service->conns, &conn->conn);
	receive(conn);
	serve(conn);
}

/* Nothing was read of it: web servers that have one request on a connection
 * call it 1. */
void
fcgi_refuse(int fd, enum answer_kind kind)
{
	struct answer answer = { .kind = kind };
	uint8_t bytes[FCGI_ANSWER_MAX];
	size_t len = fcgi_answer_make(&answer, FCGI_RESPONDER, 1, "", bytes);

	(void)jp_send(fd, bytes, len, MSG_DONTWAIT);
}
