#include "common/admin/self_service.h"

#include <sodium.h>
#include <string.h>

/* One request of a user, on its way through the checks. */
struct own {
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
narrow_scopes(struct own *own, const struct jp_record *record)
{
	if (own->policy.self_scope_len == 0)
		return JP_ERR_OK;
	if (record->scope_len == 0)
		return jp_why(own->why, JP_ERR_REFUSED,
		    "name a scope with --scope: the policy allows just those "
		    "of [tokens] self_scopes");
	for (size_t i = 0; i < record->scope_len; i++)
		if (!holds(&own->policy, record->scopes[i]))
			return jp_why(own->why, JP_ERR_REFUSED,
			    "the policy does not allow this scope ([tokens] "
			    "self_scopes)");
	return JP_ERR_OK;
}

static enum jp_err
narrow_lifetime(struct own *own)
{
	struct jp_admin_request *request = own->request;
	const struct jp_policy *policy = &own->policy;
	int64_t now = jp_clock_now(&own->core->clock);
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
	return jp_why(own->why, JP_ERR_REFUSED,
	    "the policy allows you a lifetime of at most %s ([tokens] "
	    "self_lifetime)",
	    text);
}

static enum jp_err
may_create(struct own *own)
{
	enum jp_err err = narrow_scopes(own, &own->request->record);

	return err == JP_ERR_OK ? narrow_lifetime(own) : err;
}

/*
 * The successor has the rights of the old one and lives as long as that did.
 * Where the old one is another's, or not there, the operation says so.
 */
static enum jp_err
may_rotate(struct own *own)
{
	struct jp_admin_request *request = own->request;
	int64_t longest = own->policy.self_lifetime, lifetime;
	int64_t now = jp_clock_now(&own->core->clock);
	struct jp_record old;
	enum jp_err err =
	    jp_store_get(own->core->store, own->target.name, &old);

	if (err == JP_ERR_NOT_FOUND ||
	    (err == JP_ERR_OK && strcmp(old.user, own->request->owner) != 0)) {
		sodium_memzero(&old, sizeof(old));
		return JP_ERR_OK;
	}
	if (err != JP_ERR_OK)
		return jp_why(own->why, err, "the store: %s", jp_err_text(err));
	lifetime = jp_record_lifetime(&old, now);
	if (request->lifetime == JP_LIFETIME_DEFAULT && longest != JP_NEVER &&
	    (lifetime == JP_NEVER || lifetime > longest)) {
		request->lifetime = JP_LIFETIME_UNTIL;
		request->expires_at = jp_when_add(now, longest);
	}
	err = narrow_scopes(own, &old);
	sodium_memzero(&old, sizeof(old));
	return err != JP_ERR_OK || request->lifetime == JP_LIFETIME_DEFAULT
	           ? err
	           : narrow_lifetime(own);
}

static enum jp_err
narrow(struct own *own, enum jp_self self)
{
	switch (self) {
	case JP_SELF_OWN:
		return JP_ERR_OK;
	case JP_SELF_CREATE:
		return may_create(own);
	case JP_SELF_ROTATE:
		return may_rotate(own);
	case JP_SELF_NEVER:
		break;
	}
	return JP_ERR_REFUSED;
}

enum jp_err
jp_self_service(struct jp_core *core, const char *user,
    struct jp_admin_request *request, struct jp_why *why)
{
	enum jp_self self = jp_admin_op_info(request->op)->self;
	struct own own = { .core = core, .request = request, .why = why };
	enum jp_err err;

	if (jp_user_check(user, why) != JP_ERR_OK || self == JP_SELF_NEVER)
		return jp_why(why, JP_ERR_REFUSED,
		    "you are not an administrator: you may create, list, show, "
		    "rotate and revoke your own tokens");
	request->owner = user;
	err = jp_admin_target(request, &own.target, why);
	if (err != JP_ERR_OK)
		return err;
	pthread_rwlock_rdlock(&core->policy_lock);
	own.policy = core->policy;
	pthread_rwlock_unlock(&core->policy_lock);
	return narrow(&own, self);
}
