/*
 * Whether the clock was set by much while this process looked: it has another
 * one beside it, which nobody can set. For a day it is not clear which time was
 * right; a clock that is set back to where it was is right again.
 */
#ifndef JP_CLOCK_WATCH_H
#define JP_CLOCK_WATCH_H

#include <pthread.h>

#include "common/base/clock.h"

/* Seconds that are no setting: corrections by NTP, and a look between two. */
#define JP_CLOCK_SET_MIN INT64_C(300)

/* Seconds until a clock that was set counts as right. */
#define JP_CLOCK_DOUBT INT64_C(86400)

struct jp_clock_watch {
	pthread_mutex_t mutex;         /* of all that follows */
	const struct jp_clock *steady; /* NULL: it does not look */
	int64_t wall, looked_at;       /* at the last look; that of `steady` */
	int64_t by;                    /* seconds that it was set, in all */
	int64_t set_at;                /* when; of `steady` */
};

void jp_clock_watch_init(struct jp_clock_watch *watch);

/* The clock says `wall`, which is right; it looks from now on. */
void jp_clock_watch_start(
    struct jp_clock_watch *watch, const struct jp_clock *steady, int64_t wall);

/* The clock says `wall`: how many seconds it was set ahead, or, negative, back,
 * that nobody can trust yet; 0: none. */
int64_t jp_clock_watch_look(struct jp_clock_watch *watch, int64_t wall);

#endif
