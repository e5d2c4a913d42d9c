#include "common/sys/cond.h"

#include <time.h>

enum {
	MS_PER_S = 1000,
	NS_PER_MS = 1000000,
};

void
jp_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(cond, &attr);
	(void)pthread_condattr_destroy(&attr);
}

bool
jp_cond_wait_until(
    pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ms)
{
	const struct timespec until = { .tv_sec = deadline_ms / MS_PER_S,
		.tv_nsec = deadline_ms % MS_PER_S * NS_PER_MS };

	return pthread_cond_timedwait(cond, mutex, &until) == 0;
}
