/* The operations on users. */
#include "common/admin/job.h"
#include "common/admin/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGE = 32, /* users read at once */
};

static enum jp_err
emit_user(struct job *job, const struct jp_user *user, bool changed)
{
	struct jp_admin_item *item = &job->item;
	enum jp_err err = jp_job_count_live(job, user->name, &item->live);

	item->kind = JP_ITEM_USER;
	item->user = *user;
	item->changed = changed;
	return err == JP_ERR_OK ? job->emit(job->arg, item) : err;
}

enum jp_err
jp_op_users(struct job *job)
{
	struct jp_user *page = calloc(PAGE, sizeof(*page));
	char after[JP_USER_MAX + 1] = "";
	enum jp_err err = page != NULL ? JP_ERR_OK : JP_ERR_NOMEM;
	size_t count = 1;

	if (page == NULL)
		(void)jp_why(job->why, err, "%s", jp_err_text(err));
	while (err == JP_ERR_OK && count > 0) {
		err = jp_store_list_users(
		    job->core->store, after, page, PAGE, &count);
		if (err != JP_ERR_OK)
			(void)jp_job_store_why(job, err);
		for (size_t i = 0; err == JP_ERR_OK && i < count; i++) {
			memcpy(after, page[i].name, sizeof(after));
			if (job->request->all || page[i].disabled)
				err = emit_user(job, &page[i], false);
		}
	}
	free(page);
	return err;
}

static enum jp_err
read_user(struct job *job, const char *name, struct jp_user *user)
{
	enum jp_err err = jp_user_check(name, job->why);

	if (err != JP_ERR_OK)
		return jp_why_is(job->why, err, JP_REFUSAL_USER_INVALID);
	err = jp_store_user(job->core->store, name, user);
	return err == JP_ERR_OK ? err : jp_job_store_why(job, err);
}

enum jp_err
jp_op_user(struct job *job)
{
	struct jp_user user;
	enum jp_err err = read_user(job, job->request->user.name, &user);

	return err == JP_ERR_OK ? emit_user(job, &user, false) : err;
}

/* The groups are taken over one by one, so that each is looked at. */
static enum jp_err
take_groups(
    const struct jp_user *asked, struct jp_user *user, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	user->group_len = 0;
	memset(user->groups, 0, sizeof(user->groups));
	for (size_t i = 0; i < asked->group_len && err == JP_ERR_OK; i++)
		err = jp_user_add_group(user, asked->groups[i], why);
	return err;
}

static enum jp_err
apply(const struct jp_user_change *change, struct jp_user *user,
    struct jp_why *why)
{
	const struct jp_user *asked = &change->user;
	enum jp_err err = jp_text_check("note", asked->note, JP_NOTE_MAX, why);

	if ((change->fields & JP_USER_STATE) != 0)
		user->disabled = asked->disabled;
	if ((change->fields & JP_USER_PROTECTION) != 0)
		user->protected = asked->protected;
	if ((change->fields & JP_USER_NOTE) != 0)
		memcpy(user->note, asked->note, sizeof(user->note));
	if (err == JP_ERR_OK && (change->fields & JP_USER_GROUPS) != 0)
		err = take_groups(asked, user, why);
	return err;
}

/* `user` gets what the record becomes; what is so already is not written. */
static enum jp_err
change_user(struct job *job, const struct jp_user_change *change,
    struct jp_user *user, bool *changed)
{
	struct jp_user before;
	enum jp_err err = read_user(job, change->user.name, user);

	before = *user;
	if (err == JP_ERR_OK)
		err = apply(change, user, job->why);
	*changed = err == JP_ERR_OK && !jp_user_same(&before, user);
	if (!*changed)
		return err;
	user->changed_at = job->now;
	(void)jp_field_set(
	    user->changed_by, sizeof(user->changed_by), job->actor);
	return JP_ERR_OK;
}

static void
describe(const struct job *job, const struct jp_user *user,
    struct jp_audit_event *event)
{
	event->event = "set-user";
	memcpy(event->user, user->name, sizeof(event->user));
	(void)jp_field_set(event->actor, sizeof(event->actor), job->actor);
	(void)snprintf(event->detail, sizeof(event->detail), "%s%s",
	    user->disabled ? "disabled" : "active",
	    user->protected ? ", protected" : "");
}

