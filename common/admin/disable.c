/* The operations that pause a token, and end its pause. */
#include "common/admin/job.h"

#include <sodium.h>
#include <string.h>

#include "common/admin/owns.h"

struct pause {
	struct jp_record record;
	bool changed;
};

/*
 * Whose word an actor's is in self-service: its own user, or that of the token
 * that asked. Names of users have no colon.
 */
static enum jp_err
whose(struct job *job, const char *actor, char user[JP_USER_MAX + 1])
{
	static const char sso[] = "sso:", token[] = "token:";
	struct jp_record record;
	enum jp_err err;

	user[0] = '\0';
	if (strncmp(actor, token, strlen(token)) != 0) {
		if (strncmp(actor, sso, strlen(sso)) == 0)
			actor += strlen(sso);
		(void)jp_field_set(user, JP_USER_MAX + 1, actor);
		return JP_ERR_OK;
	}
	err = jp_store_get(job->core->store, actor + strlen(token), &record);
	if (err == JP_ERR_OK)
		memcpy(user, record.user, sizeof(record.user));
	sodium_memzero(&record, sizeof(record));
	return err == JP_ERR_OK || err == JP_ERR_NOT_FOUND
	           ? JP_ERR_OK
	           : jp_job_store_why(job, err);
}

/* What an administrator has disabled, no user enables. */
static enum jp_err
may_enable(struct job *job, const struct jp_record *record)
{
	const char *owner = job->request->owner;
	char user[JP_USER_MAX + 1];
	bool may = true;
	enum jp_err err = JP_ERR_OK;

	if (owner == NULL)
		return err;
	err = whose(job, record->disabled_by, user);
	if (err == JP_ERR_OK && strcmp(user, owner) != 0)
		err = jp_admin_owns(job->core, user, record, &may, job->why);
	return may || err != JP_ERR_OK
	           ? err
	           : jp_why_refusal(job->why, JP_ERR_REFUSED,
	                 JP_REFUSAL_NOT_ALLOWED,
	                 "the token %s was disabled by an administrator: ask "
	                 "them to enable it",
	                 record->id);
}

/* What has ended for good is neither. */
static enum jp_err
check_state(struct job *job, const struct jp_record *record)
{
	if (!jp_record_ended(record, job->now))
		return JP_ERR_OK;
	return jp_why_refusal(job->why, JP_ERR_REFUSED, JP_REFUSAL_NOT_LIVE,
	    "the token %s is %s", record->id,
	    jp_state_name(jp_record_state(record, job->now)));
}

/*
 * An administrator's word stands above that of others: the user who paused it
 * before cannot end that pause any more.
 */
static bool
takes_over(const struct job *job, const struct jp_record *record)
{
	return job->request->owner == NULL &&
	       strcmp(record->disabled_by, job->actor) != 0 &&
	       !jp_record_ended(record, job->now);
}

static enum jp_err
disable(struct job *job, void *arg)
{
	struct pause *pause = arg;
	struct jp_record *record = &pause->record;
	const struct jp_change change = { JP_CHANGE_END, record };
	enum jp_err err = jp_job_get(job, record);
	bool paused = err == JP_ERR_OK && record->disabled_at != JP_NEVER;

	pause->changed =
	    err == JP_ERR_OK && (!paused || takes_over(job, record));
	if (!pause->changed)
		return err;
	err = check_state(job, record);
	if (err != JP_ERR_OK)
		return err;
	if (!paused)
		record->disabled_at = job->now;
	(void)jp_field_set(
	    record->disabled_by, sizeof(record->disabled_by), job->actor);
	return jp_job_commit(job, &change, 1);
}

static enum jp_err
enable(struct job *job, void *arg)
{
	struct pause *pause = arg;
	struct jp_record *record = &pause->record;
	const struct jp_change change = { JP_CHANGE_REPLACE, record };
	enum jp_err err = jp_job_get(job, record);

	pause->changed = err == JP_ERR_OK && record->disabled_at != JP_NEVER;
	if (!pause->changed)
		return err;
	err = check_state(job, record);
	if (err == JP_ERR_OK)
		err = may_enable(job, record);
	if (err != JP_ERR_OK)
		return err;
	record->disabled_at = JP_NEVER;
	memset(record->disabled_by, 0, sizeof(record->disabled_by));
	return jp_job_commit(job, &change, 1);
}

static enum jp_err
change(struct job *job, enum jp_err (*act)(struct job *job, void *arg))
{
	struct pause pause;
	enum jp_err err = jp_job_write(job, act, &pause);

	if (err == JP_ERR_OK)
		err = jp_job_emit_record(
		    job, JP_ITEM_RECORD, &pause.record, pause.changed);
	sodium_memzero(&pause, sizeof(pause));
	return err;
}

enum jp_err
jp_op_disable(struct job *job)
{
	return change(job, disable);
}

/* Asked before the lock, too, as admin.c does with the owner. */
enum jp_err
jp_op_enable(struct job *job)
{
	struct jp_record record;
	enum jp_err err = jp_job_get(job, &record);

	if (err == JP_ERR_OK && record.disabled_at != JP_NEVER)
		err = may_enable(job, &record);
	sodium_memzero(&record, sizeof(record));
	return err == JP_ERR_OK ? change(job, enable) : err;
}
