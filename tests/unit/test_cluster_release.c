/*
 * A lease that is given back by a host that ends: common/cluster/lease.c, which
 * sees it, and common/cluster/replica.c, which does it. Times are milliseconds
 * of a clock that the tests set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/link_help.h"
#include "tests/unit/replica_help.h"
#include "tests/unit/store_help.h"

enum {
	L = FAKE_LEASE_MS,
	NOW = START_MS,
	HANGS_MS = 60000, /* which nothing reaches that does not wait */
};

/* ---- seen by others ---- */

/* Of b, as the host a sees it, with a log that ends at 5. */
struct seen {
	struct jp_peers peers;
	struct jp_barrier barrier;
};

static void
see(struct seen *seen, uint64_t grants, uint32_t lease_ms, int64_t at_ms)
{
	struct jp_link_nodes nodes = { .head = 5, .len = 1 };

	link_text(nodes.of[0].name, "b");
	nodes.of[0].applied = 4;
	nodes.of[0].grants = grants;
	nodes.of[0].lease_ms = lease_ms;
	assert_int_equal(jp_peers_take(&seen->peers, &nodes, at_ms), JP_ERR_OK);
}

/* Whether nobody is waited for. */
static bool
is_over(struct seen *seen, int64_t at_ms)
{
	return jp_barrier_look(&seen->barrier, &seen->peers, "a", at_ms);
}

static struct seen *
begin(void)
{
	static struct seen seen;

	memset(&seen, 0, sizeof(seen));
	jp_barrier_start(&seen.barrier, 5);
	return &seen;
}

static void
who_has_given_it_back_is_not_waited_for(void **unused)
{
	struct seen *seen = begin();

	(void)unused;
	see(seen, 1, L, NOW);
	see(seen, 1, 0, NOW);
	assert_true(is_over(seen, NOW));
	assert_int_equal(seen->barrier.late_len, 0);
	/* Nor by a host that has never seen it before. */
	seen = begin();
	see(seen, 1, 0, NOW);
	assert_true(is_over(seen, NOW));
	assert_int_equal(seen->barrier.late_len, 0);
}

static void
who_gives_it_back_is_waited_for_no_longer(void **unused)
{
	struct seen *seen = begin();

	(void)unused;
	see(seen, 1, L, NOW);
	assert_false(is_over(seen, NOW));
	see(seen, 1, 0, NOW + 5);
	assert_true(is_over(seen, NOW + 5));
	assert_int_equal(seen->barrier.late_len, 0);
}

static void
who_gives_it_back_and_leaves_is_not_named(void **unused)
{
	struct seen *seen = begin();

	(void)unused;
	see(seen, 1, L, NOW);
	assert_false(is_over(seen, NOW));
	see(seen, 1, 0, NOW + 5);
	assert_int_equal(jp_peers_take(&seen->peers,
	                     &(struct jp_link_nodes){ .head = 5 }, NOW + 5),
	    JP_ERR_OK);
	assert_int_equal(seen->peers.len, 0);
	assert_true(is_over(seen, NOW + 5));
	assert_int_equal(seen->barrier.late_len, 0);
}

/* The number after it is of a patd that has started since. */
static void
a_lease_behind_it_is_waited_for(void **unused)
{
	struct seen *seen = begin();

	(void)unused;
	see(seen, 1, 0, NOW);
	see(seen, 2, L, NOW + 5);
	assert_false(is_over(seen, NOW + 5));
	assert_false(is_over(seen, NOW + 5 + OTHERS - 1));
	assert_true(is_over(seen, NOW + 5 + OTHERS));
	assert_int_equal(seen->barrier.late_len, 1);
}

/* It has come back between two looks: what it had before is over all the same,
 * but only the end of that lease, or its word, says so. */
static void
a_lease_not_seen_given_back_is_waited_for(void **unused)
{
	struct seen *seen = begin();

	(void)unused;
	see(seen, 1, L, NOW);
	assert_false(is_over(seen, NOW));
	see(seen, 2, L, NOW + 5);
	assert_false(is_over(seen, NOW + OTHERS - 1));
	assert_true(is_over(seen, NOW + OTHERS));
}

/* A failover may lose it: it was true all the same. */
static void
what_was_seen_given_back_stays_so(void **unused)
{
	struct seen *seen = begin();

	(void)unused;
	see(seen, 1, L, NOW);
	see(seen, 1, 0, NOW + 5);
	see(seen, 1, L, NOW + 6);
	assert_true(is_over(seen, NOW + 6));
}

/* One from before the lease that it has by now, as by another connection. */
static void
a_reading_that_is_late_gives_none_back(void **unused)
{
	struct seen *seen = begin();

	(void)unused;
	see(seen, 2, L, NOW);
	assert_false(is_over(seen, NOW));
	see(seen, 1, 0, NOW + 5);
	see(seen, 1, 0, NOW + 6);
	assert_false(is_over(seen, NOW + OTHERS - 1));
	assert_true(is_over(seen, NOW + OTHERS));
	assert_int_equal(seen->barrier.late_len, 1);
}

/* As after a leave: of the leases of a row before it, it says nothing. */
static void
a_row_without_a_lease_gives_none_back(void **unused)
{
	struct seen *seen = begin();

	(void)unused;
	see(seen, 1, L, NOW);
	see(seen, 0, 0, NOW + 5);
	assert_false(is_over(seen, NOW + OTHERS - 1));
	assert_true(is_over(seen, NOW + OTHERS));
}

/* ---- given back ---- */

