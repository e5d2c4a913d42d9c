/*
 * Which of many denials get a line of their own, in the audit trail and in the
 * log: the first ones of each peer and reason in a while, and one line for the
 * rest. A pure table of fixed size; time comes from the caller.
 */
#ifndef JP_FLOOD_H
#define JP_FLOOD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/wire/verdict.h"

#define JP_FLOOD_MAX 10 /* lines for one peer and reason in a while */
#define JP_FLOOD_S 10   /* that while, in seconds */
#define JP_FLOODS 64    /* pairs of peer and reason at a time */

/* One peer and one reason, since `since`. */
struct jp_flood {
	bool used;
	uid_t peer;
	enum jp_reason reason;
	int64_t since;
	uint32_t logged;
	uint64_t held; /* without a line: one line stands for all of them */
};

struct jp_floods {
	struct jp_flood at[JP_FLOODS];
};

/*
 * Whether a denial gets a line. If its place in the table was another's, or
 * its while is over, what was held there comes into `ended` (`held` 0:
 * nothing).
 */
bool jp_flood_passes(struct jp_floods *floods, uid_t peer,
    enum jp_reason reason, int64_t now, struct jp_flood *ended);

/*
 * Takes one whose while is over, or any that holds something if `all`, out of
 * the table; false if there is none.
 */
bool jp_flood_next(
    struct jp_floods *floods, int64_t now, bool all, struct jp_flood *ended);

/* Whether something is held. */
bool jp_flood_holds(const struct jp_floods *floods);

/* A clock that was set back does not suppress lines. */
bool jp_is_over(int64_t since, int64_t now, int64_t span);

#endif
