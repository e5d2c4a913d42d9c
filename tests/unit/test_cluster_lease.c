/*
 * Leases and barriers: common/cluster/lease.c. Times are milliseconds of a
 * clock that the tests set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/cluster/lease.h"

enum {
	L = 15000,
	OWN = L - L / 100,    /* as long as its holder believes in it */
	OTHERS = L + L / 100, /* and everybody else */
	NOW = 1000000,
};

/* ---- the own lease ---- */

static struct jp_lease
lease_asked(uint32_t req, int64_t now_ms)
{
	struct jp_lease lease;

	jp_lease_init(&lease, L);
	jp_lease_ask(&lease, req, now_ms);
	return lease;
}

static void
there_is_none_until_it_is_granted(void **unused)
{
	struct jp_lease lease = lease_asked(1, NOW);

	(void)unused;
	assert_false(jp_lease_holds(&lease, NOW));
	jp_lease_grant(&lease, 2, 0, 0); /* the answer to something else */
	assert_false(jp_lease_holds(&lease, NOW));
	jp_lease_grant(&lease, 1, 0, 0);
	assert_true(jp_lease_holds(&lease, NOW));
}

static void
it_is_measured_from_before_it_was_asked_for(void **unused)
{
	struct jp_lease lease = lease_asked(1, NOW);

	(void)unused;
	jp_lease_grant(&lease, 1, 5, 5); /* however late that comes */
	assert_true(jp_lease_holds(&lease, NOW + OWN - 1));
	assert_false(jp_lease_holds(&lease, NOW + OWN));
}

static void
it_begins_when_all_is_applied_that_was_committed(void **unused)
{
	struct jp_lease lease = lease_asked(1, NOW);

	(void)unused;
	jp_lease_grant(&lease, 1, 5, 3);
	assert_false(jp_lease_holds(&lease, NOW));
	jp_lease_applied(&lease, 4);
	assert_false(jp_lease_holds(&lease, NOW));
	jp_lease_applied(&lease, 5);
	assert_true(jp_lease_holds(&lease, NOW));
}

/* Who is behind must not lose the one that is within reach. */
static void
an_older_one_begins_though_a_newer_one_does_not(void **unused)
{
	struct jp_lease lease = lease_asked(1, NOW);

	(void)unused;
	jp_lease_grant(&lease, 1, 5, 3);
	jp_lease_ask(&lease, 2, NOW + 5000);
	jp_lease_grant(&lease, 2, 9, 3);
	jp_lease_applied(&lease, 6);
	assert_true(jp_lease_holds(&lease, NOW + OWN - 1));
	assert_false(jp_lease_holds(&lease, NOW + OWN));
	jp_lease_applied(&lease, 9);
	assert_true(jp_lease_holds(&lease, NOW + 5000 + OWN - 1));
	assert_false(jp_lease_holds(&lease, NOW + 5000 + OWN));
}

static void
an_older_answer_shortens_nothing(void **unused)
{
	struct jp_lease lease = lease_asked(1, NOW);

	(void)unused;
	jp_lease_ask(&lease, 2, NOW + 5000);
	jp_lease_grant(&lease, 2, 0, 0);
	jp_lease_grant(&lease, 1, 0, 0);
	assert_true(jp_lease_holds(&lease, NOW + 5000 + OWN - 1));
}

static void
an_answer_counts_once(void **unused)
{
	struct jp_lease lease = lease_asked(1, NOW);

	(void)unused;
	jp_lease_grant(&lease, 1, 9, 0);
	jp_lease_grant(&lease, 1, 0, 0); /* again, and less is asked for */
	assert_false(jp_lease_holds(&lease, NOW));
}

