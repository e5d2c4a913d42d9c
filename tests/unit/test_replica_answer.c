/*
 * What a writer hears of its batch: from the answer, from the log, from
 * neither, late, twice, or of another one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <time.h>

#include "tests/unit/replica_help.h"
#include "tests/unit/store_help.h"

static void *
write_many(void *arg)
{
	struct writer *writer = arg;
	char id[] = "aaaaaa00";

	for (int i = 0; i < 100; i++) {
		id[6] = (char)('0' + i / 10);
		id[7] = (char)('0' + i % 10);
		assert_int_equal(add_to(writer->host, id), JP_ERR_OK);
	}
	atomic_store(&writer->over, true);
	return NULL;
}

/* Not at the end of its patience, nor when something else happens. */
static void
a_writer_is_woken_by_its_answer(void **state)
{
	struct fixture *fixture = *state;
	struct writer writer = { .host = &fixture->a };

	fixture->a.is_pumped = true;
	assert_int_equal(
	    pthread_create(&writer.thread, NULL, write_many, &writer), 0);
	pump_writer(&writer);
	assert_int_equal(fixture->log.head, 100);
}

/* The batch itself is the answer, where the other one does not come. */
static void
what_comes_back_by_the_log_is_done(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.way = FAKE_ECHOES;
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_true(has(&fixture->a, ID));
	assert_int_equal(fixture->a.appends, 1);
}

static void
b_goes_on(struct fake_host *a)
{
	struct fixture *fixture =
	    (struct fixture *)((char *)a - offsetof(struct fixture, a));

	a->behind = NULL;
	(void)fake_pump(&fixture->b);
	assert_int_equal(add_to(&fixture->b, OTHER), JP_ERR_OK);
}

/* The writer wakes up later: what followed is not what became of its batch. */
static void
what_comes_behind_a_batch_changes_nothing_of_its_answer(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.way = FAKE_ECHOES;
	fixture->a.behind = b_goes_on;
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_true(has(&fixture->a, ID));
	assert_true(has(&fixture->a, OTHER));
	assert_int_equal(fixture->a.appends, 1);
	assert_int_equal(fixture->log.head, 2);
}

/* Carries what comes for a host; the end of that is seen. */
struct carrier {
	struct fake_host *host;
	pthread_t thread;
	atomic_bool ended;
};

static struct carrier carrier;

static void *
carry(void *arg)
{
	(void)fake_pump(arg);
	atomic_store(&carrier.ended, true);
	return NULL;
}

/* The own batch is not sent again: the host has it, its writer's thread. */
static void
what_follows_comes_at_once(struct fake_host *a)
{
	const struct timespec moment = { 0, 1000000 };
	struct fixture *fixture =
	    (struct fixture *)((char *)a - offsetof(struct fixture, a));

	a->after = NULL;
	a->told = fixture->log.head;
	(void)fake_pump(&fixture->b);
	assert_int_equal(add_to(&fixture->b, OTHER), JP_ERR_OK);
	carrier.host = a;
	atomic_init(&carrier.ended, false);
	assert_int_equal(pthread_create(&carrier.thread, NULL, carry, a), 0);
	/* It has to wait for this thread; what does not wait ends. */
	for (int i = 0; i < 200 && !atomic_load(&carrier.ended); i++)
		(void)nanosleep(&moment, NULL);
}

/* The next one may come before the writer has woken up. */
static void
what_follows_waits_for_the_writer(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.after = what_follows_comes_at_once;
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	(void)pthread_join(carrier.thread, NULL);
	assert_string_equal(fixture->a.why.text, "");
	assert_int_equal(fixture->a.err, JP_ERR_OK);
	assert_true(has(&fixture->a, ID));
	assert_true(has(&fixture->a, OTHER));
	assert_int_equal(fixture->a.appends, 1);
}

static void
it_comes_to_a_store_that_cannot_write(struct fake_host *a)
{
	what_follows_comes_at_once(a);
	jp_store_mem_fail(a->below, 1, JP_ERR_IO, true);
}

