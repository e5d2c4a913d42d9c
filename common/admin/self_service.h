/*
 * What a local user who is no administrator may ask for on admin.sock: tokens
 * of the own name, within the policy, and nothing of anybody else.
 */
#ifndef JP_SELF_SERVICE_H
#define JP_SELF_SERVICE_H

#include "common/admin/admin.h"

/*
 * Makes `user`, who stays the caller's, the owner of `request` and narrows it
 * to what the policy allows: a default lifetime becomes the longest. Errors as
 * jp_admin_target() has them; JP_ERR_REFUSED with `why` for what is not
 * allowed. What passes is then for jp_admin_execute(), which holds it to the
 * owner and checks everything else.
 */
enum jp_err jp_self_service(struct jp_core *core, const char *user,
    struct jp_admin_request *request, struct jp_why *why);

#endif
