/*
 * The rows of a batch, of the kind that the first byte names: what is accepted
 * encodes the same, and a row that has no room leaves what was there.
 */
#include "common/admin/batch.h"
#include "tests/fuzz/fuzz.h"

/* Large, and one at a time: not on the stack. */
static union {
	struct jp_moved moved;
	struct jp_user_change change;
	struct jp_new_token token;
} row;

static enum jp_err
take(struct jp_buf *from, uint8_t kind)
{
	switch (kind % 3) {
	case 0:
		return jp_batch_get(from, &row.moved);
	case 1:
		return jp_batch_get_user(from, &row.change);
	default:
		return jp_batch_get_new(from, &row.token);
	}
}

static enum jp_err
put(struct jp_buf *to, uint8_t kind)
{
	switch (kind % 3) {
	case 0:
		return jp_batch_put(to, &row.moved);
	case 1:
		return jp_batch_put_user(to, &row.change);
	default:
		return jp_batch_put_new(to, &row.token);
	}
}

/* `len`: bytes that the row takes. */
static void
put_without_room(struct jp_buf to, uint8_t kind, size_t len)
{
	size_t before = to.pos;

	to.cap = before + len - 1;
	FUZZ_ASSERT(put(&to, kind) != JP_ERR_OK);
	FUZZ_ASSERT(to.pos == before && to.err == JP_ERR_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[JP_BATCH_MAX];
	struct jp_buf from, to;

	if (size == 0 || size - 1 > sizeof(again))
		return 0;
	jp_buf_read(&from, data + 1, size - 1);
	jp_buf_write(&to, again, sizeof(again));
	while (from.pos < from.cap && take(&from, data[0]) == JP_ERR_OK) {
		put_without_room(to, data[0], from.pos - to.pos);
		FUZZ_ASSERT(put(&to, data[0]) == JP_ERR_OK);
		FUZZ_ASSERT(to.pos == from.pos);
	}
	FUZZ_ASSERT(memcmp(again, data + 1, to.pos) == 0);
	return 0;
}
