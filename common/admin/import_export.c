/*
 * Records that come and go as a whole: export, import and purge.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/admin/job.h"
#include "common/admin/batch.h"
#include "common/decide/usage.h"

/* ---- export ---- */

static enum jp_err
emit_moved(struct job *job, void *arg, const struct jp_record *record)
{
	struct jp_admin_item *item = &job->item;
	enum jp_err err;

	(void)arg;
	item->kind = JP_ITEM_MOVED;
	item->record = *record;
	jp_usage_show(job->core, &item->record);
	jp_pepper_name(&job->core->pepper, item->pepper);
	err = jp_job_judge(job, record);
	return err == JP_ERR_OK ? job->emit(job->arg, item) : err;
}

enum jp_err
jp_op_export(struct job *job)
{
	struct jp_listing listing = { .order = JP_ORDER_ID };
	enum jp_err err;

	if (job->core->usage != NULL)
		(void)jp_usage_flush(job->core->usage, job->core);
	err = jp_job_each_record(job, &listing, emit_moved, NULL);
	return err == JP_ERR_OK ? jp_op_users(job) : err;
}

/* ---- import ---- */

/* A batch under way. */
struct intake {
	size_t len, change_len;
	struct jp_moved moved[JP_BATCH_ROWS];
	bool known[JP_BATCH_ROWS]; /* its id is there already */
	struct jp_change changes[JP_BATCH_ROWS];
};

static enum jp_err
check_texts(const struct jp_record *record, struct jp_why *why)
{
	const struct {
		const char *what, *text;
		size_t max;
	} texts[] = {
		{ "name", record->name, JP_NAME_MAX },
		{ "created_by", record->created_by, JP_ACTOR_MAX },
		{ "revoked_by", record->revoked_by, JP_ACTOR_MAX },
		{ "revoked_why", record->revoked_why, JP_NOTE_MAX },
		{ "prefix", record->prefix, JP_TOKEN_PREFIX_MAX },
	};
	enum jp_err err = jp_user_check_new(record->user, why);

	for (size_t i = 0;
	     i < sizeof(texts) / sizeof(texts[0]) && err == JP_ERR_OK; i++)
		err = jp_text_check(
		    texts[i].what, texts[i].text, texts[i].max, why);
	return err;
}

/* What comes from elsewhere is added to, compared and printed here. */
static enum jp_err
check_times(const struct jp_record *record, struct jp_why *why)
{
	const struct {
		const char *what;
		int64_t when;
	} times[] = {
		{ "created_at", record->created_at },
		{ "expires_at", record->expires_at },
		{ "revoked_at", record->revoked_at },
		{ "last_used_at", record->last_used_at },
		{ "superseded_at", record->superseded_at },
		{ "grace_until", record->grace_until },
		{ "denied_at", record->denied_at },
	};
	const char *wrong = NULL;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (!jp_when_valid(times[i].when))
			wrong = times[i].what;
	for (size_t i = 0; i < record->use_len; i++)
		if (!jp_when_valid(record->uses[i].at))
			wrong = "uses";
	return wrong == NULL
	           ? JP_ERR_OK
	           : jp_why(why, JP_ERR_INVALID,
	                 "token %s: %s is not a time from 1970 to 9999",
	                 record->id, wrong);
}

/*
 * A fast tag that was made under another pepper matches nothing: without it
 * the hash alone decides.
 */
static void
fit_tag(const struct job *job, struct jp_moved *moved)
{
	uint8_t ours[JP_PEPPER_NAME_LEN];

	jp_pepper_name(&job->core->pepper, ours);
	if (memcmp(ours, moved->pepper, sizeof(ours)) == 0)
		return;
	moved->record.has_fast_tag = false;
	memset(moved->record.fast_tag, 0, sizeof(moved->record.fast_tag));
}

static enum jp_err
take_one(struct job *job, struct intake *intake, struct jp_buf *buf)
{
	struct jp_moved *moved = &intake->moved[intake->len];
	struct jp_phc phc;
	enum jp_err err;

	if (intake->len == JP_BATCH_ROWS ||
	    jp_batch_get(buf, moved) != JP_ERR_OK)
		return jp_why(job->why, JP_ERR_INVALID, "a malformed batch");
	err = check_texts(&moved->record, job->why);
	if (err == JP_ERR_OK)
		err = check_times(&moved->record, job->why);
	if (err == JP_ERR_OK && !jp_token_id_valid(moved->record.family))
		err = jp_why(job->why, JP_ERR_INVALID,
		    "token %s: the family is no id", moved->record.id);
	if (err == JP_ERR_OK &&
	    jp_phc_parse(moved->record.phc, &phc) != JP_ERR_OK)
		err = jp_why(job->why, JP_ERR_INVALID,
		    "token %s: the hash is none of ours", moved->record.id);
	fit_tag(job, moved);
	intake->len++;
	return err;
}

static enum jp_err
take_batch(struct job *job, struct intake *intake)
{
	struct jp_buf buf;
	enum jp_err err = JP_ERR_OK;

	jp_buf_read(&buf, job->request->batch, job->request->batch_len);
	while (err == JP_ERR_OK && buf.pos < buf.cap) {
		size_t row = intake->len;

		err = take_one(job, intake, &buf);
		if (err != JP_ERR_OK)
			return jp_job_at_row(job, row, err);
	}
	return err;
}

