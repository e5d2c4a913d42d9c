#include "common/admin/self_limits.h"

#include <sodium.h>
#include <string.h>

#include "common/admin/owns.h"
#include "common/admin/within.h"

bool
jp_self_is_itself(const struct own *own)
{
	return own->by_token && own->target.kind == JP_TARGET_ID &&
	       strcmp(own->target.name, own->token.id) == 0;
}

/* ---- scopes ---- */

static bool
allowed(const struct jp_policy *policy, const char *scope)
{
	for (size_t i = 0; i < policy->self_scope_len; i++)
		if (strcmp(policy->self_scopes[i], scope) == 0)
			return true;
	return false;
}

/* A token without scopes would hold all of them. */
static enum jp_err
narrow_scopes(struct own *own, const struct jp_record *record)
{
	if (own->policy.self_scope_len == 0)
		return JP_ERR_OK;
	if (record->scope_len == 0)
		return jp_why_refusal(own->why, JP_ERR_REFUSED,
		    JP_REFUSAL_SCOPE_REQUIRED,
		    "name a scope with --scope: the policy allows just those "
		    "of [tokens] self_scopes");
	for (size_t i = 0; i < record->scope_len; i++)
		if (!allowed(&own->policy, record->scopes[i]))
			return jp_why_refusal(own->why, JP_ERR_REFUSED,
			    JP_REFUSAL_SCOPE_NOT_ALLOWED,
			    "the policy does not allow this scope ([tokens] "
			    "self_scopes)");
	return JP_ERR_OK;
}

/*
 * A token that makes another hands on, where nothing is asked for, those of its
 * scopes that the policy allows to users: its own `tokens` may be one that only
 * administrators give.
 */
static void
hand_on_scopes(const struct own *own, struct jp_record *record)
{
	if (record->scope_len > 0 || own->policy.self_scope_len == 0)
		return;
	for (size_t i = 0; i < own->token.scope_len; i++)
		if (allowed(&own->policy, own->token.scopes[i]))
			memcpy(record->scopes[record->scope_len++],
			    own->token.scopes[i], sizeof(record->scopes[0]));
}

/* ---- lifetimes ---- */

/* The longest one in seconds; JP_NEVER: any. */
static int64_t
longest(const struct own *own, bool *by_policy)
{
	int64_t most = own->policy.self_lifetime;
	int64_t token = own->by_token
	                    ? jp_record_lifetime(&own->token, own->now)
	                    : JP_NEVER;

	*by_policy = token == JP_NEVER || (most != JP_NEVER && most <= token);
	return *by_policy ? most : token;
}

static void
live_for(struct own *own, int64_t seconds)
{
	int64_t max = own->policy.max_lifetime;

	own->request->lifetime = JP_LIFETIME_UNTIL;
	own->request->expires_at = jp_when_add(
	    own->now, max != JP_NEVER && max < seconds ? max : seconds);
}

/* `lifetime`: that of a token of which nothing is asked for. */
static enum jp_err
narrow_lifetime(struct own *own, int64_t lifetime)
{
	bool by_policy;
	int64_t most = longest(own, &by_policy);
	char text[JP_WHEN_TEXT_MAX];

	if (most == JP_NEVER)
		return JP_ERR_OK;
	switch (own->request->lifetime) {
	case JP_LIFETIME_DEFAULT:
		if (lifetime == JP_NEVER || lifetime > most)
			live_for(own, most);
		return JP_ERR_OK;
	case JP_LIFETIME_UNTIL:
		if (jp_when_since(own->now, own->request->expires_at) <= most)
			return JP_ERR_OK;
		break;
	case JP_LIFETIME_NEVER:
		break;
	}
	jp_duration_format(most, text);
	return jp_why_refusal(own->why, JP_ERR_REFUSED,
	    JP_REFUSAL_LIFETIME_TOO_LONG,
	    by_policy ? "the policy allows you a lifetime of at most %s "
	                "([tokens] self_lifetime)"
	              : "a token makes none that lives longer than itself: "
	                "at most %s",
	    text);
}

/* ---- what a token makes ---- */

/*
 * A token that ends with its parent, or after so many uses, makes nothing that
 * does not: only children of its own, whose uses are taken out of its own.
 */
static bool
is_bound(const struct jp_record *token)
{
	return token->parent[0] != '\0' || token->uses_max != 0;
}

