/*
 * The environment and the databases of the store in Berkeley DB 5.3: how they
 * are made, opened, verified, closed, and what the engine's errors mean. The
 * settings answer what was measured of 5.3.28.
 */
#include "common/store/bdb_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"

#define FILE_MODE 0600

/* The engine does not repair torn pages: no more than a block of the disk. */
#define PAGE_SIZE 4096U

/* Opening reads the whole last log file: small ones open fast. */
#define LOG_FILE_BYTES (1U << 20)
#define LOG_BUFFER_BYTES (256U << 10)

/*
 * Log files between two checkpoints: at least these, and more where a large
 * cache was chosen, for an import say, to gather more changes of a page.
 */
#define LOG_FILES_MIN 16U
#define LOG_FILES_OF(cache) ((uint32_t)((cache) / 2 / LOG_FILE_BYTES))

/* A commit holds a lock on every page it changes: room for imports. */
#define LOCKS_MAX 50000U
#define LOCKERS_MAX 4000U
#define TXNS_MAX 256U
#define LOCK_WAIT_US 2000000U

/* Of the reserve between two tries to recover on a full disk. */
#define START_STEPS 8U

#define ENV_FLAGS                                                              \
	(DB_PRIVATE | DB_THREAD | DB_CREATE | DB_INIT_TXN | DB_INIT_LOG |      \
	    DB_INIT_LOCK | DB_INIT_MPOOL)

#define HEAD_KEY "store"
#define HEAD_VERSION 2
#define HEAD_MAX 64

static const struct {
	int ret;
	enum jp_err err;
} codes[] = {
	{ DB_LOCK_DEADLOCK, BDB_AGAIN },
	{ DB_LOCK_NOTGRANTED, BDB_AGAIN },
	{ DB_NOTFOUND, JP_ERR_NOT_FOUND },
	{ DB_KEYEXIST, JP_ERR_EXISTS },
	{ DB_RUNRECOVERY, JP_ERR_DAMAGED },
	{ DB_PAGE_NOTFOUND, JP_ERR_DAMAGED },
	{ DB_SECONDARY_BAD, JP_ERR_DAMAGED },
	{ DB_VERIFY_BAD, JP_ERR_DAMAGED },
	{ DB_OLD_VERSION, JP_ERR_DAMAGED },
	{ DB_BUFFER_SMALL, JP_ERR_DAMAGED },
	/* Our own calls never change: it is a file that does not fit them. */
	{ EINVAL, JP_ERR_DAMAGED },
	{ ENOENT, JP_ERR_DAMAGED },
};

static enum jp_err
code_of(int ret)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].ret == ret)
			return codes[i].err;
	return ret > 0 ? jp_err_from_errno(ret) : JP_ERR_IO;
}

/*
 * One failure can have several lines: "checksum error: page 7", then
 * "tokens.db: pgin failed for page 7", then that all is lost, which says
 * nothing new.
 */
void
bdb_keep_line(const DB_ENV *env, const char *prefix, const char *line)
{
	struct bdb *bdb = env->app_private;
	size_t len, more = strlen(line);

	(void)prefix;
	if (bdb == NULL)
		return;
	if (strstr(line, strerror(ENOSPC)) != NULL)
		atomic_store(&bdb->full, true);
	(void)pthread_mutex_lock(&bdb->mutex);
	len = strlen(bdb->line);
	if (len == 0 || len + 2 + more >= sizeof(bdb->line)) {
		(void)snprintf(bdb->line, sizeof(bdb->line), "%s", line);
	} else if (strstr(line, "PANIC") == NULL) {
		memcpy(bdb->line + len, "; ", 2);
		memcpy(bdb->line + len + 2, line, more + 1);
	}
	(void)pthread_mutex_unlock(&bdb->mutex);
}

/* Called with the mutex held. */
static void
explain(struct bdb *bdb, int ret, enum jp_err err, const char *doing)
{
	const char *text = bdb->line;

	/* There the engine's lines are of addresses in memory. */
	if (text[0] == '\0' || err == JP_ERR_DISK_FULL)
		text = db_strerror(ret);
	/* Where memory is not short, a disk that takes no page is behind it. */
	(void)jp_why(&bdb->why, err, "%s: %s: %.300s%s", bdb->dir, doing, text,
	    err == JP_ERR_NOMEM ? " (or the disk is full, and so the cache)"
	                        : "");
}

