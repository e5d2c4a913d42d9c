/*
 * Messages on cluster.sock, from the side that the first byte names, each
 * behind its length in two bytes (the largest: a full part, which need not be
 * in the input): what is accepted encodes the same, a refused
 * message is zeroed, and what follows in parts is no more than was announced,
 * is kept as it came, and is the same once it has been sent on.
 */
#include "common/cluster/link.h"
#include "tests/fuzz/fuzz.h"

enum {
	HEAD_LEN = JP_MAGIC_LEN + 1,
	/*
	 * As many as it takes for the reader's memory to be got, to grow by
	 * what is needed, to double, and to suffice. Thousands of them, for two
	 * bytes of input each, cost all the time there is and show no more.
	 */
	FULL_PARTS_MAX = 4,
};

static const struct jp_link_msg zero;

/* Large: not on the stack. */
static struct jp_link_msg msg;
static uint8_t again[JP_LINK_MSG_MAX];
static const uint8_t full_part[HEAD_LEN + JP_LINK_PART_MAX] = { 'J', 'P', 'C',
	'1', JP_LINK_PART };

/* What was read is written as it came. */
static void
check_again(const struct jp_link_msg *read, const uint8_t *bytes, size_t len)
{
	size_t again_len;

	FUZZ_ASSERT(jp_link_encode(read, again, &again_len) == JP_ERR_OK);
	FUZZ_ASSERT(again_len == len && memcmp(again, bytes, len) == 0);
	FUZZ_ASSERT(strcmp(jp_link_kind_name(read->kind), "unknown") != 0);
}

/* Without what came before it, which a reader goes by, too. */
static void
take_alone(enum jp_link_side sender, const uint8_t *bytes, size_t len)
{
	if (jp_link_decode(&msg, sender, bytes, len) == JP_ERR_OK)
		check_again(&msg, bytes, len);
	else
		FUZZ_ASSERT(memcmp(&msg, &zero, sizeof(msg)) == 0);
}

static enum jp_err
feed(void *arg, const uint8_t *bytes, size_t len)
{
	enum jp_err err = jp_link_reader_feed(arg, bytes, len);

	return err == JP_ERR_BUSY ? JP_ERR_OK : err;
}

/* What came whole is what somebody else gets from us. */
static void
send_on(const struct jp_link_reader *whole)
{
	struct jp_link_reader other;

	jp_link_reader_init(&other, whole->sender);
	FUZZ_ASSERT(
	    jp_link_send(&whole->msg, whole->bytes, feed, &other) == JP_ERR_OK);
	FUZZ_ASSERT(other.wanted == 0 && other.len == whole->len);
	FUZZ_ASSERT(other.msg.kind == whole->msg.kind);
	FUZZ_ASSERT(memcmp(other.bytes, whole->bytes, whole->len) == 0);
	jp_link_reader_free(&other);
}

static void
check_part(
    const struct jp_link_reader *reader, const uint8_t *bytes, size_t len)
{
	size_t part = len - HEAD_LEN;

	FUZZ_ASSERT(part <= reader->len);
	FUZZ_ASSERT(memcmp(reader->bytes + reader->len - part, bytes + HEAD_LEN,
	                part) == 0);
}

/* Whether the connection goes on. */
static bool
take_next(struct jp_link_reader *reader, const uint8_t *bytes, size_t len)
{
	bool is_part = reader->wanted > 0;
	enum jp_err err = jp_link_reader_feed(reader, bytes, len);
	size_t all = jp_link_bytes_of(&reader->msg);

	FUZZ_ASSERT(reader->len + reader->wanted <= JP_LINK_BYTES_MAX);
	FUZZ_ASSERT(reader->len <= reader->cap);
	if (err == JP_ERR_OK)
		FUZZ_ASSERT(reader->len == all && reader->wanted == 0);
	if (err == JP_ERR_BUSY)
		FUZZ_ASSERT(reader->len + reader->wanted == all);
	if (err != JP_ERR_OK && err != JP_ERR_BUSY)
		return false;
	if (is_part)
		check_part(reader, bytes, len);
	else
		check_again(&reader->msg, bytes, len);
	if (err == JP_ERR_OK && reader->len > 0)
		send_on(reader);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jp_link_reader reader;
	struct jp_buf buf;
	enum jp_link_side sender;
	bool open = true;
	int full_parts = 0;

	if (size == 0)
		return 0;
	sender = data[0] % 2 == 0 ? JP_LINK_SIDE_HOST : JP_LINK_SIDE_LINK;
	jp_buf_read(&buf, data + 1, size - 1);
	jp_link_reader_init(&reader, sender);
	while (open && buf.cap - buf.pos >= 2) {
		size_t len = jp_buf_get_u16(&buf);
		const uint8_t *bytes = buf.base + buf.pos;

		if (len == UINT16_MAX) {
			open = full_parts++ < FULL_PARTS_MAX &&
			       take_next(&reader, full_part, sizeof(full_part));
			continue;
		}
		if (len > buf.cap - buf.pos)
			len = buf.cap - buf.pos;
		open = take_next(&reader, bytes, len);
		if (!open || reader.len > 0)
			take_alone(sender, bytes, len);
		buf.pos += len;
	}
	jp_link_reader_free(&reader);
	return 0;
}