static enum jp_err
bind_to_token(struct own *own, struct jp_record *record)
{
	if (!is_bound(&own->token))
		return JP_ERR_OK;
	if (record->parent[0] == '\0')
		memcpy(record->parent, own->token.id, sizeof(record->parent));
	return strcmp(record->parent, own->token.id) == 0
	           ? JP_ERR_OK
	           : jp_why_refusal(own->why, JP_ERR_REFUSED, JP_REFUSAL_WIDER,
	                 "a token that has a parent, or a limited number of "
	                 "uses, makes children of its own and no others");
}

/* The group that owns the token owns what it makes. */
static enum jp_err
hand_on_group(struct own *own, struct jp_record *record)
{
	const char *group = own->token.owner_group;

	if (record->owner_group[0] != '\0' &&
	    strcmp(record->owner_group, group) != 0)
		return jp_why_refusal(own->why, JP_ERR_REFUSED,
		    JP_REFUSAL_NOT_ALLOWED,
		    "a token gives what it makes to its own group alone");
	if (record->parent[0] == '\0') /* a child has that of its parent */
		memcpy(record->owner_group, group, sizeof(record->owner_group));
	return JP_ERR_OK;
}

static enum jp_err
make_within(struct own *own, struct jp_record *record)
{
	enum jp_err err = bind_to_token(own, record);

	if (err == JP_ERR_OK)
		err = hand_on_group(own, record);
	hand_on_scopes(own, record);
	return err == JP_ERR_OK
	           ? jp_admin_check_within(&own->token, record, own->why)
	           : err;
}

/* ---- the two operations ---- */

enum jp_err
jp_self_limit_create(struct own *own)
{
	struct jp_record *record = &own->request->record;
	int64_t lifetime = own->policy.default_lifetime;
	enum jp_err err = JP_ERR_OK;

	if (own->by_token)
		err = make_within(own, record);
	if (err == JP_ERR_OK)
		err = narrow_scopes(own, record);
	if (record->parent[0] != '\0') /* which has a default of its own */
		lifetime = JP_CHILD_LIFETIME;
	return err == JP_ERR_OK ? narrow_lifetime(own, lifetime) : err;
}

/*
 * A successor is a new secret, in the hands of whoever holds the token that
 * asks: as what it makes, it can do no more than that one.
 */
static enum jp_err
within_token(struct own *own, const struct jp_record *old)
{
	struct jp_record inner = *old;
	bool family =
	    !is_bound(&own->token) || strcmp(old->parent, own->token.id) == 0;
	bool fits =
	    family && strcmp(old->user, own->token.user) == 0 &&
	    jp_admin_check_within(&own->token, &inner, own->why) == JP_ERR_OK;

	/* A list that was filled had been empty: without a limit. */
	fits = fits && inner.scope_len == old->scope_len &&
	       inner.service_len == old->service_len &&
	       inner.net_len == old->net_len;
	sodium_memzero(&inner, sizeof(inner));
	return fits ? JP_ERR_OK
	            : jp_why_refusal(own->why, JP_ERR_REFUSED, JP_REFUSAL_WIDER,
	                  "a token rotates none that may do more than itself");
}

static enum jp_err
limit_successor(struct own *own, const struct jp_record *old)
{
	enum jp_err err = JP_ERR_OK;

	if (own->by_token && !jp_self_is_itself(own))
		err = within_token(own, old);
	if (err == JP_ERR_OK)
		err = narrow_scopes(own, old);
	return err == JP_ERR_OK
	           ? narrow_lifetime(own, jp_record_lifetime(old, own->now))
	           : err;
}

enum jp_err
jp_self_limit_rotate(struct own *own)
{
	struct jp_record old;
	bool owns = false;
	enum jp_err err =
	    jp_store_get(own->core->store, own->target.name, &old);

	if (err == JP_ERR_NOT_FOUND)
		return JP_ERR_OK;
	if (err != JP_ERR_OK)
		(void)jp_why(own->why, err, "the store: %s", jp_err_text(err));
	else
		err = jp_admin_owns(
		    own->core, own->user.name, &old, &owns, own->why);
	if (err == JP_ERR_OK && owns)
		err = limit_successor(own, &old);
	sodium_memzero(&old, sizeof(old));
	return err;
}
