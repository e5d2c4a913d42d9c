/*
 * The environment and the databases in it: how they are set up, opened, and
 * closed. The settings answer what was measured of Berkeley DB 5.3.28.
 */
#include "common/store/bdb_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_MODE 0600

/* The engine does not repair torn pages: no more than a block of the disk. */
#define PAGE_SIZE 4096U

/* Opening reads the whole last log file: small ones open fast. */
#define LOG_FILE_BYTES (1U << 20)
#define LOG_BUFFER_BYTES (256U << 10)

/*
 * Of the log, with room to spare: what a commit takes, where pages of all trees
 * are split, and each record in it (measured: 0.8 to 1.2 KB); and the most that
 * is kept free for all of them.
 */
#define LOG_COMMIT_BYTES (32U << 10)
#define LOG_RECORD_BYTES (2U << 10)
#define LOG_ROOM_MAX (LOG_FILE_BYTES / 2)
#define LOG_PAD_LEN 2000    /* the engine takes no text of 2 KiB */
#define LOG_PAD_BYTES 2304U /* no record of that text takes more */

/*
 * Log files between two checkpoints: at least these, and more where a large
 * cache was chosen, for an import say, to gather more changes of a page.
 */
#define LOG_FILES_MIN 16U
#define LOG_FILES_OF(cache) ((uint32_t)((cache) / 2 / LOG_FILE_BYTES))

/* A commit holds a lock on every page it changes: room for imports. */
#define LOCKS_MAX 50000U

/*
 * Each transaction has one, and in each of the files each question that ever
 * was under way beside others: the engine keeps its cursor, and that its
 * locker. Some 300 threads, as patd has at most, in four files; all are made at
 * the start, 328 KiB. Where one is missing, the engine (lock_id.c of 5.3) asks
 * for the memory of as many at once, again and again until it gets it, and
 * where it asks for a single one in vain, it crashes.
 */
#define LOCKERS_MAX 2000U

/*
 * Lists that the locks hang on: few are taken at a time, but for imports. The
 * engine would make one for each that there may be, 6 MiB, at every start.
 */
#define LOCK_LISTS 4096U
#define TXNS_MAX 256U
#define LOCK_WAIT_US 2000000U

#define ENV_FLAGS                                                              \
	(DB_PRIVATE | DB_THREAD | DB_CREATE | DB_INIT_TXN | DB_INIT_LOG |      \
	    DB_INIT_LOCK | DB_INIT_MPOOL)

struct bdb *
bdb_new(struct jp_why *why)
{
	struct bdb *bdb = calloc(1, sizeof(*bdb));

	if (bdb == NULL) {
		(void)jp_why(why, JP_ERR_NOMEM, "out of memory");
		return NULL;
	}
	bdb->dir_fd = bdb->lock_fd = bdb->announce_fd = -1;
	bdb->hwm_fd = bdb->reserve_fd = bdb->clock_fd = -1;
	(void)pthread_mutex_init(&bdb->mutex, NULL);
	(void)pthread_mutex_init(&bdb->copy_mutex, NULL);
	(void)pthread_rwlock_init(&bdb->settled, NULL);
	(void)pthread_rwlock_init(&bdb->gate, NULL);
	return bdb;
}

/* The indexes before what they index. */
enum jp_err
bdb_close_engine(struct bdb *bdb)
{
	int first = 0;

	bdb_memory_hold();
	for (size_t i = BDB_FILES; i-- > 0;) {
		enum bdb_file file = (enum bdb_file)((i + 1) % BDB_FILES);
		int ret;

		if (bdb->db[file] == NULL)
			continue;
		ret = bdb->db[file]->close(bdb->db[file], 0);
		bdb->db[file] = NULL;
		first = first == 0 ? ret : first;
	}
	if (bdb->env != NULL) {
		int ret = bdb->env->close(bdb->env, 0);

		bdb->env = NULL;
		first = first == 0 ? ret : first;
	}
	bdb_memory_drop();
	return first == 0 ? JP_ERR_OK : bdb_fail(bdb, first, "close");
}

static void
close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

void
bdb_free(struct bdb *bdb)
{
	(void)bdb_close_engine(bdb);
	close_fd(bdb->clock_fd);
	close_fd(bdb->reserve_fd);
	close_fd(bdb->hwm_fd);
	close_fd(bdb->lock_fd);
	close_fd(bdb->announce_fd);
	close_fd(bdb->dir_fd);
	bdb_cache_free(bdb->cache);
	(void)pthread_rwlock_destroy(&bdb->gate);
	(void)pthread_rwlock_destroy(&bdb->settled);
	(void)pthread_mutex_destroy(&bdb->copy_mutex);
	(void)pthread_mutex_destroy(&bdb->mutex);
	free(bdb);
}

