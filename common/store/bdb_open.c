/*
 * Opening a store: the directory, its lock, the engine, and whether they belong
 * together.
 */
#include "common/store/bdb_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of the reserve between two tries to recover on a full disk. */
#define START_STEPS 8U

/*
 * JP_ERR_OK: a store is here; JP_ERR_MISSING: a place for one. Where
 * only part of a store is left, nothing is made: its logs may allow a rescue.
 */
enum jp_err
bdb_look(struct bdb *bdb)
{
	const char *missing = NULL;
	size_t count = 0;

	for (size_t i = BDB_FILES; i-- > 0;) {
		if (bdb_dir_has(bdb, bdb_file_name((enum bdb_file)i)))
			count++;
		else if (bdb_file_since((enum bdb_file)i) == 1)
			/* of the others check_files() knows */
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

/* The directory, safe and with all databases, and its lock. */
static enum jp_err
take_store(struct bdb *bdb, const struct jp_store_options *options)
{
	enum jp_err err = bdb_dir_open(bdb, options->dir);

	/* Before the lock, too: a directory without a store is not changed. */
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

/* Files that stores of this version do not have yet. */
static enum jp_err
make_newer(struct bdb *bdb, DB_TXN *txn, uint8_t version)
{
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; i < BDB_FILES && err == JP_ERR_OK; i++) {
		enum bdb_file file = (enum bdb_file)i;

		if (bdb_file_since(file) > version && bdb->db[file] == NULL)
			err =
			    bdb_open_file(bdb, txn, file, DB_CREATE | DB_EXCL);
	}
	return err;
}

/* One transaction: there are the files, and the head says so, or neither. */
static enum jp_err
make_files(struct bdb *bdb, DB_TXN *txn)
{
	struct bdb_head head;
	enum jp_err err = bdb_head_get(bdb, txn, &head, DB_RMW);

	if (err == JP_ERR_OK)
		err = make_newer(bdb, txn, head.version);
	return err == JP_ERR_OK ? bdb_head_put(bdb, txn, &head) : err;
}

/* A store of an older version gets the files that it has not. */
static enum jp_err
add_files(struct bdb *bdb)
{
	DB_TXN *txn;
	enum jp_err err;
	int ret = bdb->env->txn_begin(bdb->env, NULL, &txn, 0);

	if (ret != 0)
		return bdb_fail(bdb, ret, "begin");
	err = make_files(bdb, txn);
	ret =
	    err == JP_ERR_OK ? txn->commit(txn, DB_TXN_SYNC) : txn->abort(txn);
	if (err == JP_ERR_OK && ret != 0)
		err = bdb_fail(bdb, ret, "commit");
	return err == JP_ERR_OK ? bdb_dir_sync(bdb) : err;
}

/* Without users.db disabled users would be enabled again. */
static enum jp_err
check_files(struct bdb *bdb, const struct bdb_head *head)
{
	bool older = false;

	for (size_t i = 0; i < BDB_FILES; i++) {
		enum bdb_file file = (enum bdb_file)i;

		older = older || bdb_file_since(file) > head->version;
		if (bdb->db[file] == NULL &&
		    bdb_file_since(file) <= head->version)
			return bdb_fail_why(bdb, JP_ERR_DAMAGED,
			    "%s/%s is missing; restore from a backup", bdb->dir,
			    bdb_file_name(file));
	}
	return older ? add_files(bdb) : JP_ERR_OK;
}

bool
jp_store_is_of_another(enum jp_err err, const struct jp_why *why)
{
	return err == JP_ERR_CONFIG &&
	       strstr(why->text, "pepper file is not the one") != NULL;
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
	return err == JP_ERR_OK ? check_files(bdb, &head) : err;
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
 * Recovery writes pages, too, and may use the reserve. When it lacks space, the
 * engine returns that the store must be recovered.
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
		err = bdb_associate(bdb);
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
	bdb->base.ops = &bdb_ops;
	bdb->prepare = bdb_copy_prepare;
	err = bdb_cache_make(&bdb->cache, options->kept);
	if (err == JP_ERR_OK)
		err = bdb_open_store(bdb, options);
	if (err == JP_ERR_OK) {
		*store = &bdb->base;
		return JP_ERR_OK;
	}
	err = bdb_finish(bdb, err, why);
	/* The engine asks for another try though nobody else is there. */
	return err == BDB_AGAIN ? JP_ERR_IO : err;
}

enum jp_err
jp_store_bdb_hold(const char *dir, const char *holder, int64_t wait_ms, int *fd,
    struct jp_why *why)
{
	struct bdb *bdb = bdb_new(why);
	enum jp_err err = JP_ERR_NOMEM;

	*fd = -1;
	if (bdb == NULL)
		return err;
	(void)snprintf(bdb->dir, sizeof(bdb->dir), "%s", dir);
	bdb->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = bdb->dir_fd >= 0 ? bdb_lock(bdb, holder, wait_ms)
	                       : bdb_fail_errno(bdb, "");
	if (err == JP_ERR_OK) {
		*fd = bdb->lock_fd;
		bdb->lock_fd = -1;
	}
	return bdb_finish(bdb, err, why);
}

bool
jp_store_bdb_exists(const char *dir)
{
	struct bdb bdb = { .dir_fd =
		               open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	bool there;

	if (bdb.dir_fd < 0)
		return false;
	there = bdb_dir_has(&bdb, bdb_file_name(BDB_TOKENS)) &&
	        !bdb_mark_there(&bdb);
	(void)close(bdb.dir_fd);
	return there;
}
