#include "pat_httpd/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/config/httpd_settings.h"
#include "pat_httpd/http_ask.h"
#include "pat_httpd/http_head.h"
#include "pat_httpd/http_reply.h"

enum {
	HEAD_MS = 5000,   /* for a whole head, from its first byte */
	IDLE_MS = 75000,  /* between two requests */
	SEND_MS = 5000,   /* for an answer to be taken */
	LINGER_MS = 2000, /* for a body that nobody reads */
	LINGER_MAX = 1 << 20,
};

#define EVENTS (EPOLLIN | EPOLLRDHUP | EPOLLET)

enum http_state {
	READING,   /* a head, or waiting for one */
	ASKING,    /* patd */
	SENDING,   /* the rest of an answer */
	LINGERING, /* the answer has gone: what comes now is thrown away */
};

/* Bytes that wait for their turn; they may be secrets. */
struct held {
	char *bytes;
	size_t len;
};

struct http_conn {
	struct conn conn;
	struct service *service;
	const struct jp_listener *listener;
	struct reactor_watch watch;
	struct reactor_timer timer;
	struct authorization authorization;
	enum http_state state;
	bool readable; /* there may be more than was read */
	bool partial;  /* a head has begun, and has until the timer is due */
	bool close;    /* behind this answer */
	bool linger;   /* a body may come */
	bool head_only;
	size_t lingered;
	struct held in;  /* what is behind the head */
	struct held out; /* the rest of an answer */
};

/*
 * Functions of type bool here say whether the connection is still there: they
 * may close it, and then nobody may touch it.
 */

#define HTTP_CONN(member, pointer)                                             \
	((struct http_conn *)(void *)((char *)(pointer)-offsetof(              \
	    struct http_conn, member)))

static void
drop(struct held *held)
{
	if (held->bytes != NULL)
		explicit_bzero(held->bytes, held->len);
	free(held->bytes);
	*held = (struct held){ 0 };
}

/* False: no memory. */
static bool
hold(struct held *held, const char *bytes, size_t len)
{
	if (len == 0)
		return true;
	held->bytes = malloc(len);
	if (held->bytes == NULL)
		return false;
	memcpy(held->bytes, bytes, len);
	held->len = len;
	return true;
}

static bool
close_conn(struct http_conn *conn)
{
	reactor_disarm(&conn->timer);
	reactor_remove(&conn->service->reactor, &conn->watch);
	(void)close(conn->watch.fd);
	authorize_forget(&conn->authorization);
	drop(&conn->in);
	drop(&conn->out);
	conns_remove(&conn->conn);
	explicit_bzero(conn, sizeof(*conn));
	free(conn);
	return false;
}

static void
arm(struct http_conn *conn, int ms)
{
	struct reactor *reactor = &conn->service->reactor;

	reactor_arm(reactor, &conn->timer, reactor->now_ms + ms);
}

/* ---- the way out ---- */

/*
 * A client that still sends would get a reset, and lose the answer (RFC 9112
 * §9.6): so it is heard for a while.
 */
