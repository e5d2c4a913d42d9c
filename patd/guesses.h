/*
 * Who presents one wrong text after the other for the same token, or for the
 * same user, is told so by fronts that can: the answer to a guess is then not
 * "wrong" but "too many".
 *
 * That is counted by what is presented, not by what is in the store: whether a
 * token has this id, or a user an imported secret, does not show. What a wrong
 * text may cost is limited elsewhere (patd/pool.h), where it costs something.
 */
#ifndef PATD_GUESSES_H
#define PATD_GUESSES_H

#include "common/decide/throttle.h"
#include "common/record/decision.h"
#include "common/wire/verify.h"

void guesses_init(struct jp_throttle *guesses);

/*
 * Counts a denial of a detailed question whose secret is not proved, and makes
 * it one that is told as JP_DENIAL_THROTTLED after too many.
 */
void
guesses_count(struct jp_throttle *guesses, const struct jp_request *request,
    struct jp_decision *decision, int64_t now_ms);

#endif
