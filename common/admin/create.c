/*
 * The operation that makes a token, and what rotation and the making of many
 * need of it.
 */
#include "common/admin/job.h"

#include <string.h>

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
	return err;
}

static enum jp_err
check_name(const struct jp_record *record, const struct jp_policy *policy,
    struct jp_why *why)
{
	if (policy->name_required && record->name[0] == '\0')
		return jp_why(why, JP_ERR_INVALID,
		    "a name is required: give one with --name");
	return jp_text_check("name", record->name, JP_NAME_MAX, why);
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
			return jp_why(job->why, JP_ERR_INVALID,
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
	return jp_why(job->why, JP_ERR_REFUSED,
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
	record->created_at = job->now;
	(void)jp_field_set(
	    record->created_by, sizeof(record->created_by), job->actor);
}

enum jp_err
jp_job_plan_token(struct job *job, const struct jp_policy *policy,
    const struct jp_new_token *asked, struct jp_record *record)
{
	enum jp_err err;

	jp_job_begin_record(job, &asked->record, record);
	err = jp_user_check_new(record->user, job->why);
	if (err == JP_ERR_OK)
		err = check_name(record, policy, job->why);
	if (err == JP_ERR_OK)
		err = check_scopes(record, job->why);
	return err == JP_ERR_OK
	           ? jp_job_choose_expiry(job, policy, asked->lifetime,
	                 asked->expires_at, &record->expires_at)
	           : err;
}

enum jp_err
jp_job_check_count(
    struct job *job, const struct jp_policy *policy, uint64_t live)
{
	if (policy->max_per_user == 0 || live < policy->max_per_user)
		return JP_ERR_OK;
	return jp_why(job->why, JP_ERR_REFUSED,
	    "the user has %u live tokens already ([tokens] max_per_user): "
	    "revoke one first",
	    (unsigned int)live);
}

static enum jp_err
check_count(struct job *job, const struct jp_policy *policy)
{
	uint64_t live;
	enum jp_err err;

	if (policy->max_per_user == 0)
		return JP_ERR_OK;
	err = jp_job_count_live(job, job->target.name, &live);
	return err == JP_ERR_OK ? jp_job_check_count(job, policy, live) : err;
}

enum jp_err
jp_job_draw_token(struct job *job, const struct jp_policy *policy,
    struct jp_record *record, struct jp_secret *text)
{
	struct jp_token token;
	enum jp_err err;

	jp_token_make(policy->prefix, text, record->id);
	memcpy(record->family, record->id, sizeof(record->family));
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
};

/* Counts and stores in one go: two creations cannot both be the last one. */
static enum jp_err
store_token(struct job *job, void *arg)
{
	const struct creation *creation = arg;
	const struct jp_change change = { JP_CHANGE_CREATE, creation->record };
	enum jp_err err = check_count(job, creation->policy);

	return err == JP_ERR_OK ? jp_job_commit(job, &change, 1) : err;
}

/* A token that could not be handed over was never seen: it goes again. */
static enum jp_err
hand_over(struct job *job, const struct jp_record *record)
{
	const struct jp_change change = { JP_CHANGE_DELETE, record };
	enum jp_err err = jp_job_emit_record(job, JP_ITEM_TOKEN, record, true);

	if (err != JP_ERR_OK)
		(void)jp_job_take_back(job, &change, 1);
	return err;
}

enum jp_err
jp_op_create(struct job *job)
{
	struct jp_new_token asked = { job->request->record,
		job->request->lifetime, job->request->expires_at };
	struct jp_record record;
	struct jp_policy policy;
	struct creation creation = { &policy, &record };
	enum jp_err err;

	if (job->target.kind != JP_TARGET_USER)
		return jp_why(job->why, JP_ERR_INVALID,
		    "an argument is missing: name a user");
	jp_job_read_policy(job->core, &policy);
	(void)jp_field_set(
	    asked.record.user, sizeof(asked.record.user), job->target.name);
	err = jp_job_plan_token(job, &policy, &asked, &record);
	if (err == JP_ERR_OK) /* before the costly hash; counted again after */
		err = check_count(job, &policy);
	if (err != JP_ERR_OK || job->request->dry_run)
		return err;
	err = jp_job_make_token(job, &policy, &record);
	if (err == JP_ERR_OK)
		err = jp_job_write(job, store_token, &creation);
	return err == JP_ERR_OK ? hand_over(job, &record) : err;
}
