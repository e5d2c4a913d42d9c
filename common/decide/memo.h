/*
 * What keeps Argon2id off the hot path: a table that remembers *that a token
 * text matches a PHC string*. That never changes, as the same hash of the
 * same text gives the same result; so nothing has to be removed when a token is
 * revoked, and it holds no decision and no error.
 *
 * A second table, of its own key, remembers the pairs that do not match: where
 * there is no fast tag, the same wrong text tried again costs nothing. It says
 * no to that text only; neither table knows an id or a user.
 *
 * It holds neither tokens nor ids: an entry is a keyed BLAKE2b (RFC 7693) of
 * both texts, with their lengths in front so that no two pairs read the same.
 * The key is random. Table and key lie in locked memory; the table may also be
 * kept in a file, so that another process of the same boot goes on with it
 * (common/decide/memo_file.h).
 *
 * A pair may lie in either of two sets, which its tag names, and goes to the
 * one with more room: a table that is half full loses hardly any.
 */
#ifndef JP_MEMO_H
#define JP_MEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "common/base/err.h"
#include "common/base/secret.h"
#include "common/decide/memo_file.h"

#define JP_MEMO_WAYS 4
#define JP_MEMO_WRONG_ENTRIES 1024U

struct jp_memo_counts {
	uint64_t hits;
	uint64_t misses; /* lookups; a cold token is looked up twice */
	uint64_t inserts;
	uint64_t evictions; /* of entries that were not too old yet */
	uint64_t entries;   /* places taken now */
};

struct jp_memo;

void jp_memo_key_make(struct jp_memo_key *key);

/* The tag that stands for the pair of `phc` and `token`. */
void jp_memo_tag(const struct jp_memo_key *key, const char *phc,
    const struct jp_secret *token, uint8_t tag[JP_MEMO_TAG_LEN]);

/*
 * Makes a table of `entries`, rounded up to a power of two; 0: `memo` becomes
 * NULL, which every function below takes for a table that is always empty.
 * `clock` must not jump: jp_steady_clock. JP_ERR_NOMEM.
 */
enum jp_err jp_memo_make(
    struct jp_memo **memo, uint32_t entries, const struct jp_clock *clock);

/*
 * Keeps an empty table in the file of `run_dir`, and goes on with what is in
 * it: `kept` pairs. As jp_memo_file_open(); on an error the table is only in
 * memory.
 */
enum jp_err jp_memo_keep(struct jp_memo *memo, const char *run_dir,
    const struct jp_memo_ties *ties, uint64_t *kept, struct jp_why *why);

/* Locks its file in memory, if there is one: after all that says more. */
void jp_memo_lock_file(struct jp_memo *memo);

/* Wipes and frees it; a file stays. */
void jp_memo_free(struct jp_memo *memo);

/* Whether the pair is in the table. */
bool jp_memo_find(
    struct jp_memo *memo, const char *phc, const struct jp_secret *token);

/*
 * Puts the pair into the table, in place of the oldest. `lasting`: also into
 * the file, if there is one. That is not for a secret which may be guessed.
 */
void jp_memo_add(struct jp_memo *memo, const char *phc,
    const struct jp_secret *token, bool lasting);

/* Forgets all, and takes another key. */
void jp_memo_flush(struct jp_memo *memo);

void jp_memo_count(struct jp_memo *memo, struct jp_memo_counts *counts);

#endif
