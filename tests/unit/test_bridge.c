/*
 * What pat-clusterd takes of a host while its database cannot be reached, what
 * it asks of one that is there, in which order, and what it says of it:
 * pat_clusterd/bridge.c, bridge_say.c. The database is a fake, which is asked
 * and never answers. What becomes of all this in a real one is for
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
#include <sys/random.h>

#include "common/base/clock.h"
#include "pat_clusterd/bridge.h"
#include "tests/unit/link_help.h"
#include "tests/unit/process_help.h"
#include "tests/unit/wire_help.h"

enum {
	NOW = 1000000,
};

/* ---- a database, memory, chance ---- */

static struct {
	unsigned int runs; /* statements */
	const char *address;
	bool tls;
} fake;

void __wrap_database_run(struct database *database,
    const struct statement *statement, bool large, int64_t now_ms);
void __wrap_database_run_script(
    struct database *database, const char *sql, int64_t now_ms);
int __wrap_PQsslInUse(PGconn *conn);
char *__wrap_PQhostaddr(const PGconn *conn);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
ssize_t __real_getrandom(void *bytes, size_t len, unsigned int flags);
ssize_t __wrap_getrandom(void *bytes, size_t len, unsigned int flags);

void
__wrap_database_run(struct database *database,
    const struct statement *statement, bool large, int64_t now_ms)
{
	(void)large;
	(void)now_ms;
	assert_non_null(statement->sql);
	assert_true(database_is_free(database));
	database->running = true;
	database->due_ms = INT64_MAX;
	fake.runs++;
}

void
__wrap_database_run_script(
    struct database *database, const char *sql, int64_t now_ms)
{
	const struct statement statement = { .sql = sql };

	__wrap_database_run(database, &statement, false, now_ms);
}

int
__wrap_PQsslInUse(PGconn *conn)
{
	(void)conn;
	return fake.tls;
}

char *
__wrap_PQhostaddr(const PGconn *conn)
{
	(void)conn;
	return (char *)(uintptr_t)fake.address;
}

static bool no_memory, no_chance;

void *
__wrap_malloc(size_t size)
{
	return no_memory ? NULL : __real_malloc(size);
}

ssize_t
__wrap_getrandom(void *bytes, size_t len, unsigned int flags)
{
	/* The number of a process has to wait for chance; a pause has not. */
	if (len == sizeof(int64_t))
		assert_int_equal(flags, 0);
	return no_chance ? -1 : __real_getrandom(bytes, len, flags);
}

/* ---- both sides of the bridge ---- */

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

/* A new one, which has greeted. */
static void
greet_anew(struct fixture *fixture, bool is_setup)
{
	unmake(fixture);
	make(fixture, is_setup);
	greet(fixture);
}

/* As if its database had said WELCOME. */
static void
greet_and_welcome(struct fixture *fixture)
{
	greet(fixture);
	fixture->bridge.welcome = true;
}

/* The database is there, and free; there is nothing yet that it was asked. */
static void
connect_database(struct fixture *fixture)
{
	struct database *database = &fixture->bridge.database;

	database->state = DATABASE_READY;
	database->running = false;
	database->has_schema = true;
	database->text[0] = '\0';
	database->events.changed(database->events.arg);
}

static void
hear_all(struct fixture *fixture)
{
	while (next(fixture)->kind != 0)
		continue;
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
	bridge->refused = JP_ERR_CONFLICT;
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

/* A host that talks all the time must not keep the database waiting. */
static void
so_much_is_taken_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_APPLIED };

	greet(fixture);
	for (msg.applied.seq = 101; msg.applied.seq <= 165; msg.applied.seq++)
		assert_int_equal(
		    cluster_wire_send(&fixture->ends.link, &msg, NULL),
		    JP_ERR_OK);
	step(fixture);
	assert_int_equal(fixture->bridge.applied, 164);
	step(fixture);
	assert_int_equal(fixture->bridge.applied, 165);
}

/* ---- a lease that is given back ---- */

static void
without_a_database_the_host_need_not_stay_for_it(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_link_msg *msg;

	greet(fixture);
	send_request(fixture, JP_LINK_RELEASE, 12);
	assert_open(fixture);
	msg = answer(fixture);
	assert_int_equal(msg->kind, JP_LINK_DONE);
	assert_int_equal(msg->done.req, 12);
	assert_int_equal(msg->done.err, JP_ERR_UNREACHABLE);
	assert_false(fixture->bridge.want_release);
}

