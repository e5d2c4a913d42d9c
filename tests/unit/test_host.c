/* The connection of pat-clusterd to the host: pat_clusterd/host.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "pat_clusterd/host.h"
#include "tests/unit/link_help.h"
#include "tests/unit/process_help.h"

enum {
	NOW = 1000000,
	AGAIN_MS = 500,
	AT_ONCE = 64,
	BACKLOG_MAX = 2 * (int)JP_LINK_BYTES_MAX,
};

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
static bool no_memory;

void *
__wrap_malloc(size_t size)
{
	return no_memory ? NULL : __real_malloc(size);
}

struct fixture {
	struct host host;
	int other; /* the end of the host; -1: closed */
	struct logged logged;
	char dir[32], path[64];
	unsigned int opened, closed, took;
	enum jp_link_kind kind; /* of the last one */
	size_t bytes;           /* behind it */
	enum jp_err answer;     /* to what is taken */
	const char *why;
	bool breaks; /* what is taken needs more room than there is */
};

static void
on_opened(void *arg)
{
	struct fixture *fixture = arg;

	fixture->opened++;
}

static enum jp_err
on_took(void *arg, const struct jp_link_msg *msg, const uint8_t *bytes,
    struct jp_why *why)
{
	struct fixture *fixture = arg;
	const struct jp_link_msg done = { .kind = JP_LINK_DONE };

	fixture->took++;
	fixture->kind = msg->kind;
	fixture->bytes = jp_link_bytes_of(msg);
	if (fixture->bytes > 0)
		assert_int_equal(bytes[fixture->bytes - 1], 'z');
	if (fixture->breaks) {
		fixture->host.backlog = BACKLOG_MAX;
		assert_int_equal(
		    host_send(&fixture->host, &done, NULL), JP_ERR_OK);
	}
	return fixture->answer == JP_ERR_OK
	           ? JP_ERR_OK
	           : jp_why(why, fixture->answer, "%s", fixture->why);
}

static void
on_closed(void *arg)
{
	struct fixture *fixture = arg;

	fixture->closed++;
}

static void
make(struct fixture *fixture, const char *path, const uid_t *uids,
    size_t uid_len)
{
	const struct host_events events = { on_opened, on_took, on_closed,
		fixture };

	host_make(&fixture->host, path, uids, uid_len, &events);
}

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	(void)strcpy(fixture->dir, "/tmp/jira-pat.XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	(void)snprintf(fixture->path, sizeof(fixture->path), "%s/cluster.sock",
	    fixture->dir);
	fixture->other = -1;
	logged_begin(&fixture->logged);
	make(fixture, fixture->path, NULL, 0);
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	host_close(&fixture->host, NOW);
	jp_link_reader_free(&fixture->host.reader);
	logged_end(&fixture->logged);
	if (fixture->other >= 0)
		(void)close(fixture->other);
	(void)unlink(fixture->path);
	assert_int_equal(rmdir(fixture->dir), 0);
	free(fixture);
	return 0;
}

/* Both ends of a connection. */
static void
open_pair(struct fixture *fixture)
{
	int fds[2];

	if (fixture->other >= 0)
		(void)close(fixture->other);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	fixture->other = fds[1];
	host_adopt(&fixture->host, fds[0]);
}

