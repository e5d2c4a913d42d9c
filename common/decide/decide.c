#include "common/decide/decide.h"

#include <fnmatch.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/decide/rotation.h"

/* What is needed is needed again only if the record changed under it. */
#define NEEDS_MAX 5

/* One request on its way through the checks. */
struct matter {
	struct jp_core *core;
	const struct jp_request *request;
	const struct jp_proof *proof;
	int64_t now;
	struct jp_token token;
	char id[JP_TOKEN_ID_LEN + 1];
	bool foreign; /* the text is none of ours, and `record` imported */
	struct jp_record record;
	const struct jp_rule *rule; /* of the service; NULL: there is none */
	struct jp_user user;        /* of the record; read by check_active() */
	bool groups_wanted;         /* the name service has to be asked */
	bool busy; /* the store cannot answer without waiting */
};

static enum jp_reason
check_text(struct matter *matter)
{
	const struct jp_secret *text = &matter->request->token;
	const struct jp_policy *policy = &matter->core->policy;
	enum jp_err err = jp_token_parse(text->text, text->len, &matter->token);

	if (err != JP_ERR_OK)
		return err == JP_ERR_CHECKSUM ? JP_REASON_CRC : JP_REASON_SHAPE;
	memcpy(matter->id, matter->token.id, JP_TOKEN_ID_LEN);
	if (!jp_policy_takes_prefix(
	        policy, matter->token.prefix, matter->token.prefix_len))
		return JP_REASON_SHAPE;
	return JP_REASON_NONE;
}

/* Why there is no record to decide about, if `err` says so. */
static enum jp_reason
store_reason(struct matter *matter, enum jp_err err)
{
	matter->busy = err == JP_ERR_BUSY;
	return err == JP_ERR_OK ? JP_REASON_NONE : JP_REASON_STORE;
}

/*
 * The fast tag is computed before the id is looked up: an unknown id costs
 * what a wrong secret costs.
 */
static enum jp_reason
check_record(struct matter *matter)
{
	uint8_t tag[JP_FAST_TAG_LEN];
	enum jp_err err;

	jp_pepper_fast_tag(
	    &matter->core->pepper, matter->id, matter->token.secret, tag);
	err =
	    jp_store_try_get(matter->core->store, matter->id, &matter->record);
	if (err == JP_ERR_NOT_FOUND)
		return JP_REASON_UNKNOWN_ID;
	if (err != JP_ERR_OK)
		return store_reason(matter, err);
	if (matter->record.has_fast_tag &&
	    sodium_memcmp(tag, matter->record.fast_tag, sizeof(tag)) != 0)
		return JP_REASON_FAST_TAG;
	return JP_REASON_NONE;
}

/*
 * A text that has not the shape of a token may be the secret of another system
 * which was imported for this user.
 */
static enum jp_reason
check_foreign(struct matter *matter)
{
	enum jp_err err;

	matter->id[0] = '\0';
	if (matter->request->user[0] == '\0')
		return JP_REASON_SHAPE;
	jp_foreign_id(matter->request->user, matter->id);
	err =
	    jp_store_try_get(matter->core->store, matter->id, &matter->record);
	matter->foreign = err == JP_ERR_OK && !matter->record.has_fast_tag;
	if (matter->foreign)
		return JP_REASON_NONE;
	matter->id[0] = '\0';
	return err == JP_ERR_OK || err == JP_ERR_NOT_FOUND
	           ? JP_REASON_SHAPE
	           : store_reason(matter, err);
}

/* A wrong text of no shape stays that: a stack may try it as a password. */
static enum jp_reason
mismatch(const struct matter *matter)
{
	return matter->foreign ? JP_REASON_SHAPE : JP_REASON_SECRET;
}

static enum jp_reason
proof_reason(const struct matter *matter)
{
	const struct jp_proof *proof = matter->proof;

	if (proof->err == JP_ERR_INVALID)
		return JP_REASON_RECORD;
	if (proof->err != JP_ERR_OK)
		return JP_REASON_MEMORY;
	return proof->match ? JP_REASON_NONE : mismatch(matter);
}

