/*
 * The store in memory: encoded records in an array sorted by id. A commit
 * works on a copy of the array and puts it in place when all went well.
 */
#include "tests/unit/store_mem.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	char id[JP_TOKEN_ID_LEN + 1];
	char user[JP_USER_MAX + 1];
	char owner[JP_GROUP_MAX + 1];
	int64_t expires_at;
	size_t len;
	uint8_t bytes[];
};

struct table {
	struct entry **entries;
	size_t len;
};

struct mem {
	struct jp_store base;  /* first: a jp_store is one of these */
	pthread_mutex_t mutex; /* guards what follows */
	struct table table;
	struct jp_user *users; /* sorted by name */
	size_t user_len;
	struct jp_upstreams *upstreams; /* likewise */
	size_t upstream_len;
	uint64_t commits;
	unsigned int calls;
	atomic_uint checkpoints;
	unsigned int fail_in; /* calls until the failure; 0: none */
	enum jp_err fail_with;
	unsigned int fail_times; /* that many calls in a row */
	enum jp_err last_err;
	atomic_llong seen;
	struct jp_position position;
	struct jp_store_mem_peers peers;
	bool in_rival;
};

static struct mem *
mem_of(struct jp_store *store)
{
	return (struct mem *)store;
}

/* Every call begins so: counted, and failing if it is its turn. */
static enum jp_err
enter(struct mem *mem)
{
	(void)pthread_mutex_lock(&mem->mutex);
	mem->calls++;
	if (mem->fail_in == 0)
		return JP_ERR_OK;
	if (mem->fail_in > 1) {
		mem->fail_in--;
		return JP_ERR_OK;
	}
	if (--mem->fail_times == 0)
		mem->fail_in = 0;
	return mem->fail_with;
}

static enum jp_err
leave(struct mem *mem, enum jp_err err)
{
	if (err != JP_ERR_OK)
		mem->last_err = err;
	(void)pthread_mutex_unlock(&mem->mutex);
	return err;
}

/* Whether another host was faster. */
static bool
is_late(struct mem *mem)
{
	struct jp_store_mem_peers *peers = &mem->peers;

	if (mem->in_rival || peers->conflicts == 0)
		return false;
	peers->conflicts--;
	mem->in_rival = true;
	if (peers->rival != NULL)
		peers->rival(&mem->base, peers->arg);
	mem->in_rival = false;
	return true;
}

/* As enter(), and only a store that is in no cluster is changed so. */
static enum jp_err
enter_alone(struct mem *mem)
{
	bool late = is_late(mem);
	enum jp_err err = enter(mem);

	if (err == JP_ERR_OK && late)
		err = JP_ERR_CONFLICT;

	return err == JP_ERR_OK && jp_position_is_set(&mem->position)
	           ? JP_ERR_CONFIG
	           : err;
}

