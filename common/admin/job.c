#include "common/admin/job.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/admin/owns.h"
#include "common/decide/parents.h"

enum jp_err
jp_job_store_why(struct job *job, enum jp_err err)
{
	jp_store_why(job->core->store, job->why);
	if (job->why->text[0] == '\0')
		(void)jp_why(job->why, err, "the store: %s", jp_err_text(err));
	return err;
}

/* Read once for a row of tokens of the same user. */
static enum jp_err
read_owner(struct job *job, const char *user)
{
	enum jp_err err;

	if (strcmp(job->owner.name, user) == 0)
		return JP_ERR_OK;
	err = jp_store_user(job->core->store, user, &job->owner);
	if (err == JP_ERR_OK)
		return err;
	memset(&job->owner, 0, sizeof(job->owner));
	return jp_job_store_why(job, err);
}

static enum jp_err
read_parents(
    struct job *job, const struct jp_record *record, struct jp_parents *parents)
{
	enum jp_err err = jp_parents_look(
	    job->core->store, jp_store_get, record, job->now, parents);

	return err == JP_ERR_OK ? err : jp_job_store_why(job, err);
}

/* What has ended needs no look at its user and its ancestors. */
enum jp_err
jp_job_judge(struct job *job, const struct jp_record *record)
{
	struct jp_circumstances around = { .now = job->now };
	struct jp_parents parents;
	enum jp_err err = JP_ERR_OK;

	job->item.state = jp_record_state(record, job->now);
	if (jp_state_status(job->item.state) == JP_STATUS_DEAD)
		return err;
	err = read_owner(job, record->user);
	if (err == JP_ERR_OK)
		err = read_parents(job, record, &parents);
	if (err != JP_ERR_OK)
		return err;
	around.parent = parents.state;
	pthread_rwlock_rdlock(&job->core->policy_lock);
	around.unused_limit = job->core->policy.unused_limit;
	around.prefix_accepted = record->prefix[0] == '\0' ||
	                         jp_policy_takes_prefix(&job->core->policy,
	                             record->prefix, strlen(record->prefix));
	pthread_rwlock_unlock(&job->core->policy_lock);
	around.user_disabled = job->owner.disabled;
	job->item.state = jp_record_state_in(record, &around);
	return JP_ERR_OK;
}

enum jp_err
jp_job_emit_row(struct job *job, size_t row)
{
	sodium_memzero(&job->item, sizeof(job->item));
	job->item.kind = JP_ITEM_ROW;
	job->item.row = (uint32_t)row;
	return job->emit(job->arg, &job->item);
}

enum jp_err
jp_job_at_row(struct job *job, size_t row, enum jp_err err)
{
	job->at_row = true;
	job->row = row;
	return err;
}

enum jp_err
jp_job_emit_judged(struct job *job, enum jp_admin_kind kind,
    const struct jp_record *record, bool changed)
{
	struct jp_admin_item *item = &job->item;

	item->kind = kind;
	item->record = *record;
	sodium_memzero(item->record.phc, sizeof(item->record.phc));
	sodium_memzero(item->record.fast_tag, sizeof(item->record.fast_tag));
	sodium_memzero(item->record.claim_tag, sizeof(item->record.claim_tag));
	item->record.has_fast_tag = false;
	item->changed = changed;
	return job->emit(job->arg, item);
}

enum jp_err
jp_job_emit_record(struct job *job, enum jp_admin_kind kind,
    const struct jp_record *record, bool changed)
{
	enum jp_err err = JP_ERR_OK;

	job->item.state = JP_STATE_LIVE; /* of a new token */
	if (kind != JP_ITEM_TOKEN)
		err = jp_job_judge(job, record);
	return err == JP_ERR_OK ? jp_job_emit_judged(job, kind, record, changed)
	                        : err;
}

enum jp_err
jp_job_each_record(struct job *job, struct jp_listing *listing,
    enum jp_err (*visit)(
        struct job *job, void *arg, const struct jp_record *record),
    void *arg)
{
	/* Not zeroed: it is large, and most users have few tokens. */
	struct jp_record *page = malloc(JP_JOB_PAGE * sizeof(*page));
	enum jp_err err = page != NULL ? JP_ERR_OK : JP_ERR_NOMEM;
	size_t count = 1;

	if (page == NULL)
		(void)jp_why(job->why, err, "%s", jp_err_text(err));
	while (err == JP_ERR_OK && count > 0) {
		err = jp_store_list(
		    job->core->store, listing, page, JP_JOB_PAGE, &count);
		if (err != JP_ERR_OK)
			(void)jp_job_store_why(job, err);
		for (size_t i = 0; err == JP_ERR_OK && i < count; i++)
			err = visit(job, arg, &page[i]);
	}
	free(page);
	return err;
}

void
jp_job_list_user(struct jp_listing *listing, const char *user)
{
	memset(listing, 0, sizeof(*listing));
	listing->order = JP_ORDER_USER;
	(void)jp_field_set(listing->user, sizeof(listing->user), user);
}

static enum jp_err
count_live(struct job *job, void *arg, const struct jp_record *record)
{
	uint64_t *live = arg;
	struct jp_parents parents;
	enum jp_err err;

	if (jp_record_ended(record, job->now))
		return JP_ERR_OK;
	err = read_parents(job, record, &parents);
	*live += err == JP_ERR_OK &&
	         jp_state_status(parents.state) != JP_STATUS_DEAD;
	return err;
}

enum jp_err
jp_job_count_live(struct job *job, const char *user, uint64_t *live)
{
	struct jp_listing listing;

	*live = 0;
	jp_job_list_user(&listing, user);
	return jp_job_each_record(job, &listing, count_live, live);
}

