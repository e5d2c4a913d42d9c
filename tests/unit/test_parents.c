/*
 * What the tokens above a child mean for it: common/decide/parents.c, over the
 * store in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/decide/parents.h"
#include "tests/unit/store_mem.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW INT64_C(1800000000)

enum {
	CHAIN = 7, /* 0 is the top, each other one a child of the one before */
};

struct fixture {
	struct jp_store *store;
	struct jp_record chain[CHAIN];
};

static void
put(struct fixture *fixture, int i, enum jp_change_kind kind)
{
	const struct jp_change change = { kind, &fixture->chain[i] };

	assert_int_equal(
	    jp_store_commit(fixture->store, &change, 1), JP_ERR_OK);
}

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_int_equal(jp_store_mem_open(&fixture->store), JP_ERR_OK);
	for (int i = 0; i < CHAIN; i++) {
		struct jp_record *record = &fixture->chain[i];

		memset(record->id, 'a' + i, JP_TOKEN_ID_LEN);
		strcpy(record->user, "alice");
		if (i > 0)
			strcpy(record->parent, fixture->chain[i - 1].id);
		put(fixture, i, JP_CHANGE_CREATE);
	}
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	jp_store_close(fixture->store);
	free(fixture);
	return 0;
}

static enum jp_state
judge(struct fixture *fixture, int i)
{
	enum jp_state state = JP_STATE_PREFIX;

	assert_int_equal(jp_parents_judge(fixture->store, jp_store_get,
	                     &fixture->chain[i], NOW, &state),
	    JP_ERR_OK);
	return state;
}

static void
a_token_without_parent_reads_nothing(void **state)
{
	struct fixture *fixture = *state;

	jp_store_mem_fail(fixture->store, 1, JP_ERR_IO, true);
	assert_int_equal(judge(fixture, 0), JP_STATE_LIVE);
}

static void
each_one_above_costs_one_read_and_five_are_too_many(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < CHAIN; i++) {
		unsigned int calls = jp_store_mem_calls(fixture->store);
		bool many = i > JP_PARENTS_MAX;

		assert_int_equal(
		    judge(fixture, i), many ? JP_STATE_REVOKED : JP_STATE_LIVE);
		assert_int_equal(jp_store_mem_calls(fixture->store) - calls,
		    many ? JP_PARENTS_MAX : i);
	}
}

static void
a_circle_ends(void **state)
{
	struct fixture *fixture = *state;

	strcpy(fixture->chain[0].parent, fixture->chain[2].id);
	put(fixture, 0, JP_CHANGE_REPLACE);
	for (int i = 0; i < 3; i++)
		assert_int_equal(judge(fixture, i), JP_STATE_REVOKED);
	strcpy(fixture->chain[0].parent, fixture->chain[0].id);
	put(fixture, 0, JP_CHANGE_REPLACE);
	assert_int_equal(judge(fixture, 0), JP_STATE_REVOKED);
}

static void
revoke(struct jp_record *record)
{
	record->revoked_at = NOW - 1;
}

static void
supersede(struct jp_record *record)
{
	record->superseded_at = NOW - 9;
	record->grace_until = NOW;
}

static void
replace(struct jp_record *record)
{
	record->superseded_at = NOW - 9;
	record->grace_until = NOW + 1;
}

static void
expire(struct jp_record *record)
{
	record->expires_at = NOW;
}

static void
disable(struct jp_record *record)
{
	record->disabled_at = NOW - 1;
}

static void
unclaim(struct jp_record *record)
{
	record->claim_until = NOW + 1;
}

static void
use_up(struct jp_record *record)
{
	record->uses_max = 3;
	record->uses_left = 0;
}

static void
use_twice(struct jp_record *record)
{
	record->uses_max = 3;
	record->uses_left = 1;
}

static void
give_away(struct jp_record *record)
{
	strcpy(record->user, "bob");
}

static const struct way {
	void (*go)(struct jp_record *record);
	enum jp_state state;
} ways[] = {
	{ revoke, JP_STATE_REVOKED },
	{ supersede, JP_STATE_SUPERSEDED },
	{ replace, JP_STATE_LIVE },
	{ expire, JP_STATE_EXPIRED },
	{ disable, JP_STATE_DISABLED },
	{ unclaim, JP_STATE_UNCLAIMED },
	{ use_up, JP_STATE_USED_UP },
	{ use_twice, JP_STATE_LIVE },
	{ give_away, JP_STATE_REVOKED },
};

