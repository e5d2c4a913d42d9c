/*
 * What the tokens may be that users make for themselves. For self_service.c
 * alone.
 */
#ifndef JP_SELF_LIMITS_H
#define JP_SELF_LIMITS_H

#include "common/admin/request.h"
#include "common/decide/core.h"
#include "common/record/policy.h"

/* One request of a user, on its way through the checks. */
struct own {
	struct jp_core *core;
	struct jp_admin_request *request;
	struct jp_why *why;
	int64_t now;
	struct jp_user user; /* who asks */
	bool by_token;       /* which is `token` */
	struct jp_record token;
	struct jp_target target;
	struct jp_policy policy;
};

/* Whether the token that asks is the target of the request. */
bool jp_self_is_itself(const struct own *own);

/* Narrows a new token to the policy, and to the token that asks. */
enum jp_err jp_self_limit_create(struct own *own);

/*
 * The same of a successor, which has the rights of the old one and lives as
 * long. Where the old one is another's, or not there, the operation says so.
 */
enum jp_err jp_self_limit_rotate(struct own *own);

#endif
