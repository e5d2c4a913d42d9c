/*
 * Records that come and go as a whole: export, import and purge.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/admin/job.h"
#include "common/admin/batch.h"
#include "common/decide/parents.h"
#include "common/decide/usage.h"

/* ---- export ---- */

/*
 * Parents come before their children, as import wants them: all with as many
 * ancestors in one round.
 */
struct round {
	size_t depth;
	bool more; /* there are some with more ancestors */
};

/* As far as they are there; dead ones count. */
static enum jp_err
count_ancestors(
    struct job *job, const struct jp_record *record, size_t *depth, bool *gone)
{
	struct jp_record above;
	char id[sizeof(above.parent)];
	enum jp_err err = JP_ERR_OK;

	*depth = 0;
	memcpy(id, record->parent, sizeof(id));
	while (id[0] != '\0' && *depth < JP_PARENTS_MAX) {
		err = jp_store_get(job->core->store, id, &above);
		if (err != JP_ERR_OK)
			break;
		(*depth)++;
		memcpy(id, above.parent, sizeof(id));
	}
	sodium_memzero(&above, sizeof(above));
	*gone = err == JP_ERR_NOT_FOUND;
	return err == JP_ERR_OK || *gone ? JP_ERR_OK
	                                 : jp_job_store_why(job, err);
}

/*
 * A child that lost its parent is dead for good, and no other store takes it:
 * it goes with the next purge. What has ended by itself is kept as it is.
 */
static enum jp_err
is_of_round(struct job *job, struct round *round,
    const struct jp_record *record, bool *is)
{
	size_t depth;
	bool gone;
	enum jp_err err = count_ancestors(job, record, &depth, &gone);

	*is = false;
	if (err != JP_ERR_OK || (gone && !jp_record_ended(record, job->now)))
		return err;
	*is = depth == round->depth;
	round->more |= depth > round->depth;
	return err;
}

static enum jp_err
emit_moved(struct job *job, void *arg, const struct jp_record *record)
{
	struct jp_admin_item *item = &job->item;
	bool is;
	enum jp_err err = is_of_round(job, arg, record, &is);

	if (err != JP_ERR_OK || !is)
		return err;
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
	struct round round = { .more = true };
	enum jp_err err = JP_ERR_OK;

	jp_usage_flush_here(job->core);
	for (; err == JP_ERR_OK && round.more; round.depth++) {
		struct jp_listing listing = { .order = JP_ORDER_ID };

		round.more = false;
		err = jp_job_each_record(job, &listing, emit_moved, &round);
	}
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
		{ "disabled_by", record->disabled_by, JP_ACTOR_MAX },
		{ "prefix", record->prefix, JP_TOKEN_PREFIX_MAX },
	};
	enum jp_err err = jp_user_check_new(record->user, why);

	if (err != JP_ERR_OK)
		return jp_why_is(why, err, JP_REFUSAL_USER_INVALID);
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
		{ "disabled_at", record->disabled_at },
		{ "claim_until", record->claim_until },
	};
	const char *wrong = NULL;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (!jp_when_valid(times[i].when))
			wrong = times[i].what;
	for (size_t i = 0; i < record->use_len; i++)
		if (!jp_when_valid(record->uses[i].at) ||
		    !jp_when_valid(record->uses[i].since))
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
	memset(moved->record.claim_tag, 0, sizeof(moved->record.claim_tag));
}

/* What a record says of its parent, its group and its uses. */
static enum jp_err
check_relations(const struct jp_record *record, struct jp_why *why)
{
	if (record->parent[0] != '\0' &&
	    (!jp_token_id_valid(record->parent) ||
	        strcmp(record->parent, record->id) == 0))
		return jp_why(why, JP_ERR_INVALID,
		    "token %s: the parent is no id of another token",
		    record->id);
	if (record->uses_left > record->uses_max)
		return jp_why(why, JP_ERR_INVALID,
		    "token %s: more uses are left than it has (uses_left, "
		    "uses_max)",
		    record->id);
	return record->owner_group[0] == '\0'
	           ? JP_ERR_OK
	           : jp_group_check(record->owner_group, why);
}

/* One that waits for its user has no hash; every other one has. */
static enum jp_err
check_proof(const struct jp_record *record, struct jp_why *why)
{
	struct jp_phc phc;
	bool waits = record->claim_until != JP_NEVER;

	if (waits ? record->phc[0] == '\0' && !record->has_fast_tag
	          : jp_phc_parse(record->phc, &phc) == JP_ERR_OK)
		return JP_ERR_OK;
	return jp_why(why, JP_ERR_INVALID,
	    waits ? "token %s: it waits to be fetched, but has a hash"
	          : "token %s: the hash is none of ours",
	    record->id);
}

