#include "pat_httpd/base/patd_link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "common/sys/log.h"
#include "common/wire/client.h"

enum {
	BATCH = 16,           /* messages of one system call */
	LOG_PAUSE_MS = 10000, /* between two lines about patd being away */
};

/* ---- the questions under way ---- */

static void
enqueue(struct patd_link *link, struct patd_question *question)
{
	question->next = NULL;
	question->back = link->last;
	*link->last = question;
	link->last = &question->next;
	reactor_later(link->reactor, &link->duty);
}

static void
dequeue(struct patd_link *link, struct patd_question *question)
{
	if (question->back == NULL)
		return;
	*question->back = question->next;
	if (question->next != NULL)
		question->next->back = question->back;
	else
		link->last = question->back;
	question->back = NULL;
}

static void
free_place(struct patd_link *link, uint32_t place)
{
	link->owed[place] = false;
	link->free_places[link->free_len++] = place;
}

/*
 * A place whose answer is still to come is not given to another question, so
 * that a late answer is never taken for that of another.
 */
void
patd_link_forget(struct patd_question *question)
{
	struct patd_link *link = question->link;

	if (link != NULL) {
		dequeue(link, question);
		reactor_disarm(&question->timer);
		link->at[question->place] = NULL;
		link->owed[question->place] = question->sent;
		if (!question->sent)
			free_place(link, question->place);
		question->link = NULL;
	}
	explicit_bzero(&question->request, sizeof(question->request));
}

static void
finish(struct patd_question *question, struct jp_reply *reply)
{
	patd_link_forget(question);
	question->answered(question, reply);
	explicit_bzero(reply, sizeof(*reply));
}

static void
give_up(struct patd_question *question)
{
	struct jp_reply reply = { .verdict = JP_UNAVAILABLE };

	finish(question, &reply);
}

static void
on_due(struct reactor_timer *timer)
{
	struct patd_question *question =
	    REACTOR_OWNER(timer, struct patd_question, timer);

	question->link->late = true;
	give_up(question);
}

enum jp_err
patd_link_ask(struct patd_link *link, struct patd_question *question)
{
	uint32_t place;

	if (link->free_len == 0)
		return JP_ERR_OVERLOAD;
	place = link->free_places[--link->free_len];
	question->link = link;
	question->place = place;
	question->sent = question->again = false;
	question->request.seq = link->round++ * PATD_LINK_MAX + place;
	link->at[place] = question;
	question->timer = (struct reactor_timer){ .due = on_due };
	reactor_arm(link->reactor, &question->timer,
	    link->reactor->now_ms + PATD_LINK_TIMEOUT_MS);
	enqueue(link, question);
	return JP_ERR_OK;
}

/* ---- the connection ---- */

static void
disconnect(struct patd_link *link)
{
	reactor_remove(link->reactor, &link->watch);
	(void)close(link->watch.fd);
	link->watch.fd = -1;
}

/*
 * patd has gone, perhaps to come back at once: what it did not answer is asked
 * once more. To ask twice changes nothing.
 */
static void
on_broken(struct patd_link *link)
{
	disconnect(link);
	link->unanswered = 0;
	for (size_t i = 0; i < PATD_LINK_MAX; i++) {
		struct patd_question *question = link->at[i];

		if (link->owed[i])
			free_place(link, (uint32_t)i);
		if (question == NULL || !question->sent)
			continue;
		question->sent = false;
		if (question->again) {
			give_up(question);
			continue;
		}
		question->again = true;
		enqueue(link, question);
	}
}

static void
log_away(struct patd_link *link, enum jp_err err)
{
	if (link->reactor->now_ms < link->logged_ms)
		return;
	link->logged_ms = link->reactor->now_ms + LOG_PAUSE_MS;
	jp_log(LOG_ERR, "patd at %s: %s: requests are answered by 503",
	    link->path, jp_err_text(err));
}

/* One try: it does not wait. */
static bool
connect_now(struct patd_link *link)
{
	enum jp_err err = jp_client_connect(
	    link->path, link->reactor->now_ms, &link->watch.fd);

	if (err != JP_ERR_OK) {
		log_away(link, err);
		return false;
	}
	if (reactor_add(link->reactor, &link->watch, EPOLLIN))
		return true;
	log_away(link, JP_ERR_NOMEM);
	(void)close(link->watch.fd);
	link->watch.fd = -1;
	return false;
}

/* ---- sending ---- */

struct outgoing {
	unsigned int len;
	struct patd_question *questions[BATCH];
	uint8_t bytes[BATCH][JP_REQUEST_MAX];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
};

/* Takes those at the head of the queue, which stay there. What patd has no room
 * for waits here: it hangs up on who does not read its answers. */
static void
gather(struct patd_link *link, struct outgoing *out)
{
	size_t room = PATD_LINK_WINDOW - link->unanswered;
	struct patd_question *question = link->first, *next;
	size_t len;

	out->len = 0;
	for (; question != NULL && out->len < BATCH && out->len < room;
	     question = next) {
		struct iovec *part = &out->parts[out->len];

		next = question->next;
		if (jp_request_encode(&question->request, out->bytes[out->len],
		        &len) != JP_ERR_OK) {
			give_up(question); /* too long: no token is */
			continue;
		}
		*part = (struct iovec){ out->bytes[out->len], len };
		out->messages[out->len] = (struct mmsghdr){
			.msg_hdr = { .msg_iov = part, .msg_iovlen = 1 }
		};
		out->questions[out->len++] = question;
	}
}

