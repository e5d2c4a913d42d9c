/* Messages to pat-clusterd that wait for nobody: patd/cluster_wire.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/process_help.h"
#include "tests/unit/wire_help.h"

enum {
	BATCH = 4 << 20, /* more than a socket takes */
};

struct fixture {
	struct wire_ends ends;
	uint8_t bytes[BATCH];
};

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	wire_ends_open(&fixture->ends);
	for (size_t i = 0; i < sizeof(fixture->bytes); i++)
		fixture->bytes[i] = (uint8_t)(i / 251);
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	wire_ends_close(&fixture->ends);
	free(fixture);
	return 0;
}

static enum jp_err
send_batch(struct fixture *fixture, uint32_t req, uint32_t len)
{
	const struct jp_link_msg msg = { .kind = JP_LINK_APPEND,
		.append = { .req = req, .len = len } };

	return cluster_wire_send(&fixture->ends.link, &msg, fixture->bytes);
}

static enum jp_err
send_applied(struct fixture *fixture, uint64_t seq)
{
	const struct jp_link_msg msg = { .kind = JP_LINK_APPLIED,
		.applied = { .seq = seq } };

	return cluster_wire_send(&fixture->ends.link, &msg, NULL);
}

static const struct jp_link_msg *
receive(struct fixture *fixture)
{
	return wire_ends_receive(&fixture->ends);
}

static bool
is_woken(struct fixture *fixture)
{
	eventfd_t count;

	return eventfd_read(fixture->ends.link.wake_fd, &count) == 0;
}

static void
what_fits_leaves_at_once(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(send_applied(fixture, 7), JP_ERR_OK);
	assert_false(cluster_wire_is_waiting(&fixture->ends.link));
	assert_false(is_woken(fixture));
	assert_int_equal(receive(fixture)->applied.seq, 7);
}

static void
what_does_not_fit_waits_in_order_and_nobody_for_it(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_link_msg *msg;

	assert_int_equal(send_batch(fixture, 1, BATCH), JP_ERR_OK);
	assert_true(cluster_wire_is_waiting(&fixture->ends.link));
	assert_true(is_woken(fixture));
	assert_int_equal(send_applied(fixture, 8), JP_ERR_OK);
	assert_int_equal(send_batch(fixture, 2, 5), JP_ERR_OK);
	msg = receive(fixture);
	assert_int_equal(msg->append.req, 1);
	assert_memory_equal(
	    fixture->ends.reader.bytes, fixture->bytes, sizeof(fixture->bytes));
	assert_int_equal(receive(fixture)->applied.seq, 8);
	assert_int_equal(receive(fixture)->append.req, 2);
	assert_false(cluster_wire_is_waiting(&fixture->ends.link));
	assert_int_equal(fixture->ends.link.waiting_bytes, 0);
}

static void
more_than_may_wait_ends_the_connection(void **state)
{
	struct fixture *fixture = *state;
	enum jp_err err = JP_ERR_OK;
	size_t sent = 0;

	while (err == JP_ERR_OK && sent < 2 * CLUSTER_WIRE_WAITING_MAX) {
		err = send_batch(fixture, 1, BATCH);
		sent += BATCH;
	}
	assert_int_equal(err, JP_ERR_UNREACHABLE);
	assert_true(
	    fixture->ends.link.waiting_bytes <= CLUSTER_WIRE_WAITING_MAX);
	assert_false(cluster_wire_flush(&fixture->ends.link));
	assert_int_equal(send_applied(fixture, 1), JP_ERR_UNREACHABLE);
	cluster_wire_close(&fixture->ends.link);
	assert_false(cluster_wire_is_waiting(&fixture->ends.link));
	assert_int_equal(fixture->ends.link.waiting_bytes, 0);
}

static void
nothing_is_sent_to_nobody(void **state)
{
	struct fixture *fixture = *state;

	(void)close(fixture->ends.other);
	fixture->ends.other = -1;
	assert_int_equal(send_applied(fixture, 1), JP_ERR_UNREACHABLE);
	assert_true(is_woken(fixture));
	assert_false(cluster_wire_flush(&fixture->ends.link));
	cluster_wire_close(&fixture->ends.link);
	assert_int_equal(send_applied(fixture, 1), JP_ERR_UNREACHABLE);
	cluster_wire_close(&fixture->ends.link);
}

