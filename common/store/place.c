/*
 * Where a store stands in the log of its cluster: batches, filling from a
 * snapshot, and the calls that only replicas answer.
 */
#include <sodium.h>
#include <string.h>

#include "common/store/store.h"

static const struct jp_position nowhere;

/* Of what a store has where it is filled, read at once. */
#define FILL_PIECE (1U << 20)

/* ---- positions ---- */

bool
jp_position_same(const struct jp_position *one, const struct jp_position *other)
{
	return memcmp(one->cluster, other->cluster, sizeof(one->cluster)) ==
	           0 &&
	       one->seq == other->seq &&
	       memcmp(one->mac, other->mac, sizeof(one->mac)) == 0;
}

bool
jp_position_is_set(const struct jp_position *position)
{
	return !sodium_is_zero(position->cluster, sizeof(position->cluster));
}

bool
jp_position_is_filling(const struct jp_position *position)
{
	return jp_position_is_set(position) && position->seq == 0 &&
	       sodium_is_zero(position->mac, sizeof(position->mac));
}

enum jp_err
jp_store_position(struct jp_store *store, struct jp_position *position)
{
	enum jp_err err = JP_ERR_OK;

	*position = nowhere;
	if (store->ops->position != NULL)
		err = store->ops->position(store, position);
	if (err != JP_ERR_OK)
		*position = nowhere;
	return err;
}

/* ---- batches ---- */

static enum jp_err
apply(struct jp_store *store, const uint8_t *bytes, size_t len,
    const struct jp_position *from, const struct jp_position *to)
{
	size_t count;
	enum jp_err err = jp_batch_check(bytes, len, &count);

	if (err == JP_ERR_OK && store->ops->apply == NULL)
		err = JP_ERR_INVALID;
	return err == JP_ERR_OK ? store->ops->apply(store, bytes, len, from, to)
	                        : err;
}

enum jp_err
jp_store_apply(struct jp_store *store, const uint8_t *bytes, size_t len,
    const struct jp_position *to)
{
	struct jp_position from;
	enum jp_err err = jp_store_position(store, &from);

	if (err != JP_ERR_OK)
		return err;
	if (!jp_position_is_set(to) || jp_position_is_filling(&from) ||
	    memcmp(from.cluster, to->cluster, sizeof(from.cluster)) != 0 ||
	    to->seq == 0 || from.seq != to->seq - 1)
		return JP_ERR_CONFLICT;
	return apply(store, bytes, len, &from, to);
}

enum jp_err
jp_store_place(struct jp_store *store, const struct jp_position *from,
    const struct jp_position *to)
{
	struct jp_batch none;
	enum jp_err err = jp_batch_start(&none);

	if (err == JP_ERR_OK)
		err = apply(store, none.bytes, none.len,
		    from != NULL ? from : &nowhere, to != NULL ? to : &nowhere);
	jp_batch_free(&none);
	return err;
}

/* ---- snapshots ---- */

enum jp_err
jp_store_walk(struct jp_store *store, struct jp_walk *walk,
    struct jp_batch *part, size_t max)
{
	if (store->ops->walk == NULL)
		return JP_ERR_INVALID;
	return walk->ended ? JP_ERR_OK
	                   : store->ops->walk(store, walk, part, max);
}

/* One that a store is filled with, and where that store's records stand. */
struct filling {
	struct jp_store *store;
	struct jp_position position;
	struct jp_batch_reader reader; /* of the part */
	struct jp_batch_item item;     /* of it, the next; `more` */
	bool more;
	struct jp_walk until; /* the part's last record; ended: the end */
};

static int
compare(enum jp_batch_file file, const char *key, enum jp_batch_file other_file,
    const char *other)
{
	if (file != other_file)
		return file < other_file ? -1 : 1;
	return strcmp(key, other);
}

static bool
is_within(const struct filling *filling, const struct jp_batch_item *item)
{
	return filling->until.ended ||
	       compare(item->file, item->key, filling->until.file,
	           filling->until.key) <= 0;
}

/* Items come in order on both sides. */
static bool
has(struct filling *filling, const struct jp_batch_item *item)
{
	int order = 1;

	while (filling->more &&
	       (order = compare(filling->item.file, filling->item.key,
	            item->file, item->key)) < 0)
		filling->more = jp_batch_next(&filling->reader, &filling->item);
	return filling->more && order == 0;
}

/* Those of `found` that the part has not are gone; false: it is beyond. */
static bool
note_gone(struct filling *filling, const struct jp_batch *found,
    struct jp_batch *gone, enum jp_err *err)
{
	struct jp_batch_reader reader;
	struct jp_batch_item item;

