/*
 * Whose a token is in self-service: the user's whom it acts as, and of the
 * group that owns it, if one does.
 */
#ifndef JP_OWNS_H
#define JP_OWNS_H

#include "common/decide/core.h"

/*
 * Whether `user` may see and manage the token of `record`. May ask the name
 * service (common/decide/member.h): not under the write lock, unless it was
 * asked the same just before. Any error leaves `owns` false, and `why` set.
 */
enum jp_err jp_admin_owns(struct jp_core *core, const char *user,
    const struct jp_record *record, bool *owns, struct jp_why *why);

/* Whether `user` is in `group`; likewise. */
enum jp_err jp_admin_in_group(struct jp_core *core, const char *user,
    const char *group, bool *in, struct jp_why *why);

#endif
