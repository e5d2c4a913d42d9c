/*
 * Linked into a patd of its own, which is then a newer version, in which either
 * the records or the batches have another format: it writes that, and reads
 * what there was before. The linker leads the calls of these functions here
 * (ld(1), --wrap).
 *
 *     JP_NEWER=record  records have one version more
 *     JP_NEWER=batch   batches begin with "JPB2"
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/batch.h"
#include "common/store/store.h"

enum {
	NEWER = JP_RECORD_VERSION + 1,
	MAGIC_AT = JP_MAGIC_LEN - 1, /* the digit of "JPB1" */
	HEAD_LEN = JP_MAGIC_LEN + 4,
};

/* What the linker makes of the functions' names. */
#define REAL(name) __real_##name
#define WRAP(name) __wrap_##name

static bool
is_new(const char *format)
{
	const char *wanted = getenv("JP_NEWER");

	return wanted != NULL && strcmp(wanted, format) == 0;
}

/* ---- records ---- */

/* The bytes as the version before has them, in `old`. */
static const uint8_t *
as_before(const uint8_t *bytes, size_t len, uint8_t old[JP_RECORD_MAX])
{
	if (!is_new("record") || len == 0 || len > JP_RECORD_MAX ||
	    bytes[0] != NEWER)
		return bytes;
	memcpy(old, bytes, len);
	old[0] = JP_RECORD_VERSION;
	return old;
}

enum jp_err REAL(jp_record_decode)(
    struct jp_record *record, const uint8_t *bytes, size_t len);
enum jp_err WRAP(jp_record_decode)(
    struct jp_record *record, const uint8_t *bytes, size_t len);

enum jp_err
WRAP(jp_record_decode)(
    struct jp_record *record, const uint8_t *bytes, size_t len)
{
	uint8_t old[JP_RECORD_MAX];

	return REAL(jp_record_decode)(record, as_before(bytes, len, old), len);
}

enum jp_err REAL(jp_record_peek)(const uint8_t *bytes, size_t len,
    const char **user, size_t *user_len, int64_t *expires_at);
enum jp_err WRAP(jp_record_peek)(const uint8_t *bytes, size_t len,
    const char **user, size_t *user_len, int64_t *expires_at);

/* `user` points into `bytes`. */
enum jp_err
WRAP(jp_record_peek)(const uint8_t *bytes, size_t len, const char **user,
    size_t *user_len, int64_t *expires_at)
{
	uint8_t old[JP_RECORD_MAX];
	const uint8_t *from = as_before(bytes, len, old);
	enum jp_err err =
	    REAL(jp_record_peek)(from, len, user, user_len, expires_at);

	if (err == JP_ERR_OK)
		*user = (const char *)bytes + (*user - (const char *)from);
	return err;
}

enum jp_err REAL(jp_record_peek_owner)(
    const uint8_t *bytes, size_t len, const char **group, size_t *group_len);
enum jp_err WRAP(jp_record_peek_owner)(
    const uint8_t *bytes, size_t len, const char **group, size_t *group_len);

enum jp_err
WRAP(jp_record_peek_owner)(
    const uint8_t *bytes, size_t len, const char **group, size_t *group_len)
{
	uint8_t old[JP_RECORD_MAX];
	const uint8_t *from = as_before(bytes, len, old);
	enum jp_err err =
	    REAL(jp_record_peek_owner)(from, len, group, group_len);

	if (err == JP_ERR_OK)
		*group = (const char *)bytes + (*group - (const char *)from);
	return err;
}

enum jp_err REAL(jp_batch_add)(
    struct jp_batch *batch, const struct jp_batch_item *item);
enum jp_err WRAP(jp_batch_add)(
    struct jp_batch *batch, const struct jp_batch_item *item);

enum jp_err
WRAP(jp_batch_add)(struct jp_batch *batch, const struct jp_batch_item *item)
{
	uint8_t bytes[JP_RECORD_MAX];
	struct jp_batch_item newer = *item;

	if (is_new("record") && item->file == JP_BATCH_TOKENS &&
	    item->len > 0 && item->len <= sizeof(bytes)) {
		memcpy(bytes, item->bytes, item->len);
		bytes[0] = NEWER;
		newer.bytes = bytes;
	}
	return REAL(jp_batch_add)(batch, &newer);
}

/* ---- batches ---- */

static enum jp_err
mark(struct jp_batch *batch, enum jp_err err)
{
	if (err == JP_ERR_OK && is_new("batch"))
		batch->bytes[MAGIC_AT] = '2';
	return err;
}

enum jp_err
    REAL(jp_batch_changes)(struct jp_batch *batch, struct jp_store *store,
        const struct jp_change *changes, size_t count, struct jp_why *why);
enum jp_err
    WRAP(jp_batch_changes)(struct jp_batch *batch, struct jp_store *store,
        const struct jp_change *changes, size_t count, struct jp_why *why);

enum jp_err
WRAP(jp_batch_changes)(struct jp_batch *batch, struct jp_store *store,
    const struct jp_change *changes, size_t count, struct jp_why *why)
{
	return mark(
	    batch, REAL(jp_batch_changes)(batch, store, changes, count, why));
}

enum jp_err REAL(jp_batch_users)(struct jp_batch *batch,
    const struct jp_user *users, size_t count, struct jp_why *why);
enum jp_err WRAP(jp_batch_users)(struct jp_batch *batch,
    const struct jp_user *users, size_t count, struct jp_why *why);

enum jp_err
WRAP(jp_batch_users)(struct jp_batch *batch, const struct jp_user *users,
    size_t count, struct jp_why *why)
{
	return mark(batch, REAL(jp_batch_users)(batch, users, count, why));
}

/* Whether these are the bytes of a batch of the new format. */
static bool
is_marked(const uint8_t *bytes, size_t len)
{
	return is_new("batch") && len >= HEAD_LEN && bytes[MAGIC_AT] == '2';
}

void REAL(jp_batch_read)(
    struct jp_batch_reader *reader, const uint8_t *bytes, size_t len);
void WRAP(jp_batch_read)(
    struct jp_batch_reader *reader, const uint8_t *bytes, size_t len);

void
WRAP(jp_batch_read)(
    struct jp_batch_reader *reader, const uint8_t *bytes, size_t len)
{
	uint8_t head[HEAD_LEN];

	if (!is_marked(bytes, len)) {
		REAL(jp_batch_read)(reader, bytes, len);
		return;
	}
	memcpy(head, bytes, sizeof(head));
	head[MAGIC_AT] = '1';
	REAL(jp_batch_read)(reader, head, sizeof(head));
	reader->bytes = bytes;
	reader->len = len;
}

enum jp_err
    REAL(jp_batch_check)(const uint8_t *bytes, size_t len, size_t *count);
enum jp_err
    WRAP(jp_batch_check)(const uint8_t *bytes, size_t len, size_t *count);

enum jp_err
WRAP(jp_batch_check)(const uint8_t *bytes, size_t len, size_t *count)
{
	uint8_t *old;
	enum jp_err err;

	if (!is_marked(bytes, len))
		return REAL(jp_batch_check)(bytes, len, count);
	old = malloc(len);
	if (old == NULL)
		return JP_ERR_NOMEM;
	memcpy(old, bytes, len);
	old[MAGIC_AT] = '1';
	err = REAL(jp_batch_check)(old, len, count);
	sodium_memzero(old, len);
	free(old);
	return err;
}
