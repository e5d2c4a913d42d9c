/*
 * A host whose connection to the log is lost, before its batch, after it, or in
 * between: nothing is done twice, and nothing is called undone that may be
 * done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <string.h>

#include "tests/unit/link_help.h"
#include "tests/unit/replica_help.h"
#include "tests/unit/store_help.h"

/* Whoever carries messages has not noticed yet. */
static void
a_link_that_takes_nothing_is_lost(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_replica_status status;

	atomic_store(&a->connected, false);
	assert_int_equal(add_to(a, ID), JP_ERR_UNREACHABLE);
	assert_why(a, "nothing was changed: the database of the cluster "
	              "cannot be reached");
	jp_replica_status(a->replica, &status);
	assert_false(status.welcome);
	assert_int_equal(status.unknown, 0);
	atomic_store(&a->connected, true);
	fake_connect(a);
	assert_int_equal(add_to(a, ID), JP_ERR_OK);
}

static void
a_reason_is_named_where_there_is_one(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_link_msg msg = { .kind = JP_LINK_STATE };
	struct jp_why why;

	assert_int_equal(fake_give(a, &msg, NULL), JP_ERR_OK);
	assert_int_equal(add_to(a, ID), JP_ERR_UNREACHABLE);
	jp_store_why(a->store, &why);
	assert_string_equal(why.text, "nothing was changed: the database of "
	                              "the cluster cannot be reached");
	link_text(msg.state.text, "?");
	assert_int_equal(fake_give(a, &msg, NULL), JP_ERR_OK);
	assert_int_equal(add_to(a, ID), JP_ERR_UNREACHABLE);
	assert_why(a, "cannot be reached: ?");
}

static void
a_writer_waits_for_the_next_connection(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct writer writer = { .host = a, .id = ID };

	a->is_pumped = true;
	a->way = FAKE_LOST_UNDONE;
	writer_start(&writer);
	while (atomic_load(&a->connected))
		(void)sched_yield();
	fake_connect(a);
	pump_writer(&writer);
	assert_int_equal(writer.err, JP_ERR_OK);
	assert_int_equal(a->appends, 2);
}

static void
a_writer_waits_no_longer_than_it_may(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;

	a->way = FAKE_SILENT_UNDONE;
	jp_store_begin_by(a->store, JP_BEGIN_LOUD, jp_now_ms() + HASTY_MS);
	assert_int_equal(add(a->store, ID, "alice", JP_NEVER), JP_ERR_TIMEOUT);
}

static void
a_writer_is_woken_by_the_end_of_patd(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct writer writer = { .host = a, .id = ID };

	a->way = FAKE_SILENT_UNDONE;
	writer_start(&writer);
	while (atomic_load(&a->way) != FAKE_ANSWERS)
		(void)sched_yield();
	jp_replica_stop(a->replica);
	(void)pthread_join(writer.thread, NULL);
	assert_int_equal(writer.err, JP_ERR_TIMEOUT);
}

static void
a_new_connection_asks_at_once_and_hears_no_old_answer(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_link_msg msg = { .kind = JP_LINK_LEASED };

	a->deaf = true;
	(void)jp_replica_tick(a->replica);
	msg.leased.req = a->lease_req;
	msg.leased.ok = true;
	memcpy(msg.leased.mac, fixture->log.of[0].batch.mac, JP_LINK_MAC_LEN);
	fake_cut(a, true);
	fake_connect(a);
	assert_int_equal(fake_give(a, &msg, NULL), JP_ERR_OK);
	assert_false(jp_replica_holds(a->replica));
	a->deaf = false;
	(void)jp_replica_tick(a->replica);
	assert_int_equal(a->leases, 2);
	assert_true(jp_replica_holds(a->replica));
}

static void
without_a_connection_nothing_is_changed(void **state)
{
	struct fixture *fixture = *state;

	fake_cut(&fixture->a, false);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_UNREACHABLE);
	assert_why(&fixture->a, "nothing was changed");
	assert_why(&fixture->a, "cannot be reached: no route to host");
	fake_cut(&fixture->a, true);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_UNREACHABLE);
	assert_why(&fixture->a, "pat-clusterd does not run");
	assert_false(has(&fixture->a, ID));
	assert_int_equal(fixture->a.appends, 0);
	fake_connect(&fixture->a);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
}

/* Whether it was done or not: it is asked again, and done once. */
static void
a_lost_answer_is_asked_for_until_it_comes(void **state)
{
	static const enum fake_way ways[] = { FAKE_UNKNOWN_DONE,
		FAKE_UNKNOWN_UNDONE, FAKE_LOST_DONE, FAKE_LOST_UNDONE };
	struct fixture *fixture = *state;
	char id[] = "aaaaaaa0";

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		id[7] = (char)('0' + i);
		fixture->a.way = (int)ways[i];
		fixture->a.appends = 0;
		assert_int_equal(add_to(&fixture->a, id), JP_ERR_OK);
		assert_int_equal(fixture->a.appends, 2);
		assert_int_equal(fixture->log.head, i + 1);
		assert_true(has(&fixture->a, id));
	}
	pump(fixture);
	assert_int_equal(fixture->a.err, JP_ERR_OK);
	assert_int_equal(fixture->b.err, JP_ERR_OK);
}

