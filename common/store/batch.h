/*
 * A batch: what one commit made of records, in bytes that every host of a
 * cluster applies as they are. It is physical: a list of records with their
 * encoded bytes, or with none where a record is gone. To apply one twice, or
 * one whose records are there already, changes nothing.
 *
 *     "JPB1" count:4, then count times  file:1 key:2+n length:4 bytes
 *
 * Length 0: there is no such record. Items are in the order of (file, key), no
 * key twice: so there is one encoding of each batch. The records of a snapshot
 * come in batches, too, one after the other in the same order.
 *
 * (common/admin/batch.h is about something else: what crosses admin.sock.)
 */
#ifndef JP_STORE_BATCH_H
#define JP_STORE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/record/upstream.h"
#include "common/record/user.h"

#define JP_BATCH_BYTES_MAX (64U << 20) /* bytes of one, all included */

/* The numbers are in the bytes: none ever changes. */
enum jp_batch_file {
	JP_BATCH_TOKENS = 1,   /* by id */
	JP_BATCH_USERS = 2,    /* by name */
	JP_BATCH_UPSTREAM = 3, /* by the user's name */
	JP_BATCH_FILES
};

struct jp_batch_item {
	enum jp_batch_file file;
	char key[JP_USER_MAX + 1];
	const uint8_t *bytes; /* of the encoded record, in those of the batch */
	size_t len;           /* 0: the record is gone */
};

/* One that is being written. Zeroed, it is an empty one without memory. */
struct jp_batch {
	uint8_t *bytes; /* `len` of them are the batch */
	size_t len, cap;
	uint32_t count;
	enum jp_batch_file last_file; /* of the last item */
	char last_key[JP_USER_MAX + 1];
};

/* Makes it an empty batch, whose bytes are valid: JP_ERR_NOMEM. */
enum jp_err jp_batch_start(struct jp_batch *batch);

/* Frees its memory, and clears it: it may hold sealed secrets. */
void jp_batch_free(struct jp_batch *batch);

/*
 * Adds an item behind the last one; its bytes are copied. JP_ERR_INVALID where
 * it does not come after that one, or its record is none of that key;
 * JP_ERR_TOO_LONG beyond JP_BATCH_BYTES_MAX; JP_ERR_NOMEM. The batch is as
 * before then.
 */
enum jp_err
jp_batch_add(struct jp_batch *batch, const struct jp_batch_item *item);

/*
 * Takes back what was added since `before` was a copy of the batch; that copy's
 * bytes are not looked at.
 */
void jp_batch_cut(struct jp_batch *batch, const struct jp_batch *before);

struct jp_change;
struct jp_store;

/*
 * What jp_store_commit() of these changes would make of `store`, in a started
 * empty batch: the same errors where a record is there, or is not, or is
 * another user's; JP_ERR_INVALID for two changes of one record. `why` explains.
 * Reads the store; nobody may change it meanwhile.
 */
enum jp_err jp_batch_changes(struct jp_batch *batch, struct jp_store *store,
    const struct jp_change *changes, size_t count, struct jp_why *why);

/* The same of jp_store_put_users() and jp_store_put_upstream(). */
enum jp_err jp_batch_users(struct jp_batch *batch, const struct jp_user *users,
    size_t count, struct jp_why *why);
enum jp_err jp_batch_upstream(struct jp_batch *batch,
    const struct jp_upstreams *all, size_t count, struct jp_why *why);

/* Goes through the bytes of one, which stay where they are. */
struct jp_batch_reader {
	const uint8_t *bytes;
	size_t len, pos;
	uint32_t left; /* items */
	enum jp_err err;
	enum jp_batch_file last_file;
	char last_key[JP_USER_MAX + 1];
};

/* Begins; an error shows in jp_batch_end(). */
void
jp_batch_read(struct jp_batch_reader *reader, const uint8_t *bytes, size_t len);

/*
 * The next item. False: there is none, or what is there is not one. A record is
 * decoded by its own decoder, and must be the one of its key.
 */
bool jp_batch_next(struct jp_batch_reader *reader, struct jp_batch_item *item);

/*
 * JP_ERR_OK where every item was read and nothing follows; else the first
 * error: JP_ERR_PROTOCOL, JP_ERR_TRUNCATED, JP_ERR_TRAILING, JP_ERR_INVALID,
 * JP_ERR_DAMAGED, JP_ERR_TOO_LONG, or JP_ERR_NEWER for a record, or a batch, as
 * a newer version of jira-pat writes it.
 */
enum jp_err jp_batch_end(const struct jp_batch_reader *reader);

/*
 * The item that began at `pos` of jp_batch_next()'s reader, in a batch that was
 * read to its end already: nothing is checked again.
 */
void jp_batch_item_at(
    const uint8_t *bytes, size_t len, size_t pos, struct jp_batch_item *item);

/* Reads all of it: whether it is one, and how many items it has. */
enum jp_err jp_batch_check(const uint8_t *bytes, size_t len, size_t *count);

#endif
