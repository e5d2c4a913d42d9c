/*
 * Which decisions get a line of their own in the audit trail: not the same
 * acceptance again and again, and not each denial of a flood. Pure tables of
 * fixed size; time comes from the caller.
 */
#ifndef JP_AUDIT_LIMIT_H
#define JP_AUDIT_LIMIT_H

#include "common/audit/flood.h"
#include "common/audit/line.h"

#define JP_AUDIT_FIRST_S 3600 /* an acceptance is logged once in so long */
#define JP_AUDIT_FIRSTS 2048  /* pairs of token and address at a time */

struct jp_audit_first {
	char id[JP_TOKEN_ID_LEN + 1];
	char address[JP_RHOST_MAX + 1];
	int64_t at;
};

struct jp_audit_limit {
	struct jp_floods floods;
	struct jp_audit_first firsts[JP_AUDIT_FIRSTS];
};

/*
 * Whether this acceptance is the first one of its token and address for an
 * hour. Where the table is full, one is rather logged twice.
 */
bool jp_audit_is_first(struct jp_audit_limit *limit, const char *id,
    const char *address, int64_t now);

/* The same without keeping that it was logged: jp_audit_first_note() does. */
bool jp_audit_would_be_first(struct jp_audit_limit *limit, const char *id,
    const char *address, int64_t now);
void jp_audit_first_note(struct jp_audit_limit *limit, const char *id,
    const char *address, int64_t now);

/* The line about it could not be written: the next one is the first again. */
void jp_audit_first_forget(
    struct jp_audit_limit *limit, const char *id, const char *address);

#endif
