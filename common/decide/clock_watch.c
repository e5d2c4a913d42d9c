#include "common/decide/clock_watch.h"

#include <stddef.h>

#include "common/sys/time_text.h"

void
jp_clock_watch_init(struct jp_clock_watch *watch)
{
	*watch = (struct jp_clock_watch){ .steady = NULL };
	(void)pthread_mutex_init(&watch->mutex, NULL);
}

void
jp_clock_watch_start(
    struct jp_clock_watch *watch, const struct jp_clock *steady, int64_t wall)
{
	pthread_mutex_lock(&watch->mutex);
	watch->steady = steady;
	watch->wall = wall;
	watch->looked_at = steady != NULL ? jp_clock_now(steady) : 0;
	watch->by = 0;
	pthread_mutex_unlock(&watch->mutex);
}

static bool
is_setting(int64_t seconds)
{
	return seconds > JP_CLOCK_SET_MIN || seconds < -JP_CLOCK_SET_MIN;
}

static void
look(struct jp_clock_watch *watch, int64_t wall, int64_t now)
{
	int64_t expected = jp_when_add(watch->wall, now - watch->looked_at);
	int64_t step = jp_when_since(expected, wall);

	watch->wall = wall;
	watch->looked_at = now;
	if (is_setting(step)) {
		watch->by = jp_when_add(watch->by, step);
		watch->set_at = now;
	}
	if (!is_setting(watch->by) || now - watch->set_at >= JP_CLOCK_DOUBT)
		watch->by = 0;
}

int64_t
jp_clock_watch_look(struct jp_clock_watch *watch, int64_t wall)
{
	int64_t by;

	pthread_mutex_lock(&watch->mutex);
	if (watch->steady != NULL)
		look(watch, wall, jp_clock_now(watch->steady));
	by = watch->by;
	pthread_mutex_unlock(&watch->mutex);
	return by;
}