/* Whether this id is there, or comes twice in the batch. */
static enum jp_err
is_known(struct job *job, struct intake *intake, size_t i)
{
	static const char twice[] = "token %s is there already: remove the "
	                            "line, or give --skip-known";
	const char *id = intake->moved[i].record.id;
	struct jp_record there;
	enum jp_err err = jp_store_get(job->core->store, id, &there);

	sodium_memzero(&there, sizeof(there));
	if (err != JP_ERR_OK && err != JP_ERR_NOT_FOUND)
		return jp_job_store_why(job, err);
	intake->known[i] = err == JP_ERR_OK;
	for (size_t j = 0; j < i; j++)
		intake->known[i] |= strcmp(intake->moved[j].record.id, id) == 0;
	if (intake->known[i] && !job->request->skip_known)
		return jp_why(job->why, JP_ERR_EXISTS, twice, id);
	return JP_ERR_OK;
}

static enum jp_err
store_batch(struct job *job, void *arg)
{
	struct intake *intake = arg;
	enum jp_err err = JP_ERR_OK;

	intake->change_len = 0;
	for (size_t i = 0; i < intake->len; i++) {
		err = is_known(job, intake, i);
		if (err != JP_ERR_OK)
			return jp_job_at_row(job, i, err);
		if (!intake->known[i])
			intake->changes[intake->change_len++] =
			    (struct jp_change){ JP_CHANGE_CREATE,
				    &intake->moved[i].record };
	}
	if (job->request->dry_run || intake->change_len == 0)
		return err;
	return jp_job_commit(job, intake->changes, intake->change_len);
}

enum jp_err
jp_op_import(struct job *job)
{
	struct intake *intake = calloc(1, sizeof(*intake));
	enum jp_err err = JP_ERR_OK;

	if (intake == NULL)
		return jp_why(
		    job->why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	err = take_batch(job, intake);
	if (err == JP_ERR_OK)
		err = jp_job_write(job, store_batch, intake);
	for (size_t i = 0; err == JP_ERR_OK && i < intake->len; i++)
		err = jp_job_emit_record(job, JP_ITEM_RECORD,
		    &intake->moved[i].record, !intake->known[i]);
	sodium_memzero(intake, sizeof(*intake));
	free(intake);
	return err;
}

/* ---- purge ---- */

struct sweep {
	size_t len, change_len;
	struct jp_record gone[JP_BATCH_ROWS];
	bool removed[JP_BATCH_ROWS];
	struct jp_change changes[JP_BATCH_ROWS];
};

static bool
is_to_go(const struct job *job, const struct jp_record *record)
{
	return jp_record_state(record, job->now) != JP_STATE_LIVE &&
	       jp_when_since(jp_record_end(record), job->now) >=
	           job->request->dead_for;
}

/* Read again under the lock: others may have removed it, or put it back. */
static enum jp_err
look_again(struct job *job, struct sweep *sweep, size_t i)
{
	struct jp_record *record = &sweep->gone[i];
	struct jp_record now;
	enum jp_err err = jp_store_get(job->core->store, record->id, &now);

	sweep->removed[i] = err == JP_ERR_OK && is_to_go(job, &now);
	sodium_memzero(&now, sizeof(now));
	if (sweep->removed[i])
		sweep->changes[sweep->change_len++] =
		    (struct jp_change){ JP_CHANGE_DELETE, record };
	return err == JP_ERR_OK || err == JP_ERR_NOT_FOUND
	           ? JP_ERR_OK
	           : jp_job_store_why(job, err);
}

static enum jp_err
delete_all(struct job *job, void *arg)
{
	struct sweep *sweep = arg;
	enum jp_err err = JP_ERR_OK;

	sweep->change_len = 0;
	for (size_t i = 0; i < sweep->len && err == JP_ERR_OK; i++)
		err = look_again(job, sweep, i);
	if (err != JP_ERR_OK || sweep->change_len == 0)
		return err;
	return jp_job_commit(job, sweep->changes, sweep->change_len);
}

/* Removes what was gathered, and says what. */
static enum jp_err
sweep_all(struct job *job, struct sweep *sweep)
{
	bool dry = job->request->dry_run;
	enum jp_err err = JP_ERR_OK;

	if (sweep->len > 0 && !dry)
		err = jp_job_write(job, delete_all, sweep);
	for (size_t i = 0; i < sweep->len && err == JP_ERR_OK; i++)
		if (dry || sweep->removed[i])
			err = jp_job_emit_record(
			    job, JP_ITEM_RECORD, &sweep->gone[i], true);
	sweep->len = 0;
	return err;
}

static enum jp_err
sweep_one(struct job *job, void *arg, const struct jp_record *record)
{
	struct sweep *sweep = arg;

	if (!is_to_go(job, record))
		return JP_ERR_OK;
	sweep->gone[sweep->len++] = *record;
	return sweep->len < JP_BATCH_ROWS ? JP_ERR_OK : sweep_all(job, sweep);
}

enum jp_err
jp_op_purge(struct job *job)
{
	struct jp_listing listing = { .order = JP_ORDER_ID };
	struct sweep *sweep = calloc(1, sizeof(*sweep));
	enum jp_err err;

	if (sweep == NULL)
		return jp_why(
		    job->why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	err = jp_job_each_record(job, &listing, sweep_one, sweep);
	if (err == JP_ERR_OK)
		err = sweep_all(job, sweep);
	sodium_memzero(sweep, sizeof(*sweep));
	free(sweep);
	return err == JP_ERR_OK ? jp_job_purge_upstream(job) : err;
}