/* What was not granted by then is not granted behind it. */
static void
who_gives_it_back_asks_for_no_other_one(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	greet_and_welcome(fixture);
	send_request(fixture, JP_LINK_LEASE, 1);
	assert_int_equal(bridge->lease_len, 1);
	send_request(fixture, JP_LINK_RELEASE, 2);
	assert_open(fixture);
	assert_int_equal(bridge->lease_len, 0);
	assert_true(bridge->want_release);
	assert_int_equal(bridge->release_req, 2);
}

/* The number is of that host: the next one has none yet. */
static void
the_host_takes_its_lease_with_it(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	greet_and_welcome(fixture);
	bridge->granted = 77;
	send_request(fixture, JP_LINK_RELEASE, 2);
	assert_int_equal(bridge->granted, 77);
	send_kind(fixture, JP_LINK_HELLO);
	assert_closed(fixture);
	assert_int_equal(bridge->granted, 0);
	assert_false(bridge->want_release);
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
	static const enum jp_link_kind kinds[] = { JP_LINK_CREATE, JP_LINK_JOIN,
		JP_LINK_SETTLE, JP_LINK_ABANDON };
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
	fixture->bridge.setup_tries = 7;
	fixture->bridge.setup_ms = NOW + 1;
	send_kind(fixture, JP_LINK_LEAVE);
	assert_open(fixture);
	assert_true(fixture->bridge.setup.is_there);
	assert_int_equal(fixture->bridge.setup_step, 0);
	assert_int_equal(fixture->bridge.setup_tries, 0);
	/* Nor does it wait for what another one had asked for. */
	assert_int_equal(fixture->bridge.setup_ms, 0);
	send_kind(fixture, JP_LINK_LEAVE);
	assert_closed(fixture);
	assert_false(fixture->bridge.is_over);
}

static void
pat_admin_may_set_up_and_its_end_is_the_end(void **state)
{
	static const enum jp_link_kind kinds[] = { JP_LINK_CREATE, JP_LINK_JOIN,
		JP_LINK_SETTLE, JP_LINK_ABANDON, JP_LINK_LEAVE };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		greet_anew(fixture, true);
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
	greet_anew(fixture, true);
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

	greet_anew(fixture, true);
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
	for (int64_t over = NOW + 20; over <= NOW + 40; over += 10) {
		bridge->now_ms = over;
		assert_int_equal(bridge_due(bridge), over + 10);
	}
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
	bridge->refused = JP_ERR_IO;
	bridge->has_put_lock = bridge->want_status = true;
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
	assert_false(bridge->welcome || bridge->refused != JP_ERR_OK ||
	             bridge->has_put_lock || bridge->want_status ||
	             bridge->append.is_there);
	assert_int_equal(bridge->lease_len, 0);
	assert_int_equal(bridge->refused_ms, 0);
	/* Once more, as long as nobody had it, there is nothing to say. */
	bridge->database.events.changed(bridge);
	step(fixture);
	assert_int_equal(next(fixture)->kind, 0);
	/* A status that waits for its NODES is answered with what there is. */
	bridge->has_status = true;
	bridge->status_req = 49;
	bridge->database.events.changed(bridge);
	step(fixture);
	assert_int_equal(next(fixture)->kind, JP_LINK_STATE);
	msg = next(fixture);
	assert_int_equal(msg->kind, JP_LINK_DONE);
	assert_int_equal(msg->done.req, 49);
	assert_false(bridge->has_status);
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

		greet_anew(fixture, is_setup == 1);
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
	bridge->refused = JP_ERR_CONFLICT;
	bridge->culprit = &task_put;
	bridge->done = &task_lease; /* another one */
	step(fixture);
	assert_int_equal(bridge->refused, JP_ERR_CONFLICT);
	assert_null(bridge->done);
	bridge->done = &task_put;
	step(fixture);
	assert_int_equal(bridge->refused, JP_ERR_OK);
	assert_null(bridge->culprit);
	/* What is wrong with the database as a whole is not. */
	bridge->refused = JP_ERR_CONFLICT;
	step(fixture);
	assert_int_equal(bridge->refused, JP_ERR_CONFLICT);
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
	assert_int_equal(bridge->refused, JP_ERR_PROTOCOL);
	assert_non_null(strstr(bridge->refusal, "changed it by hand?"));
	assert_false(bridge->welcome);
}

