#include "common/decide/decide.h"

#include <fnmatch.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/decide/rotation.h"

/* What is needed is needed again only if the record changed under it. */
#define NEEDS_MAX 5

/* One request on its way through the checks. */
struct check {
	struct jp_core *core;
	const struct jp_request *request;
	const struct jp_proof *proof;
	int64_t now;
	struct jp_token token;
	char id[JP_TOKEN_ID_LEN + 1];
	bool imported; /* the text is an imported secret, as `record` is */
	struct jp_record record;
	const struct jp_rule *rule; /* of the service; NULL: there is none */
	struct jp_user user;        /* of the record; read by check_active() */
	bool groups_wanted;         /* the name service has to be asked */
	bool busy; /* the store cannot answer without waiting */
};

static enum jp_reason
check_text(struct check *check)
{
	const struct jp_secret *text = &check->request->token;
	const struct jp_policy *policy = &check->core->policy;
	enum jp_err err = jp_token_parse(text->text, text->len, &check->token);

	if (err != JP_ERR_OK)
		return err == JP_ERR_CHECKSUM ? JP_REASON_CRC : JP_REASON_SHAPE;
	memcpy(check->id, check->token.id, JP_TOKEN_ID_LEN);
	if (!jp_policy_takes_prefix(
	        policy, check->token.prefix, check->token.prefix_len))
		return JP_REASON_SHAPE;
	return JP_REASON_NONE;
}

/* The reason why there is no record, from `err`. */
static enum jp_reason
store_reason(struct check *check, enum jp_err err)
{
	check->busy = err == JP_ERR_BUSY;
	return err == JP_ERR_OK ? JP_REASON_NONE : JP_REASON_STORE;
}

/*
 * The fast tag is computed before the id is looked up: an unknown id costs
 * what a wrong secret costs.
 */
static enum jp_reason
check_record(struct check *check)
{
	uint8_t tag[JP_FAST_TAG_LEN];
	enum jp_err err;

	jp_pepper_fast_tag(
	    &check->core->pepper, check->id, check->token.secret, tag);
	err = jp_store_try_get(check->core->store, check->id, &check->record);
	if (err == JP_ERR_NOT_FOUND)
		return JP_REASON_UNKNOWN_ID;
	if (err != JP_ERR_OK)
		return store_reason(check, err);
	if (check->record.has_fast_tag &&
	    sodium_memcmp(tag, check->record.fast_tag, sizeof(tag)) != 0)
		return JP_REASON_FAST_TAG;
	return JP_REASON_NONE;
}

/*
 * A text that is not formatted as a token may be a secret of another system
 * that was imported for this user.
 */
static enum jp_reason
check_imported(struct check *check)
{
	enum jp_err err;

	check->id[0] = '\0';
	if (check->request->user[0] == '\0')
		return JP_REASON_SHAPE;
	jp_imported_id(check->request->user, check->id);
	err = jp_store_try_get(check->core->store, check->id, &check->record);
	check->imported = err == JP_ERR_OK && !check->record.has_fast_tag;
	if (check->imported)
		return JP_REASON_NONE;
	check->id[0] = '\0';
	return err == JP_ERR_OK || err == JP_ERR_NOT_FOUND
	           ? JP_REASON_SHAPE
	           : store_reason(check, err);
}

/* A wrong text of no shape stays that: a stack may try it as a password. */
static enum jp_reason
mismatch(const struct check *check)
{
	return check->imported ? JP_REASON_SHAPE : JP_REASON_SECRET;
}

static enum jp_reason
proof_reason(const struct check *check)
{
	const struct jp_proof *proof = check->proof;

	if (proof->err == JP_ERR_INVALID)
		return JP_REASON_RECORD;
	if (proof->err != JP_ERR_OK)
		return JP_REASON_MEMORY;
	return proof->match ? JP_REASON_NONE : mismatch(check);
}

/*
 * Whether the secret is proved; `wanted` if that takes a proof we lack. All
 * that the memos can say is whether this text matches the very hash which was
 * just read: whatever else speaks against the token is still looked at.
 */
