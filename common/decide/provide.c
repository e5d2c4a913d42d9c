/*
 * What a decision needs: hashes, look-ups of groups, commits. Here they are
 * made, and the decision again.
 */
#include <sodium.h>
#include <string.h>
#include <syslog.h>

#include "common/decide/decide.h"
#include "common/decide/rotation.h"
#include "common/decide/write.h"
#include "common/sys/log.h"

/* What is needed is needed again only if the record changed under it. */
#define NEEDS_MAX 6

/* One that is no hash of ours takes no memory. */
static enum jp_err
verify_gated(struct jp_core *core, const char *text,
    const struct jp_secret *token, bool *match)
{
	struct jp_phc phc;
	enum jp_err err = jp_phc_parse(text, &phc);
	uint64_t bytes = err == JP_ERR_OK ? JP_COST_BYTES(&phc.cost) : 0;

	jp_gate_enter(&core->gate, bytes);
	err = jp_hash_verify(text, token, match);
	jp_gate_leave(&core->gate, bytes);
	sodium_memzero(&phc, sizeof(phc));
	return err;
}

void
jp_prove(struct jp_core *core, const struct jp_decision *open,
    const struct jp_secret *token, struct jp_proof *proof)
{
	const char *phc = open->phc;

	memset(proof, 0, sizeof(*proof));
	(void)jp_field_set(proof->phc, sizeof(proof->phc), phc);
	proof->err = verify_gated(core, phc, token, &proof->match);
	if (proof->err != JP_ERR_INVALID)
		atomic_fetch_add(&core->argon2_runs, 1);
	if (proof->err == JP_ERR_OK)
		jp_memo_add(proof->match ? core->memo : core->wrong, phc, token,
		    !open->tagless);
}

/* The policy is not held meanwhile: the name service may take long. */
static enum jp_err
learn_groups(
    struct jp_core *core, const struct jp_request *request, const char *user)
{
	char groups[JP_RULE_GROUPS_MAX + 1] = "";
	const struct jp_rule *rule;

	pthread_rwlock_rdlock(&core->policy_lock);
	rule = jp_policy_rule(&core->policy, request->service);
	if (rule != NULL)
		memcpy(groups, rule->groups, sizeof(groups));
	pthread_rwlock_unlock(&core->policy_lock);
	return jp_groups_learn(&core->groups, user, groups);
}

/* ---- uses ---- */

/* Nothing speaks against it, and what it needed is done. */
static void
accept(struct jp_decision *decision)
{
	decision->need = JP_NEED_NOTHING;
	decision->reason = JP_REASON_ACCEPTED;
	decision->verdict = JP_ACCEPT;
}

/* One line until it goes well again, not one for each request. */
static void
tell(struct jp_core *core, const char *id, enum jp_err err)
{
	struct jp_why why = { .text = "" };

	if (atomic_exchange(&core->uses_unwritten, err != JP_ERR_OK) ||
	    err == JP_ERR_OK)
		return;
	jp_store_why(core->store, &why);
	jp_log(LOG_ERR,
	    "a use of the token %s cannot be written: %s%s%s: no token with a "
	    "limited number of uses is accepted until it can",
	    id, jp_err_text(err), why.text[0] != '\0' ? ": " : "", why.text);
}

/* In a jp_write(), in which one was left just now. */
static enum jp_err
take_use(struct jp_core *core, const char *id)
{
	struct jp_record record;
	const struct jp_change change = { JP_CHANGE_REPLACE, &record };
	enum jp_err err = jp_store_get(core->store, id, &record);

	if (err == JP_ERR_OK && record.uses_left == 0)
		err = JP_ERR_NOT_FOUND;
	if (err == JP_ERR_OK) {
		record.uses_left--;
		err = jp_store_commit(core->store, &change, 1);
	}
	sodium_memzero(&record, sizeof(record));
	return err;
}

struct use {
	const struct jp_request *request;
	const struct jp_proof *proof;
	struct jp_decision *decision;
	bool tried;
};

static enum jp_err
use_once(struct jp_core *core, void *arg)
{
	struct use *use = arg;
	struct jp_decision *decision = use->decision;
	enum jp_err err;

	jp_decide_waiting(core, use->request, use->proof, decision);
	use->tried = decision->need == JP_NEED_USE;
	if (!use->tried)
		return JP_ERR_OK;
	err = take_use(core, decision->id);
	if (err == JP_ERR_OK)
		accept(decision);
	return err;
}

/*
 * Nobody waits here until other hosts have heard of it: two of them cannot take
 * the same use, as only one of their commits is the next one in the log.
 */
