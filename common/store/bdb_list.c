/*
 * Listings of the Berkeley DB store: a page at a time through a cursor that
 * lives as long as the page. The next page looks up where the last one ended,
 * whatever was added or deleted in between.
 */
#include "common/store/bdb_internal.h"

#include <string.h>

#include "common/base/buf.h"

/* A cursor on its way: what the engine reads, and where it puts it. */
struct walk {
	DBC *cursor;
	DBT key;
	DBT id;
	DBT data;
	uint8_t key_mem[JP_USER_MAX + 1];
	uint8_t id_mem[JP_TOKEN_ID_LEN + 1];
	uint8_t data_mem[JP_RECORD_MAX];
};

static void
set_key(DBT *dbt, const void *bytes, size_t len)
{
	memcpy(dbt->data, bytes, len);
	dbt->size = (uint32_t)len;
}

/* The least key above `last_id`: it with a NUL behind. */
static void
set_id_after(DBT *dbt, const char *last_id)
{
	set_key(dbt, last_id, strlen(last_id) + 1);
}

static void
set_expiry(DBT *dbt, int64_t expires_at)
{
	struct jp_buf buf;

	jp_buf_write(&buf, dbt->data, dbt->ulen);
	jp_buf_put_i64(&buf, expires_at);
	dbt->size = (uint32_t)buf.pos;
}

static int
index_get(struct walk *walk, uint32_t flags)
{
	return walk->cursor->pget(
	    walk->cursor, &walk->key, &walk->id, &walk->data, flags);
}

static int
id_first(struct walk *walk, const struct jp_listing *listing)
{
	set_id_after(&walk->id, listing->last_id);
	return walk->cursor->get(
	    walk->cursor, &walk->id, &walk->data, DB_SET_RANGE);
}

static int
id_next(struct walk *walk)
{
	return walk->cursor->get(walk->cursor, &walk->id, &walk->data, DB_NEXT);
}

/* The ids of one key of an index are in their order. */
static int
key_first(struct walk *walk, const char *key, const char *last_id)
{
	set_key(&walk->key, key, strlen(key));
	set_id_after(&walk->id, last_id);
	return index_get(walk, DB_GET_BOTH_RANGE);
}

static int
key_next(struct walk *walk)
{
	return index_get(walk, DB_NEXT_DUP);
}

static int
user_first(struct walk *walk, const struct jp_listing *listing)
{
	return key_first(walk, listing->user, listing->last_id);
}

static int
owner_first(struct walk *walk, const struct jp_listing *listing)
{
	return key_first(walk, listing->owner, listing->last_id);
}

/* The rest of those that expire in the last page's second, then later ones. */
static int
expiry_first(struct walk *walk, const struct jp_listing *listing)
{
	int ret;

	set_expiry(&walk->key, listing->last_expiry);
	set_id_after(&walk->id, listing->last_id);
	ret = index_get(walk, DB_GET_BOTH_RANGE);
	if (ret != DB_NOTFOUND || listing->last_expiry == INT64_MAX)
		return ret;
	set_expiry(&walk->key, listing->last_expiry + 1);
	return index_get(walk, DB_SET_RANGE);
}

static int
expiry_next(struct walk *walk)
{
	return index_get(walk, DB_NEXT);
}

static const struct {
	enum bdb_file file;
	int (*first)(struct walk *walk, const struct jp_listing *listing);
	int (*next)(struct walk *walk);
	const char *doing;
} orders[] = {
	[JP_ORDER_ID] = { BDB_TOKENS, id_first, id_next, "reading tokens.db" },
	[JP_ORDER_USER] = { BDB_BY_USER, user_first, key_next,
	    "reading by_user.db" },
	[JP_ORDER_EXPIRY] = { BDB_BY_EXPIRY, expiry_first, expiry_next,
	    "reading by_expiry.db" },
	[JP_ORDER_OWNER] = { BDB_BY_OWNER, owner_first, key_next,
	    "reading by_owner.db" },
};

/* Fills the page from where `listing` stands, and moves it on. */
static enum jp_err
fill(struct bdb *bdb, struct walk *walk, struct jp_listing *listing,
    struct jp_record *page, size_t max, size_t *count)
{
	int ret = orders[listing->order].first(walk, listing);

	while (ret == 0) {
		struct jp_record *record = &page[*count];
		enum jp_err err =
		    bdb_decode(bdb, walk->id.data, &walk->data, record);

		if (err != JP_ERR_OK)
			return err;
		if (listing->order == JP_ORDER_EXPIRY &&
		    record->expires_at > listing->until)
			return JP_ERR_OK;
		memcpy(listing->last_id, record->id, sizeof(record->id));
		listing->last_expiry = record->expires_at;
		if (++*count == max)
			return JP_ERR_OK;
		ret = orders[listing->order].next(walk);
	}
	if (ret == DB_NOTFOUND)
		return JP_ERR_OK;
	return bdb_fail(bdb, ret, orders[listing->order].doing);
}

/* One page of a listing. */
struct page {
	struct jp_listing *listing;
	struct jp_record *records; /* room for `max` */
	size_t max;
	size_t *count;
};

/* The cursor and its locks end with the page. */
static enum jp_err
list_once(struct bdb *bdb, void *arg)
{
	const struct page *page = arg;
	struct jp_listing at = *page->listing;
	DB *db = bdb->db[orders[at.order].file];
	const char *doing = orders[at.order].doing;
	struct walk walk;
	enum jp_err err;
	int ret = db->cursor(db, NULL, &walk.cursor, 0);

	if (ret != 0)
		return bdb_fail(bdb, ret, doing);
	walk.key = bdb_room(walk.key_mem, sizeof(walk.key_mem));
	walk.id = bdb_room(walk.id_mem, sizeof(walk.id_mem));
	walk.data = bdb_room(walk.data_mem, sizeof(walk.data_mem));
	*page->count = 0;
	err = fill(bdb, &walk, &at, page->records, page->max, page->count);
	ret = walk.cursor->close(walk.cursor);
	if (ret != 0 && err == JP_ERR_OK)
		err = bdb_fail(bdb, ret, doing);
	at.started = true;
	if (err == JP_ERR_OK)
		*page->listing = at;
	return err;
}

enum jp_err
bdb_list(struct jp_store *store, struct jp_listing *listing,
    struct jp_record *page, size_t max, size_t *count)
{
	struct page arg = { listing, page, max, count };
	enum jp_err err = bdb_retry(bdb_of(store), list_once, &arg);

	for (size_t i = 0; err == JP_ERR_OK && i < *count; i++) {
		const struct bdb_key key = { BDB_TOKENS, page[i].id };

		bdb_settle(bdb_of(store), &key);
	}
	return err;
}