static enum jp_reason
check_proof(const struct check *check, bool *wanted)
{
	const struct jp_proof *proof = check->proof;

	*wanted = false;
	if (check->record.phc[0] == '\0') /* nothing can prove it */
		return JP_REASON_RECORD;
	if (proof != NULL && strcmp(proof->phc, check->record.phc) == 0)
		return proof_reason(check);
	if (jp_memo_find(
	        check->core->memo, check->record.phc, &check->request->token))
		return JP_REASON_NONE;
	if (!check->record.has_fast_tag &&
	    jp_memo_find(
	        check->core->wrong, check->record.phc, &check->request->token))
		return mismatch(check);
	*wanted = true;
	return JP_REASON_NONE;
}

/* An empty user asks for the owner; only some fronts do. */
static enum jp_reason
check_user(struct check *check)
{
	const char *user = check->request->user;

	if (user[0] != '\0' && strcmp(user, check->record.user) != 0)
		return JP_REASON_USER;
	return JP_REASON_NONE;
}

static enum jp_reason
check_state(struct check *check)
{
	switch (jp_record_state(&check->record, check->now)) {
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
		break;
	}
	return JP_REASON_RECORD;
}

/* As of its last use, or else as of its making. */
static enum jp_reason
check_unused(struct check *check)
{
	return jp_record_unused(
	           &check->record, check->core->policy.unused_limit, check->now)
	           ? JP_REASON_UNUSED
	           : JP_REASON_NONE;
}

static enum jp_reason
check_active(struct check *check)
{
	enum jp_err err = jp_store_try_user(
	    check->core->store, check->record.user, &check->user);

	if (err != JP_ERR_OK)
		return store_reason(check, err);
	return check->user.disabled ? JP_REASON_USER_DISABLED : JP_REASON_NONE;
}

static enum jp_reason
check_service(struct check *check)
{
	const struct jp_record *record = &check->record;

	for (size_t i = 0; i < record->service_len; i++)
		if (fnmatch(record->services[i], check->request->service, 0) ==
		    0)
			return JP_REASON_NONE;
	return record->service_len == 0 ? JP_REASON_NONE : JP_REASON_SERVICE;
}

/* A scope that the service does not name is held by nobody. */
static bool
holds_scope(const struct jp_record *record, const char *scope)
{
	for (size_t i = 0; scope[0] != '\0' && i < record->scope_len; i++)
		if (strcmp(record->scopes[i], scope) == 0)
			return true;
	return false;
}

/*
 * A token with scopes passes only where the service names one of them. Who may
 * write may read, too.
 */
static enum jp_reason
check_scope(struct check *check)
{
	const struct jp_record *record = &check->record;
	const struct jp_rule *rule = check->rule;
	bool reads = check->request->access == JP_ACCESS_READ;

	if (record->scope_len == 0)
		return JP_REASON_NONE;
	if (rule != NULL &&
	    (holds_scope(record, rule->scope) ||
	        (reads && holds_scope(record, rule->read_scope))))
		return JP_REASON_NONE;
	return JP_REASON_SCOPE;
}

static enum jp_reason
check_address(struct check *check)
{
	const struct jp_record *record = &check->record;

	for (size_t i = 0; i < record->net_len; i++)
		if (jp_net_contains(&record->nets[i], check->request->rhost))
			return JP_REASON_NONE;
	return record->net_len == 0 ? JP_REASON_NONE : JP_REASON_ADDRESS;
}

/* As far as the name service was asked before. */
static enum jp_reason
check_nss_group(struct check *check, const char *groups)
{
	switch (
	    jp_groups_find(&check->core->groups, check->record.user, groups)) {
	case JP_MEMBER_YES:
		return JP_REASON_NONE;
	case JP_MEMBER_NO:
		break;
	case JP_MEMBER_UNKNOWN:
		check->groups_wanted = true;
		return JP_REASON_NONE;
	}
	return JP_REASON_GROUP;
}

