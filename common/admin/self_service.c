#include "common/admin/self_service.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/admin/job.h"
#include "common/admin/self_limits.h"
#include "common/decide/member.h"

/* What each peer may do: a row for each. */
static const struct {
	bool all; /* everything, in its own name */
	enum {
		BEHALF_NEVER, /* asks for itself alone */
		BEHALF_MAY,   /* may name a user, and then gets what that one
		                 gets */
		BEHALF_MUST,  /* asks for nothing of its own */
	} behalf;
} rights[JP_PEER_COUNT] = {
	[JP_PEER_LOCAL] = { false, BEHALF_NEVER },
	[JP_PEER_MEMBER] = { true, BEHALF_NEVER },
	[JP_PEER_HTTPD] = { false, BEHALF_MUST },
	[JP_PEER_ROOT] = { true, BEHALF_MAY },
};

/* What a token may do that asks by itself; all else, never. */
enum token_right {
	TOKEN_NEVER,
	TOKEN_ANY,
	TOKEN_ITSELF, /* to itself; to others with the scope */
	TOKEN_SCOPE,  /* with the scope */
};
static const enum token_right token_rights[JP_ADMIN_OP_COUNT] = {
	[JP_ADMIN_LIST] = TOKEN_ANY,
	[JP_ADMIN_SHOW] = TOKEN_ANY,
	[JP_ADMIN_REVOKE] = TOKEN_ITSELF,
	[JP_ADMIN_ROTATE] = TOKEN_ITSELF,
	[JP_ADMIN_DISABLE] = TOKEN_ITSELF,
	[JP_ADMIN_CREATE] = TOKEN_SCOPE,
	[JP_ADMIN_ENABLE] = TOKEN_SCOPE,
};

static enum jp_err
refuse(struct jp_why *why, const char *text)
{
	return jp_why_refusal(
	    why, JP_ERR_REFUSED, JP_REFUSAL_NOT_ALLOWED, "%s", text);
}

/* ---- who asks ---- */

bool
jp_self_may_connect(const struct jp_self_rules *rules, enum jp_peer peer)
{
	switch (peer) {
	case JP_PEER_LOCAL:
		return rules->local;
	case JP_PEER_HTTPD:
		return rules->front.configured;
	case JP_PEER_MEMBER:
	case JP_PEER_ROOT:
		return true;
	case JP_PEER_COUNT:
		break;
	}
	return false;
}

/* Whether this peer may name that user, or none. */
static enum jp_err
check_behalf(const struct jp_self_rules *rules, enum jp_peer peer,
    const struct jp_behalf *behalf, struct jp_why *why)
{
	bool named = behalf->user[0] != '\0';

	if (!jp_self_may_connect(rules, peer) ||
	    (named && !rules->front.configured))
		return refuse(why,
		    "self-service is not configured: see [self_service] and "
		    "[patd] self_service in jira-pat.conf(5)");
	if (named && rights[peer].behalf == BEHALF_NEVER)
		return refuse(why,
		    "only pat-httpd, as [pat-httpd] user, may ask in the name "
		    "of a user");
	if (!named && rights[peer].behalf == BEHALF_MUST)
		return refuse(why,
		    "pat-httpd may ask in the name of a user only, and "
		    "names none");
	if (!named && (behalf->token[0] != '\0' || behalf->address[0] != '\0' ||
	                  behalf->staff))
		return jp_why(why, JP_ERR_INVALID,
		    "the request names a token, an address or staff, but no "
		    "user");
	return JP_ERR_OK;
}

/*
 * No local account has a colon in its name: "root" of the single sign-on is
 * another than root.
 */
static void
name_actor(const struct jp_asker *asker, const struct jp_behalf *behalf,
    char actor[JP_ACTOR_MAX + 1])
{
	_Static_assert(
	    JP_ACTOR_MAX >= JP_USER_MAX + sizeof("sso:") - 1, "no name is cut");

	if (behalf->token[0] != '\0')
		(void)snprintf(
		    actor, JP_ACTOR_MAX + 1, "token:%s", behalf->token);
	else if (behalf->user[0] != '\0')
		(void)snprintf(actor, JP_ACTOR_MAX + 1, "sso:%s", behalf->user);
	else
		(void)jp_field_set(actor, JP_ACTOR_MAX + 1, asker->account);
}

