#include "common/admin/child.h"

#include <sodium.h>
#include <string.h>

#include "common/admin/within.h"
#include "common/decide/parents.h"

/* ---- the parent ---- */

/* In full, as for people. */
static enum jp_err
check_live(struct job *job, const struct jp_record *parent)
{
	enum jp_err err = jp_job_judge(job, parent);

	if (err != JP_ERR_OK ||
	    jp_state_status(job->item.state) == JP_STATUS_LIVE)
		return err;
	return jp_why_refusal(job->why, JP_ERR_REFUSED, JP_REFUSAL_NOT_LIVE,
	    "the token %s, the parent, is %s: its children need a live one",
	    parent->id, jp_state_name(job->item.state));
}

/* It is live, and not as deep as a token may be. */
static enum jp_err
check_parent(struct job *job, const struct jp_record *parent)
{
	struct jp_parents above;
	enum jp_err err = jp_parents_look(
	    job->core->store, jp_store_get, parent, job->now, &above);

	if (err != JP_ERR_OK)
		return jp_job_store_why(job, err);
	if (above.depth >= JP_PARENTS_MAX)
		return jp_why_refusal(job->why, JP_ERR_REFUSED,
		    JP_REFUSAL_NOT_ALLOWED,
		    "the token %s has %d ancestors already, and no child can "
		    "have more",
		    parent->id, JP_PARENTS_MAX);
	return check_live(job, parent);
}

/* A token that asks makes others of its own user alone. */
static enum jp_err
check_user(struct job *job, const struct jp_record *parent,
    const struct jp_record *child)
{
	const struct jp_admin_request *request = job->request;
	bool other =
	    child->user[0] != '\0' && strcmp(child->user, parent->user) != 0;

	if (request->behalf.token[0] != '\0' && request->owner != NULL)
		other |= strcmp(request->owner, parent->user) != 0;
	return other ? jp_why_refusal(job->why, JP_ERR_REFUSED,
	                   JP_REFUSAL_NOT_ALLOWED,
	                   "the token %s is another user's: a child acts as "
	                   "the user of its parent",
	                   parent->id)
	             : JP_ERR_OK;
}

/* The group that owns the parent owns its children. */
static enum jp_err
inherit_group(
    struct job *job, const struct jp_record *parent, struct jp_record *child)
{
	if (child->owner_group[0] != '\0' &&
	    strcmp(child->owner_group, parent->owner_group) != 0)
		return jp_why_refusal(job->why, JP_ERR_REFUSED,
		    JP_REFUSAL_NOT_ALLOWED,
		    "a child belongs to the group of its parent, and to no "
		    "other: name none");
	memcpy(child->owner_group, parent->owner_group,
	    sizeof(child->owner_group));
	return JP_ERR_OK;
}

/* ---- what the child may be ---- */

static enum jp_err
check_uses(struct job *job, const struct jp_record *parent,
    const struct jp_record *child)
{
	if (parent->uses_max == 0)
		return JP_ERR_OK;
	if (child->uses_max == 0)
		return jp_why_refusal(job->why, JP_ERR_REFUSED,
		    JP_REFUSAL_WIDER,
		    "the token %s may be used %u times more: say how many of "
		    "them its child gets (--uses)",
		    parent->id, parent->uses_left);
	if (child->uses_max <= parent->uses_left)
		return JP_ERR_OK;
	return jp_why_refusal(job->why, JP_ERR_REFUSED, JP_REFUSAL_WIDER,
	    "the token %s may be used %u times more: its child cannot be used "
	    "%u times",
	    parent->id, parent->uses_left, child->uses_max);
}

static enum jp_err
check_end(struct job *job, const struct jp_record *parent, int64_t expires_at)
{
	int64_t end = jp_record_end(parent);
	char text[JP_WHEN_TEXT_MAX];

	if (end == JP_NEVER || (expires_at != JP_NEVER && expires_at <= end))
		return JP_ERR_OK;
	jp_when_format(end, text);
	return jp_why_refusal(job->why, JP_ERR_REFUSED, JP_REFUSAL_WIDER,
	    "the token %s ends at %s: its child cannot live longer", parent->id,
	    text);
}

/* An hour, or less where the parent or the policy has less. */
static int64_t
default_end(const struct job *job, const struct jp_policy *policy,
    const struct jp_record *parent)
{
	const int64_t ends[] = {
		jp_record_end(parent),
		policy->max_lifetime == JP_NEVER
		    ? JP_NEVER
		    : jp_when_add(job->now, policy->max_lifetime),
	};
	int64_t end = jp_when_add(job->now, JP_CHILD_LIFETIME);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (ends[i] != JP_NEVER && ends[i] < end)
			end = ends[i];
	return end;
}