static void
whatever_ends_or_pauses_one_does_so_to_all_below(void **unused)
{
	(void)unused;
	for (size_t way = 0; way < COUNT_OF(ways); way++)
		for (int at = 0; at <= JP_PARENTS_MAX; at++) {
			struct fixture *fixture;
			void *state;

			(void)set_up(&state);
			fixture = state;
			ways[way].go(&fixture->chain[at]);
			if (ways[way].go == give_away) { /* not replaceable */
				strcpy(fixture->chain[at].user, "alice");
				put(fixture, at, JP_CHANGE_DELETE);
				strcpy(fixture->chain[at].user, "bob");
				put(fixture, at, JP_CHANGE_CREATE);
			} else {
				put(fixture, at, JP_CHANGE_REPLACE);
			}
			for (int i = 0; i < at; i++)
				assert_int_equal(
				    judge(fixture, i), JP_STATE_LIVE);
			for (int i = at + 1; i <= JP_PARENTS_MAX; i++)
				assert_int_equal(
				    judge(fixture, i), ways[way].state);
			(void)tear_down(&state);
		}
}

static void
one_that_is_gone_ends_all_below(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, 1, JP_CHANGE_DELETE);
	assert_int_equal(judge(fixture, 1), JP_STATE_LIVE);
	assert_int_equal(judge(fixture, 2), JP_STATE_REVOKED);
	assert_int_equal(judge(fixture, 3), JP_STATE_REVOKED);
}

/* The parent gave them away; what it has left is its own. */
static void
a_child_with_uses_of_its_own_outlives_those_of_its_parent(void **state)
{
	struct fixture *fixture = *state;

	use_up(&fixture->chain[0]);
	put(fixture, 0, JP_CHANGE_REPLACE);
	use_twice(&fixture->chain[1]);
	put(fixture, 1, JP_CHANGE_REPLACE);
	assert_int_equal(judge(fixture, 1), JP_STATE_LIVE);
	assert_int_equal(judge(fixture, 2), JP_STATE_LIVE);
	use_up(&fixture->chain[1]);
	put(fixture, 1, JP_CHANGE_REPLACE);
	assert_int_equal(judge(fixture, 1), JP_STATE_LIVE);
	assert_int_equal(judge(fixture, 2), JP_STATE_USED_UP);
}

static void
a_dead_one_counts_more_than_a_paused_one_wherever_they_are(void **unused)
{
	(void)unused;
	for (int dead = 0; dead < 2; dead++) {
		struct fixture *fixture;
		void *state;

		(void)set_up(&state);
		fixture = state;
		expire(&fixture->chain[dead]);
		disable(&fixture->chain[1 - dead]);
		put(fixture, 0, JP_CHANGE_REPLACE);
		put(fixture, 1, JP_CHANGE_REPLACE);
		assert_int_equal(judge(fixture, 2), JP_STATE_EXPIRED);
		(void)tear_down(&state);
	}
}

static void
of_two_that_are_paused_the_nearer_one_is_named(void **state)
{
	struct fixture *fixture = *state;

	unclaim(&fixture->chain[0]);
	disable(&fixture->chain[1]);
	put(fixture, 0, JP_CHANGE_REPLACE);
	put(fixture, 1, JP_CHANGE_REPLACE);
	assert_int_equal(judge(fixture, 2), JP_STATE_DISABLED);
}

static void
only_a_dead_one_has_an_end(void **state)
{
	struct fixture *fixture = *state;
	struct jp_parents parents;

	fixture->chain[0].expires_at = NOW + 1;
	put(fixture, 0, JP_CHANGE_REPLACE);
	for (int dead = 0; dead < 2; dead++) {
		assert_int_equal(jp_parents_look(fixture->store, jp_store_get,
		                     &fixture->chain[2], NOW + dead, &parents),
		    JP_ERR_OK);
		assert_int_equal(parents.depth, 2);
		assert_int_equal(parents.end, dead ? NOW + 1 : JP_NEVER);
	}
}

static void
what_cannot_be_read_is_an_error_and_never_lives(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int nth = 1; nth <= 3; nth++)
		for (int err = JP_ERR_OK + 1; err < JP_ERR_COUNT; err++) {
			enum jp_state found = JP_STATE_LIVE;
			enum jp_err got;

			jp_store_mem_fail(
			    fixture->store, nth, (enum jp_err)err, false);
			got = jp_parents_judge(fixture->store, jp_store_get,
			    &fixture->chain[3], NOW, &found);
			jp_store_mem_fail(fixture->store, 0, JP_ERR_OK, false);
			assert_int_equal(
			    got, err == JP_ERR_NOT_FOUND ? JP_ERR_OK : err);
			assert_int_equal(found, JP_STATE_REVOKED);
		}
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_token_without_parent_reads_nothing),
		TEST(each_one_above_costs_one_read_and_five_are_too_many),
		TEST(a_circle_ends),
		cmocka_unit_test(
		    whatever_ends_or_pauses_one_does_so_to_all_below),
		TEST(one_that_is_gone_ends_all_below),
		TEST(a_child_with_uses_of_its_own_outlives_those_of_its_parent),
		cmocka_unit_test(
		    a_dead_one_counts_more_than_a_paused_one_wherever_they_are),
		TEST(of_two_that_are_paused_the_nearer_one_is_named),
		TEST(only_a_dead_one_has_an_end),
		TEST(what_cannot_be_read_is_an_error_and_never_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
