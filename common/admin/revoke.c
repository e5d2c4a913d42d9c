/* The operation that revokes a token, or all of a user. */
#include "common/admin/job.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/grow.h"

struct list {
	struct jp_record *records;
	size_t len, cap;
};

static enum jp_err
gather_live(struct job *job, void *arg, const struct jp_record *record)
{
	struct list *list = arg;

	if (record->revoked_at != JP_NEVER)
		return JP_ERR_OK;
	if (JP_GROW(list->records, list->len, list->cap) != JP_ERR_OK)
		return jp_why(
		    job->why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	list->records[list->len++] = *record;
	return JP_ERR_OK;
}

static void
mark_revoked(const struct job *job, struct jp_record *record)
{
	record->revoked_at = job->now;
	(void)jp_field_set(
	    record->revoked_by, sizeof(record->revoked_by), job->actor);
	memcpy(record->revoked_why, job->request->record.revoked_why,
	    sizeof(record->revoked_why));
}

/* All of them in one transaction. */
static enum jp_err
revoke_all(struct job *job, struct list *list)
{
	struct jp_change *changes = calloc(list->len + 1, sizeof(*changes));
	enum jp_err err;

	if (changes == NULL)
		return jp_why(
		    job->why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	for (size_t i = 0; i < list->len; i++) {
		mark_revoked(job, &list->records[i]);
		changes[i].kind = JP_CHANGE_END;
		changes[i].record = &list->records[i];
	}
	err = jp_job_commit(job, changes, list->len);
	free(changes);
	return err;
}

static enum jp_err
revoke_listed(struct job *job, void *arg)
{
	struct list *list = arg;
	struct jp_listing listing;
	enum jp_err err;

	list->len = 0;
	jp_job_list_user(&listing, job->target.name);
	err = jp_job_each_record(job, &listing, gather_live, list);
	if (err == JP_ERR_OK && list->len == 0)
		err = jp_why_refusal(job->why, JP_ERR_NOT_FOUND,
		    JP_REFUSAL_NOT_FOUND, "the user has no token to revoke");
	return err == JP_ERR_OK ? revoke_all(job, list) : err;
}

static enum jp_err
revoke_user(struct job *job)
{
	struct list list = { 0 };
	enum jp_err err = jp_job_write(job, revoke_listed, &list);

	for (size_t i = 0; err == JP_ERR_OK && i < list.len; i++)
		err = jp_job_emit_record(
		    job, JP_ITEM_RECORD, &list.records[i], true);
	free(list.records);
	return err;
}

/* One that was revoked before is not revoked again. */
static enum jp_err
revoke_found(struct job *job, void *arg)
{
	struct list *list = arg;
	struct jp_record *record = list->records;
	enum jp_err err = jp_job_get(job, record);

	list->len = err == JP_ERR_OK && record->revoked_at == JP_NEVER;
	return list->len > 0 ? revoke_all(job, list) : err;
}

static enum jp_err
revoke_id(struct job *job)
{
	struct jp_record record;
	struct list list = { .records = &record };
	enum jp_err err = jp_job_write(job, revoke_found, &list);

	return err == JP_ERR_OK ? jp_job_emit_record(job, JP_ITEM_RECORD,
	                              &record, list.len > 0)
	                        : err;
}

enum jp_err
jp_op_revoke(struct job *job)
{
	enum jp_err err = jp_text_check(
	    "reason", job->request->record.revoked_why, JP_NOTE_MAX, job->why);

	if (err != JP_ERR_OK)
		return err;
	return job->target.kind == JP_TARGET_USER ? revoke_user(job)
	                                          : revoke_id(job);
}