/* Those at the head; JP_ERR_TIMEOUT: no more can be sent now. */
static enum jp_err
send_some(struct patd_link *link)
{
	struct outgoing out;
	int sent;

	gather(link, &out);
	if (out.len == 0)
		return JP_ERR_OK;
	do
		sent = sendmmsg(link->watch.fd, out.messages, out.len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	explicit_bzero(out.bytes, out.len * sizeof(out.bytes[0]));
	for (int i = 0; i < sent; i++) {
		link->unanswered++;
		dequeue(link, out.questions[i]);
		out.questions[i]->sent = true;
	}
	if (sent < 0)
		return errno == EAGAIN ? JP_ERR_TIMEOUT
		                       : jp_err_from_errno(errno);
	return JP_ERR_OK;
}

static void
give_up_all(struct patd_link *link)
{
	while (link->first != NULL)
		give_up(link->first);
}

/* Sends what waits, with a connection if there is none. */
static void
run(struct reactor_duty *duty)
{
	struct patd_link *link = REACTOR_OWNER(duty, struct patd_link, duty);
	enum jp_err err = JP_ERR_OK;

	if (link->first == NULL)
		return;
	if (link->watch.fd < 0 && !connect_now(link)) {
		give_up_all(link);
		return;
	}
	while (err == JP_ERR_OK && link->first != NULL &&
	       link->unanswered < PATD_LINK_WINDOW)
		err = send_some(link);
	if (err == JP_ERR_TIMEOUT)
		(void)reactor_change(
		    link->reactor, &link->watch, EPOLLIN | EPOLLOUT);
	else if (err != JP_ERR_OK)
		on_broken(link);
}

/* ---- receiving ---- */

struct incoming {
	uint8_t bytes[BATCH][JP_REQUEST_MAX];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
};

/* One more may be sent. */
static void
on_room(struct patd_link *link)
{
	link->unanswered--;
	if (link->first != NULL)
		reactor_later(link->reactor, &link->duty);
}

/* False: nobody asked that. */
static bool
settle(struct patd_link *link, struct jp_reply *reply)
{
	uint32_t place = reply->seq % PATD_LINK_MAX;
	struct patd_question *question = link->at[place];

	link->late = false;
	if (question == NULL && link->owed[place]) {
		free_place(link, place);
		on_room(link);
		return true;
	}
	if (question == NULL || !question->sent ||
	    question->request.seq != reply->seq)
		return false;
	on_room(link);
	question->sent = false;
	finish(question, reply);
	return true;
}

/* False: it is no answer; whoever sends such is not talked to. */
static bool
take(struct patd_link *link, const struct mmsghdr *message)
{
	const struct iovec *part = message->msg_hdr.msg_iov;
	struct jp_reply reply;
	bool answered;

	if (message->msg_len == 0 || message->msg_hdr.msg_flags & MSG_TRUNC ||
	    jp_reply_decode(&reply, part->iov_base, message->msg_len) !=
	        JP_ERR_OK)
		return false;
	answered = settle(link, &reply);
	explicit_bzero(&reply, sizeof(reply));
	return answered;
}

/* How many there were; 0: none now; -1: the connection has ended. */
static int
receive_some(struct patd_link *link)
{
	struct incoming in;
	int len, taken = 0;

	for (size_t i = 0; i < BATCH; i++) {
		in.parts[i] =
		    (struct iovec){ in.bytes[i], sizeof(in.bytes[i]) };
		in.messages[i] = (struct mmsghdr){
			.msg_hdr = { .msg_iov = &in.parts[i], .msg_iovlen = 1 }
		};
	}
	do
		len = recvmmsg(
		    link->watch.fd, in.messages, BATCH, MSG_DONTWAIT, NULL);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return errno == EAGAIN ? 0 : -1;
	while (taken < len && take(link, &in.messages[taken]))
		taken++;
	explicit_bzero(in.bytes, (size_t)len * sizeof(in.bytes[0]));
	return taken < len ? -1 : len;
}

static void
on_ready(struct reactor_watch *watch, uint32_t events)
{
	struct patd_link *link = REACTOR_OWNER(watch, struct patd_link, watch);
	int len;

	do
		len = receive_some(link);
	while (len == BATCH);
	if (len < 0) {
		on_broken(link);
		return;
	}
	if (events & EPOLLOUT) {
		(void)reactor_change(link->reactor, watch, EPOLLIN);
		reactor_later(link->reactor, &link->duty);
	}
}

/* ---- its life ---- */

void
patd_link_make(
    struct patd_link *link, struct reactor *reactor, const char *path)
{
	memset(link, 0, sizeof(*link));
	link->reactor = reactor;
	(void)jp_field_set(link->path, sizeof(link->path), path);
	link->watch = (struct reactor_watch){ .fd = -1, .ready = on_ready };
	link->duty.run = run;
	link->last = &link->first;
	for (uint32_t i = 0; i < PATD_LINK_MAX; i++)
		link->free_places[link->free_len++] = PATD_LINK_MAX - 1 - i;
}

void
patd_link_free(struct patd_link *link)
{
	if (link->watch.fd >= 0)
		disconnect(link);
}

bool
patd_link_healthy(struct patd_link *link)
{
	return !link->late && (link->watch.fd >= 0 || connect_now(link));
}