/* Announced by a line for each, then stored in one transaction. */
static enum jp_err
put_users(struct job *job, const struct jp_user *users, size_t count)
{
	struct jp_audit_event *events;
	enum jp_err err;

	if (count == 0)
		return JP_ERR_OK;
	events = calloc(count, sizeof(*events));
	if (events == NULL)
		return jp_why(
		    job->why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	for (size_t i = 0; i < count; i++)
		describe(job, &users[i], &events[i]);
	err = jp_announce(job->announce, events, count);
	free(events);
	if (err != JP_ERR_OK)
		return err;
	err = jp_store_put_users(job->core->store, users, count);
	if (err != JP_ERR_OK)
		return jp_job_store_why(job, err);
	jp_announce_done(job->announce);
	return err;
}

struct single {
	struct jp_user_change change;
	struct jp_user user;
	bool changed;
};

static enum jp_err
set_single(struct job *job, void *arg)
{
	struct single *single = arg;
	enum jp_err err =
	    change_user(job, &single->change, &single->user, &single->changed);

	return err == JP_ERR_OK ? put_users(job, &single->user, single->changed)
	                        : err;
}

enum jp_err
jp_op_set_user(struct job *job)
{
	struct single single = { .change = { job->request->user,
		                     job->request->user_fields } };
	enum jp_err err = jp_job_write(job, set_single, &single);

	return err == JP_ERR_OK ? emit_user(job, &single.user, single.changed)
	                        : err;
}

/* ---- many ---- */

struct crowd {
	size_t len, changed;
	struct jp_user_change changes[JP_BATCH_ROWS];
	struct jp_user users[JP_BATCH_ROWS]; /* those that change */
	bool known[JP_BATCH_ROWS];           /* has a record already */
};

static enum jp_err
take_crowd(struct job *job, struct crowd *crowd)
{
	struct jp_buf buf;

	jp_buf_read(&buf, job->request->batch, job->request->batch_len);
	while (buf.pos < buf.cap) {
		if (crowd->len == JP_BATCH_ROWS ||
		    jp_batch_get_user(&buf, &crowd->changes[crowd->len]) !=
		        JP_ERR_OK)
			return jp_why(
			    job->why, JP_ERR_INVALID, "a malformed batch");
		crowd->len++;
	}
	return JP_ERR_OK;
}

/* A list of users disables nobody who is protected, whatever else it does. */
static enum jp_err
check_protection(const struct job *job, const struct jp_user_change *change,
    const struct jp_user *user)
{
	if ((change->fields & JP_USER_STATE) == 0 || !user->disabled ||
	    !user->protected)
		return JP_ERR_OK;
	return jp_why_refusal(job->why, JP_ERR_REFUSED, JP_REFUSAL_NOT_ALLOWED,
	    "the user %.255s is protected: see `pat-admin user unprotect`",
	    user->name);
}

/* Whether a row before names the same user: the store knows nothing of it yet.
 */
static bool
is_twice(const struct crowd *crowd, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(crowd->changes[j].user.name,
		        crowd->changes[i].user.name) == 0)
			return true;
	return false;
}

static enum jp_err
set_one(struct job *job, struct crowd *crowd, size_t i, bool *changed)
{
	const struct jp_user_change *change = &crowd->changes[i];
	struct jp_user *user = &crowd->users[crowd->changed];
	enum jp_err err;

	if (is_twice(crowd, i))
		return jp_why_refusal(job->why, JP_ERR_INVALID,
		    JP_REFUSAL_USER_INVALID,
		    "the user %.255s stands twice in one batch",
		    change->user.name);
	err = change_user(job, change, user, changed);
	return err == JP_ERR_OK ? check_protection(job, change, user) : err;
}

/* The record of a user who has none: all of it, whoever is protected. */
static enum jp_err
add_one(struct job *job, struct crowd *crowd, size_t i, bool *changed)
{
	const struct jp_user_change *change = &crowd->changes[i];
	struct jp_user *user = &crowd->users[crowd->changed];
	enum jp_err err = read_user(job, change->user.name, user);

	*changed = false;
	if (err != JP_ERR_OK)
		return err;
	crowd->known[i] = user->changed_at != JP_NEVER || is_twice(crowd, i);
	if (!crowd->known[i])
		return change_user(job, change, user, changed);
	return job->request->skip_known
	           ? JP_ERR_OK
	           : jp_why(job->why, JP_ERR_EXISTS,
	                 "the user %.255s is there already: remove the line, "
	                 "or give --skip-known",
	                 change->user.name);
}

static enum jp_err
store_crowd(struct job *job, void *arg)
{
	struct crowd *crowd = arg;
	bool adds = job->request->op == JP_ADMIN_IMPORT_USERS;
	enum jp_err err = JP_ERR_OK;

	crowd->changed = 0;
	for (size_t i = 0; i < crowd->len; i++) {
		bool changed = false;

		err = adds ? add_one(job, crowd, i, &changed)
		           : set_one(job, crowd, i, &changed);
		if (err != JP_ERR_OK)
			return jp_job_at_row(job, i, err);
		crowd->changed += changed;
	}
	return job->request->dry_run
	           ? JP_ERR_OK
	           : put_users(job, crowd->users, crowd->changed);
}

enum jp_err
jp_op_set_users(struct job *job)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	enum jp_err err;

	if (crowd == NULL)
		return jp_why(
		    job->why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	err = take_crowd(job, crowd);
	if (err == JP_ERR_OK)
		err = jp_job_write(job, store_crowd, crowd);
	for (size_t i = 0; i < crowd->len && err == JP_ERR_OK; i++)
		if (crowd->known[i])
			err = jp_job_emit_row(job, i);
	free(crowd);
	return err;
}

enum jp_err
jp_op_import_users(struct job *job)
{
	return jp_op_set_users(job);
}
