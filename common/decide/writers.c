#include "common/decide/writers.h"

#include "common/base/clock.h"
#include "common/sys/cond.h"

void
jp_writers_init(struct jp_writers *writers)
{
	*writers = (struct jp_writers){ .taken = false };
	(void)pthread_mutex_init(&writers->mutex, NULL);
	jp_cond_init(&writers->left);
}

void
jp_writers_free(struct jp_writers *writers)
{
	(void)pthread_cond_destroy(&writers->left);
	(void)pthread_mutex_destroy(&writers->mutex);
}

/* False: it is over. */
static bool
wait_until(struct jp_writers *writers, int64_t by_ms)
{
	if (by_ms != INT64_MAX)
		return jp_cond_wait_until(
		    &writers->left, &writers->mutex, by_ms);
	(void)pthread_cond_wait(&writers->left, &writers->mutex);
	return true;
}

/* Until when whoever comes now may wait; with the mutex. */
static int64_t
limit(const struct jp_writers *writers, int64_t by_ms)
{
	int64_t moment_ms;

	if (by_ms == INT64_MAX || writers->waiting < JP_WRITERS_WAITING)
		return by_ms;
	moment_ms = jp_now_ms() + JP_WRITERS_MOMENT_MS;
	return by_ms < moment_ms ? by_ms : moment_ms;
}

bool
jp_writers_enter(struct jp_writers *writers, int64_t by_ms)
{
	bool took;

	pthread_mutex_lock(&writers->mutex);
	by_ms = limit(writers, by_ms);
	writers->waiting++;
	while (writers->taken && wait_until(writers, by_ms))
		continue;
	writers->waiting--;
	took = !writers->taken;
	writers->taken = true;
	pthread_mutex_unlock(&writers->mutex);
	return took;
}

void
jp_writers_leave(struct jp_writers *writers)
{
	pthread_mutex_lock(&writers->mutex);
	writers->taken = false;
	pthread_cond_signal(&writers->left);
	pthread_mutex_unlock(&writers->mutex);
}