/*
 * Whether the secret is proved; `wanted` if that takes a proof we lack. All
 * that the memos can say is whether this text matches the very hash which was
 * just read: whatever else speaks against the token is still looked at.
 */
static enum jp_reason
check_proof(const struct matter *matter, bool *wanted)
{
	const struct jp_proof *proof = matter->proof;

	*wanted = false;
	if (matter->record.phc[0] == '\0') /* nothing can prove it */
		return JP_REASON_RECORD;
	if (proof != NULL && strcmp(proof->phc, matter->record.phc) == 0)
		return proof_reason(matter);
	if (jp_memo_find(matter->core->memo, matter->record.phc,
	        &matter->request->token))
		return JP_REASON_NONE;
	if (!matter->record.has_fast_tag &&
	    jp_memo_find(matter->core->wrong, matter->record.phc,
	        &matter->request->token))
		return mismatch(matter);
	*wanted = true;
	return JP_REASON_NONE;
}

/* An empty user asks whose token it is; only some fronts do. */
static enum jp_reason
check_user(struct matter *matter)
{
	const char *user = matter->request->user;

	if (user[0] != '\0' && strcmp(user, matter->record.user) != 0)
		return JP_REASON_USER;
	return JP_REASON_NONE;
}

static enum jp_reason
check_state(struct matter *matter)
{
	switch (jp_record_state(&matter->record, matter->now)) {
	case JP_STATE_REVOKED:
		return JP_REASON_REVOKED;
	case JP_STATE_SUPERSEDED:
		return JP_REASON_SUPERSEDED;
	case JP_STATE_EXPIRED:
		return JP_REASON_EXPIRED;
	case JP_STATE_LIVE:
		return JP_REASON_NONE;
	case JP_STATE_REPLACED: /* none of these is known from the record */
	case JP_STATE_UNUSED:
	case JP_STATE_USER_DISABLED:
	case JP_STATE_PREFIX:
	case JP_STATE_COUNT:
		break;
	}
	return JP_REASON_RECORD;
}

/* As of its last use, or else as of its making. */
static enum jp_reason
check_unused(struct matter *matter)
{
	return jp_record_unused(&matter->record,
	           matter->core->policy.unused_limit, matter->now)
	           ? JP_REASON_UNUSED
	           : JP_REASON_NONE;
}

static enum jp_reason
check_active(struct matter *matter)
{
	enum jp_err err = jp_store_try_user(
	    matter->core->store, matter->record.user, &matter->user);

	if (err != JP_ERR_OK)
		return store_reason(matter, err);
	return matter->user.disabled ? JP_REASON_USER_DISABLED : JP_REASON_NONE;
}

static enum jp_reason
check_service(struct matter *matter)
{
	const struct jp_record *record = &matter->record;

	for (size_t i = 0; i < record->service_len; i++)
		if (fnmatch(record->services[i], matter->request->service, 0) ==
		    0)
			return JP_REASON_NONE;
	return record->service_len == 0 ? JP_REASON_NONE : JP_REASON_SERVICE;
}

/* A token with scopes passes only where the service names one of them. */
static enum jp_reason
check_scope(struct matter *matter)
{
	const struct jp_record *record = &matter->record;
	const struct jp_rule *rule = matter->rule;

	if (record->scope_len == 0)
		return JP_REASON_NONE;
	for (size_t i = 0; rule != NULL && i < record->scope_len; i++)
		if (rule->scope[0] != '\0' &&
		    strcmp(record->scopes[i], rule->scope) == 0)
			return JP_REASON_NONE;
	return JP_REASON_SCOPE;
}

static enum jp_reason
check_address(struct matter *matter)
{
	const struct jp_record *record = &matter->record;

	for (size_t i = 0; i < record->net_len; i++)
		if (jp_net_contains(&record->nets[i], matter->request->rhost))
			return JP_REASON_NONE;
	return record->net_len == 0 ? JP_REASON_NONE : JP_REASON_ADDRESS;
}

