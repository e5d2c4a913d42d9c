/*
 * The operations on an open store in Berkeley DB 5.3. Each is tried again
 * where the engine breaks a deadlock, counted for the watchdog, and refused
 * once the environment has panicked. Readers use no transaction; commits
 * queue for the one record of meta.db before they lock anything else.
 */
#include "common/store/bdb_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Long enough for every deadlock; then something else is wrong. */
#define PATIENCE_MS 30000
#define PAUSE_MAX_MS 20

void
bdb_resume(struct bdb *bdb)
{
	if (atomic_load(&bdb->busy) == 0)
		atomic_store(&bdb->progress, jp_now_ms());
	atomic_fetch_add(&bdb->busy, 1);
}

void
bdb_pause(struct bdb *bdb)
{
	atomic_store(&bdb->progress, jp_now_ms());
	atomic_fetch_sub(&bdb->busy, 1);
}

enum jp_err
bdb_enter(struct bdb *bdb)
{
	if (atomic_load(&bdb->dead))
		return JP_ERR_DAMAGED;
	bdb_resume(bdb);
	return JP_ERR_OK;
}

enum jp_err
bdb_leave(struct bdb *bdb, enum jp_err err)
{
	bdb_pause(bdb);
	if (err != BDB_AGAIN)
		return err;
	return bdb_fail_why(bdb, JP_ERR_IO,
	    "%s: no lock on a page within %d seconds", bdb->dir,
	    PATIENCE_MS / 1000);
}

bool
bdb_again(struct bdb_patience *patience, enum jp_err err)
{
	if (err != BDB_AGAIN)
		return false;
	if (patience->end == 0)
		patience->end = jp_now_ms() + PATIENCE_MS;
	else if (jp_now_ms() >= patience->end)
		return false;
	bdb_sleep_ms(patience->pause);
	if (patience->pause < PAUSE_MAX_MS)
		patience->pause++;
	return true;
}

static DBT
id_key(const char *id)
{
	return (DBT){ .data = (void *)(uintptr_t)id, .size = JP_TOKEN_ID_LEN };
}

DBT
bdb_room(void *mem, size_t len)
{
	return (
	    DBT){ .data = mem, .ulen = (uint32_t)len, .flags = DB_DBT_USERMEM };
}

enum jp_err
bdb_decode(
    struct bdb *bdb, const char *id, const DBT *data, struct jp_record *record)
{
	enum jp_err err = jp_record_decode(record, data->data, data->size);

	if (err == JP_ERR_OK && memcmp(record->id, id, JP_TOKEN_ID_LEN) != 0)
		err = JP_ERR_DAMAGED;
	if (err == JP_ERR_OK)
		return JP_ERR_OK;
	return bdb_fail_why(bdb, err, "%s/tokens.db: the record of %.*s is %s",
	    bdb->dir, JP_TOKEN_ID_LEN, id,
	    err == JP_ERR_NEWER ? "of a newer version of jira-pat" : "damaged");
}

static enum jp_err
read_once(struct bdb *bdb, struct bdb_lookup *lookup)
{
	DB *db = bdb->db[lookup->file];
	DBT key = { .data = (void *)(uintptr_t)lookup->key,
		.size = (uint32_t)strlen(lookup->key) };
	DBT data = bdb_room(lookup->bytes, lookup->max);
	char doing[32];
	int ret = db->get(db, NULL, &key, &data, 0);

	lookup->len = data.size;
	if (ret == 0 || ret == DB_NOTFOUND)
		return ret == 0 ? JP_ERR_OK : JP_ERR_NOT_FOUND;
	(void)snprintf(
	    doing, sizeof(doing), "reading %s", bdb_file_name(lookup->file));
	return bdb_fail(bdb, ret, doing);
}

static enum jp_err
read_record(struct bdb *bdb, struct bdb_lookup *lookup)
{
	struct bdb_patience patience = { .end = 0 };
	enum jp_err err = bdb_enter(bdb);

	if (err != JP_ERR_OK)
		return err;
	do {
		err = read_once(bdb, lookup);
	} while (bdb_again(&patience, err));
	return bdb_leave(bdb, err);
}

/*
 * Who must not wait stays out of the engine while a transaction is in it. A
 * lock timeout or DB_TXN_NOWAIT would not do: where a log file ends, the engine
 * waits for its fsync with pages latched, and latches have neither. Nor would
 * snapshots (DB_MULTIVERSION), for the same reason, and they cost the warm path
 * a transaction for each read.
 *
 * That there is no such user is kept, too, for most have no record. That there
 * is no such token is not: anybody can ask for those.
 */
