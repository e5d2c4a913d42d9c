/* The operations on users. */
#include "common/admin_internal.h"

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
jp_job_users(struct job *job)
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
read_user(struct job *job, struct jp_user *user)
{
	const char *name = job->request->user.name;
	enum jp_err err = jp_user_check(name, job->why);

	if (err != JP_ERR_OK)
		return err;
	err = jp_store_user(job->core->store, name, user);
	return err == JP_ERR_OK ? err : jp_job_store_why(job, err);
}

enum jp_err
jp_job_user(struct job *job)
{
	struct jp_user user;
	enum jp_err err = read_user(job, &user);

	return err == JP_ERR_OK ? emit_user(job, &user, false) : err;
}

/* The groups are taken over one by one, so that each is looked at. */
static enum jp_err
take_groups(
    const struct jp_user *wish, struct jp_user *user, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	user->group_len = 0;
	memset(user->groups, 0, sizeof(user->groups));
	for (size_t i = 0; i < wish->group_len && err == JP_ERR_OK; i++)
		err = jp_user_add_group(user, wish->groups[i], why);
	return err;
}

static enum jp_err
apply(const struct job *job, struct jp_user *user)
{
	const struct jp_admin_request *request = job->request;
	const struct jp_user *wish = &request->user;
	enum jp_err err =
	    jp_text_check("note", wish->note, JP_NOTE_MAX, job->why);

	if ((request->user_fields & JP_USER_STATE) != 0)
		user->disabled = wish->disabled;
	if ((request->user_fields & JP_USER_NOTE) != 0)
		memcpy(user->note, wish->note, sizeof(user->note));
	if (err == JP_ERR_OK && (request->user_fields & JP_USER_GROUPS) != 0)
		err = take_groups(wish, user, job->why);
	return err;
}

static enum jp_err
put_user(struct job *job, const struct jp_user *user)
{
	struct jp_audit_event event = { .event = "" };
	enum jp_err err;

	memcpy(event.user, user->name, sizeof(event.user));
	(void)jp_field_set(event.detail, sizeof(event.detail),
	    user->disabled ? "disabled" : "active");
	err = jp_job_announce(job, &event);
	if (err != JP_ERR_OK)
		return err;
	err = jp_store_put_users(job->core->store, user, 1);
	if (err != JP_ERR_OK)
		return jp_job_store_why(job, err);
	jp_announce_done(job->announce);
	return err;
}

struct user_change {
	struct jp_user user;
	bool made;
};

/* What is so already is not written. */
static enum jp_err
change_user(struct job *job, void *arg)
{
	struct user_change *change = arg;
	struct jp_user *user = &change->user;
	struct jp_user before;
	enum jp_err err = read_user(job, user);

	before = *user;
	if (err == JP_ERR_OK)
		err = apply(job, user);
	change->made = err == JP_ERR_OK && !jp_user_same(&before, user);
	if (!change->made)
		return err;
	user->changed_at = job->now;
	(void)jp_field_set(
	    user->changed_by, sizeof(user->changed_by), job->actor);
	return put_user(job, user);
}

enum jp_err
jp_job_set_user(struct job *job)
{
	struct user_change change;
	enum jp_err err = jp_job_write(job, change_user, &change);

	return err == JP_ERR_OK ? emit_user(job, &change.user, change.made)
	                        : err;
}
