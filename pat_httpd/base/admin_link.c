#include "pat_httpd/base/admin_link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "common/sys/log.h"
#include "common/sys/socket_io.h"
#include "common/wire/client.h"

enum {
	BATCH = 32,           /* messages before others get their turn */
	IDLE_MS = 20000,      /* patd hangs up after 30 s: be the first */
	PAUSE_MS = 50,        /* before patd is tried again that had no room */
	LOG_PAUSE_MS = 10000, /* between two lines about patd being away */
};

/* ---- the requests under way ---- */

static void
enqueue(struct admin_link *link, struct admin_ask *ask)
{
	ask->next = NULL;
	ask->back = link->last;
	*link->last = ask;
	link->last = &ask->next;
	link->waiting++;
	reactor_later(link->reactor, &link->duty);
}

/* In front of all others: it has been there before. */
static void
enqueue_first(struct admin_link *link, struct admin_ask *ask)
{
	ask->next = link->first;
	ask->back = &link->first;
	if (ask->next != NULL)
		ask->next->back = &ask->next;
	else
		link->last = &ask->next;
	link->first = ask;
	link->waiting++;
}

static void
dequeue(struct admin_link *link, struct admin_ask *ask)
{
	if (ask->back == NULL)
		return;
	*ask->back = ask->next;
	if (ask->next != NULL)
		ask->next->back = ask->back;
	else
		link->last = ask->back;
	ask->back = NULL;
	link->waiting--;
}

static void
disconnect(struct admin_conn *conn)
{
	reactor_disarm(&conn->idle);
	reactor_remove(conn->link->reactor, &conn->watch);
	(void)close(conn->watch.fd);
	conn->watch.fd = -1;
}

/* It is no longer under way; its connection, if it has one, is free. */
static void
detach(struct admin_ask *ask)
{
	struct admin_link *link = ask->link;

	dequeue(link, ask);
	reactor_disarm(&ask->timer);
	if (ask->conn != NULL)
		ask->conn->ask = NULL;
	ask->conn = NULL;
	ask->link = NULL;
	if (link->first != NULL)
		reactor_later(link->reactor, &link->duty);
}

void
admin_link_forget(struct admin_ask *ask)
{
	struct admin_conn *conn = ask->conn;

	if (ask->link != NULL)
		detach(ask);
	if (conn != NULL)
		disconnect(conn);
	explicit_bzero(&ask->request, sizeof(ask->request));
}

static void
end(struct admin_ask *ask, enum jp_err result, const struct jp_why *why)
{
	detach(ask);
	explicit_bzero(&ask->request, sizeof(ask->request));
	ask->ended(ask, result, why);
}

/* Of one that patd did not end; `text` says why. */
static void
give_up(struct admin_ask *ask, enum jp_err result, const char *text)
{
	struct jp_why why = { .text = "" };

	(void)jp_why(&why, result, "%s", text);
	end(ask, result, &why);
}

static void
on_due(struct reactor_timer *timer)
{
	struct admin_ask *ask = REACTOR_OWNER(timer, struct admin_ask, timer);

	if (ask->conn != NULL)
		disconnect(ask->conn);
	give_up(ask, JP_ERR_TIMEOUT, "patd does not answer in time");
}

enum jp_err
admin_link_ask(struct admin_link *link, struct admin_ask *ask)
{
	ask->link = NULL;
	ask->conn = NULL;
	ask->back = NULL;
	ask->heard = false;
	if (link->waiting == ADMIN_LINK_WAITING_MAX) {
		explicit_bzero(&ask->request, sizeof(ask->request));
		return JP_ERR_OVERLOAD;
	}
	ask->link = link;
	ask->timer = (struct reactor_timer){ .due = on_due };
	reactor_arm(link->reactor, &ask->timer,
	    link->reactor->now_ms + link->timeout_ms);
	enqueue(link, ask);
	return JP_ERR_OK;
}

/* ---- sending ---- */

