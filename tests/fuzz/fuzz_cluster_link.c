/*
 * Messages on cluster.sock, from the side that the first byte names, each
 * behind its length in two bytes (the largest: a full part, which need not be
 * in the input): what is accepted encodes the same, a refused
 * message is zeroed, and what follows in parts is no more than was announced.
 */
#include "common/cluster/link.h"
#include "tests/fuzz/fuzz.h"

static const struct jp_link_msg zero;

/* Large: not on the stack. */
static struct jp_link_msg msg;
static uint8_t again[JP_LINK_MSG_MAX];
static const uint8_t full_part[JP_MAGIC_LEN + 1 + JP_LINK_PART_MAX] = { 'J',
	'P', 'C', '1', JP_LINK_PART };

static void
take_alone(enum jp_link_side sender, const uint8_t *bytes, size_t len)
{
	size_t again_len;

	if (jp_link_decode(&msg, sender, bytes, len) != JP_ERR_OK) {
		FUZZ_ASSERT(memcmp(&msg, &zero, sizeof(msg)) == 0);
		return;
	}
	FUZZ_ASSERT(jp_link_encode(&msg, again, &again_len) == JP_ERR_OK);
	FUZZ_ASSERT(again_len == len && memcmp(again, bytes, len) == 0);
	FUZZ_ASSERT(strcmp(jp_link_kind_name(msg.kind), "unknown") != 0);
}

/* Whether the connection goes on. */
static bool
take_next(struct jp_link_reader *reader, const uint8_t *bytes, size_t len)
{
	enum jp_err err = jp_link_reader_feed(reader, bytes, len);
	size_t all = jp_link_bytes_of(&reader->msg);

	FUZZ_ASSERT(reader->len + reader->wanted <= JP_LINK_BYTES_MAX);
	FUZZ_ASSERT(reader->len <= reader->cap);
	if (err == JP_ERR_OK)
		FUZZ_ASSERT(reader->len == all && reader->wanted == 0);
	if (err == JP_ERR_BUSY)
		FUZZ_ASSERT(reader->len + reader->wanted == all);
	return err == JP_ERR_OK || err == JP_ERR_BUSY;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_link_reader reader;
	struct jp_buf buf;
	enum jp_link_side sender;
	bool open = true;

	if (size == 0)
		return 0;
	sender = data[0] % 2 == 0 ? JP_LINK_SIDE_HOST : JP_LINK_SIDE_LINK;
	jp_buf_read(&buf, data + 1, size - 1);
	jp_link_reader_init(&reader, sender);
	while (open && buf.cap - buf.pos >= 2) {
		size_t len = jp_buf_get_u16(&buf);
		const uint8_t *bytes = buf.base + buf.pos;

		if (len == UINT16_MAX) {
			open = take_next(&reader, full_part, sizeof(full_part));
			continue;
		}
		if (len > buf.cap - buf.pos)
			len = buf.cap - buf.pos;
		take_alone(sender, bytes, len);
		open = take_next(&reader, bytes, len);
		buf.pos += len;
	}
	jp_link_reader_free(&reader);
	return 0;
}
