/* The clock beside one that nobody can set: common/decide/clock_watch.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/decide/clock_watch.h"

#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)
#define YEAR (365 * DAY)

static int64_t steady_at;

static int64_t
steady_now(void *arg)
{
	(void)arg;
	return steady_at;
}

static const struct jp_clock steady = { steady_now, NULL };

static void
start(struct jp_clock_watch *watch)
{
	steady_at = 1000;
	jp_clock_watch_init(watch);
	jp_clock_watch_start(watch, &steady, NOW);
}

/* What is thought of the clock `seconds` later, `by` away from the right time.
 */
static int64_t
look(struct jp_clock_watch *watch, int64_t seconds, int64_t by)
{
	steady_at += seconds;
	return jp_clock_watch_look(watch, NOW + (steady_at - 1000) + by);
}

static void
a_clock_that_only_goes_on_was_not_set(void **state)
{
	const int64_t pauses[] = { 0, 1, 60, DAY, 400 * DAY };
	struct jp_clock_watch watch;

	(void)state;
	start(&watch);
	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++)
		assert_int_equal(look(&watch, pauses[i], 0), 0);
}

static void
a_clock_that_is_set_is_doubted_for_a_day(void **state)
{
	const int64_t jumps[] = { JP_CLOCK_SET_MIN + 1, 3600, 29 * DAY,
		10 * YEAR, -JP_CLOCK_SET_MIN - 1, -3600, -29 * DAY,
		-10 * YEAR };
	struct jp_clock_watch watch;

	(void)state;
	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		start(&watch);
		assert_int_equal(look(&watch, 60, jumps[i]), jumps[i]);
		assert_int_equal(look(&watch, DAY - 1, jumps[i]), jumps[i]);
		assert_int_equal(look(&watch, 1, jumps[i]), 0);
		assert_int_equal(look(&watch, 60, jumps[i]), 0);
	}
}

static void
a_clock_that_is_set_back_to_where_it_was_is_right(void **state)
{
	struct jp_clock_watch watch;

	(void)state;
	start(&watch);
	assert_int_equal(look(&watch, 60, 29 * DAY), 29 * DAY);
	assert_int_equal(look(&watch, 60, -YEAR), -YEAR);
	assert_int_equal(look(&watch, 60, 2), 0);
	assert_int_equal(look(&watch, 60, 0), 0);
}

static void
small_corrections_are_none_however_many(void **state)
{
	struct jp_clock_watch watch;

	(void)state;
	start(&watch);
	for (int64_t i = 1; i < 20; i++)
		assert_int_equal(look(&watch, 60, i * JP_CLOCK_SET_MIN), 0);
}

static void
who_does_not_watch_says_nothing(void **state)
{
	struct jp_clock_watch watch;

	(void)state;
	jp_clock_watch_init(&watch);
	assert_int_equal(jp_clock_watch_look(&watch, NOW), 0);
	assert_int_equal(jp_clock_watch_look(&watch, NOW + YEAR), 0);
}

static void
a_clock_that_is_confirmed_is_right(void **state)
{
	struct jp_clock_watch watch;

	(void)state;
	start(&watch);
	assert_int_equal(look(&watch, 60, DAY), DAY);
	jp_clock_watch_start(&watch, &steady, NOW + 60 + DAY);
	assert_int_equal(look(&watch, 60, DAY), 0);
	assert_int_equal(look(&watch, 60, 0), -DAY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clock_that_only_goes_on_was_not_set),
		cmocka_unit_test(a_clock_that_is_set_is_doubted_for_a_day),
		cmocka_unit_test(
		    a_clock_that_is_set_back_to_where_it_was_is_right),
		cmocka_unit_test(small_corrections_are_none_however_many),
		cmocka_unit_test(who_does_not_watch_says_nothing),
		cmocka_unit_test(a_clock_that_is_confirmed_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
