#include "common/admin/self_service.h"

#include <sodium.h>
#include <string.h>

/* One request of a user, on its way through the checks. */
struct wish {
	struct jp_core *core;
	struct jp_admin_request *request;
	struct jp_target target;
	struct jp_policy policy;
	struct jp_why *why;
};

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
narrow_scopes(struct wish *wish, const struct jp_record *record)
{
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
		request->expires_at = jp_when_add(now, longest);
		return JP_ERR_OK;
	case JP_LIFETIME_UNTIL:
		if (jp_when_since(now, request->expires_at) <= longest)
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
	enum jp_err err = narrow_scopes(wish, &wish->request->record);

	return err == JP_ERR_OK ? narrow_lifetime(wish) : err;
}

/*
 * The successor has the rights of the old one and lives as long as that did.
 * Where the old one is another's, or not there, the operation says so.
 */
static enum jp_err
may_rotate(struct wish *wish)
{
	struct jp_admin_request *request = wish->request;
	int64_t longest = wish->policy.self_lifetime, lifetime;
	int64_t now = jp_clock_now(&wish->core->clock);
	struct jp_record old;
	enum jp_err err =
	    jp_store_get(wish->core->store, wish->target.name, &old);

	if (err == JP_ERR_NOT_FOUND ||
	    (err == JP_ERR_OK && strcmp(old.user, wish->request->owner) != 0)) {
		sodium_memzero(&old, sizeof(old));
		return JP_ERR_OK;
	}
	if (err != JP_ERR_OK)
		return jp_why(
		    wish->why, err, "the store: %s", jp_err_text(err));
	lifetime = jp_record_lifetime(&old, now);
	if (request->lifetime == JP_LIFETIME_DEFAULT && longest != JP_NEVER &&
	    (lifetime == JP_NEVER || lifetime > longest)) {
		request->lifetime = JP_LIFETIME_UNTIL;
		request->expires_at = jp_when_add(now, longest);
	}
	err = narrow_scopes(wish, &old);
	sodium_memzero(&old, sizeof(old));
	return err != JP_ERR_OK || request->lifetime == JP_LIFETIME_DEFAULT
	           ? err
	           : narrow_lifetime(wish);
}

static enum jp_err
may(struct wish *wish)
{
	(void)wish;
	return JP_ERR_OK;
}

/* What is not here is for administrators. */
static enum jp_err (*const checks[JP_ADMIN_OP_COUNT])(struct wish *wish) = {
	[JP_ADMIN_CREATE] = may_create,
	[JP_ADMIN_LIST] = may,
	[JP_ADMIN_SHOW] = may,
	[JP_ADMIN_REVOKE] = may,
	[JP_ADMIN_ROTATE] = may_rotate,
};

enum jp_err
jp_self_service(struct jp_core *core, const char *user,
    struct jp_admin_request *request, struct jp_why *why)
{
	struct wish wish = { .core = core, .request = request, .why = why };
	enum jp_err err;

	if (jp_user_check(user, why) != JP_ERR_OK ||
	    checks[request->op] == NULL)
		return jp_why(why, JP_ERR_REFUSED,
		    "you are not an administrator: you may create, list, show, "
		    "rotate and revoke your own tokens");
	request->owner = user;
	err = jp_admin_target(request, &wish.target, why);
	if (err != JP_ERR_OK)
		return err;
	pthread_rwlock_rdlock(&core->policy_lock);
	wish.policy = core->policy;
	pthread_rwlock_unlock(&core->policy_lock);
	return checks[request->op](&wish);
}