/* As far as the name service was asked before. */
static enum jp_reason
check_nss_group(struct matter *matter, const char *groups)
{
	switch (jp_groups_find(
	    &matter->core->groups, matter->record.user, groups)) {
	case JP_MEMBER_YES:
		return JP_REASON_NONE;
	case JP_MEMBER_NO:
		break;
	case JP_MEMBER_UNKNOWN:
		matter->groups_wanted = true;
		return JP_REASON_NONE;
	}
	return JP_REASON_GROUP;
}

/* One of the groups that the service names. It is looked at last. */
static enum jp_reason
check_group(struct matter *matter)
{
	const struct jp_rule *rule = matter->rule;
	const char *at = rule != NULL ? rule->groups : "";

	if (at[0] == '\0')
		return JP_REASON_NONE;
	while (*at != '\0') {
		size_t len = strcspn(at, "\n");
		char group[JP_GROUP_MAX + 1];

		(void)snprintf(group, sizeof(group), "%.*s", (int)len, at);
		if (jp_user_in_group(&matter->user, group))
			return JP_REASON_NONE;
		at += len;
		at += *at == '\n';
	}
	return matter->core->policy.nss_groups
	           ? check_nss_group(matter, rule->groups)
	           : JP_REASON_GROUP;
}

/* What is looked at once the secret is proved, in order. */
static enum jp_reason (*const rights[])(struct matter *matter) = {
	check_user,
	check_state,
	check_unused,
	check_active,
	check_service,
	check_scope,
	check_address,
	check_group,
};

static enum jp_reason
check_rights(struct matter *matter)
{
	enum jp_reason reason = JP_REASON_NONE;

	matter->rule =
	    jp_policy_rule(&matter->core->policy, matter->request->service);
	for (size_t i = 0;
	     reason == JP_REASON_NONE && i < sizeof(rights) / sizeof(rights[0]);
	     i++)
		reason = rights[i](matter);
	return reason;
}

static enum jp_reason
reason_of(struct matter *matter, enum jp_need *need)
{
	enum jp_reason reason = check_text(matter);
	bool wanted = false;

	*need = JP_NEED_NOTHING;
	if (reason == JP_REASON_SHAPE)
		reason = check_foreign(matter);
	else if (reason == JP_REASON_NONE)
		reason = check_record(matter);
	if (reason == JP_REASON_NONE)
		reason = check_proof(matter, &wanted);
	if (wanted) {
		*need = JP_NEED_PROOF;
		return JP_REASON_NONE;
	}
	if (reason == JP_REASON_NONE)
		reason = check_rights(matter);
	if (matter->busy) {
		*need = JP_NEED_STORE;
		return JP_REASON_NONE;
	}
	if (reason == JP_REASON_SUPERSEDED &&
	    matter->core->policy.on_reuse == JP_REUSE_REVOKE_FAMILY)
		*need = JP_NEED_REVOKE;
	else if (reason == JP_REASON_NONE && matter->groups_wanted)
		*need = JP_NEED_GROUPS;
	else if (reason == JP_REASON_NONE && matter->record.ends[0] != '\0')
		*need = JP_NEED_SETTLE;
	else if (reason == JP_REASON_NONE)
		reason = JP_REASON_ACCEPTED;
	return *need == JP_NEED_NOTHING ? reason : JP_REASON_NONE;
}

/* ---- without a token ---- */

/* An imported one has no prefix. */
static enum jp_reason
check_prefix(struct matter *matter)
{
	const char *prefix = matter->record.prefix;

	return prefix[0] == '\0' ||
	               jp_policy_takes_prefix(
	                   &matter->core->policy, prefix, strlen(prefix))
	           ? JP_REASON_NONE
	           : JP_REASON_SHAPE;
}

/* Whether the token of the record that was read would be accepted. */
static enum jp_reason
check_candidate(struct matter *matter)
{
	enum jp_reason reason;

	pthread_rwlock_rdlock(&matter->core->policy_lock);
	matter->rule =
	    jp_policy_rule(&matter->core->policy, matter->request->service);
	reason = check_prefix(matter);
	for (size_t i = 0;
	     reason == JP_REASON_NONE && i < sizeof(rights) / sizeof(rights[0]);
	     i++)
		if (rights[i] != check_active) /* it was, for all of them */
			reason = rights[i](matter);
	pthread_rwlock_unlock(&matter->core->policy_lock);
	return reason;
}