enum jp_err
bdb_look_up(struct bdb *bdb, struct bdb_lookup *lookup)
{
	struct bdb_key key = { (uint8_t)lookup->file, lookup->key };
	uint64_t ticket;
	enum jp_err err;

	if (atomic_load(&bdb->dead))
		return JP_ERR_DAMAGED;
	if (bdb_cache_find(bdb->cache, &key, lookup->bytes, lookup->max,
	        &lookup->len, &ticket))
		return lookup->len > 0 ? JP_ERR_OK : JP_ERR_NOT_FOUND;
	if (!lookup->wait && pthread_rwlock_tryrdlock(&bdb->gate) != 0)
		return JP_ERR_BUSY;
	err = read_record(bdb, lookup);
	if (!lookup->wait)
		(void)pthread_rwlock_unlock(&bdb->gate);
	if (err == JP_ERR_OK)
		bdb_cache_fill(
		    bdb->cache, &key, ticket, lookup->bytes, lookup->len);
	else if (err == JP_ERR_NOT_FOUND && lookup->file == BDB_USERS)
		bdb_cache_fill(bdb->cache, &key, ticket, NULL, 0);
	return err;
}

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

/* Those that prefer readers: a hold never waits for who waits for it. */
static void
bdb_hold(struct jp_store *store)
{
	(void)pthread_rwlock_rdlock(&bdb_of(store)->gate);
}

static void
bdb_release(struct jp_store *store)
{
	(void)pthread_rwlock_unlock(&bdb_of(store)->gate);
}

static enum jp_err
put_record(struct bdb *bdb, DB_TXN *txn, const struct jp_record *record,
    uint32_t flags)
{
	uint8_t bytes[JP_RECORD_MAX];
	DB *tokens = bdb->db[BDB_TOKENS];
	DBT key = id_key(record->id);
	DBT data = { .data = bytes };
	size_t len;
	enum jp_err err = jp_record_encode(record, bytes, &len);
	int ret;

	if (err != JP_ERR_OK)
		return bdb_fail_why(
		    bdb, err, "the record of %s is too large", record->id);
	data.size = (uint32_t)len;
	ret = tokens->put(tokens, txn, &key, &data, flags);
	return ret == 0 ? JP_ERR_OK : bdb_fail(bdb, ret, "writing tokens.db");
}

/*
 * Locks the record that a change is about, for writing. An old
 * record that does not decode ends here, before the index functions meet it.
 */
static enum jp_err
claim(struct bdb *bdb, DB_TXN *txn, const char *id, struct jp_record *old)
{
	uint8_t bytes[JP_RECORD_MAX];
	DB *tokens = bdb->db[BDB_TOKENS];
	DBT key = id_key(id);
	DBT data = bdb_room(bytes, sizeof(bytes));
	int ret = tokens->get(tokens, txn, &key, &data, DB_RMW);

	if (ret != 0)
		return bdb_fail(bdb, ret, "reading tokens.db");
	return bdb_decode(bdb, id, &data, old);
}

static enum jp_err
change_create(struct bdb *bdb, DB_TXN *txn, const struct jp_record *record,
    struct bdb_head *head)
{
	head->records++;
	return put_record(bdb, txn, record, DB_NOOVERWRITE);
}

/* The index by user is told that a record's user never changes. */
static enum jp_err
change_replace(struct bdb *bdb, DB_TXN *txn, const struct jp_record *record,
    struct bdb_head *head)
{
	struct jp_record old;
	enum jp_err err = claim(bdb, txn, record->id, &old);

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
	DB *tokens = bdb->db[BDB_TOKENS];
	DBT key = id_key(record->id);
	struct jp_record old;
	enum jp_err err = claim(bdb, txn, record->id, &old);
	int ret;

	if (err != JP_ERR_OK)
		return err;
	head->records--;
	ret = tokens->del(tokens, txn, &key, 0);
	return ret == 0 ? JP_ERR_OK : bdb_fail(bdb, ret, "writing tokens.db");
}

static enum jp_err (*const changers[])(struct bdb *bdb, DB_TXN *txn,
    const struct jp_record *record, struct bdb_head *head) = {
	[JP_CHANGE_CREATE] = change_create,
	[JP_CHANGE_REPLACE] = change_replace,
	[JP_CHANGE_DELETE] = change_delete,
	[JP_CHANGE_END] = change_replace,
};

/* Every commit takes the head first: so no two of them can deadlock. */
static enum jp_err
apply(
    struct bdb *bdb, DB_TXN *txn, const struct bdb_act *act, uint64_t *commits)
{
	struct bdb_head head;
	enum jp_err err = bdb_head_get(bdb, txn, &head, DB_RMW);

