/*
 * Counters and the distribution of times: common/decide/stats.c.
 */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/decide/stats.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The bucket that a single time comes into. */
static size_t
bucket_taken(int64_t ns)
{
	struct jp_stats stats = { .started_at = 0 };
	struct jp_stats_shot shot;
	size_t bucket = 0;

	jp_stats_answered(&stats, ns);
	jp_stats_read(&stats, &shot);
	assert_int_equal(jp_latency_count(&shot), 1);
	while (shot.latency[bucket] == 0)
		bucket++;
	return bucket;
}

static void
every_time_is_below_its_bound_by_an_eighth_at_most(void **state)
{
	(void)state;
	for (int64_t ns = 1 << 10; ns < INT64_C(1) << 34; ns += ns / 97) {
		size_t bucket = bucket_taken(ns);
		double time = (double)ns / 1e9;

		assert_true(time < jp_latency_bound(bucket));
		assert_true(time >= jp_latency_bound(bucket - 1));
		assert_true(jp_latency_bound(bucket) <= time * 1.125 + 1e-15);
	}
}

static void
the_ends_take_what_is_shorter_and_longer(void **state)
{
	static const struct {
		int64_t ns;
		size_t bucket;
	} rows[] = {
		{ INT64_MIN, 0 },
		{ -1, 0 },
		{ 0, 0 },
		{ 1023, 0 },
		{ 1024, 1 },
		{ (INT64_C(1) << 34) - 1, JP_LATENCY_BUCKETS - 2 },
		{ INT64_C(1) << 34, JP_LATENCY_BUCKETS - 1 },
		{ INT64_MAX, JP_LATENCY_BUCKETS - 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(bucket_taken(rows[i].ns), rows[i].bucket);
	assert_true(isinf(jp_latency_bound(JP_LATENCY_BUCKETS - 1)));
	for (size_t i = 1; i < JP_LATENCY_BUCKETS; i++)
		assert_true(jp_latency_bound(i) > jp_latency_bound(i - 1));
}

static void
a_quantile_is_the_bound_of_the_bucket_that_reaches_it(void **state)
{
	struct jp_stats stats = { .started_at = 0 };
	struct jp_stats_shot shot;

	(void)state;
	jp_stats_read(&stats, &shot);
	assert_true(jp_latency_quantile(&shot, 0.5) == 0);
	for (int i = 0; i < 98; i++)
		jp_stats_answered(&stats, 2000);
	jp_stats_answered(&stats, 5000000);
	jp_stats_answered(&stats, INT64_MAX);
	jp_stats_read(&stats, &shot);
	assert_true(jp_latency_quantile(&shot, 0.5) ==
	            jp_latency_bound(bucket_taken(2000)));
	assert_true(jp_latency_quantile(&shot, 0.98) ==
	            jp_latency_bound(bucket_taken(2000)));
	assert_true(jp_latency_quantile(&shot, 0.99) ==
	            jp_latency_bound(bucket_taken(5000000)));
	assert_true(isinf(jp_latency_quantile(&shot, 1)));
}

enum {
	THREADS = 4,
	ROUNDS = 10000,
};

static void *
count(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		jp_stats_decided(arg, JP_REASON_ACCEPTED);
		jp_stats_answered(arg, 3000);
	}
	return NULL;
}

static void
threads_lose_no_count(void **state)
{
	static struct jp_stats stats;
	struct jp_stats_shot shot;
	pthread_t threads[THREADS];

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, count, &stats), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	jp_stats_read(&stats, &shot);
	assert_int_equal(shot.reasons[JP_REASON_ACCEPTED], THREADS * ROUNDS);
	assert_int_equal(jp_latency_count(&shot), THREADS * ROUNDS);
	assert_int_equal(shot.latency_ns, 3000 * THREADS * ROUNDS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    every_time_is_below_its_bound_by_an_eighth_at_most),
		cmocka_unit_test(the_ends_take_what_is_shorter_and_longer),
		cmocka_unit_test(
		    a_quantile_is_the_bound_of_the_bucket_that_reaches_it),
		cmocka_unit_test(threads_lose_no_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
