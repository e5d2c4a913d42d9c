/*
 * The messages on cluster.sock: common/cluster/link.c and link_parts.c. What is
 * decoded has memory of just its length, for the sanitizer to watch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/link_help.h"

enum {
	HEAD = JP_MAGIC_LEN + 1, /* magic and kind */
	BULKS = 4,
};

static enum jp_err
decode(struct jp_link_msg *msg, enum jp_link_side sender, const uint8_t *bytes,
    size_t len)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);
	enum jp_err err;

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	err = jp_link_decode(msg, sender, exact, len);
	free(exact);
	return err;
}

/* The example of a kind, encoded; its length. */
static size_t
example_of(enum jp_link_kind kind, uint8_t bytes[JP_LINK_MSG_MAX])
{
	struct jp_link_msg msg;
	size_t len;

	link_example(kind, &msg);
	assert_int_equal(jp_link_encode(&msg, bytes, &len), JP_ERR_OK);
	return len;
}

static void
assert_zero(const struct jp_link_msg *msg)
{
	static const struct jp_link_msg zero;

	assert_memory_equal(msg, &zero, sizeof(zero));
}

#define EACH_KIND(kind)                                                        \
	enum jp_link_kind kind = JP_LINK_HELLO;                                \
	kind < JP_LINK_KINDS;                                                  \
	kind++

static void
kinds_keep_their_numbers_and_names(void **unused)
{
	static const char *const names[] = { "unknown", "HELLO", "APPEND",
		"LEASE", "APPLIED", "SNAPSHOT_PUT", "SNAPSHOT_GET", "CREATE",
		"JOIN", "LEAVE", "STATUS", "PART", "STATE", "WELCOME", "BATCH",
		"APPENDED", "LEASED", "NODES", "SNAPSHOT", "DONE", "SETTLE",
		"ABANDON", "RELEASE", "unknown" };

	(void)unused;
	assert_int_equal(sizeof(names) / sizeof(names[0]), JP_LINK_KINDS + 1);
	for (size_t i = 0; i <= JP_LINK_KINDS; i++)
		assert_string_equal(
		    jp_link_kind_name((enum jp_link_kind)i), names[i]);
	assert_int_equal(JP_LINK_CONNECTING, 0);
	assert_int_equal(JP_LINK_CONNECTED, 1);
	assert_int_equal(JP_LINK_REFUSED, 2);
	assert_int_equal(JP_LINK_OK, 0);
	assert_int_equal(JP_LINK_CONFLICT, 1);
	assert_int_equal(JP_LINK_UNKNOWN, 2);
	assert_int_equal(JP_LINK_NOT_DONE, 3);
}

static void
messages_come_back_as_they_went(void **unused)
{
	struct jp_link_msg in, out;
	uint8_t bytes[JP_LINK_MSG_MAX];
	size_t len;

	(void)unused;
	for (EACH_KIND(kind)) {
		link_example(kind, &in);
		assert_int_equal(jp_link_encode(&in, bytes, &len), JP_ERR_OK);
		assert_int_equal(
		    jp_link_decode(&out, link_sender(kind), bytes, len),
		    JP_ERR_OK);
		if (kind == JP_LINK_PART) {
			assert_int_equal(out.part.len, 1);
			assert_int_equal(*out.part.bytes, *in.part.bytes);
		} else {
			assert_memory_equal(&in, &out, sizeof(in));
		}
	}
}

