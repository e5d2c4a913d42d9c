/*
 * The operation that makes a token, and what rotation and the making of many
 * need of it.
 */
#include "common/admin/job.h"

#include <sodium.h>
#include <string.h>

#include "common/admin/child.h"
#include "common/admin/owns.h"
#include "common/record/claim_code.h"
#include "common/record/token_make.h"

static enum jp_err
check_scopes(const struct jp_record *record, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; err == JP_ERR_OK && i < record->scope_len; i++) {
		const char *scope = record->scopes[i];

		err = jp_text_check("scope", scope, JP_SCOPE_MAX, why);
		if (err == JP_ERR_OK &&
		    (scope[0] == '\0' || strpbrk(scope, " ,") != NULL))
			err = jp_why(why, JP_ERR_INVALID,
			    "a scope is one word: no spaces, no commas");
	}
	for (size_t i = 0; err == JP_ERR_OK && i < record->service_len; i++) {
		err = jp_text_check(
		    "service", record->services[i], JP_SERVICE_MAX, why);
		if (err == JP_ERR_OK && record->services[i][0] == '\0')
			err = jp_why(why, JP_ERR_INVALID, "a service is empty");
	}
	return err == JP_ERR_OK ? err
	                        : jp_why_is(why, err, JP_REFUSAL_SCOPE_INVALID);
}

static enum jp_err
check_name(const struct jp_record *record, const struct jp_policy *policy,
    struct jp_why *why)
{
	enum jp_err err;

	if (policy->name_required && record->name[0] == '\0')
		return jp_why_refusal(why, JP_ERR_INVALID,
		    JP_REFUSAL_NAME_REQUIRED,
		    "a name is required: give one with --name");
	err = jp_text_check("name", record->name, JP_NAME_MAX, why);
	return err == JP_ERR_OK ? err
	                        : jp_why_is(why, err, JP_REFUSAL_NAME_INVALID);
}

static enum jp_err
check_user(const struct jp_record *record, struct jp_why *why)
{
	enum jp_err err = record->parent[0] == '\0'
	                      ? jp_user_check_new(record->user, why)
	                      : JP_ERR_OK; /* it is its parent's */

	return err == JP_ERR_OK ? err
	                        : jp_why_is(why, err, JP_REFUSAL_USER_INVALID);
}

/* In self-service nobody gives a token to a group of others. */
static enum jp_err
check_group(struct job *job, const struct jp_record *record)
{
	const char *owner = job->request->owner, *group = record->owner_group;
	bool in = true;
	enum jp_err err = JP_ERR_OK;

	if (group[0] == '\0' || record->parent[0] != '\0')
		return err; /* a child has that of its parent */
	err = jp_group_check(group, job->why);
	if (err != JP_ERR_OK)
		return jp_why_is(job->why, err, JP_REFUSAL_USER_INVALID);
	/* A token hands on its own group: self_limits.c holds it to that. */
	if (owner != NULL && job->request->behalf.token[0] == '\0')
		err = jp_admin_in_group(job->core, owner, group, &in, job->why);
	return in || err != JP_ERR_OK
	           ? err
	           : jp_why_refusal(job->why, JP_ERR_REFUSED,
	                 JP_REFUSAL_NOT_ALLOWED,
	                 "you are not in the group %s: name one of yours, or "
	                 "none",
	                 group);
}

enum jp_err
jp_job_choose_expiry(const struct job *job, const struct jp_policy *policy,
    enum jp_lifetime lifetime, int64_t until, int64_t *expires_at)
{
	char longest[JP_WHEN_TEXT_MAX];

	*expires_at = JP_NEVER;
	switch (lifetime) {
	case JP_LIFETIME_DEFAULT:
		if (policy->default_lifetime != JP_NEVER)
			*expires_at =
			    jp_when_add(job->now, policy->default_lifetime);
		break;
	case JP_LIFETIME_UNTIL:
		*expires_at = until;
		if (*expires_at <= job->now)
			return jp_why_refusal(job->why, JP_ERR_INVALID,
			    JP_REFUSAL_LIFETIME_PAST,
			    "the expiry is in the past");
		break;
	case JP_LIFETIME_NEVER:
		break;
	}
	if (policy->max_lifetime == JP_NEVER ||
	    (*expires_at != JP_NEVER &&
	        jp_when_since(job->now, *expires_at) <= policy->max_lifetime))
		return JP_ERR_OK;
	jp_duration_format(policy->max_lifetime, longest);
	return jp_why_refusal(job->why, JP_ERR_REFUSED,
	    JP_REFUSAL_LIFETIME_TOO_LONG,
	    "the policy allows a lifetime of at most %s ([tokens] "
	    "max_lifetime)",
	    longest);
}

