/* The rows of request.h, by number. */
#include "common/admin/request.h"

static const struct jp_admin_op_info ops[JP_ADMIN_OP_COUNT] = {
#define JP_ADMIN_OP_ROW(                                                       \
    code, number, name, run, takes, self, staff, effect, dry)                  \
	[number] = { name, JP_TAKES_##takes, JP_SELF_##self, JP_##staff,       \
		JP_EFFECT_##effect, JP_RUN_##dry },
	JP_ADMIN_OP_LIST(JP_ADMIN_OP_ROW)
#undef JP_ADMIN_OP_ROW
};

const struct jp_admin_op_info *
jp_admin_op_info(enum jp_admin_op op)
{
	static const struct jp_admin_op_info none = { .name = "unknown" };

	return (unsigned int)op < JP_ADMIN_OP_COUNT ? &ops[op] : &none;
}

bool
jp_admin_op_changes(enum jp_admin_op op)
{
	enum jp_effect effect = jp_admin_op_info(op)->effect;

	return effect == JP_EFFECT_CHANGES || effect == JP_EFFECT_ENDS;
}

bool
jp_admin_staff_may(const struct jp_admin_request *request)
{
	switch (jp_admin_op_info(request->op)->staff) {
	case JP_STAFF:
		return true;
	case JP_STAFF_DRY:
		return request->dry_run;
	case JP_NO_STAFF:
		break;
	}
	return false;
}

static const struct {
	const char *setting, *act;
} breaches[JP_BREACH_COUNT_OF] = {
#define JP_BREACH_ROW(code, number, setting, act) [number] = { setting, act },
	JP_BREACH_LIST(JP_BREACH_ROW)
#undef JP_BREACH_ROW
};

const char *
jp_breach_setting(enum jp_breach breach)
{
	return (unsigned int)breach < JP_BREACH_COUNT_OF
	           ? breaches[breach].setting
	           : "";
}

const char *
jp_breach_act(enum jp_breach breach)
{
	return (unsigned int)breach < JP_BREACH_COUNT_OF ? breaches[breach].act
	                                                 : "";
}
