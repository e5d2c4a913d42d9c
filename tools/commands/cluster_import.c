#include "tools/commands/cluster_import.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cluster/holder.h"
#include "common/cluster/replica.h"

enum {
	CHUNK = 32,   /* records of one commit: a few at a time, for others */
	ROUNDS = 200, /* of a commit that others were faster than */
};

/* ---- the replica, and the thread that carries its messages ---- */

struct importing {
	struct cluster_own *own;
	struct cluster_link link;
	struct jp_replica *replica;
	struct jp_store *store; /* around that of this host */
	bool same_pepper;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ready;      /* the database is there */
	bool over;       /* the thread has ended */
	enum jp_err err; /* why, if it is over */
	struct jp_why said;
	struct jp_why *why;
};

static enum jp_err
send_for_replica(void *arg, const struct jp_link_msg *msg, const uint8_t *bytes)
{
	struct importing *importing = arg;
	struct jp_why ignored;

	return cluster_link_send(&importing->link, msg, bytes, &ignored);
}

static bool
is_for_replica(enum jp_link_kind kind)
{
	return kind == JP_LINK_STATE || kind == JP_LINK_WELCOME ||
	       kind == JP_LINK_BATCH || kind == JP_LINK_APPENDED ||
	       kind == JP_LINK_LEASED || kind == JP_LINK_NODES;
}

static void *
carry(void *arg)
{
	struct importing *importing = arg;
	const struct jp_link_msg *msg = &importing->link.reader.msg;
	struct jp_why why = { .text = "" };
	enum jp_err err = JP_ERR_OK;

	while (err == JP_ERR_OK) {
		err = cluster_link_next(&importing->link, &why);
		if (err == JP_ERR_OK && is_for_replica(msg->kind))
			err = jp_replica_take(importing->replica, msg,
			    importing->link.reader.bytes, &why);
		(void)pthread_mutex_lock(&importing->lock);
		importing->ready |= importing->link.welcomed;
		importing->over = err != JP_ERR_OK;
		importing->err = err;
		importing->said = why;
		(void)pthread_cond_broadcast(&importing->changed);
		(void)pthread_mutex_unlock(&importing->lock);
	}
	jp_replica_lost(importing->replica);
	jp_replica_stop(importing->replica);
	return NULL;
}

static enum jp_err
wait_ready(struct importing *importing)
{
	enum jp_err err = JP_ERR_OK;

	(void)pthread_mutex_lock(&importing->lock);
	while (!importing->ready && !importing->over)
		(void)pthread_cond_wait(&importing->changed, &importing->lock);
	if (!importing->ready) {
		err = importing->err;
		*importing->why = importing->said;
	}
	(void)pthread_mutex_unlock(&importing->lock);
	return err;
}

/* ---- one commit ---- */

/* Items of one kind, which stay in the bytes of their part. */
struct chunk {
	size_t len;
	struct jp_batch_item items[CHUNK];
};

/* What a commit does of them; counted once it is done. */
struct work {
	size_t len; /* records that it writes */
	uint64_t added, ended, known;
	struct jp_change changes[CHUNK];
	struct jp_record records[CHUNK];
	struct jp_user users[CHUNK];
	struct jp_upstreams upstreams[CHUNK];
};

static bool
end_revoked(struct jp_record *theirs, const struct jp_record *own)
{
	if (own->revoked_at == JP_NEVER || theirs->revoked_at != JP_NEVER)
		return false;
	theirs->revoked_at = own->revoked_at;
	memcpy(theirs->revoked_by, own->revoked_by, sizeof(theirs->revoked_by));
	memcpy(
	    theirs->revoked_why, own->revoked_why, sizeof(theirs->revoked_why));
	return true;
}

static bool
end_disabled(struct jp_record *theirs, const struct jp_record *own)
{
	if (own->disabled_at == JP_NEVER || theirs->disabled_at != JP_NEVER)
		return false;
	theirs->disabled_at = own->disabled_at;
	memcpy(
	    theirs->disabled_by, own->disabled_by, sizeof(theirs->disabled_by));
	return true;
}

/* Its successor, which ends it when it is used, comes with it. */
static bool
end_superseded(struct jp_record *theirs, const struct jp_record *own)
{
	if (own->superseded_at == JP_NEVER ||
	    (theirs->superseded_at != JP_NEVER &&
	        theirs->grace_until <= own->grace_until))
		return false;
	theirs->superseded_at = own->superseded_at;
	theirs->grace_until = own->grace_until;
	theirs->keep_until_grace = own->keep_until_grace;
	return true;
}

