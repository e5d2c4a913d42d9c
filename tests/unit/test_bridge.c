/*
 * What pat-clusterd takes of a host while its database cannot be reached:
 * pat_clusterd/bridge.c. What becomes of it in a database is for
 * tests/cluster/test_appends.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>

#include "pat_clusterd/bridge.h"
#include "tests/unit/link_help.h"
#include "tests/unit/wire_help.h"

enum {
	NOW = 1000000,
};

struct fixture {
	struct conninfo info;
	struct bridge bridge;
	struct wire_ends ends;
	struct jp_link_reader reader; /* of what the host gets */
	int64_t now_ms;
};

static void
make(struct fixture *fixture, bool is_setup)
{
	const struct bridge_options options = { .info = &fixture->info,
		.node = "proxy1",
		.path = is_setup ? NULL : "/nowhere/at/all/cluster.sock" };

	wire_ends_open(&fixture->ends);
	jp_link_reader_init(&fixture->reader, JP_LINK_SIDE_LINK);
	bridge_make(&fixture->bridge, &options);
	bridge_serve(&fixture->bridge, fixture->ends.other);
	fixture->ends.other = -1;
	fixture->now_ms = NOW;
}

static void
unmake(struct fixture *fixture)
{
	bridge_end(&fixture->bridge);
	jp_link_reader_free(&fixture->reader);
	wire_ends_close(&fixture->ends);
}

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct jp_why why;

	assert_non_null(fixture);
	assert_int_equal(conninfo_read(&fixture->info,
	                     "host=/nowhere/at/all dbname=x", false, &why),
	    JP_ERR_OK);
	make(fixture, false);
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	unmake(fixture);
	conninfo_free(&fixture->info);
	free(fixture);
	return 0;
}

static void
step(struct fixture *fixture)
{
	bridge_step(&fixture->bridge, POLLIN, 0, fixture->now_ms);
}

static void
send_msg(struct fixture *fixture, const struct jp_link_msg *msg)
{
	static const uint8_t bytes[100];

	assert_int_equal(
	    cluster_wire_send(&fixture->ends.link, msg, bytes), JP_ERR_OK);
	step(fixture);
}

static void
send_kind(struct fixture *fixture, enum jp_link_kind kind)
{
	struct jp_link_msg msg;

	link_example(kind, &msg);
	send_msg(fixture, &msg);
}

static void
send_request(struct fixture *fixture, enum jp_link_kind kind, uint32_t req)
{
	const struct jp_link_msg msg = { .kind = kind,
		.request = { .req = req } };

	send_msg(fixture, &msg);
}

/* The next message to the host; kind 0: there is none, or it is its end. */
static const struct jp_link_msg *
next(struct fixture *fixture)
{
	static const struct jp_link_msg none;
	static uint8_t bytes[JP_LINK_MSG_MAX];
	ssize_t len;

	len = recv(fixture->ends.link.fd, bytes, sizeof(bytes), 0);
	if (len <= 0)
		return &none;
	assert_int_equal(
	    jp_link_reader_feed(&fixture->reader, bytes, (size_t)len),
	    JP_ERR_OK);
	return &fixture->reader.msg;
}

/* The next that is not about the connection to the database. */
static const struct jp_link_msg *
answer(struct fixture *fixture)
{
	const struct jp_link_msg *msg = next(fixture);

	while (msg->kind == JP_LINK_STATE)
		msg = next(fixture);
	return msg;
}

static void
assert_open(struct fixture *fixture)
{
	assert_true(fixture->bridge.host.fd >= 0);
}

static void
assert_closed(struct fixture *fixture)
{
	assert_true(fixture->bridge.host.fd < 0);
	assert_false(fixture->bridge.greeted);
	assert_int_equal(fixture->bridge.database.state, DATABASE_OFF);
}

/* A host comes, and the database was tried in vain. */
static void
greet(struct fixture *fixture)
{
	send_kind(fixture, JP_LINK_HELLO);
	while (fixture->bridge.database.state != DATABASE_PAUSING)
		step(fixture);
}

/* As if its database had said WELCOME. */
static void
greet_and_welcome(struct fixture *fixture)
{
	greet(fixture);
	fixture->bridge.welcome = true;
}

/* ---- HELLO ---- */

