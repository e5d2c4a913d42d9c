#include "patd/front.h"

/* X(row): in the order in which their sockets are made. */
#define FRONT_LIST(X)                                                          \
	X(front_verify)                                                        \
	X(front_admin)                                                         \
	X(front_saslauthd)

#define FRONT_DECLARATION(row) extern const struct front row;
FRONT_LIST(FRONT_DECLARATION)
#undef FRONT_DECLARATION

const struct front *const fronts[] = {
#define FRONT_ROW(row) &row,
	FRONT_LIST(FRONT_ROW)
#undef FRONT_ROW
	    NULL,
};

_Static_assert(sizeof(fronts) / sizeof(fronts[0]) - 1 <= FRONTS_MAX,
    "FRONTS_MAX of patd/front.h is too small");
