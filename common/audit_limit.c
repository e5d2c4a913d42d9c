#include "common/audit_limit.h"

#include <string.h>

enum {
	WAYS = 4, /* places that a token and an address may have */
};

/* ---- acceptances ---- */

/* FNV-1a: only tokens that were accepted come here. */
static size_t
first_place(const char *id, const char *address)
{
	uint32_t hash = UINT32_C(2166136261);

	for (; *id != '\0'; id++)
		hash = (hash ^ (uint8_t)*id) * UINT32_C(16777619);
	for (; *address != '\0'; address++)
		hash = (hash ^ (uint8_t)*address) * UINT32_C(16777619);
	return hash % (JP_AUDIT_FIRSTS / WAYS) * WAYS;
}

/* A clock that was set back does not keep anything untold. */
static bool
is_over(int64_t since, int64_t now, int64_t span)
{
	return now < since || now - since >= span;
}

bool
jp_audit_is_first(struct jp_audit_limit *limit, const char *id,
    const char *address, int64_t now)
{
	struct jp_audit_first *place = &limit->firsts[first_place(id, address)];
	struct jp_audit_first *oldest = place;

	for (size_t i = 0; i < WAYS; i++) {
		if (strcmp(place[i].id, id) == 0 &&
		    strcmp(place[i].address, address) == 0) {
			if (!is_over(place[i].at, now, JP_AUDIT_FIRST_S))
				return false;
			oldest = &place[i];
			break;
		}
		if (place[i].at < oldest->at)
			oldest = &place[i];
	}
	(void)jp_field_set(oldest->id, sizeof(oldest->id), id);
	(void)jp_field_set(oldest->address, sizeof(oldest->address), address);
	oldest->at = now;
	return true;
}

void
jp_audit_first_forget(
    struct jp_audit_limit *limit, const char *id, const char *address)
{
	struct jp_audit_first *place = &limit->firsts[first_place(id, address)];

	for (size_t i = 0; i < WAYS; i++)
		if (strcmp(place[i].id, id) == 0 &&
		    strcmp(place[i].address, address) == 0)
			memset(&place[i], 0, sizeof(place[i]));
}

/* ---- denials ---- */

/* The place of this pair; else a free one, or that of the oldest pair. */
static struct jp_audit_flood *
flood_place(struct jp_audit_limit *limit, uid_t peer, enum jp_reason reason)
{
	struct jp_audit_flood *oldest = &limit->floods[0];

	for (size_t i = 0; i < JP_AUDIT_FLOODS; i++) {
		struct jp_audit_flood *flood = &limit->floods[i];

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
jp_audit_flood_tell(struct jp_audit_limit *limit, uid_t peer,
    enum jp_reason reason, int64_t now, struct jp_audit_flood *ended)
{
	struct jp_audit_flood *flood = flood_place(limit, peer, reason);

	memset(ended, 0, sizeof(*ended));
	if (!flood->used || flood->peer != peer || flood->reason != reason ||
	    is_over(flood->since, now, JP_AUDIT_FLOOD_S)) {
		*ended = *flood;
		*flood = (struct jp_audit_flood){
			.used = true,
			.peer = peer,
			.reason = reason,
			.since = now,
		};
	}
	if (flood->told < JP_AUDIT_FLOOD_MAX) {
		flood->told++;
		return true;
	}
	flood->held++;
	return false;
}

bool
jp_audit_flood_next(struct jp_audit_limit *limit, int64_t now, bool all,
    struct jp_audit_flood *ended)
{
	for (size_t i = 0; i < JP_AUDIT_FLOODS; i++) {
		struct jp_audit_flood *flood = &limit->floods[i];

		if (flood->held == 0 ||
		    (!all && !is_over(flood->since, now, JP_AUDIT_FLOOD_S)))
			continue;
		*ended = *flood;
		memset(flood, 0, sizeof(*flood));
		return true;
	}
	return false;
}

bool
jp_audit_flood_holds(const struct jp_audit_limit *limit)
{
	for (size_t i = 0; i < JP_AUDIT_FLOODS; i++)
		if (limit->floods[i].held > 0)
			return true;
	return false;
}
