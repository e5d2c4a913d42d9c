/*
 * The leases of a host: when it asks for one, how long it holds, and what ends
 * it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/link_help.h"
#include "tests/unit/replica_help.h"

static void
there_is_a_lease_as_soon_as_all_is_applied(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *b = &fixture->b;
	struct jp_replica_status status;

	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_false(jp_replica_holds(b->replica));
	(void)jp_replica_tick(b->replica);
	assert_int_equal(b->leases, 1);
	assert_false(jp_replica_holds(b->replica)); /* it lacks a batch */
	(void)fake_pump(b);
	assert_true(jp_replica_holds(b->replica));
	atomic_fetch_add(&now_ms, OWN - 1);
	assert_true(jp_replica_holds(b->replica));
	jp_replica_status(b->replica, &status);
	assert_int_equal(status.lease_ms, FAKE_LEASE_MS);
	assert_int_equal(status.lease_left_ms, 1);
	atomic_fetch_add(&now_ms, 1);
	assert_false(jp_replica_holds(b->replica));
}

static void
a_lease_is_renewed_in_time(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_replica_status status;

	for (int i = 0; i < 100; i++) {
		int64_t wait_ms = jp_replica_tick(a->replica);

		assert_in_range(wait_ms, 1, 1000);
		assert_true(jp_replica_holds(a->replica));
		atomic_fetch_add(&now_ms, wait_ms);
	}
	assert_in_range(a->leases, 2, 100);
	jp_replica_status(a->replica, &status);
	assert_int_equal(status.leases, a->leases);
	assert_int_equal(status.lapses, 0);
	assert_true(status.holds);
}

static void
a_host_that_begins_asks_for_one(void **state)
{
	struct fixture *fixture = *state;

	atomic_store(&now_ms, -1); /* not without a clock */
	(void)jp_replica_tick(fixture->a.replica);
	assert_int_equal(fixture->a.leases, 0);
	atomic_store(&now_ms, 0);
	(void)jp_replica_tick(fixture->a.replica);
	assert_int_equal(fixture->a.leases, 1);
	assert_true(jp_replica_holds(fixture->a.replica));
	/* And the next one is not forgotten for long, nor late. */
	assert_int_equal(jp_replica_tick(fixture->a.replica), 1000);
	atomic_store(&now_ms, FAKE_LEASE_MS / 3 - 7);
	assert_int_equal(jp_replica_tick(fixture->a.replica), 7);
	assert_int_equal(fixture->a.leases, 1);
	atomic_store(&now_ms, FAKE_LEASE_MS / 3);
	assert_int_equal(jp_replica_tick(fixture->a.replica), 1000);
	assert_int_equal(fixture->a.leases, 2);
}

static void
a_short_lease_is_renewed_sooner_than_once_a_second(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host hasty;

	fake_lease_ms = 1000;
	fake_host_open(&hasty, &fixture->log, "c", fake_boot_ms);
	fake_lease_ms = FAKE_LEASE_MS;
	fake_connect(&hasty);
	assert_int_equal(jp_replica_tick(hasty.replica), 1000 / 3);
	assert_int_equal(hasty.leases, 1);
	fake_host_close(&hasty);
}

/* It is shown until all of the log is here. */
static void
what_was_refused_is_shown_until_a_lease_holds(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *b = &fixture->b;
	struct jp_replica_status status;

	make_two(fixture);
	give_batch(fixture, b, 2, 2);
	assert_refused(b, JP_ERR_CONFLICT, "1 is next");
	fake_connect(b);
	(void)jp_replica_tick(b->replica); /* it lacks both */
	jp_replica_status(b->replica, &status);
	assert_non_null(strstr(status.refused_why, "1 is next"));
	(void)fake_pump(b);
	atomic_fetch_add(&now_ms, FAKE_LEASE_MS / 3);
	(void)jp_replica_tick(b->replica);
	jp_replica_status(b->replica, &status);
	assert_true(status.holds);
	assert_string_equal(status.refused_why, "");
}

