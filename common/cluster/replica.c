#include "common/cluster/replica_internal.h"

#include <stdlib.h>
#include <string.h>

#include "common/sys/cond.h"

/* ---- the store that it is: what is not here is the one below ---- */

static enum jp_err
get(struct jp_store *store, const char *id, struct jp_record *record, bool wait)
{
	struct jp_store *below = replica_of(store)->store;

	return below->ops->get(below, id, record, wait);
}

static enum jp_err
list(struct jp_store *store, struct jp_listing *listing, struct jp_record *page,
    size_t max, size_t *count)
{
	struct jp_store *below = replica_of(store)->store;

	return below->ops->list(below, listing, page, max, count);
}

static enum jp_err
user_get(
    struct jp_store *store, const char *name, struct jp_user *user, bool wait)
{
	struct jp_store *below = replica_of(store)->store;

	return below->ops->user_get(below, name, user, wait);
}

static enum jp_err
user_list(struct jp_store *store, const char *after, struct jp_user *page,
    size_t max, size_t *count)
{
	return jp_store_list_users(
	    replica_of(store)->store, after, page, max, count);
}

static enum jp_err
upstream_get(struct jp_store *store, const char *user, struct jp_upstreams *all,
    bool wait)
{
	struct jp_store *below = replica_of(store)->store;

	return below->ops->upstream_get(below, user, all, wait);
}

static enum jp_err
upstream_list(struct jp_store *store, const char *after,
    struct jp_upstreams *page, size_t max, size_t *count)
{
	return jp_store_list_upstream(
	    replica_of(store)->store, after, page, max, count);
}

static enum jp_err
checkpoint(struct jp_store *store)
{
	return jp_store_checkpoint(replica_of(store)->store);
}

static enum jp_err
info(struct jp_store *store, struct jp_store_info *found)
{
	return jp_store_info(replica_of(store)->store, found);
}

static enum jp_err
backup(struct jp_store *store, jp_store_take take, void *arg)
{
	return jp_store_backup(replica_of(store)->store, take, arg);
}

static bool
stalled(struct jp_store *store, int64_t seconds)
{
	return jp_store_stalled(replica_of(store)->store, seconds);
}

static int64_t
seen(struct jp_store *store)
{
	return jp_store_seen(replica_of(store)->store);
}

static void
see(struct jp_store *store, int64_t now)
{
	jp_store_see(replica_of(store)->store, now);
}

static void
why_of(struct jp_store *store, struct jp_why *why)
{
	struct jp_replica *replica = replica_of(store);
	bool own;

	replica_lock(replica);
	own = replica->has_why;
	*why = replica->why;
	replica_unlock(replica);
	if (!own)
		jp_store_why(replica->store, why);
}

static enum jp_err
position_of(struct jp_store *store, struct jp_position *position)
{
	return jp_store_position(replica_of(store)->store, position);
}

static enum jp_err
walk_on(struct jp_store *store, struct jp_walk *walk, struct jp_batch *part,
    size_t max)
{
	return jp_store_walk(replica_of(store)->store, walk, part, max);
}

static enum jp_err
room(struct jp_store *store, bool urgent)
{
	return jp_store_room(replica_of(store)->store, urgent);
}

static void
wait_for_commit(struct jp_store *store)
{
	jp_store_wait(replica_of(store)->store);
}

static void
hold(struct jp_store *store)
{
	jp_store_hold(replica_of(store)->store);
}

static void
release(struct jp_store *store)
{
	jp_store_release(replica_of(store)->store);
}

static int64_t
patience(struct jp_store *store)
{
	return replica_of(store)->append_wait_ms;
}

static void
close_replica(struct jp_store *store)
{
	struct jp_replica *replica = replica_of(store);

	jp_store_close(replica->store);
	(void)pthread_cond_destroy(&replica->changed);
	(void)pthread_mutex_destroy(&replica->lock);
	(void)pthread_mutex_destroy(&replica->apply_lock);
	(void)pthread_mutex_destroy(&replica->commit_lock);
	jp_chain_clear(&replica->chain);
	free(replica);
}

static const struct jp_store_ops ops = {
	.get = get,
	.commit = replica_commit,
	.list = list,
	.user_get = user_get,
	.user_put = replica_user_put,
	.user_list = user_list,
	.upstream_get = upstream_get,
	.upstream_put = replica_upstream_put,
	.upstream_list = upstream_list,
	.checkpoint = checkpoint,
	.info = info,
	.backup = backup,
	.stalled = stalled,
	.seen = seen,
	.see = see,
	.why = why_of,
	.position = position_of,
	.walk = walk_on,
	.room = room,
	.begin = replica_begin,
	.settle = replica_settle,
	.patience = patience,
	.wait = wait_for_commit,
	.hold = hold,
	.release = release,
	.close = close_replica,
};

/* ---- opening ---- */

static enum jp_err
check_options(const struct jp_replica_options *options,
    struct jp_position *position, struct jp_why *why)
{
	enum jp_err err = jp_store_position(options->store, position);