static void
the_layout_is_fixed(void **unused)
{
	static const char hello[] =
	    "JPC1\1"
	    "\0\1"
	    "\xc1\xc1\xc1\xc1\xc1\xc1\xc1\xc1\xc1\xc1\xc1\xc1\xc1\xc1\xc1\xc1"
	    "\0\6proxy1"
	    "\0\0\x3a\x98"
	    "\0\0\0\0\0\0\0\7"
	    "::::::::::::::::::::::::::::::::"
	    "\0\5"
	    "0.2.0"
	    "MMMMMMMMMMMMMMMM";
	static const char appended[] =
	    "JPC1\17"
	    "\0\0\0\11"
	    "\3"
	    "\0\20the disk is full"
	    "\0\0\0\0\0\0\3\xe8"
	    "\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee"
	    "\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee\xee"
	    "\0\2"
	    "\0\6node00\0\0\0\0\0\0\3\x84\0\0\0\0\0\0\0\x46\0\0\0\0"
	    "\xff\xff\xff\xff\xff\xff\xff\xff\0\5"
	    "0.2.0\0"
	    "\0\6node01\0\0\0\0\0\0\3\x85\0\0\0\0\0\0\0\x47\0\0\x3a\x99"
	    "\0\0\0\0\0\0\0\1\0\5"
	    "0.2.0\1";
	uint8_t bytes[JP_LINK_MSG_MAX];

	(void)unused;
	assert_int_equal(example_of(JP_LINK_HELLO, bytes), sizeof(hello) - 1);
	assert_memory_equal(bytes, hello, sizeof(hello) - 1);
	assert_int_equal(
	    example_of(JP_LINK_APPENDED, bytes), sizeof(appended) - 1);
	assert_memory_equal(bytes, appended, sizeof(appended) - 1);
}

/* But for a PART, which is as long as it is. */
static void
no_message_may_end_early_or_late(void **unused)
{
	struct jp_link_msg msg;
	uint8_t bytes[JP_LINK_MSG_MAX];

	(void)unused;
	for (EACH_KIND(kind)) {
		size_t len = example_of(kind, bytes);

		for (size_t cut = 0; cut < len; cut++) {
			assert_int_not_equal(
			    decode(&msg, link_sender(kind), bytes, cut),
			    JP_ERR_OK);
			assert_zero(&msg);
		}
		if (kind == JP_LINK_PART)
			continue;
		bytes[len] = 0;
		assert_int_equal(
		    decode(&msg, link_sender(kind), bytes, len + 1),
		    JP_ERR_TRAILING);
		assert_zero(&msg);
	}
}

static void
each_side_takes_only_what_the_other_sends(void **unused)
{
	struct jp_link_msg msg;
	uint8_t bytes[JP_LINK_MSG_MAX];

	(void)unused;
	for (EACH_KIND(kind)) {
		enum jp_link_side sender = link_sender(kind);
		enum jp_link_side other =
		    (enum jp_link_side)(JP_LINK_SIDE_BOTH - sender);
		size_t len = example_of(kind, bytes);

		assert_int_equal(decode(&msg, other, bytes, len),
		    kind == JP_LINK_PART ? JP_ERR_OK : JP_ERR_PROTOCOL);
	}
}

static void
what_is_no_message_of_this_protocol_is_refused(void **unused)
{
	struct jp_link_msg msg;
	uint8_t bytes[JP_LINK_MSG_MAX + 1] = { 0 };
	size_t len = example_of(JP_LINK_LEASE, bytes);

	(void)unused;
	for (size_t i = 0; i < JP_MAGIC_LEN; i++) {
		bytes[i] ^= 1;
		assert_int_equal(decode(&msg, JP_LINK_SIDE_HOST, bytes, len),
		    JP_ERR_PROTOCOL);
		bytes[i] ^= 1;
	}
	bytes[JP_MAGIC_LEN] = 0;
	assert_int_equal(
	    decode(&msg, JP_LINK_SIDE_HOST, bytes, len), JP_ERR_PROTOCOL);
	bytes[JP_MAGIC_LEN] = JP_LINK_KINDS;
	assert_int_equal(
	    decode(&msg, JP_LINK_SIDE_LINK, bytes, len), JP_ERR_PROTOCOL);
	assert_int_equal(decode(&msg, JP_LINK_SIDE_LINK, bytes, sizeof(bytes)),
	    JP_ERR_TOO_LONG);
	memset(&msg, 0, sizeof(msg));
	assert_int_equal(jp_link_encode(&msg, bytes, &len), JP_ERR_INVALID);
	msg.kind = JP_LINK_KINDS;
	assert_int_equal(jp_link_encode(&msg, bytes, &len), JP_ERR_INVALID);
}

/* ---- values out of bounds: not written, and not read ---- */

static void
wrong_name(struct jp_link_msg *msg)
{
	link_text(msg->hello.node, "proxy 1");
}

static void
no_name(struct jp_link_msg *msg)
{
	msg->batch.node[0] = '\0';
}

static void
lease_too_short(struct jp_link_msg *msg)
{
	msg->hello.lease_ms = JP_LINK_LEASE_MIN_MS - 1;
}

