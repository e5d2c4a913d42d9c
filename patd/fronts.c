#include "patd/admin_service.h"
#include "patd/front.h"
#include "patd/front_saslauthd.h"
#include "patd/front_verify.h"

const struct front *const fronts[] = {
	&front_verify,
	&front_admin,
	&front_saslauthd,
	NULL,
};

_Static_assert(sizeof(fronts) / sizeof(fronts[0]) - 1 <= FRONTS_MAX,
    "FRONTS_MAX of patd/front.h is too small");
