/*
 * The operations on upstream credentials. The secret comes in, and is sealed
 * here; none of them gives one out.
 */
#include "common/admin/job.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGE = 16, /* users read at once */
};

/* ---- what they share ---- */

/* Whether it can be opened is looked at, and the secret wiped at once. */
static enum jp_upstream_state
state_of(struct job *job, const char *user, const struct jp_upstream *one)
{
	struct jp_secret header;
	enum jp_upstream_state state =
	    jp_upstream_keys_open(&job->core->upstream, user, one, &header);

	jp_secret_clear(&header);
	return state;
}

static enum jp_err
emit_one(struct job *job, const char *user, const struct jp_upstream *one,
    bool changed)
{
	struct jp_admin_item *item = &job->item;

	memset(item, 0, sizeof(*item));
	item->kind = JP_ITEM_UPSTREAM;
	item->upstream = *one;
	item->upstream_state = state_of(job, user, one);
	item->changed = changed;
	(void)jp_field_set(item->user.name, sizeof(item->user.name), user);
	return job->emit(job->arg, item);
}

static enum jp_err
emit_all(struct job *job, const struct jp_upstreams *all, bool changed)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; i < all->len && err == JP_ERR_OK; i++)
		err = emit_one(job, all->user, &all->of[i], changed);
	return err;
}

/* One service, exactly: which glob of two would go first nobody could say. */
static enum jp_err
check_target(const struct job *job)
{
	const char *service = job->request->question.service;
	enum jp_err err;

	if (job->target.kind != JP_TARGET_USER)
		return jp_why_refusal(job->why, JP_ERR_INVALID,
		    JP_REFUSAL_USER_INVALID, "name a user");
	err = jp_user_check(job->target.name, job->why);
	if (err != JP_ERR_OK)
		return jp_why_is(job->why, err, JP_REFUSAL_USER_INVALID);
	if (err == JP_ERR_OK)
		err =
		    jp_text_check("service", service, JP_SERVICE_MAX, job->why);
	if (err == JP_ERR_OK && strpbrk(service, "*?[]\\ ") != NULL)
		err = jp_why(job->why, JP_ERR_INVALID,
		    "\"%s\" is no name of a service: name one exactly, or none "
		    "for all services",
		    service);
	return err;
}

static enum jp_err
read_all(struct job *job, const char *user, struct jp_upstreams *all)
{
	enum jp_err err = jp_store_upstream(job->core->store, user, all);

	return err == JP_ERR_OK ? err : jp_job_store_why(job, err);
}

static void
describe(const struct job *job, const char *user, const struct jp_upstream *one,
    struct jp_audit_event *event)
{
	event->event = jp_admin_op_info(job->request->op)->name;
	(void)jp_field_set(event->user, sizeof(event->user), user);
	(void)jp_field_set(event->actor, sizeof(event->actor), job->actor);
	memcpy(event->service, one->service, sizeof(event->service));
	(void)snprintf(event->detail, sizeof(event->detail), "%s%s",
	    jp_upstream_kind_name(one->kind),
	    one->service[0] == '\0' ? ", all services" : "");
}