static void
lease_too_long(struct jp_link_msg *msg)
{
	msg->nodes.nodes.of[0].lease_ms = JP_LINK_LEASE_MAX_MS + 1;
}

static void
negative_seq(struct jp_link_msg *msg)
{
	msg->applied.seq = UINT64_C(1) << 63;
}

static void
too_many_bytes(struct jp_link_msg *msg)
{
	msg->append.len = JP_LINK_BYTES_MAX + 1;
}

static void
no_parts(struct jp_link_msg *msg)
{
	msg->snapshot.parts = msg->snapshot.part = 0;
}

static void
too_many_parts(struct jp_link_msg *msg)
{
	msg->snapshot.parts = JP_LINK_PARTS_MAX + 1;
}

static void
part_behind_the_last(struct jp_link_msg *msg)
{
	msg->snapshot.part = msg->snapshot.parts;
}

static void
no_such_state(struct jp_link_msg *msg)
{
	msg->state.state = JP_LINK_STATES;
}

static void
no_such_result(struct jp_link_msg *msg)
{
	msg->appended.result = JP_LINK_RESULTS;
}

static void
no_such_reason(struct jp_link_msg *msg)
{
	msg->state.err = (enum jp_err)JP_ERR_COUNT;
}

static void
no_such_error(struct jp_link_msg *msg)
{
	msg->done.err = (enum jp_err)JP_ERR_COUNT;
}

static void
control_character(struct jp_link_msg *msg)
{
	link_text(msg->done.text, "two\nlines");
}

static void
no_utf8(struct jp_link_msg *msg)
{
	link_text(msg->state.database, "\xff");
}

static void
negative_age(struct jp_link_msg *msg)
{
	msg->nodes.nodes.of[1].contact_ms = -2;
}

static void
a_node_twice(struct jp_link_msg *msg)
{
	msg->nodes.nodes.of[1] = msg->nodes.nodes.of[0];
}

static void
nodes_not_in_order(struct jp_link_msg *msg)
{
	link_text(msg->nodes.nodes.of[1].name, "node");
}

static void
too_many_nodes(struct jp_link_msg *msg)
{
	msg->nodes.nodes.len = JP_LINK_NODES_MAX + 1;
}

static void
empty_part(struct jp_link_msg *msg)
{
	msg->part.len = 0;
}

static const struct wrong {
	enum jp_link_kind kind;
	void (*make)(struct jp_link_msg *msg);
	enum jp_err err;
} wrongs[] = {
	{ JP_LINK_HELLO, wrong_name, JP_ERR_INVALID },
	{ JP_LINK_BATCH, no_name, JP_ERR_INVALID },
	{ JP_LINK_HELLO, lease_too_short, JP_ERR_INVALID },
	{ JP_LINK_NODES, lease_too_long, JP_ERR_INVALID },
	{ JP_LINK_APPLIED, negative_seq, JP_ERR_INVALID },
	{ JP_LINK_APPEND, too_many_bytes, JP_ERR_INVALID },
	{ JP_LINK_SNAPSHOT, no_parts, JP_ERR_INVALID },
	{ JP_LINK_SNAPSHOT, too_many_parts, JP_ERR_INVALID },
	{ JP_LINK_SNAPSHOT_PUT, part_behind_the_last, JP_ERR_INVALID },
	{ JP_LINK_STATE, no_such_state, JP_ERR_INVALID },
	{ JP_LINK_STATE, no_such_reason, JP_ERR_INVALID },
	{ JP_LINK_APPENDED, no_such_result, JP_ERR_INVALID },
	{ JP_LINK_DONE, no_such_error, JP_ERR_INVALID },
	{ JP_LINK_DONE, control_character, JP_ERR_INVALID },
	{ JP_LINK_STATE, no_utf8, JP_ERR_INVALID },
	{ JP_LINK_NODES, negative_age, JP_ERR_INVALID },
	{ JP_LINK_NODES, a_node_twice, JP_ERR_INVALID },
	{ JP_LINK_NODES, nodes_not_in_order, JP_ERR_INVALID },
	{ JP_LINK_NODES, too_many_nodes, JP_ERR_TOO_LONG },
	{ JP_LINK_PART, empty_part, JP_ERR_INVALID },
};

