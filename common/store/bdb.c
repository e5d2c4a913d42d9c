/*
 * The operations on an open store in Berkeley DB 5.3, but for its listings,
 * users and copies.
 */
#include "common/store/bdb_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum jp_err
bdb_get(
    struct jp_store *store, const char *id, struct jp_record *record, bool wait)
{
	uint8_t bytes[JP_RECORD_MAX];
	struct bdb *bdb = bdb_of(store);
	struct bdb_lookup lookup = { .file = BDB_TOKENS,
		.key = id,
		.wait = wait,
		.bytes = bytes,
		.max = sizeof(bytes) };
	enum jp_err err = bdb_look_up(bdb, &lookup);
	const DBT data = { .data = bytes, .size = (uint32_t)lookup.len };

	return err == JP_ERR_OK ? bdb_decode(bdb, id, &data, record) : err;
}

/* These rwlocks prefer readers: a hold never waits for one that waits for it.
 */
static void
bdb_hold(struct jp_store *store)
{
	(void)pthread_rwlock_rdlock(&bdb_of(store)->settled);
	(void)pthread_rwlock_rdlock(&bdb_of(store)->gate);
}

static void
bdb_release(struct jp_store *store)
{
	(void)pthread_rwlock_unlock(&bdb_of(store)->gate);
	(void)pthread_rwlock_unlock(&bdb_of(store)->settled);
}

static void
bdb_wait(struct jp_store *store)
{
	(void)pthread_rwlock_rdlock(&bdb_of(store)->gate);
	(void)pthread_rwlock_unlock(&bdb_of(store)->gate);
}

static enum jp_err
put_record(struct bdb *bdb, DB_TXN *txn, const struct jp_record *record,
    uint32_t flags)
{
	uint8_t bytes[JP_RECORD_MAX];
	const struct bdb_key key = { BDB_TOKENS, record->id };
	struct bdb_bytes encoded = { .bytes = bytes };
	enum jp_err err = jp_record_encode(record, bytes, &encoded.len);

	if (err != JP_ERR_OK)
		return bdb_fail_why(
		    bdb, err, "the record of %s is too large", record->id);
	return bdb_put(bdb, txn, &key, &encoded, flags);
}

static enum jp_err
change_create(struct bdb *bdb, DB_TXN *txn, const struct jp_record *record,
    struct bdb_head *head)
{
	head->records++;
	return put_record(bdb, txn, record, DB_NOOVERWRITE);
}

/* The index by user relies on it: a record's user never changes. */
static enum jp_err
change_replace(struct bdb *bdb, DB_TXN *txn, const struct jp_record *record,
    struct bdb_head *head)
{
	struct jp_record old;
	enum jp_err err = bdb_claim(bdb, txn, record->id, &old);

	(void)head;
	if (err == JP_ERR_OK && strcmp(old.user, record->user) != 0)
		err = bdb_fail_why(bdb, JP_ERR_INVALID,
		    "the token %s cannot get another user", record->id);
	return err == JP_ERR_OK ? put_record(bdb, txn, record, 0) : err;
}

static enum jp_err
change_delete(struct bdb *bdb, DB_TXN *txn, const struct jp_record *record,
    struct bdb_head *head)
{
	const struct bdb_key key = { BDB_TOKENS, record->id };
	struct jp_record old;
	enum jp_err err = bdb_claim(bdb, txn, record->id, &old);

	if (err != JP_ERR_OK)
		return err;
	head->records--;
	return bdb_remove(bdb, txn, &key);
}

static enum jp_err (*const changers[])(struct bdb *bdb, DB_TXN *txn,
    const struct jp_record *record, struct bdb_head *head) = {
	[JP_CHANGE_CREATE] = change_create,
	[JP_CHANGE_REPLACE] = change_replace,
	[JP_CHANGE_DELETE] = change_delete,
	[JP_CHANGE_END] = change_replace,
};

struct batch {
	const struct jp_change *changes;
	size_t count;
};

static enum jp_err
change_all(struct bdb *bdb, DB_TXN *txn, struct bdb_head *head, const void *arg)
{
	const struct batch *batch = arg;
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; i < batch->count && err == JP_ERR_OK; i++)
		err = changers[batch->changes[i].kind](
		    bdb, txn, batch->changes[i].record, head);
	return err;
}

