/*
 * The operation that fetches a token by its link: the secret is made now, for
 * the one whose token it is, and once.
 */
#include "common/admin/job.h"

#include <sodium.h>
#include <string.h>

#include "common/record/claim_code.h"

/*
 * One answer for everything that is wrong: whoever holds a code that is not
 * theirs learns nothing of the token.
 */
static enum jp_err
gone(struct job *job)
{
	return jp_why_refusal(job->why, JP_ERR_NOT_FOUND, JP_REFUSAL_LINK_GONE,
	    "this link leads to no token of yours: it was used before, has "
	    "ended, or is not complete; ask for another one");
}

/* Who asks: an administrator, too, fetches the own tokens alone. */
static const char *
claimer(const struct job *job)
{
	const struct jp_admin_request *request = job->request;

	if (request->owner != NULL)
		return request->owner;
	return request->behalf.user[0] != '\0' ? request->behalf.user
	                                       : job->actor;
}

/* Whether the record waits for its user to come with a code. */
static enum jp_err
find_waiting(struct job *job, struct jp_record *record)
{
	enum jp_err err =
	    jp_store_get(job->core->store, job->target.name, record);

	if (err != JP_ERR_OK)
		return err == JP_ERR_NOT_FOUND ? gone(job)
		                               : jp_job_store_why(job, err);
	if (strcmp(record->user, claimer(job)) != 0 ||
	    record->claim_until <= job->now || record->disabled_at != JP_NEVER)
		return gone(job);
	err = jp_job_judge(job, record);
	return err == JP_ERR_OK && job->item.state != JP_STATE_UNCLAIMED
	           ? gone(job)
	           : err;
}

/* Guesses are limited for each token; those of its user, for no others come
 * here. */
static enum jp_err
check_code(struct job *job, const struct jp_record *record)
{
	struct jp_core *core = job->core;
	const struct jp_secret *code = &job->request->question.token;
	int64_t wait_ms;
	bool fits = false;

	pthread_mutex_lock(&core->claims_lock);
	wait_ms = jp_throttle_take(&core->claims, record->id, JP_TOKEN_ID_LEN,
	    1000 * jp_clock_now(&core->groups.clock));
	if (wait_ms == 0)
		fits = jp_claim_code_fits(&core->pepper, code, record);
	if (fits)
		jp_throttle_give_back(
		    &core->claims, record->id, JP_TOKEN_ID_LEN);
	pthread_mutex_unlock(&core->claims_lock);
	return fits ? JP_ERR_OK : gone(job);
}

/* What the claim makes of the record. */
struct claiming {
	struct jp_record made; /* with the hash and the tag of the secret */
	struct jp_record record;
};

/* It is made now: what was not used since then has not been unused for long. */
static void
take_secret(struct jp_record *record, const struct jp_record *made, int64_t now)
{
	record->created_at = now;
	memcpy(record->phc, made->phc, sizeof(record->phc));
	memcpy(record->prefix, made->prefix, sizeof(record->prefix));
	memcpy(record->fast_tag, made->fast_tag, sizeof(record->fast_tag));
	record->has_fast_tag = true;
	record->claim_until = JP_NEVER;
	memset(record->claim_tag, 0, sizeof(record->claim_tag));
}

/* Read again under the lock: of two who come at once, one is too late. */
static enum jp_err
store_claim(struct job *job, void *arg)
{
	struct claiming *claiming = arg;
	struct jp_record *record = &claiming->record;
	const struct jp_change change = { JP_CHANGE_REPLACE, record };
	enum jp_err err = find_waiting(job, record);

	if (err == JP_ERR_OK &&
	    memcmp(record->claim_tag, claiming->made.claim_tag,
	        sizeof(record->claim_tag)) != 0)
		err = gone(job);
	if (err != JP_ERR_OK)
		return err;
	take_secret(record, &claiming->made, job->now);
	return jp_job_commit(job, &change, 1);
}

/* The secret was never seen: the link lives again. */
static enum jp_err
take_back(struct job *job, void *arg)
{
	struct claiming *claiming = arg;
	const struct jp_record *made = &claiming->made;
	struct jp_record *record = &claiming->record;
	const struct jp_change change = { JP_CHANGE_REPLACE, record };
	enum jp_err err = jp_store_get(job->core->store, made->id, record);

	if (err != JP_ERR_OK || strcmp(record->phc, made->phc) != 0)
		return err;
	memset(record->phc, 0, sizeof(record->phc));
	memset(record->prefix, 0, sizeof(record->prefix));
	memset(record->fast_tag, 0, sizeof(record->fast_tag));
	record->has_fast_tag = false;
	record->created_at = made->created_at;
	record->claim_until = made->claim_until;
	memcpy(record->claim_tag, made->claim_tag, sizeof(record->claim_tag));
	return jp_job_take_back(job, &change, 1);
}

static enum jp_err
make_secret(struct job *job, struct jp_record *record)
{
	struct jp_secret *text = &job->item.token;
	struct jp_policy policy;
	enum jp_err err;

	jp_job_read_policy(job->core, &policy);
	err = jp_job_draw_text(job, &policy, record, text);
	return err == JP_ERR_OK
	           ? jp_job_hash_why(job,
	                 jp_job_hash_token(job->core, &policy, text, record))
	           : err;
}

enum jp_err
jp_op_claim(struct job *job)
{
	struct claiming claiming;
	enum jp_err err = find_waiting(job, &claiming.made);

	if (err == JP_ERR_OK)
		err = check_code(job, &claiming.made);
	if (err == JP_ERR_OK)
		err = make_secret(job, &claiming.made);
	if (err == JP_ERR_OK)
		err = jp_job_write(job, store_claim, &claiming);
	if (err == JP_ERR_OK) {
		err = jp_job_emit_record(
		    job, JP_ITEM_TOKEN, &claiming.record, true);
		if (err != JP_ERR_OK)
			jp_job_undo(job, take_back, &claiming);
	}
	sodium_memzero(&claiming, sizeof(claiming));
	return err;
}
