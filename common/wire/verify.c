#include "common/wire/verify.h"

#include <string.h>

#include "common/base/buf.h"

static const char magic[JP_MAGIC_LEN] = { 'J', 'P', 'V', '1' };

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
	jp_buf_put_raw(&buf, magic, JP_MAGIC_LEN);
	jp_buf_put_u8(
	    &buf, (uint8_t)((unsigned int)request->front |
	                    (request->last ? JP_REQUEST_LAST : 0U) |
	                    (request->account ? JP_REQUEST_ACCOUNT : 0U)));
	jp_buf_put_u32(&buf, request->seq);
	jp_buf_put_str(&buf, request->user);
	jp_buf_put_text(&buf, request->token.text, request->token.len);
	jp_buf_put_str(&buf, request->service);
	jp_buf_put_str(&buf, request->rhost);
	*len = buf.pos;
	return buf.err;
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
	else if (buf->err == JP_ERR_OK)
		buf->err = JP_ERR_PROTOCOL;
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
	jp_buf_get_magic(&buf, magic);
	get_front(&buf, request);
	request->seq = jp_buf_get_u32(&buf);
	jp_buf_get_str(&buf, request->user, sizeof(request->user));
	request->token.len = jp_buf_get_str(
	    &buf, request->token.text, sizeof(request->token.text));
	jp_buf_get_str(&buf, request->service, sizeof(request->service));
	jp_buf_get_str(&buf, request->rhost, sizeof(request->rhost));
	err = jp_buf_end(&buf);
	if (err == JP_ERR_OK && request->account && request->token.len > 0)
		err = JP_ERR_PROTOCOL;
	if (err != JP_ERR_OK)
		explicit_bzero(request, sizeof(*request));
	return err;
}

void
jp_reply_encode(const struct jp_reply *reply, uint8_t bytes[JP_REPLY_SIZE])
{
	struct jp_buf buf;

	memset(bytes, 0, JP_REPLY_SIZE);
	jp_buf_write(&buf, bytes, JP_REPLY_SIZE);
	jp_buf_put_raw(&buf, magic, JP_MAGIC_LEN);
	jp_buf_put_u8(&buf, (uint8_t)reply->verdict);
	jp_buf_put_u32(&buf, reply->seq);
	jp_buf_put_str(&buf, reply->user);
}

/* What is left are zeroes, up to the end. */
static void
get_padding(struct jp_buf *buf, const uint8_t *bytes)
{
	static const uint8_t zeroes[JP_REPLY_SIZE];

	if (buf->err == JP_ERR_OK &&
	    memcmp(bytes + buf->pos, zeroes, JP_REPLY_SIZE - buf->pos) != 0)
		jp_buf_fail(buf, JP_ERR_PROTOCOL);
}

enum jp_err
jp_reply_decode(struct jp_reply *reply, const uint8_t *bytes, size_t len)
{
	struct jp_buf buf;

	memset(reply, 0, sizeof(*reply));
	if (len != JP_REPLY_SIZE)
		return JP_ERR_PROTOCOL;
	jp_buf_read(&buf, bytes, len);
	jp_buf_get_magic(&buf, magic);
	reply->verdict = (enum jp_verdict)jp_buf_get_enum(&buf, JP_MAY + 1);
	reply->seq = jp_buf_get_u32(&buf);
	jp_buf_get_str(&buf, reply->user, sizeof(reply->user));
	get_padding(&buf, bytes);
	if (buf.err != JP_ERR_OK)
		memset(reply, 0, sizeof(*reply));
	return buf.err;
}