void
jp_job_begin_record(const struct job *job, const struct jp_record *model,
    struct jp_record *record)
{
	memset(record, 0, sizeof(*record));
	memcpy(record->user, model->user, sizeof(record->user));
	memcpy(record->name, model->name, sizeof(record->name));
	record->scope_len = model->scope_len;
	memcpy(record->scopes, model->scopes, sizeof(record->scopes));
	record->service_len = model->service_len;
	memcpy(record->services, model->services, sizeof(record->services));
	record->net_len = model->net_len;
	memcpy(record->nets, model->nets, sizeof(record->nets));
	memcpy(record->parent, model->parent, sizeof(record->parent));
	memcpy(record->owner_group, model->owner_group,
	    sizeof(record->owner_group));
	record->uses_max = record->uses_left = model->uses_max;
	record->created_at = job->now;
	(void)jp_field_set(
	    record->created_by, sizeof(record->created_by), job->actor);
}

enum jp_err
jp_job_plan_token(struct job *job, const struct jp_policy *policy,
    const struct jp_new_token *asked, struct jp_record *record)
{
	struct jp_new_token narrowed = *asked;
	enum jp_err err = jp_child_narrow(job, policy, &narrowed);

	jp_job_begin_record(job, &narrowed.record, record);
	if (err == JP_ERR_OK)
		err = check_user(record, job->why);
	if (err == JP_ERR_OK)
		err = check_name(record, policy, job->why);
	if (err == JP_ERR_OK)
		err = check_scopes(record, job->why);
	if (err == JP_ERR_OK)
		err = check_group(job, record);
	return err == JP_ERR_OK
	           ? jp_job_choose_expiry(job, policy, narrowed.lifetime,
	                 narrowed.expires_at, &record->expires_at)
	           : err;
}

enum jp_err
jp_job_check_count(
    struct job *job, const struct jp_policy *policy, uint64_t live)
{
	if (policy->max_per_user == 0 || live < policy->max_per_user)
		return JP_ERR_OK;
	return jp_why_refusal(job->why, JP_ERR_REFUSED, JP_REFUSAL_TOO_MANY,
	    "the user has %u live tokens already ([tokens] max_per_user): "
	    "revoke one first",
	    (unsigned int)live);
}

static enum jp_err
check_count(struct job *job, const struct jp_policy *policy, const char *user)
{
	uint64_t live;
	enum jp_err err;

	if (policy->max_per_user == 0)
		return JP_ERR_OK;
	err = jp_job_count_live(job, user, &live);
	return err == JP_ERR_OK ? jp_job_check_count(job, policy, live) : err;
}

bool
jp_job_links(const struct job *job)
{
	return job->request->link_for != 0;
}

enum jp_err
jp_job_check_link(struct job *job)
{
	return job->request->link_for >= 0
	           ? JP_ERR_OK
	           : jp_why_refusal(job->why, JP_ERR_INVALID,
	                 JP_REFUSAL_LIFETIME_PAST,
	                 "the lifetime of a link is negative");
}

void
jp_job_draw_code(
    struct job *job, struct jp_record *record, struct jp_secret *code)
{
	jp_token_make_id(record->id);
	memcpy(record->family, record->id, sizeof(record->family));
	jp_claim_code_make(
	    &job->core->pepper, record->id, code, record->claim_tag);
	record->claim_until = jp_when_add(job->now, job->request->link_for);
}

enum jp_err
jp_job_draw_text(struct job *job, const struct jp_policy *policy,
    struct jp_record *record, struct jp_secret *text)
{
	struct jp_token token;
	enum jp_err err;

	jp_token_make_text(policy->prefix, record->id, text);
	err = jp_token_parse(text->text, text->len, &token);
	if (err != JP_ERR_OK)
		return jp_job_hash_why(job, err);
	jp_pepper_fast_tag(
	    &job->core->pepper, token.id, token.secret, record->fast_tag);
	record->has_fast_tag = true;
	return jp_field_set(
	    record->prefix, sizeof(record->prefix), policy->prefix);
}

enum jp_err
jp_job_draw_token(struct job *job, const struct jp_policy *policy,
    struct jp_record *record, struct jp_secret *text)
{
	jp_token_make_id(record->id);
	memcpy(record->family, record->id, sizeof(record->family));
	return jp_job_draw_text(job, policy, record, text);
}

