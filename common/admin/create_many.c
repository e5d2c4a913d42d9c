/*
 * The operation that makes the tokens of a batch: their hashes run on all
 * workers, and they are stored in one transaction. Their ids are told before
 * that, so that whoever hears no end of it can revoke them; no text of a token
 * is handed over before it is stored.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/admin/child.h"

/* A batch under way; the n-th of each belong together. */
struct making {
	struct jp_core *core;
	struct jp_policy policy;
	size_t len;
	struct jp_record records[JP_BATCH_ROWS];
	struct jp_secret texts[JP_BATCH_ROWS];
	enum jp_err errs[JP_BATCH_ROWS];
	uint64_t live[JP_BATCH_ROWS]; /* of its user, and in rows before */
	struct jp_record parents[JP_BATCH_ROWS];
	struct jp_change changes[2 * JP_BATCH_ROWS];
};

static enum jp_err
take_batch(struct job *job, struct making *making)
{
	struct jp_new_token asked;
	struct jp_buf buf;
	enum jp_err err = JP_ERR_OK;

	jp_buf_read(&buf, job->request->batch, job->request->batch_len);
	while (err == JP_ERR_OK && buf.pos < buf.cap) {
		if (making->len == JP_BATCH_ROWS ||
		    jp_batch_get_new(&buf, &asked) != JP_ERR_OK)
			return jp_why(
			    job->why, JP_ERR_INVALID, "a malformed batch");
		err = jp_job_plan_token(job, &making->policy, &asked,
		    &making->records[making->len]);
		if (err != JP_ERR_OK)
			return jp_job_at_row(job, making->len, err);
		making->len++;
	}
	return err;
}

/* The tokens that the user of a row has, those of the rows before included. */
static enum jp_err
count_row(struct job *job, struct making *making, size_t i)
{
	const char *user = making->records[i].user;

	for (size_t j = i; j-- > 0;)
		if (strcmp(making->records[j].user, user) == 0) {
			making->live[i] = making->live[j] + 1;
			return JP_ERR_OK;
		}
	return jp_job_count_live(job, user, &making->live[i]);
}

static enum jp_err
check_counts(struct job *job, struct making *making)
{
	const struct jp_policy *policy = &making->policy;

	for (size_t i = 0; policy->max_per_user > 0 && i < making->len; i++) {
		enum jp_err err = count_row(job, making, i);

		if (err == JP_ERR_OK)
			err = jp_job_check_count(job, policy, making->live[i]);
		if (err != JP_ERR_OK)
			return jp_job_at_row(job, i, err);
	}
	return JP_ERR_OK;
}

static void
hash_one(void *arg, size_t i)
{
	struct making *making = arg;

	making->errs[i] = jp_job_hash_token(making->core, &making->policy,
	    &making->texts[i], &making->records[i]);
}

static void
make_codes(struct job *job, struct making *making)
{
	for (size_t i = 0; i < making->len; i++)
		jp_job_draw_code(job, &making->records[i], &making->texts[i]);
}

static enum jp_err
make_tokens(struct job *job, struct making *making)
{
	enum jp_err err = JP_ERR_OK;

	if (jp_job_links(job)) {
		make_codes(job, making);
		return err;
	}

	for (size_t i = 0; i < making->len && err == JP_ERR_OK; i++)
		err = jp_job_draw_token(job, &making->policy,
		    &making->records[i], &making->texts[i]);
	if (err != JP_ERR_OK)
		return err;
	err = jp_workers_run(job->core->workers, hash_one, making, making->len);
	if (err != JP_ERR_OK)
		return jp_why(job->why, err, "patd is about to end");
	for (size_t i = 0; i < making->len && err == JP_ERR_OK; i++)
		err = jp_job_hash_why(job, making->errs[i]);
	return err;
}

static enum jp_err
tell_ids(struct job *job, const struct making *making)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; i < making->len && err == JP_ERR_OK; i++)
		err = jp_job_emit_record(
		    job, JP_ITEM_RECORD, &making->records[i], false);
	return err;
}

/* Counts and stores in one go, as the making of one token does. */
static enum jp_err
store_tokens(struct job *job, void *arg)
{
	struct making *making = arg;
	struct child_parents parents = { making->parents, 0 };
	enum jp_err err = check_counts(job, making);

	for (size_t i = 0; i < making->len && err == JP_ERR_OK; i++) {
		err = jp_child_take_uses(job, &making->records[i], &parents);
		if (err != JP_ERR_OK)
			return jp_job_at_row(job, i, err);
		making->changes[i] =
		    (struct jp_change){ JP_CHANGE_CREATE, &making->records[i] };
	}
	return err == JP_ERR_OK ? jp_job_commit_some(job, making->changes,
	                              jp_child_changes(&parents,
	                                  making->changes, making->len),
	                              making->len)
	                        : err;
}

static enum jp_err
take_back(struct job *job, void *arg)
{
	struct making *making = arg;
	struct child_parents parents = { making->parents, 0 };

	for (size_t i = 0; i < making->len; i++) {
		making->changes[i].kind = JP_CHANGE_DELETE;
		jp_child_give_back(job, &making->records[i], &parents);
	}
	return jp_job_take_back(job, making->changes,
	    jp_child_changes(&parents, making->changes, making->len));
}

/* If one cannot be handed over, none was: all of them go again. */
static enum jp_err
hand_over(struct job *job, struct making *making)
{
	enum jp_admin_kind kind =
	    jp_job_links(job) ? JP_ITEM_LINK : JP_ITEM_TOKEN;
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; i < making->len && err == JP_ERR_OK; i++) {
		job->item.token = making->texts[i];
		err = jp_job_emit_record(job, kind, &making->records[i], true);
	}
	if (err != JP_ERR_OK)
		jp_job_undo(job, take_back, making);
	return err;
}

enum jp_err
jp_op_create_many(struct job *job)
{
	struct making *making = calloc(1, sizeof(*making));
	enum jp_err err;

	if (making == NULL)
		return jp_why(
		    job->why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	making->core = job->core;
	jp_job_read_policy(job->core, &making->policy);
	err = jp_job_check_link(job);
	if (err == JP_ERR_OK)
		err = take_batch(job, making);
	if (err ==
	    JP_ERR_OK) /* before the costly hashes; counted again after */
		err = check_counts(job, making);
	if (err == JP_ERR_OK && !job->request->dry_run) {
		err = make_tokens(job, making);
		if (err == JP_ERR_OK)
			err = tell_ids(job, making);
		if (err == JP_ERR_OK)
			err = jp_job_write(job, store_tokens, making);
		if (err == JP_ERR_OK)
			err = hand_over(job, making);
	}
	sodium_memzero(making, sizeof(*making));
	free(making);
	return err;
}