	jp_batch_read(&reader, found->bytes, found->len);
	while (*err == JP_ERR_OK && jp_batch_next(&reader, &item)) {
		if (!is_within(filling, &item))
			return false;
		item.bytes = NULL;
		item.len = 0;
		if (!has(filling, &item))
			*err = jp_batch_add(gone, &item);
	}
	if (*err == JP_ERR_OK)
		*err = jp_batch_end(&reader);
	return true;
}

static enum jp_err
remove_some(struct filling *filling, struct jp_walk *walk, bool *go_on)
{
	struct jp_batch found, gone = { .len = 0 };
	enum jp_err err = jp_batch_start(&found);

	if (err == JP_ERR_OK)
		err = jp_batch_start(&gone);
	if (err == JP_ERR_OK)
		err = jp_store_walk(filling->store, walk, &found, FILL_PIECE);
	*go_on = err == JP_ERR_OK && note_gone(filling, &found, &gone, &err) &&
	         !walk->ended;
	if (err == JP_ERR_OK && gone.count > 0)
		err = apply(filling->store, gone.bytes, gone.len,
		    &filling->position, &filling->position);
	jp_batch_free(&gone);
	jp_batch_free(&found);
	return err;
}

/* Where the part ends, and that it does not begin before `walk`. */
static enum jp_err
find_end(struct filling *filling, const struct jp_walk *walk,
    const uint8_t *part, size_t len)
{
	struct jp_batch_reader reader;
	struct jp_batch_item item;
	bool first = true;

	jp_batch_read(&reader, part, len);
	while (jp_batch_next(&reader, &item)) {
		if (item.len == 0 || (first && compare(item.file, item.key,
		                                   walk->file, walk->key) <= 0))
			return JP_ERR_INVALID;
		first = false;
		filling->until.file = item.file;
		memcpy(
		    filling->until.key, item.key, sizeof(filling->until.key));
	}
	return jp_batch_end(&reader);
}

static enum jp_err
fill(struct filling *filling, struct jp_walk *walk, const uint8_t *part,
    size_t len)
{
	struct jp_walk at = *walk;
	bool go_on = true;
	enum jp_err err = find_end(filling, walk, part, len);

	jp_batch_read(&filling->reader, part, len);
	filling->more = jp_batch_next(&filling->reader, &filling->item);
	while (err == JP_ERR_OK && go_on)
		err = remove_some(filling, &at, &go_on);
	if (err == JP_ERR_OK)
		err = apply(filling->store, part, len, &filling->position,
		    &filling->position);
	if (err == JP_ERR_OK)
		*walk = filling->until;
	return err;
}

enum jp_err
jp_store_fill(struct jp_store *store, struct jp_walk *walk, const uint8_t *part,
    size_t len, bool last)
{
	struct filling filling = { .store = store, .until = *walk };
	enum jp_err err = jp_store_position(store, &filling.position);

	if (err != JP_ERR_OK)
		return err;
	if (!jp_position_is_filling(&filling.position))
		return JP_ERR_CONFLICT;
	if (walk->ended)
		return JP_ERR_INVALID;
	filling.until.ended = last;
	return fill(&filling, walk, part, len);
}

/* ---- what only replicas answer ---- */

enum jp_err
jp_store_room(struct jp_store *store, bool urgent)
{
	return store->ops->room != NULL ? store->ops->room(store, urgent)
	                                : JP_ERR_OK;
}

void
jp_store_begin(struct jp_store *store, enum jp_begin how)
{
	jp_store_begin_by(store, how, INT64_MAX);
}

void
jp_store_begin_by(struct jp_store *store, enum jp_begin how, int64_t by_ms)
{
	if (store->ops->begin != NULL)
		store->ops->begin(store, how, by_ms);
}

int64_t
jp_store_patience(struct jp_store *store)
{
	return store->ops->patience != NULL ? store->ops->patience(store)
	                                    : INT64_MAX;
}

enum jp_err
jp_store_settle(struct jp_store *store, struct jp_why *why)
{
	return jp_store_settle_by(store, INT64_MAX, why);
}

enum jp_err
jp_store_settle_by(struct jp_store *store, int64_t by_ms, struct jp_why *why)
{
	struct jp_why unread;

	if (why == NULL)
		why = &unread;
	jp_why_clear(why);
	return store->ops->settle != NULL
	           ? store->ops->settle(store, by_ms, why)
	           : JP_ERR_OK;
}
