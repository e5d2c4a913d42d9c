/* The operation that gives a token a successor. */
#include "common/admin/child.h"

#include <sodium.h>
#include <string.h>

static enum jp_err
check_old(const struct job *job, const struct jp_record *old)
{
	enum jp_state state = jp_record_state(old, job->now);

	if (old->superseded_at != JP_NEVER)
		return jp_why_refusal(job->why, JP_ERR_REFUSED,
		    JP_REFUSAL_ROTATED,
		    "the token %s was rotated already: rotate its successor, "
		    "see `pat-admin list %.255s`",
		    old->id, old->user);
	if (state != JP_STATE_LIVE)
		return jp_why_refusal(job->why, JP_ERR_REFUSED,
		    JP_REFUSAL_NOT_LIVE, "the token %s is %s: make a new one",
		    old->id, jp_state_name(state));
	return JP_ERR_OK;
}

/* As long as the old one was made for, as far as the policy allows it. */
static enum jp_err
choose_expiry(const struct job *job, const struct jp_policy *policy,
    const struct jp_record *old, int64_t *expires_at)
{
	int64_t longest = policy->max_lifetime;
	int64_t lifetime = jp_record_lifetime(old, job->now);

	if (job->request->lifetime != JP_LIFETIME_DEFAULT)
		return jp_job_choose_expiry(job, policy, job->request->lifetime,
		    job->request->expires_at, expires_at);
	if (longest != JP_NEVER && (lifetime == JP_NEVER || lifetime > longest))
		lifetime = longest;
	*expires_at =
	    lifetime == JP_NEVER ? JP_NEVER : jp_when_add(job->now, lifetime);
	return JP_ERR_OK;
}

/* The same rights; nothing of what happened to the old one. */
static void
inherit(const struct job *job, const struct jp_record *old,
    struct jp_record *record)
{
	jp_job_begin_record(job, old, record);
	if (!job->request->keep_until_grace)
		memcpy(record->ends, old->id, sizeof(record->ends));
}

struct pair {
	struct jp_record *old, *record;
};

/*
 * What was left of a limited one is its successor's alone, or there would be
 * more of it: the old one is used up at once, whatever the grace is.
 */
static void
hand_on_uses(struct jp_record *from, struct jp_record *to)
{
	if (from->uses_max == 0)
		return;
	to->uses_left = from->uses_left;
	from->uses_left = 0;
}

/* Old and new change in one transaction, or neither does. */
static enum jp_err
store_pair(struct job *job, void *arg)
{
	const struct pair *pair = arg;
	struct jp_record *old = pair->old;
	const struct jp_change changes[] = {
		{ JP_CHANGE_REPLACE, old },
		{ JP_CHANGE_CREATE, pair->record },
	};
	enum jp_err err = jp_job_get(job, old); /* it may have changed since */

	if (err == JP_ERR_OK)
		err = check_old(job, old);
	if (err == JP_ERR_OK) {
		old->superseded_at = job->now;
		old->grace_until = jp_when_add(job->now, job->request->grace);
		old->keep_until_grace = job->request->keep_until_grace;
		hand_on_uses(old, pair->record);
		err = jp_job_commit(job, changes, 2);
	}
	return err;
}

/* A successor that could not be handed over was never seen: all is as before.
 */
static enum jp_err
take_back(struct job *job, void *arg)
{
	const struct pair *pair = arg;
	struct jp_record *old = pair->old, *record = pair->record;
	const struct jp_change changes[] = {
		{ JP_CHANGE_DELETE, record },
		{ JP_CHANGE_REPLACE, old },
	};
	enum jp_err err = jp_store_get(job->core->store, job->target.name, old);

	if (err != JP_ERR_OK)
		return err;
	old->superseded_at = old->grace_until = JP_NEVER;
	old->keep_until_grace = false;
	if (record->uses_max != 0)
		old->uses_left = record->uses_left;
	return jp_job_take_back(job, changes, 2);
}

enum jp_err
jp_op_rotate(struct job *job)
{
	struct jp_record old, record;
	struct pair pair = { &old, &record };
	struct jp_policy policy;
	enum jp_err err = jp_job_get(job, &old);
	char family[sizeof(old.family)];

	jp_job_read_policy(job->core, &policy);
	if (err == JP_ERR_OK && job->request->grace < 0)
		err = jp_why_refusal(job->why, JP_ERR_INVALID,
		    JP_REFUSAL_LIFETIME_PAST, "the grace is negative");
	if (err == JP_ERR_OK)
		err = check_old(job, &old);
	if (err == JP_ERR_OK) {
		inherit(job, &old, &record);
		memcpy(family, old.family, sizeof(family));
		err = choose_expiry(job, &policy, &old, &record.expires_at);
	}
	if (err == JP_ERR_OK)
		err = jp_child_rotate(job, &old, &record.expires_at);
	if (err != JP_ERR_OK || job->request->dry_run)
		return err;
	err = jp_job_make_token(job, &policy, &record);
	if (err != JP_ERR_OK)
		return err;
	memcpy(record.family, family, sizeof(record.family));
	err = jp_job_write(job, store_pair, &pair);
	if (err != JP_ERR_OK)
		return err;
	err = jp_job_emit_record(job, JP_ITEM_TOKEN, &record, true);
	if (err != JP_ERR_OK)
		jp_job_undo(job, take_back, &pair);
	jp_secret_clear(&job->item.token);
	return err == JP_ERR_OK
	           ? jp_job_emit_record(job, JP_ITEM_RECORD, &old, true)
	           : err;
}
