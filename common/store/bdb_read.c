/*
 * Reading one record, from the cache if it is there; without a transaction.
 */
#include "common/store/bdb_internal.h"

#include <stdio.h>
#include <string.h>

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
read_once(struct bdb *bdb, void *arg)
{
	struct bdb_lookup *lookup = arg;
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

/* From the engine, without waiting for a transaction in it. */
static enum jp_err
try_once(struct bdb *bdb, struct bdb_lookup *lookup, const struct bdb_key *key)
{
	enum jp_err err = JP_ERR_BUSY;

	if (pthread_rwlock_tryrdlock(&bdb->gate) != 0)
		return JP_ERR_BUSY;
	if (!bdb_is_pending(bdb, key))
		err = bdb_retry(bdb, read_once, lookup);
	(void)pthread_rwlock_unlock(&bdb->gate);
	return err;
}

static enum jp_err
read_settled(
    struct bdb *bdb, struct bdb_lookup *lookup, const struct bdb_key *key)
{
	enum jp_err err = bdb_retry(bdb, read_once, lookup);

	bdb_settle(bdb, key);
	return err;
}

/*
 * A read that must not wait stays out of the engine while a transaction changes
 * pages. A lock timeout or DB_TXN_NOWAIT would not do: where a log file ends,
 * the engine waits for its fsync with pages latched, and latches have neither.
 * Nor would snapshots (DB_MULTIVERSION), for the same reason, and they cost the
 * warm path a transaction for each read. Until the transaction is durable it
 * stays away from the records that it touches.
 *
 * That a user has no record of a kind is cached, too: most have none. That a
 * token does
 * not exist is not: anybody can ask for any number of those.
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
	err = lookup->wait ? read_settled(bdb, lookup, &key)
	                   : try_once(bdb, lookup, &key);
	if (err == JP_ERR_OK)
		bdb_cache_fill(
		    bdb->cache, &key, ticket, lookup->bytes, lookup->len);
	else if (err == JP_ERR_NOT_FOUND && lookup->file != BDB_TOKENS)
		bdb_cache_fill(bdb->cache, &key, ticket, NULL, 0);
	return err;
}