static void
what_would_be_refused_is_not_sent(void **unused)
{
	struct jp_link_msg msg;
	uint8_t bytes[JP_LINK_MSG_MAX];
	size_t len;

	(void)unused;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		link_example(wrongs[i].kind, &msg);
		wrongs[i].make(&msg);
		assert_int_equal(
		    jp_link_encode(&msg, bytes, &len), wrongs[i].err);
		assert_int_equal(len, 0);
	}
}

/* Bytes of examples that are set to what no encoder writes. */
static const struct bad_byte {
	enum jp_link_kind kind;
	size_t at;
	uint8_t value;
	enum jp_err err;
} bad_bytes[] = {
	{ JP_LINK_HELLO, HEAD + 2 + 16 + 2, ' ', JP_ERR_INVALID },
	{ JP_LINK_HELLO, HEAD + 2 + 16 + 1, JP_LINK_NAME_MAX + 1,
	    JP_ERR_TOO_LONG },
	{ JP_LINK_HELLO, HEAD + 2 + 16 + 8, 1, JP_ERR_INVALID }, /* lease */
	{ JP_LINK_APPLIED, HEAD, 0x80, JP_ERR_INVALID },
	{ JP_LINK_APPEND, HEAD + 4 + 8 + 16 + 8 + 32, 0x80, JP_ERR_INVALID },
	{ JP_LINK_SNAPSHOT, HEAD + 4 + 8 + 32 + 3, 2, JP_ERR_INVALID },
	{ JP_LINK_SNAPSHOT, HEAD + 4 + 8 + 32 + 3, 0, JP_ERR_INVALID },
	{ JP_LINK_STATE, HEAD, JP_LINK_STATES, JP_ERR_INVALID },
	{ JP_LINK_STATE, HEAD + 3, '\n', JP_ERR_INVALID },
	{ JP_LINK_STATE, HEAD + 3, '\0', JP_ERR_INVALID },
	{ JP_LINK_STATE, HEAD + 3, 0xff, JP_ERR_INVALID },
	{ JP_LINK_LEASED, HEAD + 4, 2, JP_ERR_INVALID }, /* a flag */
	{ JP_LINK_APPENDED, HEAD + 4, JP_LINK_RESULTS, JP_ERR_INVALID },
	{ JP_LINK_DONE, HEAD + 4, JP_ERR_COUNT, JP_ERR_INVALID },
	{ JP_LINK_NODES, HEAD + 8 + 32 + 1, JP_LINK_NODES_MAX + 1,
	    JP_ERR_TOO_LONG },
	{ JP_LINK_NODES, HEAD + 8 + 32 + 2 + 2, 'z', JP_ERR_INVALID },
};

static void
what_must_not_be_sent_is_refused(void **unused)
{
	struct jp_link_msg msg;
	uint8_t bytes[JP_LINK_MSG_MAX];

	(void)unused;
	for (size_t i = 0; i < sizeof(bad_bytes) / sizeof(bad_bytes[0]); i++) {
		const struct bad_byte *bad = &bad_bytes[i];
		size_t len = example_of(bad->kind, bytes);

		bytes[bad->at] = bad->value;
		assert_int_equal(
		    decode(&msg, link_sender(bad->kind), bytes, len), bad->err);
		assert_zero(&msg);
	}
}

static void
the_largest_messages_fit(void **unused)
{
	struct jp_link_msg in, out;
	uint8_t bytes[JP_LINK_MSG_MAX];
	size_t len;

	(void)unused;
	link_example(JP_LINK_APPENDED, &in);
	memset(in.appended.text, 'x', JP_LINK_TEXT_MAX);
	link_nodes(&in.appended.nodes, JP_LINK_NODES_MAX);
	for (size_t i = 0; i < JP_LINK_NODES_MAX; i++) {
		struct jp_link_node *node = &in.appended.nodes.of[i];

		memset(node->name + 6, 'x', JP_LINK_NAME_MAX - 6);
		memset(node->version, '9', JP_LINK_BUILD_MAX);
	}
	assert_int_equal(jp_link_encode(&in, bytes, &len), JP_ERR_OK);
	assert_int_equal(
	    decode(&out, JP_LINK_SIDE_LINK, bytes, len), JP_ERR_OK);
	assert_memory_equal(&in, &out, sizeof(in));
}

