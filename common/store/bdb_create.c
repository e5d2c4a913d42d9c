/*
 * What is done to a store in Berkeley DB that nobody has open: making it,
 * whole or not at all, and verifying every page of it.
 */
#include "common/store/bdb_internal.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Between the mark's setting and its clearing: nothing here need be undone. */
static enum jp_err
make_files(struct bdb *bdb, const struct jp_store_options *options)
{
	struct bdb_head head = { .commits = 0 };
	enum jp_err err;
	int ret;

	memcpy(head.tag, options->tag, sizeof(head.tag));
	err = bdb_open_engine(bdb, options->cache, DB_CREATE | DB_EXCL);
	if (err == JP_ERR_OK)
		err = bdb_head_put(bdb, NULL, &head);
	if (err == JP_ERR_OK) {
		ret = bdb->env->txn_checkpoint(bdb->env, 0, 0, DB_FORCE);
		err = ret == 0 ? JP_ERR_OK : bdb_fail(bdb, ret, "checkpoint");
	}
	if (err == JP_ERR_OK)
		err = bdb_hwm_open(bdb, head.commits);
	if (err == JP_ERR_OK)
		err = bdb_close_engine(bdb);
	return err == JP_ERR_OK ? bdb_dir_sync(bdb) : err;
}

static enum jp_err
make_store(struct bdb *bdb, const struct jp_store_options *options)
{
	enum jp_err err;

	if (bdb_mark_there(bdb))
		bdb_dir_empty(bdb);
	err = bdb_mark_set(bdb);
	if (err == JP_ERR_OK)
		err = make_files(bdb, options);
	if (err == JP_ERR_OK)
		err = bdb_mark_clear(bdb);
	if (err == JP_ERR_OK)
		return JP_ERR_OK;
	(void)bdb_close_engine(bdb);
	bdb_dir_empty(bdb);
	(void)bdb_mark_clear(bdb);
	bdb_lock_remove(bdb);
	return err;
}

static enum jp_err
look_for_room(struct bdb *bdb)
{
	enum jp_err err;

	if (bdb_mark_there(bdb))
		return JP_ERR_OK;
	if (bdb_dir_has(bdb, bdb_file_name(BDB_TOKENS)))
		return bdb_fail_why(bdb, JP_ERR_EXISTS,
		    "there is a store in %s already", bdb->dir);
	err = bdb_look(bdb);
	return err == JP_ERR_MISSING ? JP_ERR_OK : err;
}

enum jp_err
jp_store_bdb_create(const struct jp_store_options *options, struct jp_why *why)
{
	struct bdb *bdb = bdb_new(why);
	enum jp_err err;

	if (bdb == NULL)
		return JP_ERR_NOMEM;
	err = bdb_dir_open(bdb, options->dir);
	if (err == JP_ERR_OK)
		err = look_for_room(bdb);
	if (err == JP_ERR_OK)
		err = bdb_lock(bdb, options->holder, options->wait_ms);
	if (err == JP_ERR_OK)
		err = look_for_room(bdb);
	if (err == JP_ERR_OK)
		err = make_store(bdb, options);
	return bdb_finish(bdb, err, why);
}

/* Reads all of one file, without an environment; `path` is absolute. */
static enum jp_err
verify_file(struct bdb *bdb, const char *name)
{
	char path[PATH_MAX + NAME_MAX];
	DB *db;
	int ret = db_create(&db, NULL, 0);

	if (ret != 0)
		return bdb_fail(bdb, ret, name);
	db->get_env(db)->app_private = bdb;
	db->set_errcall(db, bdb_keep_line);
	(void)snprintf(path, sizeof(path), "%s/%s", bdb->dir, name);
	/* This frees the handle, whatever it returns. */
	ret = db->verify(db, path, NULL, NULL, 0);
	return ret == 0 ? JP_ERR_OK : bdb_fail(bdb, ret, name);
}

enum jp_err
jp_store_bdb_verify(const struct jp_store_options *options, struct jp_why *why)
{
	struct bdb *bdb = bdb_new(why);
	enum jp_err err;

	if (bdb == NULL)
		return JP_ERR_NOMEM;
	err = bdb_open_store(bdb, options);
	if (err == JP_ERR_OK)
		err = bdb_close_engine(bdb);
	for (size_t i = 0; i < BDB_FILES && err == JP_ERR_OK; i++)
		err = verify_file(bdb, bdb_file_name((enum bdb_file)i));
	return bdb_finish(bdb, err, why);
}

enum jp_err
jp_store_bdb_complete(
    const struct jp_store_options *options, struct jp_why *why)
{
	struct bdb *bdb = bdb_new(why);
	enum jp_err err;

	if (bdb == NULL)
		return JP_ERR_NOMEM;
	bdb->is_copy = true;
	err = bdb_open_store(bdb, options);
	if (err == JP_ERR_OK)
		err = bdb_close_engine(bdb);
	err = bdb_finish(bdb, err, why);
	return err == JP_ERR_OK ? jp_store_bdb_verify(options, why) : err;
}