static bool
end_expiring(struct jp_record *theirs, const struct jp_record *own)
{
	if (own->expires_at == JP_NEVER ||
	    (theirs->expires_at != JP_NEVER &&
	        theirs->expires_at <= own->expires_at))
		return false;
	theirs->expires_at = own->expires_at;
	return true;
}

static bool
end_used(struct jp_record *theirs, const struct jp_record *own)
{
	if (own->uses_max == 0 || theirs->uses_max == 0 ||
	    theirs->uses_left <= own->uses_left)
		return false;
	theirs->uses_left = own->uses_left;
	return true;
}

/* Whether `theirs` has become more strict by what is known here. */
static bool
end_token(struct jp_record *theirs, const struct jp_record *own)
{
	bool (*const ends[])(struct jp_record * theirs,
	    const struct jp_record *own) = { end_revoked, end_disabled,
		end_superseded, end_expiring, end_used };
	bool ended = false;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		ended = ends[i](theirs, own) || ended;
	return ended;
}

/* Tags that another pepper made match nothing: the hash alone decides then. */
static void
fit_pepper(const struct importing *importing, struct jp_record *record)
{
	if (importing->same_pepper)
		return;
	record->has_fast_tag = false;
	memset(record->fast_tag, 0, sizeof(record->fast_tag));
	memset(record->claim_tag, 0, sizeof(record->claim_tag));
}

static enum jp_err
plan_token(const struct importing *importing, const struct jp_batch_item *item,
    struct work *work)
{
	struct jp_record own, *record = &work->records[work->len];
	struct jp_change *change = &work->changes[work->len];
	enum jp_err err = jp_record_decode(&own, item->bytes, item->len);

	if (err == JP_ERR_OK)
		err = jp_store_get(importing->store, item->key, record);
	change->record = record;
	if (err == JP_ERR_NOT_FOUND) {
		*record = own;
		fit_pepper(importing, record);
		change->kind = JP_CHANGE_CREATE;
		work->added++;
		work->len++;
		return JP_ERR_OK;
	}
	if (err != JP_ERR_OK)
		return err;
	/* Where it is another user's, it is another token by chance. */
	if (strcmp(record->user, own.user) == 0 && end_token(record, &own)) {
		change->kind = JP_CHANGE_END;
		work->ended++;
		work->len++;
	} else {
		work->known++;
	}
	return JP_ERR_OK;
}

static enum jp_err
plan_user(const struct importing *importing, const struct jp_batch_item *item,
    struct work *work)
{
	struct jp_user own, *user = &work->users[work->len];
	enum jp_err err = jp_user_decode(&own, item->bytes, item->len);

	if (err == JP_ERR_OK)
		err = jp_store_user(importing->store, item->key, user);
	if (err != JP_ERR_OK)
		return err;
	if (user->changed_at == JP_NEVER) {
		*user = own;
		work->added++;
	} else if (own.disabled && !user->disabled) {
		user->disabled = true;
		user->changed_at = own.changed_at;
		memcpy(
		    user->changed_by, own.changed_by, sizeof(user->changed_by));
		work->ended++;
	} else {
		work->known++;
		return JP_ERR_OK;
	}
	work->len++;
	return JP_ERR_OK;
}

static enum jp_err
plan_upstream(const struct importing *importing,
    const struct jp_batch_item *item, struct work *work)
{
	struct jp_upstreams own, *all = &work->upstreams[work->len];
	enum jp_err err = jp_upstreams_decode(&own, item->bytes, item->len);

	if (err == JP_ERR_OK)
		err = jp_store_upstream(importing->store, item->key, all);
	if (err != JP_ERR_OK)
		return err;
	if (all->len > 0) {
		work->known++;
		return JP_ERR_OK;
	}
	*all = own;
	work->added++;
	work->len++;
	return JP_ERR_OK;
}

static enum jp_err
commit_tokens(struct jp_store *store, const struct work *work)
{
	return jp_store_commit(store, work->changes, work->len);
}

static enum jp_err
commit_users(struct jp_store *store, const struct work *work)
{
	return jp_store_put_users(store, work->users, work->len);
}

static enum jp_err
commit_upstream(struct jp_store *store, const struct work *work)
{
	return jp_store_put_upstream(store, work->upstreams, work->len);
}

static const struct kind {
	enum jp_err (*plan)(const struct importing *importing,
	    const struct jp_batch_item *item, struct work *work);
	enum jp_err (*commit)(struct jp_store *store, const struct work *work);
} kinds[JP_BATCH_FILES] = {
	[JP_BATCH_TOKENS] = { plan_token, commit_tokens },
	[JP_BATCH_USERS] = { plan_user, commit_users },
	[JP_BATCH_UPSTREAM] = { plan_upstream, commit_upstream },
};