static void
names_of_nodes_are_those_of_hosts(void **unused)
{
	char longest[JP_LINK_NAME_MAX + 2] = "";

	(void)unused;
	memset(longest, 'x', JP_LINK_NAME_MAX);
	assert_true(jp_link_name_valid(longest));
	longest[JP_LINK_NAME_MAX] = 'x';
	assert_false(jp_link_name_valid(longest));
	assert_true(jp_link_name_valid("a-B_9.example"));
	assert_false(jp_link_name_valid(""));
	assert_false(jp_link_name_valid("a b"));
	assert_false(jp_link_name_valid("a/b"));
	assert_false(jp_link_name_valid("\xc3\xa4"));
}

/* ---- what follows in parts ---- */

/* A reader, into which everything that is sent goes at once. */
struct pipe {
	struct jp_link_reader reader;
	size_t messages;
	size_t stop_at; /* this message is refused; 0: none */
	enum jp_err last;
};

static enum jp_err
feed(void *arg, const uint8_t *bytes, size_t len)
{
	struct pipe *pipe = arg;

	if (++pipe->messages == pipe->stop_at)
		return JP_ERR_IO;
	pipe->last = jp_link_reader_feed(&pipe->reader, bytes, len);
	return pipe->last == JP_ERR_BUSY ? JP_ERR_OK : pipe->last;
}

static const struct jp_link_msg *
append_of(uint32_t len)
{
	static struct jp_link_msg msg;

	link_example(JP_LINK_APPEND, &msg);
	msg.append.len = len;
	return &msg;
}

static uint8_t *
bytes_of(size_t len)
{
	uint8_t *bytes = malloc(len > 0 ? len : 1);

	assert_non_null(bytes);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
	return bytes;
}

static void
bytes_of_any_length_come_back(void **unused)
{
	static const uint32_t lens[] = { 0, 1, JP_LINK_PART_MAX - 1,
		JP_LINK_PART_MAX, JP_LINK_PART_MAX + 1, 10 * JP_LINK_PART_MAX,
		JP_LINK_BYTES_MAX, 3 };
	struct pipe pipe = { .messages = 0 };

	(void)unused;
	jp_link_reader_init(&pipe.reader, JP_LINK_SIDE_HOST);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		uint8_t *bytes = bytes_of(lens[i]);

		pipe.messages = 0;
		assert_int_equal(
		    jp_link_send(append_of(lens[i]), bytes, feed, &pipe),
		    JP_ERR_OK);
		assert_int_equal(pipe.last, JP_ERR_OK);
		assert_int_equal(pipe.messages,
		    1 + (lens[i] + JP_LINK_PART_MAX - 1) / JP_LINK_PART_MAX);
		assert_int_equal(pipe.reader.msg.kind, JP_LINK_APPEND);
		assert_int_equal(jp_link_bytes_of(&pipe.reader.msg), lens[i]);
		assert_int_equal(pipe.reader.len, lens[i]);
		if (lens[i] > 0)
			assert_memory_equal(pipe.reader.bytes, bytes, lens[i]);
		free(bytes);
	}
	jp_link_reader_free(&pipe.reader);
}

static void
each_kind_with_bytes_says_how_many(void **unused)
{
	struct jp_link_msg msg;

	(void)unused;
	for (EACH_KIND(kind)) {
		bool has = kind == JP_LINK_APPEND || kind == JP_LINK_BATCH ||
		           kind == JP_LINK_SNAPSHOT ||
		           kind == JP_LINK_SNAPSHOT_PUT;

		link_example(kind, &msg);
		assert_int_equal(jp_link_bytes_of(&msg), has ? 100 : 0);
	}
}

/* A refused message ends it, wherever it is. */
static void
sending_ends_with_the_error_of_who_takes(void **unused)
{
	uint8_t *bytes = bytes_of(3 * JP_LINK_PART_MAX);

	(void)unused;
	for (size_t stop = 1; stop <= BULKS; stop++) {
		struct pipe pipe = { .stop_at = stop };

		jp_link_reader_init(&pipe.reader, JP_LINK_SIDE_HOST);
		assert_int_equal(jp_link_send(append_of(3 * JP_LINK_PART_MAX),
		                     bytes, feed, &pipe),
		    JP_ERR_IO);
		assert_int_equal(pipe.messages, stop);
		jp_link_reader_free(&pipe.reader);
	}
	free(bytes);
}

