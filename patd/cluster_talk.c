/*
 * The talk with pat-clusterd: who is let in, the messages that come, and what
 * ends it. What they are about is the replica's.
 */
#include "patd/cluster_internal.h"

#include <errno.h>
#include <sys/socket.h>
#include <syslog.h>

#include "common/base/clock.h"
#include "common/sys/socket_io.h"

_Static_assert(JP_ERR_COUNT <= 64, "a bit for each error");

enum {
	BURST_MAX = 64, /* messages, before other things get their turn */
	PAUSE_MS =
	    200, /* after a connection: one that is made over and over, */
	PAUSE_MAX_MS = 5000, /* and what it brings is refused each time */
};

static void
disconnect(struct cluster *cluster, int priority, const struct jp_why *why)
{
	if (cluster->backoff_ms == 0)
		cluster_say(&cluster->said_link, priority, why);
	cluster_wire_close(&cluster->link);
	jp_replica_lost(cluster->replica);
	cluster_snapshot_lost(&cluster->snapshot);
	jp_link_reader_free(&cluster->reader);
	jp_link_reader_init(&cluster->reader, JP_LINK_SIDE_LINK);
	if (cluster->backoff_ms == 0)
		cluster->said_state.text[0] = '\0';
	cluster->pause_ms = jp_now_ms() + PAUSE_MS;
}

/*
 * What is in the database is not what this host may take, or can write: it is
 * looked at again, less and less often. Each error is said once, with the words
 * that it has then: those of later tries may have other numbers in them.
 */
static void
refuse(struct cluster *cluster, enum jp_err err, const struct jp_why *why)
{
	const uint64_t bit = UINT64_C(1) << err;

	if ((cluster->refused & bit) == 0)
		cluster_say(&cluster->said_link, LOG_ERR, why);
	cluster->refused |= bit;
	cluster->backoff_ms = cluster->backoff_ms == 0 ? PAUSE_MS
	                      : cluster->backoff_ms > PAUSE_MAX_MS / 2
	                          ? PAUSE_MAX_MS
	                          : 2 * cluster->backoff_ms;
	disconnect(cluster, LOG_ERR, why);
	cluster->pause_ms = jp_now_ms() + cluster->backoff_ms;
}

void
cluster_watch_refused(struct cluster *cluster)
{
	struct jp_replica_status status;

	if (cluster->backoff_ms == 0)
		return;
	jp_replica_status(cluster->replica, &status);
	if (status.refused_why[0] != '\0')
		return;
	cluster->backoff_ms = 0;
	cluster->refused = 0;
	cluster_say_taken(cluster, &status);
}

void
cluster_talk_open(struct cluster *cluster, int fd)
{
	struct jp_link_msg hello;

	if (fd < 0)
		return;
	if (cluster->backoff_ms == 0)
		cluster_say_linked(cluster);
	cluster_wire_open(&cluster->link, fd);
	jp_replica_hello(cluster->replica, &hello);
	(void)cluster_wire_send(&cluster->link, &hello, NULL);
}

static void
take_done(struct cluster *cluster, const struct jp_link_done *done)
{
	if (!cluster_snapshot_answered(&cluster->snapshot, done, jp_now_ms()))
		jp_replica_released(cluster->replica, done->req);
}

static enum jp_err
take_message(struct cluster *cluster, struct jp_why *why)
{
	const struct jp_link_msg *msg = &cluster->reader.msg;
	enum jp_err err;

	if (msg->kind == JP_LINK_DONE) {
		take_done(cluster, &msg->done);
		return JP_ERR_OK;
	}
	if (msg->kind == JP_LINK_STATE)
		cluster_say_state(cluster, &msg->state);
	err =
	    jp_replica_take(cluster->replica, msg, cluster->reader.bytes, why);
	if (err == JP_ERR_OK && msg->kind == JP_LINK_WELCOME)
		atomic_fetch_add(&cluster->connections, 1);
	if (err == JP_ERR_OK && msg->kind == JP_LINK_NODES)
		cluster_snapshot_consider(&cluster->snapshot,
		    msg->nodes.log_batches, msg->nodes.log_bytes, jp_now_ms());
	return err;
}

/*
 * The next message, or a part of one. JP_ERR_TIMEOUT: there is none;
 * JP_ERR_UNREACHABLE: nor will be.
 */
static enum jp_err
receive(struct cluster *cluster, struct jp_why *why)
{
	ssize_t len = jp_recv(cluster->link.fd, cluster->in,
	    sizeof(cluster->in), MSG_DONTWAIT | MSG_TRUNC);
	enum jp_err err = JP_ERR_TOO_LONG;

	if (len < 0 && errno == EAGAIN)
		return JP_ERR_TIMEOUT;
	if (len <= 0)
		return jp_why(
		    why, JP_ERR_UNREACHABLE, "pat-clusterd is not connected");
	if ((size_t)len <= sizeof(cluster->in))
		err = jp_link_reader_feed(
		    &cluster->reader, cluster->in, (size_t)len);
	if (err == JP_ERR_BUSY)
		return JP_ERR_OK;
	if (err != JP_ERR_OK)
		return jp_why(why, err,
		    "pat-clusterd sends what patd cannot read (%s): restart "
		    "both after an upgrade",
		    jp_err_text(err));
	return take_message(cluster, why);
}

void
cluster_talk_receive(struct cluster *cluster)
{
	struct jp_why why = { .text = "" };
	enum jp_err err = JP_ERR_OK;

	for (int i = 0; i < BURST_MAX && err == JP_ERR_OK; i++)
		err = receive(cluster, &why);
	if (err == JP_ERR_OK || err == JP_ERR_TIMEOUT)
		return;
	if (err == JP_ERR_UNREACHABLE)
		disconnect(cluster, LOG_WARNING, &why);
	else
		refuse(cluster, err, &why);
}

void
cluster_talk_flush(struct cluster *cluster)
{
	struct jp_why why;

	if (cluster->link.fd < 0 || cluster_wire_flush(&cluster->link))
		return;
	(void)jp_why(
	    &why, JP_ERR_UNREACHABLE, "pat-clusterd takes no messages");
	disconnect(cluster, LOG_WARNING, &why);
}
