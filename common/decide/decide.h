/*
 * common/decide/: the decision, and what it keeps in memory.
 *
 * The decision: the one place that says yes. It is made of two halves, so that
 * a caller chooses who runs Argon2id: jp_decide() never hashes; where the hash
 * is not proved yet it answers JP_REASON_NONE and names the PHC string. Nor
 * does it write: where this first use ends another token, or is one of a
 * limited number, it says so. The caller does what is needed wherever it likes
 * and asks again: the record is then read afresh, so that a revocation in
 * between holds. Nor does it wait for a commit, which waits for the disk: that,
 * too, it says.
 */
#ifndef JP_DECIDE_H
#define JP_DECIDE_H

#include "common/decide/core.h"
#include "common/record/decision.h"
#include "common/wire/verdict.h"
#include "common/wire/verify.h"

/* What is known of a token text: whether it is the secret behind `phc`. */
struct jp_proof {
	char phc[JP_PHC_MAX + 1]; /* "": nothing is known */
	bool match;
	enum jp_err err; /* why the hash could not be run */
};

/*
 * Decides `request`: one read of the store for the token and, once the secret
 * is proved, one for its user, and for a child one for each token above it; no
 * hash, no allocation. `proof` is of this
 * request's token; NULL: none. Where it does not help, a memo may.
 */
void jp_decide(struct jp_core *core, const struct jp_request *request,
    const struct jp_proof *proof, struct jp_decision *decision);

/* The same, waiting for a commit where need be: neither JP_NEED_STORE nor
 * JP_NEED_COMMIT. */
void jp_decide_waiting(struct jp_core *core, const struct jp_request *request,
    const struct jp_proof *proof, struct jp_decision *decision);

/*
 * A request of `account` is not about a token: it is answered by JP_MAY if one
 * of the user's tokens would be accepted at this service from this address now,
 * were it presented. That is read from all of them: jp_decide() says
 * JP_NEED_COMMIT.
 */

/*
 * Runs the one Argon2id over `token` that `open` needs (JP_NEED_PROOF); the
 * memos learn what it says. What has no fast tag they learn for this process
 * alone: it may be a secret that can be guessed.
 */
void jp_prove(struct jp_core *core, const struct jp_decision *open,
    const struct jp_secret *token, struct jp_proof *proof);

/*
 * All of it, as often as it takes, in this thread. `proof` is what is known
 * before, perhaps nothing, and then what is known after.
 */
void jp_decide_proving(struct jp_core *core, const struct jp_request *request,
    struct jp_proof *proof, struct jp_decision *decision);

/*
 * The same, but for the needs in `but`, each a JP_BUT(): where one of these is
 * needed, the decision is JP_REASON_NONE and that need.
 */
#define JP_BUT(need) (1U << (need))
void jp_decide_but(struct jp_core *core, const struct jp_request *request,
    struct jp_proof *proof, unsigned int but, struct jp_decision *decision);

/*
 * Decides once more while nobody else can write, and takes one of the uses of
 * the token if that still needs JP_NEED_USE: it is accepted when that would
 * survive a power cut, and JP_REASON_STORE if it cannot be written. So no two
 * questions get the last use. Another need is left to the caller. Where the log
 * of a cluster does not take it until `by_ms` of jp_now_ms(), it may have been
 * counted, and is not accepted.
 */
void jp_decide_using(struct jp_core *core, const struct jp_request *request,
    const struct jp_proof *proof, int64_t by_ms, struct jp_decision *decision);

/*
 * Does what a decision needs that ends other tokens, JP_NEED_COMPLETE or
 * JP_NEED_REVOKE, until `by_ms` at most; another need is left to the caller.
 */
void jp_decide_ending(struct jp_core *core, const struct jp_request *request,
    const struct jp_proof *proof, int64_t by_ms, struct jp_decision *decision);

/* The same where nothing is known. */
void jp_decide_now(struct jp_core *core, const struct jp_request *request,
    struct jp_decision *decision);

/*
 * What jp_decide_now() would say; it ends no token and takes no use of one, for
 * nobody uses this one.
 */
void jp_decide_dry(struct jp_core *core, const struct jp_request *request,
    struct jp_decision *decision);

#endif
