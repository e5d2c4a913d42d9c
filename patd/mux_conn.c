#include "patd/mux_conn.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>

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

enum jp_err
mux_receive(struct conn *conn, struct jp_request *request)
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

enum jp_err
mux_send(int fd, enum jp_verdict verdict)
{
	uint8_t bytes[JP_MUX_REPLY_SIZE];

	jp_mux_reply(verdict, bytes);
	if (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)sizeof(bytes))
		return jp_err_from_errno(errno);
	return JP_ERR_OK;
}