enum jp_err
bdb_finish(struct bdb *bdb, enum jp_err err, struct jp_why *why)
{
	if (err != JP_ERR_OK)
		*why = bdb->why;
	bdb_free(bdb);
	return err;
}

static int
set_up_env(const struct bdb *bdb, DB_ENV *env, size_t cache)
{
	const size_t gib = (size_t)1 << 30;
	int ret;

	(void)env->set_errcall(env, bdb_keep_line);
	ret = env->set_cachesize(
	    env, (uint32_t)(cache / gib), (uint32_t)(cache % gib), 1);
	if (ret == 0)
		ret = env->set_lg_max(env, LOG_FILE_BYTES);
	if (ret == 0)
		ret = env->set_lg_bsize(env, LOG_BUFFER_BYTES);
	if (ret == 0)
		ret = env->set_lk_max_locks(env, LOCKS_MAX);
	if (ret == 0)
		ret = env->set_lk_max_objects(env, LOCKS_MAX);
	if (ret == 0)
		ret = env->set_lk_max_lockers(env, LOCKERS_MAX);
	if (ret == 0)
		ret = env->set_memory_init(env, DB_MEM_LOCKER, LOCKERS_MAX);
	if (ret == 0)
		ret = env->set_lk_tablesize(env, LOCK_LISTS);
	if (ret == 0)
		ret = env->set_tx_max(env, TXNS_MAX);
	/* A reader steps back for a writer, which has more to do again. */
	if (ret == 0)
		ret = env->set_lk_detect(env, DB_LOCK_MINWRITE);
	if (ret == 0)
		ret = env->set_timeout(env, LOCK_WAIT_US, DB_SET_LOCK_TIMEOUT);
	if (ret == 0 && bdb->prepare != NULL)
		ret = bdb->prepare(env);
	return ret;
}

static enum jp_err
open_env(struct bdb *bdb, size_t cache)
{
	uint32_t recover = bdb->is_copy ? DB_RECOVER_FATAL : DB_RECOVER;
	int ret = bdb_memory_prepare();

	if (ret == 0)
		ret = bdb_names_prepare();
	if (ret == 0)
		ret = db_env_create(&bdb->env, 0);
	if (ret != 0)
		return bdb_fail(bdb, ret, "open");
	bdb->env->app_private = bdb;
	ret = set_up_env(bdb, bdb->env, cache);
	if (ret == 0)
		ret = bdb->env->open(
		    bdb->env, bdb->dir, ENV_FLAGS | recover, FILE_MODE);
	return ret == 0 ? JP_ERR_OK : bdb_fail(bdb, ret, "recovery");
}

/*
 * The keys of the indexes are parts of the record itself: the engine calls
 * these while it holds page locks, and nothing may be allocated here.
 */
static int
peek(const DBT *data, DBT *user, int64_t *expires_at)
{
	const char *name;
	size_t len;

	if (jp_record_peek(data->data, data->size, &name, &len, expires_at) !=
	    JP_ERR_OK)
		return EINVAL;
	*user = (DBT){ .data = (void *)(uintptr_t)name, .size = (uint32_t)len };
	return 0;
}

static int
index_user(DB *index, const DBT *key, const DBT *data, DBT *result)
{
	int64_t expires_at;

	(void)index;
	(void)key;
	return peek(data, result, &expires_at);
}

/* In a record the expiry follows the user, as 8 bytes, big-endian. */
static int
index_expiry(DB *index, const DBT *key, const DBT *data, DBT *result)
{
	int64_t expires_at;
	DBT user;
	int ret = peek(data, &user, &expires_at);

	(void)index;
	(void)key;
	if (ret != 0)
		return ret;
	if (expires_at <= JP_NEVER)
		return DB_DONOTINDEX;
	*result = (DBT){ .data = (char *)user.data + user.size,
		.size = sizeof(expires_at) };
	return 0;
}

/* Sparse: most tokens belong to no group. */
static int
index_owner(DB *index, const DBT *key, const DBT *data, DBT *result)
{
	const char *group;
	size_t len;

	(void)index;
	(void)key;
	if (jp_record_peek_owner(data->data, data->size, &group, &len) !=
	    JP_ERR_OK)
		return EINVAL;
	if (len == 0)
		return DB_DONOTINDEX;
	*result =
	    (DBT){ .data = (void *)(uintptr_t)group, .size = (uint32_t)len };
	return 0;
}

static const struct {
	enum bdb_file file;
	int (*key_of)(DB *index, const DBT *key, const DBT *data, DBT *result);
	uint32_t flags;
} indexes[] = {
	{ BDB_BY_USER, index_user, DB_IMMUTABLE_KEY },
	{ BDB_BY_EXPIRY, index_expiry, 0 },
	{ BDB_BY_OWNER, index_owner, 0 },
};

