/*
 * The rate of wrong secrets for one id, common/decide/throttle.c, with times
 * that the test sets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/decide/throttle.h"
#include "common/wire/token.h"

#define ID "aaaaaaaa"
#define START INT64_C(5000000)

static struct jp_throttle throttle;

/* How many of `tries` at `now_ms` pass. */
static unsigned int
take(const char *id, unsigned int tries, int64_t now_ms)
{
	unsigned int taken = 0;

	while (tries-- > 0)
		taken +=
		    jp_throttle_take(&throttle, id, strlen(id), now_ms) == 0;
	return taken;
}

static void
a_burst_passes_and_no_more(void **state)
{
	(void)state;
	assert_int_equal(take(ID, 1000, START), JP_THROTTLE_BURST);
	assert_int_equal(take(ID, 1000, START + JP_THROTTLE_REFILL_MS - 1), 0);
}

static void
one_try_comes_back_after_the_other(void **state)
{
	(void)state;
	(void)take(ID, 1000, START);
	for (int i = 1; i <= 100; i++)
		assert_int_equal(
		    take(ID, 1000, START + i * JP_THROTTLE_REFILL_MS), 1);
}

static void
a_long_rest_gives_one_burst(void **state)
{
	(void)state;
	(void)take(ID, 1000, START);
	assert_int_equal(take(ID, 1000, START * 100), JP_THROTTLE_BURST);
}

/* Over a day: the burst, and one for each refill. */
static void
whoever_never_rests_gets_the_rate(void **state)
{
	const int64_t day = INT64_C(86400) * 1000;
	unsigned int taken = 0;

	(void)state;
	for (int64_t ms = 0; ms < day; ms += 100)
		taken += take(ID, 1, START + ms);
	assert_int_equal(
	    taken, JP_THROTTLE_BURST + day / JP_THROTTLE_REFILL_MS - 1);
}

static void
what_is_given_back_can_be_taken(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(take(ID, 1, START + i), 1);
		jp_throttle_give_back(&throttle, ID, strlen(ID));
	}
	(void)take(ID, 1000, START + 1000);
	jp_throttle_give_back(&throttle, ID, strlen(ID));
	assert_int_equal(take(ID, 1000, START + 1000), 1);
}

/* Many ids: what passes in all is bounded by the table. */
static void
no_number_of_ids_passes_more_than_the_table_holds(void **state)
{
	unsigned int taken = 0;
	char id[JP_TOKEN_ID_LEN + 1];

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		(void)snprintf(id, sizeof(id), "b%07u", i);
		taken += take(id, JP_THROTTLE_BURST, START);
	}
	assert_in_range(taken, JP_THROTTLE_BURST * JP_THROTTLE_BUCKETS / 2,
	    JP_THROTTLE_BURST * JP_THROTTLE_BUCKETS);
}

/* Two ids of 4,096 places meet seldom; three pairs in a row would not. */
static void
an_id_does_not_spend_the_tries_of_another(void **state)
{
	static const char *const ids[] = { "cccccccc", "dddddddd", "eeeeeeee" };
	unsigned int taken = 0;

	(void)state;
	(void)take(ID, 1000, START);
	for (size_t i = 0; i < 3; i++)
		taken += take(ids[i], 1000, START);
	assert_true(taken >= 2 * JP_THROTTLE_BURST);
}

static int
set_up(void **state)
{
	(void)state;
	if (sodium_init() < 0)
		return -1;
	jp_throttle_init(&throttle, JP_THROTTLE_BURST, JP_THROTTLE_REFILL_MS);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

static void
a_refusal_says_how_long_it_lasts(void **state)
{
	int64_t wait;

	(void)state;
	(void)take(ID, 1000, START);
	wait = jp_throttle_take(&throttle, ID, strlen(ID), START);
	assert_int_equal(wait, JP_THROTTLE_REFILL_MS);
	assert_int_equal(take(ID, 1, START + wait - 1), 0);
	assert_int_equal(take(ID, 1, START + wait), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_burst_passes_and_no_more),
		TEST(a_refusal_says_how_long_it_lasts),
		TEST(one_try_comes_back_after_the_other),
		TEST(a_long_rest_gives_one_burst),
		TEST(whoever_never_rests_gets_the_rate),
		TEST(what_is_given_back_can_be_taken),
		TEST(no_number_of_ids_passes_more_than_the_table_holds),
		TEST(an_id_does_not_spend_the_tries_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
