/*
 * The connection to pat-clusterd: messages that leave in the order in which
 * they were given, without anybody waiting for the other side; those of one
 * thread alone come in. Knows nothing of what is in them.
 */
#ifndef PATD_CLUSTER_WIRE_H
#define PATD_CLUSTER_WIRE_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "common/cluster/link.h"

/* Bytes that may wait to be sent: a batch, and what is said beside it. */
#define CLUSTER_WIRE_WAITING_MAX (JP_LINK_BYTES_MAX + (4U << 20))

struct cluster_wire_bytes;

struct cluster_wire {
	int wake_fd; /* of the thread: somebody else has left something */
	pthread_mutex_t mutex; /* of the rest */
	int fd;                /* -1: not connected */
	bool failed;           /* the thread shall close it */
	STAILQ_HEAD(cluster_wire_queue, cluster_wire_bytes) waiting;
	size_t waiting_bytes;
};

/* JP_ERR_NOMEM: there is no descriptor. */
enum jp_err cluster_wire_init(struct cluster_wire *link);
void cluster_wire_free(struct cluster_wire *link);

/* A connection is there; it does not block, and is ours. */
void cluster_wire_open(struct cluster_wire *link, int fd);

/* Closes it, if there is one, and drops what waits. */
void cluster_wire_close(struct cluster_wire *link);

/*
 * From any thread: sends a message with its bytes, or leaves them for
 * cluster_wire_flush(). JP_ERR_UNREACHABLE: there is no connection, or it must
 * be closed; JP_ERR_NOMEM.
 */
enum jp_err cluster_wire_send(struct cluster_wire *link,
    const struct jp_link_msg *msg, const uint8_t *bytes);

/*
 * Sends what waits, as far as the other side takes it. False: the connection
 * must be closed.
 */
bool cluster_wire_flush(struct cluster_wire *link);

/* Whether something waits; to poll for POLLOUT. */
bool cluster_wire_is_waiting(struct cluster_wire *link);

#endif
