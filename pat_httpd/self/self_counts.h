/*
 * What self-service counts, for whoever reads the metrics; as counts.h does.
 */
#ifndef PATHTTPD_SELF_COUNTS_H
#define PATHTTPD_SELF_COUNTS_H

#include <stdint.h>

#include "common/admin/request.h"

/* X(CODE, name): who replies. */
#define SELF_PART_LIST(X)                                                      \
	X(PAGE, "page")                                                        \
	X(REST, "rest")

/* X(CODE, name): how an act ended. */
#define SELF_RESULT_LIST(X)                                                    \
	X(DONE, "done")                                                        \
	X(REFUSED, "refused")                                                  \
	X(UNAVAILABLE, "unavailable") /* patd did not say */

enum self_result {
#define SELF_RESULT_ENUM(code, name) SELF_RESULT_##code,
	SELF_RESULT_LIST(SELF_RESULT_ENUM)
#undef SELF_RESULT_ENUM
	    SELF_RESULT_COUNT,
};

enum self_part {
#define SELF_PART_ENUM(code, name) SELF_PART_##code,
	SELF_PART_LIST(SELF_PART_ENUM)
#undef SELF_PART_ENUM
	    SELF_PARTS,
};

enum {
	SELF_CLASSES = 6, /* of statuses: by their first digit */
};

struct self_counts {
	uint64_t replies[SELF_PARTS][SELF_CLASSES];
	uint64_t acts[JP_ADMIN_OP_COUNT][SELF_RESULT_COUNT];
};

#endif