static void
many_requests_leave_the_latest(void **unused)
{
	struct jp_lease lease;

	(void)unused;
	jp_lease_init(&lease, L);
	for (uint32_t req = 1; req <= JP_LEASE_ASKED_MAX + 2; req++)
		jp_lease_ask(&lease, req, NOW + req);
	jp_lease_grant(&lease, 1, 0, 0);
	jp_lease_grant(&lease, 2, 0, 0);
	assert_false(jp_lease_holds(&lease, NOW + 10));
	jp_lease_grant(&lease, 3, 0, 0);
	assert_true(jp_lease_holds(&lease, NOW + 10));
	jp_lease_grant(&lease, JP_LEASE_ASKED_MAX + 1, 0, 0);
	assert_true(jp_lease_holds(&lease, NOW + JP_LEASE_ASKED_MAX + OWN));
}

static void
it_is_asked_for_three_times_while_it_lasts(void **unused)
{
	struct jp_lease lease;

	(void)unused;
	jp_lease_init(&lease, L);
	assert_true(jp_lease_due_ms(&lease) <= 0);
	jp_lease_ask(&lease, 1, NOW);
	assert_int_equal(jp_lease_due_ms(&lease), NOW + L / 3);
}

/* A new connection asks at once, for all that it needs. */
static void
a_lost_connection_takes_the_questions_with_it(void **unused)
{
	struct jp_lease lease = lease_asked(1, NOW);

	(void)unused;
	jp_lease_grant(&lease, 1, 0, 0);
	jp_lease_ask(&lease, 2, NOW + 5000);
	jp_lease_ask(&lease, 3, NOW + 5001);
	jp_lease_grant(&lease, 2, 5, 0);
	jp_lease_forget(&lease);
	assert_true(jp_lease_due_ms(&lease) <= 0);
	jp_lease_grant(&lease, 3, 0, 0);
	jp_lease_applied(&lease, 5);
	assert_true(jp_lease_holds(&lease, NOW + OWN - 1));
	assert_false(jp_lease_holds(&lease, NOW + OWN));
}

static void
all_requests_over_a_new_connection_count(void **unused)
{
	struct jp_lease lease = lease_asked(1, NOW);

	(void)unused;
	jp_lease_forget(&lease);
	for (uint32_t req = 2; req < 2 + JP_LEASE_ASKED_MAX; req++)
		jp_lease_ask(&lease, req, NOW + req);
	jp_lease_grant(&lease, 2, 0, 0);
	assert_true(jp_lease_holds(&lease, NOW + 2 + OWN - 1));
}

static void
one_that_is_given_up_is_over(void **unused)
{
	struct jp_lease lease = lease_asked(1, NOW);

	(void)unused;
	jp_lease_grant(&lease, 1, 0, 0);
	jp_lease_ask(&lease, 2, NOW);
	jp_lease_drop(&lease);
	assert_false(jp_lease_holds(&lease, NOW));
	jp_lease_grant(&lease, 2, 0, 0);
	assert_false(jp_lease_holds(&lease, NOW));
}

static void
without_a_clock_there_is_none(void **unused)
{
	struct jp_lease lease = lease_asked(1, NOW);

	(void)unused;
	jp_lease_grant(&lease, 1, 0, 0);
	assert_false(jp_lease_holds(&lease, -1));
	jp_lease_init(&lease, L);
	jp_lease_ask(&lease, 1, -1);
	jp_lease_grant(&lease, 1, 0, 0);
	assert_false(jp_lease_holds(&lease, 0));
	/* One that begins is one. */
	jp_lease_ask(&lease, 2, 0);
	jp_lease_grant(&lease, 2, 0, 0);
	assert_true(jp_lease_holds(&lease, 0));
}

/* ---- the others ---- */

static void
add_node(struct jp_link_nodes *nodes, const char *name, uint64_t applied,
    uint64_t grants)
{
	struct jp_link_node *node = &nodes->of[nodes->len++];

	memset(node, 0, sizeof(*node));
	(void)snprintf(node->name, sizeof(node->name), "%s", name);
	node->applied = applied;
	node->grants = grants;
	node->lease_ms = L;
}

/* a is the own node, b another one. */
static void
take(struct jp_peers *peers, uint64_t head, uint64_t b_applied,
    uint64_t b_grants, int64_t now_ms)
{
	static struct jp_link_nodes nodes;

	nodes.len = 0;
	nodes.head = head;
	add_node(&nodes, "a", 0, 1);
	add_node(&nodes, "b", b_applied, b_grants);
	assert_int_equal(jp_peers_take(peers, &nodes, now_ms), JP_ERR_OK);
}

