/*
 * What every operation goes through: tried again where the engine breaks a
 * deadlock, counted for the watchdog, refused once the environment has
 * panicked. And transactions: one at a time, durable before they are published.
 * Only while they change pages do they keep others out of the engine, not while
 * they wait for the disk. They may take of the reserve where it is full.
 */
#include "common/store/bdb_internal.h"

#include <stdlib.h>

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

/* How long an operation is tried again; starts zeroed. */
struct patience {
	int64_t end;
	int64_t pause;
};

/* Whether to do it again: at once at first, then after longer pauses. */
static bool
again(struct patience *patience, enum jp_err err)
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

static enum jp_err
retry(struct bdb *bdb, bdb_once once, void *arg)
{
	struct patience patience = { .end = 0 };
	enum jp_err err;

	do {
		err = once(bdb, arg);
	} while (again(&patience, err));
	return err;
}

enum jp_err
bdb_retry(struct bdb *bdb, bdb_once once, void *arg)
{
	enum jp_err err = bdb_enter(bdb);

	return err == JP_ERR_OK ? bdb_leave(bdb, retry(bdb, once, arg)) : err;
}

/* One commit, which `act` is about. */
struct commit {
	const struct bdb_act *act;
	uint64_t number; /* of this commit */
};

/* What a single host writes the others of a cluster would never hear of. */
static enum jp_err
check_place(
    struct bdb *bdb, const struct bdb_act *act, const struct bdb_head *head)
{
	const bool clustered = jp_position_is_set(&head->position);

	if (act->from == NULL && clustered)
		return bdb_fail_why(bdb, JP_ERR_CONFIG,
		    "the store %s is one of a cluster, and only patd changes "
		    "it: start patd",
		    bdb->dir);
	if (act->from != NULL && !jp_position_same(act->from, &head->position))
		return bdb_fail_why(bdb, JP_ERR_CONFLICT,
		    "the store %s is not at the place in the log of its "
		    "cluster where this change belongs",
		    bdb->dir);
	return JP_ERR_OK;
}

/* Every commit takes the head first: so no two of them can deadlock. */
static enum jp_err
apply(struct bdb *bdb, DB_TXN *txn, struct commit *commit)
{
	struct bdb_head head;
	enum jp_err err = bdb_head_get(bdb, txn, &head, DB_RMW);

	if (err == JP_ERR_OK)
		err = check_place(bdb, commit->act, &head);
	if (err == JP_ERR_OK)
		err = commit->act->change(bdb, txn, &head, commit->act->arg);
	if (err != JP_ERR_OK)
		return err;
	if (commit->act->to != NULL)
		head.position = *commit->act->to;
	head.commits++;
	commit->number = head.commits;
	return bdb_head_put(bdb, txn, &head);
}

/*
 * Into the log, which is not synced yet: no page stays locked. A disk that is
 * slow where a log file ends is not an engine that is stuck.
 */
static enum jp_err
write_log(struct bdb *bdb, DB_TXN *txn)
{
	int ret;

	bdb_pause(bdb);
	ret = txn->commit(txn, DB_TXN_WRITE_NOSYNC);
	bdb_resume(bdb);
	return ret == 0 ? JP_ERR_OK : bdb_fail(bdb, ret, "commit");
}

static enum jp_err
commit_once(struct bdb *bdb, void *arg)
{
	struct commit *commit = arg;
	DB_TXN *txn;
	enum jp_err err;
	int ret = bdb->env->txn_begin(bdb->env, NULL, &txn, 0);

	if (ret != 0)
		return bdb_fail(bdb, ret, "begin");
	err = apply(bdb, txn, commit);
	if (err == JP_ERR_OK)
		return write_log(bdb, txn);
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
	bdb_memory_free(names);
	if (ret != 0)
		return bdb_fail(bdb, ret, "checkpoint");
	atomic_store(&bdb->kept_from, file);
	return JP_ERR_OK;
}

/*
 * Recovery replays the log since the last checkpoint: many commits in a short
 * time must not make the next start slow. The commit is safe
 * already; whoever needs to know how a checkpoint went asks for one.
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
 * The engine syncs its log files but not the directory that names them: after a
 * power cut a new log file, and the commits in it, could be gone.
 */