static void
a_host_comes_with_its_place(void **state)
{
	struct fixture *fixture = *state;
	const struct bridge *bridge = &fixture->bridge;

	assert_int_equal(bridge->database.state, DATABASE_OFF);
	send_kind(fixture, JP_LINK_HELLO);
	assert_open(fixture);
	assert_int_not_equal(bridge->database.state, DATABASE_OFF);
	assert_string_equal(bridge->hello.node, "proxy1");
	assert_int_equal(bridge->applied, 7);
	assert_int_equal(bridge->told, 7);
	assert_int_equal(bridge->sent, 7);
	assert_int_equal(bridge->head, 7);
	assert_int_equal(next(fixture)->kind, JP_LINK_STATE);
}

/* A third of a lease, so that another server is found in time. */
static void
a_server_that_hangs_is_left_in_time(void **state)
{
	static const struct {
		uint32_t lease_ms;
		int64_t patience_ms;
	} rows[] = { { 1000, 3000 }, { 9000, 3000 }, { 9003, 3001 },
		{ 15000, 5000 }, { 89997, 29999 }, { 90000, 30000 },
		{ 300000, 30000 } };
	struct fixture *fixture = *state;
	struct jp_link_msg msg;

	link_example(JP_LINK_HELLO, &msg);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unmake(fixture);
		make(fixture, false);
		msg.hello.lease_ms = rows[i].lease_ms;
		send_msg(fixture, &msg);
		assert_int_equal(
		    fixture->bridge.database.patience_ms, rows[i].patience_ms);
	}
}

static void
nothing_is_taken_before_hello(void **state)
{
	struct fixture *fixture = *state;

	send_kind(fixture, JP_LINK_LEASE);
	assert_closed(fixture);
	assert_int_equal(fixture->bridge.lease_len, 0);
}

static void
one_hello_is_enough(void **state)
{
	struct fixture *fixture = *state;

	send_kind(fixture, JP_LINK_HELLO);
	send_kind(fixture, JP_LINK_HELLO);
	assert_closed(fixture);
}

static void
a_patd_of_another_version_is_not_served(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg;

	link_example(JP_LINK_HELLO, &msg);
	msg.hello.version++;
	send_msg(fixture, &msg);
	assert_closed(fixture);
}

/* ---- batches ---- */

static void
a_batch_without_a_database_is_not_done(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;
	const struct jp_link_msg *msg;

	greet(fixture);
	bridge->database.text[0] = '\0';
	send_kind(fixture, JP_LINK_APPEND);
	assert_open(fixture);
	msg = answer(fixture);
	assert_int_equal(msg->kind, JP_LINK_APPENDED);
	assert_int_equal(msg->appended.req, 9);
	assert_int_equal(msg->appended.result, JP_LINK_NOT_DONE);
	assert_string_equal(msg->appended.text, "there is no connection yet");
	assert_int_equal(msg->appended.nodes.len, 0);
	assert_false(bridge->append.is_there);
	/* With what is known of the reason. */
	(void)strcpy(bridge->database.text, "no route to host");
	send_kind(fixture, JP_LINK_APPEND);
	assert_string_equal(answer(fixture)->appended.text, "no route to host");
	(void)strcpy(bridge->refusal, "another cluster");
	bridge->is_refused = true;
	send_kind(fixture, JP_LINK_APPEND);
	assert_string_equal(answer(fixture)->appended.text, "another cluster");
}

static void
one_batch_at_a_time_is_taken(void **state)
{
	struct fixture *fixture = *state;

	greet_and_welcome(fixture);
	send_kind(fixture, JP_LINK_APPEND);
	assert_open(fixture);
	assert_true(fixture->bridge.append.is_there);
	assert_int_equal(fixture->bridge.append.msg.append.req, 9);
	send_kind(fixture, JP_LINK_APPEND);
	assert_closed(fixture);
	assert_false(fixture->bridge.append.is_there);
}

/* Also while it is in the database. */
static void
one_batch_that_is_on_its_way_is_enough(void **state)
{
	struct fixture *fixture = *state;

	greet_and_welcome(fixture);
	fixture->bridge.task = &task_append;
	send_kind(fixture, JP_LINK_APPEND);
	assert_closed(fixture);
	assert_null(fixture->bridge.task);
}

/* ---- leases, and how far the host is ---- */

