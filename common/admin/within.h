/*
 * Whether one token may do no more than another: of the children of a token,
 * and of what a token makes.
 */
#ifndef JP_WITHIN_H
#define JP_WITHIN_H

#include "common/record/record.h"

/*
 * Holds the scopes, services and networks of `inner` within those of `outer`.
 * A list of `inner` that is empty becomes that of `outer`; each other one has
 * to be a part of it: scopes and services by their text, for a glob may match
 * more than it shows, networks by their addresses. JP_ERR_REFUSED with
 * JP_REFUSAL_WIDER if it is not; `inner` is then of no use.
 */
enum jp_err jp_admin_check_within(
    const struct jp_record *outer, struct jp_record *inner, struct jp_why *why);

#endif
