/*
 * Records that are kept by the name of a user, each kind in a database of its
 * own: users.db has those of users, upstream.db their upstream credentials.
 */
#include "common/store/bdb_internal.h"

#include <string.h>

/* A kind of record: a struct that begins with the user's name, closed by NUL.
 */
struct kind {
	enum bdb_file file;
	size_t size;        /* of that struct */
	size_t max;         /* bytes of an encoded one */
	size_t log_records; /* as bdb_log_room() counts */
	const char *owned;  /* for people: "a user's record" */
	const char *reading;
	enum jp_err (*encode)(const void *record, uint8_t *bytes, size_t *len);
	enum jp_err (*decode)(void *record, const uint8_t *bytes, size_t len);
	bool (*is_none)(const void *record); /* to be written by removing it */
};

/* ---- the two kinds ---- */

static enum jp_err
user_encode(const void *record, uint8_t *bytes, size_t *len)
{
	return jp_user_encode(record, bytes, len);
}

static enum jp_err
user_decode(void *record, const uint8_t *bytes, size_t len)
{
	return jp_user_decode(record, bytes, len);
}

static bool
user_is_none(const void *record)
{
	(void)record;
	return false;
}

static enum jp_err
upstream_encode(const void *record, uint8_t *bytes, size_t *len)
{
	return jp_upstreams_encode(record, bytes, len);
}

static enum jp_err
upstream_decode(void *record, const uint8_t *bytes, size_t len)
{
	return jp_upstreams_decode(record, bytes, len);
}

static bool
upstream_is_none(const void *record)
{
	return ((const struct jp_upstreams *)record)->len == 0;
}

static const struct kind users = { BDB_USERS, sizeof(struct jp_user),
	JP_USER_RECORD_MAX, 1, "a user's record", "reading users.db",
	user_encode, user_decode, user_is_none };

static const struct kind upstreams = { BDB_UPSTREAM,
	sizeof(struct jp_upstreams), JP_UPSTREAM_RECORD_MAX, 16,
	"a record of upstream credentials", "reading upstream.db",
	upstream_encode, upstream_decode, upstream_is_none };

enum {
	RECORD_MAX = JP_UPSTREAM_RECORD_MAX, /* of all kinds */
};

_Static_assert(
    JP_USER_RECORD_MAX <= (int)RECORD_MAX, "a buffer takes any kind");

/* ---- one ---- */

static DBT
name_key(const char *name)
{
	return (DBT){ .data = (void *)(uintptr_t)name,
		.size = (uint32_t)strlen(name) };
}

static const void *
at(const struct kind *kind, const void *records, size_t i)
{
	return (const uint8_t *)records + i * kind->size;
}

/* Decodes, and sees to it that it is the record of that very user. */
static enum jp_err
decode(struct bdb *bdb, const struct kind *kind, const DBT *key,
    const DBT *data, void *record)
{
	const char *name = record;
	enum jp_err err = kind->decode(record, data->data, data->size);

	if (err == JP_ERR_OK && (strlen(name) != key->size ||
	                            memcmp(name, key->data, key->size) != 0))
		err = JP_ERR_DAMAGED;
	if (err == JP_ERR_OK)
		return JP_ERR_OK;
	return bdb_fail_why(bdb, err, "%s/%s: %s is %s", bdb->dir,
	    bdb_file_name(kind->file), kind->owned,
	    err == JP_ERR_NEWER ? "of a newer version of jira-pat" : "damaged");
}

static enum jp_err
get(struct bdb *bdb, const struct kind *kind, const char *name, void *record,
    bool wait)
{
	uint8_t bytes[RECORD_MAX];
	struct bdb_lookup lookup = { .file = kind->file,
		.key = name,
		.wait = wait,
		.bytes = bytes,
		.max = kind->max };
	enum jp_err err = bdb_look_up(bdb, &lookup);
	const DBT key = name_key(name);
	const DBT data = { .data = bytes, .size = (uint32_t)lookup.len };

	return err == JP_ERR_OK ? decode(bdb, kind, &key, &data, record) : err;
}

/* ---- writing ---- */

struct batch {
	const struct kind *kind;
	const void *records;
	size_t count;
};

static enum jp_err
put_one(
    struct bdb *bdb, DB_TXN *txn, const struct kind *kind, const void *record)
{
	uint8_t bytes[RECORD_MAX];
	const struct bdb_key key = { (uint8_t)kind->file, record };
	struct bdb_bytes encoded = { .bytes = bytes };
	enum jp_err err;

	if (kind->is_none(record)) {
		err = bdb_remove(bdb, txn, &key);
		return err == JP_ERR_NOT_FOUND ? JP_ERR_OK : err;
	}
	err = kind->encode(record, bytes, &encoded.len);
	if (err != JP_ERR_OK)
		return bdb_fail_why(bdb, err, "%s is too large", kind->owned);
	return bdb_put(bdb, txn, &key, &encoded, 0);
}

static enum jp_err
put_all(struct bdb *bdb, DB_TXN *txn, struct bdb_head *head, const void *arg)
{
	const struct batch *batch = arg;
	enum jp_err err = JP_ERR_OK;

	(void)head;
	for (size_t i = 0; i < batch->count && err == JP_ERR_OK; i++)
		err = put_one(
		    bdb, txn, batch->kind, at(batch->kind, batch->records, i));
	return err;
}

