#include "common/audit/limit.h"

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

/* Its place in the table; NULL if it has none. */
static struct jp_audit_first *
find_first(struct jp_audit_first *place, const char *id, const char *address)
{
	for (size_t i = 0; i < WAYS; i++)
		if (strcmp(place[i].id, id) == 0 &&
		    strcmp(place[i].address, address) == 0)
			return &place[i];
	return NULL;
}

static struct jp_audit_first *
oldest_of(struct jp_audit_first *place)
{
	struct jp_audit_first *oldest = place;

	for (size_t i = 1; i < WAYS; i++)
		if (place[i].at < oldest->at)
			oldest = &place[i];
	return oldest;
}

bool
jp_audit_would_be_first(struct jp_audit_limit *limit, const char *id,
    const char *address, int64_t now)
{
	const struct jp_audit_first *first =
	    find_first(&limit->firsts[first_place(id, address)], id, address);

	return first == NULL || jp_is_over(first->at, now, JP_AUDIT_FIRST_S);
}

void
jp_audit_first_note(struct jp_audit_limit *limit, const char *id,
    const char *address, int64_t now)
{
	struct jp_audit_first *place = &limit->firsts[first_place(id, address)];
	struct jp_audit_first *first = find_first(place, id, address);

	if (first == NULL)
		first = oldest_of(place);
	(void)jp_field_set(first->id, sizeof(first->id), id);
	(void)jp_field_set(first->address, sizeof(first->address), address);
	first->at = now;
}

bool
jp_audit_is_first(struct jp_audit_limit *limit, const char *id,
    const char *address, int64_t now)
{
	if (!jp_audit_would_be_first(limit, id, address, now))
		return false;
	jp_audit_first_note(limit, id, address, now);
	return true;
}

void
jp_audit_first_forget(
    struct jp_audit_limit *limit, const char *id, const char *address)
{
	struct jp_audit_first *first =
	    find_first(&limit->firsts[first_place(id, address)], id, address);

	if (first != NULL)
		memset(first, 0, sizeof(*first));
}
