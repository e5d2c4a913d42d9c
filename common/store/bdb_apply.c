/*
 * The Berkeley DB store as one of several: it is put into the order of a log
 * that others write to, too, batch by batch, and gives out what it holds as it
 * is encoded.
 */
#include "common/store/bdb_internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const enum bdb_file files[JP_BATCH_FILES] = {
	[JP_BATCH_TOKENS] = BDB_TOKENS,
	[JP_BATCH_USERS] = BDB_USERS,
	[JP_BATCH_UPSTREAM] = BDB_UPSTREAM,
};

/* ---- where it stands ---- */

static enum jp_err
head_once(struct bdb *bdb, void *head)
{
	return bdb_head_get(bdb, NULL, head, 0);
}

/* Of a commit that is under way it waits for the disk, too. */
enum jp_err
bdb_position(struct jp_store *store, struct jp_position *position)
{
	struct bdb *bdb = bdb_of(store);
	struct bdb_head head;
	enum jp_err err = bdb_retry(bdb, head_once, &head);

	if (err != JP_ERR_OK)
		return err;
	(void)pthread_rwlock_rdlock(&bdb->settled);
	(void)pthread_rwlock_unlock(&bdb->settled);
	*position = head.position;
	return atomic_load(&bdb->dead) ? JP_ERR_DAMAGED : JP_ERR_OK;
}

/* ---- applying a batch ---- */

/* The bytes of one that was checked, and where its items begin. */
struct batch {
	const uint8_t *bytes;
	size_t len;
	uint32_t *at;
	size_t count;
};

_Static_assert(JP_BATCH_BYTES_MAX <= UINT32_MAX, "a place fits into 32 bits");

static void
item_at(const struct batch *batch, size_t i, struct jp_batch_item *item)
{
	jp_batch_item_at(batch->bytes, batch->len, batch->at[i], item);
}

static struct bdb_key
key_of(const struct jp_batch_item *item)
{
	return (struct bdb_key){ (uint8_t)files[item->file], item->key };
}

static enum jp_err
remove_token(struct bdb *bdb, DB_TXN *txn, const struct bdb_key *key,
    struct bdb_head *head)
{
	head->records--;
	return bdb_remove(bdb, txn, key);
}

/*
 * The index by user relies on it that a record's user never changes. Where one
 * does, as in a store that is filled anew, it is another record.
 */
static enum jp_err
clear_place(struct bdb *bdb, DB_TXN *txn, const struct jp_batch_item *item,
    const struct jp_record *old, struct bdb_head *head)
{
	const struct bdb_key key = key_of(item);
	const char *user;
	size_t len;
	int64_t expires_at;
	enum jp_err err = JP_ERR_OK;

	if (item->len > 0)
		err = jp_record_peek(
		    item->bytes, item->len, &user, &len, &expires_at);
	if (err != JP_ERR_OK)
		return err;
	if (item->len == 0 || len != strlen(old->user) ||
	    memcmp(user, old->user, len) != 0)
		return remove_token(bdb, txn, &key, head);
	head->records--; /* it is counted again when it is put */
	return JP_ERR_OK;
}

static enum jp_err
put_token(struct bdb *bdb, DB_TXN *txn, const struct jp_batch_item *item,
    struct bdb_head *head)
{
	const struct bdb_key key = key_of(item);
	const struct bdb_bytes record = { item->bytes, item->len };
	struct jp_record old;
	enum jp_err err = bdb_claim(bdb, txn, item->key, &old);

	if (err == JP_ERR_OK)
		err = clear_place(bdb, txn, item, &old, head);
	else if (err == JP_ERR_NOT_FOUND)
		err = JP_ERR_OK;
	sodium_memzero(&old, sizeof(old));
	if (err != JP_ERR_OK || item->len == 0)
		return err;
	head->records++;
	return bdb_put(bdb, txn, &key, &record, 0);
}