static bool
touches(const void *arg, const struct bdb_key *key)
{
	const struct batch *batch = arg;

	for (size_t i = 0; key->kind == batch->kind->file && i < batch->count;
	     i++)
		if (strcmp(at(batch->kind, batch->records, i), key->text) == 0)
			return true;
	return false;
}

static void
publish_all(struct bdb_cache *cache, const void *arg, bool done)
{
	uint8_t bytes[RECORD_MAX];
	const struct batch *batch = arg;
	const struct kind *kind = batch->kind;
	size_t len;

	for (size_t i = 0; i < batch->count; i++) {
		const void *record = at(kind, batch->records, i);
		struct bdb_key key = { (uint8_t)kind->file, record };

		if (done && !kind->is_none(record) &&
		    kind->encode(record, bytes, &len) == JP_ERR_OK)
			bdb_cache_publish(cache, &key, bytes, len);
		else
			bdb_cache_drop(cache, &key);
	}
}

static enum jp_err
put(struct bdb *bdb, const struct batch *batch, bool urgent)
{
	const struct bdb_act act = { put_all, touches, publish_all, batch,
		batch->count * batch->kind->log_records, urgent, NULL, NULL };

	return bdb_transact(bdb, &act);
}

/* ---- listings ---- */

/* One page of a listing. */
struct page {
	const struct kind *kind;
	const char *after;
	void *records; /* room for `max` */
	size_t max;
	size_t *count;
};

/* Fills the page through a cursor that lives as long as it. */
static enum jp_err
fill(struct bdb *bdb, DBC *cursor, const struct page *page)
{
	uint8_t name[JP_USER_MAX + 1], bytes[RECORD_MAX];
	const struct kind *kind = page->kind;
	DBT key = bdb_room(name, sizeof(name));
	DBT data = bdb_room(bytes, kind->max);
	uint32_t how = DB_SET_RANGE;
	enum jp_err err = JP_ERR_OK;
	int ret = 0;

	/* The least key above `after`: it with a NUL behind. */
	memcpy(name, page->after, strlen(page->after) + 1);
	key.size = (uint32_t)strlen(page->after) + (page->after[0] != '\0');
	for (*page->count = 0; err == JP_ERR_OK && *page->count < page->max;
	     how = DB_NEXT) {
		ret = cursor->get(cursor, &key, &data, how);
		if (ret != 0)
			break;
		err = decode(bdb, kind, &key, &data,
		    (uint8_t *)page->records + *page->count * kind->size);
		*page->count += err == JP_ERR_OK;
	}
	return ret == 0 || ret == DB_NOTFOUND
	           ? err
	           : bdb_fail(bdb, ret, kind->reading);
}

static enum jp_err
list_once(struct bdb *bdb, void *arg)
{
	const struct page *page = arg;
	DB *db = bdb->db[page->kind->file];
	DBC *cursor;
	enum jp_err err;
	int ret = db->cursor(db, NULL, &cursor, 0);

	if (ret != 0)
		return bdb_fail(bdb, ret, page->kind->reading);
	err = fill(bdb, cursor, page);
	ret = cursor->close(cursor);
	return err == JP_ERR_OK && ret != 0
	           ? bdb_fail(bdb, ret, page->kind->reading)
	           : err;
}

static enum jp_err
list(struct bdb *bdb, struct page *page)
{
	enum jp_err err = bdb_retry(bdb, list_once, page);

	for (size_t i = 0; err == JP_ERR_OK && i < *page->count; i++) {
		const struct bdb_key key = { (uint8_t)page->kind->file,
			at(page->kind, page->records, i) };

		bdb_settle(bdb, &key);
	}
	return err;
}

/* ---- users ---- */

enum jp_err
bdb_user_get(
    struct jp_store *store, const char *name, struct jp_user *user, bool wait)
{
	return get(bdb_of(store), &users, name, user, wait);
}

enum jp_err
bdb_user_put(
    struct jp_store *store, const struct jp_user *records, size_t count)
{
	const struct batch batch = { &users, records, count };
	bool urgent = true;

	for (size_t i = 0; i < count; i++)
		urgent = urgent && records[i].disabled;
	return put(bdb_of(store), &batch, urgent);
}

enum jp_err
bdb_user_list(struct jp_store *store, const char *after,
    struct jp_user *records, size_t max, size_t *count)
{
	struct page page = { &users, after, records, max, count };

	return list(bdb_of(store), &page);
}

/* ---- upstream credentials ---- */

enum jp_err
bdb_upstream_get(struct jp_store *store, const char *user,
    struct jp_upstreams *all, bool wait)
{
	return get(bdb_of(store), &upstreams, user, all, wait);
}

/* To remove secrets is possible on a full disk, too. */
enum jp_err
bdb_upstream_put(
    struct jp_store *store, const struct jp_upstreams *records, size_t count)
{
	const struct batch batch = { &upstreams, records, count };
	bool urgent = true;

	for (size_t i = 0; i < count; i++)
		urgent = urgent && records[i].len == 0;
	return put(bdb_of(store), &batch, urgent);
}

enum jp_err
bdb_upstream_list(struct jp_store *store, const char *after,
    struct jp_upstreams *records, size_t max, size_t *count)
{
	struct page page = { &upstreams, after, records, max, count };

	return list(bdb_of(store), &page);
}
