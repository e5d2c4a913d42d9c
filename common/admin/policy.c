/* The operation that holds existing tokens against today's policy. */
#include "common/admin/job.h"

#include <string.h>

/* What is wrong with a live token by itself, and only its end can mend. */
static enum jp_breach
own_breach(const struct job *job, const struct jp_policy *policy,
    const struct jp_record *record)
{
	if (jp_record_unused(record, policy->unused_limit, job->now))
		return JP_BREACH_UNUSED;
	if (policy->name_required && record->name[0] == '\0')
		return JP_BREACH_NAME;
	return JP_BREACH_NONE;
}

/*
 * How many live tokens the user has that are newer than `record`. Those that
 * go anyway do not count, nor those that were rotated and live in their grace.
 */
struct rank {
	const struct jp_policy *policy;
	const struct jp_record *record;
	uint64_t newer;
};

static enum jp_err
count_newer(struct job *job, void *arg, const struct jp_record *other)
{
	struct rank *rank = arg;
	const struct jp_record *record = rank->record;

	if (jp_record_state(other, job->now) != JP_STATE_LIVE ||
	    other->superseded_at != JP_NEVER ||
	    own_breach(job, rank->policy, other) != JP_BREACH_NONE)
		return JP_ERR_OK;
	if (other->created_at != record->created_at)
		rank->newer += other->created_at > record->created_at;
	else
		rank->newer += strcmp(other->id, record->id) > 0;
	return JP_ERR_OK;
}

static enum jp_err
is_too_many(struct job *job, const struct jp_policy *policy,
    const struct jp_record *record, bool *is)
{
	struct rank rank = { policy, record, 0 };
	struct jp_listing listing;
	enum jp_err err;

	*is = false;
	if (policy->max_per_user == 0 || record->superseded_at != JP_NEVER)
		return JP_ERR_OK;
	jp_job_list_user(&listing, record->user);
	err = jp_job_each_record(job, &listing, count_newer, &rank);
	*is = rank.newer >= policy->max_per_user;
	return err;
}

static bool
lives_too_long(const struct job *job, const struct jp_policy *policy,
    const struct jp_record *record)
{
	int64_t lifetime = jp_record_lifetime(record, job->now);

	return policy->max_lifetime != JP_NEVER &&
	       (lifetime == JP_NEVER || lifetime > policy->max_lifetime);
}

/* The first breach of a live token that a revocation mends, or shortening. */
static enum jp_err
find_breach(struct job *job, const struct jp_policy *policy,
    const struct jp_record *record, enum jp_breach *breach)
{
	enum jp_err err = JP_ERR_OK;
	bool many = false;

	*breach = JP_BREACH_NONE;
	if (jp_record_state(record, job->now) != JP_STATE_LIVE)
		return err;
	*breach = own_breach(job, policy, record);
	if (*breach == JP_BREACH_NONE)
		err = is_too_many(job, policy, record, &many);
	if (many)
		*breach = JP_BREACH_COUNT;
	else if (*breach == JP_BREACH_NONE &&
	         lives_too_long(job, policy, record))
		*breach = JP_BREACH_LIFETIME;
	return err;
}

static void
mend(const struct job *job, const struct jp_policy *policy,
    enum jp_breach breach, struct jp_record *record)
{
	if (breach == JP_BREACH_LIFETIME) {
		record->expires_at = jp_when_add(
		    jp_record_made_at(record, job->now), policy->max_lifetime);
		return;
	}
	record->revoked_at = job->now;
	(void)jp_field_set(
	    record->revoked_by, sizeof(record->revoked_by), job->actor);
	(void)jp_field_set(record->revoked_why, sizeof(record->revoked_why),
	    "it breaks the policy");
}

struct mending {
	const struct jp_policy *policy;
	struct jp_record *record;
	enum jp_breach *breach;
};

/* Read again under the lock: it may have been mended, or used, meanwhile. */
static enum jp_err
apply(struct job *job, void *arg)
{
	const struct mending *mending = arg;
	const struct jp_policy *policy = mending->policy;
	struct jp_record *record = mending->record;
	enum jp_breach *breach = mending->breach;
	const struct jp_change change = { JP_CHANGE_END, record };
	char id[sizeof(record->id)];
	enum jp_err err;

	memcpy(id, record->id, sizeof(id));
	err = jp_store_get(job->core->store, id, record);
	if (err != JP_ERR_OK && err != JP_ERR_NOT_FOUND)
		(void)jp_job_store_why(job, err);
	if (err == JP_ERR_OK)
		err = find_breach(job, policy, record, breach);
	if (err == JP_ERR_OK && *breach != JP_BREACH_NONE) {
		mend(job, policy, *breach, record);
		err = jp_job_commit(job, &change, 1);
	}
	if (err == JP_ERR_NOT_FOUND)
		*breach = JP_BREACH_NONE;
	return err == JP_ERR_NOT_FOUND ? JP_ERR_OK : err;
}

static enum jp_err
visit(struct job *job, void *arg, const struct jp_record *record)
{
	const struct jp_policy *policy = arg;
	struct jp_record copy = *record;
	enum jp_breach breach;
	struct mending mending = { policy, &copy, &breach };
	enum jp_err err = find_breach(job, policy, record, &breach);

	if (err == JP_ERR_OK && breach != JP_BREACH_NONE &&
	    !job->request->dry_run)
		err = jp_job_write(job, apply, &mending);
	if (err != JP_ERR_OK || breach == JP_BREACH_NONE)
		return err;
	job->item.breach = breach;
	return jp_job_emit_record(
	    job, JP_ITEM_RECORD, &copy, !job->request->dry_run);
}

enum jp_err
jp_op_policy(struct job *job)
{
	struct jp_listing listing = { .order = JP_ORDER_ID };
	struct jp_policy policy;

	jp_job_read_policy(job->core, &policy);
	return jp_job_each_record(job, &listing, visit, &policy);
}