static bool
look(struct jp_barrier *barrier, const struct jp_peers *peers, int64_t now_ms)
{
	return jp_barrier_look(barrier, peers, "a", now_ms);
}

static void
all_have_applied_it(void **unused)
{
	struct jp_peers peers = { .head = 0 };
	struct jp_barrier barrier;

	(void)unused;
	jp_barrier_start(&barrier, 5);
	assert_false(look(&barrier, &peers, NOW));
	take(&peers, 5, 4, 1, NOW);
	assert_false(look(&barrier, &peers, NOW));
	take(&peers, 5, 5, 1, NOW + 1);
	assert_true(look(&barrier, &peers, NOW + 1));
	assert_int_equal(barrier.late_len, 0);
}

/* Those that are not it, one by one: b, and c, which applies the third. */
static void
each_of_several_hosts_is_waited_for(void **unused)
{
	static struct jp_link_nodes nodes;
	struct jp_peers peers = { .head = 0 };
	struct jp_barrier barrier;

	(void)unused;
	nodes.head = 1;
	add_node(&nodes, "b", 0, 1);
	assert_int_equal(jp_peers_take(&peers, &nodes, NOW), JP_ERR_OK);
	add_node(&nodes, "c", 0, 1);
	assert_int_equal(jp_peers_take(&peers, &nodes, NOW + 5), JP_ERR_OK);
	jp_barrier_start(&barrier, 1);
	assert_false(look(&barrier, &peers, NOW + 5));
	assert_int_equal(jp_barrier_next_ms(&barrier), NOW + OTHERS);
	nodes.of[0].applied = 1;
	assert_int_equal(jp_peers_take(&peers, &nodes, NOW + 6), JP_ERR_OK);
	assert_false(look(&barrier, &peers, NOW + 6));
	assert_int_equal(jp_barrier_next_ms(&barrier), NOW + 5 + OTHERS);
	/* Who has it is not named, and who has not is once. */
	assert_true(look(&barrier, &peers, NOW + 5 + OTHERS));
	assert_int_equal(barrier.late_len, 1);
	assert_string_equal(barrier.late[0].name, "c");
}

/* What was read before the batch says nothing about who has a lease now. */
static void
a_reading_that_is_older_than_the_batch_does_not_count(void **unused)
{
	struct jp_peers peers = { .head = 0 };
	struct jp_barrier barrier;

	(void)unused;
	jp_barrier_start(&barrier, 5);
	take(&peers, 4, 4, 1, NOW);
	assert_false(look(&barrier, &peers, NOW + 10 * L));
	assert_true(jp_barrier_next_ms(&barrier) == INT64_MAX);
	take(&peers, 5, 4, 2, NOW + 10 * L);
	assert_false(look(&barrier, &peers, NOW + 10 * L + OTHERS - 1));
	assert_true(look(&barrier, &peers, NOW + 10 * L + OTHERS));
}

static void
who_does_not_answer_is_waited_for_one_lease(void **unused)
{
	struct jp_peers peers = { .head = 0 };
	struct jp_barrier barrier;

	(void)unused;
	take(&peers, 5, 4, 1, NOW);
	jp_barrier_start(&barrier, 5);
	assert_false(look(&barrier, &peers, NOW));
	assert_int_equal(jp_barrier_next_ms(&barrier), NOW + OTHERS);
	assert_false(look(&barrier, &peers, NOW + OTHERS - 1));
	assert_true(look(&barrier, &peers, NOW + OTHERS));
	assert_int_equal(barrier.late_len, 1);
	assert_string_equal(barrier.late[0].name, "b");
	assert_false(barrier.late[0].left);
}