static enum jp_err
put_item(struct bdb *bdb, DB_TXN *txn, const struct jp_batch_item *item,
    struct bdb_head *head)
{
	const struct bdb_key key = key_of(item);
	const struct bdb_bytes record = { item->bytes, item->len };
	enum jp_err err;

	if (item->file == JP_BATCH_TOKENS)
		return put_token(bdb, txn, item, head);
	if (item->len > 0)
		return bdb_put(bdb, txn, &key, &record, 0);
	err = bdb_remove(bdb, txn, &key);
	return err == JP_ERR_NOT_FOUND ? JP_ERR_OK : err;
}

static enum jp_err
put_all(struct bdb *bdb, DB_TXN *txn, struct bdb_head *head, const void *arg)
{
	const struct batch *batch = arg;
	struct jp_batch_item item;
	enum jp_err err = JP_ERR_OK;

	for (size_t i = 0; i < batch->count && err == JP_ERR_OK; i++) {
		item_at(batch, i, &item);
		err = put_item(bdb, txn, &item, head);
	}
	return err;
}

/* Below 0: the key is that of an earlier item. */
static int
compare(const struct bdb_key *key, const struct jp_batch_item *item)
{
	const struct bdb_key other = key_of(item);

	if (key->kind != other.kind)
		for (int file = JP_BATCH_TOKENS; file < JP_BATCH_FILES; file++)
			if (files[file] == key->kind)
				return file < (int)item->file ? -1 : 1;
	return strcmp(key->text, other.text);
}

