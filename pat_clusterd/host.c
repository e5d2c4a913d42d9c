#include "pat_clusterd/host.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "common/config/acl.h"
#include "common/sys/log.h"
#include "common/sys/socket_io.h"

enum {
	AGAIN_MS = 500, /* until the next try at the socket */
	AT_ONCE = 64,   /* messages, before others have their turn */
	BACKLOG_MAX = 2 * (int)JP_LINK_BYTES_MAX,
};

struct host_message {
	struct host_message *next;
	size_t len;
	uint8_t bytes[];
};

/* ---- making and ending it ---- */

void
host_make(struct host *host, const char *path, const uid_t *uids,
    size_t uid_len, const struct host_events *events)
{
	memset(host, 0, sizeof(*host));
	host->path = path;
	host->uid_len = uid_len;
	for (size_t i = 0; i < uid_len; i++)
		host->uids[i] = uids[i];
	host->events = *events;
	host->fd = -1;
	jp_link_reader_init(&host->reader, JP_LINK_SIDE_HOST);
}

static void
free_message(struct host_message *message)
{
	explicit_bzero(message->bytes, message->len);
	free(message);
}

void
host_close(struct host *host, int64_t now_ms)
{
	struct host_message *next;

	if (host->fd < 0)
		return;
	(void)close(host->fd);
	host->fd = -1;
	host->due_ms = now_ms + AGAIN_MS;
	host->broken = false;
	for (; host->first != NULL; host->first = next) {
		next = host->first->next;
		free_message(host->first);
	}
	host->last = NULL;
	host->backlog = 0;
	jp_link_reader_free(&host->reader);
	jp_link_reader_init(&host->reader, JP_LINK_SIDE_HOST);
	host->events.closed(host->events.arg);
}

void
host_adopt(struct host *host, int fd)
{
	host->fd = fd;
	host->complained = false;
	host->events.opened(host->events.arg);
}

/* ---- connecting ---- */

/* Once, not at each try; that nobody is there yet is no fault. */
static void
complain(struct host *host, const char *what)
{
	if (!host->complained)
		jp_log(LOG_WARNING, "%s: %s", host->path, what);
	host->complained = true;
}

/* Else anybody who may make a socket there would tell us what to append. */
static bool
is_trusted(const struct host *host, int fd)
{
	uid_t uid;

	if (host->uid_len == 0)
		return true;
	if (!jp_peer_uid(fd, &uid))
		return false;
	for (size_t i = 0; i < host->uid_len; i++)
		if (host->uids[i] == uid)
			return true;
	return false;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address,
	                   sizeof(address)) != 0) {
		int errnum = errno;

		(void)close(fd);
		errno = errnum;
		return -1;
	}
	return fd;
}

static void
try_connect(struct host *host, int64_t now_ms)
{
	int fd = connect_to(host->path);

	host->due_ms = now_ms + AGAIN_MS;
	if (fd < 0) {
		if (errno != ENOENT && errno != ECONNREFUSED && errno != EAGAIN)
			complain(host, strerror(errno));
	} else if (!is_trusted(host, fd)) {
		complain(host, "another user listens there than patd's: "
		               "nothing is sent");
		(void)close(fd);
	} else {
		host_adopt(host, fd);
	}
}

/* ---- sending ---- */

static enum jp_err
queue(void *arg, const uint8_t *bytes, size_t len)
{
	struct host *host = arg;
	struct host_message *message;

	if (host->backlog + len > BACKLOG_MAX)
		return JP_ERR_OVERLOAD;
	message = malloc(sizeof(*message) + len);
	if (message == NULL)
		return JP_ERR_NOMEM;
	message->next = NULL;
	message->len = len;
	memcpy(message->bytes, bytes, len);
	if (host->last != NULL)
		host->last->next = message;
	else
		host->first = message;
	host->last = message;
	host->backlog += len;
	return JP_ERR_OK;
}

/* Closed by the next step: whoever sends goes on to use what it has. */
static void
break_off(struct host *host, const char *what, enum jp_err err)
{
	jp_log(LOG_ERR, "host: %s: %s", what, jp_err_text(err));
	host->broken = true;
}

enum jp_err
host_send(
    struct host *host, const struct jp_link_msg *msg, const uint8_t *bytes)
{
	enum jp_err err;

	if (host->fd < 0 || host->broken)
		return JP_ERR_OK;
	err = jp_link_send(msg, bytes, queue, host);
	if (err == JP_ERR_INVALID || err == JP_ERR_TOO_LONG)
		return err;
	if (err != JP_ERR_OK)
		break_off(host, jp_link_kind_name(msg->kind), err);
	return JP_ERR_OK;
}

/* False: the connection is of no use. */
static bool
flush(struct host *host)
{
	while (host->first != NULL) {
		struct host_message *message = host->first;

		if (jp_send(host->fd, message->bytes, message->len,
		        MSG_DONTWAIT) < 0)
			return errno == EAGAIN;
		host->first = message->next;
		if (host->first == NULL)
			host->last = NULL;
		host->backlog -= message->len;
		free_message(message);
	}
	return true;
}

/* ---- receiving ---- */

/* JP_ERR_BUSY: there is nothing now. */
static enum jp_err
take_one(struct host *host, struct jp_why *why)
{
	uint8_t bytes[JP_LINK_MSG_MAX];
	ssize_t len =
	    jp_recv(host->fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);
	enum jp_err err;

	if (len < 0 && errno == EAGAIN)
		return JP_ERR_BUSY;
	if (len <= 0)
		return jp_why(why, JP_ERR_UNREACHABLE, "%s", "");
	if ((size_t)len > sizeof(bytes))
		return jp_why(why, JP_ERR_TOO_LONG, "a message is too long");
	err = jp_link_reader_feed(&host->reader, bytes, (size_t)len);
	explicit_bzero(bytes, (size_t)len);
	if (err == JP_ERR_BUSY)
		return JP_ERR_OK;
	if (err != JP_ERR_OK)
		return jp_why(why, err, "a message that is not understood: %s",
		    jp_err_text(err));
	return host->events.took(
	    host->events.arg, &host->reader.msg, host->reader.bytes, why);
}

static bool
take(struct host *host)
{
	struct jp_why why = { .text = "" };
	enum jp_err err = JP_ERR_OK;

	for (int i = 0; err == JP_ERR_OK && i < AT_ONCE && !host->broken; i++)
		err = take_one(host, &why);
	if (err != JP_ERR_OK && err != JP_ERR_BUSY && why.text[0] != '\0')
		jp_log(LOG_ERR, "host: %s", why.text);
	return err == JP_ERR_OK || err == JP_ERR_BUSY;
}

/* ---- for the loop ---- */

short
host_poll(const struct host *host)
{
	return (short)(POLLIN | (host->first != NULL ? POLLOUT : 0));
}

int64_t
host_due(const struct host *host)
{
	if (host->fd >= 0)
		return host->broken ? 0 : INT64_MAX;
	return host->path != NULL ? host->due_ms : INT64_MAX;
}

void
host_step(struct host *host, short ready, int64_t now_ms)
{
	if (host->fd < 0) {
		if (host->path != NULL && now_ms >= host->due_ms)
			try_connect(host, now_ms);
		return;
	}
	if (((ready & (POLLIN | POLLHUP | POLLERR)) != 0 && !take(host)) ||
	    host->broken || !flush(host))
		host_close(host, now_ms);
}