/* The host waits for the next WELCOME, which takes a new connection. */
static void
a_commit_without_an_answer_is_no_answer(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;
	const struct jp_link_msg *msg;

	greet_and_welcome(fixture);
	send_kind(fixture, JP_LINK_APPEND);
	connect_database(fixture);
	bridge->welcome = true;
	task_append.start(bridge);
	bridge->task = &task_append;
	bridge->any = false;
	bridge->database.running = false;
	bridge->database.events.ended(bridge, DATABASE_DONE);
	step(fixture);
	msg = answer(fixture);
	assert_int_equal(msg->kind, JP_LINK_APPENDED);
	assert_int_equal(msg->appended.req, 9);
	assert_int_equal(msg->appended.result, JP_LINK_UNKNOWN);
	assert_int_not_equal(bridge->refused, JP_ERR_OK);
	assert_false(bridge->welcome);
	assert_int_equal(bridge->database.state, DATABASE_PAUSING);
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
	bridge->refused = JP_ERR_IO;
	bridge->is_waiting = bridge->want_status = true;
	bridge->want_nodes = bridge->has_put_lock = bridge->has_status = true;
	bridge->has_nodes = true;
	bridge->sent = 0;
	bridge->task = bridge->culprit = bridge->done = &task_put;
	cluster_wire_close(&fixture->ends.link);
	step(fixture);
	assert_closed(fixture);
	assert_false(bridge->append.is_there || bridge->put.is_there ||
	             bridge->setup.is_there || bridge->welcome ||
	             bridge->refused != JP_ERR_OK || bridge->is_waiting ||
	             bridge->want_status || bridge->want_get ||
	             bridge->want_nodes || bridge->has_nodes ||
	             bridge->has_put_lock || bridge->has_status);
	assert_int_equal(bridge->lease_len + bridge->asked_len, 0);
	assert_int_equal(bridge->awaited, 0);
	assert_true(bridge->task == NULL && bridge->culprit == NULL &&
	            bridge->done == NULL);
}

/* Batches that have come, but not all of them: else they would come twice. */
static void
half_an_answer_is_not_for_the_next_host(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;
	struct followed *followed = calloc(1, sizeof(*followed));

	greet(fixture);
	connect_database(fixture);
	bridge->task = &task_follow;
	assert_non_null(followed);
	bridge->followed = followed;
	bridge->followed_end = &followed->next;
	bridge->followed_len = bridge->followed_bytes = 1;
	cluster_wire_close(&fixture->ends.link);
	step(fixture);
	assert_closed(fixture);
	assert_null(bridge->followed);
	assert_int_equal(bridge->followed_len + bridge->followed_bytes, 0);
}

/* Both at the same time: there is nobody to connect again for. */
static void
without_a_host_no_database_is_refused(void **state)
{
	struct fixture *fixture = *state;

	greet(fixture);
	connect_database(fixture);
	fixture->bridge.is_garbage = true;
	cluster_wire_close(&fixture->ends.link);
	step(fixture);
	assert_closed(fixture);
	assert_false(fixture->bridge.is_garbage || fixture->bridge.refused);
}

static void
at_the_end_there_is_no_host_any_more(void **state)
{
	struct fixture *fixture = *state;

	greet(fixture);
	bridge_end(&fixture->bridge);
	assert_closed(fixture);
}

static void
who_comes_and_goes_is_logged(void **state)
{
	struct fixture *fixture = *state;
	struct logged logged;

	for (int is_setup = 0; is_setup < 2; is_setup++) {
		unmake(fixture);
		logged_begin(&logged);
		make(fixture, is_setup == 1);
		/* pat-admin hears it by messages. */
		assert_logged(&logged, 1 - is_setup, "host: connected");
		cluster_wire_close(&fixture->ends.link);
		step(fixture);
		assert_logged(&logged, 1 - is_setup, "host: disconnected");
		logged_end(&logged);
	}
}

/* ---- tasks ---- */

static void
assert_next_task(struct fixture *fixture, const struct task *task)
{
	const unsigned int runs = fake.runs;

	fixture->bridge.any = true;
	step(fixture);
	assert_ptr_equal(fixture->bridge.task, task);
	assert_int_equal(fake.runs, runs + (task != NULL ? 1 : 0));
	if (task != NULL)
		assert_false(fixture->bridge.any);
	/* One at a time. */
	step(fixture);
	assert_int_equal(fake.runs, runs + (task != NULL ? 1 : 0));
	fixture->bridge.database.running = false;
	fixture->bridge.task = NULL;
}

