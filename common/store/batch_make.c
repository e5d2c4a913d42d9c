/*
 * What a commit makes of a batch, as the store that it is meant for would do
 * it: the same changes are refused.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/store/store.h"

/* ---- in the order of their keys ---- */

static int
by_id(const void *one, const void *other)
{
	const struct jp_change *const *a = one;
	const struct jp_change *const *b = other;

	return strcmp((*a)->record->id, (*b)->record->id);
}

/* These records begin with the user's name. */
static int
by_name(const void *one, const void *other)
{
	const char *const *a = one;
	const char *const *b = other;

	return strcmp(*a, *b);
}

/* Pointers to `count` structs of `size` bytes, sorted; NULL: no memory. */
static const void **
sorted(const void *all, size_t count, size_t size,
    int (*compare)(const void *one, const void *other))
{
	const void **order = calloc(count + 1, sizeof(*order));

	if (order == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		order[i] = (const uint8_t *)all + i * size;
	qsort(order, count, sizeof(*order), compare);
	return order;
}

/* ---- one item ---- */

static enum jp_err
add(struct jp_batch *batch, enum jp_batch_file file, const char *key,
    const uint8_t *bytes, size_t len, struct jp_why *why)
{
	struct jp_batch_item item = {
		.file = file, .bytes = bytes, .len = len
	};
	enum jp_err err = jp_field_set(item.key, sizeof(item.key), key);

	if (err == JP_ERR_OK)
		err = jp_batch_add(batch, &item);
	if (err == JP_ERR_TOO_LONG)
		return jp_why(why, err,
		    "these are too many changes at once (more than %u MiB): "
		    "make them in several steps",
		    JP_BATCH_BYTES_MAX >> 20);
	return err == JP_ERR_OK
	           ? err
	           : jp_why(why, err, "the record of %s cannot be written: %s",
	                 key, jp_err_text(err));
}

/* ---- tokens ---- */

static enum jp_err
check_there(const struct jp_change *change, const struct jp_record *old,
    struct jp_why *why)
{
	const char *id = change->record->id;

	if (change->kind == JP_CHANGE_CREATE)
		return jp_why(why, JP_ERR_EXISTS,
		    "there is a token of the id %s already", id);
	if (change->kind != JP_CHANGE_DELETE &&
	    strcmp(old->user, change->record->user) != 0)
		return jp_why(why, JP_ERR_INVALID,
		    "the token %s cannot get another user", id);
	return JP_ERR_OK;
}

static enum jp_err
check_change(
    struct jp_store *store, const struct jp_change *change, struct jp_why *why)
{
	const char *id = change->record->id;
	struct jp_record old;
	enum jp_err err = jp_store_get(store, id, &old);

	if (err == JP_ERR_OK)
		err = check_there(change, &old, why);
	else if (err == JP_ERR_NOT_FOUND && change->kind == JP_CHANGE_CREATE)
		err = JP_ERR_OK;
	else if (err == JP_ERR_NOT_FOUND)
		(void)jp_why(why, err, "there is no token %s", id);
	else
		jp_store_why(store, why);
	sodium_memzero(&old, sizeof(old));
	return err;
}

static enum jp_err
add_token(
    struct jp_batch *batch, const struct jp_change *change, struct jp_why *why)
{
	uint8_t bytes[JP_RECORD_MAX];
	size_t len = 0;
	enum jp_err err = JP_ERR_OK;

	if (change->kind != JP_CHANGE_DELETE)
		err = jp_record_encode(change->record, bytes, &len);
	if (err != JP_ERR_OK)
		return jp_why(why, err, "the record of %s is too large",
		    change->record->id);
	err = add(batch, JP_BATCH_TOKENS, change->record->id, bytes, len, why);
	sodium_memzero(bytes, sizeof(bytes));
	return err;
}

enum jp_err
jp_batch_changes(struct jp_batch *batch, struct jp_store *store,
    const struct jp_change *changes, size_t count, struct jp_why *why)
{
	const void **order = sorted(changes, count, sizeof(*changes), by_id);
	enum jp_err err = JP_ERR_OK;

	jp_why_clear(why);
	if (order == NULL)
		return jp_why(
		    why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	for (size_t i = 0; i < count && err == JP_ERR_OK; i++) {
		err = check_change(store, order[i], why);
		if (err == JP_ERR_OK)
			err = add_token(batch, order[i], why);
	}
	free(order);
	return err;
}

/* ---- what is kept by a user's name ---- */

struct kind {
	enum jp_batch_file file;
	size_t size; /* of a struct, which begins with the name */
	/* `len` 0: it is to be removed. */
	enum jp_err (*encode)(const void *record, uint8_t *bytes, size_t *len);
};

static enum jp_err
encode_user(const void *record, uint8_t *bytes, size_t *len)
{
	return jp_user_encode(record, bytes, len);
}

static enum jp_err
encode_upstream(const void *record, uint8_t *bytes, size_t *len)
{
	const struct jp_upstreams *all = record;

	*len = 0;
	return all->len > 0 ? jp_upstreams_encode(all, bytes, len) : JP_ERR_OK;
}

static const struct kind users = { JP_BATCH_USERS, sizeof(struct jp_user),
	encode_user };
static const struct kind upstreams = { JP_BATCH_UPSTREAM,
	sizeof(struct jp_upstreams), encode_upstream };

_Static_assert(
    JP_USER_RECORD_MAX <= JP_UPSTREAM_RECORD_MAX, "a buffer takes either");

static enum jp_err
add_named(struct jp_batch *batch, const struct kind *kind, const void *record,
    struct jp_why *why)
{
	uint8_t bytes[JP_UPSTREAM_RECORD_MAX];
	const char *name = record;
	size_t len = 0;
	enum jp_err err = kind->encode(record, bytes, &len);

	if (err != JP_ERR_OK)
		return jp_why(why, err, "the record of %s is too large", name);
	err = add(batch, kind->file, name, bytes, len, why);
	sodium_memzero(bytes, sizeof(bytes));
	return err;
}

static enum jp_err
add_all(struct jp_batch *batch, const struct kind *kind, const void *all,
    size_t count, struct jp_why *why)
{
	const void **order = sorted(all, count, kind->size, by_name);
	enum jp_err err = JP_ERR_OK;

	jp_why_clear(why);
	if (order == NULL)
		return jp_why(
		    why, JP_ERR_NOMEM, "%s", jp_err_text(JP_ERR_NOMEM));
	for (size_t i = 0; i < count && err == JP_ERR_OK; i++)
		err = add_named(batch, kind, order[i], why);
	free(order);
	return err;
}

enum jp_err
jp_batch_users(struct jp_batch *batch, const struct jp_user *all, size_t count,
    struct jp_why *why)
{
	return add_all(batch, &users, all, count, why);
}

enum jp_err
jp_batch_upstream(struct jp_batch *batch, const struct jp_upstreams *all,
    size_t count, struct jp_why *why)
{
	return add_all(batch, &upstreams, all, count, why);
}
