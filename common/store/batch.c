/*
 * The bytes of a batch: written, read, and checked. What a commit makes of them
 * is in batch_make.c.
 */
#include "common/store/batch.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"

#define MAGIC "JPB1"
#define MAGIC_SAME 3 /* bytes of it that no newer format changes */

enum {
	COUNT_LEN = 4,
	HEAD_LEN = JP_MAGIC_LEN + COUNT_LEN,
	FRAME_LEN = 1 + 2 + 4, /* of an item: file, length of the key, length */
	ROOM_FIRST = 1024,     /* bytes that a new one takes */
};

/* ---- records ---- */

static enum jp_err
token_key(const uint8_t *bytes, size_t len, char key[JP_USER_MAX + 1])
{
	struct jp_record record;
	enum jp_err err = jp_record_decode(&record, bytes, len);

	if (err == JP_ERR_OK)
		err = jp_field_set(key, JP_USER_MAX + 1, record.id);
	sodium_memzero(&record, sizeof(record));
	return err;
}

static enum jp_err
user_key(const uint8_t *bytes, size_t len, char key[JP_USER_MAX + 1])
{
	struct jp_user user;
	enum jp_err err = jp_user_decode(&user, bytes, len);

	if (err == JP_ERR_OK)
		memcpy(key, user.name, sizeof(user.name));
	return err;
}

static enum jp_err
upstream_key(const uint8_t *bytes, size_t len, char key[JP_USER_MAX + 1])
{
	struct jp_upstreams all;
	enum jp_err err = jp_upstreams_decode(&all, bytes, len);

	if (err == JP_ERR_OK)
		memcpy(key, all.user, sizeof(all.user));
	sodium_memzero(&all, sizeof(all));
	return err;
}

static const struct {
	size_t max; /* bytes of a record */
	/* Decodes it, and says whose it is. */
	enum jp_err (*key)(
	    const uint8_t *bytes, size_t len, char key[JP_USER_MAX + 1]);
} files[JP_BATCH_FILES] = {
	[JP_BATCH_TOKENS] = { JP_RECORD_MAX, token_key },
	[JP_BATCH_USERS] = { JP_USER_RECORD_MAX, user_key },
	[JP_BATCH_UPSTREAM] = { JP_UPSTREAM_RECORD_MAX, upstream_key },
};

static bool
key_is_valid(enum jp_batch_file file, const char *key)
{
	return file == JP_BATCH_TOKENS ? jp_token_id_valid(key)
	                               : key[0] != '\0';
}

/* Whether an item may be in a batch at all, wherever. */
static enum jp_err
check_item(const struct jp_batch_item *item)
{
	char key[JP_USER_MAX + 1];
	enum jp_err err;

	if (item->file < JP_BATCH_TOKENS || item->file >= JP_BATCH_FILES ||
	    !key_is_valid(item->file, item->key))
		return JP_ERR_INVALID;
	if (item->len == 0)
		return JP_ERR_OK;
	if (item->len > files[item->file].max)
		return JP_ERR_TOO_LONG;
	err = files[item->file].key(item->bytes, item->len, key);
	if (err == JP_ERR_OK && strcmp(key, item->key) != 0)
		err = JP_ERR_INVALID;
	return err;
}

/* Whether it comes behind the last one, as strcmp() orders keys. */
static bool
is_behind(const struct jp_batch_item *item, enum jp_batch_file last_file,
    const char *last_key)
{
	return item->file != last_file ? item->file > last_file
	                               : strcmp(item->key, last_key) > 0;
}

/* ---- writing ---- */

/* Not with realloc(): what was there is cleared before it is freed. */
static enum jp_err
grow(struct jp_batch *batch, size_t need)
{
	size_t cap = batch->cap < ROOM_FIRST ? ROOM_FIRST : batch->cap;
	uint8_t *bytes;

	if (need > JP_BATCH_BYTES_MAX)
		return JP_ERR_TOO_LONG;
	if (need <= batch->cap)
		return JP_ERR_OK;
	while (cap < need)
		cap *= 2;
	bytes = malloc(cap);
	if (bytes == NULL)
		return JP_ERR_NOMEM;
	if (batch->bytes != NULL) {
		memcpy(bytes, batch->bytes, batch->len);
		sodium_memzero(batch->bytes, batch->cap);
		free(batch->bytes);
	}
	batch->bytes = bytes;
	batch->cap = cap;
	return JP_ERR_OK;
}

static void
write_head(struct jp_batch *batch)
{
	struct jp_buf buf;

	jp_buf_write(&buf, batch->bytes, HEAD_LEN);
	jp_buf_put_raw(&buf, MAGIC, JP_MAGIC_LEN);
	jp_buf_put_u32(&buf, batch->count);
}

enum jp_err
jp_batch_start(struct jp_batch *batch)
{
	enum jp_err err;

	*batch = (struct jp_batch){ .bytes = NULL };
	err = grow(batch, HEAD_LEN);
	if (err != JP_ERR_OK)
		return err;
	batch->len = HEAD_LEN;
	write_head(batch);
	return JP_ERR_OK;
}

void
jp_batch_free(struct jp_batch *batch)
{
	if (batch->bytes != NULL)
		sodium_memzero(batch->bytes, batch->cap);
	free(batch->bytes);
	*batch = (struct jp_batch){ .bytes = NULL };
}

