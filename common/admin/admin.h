/*
 * common/admin/: operations of administrators, admin.sock.
 *
 * The operations of an administrator. The same code serves pat-admin in its
 * own process and patd on admin.sock: common/admin/wire.h carries requests and
 * items between the two.
 */
#ifndef JP_ADMIN_H
#define JP_ADMIN_H

#include "common/admin/request.h"
#include "common/decide/core.h"

/* Takes one item; an error ends the operation with it. */
typedef enum jp_err (*jp_admin_emit)(
    void *arg, const struct jp_admin_item *item);

/*
 * Runs one operation for `actor` (a local user's name). JP_ERR_INVALID (a
 * field), JP_ERR_REFUSED (by the policy), JP_ERR_NOT_FOUND, or what the store
 * says: `why` is then set, and nothing has been changed. An error of `emit` is
 * returned, too: a created token is then taken back, a revocation stays.
 */
enum jp_err jp_admin_execute(struct jp_core *core, const char *actor,
    const struct jp_admin_request *request, jp_admin_emit emit, void *arg,
    struct jp_why *why);

#endif