static bool
all_end(const struct jp_change *changes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (changes[i].kind != JP_CHANGE_END)
			return false;
	return true;
}

static bool
touches(const void *arg, const struct bdb_key *key)
{
	const struct batch *batch = arg;

	for (size_t i = 0; key->kind == BDB_TOKENS && i < batch->count; i++)
		if (strcmp(batch->changes[i].record->id, key->text) == 0)
			return true;
	return false;
}

static void
publish_all(struct bdb_cache *cache, const void *arg, bool done)
{
	uint8_t bytes[JP_RECORD_MAX];
	const struct batch *batch = arg;
	size_t len;

	for (size_t i = 0; i < batch->count; i++) {
		const struct jp_change *change = &batch->changes[i];
		struct bdb_key key = { BDB_TOKENS, change->record->id };

		if (done && change->kind != JP_CHANGE_DELETE &&
		    jp_record_encode(change->record, bytes, &len) == JP_ERR_OK)
			bdb_cache_publish(cache, &key, bytes, len);
		else
			bdb_cache_drop(cache, &key);
	}
}

static enum jp_err
bdb_commit(
    struct jp_store *store, const struct jp_change *changes, size_t count)
{
	const struct batch batch = { changes, count };
	const struct bdb_act act = { change_all, touches, publish_all, &batch,
		count, all_end(changes, count), NULL, NULL };

	return bdb_transact(bdb_of(store), &act);
}

static enum jp_err
head_once(struct bdb *bdb, void *head)
{
	return bdb_head_get(bdb, NULL, head, 0);
}

static enum jp_err
bdb_info(struct jp_store *store, struct jp_store_info *info)
{
	struct bdb *bdb = bdb_of(store);
	struct bdb_head head;
	enum jp_err err = bdb_retry(bdb, head_once, &head);

	if (err == JP_ERR_OK)
		*info = (struct jp_store_info){ .records = head.records,
			.commits = head.commits,
			.bytes = bdb_dir_bytes(bdb),
			.reserve = atomic_load(&bdb->reserve) };
	return err;
}

static bool
bdb_stalled(struct jp_store *store, int64_t seconds)
{
	struct bdb *bdb = bdb_of(store);

	return atomic_load(&bdb->busy) > 0 &&
	       jp_now_ms() - atomic_load(&bdb->progress) >= seconds * 1000;
}

static int64_t
bdb_seen(struct jp_store *store)
{
	return atomic_load(&bdb_of(store)->seen);
}

static void
bdb_see(struct jp_store *store, int64_t now)
{
	bdb_clock_write(bdb_of(store), now);
}

static void
bdb_why(struct jp_store *store, struct jp_why *why)
{
	struct bdb *bdb = bdb_of(store);

	(void)pthread_mutex_lock(&bdb->mutex);
	*why = bdb->why;
	(void)pthread_mutex_unlock(&bdb->mutex);
}

/* All that was committed is in the log: what fails here, recovery repairs. */
static void
bdb_close(struct jp_store *store)
{
	(void)bdb_checkpoint(store);
	bdb_free(bdb_of(store));
}

const struct jp_store_ops bdb_ops = {
	.get = bdb_get,
	.commit = bdb_commit,
	.list = bdb_list,
	.user_get = bdb_user_get,
	.user_put = bdb_user_put,
	.user_list = bdb_user_list,
	.upstream_get = bdb_upstream_get,
	.upstream_put = bdb_upstream_put,
	.upstream_list = bdb_upstream_list,
	.checkpoint = bdb_checkpoint,
	.info = bdb_info,
	.backup = bdb_backup,
	.stalled = bdb_stalled,
	.seen = bdb_seen,
	.see = bdb_see,
	.why = bdb_why,
	.position = bdb_position,
	.apply = bdb_apply,
	.walk = bdb_walk,
	.room = bdb_has_room,
	.wait = bdb_wait,
	.hold = bdb_hold,
	.release = bdb_release,
	.close = bdb_close,
};