static void
all_that_is_wanted_has_its_turn(void **state)
{
	static const struct task *const order[] = { &task_setup, &task_append,
		&task_lease, &task_applied, &task_follow, &task_nodes,
		&task_status, &task_put, &task_get };
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	greet_and_welcome(fixture);
	send_kind(fixture, JP_LINK_APPEND);
	send_kind(fixture, JP_LINK_SNAPSHOT_PUT);
	send_kind(fixture, JP_LINK_LEAVE);
	send_request(fixture, JP_LINK_SNAPSHOT_GET, 5);
	connect_database(fixture);
	bridge->welcome = true;
	bridge->put.msg.snapshot.part = 0;
	for (size_t i = 0; i < 3 * sizeof(order) / sizeof(order[0]); i++) {
		bridge->lease_len = 1;
		bridge->told = 0;
		bridge->is_behind = bridge->want_nodes = true;
		bridge->want_status = true;
		assert_next_task(
		    fixture, order[i % (sizeof(order) / sizeof(order[0]))]);
	}
}

static void
what_is_not_wanted_is_left_out(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	greet(fixture);
	connect_database(fixture);
	assert_next_task(fixture, &task_hello);
	bridge->welcome = true;
	bridge->is_behind = false;
	assert_next_task(fixture, NULL);
	for (int i = 0; i < 3; i++) {
		bridge->want_nodes = true;
		bridge->lease_len = 1;
		assert_next_task(fixture, &task_lease);
		bridge->want_status = true;
		assert_next_task(fixture, &task_nodes);
		assert_next_task(fixture, &task_status);
		bridge->want_status = false;
	}
}

static void
nothing_is_asked_before_hello_or_in_a_pause(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	connect_database(fixture);
	assert_next_task(fixture, NULL);
	bridge->database.state = DATABASE_OFF;
	greet(fixture);
	connect_database(fixture);
	bridge->refused_ms = NOW + 1;
	assert_next_task(fixture, NULL);
	bridge->refused_ms = NOW;
	assert_next_task(fixture, &task_hello);
}

/* ---- what the host hears of the database ---- */

static const struct jp_link_state_msg *
heard_state(struct fixture *fixture)
{
	const struct jp_link_msg *msg = next(fixture);

	assert_int_equal(msg->kind, JP_LINK_STATE);
	return &msg->state;
}

/* The first is not: what was said before it. */
static void
assert_state(
    struct fixture *fixture, enum jp_link_state state, const char *text)
{
	const struct jp_link_state_msg *heard = heard_state(fixture);

	assert_int_equal(heard->state, state);
	assert_string_equal(heard->text, text);
	assert_int_equal(next(fixture)->kind, 0);
}

static void
a_database_without_a_cluster_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	for (int is_setup = 0; is_setup < 2; is_setup++) {
		greet_anew(fixture, is_setup == 1);
		hear_all(fixture);
		bridge->database.state = DATABASE_READY;
		bridge->database.has_schema = false;
		bridge->database.events.changed(bridge);
		assert_int_equal(bridge->refused != JP_ERR_OK, is_setup == 0);
		assert_int_equal(bridge->database.state,
		    is_setup == 0 ? DATABASE_PAUSING : DATABASE_READY);
		step(fixture);
		if (is_setup == 0)
			assert_non_null(
			    strstr(heard_state(fixture)->text, "cluster init"));
		else
			assert_state(fixture, JP_LINK_CONNECTED, "");
	}
	/* There may be one later. */
	greet_anew(fixture, false);
	hear_all(fixture);
	connect_database(fixture);
	assert_int_equal(bridge->refused, JP_ERR_OK);
	assert_int_equal(bridge->database.state, DATABASE_READY);
}

/* Who sets something up is there, and can mend it. */
static void
pat_admin_hears_at_once_what_does_not_heal(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	for (int is_setup = 0; is_setup < 2; is_setup++) {
		greet_anew(fixture, is_setup == 1);
		hear_all(fixture);
		bridge->database.is_hopeless = true;
		(void)strcpy(bridge->database.text, "no such role");
		bridge->database.events.changed(bridge);
		step(fixture);
		assert_state(fixture,
		    is_setup == 1 ? JP_LINK_REFUSED : JP_LINK_CONNECTING,
		    "no such role");
		bridge->database.is_hopeless = false;
		bridge->database.events.changed(bridge);
		step(fixture);
		if (is_setup == 1)
			assert_state(
			    fixture, JP_LINK_CONNECTING, "no such role");
		else
			assert_int_equal(next(fixture)->kind, 0);
	}
}