	if (err == JP_ERR_OK)
		err = act->change(bdb, txn, &head, act->arg);
	if (err != JP_ERR_OK)
		return err;
	head.commits++;
	*commits = head.commits;
	return bdb_head_put(bdb, txn, &head);
}

/* A disk that is slow to sync is no engine that is stuck. */
static enum jp_err
make_durable(struct bdb *bdb, DB_TXN *txn)
{
	int ret;

	bdb_pause(bdb);
	ret = txn->commit(txn, DB_TXN_SYNC);
	bdb_resume(bdb);
	return ret == 0 ? JP_ERR_OK : bdb_fail(bdb, ret, "commit");
}

static enum jp_err
commit_once(struct bdb *bdb, const struct bdb_act *act, uint64_t *commits)
{
	DB_TXN *txn;
	enum jp_err err;
	int ret = bdb->env->txn_begin(bdb->env, NULL, &txn, 0);

	if (ret != 0)
		return bdb_fail(bdb, ret, "begin");
	err = apply(bdb, txn, act, commits);
	if (err == JP_ERR_OK)
		return make_durable(bdb, txn);
	ret = txn->abort(txn);
	if (ret != 0)
		(void)bdb_fail(bdb, ret, "abort");
	return err;
}

/* Called with the mutex of copies held. */
static enum jp_err
checkpoint(struct bdb *bdb)
{
	char **names = NULL;
	uint32_t file, offset;
	int ret = bdb_log_end(bdb, &file, &offset);

	if (ret == 0)
		ret = bdb->env->txn_checkpoint(bdb->env, 0, 0, 0);
	if (ret == 0)
		ret = bdb->env->log_archive(bdb->env, &names, DB_ARCH_REMOVE);
	free(names);
	if (ret != 0)
		return bdb_fail(bdb, ret, "checkpoint");
	atomic_store(&bdb->kept_from, file);
	return JP_ERR_OK;
}

/*
 * What is in the log since the last checkpoint, recovery does again: many
 * commits in a short time must not make a start long. The commit is safe
 * already; who wants to know how the checkpoint went asks for one.
 */
static void
shorten_log(struct bdb *bdb, uint32_t file)
{
	if (file - atomic_load(&bdb->kept_from) < bdb->log_files ||
	    pthread_mutex_trylock(&bdb->copy_mutex) != 0)
		return;
	bdb_pause(bdb);
	if (file - atomic_load(&bdb->kept_from) >= bdb->log_files)
		(void)checkpoint(bdb);
	bdb_resume(bdb);
	(void)pthread_mutex_unlock(&bdb->copy_mutex);
}

/*
 * The engine syncs its log files but not the folder that names them: after a
 * power cut a new log file, and the commits in it, could be gone.
 */
static enum jp_err
settle(struct bdb *bdb, uint64_t commits, uint32_t *file)
{
	enum jp_err err = JP_ERR_OK;
	uint32_t offset;
	int ret = bdb_log_end(bdb, file, &offset);

	if (ret != 0)
		return bdb_fail(bdb, ret, "log");
	if (*file != atomic_load(&bdb->log_file)) {
		bdb_pause(bdb);
		err = bdb_folder_sync(bdb);
		bdb_resume(bdb);
		if (err == JP_ERR_OK)
			atomic_store(&bdb->log_file, *file);
	}
	if (err == JP_ERR_OK)
		bdb_hwm_raise(bdb, commits);
	return err;
}

static bool
lacks_space(enum jp_err err)
{
	/* A cache that is full of pages that cannot be written, too. */
	return err == JP_ERR_DISK_FULL || err == JP_ERR_NOMEM;
}

/* JP_ERR_OK, too, where a copy is being taken: not now. */
static enum jp_err
try_checkpoint(struct bdb *bdb)
{
	enum jp_err err;

	if (pthread_mutex_trylock(&bdb->copy_mutex) != 0)
		return JP_ERR_OK;
	bdb_pause(bdb);
	err = checkpoint(bdb);
	bdb_resume(bdb);
	(void)pthread_mutex_unlock(&bdb->copy_mutex);
	return err;
}

/*
 * Takes of the reserve; false if there is none. A checkpoint gives some back:
 * it frees the log files of before. Where it needs space itself, for new pages,
 * it gets half of the reserve, and the log the other half.
 */
static bool
make_space(struct bdb *bdb)
{
	enum jp_err err;

	if (!bdb_reserve_spend(bdb))
		return false;
	do {
		err = try_checkpoint(bdb);
	} while (lacks_space(err) &&
	         atomic_load(&bdb->reserve) > JP_STORE_RESERVE / 2 &&
	         bdb_reserve_spend(bdb));
	if (err == JP_ERR_OK)
		(void)bdb_reserve_fill(bdb);
	return true;
}

