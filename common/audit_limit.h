/*
 * Which decisions get a line of their own in the audit trail: not the same
 * acceptance again and again, and not each denial of a flood. Pure tables of
 * fixed size; time comes from the caller.
 */
#ifndef JP_AUDIT_LIMIT_H
#define JP_AUDIT_LIMIT_H

#include "common/audit_line.h"
#include "common/verdict.h"

#define JP_AUDIT_FLOOD_MAX 10 /* lines for one peer and reason in a while */
#define JP_AUDIT_FLOOD_S 10   /* that while, in seconds */
#define JP_AUDIT_FLOODS 64    /* pairs of peer and reason at a time */
#define JP_AUDIT_FIRST_S 3600 /* an acceptance is told once in so long */
#define JP_AUDIT_FIRSTS 2048  /* pairs of token and address at a time */

/* One peer and one reason, since `since`. */
struct jp_audit_flood {
	bool used;
	uid_t peer;
	enum jp_reason reason;
	int64_t since;
	uint32_t told;
	uint64_t held; /* not told: one line will tell of all */
};

struct jp_audit_first {
	char id[JP_TOKEN_ID_LEN + 1];
	char address[JP_RHOST_MAX + 1];
	int64_t at;
};

struct jp_audit_limit {
	struct jp_audit_flood floods[JP_AUDIT_FLOODS];
	struct jp_audit_first firsts[JP_AUDIT_FIRSTS];
};

/*
 * Whether this acceptance is the first one of its token and address for an
 * hour. Where the table is full, one is rather told twice.
 */
bool jp_audit_is_first(struct jp_audit_limit *limit, const char *id,
    const char *address, int64_t now);

/* The line about it could not be written: the next one is the first again. */
void jp_audit_first_forget(
    struct jp_audit_limit *limit, const char *id, const char *address);

/*
 * Whether a denial is told. If its place in the table was another's, or its
 * while is over, what was held there comes into `ended` (`held` 0: nothing).
 */
bool jp_audit_flood_tell(struct jp_audit_limit *limit, uid_t peer,
    enum jp_reason reason, int64_t now, struct jp_audit_flood *ended);

/*
 * Takes one whose while is over, or any that holds something if `all`, out of
 * the table; false if there is none.
 */
bool jp_audit_flood_next(struct jp_audit_limit *limit, int64_t now, bool all,
    struct jp_audit_flood *ended);

/* Whether something is held. */
bool jp_audit_flood_holds(const struct jp_audit_limit *limit);

#endif