static void
append(struct jp_batch *batch, const struct jp_batch_item *item)
{
	struct jp_buf buf;

	jp_buf_write(&buf, batch->bytes + batch->len, batch->cap - batch->len);
	jp_buf_put_u8(&buf, (uint8_t)item->file);
	jp_buf_put_str(&buf, item->key);
	jp_buf_put_u32(&buf, (uint32_t)item->len);
	jp_buf_put_raw(&buf, item->bytes, item->len);
	batch->len += buf.pos;
	batch->count++;
	batch->last_file = item->file;
	memcpy(batch->last_key, item->key, sizeof(batch->last_key));
	write_head(batch);
}

enum jp_err
jp_batch_add(struct jp_batch *batch, const struct jp_batch_item *item)
{
	enum jp_err err = check_item(item);

	if (err == JP_ERR_OK &&
	    !is_behind(item, batch->last_file, batch->last_key))
		err = JP_ERR_INVALID;
	if (err == JP_ERR_OK)
		err = grow(batch,
		    batch->len + FRAME_LEN + strlen(item->key) + item->len);
	if (err == JP_ERR_OK)
		append(batch, item);
	return err;
}

void
jp_batch_cut(struct jp_batch *batch, const struct jp_batch *before)
{
	sodium_memzero(batch->bytes + before->len, batch->len - before->len);
	batch->len = before->len;
	batch->count = before->count;
	batch->last_file = before->last_file;
	memcpy(batch->last_key, before->last_key, sizeof(batch->last_key));
	write_head(batch);
}

/* ---- reading ---- */

void
jp_batch_read(struct jp_batch_reader *reader, const uint8_t *bytes, size_t len)
{
	struct jp_buf buf;

	*reader = (struct jp_batch_reader){ .bytes = bytes, .len = len };
	jp_buf_read(&buf, bytes, len);
	if (len >= HEAD_LEN && memcmp(bytes, MAGIC, MAGIC_SAME) == 0 &&
	    bytes[MAGIC_SAME] > (uint8_t)MAGIC[MAGIC_SAME])
		jp_buf_fail(&buf, JP_ERR_NEWER);
	jp_buf_get_magic(&buf, MAGIC);
	reader->left = jp_buf_get_u32(&buf);
	reader->pos = buf.pos;
	reader->err = len > JP_BATCH_BYTES_MAX ? JP_ERR_TOO_LONG : buf.err;
}

/* Its bytes are not copied: they are where the reader finds them. */
static void
get_item(struct jp_buf *buf, struct jp_batch_item *item)
{
	item->file = (enum jp_batch_file)jp_buf_get_enum(buf, JP_BATCH_FILES);
	(void)jp_buf_get_str(buf, item->key, sizeof(item->key));
	item->len = jp_buf_get_u32(buf);
	item->bytes = buf->base + buf->pos;
	if (item->len > buf->cap - buf->pos)
		jp_buf_fail(buf, JP_ERR_TRUNCATED);
	if (buf->err == JP_ERR_OK)
		buf->pos += item->len;
}

static enum jp_err
next(struct jp_batch_reader *reader, struct jp_batch_item *item)
{
	struct jp_buf buf;
	enum jp_err err;

	memset(item, 0, sizeof(*item));
	jp_buf_read(
	    &buf, reader->bytes + reader->pos, reader->len - reader->pos);
	get_item(&buf, item);
	err = buf.err == JP_ERR_OK ? check_item(item) : buf.err;
	if (err == JP_ERR_OK &&
	    !is_behind(item, reader->last_file, reader->last_key))
		err = JP_ERR_INVALID;
	if (err != JP_ERR_OK)
		return err;
	reader->pos += buf.pos;
	reader->left--;
	reader->last_file = item->file;
	memcpy(reader->last_key, item->key, sizeof(reader->last_key));
	return JP_ERR_OK;
}

bool
jp_batch_next(struct jp_batch_reader *reader, struct jp_batch_item *item)
{
	if (reader->err == JP_ERR_OK && reader->left > 0) {
		reader->err = next(reader, item);
		return reader->err == JP_ERR_OK;
	}
	memset(item, 0, sizeof(*item));
	return false;
}

void
jp_batch_item_at(
    const uint8_t *bytes, size_t len, size_t pos, struct jp_batch_item *item)
{
	struct jp_buf buf;

	memset(item, 0, sizeof(*item));
	jp_buf_read(&buf, bytes + pos, len - pos);
	get_item(&buf, item);
}

enum jp_err
jp_batch_end(const struct jp_batch_reader *reader)
{
	if (reader->err != JP_ERR_OK)
		return reader->err;
	if (reader->left > 0)
		return JP_ERR_TRUNCATED;
	return reader->pos == reader->len ? JP_ERR_OK : JP_ERR_TRAILING;
}

enum jp_err
jp_batch_check(const uint8_t *bytes, size_t len, size_t *count)
{
	struct jp_batch_reader reader;
	struct jp_batch_item item;

	*count = 0;
	jp_batch_read(&reader, bytes, len);
	while (jp_batch_next(&reader, &item))
		++*count;
	return jp_batch_end(&reader);
}
