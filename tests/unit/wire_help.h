/*
 * The end of patd of a connection to pat-clusterd, and the other one, which
 * reads what was sent. All that may fail here ends the test.
 */
#ifndef JP_TESTS_WIRE_HELP_H
#define JP_TESTS_WIRE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "patd/cluster_wire.h"

struct wire_ends {
	struct cluster_wire link;
	int other; /* the end of pat-clusterd; -1: closed */
	struct jp_link_reader reader;
};

static inline void
wire_ends_open(struct wire_ends *ends)
{
	int fds[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(cluster_wire_init(&ends->link), JP_ERR_OK);
	cluster_wire_open(&ends->link, fds[0]);
	ends->other = fds[1];
	jp_link_reader_init(&ends->reader, JP_LINK_SIDE_HOST);
}

static inline void
wire_ends_close(struct wire_ends *ends)
{
	jp_link_reader_free(&ends->reader);
	cluster_wire_free(&ends->link);
	if (ends->other >= 0)
		(void)close(ends->other);
}

/* The next message that is whole, while what waits goes on. */
static inline const struct jp_link_msg *
wire_ends_receive(struct wire_ends *ends)
{
	static uint8_t bytes[JP_LINK_MSG_MAX];
	enum jp_err err = JP_ERR_BUSY;
	ssize_t len;

	while (err == JP_ERR_BUSY) {
		len = recv(ends->other, bytes, sizeof(bytes), 0);
		if (len < 0) {
			assert_true(cluster_wire_is_waiting(&ends->link));
			assert_true(cluster_wire_flush(&ends->link));
			continue;
		}
		err = jp_link_reader_feed(&ends->reader, bytes, (size_t)len);
	}
	assert_int_equal(err, JP_ERR_OK);
	return &ends->reader.msg;
}

#endif
