/*
 * Copies of encoded records, by database and key, of a bounded number: what a
 * verification reads without going into Berkeley DB, where a commit that waits
 * for its fsync holds pages. They hold what is durable and nothing else: a
 * commit that has returned replaces them, and one that is under way does not
 * show yet. All functions may be called by all threads; a cache that is NULL
 * has nothing and keeps nothing.
 */
#ifndef JP_STORE_BDB_CACHE_H
#define JP_STORE_BDB_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct bdb_cache;

/* Which record: `kind` names its database. */
struct bdb_key {
	uint8_t kind;
	const char *text;
};

/*
 * Makes a cache of about `entries` records, in a fresh `*cache`; none (NULL) of
 * 0. JP_ERR_NOMEM.
 */
enum jp_err bdb_cache_make(struct bdb_cache **cache, size_t entries);

void bdb_cache_free(struct bdb_cache *cache);

/*
 * Copies a record of at most `max` bytes out: true, and `len` gets its length;
 * 0 says that there is no such record. Otherwise `ticket` is for the
 * bdb_cache_fill() of what is read in its place.
 */
bool bdb_cache_find(struct bdb_cache *cache, const struct bdb_key *key,
    uint8_t *bytes, size_t max, size_t *len, uint64_t *ticket);

/*
 * Keeps what was read (`len` 0: that there is none), unless a commit has
 * changed something since the ticket was given.
 */
void bdb_cache_fill(struct bdb_cache *cache, const struct bdb_key *key,
    uint64_t ticket, const uint8_t *bytes, size_t len);

/*
 * What a commit made of a record. One that is not kept yet takes a free place,
 * and no other: an import does not drive out what is in use.
 */
void bdb_cache_publish(struct bdb_cache *cache, const struct bdb_key *key,
    const uint8_t *bytes, size_t len);

/* Forgets a record: it was deleted, or its state is unknown. */
void bdb_cache_drop(struct bdb_cache *cache, const struct bdb_key *key);

#endif
