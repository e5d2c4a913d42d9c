#include "common/admin/admin.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/admin/job.h"
#include "common/base/grow.h"
#include "common/decide/clock_guard.h"
#include "common/sys/log.h"
#include "common/record/token_make.h"
#include "common/decide/usage.h"

enum {
	PIECE = 8192, /* bytes of a file in one item */
};

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

/* What has ended needs no look at its user. */
enum jp_err
jp_job_judge(struct job *job, const struct jp_record *record)
{
	struct jp_circumstances around = { .now = job->now };
	enum jp_err err = JP_ERR_OK;

	job->item.state = jp_record_state(record, job->now);
	if (job->item.state != JP_STATE_LIVE)
		return err;
	err = read_owner(job, record->user);
	if (err != JP_ERR_OK)
		return err;
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
jp_job_emit_record(struct job *job, enum jp_admin_kind kind,
    const struct jp_record *record, bool changed)
{
	struct jp_admin_item *item = &job->item;
	enum jp_err err = JP_ERR_OK;

	item->kind = kind;
	item->state = JP_STATE_LIVE; /* of a new token */
	item->record = *record;
	sodium_memzero(item->record.phc, sizeof(item->record.phc));
	sodium_memzero(item->record.fast_tag, sizeof(item->record.fast_tag));
	item->record.has_fast_tag = false;
	item->changed = changed;
	if (kind == JP_ITEM_RECORD)
		err = jp_job_judge(job, record);
	return err == JP_ERR_OK ? job->emit(job->arg, item) : err;
}

enum jp_err
jp_job_each_record(struct job *job, struct jp_listing *listing,
    enum jp_err (*visit)(
        struct job *job, void *arg, const struct jp_record *record),
    void *arg)
{
	struct jp_record *page = calloc(JP_JOB_PAGE, sizeof(*page));
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

/* ---- the audit trail ---- */

static const char *const op_names[] = {
#define JP_ADMIN_OP_NAME(code, name) name,
	JP_ADMIN_OP_LIST(JP_ADMIN_OP_NAME)
#undef JP_ADMIN_OP_NAME
};

enum jp_err
jp_job_tell(struct job *job, struct jp_audit_event *event)
{
	event->event = op_names[job->request->op];
	(void)jp_field_set(event->actor, sizeof(event->actor), job->actor);
	return jp_audit_acts(job->core->audit, event, 1, job->why);
}

static void
describe_change(const struct job *job, const struct jp_change *change,
    struct jp_audit_event *event)
{
	const struct jp_record *record = change->record;
	const char *detail = job->request->op == JP_ADMIN_REVOKE
	                         ? record->revoked_why
	                         : record->name;

	event->event = op_names[job->request->op];
	memcpy(event->id, record->id, sizeof(event->id));
	memcpy(event->user, record->user, sizeof(event->user));
	(void)jp_field_set(event->actor, sizeof(event->actor), job->actor);
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
	return err;
}

enum jp_err
jp_job_announce(struct job *job, struct jp_audit_event *event)
{
	event->event = op_names[job->request->op];
	(void)jp_field_set(event->actor, sizeof(event->actor), job->actor);
	return jp_announce(job->announce, event, 1);
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
	enum jp_err err = announce_changes(job, changes, count);

	if (err != JP_ERR_OK)
		return err;
	err = jp_store_commit(job->core->store, changes, count);
	if (err != JP_ERR_OK)
		return jp_job_store_why(job, err);
	jp_announce_done(job->announce);
	return err;
}

/* ---- create ---- */

static enum jp_err
check_scopes(const struct jp_record *record, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; err == JP_ERR_OK && i < record->scope_len; i++) {
		const char *scope = record->scopes[i];

		err = jp_text_check("scope", scope, JP_SCOPE_MAX, why);
		if (err == JP_ERR_OK &&
		    (scope[0] == '\0' || strpbrk(scope, " ,") != NULL))
			err = jp_why(why, JP_ERR_INVALID,
			    "a scope is one word: no spaces, no commas");
	}
	for (size_t i = 0; err == JP_ERR_OK && i < record->service_len; i++) {
		err = jp_text_check(
		    "service", record->services[i], JP_SERVICE_MAX, why);
		if (err == JP_ERR_OK && record->services[i][0] == '\0')
			err = jp_why(why, JP_ERR_INVALID, "a service is empty");
	}
	return err;
}

static enum jp_err
check_name(const struct jp_record *record, const struct jp_policy *policy,
    struct jp_why *why)
{
	if (policy->name_required && record->name[0] == '\0')
		return jp_why(why, JP_ERR_INVALID,
		    "a name is required: give one with --name");
	return jp_text_check("name", record->name, JP_NAME_MAX, why);
}

/* The end of a new token, by request and policy. */
enum jp_err
jp_job_choose_expiry(
    const struct job *job, const struct jp_policy *policy, int64_t *expires_at)
{
	char longest[JP_WHEN_TEXT_MAX];

	*expires_at = JP_NEVER;
	switch (job->request->lifetime) {
	case JP_LIFETIME_DEFAULT:
		if (policy->default_lifetime != JP_NEVER)
			*expires_at =
			    jp_when_add(job->now, policy->default_lifetime);
		break;
	case JP_LIFETIME_UNTIL:
		*expires_at = job->request->expires_at;
		if (*expires_at <= job->now)
			return jp_why(job->why, JP_ERR_INVALID,
			    "the expiry is in the past");
		break;
	case JP_LIFETIME_NEVER:
		break;
	}
	if (policy->max_lifetime == JP_NEVER ||
	    (*expires_at != JP_NEVER &&
	        jp_when_since(job->now, *expires_at) <= policy->max_lifetime))
		return JP_ERR_OK;
	jp_duration_format(policy->max_lifetime, longest);
	return jp_why(job->why, JP_ERR_REFUSED,
	    "the policy allows a lifetime of at most %s ([tokens] "
	    "max_lifetime)",
	    longest);
}

static enum jp_err
count_live(struct job *job, void *arg, const struct jp_record *record)
{
	uint64_t *live = arg;

	if (jp_record_state(record, job->now) == JP_STATE_LIVE)
		(*live)++;
	return JP_ERR_OK;
}

enum jp_err
jp_job_count_live(struct job *job, const char *user, uint64_t *live)
{
	struct jp_listing listing;

	*live = 0;
	jp_job_list_user(&listing, user);
	return jp_job_each_record(job, &listing, count_live, live);
}

static enum jp_err
check_count(struct job *job, const struct jp_policy *policy)
{
	uint64_t live;
	enum jp_err err;

	if (policy->max_per_user == 0)
		return JP_ERR_OK;
	err = jp_job_count_live(job, job->target.name, &live);
	if (err != JP_ERR_OK || live < policy->max_per_user)
		return err;
	return jp_why(job->why, JP_ERR_REFUSED,
	    "the user has %u live tokens already ([tokens] max_per_user): "
	    "revoke one first",
	    (unsigned int)live);
}

/* Draws a token and fills in what follows from it. */
enum jp_err
jp_job_make_token(
    struct job *job, const struct jp_policy *policy, struct jp_record *record)
{
	struct jp_secret *text = &job->item.token;
	struct jp_token token;
	enum jp_err err;

	jp_token_make(policy->prefix, text, record->id);
	memcpy(record->family, record->id, sizeof(record->family));
	err = jp_token_parse(text->text, text->len, &token);
	jp_gate_enter(&job->core->gate, JP_COST_BYTES(&policy->cost));
	if (err == JP_ERR_OK)
		err = jp_hash_make(text, &policy->cost, record->phc);
	jp_gate_leave(&job->core->gate, JP_COST_BYTES(&policy->cost));
	if (err != JP_ERR_OK)
		return jp_why(job->why, err, "cannot hash the token: %s",
		    jp_err_text(err));
	jp_pepper_fast_tag(
	    &job->core->pepper, token.id, token.secret, record->fast_tag);
	record->has_fast_tag = true;
	return jp_field_set(
	    record->prefix, sizeof(record->prefix), policy->prefix);
}

struct creation {
	const struct jp_policy *policy;
	const struct jp_record *record;
};

/* Counts and stores in one go: two creations cannot both be the last one. */
static enum jp_err
store_token(struct job *job, void *arg)
{
	const struct creation *creation = arg;
	const struct jp_change change = { JP_CHANGE_CREATE, creation->record };
	enum jp_err err = check_count(job, creation->policy);

	return err == JP_ERR_OK ? jp_job_commit(job, &change, 1) : err;
}

enum jp_err
jp_job_take_back(struct job *job, const struct jp_change *changes, size_t count)
{
	struct jp_audit_event event = {
		.event = "take-back",
		.detail = "it could not be handed over",
	};

	memcpy(event.id, changes[0].record->id, sizeof(event.id));
	memcpy(event.user, changes[0].record->user, sizeof(event.user));
	(void)jp_field_set(event.actor, sizeof(event.actor), job->actor);
	jp_audit_note(job->core->audit, &event, 1);
	return jp_store_commit(job->core->store, changes, count);
}

/* A token that could not be handed over was never seen: it goes again. */
static enum jp_err
hand_over(struct job *job, const struct jp_record *record)
{
	const struct jp_change change = { JP_CHANGE_DELETE, record };
	enum jp_err err = jp_job_emit_record(job, JP_ITEM_TOKEN, record, true);

	if (err != JP_ERR_OK)
		(void)jp_job_take_back(job, &change, 1);
	return err;
}

void
jp_job_policy(struct jp_core *core, struct jp_policy *policy)
{
	pthread_rwlock_rdlock(&core->policy_lock);
	*policy = core->policy;
	pthread_rwlock_unlock(&core->policy_lock);
}

static enum jp_err
do_create(struct job *job)
{
	struct jp_record record = { 0 };
	struct jp_policy policy;
	const struct jp_record *wish = &job->request->record;
	struct creation creation = { &policy, &record };
	enum jp_err err;

	jp_job_policy(job->core, &policy);
	(void)jp_field_set(record.user, sizeof(record.user), job->target.name);
	memcpy(record.name, wish->name, sizeof(record.name));
	record.scope_len = wish->scope_len;
	memcpy(record.scopes, wish->scopes, sizeof(record.scopes));
	record.service_len = wish->service_len;
	memcpy(record.services, wish->services, sizeof(record.services));
	record.net_len = wish->net_len;
	memcpy(record.nets, wish->nets, sizeof(record.nets));
	record.created_at = job->now;
	(void)jp_field_set(
	    record.created_by, sizeof(record.created_by), job->actor);
	err = job->target.kind == JP_TARGET_USER
	          ? jp_user_check_new(record.user, job->why)
	          : jp_why(job->why, JP_ERR_INVALID,
	                "an argument is missing: name a user");
	if (err == JP_ERR_OK)
		err = check_name(&record, &policy, job->why);
	if (err == JP_ERR_OK)
		err = check_scopes(&record, job->why);
	if (err == JP_ERR_OK)
		err = jp_job_choose_expiry(job, &policy, &record.expires_at);
	if (err == JP_ERR_OK) /* before the costly hash; counted again after */
		err = check_count(job, &policy);
	if (err != JP_ERR_OK || job->request->dry_run)
		return err;
	err = jp_job_make_token(job, &policy, &record);
	if (err == JP_ERR_OK)
		err = jp_job_write(job, store_token, &creation);
	return err == JP_ERR_OK ? hand_over(job, &record) : err;
}

/* ---- list, show ---- */

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

static enum jp_err
do_list(struct job *job)
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
jp_job_get(struct job *job, struct jp_record *record)
{
	const char *id = job->target.name, *owner = job->request->owner;
	enum jp_err err = jp_store_get(job->core->store, id, record);

	if (err == JP_ERR_OK && owner != NULL &&
	    strcmp(record->user, owner) != 0) {
		sodium_memzero(record, sizeof(*record));
		err = JP_ERR_NOT_FOUND;
	}
	if (err == JP_ERR_NOT_FOUND)
		return jp_why(job->why, err,
		    owner != NULL ? "you have no token with the id %s"
		                  : "no token has the id %s",
		    id);
	return err == JP_ERR_OK ? err : jp_job_store_why(job, err);
}

static enum jp_err
do_show(struct job *job)
{
	struct jp_record record;
	enum jp_err err = jp_job_get(job, &record);

	if (err != JP_ERR_OK)
		return err;
	jp_usage_show(job->core, &record);
	return jp_job_emit_record(job, JP_ITEM_RECORD, &record, false);
}

/* ---- revoke ---- */

struct harvest {
	struct jp_record *records;
	size_t len, cap;
};

static enum jp_err
gather_live(struct job *job, void *arg, const struct jp_record *record)
{
	struct harvest *harvest = arg;

	if (record->revoked_at != JP_NEVER)
		return JP_ERR_OK;
	if (JP_GROW(harvest->records, harvest->len, harvest->cap) != JP_ERR_OK)
		return jp_why(
		    job->why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	harvest->records[harvest->len++] = *record;
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
revoke_all(struct job *job, struct harvest *harvest)
{
	struct jp_change *changes = calloc(harvest->len + 1, sizeof(*changes));
	enum jp_err err;

	if (changes == NULL)
		return jp_why(
		    job->why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	for (size_t i = 0; i < harvest->len; i++) {
		mark_revoked(job, &harvest->records[i]);
		changes[i].kind = JP_CHANGE_END;
		changes[i].record = &harvest->records[i];
	}
	err = jp_job_commit(job, changes, harvest->len);
	free(changes);
	return err;
}

static enum jp_err
harvest_user(struct job *job, void *arg)
{
	struct harvest *harvest = arg;
	struct jp_listing listing;
	enum jp_err err;

	harvest->len = 0;
	jp_job_list_user(&listing, job->target.name);
	err = jp_job_each_record(job, &listing, gather_live, harvest);
	if (err == JP_ERR_OK && harvest->len == 0)
		err = jp_why(job->why, JP_ERR_NOT_FOUND,
		    "the user has no token to revoke");
	return err == JP_ERR_OK ? revoke_all(job, harvest) : err;
}

static enum jp_err
revoke_user(struct job *job)
{
	struct harvest harvest = { 0 };
	enum jp_err err = jp_job_write(job, harvest_user, &harvest);

	for (size_t i = 0; err == JP_ERR_OK && i < harvest.len; i++)
		err = jp_job_emit_record(
		    job, JP_ITEM_RECORD, &harvest.records[i], true);
	free(harvest.records);
	return err;
}

/* One that was revoked before is not harvested. */
static enum jp_err
harvest_id(struct job *job, void *arg)
{
	struct harvest *harvest = arg;
	struct jp_record *record = harvest->records;
	enum jp_err err = jp_job_get(job, record);

	harvest->len = err == JP_ERR_OK && record->revoked_at == JP_NEVER;
	return harvest->len > 0 ? revoke_all(job, harvest) : err;
}

static enum jp_err
revoke_id(struct job *job)
{
	struct jp_record record;
	struct harvest harvest = { .records = &record };
	enum jp_err err = jp_job_write(job, harvest_id, &harvest);

	return err == JP_ERR_OK ? jp_job_emit_record(job, JP_ITEM_RECORD,
	                              &record, harvest.len > 0)
	                        : err;
}

static enum jp_err
do_revoke(struct job *job)
{
	enum jp_err err = jp_text_check(
	    "reason", job->request->record.revoked_why, JP_NOTE_MAX, job->why);

	if (err != JP_ERR_OK)
		return err;
	return job->target.kind == JP_TARGET_USER ? revoke_user(job)
	                                          : revoke_id(job);
}

/* ---- test, stats, backup ---- */

/* No question of a front door, so neither limited nor left out. */
static enum jp_err
tell_test(struct job *job, const struct jp_decision *decision)
{
	const struct jp_request *question = &job->request->question;
	struct jp_audit_event event = { .event = "" };

	event.reason = jp_reason_name(decision->reason);
	event.front = jp_front_name(question->front);
	memcpy(event.id, decision->id, sizeof(event.id));
	memcpy(event.user, question->user, sizeof(event.user));
	memcpy(event.service, question->service, sizeof(event.service));
	memcpy(event.address, question->rhost, sizeof(event.address));
	return jp_job_tell(job, &event);
}

static enum jp_err
do_test(struct job *job)
{
	struct jp_decision decision;
	enum jp_err err;

	jp_decide_dry(job->core, &job->request->question, &decision);
	err = tell_test(job, &decision);
	if (err != JP_ERR_OK)
		return err;
	job->item.kind = JP_ITEM_DECISION;
	job->item.reason = decision.reason;
	memcpy(job->item.record.id, decision.id, sizeof(decision.id));
	return job->emit(job->arg, &job->item);
}

static enum jp_err
do_stats(struct job *job)
{
	enum jp_err err = jp_store_info(job->core->store, &job->item.store);

	if (err != JP_ERR_OK)
		return jp_job_store_why(job, err);
	job->item.kind = JP_ITEM_STATS;
	job->item.argon2_runs = atomic_load(&job->core->argon2_runs);
	jp_memo_count(job->core->memo, &job->item.memo);
	jp_stats_read(&job->core->stats, &job->item.stats);
	job->item.stats.log_lost = jp_log_lost();
	job->item.stats.audit_lost = jp_audit_lost(job->core->audit);
	return job->emit(job->arg, &job->item);
}

static enum jp_err
emit_piece(void *arg, const struct jp_piece *piece)
{
	struct job *job = arg;
	struct jp_piece *part = &job->item.piece;
	enum jp_err err = JP_ERR_OK;

	job->item.kind = JP_ITEM_PIECE;
	*part = *piece;
	for (size_t at = 0; at < piece->len && err == JP_ERR_OK; at += PIECE) {
		part->offset = piece->offset + at;
		part->bytes = piece->bytes + at;
		part->len = piece->len - at < PIECE ? piece->len - at : PIECE;
		err = job->emit(job->arg, &job->item);
	}
	return err;
}

/* The store is of no use without its pepper. */
static enum jp_err
do_backup(struct job *job)
{
	const struct jp_piece pepper = {
		.name = JP_BACKUP_PEPPER,
		.bytes = job->core->pepper.key,
		.len = sizeof(job->core->pepper.key),
	};
	enum jp_err err;

	if (job->core->usage != NULL)
		(void)jp_usage_flush(job->core->usage, job->core);
	err = jp_store_backup(job->core->store, emit_piece, job);
	return err == JP_ERR_OK ? emit_piece(job, &pepper)
	                        : jp_job_store_why(job, err);
}

/*
 * The operations, and what the audit trail is told of them: nothing of those
 * that only look; each change by jp_job_commit(), of those that make some; and
 * of the others that they were begun.
 */
static const struct {
	enum jp_err (*run)(struct job *job);
	enum { TELL_NOTHING, TELL_CHANGES, TELL_BEGIN } tell;
} operations[] = {
	[JP_ADMIN_CREATE] = { do_create, TELL_CHANGES },
	[JP_ADMIN_LIST] = { do_list, TELL_NOTHING },
	[JP_ADMIN_SHOW] = { do_show, TELL_NOTHING },
	[JP_ADMIN_REVOKE] = { do_revoke, TELL_CHANGES },
	[JP_ADMIN_TEST] = { do_test, TELL_CHANGES },
	[JP_ADMIN_STATS] = { do_stats, TELL_NOTHING },
	[JP_ADMIN_BACKUP] = { do_backup, TELL_BEGIN },
	[JP_ADMIN_EXPORT] = { jp_job_export, TELL_BEGIN },
	[JP_ADMIN_IMPORT] = { jp_job_import, TELL_CHANGES },
	[JP_ADMIN_PURGE] = { jp_job_purge, TELL_CHANGES },
	[JP_ADMIN_ROTATE] = { jp_job_rotate, TELL_CHANGES },
	[JP_ADMIN_POLICY] = { jp_job_hold_policy, TELL_CHANGES },
	[JP_ADMIN_USERS] = { jp_job_users, TELL_NOTHING },
	[JP_ADMIN_USER] = { jp_job_user, TELL_NOTHING },
	[JP_ADMIN_SET_USER] = { jp_job_set_user, TELL_CHANGES },
	[JP_ADMIN_SET_USERS] = { jp_job_set_users, TELL_CHANGES },
};

/* A dry run of another one would not be dry. */
static enum jp_err
check_dry_run(const struct jp_admin_request *request, struct jp_why *why)
{
	static const bool have[JP_ADMIN_OP_COUNT] = {
		[JP_ADMIN_CREATE] = true,
		[JP_ADMIN_IMPORT] = true,
		[JP_ADMIN_PURGE] = true,
		[JP_ADMIN_ROTATE] = true,
		[JP_ADMIN_POLICY] = true,
	};

	return !request->dry_run || have[request->op]
	           ? JP_ERR_OK
	           : jp_why(
	                 why, JP_ERR_INVALID, "this operation has no dry run");
}

/* Of the whole operation: those that are begun name no token and no user. */
static enum jp_err
tell_begin(struct job *job)
{
	struct jp_audit_event event = { .event = "" };

	return jp_job_tell(job, &event);
}

/* What is done by the times of tokens and cannot be undone wants a clock. */
static enum jp_err
mind_clock(const struct job *job)
{
	const struct jp_admin_request *request = job->request;
	bool ends =
	    request->op == JP_ADMIN_PURGE || request->op == JP_ADMIN_POLICY;

	if (ends && request->clock_rule == JP_CLOCK_TRUST)
		jp_clock_guard_trust(job->core);
	else
		jp_clock_guard_note(job->core);
	return (ends && !request->dry_run) ||
	               request->clock_rule == JP_CLOCK_NEAR
	           ? jp_clock_guard_check(job->core, job->why)
	           : JP_ERR_OK;
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

	why->text[0] = '\0';
	err = jp_admin_target(request, &job.target, why);
	if (err == JP_ERR_OK)
		err = check_dry_run(request, why);
	if (err == JP_ERR_OK)
		err = mind_clock(&job);
	if (err == JP_ERR_OK && operations[request->op].tell == TELL_BEGIN)
		err = tell_begin(&job);
	if (err == JP_ERR_OK)
		err = operations[request->op].run(&job);
	sodium_memzero(&job.item, sizeof(job.item));
	return err;
}
