#include "patd/accept.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "common/sys/log.h"
#include "common/base/clock.h"
#include "patd/questions.h"

enum {
	ACCEPTS_MAX = 64, /* at the end, of each socket */
	BURST_MAX = 16,   /* before others get their turn */
	FIRST_MS = 5000,  /* until the first question */
	NS_PER_MS = 1000000,
	LOG_PAUSE_MS = 1000, /* between two lines about refused connections */
};

/* Refused connections could fill a log: it gets one line a second. */
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
	    "refused a connection from uid %u: %s (and %u before)",
	    (unsigned)uid, reason, loop->unlogged);
	loop->log_ms = now + LOG_PAUSE_MS;
	loop->unlogged = 0;
}

/* Why this peer may not ask; NULL: it may. */
static const char *
objection(struct loop *loop, int fd, uid_t uid)
{
	const struct server_options *options = loop->options;

	if (!jp_acl_may_verify(options->acl, fd, uid))
		return "not allowed to ask";
	if (loop->conns.len >= loop->conns.max)
		return "max_connections reached";
	if (conns_of(&loop->conns, uid) >= options->settings->max_per_uid)
		return "max_per_uid reached";
	return NULL;
}

static void
add_asker(struct loop *loop, int fd, uid_t uid, const struct listener *listener)
{
	const char *reason = objection(loop, fd, uid);
	struct conn *conn;
	uint64_t key;

	if (reason != NULL) {
		log_refused(loop, reason, uid);
		questions_turn_away(listener->front, fd);
		(void)close(fd);
		return;
	}
	key = conns_add(&loop->conns, fd, uid, listener->front);
	conn = conns_find(&loop->conns, key);
	conn->deadline_ms = loop->turn_ns / NS_PER_MS + FIRST_MS;
	conn->realm =
	    jp_settings_realm(loop->options->settings, listener->path);
	questions_on_conn(loop, key, 0); /* it is often there already */
	questions_listen(loop, key);
}

static void
add_admin(struct loop *loop, int fd, uid_t uid)
{
	enum jp_peer peer = jp_acl_who(loop->options->acl, fd, uid);
	enum jp_err err = admin_service_take(loop->admin, fd, uid, peer);

	if (err == JP_ERR_REFUSED)
		log_refused(loop,
		    peer == JP_PEER_HTTPD ? "[self_service] is not configured"
		                          : "not an administrator",
		    uid);
	else if (err != JP_ERR_OK)
		log_refused(loop, "too many at once on admin.sock", uid);
}

bool
accept_watch(struct loop *loop, int op, uint32_t events)
{
	const struct listeners *listeners = loop->options->listeners;
	bool done = true;

	for (size_t i = 0; i < listeners->len; i++)
		if (listeners->at[i].socket.fd >= 0)
			done &= loop_watch(loop, op, listeners->at[i].socket.fd,
			    LOOP_LISTENER - i, events);
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
		loop->paused = accept_watch(loop, EPOLL_CTL_MOD, 0);
		break;
	default:
		break;
	}
}

bool
accept_one(struct loop *loop, size_t place)
{
	const struct listener *listener = &loop->options->listeners->at[place];
	bool administers = listener->front->administers;
	int fd = accept4(listener->socket.fd, NULL, NULL,
	    SOCK_CLOEXEC | (administers ? 0 : SOCK_NONBLOCK));
	uid_t uid;

	if (fd < 0) {
		on_accept_error(loop, errno);
		return false;
	}
	if (!jp_peer_uid(fd, &uid))
		(void)close(fd);
	else if (administers)
		add_admin(loop, fd, uid);
	else
		add_asker(loop, fd, uid, listener);
	return true;
}

void
accept_some(struct loop *loop, size_t place)
{
	unsigned int *burst = &loop->options->listeners->at[place].burst;
	unsigned int taken = 0;

	if (loop->rested || *burst == 0)
		*burst = 1;
	while (taken < *burst && accept_one(loop, place))
		taken++;
	if (taken < *burst)
		*burst = taken;
	else if (*burst < BURST_MAX)
		++*burst;
}

void
accept_the_last(struct loop *loop)
{
	const struct listeners *listeners = loop->options->listeners;

	for (size_t i = 0; i < listeners->len; i++) {
		int left = ACCEPTS_MAX;

		if (listeners->at[i].socket.fd < 0 ||
		    listeners->at[i].front->administers)
			continue;
		while (left-- > 0 && accept_one(loop, i))
			continue;
	}
}