static void
the_oldest_of_too_many_requests_for_leases_goes(void **state)
{
	struct fixture *fixture = *state;
	const struct bridge *bridge = &fixture->bridge;

	greet_and_welcome(fixture);
	for (uint32_t req = 1; req <= BRIDGE_LEASES_MAX; req++)
		send_request(fixture, JP_LINK_LEASE, req);
	assert_int_equal(bridge->lease_len, BRIDGE_LEASES_MAX);
	assert_int_equal(bridge->leases[0], 1);
	send_request(fixture, JP_LINK_LEASE, BRIDGE_LEASES_MAX + 1);
	assert_open(fixture);
	assert_int_equal(bridge->lease_len, BRIDGE_LEASES_MAX);
	for (uint32_t i = 0; i < BRIDGE_LEASES_MAX; i++)
		assert_int_equal(bridge->leases[i], i + 2);
}

static void
what_is_applied_never_goes_back(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_APPLIED };

	greet(fixture);
	send_kind(fixture, JP_LINK_APPLIED);
	assert_int_equal(fixture->bridge.applied, 8);
	msg.applied.seq = 5;
	send_msg(fixture, &msg);
	assert_open(fixture);
	assert_int_equal(fixture->bridge.applied, 8);
}

/* ---- snapshots ---- */

static void
one_part_at_a_time_is_taken(void **state)
{
	struct fixture *fixture = *state;

	greet_and_welcome(fixture);
	fixture->bridge.put_step = 3;
	send_kind(fixture, JP_LINK_SNAPSHOT_PUT);
	assert_open(fixture);
	assert_true(fixture->bridge.put.is_there);
	assert_int_equal(fixture->bridge.put_step, 0);
	send_kind(fixture, JP_LINK_SNAPSHOT_PUT);
	assert_closed(fixture);
	assert_false(fixture->bridge.put.is_there);
}

static void
a_snapshot_is_read_from_its_first_part(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	greet_and_welcome(fixture);
	bridge->has_get = true;
	bridge->get_next = 4;
	send_request(fixture, JP_LINK_SNAPSHOT_GET, 77);
	assert_open(fixture);
	assert_true(bridge->want_get);
	assert_false(bridge->has_get);
	assert_int_equal(bridge->get_req, 77);
	assert_int_equal(bridge->get_next, 0);
}

/* ---- set-up ---- */

static void
a_host_that_is_set_up_may_only_leave(void **state)
{
	static const enum jp_link_kind kinds[] = { JP_LINK_CREATE,
		JP_LINK_JOIN };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		greet(fixture);
		send_kind(fixture, kinds[i]);
		assert_closed(fixture);
		unmake(fixture);
		make(fixture, false);
	}
	greet(fixture);
	fixture->bridge.setup_step = 2;
	send_kind(fixture, JP_LINK_LEAVE);
	assert_open(fixture);
	assert_true(fixture->bridge.setup.is_there);
	assert_int_equal(fixture->bridge.setup_step, 0);
	send_kind(fixture, JP_LINK_LEAVE);
	assert_closed(fixture);
	assert_false(fixture->bridge.is_over);
}

static void
pat_admin_may_set_up_and_its_end_is_the_end(void **state)
{
	static const enum jp_link_kind kinds[] = { JP_LINK_CREATE, JP_LINK_JOIN,
		JP_LINK_LEAVE };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		unmake(fixture);
		make(fixture, true);
		greet(fixture);
		send_kind(fixture, kinds[i]);
		assert_open(fixture);
		assert_true(fixture->bridge.setup.is_there);
		assert_int_equal(fixture->bridge.setup.msg.kind, kinds[i]);
		assert_false(fixture->bridge.is_over);
		cluster_wire_close(&fixture->ends.link);
		step(fixture);
		assert_closed(fixture);
		assert_true(fixture->bridge.is_over);
	}
}

/* ---- status ---- */

static void
assert_status(struct fixture *fixture, uint32_t req)
{
	const struct jp_link_msg *msg;

	while (next(fixture)->kind != 0)
		continue;
	send_request(fixture, JP_LINK_STATUS, req);
	assert_int_equal(next(fixture)->kind, JP_LINK_STATE);
	msg = next(fixture);
	assert_int_equal(msg->kind, JP_LINK_DONE);
	assert_int_equal(msg->done.req, req);
	assert_int_equal(msg->done.err, JP_ERR_OK);
	assert_int_equal(next(fixture)->kind, 0);
	assert_false(fixture->bridge.want_status);
}

static void
without_a_database_the_status_is_what_there_is(void **state)
{
	struct fixture *fixture = *state;

	greet(fixture);
	assert_status(fixture, 44);
	unmake(fixture);
	make(fixture, true);
	greet(fixture);
	assert_status(fixture, 45);
}

/* ---- nodes ---- */