void
jp_job_read_policy(struct jp_core *core, struct jp_policy *policy)
{
	pthread_rwlock_rdlock(&core->policy_lock);
	*policy = core->policy;
	pthread_rwlock_unlock(&core->policy_lock);
}

/* Another's is not there. */
static enum jp_err
hide_others(struct job *job, struct jp_record *record)
{
	bool owns = true;
	enum jp_err err = JP_ERR_OK;

	if (job->request->owner != NULL)
		err = jp_admin_owns(
		    job->core, job->request->owner, record, &owns, job->why);
	if (owns)
		return err;
	sodium_memzero(record, sizeof(*record));
	return err == JP_ERR_OK ? JP_ERR_NOT_FOUND : err;
}

enum jp_err
jp_job_read(struct job *job, const char *id, struct jp_record *record)
{
	enum jp_err err = jp_token_id_valid(id)
	                      ? jp_store_get(job->core->store, id, record)
	                      : JP_ERR_NOT_FOUND;

	if (err != JP_ERR_OK && err != JP_ERR_NOT_FOUND)
		return jp_job_store_why(job, err);
	if (err == JP_ERR_OK)
		err = hide_others(job, record);
	if (err != JP_ERR_NOT_FOUND)
		return err;
	return jp_why_refusal(job->why, err, JP_REFUSAL_NOT_FOUND,
	    job->request->owner != NULL ? "you have no token with the id %s"
	                                : "no token has the id %s",
	    id);
}

enum jp_err
jp_job_get(struct job *job, struct jp_record *record)
{
	return jp_job_read(job, job->target.name, record);
}

/* ---- the audit trail ---- */

/* Who did it, and, where a front asked, which one and for whom. */
static void
sign(const struct job *job, struct jp_audit_event *event)
{
	const struct jp_behalf *behalf = &job->request->behalf;

	(void)jp_field_set(event->actor, sizeof(event->actor), job->actor);
	if (behalf->user[0] == '\0')
		return;
	event->has_peer = true;
	event->peer = job->request->front;
	(void)jp_field_set(
	    jp_address_valid(behalf->address) ? event->address : event->rhost,
	    sizeof(event->address), behalf->address);
}

enum jp_err
jp_job_log(struct job *job, struct jp_audit_event *event)
{
	enum jp_err err;

	event->event = jp_admin_op_info(job->request->op)->name;
	sign(job, event);
	err = jp_audit_acts(job->core->audit, event, 1, job->why);
	return err == JP_ERR_OK ? err
	                        : jp_why_is(job->why, err, JP_REFUSAL_AUDIT);
}

static void
describe_change(const struct job *job, const struct jp_change *change,
    struct jp_audit_event *event)
{
	const struct jp_record *record = change->record;
	const char *detail = job->request->op == JP_ADMIN_REVOKE
	                         ? record->revoked_why
	                         : record->name;

	event->event = jp_admin_op_info(job->request->op)->name;
	memcpy(event->id, record->id, sizeof(event->id));
	memcpy(event->user, record->user, sizeof(event->user));
	sign(job, event);
	(void)jp_field_set(event->detail, sizeof(event->detail), detail);
}

struct writing {
	struct job *job;
	enum jp_err (*act)(struct job *job, void *arg);
	void *arg;
};

static enum jp_err
write_once(struct jp_announce *announce, void *arg)
{
	struct writing *writing = arg;

	writing->job->announce = announce;
	return writing->act(writing->job, writing->arg);
}

enum jp_err
jp_job_write(
    struct job *job, enum jp_err (*act)(struct job *job, void *arg), void *arg)
{
	struct writing writing = { job, act, arg };
	enum jp_err err =
	    jp_announce_run(job->core, job->why, write_once, &writing);

	job->announce = NULL;
	if (err == JP_ERR_OK && job->why->text[0] != '\0')
		job->waited = *job->why;
	return err;
}

static enum jp_err
announce_changes(struct job *job, const struct jp_change *changes, size_t count)
{
	struct jp_audit_event *events;
	enum jp_err err;

	if (job->core->audit == NULL || count == 0)
		return JP_ERR_OK;
	events = calloc(count, sizeof(*events));
	if (events == NULL)
		return jp_why(
		    job->why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	for (size_t i = 0; i < count; i++)
		describe_change(job, &changes[i], &events[i]);
	err = jp_announce(job->announce, events, count);
	free(events);
	return err;
}

enum jp_err
jp_job_commit(struct job *job, const struct jp_change *changes, size_t count)
{
	return jp_job_commit_some(job, changes, count, count);
}

enum jp_err
jp_job_commit_some(struct job *job, const struct jp_change *changes,
    size_t count, size_t announced)
{
	enum jp_err err = announce_changes(job, changes, announced);

	if (err != JP_ERR_OK)
		return err;
	err = jp_store_commit(job->core->store, changes, count);
	if (err != JP_ERR_OK)
		return jp_job_store_why(job, err);
	jp_announce_done(job->announce);
	return err;
}

static void
note_take_back(const struct job *job, const struct jp_record *record)
{
	struct jp_audit_event event = {
		.event = "take-back",
		.detail = "it could not be handed over",
	};

	memcpy(event.id, record->id, sizeof(event.id));
	memcpy(event.user, record->user, sizeof(event.user));
	sign(job, &event);
	jp_audit_note(job->core->audit, &event, 1);
}

enum jp_err
jp_job_take_back(struct job *job, const struct jp_change *changes, size_t count)
{
	enum jp_err err = jp_store_commit(job->core->store, changes, count);

	if (err != JP_ERR_OK)
		return err;
	for (size_t i = 0; i < count; i++)
		if (changes[i].kind == JP_CHANGE_DELETE ||
		    job->request->op == JP_ADMIN_CLAIM)
			note_take_back(job, changes[i].record);
	return err;
}
