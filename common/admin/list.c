/* The operations that list tokens: all, those of a user, or one. */
#include "common/admin/job.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>

#include "common/base/grow.h"
#include "common/decide/member.h"
#include "common/decide/usage.h"
#include "common/sys/log.h"

/* ---- which tokens are meant ---- */

/* In any case of ASCII; other letters as they are. */
static bool
contains(const char *text, const char *part)
{
	size_t len = strlen(part);

	for (; strlen(text) >= len; text++)
		if (strncasecmp(text, part, len) == 0)
			return true;
	return false;
}

static bool
is_found(const struct jp_record *record, const char *part)
{
	return part[0] == '\0' || contains(record->user, part) ||
	       contains(record->name, part) || contains(record->id, part);
}

static bool
has_new_place(const struct jp_record *record, int64_t since)
{
	for (size_t i = 0; i < record->use_len; i++)
		if (jp_record_place_is_new(record, i, since))
			return true;
	return false;
}

static bool
is_timely(const struct job *job, const struct jp_record *record)
{
	const struct jp_admin_request *request = job->request;

	if (request->expiring != 0 &&
	    (record->expires_at == JP_NEVER ||
	        jp_when_since(job->now, record->expires_at) >
	            request->expiring))
		return false;
	if (request->places_since != 0 &&
	    !has_new_place(record, request->places_since))
		return false;
	return request->unused == 0 ||
	       jp_when_since(jp_record_last_sign(record), job->now) >
	           request->unused;
}

/* By the state in the item. What has ended for good is asked for by itself. */
static bool
has_status(const struct job *job, const struct jp_record *record)
{
	const struct jp_admin_request *request = job->request;
	enum jp_state state = job->item.state;

	if (request->statuses != 0)
		return (request->statuses & 1U << jp_state_status(state)) != 0;
	return request->all ||
	       (!jp_record_ended(record, job->now) && state != JP_STATE_PARENT);
}

/* One listing, whole or as a page. */
struct view {
	uint32_t len; /* items emitted */
	bool cut;     /* there are more of them */
	char last_id[JP_TOKEN_ID_LEN + 1];
};

static enum jp_err
emit_listed(struct job *job, struct view *view, const struct jp_record *record)
{
	uint32_t limit = job->request->limit;

	view->cut = limit != 0 && view->len == limit;
	if (view->cut)
		return JP_ERR_OK;
	view->len++;
	memcpy(view->last_id, record->id, sizeof(view->last_id));
	return jp_job_emit_judged(job, JP_ITEM_RECORD, record, false);
}

static enum jp_err
list_one(struct job *job, void *arg, const struct jp_record *stored)
{
	struct jp_record copy = *stored;
	enum jp_err err;

	jp_usage_show(job->core, &copy);
	if (!is_timely(job, &copy) || !is_found(&copy, job->request->search))
		return JP_ERR_OK;
	err = jp_job_judge(job, &copy);
	return err == JP_ERR_OK && has_status(job, &copy)
	           ? emit_listed(job, arg, &copy)
	           : err;
}

static enum jp_err
emit_page(struct job *job, const struct view *view)
{
	sodium_memzero(&job->item, sizeof(job->item));
	job->item.kind = JP_ITEM_PAGE;
	memcpy(job->item.record.id, view->last_id, sizeof(view->last_id));
	return job->emit(job->arg, &job->item);
}

/* ---- several listings as one, by id ---- */

enum {
	GROUP_PAGE = 8, /* records of a group read at once: few have many */
};

/* A listing by id, and what was read of it and is not listed yet. */
struct source {
	struct jp_listing listing;
	size_t max;
	struct jp_record *page; /* of `max`; NULL: nothing is left */
	size_t len, at;
};

/* The tokens of a user and of the user's groups: some may be of both. */
struct sources {
	struct job *job;
	struct source *items;
	size_t len, cap;
};

