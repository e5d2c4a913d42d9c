#include "common/admin/batch.h"

#include <sodium.h>
#include <string.h>

_Static_assert(JP_BATCH_MAX >= JP_RECORD_MAX + JP_PEPPER_NAME_LEN + 2,
    "the largest record must fit into a batch");

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

/*
 * Each: user, name, limits, lifetime u8, expires_at i64, parent, owner_group,
 * uses_max u32.
 */
enum jp_err
jp_batch_put_new(struct jp_buf *buf, const struct jp_new_token *token)
{
	const struct jp_buf before = *buf;
	enum jp_err err;

	jp_buf_put_str(buf, token->record.user);
	jp_buf_put_str(buf, token->record.name);
	jp_limits_put(buf, &token->record);
	jp_buf_put_u8(buf, (uint8_t)token->lifetime);
	jp_buf_put_i64(buf, token->expires_at);
	jp_buf_put_str(buf, token->record.parent);
	jp_buf_put_str(buf, token->record.owner_group);
	jp_buf_put_u32(buf, token->record.uses_max);
	err = buf->err;
	if (err != JP_ERR_OK)
		*buf = before;
	return err;
}

enum jp_err
jp_batch_get_new(struct jp_buf *buf, struct jp_new_token *token)
{
	struct jp_record *record = &token->record;

	memset(token, 0, sizeof(*token));
	jp_buf_get_str(buf, record->user, sizeof(record->user));
	jp_buf_get_str(buf, record->name, sizeof(record->name));
	jp_limits_get(buf, record);
	token->lifetime =
	    (enum jp_lifetime)jp_buf_get_enum(buf, JP_LIFETIME_UNTIL + 1);
	token->expires_at = jp_buf_get_i64(buf);
	if (!jp_when_valid(token->expires_at))
		jp_buf_fail(buf, JP_ERR_INVALID);
	jp_buf_get_str(buf, record->parent, sizeof(record->parent));
	jp_buf_get_str(buf, record->owner_group, sizeof(record->owner_group));
	record->uses_max = jp_buf_get_u32(buf);
	return buf->err;
}