static enum jp_err
try_chunk(
    struct importing *importing, const struct chunk *chunk, struct work *work)
{
	const struct kind *kind = &kinds[chunk->items[0].file];
	enum jp_err err = JP_ERR_OK;

	work->len = 0;
	work->added = work->ended = work->known = 0;
	jp_store_begin(importing->store, JP_BEGIN_LOUD);
	for (size_t i = 0; i < chunk->len && err == JP_ERR_OK; i++)
		err = kind->plan(importing, &chunk->items[i], work);
	return err == JP_ERR_OK && work->len > 0
	           ? kind->commit(importing->store, work)
	           : err;
}

static enum jp_err
write_chunk(struct importing *importing, struct chunk *chunk, struct work *work)
{
	enum jp_err err = JP_ERR_OK;
	int round = 0;

	if (chunk->len == 0)
		return JP_ERR_OK;
	do
		err = try_chunk(importing, chunk, work);
	while (err == JP_ERR_CONFLICT && ++round < ROUNDS);
	chunk->len = 0;
	if (err != JP_ERR_OK)
		return cluster_store_why(importing->store, err, importing->why);
	importing->own->added += work->added;
	importing->own->ended += work->ended;
	importing->own->known += work->known;
	return JP_ERR_OK;
}

/* ---- all of them ---- */

static enum jp_err
write_part(struct importing *importing, const struct jp_batch *part,
    struct chunk *chunk, struct work *work)
{
	struct jp_batch_reader reader;
	struct jp_batch_item item;
	enum jp_err err = JP_ERR_OK;

	jp_batch_read(&reader, part->bytes, part->len);
	while (err == JP_ERR_OK && jp_batch_next(&reader, &item)) {
		if (chunk->len == CHUNK ||
		    (chunk->len > 0 && chunk->items[0].file != item.file))
			err = write_chunk(importing, chunk, work);
		if (err == JP_ERR_OK)
			chunk->items[chunk->len++] = item;
	}
	if (err == JP_ERR_OK)
		err = jp_batch_end(&reader);
	/* Its items are in the bytes of this part. */
	return err == JP_ERR_OK ? write_chunk(importing, chunk, work) : err;
}

static enum jp_err
write_all(struct importing *importing)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk));
	struct work *work = calloc(1, sizeof(*work));
	enum jp_err err = JP_ERR_OK;

	if (chunk != NULL && work != NULL) {
		for (size_t i = 0; i < importing->own->len && err == JP_ERR_OK;
		     i++)
			err = write_part(
			    importing, &importing->own->parts[i], chunk, work);
		sodium_memzero(work, sizeof(*work));
	} else {
		err = jp_why(importing->why, JP_ERR_NOMEM, "out of memory");
	}
	free(work);
	free(chunk);
	return err == JP_ERR_OK
	           ? jp_store_settle(importing->store, importing->why)
	           : err;
}

static enum jp_err
import_with_thread(struct importing *importing)
{
	pthread_t thread;
	enum jp_err err;

	if (pthread_create(&thread, NULL, carry, importing) != 0)
		return jp_why(
		    importing->why, JP_ERR_NOMEM, "cannot make a thread");
	err = wait_ready(importing);
	if (err == JP_ERR_OK)
		err = write_all(importing);
	(void)shutdown(importing->link.fd, SHUT_RDWR);
	(void)pthread_join(thread, NULL);
	return err;
}

enum jp_err
cluster_import(struct cluster_own *own, const struct context *context,
    const struct cluster_args *args, struct cluster_store *store,
    struct jp_why *why)
{
	struct importing importing = {
		.own = own,
		.same_pepper =
		    memcmp(own->tag, store->tag, sizeof(own->tag)) == 0,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.why = why,
	};
	uint8_t holder[JP_LINK_HOLDER_LEN];
	const struct jp_replica_options options = {
		.store = store->store,
		.pepper = &store->pepper,
		.node = context->settings.cluster.node,
		.holder = holder,
		.lease_ms = context->settings.cluster.lease * 1000,
		.clock = &jp_system_clock,
		.link = { send_for_replica, &importing },
	};
	struct jp_link_msg hello;
	enum jp_err err;

	jp_holder_make(holder, context->settings.store_dir);
	err = jp_replica_open(
	    &options, &importing.replica, &importing.store, why);
	if (err != JP_ERR_OK) {
		store->store = NULL; /* it is closed */
		return err;
	}
	jp_replica_hello(importing.replica, &hello);
	err = cluster_work_link(
	    &importing.link, context, args, store, &hello, why);
	if (err == JP_ERR_OK)
		err = import_with_thread(&importing);
	cluster_link_close(&importing.link);
	if (err == JP_ERR_OK)
		err = jp_store_position(importing.store, &store->position);
	jp_store_close(importing.store);
	store->store = NULL;
	return err;
}