/* Though there is room again: the other side would not understand it. */
static void
nothing_overtakes_the_parts_that_wait(void **state)
{
	struct fixture *fixture = *state;
	static uint8_t bytes[JP_LINK_MSG_MAX];
	ssize_t len;

	assert_int_equal(send_batch(fixture, 1, BATCH), JP_ERR_OK);
	for (int i = 0; i < 2; i++) { /* the message, and its first part */
		len = recv(fixture->ends.other, bytes, sizeof(bytes), 0);
		assert_true(len > 0);
		assert_int_equal(jp_link_reader_feed(
		                     &fixture->ends.reader, bytes, (size_t)len),
		    JP_ERR_BUSY);
	}
	assert_int_equal(send_applied(fixture, 8), JP_ERR_OK);
	assert_int_equal(receive(fixture)->append.req, 1);
	assert_int_equal(receive(fixture)->applied.seq, 8);
}

static void
what_waits_for_nobody_ends_the_connection(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(send_batch(fixture, 1, BATCH), JP_ERR_OK);
	assert_true(cluster_wire_flush(&fixture->ends.link));
	(void)close(fixture->ends.other);
	fixture->ends.other = -1;
	assert_false(cluster_wire_flush(&fixture->ends.link));
}

static void
the_other_side_hears_that_it_is_closed_and_the_next_one_is_new(void **state)
{
	struct fixture *fixture = *state;
	int fds[2];

	assert_int_not_equal(
	    send_batch(fixture, 1, JP_LINK_BYTES_MAX + 1), JP_ERR_OK);
	cluster_wire_close(&fixture->ends.link);
	assert_int_equal(recv(fixture->ends.other, &(char){ 0 }, 1, 0), 0);
	(void)close(fixture->ends.other);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	cluster_wire_open(&fixture->ends.link, fds[0]);
	fixture->ends.other = fds[1];
	assert_int_equal(send_applied(fixture, 9), JP_ERR_OK);
	assert_int_equal(receive(fixture)->applied.seq, 9);
}

/* Whatever its memory was before. */
static void
it_begins_without_a_connection_and_ends_without_a_descriptor(void **unused)
{
	const struct jp_link_msg msg = { .kind = JP_LINK_APPLIED };
	const int open = count_open();
	struct cluster_wire link;
	int fds[2];

	(void)unused;
	memset(&link, 0xff, sizeof(link));
	assert_int_equal(cluster_wire_init(&link), JP_ERR_OK);
	assert_int_equal(
	    cluster_wire_send(&link, &msg, NULL), JP_ERR_UNREACHABLE);
	assert_true(cluster_wire_flush(&link));
	assert_int_equal(link.waiting_bytes, 0);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	cluster_wire_open(&link, fds[0]);
	assert_int_equal(cluster_wire_send(&link, &msg, NULL), JP_ERR_OK);
	cluster_wire_free(&link);
	(void)close(fds[1]);
	assert_int_equal(count_open(), open);
}

static void
without_a_descriptor_there_is_none(void **unused)
{
	struct rlimit limit, none;
	struct cluster_wire link;
	enum jp_err err;

	(void)unused;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	err = cluster_wire_init(&link);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(err, JP_ERR_NOMEM);
}

/* A part of it may have left before. */
static void
a_message_that_cannot_be_written_ends_the_connection(void **state)
{
	struct fixture *fixture = *state;

	assert_int_not_equal(
	    send_batch(fixture, 1, JP_LINK_BYTES_MAX + 1), JP_ERR_OK);
	assert_false(cluster_wire_flush(&fixture->ends.link));
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_fits_leaves_at_once),
		TEST(what_does_not_fit_waits_in_order_and_nobody_for_it),
		TEST(more_than_may_wait_ends_the_connection),
		TEST(nothing_is_sent_to_nobody),
		TEST(nothing_overtakes_the_parts_that_wait),
		TEST(what_waits_for_nobody_ends_the_connection),
		TEST(
		    the_other_side_hears_that_it_is_closed_and_the_next_one_is_new),
		cmocka_unit_test(
		    it_begins_without_a_connection_and_ends_without_a_descriptor),
		cmocka_unit_test(without_a_descriptor_there_is_none),
		TEST(a_message_that_cannot_be_written_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