static void
log_away(struct admin_link *link, enum jp_err err)
{
	if (link->reactor->now_ms < link->logged_ms)
		return;
	link->logged_ms = link->reactor->now_ms + LOG_PAUSE_MS;
	jp_log(LOG_ERR, "patd at %s: %s: self-service is answered by 503",
	    link->path, jp_err_text(err));
}

/* One try: it does not wait. */
static bool
connect_now(struct admin_conn *conn)
{
	struct admin_link *link = conn->link;
	enum jp_err err = jp_client_connect(
	    link->path, link->reactor->now_ms, &conn->watch.fd);

	if (err == JP_ERR_OK &&
	    reactor_add(link->reactor, &conn->watch, EPOLLIN))
		return true;
	log_away(link, err != JP_ERR_OK ? err : JP_ERR_NOMEM);
	if (conn->watch.fd >= 0)
		(void)close(conn->watch.fd);
	conn->watch.fd = -1;
	return false;
}

/* patd has not read it: it waits again, and nobody is in a hurry. */
static void
put_back(struct admin_link *link, struct admin_ask *ask)
{
	ask->conn = NULL;
	enqueue_first(link, ask);
	reactor_arm(
	    link->reactor, &link->pause, link->reactor->now_ms + PAUSE_MS);
}

/* An idle connection has room for one request. */
static void
send_on(struct admin_conn *conn, struct admin_ask *ask)
{
	struct admin_link *link = conn->link;
	ssize_t sent;
	size_t len;

	if (jp_admin_request_encode(&ask->request, link->bytes, &len) !=
	    JP_ERR_OK) {
		give_up(ask, JP_ERR_TOO_LONG, "the request is too long");
		return;
	}
	dequeue(link, ask);
	reactor_disarm(&conn->idle);
	sent = jp_send(conn->watch.fd, link->bytes, len, MSG_DONTWAIT);
	explicit_bzero(link->bytes, len);
	if (sent == (ssize_t)len) {
		conn->ask = ask;
		ask->conn = conn;
		return;
	}
	disconnect(conn);
	put_back(link, ask);
}

/* One that is free: connected, if there is such; NULL: none. */
static struct admin_conn *
free_conn(struct admin_link *link)
{
	struct admin_conn *found = NULL;

	for (size_t i = 0; i < ADMIN_LINK_CONNS; i++) {
		struct admin_conn *conn = &link->conns[i];

		if (conn->ask == NULL && (found == NULL || conn->watch.fd >= 0))
			found = conn;
	}
	return found;
}

/* Those that are there now: one that is asked anew waits for its turn. */
static void
give_up_all(struct admin_link *link)
{
	for (size_t left = link->waiting; left > 0 && link->first != NULL;
	     left--)
		give_up(
		    link->first, JP_ERR_UNREACHABLE, "patd does not answer");
}

/* Sends what waits, as far as there are connections. */
static void
run(struct reactor_duty *duty)
{
	struct admin_link *link = REACTOR_OWNER(duty, struct admin_link, duty);
	struct admin_conn *conn;

	while (link->first != NULL && link->pause.link == NULL &&
	       (conn = free_conn(link)) != NULL) {
		if (conn->watch.fd < 0 && !connect_now(conn)) {
			give_up_all(link);
			return;
		}
		send_on(conn, link->first);
	}
}

static void
on_pause_over(struct reactor_timer *timer)
{
	struct admin_link *link =
	    REACTOR_OWNER(timer, struct admin_link, pause);

	reactor_later(link->reactor, &link->duty);
}

/* ---- receiving ---- */

/*
 * patd has hung up. If it did so with the request unread, which the kernel
 * tells by ECONNRESET, it had no room for us, or is starting anew: it is asked
 * again. Else nobody knows what it did, and to do that twice may be
 * wrong.
 */
static void
on_broken(struct admin_conn *conn, bool unread)
{
	struct admin_link *link = conn->link;
	struct admin_ask *ask = conn->ask;

	disconnect(conn);
	if (ask == NULL)
		return;
	if (!unread || ask->heard) {
		give_up(ask, JP_ERR_UNREACHABLE, "patd has hung up");
		return;
	}
	conn->ask = NULL;
	put_back(link, ask);
}