static void
a_host_hears_how_the_connection_is(void **state)
{
	static const struct {
		const char *address;
		bool tls, encrypted, verified;
	} rows[] = {
		{ "192.0.2.1", true, true, true },
		{ "192.0.2.1", true, false, false },
		{ "127.0.0.1", false, false, true },
	};
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	greet(fixture);
	bridge->database.conn =
	    PQconnectdb("host=/nowhere/at/all port=5433 dbname=tokens");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct jp_link_state_msg *heard;

		fake.address = rows[i].address;
		fake.tls = rows[i].tls;
		fixture->info.encrypted = rows[i].encrypted;
		bridge->database.synchronous = rows[i].tls;
		bridge->database.state = DATABASE_PAUSING;
		bridge->database.events.changed(bridge);
		step(fixture);
		hear_all(fixture);
		connect_database(fixture);
		step(fixture);
		heard = heard_state(fixture);
		/* Not before WELCOME. */
		assert_int_equal(heard->state, JP_LINK_CONNECTING);
		assert_string_equal(heard->text, "");
		assert_string_equal(
		    heard->database, "/nowhere/at/all:5433/tokens");
		assert_true(heard->primary);
		assert_int_equal(heard->tls, rows[i].tls);
		assert_int_equal(heard->verified, rows[i].verified);
		assert_int_equal(heard->synchronous, rows[i].tls);
	}
	/* While it waits for the leases of another one, it says so. */
	bridge->is_waiting = true;
	bridge_say_state(bridge, false);
	step(fixture);
	assert_non_null(strstr(heard_state(fixture)->text, "this host waits"));
	/* A connection that is gone has none of this. */
	bridge->database.state = DATABASE_PAUSING;
	bridge->database.events.changed(bridge);
	step(fixture);
	assert_string_equal(heard_state(fixture)->database, "");
	fake.address = NULL;
}

/* It is what the database, or its administrator, has written. */
static void
where_it_is_can_be_shown(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;
	char conninfo[600] = "host=/db port=5 dbname=";

	greet(fixture);
	for (int i = 0; i < 2; i++) {
		hear_all(fixture);
		PQfinish(bridge->database.conn);
		bridge->database.conn = PQconnectdb(
		    i == 0 ? "host=/db port=5 dbname='a\xff~'" : conninfo);
		bridge->database.state = DATABASE_READY;
		bridge_say_state(bridge, false);
		step(fixture);
		if (i == 0)
			assert_string_equal(
			    heard_state(fixture)->database, "/db:5/a?~");
		/* Characters are whole. */
		for (size_t at = strlen(conninfo); at + 2 < 600; at += 2)
			memcpy(conninfo + at, "\xc3\xb6", 3);
	}
	assert_null(strchr(heard_state(fixture)->database, '?'));
}

static void
the_same_is_said_once_unless_it_is_asked_for(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	greet(fixture);
	hear_all(fixture);
	bridge_say_state(bridge, false);
	step(fixture);
	assert_int_equal(next(fixture)->kind, 0);
	bridge_say_state(bridge, true);
	step(fixture);
	assert_int_equal(heard_state(fixture)->state, JP_LINK_CONNECTING);
	(void)strcpy(bridge->database.text, "another reason");
	bridge_say_state(bridge, false);
	step(fixture);
	assert_state(fixture, JP_LINK_CONNECTING, "another reason");
}

/* The log has what is news, and where the database is once it is of use. */
static void
the_log_has_each_state_once(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;
	struct logged logged;

	greet(fixture);
	logged_begin(&logged);
	bridge_say_state(bridge, true);
	assert_logged(&logged, 0, "");
	(void)strcpy(bridge->database.text, "no route");
	bridge_say_state(bridge, false);
	assert_logged(&logged, 1, "database: not connected: no route");
	(void)strcpy(bridge->database.text, "x");
	bridge_say_state(bridge, false);
	assert_logged(&logged, 1, "database: not connected: x");
	bridge->database.conn = PQconnectdb("host=/db port=5 dbname=d");
	connect_database(fixture);
	assert_logged(&logged, 0, "");
	bridge->welcome = true;
	bridge_say_state(bridge, false);
	assert_logged(&logged, 1, "connected to /db:5/d; no standby");
	bridge_say_state(bridge, true);
	assert_logged(&logged, 0, "");
	bridge->database.synchronous = true;
	bridge_say_state(bridge, false);
	assert_logged(&logged, 1, "connected to /db:5/d\n");
	bridge->refused = JP_ERR_IO;
	(void)strcpy(bridge->refusal, "another cluster");
	bridge_say_state(bridge, false);
	assert_logged(&logged, 1, "database: another cluster");
	bridge->database.synchronous = false;
	bridge_say_state(bridge, false);
	assert_logged(&logged, 0, "");
	bridge_is_well(bridge);
	assert_int_equal(bridge->refused, JP_ERR_OK);
	assert_logged(&logged, 1, "connected to");
	/* Nothing of all this is on the terminal of pat-admin. */
	bridge->is_setup = true;
	bridge->database.synchronous = true;
	bridge_say_state(bridge, false);
	assert_logged(&logged, 0, "");
	bridge->is_setup = false;
	logged_end(&logged);
}

