/*
 * Records that tests of their bytes share: one that holds the least, and one
 * whose every list and text is as long as it may be.
 */
#ifndef JP_TESTS_RECORD_HELP_H
#define JP_TESTS_RECORD_HELP_H

#include <string.h>

#include "common/record/record.h"

static inline void
record_fill(char *text, size_t len)
{
	memset(text, 'x', len);
	text[len] = '\0';
}

/* Nothing but what a record must have. */
static inline void
record_set_empty(struct jp_record *record)
{
	memset(record, 0, sizeof(*record));
	strcpy(record->id, "0aZ9bY8c");
}

static inline void
record_set_full_lists(struct jp_record *record)
{
	record->use_len = JP_USES_MAX;
	for (size_t i = 0; i < JP_USES_MAX; i++) {
		record->uses[i].at = INT64_MIN + (int64_t)i;
		record->uses[i].since = INT64_MAX - (int64_t)i;
		record_fill(record->uses[i].rhost, JP_RHOST_MAX);
		record_fill(record->uses[i].service, JP_SERVICE_MAX);
	}
	record->scope_len = JP_SCOPES_MAX;
	record->service_len = JP_SERVICES_MAX;
	record->net_len = JP_NETS_MAX;
	for (size_t i = 0; i < JP_SCOPES_MAX; i++)
		record_fill(record->scopes[i], JP_SCOPE_MAX);
	for (size_t i = 0; i < JP_SERVICES_MAX; i++)
		record_fill(record->services[i], JP_SERVICE_MAX);
	for (size_t i = 0; i < JP_NETS_MAX; i++) {
		memset(record->nets[i].address, 0xff, 16);
		record->nets[i].prefix = 128;
	}
}

/* Every list and every text as long as it may be. */
static inline void
record_set_full(struct jp_record *record)
{
	record_set_empty(record);
	record_fill(record->user, JP_USER_MAX);
	record_fill(record->name, JP_NAME_MAX);
	record_fill(record->created_by, JP_ACTOR_MAX);
	record_fill(record->revoked_by, JP_ACTOR_MAX);
	record_fill(record->revoked_why, JP_NOTE_MAX);
	record_fill(record->family, JP_TOKEN_ID_LEN);
	record_fill(record->phc, JP_PHC_MAX);
	record->created_at = INT64_MAX;
	record->expires_at = INT64_MIN;
	record->revoked_at = -1;
	record->last_used_at = 1;
	record->use_count = UINT32_MAX;
	record->superseded_at = 2;
	record->grace_until = 3;
	record->keep_until_grace = true;
	record_fill(record->ends, JP_TOKEN_ID_LEN);
	record->denied_at = 4;
	record_fill(record->denied_why, JP_REASON_MAX);
	record->has_fast_tag = true;
	memset(record->fast_tag, 0xa5, JP_FAST_TAG_LEN);
	record_fill(record->prefix, JP_TOKEN_PREFIX_MAX);
	record_fill(record->parent, JP_TOKEN_ID_LEN);
	record_fill(record->owner_group, JP_GROUP_MAX);
	record->disabled_at = 5;
	record_fill(record->disabled_by, JP_ACTOR_MAX);
	record->uses_max = UINT32_MAX;
	record->uses_left = UINT32_MAX - 1;
	record->claim_until = 6;
	memset(record->claim_tag, 0x5a, JP_FAST_TAG_LEN);
	record_set_full_lists(record);
}

#endif
