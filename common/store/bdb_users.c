/*
 * The records of users in the Berkeley DB store: users.db, by name.
 */
#include "common/store/bdb_internal.h"

#include <string.h>

static const char reading[] = "reading users.db";

static DBT
name_key(const char *name)
{
	return (DBT){ .data = (void *)(uintptr_t)name,
		.size = (uint32_t)strlen(name) };
}

/* Decodes, and sees to it that it is the record of that very user. */
static enum jp_err
decode(struct bdb *bdb, const DBT *key, const DBT *data, struct jp_user *user)
{
	enum jp_err err = jp_user_decode(user, data->data, data->size);

	if (err == JP_ERR_OK && (strlen(user->name) != key->size ||
	                            memcmp(user->name, key->data, key->size)))
		err = JP_ERR_DAMAGED;
	if (err == JP_ERR_OK)
		return JP_ERR_OK;
	return bdb_fail_why(bdb, err, "%s/users.db: a user's record is %s",
	    bdb->dir,
	    err == JP_ERR_NEWER ? "of a newer version of jira-pat" : "damaged");
}

enum jp_err
bdb_user_get(
    struct jp_store *store, const char *name, struct jp_user *user, bool wait)
{
	uint8_t bytes[JP_USER_RECORD_MAX];
	struct bdb *bdb = bdb_of(store);
	struct bdb_lookup lookup = { .file = BDB_USERS,
		.key = name,
		.wait = wait,
		.bytes = bytes,
		.max = sizeof(bytes) };
	enum jp_err err = bdb_look_up(bdb, &lookup);
	const DBT key = name_key(name);
	const DBT data = { .data = bytes, .size = (uint32_t)lookup.len };

	return err == JP_ERR_OK ? decode(bdb, &key, &data, user) : err;
}

struct batch {
	const struct jp_user *users;
	size_t count;
};

static enum jp_err
put_one(struct bdb *bdb, DB_TXN *txn, const struct jp_user *user)
{
	uint8_t bytes[JP_USER_RECORD_MAX];
	DB *users = bdb->db[BDB_USERS];
	DBT key = name_key(user->name);
	DBT data = { .data = bytes };
	size_t len;
	enum jp_err err = jp_user_encode(user, bytes, &len);
	int ret;

	if (err != JP_ERR_OK)
		return bdb_fail_why(bdb, err, "a user's record is too large");
	data.size = (uint32_t)len;
	ret = users->put(users, txn, &key, &data, 0);
	return ret == 0 ? JP_ERR_OK : bdb_fail(bdb, ret, "writing users.db");
}

static enum jp_err
put_all(struct bdb *bdb, DB_TXN *txn, struct bdb_head *head, const void *arg)
{
	const struct batch *batch = arg;
	enum jp_err err = JP_ERR_OK;

	(void)head;
	for (size_t i = 0; i < batch->count && err == JP_ERR_OK; i++)
		err = put_one(bdb, txn, &batch->users[i]);
	return err;
}

static bool
touches(const void *arg, const struct bdb_key *key)
{
	const struct batch *batch = arg;

	for (size_t i = 0; key->kind == BDB_USERS && i < batch->count; i++)
		if (strcmp(batch->users[i].name, key->text) == 0)
			return true;
	return false;
}

static void
publish_all(struct bdb_cache *cache, const void *arg, bool done)
{
	uint8_t bytes[JP_USER_RECORD_MAX];
	const struct batch *batch = arg;
	size_t len;

	for (size_t i = 0; i < batch->count; i++) {
		struct bdb_key key = { BDB_USERS, batch->users[i].name };

		if (done &&
		    jp_user_encode(&batch->users[i], bytes, &len) == JP_ERR_OK)
			bdb_cache_publish(cache, &key, bytes, len);
		else
			bdb_cache_drop(cache, &key);
	}
}

enum jp_err
bdb_user_put(struct jp_store *store, const struct jp_user *users, size_t count)
{
	const struct batch batch = { users, count };
	struct bdb_act act = { put_all, touches, publish_all, &batch, count,
		true };

	for (size_t i = 0; i < count; i++)
		act.urgent = act.urgent && users[i].disabled;

	return bdb_transact(bdb_of(store), &act);
}

/* Fills the page through a cursor that lives as long as it. */
static enum jp_err
fill(struct bdb *bdb, DBC *cursor, const char *after, struct jp_user *page,
    size_t max, size_t *count)
{
	uint8_t name[JP_USER_MAX + 1], bytes[JP_USER_RECORD_MAX];
	DBT key = bdb_room(name, sizeof(name));
	DBT data = bdb_room(bytes, sizeof(bytes));
	uint32_t how = DB_SET_RANGE;
	enum jp_err err = JP_ERR_OK;
	int ret = 0;

	/* The least key above `after`: it with a NUL behind. */
	memcpy(name, after, strlen(after) + 1);
	key.size = (uint32_t)strlen(after) + (after[0] != '\0');
	for (*count = 0; err == JP_ERR_OK && *count < max; how = DB_NEXT) {
		ret = cursor->get(cursor, &key, &data, how);
		if (ret != 0)
			break;
		err = decode(bdb, &key, &data, &page[*count]);
		*count += err == JP_ERR_OK;
	}
	return ret == 0 || ret == DB_NOTFOUND ? err
	                                      : bdb_fail(bdb, ret, reading);
}

/* One page of a listing. */
struct page {
	const char *after;
	struct jp_user *users; /* room for `max` */
	size_t max;
	size_t *count;
};

static enum jp_err
list_once(struct bdb *bdb, void *arg)
{
	const struct page *page = arg;
	DB *users = bdb->db[BDB_USERS];
	DBC *cursor;
	enum jp_err err;
	int ret = users->cursor(users, NULL, &cursor, 0);

	if (ret != 0)
		return bdb_fail(bdb, ret, reading);
	err =
	    fill(bdb, cursor, page->after, page->users, page->max, page->count);
	ret = cursor->close(cursor);
	return err == JP_ERR_OK && ret != 0 ? bdb_fail(bdb, ret, reading) : err;
}

enum jp_err
bdb_user_list(struct jp_store *store, const char *after, struct jp_user *page,
    size_t max, size_t *count)
{
	struct page arg = { after, page, max, count };
	enum jp_err err = bdb_retry(bdb_of(store), list_once, &arg);

	for (size_t i = 0; err == JP_ERR_OK && i < *count; i++) {
		const struct bdb_key key = { BDB_USERS, page[i].name };

		bdb_settle(bdb_of(store), &key);
	}
	return err;
}
