#include "common/base/buf.h"

#include <string.h>

void
jp_buf_write(struct jp_buf *buf, void *mem, size_t cap)
{
	*buf = (struct jp_buf){ .base = mem, .cap = cap };
}

void
jp_buf_read(struct jp_buf *buf, const void *mem, size_t len)
{
	/* A reading cursor never writes through `base`. */
	*buf = (struct jp_buf){ .base = (uint8_t *)(uintptr_t)mem, .cap = len };
}

void
jp_buf_fail(struct jp_buf *buf, enum jp_err err)
{
	if (buf->err == JP_ERR_OK)
		buf->err = err;
}

/* The next `len` bytes, or NULL and a sticky `lack` where there are fewer. */
static uint8_t *
advance(struct jp_buf *buf, size_t len, enum jp_err lack)
{
	uint8_t *at;

	if (buf->err == JP_ERR_OK && len > buf->cap - buf->pos)
		buf->err = lack;
	if (buf->err != JP_ERR_OK)
		return NULL;
	at = buf->base + buf->pos;
	buf->pos += len;
	return at;
}

void
jp_buf_put_raw(struct jp_buf *buf, const void *bytes, size_t len)
{
	uint8_t *at = advance(buf, len, JP_ERR_TOO_LONG);

	if (at != NULL && len > 0)
		memcpy(at, bytes, len);
}

static void
put_integer(struct jp_buf *buf, uint64_t value, size_t width)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
	jp_buf_put_raw(buf, bytes, width);
}

void
jp_buf_put_u8(struct jp_buf *buf, uint8_t value)
{
	put_integer(buf, value, 1);
}

void
jp_buf_put_u16(struct jp_buf *buf, uint16_t value)
{
	put_integer(buf, value, 2);
}

void
jp_buf_put_u32(struct jp_buf *buf, uint32_t value)
{
	put_integer(buf, value, 4);
}

void
jp_buf_put_i64(struct jp_buf *buf, int64_t value)
{
	put_integer(buf, (uint64_t)value, 8);
}

void
jp_buf_put_text(struct jp_buf *buf, const char *text, size_t len)
{
	if (len > UINT16_MAX) {
		jp_buf_fail(buf, JP_ERR_TOO_LONG);
		return;
	}
	jp_buf_put_u16(buf, (uint16_t)len);
	jp_buf_put_raw(buf, text, len);
}

void
jp_buf_put_str(struct jp_buf *buf, const char *text)
{
	jp_buf_put_text(buf, text, strlen(text));
}

void
jp_buf_get_raw(struct jp_buf *buf, void *bytes, size_t len)
{
	const uint8_t *at = advance(buf, len, JP_ERR_TRUNCATED);

	if (at == NULL)
		memset(bytes, 0, len);
	else
		memcpy(bytes, at, len);
}

static uint64_t
get_integer(struct jp_buf *buf, size_t width)
{
	uint8_t bytes[8];
	uint64_t value = 0;

	jp_buf_get_raw(buf, bytes, width);
	for (size_t i = 0; i < width; i++)
		value = value << 8 | bytes[i];
	return value;
}

uint8_t
jp_buf_get_u8(struct jp_buf *buf)
{
	return (uint8_t)get_integer(buf, 1);
}

uint16_t
jp_buf_get_u16(struct jp_buf *buf)
{
	return (uint16_t)get_integer(buf, 2);
}

uint32_t
jp_buf_get_u32(struct jp_buf *buf)
{
	return (uint32_t)get_integer(buf, 4);
}

int64_t
jp_buf_get_i64(struct jp_buf *buf)
{
	return (int64_t)get_integer(buf, 8);
}

size_t
jp_buf_get_str(struct jp_buf *buf, char *text, size_t size)
{
	size_t len = jp_buf_get_u16(buf);
	const uint8_t *at = NULL;

	if (len >= size)
		jp_buf_fail(buf, JP_ERR_TOO_LONG);
	else
		at = advance(buf, len, JP_ERR_TRUNCATED);
	if (at != NULL && memchr(at, '\0', len) != NULL)
		jp_buf_fail(buf, JP_ERR_INVALID);
	if (buf->err != JP_ERR_OK || at == NULL) {
		text[0] = '\0';
		return 0;
	}
	memcpy(text, at, len);
	text[len] = '\0';
	return len;
}

void
jp_buf_get_magic(struct jp_buf *buf, const char magic[JP_MAGIC_LEN])
{
	char found[JP_MAGIC_LEN];

	jp_buf_get_raw(buf, found, sizeof(found));
	if (memcmp(found, magic, sizeof(found)) != 0)
		jp_buf_fail(buf, JP_ERR_PROTOCOL);
}

unsigned int
jp_buf_get_enum(struct jp_buf *buf, unsigned int count)
{
	unsigned int value = jp_buf_get_u8(buf);

	if (value < count)
		return value;
	jp_buf_fail(buf, JP_ERR_PROTOCOL);
	return 0;
}

enum jp_err
jp_buf_end(const struct jp_buf *buf)
{
	if (buf->err == JP_ERR_OK && buf->pos < buf->cap)
		return JP_ERR_TRAILING;
	return buf->err;
}
