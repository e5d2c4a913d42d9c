/* The operation that holds existing tokens against today's policy. */
#include "common/admin/job.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* One without a live parent has ended, too. */
static enum jp_err
has_ended(struct job *job, const struct jp_record *record, bool *ended)
{
	enum jp_err err = jp_job_judge(job, record);

	*ended = jp_record_ended(record, job->now) ||
	         job->item.state == JP_STATE_PARENT;
	return err;
}

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
	bool ended;
	enum jp_err err = has_ended(job, other, &ended);

	if (err != JP_ERR_OK || ended || other->superseded_at != JP_NEVER ||
	    own_breach(job, rank->policy, other) != JP_BREACH_NONE)
		return err;
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

/* The first breach of a token that has not ended that a revocation mends, or
 * shortening. */
static enum jp_err
find_breach(struct job *job, const struct jp_policy *policy,
    const struct jp_record *record, enum jp_breach *breach)
{
	enum jp_err err = JP_ERR_OK;
	bool many = false;

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

/* Tokens that break the policy, to be mended in one transaction. */
struct mending {
	const struct jp_policy *policy;
	size_t len, change_len;
	struct jp_record records[JP_BATCH_ROWS];
	enum jp_breach breaches[JP_BATCH_ROWS];
	struct jp_change changes[JP_BATCH_ROWS];
	uint64_t counts[JP_BREACH_COUNT_OF]; /* of all that have not ended */
};

/* Read again under the lock: it may have been mended, or used, meanwhile. */
static enum jp_err
mend_again(struct job *job, struct mending *mending, size_t i)
{
	const struct jp_policy *policy = mending->policy;
	struct jp_record *record = &mending->records[i];
	enum jp_breach *breach = &mending->breaches[i];
	char id[sizeof(record->id)];
	bool ended;
	enum jp_err err;

	*breach = JP_BREACH_NONE;
	memcpy(id, record->id, sizeof(id));
	err = jp_store_get(job->core->store, id, record);
	if (err == JP_ERR_NOT_FOUND)
		return JP_ERR_OK;
	if (err != JP_ERR_OK)
		return jp_job_store_why(job, err);
	err = has_ended(job, record, &ended);
	if (err == JP_ERR_OK && !ended)
		err = find_breach(job, policy, record, breach);
	if (err != JP_ERR_OK || *breach == JP_BREACH_NONE)
		return err;
	mend(job, policy, *breach, record);
	mending->changes[mending->change_len++] =
	    (struct jp_change){ JP_CHANGE_END, record };
	return err;
}

static enum jp_err
apply(struct job *job, void *arg)
{
	struct mending *mending = arg;
	enum jp_err err = JP_ERR_OK;

	mending->change_len = 0;
	for (size_t i = 0; i < mending->len && err == JP_ERR_OK; i++)
		err = mend_again(job, mending, i);
	if (err != JP_ERR_OK || mending->change_len == 0)
		return err;
	return jp_job_commit(job, mending->changes, mending->change_len);
}

/* Mends what was gathered, and says what became of it. */
static enum jp_err
mend_all(struct job *job, struct mending *mending)
{
	enum jp_err err = JP_ERR_OK;

	if (!job->request->dry_run && mending->len > 0)
		err = jp_job_write(job, apply, mending);
	for (size_t i = 0; i < mending->len && err == JP_ERR_OK; i++) {
		job->item.breach = mending->breaches[i];
		if (job->item.breach != JP_BREACH_NONE)
			err = jp_job_emit_record(job, JP_ITEM_RECORD,
			    &mending->records[i], !job->request->dry_run);
	}
	mending->len = 0;
	return err;
}

static enum jp_err
emit_counts(struct job *job, const struct mending *mending)
{
	struct jp_admin_item *item = &job->item;

	sodium_memzero(item, sizeof(*item));
	item->kind = JP_ITEM_COUNTS;
	memcpy(item->breaches, mending->counts, sizeof(item->breaches));
	for (size_t i = 0; i < JP_BREACH_COUNT_OF; i++)
		item->live += mending->counts[i];
	return job->emit(job->arg, item);
}

static enum jp_err
visit(struct job *job, void *arg, const struct jp_record *record)
{
	struct mending *mending = arg;
	enum jp_breach breach;
	bool ended = true;
	enum jp_err err = has_ended(job, record, &ended);

	if (err == JP_ERR_OK && !ended)
		err = find_breach(job, mending->policy, record, &breach);
	if (err != JP_ERR_OK || ended)
		return err;
	mending->counts[breach]++;
	if (job->request->summary || breach == JP_BREACH_NONE)
		return err;
	mending->records[mending->len] = *record;
	mending->breaches[mending->len] = breach;
	return ++mending->len < JP_BATCH_ROWS ? err : mend_all(job, mending);
}

enum jp_err
jp_op_policy(struct job *job)
{
	struct jp_listing listing = { .order = JP_ORDER_ID };
	struct mending *mending = calloc(1, sizeof(*mending));
	struct jp_policy policy;
	enum jp_err err;

	if (job->request->summary && !job->request->dry_run) {
		free(mending);
		return jp_why(job->why, JP_ERR_INVALID,
		    "a summary changes nothing: ask for a dry run");
	}
	if (mending == NULL)
		return jp_why(
		    job->why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	jp_job_read_policy(job->core, &policy);
	mending->policy = &policy;
	err = jp_job_each_record(job, &listing, visit, mending);
	if (err == JP_ERR_OK)
		err = mend_all(job, mending);
	if (err == JP_ERR_OK && job->request->summary)
		err = emit_counts(job, mending);
	sodium_memzero(mending, sizeof(*mending));
	free(mending);
	return err;
}