/* Its own belief ends first, whenever it asked. */
static void
nobody_believes_in_a_lease_that_is_over_for_others(void **unused)
{
	struct jp_lease lease = lease_asked(1, NOW);
	struct jp_peers peers = { .head = 0 };
	struct jp_barrier barrier;

	(void)unused;
	jp_lease_grant(&lease, 1, 4, 4);
	take(&peers, 5, 4, 1, NOW); /* at once */
	jp_barrier_start(&barrier, 5);
	for (int64_t at = NOW; at < NOW + 2 * L; at++)
		assert_false(
		    look(&barrier, &peers, at) && jp_lease_holds(&lease, at));
}

static void
as_many_are_named_as_there_can_be_hosts(void **unused)
{
	static struct jp_link_nodes nodes;
	static struct jp_peers peers;
	static struct {
		struct jp_barrier barrier;
		char behind[JP_LINK_NAME_MAX + 1];
	} room;
	char name[16];

	(void)unused;
	for (char set = 'a'; set <= 'b'; set++) {
		nodes.len = 0;
		for (int i = 0; i < JP_LINK_NODES_MAX; i++) {
			(void)snprintf(name, sizeof(name), "%c%02d", set, i);
			add_node(&nodes, name, 0, 1);
		}
		assert_int_equal(jp_peers_take(&peers, &nodes, NOW), JP_ERR_OK);
	}
	jp_barrier_start(&room.barrier, 1);
	peers.head = 1;
	assert_false(look(&room.barrier, &peers, NOW));
	assert_true(look(&room.barrier, &peers, NOW + OTHERS));
	assert_int_equal(room.barrier.late_len, JP_LINK_NODES_MAX);
	assert_string_equal(room.behind, "");
}

/* A grant that came later holds only with the batch. */
static void
later_grants_do_not_lengthen_the_wait(void **unused)
{
	struct jp_peers peers = { .head = 0 };
	struct jp_barrier barrier;

	(void)unused;
	take(&peers, 5, 4, 1, NOW);
	jp_barrier_start(&barrier, 5);
	assert_false(look(&barrier, &peers, NOW));
	take(&peers, 5, 4, 2, NOW + 5000);
	assert_false(look(&barrier, &peers, NOW + OTHERS - 1));
	assert_true(look(&barrier, &peers, NOW + OTHERS));
}

static void
who_is_gone_for_long_costs_nothing(void **unused)
{
	struct jp_peers peers = { .head = 0 };
	struct jp_barrier barrier;

	(void)unused;
	take(&peers, 4, 4, 1, NOW);
	take(&peers, 5, 4, 1, NOW + OTHERS);
	jp_barrier_start(&barrier, 5);
	assert_true(look(&barrier, &peers, NOW + OTHERS));
	assert_int_equal(barrier.late_len, 0);
}

static void
the_own_node_is_not_waited_for(void **unused)
{
	struct jp_peers peers = { .head = 0 };
	struct jp_barrier barrier;

	(void)unused;
	take(&peers, 5, 5, 1, NOW);
	jp_barrier_start(&barrier, 5);
	assert_true(look(&barrier, &peers, NOW));
	assert_false(jp_barrier_look(
	    &(struct jp_barrier){ .seq = 5 }, &peers, "b", NOW));
}

static void
who_had_no_lease_is_not_waited_for(void **unused)
{
	static struct jp_link_nodes nodes;
	struct jp_peers peers = { .head = 0 };
	struct jp_barrier barrier;

	(void)unused;
	nodes.head = 5;
	add_node(&nodes, "b", 0, 0);
	nodes.of[0].lease_ms = 0;
	assert_int_equal(jp_peers_take(&peers, &nodes, NOW), JP_ERR_OK);
	jp_barrier_start(&barrier, 5);
	assert_true(look(&barrier, &peers, NOW));
}

