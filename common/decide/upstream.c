#include "common/decide/upstream.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "common/decide/core.h"
#include "common/sys/log.h"

static const struct {
	const char *name, *text;
} states[JP_UPSTREAM_STATE_COUNT] = {
#define JP_UPSTREAM_STATE_ROW(code, number, name, text)                        \
	[number] = { name, text },
	JP_UPSTREAM_STATE_LIST(JP_UPSTREAM_STATE_ROW)
#undef JP_UPSTREAM_STATE_ROW
};

const char *
jp_upstream_state_name(enum jp_upstream_state state)
{
	return (unsigned int)state < JP_UPSTREAM_STATE_COUNT
	           ? states[state].name
	           : "unknown";
}

const char *
jp_upstream_state_text(enum jp_upstream_state state)
{
	return (unsigned int)state < JP_UPSTREAM_STATE_COUNT
	           ? states[state].text
	           : "";
}

/* ---- the keys ---- */

void
jp_upstream_keys_init(struct jp_upstream_keys *keys)
{
	memset(keys, 0, sizeof(*keys));
	(void)pthread_rwlock_init(&keys->lock, NULL);
}

void
jp_upstream_keys_free(struct jp_upstream_keys *keys)
{
	(void)pthread_rwlock_destroy(&keys->lock);
	sodium_memzero(keys, sizeof(*keys));
}

static void
load_next(struct jp_upstream_keys *keys)
{
	char path[sizeof(keys->path) + sizeof(JP_UPSTREAM_NEXT)];
	struct jp_why ignored;

	(void)snprintf(
	    path, sizeof(path), "%s%s", keys->path, JP_UPSTREAM_NEXT);
	keys->has_next =
	    jp_upstream_key_load(path, &keys->next, &ignored) == JP_ERR_OK;
}

enum jp_err
jp_upstream_keys_load(
    struct jp_upstream_keys *keys, const char *path, struct jp_why *why)
{
	enum jp_err err = JP_ERR_OK;

	(void)pthread_rwlock_wrlock(&keys->lock);
	if (path != NULL)
		err = jp_field_set(keys->path, sizeof(keys->path), path);
	if (err == JP_ERR_OK)
		err = jp_upstream_key_load(keys->path, &keys->key, why);
	keys->has_key = err == JP_ERR_OK;
	load_next(keys);
	keys->told = false;
	(void)pthread_rwlock_unlock(&keys->lock);
	return err;
}

enum jp_err
jp_upstream_keys_seal(struct jp_upstream_keys *keys, const char *user,
    const struct jp_secret *header, struct jp_upstream *upstream)
{
	enum jp_err err = JP_ERR_OK;

	(void)pthread_rwlock_rdlock(&keys->lock);
	if (keys->has_next)
		jp_upstream_seal(&keys->next, user, header, upstream);
	else if (keys->has_key)
		jp_upstream_seal(&keys->key, user, header, upstream);
	else
		err = JP_ERR_MISSING;
	(void)pthread_rwlock_unlock(&keys->lock);
	return err;
}

/* Called with the lock held. */
static enum jp_upstream_state
open_it(const struct jp_upstream_keys *keys, const char *user,
    const struct jp_upstream *upstream, struct jp_secret *header)
{
	enum jp_err err = JP_ERR_CONFIG;

	if (keys->has_key)
		err = jp_upstream_open(&keys->key, user, upstream, header);
	if (keys->has_next && err == JP_ERR_CONFIG)
		err = jp_upstream_open(&keys->next, user, upstream, header);
	if (err == JP_ERR_OK)
		return JP_UPSTREAM_READY;
	if (err == JP_ERR_DAMAGED)
		return JP_UPSTREAM_DAMAGED;
	return keys->has_key || keys->has_next ? JP_UPSTREAM_OTHER_KEY
	                                       : JP_UPSTREAM_NO_KEY;
}

enum jp_upstream_state
jp_upstream_keys_open(struct jp_upstream_keys *keys, const char *user,
    const struct jp_upstream *upstream, struct jp_secret *header)
{
	enum jp_upstream_state state;

	jp_secret_clear(header);
	(void)pthread_rwlock_rdlock(&keys->lock);
	state = open_it(keys, user, upstream, header);
	(void)pthread_rwlock_unlock(&keys->lock);
	return state;
}

/* ---- the answer ---- */

static enum jp_upstream_use
use_of(struct jp_core *core, const char *service)
{
	const struct jp_rule *rule;
	enum jp_upstream_use use = JP_UPSTREAM_USE_NO;

	(void)pthread_rwlock_rdlock(&core->policy_lock);
	rule = jp_policy_rule(&core->policy, service);
	if (rule != NULL)
		use = rule->upstream;
	(void)pthread_rwlock_unlock(&core->policy_lock);
	return use;
}

/* One line, not one for each request. */
static void
tell(struct jp_upstream_keys *keys, const char *user,
    enum jp_upstream_state state)
{
	bool told;

	(void)pthread_rwlock_wrlock(&keys->lock);
	told = keys->told;
	keys->told = true;
	(void)pthread_rwlock_unlock(&keys->lock);
	if (!told)
		jp_log(LOG_ERR,
		    "upstream: the credential of %s cannot be opened, and "
		    "perhaps others: %s (%s): see `pat-admin upstream list`",
		    user, jp_upstream_state_text(state), keys->path);
}

/* Looks for it in the store, and opens it. */
static enum jp_err
find_header(struct jp_core *core, const char *user, const char *service,
    bool wait, struct jp_secret *header)
{
	struct jp_upstreams all;
	const struct jp_upstream *one;
	enum jp_upstream_state state;
	enum jp_err err = wait ? jp_store_upstream(core->store, user, &all)
	                       : jp_store_try_upstream(core->store, user, &all);

	one = err == JP_ERR_OK ? jp_upstreams_for(&all, service) : NULL;
	if (one == NULL)
		return err;
	state = jp_upstream_keys_open(&core->upstream, user, one, header);
	if (state != JP_UPSTREAM_READY)
		tell(&core->upstream, user, state);
	return JP_ERR_OK;
}

enum jp_err
jp_upstream_reveal(struct jp_core *core, const char *user, const char *service,
    bool wait, struct jp_secret *header)
{
	enum jp_upstream_use use = use_of(core, service);
	enum jp_err err;

	jp_secret_clear(header);
	if (use == JP_UPSTREAM_USE_NO)
		return JP_ERR_OK;
	err = find_header(core, user, service, wait, header);
	return err == JP_ERR_OK && use == JP_UPSTREAM_USE_REQUIRED &&
	               header->len == 0
	           ? JP_ERR_MISSING
	           : err;
}

void
jp_upstream_complete(struct jp_core *core, const struct jp_request *request,
    bool wait, struct jp_decision *decision, struct jp_secret *header)
{
	enum jp_err err;

	if (decision->verdict != JP_ACCEPT)
		return;
	err = jp_upstream_reveal(
	    core, decision->user, request->service, wait, header);
	if (err == JP_ERR_OK)
		return;
	jp_decision_refuse(
	    decision, err == JP_ERR_BUSY ? JP_REASON_NONE : JP_REASON_STORE);
	if (err == JP_ERR_BUSY)
		decision->need = JP_NEED_COMMIT;
}