static int
listen_there(const struct fixture *fixture)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	(void)strcpy(address.sun_path, fixture->path);
	assert_int_equal(
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

static void
step(struct fixture *fixture, int64_t now_ms)
{
	host_step(&fixture->host, POLLIN, now_ms);
}

static enum jp_err
to_host_end(void *arg, const uint8_t *bytes, size_t len)
{
	struct fixture *fixture = arg;

	return send(fixture->other, bytes, len, 0) == (ssize_t)len
	           ? JP_ERR_OK
	           : JP_ERR_UNREACHABLE;
}

static void
send_kind(struct fixture *fixture, enum jp_link_kind kind)
{
	uint8_t bytes[100];
	struct jp_link_msg msg;

	memset(bytes, 'z', sizeof(bytes));
	link_example(kind, &msg);
	assert_int_equal(
	    jp_link_send(&msg, bytes, to_host_end, fixture), JP_ERR_OK);
}

static enum jp_err
say(struct fixture *fixture, uint32_t req)
{
	const struct jp_link_msg msg = { .kind = JP_LINK_DONE,
		.done = { .req = req } };

	return host_send(&fixture->host, &msg, NULL);
}

/* The next number that was said; 0: there is none yet. */
static uint32_t
hear(struct fixture *fixture)
{
	static uint8_t bytes[JP_LINK_MSG_MAX];
	struct jp_link_msg msg;
	ssize_t len = recv(fixture->other, bytes, sizeof(bytes), 0);

	if (len <= 0)
		return 0;
	assert_int_equal(
	    jp_link_decode(&msg, JP_LINK_SIDE_LINK, bytes, (size_t)len),
	    JP_ERR_OK);
	return msg.done.req;
}

/* ---- connecting ---- */

static void
the_socket_is_tried_twice_a_second(void **state)
{
	struct fixture *fixture = *state;
	struct host *host = &fixture->host;
	const int open = count_open();
	int fd;

	assert_int_equal(host->fd, -1);
	assert_true(host_due(host) <= NOW);
	step(fixture, NOW);
	assert_int_equal(host_due(host), NOW + AGAIN_MS);
	step(fixture, NOW + AGAIN_MS - 1);
	assert_int_equal(host_due(host), NOW + AGAIN_MS);
	step(fixture, NOW + AGAIN_MS);
	assert_int_equal(host_due(host), NOW + 2 * AGAIN_MS);
	/* That nobody is there yet is no fault. */
	assert_logged(&fixture->logged, 0, "");
	assert_int_equal(count_open(), open);
	fd = listen_there(fixture);
	step(fixture, NOW + 2 * AGAIN_MS);
	assert_true(host->fd >= 0);
	assert_true((fcntl(host->fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_true((fcntl(host->fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_int_equal(fixture->opened, 1);
	assert_true(host_due(host) == INT64_MAX);
	/* One is enough. */
	step(fixture, NOW + 9 * AGAIN_MS);
	assert_int_equal(fixture->opened, 1);
	/* After its end, not at once. */
	host_close(host, NOW);
	assert_int_equal(host_due(host), NOW + AGAIN_MS);
	(void)close(fd);
	/* Its file may be left. */
	step(fixture, NOW + AGAIN_MS);
	assert_int_equal(host->fd, -1);
	assert_logged(&fixture->logged, 0, "");
}

static void
who_does_not_wait_at_a_socket_has_one_connection(void **state)
{
	struct fixture *fixture = *state;
	struct host *host = &fixture->host;

	make(fixture, NULL, NULL, 0);
	assert_true(host_due(host) == INT64_MAX);
	open_pair(fixture);
	assert_int_equal(fixture->opened, 1);
	host_close(host, NOW);
	assert_true(host_due(host) == INT64_MAX);
	step(fixture, NOW + 9 * AGAIN_MS);
	assert_int_equal(host->fd, -1);
	assert_logged(&fixture->logged, 0, "");
}

static void
what_is_wrong_there_is_said_once(void **state)
{
	struct fixture *fixture = *state;
	char below[80];

	/* It is no folder. */
	(void)snprintf(below, sizeof(below), "%s/sock", fixture->path);
	(void)close(listen_there(fixture));
	make(fixture, below, NULL, 0);
	step(fixture, NOW);
	assert_logged(&fixture->logged, 1, "sock: Not a directory");
	step(fixture, NOW + AGAIN_MS);
	assert_logged(&fixture->logged, 0, "");
	/* And again, where it was well in between. */
	open_pair(fixture);
	host_close(&fixture->host, NOW);
	step(fixture, NOW + AGAIN_MS);
	assert_logged(&fixture->logged, 1, "sock: Not a directory");
}

static void
without_descriptors_that_is_said(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit kept, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &kept), 0);
	none = kept;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	step(fixture, NOW);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &kept), 0);
	assert_logged(&fixture->logged, 1, "Too many open files");
}

static void
nobody_else_may_listen_there(void **state)
{
	struct fixture *fixture = *state;
	const uid_t uids[HOST_UIDS_MAX] = { getuid() + 1, getuid() + 2,
		getuid() };
	const int fd = listen_there(fixture), open = count_open();

	make(fixture, fixture->path, uids, 2);
	step(fixture, NOW);
	assert_int_equal(fixture->host.fd, -1);
	assert_int_equal(fixture->opened, 0);
	assert_int_equal(count_open(), open);
	assert_logged(&fixture->logged, 1, "another user listens there");
	/* The last one, and the first. */
	make(fixture, fixture->path, uids, 3);
	step(fixture, NOW);
	assert_true(fixture->host.fd >= 0);
	host_close(&fixture->host, NOW);
	make(fixture, fixture->path, uids + 2, 1);
	step(fixture, NOW);
	assert_true(fixture->host.fd >= 0);
	(void)close(fd);
}

/* ---- receiving ---- */

static void
each_message_is_taken_with_its_bytes(void **state)
{
	struct fixture *fixture = *state;

	open_pair(fixture);
	send_kind(fixture, JP_LINK_APPEND);
	send_kind(fixture, JP_LINK_LEASE);
	/* Not where there is nothing. */
	host_step(&fixture->host, 0, NOW);
	assert_int_equal(fixture->took, 0);
	step(fixture, NOW);
	assert_int_equal(fixture->took, 2);
	assert_int_equal(fixture->kind, JP_LINK_LEASE);
	send_kind(fixture, JP_LINK_APPEND);
	step(fixture, NOW);
	assert_int_equal(fixture->kind, JP_LINK_APPEND);
	assert_int_equal(fixture->bytes, 100);
	assert_int_equal(fixture->closed, 0);
}

/* A host that talks all the time must not keep others waiting. */
static void
others_have_their_turn(void **state)
{
	struct fixture *fixture = *state;

	open_pair(fixture);
	for (int i = 0; i < AT_ONCE + 1; i++)
		send_kind(fixture, JP_LINK_LEASE);
	step(fixture, NOW);
	assert_int_equal(fixture->took, AT_ONCE);
	step(fixture, NOW);
	assert_int_equal(fixture->took, AT_ONCE + 1);
	assert_int_equal(fixture->closed, 0);
}

static void
its_end_is_no_news(void **state)
{
	static const short ready[] = { POLLIN, POLLHUP, POLLERR,
		POLLIN | POLLHUP };
	struct fixture *fixture = *state;
	const int open = count_open();

	for (unsigned int i = 0; i < sizeof(ready) / sizeof(ready[0]); i++) {
		open_pair(fixture);
		(void)close(fixture->other);
		fixture->other = -1;
		/* Of another call: this one sets none. */
		errno = EAGAIN;
		host_step(&fixture->host, ready[i], NOW + i);
		assert_int_equal(fixture->host.fd, -1);
		assert_int_equal(fixture->closed, i + 1);
		assert_int_equal(host_due(&fixture->host), NOW + i + AGAIN_MS);
	}
	assert_int_equal(count_open(), open);
	host_close(&fixture->host, NOW);
	assert_int_equal(fixture->closed, 4);
	assert_logged(&fixture->logged, 0, "");
}

static void
what_cannot_be_read_ends_it_and_is_said(void **state)
{
	static const struct {
		size_t len;
		const char *says;
	} rows[] = { { 1, "not understood" },
		{ JP_LINK_MSG_MAX, "not understood" },
		{ JP_LINK_MSG_MAX + 1, "a message is too long" } };
	static const uint8_t bytes[JP_LINK_MSG_MAX + 1];
	struct fixture *fixture = *state;

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		open_pair(fixture);
		assert_int_equal(
		    to_host_end(fixture, bytes, rows[i].len), JP_ERR_OK);
		step(fixture, NOW);
		assert_int_equal(fixture->closed, i + 1);
		assert_logged(&fixture->logged, 1, rows[i].says);
	}
	assert_int_equal(fixture->took, 0);
}

static void
what_is_not_taken_ends_it(void **state)
{
	struct fixture *fixture = *state;

	fixture->answer = JP_ERR_PROTOCOL;
	fixture->why = "a second HELLO";
	open_pair(fixture);
	send_kind(fixture, JP_LINK_HELLO);
	send_kind(fixture, JP_LINK_LEASE);
	step(fixture, NOW);
	assert_int_equal(fixture->took, 1);
	assert_int_equal(fixture->closed, 1);
	assert_logged(&fixture->logged, 1, "host: a second HELLO");
	/* Where there is nothing to say, nothing is said. */
	fixture->answer = JP_ERR_NOMEM;
	fixture->why = "";
	open_pair(fixture);
	send_kind(fixture, JP_LINK_HELLO);
	step(fixture, NOW);
	assert_int_equal(fixture->closed, 2);
	assert_logged(&fixture->logged, 0, "");
	fixture->why = "x";
	open_pair(fixture);
	send_kind(fixture, JP_LINK_HELLO);
	step(fixture, NOW);
	assert_logged(&fixture->logged, 1, "host: x");
}

/* Half of one is not the beginning of the next one. */
static void
nothing_is_left_for_the_next_connection(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg;
	uint8_t bytes[JP_LINK_MSG_MAX];
	size_t len;

	link_example(JP_LINK_APPEND, &msg);
	assert_int_equal(jp_link_encode(&msg, bytes, &len), JP_ERR_OK);
	open_pair(fixture);
	assert_int_equal(to_host_end(fixture, bytes, len), JP_ERR_OK);
	step(fixture, NOW);
	for (uint32_t i = 1; i < 5; i++)
		assert_int_equal(say(fixture, i), JP_ERR_OK);
	host_close(&fixture->host, NOW);
	assert_int_equal(fixture->host.backlog, 0);
	assert_int_equal(host_poll(&fixture->host), POLLIN);
	open_pair(fixture);
	send_kind(fixture, JP_LINK_LEASE);
	step(fixture, NOW);
	assert_int_equal(fixture->took, 1);
	assert_int_equal(hear(fixture), 0);
	assert_int_equal(say(fixture, 2), JP_ERR_OK);
	host_step(&fixture->host, POLLOUT, NOW);
	assert_int_equal(hear(fixture), 2);
}

/* ---- sending ---- */

static void
what_is_said_waits_until_the_host_takes_it(void **state)
{
	struct fixture *fixture = *state;
	struct host *host = &fixture->host;
	uint32_t said = 0, heard = 0, next;

	open_pair(fixture);
	assert_int_equal(host_poll(host), POLLIN);
	/* More than a socket has room for. */
	do {
		assert_int_equal(say(fixture, ++said), JP_ERR_OK);
		assert_int_equal(host_poll(host), POLLIN | POLLOUT);
		host_step(host, POLLOUT, NOW);
	} while (host->backlog == 0);
	for (int i = 0; i < 200; i++)
		assert_int_equal(say(fixture, ++said), JP_ERR_OK);
	host_step(host, POLLOUT, NOW);
	assert_int_equal(host_poll(host), POLLIN | POLLOUT);
	/* Some of it, and one more behind the rest. */
	for (int i = 0; i < 100; i++)
		assert_int_equal(hear(fixture), ++heard);
	host_step(host, POLLOUT, NOW);
	assert_true(host->backlog > 0);
	assert_int_equal(say(fixture, ++said), JP_ERR_OK);
	while (heard < said) {
		next = hear(fixture);
		if (next != 0)
			assert_int_equal(next, ++heard);
		else
			host_step(host, POLLOUT, NOW);
	}
	assert_int_equal(host->backlog, 0);
	assert_int_equal(host_poll(host), POLLIN);
	assert_int_equal(say(fixture, ++said), JP_ERR_OK);
	host_step(host, 0, NOW);
	assert_int_equal(hear(fixture), said);
	assert_int_equal(fixture->closed, 0);
}

static void
to_nobody_nothing_is_said(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(say(fixture, 1), JP_ERR_OK);
	assert_int_equal(fixture->host.backlog, 0);
	open_pair(fixture);
	(void)close(fixture->other);
	fixture->other = -1;
	assert_int_equal(say(fixture, 2), JP_ERR_OK);
	host_step(&fixture->host, 0, NOW);
	assert_int_equal(fixture->closed, 1);
}

/* Whoever has made it has to know; the connection is as good as before. */
static void
what_is_no_message_is_not_sent(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg;

	open_pair(fixture);
	link_example(JP_LINK_DONE, &msg);
	msg.done.err = (enum jp_err)JP_ERR_COUNT;
	assert_int_equal(host_send(&fixture->host, &msg, NULL), JP_ERR_INVALID);
	memset(msg.done.text, 'x', sizeof(msg.done.text));
	msg.done.err = JP_ERR_OK;
	assert_int_equal(
	    host_send(&fixture->host, &msg, NULL), JP_ERR_TOO_LONG);
	assert_int_equal(fixture->host.backlog, 0);
	assert_true(host_due(&fixture->host) == INT64_MAX);
	assert_logged(&fixture->logged, 0, "");
}

static void
assert_broken(struct fixture *fixture, const char *says)
{
	struct host *host = &fixture->host;

	assert_logged(&fixture->logged, 1, says);
	/* By the next step, which is due. */
	assert_int_equal(fixture->closed, 0);
	assert_int_equal(host_due(host), 0);
	assert_int_equal(say(fixture, 8), JP_ERR_OK);
	assert_logged(&fixture->logged, 0, "");
	host_step(host, 0, NOW);
	assert_int_equal(fixture->closed, 1);
	assert_int_equal(host_due(host), NOW + AGAIN_MS);
	/* The next one is well. */
	open_pair(fixture);
	assert_int_equal(say(fixture, 9), JP_ERR_OK);
	host_step(host, 0, NOW);
	assert_int_equal(hear(fixture), 9);
}

static void
a_host_that_takes_nothing_is_left(void **state)
{
	struct fixture *fixture = *state;
	size_t len;

	open_pair(fixture);
	assert_int_equal(say(fixture, 1), JP_ERR_OK);
	len = fixture->host.backlog;
	assert_true(len > 0);
	/* As if there were so much more. */
	fixture->host.backlog = BACKLOG_MAX - len;
	assert_int_equal(say(fixture, 2), JP_ERR_OK);
	assert_int_equal(fixture->host.backlog, BACKLOG_MAX);
	assert_logged(&fixture->logged, 0, "");
	fixture->host.backlog = BACKLOG_MAX - len + 1;
	assert_int_equal(say(fixture, 3), JP_ERR_OK);
	assert_broken(fixture, "host: DONE: ");
}

static void
without_memory_it_ends(void **state)
{
	struct fixture *fixture = *state;

	open_pair(fixture);
	no_memory = true;
	assert_int_equal(say(fixture, 1), JP_ERR_OK);
	no_memory = false;
	assert_broken(fixture, "host: DONE: ");
}

/* Of a host that is about to be left nothing more is taken. */
static void
it_ends_between_two_messages(void **state)
{
	struct fixture *fixture = *state;

	open_pair(fixture);
	send_kind(fixture, JP_LINK_LEASE);
	send_kind(fixture, JP_LINK_LEASE);
	fixture->breaks = true;
	step(fixture, NOW);
	assert_int_equal(fixture->took, 1);
	assert_int_equal(fixture->closed, 1);
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_socket_is_tried_twice_a_second),
		TEST(who_does_not_wait_at_a_socket_has_one_connection),
		TEST(what_is_wrong_there_is_said_once),
		TEST(without_descriptors_that_is_said),
		TEST(nobody_else_may_listen_there),
		TEST(each_message_is_taken_with_its_bytes),
		TEST(others_have_their_turn),
		TEST(its_end_is_no_news),
		TEST(what_cannot_be_read_ends_it_and_is_said),
		TEST(what_is_not_taken_ends_it),
		TEST(nothing_is_left_for_the_next_connection),
		TEST(what_is_said_waits_until_the_host_takes_it),
		TEST(to_nobody_nothing_is_said),
		TEST(what_is_no_message_is_not_sent),
		TEST(a_host_that_takes_nothing_is_left),
		TEST(without_memory_it_ends),
		TEST(it_ends_between_two_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