static void
nodes_come_behind_the_batches_before_them(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;
	const struct jp_link_msg *msg;
	struct jp_link_msg nodes;

	greet_and_welcome(fixture);
	link_example(JP_LINK_NODES, &nodes);
	bridge->nodes = nodes.nodes;
	bridge->has_nodes = true;
	bridge->sent = nodes.nodes.nodes.head - 1;
	step(fixture);
	assert_int_equal(answer(fixture)->kind, 0);
	bridge->sent++;
	step(fixture);
	msg = answer(fixture);
	assert_int_equal(msg->kind, JP_LINK_NODES);
	assert_int_equal(msg->nodes.log_batches, 200);
	/* Once, and nobody has asked. */
	step(fixture);
	assert_int_equal(answer(fixture)->kind, 0);
	assert_false(bridge->has_nodes);
	bridge->has_nodes = bridge->has_status = true;
	bridge->status_req = 46;
	step(fixture);
	assert_int_equal(answer(fixture)->kind, JP_LINK_NODES);
	msg = answer(fixture);
	assert_int_equal(msg->kind, JP_LINK_DONE);
	assert_int_equal(msg->done.req, 46);
	assert_false(bridge->has_status);
}

/* Who sets up follows no log. */
static void
pat_admin_gets_nodes_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg nodes;

	unmake(fixture);
	make(fixture, true);
	greet(fixture);
	link_example(JP_LINK_NODES, &nodes);
	fixture->bridge.nodes = nodes.nodes;
	fixture->bridge.has_nodes = true;
	fixture->bridge.sent = 0;
	step(fixture);
	assert_int_equal(answer(fixture)->kind, JP_LINK_NODES);
}

/* ---- looking ---- */

static void
changes_are_looked_for_without_any_reason(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	greet_and_welcome(fixture);
	bridge->look_ms = NOW + 10;
	bridge->is_behind = false;
	bridge->awaited = 5;
	fixture->now_ms = NOW + 9;
	step(fixture);
	assert_false(bridge->is_behind);
	fixture->now_ms = NOW + 10;
	step(fixture);
	assert_true(bridge->is_behind);
	assert_true(bridge->want_nodes);
	assert_int_equal(bridge->look_ms, NOW + 10 + BRIDGE_LOOK_MS);
	/* Of nodes only while somebody waits for them. */
	bridge->awaited = 0;
	fixture->now_ms = bridge->look_ms;
	step(fixture);
	assert_false(bridge->want_nodes);
}

/* Which tells the same. */
static void
a_lease_that_is_asked_for_is_a_look(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	greet_and_welcome(fixture);
	send_kind(fixture, JP_LINK_LEASE);
	bridge->is_behind = false;
	bridge->look_ms = fixture->now_ms;
	step(fixture);
	assert_false(bridge->is_behind);
	assert_true(bridge->look_ms > fixture->now_ms);
	bridge->lease_len = 0;
	bridge->task = &task_lease;
	bridge->look_ms = fixture->now_ms;
	step(fixture);
	assert_false(bridge->is_behind);
	bridge->task = NULL;
	bridge->look_ms = fixture->now_ms;
	step(fixture);
	assert_true(bridge->is_behind);
}

/* What is due, and in between nothing. */
static void
it_is_due_when_the_first_thing_is(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	assert_true(bridge_due(bridge) == INT64_MAX);
	bridge->now_ms = NOW;
	bridge->look_ms = NOW + 50;
	bridge->wait_ms = NOW + 40;
	bridge->setup_ms = NOW + 30;
	assert_true(bridge_due(bridge) == INT64_MAX);
	bridge->welcome = true;
	assert_int_equal(bridge_due(bridge), NOW + 50);
	bridge->is_waiting = true;
	assert_int_equal(bridge_due(bridge), NOW + 40);
	bridge->setup.is_there = true;
	assert_int_equal(bridge_due(bridge), NOW + 30);
	bridge->refused_ms = NOW + 20;
	assert_int_equal(bridge_due(bridge), NOW + 20);
	/* What is over is nothing to wait for. */
	bridge->now_ms = NOW + 40;
	assert_int_equal(bridge_due(bridge), NOW + 50);
	bridge->setup.is_there = false;
}

/* ---- what the database says ---- */

static unsigned int fake_rows, fake_ends;
static enum database_end fake_end;

static void
count_rows(struct bridge *bridge, const PGresult *rows)
{
	(void)bridge;
	assert_null(rows);
	fake_rows++;
}

