#include "common/sys/cond.h"

#include <time.h>

#include "common/base/clock.h"

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

/*
 * It has not come to its end, whatever the call says, and may say so again at
 * once: where a library that shifts the clock is preloaded, or a debugger is
 * at work. The thread does not spin then.
 */
static void
pause_early(pthread_mutex_t *mutex, int64_t deadline_ms)
{
	pthread_mutex_unlock(mutex);
	(void)jp_pause(deadline_ms);
	pthread_mutex_lock(mutex);
}

bool
jp_cond_wait_until(
    pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ms)
{
	const struct timespec until = { .tv_sec = deadline_ms / MS_PER_S,
		.tv_nsec = deadline_ms % MS_PER_S * NS_PER_MS };

	if (pthread_cond_timedwait(cond, mutex, &until) == 0)
		return true;
	if (jp_has_come(deadline_ms))
		return false;
	pause_early(mutex, deadline_ms);
	return true;
}