/* What is no answer, or nobody has asked for. */
static void
on_bad_message(
    struct admin_conn *conn, enum jp_err err, const struct jp_why *why)
{
	struct admin_ask *ask = conn->ask;

	log_away(conn->link, err);
	disconnect(conn);
	if (ask != NULL && why->text[0] != '\0')
		end(ask, err, why);
	else if (ask != NULL)
		give_up(ask, JP_ERR_PROTOCOL, "patd sends what is no answer");
}

static void
on_end(struct admin_conn *conn, enum jp_err result, const struct jp_why *why)
{
	struct reactor *reactor = conn->link->reactor;
	struct admin_ask *ask = conn->ask;

	reactor_arm(reactor, &conn->idle, reactor->now_ms + IDLE_MS);
	end(ask, result, why);
}

static void
take(struct admin_conn *conn, size_t len)
{
	struct admin_link *link = conn->link;
	struct admin_ask *ask = conn->ask;
	struct jp_why why = { .text = "" };
	enum jp_err err, result = JP_ERR_PROTOCOL;
	bool is_end = false;

	err = ask == NULL ? JP_ERR_PROTOCOL
	                  : jp_admin_answer_decode(link->bytes, len, &is_end,
	                        &link->item, &result, &why);
	if (err != JP_ERR_OK) {
		on_bad_message(conn, err, &why);
	} else if (is_end) {
		on_end(conn, result, &why);
	} else {
		ask->heard = true;
		if (ask->item != NULL)
			ask->item(ask, &link->item);
	}
	explicit_bzero(&link->item, sizeof(link->item));
	explicit_bzero(link->bytes, len);
}

static ssize_t
recv_once(struct admin_conn *conn)
{
	struct admin_link *link = conn->link;

	return jp_recv(conn->watch.fd, link->bytes, sizeof(link->bytes),
	    MSG_DONTWAIT | MSG_TRUNC);
}

/* Whether there may be another message. */
static bool
receive(struct admin_conn *conn)
{
	struct admin_link *link = conn->link;
	ssize_t len = recv_once(conn);

	if (len == 0) /* perhaps not yet: findings/seqpacket-end.sh */
		len = recv_once(conn);
	if (len < 0 && errno == EAGAIN)
		return false;
	if (len <= 0) {
		on_broken(conn, len < 0 && errno == ECONNRESET);
		return false;
	}
	if ((size_t)len > sizeof(link->bytes)) {
		explicit_bzero(link->bytes, sizeof(link->bytes));
		on_bad_message(
		    conn, JP_ERR_TOO_LONG, &(struct jp_why){ .text = "" });
		return false;
	}
	take(conn, (size_t)len);
	return conn->watch.fd >= 0;
}

static void
on_ready(struct reactor_watch *watch, uint32_t events)
{
	struct admin_conn *conn =
	    REACTOR_OWNER(watch, struct admin_conn, watch);

	(void)events;
	for (int i = 0; i < BATCH && receive(conn); i++)
		continue;
}

static void
on_idle(struct reactor_timer *timer)
{
	disconnect(REACTOR_OWNER(timer, struct admin_conn, idle));
}

/* ---- its life ---- */

void
admin_link_make(
    struct admin_link *link, struct reactor *reactor, const char *path)
{
	memset(link, 0, sizeof(*link));
	link->reactor = reactor;
	link->timeout_ms = ADMIN_LINK_TIMEOUT_MS;
	(void)jp_field_set(link->path, sizeof(link->path), path);
	link->duty.run = run;
	link->pause.due = on_pause_over;
	link->last = &link->first;
	for (size_t i = 0; i < ADMIN_LINK_CONNS; i++) {
		struct admin_conn *conn = &link->conns[i];

		conn->link = link;
		conn->watch =
		    (struct reactor_watch){ .fd = -1, .ready = on_ready };
		conn->idle.due = on_idle;
	}
}

void
admin_link_free(struct admin_link *link)
{
	for (size_t i = 0; i < ADMIN_LINK_CONNS; i++)
		if (link->conns[i].watch.fd >= 0)
			disconnect(&link->conns[i]);
	reactor_disarm(&link->pause);
}