static void
the_next_one_is_refused(struct fake_host *a)
{
	a->after = NULL;
	a->way = FAKE_REFUSES;
}

static void
the_next_one_is_not_taken(struct fake_host *a)
{
	a->after = the_next_one_is_refused;
	a->way = FAKE_REPLACED;
}

/* What is refused may be the second one of a batch that is in the log. */
static void
a_refusal_behind_a_lost_answer_does_not_say_undone(void **state)
{
	static const struct {
		enum fake_way way;
		bool done;
	} rows[] = { { FAKE_UNKNOWN_DONE, true },
		{ FAKE_UNKNOWN_UNDONE, false }, { FAKE_LOST_DONE, true },
		{ FAKE_LOST_UNDONE, false }, { FAKE_ABSURD, false } };
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_replica_status status;
	char id[] = "aaaaaaa0";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		id[7] = (char)('0' + i);
		a->way = (int)rows[i].way;
		a->after = the_next_one_is_refused;
		assert_int_equal(add_to(a, id), JP_ERR_TIMEOUT);
		assert_why(a, "whether this is done will show");
		jp_replica_status(a->replica, &status);
		assert_int_equal(status.unknown, i + 1);
		(void)fake_pump(a);
		assert_int_equal(has(a, id), rows[i].done);
	}
	/* Nor does it where one between the two was not sent. */
	a->way = FAKE_UNKNOWN_DONE;
	a->after = the_next_one_is_not_taken;
	assert_int_equal(add_to(a, "aaaaaaa8"), JP_ERR_TIMEOUT);
	(void)fake_pump(a);
	assert_true(has(a, "aaaaaaa8"));
	/* The next batch has nothing to do with that. */
	a->way = FAKE_REFUSES;
	assert_int_equal(add_to(a, "aaaaaaa9"), JP_ERR_UNREACHABLE);
	assert_why(a, "nothing was changed");
}

static void
it_is_cut_off(struct fake_host *a)
{
	a->after = NULL;
	fake_cut(a, true);
}

/* The first answer was one, and what was not sent is not done. */
static void
a_refusal_says_undone_where_nothing_was_lost(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;

	a->way = FAKE_REFUSES;
	a->after = it_is_cut_off;
	assert_int_equal(add_to(a, ID), JP_ERR_UNREACHABLE);
	assert_why(a, "nothing was changed: the database of the cluster "
	              "refuses it");
	a->way = FAKE_REPLACED;
	a->after = the_next_one_is_refused;
	assert_int_equal(add_to(a, ID), JP_ERR_UNREACHABLE);
	assert_why(a, "nothing was changed: the database of the cluster "
	              "refuses it");
}

/* What the old one does not take says nothing of the new one. */
static void
a_link_that_comes_while_the_old_one_fails_is_used(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.way = FAKE_REPLACED;
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_int_equal(fixture->a.appends, 2);
	assert_int_equal(fixture->log.head, 1);
}

/* Whatever was asked: the connection to the database is not what it was. */
static void
what_is_unknown_ends_the_connection_to_the_database(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_APPENDED };
	struct jp_replica_status status;

	msg.appended.result = JP_LINK_UNKNOWN;
	assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_OK);
	jp_replica_status(fixture->a.replica, &status);
	assert_true(status.linked);
	assert_false(status.welcome);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_UNREACHABLE);
	assert_int_equal(fixture->a.appends, 0);
	fake_connect(&fixture->a);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
}

/* As when a standby comes or goes. */
static void
news_of_a_connection_do_not_end_it(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_STATE };
	struct jp_replica_status status;

	msg.state.state = JP_LINK_CONNECTED;
	msg.state.synchronous = true;
	assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_OK);
	jp_replica_status(fixture->a.replica, &status);
	assert_true(status.welcome);
	assert_true(status.state.synchronous);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_link_that_takes_nothing_is_lost),
		TEST(a_reason_is_named_where_there_is_one),
		TEST(a_writer_waits_for_the_next_connection),
		TEST(a_writer_waits_no_longer_than_it_may),
		TEST(a_writer_is_woken_by_the_end_of_patd),
		TEST(a_new_connection_asks_at_once_and_hears_no_old_answer),
		TEST(without_a_connection_nothing_is_changed),
		TEST(a_lost_answer_is_asked_for_until_it_comes),
		TEST(a_refusal_behind_a_lost_answer_does_not_say_undone),
		TEST(a_refusal_says_undone_where_nothing_was_lost),
		TEST(a_link_that_comes_while_the_old_one_fails_is_used),
		TEST(what_is_unknown_ends_the_connection_to_the_database),
		TEST(news_of_a_connection_do_not_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
