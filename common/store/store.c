/*
 * What all stores have in common: which calls reach an implementation at all.
 * An error never leaves a record behind that could be taken for an answer.
 */
#include "common/store/store.h"

#include <string.h>

static enum jp_err
get(struct jp_store *store, const char *id, struct jp_record *record, bool wait)
{
	enum jp_err err = JP_ERR_NOT_FOUND;

	memset(record, 0, sizeof(*record));
	if (jp_token_id_valid(id)) {
		atomic_fetch_add(&store->reads, 1);
		err = store->ops->get(store, id, record, wait);
	}
	if (err != JP_ERR_OK)
		memset(record, 0, sizeof(*record));
	return err;
}

enum jp_err
jp_store_get(struct jp_store *store, const char *id, struct jp_record *record)
{
	return get(store, id, record, true);
}

enum jp_err
jp_store_try_get(
    struct jp_store *store, const char *id, struct jp_record *record)
{
	return get(store, id, record, false);
}

void
jp_store_wait(struct jp_store *store)
{
	if (store->ops->wait != NULL)
		store->ops->wait(store);
}

void
jp_store_hold(struct jp_store *store)
{
	if (store->ops->hold != NULL)
		store->ops->hold(store);
}

void
jp_store_release(struct jp_store *store)
{
	if (store->ops->release != NULL)
		store->ops->release(store);
}

enum jp_err
jp_store_commit(
    struct jp_store *store, const struct jp_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!jp_token_id_valid(changes[i].record->id))
			return JP_ERR_INVALID;
	if (count == 0)
		return JP_ERR_OK;
	return store->ops->commit(store, changes, count);
}

enum jp_err
jp_store_list(struct jp_store *store, struct jp_listing *listing,
    struct jp_record *page, size_t max, size_t *count)
{
	enum jp_err err;

	*count = 0;
	if (!listing->started) {
		listing->last_id[0] = '\0';
		listing->last_expiry = 0;
	}
	err = store->ops->list(store, listing, page, max, count);
	atomic_fetch_add(&store->reads, *count);
	if (err != JP_ERR_OK)
		*count = 0;
	return err;
}

static enum jp_err
get_user(
    struct jp_store *store, const char *name, struct jp_user *user, bool wait)
{
	enum jp_err err = store->ops->user_get(store, name, user, wait);

	if (err == JP_ERR_OK)
		return err;
	jp_user_default(user, name);
	return err == JP_ERR_NOT_FOUND ? JP_ERR_OK : err;
}

enum jp_err
jp_store_user(struct jp_store *store, const char *name, struct jp_user *user)
{
	return get_user(store, name, user, true);
}

enum jp_err
jp_store_try_user(
    struct jp_store *store, const char *name, struct jp_user *user)
{
	return get_user(store, name, user, false);
}

enum jp_err
jp_store_put_users(
    struct jp_store *store, const struct jp_user *users, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (users[i].name[0] == '\0')
			return JP_ERR_INVALID;
	return count == 0 ? JP_ERR_OK
	                  : store->ops->user_put(store, users, count);
}

enum jp_err
jp_store_list_users(struct jp_store *store, const char *after,
    struct jp_user *page, size_t max, size_t *count)
{
	enum jp_err err = store->ops->user_list(store, after, page, max, count);

	if (err != JP_ERR_OK)
		*count = 0;
	return err;
}

static enum jp_err
get_upstream(struct jp_store *store, const char *user, struct jp_upstreams *all,
    bool wait)
{
	enum jp_err err = JP_ERR_NOT_FOUND;

	if (user[0] != '\0')
		err = store->ops->upstream_get(store, user, all, wait);
	if (err == JP_ERR_OK)
		return err;
	memset(all, 0, sizeof(*all));
	(void)jp_field_set(all->user, sizeof(all->user), user);
	return err == JP_ERR_NOT_FOUND ? JP_ERR_OK : err;
}

enum jp_err
jp_store_upstream(
    struct jp_store *store, const char *user, struct jp_upstreams *all)
{
	return get_upstream(store, user, all, true);
}

enum jp_err
jp_store_try_upstream(
    struct jp_store *store, const char *user, struct jp_upstreams *all)
{
	return get_upstream(store, user, all, false);
}

enum jp_err
jp_store_put_upstream(
    struct jp_store *store, const struct jp_upstreams *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (all[i].user[0] == '\0')
			return JP_ERR_INVALID;
	return count == 0 ? JP_ERR_OK
	                  : store->ops->upstream_put(store, all, count);
}

enum jp_err
jp_store_list_upstream(struct jp_store *store, const char *after,
    struct jp_upstreams *page, size_t max, size_t *count)
{
	enum jp_err err =
	    store->ops->upstream_list(store, after, page, max, count);

	if (err != JP_ERR_OK)
		*count = 0;
	return err;
}

enum jp_err
jp_store_checkpoint(struct jp_store *store)
{
	return store->ops->checkpoint(store);
}

enum jp_err
jp_store_info(struct jp_store *store, struct jp_store_info *info)
{
	enum jp_err err;

	memset(info, 0, sizeof(*info));
	err = store->ops->info(store, info);
	info->reads = atomic_load(&store->reads);
	return err;
}

enum jp_err
jp_store_backup(struct jp_store *store, jp_store_take take, void *arg)
{
	return store->ops->backup(store, take, arg);
}

bool
jp_store_stalled(struct jp_store *store, int64_t seconds)
{
	return store->ops->stalled(store, seconds);
}

int64_t
jp_store_seen(struct jp_store *store)
{
	return store->ops->seen != NULL ? store->ops->seen(store) : JP_NEVER;
}

void
jp_store_see(struct jp_store *store, int64_t now)
{
	if (store->ops->see != NULL)
		store->ops->see(store, now);
}

void
jp_store_why(struct jp_store *store, struct jp_why *why)
{
	store->ops->why(store, why);
}

void
jp_store_close(struct jp_store *store)
{
	if (store != NULL)
		store->ops->close(store);
}
