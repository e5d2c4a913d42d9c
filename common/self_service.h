/*
 * What a local user who is no administrator may ask for on admin.sock: tokens
 * of the own name, within the policy, and nothing of anybody else.
 */
#ifndef JP_SELF_SERVICE_H
#define JP_SELF_SERVICE_H

#include "common/admin.h"

/*
 * Narrows `request` to what `user` may do: an empty user becomes `user`, a
 * default lifetime the longest that is allowed. JP_ERR_REFUSED with `why` for
 * what is not allowed; JP_ERR_NOT_FOUND for the id of another user's token, as
 * if there were none. What passes is then for jp_admin_execute(), which checks
 * everything else.
 */
enum jp_err jp_self_service(struct jp_core *core, const char *user,
    struct jp_admin_request *request, struct jp_why *why);

#endif