static enum jp_reason
check_account(struct matter *matter)
{
	struct jp_listing listing = { .order = JP_ORDER_USER };
	struct jp_store *store = matter->core->store;
	const char *user = matter->request->user;
	size_t count;

	if (user[0] == '\0')
		return JP_REASON_NO_TOKEN;
	if (jp_store_user(store, user, &matter->user) != JP_ERR_OK)
		return JP_REASON_STORE;
	if (matter->user.disabled)
		return JP_REASON_USER_DISABLED;
	(void)jp_field_set(listing.user, sizeof(listing.user), user);
	for (;;) {
		if (jp_store_list(store, &listing, &matter->record, 1,
		        &count) != JP_ERR_OK)
			return JP_REASON_STORE;
		if (count == 0)
			return JP_REASON_NO_TOKEN;
		matter->groups_wanted = false;
		if (check_candidate(matter) == JP_REASON_NONE)
			return JP_REASON_ACCOUNT;
	}
}

static void
decide_account(struct jp_core *core, const struct jp_request *request,
    struct jp_decision *decision)
{
	struct matter matter = {
		.core = core,
		.request = request,
		.now = jp_clock_now(&core->clock),
	};

	memset(decision, 0, sizeof(*decision));
	decision->reason = check_account(&matter);
	if (decision->reason == JP_REASON_ACCOUNT && matter.groups_wanted) {
		decision->reason = JP_REASON_NONE;
		decision->need = JP_NEED_GROUPS;
	}
	decision->verdict = jp_reason_verdict(decision->reason);
	if (decision->verdict == JP_MAY || decision->need == JP_NEED_GROUPS)
		memcpy(decision->user, request->user, sizeof(decision->user));
	sodium_memzero(&matter.record, sizeof(matter.record));
}

/* ---- both ---- */

void
jp_decide(struct jp_core *core, const struct jp_request *request,
    const struct jp_proof *proof, struct jp_decision *decision)
{
	struct matter matter = {
		.core = core,
		.request = request,
		.proof = proof,
		.now = jp_clock_now(&core->clock),
	};

	memset(decision, 0, sizeof(*decision));
	if (request->account) {
		decision->need = JP_NEED_STORE;
		return;
	}
	pthread_rwlock_rdlock(&core->policy_lock);
	decision->reason = reason_of(&matter, &decision->need);
	pthread_rwlock_unlock(&core->policy_lock);
	decision->verdict = jp_reason_verdict(decision->reason);
	memcpy(decision->id, matter.id, sizeof(decision->id));
	if (decision->need != JP_NEED_NOTHING)
		memcpy(decision->phc, matter.record.phc, sizeof(decision->phc));
	decision->tagless =
	    decision->need == JP_NEED_PROOF && !matter.record.has_fast_tag;
	if (decision->verdict == JP_ACCEPT ||
	    jp_reason_rights(decision->reason) ||
	    decision->need == JP_NEED_SETTLE ||
	    decision->need == JP_NEED_GROUPS)
		memcpy(
		    decision->user, matter.record.user, sizeof(decision->user));
	sodium_memzero(&matter.record, sizeof(matter.record));
}

