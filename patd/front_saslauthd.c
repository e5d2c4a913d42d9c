/*
 * The front of [patd] mux: the saslauthd protocol. Such a client waits without
 * end, and may leak its descriptor, where no answer comes: each one gets one.
 */
#include "patd/front.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/sys/socket_io.h"
#include "common/wire/saslauthd.h"

#define ROOM sizeof(((struct half *)NULL)->bytes)

/*
 * Moves the beginning of a question from the socket, where it would be
 * reported again and again, to its connection, which wipes it.
 */
static enum jp_err
hold(struct conn *conn, size_t len)
{
	struct half *half = conn->half;

	if (half == NULL) {
		if (!halves_have_room(conn->halves))
			return JP_ERR_OVERLOAD;
		half = conn->half = halves_take(conn->halves, conn);
	}
	if (jp_recv(conn->fd, half->bytes + half->len, len - half->len,
	        MSG_DONTWAIT) != (ssize_t)(len - half->len))
		return JP_ERR_UNREACHABLE;
	half->len = len;
	return JP_ERR_TIMEOUT;
}

static enum jp_err
understand(struct conn *conn, const uint8_t *bytes, size_t len,
    struct jp_request *request)
{
	struct jp_mux_frame frame;
	enum jp_err err = jp_mux_decode(&frame, bytes, len);

	if (err == JP_ERR_TRUNCATED)
		return hold(conn, len);
	halves_give_back(conn->halves, conn->half);
	conn->half = NULL;
	if (err == JP_ERR_OK)
		err = jp_mux_request(&frame, conn->realm, request);
	explicit_bzero(&frame, sizeof(frame));
	return err;
}

/*
 * What is there is looked at, and stays until there is an answer: to take it
 * out of a stream would wake up the client, who may write again but waits to
 * read (unix(7) has one queue for both), and would go to sleep once more.
 */
static enum jp_err
receive(struct conn *conn, struct jp_request *request)
{
	uint8_t bytes[ROOM];
	size_t len = conn->half != NULL ? conn->half->len : 0;
	enum jp_err err;
	ssize_t got;

	if (len > 0)
		memcpy(bytes, conn->half->bytes, len);
	got = jp_recv(conn->fd, bytes + len, sizeof(bytes) - len,
	    MSG_DONTWAIT | MSG_PEEK);
	if (got > 0) {
		len += (size_t)got;
		err = understand(conn, bytes, len, request);
	} else {
		err = got < 0 && errno == EAGAIN ? JP_ERR_TIMEOUT
		                                 : JP_ERR_UNREACHABLE;
	}
	explicit_bzero(bytes, len);
	return err;
}

/* What is not read when a socket is closed resets the connection. */
static void
discard(int fd)
{
	uint8_t bytes[ROOM];
	ssize_t got = jp_recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (got > 0)
		explicit_bzero(bytes, (size_t)got);
}

/* The protocol has one question for each connection: no `seq`. */
static enum jp_err
send_verdict(int fd, const struct jp_request *request,
    const struct jp_decision *decision, const struct jp_secret *upstream)
{
	uint8_t bytes[JP_MUX_REPLY_SIZE];
	enum jp_err err = JP_ERR_OK;

	(void)request;
	(void)upstream;
	jp_mux_reply(decision->verdict, bytes);
	if (jp_send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) !=
	    (ssize_t)sizeof(bytes))
		err = jp_err_from_errno(errno);
	discard(fd);
	return err;
}

const struct front front_saslauthd = {
	.code = JP_FRONT_MUX,
	.type = SOCK_STREAM,
	.name = "mux",
	.more = offsetof(struct jp_settings, mux),
	.mode = 0666,
	.holders = "patd or a saslauthd",
	.receive = receive,
	.send = send_verdict,
	.answers_all = true,
};
