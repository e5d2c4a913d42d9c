/*
 * Waits with a deadline that come back early: common/sys/cond.c. The calls that
 * wait are this file's own: the first always says at once that its time is
 * over, the second counts how often a thread rests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/sys/cond.h"

enum {
	WAIT_MS = 30,
	MS_PER_S = 1000,
	NS_PER_MS = 1000000,
};

static unsigned int waits, rests;
static int said;

int
pthread_cond_timedwait(
    pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
	(void)cond;
	(void)mutex;
	(void)until;
	waits++;
	return said;
}

int
poll(struct pollfd *fds, nfds_t len, int ms)
{
	struct timespec rest = { .tv_nsec = (long)ms * NS_PER_MS };

	assert_null(fds);
	assert_int_equal(len, 0);
	assert_in_range(ms, 1, MS_PER_S - 1);
	rests++;
	return nanosleep(&rest, NULL);
}

/* A caller that looks, and waits again, until it is told that it is over. */
static void
each_early_wait_is_followed_by_a_rest(void **state)
{
	const int answers[] = { ETIMEDOUT, EINVAL, EINTR };
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t cond;

	(void)state;
	jp_cond_init(&cond);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		int64_t until = jp_now_ms() + WAIT_MS;

		said = answers[i];
		waits = rests = 0;
		pthread_mutex_lock(&mutex);
		while (jp_cond_wait_until(&cond, &mutex, until))
			continue;
		pthread_mutex_unlock(&mutex);
		assert_true(jp_now_ms() >= until); /* and not before */
		/* The last may end while the time is being looked at. */
		assert_in_range(rests + 1, waits - 1, waits);
	}
}

static void
a_wait_whose_time_is_over_is_over(void **state)
{
	pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t cond;

	(void)state;
	jp_cond_init(&cond);
	said = ETIMEDOUT;
	waits = rests = 0;
	pthread_mutex_lock(&mutex);
	assert_false(jp_cond_wait_until(&cond, &mutex, jp_now_ms()));
	pthread_mutex_unlock(&mutex);
	assert_int_equal(waits, 1);
	assert_int_equal(rests, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_early_wait_is_followed_by_a_rest),
		cmocka_unit_test(a_wait_whose_time_is_over_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