/* Commits, with space of the reserve if that is what it takes. */
static enum jp_err
commit_now(struct bdb *bdb, const struct bdb_act *act, uint64_t *commits)
{
	struct bdb_patience patience = { .end = 0 };
	enum jp_err err;

	do {
		err = commit_once(bdb, act, commits);
	} while (bdb_again(&patience, err) ||
	         (act->urgent && lacks_space(err) && make_space(bdb)));
	return err;
}

static enum jp_err
refuse_for_space(struct bdb *bdb)
{
	return bdb_fail_why(bdb, JP_ERR_DISK_FULL,
	    "the disk of %s is full: make room there (%u MiB at least); until "
	    "then tokens are verified, and can be revoked, and users be "
	    "disabled, in space that is kept for it, but nothing else is "
	    "written",
	    bdb->dir, (JP_STORE_RESERVE >> 20) + 1);
}

/* The gate is closed; what is published is durable. */
static enum jp_err
transact(struct bdb *bdb, const struct bdb_act *act, uint32_t *file)
{
	enum jp_err err = bdb_enter(bdb);
	uint64_t commits = 0;

	if (err != JP_ERR_OK)
		return err;
	if (!act->urgent && !bdb_reserve_fill(bdb))
		return bdb_leave(bdb, refuse_for_space(bdb));
	err = commit_now(bdb, act, &commits);
	if (err == JP_ERR_DISK_FULL)
		err = refuse_for_space(bdb);
	if (err == JP_ERR_OK)
		err = settle(bdb, commits, file);
	if (bdb->cache != NULL)
		act->publish(bdb->cache, act->arg, err == JP_ERR_OK);
	return bdb_leave(bdb, err);
}

enum jp_err
bdb_transact(struct bdb *bdb, const struct bdb_act *act)
{
	uint32_t file = 0;
	enum jp_err err;

	(void)pthread_rwlock_wrlock(&bdb->gate);
	err = transact(bdb, act, &file);
	(void)pthread_rwlock_unlock(&bdb->gate);
	if (err == JP_ERR_OK && bdb_enter(bdb) == JP_ERR_OK) {
		shorten_log(bdb, file);
		(void)bdb_leave(bdb, err);
	}
	return err;
}

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
	const struct bdb_act act = { change_all, publish_all, &batch,
		all_end(changes, count) };

	return bdb_transact(bdb_of(store), &act);
}

/*
 * Not while a copy is taken: that takes a moment, needs the logs that would be
 * removed, and stops the writing of pages.
 */
static enum jp_err
bdb_checkpoint(struct jp_store *store)
{
	struct bdb *bdb = bdb_of(store);
	enum jp_err err = bdb_enter(bdb);

	if (err != JP_ERR_OK)
		return err;
	bdb_pause(bdb);
	(void)pthread_mutex_lock(&bdb->copy_mutex);
	err = checkpoint(bdb);
	(void)pthread_mutex_unlock(&bdb->copy_mutex);
	if (atomic_load(&bdb->reserve) < JP_STORE_RESERVE) {
		(void)pthread_rwlock_wrlock(&bdb->gate);
		(void)bdb_reserve_fill(bdb);
		(void)pthread_rwlock_unlock(&bdb->gate);
	}
	bdb_resume(bdb);
	return bdb_leave(bdb, err);
}

static enum jp_err
bdb_info(struct jp_store *store, struct jp_store_info *info)
{
	struct bdb *bdb = bdb_of(store);
	struct bdb_patience patience = { .end = 0 };
	struct bdb_head head;
	enum jp_err err = bdb_enter(bdb);

	if (err != JP_ERR_OK)
		return err;
	do {
		err = bdb_head_get(bdb, NULL, &head, 0);
	} while (bdb_again(&patience, err));
	if (err == JP_ERR_OK)
		*info = (struct jp_store_info){ .records = head.records,
			.commits = head.commits,
			.bytes = bdb_folder_bytes(bdb),
			.reserve = atomic_load(&bdb->reserve) };
	return bdb_leave(bdb, err);
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

/* All that was committed is in the log: what fails here, recovery mends. */
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
	.checkpoint = bdb_checkpoint,
	.info = bdb_info,
	.backup = bdb_backup,
	.stalled = bdb_stalled,
	.seen = bdb_seen,
	.see = bdb_see,
	.why = bdb_why,
	.hold = bdb_hold,
	.release = bdb_release,
	.close = bdb_close,
};
