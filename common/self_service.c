#include "common/self_service.h"

#include <sodium.h>
#include <string.h>

/* One request of a user, on its way through the checks. */
struct wish {
	struct jp_core *core;
	const char *user;
	struct jp_admin_request *request;
	struct jp_policy policy;
	struct jp_why *why;
};

static enum jp_err
own_user(struct wish *wish)
{
	struct jp_record *record = &wish->request->record;

	if (record->user[0] == '\0')
		return jp_field_set(
		    record->user, sizeof(record->user), wish->user);
	if (strcmp(record->user, wish->user) == 0)
		return JP_ERR_OK;
	return jp_why(wish->why, JP_ERR_REFUSED,
	    "you are not an administrator: you may name yourself only, \"%s\"",
	    wish->user);
}

/* Another's token is not told from one that is not there. */
static enum jp_err
own_id(struct wish *wish)
{
	const char *id = wish->request->record.id;
	struct jp_record record;
	enum jp_err err = jp_store_get(wish->core->store, id, &record);
	bool own = err == JP_ERR_OK && strcmp(record.user, wish->user) == 0;

	sodium_memzero(&record, sizeof(record));
	if (own)
		return JP_ERR_OK;
	if (err != JP_ERR_OK && err != JP_ERR_NOT_FOUND)
		return jp_why(
		    wish->why, err, "the store: %s", jp_err_text(err));
	return jp_why(wish->why, JP_ERR_NOT_FOUND,
	    "you have no token with the id %s", id);
}

static enum jp_err
own_user_or_id(struct wish *wish)
{
	return wish->request->record.id[0] != '\0' ? own_id(wish)
	                                           : own_user(wish);
}

static bool
holds(const struct jp_policy *policy, const char *scope)
{
	for (size_t i = 0; i < policy->self_scope_len; i++)
		if (strcmp(policy->self_scopes[i], scope) == 0)
			return true;
	return false;
}

/* A token without scopes would hold all of them. */
static enum jp_err
narrow_scopes(struct wish *wish)
{
	const struct jp_record *record = &wish->request->record;

	if (wish->policy.self_scope_len == 0)
		return JP_ERR_OK;
	if (record->scope_len == 0)
		return jp_why(wish->why, JP_ERR_REFUSED,
		    "name a scope with --scope: the policy allows just those "
		    "of [tokens] self_scopes");
	for (size_t i = 0; i < record->scope_len; i++)
		if (!holds(&wish->policy, record->scopes[i]))
			return jp_why(wish->why, JP_ERR_REFUSED,
			    "the policy does not allow this scope ([tokens] "
			    "self_scopes)");
	return JP_ERR_OK;
}

static enum jp_err
narrow_lifetime(struct wish *wish)
{
	struct jp_admin_request *request = wish->request;
	const struct jp_policy *policy = &wish->policy;
	int64_t now = jp_clock_now(&wish->core->clock);
	int64_t longest = policy->self_lifetime;
	char text[JP_WHEN_TEXT_MAX];

	if (longest == JP_NEVER)
		return JP_ERR_OK;
	switch (request->lifetime) {
	case JP_LIFETIME_DEFAULT:
		if (policy->default_lifetime != JP_NEVER &&
		    policy->default_lifetime <= longest)
			return JP_ERR_OK;
		request->lifetime = JP_LIFETIME_UNTIL;
		request->expires_at = now + longest;
		return JP_ERR_OK;
	case JP_LIFETIME_UNTIL:
		if (request->expires_at - now <= longest)
			return JP_ERR_OK;
		break;
	case JP_LIFETIME_NEVER:
		break;
	}
	jp_duration_format(longest, text);
	return jp_why(wish->why, JP_ERR_REFUSED,
	    "the policy allows you a lifetime of at most %s ([tokens] "
	    "self_lifetime)",
	    text);
}

static enum jp_err
may_create(struct wish *wish)
{
	enum jp_err err = own_user(wish);

	if (err == JP_ERR_OK)
		err = narrow_scopes(wish);
	return err == JP_ERR_OK ? narrow_lifetime(wish) : err;
}

/* The successor has the rights of the old one and lives as long as that did. */
static enum jp_err
may_rotate(struct wish *wish)
{
	struct jp_admin_request *request = wish->request;
	struct jp_record *record = &request->record, old;
	int64_t longest = wish->policy.self_lifetime;
	enum jp_err err = own_id(wish);

	if (err != JP_ERR_OK)
		return err;
	err = jp_store_get(wish->core->store, record->id, &old);
	if (err != JP_ERR_OK)
		return jp_why(
		    wish->why, err, "the store: %s", jp_err_text(err));
	record->scope_len = old.scope_len;
	memcpy(record->scopes, old.scopes, sizeof(record->scopes));
	if (request->lifetime == JP_LIFETIME_DEFAULT && longest != JP_NEVER &&
	    (old.expires_at == JP_NEVER ||
	        old.expires_at - old.created_at > longest)) {
		request->lifetime = JP_LIFETIME_UNTIL;
		request->expires_at =
		    jp_clock_now(&wish->core->clock) + longest;
	}
	sodium_memzero(&old, sizeof(old));
	err = narrow_scopes(wish);
	return err != JP_ERR_OK || request->lifetime == JP_LIFETIME_DEFAULT
	           ? err
	           : narrow_lifetime(wish);
}

/* What is not here is for administrators. */
static enum jp_err (*const checks[JP_ADMIN_OP_COUNT])(struct wish *wish) = {
	[JP_ADMIN_CREATE] = may_create,
	[JP_ADMIN_LIST] = own_user,
	[JP_ADMIN_SHOW] = own_id,
	[JP_ADMIN_REVOKE] = own_user_or_id,
	[JP_ADMIN_ROTATE] = may_rotate,
};

enum jp_err
jp_self_service(struct jp_core *core, const char *user,
    struct jp_admin_request *request, struct jp_why *why)
{
	struct wish wish = {
		.core = core, .user = user, .request = request, .why = why
	};

	if (jp_user_check(user, why) != JP_ERR_OK ||
	    checks[request->op] == NULL)
		return jp_why(why, JP_ERR_REFUSED,
		    "you are not an administrator: you may create, list, show, "
		    "rotate and revoke your own tokens");
	pthread_rwlock_rdlock(&core->policy_lock);
	wish.policy = core->policy;
	pthread_rwlock_unlock(&core->policy_lock);
	return checks[request->op](&wish);
}