/* The row is gone, but what it was granted is not. */
static void
who_has_left_is_waited_for_one_lease(void **unused)
{
	static struct jp_link_nodes nodes;
	struct jp_peers peers = { .head = 0 };
	struct jp_barrier barrier;

	(void)unused;
	take(&peers, 4, 4, 1, NOW);
	nodes.head = 5;
	assert_int_equal(jp_peers_take(&peers, &nodes, NOW + 1), JP_ERR_OK);
	assert_int_equal(peers.len, 2);
	jp_barrier_start(&barrier, 5);
	assert_false(look(&barrier, &peers, NOW + OTHERS - 1));
	assert_true(look(&barrier, &peers, NOW + OTHERS));
	assert_int_equal(barrier.late_len, 1);
	assert_true(barrier.late[0].left);
	assert_int_equal(
	    jp_peers_take(&peers, &nodes, NOW + OTHERS), JP_ERR_OK);
	assert_int_equal(peers.len, 0);
}

static void
who_has_left_is_kept_once_and_until_then(void **unused)
{
	static struct jp_link_nodes nodes;
	struct jp_peers peers = { .head = 0 };

	(void)unused;
	add_node(&nodes, "b", 0, 1);
	assert_int_equal(jp_peers_take(&peers, &nodes, NOW), JP_ERR_OK);
	add_node(&nodes, "c", 0, 1);
	assert_int_equal(jp_peers_take(&peers, &nodes, NOW + 5), JP_ERR_OK);
	nodes.len = 0;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    jp_peers_take(&peers, &nodes, NOW + OTHERS), JP_ERR_OK);
		assert_int_equal(peers.len, 1);
		assert_string_equal(peers.of[0].name, "c");
	}
}

/* And comes back: of the last time nothing is left. */
static void
who_comes_back_is_a_new_one(void **unused)
{
	static struct jp_link_nodes nodes;
	struct jp_peers peers = { .head = 0 };
	struct jp_barrier barrier;

	(void)unused;
	nodes.head = 5;
	add_node(&nodes, "b", 4, 1);
	assert_int_equal(jp_peers_take(&peers, &nodes, NOW), JP_ERR_OK);
	nodes.len = 0;
	assert_int_equal(
	    jp_peers_take(&peers, &nodes, NOW + OTHERS), JP_ERR_OK);
	assert_int_equal(peers.len, 0);
	nodes.len = 1;
	assert_int_equal(
	    jp_peers_take(&peers, &nodes, NOW + OTHERS), JP_ERR_OK);
	assert_int_equal(peers.len, 1);
	jp_barrier_start(&barrier, 5);
	assert_false(look(&barrier, &peers, NOW + 2 * OTHERS - 1));
	assert_true(look(&barrier, &peers, NOW + 2 * OTHERS));
}

/* It may have been granted before the setting was changed. */
static void
a_shorter_lease_does_not_end_the_longer_one_before(void **unused)
{
	static struct jp_link_nodes nodes;
	struct jp_peers peers = { .head = 0 };
	struct jp_barrier barrier;

	(void)unused;
	take(&peers, 4, 4, 1, NOW);
	nodes.head = 5;
	add_node(&nodes, "b", 4, 2);
	nodes.of[0].lease_ms = L / 3;
	assert_int_equal(jp_peers_take(&peers, &nodes, NOW), JP_ERR_OK);
	jp_barrier_start(&barrier, 5);
	assert_false(look(&barrier, &peers, NOW + OTHERS - 1));
}

/* A database that was restored counts from less: that is another grant, too. */
static void
any_other_count_of_grants_is_a_new_one(void **unused)
{
	struct jp_peers peers = { .head = 0 };
	struct jp_barrier barrier;

	(void)unused;
	take(&peers, 4, 4, 7, NOW);
	take(&peers, 5, 4, 6, NOW + OTHERS);
	jp_barrier_start(&barrier, 5);
	assert_false(look(&barrier, &peers, NOW + OTHERS));
}

static void
the_first_batch_of_all_is_everywhere(void **unused)
{
	struct jp_peers peers = { .head = 0 };
	struct jp_barrier barrier;

	(void)unused;
	jp_barrier_start(&barrier, 0);
	assert_true(look(&barrier, &peers, NOW));
	/* Whoever has left had it as well. */
	take(&peers, 0, 0, 1, NOW);
	assert_int_equal(
	    jp_peers_take(&peers, &(struct jp_link_nodes){ .head = 0 }, NOW),
	    JP_ERR_OK);
	assert_int_equal(peers.len, 2);
	jp_barrier_start(&barrier, 0);
	assert_true(look(&barrier, &peers, NOW));
}

