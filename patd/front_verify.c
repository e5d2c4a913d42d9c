#include "patd/front_verify.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/wire/verify.h"

enum jp_err
verify_receive(int fd, struct jp_request *request)
{
	uint8_t bytes[JP_REQUEST_MAX];
	enum jp_err err = JP_ERR_TOO_LONG;
	ssize_t len;

	/* With MSG_TRUNC, `len` is that of the message, not of its part. */
	do
		len = recv(fd, bytes, sizeof(bytes), MSG_TRUNC | MSG_DONTWAIT);
	while (len < 0 && errno == EINTR);
	if (len < 0)
		return errno == EAGAIN ? JP_ERR_TIMEOUT
		                       : jp_err_from_errno(errno);
	if (len == 0)
		return JP_ERR_UNREACHABLE;
	if ((size_t)len <= sizeof(bytes))
		err = jp_request_decode(request, bytes, (size_t)len);
	explicit_bzero(bytes, sizeof(bytes));
	return err;
}

enum jp_err
verify_send(int fd, uint32_t seq, const struct jp_decision *decision)
{
	struct jp_reply reply = { .verdict = decision->verdict, .seq = seq };

	if (decision->verdict == JP_ACCEPT || decision->verdict == JP_MAY ||
	    jp_reason_rights(decision->reason))
		memcpy(reply.user, decision->user, sizeof(reply.user));
	return verify_pass(fd, &reply);
}

enum jp_err
verify_pass(int fd, const struct jp_reply *reply)
{
	uint8_t bytes[JP_REPLY_SIZE];

	jp_reply_encode(reply, bytes);
	if (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)sizeof(bytes))
		return jp_err_from_errno(errno);
	return JP_ERR_OK;
}

static enum jp_err
receive(struct conn *conn, struct jp_request *request)
{
	return verify_receive(conn->fd, request);
}

const struct front front_verify = {
	.code =
	    JP_FRONT_PAM, /* its questions name the front that they are of */
	.type = SOCK_SEQPACKET,
	.file = "verify.sock",
	.more = offsetof(struct jp_settings, verify),
	.mode = 0666,
	.receive = receive,
	.send = verify_send,
	.keep_open = true,
};