static bool
linger(struct http_conn *conn)
{
	char bytes[4096];
	ssize_t got;

	for (;;) {
		got = recv(conn->watch.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return close_conn(conn);
		if (got < 0 && errno == EAGAIN)
			return true;
		if (got > 0 &&
		    (conn->lingered += (size_t)got) > (size_t)LINGER_MAX)
			return close_conn(conn);
	}
}

/* The answer has gone. */
static bool
on_sent(struct http_conn *conn)
{
	drop(&conn->out);
	conn->state = READING;
	if (!conn->close) {
		arm(conn, IDLE_MS);
		return true;
	}
	if (!conn->linger || shutdown(conn->watch.fd, SHUT_WR) != 0)
		return close_conn(conn);
	conn->state = LINGERING;
	arm(conn, LINGER_MS);
	return linger(conn);
}

/* What is sent of `len` bytes; -1: nobody takes it any more. */
static ssize_t
send_some(struct http_conn *conn, const char *bytes, size_t len)
{
	ssize_t sent =
	    send(conn->watch.fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	return sent < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : sent;
}

static bool
send_first(struct http_conn *conn, const char *bytes, size_t len)
{
	ssize_t sent = send_some(conn, bytes, len);

	if (sent == (ssize_t)len)
		return on_sent(conn);
	if (sent < 0 || !hold(&conn->out, bytes + sent, len - (size_t)sent) ||
	    !reactor_change(
	        &conn->service->reactor, &conn->watch, EVENTS | EPOLLOUT))
		return close_conn(conn);
	conn->state = SENDING;
	arm(conn, SEND_MS);
	return true;
}

static bool
send_rest(struct http_conn *conn)
{
	ssize_t sent = send_some(conn, conn->out.bytes, conn->out.len);

	if (sent < 0)
		return close_conn(conn);
	conn->out.len -= (size_t)sent;
	memmove(conn->out.bytes, conn->out.bytes + sent, conn->out.len);
	if (conn->out.len > 0)
		return true;
	return reactor_change(&conn->service->reactor, &conn->watch, EVENTS)
	           ? on_sent(conn)
	           : close_conn(conn);
}

/* Sends `authorization.answer`, and forgets it. */
static bool
reply(struct http_conn *conn)
{
	const struct jp_settings *settings = conn->service->authorizer.settings;
	struct answer *answer = &conn->authorization.answer;
	char bytes[HTTP_REPLY_MAX];
	struct http_reply_form form;
	size_t len;
	bool there;

	conn->close |= conn->service->conns.draining;
	form = (struct http_reply_form){ settings->httpd.user_header,
		conn->head_only, conn->close };
	len = http_reply_make(answer, &form, bytes);
	answer_clear(answer);
	there = send_first(conn, bytes, len);
	explicit_bzero(bytes, len);
	return there;
}

/* The connection makes no sense any more. */
static bool
reject(struct http_conn *conn, enum answer_kind kind)
{
	conn->authorization.answer.kind = kind;
	conn->close = conn->linger = true;
	drop(&conn->in);
	conns_log_refused(
	    &conn->service->conns, conn->conn.uid, answer_title(kind));
	return reply(conn);
}

/* ---- the way in ---- */

static enum answer_kind
health(const struct http_conn *conn)
{
	struct service *service = conn->service;

	if (conn->conn.uid == CONN_NO_UID ||
	    !jp_peers_may_administer(
	        service->peers, conn->watch.fd, conn->conn.uid))
		return ANSWER_NOT_FOUND;
	return patd_link_healthy(&service->link) ? ANSWER_HEALTHY
	                                         : ANSWER_UNAVAILABLE;
}

static enum answer_kind
complaint(enum jp_err err)
{
	return err == JP_ERR_NEWER      ? ANSWER_VERSION
	       : err == JP_ERR_TOO_LONG ? ANSWER_TOO_LARGE
	                                : ANSWER_BAD_REQUEST;
}

/* A whole head. */
static bool
on_head(struct http_conn *conn, char *bytes, size_t len)
{
	struct http_request request;
	struct http_head head;
	enum jp_err err = http_head_read(bytes, len, &head);

	if (err != JP_ERR_OK)
		return reject(conn, complaint(err));
	http_request_read(&head, conn->listener, &request);
	conn->partial = false;
	conn->close = request.close || request.body;
	conn->linger = request.body;
	conn->head_only = request.head_only;
	if (request.path == HTTP_PATH_AUTH) {
		if (authorize(&conn->service->authorizer, &request.ask,
		        &conn->authorization))
			return reply(conn);
		conn->state = ASKING;
		return true;
	}
	conn->authorization.answer.body = request.ask.body;
	conn->authorization.answer.kind =
	    request.path == HTTP_PATH_HEALTH ? health(conn) : ANSWER_NOT_FOUND;
	return reply(conn);
}

/* What is read, of which `at` is done with. */
struct room {
	size_t at, len, high; /* `high`: as far as it was ever filled */
	char bytes[HTTP_HEAD_MAX];
};

/* Heads that are there; stops where one has to wait. */
static bool
take_heads(struct http_conn *conn, struct room *room)
{
	while (conn->state == READING) {
		char *bytes = room->bytes + room->at;
		size_t len = http_head_find(bytes, room->len - room->at);

		if (len == 0)
			return true;
		room->at += len;
		if (!on_head(conn, bytes, len))
			return false;
	}
	return true;
}

/* More bytes, as far as there is room; the end closes. */
static bool
receive(struct http_conn *conn, struct room *room)
{
	size_t size;
	ssize_t got;

	room->high = room->high > room->len ? room->high : room->len;
	room->len -= room->at;
	memmove(room->bytes, room->bytes + room->at, room->len);
	room->at = 0;
	size = sizeof(room->bytes) - room->len;
	do
		got = recv(conn->watch.fd, room->bytes + room->len, size,
		    MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	conn->readable = got == (ssize_t)size;
	if (got == 0 || (got < 0 && errno != EAGAIN))
		return close_conn(conn);
	if (got > 0)
		room->len += (size_t)got;
	return true;
}

/* Keeps what is no head yet, if it can become one. */
static bool
keep_rest(struct http_conn *conn, const struct room *room)
{
	const char *bytes = room->bytes + room->at;
	size_t len = room->len - room->at;

	if (len == 0)
		return true;
	if (conn->state == READING) {
		if (len == HTTP_HEAD_MAX)
			return reject(conn, ANSWER_TOO_LARGE);
		if (!http_head_may_come(bytes, len))
			return reject(conn, ANSWER_BAD_REQUEST);
		if (!conn->partial)
			arm(conn, HEAD_MS);
		conn->partial = true;
	}
	return hold(&conn->in, bytes, len) ? true : close_conn(conn);
}

static bool
fill_and_take(struct http_conn *conn, struct room *room)
{
	if (room->len > 0 && !take_heads(conn, room))
		return false;
	while (conn->state == READING && conn->readable &&
	       room->len - room->at < sizeof(room->bytes))
		if (!receive(conn, room) || !take_heads(conn, room))
			return false;
	return keep_rest(conn, room);
}

/* Takes what is there, as far as it goes now. */
static bool
advance(struct http_conn *conn)
{
	struct room room;
	bool there;

	room.at = room.high = 0;
	room.len = conn->in.len;
	if (room.len > 0)
		memcpy(room.bytes, conn->in.bytes, room.len);
	drop(&conn->in);
	there = fill_and_take(conn, &room);
	explicit_bzero(room.bytes, room.high > room.len ? room.high : room.len);
	return there;
}

/* The next request may be there already. */
static bool
go_on(struct http_conn *conn)
{
	if (conn->state == LINGERING)
		return linger(conn);
	return conn->state != READING ||
	       (conn->in.len == 0 && !conn->readable) || advance(conn);
}

/* ---- what happens ---- */

static void
on_answer(struct authorization *authorization)
{
	struct http_conn *conn = HTTP_CONN(authorization, authorization);

	if (reply(conn))
		(void)go_on(conn);
}

static void
on_ready(struct reactor_watch *watch, uint32_t events)
{
	struct http_conn *conn = HTTP_CONN(watch, watch);

	if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
		(void)close_conn(conn);
		return;
	}
	conn->readable |= (events & (EPOLLIN | EPOLLRDHUP)) != 0;
	if (conn->state == SENDING && (events & EPOLLOUT) != 0 &&
	    !send_rest(conn))
		return;
	(void)go_on(conn);
}

static void
on_time(struct reactor_timer *timer)
{
	struct http_conn *conn = HTTP_CONN(timer, timer);

	if (conn->state == ASKING) /* patd has its own time */
		arm(conn, IDLE_MS);
	else if (conn->state == READING && conn->partial)
		(void)reject(conn, ANSWER_TOO_SLOW);
	else
		(void)close_conn(conn);
}

/* A request that is there already is still answered. */
static void
drain(struct conn *base)
{
	struct http_conn *conn = HTTP_CONN(conn, base);

	conn->readable = true;
	if (conn->state == READING && advance(conn) && conn->state == READING)
		(void)close_conn(conn);
}

static void
end(struct conn *base)
{
	(void)close_conn(HTTP_CONN(conn, base));
}

void
http_take(struct service *service, int fd, uid_t uid,
    const struct jp_listener *listener)
{
	struct http_conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL) {
		(void)close(fd);
		return;
	}
	conn->conn = (struct conn){ .uid = uid, .drain = drain, .end = end };
	conn->service = service;
	conn->listener = listener;
	conn->watch = (struct reactor_watch){ fd, on_ready };
	conn->timer.due = on_time;
	conn->authorization.done = on_answer;
	conns_add(&service->conns, &conn->conn);
	arm(conn, IDLE_MS);
	if (!reactor_add(&service->reactor, &conn->watch, EVENTS))
		(void)close_conn(conn);
}

void
http_refuse(int fd, enum answer_kind kind)
{
	const struct answer answer = { .kind = kind };
	const struct http_reply_form form = { .close = true };
	char bytes[HTTP_REPLY_MAX];
	size_t len = http_reply_make(&answer, &form, bytes);

	(void)send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}