static enum jp_err
add_source(struct sources *sources, const struct jp_listing *listing)
{
	struct source *source;
	struct job *job = sources->job;

	if (JP_GROW(sources->items, sources->len, sources->cap) != JP_ERR_OK)
		return jp_why(
		    job->why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	source = &sources->items[sources->len++];
	*source = (struct source){ .listing = *listing,
		.max = listing->order == JP_ORDER_OWNER ? GROUP_PAGE
		                                        : JP_JOB_PAGE };
	source->listing.started = true;
	memcpy(source->listing.last_id, job->request->after,
	    sizeof(source->listing.last_id));
	return JP_ERR_OK;
}

static enum jp_err
add_group(void *arg, const char *group)
{
	struct jp_listing listing = { .order = JP_ORDER_OWNER };

	/* A longer name is no group of ours. */
	return jp_field_set(listing.owner, sizeof(listing.owner), group) ==
	               JP_ERR_OK
	           ? add_source(arg, &listing)
	           : JP_ERR_OK;
}

/* A name service that fails hides the tokens of its groups, and no others. */
static enum jp_err
add_groups(struct sources *sources, const char *user)
{
	struct job *job = sources->job;
	struct jp_user record;
	enum jp_err err = jp_store_user(job->core->store, user, &record);

	if (err != JP_ERR_OK)
		return jp_job_store_why(job, err);
	err = jp_member_each(job->core, &record, add_group, sources);
	if (err != JP_ERR_UNREACHABLE)
		return err;
	jp_log(LOG_WARNING, "cannot find out the groups of a user: their "
	                    "tokens are not listed");
	return JP_ERR_OK;
}

/* Reads on, if all that was read is listed. */
static enum jp_err
refill(struct job *job, struct source *source)
{
	enum jp_err err;

	if (source->at < source->len)
		return JP_ERR_OK;
	source->at = source->len = 0;
	err = jp_store_list(job->core->store, &source->listing, source->page,
	    source->max, &source->len);
	if (err != JP_ERR_OK)
		return jp_job_store_why(job, err);
	if (source->len == 0) {
		free(source->page);
		source->page = NULL;
	}
	return JP_ERR_OK;
}

static enum jp_err
open_sources(struct sources *sources)
{
	struct job *job = sources->job;
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; i < sources->len && err == JP_ERR_OK; i++) {
		struct source *source = &sources->items[i];

		source->page = malloc(source->max * sizeof(*source->page));
		err = source->page != NULL
		          ? refill(job, source)
		          : jp_why(job->why, JP_ERR_NOMEM, "%s",
		                jp_err_text(JP_ERR_NOMEM));
	}
	return err;
}

/* The least id that is not listed yet; NULL: there is none. */
static const struct jp_record *
least(const struct sources *sources)
{
	const struct jp_record *found = NULL;

	for (size_t i = 0; i < sources->len; i++) {
		const struct source *source = &sources->items[i];

		if (source->page != NULL &&
		    (found == NULL ||
		        strcmp(source->page[source->at].id, found->id) < 0))
			found = &source->page[source->at];
	}
	return found;
}

/* Moves on behind `id`, wherever it stands. */
static enum jp_err
pass(struct sources *sources, const char *id)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; i < sources->len && err == JP_ERR_OK; i++) {
		struct source *source = &sources->items[i];

		if (source->page == NULL ||
		    strcmp(source->page[source->at].id, id) != 0)
			continue;
		source->at++;
		err = refill(sources->job, source);
	}
	return err;
}

static enum jp_err
list_sources(struct sources *sources, struct view *view)
{
	const struct jp_record *record;
	char id[JP_TOKEN_ID_LEN + 1];
	enum jp_err err = open_sources(sources);

	while (err == JP_ERR_OK && !view->cut &&
	       (record = least(sources)) != NULL) {
		memcpy(id, record->id, sizeof(id));
		err = list_one(sources->job, view, record);
		if (err == JP_ERR_OK)
			err = pass(sources, id);
	}
	for (size_t i = 0; i < sources->len; i++)
		free(sources->items[i].page);
	free(sources->items);
	return err;
}

/* ---- the operations ---- */

/* What has expired is left out before it is read. */
static enum jp_err
list_expiring(struct job *job, struct view *view)
{
	struct jp_listing listing = { .order = JP_ORDER_EXPIRY };

	listing.until = jp_when_add(job->now, job->request->expiring);
	listing.started = !job->request->all && job->request->statuses == 0;
	listing.last_expiry = listing.started ? job->now : 0;
	return jp_job_each_record(job, &listing, list_one, view);
}

static enum jp_err
list_by_id(struct job *job, struct view *view)
{
	struct sources sources = { .job = job };
	struct jp_listing listing = { .order = JP_ORDER_ID };
	enum jp_err err;

	if (job->target.kind == JP_TARGET_USER)
		jp_job_list_user(&listing, job->target.name);
	err = add_source(&sources, &listing);
	if (err == JP_ERR_OK && job->request->owner != NULL)
		err = add_groups(&sources, job->request->owner);
	if (err == JP_ERR_OK)
		return list_sources(&sources, view);
	free(sources.items);
	return err;
}

enum jp_err
jp_op_list(struct job *job)
{
	const struct jp_admin_request *request = job->request;
	struct view view = { 0 };
	bool paged = request->limit != 0 || request->after[0] != '\0';
	enum jp_err err;

	if (request->after[0] != '\0' && !jp_token_id_valid(request->after))
		return jp_why_refusal(job->why, JP_ERR_INVALID,
		    JP_REFUSAL_NOT_FOUND, "a page begins behind an id");
	err = job->target.kind != JP_TARGET_USER && request->expiring != 0 &&
	              !paged
	          ? list_expiring(job, &view)
	          : list_by_id(job, &view);
	return err == JP_ERR_OK && view.cut ? emit_page(job, &view) : err;
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