/* A large one is looked through while others wait for the disk. */
static bool
touches(const void *arg, const struct bdb_key *key)
{
	const struct batch *batch = arg;
	struct jp_batch_item item;
	size_t low = 0, high = batch->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order;

		item_at(batch, middle, &item);
		order = compare(key, &item);
		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static void
publish_all(struct bdb_cache *cache, const void *arg, bool done)
{
	const struct batch *batch = arg;
	struct jp_batch_item item;

	for (size_t i = 0; i < batch->count; i++) {
		struct bdb_key key;

		item_at(batch, i, &item);
		key = key_of(&item);
		if (done && item.len > 0)
			bdb_cache_publish(cache, &key, item.bytes, item.len);
		else
			bdb_cache_drop(cache, &key);
	}
}

/* Reads it once more, to find its items. */
static enum jp_err
index_items(struct batch *batch)
{
	struct jp_batch_reader reader;
	struct jp_batch_item item;
	size_t pos;

	jp_batch_read(&reader, batch->bytes, batch->len);
	batch->at = calloc((size_t)reader.left + 1, sizeof(*batch->at));
	if (batch->at == NULL)
		return JP_ERR_NOMEM;
	for (pos = reader.pos; jp_batch_next(&reader, &item); pos = reader.pos)
		batch->at[batch->count++] = (uint32_t)pos;
	return jp_batch_end(&reader);
}

/* As one of credentials, which are the largest, writes to the log. */
static size_t
log_records(const struct batch *batch)
{
	return batch->count + batch->len / JP_RECORD_MAX;
}

enum jp_err
bdb_apply(struct jp_store *store, const uint8_t *bytes, size_t len,
    const struct jp_position *from, const struct jp_position *to)
{
	struct bdb *bdb = bdb_of(store);
	struct batch batch = { .bytes = bytes, .len = len };
	enum jp_err err = index_items(&batch);
	const struct bdb_act act = { put_all, touches, publish_all, &batch,
		log_records(&batch), true, from, to };

	if (err == JP_ERR_OK)
		err = bdb_transact(bdb, &act);
	else
		(void)bdb_fail_why(bdb, err, "a batch cannot be applied: %s",
		    jp_err_text(err));
	free(batch.at);
	return err;
}

/* ---- all records, one after the other ---- */

/* One step of a walk, within one file. */
struct step {
	struct jp_walk at;
	struct jp_batch *part;
	size_t max;
};

static enum jp_err
take(struct bdb *bdb, struct step *step, const DBT *key, const DBT *data)
{
	struct jp_batch_item item = {
		.file = step->at.file, .bytes = data->data, .len = data->size
	};
	enum jp_err err = JP_ERR_DAMAGED;

	if (key->size < sizeof(item.key)) {
		memcpy(item.key, key->data, key->size);
		err = jp_batch_add(step->part, &item);
	}
	if (err == JP_ERR_OK)
		memcpy(step->at.key, item.key, sizeof(step->at.key));
	if (err == JP_ERR_OK || err == JP_ERR_NOMEM)
		return err;
	return bdb_fail_why(bdb, err == JP_ERR_NEWER ? err : JP_ERR_DAMAGED,
	    "%s/%s: the record of %.*s is %s", bdb->dir,
	    bdb_file_name(files[item.file]), (int)key->size,
	    (const char *)key->data,
	    err == JP_ERR_NEWER ? "of a newer version of jira-pat" : "damaged");
}

/* From the least key above the last one: it with a NUL behind. */
static enum jp_err
walk_file(struct bdb *bdb, DBC *cursor, struct step *step)
{
	uint8_t name[JP_USER_MAX + 2], bytes[JP_UPSTREAM_RECORD_MAX];
	DBT key = bdb_room(name, sizeof(name));
	DBT data = bdb_room(bytes, sizeof(bytes));
	size_t len = strlen(step->at.key);
	uint32_t how = DB_SET_RANGE;
	enum jp_err err = JP_ERR_OK;
	int ret = 0;

	memcpy(name, step->at.key, len + 1);
	key.size = (uint32_t)len + (len > 0);
	while (err == JP_ERR_OK &&
	       (step->part->count == 0 || step->part->len < step->max)) {
		ret = cursor->get(cursor, &key, &data, how);
		if (ret != 0)
			break;
		err = take(bdb, step, &key, &data);
		how = DB_NEXT;
	}
	sodium_memzero(bytes, sizeof(bytes));
	if (ret == DB_NOTFOUND)
		step->at.ended = true;
	return ret == 0 || ret == DB_NOTFOUND
	           ? err
	           : bdb_fail(bdb, ret, "reading all records");
}

/* What an earlier try has put into the part goes first. */
static enum jp_err
walk_once(struct bdb *bdb, void *arg)
{
	struct step *step = arg;
	struct step again = *step;
	const struct jp_batch before = *step->part;
	DB *db = bdb->db[files[step->at.file]];
	DBC *cursor;
	enum jp_err err;
	int ret = db->cursor(db, NULL, &cursor, 0);

	if (ret != 0)
		return bdb_fail(bdb, ret, "reading all records");
	err = walk_file(bdb, cursor, &again);
	ret = cursor->close(cursor);
	if (err == JP_ERR_OK && ret != 0)
		err = bdb_fail(bdb, ret, "reading all records");
	if (err == JP_ERR_OK)
		step->at = again.at;
	else
		jp_batch_cut(step->part, &before);
	return err;
}

enum jp_err
bdb_walk(struct jp_store *store, struct jp_walk *walk, struct jp_batch *part,
    size_t max)
{
	struct step step = { .at = *walk, .part = part, .max = max };
	enum jp_err err = JP_ERR_OK;

	if (step.at.file == 0)
		step.at.file = JP_BATCH_TOKENS;
	while (err == JP_ERR_OK && !step.at.ended &&
	       (part->count == 0 || part->len < max)) {
		err = bdb_retry(bdb_of(store), walk_once, &step);
		if (!step.at.ended || step.at.file == JP_BATCH_FILES - 1)
			continue;
		step.at = (struct jp_walk){ .file = step.at.file + 1 };
	}
	if (err == JP_ERR_OK)
		*walk = step.at;
	return err;
}