static enum jp_err
complete(struct bdb *bdb, uint64_t commits, uint32_t *file)
{
	enum jp_err err = JP_ERR_OK;
	uint32_t offset;
	int ret = bdb_log_end(bdb, file, &offset);

	if (ret != 0)
		return bdb_fail(bdb, ret, "log");
	if (*file != atomic_load(&bdb->log_file)) {
		bdb_pause(bdb);
		err = bdb_dir_sync(bdb);
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
commit_now(struct bdb *bdb, struct commit *commit)
{
	enum jp_err err;

	do {
		err = retry(bdb, commit_once, commit);
	} while (commit->act->urgent && lacks_space(err) && make_space(bdb));
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

enum jp_err
bdb_has_room(struct jp_store *store, bool urgent)
{
	struct bdb *bdb = bdb_of(store);
	enum jp_err err = bdb_enter(bdb);
	bool room = urgent || atomic_load(&bdb->reserve) == JP_STORE_RESERVE;

	if (err != JP_ERR_OK)
		return err;
	if (!room) {
		(void)pthread_rwlock_wrlock(&bdb->gate);
		room = bdb_reserve_fill(bdb);
		(void)pthread_rwlock_unlock(&bdb->gate);
	}
	return bdb_leave(bdb, room ? JP_ERR_OK : refuse_for_space(bdb));
}

/* It was urgent, and the space that is kept is used up. */
static enum jp_err
refuse_batch_for_space(struct bdb *bdb)
{
	return bdb_fail_why(bdb, JP_ERR_DISK_FULL,
	    "the disk of %s is full, with the space that is kept for "
	    "revocations: make room there (%u MiB at least)",
	    bdb->dir, (JP_STORE_RESERVE >> 20) + 1);
}

/* As far as it goes without the disk's sync. */
static enum jp_err
change_pages(struct bdb *bdb, struct commit *commit)
{
	enum jp_err err;

	if (!commit->act->urgent && !bdb_reserve_fill(bdb))
		return refuse_for_space(bdb);
	err = commit_now(bdb, commit);
	if (err != JP_ERR_DISK_FULL)
		return err;
	return commit->act->to != NULL ? refuse_batch_for_space(bdb)
	                               : refuse_for_space(bdb);
}

/*
 * A commit that is in the pages, and cannot be made durable, is neither there
 * nor not: only the next start can tell.
 */
static enum jp_err
sync_log(struct bdb *bdb)
{
	int ret;

	bdb_pause(bdb);
	ret = bdb->env->log_flush(bdb->env, NULL);
	bdb_resume(bdb);
	if (ret == 0)
		return JP_ERR_OK;
	atomic_store(&bdb->dead, true);
	return bdb_fail(bdb, ret, "commit");
}

/* What is published is durable. */
static enum jp_err
transact(struct bdb *bdb, const struct bdb_act *act, uint32_t *file)
{
	struct commit commit = { .act = act };
	enum jp_err err = bdb_enter(bdb);

	if (err != JP_ERR_OK)
		return err;
	if (atomic_load(&bdb->reserve) == JP_STORE_RESERVE) {
		bdb_pause(bdb);
		bdb_log_room(bdb, act->records);
		bdb_resume(bdb);
	}
	(void)pthread_rwlock_wrlock(&bdb->gate);
	err = change_pages(bdb, &commit);
	(void)pthread_rwlock_unlock(&bdb->gate);
	if (err == JP_ERR_OK)
		err = sync_log(bdb);
	if (err == JP_ERR_OK)
		err = complete(bdb, commit.number, file);
	if (bdb->cache != NULL)
		act->publish(bdb->cache, act->arg, err == JP_ERR_OK);
	return bdb_leave(bdb, err);
}

static void
set_act(struct bdb *bdb, const struct bdb_act *act)
{
	(void)pthread_mutex_lock(&bdb->mutex);
	bdb->act = act;
	(void)pthread_mutex_unlock(&bdb->mutex);
}

bool
bdb_is_pending(struct bdb *bdb, const struct bdb_key *key)
{
	bool pending;

	(void)pthread_mutex_lock(&bdb->mutex);
	pending = bdb->act != NULL && bdb->act->touches(bdb->act->arg, key);
	(void)pthread_mutex_unlock(&bdb->mutex);
	return pending;
}

void
bdb_settle(struct bdb *bdb, const struct bdb_key *key)
{
	if (!bdb_is_pending(bdb, key))
		return;
	(void)pthread_rwlock_rdlock(&bdb->settled);
	(void)pthread_rwlock_unlock(&bdb->settled);
}

enum jp_err
bdb_transact(struct bdb *bdb, const struct bdb_act *act)
{
	uint32_t file = 0;
	enum jp_err err;

	(void)pthread_rwlock_wrlock(&bdb->settled);
	set_act(bdb, act);
	err = transact(bdb, act, &file);
	set_act(bdb, NULL);
	(void)pthread_rwlock_unlock(&bdb->settled);
	if (err == JP_ERR_OK && bdb_enter(bdb) == JP_ERR_OK) {
		shorten_log(bdb, file);
		(void)bdb_leave(bdb, err);
	}
	return err;
}

/*
 * Not while a copy is taken: that takes a moment, needs the logs that would be
 * removed, and stops the writing of pages.
 */
enum jp_err
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
