#include "common/admin/batch.h"

#include <sodium.h>
#include <string.h>

/* Each: the pepper's name (16 raw), the length of the record u16, the record.
 */
enum jp_err
jp_batch_put(struct jp_buf *buf, const struct jp_moved *moved)
{
	const struct jp_buf before = *buf;
	uint8_t bytes[JP_RECORD_MAX];
	size_t len = 0;
	enum jp_err err = jp_record_encode(&moved->record, bytes, &len);

	if (err == JP_ERR_OK) {
		jp_buf_put_raw(buf, moved->pepper, sizeof(moved->pepper));
		jp_buf_put_text(buf, (const char *)bytes, len);
		err = buf->err;
	}
	sodium_memzero(bytes, sizeof(bytes));
	if (err != JP_ERR_OK)
		*buf = before;
	return err;
}

enum jp_err
jp_batch_get(struct jp_buf *buf, struct jp_moved *moved)
{
	size_t len;
	enum jp_err err;

	memset(moved, 0, sizeof(*moved));
	jp_buf_get_raw(buf, moved->pepper, sizeof(moved->pepper));
	len = jp_buf_get_u16(buf);
	if (buf->err == JP_ERR_OK && len > buf->cap - buf->pos)
		jp_buf_fail(buf, JP_ERR_TRUNCATED);
	if (buf->err != JP_ERR_OK)
		return buf->err;
	err = jp_record_decode(&moved->record, buf->base + buf->pos, len);
	buf->pos += len;
	if (err != JP_ERR_OK)
		jp_buf_fail(buf, err);
	return buf->err;
}

/* Each: the fields u8, the user. */
enum jp_err
jp_batch_put_user(struct jp_buf *buf, const struct jp_user_change *change)
{
	const struct jp_buf before = *buf;
	enum jp_err err;

	jp_buf_put_u8(buf, (uint8_t)change->fields);
	jp_user_put(buf, &change->user);
	err = buf->err;
	if (err != JP_ERR_OK)
		*buf = before;
	return err;
}

enum jp_err
jp_batch_get_user(struct jp_buf *buf, struct jp_user_change *change)
{
	change->fields = jp_buf_get_u8(buf);
	jp_user_get(buf, &change->user);
	if (!jp_when_valid(change->user.changed_at))
		jp_buf_fail(buf, JP_ERR_INVALID);
	return buf->err;
}