/* Starts a reader in the middle of `len` bytes: none of them has come. */
static void
begin_bulk(struct jp_link_reader *reader, uint32_t len)
{
	uint8_t bytes[JP_LINK_MSG_MAX];
	size_t encoded;

	jp_link_reader_init(reader, JP_LINK_SIDE_HOST);
	assert_int_equal(
	    jp_link_encode(append_of(len), bytes, &encoded), JP_ERR_OK);
	assert_int_equal(
	    jp_link_reader_feed(reader, bytes, encoded), JP_ERR_BUSY);
}

static enum jp_err
feed_part(struct jp_link_reader *reader, size_t len)
{
	uint8_t bytes[JP_LINK_MSG_MAX] = { 'J', 'P', 'C', '1', JP_LINK_PART };

	return jp_link_reader_feed(reader, bytes, HEAD + len);
}

static void
there_is_one_way_to_send_bytes(void **unused)
{
	struct jp_link_reader reader;
	uint8_t bytes[JP_LINK_MSG_MAX];
	size_t len = example_of(JP_LINK_LEASE, bytes);

	(void)unused;
	jp_link_reader_init(&reader, JP_LINK_SIDE_HOST);
	assert_int_equal(feed_part(&reader, 1), JP_ERR_PROTOCOL);
	begin_bulk(&reader, JP_LINK_PART_MAX + 5);
	assert_int_equal(
	    jp_link_reader_feed(&reader, bytes, len), JP_ERR_PROTOCOL);
	jp_link_reader_free(&reader);
	begin_bulk(&reader, JP_LINK_PART_MAX + 5);
	assert_int_equal(
	    feed_part(&reader, JP_LINK_PART_MAX - 1), JP_ERR_PROTOCOL);
	jp_link_reader_free(&reader);
	begin_bulk(&reader, JP_LINK_PART_MAX + 5);
	assert_int_equal(feed_part(&reader, JP_LINK_PART_MAX), JP_ERR_BUSY);
	assert_int_equal(feed_part(&reader, 6), JP_ERR_PROTOCOL);
	assert_int_equal(feed_part(&reader, 5), JP_ERR_OK);
	assert_int_equal(feed_part(&reader, 5), JP_ERR_PROTOCOL);
	jp_link_reader_free(&reader);
	assert_int_equal(
	    feed_part(&reader, JP_LINK_PART_MAX + 1), JP_ERR_TOO_LONG);
}

static void
memory_is_taken_for_what_came_only(void **unused)
{
	struct jp_link_reader reader;

	(void)unused;
	begin_bulk(&reader, JP_LINK_BYTES_MAX);
	assert_int_equal(reader.cap, 0);
	assert_int_equal(feed_part(&reader, JP_LINK_PART_MAX), JP_ERR_BUSY);
	assert_in_range(reader.cap, JP_LINK_PART_MAX, 2 * JP_LINK_PART_MAX);
	jp_link_reader_free(&reader);
	assert_null(reader.bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_keep_their_numbers_and_names),
		cmocka_unit_test(messages_come_back_as_they_went),
		cmocka_unit_test(the_layout_is_fixed),
		cmocka_unit_test(no_message_may_end_early_or_late),
		cmocka_unit_test(each_side_takes_only_what_the_other_sends),
		cmocka_unit_test(
		    what_is_no_message_of_this_protocol_is_refused),
		cmocka_unit_test(what_would_be_refused_is_not_sent),
		cmocka_unit_test(what_must_not_be_sent_is_refused),
		cmocka_unit_test(the_largest_messages_fit),
		cmocka_unit_test(names_of_nodes_are_those_of_hosts),
		cmocka_unit_test(bytes_of_any_length_come_back),
		cmocka_unit_test(each_kind_with_bytes_says_how_many),
		cmocka_unit_test(sending_ends_with_the_error_of_who_takes),
		cmocka_unit_test(there_is_one_way_to_send_bytes),
		cmocka_unit_test(memory_is_taken_for_what_came_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
