#include "common/wire/saslauthd.h"

#include <string.h>

#include "common/base/buf.h"
#include "common/base/net.h"

enum jp_err
jp_mux_decode(struct jp_mux_frame *frame, const uint8_t *bytes, size_t len)
{
	struct jp_buf buf;
	enum jp_err err;

	memset(frame, 0, sizeof(*frame));
	if (len > JP_MUX_FRAME_MAX)
		return JP_ERR_TOO_LONG;
	jp_buf_read(&buf, bytes, len);
	(void)jp_buf_get_str(&buf, frame->user, sizeof(frame->user));
	(void)jp_buf_get_str(&buf, frame->password, sizeof(frame->password));
	(void)jp_buf_get_str(&buf, frame->service, sizeof(frame->service));
	(void)jp_buf_get_str(&buf, frame->realm, sizeof(frame->realm));
	frame->has_address = buf.err == JP_ERR_OK && buf.pos < len;
	if (frame->has_address)
		(void)jp_buf_get_str(
		    &buf, frame->address, sizeof(frame->address));
	err = jp_buf_end(&buf);
	if (err != JP_ERR_OK)
		explicit_bzero(frame, sizeof(*frame));
	return err;
}

void
jp_mux_encode(const struct jp_mux_frame *frame, uint8_t *bytes, size_t *len)
{
	struct jp_buf buf;

	jp_buf_write(&buf, bytes, JP_MUX_FRAME_MAX);
	jp_buf_put_str(&buf, frame->user);
	jp_buf_put_str(&buf, frame->password);
	jp_buf_put_str(&buf, frame->service);
	jp_buf_put_str(&buf, frame->realm);
	if (frame->has_address)
		jp_buf_put_str(&buf, frame->address);
	*len = buf.pos;
}

/* libsasl2 has cut the name at its last "@": here it is whole again. */
static enum jp_err
set_user(const struct jp_mux_frame *frame, enum jp_realm realm,
    char user[JP_USER_MAX + 1])
{
	char name[sizeof(frame->user) + sizeof(frame->realm)];
	size_t len = strlen(frame->user);
	enum jp_err err;

	memcpy(name, frame->user, len + 1);
	if (len > 0 && frame->realm[0] != '\0') {
		name[len] = '@';
		memcpy(name + len + 1, frame->realm, strlen(frame->realm) + 1);
	}
	err = jp_realm_apply(realm, name);
	return err == JP_ERR_OK ? jp_field_set(user, JP_USER_MAX + 1, name)
	                        : err;
}

enum jp_err
jp_mux_request(const struct jp_mux_frame *frame, enum jp_realm realm,
    struct jp_request *request)
{
	enum jp_err err = JP_ERR_INVALID; /* an empty password */

	memset(request, 0, sizeof(*request));
	request->front = JP_FRONT_MUX;
	if (frame->password[0] != '\0')
		err = set_user(frame, realm, request->user);
	if (err == JP_ERR_OK)
		err = jp_field_set(
		    request->service, sizeof(request->service), frame->service);
	if (err == JP_ERR_OK)
		err = jp_secret_set(
		    &request->token, frame->password, strlen(frame->password));
	(void)jp_rhost_read(
	    frame->address, request->rhost, sizeof(request->rhost));
	if (err != JP_ERR_OK)
		explicit_bzero(request, sizeof(*request));
	return err;
}

void
jp_mux_reply(enum jp_verdict verdict, uint8_t bytes[JP_MUX_REPLY_SIZE])
{
	const char *text = "NO";
	struct jp_buf buf;

	switch (verdict) {
	case JP_ACCEPT:
		text = "OK";
		break;
	case JP_DENY:
	case JP_UNAVAILABLE:
	case JP_MAY:
		break;
	}
	jp_buf_write(&buf, bytes, JP_MUX_REPLY_SIZE);
	jp_buf_put_str(&buf, text);
}