/* ---- what becomes of a failure ---- */

static void
our_own_refusals_are_a_pause_and_all_else_a_new_connection(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	greet(fixture);
	connect_database(fixture);
	bridge->welcome = true;
	(void)strcpy(bridge->database.sqlstate, "JP003");
	(void)strcpy(bridge->database.text, "another pepper");
	step(fixture);
	hear_all(fixture);
	bridge->last = bridge->culprit = &task_lease;
	bridge_failed(bridge);
	assert_int_not_equal(bridge->refused, JP_ERR_OK);
	assert_null(bridge->culprit);
	assert_false(bridge->welcome);
	assert_int_equal(bridge->refused_ms, NOW + 5000);
	assert_int_equal(bridge->database.state, DATABASE_READY);
	step(fixture);
	assert_state(fixture, JP_LINK_REFUSED,
	    "another pepper: copy the pepper_file of a host of the cluster "
	    "here");
	/* Once. */
	bridge_failed(bridge);
	step(fixture);
	assert_int_equal(next(fixture)->kind, 0);
	(void)strcpy(bridge->database.sqlstate, "53100");
	(void)strcpy(bridge->database.text, "no room");
	bridge->last = &task_append;
	bridge_failed(bridge);
	assert_int_not_equal(bridge->refused, JP_ERR_OK);
	assert_false(bridge->is_refusing);
	assert_ptr_equal(bridge->culprit, &task_append);
	assert_int_equal(bridge->database.state, DATABASE_PAUSING);
	step(fixture);
	assert_state(fixture, JP_LINK_REFUSED,
	    "no room: make room on the disk of the database");
}

static void
what_is_refused_as_a_whole_is_over_with_what_was_done(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	greet(fixture);
	connect_database(fixture);
	bridge->last = &task_follow;
	step(fixture);
	hear_all(fixture);
	bridge_refuse(bridge, "it is of no use");
	assert_int_not_equal(bridge->refused, JP_ERR_OK);
	assert_false(bridge->is_refusing);
	assert_ptr_equal(bridge->culprit, &task_follow);
	assert_int_equal(bridge->database.state, DATABASE_PAUSING);
	assert_string_equal(bridge->database.text, "it is of no use");
	step(fixture);
	assert_state(fixture, JP_LINK_REFUSED, "it is of no use");
	bridge_is_well(bridge);
	assert_null(bridge->culprit);
	assert_int_equal(bridge->refused, JP_ERR_OK);
	step(fixture);
	assert_state(fixture, JP_LINK_CONNECTING, "it is of no use");
}

static void
a_steady_connection_ends_a_refusal(void **state)
{
	static const struct {
		bool welcome, ready;
		int64_t since_ms;
		bool is_refused;
	} rows[] = { { true, true, 9999, true }, { true, true, 10000, false },
		{ false, true, 10000, true }, { true, false, 10000, true } };
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	greet(fixture);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		connect_database(fixture);
		bridge->welcome = rows[i].welcome;
		bridge->refused = JP_ERR_IO;
		bridge->culprit = &task_put;
		bridge->database.state =
		    rows[i].ready ? DATABASE_READY : DATABASE_PAUSING;
		bridge->database.running = true;
		bridge->database.due_ms = INT64_MAX;
		bridge->database.ready_ms = NOW - rows[i].since_ms;
		step(fixture);
		assert_int_equal(
		    bridge->refused != JP_ERR_OK, rows[i].is_refused);
	}
}

/* ---- texts ---- */