void
jp_decide_using(struct jp_core *core, const struct jp_request *request,
    const struct jp_proof *proof, int64_t by_ms, struct jp_decision *decision)
{
	struct use use = { request, proof, decision, false };
	enum jp_err err =
	    jp_write_by(core, JP_BEGIN_QUIET, by_ms, NULL, use_once, &use);

	if (!use.tried && err == JP_ERR_OK)
		return;
	tell(core, decision->id, err);
	if (err != JP_ERR_OK)
		jp_decision_refuse(decision, JP_REASON_STORE);
}

/* ---- ends ---- */

/* The old one has ended everywhere, or nobody is told yes. */
static void
complete(struct jp_core *core, const struct jp_request *request,
    const struct jp_proof *proof, int64_t by_ms, struct jp_decision *decision)
{
	if (jp_rotation_complete(core, decision->id, by_ms) == JP_ERR_OK)
		jp_decide_waiting(core, request, proof, decision);
	else
		jp_decision_refuse(decision, JP_REASON_STORE);
}

/* It is out, whether that can be written or not. */
static void
revoke(struct jp_core *core, int64_t by_ms, struct jp_decision *decision)
{
	(void)jp_rotation_revoke(core, decision->id, by_ms);
	jp_decision_refuse(decision, JP_REASON_SUPERSEDED);
}

void
jp_decide_ending(struct jp_core *core, const struct jp_request *request,
    const struct jp_proof *proof, int64_t by_ms, struct jp_decision *decision)
{
	jp_decide_waiting(core, request, proof, decision);
	if (decision->need == JP_NEED_COMPLETE)
		complete(core, request, proof, by_ms, decision);
	else if (decision->need == JP_NEED_REVOKE)
		revoke(core, by_ms, decision);
}

/* ---- all of it ---- */

/* Does what the decision needs; its error is then the answer. */
static void
provide(struct jp_core *core, const struct jp_request *request,
    struct jp_proof *proof, struct jp_decision *decision)
{
	switch (decision->need) {
	case JP_NEED_REVOKE:
		revoke(core, INT64_MAX, decision);
		return;
	case JP_NEED_GROUPS:
		if (learn_groups(core, request, decision->user) == JP_ERR_OK)
			break;
		jp_decision_refuse(decision, JP_REASON_GROUP_SOURCE);
		return;
	case JP_NEED_COMPLETE:
		complete(core, request, proof, INT64_MAX, decision);
		return;
	case JP_NEED_USE:
		jp_decide_using(core, request, proof, INT64_MAX, decision);
		return;
	case JP_NEED_PROOF:
		jp_prove(core, decision, &request->token, proof);
		break;
	case JP_NEED_STORE:
	case JP_NEED_COMMIT:
		break;
	case JP_NEED_NOTHING:
		return;
	}
	jp_decide_waiting(core, request, proof, decision);
}

static bool
is_open(const struct jp_decision *decision, unsigned int but)
{
	return decision->reason == JP_REASON_NONE &&
	       (but & JP_BUT(decision->need)) == 0;
}

void
jp_decide_but(struct jp_core *core, const struct jp_request *request,
    struct jp_proof *proof, unsigned int but, struct jp_decision *decision)
{
	jp_decide_waiting(core, request, proof, decision);
	for (int i = 0; is_open(decision, but) && i < NEEDS_MAX; i++)
		provide(core, request, proof, decision);
	if (is_open(decision, but))
		jp_decision_refuse(decision, JP_REASON_OVERLOAD);
}

void
jp_decide_proving(struct jp_core *core, const struct jp_request *request,
    struct jp_proof *proof, struct jp_decision *decision)
{
	jp_decide_but(core, request, proof, 0, decision);
}

void
jp_decide_now(struct jp_core *core, const struct jp_request *request,
    struct jp_decision *decision)
{
	struct jp_proof proof = { .phc = "" };

	jp_decide_proving(core, request, &proof, decision);
}

/* What would be written does not change the answer. */
void
jp_decide_dry(struct jp_core *core, const struct jp_request *request,
    struct jp_decision *decision)
{
	struct jp_proof proof = { .phc = "" };

	jp_decide_but(core, request, &proof,
	    JP_BUT(JP_NEED_REVOKE) | JP_BUT(JP_NEED_COMPLETE) |
	        JP_BUT(JP_NEED_USE),
	    decision);
	if (decision->need == JP_NEED_REVOKE)
		jp_decision_refuse(decision, JP_REASON_SUPERSEDED);
	if (decision->need == JP_NEED_COMPLETE || decision->need == JP_NEED_USE)
		accept(decision);
}
