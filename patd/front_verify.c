#include "patd/front_verify.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/sys/socket_io.h"
#include "common/wire/verify.h"

enum jp_err
verify_receive(int fd, struct jp_request *request)
{
	uint8_t bytes[JP_REQUEST_MAX];
	enum jp_err err = JP_ERR_TOO_LONG;
	ssize_t len;

	/* With MSG_TRUNC, `len` is that of the message, not of its part. */
	len = jp_recv(fd, bytes, sizeof(bytes), MSG_TRUNC | MSG_DONTWAIT);
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

/* What only a detailed reply tells. */
static void
add_details(struct jp_reply *reply, const struct jp_decision *decision,
    const struct jp_secret *upstream)
{
	reply->detailed = true;
	reply->denial = decision->denial;
	if (decision->verdict == JP_ACCEPT || reply->denial == JP_DENIAL_RIGHTS)
		memcpy(reply->id, decision->id, sizeof(reply->id));
	if (decision->verdict != JP_ACCEPT)
		return;
	reply->expires = decision->expires;
	if (upstream != NULL)
		(void)jp_secret_set(
		    &reply->upstream, upstream->text, upstream->len);
}

enum jp_err
verify_send(int fd, const struct jp_request *request,
    const struct jp_decision *decision, const struct jp_secret *upstream)
{
	struct jp_reply reply = { .verdict = decision->verdict,
		.seq = request->seq };
	enum jp_err err;

	if (decision->verdict == JP_ACCEPT || decision->verdict == JP_MAY ||
	    jp_reason_rights(decision->reason))
		memcpy(reply.user, decision->user, sizeof(reply.user));
	if (request->detailed)
		add_details(&reply, decision, upstream);
	err = verify_pass(fd, &reply);
	if (reply.upstream.len > 0)
		jp_secret_clear(&reply.upstream);
	return err;
}

enum jp_err
verify_pass(int fd, const struct jp_reply *reply)
{
	uint8_t bytes[JP_REPLY_MAX];
	enum jp_err err = JP_ERR_OK;
	size_t len;

	jp_reply_encode(reply, bytes, &len);
	if (jp_send(fd, bytes, len, MSG_DONTWAIT) != (ssize_t)len)
		err = jp_err_from_errno(errno);
	if (reply->upstream.len > 0)
		explicit_bzero(bytes, sizeof(bytes));
	return err;
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
