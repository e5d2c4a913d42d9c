/*
 * The front of [patd] mux: the saslauthd protocol. Such a client waits without
 * end, and may leak its descriptor, where no answer comes: each one gets one.
 */
#include "patd/front.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>

#include "common/wire/saslauthd.h"

enum {
	ROOM = JP_MUX_FRAME_MAX + 1, /* one more shows what is too long */
};

/* Keeps the beginning of a question with its connection, which wipes it. */
static enum jp_err
hold(struct conn *conn, const uint8_t *bytes, size_t len)
{
	if (conn->held == NULL)
		conn->held = sodium_malloc(ROOM); /* locked */
	if (conn->held == NULL)
		return JP_ERR_NOMEM;
	memcpy(conn->held, bytes, len);
	conn->held_len = len;
	return JP_ERR_TIMEOUT;
}

static enum jp_err
understand(struct conn *conn, const uint8_t *bytes, size_t len,
    struct jp_request *request)
{
	struct jp_mux_frame frame;
	enum jp_err err = jp_mux_decode(&frame, bytes, len);

	if (err == JP_ERR_TRUNCATED)
		return hold(conn, bytes, len);
	if (err == JP_ERR_OK)
		err = jp_mux_request(&frame, conn->realm, request);
	explicit_bzero(&frame, sizeof(frame));
	return err;
}

static enum jp_err
receive(struct conn *conn, struct jp_request *request)
{
	uint8_t bytes[ROOM];
	size_t held = conn->held_len;
	enum jp_err err;
	ssize_t len;

	if (held > 0)
		memcpy(bytes, conn->held, held);
	do
		len = recv(
		    conn->fd, bytes + held, sizeof(bytes) - held, MSG_DONTWAIT);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		err = errno == EAGAIN ? JP_ERR_TIMEOUT : JP_ERR_UNREACHABLE;
	else if (len == 0)
		err = JP_ERR_UNREACHABLE;
	else
		err = understand(conn, bytes, held + (size_t)len, request);
	explicit_bzero(bytes, sizeof(bytes));
	return err;
}

/* The protocol has one question for each connection: no `seq`. */
static enum jp_err
send_verdict(int fd, uint32_t seq, const struct jp_decision *decision)
{
	uint8_t bytes[JP_MUX_REPLY_SIZE];

	(void)seq;
	jp_mux_reply(decision->verdict, bytes);
	if (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)sizeof(bytes))
		return jp_err_from_errno(errno);
	return JP_ERR_OK;
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