enum jp_err
bdb_fail(struct bdb *bdb, int ret, const char *doing)
{
	enum jp_err err = code_of(ret);
	bool told = false;

	if (err == JP_ERR_NOT_FOUND || err == JP_ERR_EXISTS)
		return err;
	/* After a panic every thread fails; the first one knows the reason. */
	if (ret == DB_RUNRECOVERY)
		told = atomic_exchange(&bdb->dead, true);
	(void)pthread_mutex_lock(&bdb->mutex);
	if (!told)
		explain(bdb, ret, err, doing);
	bdb->line[0] = '\0';
	(void)pthread_mutex_unlock(&bdb->mutex);
	return err;
}

enum jp_err
bdb_fail_why(struct bdb *bdb, enum jp_err err, const char *format, ...)
{
	va_list args;

	(void)pthread_mutex_lock(&bdb->mutex);
	va_start(args, format);
	(void)vsnprintf(bdb->why.text, sizeof(bdb->why.text), format, args);
	va_end(args);
	(void)pthread_mutex_unlock(&bdb->mutex);
	return err;
}

struct bdb *
bdb_new(struct jp_why *why)
{
	struct bdb *bdb = calloc(1, sizeof(*bdb));

	if (bdb == NULL) {
		(void)jp_why(why, JP_ERR_NOMEM, "out of memory");
		return NULL;
	}
	bdb->base.ops = &bdb_ops;
	bdb->dir_fd = bdb->lock_fd = bdb->announce_fd = -1;
	bdb->hwm_fd = bdb->reserve_fd = bdb->clock_fd = -1;
	(void)pthread_mutex_init(&bdb->mutex, NULL);
	(void)pthread_mutex_init(&bdb->copy_mutex, NULL);
	(void)pthread_rwlock_init(&bdb->gate, NULL);
	return bdb;
}

/* The indexes before what they index. */
enum jp_err
bdb_close_engine(struct bdb *bdb)
{
	int first = 0;

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
	(void)pthread_mutex_destroy(&bdb->copy_mutex);
	(void)pthread_mutex_destroy(&bdb->mutex);
	free(bdb);
}

static int
set_up_env(DB_ENV *env, size_t cache)
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
		ret = env->set_tx_max(env, TXNS_MAX);
	/* A reader steps back for a writer, which has more to do again. */
	if (ret == 0)
		ret = env->set_lk_detect(env, DB_LOCK_MINWRITE);
	if (ret == 0)
		ret = env->set_timeout(env, LOCK_WAIT_US, DB_SET_LOCK_TIMEOUT);
	if (ret == 0)
		ret = bdb_copy_prepare(env);
	return ret;
}

static enum jp_err
open_env(struct bdb *bdb, size_t cache)
{
	uint32_t recover = bdb->is_copy ? DB_RECOVER_FATAL : DB_RECOVER;
	int ret = db_env_create(&bdb->env, 0);

	if (ret != 0)
		return bdb_fail(bdb, ret, "open");
	bdb->env->app_private = bdb;
	ret = set_up_env(bdb->env, cache);
	if (ret == 0)
		ret = bdb->env->open(
		    bdb->env, bdb->dir, ENV_FLAGS | recover, FILE_MODE);
	return ret == 0 ? JP_ERR_OK : bdb_fail(bdb, ret, "recovery");
}

/*
 * The keys of the indexes lie in the record itself: the engine calls these
 * while it holds page locks, and nothing may be allocated here.
 */
static int
index_user(DB *index, const DBT *key, const DBT *data, DBT *result)
{
	const char *user;
	size_t user_len;
	int64_t expires_at;

	(void)index;
	(void)key;
	if (jp_record_peek(data->data, data->size, &user, &user_len,
	        &expires_at) != JP_ERR_OK)
		return EINVAL;
	*result = (DBT){ .data = (void *)(uintptr_t)user,
		.size = (uint32_t)user_len };
	return 0;
}

/* In a record its end follows its user, as 8 bytes, big end first. */
static int
index_expiry(DB *index, const DBT *key, const DBT *data, DBT *result)
{
	const char *user;
	size_t user_len;
	int64_t expires_at;

	(void)index;
	(void)key;
	if (jp_record_peek(data->data, data->size, &user, &user_len,
	        &expires_at) != JP_ERR_OK)
		return EINVAL;
	if (expires_at <= JP_NEVER)
		return DB_DONOTINDEX;
	*result = (DBT){ .data = (void *)(uintptr_t)(user + user_len),
		.size = sizeof(expires_at) };
	return 0;
}

