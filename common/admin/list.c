/* The operations that list tokens: all, those of a user, or one. */
#include "common/admin/job.h"

#include "common/decide/usage.h"

static enum jp_err
list_one(struct job *job, void *arg, const struct jp_record *stored)
{
	const struct jp_admin_request *request = job->request;
	struct jp_record copy = *stored;
	const struct jp_record *record = &copy;

	(void)arg;
	jp_usage_show(job->core, &copy);
	if (!request->all && jp_record_state(record, job->now) != JP_STATE_LIVE)
		return JP_ERR_OK;
	if (request->expiring != 0 &&
	    (record->expires_at == JP_NEVER ||
	        jp_when_since(job->now, record->expires_at) >
	            request->expiring))
		return JP_ERR_OK;
	if (request->unused != 0 && jp_when_since(jp_record_last_sign(record),
	                                job->now) <= request->unused)
		return JP_ERR_OK;
	return jp_job_emit_record(job, JP_ITEM_RECORD, record, false);
}

/* What has expired is left out before it is read. */
static void
list_from_now(const struct job *job, struct jp_listing *listing)
{
	if (job->request->all)
		return;
	listing->started = true;
	listing->last_expiry = job->now;
}

enum jp_err
jp_op_list(struct job *job)
{
	struct jp_listing listing = { .order = JP_ORDER_ID };

	if (job->target.kind == JP_TARGET_USER) {
		jp_job_list_user(&listing, job->target.name);
	} else if (job->request->expiring != 0) {
		listing.order = JP_ORDER_EXPIRY;
		list_from_now(job, &listing);
		listing.until = jp_when_add(job->now, job->request->expiring);
	}
	return jp_job_each_record(job, &listing, list_one, NULL);
}

enum jp_err
jp_op_show(struct job *job)
{
	struct jp_record record;
	enum jp_err err = jp_job_get(job, &record);

	if (err != JP_ERR_OK)
		return err;
	jp_usage_show(job->core, &record);
	return jp_job_emit_record(job, JP_ITEM_RECORD, &record, false);
}