/* ---- the user ---- */

static enum jp_err
read_user(struct own *own, const char *name)
{
	struct jp_why cause;
	enum jp_err err;

	if (jp_user_check(name, &cause) != JP_ERR_OK)
		return jp_why_refusal(own->why, JP_ERR_REFUSED,
		    JP_REFUSAL_USER_INVALID, "%s", cause.text);
	err = jp_store_user(own->core->store, name, &own->user);
	if (err != JP_ERR_OK)
		return jp_why(own->why, err, "the store: %s", jp_err_text(err));
	if (own->user.disabled)
		return jp_why_refusal(own->why, JP_ERR_REFUSED,
		    JP_REFUSAL_USER_DISABLED,
		    "the user is disabled: ask an administrator");
	return JP_ERR_OK;
}

/* Who has a token, or a record by `pat-admin user` or `sync-users`. */
static enum jp_err
check_known(struct own *own)
{
	struct jp_listing listing;
	struct jp_record *record;
	size_t count = 0;
	enum jp_err err;

	if (own->user.changed_at != JP_NEVER)
		return JP_ERR_OK;
	record = malloc(sizeof(*record));
	if (record == NULL)
		return jp_why(
		    own->why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	jp_job_list_user(&listing, own->user.name);
	err = jp_store_list(own->core->store, &listing, record, 1, &count);
	sodium_memzero(record, sizeof(*record));
	free(record);
	if (err != JP_ERR_OK)
		return jp_why(own->why, err, "the store: %s", jp_err_text(err));
	return count > 0
	           ? JP_ERR_OK
	           : jp_why_refusal(own->why, JP_ERR_REFUSED,
	                 JP_REFUSAL_USER_UNKNOWN,
	                 "the user is not known here: ask an administrator "
	                 "([self_service] users)");
}

/* ---- the token that asks ---- */

/* Its state as a door would see it; the front has asked the same before. */
static enum jp_err
judge_token(struct own *own, bool *live)
{
	struct job job = {
		.core = own->core, .why = own->why, .now = own->now
	};
	enum jp_err err = jp_job_judge(&job, &own->token);

	*live = err == JP_ERR_OK &&
	        jp_state_status(job.item.state) == JP_STATUS_LIVE;
	return err;
}

static enum jp_err
read_token(struct own *own)
{
	const char *id = own->request->behalf.token;
	enum jp_err err = jp_store_get(own->core->store, id, &own->token);
	bool live = false;

	own->by_token = true;
	if (err != JP_ERR_OK && err != JP_ERR_NOT_FOUND)
		return jp_why(own->why, err, "the store: %s", jp_err_text(err));
	if (err == JP_ERR_OK && strcmp(own->token.user, own->user.name) == 0)
		err = judge_token(own, &live);
	if (err != JP_ERR_OK && err != JP_ERR_NOT_FOUND)
		return err;
	return live ? JP_ERR_OK
	            : refuse(own->why, "the token that asks is not a live one "
	                               "of the user");
}

/* By name: a token without scopes is for services, not for this. */
static bool
has_scope(const struct jp_record *token)
{
	for (size_t i = 0; i < token->scope_len; i++)
		if (strcmp(token->scopes[i], JP_SCOPE_TOKENS) == 0)
			return true;
	return false;
}

static enum jp_err
check_token_right(struct own *own)
{
	bool may = false;

	switch (token_rights[own->request->op]) {
	case TOKEN_NEVER:
		return refuse(own->why, "a token may not do this");
	case TOKEN_ANY:
		may = true;
		break;
	case TOKEN_ITSELF:
		may = jp_self_is_itself(own) || has_scope(&own->token);
		break;
	case TOKEN_SCOPE:
		may = has_scope(&own->token);
		break;
	}
	return may ? JP_ERR_OK
	           : jp_why_refusal(own->why, JP_ERR_REFUSED,
	                 JP_REFUSAL_NEEDS_SCOPE,
	                 "the token that asks does not have the scope "
	                 "\"" JP_SCOPE_TOKENS "\"");
}

/* ---- what is asked for ---- */

/* The administrators' group, which sees all users. A token is never in it. */
static enum jp_err
be_staff(struct own *own, const char *group)
{
	bool member = false;
	enum jp_err err = JP_ERR_OK;

	if (!own->by_token)
		err = jp_member(own->core, &own->user, group, &member);
	if (err != JP_ERR_OK)
		return jp_why(own->why, err,
		    "it cannot be found out who is in the group of "
		    "[self_service] admin_group: %s",
		    jp_err_text(err));
	if (!member || !jp_admin_staff_may(own->request))
		return refuse(own->why, "this is for members of [self_service] "
		                        "admin_group, or for nobody");
	own->request->owner = NULL;
	return JP_ERR_OK;
}

static enum jp_err
limit(struct own *own, enum jp_self self, bool *limited)
{
	*limited = false;
	switch (self) {
	case JP_SELF_OWN:
		return JP_ERR_OK;
	case JP_SELF_CREATE:
		*limited = true;
		return jp_self_limit_create(own);
	case JP_SELF_ROTATE:
		*limited = true;
		return jp_self_limit_rotate(own);
	case JP_SELF_NEVER:
		break;
	}
	return JP_ERR_REFUSED;
}

static enum jp_err
be_owner(struct own *own, bool *limited)
{
	struct jp_admin_request *request = own->request;
	enum jp_self self = jp_admin_op_info(request->op)->self;
	enum jp_err err;

	if (self == JP_SELF_NEVER)
		return refuse(own->why,
		    "you are not an administrator: you may create, list, show, "
		    "rotate, disable, enable and revoke your own tokens");
	err = jp_admin_target(request, &own->target, own->why);
	if (err == JP_ERR_OK && own->by_token)
		err = check_token_right(own);
	if (err != JP_ERR_OK)
		return err;
	jp_job_read_policy(own->core, &own->policy);
	return limit(own, self, limited);
}

/* What a user gets, whoever speaks for them. */
static enum jp_err
serve_user(struct own *own, const struct jp_self_settings *front,
    const char *name, bool *limited)
{
	const struct jp_behalf *behalf = &own->request->behalf;
	bool named = behalf->user[0] != '\0';
	enum jp_err err = read_user(own, name);

	if (err == JP_ERR_OK && named && front->users == JP_SELF_USERS_KNOWN)
		err = check_known(own);
	if (err == JP_ERR_OK && behalf->token[0] != '\0')
		err = read_token(own);
	if (err != JP_ERR_OK)
		return err;
	return behalf->staff ? be_staff(own, front->admin_group)
	                     : be_owner(own, limited);
}

enum jp_err
jp_self_service(struct jp_core *core, const struct jp_self_rules *rules,
    const struct jp_asker *asker, struct jp_admin_request *request,
    struct jp_permit *permit, struct jp_why *why)
{
	struct own own = { .core = core,
		.request = request,
		.why = why,
		.now = jp_clock_now(&core->clock) };
	bool named = request->behalf.user[0] != '\0';
	enum jp_err err;

	request->owner = NULL;
	request->front = asker->uid;
	permit->limited = false;
	name_actor(asker, &request->behalf, permit->actor);
	err = check_behalf(rules, asker->peer, &request->behalf, why);
	if (err != JP_ERR_OK || (!named && rights[asker->peer].all))
		return err;
	request->owner = named ? request->behalf.user : asker->account;
	err = serve_user(&own, &rules->front, request->owner, &permit->limited);
	sodium_memzero(&own, sizeof(own));
	return err;
}
