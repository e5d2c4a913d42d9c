#include "patd/cluster_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/sys/socket_io.h"

/* One message that waits. */
struct cluster_wire_bytes {
	STAILQ_ENTRY(cluster_wire_bytes) next;
	size_t len;
	uint8_t bytes[];
};

enum jp_err
cluster_wire_init(struct cluster_wire *link)
{
	memset(link, 0, sizeof(*link));
	STAILQ_INIT(&link->waiting);
	link->fd = -1;
	link->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (link->wake_fd < 0)
		return JP_ERR_NOMEM;
	(void)pthread_mutex_init(&link->mutex, NULL);
	return JP_ERR_OK;
}

void
cluster_wire_free(struct cluster_wire *link)
{
	cluster_wire_close(link);
	(void)close(link->wake_fd);
	(void)pthread_mutex_destroy(&link->mutex);
}

void
cluster_wire_open(struct cluster_wire *link, int fd)
{
	pthread_mutex_lock(&link->mutex);
	link->fd = fd;
	link->failed = false;
	pthread_mutex_unlock(&link->mutex);
}

/* It may hold sealed secrets. */
static void
drop_first(struct cluster_wire *link)
{
	struct cluster_wire_bytes *first = STAILQ_FIRST(&link->waiting);

	STAILQ_REMOVE_HEAD(&link->waiting, next);
	link->waiting_bytes -= first->len;
	explicit_bzero(first->bytes, first->len);
	free(first);
}

void
cluster_wire_close(struct cluster_wire *link)
{
	pthread_mutex_lock(&link->mutex);
	if (link->fd >= 0)
		(void)close(link->fd);
	link->fd = -1;
	while (!STAILQ_EMPTY(&link->waiting))
		drop_first(link);
	pthread_mutex_unlock(&link->mutex);
}

static enum jp_err
leave(struct cluster_wire *link, const uint8_t *bytes, size_t len)
{
	struct cluster_wire_bytes *more;

	if (link->waiting_bytes + len > CLUSTER_WIRE_WAITING_MAX)
		return JP_ERR_UNREACHABLE;
	more = malloc(sizeof(*more) + len);
	if (more == NULL)
		return JP_ERR_NOMEM;
	more->len = len;
	memcpy(more->bytes, bytes, len);
	STAILQ_INSERT_TAIL(&link->waiting, more, next);
	link->waiting_bytes += len;
	return JP_ERR_OK;
}

/* Either at once, or behind what waits. */
static enum jp_err
take(void *arg, const uint8_t *bytes, size_t len)
{
	struct cluster_wire *link = arg;

	if (STAILQ_EMPTY(&link->waiting)) {
		if (jp_send(link->fd, bytes, len, MSG_DONTWAIT) == (ssize_t)len)
			return JP_ERR_OK;
		if (errno != EAGAIN && errno != ENOBUFS)
			return JP_ERR_UNREACHABLE;
	}
	return leave(link, bytes, len);
}

enum jp_err
cluster_wire_send(struct cluster_wire *link, const struct jp_link_msg *msg,
    const uint8_t *bytes)
{
	enum jp_err err = JP_ERR_UNREACHABLE;
	bool tell;

	pthread_mutex_lock(&link->mutex);
	if (link->fd >= 0 && !link->failed)
		err = jp_link_send(msg, bytes, take, link);
	/* A part of a message may have left. */
	if (link->fd >= 0 && err != JP_ERR_OK)
		link->failed = true;
	tell = link->failed || !STAILQ_EMPTY(&link->waiting);
	pthread_mutex_unlock(&link->mutex);
	if (tell)
		(void)eventfd_write(link->wake_fd, 1);
	return err;
}

bool
cluster_wire_flush(struct cluster_wire *link)
{
	bool fine;

	pthread_mutex_lock(&link->mutex);
	while (!link->failed && !STAILQ_EMPTY(&link->waiting)) {
		const struct cluster_wire_bytes *first =
		    STAILQ_FIRST(&link->waiting);

		if (jp_send(link->fd, first->bytes, first->len, MSG_DONTWAIT) !=
		    (ssize_t)first->len) {
			link->failed = errno != EAGAIN && errno != ENOBUFS;
			break;
		}
		drop_first(link);
	}
	fine = !link->failed;
	pthread_mutex_unlock(&link->mutex);
	return fine;
}

bool
cluster_wire_is_waiting(struct cluster_wire *link)
{
	bool waiting;

	pthread_mutex_lock(&link->mutex);
	waiting = !STAILQ_EMPTY(&link->waiting);
	pthread_mutex_unlock(&link->mutex);
	return waiting;
}
