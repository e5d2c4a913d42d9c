#include "common/audit_limit.h"

#include <string.h>

enum {
	WAYS = 4, /* places that a token and an address may have */
};

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

bool
jp_audit_is_first(struct jp_audit_limit *limit, const char *id,
    const char *address, int64_t now)
{
	struct jp_audit_first *place = &limit->firsts[first_place(id, address)];
	struct jp_audit_first *oldest = place;

	for (size_t i = 0; i < WAYS; i++) {
		if (strcmp(place[i].id, id) == 0 &&
		    strcmp(place[i].address, address) == 0) {
			if (!jp_is_over(place[i].at, now, JP_AUDIT_FIRST_S))
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