/* The gap that it leaves is none of the log. */
static void
what_follows_a_batch_that_cannot_be_written_here_is_no_gap(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_replica_status status;

	a->after = it_comes_to_a_store_that_cannot_write;
	assert_int_equal(add_to(a, ID), JP_ERR_IO);
	(void)pthread_join(carrier.thread, NULL);
	jp_store_mem_fail(a->below, 0, JP_ERR_OK, false);
	assert_int_equal(a->err, JP_ERR_IO);
	assert_non_null(
	    strstr(a->why.text, "batch 1 of the log cannot be applied"));
	jp_replica_status(a->replica, &status);
	assert_int_equal(status.refused, 0);
	assert_non_null(strstr(status.refused_why, "cannot be applied"));
	/* Both are there after a new connection. */
	fake_cut(a, true);
	fake_connect(a);
	(void)fake_pump(a);
	assert_int_equal(a->err, JP_ERR_OK);
	assert_true(has(a, ID));
	assert_true(has(a, OTHER));
}

/* Nor is it known when the time is over: it is neither done nor not done. */
static void
what_nobody_knows_shows_later(void **state)
{
	static const enum fake_way ways[] = { FAKE_SILENT_DONE,
		FAKE_SILENT_UNDONE };
	struct fixture *fixture = *state;
	struct fake_host hasty;

	open_hasty(fixture, &hasty);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const char *id = i == 0 ? ID : OTHER;

		hasty.way = (int)ways[i];
		assert_int_equal(add_to(&hasty, id), JP_ERR_TIMEOUT);
		assert_why(&hasty, "will show");
		assert_false(has(&hasty, id));
		(void)fake_pump(&hasty);
		assert_int_equal(has(&hasty, id), ways[i] == FAKE_SILENT_DONE);
		fake_connect(&hasty);
	}
	assert_int_equal(add_to(&hasty, OTHER), JP_ERR_OK);
	assert_int_equal(fixture->log.head, 2);
	fake_host_close(&hasty);
}

/* The link believes that the host has what it was told is done. */
static void
a_late_answer_to_what_was_given_up_begins_anew(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_APPENDED };
	struct fake_host hasty;

	open_hasty(fixture, &hasty);
	hasty.way = FAKE_SILENT_DONE;
	assert_int_equal(add_to(&hasty, ID), JP_ERR_TIMEOUT);
	msg.appended.req = hasty.last_req;
	msg.appended.nodes.head = 1;
	assert_int_equal(fake_give(&hasty, &msg, NULL), JP_ERR_CONFLICT);
	assert_non_null(strstr(hasty.why.text, "batch 1 of this host"));
	/* Once more, when it is here, it is nothing. */
	fake_connect(&hasty);
	(void)fake_pump(&hasty);
	assert_true(has(&hasty, ID));
	assert_int_equal(fake_give(&hasty, &msg, NULL), JP_ERR_OK);
	assert_int_equal(add_to(&hasty, OTHER), JP_ERR_OK);
	fake_host_close(&hasty);
}

/* It has come by the log before: there is nothing to ask for. */
static void
a_late_answer_to_what_is_here_is_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_APPENDED };
	struct fake_host hasty;

	open_hasty(fixture, &hasty);
	hasty.way = FAKE_SILENT_DONE;
	assert_int_equal(add_to(&hasty, ID), JP_ERR_TIMEOUT);
	(void)fake_pump(&hasty);
	assert_true(has(&hasty, ID));
	msg.appended.req = hasty.last_req;
	msg.appended.nodes.head = 1;
	assert_int_equal(fake_give(&hasty, &msg, NULL), JP_ERR_OK);
	assert_int_equal(add_to(&hasty, OTHER), JP_ERR_OK);
	fake_host_close(&hasty);
}

