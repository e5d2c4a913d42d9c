/* The guard of a host of a cluster: common/decide/cluster_view.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/decide/cluster_view.h"
#include "tests/unit/admin_help.h"

static bool
holds(void *arg)
{
	return *(bool *)arg;
}

static void
show_here(void *arg, struct jp_cluster_here *to)
{
	(void)arg;
	*to = (struct jp_cluster_here){ .node = "a", .head = 7 };
}

static size_t
show_nodes(void *arg, struct jp_cluster_node *to)
{
	(void)arg;
	to[0] = (struct jp_cluster_node){ .name = "a" };
	to[1] = (struct jp_cluster_node){ .name = "b", .applied = 5 };
	return 2;
}

static enum jp_reason
guarded(struct jp_cluster_view *view, bool held, enum jp_reason reason)
{
	struct jp_decision decision = { .id = "" };

	jp_decision_refuse(&decision, reason);
	jp_cluster_guard(view, held, &decision);
	assert_int_equal(decision.verdict, jp_reason_verdict(decision.reason));
	return decision.reason;
}

/* Of each reason there is, in turn. */
static void
assert_guarded(struct jp_cluster_view *view, bool held, bool changes)
{
	for (int number = 0; number < JP_REASON_COUNT; number++) {
		enum jp_reason reason = (enum jp_reason)number;
		bool may_be_wrong = reason == JP_REASON_ACCEPTED ||
		                    reason == JP_REASON_ACCOUNT ||
		                    reason == JP_REASON_UNKNOWN_ID ||
		                    reason == JP_REASON_NO_TOKEN;

		assert_int_equal(guarded(view, held, reason),
		    changes && may_be_wrong ? JP_REASON_LEASE : reason);
	}
}

static void
a_single_host_knows_all(void **unused)
{
	(void)unused;
	assert_true(jp_cluster_holds(NULL));
	assert_guarded(NULL, true, false);
	assert_guarded(NULL, false, false);
}

static void
without_a_lease_only_what_is_known_is_denied(void **unused)
{
	bool held = false;
	struct jp_cluster_view view = { .holds = holds, .arg = &held };

	(void)unused;
	assert_false(jp_cluster_holds(&view));
	assert_guarded(&view, false, true);
	assert_int_equal(atomic_load(&view.withheld), 4);
	held = true;
	assert_true(jp_cluster_holds(&view));
	assert_guarded(&view, true, false);
	assert_int_equal(atomic_load(&view.withheld), 4);
}

/* What was read while it did not hold may be old. */
static void
a_lease_that_came_back_is_of_no_use_to_earlier_questions(void **unused)
{
	bool held = true;
	struct jp_cluster_view view = { .holds = holds, .arg = &held };

	(void)unused;
	assert_guarded(&view, false, true);
	held = false;
	assert_guarded(&view, true, true);
}

static void
a_store_without_its_patd_says_no_yes(void **state)
{
	struct admin_fixture *fixture = *state;
	struct jp_cluster_view view;
	struct jp_cluster_here here;
	struct jp_cluster_node nodes[JP_CLUSTER_NODES_MAX];

	jp_cluster_view_offline(&view, fixture->core.store);
	assert_guarded(&view, jp_cluster_holds(&view), true);
	view.here(view.arg, &here);
	assert_int_equal(here.link, JP_CLUSTER_OFFLINE);
	assert_int_equal(here.lease_left_ms, 0);
	assert_int_equal(view.nodes(view.arg, nodes), 0);
}

static void
administrators_see_this_host_and_then_all(void **state)
{
	struct admin_fixture *fixture = *state;
	bool held = true;
	struct jp_cluster_view view = { .holds = holds,
		.here = show_here,
		.nodes = show_nodes,
		.arg = &held };

	admin_wish(fixture, "");
	assert_int_equal(
	    admin_run(fixture, JP_ADMIN_CLUSTER), JP_ERR_NOT_FOUND);
	assert_non_null(strstr(fixture->why.text, "[cluster]"));
	fixture->core.cluster = &view;
	admin_wish(fixture, "");
	assert_int_equal(admin_run(fixture, JP_ADMIN_CLUSTER), JP_ERR_OK);
	assert_int_equal(fixture->len, 3);
	assert_int_equal(fixture->items[0].kind, JP_ITEM_CLUSTER);
	assert_int_equal(fixture->items[0].here.head, 7);
	assert_int_equal(fixture->items[1].kind, JP_ITEM_HOST);
	assert_string_equal(fixture->items[2].host.name, "b");
	assert_int_equal(fixture->items[2].host.applied, 5);
	admin_wish(fixture, "");
	assert_int_equal(admin_run(fixture, JP_ADMIN_STATS), JP_ERR_OK);
	assert_int_equal(fixture->len, 4);
	assert_int_equal(fixture->items[0].kind, JP_ITEM_STATS);
	assert_int_equal(fixture->items[1].kind, JP_ITEM_CLUSTER);
	fixture->core.cluster = NULL;
}

static void
links_have_names(void **unused)
{
	(void)unused;
	assert_string_equal(
	    jp_cluster_link_name(JP_CLUSTER_OFFLINE), "offline");
	assert_string_equal(
	    jp_cluster_link_text(JP_CLUSTER_CONNECTED), "connected");
	assert_string_equal(
	    jp_cluster_link_name((enum jp_cluster_link)99), "unknown");
	assert_string_equal(
	    jp_cluster_link_text((enum jp_cluster_link)99), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_single_host_knows_all),
		cmocka_unit_test(without_a_lease_only_what_is_known_is_denied),
		cmocka_unit_test(
		    a_lease_that_came_back_is_of_no_use_to_earlier_questions),
		cmocka_unit_test_setup_teardown(
		    a_store_without_its_patd_says_no_yes, admin_set_up,
		    core_help_tear_down),
		cmocka_unit_test_setup_teardown(
		    administrators_see_this_host_and_then_all, admin_set_up,
		    core_help_tear_down),
		cmocka_unit_test(links_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