static void
count_end(struct bridge *bridge, enum database_end end)
{
	(void)bridge;
	fake_end = end;
	fake_ends++;
}

static void
it_goes_to_the_task_that_has_asked(void **state)
{
	static const struct task with = { .rows = count_rows,
		.ended = count_end };
	static const struct task without = { .ended = count_end };
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;
	const struct database_events *events = &bridge->database.events;

	fake_rows = fake_ends = 0;
	events->rows(bridge, NULL);
	events->ended(bridge, DATABASE_DONE);
	assert_int_equal(fake_rows + fake_ends, 0);
	bridge->task = &without;
	events->rows(bridge, NULL);
	assert_int_equal(fake_rows, 0);
	events->ended(bridge, DATABASE_FAILED);
	assert_int_equal(fake_ends, 1);
	assert_int_equal(fake_end, DATABASE_FAILED);
	assert_null(bridge->task);
	assert_ptr_equal(bridge->last, &without);
	assert_null(bridge->done);
	bridge->task = &with;
	events->rows(bridge, NULL);
	assert_int_equal(fake_rows, 1);
	events->ended(bridge, DATABASE_DONE);
	assert_int_equal(fake_ends, 2);
	assert_int_equal(fake_end, DATABASE_DONE);
	assert_ptr_equal(bridge->done, &with);
}

static void
a_hint_is_a_reason_to_look(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	bridge->is_behind = bridge->want_nodes = false;
	bridge->awaited = 0;
	bridge->database.events.notified(bridge);
	assert_true(bridge->is_behind);
	assert_false(bridge->want_nodes);
	bridge->awaited = 4;
	bridge->database.events.notified(bridge);
	assert_true(bridge->want_nodes);
}

/* Whatever waits for it: nothing waits for ever. */
static void
all_hear_of_a_database_that_is_lost(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;
	const struct jp_link_msg *msg;

	greet_and_welcome(fixture);
	send_kind(fixture, JP_LINK_APPEND);
	send_kind(fixture, JP_LINK_LEASE);
	bridge->is_refused = bridge->has_put_lock = bridge->want_status = true;
	bridge->status_req = 47;
	bridge->refused_ms = NOW + 1;
	while (next(fixture)->kind != 0)
		continue;
	bridge->database.events.changed(bridge);
	step(fixture);
	assert_int_equal(next(fixture)->kind, JP_LINK_STATE);
	msg = next(fixture);
	assert_int_equal(msg->kind, JP_LINK_APPENDED);
	assert_int_equal(msg->appended.result, JP_LINK_NOT_DONE);
	msg = next(fixture);
	assert_int_equal(msg->kind, JP_LINK_DONE);
	assert_int_equal(msg->done.req, 47);
	assert_int_equal(next(fixture)->kind, 0);
	assert_false(bridge->welcome || bridge->is_refused ||
	             bridge->has_put_lock || bridge->want_status ||
	             bridge->append.is_there);
	assert_int_equal(bridge->lease_len, 0);
	assert_int_equal(bridge->refused_ms, 0);
	/* Once more, as long as nobody had it, there is nothing to say. */
	bridge->database.events.changed(bridge);
	step(fixture);
	assert_int_equal(next(fixture)->kind, 0);
	/* That it is lost is said even if the same was said before. */
	bridge->welcome = true;
	bridge->database.events.changed(bridge);
	step(fixture);
	assert_int_equal(next(fixture)->kind, JP_LINK_STATE);
	assert_int_equal(next(fixture)->kind, 0);
}

/* Its answer comes with what the database says of the hosts. */
static void
the_status_waits_for_a_database_that_is_there(void **state)
{
	struct fixture *fixture = *state;

	for (int is_setup = 0; is_setup < 2; is_setup++) {
		struct bridge *bridge = &fixture->bridge;

		unmake(fixture);
		make(fixture, is_setup == 1);
		greet(fixture);
		bridge->welcome = is_setup == 0;
		bridge->database.state = DATABASE_READY;
		bridge->database.running = true; /* another task */
		bridge->database.due_ms = INT64_MAX;
		send_request(fixture, JP_LINK_STATUS, 48);
		assert_true(bridge->want_status);
		assert_int_equal(bridge->status_req, 48);
		assert_int_equal(answer(fixture)->kind, 0);
		bridge->database.state = DATABASE_PAUSING;
		bridge->database.running = false;
	}
}

/* ---- what was wrong ---- */