/* A lease that holds goes on where the connection does not. */
static void
a_lost_connection_leaves_the_lease(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_replica_status status;

	(void)jp_replica_tick(a->replica);
	fake_cut(a, true);
	atomic_fetch_add(&now_ms, OWN - 1);
	assert_true(jp_replica_holds(a->replica));
	(void)jp_replica_tick(a->replica);
	assert_int_equal(a->leases, 1);
	atomic_fetch_add(&now_ms, 1);
	jp_replica_status(a->replica, &status);
	assert_int_equal(status.lapses, 1);
	assert_false(status.holds);
	assert_int_equal(status.lease_left_ms, 0);
	fake_connect(a);
	(void)jp_replica_tick(a->replica); /* at once */
	assert_true(jp_replica_holds(a->replica));
}

static void
a_lease_of_a_log_that_went_back_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_LEASED };

	make_two(fixture);
	fixture->a.deaf = true;
	(void)jp_replica_tick(fixture->a.replica);
	msg.leased.req = 3;
	msg.leased.ok = true;
	msg.leased.head = 1;
	(void)fake_give(&fixture->a, &msg, NULL);
	assert_refused(&fixture->a, JP_ERR_CONFLICT, "has lost");
	fake_connect(&fixture->a);
	msg.leased.head = 2;
	(void)fake_give(&fixture->a, &msg, NULL);
	assert_refused(&fixture->a, JP_ERR_CHECKSUM, "another one");
	assert_false(jp_replica_holds(fixture->a.replica));
}

/* However late it comes, and whatever was asked since. */
static void
a_lease_is_as_long_as_its_own_request(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_link_msg msg = { .kind = JP_LINK_LEASED };

	a->deaf = true;
	(void)jp_replica_tick(a->replica);
	msg.leased.req = a->lease_req;
	atomic_fetch_add(&now_ms, FAKE_LEASE_MS / 3);
	(void)jp_replica_tick(a->replica);
	assert_int_equal(a->leases, 2);
	memcpy(msg.leased.mac, fixture->log.of[0].batch.mac, JP_LINK_MAC_LEN);
	msg.leased.ok = true;
	assert_int_equal(fake_give(a, &msg, NULL), JP_ERR_OK);
	atomic_store(&now_ms, START_MS + OWN - 1);
	assert_true(jp_replica_holds(a->replica));
	atomic_store(&now_ms, START_MS + OWN);
	assert_false(jp_replica_holds(a->replica));
}

static void
one_that_is_refused_is_none_and_no_fault_of_the_log(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_link_msg msg = { .kind = JP_LINK_LEASED };
	struct jp_replica_status status;

	assert_int_equal(add_to(a, ID), JP_ERR_OK);
	a->deaf = true;
	(void)jp_replica_tick(a->replica);
	msg.leased.req = a->lease_req;
	link_text(msg.leased.text, "it has left");
	assert_int_equal(fake_give(a, &msg, NULL), JP_ERR_OK);
	assert_false(jp_replica_holds(a->replica));
	jp_replica_status(a->replica, &status);
	assert_true(status.welcome);
	assert_int_equal(status.leases, 0);
}

static void
one_that_leaves_is_granted_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_replica_status status;

	(void)jp_replica_tick(a->replica);
	jp_replica_release(a->replica);
	assert_false(jp_replica_holds(a->replica));
	atomic_fetch_add(&now_ms, FAKE_LEASE_MS);
	(void)jp_replica_tick(a->replica);
	assert_false(jp_replica_holds(a->replica));
	assert_int_equal(a->leases, 1);
	jp_replica_status(a->replica, &status);
	assert_int_equal(status.lapses, 0); /* it was given back */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(there_is_a_lease_as_soon_as_all_is_applied),
		TEST(a_host_that_begins_asks_for_one),
		TEST(a_lease_is_renewed_in_time),
		TEST(a_short_lease_is_renewed_sooner_than_once_a_second),
		TEST(what_was_refused_is_shown_until_a_lease_holds),
		TEST(a_lost_connection_leaves_the_lease),
		TEST(a_lease_of_a_log_that_went_back_is_refused),
		TEST(a_lease_is_as_long_as_its_own_request),
		TEST(one_that_is_refused_is_none_and_no_fault_of_the_log),
		TEST(one_that_leaves_is_granted_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