static void
without_a_clock_no_lease_is_over(void **unused)
{
	static struct jp_link_nodes nodes;
	struct jp_peers peers = { .head = 0 };
	struct jp_barrier barrier;

	(void)unused;
	take(&peers, 5, 4, 1, NOW);
	assert_int_equal(jp_peers_take(&peers, &nodes, -1), JP_ERR_IO);
	assert_int_equal(peers.len, 2);
	jp_barrier_start(&barrier, 5);
	assert_false(look(&barrier, &peers, -1));
}

static void
more_hosts_than_can_be_kept_are_refused(void **unused)
{
	static struct jp_link_nodes nodes;
	struct jp_peers peers = { .head = 0 };
	char name[16];

	(void)unused;
	for (char set = 'a'; set <= 'c'; set++) {
		nodes.len = 0;
		for (int i = 0; i < JP_LINK_NODES_MAX; i++) {
			(void)snprintf(name, sizeof(name), "%c%02d", set, i);
			add_node(&nodes, name, 0, 1);
		}
		assert_int_equal(jp_peers_take(&peers, &nodes, NOW),
		    set < 'c' ? JP_ERR_OK : JP_ERR_OVERLOAD);
		assert_int_equal(peers.len,
		    set == 'a' ? JP_LINK_NODES_MAX : JP_LEASE_PEERS_MAX);
	}
	assert_int_equal(
	    jp_peers_take(&peers, &nodes, NOW + OTHERS), JP_ERR_OK);
	assert_int_equal(peers.len, JP_LINK_NODES_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_none_until_it_is_granted),
		cmocka_unit_test(it_is_measured_from_before_it_was_asked_for),
		cmocka_unit_test(
		    it_begins_when_all_is_applied_that_was_committed),
		cmocka_unit_test(
		    an_older_one_begins_though_a_newer_one_does_not),
		cmocka_unit_test(an_older_answer_shortens_nothing),
		cmocka_unit_test(an_answer_counts_once),
		cmocka_unit_test(many_requests_leave_the_latest),
		cmocka_unit_test(it_is_asked_for_three_times_while_it_lasts),
		cmocka_unit_test(a_lost_connection_takes_the_questions_with_it),
		cmocka_unit_test(all_requests_over_a_new_connection_count),
		cmocka_unit_test(one_that_is_given_up_is_over),
		cmocka_unit_test(without_a_clock_there_is_none),
		cmocka_unit_test(all_have_applied_it),
		cmocka_unit_test(each_of_several_hosts_is_waited_for),
		cmocka_unit_test(
		    a_reading_that_is_older_than_the_batch_does_not_count),
		cmocka_unit_test(who_does_not_answer_is_waited_for_one_lease),
		cmocka_unit_test(
		    nobody_believes_in_a_lease_that_is_over_for_others),
		cmocka_unit_test(as_many_are_named_as_there_can_be_hosts),
		cmocka_unit_test(later_grants_do_not_lengthen_the_wait),
		cmocka_unit_test(who_is_gone_for_long_costs_nothing),
		cmocka_unit_test(the_own_node_is_not_waited_for),
		cmocka_unit_test(who_had_no_lease_is_not_waited_for),
		cmocka_unit_test(who_has_left_is_waited_for_one_lease),
		cmocka_unit_test(who_has_left_is_kept_once_and_until_then),
		cmocka_unit_test(who_comes_back_is_a_new_one),
		cmocka_unit_test(
		    a_shorter_lease_does_not_end_the_longer_one_before),
		cmocka_unit_test(any_other_count_of_grants_is_a_new_one),
		cmocka_unit_test(the_first_batch_of_all_is_everywhere),
		cmocka_unit_test(without_a_clock_no_lease_is_over),
		cmocka_unit_test(more_hosts_than_can_be_kept_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
