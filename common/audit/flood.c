#include "common/audit/flood.h"

#include <string.h>

bool
jp_is_over(int64_t since, int64_t now, int64_t span)
{
	return now < since || now - since >= span;
}

/* The place of this pair; else a free one, or that of the oldest pair. */
static struct jp_flood *
place_of(struct jp_floods *floods, uid_t peer, enum jp_reason reason)
{
	struct jp_flood *oldest = &floods->at[0];

	for (size_t i = 0; i < JP_FLOODS; i++) {
		struct jp_flood *flood = &floods->at[i];

		if (flood->used && flood->peer == peer &&
		    flood->reason == reason)
			return flood;
		if (oldest->used &&
		    (!flood->used || flood->since < oldest->since))
			oldest = flood;
	}
	return oldest;
}

bool
jp_flood_passes(struct jp_floods *floods, uid_t peer, enum jp_reason reason,
    int64_t now, struct jp_flood *ended)
{
	struct jp_flood *flood = place_of(floods, peer, reason);

	memset(ended, 0, sizeof(*ended));
	if (!flood->used || flood->peer != peer || flood->reason != reason ||
	    jp_is_over(flood->since, now, JP_FLOOD_S)) {
		*ended = *flood;
		*flood = (struct jp_flood){
			.used = true,
			.peer = peer,
			.reason = reason,
			.since = now,
		};
	}
	if (flood->logged < JP_FLOOD_MAX) {
		flood->logged++;
		return true;
	}
	flood->held++;
	return false;
}

bool
jp_flood_next(
    struct jp_floods *floods, int64_t now, bool all, struct jp_flood *ended)
{
	for (size_t i = 0; i < JP_FLOODS; i++) {
		struct jp_flood *flood = &floods->at[i];

		if (flood->held == 0 ||
		    (!all && !jp_is_over(flood->since, now, JP_FLOOD_S)))
			continue;
		*ended = *flood;
		memset(flood, 0, sizeof(*flood));
		return true;
	}
	return false;
}

bool
jp_flood_holds(const struct jp_floods *floods)
{
	for (size_t i = 0; i < JP_FLOODS; i++)
		if (floods->at[i].held > 0)
			return true;
	return false;
}
