#include "patd/answer.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#include "common/sys/log.h"
#include "common/base/net.h"

enum {
	USER_SHOWN = 512, /* bytes of an escaped user name in the log */
};

enum jp_err
answer_receive(int fd, struct jp_request *request)
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
answer_send(int fd, uint32_t seq, const struct jp_decision *decision)
{
	struct jp_reply reply = { .verdict = decision->verdict, .seq = seq };

	if (decision->verdict == JP_ACCEPT || decision->verdict == JP_MAY ||
	    jp_reason_rights(decision->reason))
		memcpy(reply.user, decision->user, sizeof(reply.user));
	return answer_pass(fd, &reply);
}

enum jp_err
answer_pass(int fd, const struct jp_reply *reply)
{
	uint8_t bytes[JP_REPLY_SIZE];

	jp_reply_encode(reply, bytes);
	if (send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)sizeof(bytes))
		return jp_err_from_errno(errno);
	return JP_ERR_OK;
}

static int
priority_of(enum jp_verdict verdict)
{
	switch (verdict) {
	case JP_ACCEPT:
	case JP_MAY:
		return LOG_DEBUG;
	case JP_UNAVAILABLE:
		return LOG_ERR;
	case JP_DENY:
		break;
	}
	return LOG_NOTICE;
}

void
answer_log(const struct jp_request *request, const struct jp_decision *decision,
    uid_t uid)
{
	char user[USER_SHOWN];
	char service[JP_ESCAPED_MAX(JP_SERVICE_MAX)];
	char rhost[JP_ESCAPED_MAX(JP_RHOST_MAX)];

	jp_log(priority_of(decision->verdict),
	    "%s: reason=%s id=%s front=%s peer=%u service=\"%s\" "
	    "rhost=\"%s\"%s "
	    "user=\"%s\"",
	    jp_verdict_name(decision->verdict),
	    jp_reason_name(decision->reason),
	    decision->id[0] != '\0' ? decision->id : "-",
	    jp_front_name(request->front), (unsigned)uid,
	    jp_escape(service, sizeof(service), request->service),
	    jp_escape(rhost, sizeof(rhost), request->rhost),
	    jp_rhost_note(request->rhost),
	    jp_escape(user, sizeof(user), request->user));
}

void
answer_log_flood(const struct jp_flood *flood)
{
	enum jp_verdict verdict = jp_reason_verdict(flood->reason);

	if (flood->held > 0)
		jp_log(priority_of(verdict),
		    "%s: reason=%s peer=%u: %" PRIu64
		    " more, not logged one by one",
		    jp_verdict_name(verdict), jp_reason_name(flood->reason),
		    (unsigned)flood->peer, flood->held);
}