/* Where `id` stands, or would stand. */
static size_t
place_of(const struct table *table, const char *id, bool *there)
{
	size_t low = 0, high = table->len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(table->entries[middle]->id, id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*there = low < table->len && strcmp(table->entries[low]->id, id) == 0;
	return low;
}

static enum jp_err
mem_get(
    struct jp_store *store, const char *id, struct jp_record *record, bool wait)
{
	struct mem *mem = mem_of(store);
	enum jp_err err = enter(mem);
	bool there;

	(void)wait;
	if (err == JP_ERR_OK) {
		size_t at = place_of(&mem->table, id, &there);
		const struct entry *entry =
		    there ? mem->table.entries[at] : NULL;

		err = there ? jp_record_decode(record, entry->bytes, entry->len)
		            : JP_ERR_NOT_FOUND;
	}
	return leave(mem, err);
}

static enum jp_err
new_entry(const struct jp_record *record, const uint8_t *bytes, size_t len,
    struct entry **out)
{
	struct entry *entry = malloc(sizeof(*entry) + len);

	if (entry == NULL)
		return JP_ERR_NOMEM;
	memcpy(entry->id, record->id, sizeof(entry->id));
	memcpy(entry->user, record->user, sizeof(entry->user));
	memcpy(entry->owner, record->owner_group, sizeof(entry->owner));
	entry->expires_at = record->expires_at;
	entry->len = len;
	memcpy(entry->bytes, bytes, len);
	*out = entry;
	return JP_ERR_OK;
}

static enum jp_err
encode_entry(const struct jp_record *record, struct entry **out)
{
	uint8_t bytes[JP_RECORD_MAX];
	size_t len;
	enum jp_err err = jp_record_encode(record, bytes, &len);

	return err == JP_ERR_OK ? new_entry(record, bytes, len, out) : err;
}

/* The array has room for it. */
static void
insert(struct table *table, size_t at, struct entry *entry)
{
	memmove(&table->entries[at + 1], &table->entries[at],
	    (table->len - at) * sizeof(table->entries[0]));
	table->entries[at] = entry;
	table->len++;
}

static void
take_out(struct table *table, size_t at)
{
	table->len--;
	memmove(&table->entries[at], &table->entries[at + 1],
	    (table->len - at) * sizeof(table->entries[0]));
}

/* Whether `table` has this very entry, not another of the same id. */
static bool
shares(const struct table *table, const struct entry *entry)
{
	bool there;
	size_t at = place_of(table, entry->id, &there);

	return there && table->entries[at] == entry;
}

/* Frees `table`, but not the entries that `kept` has, too. */
static void
free_table(struct table *table, const struct table *kept)
{
	for (size_t i = 0; i < table->len; i++)
		if (kept == NULL || !shares(kept, table->entries[i]))
			free(table->entries[i]);
	free(table->entries);
	*table = (struct table){ .entries = NULL };
}

/* Takes an entry out of `table`, for good unless `kept` has it. */
static void
drop(struct table *table, size_t at, const struct table *kept)
{
	struct entry *entry = table->entries[at];

	take_out(table, at);
	if (!shares(kept, entry))
		free(entry);
}

static enum jp_err
change(
    struct table *table, const struct jp_change *step, const struct table *kept)
{
	struct entry *entry = NULL;
	bool there;
	size_t at = place_of(table, step->record->id, &there);
	enum jp_err err = JP_ERR_OK;

	if (step->kind == JP_CHANGE_CREATE && there)
		return JP_ERR_EXISTS;
	if (step->kind != JP_CHANGE_CREATE && !there)
		return JP_ERR_NOT_FOUND;
	if (step->kind == JP_CHANGE_REPLACE &&
	    strcmp(table->entries[at]->user, step->record->user) != 0)
		return JP_ERR_INVALID;
	if (step->kind != JP_CHANGE_DELETE)
		err = encode_entry(step->record, &entry);
	if (err != JP_ERR_OK)
		return err;
	if (step->kind != JP_CHANGE_CREATE)
		drop(table, at, kept);
	if (entry != NULL)
		insert(table, at, entry);
	return JP_ERR_OK;
}

/* The same entries, with room for `more`. */
static enum jp_err
copy_table(const struct table *table, size_t more, struct table *copy)
{
	copy->entries = calloc(table->len + more + 1, sizeof(copy->entries[0]));
	if (copy->entries == NULL)
		return JP_ERR_NOMEM;
	copy->len = table->len;
	if (table->len > 0)
		memcpy(copy->entries, table->entries,
		    table->len * sizeof(copy->entries[0]));
	return JP_ERR_OK;
}

static enum jp_err
apply(struct mem *mem, const struct jp_change *changes, size_t count)
{
	struct table next;
	enum jp_err err = copy_table(&mem->table, count, &next);

	if (err != JP_ERR_OK)
		return err;
	for (size_t i = 0; i < count && err == JP_ERR_OK; i++)
		err = change(&next, &changes[i], &mem->table);
	if (err != JP_ERR_OK) {
		free_table(&next, &mem->table);
		return err;
	}
	free_table(&mem->table, &next);
	mem->table = next;
	mem->commits++;
	return JP_ERR_OK;
}

static enum jp_err
mem_commit(
    struct jp_store *store, const struct jp_change *changes, size_t count)
{
	struct mem *mem = mem_of(store);
	enum jp_err err = enter_alone(mem);

	if (err == JP_ERR_OK)
		err = apply(mem, changes, count);
	return leave(mem, err);
}

static bool
belongs(const struct entry *entry, const struct jp_listing *listing)
{
	switch (listing->order) {
	case JP_ORDER_ID:
		return true;
	case JP_ORDER_USER:
		return strcmp(entry->user, listing->user) == 0;
	case JP_ORDER_EXPIRY:
		return entry->expires_at > JP_NEVER &&
		       entry->expires_at <= listing->until;
	case JP_ORDER_OWNER:
		return entry->owner[0] != '\0' &&
		       strcmp(entry->owner, listing->owner) == 0;
	}
	return false;
}

/* Below 0 if (`at`, `id`) comes before the entry in the listing's order. */
static int
compare(
    enum jp_order order, int64_t at, const char *id, const struct entry *entry)
{
	if (order == JP_ORDER_EXPIRY && at != entry->expires_at)
		return at < entry->expires_at ? -1 : 1;
	return strcmp(id, entry->id);
}

/* The first entry of the listing after its last one, or NULL. */
static const struct entry *
next_entry(const struct table *table, const struct jp_listing *listing)
{
	const struct entry *best = NULL;

	for (size_t i = 0; i < table->len; i++) {
		const struct entry *entry = table->entries[i];

		if (!belongs(entry, listing) ||
		    compare(listing->order, listing->last_expiry,
		        listing->last_id, entry) >= 0)
			continue;
		if (best == NULL || compare(listing->order, best->expires_at,
		                        best->id, entry) > 0)
			best = entry;
	}
	return best;
}

static enum jp_err
mem_list(struct jp_store *store, struct jp_listing *listing,
    struct jp_record *page, size_t max, size_t *count)
{
	struct mem *mem = mem_of(store);
	enum jp_err err = enter(mem);
	struct jp_listing at = *listing;
	const struct entry *entry;

	while (err == JP_ERR_OK && *count < max &&
	       (entry = next_entry(&mem->table, &at)) != NULL) {
		err = jp_record_decode(&page[*count], entry->bytes, entry->len);
		memcpy(at.last_id, entry->id, sizeof(at.last_id));
		at.last_expiry = entry->expires_at;
		(*count)++;
	}
	at.started = true;
	if (err == JP_ERR_OK)
		*listing = at;
	return leave(mem, err);
}

/* Where `name` stands among the users, or would stand. */
static size_t
user_place(const struct jp_user *users, size_t len, const char *name)
{
	size_t at = 0;

	while (at < len && strcmp(users[at].name, name) < 0)
		at++;
	return at;
}

static enum jp_err
mem_user_get(
    struct jp_store *store, const char *name, struct jp_user *user, bool wait)
{
	struct mem *mem = mem_of(store);
	enum jp_err err = enter(mem);
	size_t at = user_place(mem->users, mem->user_len, name);

	(void)wait;
	if (err == JP_ERR_OK &&
	    (at == mem->user_len || strcmp(mem->users[at].name, name) != 0))
		err = JP_ERR_NOT_FOUND;
	if (err == JP_ERR_OK)
		*user = mem->users[at];
	return leave(mem, err);
}

/* The array has room for it. */
static void
put_user(struct mem *mem, const struct jp_user *user)
{
	size_t at = user_place(mem->users, mem->user_len, user->name);

	if (at == mem->user_len || strcmp(mem->users[at].name, user->name)) {
		memmove(&mem->users[at + 1], &mem->users[at],
		    (mem->user_len - at) * sizeof(mem->users[0]));
		mem->user_len++;
	}
	mem->users[at] = *user;
}

static enum jp_err
mem_user_put(struct jp_store *store, const struct jp_user *users, size_t count)
{
	struct mem *mem = mem_of(store);
	enum jp_err err = enter_alone(mem);
	struct jp_user *more = NULL;

	if (err == JP_ERR_OK) {
		more = reallocarray(
		    mem->users, mem->user_len + count, sizeof(*more));
		err = more != NULL ? JP_ERR_OK : JP_ERR_NOMEM;
	}
	if (err == JP_ERR_OK) {
		mem->users = more;
		for (size_t i = 0; i < count; i++)
			put_user(mem, &users[i]);
		mem->commits++;
	}
	return leave(mem, err);
}

static enum jp_err
mem_user_list(struct jp_store *store, const char *after, struct jp_user *page,
    size_t max, size_t *count)
{
	struct mem *mem = mem_of(store);
	enum jp_err err = enter(mem);
	size_t at = user_place(mem->users, mem->user_len, after);

	if (at < mem->user_len && strcmp(mem->users[at].name, after) == 0)
		at++;
	for (*count = 0; *count < max && at < mem->user_len; at++)
		page[(*count)++] = mem->users[at];
	return leave(mem, err);
}

/* Where those of `user` stand, or would stand. */
static size_t
upstream_place(const struct mem *mem, const char *user, bool *there)
{
	size_t at = 0;

	while (
	    at < mem->upstream_len && strcmp(mem->upstreams[at].user, user) < 0)
		at++;
	*there = at < mem->upstream_len &&
	         strcmp(mem->upstreams[at].user, user) == 0;
	return at;
}

static enum jp_err
mem_upstream_get(struct jp_store *store, const char *user,
    struct jp_upstreams *all, bool wait)
{
	struct mem *mem = mem_of(store);
	enum jp_err err = enter(mem);
	bool there;
	size_t at = upstream_place(mem, user, &there);

	(void)wait;
	if (err == JP_ERR_OK && !there)
		err = JP_ERR_NOT_FOUND;
	if (err == JP_ERR_OK)
		*all = mem->upstreams[at];
	return leave(mem, err);
}

/* The array has room for it. */
static void
put_upstream(struct mem *mem, const struct jp_upstreams *all)
{
	bool there;
	size_t at = upstream_place(mem, all->user, &there);
	struct jp_upstreams *place = &mem->upstreams[at];
	size_t behind = (mem->upstream_len - at) * sizeof(*place);

	if (there && all->len == 0) {
		memmove(place, place + 1, behind - sizeof(*place));
		mem->upstream_len--;
	} else if (!there && all->len > 0) {
		memmove(place + 1, place, behind);
		mem->upstream_len++;
	}
	if (all->len > 0)
		*place = *all;
}

static enum jp_err
mem_upstream_put(
    struct jp_store *store, const struct jp_upstreams *all, size_t count)
{
	struct mem *mem = mem_of(store);
	enum jp_err err = enter_alone(mem);
	struct jp_upstreams *more = NULL;

	if (err == JP_ERR_OK) {
		more = reallocarray(
		    mem->upstreams, mem->upstream_len + count, sizeof(*more));
		err = more != NULL ? JP_ERR_OK : JP_ERR_NOMEM;
	}
	if (err == JP_ERR_OK) {
		mem->upstreams = more;
		for (size_t i = 0; i < count; i++)
			put_upstream(mem, &all[i]);
		mem->commits++;
	}
	return leave(mem, err);
}

static enum jp_err
mem_upstream_list(struct jp_store *store, const char *after,
    struct jp_upstreams *page, size_t max, size_t *count)
{
	struct mem *mem = mem_of(store);
	enum jp_err err = enter(mem);
	bool there;
	size_t at = upstream_place(mem, after, &there);

	at += there;
	for (*count = 0; *count < max && at < mem->upstream_len; at++)
		page[(*count)++] = mem->upstreams[at];
	return leave(mem, err);
}

/* ---- as one of several ---- */

static enum jp_err
mem_position(struct jp_store *store, struct jp_position *position)
{
	struct mem *mem = mem_of(store);
	enum jp_err err = enter(mem);

	*position = mem->position;
	return leave(mem, err);
}

/* The entry of that id goes, if there is one, unless `kept` has it, too. */
static void
drop_id(struct table *table, const char *id, const struct table *kept)
{
	bool there;
	size_t at = place_of(table, id, &there);

	if (there)
		drop(table, at, kept);
}

static enum jp_err
apply_token(struct table *table, const struct jp_batch_item *item,
    const struct table *kept)
{
	struct jp_record record;
	struct entry *entry;
	bool there;
	enum jp_err err;

	if (item->len == 0) {
		drop_id(table, item->key, kept);
		return JP_ERR_OK;
	}
	err = jp_record_decode(&record, item->bytes, item->len);
	if (err == JP_ERR_OK)
		err = new_entry(&record, item->bytes, item->len, &entry);
	if (err != JP_ERR_OK)
		return err;
	drop_id(table, item->key, kept);
	insert(table, place_of(table, item->key, &there), entry);
	return JP_ERR_OK;
}

static void
apply_user(struct mem *mem, const struct jp_batch_item *item)
{
	size_t at = user_place(mem->users, mem->user_len, item->key);
	struct jp_user user;

	if (item->len > 0) {
		(void)jp_user_decode(&user, item->bytes, item->len);
		put_user(mem, &user);
	} else if (at < mem->user_len &&
	           strcmp(mem->users[at].name, item->key) == 0) {
		mem->user_len--;
		memmove(&mem->users[at], &mem->users[at + 1],
		    (mem->user_len - at) * sizeof(mem->users[0]));
	}
}

static void
apply_upstream(struct mem *mem, const struct jp_batch_item *item)
{
	struct jp_upstreams all = { .len = 0 };

	if (item->len > 0)
		(void)jp_upstreams_decode(&all, item->bytes, item->len);
	else
		(void)jp_field_set(all.user, sizeof(all.user), item->key);
	put_upstream(mem, &all);
}

/* Of a batch that was checked; the arrays have room, and nothing fails. */
static void
apply_named(struct mem *mem, const uint8_t *bytes, size_t len)
{
	struct jp_batch_reader reader;
	struct jp_batch_item item;

	jp_batch_read(&reader, bytes, len);
	while (jp_batch_next(&reader, &item))
		if (item.file == JP_BATCH_USERS)
			apply_user(mem, &item);
		else if (item.file == JP_BATCH_UPSTREAM)
			apply_upstream(mem, &item);
}

static enum jp_err
make_room(struct mem *mem, size_t count)
{
	struct jp_user *users =
	    reallocarray(mem->users, mem->user_len + count + 1, sizeof(*users));
	struct jp_upstreams *upstreams = reallocarray(
	    mem->upstreams, mem->upstream_len + count + 1, sizeof(*upstreams));

	if (users != NULL)
		mem->users = users;
	if (upstreams != NULL)
		mem->upstreams = upstreams;
	return users != NULL && upstreams != NULL ? JP_ERR_OK : JP_ERR_NOMEM;
}

static enum jp_err
apply_tokens(struct table *next, const uint8_t *bytes, size_t len,
    const struct table *kept)
{
	struct jp_batch_reader reader;
	struct jp_batch_item item;
	enum jp_err err = JP_ERR_OK;

	jp_batch_read(&reader, bytes, len);
	while (err == JP_ERR_OK && jp_batch_next(&reader, &item))
		if (item.file == JP_BATCH_TOKENS)
			err = apply_token(next, &item, kept);
	return err;
}

static enum jp_err
apply_batch(struct mem *mem, const uint8_t *bytes, size_t len, size_t count)
{
	struct table next = { .entries = NULL };
	enum jp_err err = make_room(mem, count);

	if (err == JP_ERR_OK)
		err = copy_table(&mem->table, count, &next);
	if (err != JP_ERR_OK)
		return err;
	err = apply_tokens(&next, bytes, len, &mem->table);
	if (err != JP_ERR_OK) {
		free_table(&next, &mem->table);
		return err;
	}
	apply_named(mem, bytes, len);
	free_table(&mem->table, &next);
	mem->table = next;
	mem->commits++;
	return JP_ERR_OK;
}

static enum jp_err
mem_apply(struct jp_store *store, const uint8_t *bytes, size_t len,
    const struct jp_position *from, const struct jp_position *to)
{
	struct mem *mem = mem_of(store);
	enum jp_err err = enter(mem);
	size_t count = 0;

	if (err == JP_ERR_OK && !jp_position_same(&mem->position, from))
		err = JP_ERR_CONFLICT;
	if (err == JP_ERR_OK)
		err = jp_batch_check(bytes, len, &count);
	if (err == JP_ERR_OK)
		err = apply_batch(mem, bytes, len, count);
	if (err == JP_ERR_OK)
		mem->position = *to;
	return leave(mem, err);
}

/* The record behind `walk` in its file; false: there is none. */
static bool
next_item(const struct mem *mem, const struct jp_walk *walk, uint8_t *bytes,
    struct jp_batch_item *item)
{
	const char *key = NULL;
	bool there;
	size_t at = place_of(&mem->table, walk->key, &there) + there;

	if (walk->file == JP_BATCH_TOKENS && at < mem->table.len) {
		key = mem->table.entries[at]->id;
		item->len = mem->table.entries[at]->len;
		memcpy(bytes, mem->table.entries[at]->bytes, item->len);
	}
	at = user_place(mem->users, mem->user_len, walk->key);
	if (at < mem->user_len && strcmp(mem->users[at].name, walk->key) == 0)
		at++;
	if (walk->file == JP_BATCH_USERS && at < mem->user_len) {
		key = mem->users[at].name;
		(void)jp_user_encode(&mem->users[at], bytes, &item->len);
	}
	at = upstream_place(mem, walk->key, &there);
	at += there;
	if (walk->file == JP_BATCH_UPSTREAM && at < mem->upstream_len) {
		key = mem->upstreams[at].user;
		(void)jp_upstreams_encode(
		    &mem->upstreams[at], bytes, &item->len);
	}
	return key != NULL &&
	       jp_field_set(item->key, sizeof(item->key), key) == JP_ERR_OK;
}

static enum jp_err
walk_on(struct mem *mem, struct jp_walk *walk, struct jp_batch *part)
{
	uint8_t bytes[JP_UPSTREAM_RECORD_MAX];
	struct jp_batch_item item = { .file = walk->file, .bytes = bytes };
	enum jp_err err;

	if (next_item(mem, walk, bytes, &item)) {
		err = jp_batch_add(part, &item);
		if (err == JP_ERR_OK)
			memcpy(walk->key, item.key, sizeof(walk->key));
		return err;
	}
	if (walk->file == JP_BATCH_FILES - 1)
		walk->ended = true;
	else
		*walk = (struct jp_walk){ .file = walk->file + 1 };
	return JP_ERR_OK;
}

static enum jp_err
mem_walk(struct jp_store *store, struct jp_walk *walk, struct jp_batch *part,
    size_t max)
{
	struct mem *mem = mem_of(store);
	struct jp_walk at = *walk;
	enum jp_err err = enter(mem);

	if (at.file == 0)
		at.file = JP_BATCH_TOKENS;
	while (err == JP_ERR_OK && !at.ended &&
	       (part->count == 0 || part->len < max))
		err = walk_on(mem, &at, part);
	if (err == JP_ERR_OK)
		*walk = at;
	return leave(mem, err);
}

static enum jp_err
mem_checkpoint(struct jp_store *store)
{
	struct mem *mem = mem_of(store);

	atomic_fetch_add(&mem->checkpoints, 1);
	return leave(mem, enter(mem));
}

static enum jp_err
mem_info(struct jp_store *store, struct jp_store_info *info)
{
	struct mem *mem = mem_of(store);
	enum jp_err err = enter(mem);

	if (err == JP_ERR_OK)
		*info = (struct jp_store_info){ .records = mem->table.len,
			.commits = mem->commits };
	return leave(mem, err);
}

/* It has no files: one piece stands for them, so that callers can be tried. */
static enum jp_err
mem_backup(struct jp_store *store, jp_store_take take, void *arg)
{
	static const uint8_t bytes[] = "a store in memory";
	const struct jp_piece piece = {
		.name = "memory", .bytes = bytes, .len = sizeof(bytes) - 1
	};
	struct mem *mem = mem_of(store);
	enum jp_err err = leave(mem, enter(mem));

	return err == JP_ERR_OK ? take(arg, &piece) : err;
}

static bool
mem_stalled(struct jp_store *store, int64_t seconds)
{
	(void)store;
	(void)seconds;
	return false;
}

static void
mem_begin(struct jp_store *store, enum jp_begin how, int64_t by_ms)
{
	struct jp_store_mem_peers *peers = &mem_of(store)->peers;

	(void)by_ms;
	if (how == JP_BEGIN_LOUD)
		peers->loud++;
	else
		peers->quiet++;
}

static int64_t
mem_patience(struct jp_store *store)
{
	int64_t patience_ms = mem_of(store)->peers.patience_ms;

	return patience_ms > 0 ? patience_ms : INT64_MAX;
}

static enum jp_err
mem_settle(struct jp_store *store, int64_t by_ms, struct jp_why *why)
{
	struct jp_store_mem_peers *peers = &mem_of(store)->peers;

	(void)by_ms;
	peers->settled++;
	if (peers->settling != NULL)
		peers->settling(store, peers->arg);
	return peers->waited == NULL
	           ? peers->unsettled
	           : jp_why(why, peers->unsettled, "%s", peers->waited);
}

static void
mem_why(struct jp_store *store, struct jp_why *why)
{
	struct mem *mem = mem_of(store);

	(void)pthread_mutex_lock(&mem->mutex);
	(void)jp_why(why, mem->last_err, "the store in memory: %s",
	    jp_err_text(mem->last_err));
	(void)pthread_mutex_unlock(&mem->mutex);
}

static void
mem_close(struct jp_store *store)
{
	struct mem *mem = mem_of(store);

	free_table(&mem->table, NULL);
	free(mem->users);
	free(mem->upstreams);
	(void)pthread_mutex_destroy(&mem->mutex);
	free(mem);
}

static int64_t
mem_seen(struct jp_store *store)
{
	return atomic_load(&mem_of(store)->seen);
}

static void
mem_see(struct jp_store *store, int64_t now)
{
	atomic_store(&mem_of(store)->seen, now);
}

static const struct jp_store_ops mem_ops = {
	.get = mem_get,
	.commit = mem_commit,
	.list = mem_list,
	.user_get = mem_user_get,
	.user_put = mem_user_put,
	.user_list = mem_user_list,
	.upstream_get = mem_upstream_get,
	.upstream_put = mem_upstream_put,
	.upstream_list = mem_upstream_list,
	.checkpoint = mem_checkpoint,
	.info = mem_info,
	.backup = mem_backup,
	.stalled = mem_stalled,
	.seen = mem_seen,
	.see = mem_see,
	.why = mem_why,
	.position = mem_position,
	.apply = mem_apply,
	.walk = mem_walk,
	.begin = mem_begin,
	.settle = mem_settle,
	.patience = mem_patience,
	.close = mem_close,
};

enum jp_err
jp_store_mem_open(struct jp_store **store)
{
	struct mem *mem = calloc(1, sizeof(*mem));

	*store = NULL;
	if (mem == NULL)
		return JP_ERR_NOMEM;
	mem->base.ops = &mem_ops;
	(void)pthread_mutex_init(&mem->mutex, NULL);
	*store = &mem->base;
	return JP_ERR_OK;
}

void
jp_store_mem_fail(
    struct jp_store *store, unsigned int nth, enum jp_err err, bool lasting)
{
	jp_store_mem_fail_times(store, nth, err, lasting ? UINT_MAX : 1);
}

void
jp_store_mem_fail_times(struct jp_store *store, unsigned int nth,
    enum jp_err err, unsigned int times)
{
	struct mem *mem = mem_of(store);

	(void)pthread_mutex_lock(&mem->mutex);
	mem->fail_in = nth;
	mem->fail_with = err;
	mem->fail_times = times;
	(void)pthread_mutex_unlock(&mem->mutex);
}

unsigned int
jp_store_mem_calls(const struct jp_store *store)
{
	return ((const struct mem *)store)->calls;
}

unsigned int
jp_store_mem_checkpoints(const struct jp_store *store)
{
	return atomic_load(&((const struct mem *)store)->checkpoints);
}

struct jp_store_mem_peers *
jp_store_mem_peers(struct jp_store *store)
{
	return &mem_of(store)->peers;
}
