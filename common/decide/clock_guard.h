/*
 * The clock, beside the time that the store has last seen. A clock that is far
 * off is noticed by it, and what would end or remove tokens by their times, and
 * could not be undone, does not happen: purge, policy apply, the revocation of
 * a family, notify. Verifications go by the clock as it is. A process that
 * watches it also notices that it was set by less than what is far.
 */
#ifndef JP_CLOCK_GUARD_H
#define JP_CLOCK_GUARD_H

#include "common/decide/core.h"

/* Seconds that a clock may be behind: more is no correction by NTP. */
#define JP_CLOCK_BEHIND_MAX INT64_C(300)

/* Seconds that it may be ahead: nobody may have used the store for so long. */
#define JP_CLOCK_AHEAD_MAX (INT64_C(30) * 86400)

/* The clock is right, and is watched from now on, with one that nobody sets. */
void jp_clock_guard_watch(struct jp_core *core, const struct jp_clock *steady);

/*
 * JP_ERR_REFUSED if the clock is far from the time that the store has last
 * seen, or was set while it was watched: `why` says how far, and what to do.
 */
enum jp_err jp_clock_guard_check(struct jp_core *core, struct jp_why *why);

/*
 * Has the store see today's time, if that would not be refused; else that is
 * logged, once until it is right again.
 */
void jp_clock_guard_note(struct jp_core *core);

/* What is later than this was noted by a clock that was far ahead. */
int64_t jp_clock_guard_limit(struct jp_core *core);

/* The administrator says that the clock is right: the store takes its time. */
void jp_clock_guard_trust(struct jp_core *core);

#endif
