#include "common/wire/verify.h"

#include <string.h>

#include "common/base/buf.h"
#include "common/wire/token.h"

/* Of a message, and of a detailed one. */
static const char magics[2][JP_MAGIC_LEN] = {
	{ 'J', 'P', 'V', '1' },
	{ 'J', 'P', 'V', '2' },
};

static const char *const front_names[JP_FRONT_COUNT] = {
#define JP_FRONT_ROW(code, number, name) [number] = name,
	JP_FRONT_LIST(JP_FRONT_ROW)
#undef JP_FRONT_ROW
};

const char *
jp_front_name(enum jp_front front)
{
	return (unsigned int)front < JP_FRONT_COUNT ? front_names[front]
	                                            : "unknown";
}

enum jp_err
jp_request_encode(const struct jp_request *request, uint8_t *bytes, size_t *len)
{
	struct jp_buf buf;

	jp_buf_write(&buf, bytes, JP_REQUEST_MAX);
	jp_buf_put_raw(&buf, magics[request->detailed], JP_MAGIC_LEN);
	jp_buf_put_u8(
	    &buf, (uint8_t)((unsigned int)request->front |
	                    (request->last ? JP_REQUEST_LAST : 0U) |
	                    (request->account ? JP_REQUEST_ACCOUNT : 0U)));
	jp_buf_put_u32(&buf, request->seq);
	jp_buf_put_str(&buf, request->user);
	jp_buf_put_text(&buf, request->token.text, request->token.len);
	jp_buf_put_str(&buf, request->service);
	jp_buf_put_str(&buf, request->rhost);
	if (request->detailed)
		jp_buf_put_u8(&buf, (uint8_t)request->access);
	*len = buf.pos;
	return buf.err;
}

/* Whether a detailed message begins here. */
static bool
get_detailed(struct jp_buf *buf)
{
	char magic[JP_MAGIC_LEN];

	jp_buf_get_raw(buf, magic, JP_MAGIC_LEN);
	if (memcmp(magic, magics[true], JP_MAGIC_LEN) == 0)
		return true;
	if (memcmp(magic, magics[false], JP_MAGIC_LEN) != 0)
		jp_buf_fail(buf, JP_ERR_PROTOCOL);
	return false;
}

static void
get_front(struct jp_buf *buf, struct jp_request *request)
{
	unsigned int front = jp_buf_get_u8(buf);

	request->last = front >= JP_REQUEST_LAST;
	front %= JP_REQUEST_LAST;
	request->account = front >= JP_REQUEST_ACCOUNT;
	front %= JP_REQUEST_ACCOUNT;
	if (front < JP_FRONT_COUNT)
		request->front = (enum jp_front)front;
	else
		jp_buf_fail(buf, JP_ERR_PROTOCOL);
}

enum jp_err
jp_request_decode(struct jp_request *request, const uint8_t *bytes, size_t len)
{
	struct jp_buf buf;
	enum jp_err err;

	memset(request, 0, sizeof(*request));
	if (len > JP_REQUEST_MAX)
		return JP_ERR_TOO_LONG;
	jp_buf_read(&buf, bytes, len);
	request->detailed = get_detailed(&buf);
	get_front(&buf, request);
	request->seq = jp_buf_get_u32(&buf);
	jp_buf_get_str(&buf, request->user, sizeof(request->user));
	request->token.len = jp_buf_get_str(
	    &buf, request->token.text, sizeof(request->token.text));
	jp_buf_get_str(&buf, request->service, sizeof(request->service));
	jp_buf_get_str(&buf, request->rhost, sizeof(request->rhost));
	if (request->detailed)
		request->access =
		    (enum jp_access)jp_buf_get_enum(&buf, JP_ACCESS_SELF + 1);
	err = jp_buf_end(&buf);
	if (err == JP_ERR_OK && request->account && request->token.len > 0)
		err = JP_ERR_PROTOCOL;
	if (err != JP_ERR_OK)
		explicit_bzero(request, sizeof(*request));
	return err;
}