static bool
is_index(enum bdb_file file)
{
	for (size_t i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++)
		if (indexes[i].file == file)
			return true;
	return false;
}

enum jp_err
bdb_open_file(struct bdb *bdb, DB_TXN *txn, enum bdb_file file, uint32_t flags)
{
	const char *name = bdb_file_name(file);
	int ret = db_create(&bdb->db[file], bdb->env, 0);
	DB *db = bdb->db[file];

	if (ret == 0)
		ret = db->set_flags(
		    db, is_index(file) ? DB_CHKSUM | DB_DUPSORT : DB_CHKSUM);
	if (ret == 0)
		ret = db->set_pagesize(db, PAGE_SIZE);
	if (ret == 0)
		ret = db->open(db, txn, name, NULL, DB_BTREE,
		    (txn == NULL ? DB_AUTO_COMMIT : 0) | DB_THREAD | flags,
		    FILE_MODE);
	return ret == 0 ? JP_ERR_OK : bdb_fail(bdb, ret, name);
}

/* Every process that writes must do this, or the indexes go wrong. */
enum jp_err
bdb_associate(struct bdb *bdb)
{
	DB *tokens = bdb->db[BDB_TOKENS];
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < sizeof(indexes) / sizeof(indexes[0]);
	     i++)
		ret = tokens->associate(tokens, NULL, bdb->db[indexes[i].file],
		    indexes[i].key_of, indexes[i].flags);
	return ret == 0 ? JP_ERR_OK : bdb_fail(bdb, ret, "indexes");
}

int
bdb_log_end(struct bdb *bdb, uint32_t *file, uint32_t *offset)
{
	DB_LOG_STAT *stat;
	int ret = bdb->env->log_stat(bdb->env, &stat, 0);

	if (ret != 0)
		return ret;
	*file = stat->st_cur_file;
	*offset = stat->st_cur_offset;
	bdb_memory_free(stat);
	return 0;
}

/*
 * A record of the log that recovery does nothing about. If it is the first one
 * of a file the engine syncs what is not synced yet of the last one, with its
 * regions locked, which also a reader may need: so that is done before.
 */
static int
pad_log(DB_ENV *env, uint32_t left)
{
	int ret = left < 2 * LOG_PAD_BYTES ? env->log_flush(env, NULL) : 0;

	return ret == 0 ? env->log_printf(env, NULL, "%*s", LOG_PAD_LEN, "")
	                : ret;
}

void
bdb_log_room(struct bdb *bdb, size_t records)
{
	const size_t most = LOG_ROOM_MAX / LOG_RECORD_BYTES;
	const size_t bytes =
	    LOG_COMMIT_BYTES +
	    (records < most ? records : most) * LOG_RECORD_BYTES;
	uint32_t file, at, now;
	int ret = bdb_log_end(bdb, &file, &at);

	if (ret != 0 || at + bytes <= LOG_FILE_BYTES)
		return;
	do {
		ret = pad_log(bdb->env, LOG_FILE_BYTES - at);
		if (ret == 0)
			ret = bdb_log_end(bdb, &now, &at);
	} while (ret == 0 && now == file);
}

/* Recovery ended with a checkpoint. */
static enum jp_err
start_log(struct bdb *bdb, size_t cache)
{
	uint32_t file, offset;
	int ret = bdb_log_end(bdb, &file, &offset);

	if (ret != 0)
		return bdb_fail(bdb, ret, "log");
	atomic_store(&bdb->kept_from, file);
	bdb->log_files = LOG_FILES_OF(cache);
	if (bdb->log_files < LOG_FILES_MIN)
		bdb->log_files = LOG_FILES_MIN;
	return JP_ERR_OK;
}

static enum jp_err
open_engine(struct bdb *bdb, size_t cache, uint32_t flags)
{
	enum jp_err err;

	if (cache == 0)
		cache = JP_STORE_CACHE_DEFAULT;
	err = open_env(bdb, cache);
	for (size_t i = 0; i < BDB_FILES && err == JP_ERR_OK; i++) {
		enum bdb_file file = (enum bdb_file)i;

		/* check_files() knows whether it may be missing. */
		if (bdb_file_since(file) > 1 && (flags & DB_CREATE) == 0 &&
		    !bdb_dir_has(bdb, bdb_file_name(file)))
			continue;
		err = bdb_open_file(bdb, NULL, file, flags);
	}
	return err == JP_ERR_OK ? start_log(bdb, cache) : err;
}

enum jp_err
bdb_open_engine(struct bdb *bdb, size_t cache, uint32_t flags)
{
	enum jp_err err;

	bdb_memory_hold();
	err = open_engine(bdb, cache, flags);
	bdb_memory_drop();
	return err;
}