/* One of the groups that the service names. It is looked at last. */
static enum jp_reason
check_group(struct check *check)
{
	const struct jp_rule *rule = check->rule;
	const char *at = rule != NULL ? rule->groups : "";

	if (at[0] == '\0')
		return JP_REASON_NONE;
	while (*at != '\0') {
		size_t len = strcspn(at, "\n");
		char group[JP_GROUP_MAX + 1];

		(void)snprintf(group, sizeof(group), "%.*s", (int)len, at);
		if (jp_user_in_group(&check->user, group))
			return JP_REASON_NONE;
		at += len;
		at += *at == '\n';
	}
	return check->core->policy.nss_groups
	           ? check_nss_group(check, rule->groups)
	           : JP_REASON_GROUP;
}

/* Where the server behind the service must be shown one. */
static enum jp_reason
check_upstream(struct check *check)
{
	const struct jp_rule *rule = check->rule;
	struct jp_upstreams all;
	enum jp_err err;

	if (rule == NULL || rule->upstream != JP_UPSTREAM_USE_REQUIRED)
		return JP_REASON_NONE;
	err =
	    jp_store_try_upstream(check->core->store, check->record.user, &all);
	if (err != JP_ERR_OK)
		return store_reason(check, err);
	return jp_upstreams_for(&all, check->request->service) != NULL
	           ? JP_REASON_NONE
	           : JP_REASON_UPSTREAM;
}

/* What is looked at once the secret is proved, in order. */
static enum jp_reason (*const rights[])(struct check *check) = {
	check_user,
	check_state,
	check_unused,
	check_active,
	check_service,
	check_scope,
	check_address,
	check_group,
	check_upstream,
};

static enum jp_reason
check_rights(struct check *check)
{
	enum jp_reason reason = JP_REASON_NONE;

	check->rule =
	    jp_policy_rule(&check->core->policy, check->request->service);
	for (size_t i = 0;
	     reason == JP_REASON_NONE && i < sizeof(rights) / sizeof(rights[0]);
	     i++)
		reason = rights[i](check);
	return reason;
}

static enum jp_reason
reason_of(struct check *check, enum jp_need *need)
{
	enum jp_reason reason = check_text(check);
	bool wanted = false;

	*need = JP_NEED_NOTHING;
	if (reason == JP_REASON_SHAPE)
		reason = check_imported(check);
	else if (reason == JP_REASON_NONE)
		reason = check_record(check);
	if (reason == JP_REASON_NONE)
		reason = check_proof(check, &wanted);
	if (wanted) {
		*need = JP_NEED_PROOF;
		return JP_REASON_NONE;
	}
	if (reason == JP_REASON_NONE)
		reason = check_rights(check);
	if (check->busy) {
		*need = JP_NEED_STORE;
		return JP_REASON_NONE;
	}
	if (reason == JP_REASON_SUPERSEDED &&
	    check->core->policy.on_reuse == JP_REUSE_REVOKE_FAMILY)
		*need = JP_NEED_REVOKE;
	else if (reason == JP_REASON_NONE && check->groups_wanted)
		*need = JP_NEED_GROUPS;
	else if (reason == JP_REASON_NONE && check->record.ends[0] != '\0')
		*need = JP_NEED_COMPLETE;
	else if (reason == JP_REASON_NONE)
		reason = JP_REASON_ACCEPTED;
	return *need == JP_NEED_NOTHING ? reason : JP_REASON_NONE;
}

/* ---- without a token ---- */

/* An imported one has no prefix. */
static enum jp_reason
check_prefix(struct check *check)
{
	const char *prefix = check->record.prefix;

	return prefix[0] == '\0' || jp_policy_takes_prefix(&check->core->policy,
	                                prefix, strlen(prefix))
	           ? JP_REASON_NONE
	           : JP_REASON_SHAPE;
}

/* Whether the token of the record that was read would be accepted. */
static enum jp_reason
check_candidate(struct check *check)
{
	enum jp_reason reason;

	pthread_rwlock_rdlock(&check->core->policy_lock);
	check->rule =
	    jp_policy_rule(&check->core->policy, check->request->service);
	reason = check_prefix(check);
	for (size_t i = 0;
	     reason == JP_REASON_NONE && i < sizeof(rights) / sizeof(rights[0]);
	     i++)
		if (rights[i] != check_active) /* it was, for all of them */
			reason = rights[i](check);
	pthread_rwlock_unlock(&check->core->policy_lock);
	return reason;
}