/* Announced by a line for each of `lines`, then stored. */
static enum jp_err
store(struct job *job, const struct jp_upstreams *all,
    const struct jp_upstreams *lines)
{
	struct jp_audit_event *events = calloc(lines->len, sizeof(*events));
	enum jp_err err;

	if (events == NULL)
		return jp_why(
		    job->why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	for (size_t i = 0; i < lines->len; i++)
		describe(job, all->user, &lines->of[i], &events[i]);
	err = jp_announce(job->announce, events, lines->len);
	free(events);
	if (err != JP_ERR_OK)
		return err;
	err = jp_store_put_upstream(job->core->store, all, 1);
	if (err != JP_ERR_OK)
		return jp_job_store_why(job, err);
	jp_announce_done(job->announce);
	return err;
}

/* ---- listing ---- */

static enum jp_err
each_page(struct job *job, struct jp_upstreams *page,
    enum jp_err (*visit)(struct job *job, const struct jp_upstreams *all))
{
	char after[JP_USER_MAX + 1] = "";
	enum jp_err err = JP_ERR_OK;
	size_t count = 1;

	while (err == JP_ERR_OK && count > 0) {
		err = jp_store_list_upstream(
		    job->core->store, after, page, PAGE, &count);
		if (err != JP_ERR_OK)
			(void)jp_job_store_why(job, err);
		for (size_t i = 0; err == JP_ERR_OK && i < count; i++) {
			memcpy(after, page[i].user, sizeof(after));
			err = visit(job, &page[i]);
		}
	}
	return err;
}

static enum jp_err
each_user(struct job *job,
    enum jp_err (*visit)(struct job *job, const struct jp_upstreams *all))
{
	struct jp_upstreams *page = calloc(PAGE, sizeof(*page));
	enum jp_err err = JP_ERR_NOMEM;

	if (page == NULL)
		return jp_why(job->why, err, "%s", jp_err_text(err));
	err = each_page(job, page, visit);
	free(page);
	return err;
}

static enum jp_err
list_one(struct job *job, const struct jp_upstreams *all)
{
	return emit_all(job, all, false);
}

enum jp_err
jp_op_upstreams(struct job *job)
{
	struct jp_upstreams all;
	struct jp_why ignored;
	enum jp_err err;

	(void)jp_upstream_keys_load(&job->core->upstream, NULL, &ignored);
	if (job->target.kind == JP_TARGET_NONE)
		return each_user(job, list_one);
	err = check_target(job);
	if (err == JP_ERR_OK)
		err = read_all(job, job->target.name, &all);
	return err == JP_ERR_OK ? emit_all(job, &all, false) : err;
}

/* ---- setting ---- */

struct setting {
	struct jp_upstreams all, one;
};

static enum jp_err
put_it(struct job *job, void *arg)
{
	struct setting *setting = arg;
	enum jp_err err = read_all(job, job->target.name, &setting->all);

	if (err != JP_ERR_OK)
		return err;
	err = jp_upstreams_set(&setting->all, &setting->one.of[0]);
	if (err != JP_ERR_OK)
		return jp_why(job->why, err,
		    "the user has %d upstream credentials already: remove one",
		    JP_UPSTREAMS_MAX);
	return store(job, &setting->all, &setting->one);
}

/* The file may have been made just now. */
static enum jp_err
seal(struct job *job, const struct jp_secret *header, struct jp_upstream *one)
{
	struct jp_upstream_keys *keys = &job->core->upstream;
	const char *user = job->target.name;
	enum jp_err err = jp_upstream_keys_load(keys, NULL, job->why);

	if (err == JP_ERR_MISSING)
		err = jp_why(job->why, err,
		    "there is no upstream key file %s: run `pat-admin init`, "
		    "or put the file back",
		    keys->path);
	return err == JP_ERR_OK ? jp_upstream_keys_seal(keys, user, header, one)
	                        : err;
}

static enum jp_err
make_it(struct job *job, struct jp_upstream *one)
{
	const struct jp_request *question = &job->request->question;
	struct jp_policy policy;
	struct jp_secret header;
	enum jp_err err;

	jp_job_read_policy(job->core, &policy);
	err = jp_upstream_header(
	    &question->token, policy.prefix, &one->kind, &header, job->why);
	memcpy(one->service, question->service, sizeof(one->service));
	one->set_at = job->now;
	(void)jp_field_set(one->set_by, sizeof(one->set_by), job->actor);
	if (err == JP_ERR_OK)
		err = seal(job, &header, one);
	jp_secret_clear(&header);
	return err;
}

enum jp_err
jp_op_set_upstream(struct job *job)
{
	struct setting setting = { .one = { .len = 1 } };
	enum jp_err err = check_target(job);

	if (err == JP_ERR_OK)
		err = make_it(job, &setting.one.of[0]);
	if (err == JP_ERR_OK)
		err = jp_job_write(job, put_it, &setting);
	return err == JP_ERR_OK
	           ? emit_one(job, job->target.name, &setting.one.of[0], true)
	           : err;
}

/* ---- removing ---- */

static enum jp_err
find_gone(struct job *job, struct setting *setting)
{
	const char *service = job->request->question.service;
	struct jp_upstream *one = jp_upstreams_exact(&setting->all, service);

	if (job->request->all) {
		setting->one = setting->all;
		setting->all.len = 0;
	} else if (one != NULL) {
		setting->one.len = 1;
		setting->one.of[0] = *one;
		(void)jp_upstreams_remove(&setting->all, service);
	} else {
		setting->one.len = 0;
	}
	if (setting->one.len > 0)
		return JP_ERR_OK;
	return jp_why_refusal(job->why, JP_ERR_NOT_FOUND, JP_REFUSAL_NOT_FOUND,
	    "%.255s has no such upstream credential: see `pat-admin upstream "
	    "list`",
	    job->target.name);
}

static enum jp_err
remove_it(struct job *job, void *arg)
{
	struct setting *setting = arg;
	enum jp_err err = read_all(job, job->target.name, &setting->all);

	if (err == JP_ERR_OK)
		err = find_gone(job, setting);
	return err == JP_ERR_OK ? store(job, &setting->all, &setting->one)
	                        : err;
}

enum jp_err
jp_op_remove_upstream(struct job *job)
{
	struct setting setting = { .one = { .len = 0 } };
	enum jp_err err = check_target(job);

	if (err == JP_ERR_OK)
		err = jp_job_write(job, remove_it, &setting);
	(void)jp_field_set(
	    setting.one.user, sizeof(setting.one.user), job->target.name);
	return err == JP_ERR_OK ? emit_all(job, &setting.one, true) : err;
}

/* ---- purge ---- */

/* Nobody gets to see them, and nobody has wanted them back for that long. */
static enum jp_err
is_forgotten(struct job *job, const char *name, bool *forgotten)
{
	struct jp_user user;
	enum jp_err err = jp_store_user(job->core->store, name, &user);

	*forgotten =
	    err == JP_ERR_OK && user.disabled &&
	    jp_when_since(user.changed_at, job->now) >= job->request->dead_for;
	return err == JP_ERR_OK ? err : jp_job_store_why(job, err);
}

static enum jp_err
purge_it(struct job *job, void *arg)
{
	struct setting *setting = arg;
	bool forgotten;
	enum jp_err err = is_forgotten(job, setting->one.user, &forgotten);

	if (err == JP_ERR_OK)
		err = read_all(job, setting->one.user, &setting->all);
	setting->one.len = 0;
	if (err != JP_ERR_OK || !forgotten || setting->all.len == 0)
		return err;
	setting->one = setting->all;
	setting->all.len = 0;
	return store(job, &setting->all, &setting->one);
}

static enum jp_err
purge_user(struct job *job, const struct jp_upstreams *found)
{
	struct setting setting = { .one = *found };
	bool forgotten;
	enum jp_err err = is_forgotten(job, found->user, &forgotten);

	if (err != JP_ERR_OK || !forgotten)
		return err;
	if (!job->request->dry_run)
		err = jp_job_write(job, purge_it, &setting);
	return err == JP_ERR_OK ? emit_all(job, &setting.one, true) : err;
}

enum jp_err
jp_job_purge_upstream(struct job *job)
{
	return each_user(job, purge_user);
}

/* ---- another key ---- */

/* Nothing is sealed anew before all of them can be. */
static enum jp_err
look_at(struct job *job, const struct jp_upstreams *all)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; i < all->len && err == JP_ERR_OK; i++) {
		if (state_of(job, all->user, &all->of[i]) == JP_UPSTREAM_READY)
			continue;
		job->closed = true;
		err = emit_one(job, all->user, &all->of[i], false);
	}
	return err;
}

