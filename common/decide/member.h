/*
 * Whether a user is in a group, for those who may wait for the answer: what the
 * store knows, and with [patd] group_source = nss what the name service does.
 */
#ifndef JP_MEMBER_H
#define JP_MEMBER_H

#include "common/decide/core.h"
#include "common/record/user.h"

/*
 * `user` as jp_store_user() has it. May ask the name service, in this thread
 * and without a lock; what it says is kept for JP_GROUPS_LIFETIME. Any error
 * leaves `member` false: JP_ERR_UNREACHABLE if the name service fails,
 * JP_ERR_NOMEM.
 */
enum jp_err jp_member(struct jp_core *core, const struct jp_user *user,
    const char *group, bool *member);

/*
 * Calls `take` with each group of `user`, perhaps with some twice; an error of
 * it ends that. Asks as jp_member() does, but remembers nothing.
 */
enum jp_err jp_member_each(struct jp_core *core, const struct jp_user *user,
    jp_groups_take take, void *arg);

#endif