static enum jp_reason
check_account(struct check *check)
{
	struct jp_listing listing = { .order = JP_ORDER_USER };
	struct jp_store *store = check->core->store;
	const char *user = check->request->user;
	size_t count;

	if (user[0] == '\0')
		return JP_REASON_NO_TOKEN;
	if (jp_store_user(store, user, &check->user) != JP_ERR_OK)
		return JP_REASON_STORE;
	if (check->user.disabled)
		return JP_REASON_USER_DISABLED;
	(void)jp_field_set(listing.user, sizeof(listing.user), user);
	for (;;) {
		if (jp_store_list(store, &listing, &check->record, 1, &count) !=
		    JP_ERR_OK)
			return JP_REASON_STORE;
		if (count == 0)
			return JP_REASON_NO_TOKEN;
		check->groups_wanted = false;
		if (check_candidate(check) == JP_REASON_NONE)
			return JP_REASON_ACCOUNT;
	}
}

static void
decide_account(struct jp_core *core, const struct jp_request *request,
    struct jp_decision *decision)
{
	struct check check = {
		.core = core,
		.request = request,
		.now = jp_clock_now(&core->clock),
	};

	memset(decision, 0, sizeof(*decision));
	decision->reason = check_account(&check);
	if (decision->reason == JP_REASON_ACCOUNT && check.groups_wanted) {
		decision->reason = JP_REASON_NONE;
		decision->need = JP_NEED_GROUPS;
	}
	decision->verdict = jp_reason_verdict(decision->reason);
	if (decision->verdict == JP_MAY || decision->need == JP_NEED_GROUPS)
		memcpy(decision->user, request->user, sizeof(decision->user));
	sodium_memzero(&check.record, sizeof(check.record));
}

/* ---- both ---- */

void
jp_decide(struct jp_core *core, const struct jp_request *request,
    const struct jp_proof *proof, struct jp_decision *decision)
{
	struct check check = {
		.core = core,
		.request = request,
		.proof = proof,
		.now = jp_clock_now(&core->clock),
	};

	memset(decision, 0, sizeof(*decision));
	if (request->account) {
		decision->need = JP_NEED_COMMIT;
		return;
	}
	pthread_rwlock_rdlock(&core->policy_lock);
	decision->reason = reason_of(&check, &decision->need);
	pthread_rwlock_unlock(&core->policy_lock);
	decision->verdict = jp_reason_verdict(decision->reason);
	decision->denial = jp_reason_denial(decision->reason);
	memcpy(decision->id, check.id, sizeof(decision->id));
	if (decision->need != JP_NEED_NOTHING)
		memcpy(decision->phc, check.record.phc, sizeof(decision->phc));
	decision->tagless =
	    decision->need == JP_NEED_PROOF && !check.record.has_fast_tag;
	if (decision->verdict == JP_ACCEPT ||
	    jp_reason_rights(decision->reason) ||
	    decision->need == JP_NEED_COMPLETE ||
	    decision->need == JP_NEED_GROUPS)
		memcpy(
		    decision->user, check.record.user, sizeof(decision->user));
	if (decision->verdict == JP_ACCEPT ||
	    decision->need == JP_NEED_COMPLETE)
		decision->expires = check.record.expires_at;
	sodium_memzero(&check.record, sizeof(check.record));
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
	if (decision->need == JP_NEED_STORE) {
		jp_store_wait(core->store);
		jp_decide(core, request, proof, decision);
	}
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
	case JP_NEED_COMPLETE:
		err = jp_rotation_complete(core, decision->id);
		break;
	case JP_NEED_PROOF:
		jp_prove(core, decision, &request->token, proof);
		break;
	case JP_NEED_STORE:
	case JP_NEED_COMMIT:
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
	if (decision->need == JP_NEED_COMPLETE) {
		decision->need = JP_NEED_NOTHING;
		decision->reason = JP_REASON_ACCEPTED;
		decision->verdict = JP_ACCEPT;
	}
	if (decision->reason == JP_REASON_NONE)
		jp_decision_refuse(decision, JP_REASON_OVERLOAD);
}