	if (err != JP_ERR_OK) {
		jp_store_why(options->store, why);
		return err;
	}
	if (!jp_position_is_set(position))
		return jp_why(why, JP_ERR_CONFIG,
		    "the store is in no cluster: run pat-admin cluster init or "
		    "pat-admin cluster join");
	if (jp_position_is_filling(position))
		return jp_why(why, JP_ERR_CONFIG,
		    "the store is not filled yet: run pat-admin cluster join "
		    "again");
	if (!jp_link_name_valid(options->node))
		return jp_why(why, JP_ERR_CONFIG,
		    "\"%s\" cannot be the name of a host: 1 to %d letters, "
		    "digits, dots, hyphens and underscores",
		    options->node, JP_LINK_NAME_MAX);
	if (options->lease_ms < JP_LINK_LEASE_MIN_MS ||
	    options->lease_ms > JP_LINK_LEASE_MAX_MS)
		return jp_why(why, JP_ERR_CONFIG,
		    "a lease takes from %d to %d seconds",
		    JP_LINK_LEASE_MIN_MS / 1000, JP_LINK_LEASE_MAX_MS / 1000);
	return JP_ERR_OK;
}

static void
init(struct jp_replica *replica, const struct jp_replica_options *options,
    const struct jp_position *position)
{
	replica->base.ops = &ops;
	replica->store = options->store;
	replica->link = options->link;
	replica->clock = *options->clock;
	replica->boot_ms =
	    options->boot_ms != NULL ? options->boot_ms : jp_boot_ms;
	replica->append_wait_ms = options->append_wait_ms > 0
	                              ? options->append_wait_ms
	                              : options->lease_ms;
	(void)jp_field_set(replica->node, sizeof(replica->node), options->node);
	memcpy(replica->holder, options->holder, sizeof(replica->holder));
	jp_pepper_name(options->pepper, replica->tag);
	jp_chain_init(&replica->chain, options->pepper, position->cluster);
	(void)pthread_mutex_init(&replica->commit_lock, NULL);
	(void)pthread_mutex_init(&replica->apply_lock, NULL);
	(void)pthread_mutex_init(&replica->lock, NULL);
	jp_cond_init(&replica->changed);
	replica->position = replica->from = *position;
	replica->recent[position->seq % RECENT] = *position;
	replica->nodes_at_ms = -1;
	replica->by_ms = INT64_MAX;
	jp_lease_init(&replica->lease, options->lease_ms);
	atomic_init(&replica->until_ms, replica->lease.until_ms);
}

enum jp_err
jp_replica_open(const struct jp_replica_options *options,
    struct jp_replica **replica, struct jp_store **store, struct jp_why *why)
{
	struct jp_position position;
	enum jp_err err = check_options(options, &position, why);

	*replica = NULL;
	*store = NULL;
	if (err == JP_ERR_OK) {
		*replica = calloc(1, sizeof(**replica));
		if (*replica == NULL)
			err = jp_why(
			    why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	}
	if (*replica == NULL) {
		jp_store_close(options->store);
		return err;
	}
	init(*replica, options, &position);
	*store = &(*replica)->base;
	return JP_ERR_OK;
}

void
jp_replica_stop(struct jp_replica *replica)
{
	replica_lock(replica);
	replica->stopped = true;
	(void)pthread_cond_broadcast(&replica->changed);
	replica_unlock(replica);
}

/* ---- the guard ---- */

bool
jp_replica_holds(const struct jp_replica *replica)
{
	int64_t now_ms = replica->boot_ms();

	return now_ms >= 0 && now_ms < atomic_load(&replica->until_ms);
}

void
jp_replica_release(struct jp_replica *replica)
{
	struct jp_link_msg msg = { .kind = JP_LINK_RELEASE };

	replica_lock(replica);
	replica->dropped = true;
	jp_lease_drop(&replica->lease);
	replica->held = false;
	replica_publish(replica);
	if (replica->welcome)
		replica->release_req = ++replica->last_req;
	msg.request.req = replica->release_req;
	replica_unlock(replica);
	if (msg.request.req != 0 &&
	    replica->link.send(replica->link.arg, &msg, NULL) != JP_ERR_OK)
		jp_replica_lost(replica);
}

bool
jp_replica_is_releasing(struct jp_replica *replica)
{
	bool releasing;

	replica_lock(replica);
	releasing = replica->release_req != 0 && replica->welcome;
	replica_unlock(replica);
	return releasing;
}

void
jp_replica_released(struct jp_replica *replica, uint32_t req)
{
	replica_lock(replica);
	if (req == replica->release_req)
		replica->release_req = 0;
	replica_unlock(replica);
}

/* ---- what it knows ---- */

void
jp_replica_status(struct jp_replica *replica, struct jp_replica_status *status)
{
	int64_t now_ms = replica->boot_ms();

	replica_lock(replica);
	replica_publish(replica);
	*status = replica->numbers;
	status->position = replica->position;
	status->linked = replica->linked;
	status->welcome = replica->welcome;
	status->nodes_age_ms =
	    replica->nodes_at_ms < 0 ? -1 : now_ms - replica->nodes_at_ms;
	status->holds = jp_lease_holds(&replica->lease, now_ms);
	status->lease_left_ms =
	    status->holds ? replica->lease.until_ms - now_ms : 0;
	status->lease_ms = replica->lease.lease_ms;
	replica_unlock(replica);
}

const struct jp_chain *
jp_replica_chain(const struct jp_replica *replica)
{
	return &replica->chain;
}
