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
#include <sys/socket.h>
#include <unistd.h>

#include "patd/cluster_wire.h"

enum {
	BATCH = 4 << 20, /* more than a socket takes */
};

struct fixture {
	struct cluster_wire link;
	int other; /* the end of pat-clusterd */
	struct jp_link_reader reader;
	uint8_t bytes[BATCH];
};

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	int fds[2];

	if (fixture == NULL ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds) != 0 ||
	    cluster_wire_init(&fixture->link) != JP_ERR_OK)
		return -1;
	cluster_wire_open(&fixture->link, fds[0]);
	fixture->other = fds[1];
	jp_link_reader_init(&fixture->reader, JP_LINK_SIDE_HOST);
	for (size_t i = 0; i < sizeof(fixture->bytes); i++)
		fixture->bytes[i] = (uint8_t)(i / 251);
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	if (fixture->other >= 0)
		(void)close(fixture->other);
	jp_link_reader_free(&fixture->reader);
	cluster_wire_free(&fixture->link);
	free(fixture);
	return 0;
}

static enum jp_err
send_batch(struct fixture *fixture, uint32_t req, uint32_t len)
{
	const struct jp_link_msg msg = { .kind = JP_LINK_APPEND,
		.append = { .req = req, .len = len } };

	return cluster_wire_send(&fixture->link, &msg, fixture->bytes);
}

static enum jp_err
send_applied(struct fixture *fixture, uint64_t seq)
{
	const struct jp_link_msg msg = { .kind = JP_LINK_APPLIED,
		.applied = { .seq = seq } };

	return cluster_wire_send(&fixture->link, &msg, NULL);
}

/* The next message that is whole, while what waits goes on. */
static const struct jp_link_msg *
receive(struct fixture *fixture)
{
	static uint8_t bytes[JP_LINK_MSG_MAX];
	enum jp_err err = JP_ERR_BUSY;
	ssize_t len;

	while (err == JP_ERR_BUSY) {
		len = recv(fixture->other, bytes, sizeof(bytes), 0);
		if (len < 0) {
			assert_true(cluster_wire_is_waiting(&fixture->link));
			assert_true(cluster_wire_flush(&fixture->link));
			continue;
		}
		err = jp_link_reader_feed(&fixture->reader, bytes, (size_t)len);
	}
	assert_int_equal(err, JP_ERR_OK);
	return &fixture->reader.msg;
}

static bool
is_woken(struct fixture *fixture)
{
	eventfd_t count;

	return eventfd_read(fixture->link.wake_fd, &count) == 0;
}

static void
what_fits_leaves_at_once(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(send_applied(fixture, 7), JP_ERR_OK);
	assert_false(cluster_wire_is_waiting(&fixture->link));
	assert_false(is_woken(fixture));
	assert_int_equal(receive(fixture)->applied.seq, 7);
}

static void
what_does_not_fit_waits_in_order_and_nobody_for_it(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_link_msg *msg;

	assert_int_equal(send_batch(fixture, 1, BATCH), JP_ERR_OK);
	assert_true(cluster_wire_is_waiting(&fixture->link));
	assert_true(is_woken(fixture));
	assert_int_equal(send_applied(fixture, 8), JP_ERR_OK);
	assert_int_equal(send_batch(fixture, 2, 5), JP_ERR_OK);
	msg = receive(fixture);
	assert_int_equal(msg->append.req, 1);
	assert_memory_equal(
	    fixture->reader.bytes, fixture->bytes, sizeof(fixture->bytes));
	assert_int_equal(receive(fixture)->applied.seq, 8);
	assert_int_equal(receive(fixture)->append.req, 2);
	assert_false(cluster_wire_is_waiting(&fixture->link));
	assert_int_equal(fixture->link.waiting_bytes, 0);
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
	assert_true(fixture->link.waiting_bytes <= CLUSTER_WIRE_WAITING_MAX);
	assert_false(cluster_wire_flush(&fixture->link));
	assert_int_equal(send_applied(fixture, 1), JP_ERR_UNREACHABLE);
	cluster_wire_close(&fixture->link);
	assert_false(cluster_wire_is_waiting(&fixture->link));
	assert_int_equal(fixture->link.waiting_bytes, 0);
}

static void
nothing_is_sent_to_nobody(void **state)
{
	struct fixture *fixture = *state;

	(void)close(fixture->other);
	fixture->other = -1;
	assert_int_equal(send_applied(fixture, 1), JP_ERR_UNREACHABLE);
	assert_true(is_woken(fixture));
	assert_false(cluster_wire_flush(&fixture->link));
	cluster_wire_close(&fixture->link);
	assert_int_equal(send_applied(fixture, 1), JP_ERR_UNREACHABLE);
	cluster_wire_close(&fixture->link);
}

/* A part of it may have left before. */
static void
a_message_that_cannot_be_written_ends_the_connection(void **state)
{
	struct fixture *fixture = *state;

	assert_int_not_equal(
	    send_batch(fixture, 1, JP_LINK_BYTES_MAX + 1), JP_ERR_OK);
	assert_false(cluster_wire_flush(&fixture->link));
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
		TEST(a_message_that_cannot_be_written_ends_the_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