static enum jp_err
take_one(struct job *job, struct intake *intake, struct jp_buf *buf)
{
	struct jp_moved *moved = &intake->moved[intake->len];
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
	if (err == JP_ERR_OK)
		err = check_relations(&moved->record, job->why);
	if (err == JP_ERR_OK)
		err = check_proof(&moved->record, job->why);
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

/* In the batch, or in the store; another than NOT_FOUND: `why` is set. */
static enum jp_err
find_parent(struct job *job, const struct intake *intake, const char *id,
    struct jp_record *parent)
{
	enum jp_err err;

	for (size_t i = 0; i < intake->len; i++) {
		*parent = intake->moved[i].record;
		if (!intake->known[i] && strcmp(parent->id, id) == 0)
			return JP_ERR_OK;
	}
	err = jp_store_get(job->core->store, id, parent);
	return err == JP_ERR_OK || err == JP_ERR_NOT_FOUND
	           ? err
	           : jp_job_store_why(job, err);
}

/*
 * What has ended by itself may be without its parent, which was perhaps purged;
 * everything else would come as something that it is not.
 */
static enum jp_err
check_parent(
    struct job *job, const struct intake *intake, const struct jp_record *child)
{
	struct jp_record parent;
	bool same;
	enum jp_err err;

	if (child->parent[0] == '\0' || jp_record_ended(child, job->now))
		return JP_ERR_OK;
	err = find_parent(job, intake, child->parent, &parent);
	same = err == JP_ERR_OK && strcmp(parent.user, child->user) == 0;
	sodium_memzero(&parent, sizeof(parent));
	if (err == JP_ERR_NOT_FOUND)
		return jp_why(job->why, JP_ERR_INVALID,
		    "token %s: its parent %s is not there: import that first, "
		    "or remove the line",
		    child->id, child->parent);
	return err != JP_ERR_OK || same
	           ? err
	           : jp_why(job->why, JP_ERR_INVALID,
	                 "token %s: its parent %s is another user's", child->id,
	                 child->parent);
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
	for (size_t i = 0; i < intake->len; i++) {
		if (!intake->known[i])
			err =
			    check_parent(job, intake, &intake->moved[i].record);
		if (err != JP_ERR_OK)
			return jp_job_at_row(job, i, err);
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
is_long_ago(const struct job *job, int64_t end)
{
	return end != JP_NEVER && end <= job->now &&
	       jp_when_since(end, job->now) >= job->request->dead_for;
}

/* A token, and whether one was found that names it as its parent. */
struct brood {
	const char *parent;
	bool found;
};

static enum jp_err
look_for_child(struct job *job, void *arg, const struct jp_record *record)
{
	struct brood *brood = arg;

	(void)job;
	brood->found |= strcmp(record->parent, brood->parent) == 0;
	return JP_ERR_OK;
}

/*
 * A token that is used up, and has no other end, may have children that live on
 * with the uses they got: without it they would be dead. All are its user's.
 */
static enum jp_err
is_needed(struct job *job, const struct jp_record *record, bool *needed)
{
	struct brood brood = { .parent = record->id };
	struct jp_listing listing;
	enum jp_err err = JP_ERR_OK;

	if (jp_record_state(record, job->now) == JP_STATE_USED_UP) {
		jp_job_list_user(&listing, record->user);
		err = jp_job_each_record(job, &listing, look_for_child, &brood);
	}
	*needed = brood.found;
	return err;
}

/*
 * By its own end or by that of a parent, without which a child is dead. One
 * that is gone had ended long ago when it went.
 */
static enum jp_err
is_to_go(struct job *job, const struct jp_record *record, bool *is)
{
	struct jp_parents parents;
	bool needed;
	enum jp_err err;

	*is = jp_record_ended(record, job->now) &&
	      is_long_ago(job, jp_record_end(record));
	if (*is) {
		err = is_needed(job, record, &needed);
		*is = err == JP_ERR_OK && !needed;
		return err;
	}
	if (record->parent[0] == '\0')
		return JP_ERR_OK;
	err = jp_parents_look(
	    job->core->store, jp_store_get, record, job->now, &parents);
	if (err != JP_ERR_OK)
		return jp_job_store_why(job, err);
	*is =
	    parents.gone || (jp_state_status(parents.state) == JP_STATUS_DEAD &&
	                        is_long_ago(job, parents.end));
	return JP_ERR_OK;
}

/* Read again under the lock: others may have removed it, or put it back. */
static enum jp_err
look_again(struct job *job, struct sweep *sweep, size_t i)
{
	struct jp_record *record = &sweep->gone[i];
	struct jp_record now;
	enum jp_err err = jp_store_get(job->core->store, record->id, &now);

	sweep->removed[i] = false;
	if (err == JP_ERR_NOT_FOUND)
		return JP_ERR_OK;
	err = err == JP_ERR_OK ? is_to_go(job, &now, &sweep->removed[i])
	                       : jp_job_store_why(job, err);
	sodium_memzero(&now, sizeof(now));
	if (sweep->removed[i])
		sweep->changes[sweep->change_len++] =
		    (struct jp_change){ JP_CHANGE_DELETE, record };
	return err;
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
	bool is;
	enum jp_err err = is_to_go(job, record, &is);

	if (err != JP_ERR_OK || !is)
		return err;
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