/* The policy is not held while this waits: a reload would wait, too. */
void
jp_decide_waiting(struct jp_core *core, const struct jp_request *request,
    const struct jp_proof *proof, struct jp_decision *decision)
{
	if (request->account) {
		decide_account(core, request, decision);
		return;
	}
	jp_decide(core, request, proof, decision);
	if (decision->need != JP_NEED_STORE)
		return;
	jp_store_hold(core->store);
	jp_decide(core, request, proof, decision);
	jp_store_release(core->store);
	if (decision->need == JP_NEED_STORE)
		jp_decision_refuse(decision, JP_REASON_STORE);
}

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
jp_prove(struct jp_core *core, const char *phc, const struct jp_secret *token,
    struct jp_proof *proof)
{
	memset(proof, 0, sizeof(*proof));
	(void)jp_field_set(proof->phc, sizeof(proof->phc), phc);
	proof->err = verify_gated(core, phc, token, &proof->match);
	if (proof->err != JP_ERR_INVALID)
		atomic_fetch_add(&core->argon2_runs, 1);
	if (proof->err == JP_ERR_OK)
		jp_memo_add(
		    proof->match ? core->memo : core->wrong, phc, token);
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

/* Does what the decision needs; its error is then the answer. */
static void
provide(struct jp_core *core, const struct jp_request *request,
    struct jp_proof *proof, struct jp_decision *decision)
{
	enum jp_err err = JP_ERR_OK;

	switch (decision->need) {
	case JP_NEED_REVOKE: /* it is out, whether that can be written or not */
		(void)jp_rotation_revoke(core, decision->id);
		jp_decision_refuse(decision, JP_REASON_SUPERSEDED);
		return;
	case JP_NEED_GROUPS:
		if (learn_groups(core, request, decision->user) == JP_ERR_OK)
			break;
		jp_decision_refuse(decision, JP_REASON_GROUP_SOURCE);
		return;
	case JP_NEED_SETTLE:
		err = jp_rotation_settle(core, decision->id);
		break;
	case JP_NEED_PROOF:
		jp_prove(core, decision->phc, &request->token, proof);
		break;
	case JP_NEED_STORE:
		break;
	case JP_NEED_NOTHING:
		return;
	}
	if (err == JP_ERR_OK)
		jp_decide_waiting(core, request, proof, decision);
	else
		jp_decision_refuse(decision, JP_REASON_STORE);
}

/* JP_NEED_NOTHING never stops it: then it is decided. */
static void
decide_until(struct jp_core *core, const struct jp_request *request,
    struct jp_proof *proof, enum jp_need stop, struct jp_decision *decision)
{
	jp_decide_waiting(core, request, proof, decision);
	for (int i = 0; decision->reason == JP_REASON_NONE &&
	                decision->need != stop && i < NEEDS_MAX;
	     i++)
		provide(core, request, proof, decision);
	if (decision->reason == JP_REASON_NONE && decision->need != stop)
		jp_decision_refuse(decision, JP_REASON_OVERLOAD);
}

void
jp_decide_proving(struct jp_core *core, const struct jp_request *request,
    struct jp_proof *proof, struct jp_decision *decision)
{
	decide_until(core, request, proof, JP_NEED_NOTHING, decision);
}

void
jp_decide_hashing(struct jp_core *core, const struct jp_request *request,
    struct jp_proof *proof, struct jp_decision *decision)
{
	decide_until(core, request, proof, JP_NEED_GROUPS, decision);
}

void
jp_decide_now(struct jp_core *core, const struct jp_request *request,
    struct jp_decision *decision)
{
	struct jp_proof proof = { .phc = "" };

	jp_decide_proving(core, request, &proof, decision);
}

void
jp_decide_dry(struct jp_core *core, const struct jp_request *request,
    struct jp_decision *decision)
{
	struct jp_proof proof = { .phc = "" };

	jp_decide_waiting(core, request, &proof, decision);
	for (int i = 0; i < NEEDS_MAX && (decision->need == JP_NEED_PROOF ||
	                                     decision->need == JP_NEED_GROUPS);
	     i++)
		provide(core, request, &proof, decision);
	if (decision->need == JP_NEED_REVOKE)
		jp_decision_refuse(decision, JP_REASON_SUPERSEDED);
	if (decision->need == JP_NEED_SETTLE) {
		decision->need = JP_NEED_NOTHING;
		decision->reason = JP_REASON_ACCEPTED;
		decision->verdict = JP_ACCEPT;
	}
	if (decision->reason == JP_REASON_NONE)
		jp_decision_refuse(decision, JP_REASON_OVERLOAD);
}