/* The link takes the next one when it has answered, or is another one. */
static void
one_at_a_time_is_sent(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_APPENDED };
	struct fake_host hasty;

	open_hasty(fixture, &hasty);
	hasty.way = FAKE_SILENT_UNDONE;
	assert_int_equal(add_to(&hasty, ID), JP_ERR_TIMEOUT);
	assert_int_equal(add_to(&hasty, ID), JP_ERR_UNREACHABLE);
	assert_why(&hasty, "does not answer in time");
	/* Nor is the answer to something else one. */
	msg.appended.req = hasty.last_req + 1;
	assert_int_equal(fake_give(&hasty, &msg, NULL), JP_ERR_OK);
	assert_int_equal(add_to(&hasty, ID), JP_ERR_UNREACHABLE);
	assert_int_equal(hasty.appends, 1);
	fake_connect(&hasty);
	assert_int_equal(add_to(&hasty, ID), JP_ERR_OK);
	assert_int_equal(hasty.appends, 2);
	/* Its own one, that it was not done, is. */
	hasty.way = FAKE_SILENT_UNDONE;
	assert_int_equal(add_to(&hasty, OTHER), JP_ERR_TIMEOUT);
	msg.appended.req = hasty.last_req;
	msg.appended.result = JP_LINK_NOT_DONE;
	assert_int_equal(fake_give(&hasty, &msg, NULL), JP_ERR_OK);
	assert_int_equal(add_to(&hasty, OTHER), JP_ERR_OK);
	fake_host_close(&hasty);
}

static void
another_one_is_answered(struct fake_host *a)
{
	struct jp_link_msg msg = { .kind = JP_LINK_APPENDED };

	a->behind = NULL;
	msg.appended.req = a->last_req - 1;
	msg.appended.nodes.head = 1;
	assert_int_equal(fake_give(a, &msg, NULL), JP_ERR_OK);
}

static void
an_answer_to_another_batch_is_not_its_own(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;

	a->behind = another_one_is_answered;
	a->way = FAKE_SILENT_UNDONE;
	jp_store_begin_by(a->store, JP_BEGIN_LOUD, jp_now_ms() + HASTY_MS);
	assert_int_equal(add(a->store, ID, "alice", JP_NEVER), JP_ERR_TIMEOUT);
	assert_false(has(a, ID));
}

static void
it_says_otherwise(struct fake_host *a)
{
	struct jp_link_msg msg = { .kind = JP_LINK_APPENDED };

	a->after = NULL;
	msg.appended.req = a->last_req;
	msg.appended.result = JP_LINK_NOT_DONE;
	assert_int_equal(fake_give(a, &msg, NULL), JP_ERR_OK);
}

static void
the_first_answer_holds(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.after = it_says_otherwise;
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_true(has(&fixture->a, ID));
}

static void
something_is_refused(struct fake_host *a)
{
	struct jp_link_msg msg = { .kind = JP_LINK_DONE };

	a->behind = NULL;
	assert_int_equal(fake_give(a, &msg, NULL), JP_ERR_PROTOCOL);
	a->welcome = false;
}

/* Over a connection of which something was refused nothing is believed. */
static void
an_answer_behind_nonsense_is_not_taken(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.behind = something_is_refused;
	fixture->a.way = FAKE_REFUSES;
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_int_equal(fixture->a.appends, 2);
	assert_int_equal(fixture->log.head, 1);
}

static void
what_the_database_refuses_is_not_done(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.way = FAKE_REFUSES;
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_UNREACHABLE);
	assert_why(&fixture->a, "the disk is full");
	assert_false(has(&fixture->a, ID));
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
}

static void
nobody_waits_for_a_patd_that_ends(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.way = FAKE_SILENT_UNDONE;
	jp_replica_stop(fixture->a.replica);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_UNREACHABLE);
	assert_int_equal(fixture->a.appends, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_writer_is_woken_by_its_answer),
		TEST(what_comes_back_by_the_log_is_done),
		TEST(what_comes_behind_a_batch_changes_nothing_of_its_answer),
		TEST(what_follows_waits_for_the_writer),
		TEST(
		    what_follows_a_batch_that_cannot_be_written_here_is_no_gap),
		TEST(what_nobody_knows_shows_later),
		TEST(a_late_answer_to_what_was_given_up_begins_anew),
		TEST(a_late_answer_to_what_is_here_is_nothing),
		TEST(one_at_a_time_is_sent),
		TEST(an_answer_to_another_batch_is_not_its_own),
		TEST(the_first_answer_holds),
		TEST(an_answer_behind_nonsense_is_not_taken),
		TEST(what_the_database_refuses_is_not_done),
		TEST(nobody_waits_for_a_patd_that_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
