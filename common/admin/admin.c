#include "common/admin/admin.h"

#include <sodium.h>

#include "common/admin/job.h"
#include "common/decide/clock_guard.h"

static enum jp_err (*const operations[JP_ADMIN_OP_COUNT])(struct job *job) = {
#define JP_ADMIN_OP_RUN(code, number, name, run, ...) [number] = jp_op_##run,
	JP_ADMIN_OP_LIST(JP_ADMIN_OP_RUN)
#undef JP_ADMIN_OP_RUN
};

static enum jp_err
check_op(const struct jp_admin_request *request, struct jp_why *why)
{
	if ((unsigned int)request->op >= JP_ADMIN_OP_COUNT)
		return jp_why(
		    why, JP_ERR_INVALID, "there is no such operation");
	if (request->dry_run && !jp_admin_op_info(request->op)->dry_run)
		return jp_why(
		    why, JP_ERR_INVALID, "this operation has no dry run");
	return JP_ERR_OK;
}

/* Of the whole operation: those that are begun name no token and no user. */
static enum jp_err
log_begin(struct job *job)
{
	struct jp_audit_event event = { .event = "" };

	return jp_job_log(job, &event);
}

/*
 * Nothing is noted without a time of day. What is done by the times of tokens
 * and cannot be undone wants one that is right.
 */
static enum jp_err
mind_clock(const struct job *job)
{
	const struct jp_admin_request *request = job->request;
	bool ends = jp_admin_op_info(request->op)->effect == JP_EFFECT_ENDS;

	if (job->now < 0)
		return jp_why(
		    job->why, JP_ERR_IO, "the system's clock cannot be read");
	if (ends && request->clock_rule == JP_CLOCK_TRUST)
		jp_clock_guard_trust(job->core);
	else
		jp_clock_guard_note(job->core);
	return (ends && !request->dry_run) ||
	               request->clock_rule == JP_CLOCK_NEAR
	           ? jp_clock_guard_check(job->core, job->why)
	           : JP_ERR_OK;
}

/*
 * Looked at before anything is locked: who is in the group that owns a token,
 * the name service may take a while to say, and is remembered then.
 */
static enum jp_err
meet_owner(struct job *job)
{
	struct jp_record record;
	enum jp_err err;

	if (job->request->owner == NULL || job->target.kind != JP_TARGET_ID ||
	    job->request->op == JP_ADMIN_CLAIM ||
	    !jp_admin_op_changes(job->request->op))
		return JP_ERR_OK;
	err = jp_job_get(job, &record);
	sodium_memzero(&record, sizeof(record));
	return err;
}

enum jp_err
jp_admin_execute(struct jp_core *core, const char *actor,
    const struct jp_admin_request *request, jp_admin_emit emit, void *arg,
    struct jp_why *why)
{
	struct job job = {
		.core = core,
		.actor = actor,
		.request = request,
		.emit = emit,
		.arg = arg,
		.why = why,
		.now = jp_clock_now(&core->clock),
	};
	enum jp_err err;

	jp_why_clear(why);
	err = check_op(request, why);
	if (err == JP_ERR_OK)
		err = jp_admin_target(request, &job.target, why);
	if (err == JP_ERR_OK)
		err = mind_clock(&job);
	if (err == JP_ERR_OK)
		err = meet_owner(&job);
	if (err == JP_ERR_OK &&
	    jp_admin_op_info(request->op)->effect == JP_EFFECT_COPIES)
		err = log_begin(&job);
	if (err == JP_ERR_OK)
		err = operations[request->op](&job);
	if (err == JP_ERR_OK)
		*why = job.waited;
	if (err != JP_ERR_OK && job.at_row)
		(void)jp_job_emit_row(&job, job.row);
	sodium_memzero(&job.item, sizeof(job.item));
	return err;
}
