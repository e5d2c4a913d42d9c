#include "common/decide/clock_guard.h"

#include <syslog.h>

#include "common/sys/log.h"

enum {
	NOTE_EVERY = 60, /* seconds */
};

/* Seconds that the clock is ahead of what the store has seen. */
static int64_t
skew_of(struct jp_core *core)
{
	int64_t seen = jp_store_seen(core->store);

	return seen == JP_NEVER
	           ? 0
	           : jp_when_since(seen, jp_clock_now(&core->clock));
}

static bool
is_far(int64_t skew)
{
	return skew < -JP_CLOCK_BEHIND_MAX || skew > JP_CLOCK_AHEAD_MAX;
}

/* In whole minutes, for people. */
static void
explain_set(struct jp_core *core, int64_t by, struct jp_why *why)
{
	char now[JP_WHEN_TEXT_MAX], length[JP_WHEN_TEXT_MAX];

	jp_when_format(jp_clock_now(&core->clock), now);
	jp_duration_format((by < 0 ? -by : by) / 60 * 60, length);
	(void)jp_why(why, JP_ERR_REFUSED,
	    "the clock says %s, but it was set %s by %s while patd ran, less "
	    "than a day ago: nothing is removed, revoked or announced by it; "
	    "set it (NTP), or, if it is right, run pat-admin purge "
	    "--trust-clock",
	    now, by < 0 ? "back" : "ahead", length);
}

static void
explain_far(struct jp_core *core, int64_t skew, struct jp_why *why)
{
	char now[JP_WHEN_TEXT_MAX], seen[JP_WHEN_TEXT_MAX];

	jp_when_format(jp_clock_now(&core->clock), now);
	jp_when_format(jp_store_seen(core->store), seen);
	(void)jp_why(why, JP_ERR_REFUSED,
	    "the clock says %s, but the store was last used at %s: it is too "
	    "far %s to remove, revoke or announce anything by it; set it "
	    "(NTP), "
	    "or, if it is right, run pat-admin purge --trust-clock",
	    now, seen, skew < 0 ? "behind" : "ahead");
}

void
jp_clock_guard_watch(struct jp_core *core, const struct jp_clock *steady)
{
	jp_clock_watch_start(
	    &core->clock_watch, steady, jp_clock_now(&core->clock));
}

enum jp_err
jp_clock_guard_check(struct jp_core *core, struct jp_why *why)
{
	int64_t by =
	    jp_clock_watch_look(&core->clock_watch, jp_clock_now(&core->clock));
	int64_t skew = skew_of(core);

	if (is_far(skew))
		explain_far(core, skew, why);
	else if (by != 0)
		explain_set(core, by, why);
	else
		return JP_ERR_OK;
	return JP_ERR_REFUSED;
}

int64_t
jp_clock_guard_limit(struct jp_core *core)
{
	int64_t seen = jp_store_seen(core->store);

	return seen == JP_NEVER ? JP_WHEN_MAX
	                        : jp_when_add(seen, JP_CLOCK_AHEAD_MAX);
}

void
jp_clock_guard_note(struct jp_core *core)
{
	int64_t seen = jp_store_seen(core->store);
	struct jp_why why;
	bool wrong = jp_clock_guard_check(core, &why) != JP_ERR_OK;

	if (!wrong && (seen == JP_NEVER || skew_of(core) >= NOTE_EVERY))
		jp_store_see(core->store, jp_clock_now(&core->clock));
	if (!atomic_exchange(&core->clock_is_far, wrong) && wrong)
		jp_log(LOG_WARNING, "clock: %s", why.text);
}

void
jp_clock_guard_trust(struct jp_core *core)
{
	jp_store_see(core->store, jp_clock_now(&core->clock));
	jp_clock_guard_watch(core, core->clock_watch.steady);
	jp_clock_guard_note(core);
}