static void
a_text_of_the_database_is_made_fit_to_be_shown(void **state)
{
	static const struct {
		const char *from, *advice, *text;
	} rows[] = {
		{ "", "", "" },
		{ "x", "", "x" },
		{ "\x01", "", "?" },
		{ "no room", "", "no room" },
		{ "no room", "make some", "no room: make some" },
		{ "", "make some", ": make some" },
		{ "ge\xc3\xb6"
		  "ffnet",
		    "",
		    "ge\xc3\xb6"
		    "ffnet" },
		{ "a\xff ~\x7f\x01", "", "a? ~??" },
	};
	char text[JP_LINK_TEXT_MAX + 1], from[2 * JP_LINK_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bridge_text(text, rows[i].from, rows[i].advice);
		assert_string_equal(text, rows[i].text);
	}
	/* The advice is whole, whatever becomes of the rest. */
	memset(from, 'x', sizeof(from));
	from[sizeof(from) - 1] = '\0';
	bridge_text(text, from, "make room");
	assert_int_equal(strlen(text), JP_LINK_TEXT_MAX);
	assert_string_equal(
	    text + JP_LINK_TEXT_MAX - strlen("x: make room"), "x: make room");
	bridge_text(text, from, "");
	assert_int_equal(strlen(text), JP_LINK_TEXT_MAX);
	/* Characters are whole, too. */
	memcpy(from + JP_LINK_TEXT_MAX - 1, "\xc3\xb6", 2);
	bridge_text(text, from, "");
	assert_int_equal(strlen(text), JP_LINK_TEXT_MAX - 1);
}

static void
a_token_in_it_is_not_shown(void **state)
{
	char text[JP_LINK_TEXT_MAX + 1];

	(void)state;
	bridge_text(text,
	    "what is jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD?", "");
	assert_string_equal(
	    text, "a text that is not shown, for there is a token in it");
}

static void
advice_for_set_up_is_another_one(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;

	(void)strcpy(bridge->database.sqlstate, "42501");
	assert_non_null(strstr(bridge_advice(bridge), "has to own the schema"));
	bridge->is_setup = true;
	assert_non_null(
	    strstr(bridge_advice(bridge), "CREATE on the database"));
	bridge->database.has_schema = true;
	assert_non_null(strstr(bridge_advice(bridge), "has to own the schema"));
	(void)strcpy(bridge->database.sqlstate, "53100");
	assert_non_null(strstr(bridge_advice(bridge), "make room"));
	bridge->is_setup = false;
}

static void
what_is_no_message_is_the_fault_of_the_database(void **state)
{
	struct fixture *fixture = *state;
	struct logged logged;
	struct jp_link_msg msg;

	greet(fixture);
	link_example(JP_LINK_NODES, &msg);
	msg.nodes.log_bytes = UINT64_MAX;
	logged_begin(&logged);
	bridge_send(&fixture->bridge, &msg, NULL);
	assert_logged(&logged, 1, "database: what it says makes no NODES: ");
	logged_end(&logged);
	assert_true(fixture->bridge.is_garbage);
	fixture->bridge.is_garbage = false;
	msg.nodes.log_bytes = 0;
	bridge_send(&fixture->bridge, &msg, NULL);
	assert_false(fixture->bridge.is_garbage);
}

static void
the_end_of_a_request_has_its_reason(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_link_msg *msg;

	greet(fixture);
	bridge_done(&fixture->bridge, 71, JP_ERR_BUSY, "another one does");
	step(fixture);
	msg = answer(fixture);
	assert_int_equal(msg->kind, JP_LINK_DONE);
	assert_int_equal(msg->done.req, 71);
	assert_int_equal(msg->done.err, JP_ERR_BUSY);
	assert_string_equal(msg->done.text, "another one does");
}

/* ---- what is kept ---- */

static void
a_message_is_kept_with_its_bytes(void **state)
{
	static const uint8_t bytes[100] = { 0xa5, 'b', 'c' };
	struct waiting waiting = { .is_there = false };
	struct jp_link_msg msg;

	(void)state;
	link_example(JP_LINK_APPEND, &msg);
	assert_int_equal(bridge_keep(&waiting, &msg, bytes), JP_ERR_OK);
	assert_true(waiting.is_there);
	assert_true(waiting.bytes != bytes);
	assert_memory_equal(waiting.bytes, bytes, sizeof(bytes));
	assert_int_equal(waiting.msg.append.expected, 7);
	bridge_forget(&waiting);
	assert_false(waiting.is_there);
	assert_null(waiting.bytes);
	bridge_forget(&waiting);
	/* Also one that has one, or none. */
	msg.append.len = 1;
	assert_int_equal(bridge_keep(&waiting, &msg, bytes), JP_ERR_OK);
	assert_int_equal(waiting.bytes[0], 0xa5);
	bridge_forget(&waiting);
	link_example(JP_LINK_LEAVE, &msg);
	assert_int_equal(bridge_keep(&waiting, &msg, NULL), JP_ERR_OK);
	assert_true(waiting.is_there);
	bridge_forget(&waiting);
	no_memory = true;
	assert_int_equal(bridge_keep(&waiting, &msg, NULL), JP_ERR_NOMEM);
	no_memory = false;
	assert_false(waiting.is_there);
}