/* Both have a lease. */
static int
set_up_leases(void **state)
{
	struct fixture *fixture;

	(void)set_up(state);
	fixture = *state;
	(void)jp_replica_tick(fixture->a.replica);
	(void)jp_replica_tick(fixture->b.replica);
	assert_true(jp_replica_holds(fixture->b.replica));
	return 0;
}

static void
others_do_not_wait_for_a_host_that_has_ended(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a;
	struct jp_replica_status status;
	struct jp_why why = { .text = "" };

	(void)fake_pump(a);
	jp_replica_release(fixture->b.replica);
	assert_false(jp_replica_holds(fixture->b.replica));
	assert_false(jp_replica_is_releasing(fixture->b.replica));
	assert_int_equal(fixture->b.releases, 1);
	jp_store_begin(a->store, JP_BEGIN_LOUD);
	assert_int_equal(add(a->store, ID, "alice", JP_NEVER), JP_ERR_OK);
	assert_int_equal(
	    a->store->ops->settle(a->store, jp_now_ms() + HANGS_MS, &why),
	    JP_ERR_OK);
	assert_string_equal(why.text, "");
	jp_replica_status(a->replica, &status);
	assert_int_equal(status.late, 0);
	jp_replica_status(fixture->b.replica, &status);
	assert_int_equal(status.lapses, 0);
}

/* A database that answers late, or as it likes, brings none back. */
static void
what_is_granted_behind_it_is_not_taken(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *b = &fixture->b;
	struct jp_link_msg msg = { .kind = JP_LINK_LEASED };

	b->deaf = true;
	atomic_fetch_add(&now_ms, FAKE_LEASE_MS / 3);
	(void)jp_replica_tick(b->replica);
	assert_int_equal(b->leases, 2);
	jp_replica_release(b->replica);
	msg.leased.ok = true;
	memcpy(msg.leased.mac, fixture->log.of[0].batch.mac, JP_LINK_MAC_LEN);
	for (uint32_t req = 1; req <= b->release_req; req++) {
		msg.leased.req = req;
		assert_int_equal(fake_give(b, &msg, NULL), JP_ERR_OK);
		assert_false(jp_replica_holds(b->replica));
	}
	/* Nor is another one asked for, whatever comes. */
	b->deaf = false;
	fake_cut(b, false);
	fake_connect(b);
	atomic_fetch_add(&now_ms, FAKE_LEASE_MS);
	(void)jp_replica_tick(b->replica);
	assert_int_equal(b->leases, 2);
	assert_false(jp_replica_holds(b->replica));
}

static void
it_is_given_back_when_the_answer_to_it_comes(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *b = &fixture->b;

	b->deaf = true;
	jp_replica_release(b->replica);
	assert_true(jp_replica_is_releasing(b->replica));
	jp_replica_released(b->replica, b->release_req + 1);
	assert_true(jp_replica_is_releasing(b->replica));
	jp_replica_released(b->replica, b->release_req);
	assert_false(jp_replica_is_releasing(b->replica));
}

static void
nobody_waits_for_an_answer_that_cannot_come(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a, *b = &fixture->b;

	/* The database goes, or the link. */
	a->deaf = b->deaf = true;
	jp_replica_release(a->replica);
	jp_replica_release(b->replica);
	assert_true(jp_replica_is_releasing(a->replica));
	assert_true(jp_replica_is_releasing(b->replica));
	fake_cut(a, false);
	fake_cut(b, true);
	assert_false(jp_replica_is_releasing(a->replica));
	assert_false(jp_replica_is_releasing(b->replica));
}

static void
without_a_database_it_is_only_dropped(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *a = &fixture->a, *b = &fixture->b;

	fake_cut(a, false);
	fake_cut(b, true);
	jp_replica_release(a->replica);
	jp_replica_release(b->replica);
	assert_false(jp_replica_holds(a->replica));
	assert_false(jp_replica_holds(b->replica));
	assert_false(jp_replica_is_releasing(a->replica));
	assert_false(jp_replica_is_releasing(b->replica));
	assert_int_equal(a->releases + b->releases, 0);
}

/* The thread has not heard yet that the other side is gone. */
static void
a_link_that_takes_it_no_more_is_lost(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *b = &fixture->b;

	b->connected = false;
	jp_replica_release(b->replica);
	assert_false(jp_replica_holds(b->replica));
	assert_false(jp_replica_is_releasing(b->replica));
}

int
main(void)
{
#define LEASED(test)                                                           \
	cmocka_unit_test_setup_teardown(test, set_up_leases, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_given_it_back_is_not_waited_for),
		cmocka_unit_test(who_gives_it_back_is_waited_for_no_longer),
		cmocka_unit_test(who_gives_it_back_and_leaves_is_not_named),
		cmocka_unit_test(a_lease_behind_it_is_waited_for),
		cmocka_unit_test(a_lease_not_seen_given_back_is_waited_for),
		cmocka_unit_test(what_was_seen_given_back_stays_so),
		cmocka_unit_test(a_reading_that_is_late_gives_none_back),
		cmocka_unit_test(a_row_without_a_lease_gives_none_back),
		LEASED(others_do_not_wait_for_a_host_that_has_ended),
		LEASED(what_is_granted_behind_it_is_not_taken),
		LEASED(it_is_given_back_when_the_answer_to_it_comes),
		LEASED(nobody_waits_for_an_answer_that_cannot_come),
		LEASED(without_a_database_it_is_only_dropped),
		LEASED(a_link_that_takes_it_no_more_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