static enum jp_err
reseal_one(struct job *job, const char *user, struct jp_upstream *one)
{
	struct jp_upstream_keys *keys = &job->core->upstream;
	struct jp_secret header;
	enum jp_err err = JP_ERR_DAMAGED;

	if (jp_upstream_keys_open(keys, user, one, &header) ==
	    JP_UPSTREAM_READY)
		err = jp_upstream_keys_seal(keys, user, &header, one);
	jp_secret_clear(&header);
	return err == JP_ERR_OK ? err
	                        : jp_why(job->why, err,
	                              "an upstream credential of %.255s: %s",
	                              user, jp_err_text(err));
}

static enum jp_err
reseal_all(struct job *job, void *arg)
{
	struct jp_upstreams *all = arg;
	char user[JP_USER_MAX + 1];
	enum jp_err err;

	memcpy(user, all->user, sizeof(user));
	err = read_all(job, user, all);
	for (size_t i = 0; i < all->len && err == JP_ERR_OK; i++)
		err = reseal_one(job, user, &all->of[i]);
	return err == JP_ERR_OK && all->len > 0 ? store(job, all, all) : err;
}

static enum jp_err
reseal_user(struct job *job, const struct jp_upstreams *found)
{
	struct jp_upstreams all = *found;
	enum jp_err err = jp_job_write(job, reseal_all, &all);

	return err == JP_ERR_OK ? emit_all(job, &all, true) : err;
}

enum jp_err
jp_op_rekey_upstream(struct job *job)
{
	struct jp_upstream_keys *keys = &job->core->upstream;
	enum jp_err err = jp_upstream_keys_load(keys, NULL, job->why);

	if (err == JP_ERR_OK && !keys->has_next)
		err = jp_why(job->why, JP_ERR_MISSING,
		    "there is no next key, %s" JP_UPSTREAM_NEXT, keys->path);
	if (err == JP_ERR_OK)
		err = each_user(job, look_at);
	if (err == JP_ERR_OK && job->closed)
		err = jp_why(job->why, JP_ERR_CONFIG,
		    "these cannot be opened: put their key back, or remove "
		    "them");
	return err == JP_ERR_OK ? each_user(job, reseal_user) : err;
}