/* ---- how the hosts are ---- */

static void
a_reading_tells_what_there_is_and_who_is_awaited(void **state)
{
	struct fixture *fixture = *state;
	struct bridge *bridge = &fixture->bridge;
	struct jp_link_msg msg;

	/* Head 1000; 900, 901, 902 are applied. */
	link_example(JP_LINK_NODES, &msg);
	bridge->head = 1000;
	bridge->awaited = 901;
	bridge_take_nodes(bridge, &msg.nodes);
	assert_true(bridge->has_nodes);
	assert_int_equal(bridge->nodes.log_batches, 200);
	assert_false(bridge->is_behind);
	assert_int_equal(bridge->awaited, 901);
	bridge->head = 999;
	bridge->awaited = 900;
	bridge_take_nodes(bridge, &msg.nodes);
	assert_int_equal(bridge->head, 1000);
	assert_true(bridge->is_behind);
	assert_int_equal(bridge->awaited, 0);
	bridge->now_ms = NOW;
	bridge_looked(bridge);
	assert_int_equal(bridge->look_ms, NOW + BRIDGE_LOOK_MS);
}

/* Without chance, by the clock. */
static void
without_chance_each_process_is_another_one_all_the_same(void **state)
{
	struct fixture *fixture = *state;
	const int64_t before = jp_now_ns();

	unmake(fixture);
	no_chance = true;
	make(fixture, false);
	no_chance = false;
	assert_true(fixture->bridge.session >= before &&
	            fixture->bridge.session <= jp_now_ns());
}

static void
each_process_is_another_one(void **state)
{
	struct fixture *fixture = *state;
	const int64_t session = fixture->bridge.session;
	const int64_t before = jp_now_ns();

	unmake(fixture);
	make(fixture, false);
	assert_true(fixture->bridge.session != session);
	/* Not by the clock, which those of a virtual machine share. */
	assert_false(fixture->bridge.session >= before &&
	             fixture->bridge.session <= jp_now_ns());
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
		TEST(so_much_is_taken_at_once),
		TEST(without_a_database_the_host_need_not_stay_for_it),
		TEST(who_gives_it_back_asks_for_no_other_one),
		TEST(the_host_takes_its_lease_with_it),
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
		TEST(a_commit_without_an_answer_is_no_answer),
		TEST(nothing_is_left_of_a_host_that_is_gone),
		TEST(half_an_answer_is_not_for_the_next_host),
		TEST(without_a_host_no_database_is_refused),
		TEST(at_the_end_there_is_no_host_any_more),
		TEST(who_comes_and_goes_is_logged),
		TEST(all_that_is_wanted_has_its_turn),
		TEST(what_is_not_wanted_is_left_out),
		TEST(nothing_is_asked_before_hello_or_in_a_pause),
		TEST(a_database_without_a_cluster_is_refused),
		TEST(pat_admin_hears_at_once_what_does_not_heal),
		TEST(a_host_hears_how_the_connection_is),
		TEST(where_it_is_can_be_shown),
		TEST(the_same_is_said_once_unless_it_is_asked_for),
		TEST(the_log_has_each_state_once),
		TEST(
		    our_own_refusals_are_a_pause_and_all_else_a_new_connection),
		TEST(what_is_refused_as_a_whole_is_over_with_what_was_done),
		TEST(a_steady_connection_ends_a_refusal),
		TEST(a_text_of_the_database_is_made_fit_to_be_shown),
		TEST(a_token_in_it_is_not_shown),
		TEST(advice_for_set_up_is_another_one),
		TEST(what_is_no_message_is_the_fault_of_the_database),
		TEST(the_end_of_a_request_has_its_reason),
		TEST(a_message_is_kept_with_its_bytes),
		TEST(a_reading_tells_what_there_is_and_who_is_awaited),
		TEST(without_chance_each_process_is_another_one_all_the_same),
		TEST(each_process_is_another_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