static enum jp_err
narrow_lifetime(struct job *job, const struct jp_policy *policy,
    const struct jp_record *parent, struct jp_new_token *asked)
{
	if (asked->lifetime == JP_LIFETIME_DEFAULT) {
		asked->lifetime = JP_LIFETIME_UNTIL;
		asked->expires_at = default_end(job, policy, parent);
	}
	return check_end(job, parent,
	    asked->lifetime == JP_LIFETIME_UNTIL ? asked->expires_at
	                                         : JP_NEVER);
}

enum jp_err
jp_child_narrow(
    struct job *job, const struct jp_policy *policy, struct jp_new_token *asked)
{
	struct jp_record *child = &asked->record;
	struct jp_record parent;
	enum jp_err err;

	if (child->parent[0] == '\0')
		return JP_ERR_OK;
	err = jp_job_read(job, child->parent, &parent);
	if (err == JP_ERR_OK)
		err = check_user(job, &parent, child);
	if (err == JP_ERR_OK)
		err = check_parent(job, &parent);
	if (err == JP_ERR_OK)
		err = inherit_group(job, &parent, child);
	if (err == JP_ERR_OK)
		err = jp_admin_check_within(&parent, child, job->why);
	if (err == JP_ERR_OK)
		err = check_uses(job, &parent, child);
	if (err == JP_ERR_OK)
		err = narrow_lifetime(job, policy, &parent, asked);
	if (err == JP_ERR_OK)
		memcpy(child->user, parent.user, sizeof(child->user));
	sodium_memzero(&parent, sizeof(parent));
	return err;
}

enum jp_err
jp_child_rotate(
    struct job *job, const struct jp_record *old, int64_t *expires_at)
{
	struct jp_record parent;
	int64_t end;
	enum jp_err err;

	if (old->parent[0] == '\0')
		return JP_ERR_OK;
	err = jp_job_read(job, old->parent, &parent);
	if (err == JP_ERR_OK)
		err = check_live(job, &parent);
	if (err == JP_ERR_NOT_FOUND)
		return jp_why_is(job->why, err, JP_REFUSAL_NOT_LIVE);
	if (err != JP_ERR_OK)
		return err;
	end = jp_record_end(&parent);
	if (job->request->lifetime == JP_LIFETIME_DEFAULT && end != JP_NEVER &&
	    (*expires_at == JP_NEVER || *expires_at > end))
		*expires_at = end;
	err = check_end(job, &parent, *expires_at);
	sodium_memzero(&parent, sizeof(parent));
	return err;
}

/* ---- its uses ---- */

/* The record of the parent: what `parents` has of it, or the store. */
static enum jp_err
find_parent(struct job *job, const char *id, struct child_parents *parents,
    struct jp_record **parent)
{
	enum jp_err err;

	for (size_t i = 0; i < parents->len; i++) {
		*parent = &parents->records[i];
		if (strcmp((*parent)->id, id) == 0)
			return JP_ERR_OK;
	}
	*parent = &parents->records[parents->len];
	err = jp_job_read(job, id, *parent);
	if (err == JP_ERR_OK)
		err = check_parent(job, *parent);
	if (err == JP_ERR_OK)
		parents->len++;
	return err;
}

enum jp_err
jp_child_take_uses(struct job *job, const struct jp_record *child,
    struct child_parents *parents)
{
	struct jp_record *parent;
	enum jp_err err;

	if (child->parent[0] == '\0')
		return JP_ERR_OK;
	err = find_parent(job, child->parent, parents, &parent);
	if (err == JP_ERR_OK)
		err = check_uses(job, parent, child);
	if (err == JP_ERR_OK)
		err = check_end(job, parent, child->expires_at);
	if (err == JP_ERR_OK && parent->uses_max != 0)
		parent->uses_left -= child->uses_max;
	return err;
}

/* A parent that is gone, or was rotated, gets nothing back. */
void
jp_child_give_back(struct job *job, const struct jp_record *child,
    struct child_parents *parents)
{
	struct jp_record *parent = &parents->records[parents->len];

	for (size_t i = 0; i < parents->len; i++)
		if (strcmp(parents->records[i].id, child->parent) == 0)
			parent = &parents->records[i];
	if (child->parent[0] == '\0' || child->uses_max == 0)
		return;
	if (parent == &parents->records[parents->len]) {
		if (jp_store_get(job->core->store, child->parent, parent) !=
		        JP_ERR_OK ||
		    parent->uses_max == 0 || parent->superseded_at != JP_NEVER)
			return;
		parents->len++;
	}
	parent->uses_left += child->uses_max;
}

size_t
jp_child_changes(const struct child_parents *parents, struct jp_change *changes,
    size_t count)
{
	for (size_t i = 0; i < parents->len; i++)
		if (parents->records[i].uses_max != 0)
			changes[count++] =
			    (struct jp_change){ JP_CHANGE_REPLACE,
				    &parents->records[i] };
	return count;
}