static void
a_failure_is_over_when_its_task_is_done(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	greet_and_welcome(fixture);
	bridge->is_refused = true;
	bridge->culprit = &task_put;
	bridge->done = &task_lease; /* another one */
	step(fixture);
	assert_true(bridge->is_refused);
	assert_null(bridge->done);
	bridge->done = &task_put;
	step(fixture);
	assert_false(bridge->is_refused);
	assert_null(bridge->culprit);
	/* What is wrong with the database as a whole is not. */
	bridge->is_refused = true;
	step(fixture);
	assert_true(bridge->is_refused);
}

static void
what_was_never_put_there_is_not_taken(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	greet_and_welcome(fixture);
	bridge->is_garbage = true;
	bridge->sent = 12;
	bridge->last = bridge->done = &task_follow;
	step(fixture);
	assert_false(bridge->is_garbage);
	assert_int_equal(bridge->sent, 7);
	assert_true(bridge->is_refused);
	assert_non_null(strstr(bridge->refusal, "changed it by hand?"));
	assert_false(bridge->welcome);
}

/* What it had asked for is nobody's any more. */
static void
nothing_is_left_of_a_host_that_is_gone(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	greet_and_welcome(fixture);
	send_kind(fixture, JP_LINK_APPEND);
	send_kind(fixture, JP_LINK_SNAPSHOT_PUT);
	send_kind(fixture, JP_LINK_LEAVE);
	send_kind(fixture, JP_LINK_LEASE);
	send_request(fixture, JP_LINK_SNAPSHOT_GET, 5);
	assert_open(fixture);
	bridge->asked_len = 1;
	bridge->awaited = 9;
	bridge->is_refused = bridge->is_waiting = bridge->want_status = true;
	bridge->want_nodes = bridge->has_put_lock = bridge->has_status = true;
	bridge->has_nodes = true;
	bridge->sent = 0;
	bridge->task = bridge->culprit = bridge->done = &task_put;
	cluster_wire_close(&fixture->ends.link);
	step(fixture);
	assert_closed(fixture);
	assert_false(bridge->append.is_there || bridge->put.is_there ||
	             bridge->setup.is_there || bridge->welcome ||
	             bridge->is_refused || bridge->is_waiting ||
	             bridge->want_status || bridge->want_get ||
	             bridge->want_nodes || bridge->has_nodes ||
	             bridge->has_put_lock || bridge->has_status);
	assert_int_equal(bridge->lease_len + bridge->asked_len, 0);
	assert_int_equal(bridge->awaited, 0);
	assert_true(bridge->task == NULL && bridge->culprit == NULL &&
	            bridge->done == NULL);
}

static void
each_process_is_another_one(void **state)
{
	struct fixture *fixture = *state;
	const int64_t session = fixture->bridge.session;

	unmake(fixture);
	make(fixture, false);
	assert_true(fixture->bridge.session != session);
	assert_true(fixture->bridge.session >= 0 && session >= 0);
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_host_comes_with_its_place),
		TEST(a_server_that_hangs_is_left_in_time),
		TEST(nothing_is_taken_before_hello),
		TEST(one_hello_is_enough),
		TEST(a_patd_of_another_version_is_not_served),
		TEST(a_batch_without_a_database_is_not_done),
		TEST(one_batch_at_a_time_is_taken),
		TEST(one_batch_that_is_on_its_way_is_enough),
		TEST(the_oldest_of_too_many_requests_for_leases_goes),
		TEST(what_is_applied_never_goes_back),
		TEST(one_part_at_a_time_is_taken),
		TEST(a_snapshot_is_read_from_its_first_part),
		TEST(a_host_that_is_set_up_may_only_leave),
		TEST(pat_admin_may_set_up_and_its_end_is_the_end),
		TEST(without_a_database_the_status_is_what_there_is),
		TEST(nodes_come_behind_the_batches_before_them),
		TEST(pat_admin_gets_nodes_at_once),
		TEST(changes_are_looked_for_without_any_reason),
		TEST(a_lease_that_is_asked_for_is_a_look),
		TEST(it_is_due_when_the_first_thing_is),
		TEST(it_goes_to_the_task_that_has_asked),
		TEST(a_hint_is_a_reason_to_look),
		TEST(all_hear_of_a_database_that_is_lost),
		TEST(the_status_waits_for_a_database_that_is_there),
		TEST(a_failure_is_over_when_its_task_is_done),
		TEST(what_was_never_put_there_is_not_taken),
		TEST(nothing_is_left_of_a_host_that_is_gone),
		TEST(each_process_is_another_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
