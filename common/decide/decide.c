#include "common/decide/decide.h"

#include <fnmatch.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/decide/parents.h"

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
	enum jp_state parents;      /* read by check_parents() */
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
	if (check->record.claim_until != JP_NEVER) /* it has no secret yet */
		return mismatch(check);
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

/* What a token is denied for that is in this state. */
static enum jp_reason
reason_of_state(enum jp_state state)
{
	switch (state) {
	case JP_STATE_REVOKED:
		return JP_REASON_REVOKED;
	case JP_STATE_SUPERSEDED:
		return JP_REASON_SUPERSEDED;
	case JP_STATE_EXPIRED:
		return JP_REASON_EXPIRED;
	case JP_STATE_USED_UP:
		return JP_REASON_USED_UP;
	case JP_STATE_DISABLED:
		return JP_REASON_DISABLED;
	case JP_STATE_LIVE:
		return JP_REASON_NONE;
	case JP_STATE_UNCLAIMED: /* nothing proves one */
	case JP_STATE_REPLACED:  /* none of these is known from the record */
	case JP_STATE_UNUSED:
	case JP_STATE_USER_DISABLED:
	case JP_STATE_PREFIX:
	case JP_STATE_PARENT:
	case JP_STATE_PARENT_PAUSED:
		break;
	}
	return JP_REASON_RECORD;
}

static enum jp_reason
check_ended(struct check *check)
{
	enum jp_state state = jp_record_state(&check->record, check->now);

	return jp_state_status(state) == JP_STATUS_DEAD ? reason_of_state(state)
	                                                : JP_REASON_NONE;
}

static enum jp_reason
read_parents(struct check *check)
{
	return store_reason(check,
	    jp_parents_judge(check->core->store,
	        check->request->account ? jp_store_get : jp_store_try_get,
	        &check->record, check->now, &check->parents));
}

static enum jp_reason
check_parents_live(struct check *check)
{
	return jp_state_status(check->parents) == JP_STATUS_DEAD
	           ? JP_REASON_PARENT
	           : JP_REASON_NONE;
}

/* What has ended does not come here. */
static enum jp_reason
check_enabled(struct check *check)
{
	return reason_of_state(jp_record_state(&check->record, check->now));
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
check_parents_active(struct check *check)
{
	return jp_state_status(check->parents) == JP_STATUS_LIVE
	           ? JP_REASON_NONE
	           : JP_REASON_PARENT;
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

/*
 * What is looked at once the secret is proved, in order. Two kinds are left
 * out: what is about the server behind the service, for JP_ACCESS_SELF has
 * none; and what check_account() has read before.
 */
static const struct right {
	enum jp_reason (*look)(struct check *check);
	enum { ALWAYS, OF_SERVER, READ_BEFORE } kind;
} rights[] = {
	{ check_user, ALWAYS },
	{ check_ended, ALWAYS },
	{ read_parents, READ_BEFORE },
	{ check_parents_live, ALWAYS },
	{ check_enabled, ALWAYS },
	{ check_unused, ALWAYS },
	{ check_active, READ_BEFORE },
	{ check_parents_active, ALWAYS },
	{ check_service, OF_SERVER },
	{ check_scope, OF_SERVER },
	{ check_address, ALWAYS },
	{ check_group, OF_SERVER },
	{ check_upstream, OF_SERVER },
};

static bool
leaves_out(const struct jp_request *request, const struct right *right)
{
	switch (right->kind) {
	case OF_SERVER:
		return request->access == JP_ACCESS_SELF;
	case READ_BEFORE:
		return request->account;
	case ALWAYS:
		break;
	}
	return false;
}

static enum jp_reason
check_rights(struct check *check)
{
	/* Without a time of day nothing is known to have ended, or not. */
	enum jp_reason reason =
	    check->now >= 0 ? JP_REASON_NONE : JP_REASON_STORE;

	check->rule =
	    jp_policy_rule(&check->core->policy, check->request->service);
	for (size_t i = 0;
	     reason == JP_REASON_NONE && i < sizeof(rights) / sizeof(rights[0]);
	     i++)
		if (!leaves_out(check->request, &rights[i]))
			reason = rights[i].look(check);
	return reason;
}

/* Whether an acceptance is one of a limited number. */
static bool
takes_use(const struct check *check)
{
	return check->record.uses_max != 0 &&
	       check->request->access != JP_ACCESS_SELF;
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
	else if (reason == JP_REASON_NONE && takes_use(check))
		*need = JP_NEED_USE;
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

/*
 * Whether the token of the record that was read would be accepted. The policy
 * is not held while what is above it is read, which may wait.
 */
static enum jp_reason
check_candidate(struct check *check)
{
	enum jp_reason reason = read_parents(check);

	if (reason != JP_REASON_NONE)
		return reason;
	pthread_rwlock_rdlock(&check->core->policy_lock);
	reason = check_prefix(check);
	if (reason == JP_REASON_NONE)
		reason = check_rights(check);
	pthread_rwlock_unlock(&check->core->policy_lock);
	return reason;
}

/* What could not be read may have been the one that would be accepted. */
static enum jp_reason
check_candidates(struct check *check, struct jp_listing *listing)
{
	enum jp_reason none = JP_REASON_NO_TOKEN, reason;
	size_t count;

	for (;;) {
		if (jp_store_list(check->core->store, listing, &check->record,
		        1, &count) != JP_ERR_OK)
			return JP_REASON_STORE;
		if (count == 0)
			return none;
		check->groups_wanted = false;
		reason = check_candidate(check);
		if (reason == JP_REASON_NONE)
			return JP_REASON_ACCOUNT;
		if (reason == JP_REASON_STORE)
			none = JP_REASON_STORE;
	}
}

static enum jp_reason
check_account(struct check *check)
{
	struct jp_listing listing = { .order = JP_ORDER_USER };
	const char *user = check->request->user;

	if (user[0] == '\0')
		return JP_REASON_NO_TOKEN;
	if (jp_store_user(check->core->store, user, &check->user) != JP_ERR_OK)
		return JP_REASON_STORE;
	if (check->user.disabled)
		return JP_REASON_USER_DISABLED;
	(void)jp_field_set(listing.user, sizeof(listing.user), user);
	return check_candidates(check, &listing);
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

/* All that is left to do is a commit. */
static bool
accepts(const struct jp_decision *decision)
{
	return decision->verdict == JP_ACCEPT ||
	       decision->need == JP_NEED_COMPLETE ||
	       decision->need == JP_NEED_USE;
}

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
	if (accepts(decision) || jp_reason_rights(decision->reason) ||
	    decision->need == JP_NEED_GROUPS)
		memcpy(
		    decision->user, check.record.user, sizeof(decision->user));
	if (accepts(decision))
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