static enum jp_err
open_file(struct bdb *bdb, DB_TXN *txn, enum bdb_file file, uint32_t flags)
{
	bool is_index = file == BDB_BY_USER || file == BDB_BY_EXPIRY;
	const char *name = bdb_file_name(file);
	int ret = db_create(&bdb->db[file], bdb->env, 0);
	DB *db = bdb->db[file];

	if (ret == 0)
		ret = db->set_flags(
		    db, is_index ? DB_CHKSUM | DB_DUPSORT : DB_CHKSUM);
	if (ret == 0)
		ret = db->set_pagesize(db, PAGE_SIZE);
	if (ret == 0)
		ret = db->open(db, txn, name, NULL, DB_BTREE,
		    (txn == NULL ? DB_AUTO_COMMIT : 0) | DB_THREAD | flags,
		    FILE_MODE);
	return ret == 0 ? JP_ERR_OK : bdb_fail(bdb, ret, name);
}

/* Every process that writes must do this, or the indexes go wrong. */
static enum jp_err
associate(struct bdb *bdb)
{
	DB *tokens = bdb->db[BDB_TOKENS];
	int ret = tokens->associate(
	    tokens, NULL, bdb->db[BDB_BY_USER], index_user, DB_IMMUTABLE_KEY);

	if (ret == 0)
		ret = tokens->associate(
		    tokens, NULL, bdb->db[BDB_BY_EXPIRY], index_expiry, 0);
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
	free(stat);
	return 0;
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

enum jp_err
bdb_open_engine(struct bdb *bdb, size_t cache, uint32_t flags)
{
	enum jp_err err;

	if (cache == 0)
		cache = JP_STORE_CACHE_DEFAULT;
	err = open_env(bdb, cache);
	for (size_t i = 0; i < BDB_FILES && err == JP_ERR_OK; i++) {
		enum bdb_file file = (enum bdb_file)i;

		/* check_users() knows whether it may be missing. */
		if (file == BDB_USERS && (flags & DB_CREATE) == 0 &&
		    !bdb_folder_has(bdb, bdb_file_name(file)))
			continue;
		err = open_file(bdb, NULL, file, flags);
	}
	if (err == JP_ERR_OK)
		err = associate(bdb);
	return err == JP_ERR_OK ? start_log(bdb, cache) : err;
}

static enum jp_err
decode_head(
    struct bdb *bdb, const uint8_t *bytes, size_t len, struct bdb_head *head)
{
	struct jp_buf buf;
	uint8_t version;

	jp_buf_read(&buf, bytes, len);
	version = jp_buf_get_u8(&buf);
	head->version = version;
	head->commits = (uint64_t)jp_buf_get_i64(&buf);
	head->records = (uint64_t)jp_buf_get_i64(&buf);
	head->log_file = jp_buf_get_u32(&buf);
	head->log_offset = jp_buf_get_u32(&buf);
	jp_buf_get_raw(&buf, head->tag, sizeof(head->tag));
	if (version > HEAD_VERSION)
		return bdb_fail_why(bdb, JP_ERR_NEWER,
		    "the store %s was written by a newer version of jira-pat "
		    "(its format is %u, this version knows up to %d)",
		    bdb->dir, version, HEAD_VERSION);
	if (version == 0 || jp_buf_end(&buf) != JP_ERR_OK)
		return bdb_fail_why(bdb, JP_ERR_DAMAGED,
		    "%s/meta.db does not hold what belongs there; restore from "
		    "a backup",
		    bdb->dir);
	return JP_ERR_OK;
}

enum jp_err
bdb_head_get(
    struct bdb *bdb, DB_TXN *txn, struct bdb_head *head, uint32_t flags)
{
	uint8_t bytes[HEAD_MAX];
	char name[] = HEAD_KEY;
	DBT key = { .data = name, .size = sizeof(name) - 1 };
	DBT data = {
		.data = bytes, .ulen = sizeof(bytes), .flags = DB_DBT_USERMEM
	};
	DB *meta = bdb->db[BDB_META];
	int ret = meta->get(meta, txn, &key, &data, flags);

	if (ret == DB_NOTFOUND)
		data.size = 0;
	else if (ret != 0)
		return bdb_fail(bdb, ret, "reading meta.db");
	return decode_head(bdb, bytes, data.size, head);
}

enum jp_err
bdb_head_put(struct bdb *bdb, DB_TXN *txn, const struct bdb_head *head)
{
	uint8_t bytes[HEAD_MAX];
	char name[] = HEAD_KEY;
	DBT key = { .data = name, .size = sizeof(name) - 1 };
	DBT data = { .data = bytes };
	DB *meta = bdb->db[BDB_META];
	struct jp_buf buf;
	uint32_t log_file, log_offset;
	int ret = bdb_log_end(bdb, &log_file, &log_offset);

	if (ret != 0)
		return bdb_fail(bdb, ret, "log");
	jp_buf_write(&buf, bytes, sizeof(bytes));
	jp_buf_put_u8(&buf, HEAD_VERSION);
	jp_buf_put_i64(&buf, (int64_t)head->commits);
	jp_buf_put_i64(&buf, (int64_t)head->records);
	jp_buf_put_u32(&buf, log_file);
	jp_buf_put_u32(&buf, log_offset);
	jp_buf_put_raw(&buf, head->tag, sizeof(head->tag));
	data.size = (uint32_t)buf.pos;
	ret = meta->put(meta, txn, &key, &data, 0);
	return ret == 0 ? JP_ERR_OK : bdb_fail(bdb, ret, "writing meta.db");
}

/*
 * JP_ERR_OK: a store is here; JP_ERR_MISSING: a place for one. Where only
 * part of a store is left nothing is made: its logs may be worth a rescue.
 */
enum jp_err
bdb_look(struct bdb *bdb)
{
	const char *missing = NULL;
	size_t count = 0;

	for (size_t i = BDB_FILES; i-- > 0;) {
		if (bdb_folder_has(bdb, bdb_file_name((enum bdb_file)i)))
			count++;
		else if (i != BDB_USERS) /* check_users() knows of that */
			missing = bdb_file_name((enum bdb_file)i);
	}
	if (bdb_mark_there(bdb) || (count == 0 && !bdb_hwm_there(bdb)))
		return bdb_fail_why(bdb, JP_ERR_MISSING,
		    "there is no store in %s; make one with pat-admin init",
		    bdb->dir);
	if (missing == NULL)
		return JP_ERR_OK;
	return bdb_fail_why(bdb, JP_ERR_DAMAGED,
	    "%s/%s is missing; restore from a backup", bdb->dir, missing);
}

/* The folder, safe and with all databases, and its lock. */
static enum jp_err
take_store(struct bdb *bdb, const struct jp_store_options *options)
{
	enum jp_err err = bdb_folder_open(bdb, options->dir);

	/* Before the lock, too: a folder without a store stays as it is. */
	if (err == JP_ERR_OK && !bdb_mark_there(bdb))
		err = bdb_look(bdb);
	if (err == JP_ERR_OK)
		err =
		    options->first
		        ? bdb_lock_first(bdb, options->holder, options->wait_ms)
		        : bdb_lock(bdb, options->holder, options->wait_ms);
	return err == JP_ERR_OK ? bdb_look(bdb) : err;
}

/*
 * The engine opens databases that are ahead of their log, as they are when
 * somebody removed log files, and later skips their changes in a recovery.
 */
static enum jp_err
check_log(struct bdb *bdb, const struct bdb_head *head)
{
	uint32_t file, offset;
	int ret = bdb_log_end(bdb, &file, &offset);

	if (ret != 0)
		return bdb_fail(bdb, ret, "log");
	if (file > head->log_file ||
	    (file == head->log_file && offset > head->log_offset))
		return JP_ERR_OK;
	return bdb_fail_why(bdb, JP_ERR_DAMAGED,
	    "log files are missing in %s: the log ends before the last commit; "
	    "restore from a backup",
	    bdb->dir);
}

/* One transaction: there is the file, and the head says so, or neither. */
static enum jp_err
make_users(struct bdb *bdb, DB_TXN *txn)
{
	struct bdb_head head;
	enum jp_err err = JP_ERR_OK;

	if (bdb->db[BDB_USERS] == NULL)
		err = open_file(bdb, txn, BDB_USERS, DB_CREATE | DB_EXCL);
	if (err == JP_ERR_OK)
		err = bdb_head_get(bdb, txn, &head, DB_RMW);
	return err == JP_ERR_OK ? bdb_head_put(bdb, txn, &head) : err;
}

/* A store of before there were records of users gets a place for them. */
static enum jp_err
add_users(struct bdb *bdb)
{
	DB_TXN *txn;
	enum jp_err err;
	int ret = bdb->env->txn_begin(bdb->env, NULL, &txn, 0);

	if (ret != 0)
		return bdb_fail(bdb, ret, "begin");
	err = make_users(bdb, txn);
	ret =
	    err == JP_ERR_OK ? txn->commit(txn, DB_TXN_SYNC) : txn->abort(txn);
	if (err == JP_ERR_OK && ret != 0)
		err = bdb_fail(bdb, ret, "commit");
	return err == JP_ERR_OK ? bdb_folder_sync(bdb) : err;
}

/* Lost, it would set disabled users free. */
static enum jp_err
check_users(struct bdb *bdb, const struct bdb_head *head)
{
	if (head->version == 1)
		return add_users(bdb);
	if (bdb->db[BDB_USERS] != NULL)
		return JP_ERR_OK;
	return bdb_fail_why(bdb, JP_ERR_DAMAGED,
	    "%s/%s is missing; restore from a backup", bdb->dir,
	    bdb_file_name(BDB_USERS));
}

static enum jp_err
check_head(struct bdb *bdb, const struct jp_store_options *options)
{
	struct bdb_head head;
	enum jp_err err = bdb_head_get(bdb, NULL, &head, 0);

	if (err != JP_ERR_OK)
		return err;
	if (memcmp(head.tag, options->tag, sizeof(head.tag)) != 0)
		return bdb_fail_why(bdb, JP_ERR_CONFIG,
		    "the pepper file is not the one that the store %s was made "
		    "with; put the right one back",
		    bdb->dir);
	err = check_log(bdb, &head);
	if (err == JP_ERR_OK)
		err = bdb_hwm_open(bdb, head.commits);
	return err == JP_ERR_OK ? check_users(bdb, &head) : err;
}

static bool
spend_some(struct bdb *bdb)
{
	bool spent = false;

	for (unsigned int i = 0; i < START_STEPS && bdb_reserve_spend(bdb); i++)
		spent = true;
	return spent;
}

/*
 * Recovery writes pages, too: the reserve is there for it. What the engine
 * returns there for want of space is that the store must be recovered.
 */
static enum jp_err
start_engine(struct bdb *bdb, const struct jp_store_options *options)
{
	enum jp_err err = bdb_open_engine(bdb, options->cache, 0);

	while (err != JP_ERR_OK && atomic_load(&bdb->full) && spend_some(bdb)) {
		(void)bdb_close_engine(bdb);
		atomic_store(&bdb->full, false);
		atomic_store(&bdb->dead, false);
		err = bdb_open_engine(bdb, options->cache, 0);
	}
	if (err != JP_ERR_OK && atomic_load(&bdb->full))
		return bdb_fail_why(bdb, JP_ERR_DISK_FULL,
		    "the disk of %s is full: make room there, then start again",
		    bdb->dir);
	return err;
}

enum jp_err
bdb_open_store(struct bdb *bdb, const struct jp_store_options *options)
{
	enum jp_err err = take_store(bdb, options);

	if (err == JP_ERR_OK) {
		bdb_clock_open(bdb);
		bdb_reserve_open(bdb);
		err = start_engine(bdb, options);
	}
	if (err == JP_ERR_OK)
		err = check_head(bdb, options);
	if (err == JP_ERR_OK)
		(void)bdb_reserve_fill(bdb);
	return err;
}

enum jp_err
jp_store_bdb_open(const struct jp_store_options *options,
    struct jp_store **store, struct jp_why *why)
{
	struct bdb *bdb = bdb_new(why);
	enum jp_err err;

	*store = NULL;
	if (bdb == NULL)
		return JP_ERR_NOMEM;
	err = bdb_cache_make(&bdb->cache, options->kept);
	if (err == JP_ERR_OK)
		err = bdb_open_store(bdb, options);
	if (err == JP_ERR_OK) {
		*store = &bdb->base;
		return JP_ERR_OK;
	}
	*why = bdb->why;
	bdb_free(bdb);
	/* An engine that asks for another try while nobody else is there. */
	return err == BDB_AGAIN ? JP_ERR_IO : err;
}

bool
jp_store_bdb_exists(const char *dir)
{
	struct bdb bdb = { .dir_fd =
		               open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	bool there;

	if (bdb.dir_fd < 0)
		return false;
	there = bdb_folder_has(&bdb, bdb_file_name(BDB_TOKENS)) &&
	        !bdb_mark_there(&bdb);
	(void)close(bdb.dir_fd);
	return there;
}
