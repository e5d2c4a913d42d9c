/*
 * A batch of a cluster's log: what is accepted is made again from its items,
 * byte for byte, each of them a record of its key, in order; the place of each
 * leads to it; and what is cut off is not accepted.
 */
#include "common/store/batch.h"
#include "tests/fuzz/fuzz.h"

static void
check_item(const struct jp_batch_item *item, const uint8_t *data, size_t size)
{
	FUZZ_ASSERT(
	    item->file >= JP_BATCH_TOKENS && item->file < JP_BATCH_FILES);
	FUZZ_ASSERT(item->key[0] != '\0');
	FUZZ_ASSERT(
	    item->file != JP_BATCH_TOKENS || jp_token_id_valid(item->key));
	FUZZ_ASSERT(item->bytes >= data && item->len <= size &&
	            (size_t)(item->bytes - data) <= size - item->len);
}

static void
check_place(const struct jp_batch_item *item, const uint8_t *data, size_t size,
    size_t pos)
{
	struct jp_batch_item there;

	jp_batch_item_at(data, size, pos, &there);
	FUZZ_ASSERT(there.file == item->file && there.len == item->len &&
	            there.bytes == item->bytes);
	FUZZ_ASSERT(strcmp(there.key, item->key) == 0);
}

static void
make_again(struct jp_batch *batch, const uint8_t *data, size_t size)
{
	struct jp_batch_reader reader;
	struct jp_batch_item item;
	struct jp_batch before = *batch;
	size_t pos;

	jp_batch_read(&reader, data, size);
	for (pos = reader.pos; jp_batch_next(&reader, &item);
	     pos = reader.pos) {
		check_item(&item, data, size);
		check_place(&item, data, size, pos);
		before = *batch;
		FUZZ_ASSERT(jp_batch_add(batch, &item) == JP_ERR_OK);
		FUZZ_ASSERT(jp_batch_add(batch, &item) == JP_ERR_INVALID);
	}
	FUZZ_ASSERT(
	    batch->len == size && memcmp(batch->bytes, data, size) == 0);
	if (batch->count > 0)
		jp_batch_cut(batch, &before);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_batch batch;
	size_t count, fewer;

	if (jp_batch_check(data, size, &count) != JP_ERR_OK)
		return 0;
	FUZZ_ASSERT(jp_batch_check(data, size - 1, &fewer) != JP_ERR_OK);
	FUZZ_ASSERT(jp_batch_start(&batch) == JP_ERR_OK);
	make_again(&batch, data, size);
	FUZZ_ASSERT(batch.count == (count > 0 ? count - 1 : 0));
	FUZZ_ASSERT(
	    jp_batch_check(batch.bytes, batch.len, &fewer) == JP_ERR_OK &&
	    fewer == batch.count);
	jp_batch_free(&batch);
	return 0;
}