void
jp_reply_encode(
    const struct jp_reply *reply, uint8_t bytes[JP_REPLY_MAX], size_t *len)
{
	struct jp_buf buf;

	*len = reply->detailed ? JP_DETAILED_SIZE : JP_REPLY_SIZE;
	memset(bytes, 0, *len);
	jp_buf_write(&buf, bytes, *len);
	jp_buf_put_raw(&buf, magics[reply->detailed], JP_MAGIC_LEN);
	jp_buf_put_u8(&buf, (uint8_t)reply->verdict);
	jp_buf_put_u32(&buf, reply->seq);
	jp_buf_put_str(&buf, reply->user);
	if (!reply->detailed)
		return;
	jp_buf_put_u8(&buf, (uint8_t)reply->denial);
	jp_buf_put_str(&buf, reply->id);
	jp_buf_put_i64(&buf, reply->expires);
	jp_buf_put_text(&buf, reply->upstream.text, reply->upstream.len);
}

/* What is left are zeroes, up to the end. */
static void
get_padding(struct jp_buf *buf)
{
	static const uint8_t zeroes[JP_REPLY_MAX];

	if (buf->err == JP_ERR_OK &&
	    memcmp(buf->base + buf->pos, zeroes, buf->cap - buf->pos) != 0)
		jp_buf_fail(buf, JP_ERR_PROTOCOL);
}

/*
 * Whose token it is must be told where it is accepted, or merely lacks a right,
 * and nowhere else; what an acceptance tells besides goes with no other.
 */
static bool
tells_what_it_may(const struct jp_reply *reply)
{
	bool accepts = reply->verdict == JP_ACCEPT;
	bool lacks =
	    reply->verdict == JP_DENY && reply->denial == JP_DENIAL_RIGHTS;
	bool names = accepts || lacks;

	if (reply->denial != JP_DENIAL_CREDENTIALS && reply->verdict != JP_DENY)
		return false;
	if ((reply->user[0] != '\0') != (names || reply->verdict == JP_MAY))
		return false;
	if (names ? !jp_token_id_valid(reply->id) : reply->id[0] != '\0')
		return false;
	return accepts ? reply->expires >= 0
	               : reply->expires == 0 && reply->upstream.len == 0;
}

static void
get_details(struct jp_buf *buf, struct jp_reply *reply)
{
	reply->denial =
	    (enum jp_denial)jp_buf_get_enum(buf, JP_DENIAL_THROTTLED + 1);
	jp_buf_get_str(buf, reply->id, sizeof(reply->id));
	reply->expires = jp_buf_get_i64(buf);
	reply->upstream.len = jp_buf_get_str(
	    buf, reply->upstream.text, sizeof(reply->upstream.text));
	if (!tells_what_it_may(reply))
		jp_buf_fail(buf, JP_ERR_PROTOCOL);
}

enum jp_err
jp_reply_decode(struct jp_reply *reply, const uint8_t *bytes, size_t len)
{
	struct jp_buf buf;

	memset(reply, 0, sizeof(*reply));
	if (len != JP_REPLY_SIZE && len != JP_DETAILED_SIZE)
		return JP_ERR_PROTOCOL;
	jp_buf_read(&buf, bytes, len);
	reply->detailed = get_detailed(&buf);
	if (reply->detailed != (len == JP_DETAILED_SIZE))
		jp_buf_fail(&buf, JP_ERR_PROTOCOL);
	reply->verdict = (enum jp_verdict)jp_buf_get_enum(&buf, JP_MAY + 1);
	reply->seq = jp_buf_get_u32(&buf);
	jp_buf_get_str(&buf, reply->user, sizeof(reply->user));
	if (reply->detailed)
		get_details(&buf, reply);
	get_padding(&buf);
	if (buf.err != JP_ERR_OK)
		explicit_bzero(reply, sizeof(*reply));
	return buf.err;
}