enum jp_err
jp_job_hash_token(struct jp_core *core, const struct jp_policy *policy,
    const struct jp_secret *text, struct jp_record *record)
{
	enum jp_err err;

	jp_gate_enter(&core->gate, JP_COST_BYTES(&policy->cost));
	err = jp_hash_make(text, &policy->cost, record->phc);
	jp_gate_leave(&core->gate, JP_COST_BYTES(&policy->cost));
	return err;
}

enum jp_err
jp_job_hash_why(struct job *job, enum jp_err err)
{
	return err == JP_ERR_OK
	           ? err
	           : jp_why(job->why, err, "cannot hash the token: %s",
	                 jp_err_text(err));
}

enum jp_err
jp_job_make_token(
    struct job *job, const struct jp_policy *policy, struct jp_record *record)
{
	struct jp_secret *text = &job->item.token;
	enum jp_err err = jp_job_draw_token(job, policy, record, text);

	return err == JP_ERR_OK
	           ? jp_job_hash_why(job,
	                 jp_job_hash_token(job->core, policy, text, record))
	           : err;
}

struct creation {
	const struct jp_policy *policy;
	const struct jp_record *record;
	struct jp_record parent;
};

/* Counts and stores in one go: two creations cannot both be the last one. */
static enum jp_err
store_token(struct job *job, void *arg)
{
	struct creation *creation = arg;
	const struct jp_record *record = creation->record;
	struct child_parents parents = { &creation->parent, 0 };
	struct jp_change changes[2] = { { JP_CHANGE_CREATE, record } };
	enum jp_err err = check_count(job, creation->policy, record->user);

	if (err == JP_ERR_OK)
		err = jp_child_take_uses(job, record, &parents);
	return err == JP_ERR_OK ? jp_job_commit_some(job, changes,
	                              jp_child_changes(&parents, changes, 1), 1)
	                        : err;
}

/* A token that could not be handed over was never seen: it goes again. */
static enum jp_err
take_back(struct job *job, void *arg)
{
	struct creation *creation = arg;
	struct child_parents parents = { &creation->parent, 0 };
	struct jp_change changes[2] = { { JP_CHANGE_DELETE,
	    creation->record } };

	jp_child_give_back(job, creation->record, &parents);
	return jp_job_take_back(
	    job, changes, jp_child_changes(&parents, changes, 1));
}

static enum jp_err
hand_over(struct job *job, struct creation *creation)
{
	enum jp_err err = jp_job_emit_record(job,
	    jp_job_links(job) ? JP_ITEM_LINK : JP_ITEM_TOKEN, creation->record,
	    true);

	if (err != JP_ERR_OK)
		jp_job_undo(job, take_back, creation);
	return err;
}

/* With its secret, or with the code of the link that makes it. */
static enum jp_err
make_it(
    struct job *job, const struct jp_policy *policy, struct jp_record *record)
{
	if (!jp_job_links(job))
		return jp_job_make_token(job, policy, record);
	jp_job_draw_code(job, record, &job->item.token);
	return JP_ERR_OK;
}

/* The user of a child may be left to its parent. */
static enum jp_err
name_user(struct job *job, struct jp_record *record)
{
	const char *user =
	    job->target.kind == JP_TARGET_USER ? job->target.name : "";

	if (record->parent[0] != '\0')
		return JP_ERR_OK;
	if (user[0] == '\0')
		return jp_why_refusal(job->why, JP_ERR_INVALID,
		    JP_REFUSAL_USER_INVALID,
		    "an argument is missing: name a user");
	return jp_field_set(record->user, sizeof(record->user), user);
}

enum jp_err
jp_op_create(struct job *job)
{
	struct jp_new_token asked = { job->request->record,
		job->request->lifetime, job->request->expires_at };
	struct jp_record record;
	struct jp_policy policy;
	struct creation creation = { .policy = &policy, .record = &record };
	enum jp_err err = name_user(job, &asked.record);

	jp_job_read_policy(job->core, &policy);
	if (err == JP_ERR_OK)
		err = jp_job_check_link(job);
	if (err == JP_ERR_OK)
		err = jp_job_plan_token(job, &policy, &asked, &record);
	if (err == JP_ERR_OK) /* before the costly hash; counted again after */
		err = check_count(job, &policy, record.user);
	if (err != JP_ERR_OK || job->request->dry_run)
		return err;
	err = make_it(job, &policy, &record);
	if (err == JP_ERR_OK)
		err = jp_job_write(job, store_token, &creation);
	if (err == JP_ERR_OK)
		err = hand_over(job, &creation);
	sodium_memzero(&creation.parent, sizeof(creation.parent));
	sodium_memzero(&record, sizeof(record));
	return err;
}
