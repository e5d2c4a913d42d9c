/*
 * common/base/: errors, bytes, texts, clocks; needs libc only.
 *
 * One bounded cursor over bytes: the wire messages and the stored records are
 * written and read with it, and with nothing else. Integers are big-endian;
 * strings carry their length in two bytes and hold no NUL.
 *
 * An error sticks: after it, writes write nothing and reads give zeroes, so a
 * caller puts or gets all its fields and asks once, at the end.
 */
#ifndef JP_BUF_H
#define JP_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

#define JP_MAGIC_LEN 4 /* bytes that begin a message of a protocol */

struct jp_buf {
	uint8_t *base; /* the caller's memory */
	size_t cap;    /* bytes that may be written, or that can be read */
	size_t pos;    /* bytes written or read so far */
	enum jp_err err;
};

/* Starts to write into `cap` bytes at `mem`, which the caller keeps. */
void jp_buf_write(struct jp_buf *buf, void *mem, size_t cap);

/* Starts to read the `len` bytes at `mem`, which are not changed. */
void jp_buf_read(struct jp_buf *buf, const void *mem, size_t len);

/* Each put fails with JP_ERR_TOO_LONG when there is no room for it. */
void jp_buf_put_u8(struct jp_buf *buf, uint8_t value);
void jp_buf_put_u16(struct jp_buf *buf, uint16_t value);
void jp_buf_put_u32(struct jp_buf *buf, uint32_t value);
void jp_buf_put_i64(struct jp_buf *buf, int64_t value);
void jp_buf_put_raw(struct jp_buf *buf, const void *bytes, size_t len);
void jp_buf_put_text(struct jp_buf *buf, const char *text, size_t len);
void jp_buf_put_str(struct jp_buf *buf, const char *text);

/*
 * Each get fails with JP_ERR_TRUNCATED when the bytes end before it.
 * jp_buf_get_str: JP_ERR_TOO_LONG if the text and its NUL exceed `size`,
 * JP_ERR_INVALID if it holds a NUL; returns the length of the text.
 */
uint8_t jp_buf_get_u8(struct jp_buf *buf);
uint16_t jp_buf_get_u16(struct jp_buf *buf);
uint32_t jp_buf_get_u32(struct jp_buf *buf);
int64_t jp_buf_get_i64(struct jp_buf *buf);
void jp_buf_get_raw(struct jp_buf *buf, void *bytes, size_t len);
size_t jp_buf_get_str(struct jp_buf *buf, char *text, size_t size);

/*
 * What protocols have in common: JP_ERR_PROTOCOL where the next bytes are not
 * `magic`, or the next byte is not below `count` (and 0 is returned).
 */
void jp_buf_get_magic(struct jp_buf *buf, const char magic[JP_MAGIC_LEN]);
unsigned int jp_buf_get_enum(struct jp_buf *buf, unsigned int count);

/* Reports a value that its reader does not accept; the first error stays. */
void jp_buf_fail(struct jp_buf *buf, enum jp_err err);

/* The end of reading: the first error, or JP_ERR_TRAILING if bytes remain. */
enum jp_err jp_buf_end(const struct jp_buf *buf);

#endif
