#include "common/decide/memo.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(JP_MEMO_KEY_LEN == crypto_generichash_KEYBYTES &&
                   JP_MEMO_TAG_LEN == crypto_generichash_BYTES,
    "keys and tags are those of BLAKE2b-256");

/* All that is secret, in one piece of locked memory. */
struct table {
	struct jp_memo_key key;
	struct jp_memo_entry ways[][JP_MEMO_WAYS];
};

enum {
	SETS = 2, /* that a pair may lie in */
	CANDIDATES = SETS * JP_MEMO_WAYS,
};

struct jp_memo {
	pthread_mutex_t mutex; /* of `table` */
	struct table *table;
	struct jp_memo_file *file; /* NULL: only in memory */
	size_t sets;               /* a power of two */
	struct jp_clock clock;
	atomic_ullong hits, misses, inserts, evictions, entries;
};

/* The length of `text`, little end first, and `text`. */
static void
hash_text(crypto_generichash_state *state, const char *text, size_t len)
{
	uint8_t bytes[4];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(len >> 8 * i);
	(void)crypto_generichash_update(state, bytes, sizeof(bytes));
	(void)crypto_generichash_update(state, (const uint8_t *)text, len);
}

void
jp_memo_key_make(struct jp_memo_key *key)
{
	randombytes_buf(key->bytes, sizeof(key->bytes));
}

void
jp_memo_tag(const struct jp_memo_key *key, const char *phc,
    const struct jp_secret *token, uint8_t tag[JP_MEMO_TAG_LEN])
{
	static const uint8_t domain[] = "jpat-memo-v1";
	crypto_generichash_state state;

	(void)crypto_generichash_init(
	    &state, key->bytes, sizeof(key->bytes), JP_MEMO_TAG_LEN);
	(void)crypto_generichash_update(&state, domain, sizeof(domain) - 1);
	hash_text(&state, phc, strlen(phc));
	hash_text(&state, token->text, token->len);
	(void)crypto_generichash_final(&state, tag, JP_MEMO_TAG_LEN);
	sodium_memzero(&state, sizeof(state));
}

static size_t
table_size(size_t sets)
{
	return sizeof(struct table) +
	       sets * sizeof(struct jp_memo_entry[JP_MEMO_WAYS]);
}

/* The table is empty, or holds what was made with this key. */
static void
take_key(struct jp_memo *memo)
{
	if (memo->file != NULL)
		jp_memo_file_key(memo->file, &memo->table->key);
	else
		jp_memo_key_make(&memo->table->key);
}

enum jp_err
jp_memo_make(
    struct jp_memo **out, uint32_t entries, const struct jp_clock *clock)
{
	struct jp_memo *memo;

	*out = NULL;
	if (entries == 0)
		return JP_ERR_OK;
	memo = calloc(1, sizeof(*memo));
	if (memo == NULL)
		return JP_ERR_NOMEM;
	for (memo->sets = 1; memo->sets * JP_MEMO_WAYS < entries;)
		memo->sets *= 2;
	memo->clock = *clock;
	memo->table = sodium_malloc(table_size(memo->sets));
	if (memo->table == NULL ||
	    pthread_mutex_init(&memo->mutex, NULL) != 0) {
		sodium_free(memo->table);
		free(memo);
		return JP_ERR_NOMEM;
	}
	*out = memo;
	jp_memo_flush(memo);
	return JP_ERR_OK;
}

static size_t
count_taken(const struct jp_memo *memo)
{
	const struct jp_memo_entry *ways = memo->table->ways[0];
	size_t taken = 0;

	for (size_t i = 0; i < memo->sets * JP_MEMO_WAYS; i++)
		taken += ways[i].deadline != 0;
	return taken;
}

enum jp_err
jp_memo_keep(struct jp_memo *memo, const char *run_dir,
    const struct jp_memo_ties *ties, uint64_t *kept, struct jp_why *why)
{
	enum jp_err err;

	*kept = 0;
	if (memo == NULL)
		return JP_ERR_OK;
	pthread_mutex_lock(&memo->mutex);
	err =
	    jp_memo_file_open(&memo->file, run_dir, ties, memo->table->ways[0],
	        memo->sets * JP_MEMO_WAYS, jp_clock_now(&memo->clock), why);
	take_key(memo);
	if (err == JP_ERR_OK)
		*kept = count_taken(memo);
	atomic_store(&memo->entries, *kept);
	pthread_mutex_unlock(&memo->mutex);
	return err;
}

void
jp_memo_lock_file(struct jp_memo *memo)
{
	if (memo != NULL && memo->file != NULL)
		jp_memo_file_lock(memo->file);
}

void
jp_memo_free(struct jp_memo *memo)
{
	if (memo == NULL)
		return;
	sodium_free(memo->table); /* wipes it */
	jp_memo_file_close(memo->file);
	(void)pthread_mutex_destroy(&memo->mutex);
	free(memo);
}

/*
 * The tag of the pair, and the only ways that may hold it: those of both sets
 * in turn, so that the first free one is in the set with more room.
 */
static void
locate(const struct jp_memo *memo, const char *phc,
    const struct jp_secret *token, uint8_t tag[JP_MEMO_TAG_LEN],
    struct jp_memo_entry *ways[CANDIDATES])
{
	uint32_t bits[SETS];

	jp_memo_tag(&memo->table->key, phc, token, tag);
	memcpy(bits, tag, sizeof(bits));
	for (size_t i = 0; i < CANDIDATES; i++)
		ways[i] =
		    &memo->table
		         ->ways[bits[i % SETS] & (memo->sets - 1)][i / SETS];
}

/* All ones if they are the same, else 0. */
static uintptr_t
same_mask(const uint8_t a[JP_MEMO_TAG_LEN], const uint8_t b[JP_MEMO_TAG_LEN])
{
	uint64_t x[JP_MEMO_TAG_LEN / 8], y[JP_MEMO_TAG_LEN / 8], differ = 0;

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	for (size_t i = 0; i < JP_MEMO_TAG_LEN / 8; i++)
		differ |= x[i] ^ y[i];
	/* The highest bit is set unless differ is 0. */
	return (uintptr_t)((differ | (0 - differ)) >> 63) - 1;
}

static uintptr_t
choose(uintptr_t mask, uintptr_t yes, uintptr_t no)
{
	return (yes & mask) | (no & ~mask);
}

/*
 * The way that holds `tag`, or NULL. All of them are looked at, each tag as a
 * whole, and none of this is a branch: timing reveals neither where nor how far
 * one matched. A deadline is no secret.
 */
static struct jp_memo_entry *
find_way(struct jp_memo_entry *const ways[CANDIDATES],
    const uint8_t tag[JP_MEMO_TAG_LEN], int64_t now)
{
	uintptr_t found = 0;

	for (size_t i = 0; i < CANDIDATES; i++)
		if (ways[i]->deadline > now)
			found = choose(same_mask(ways[i]->tag, tag),
			    (uintptr_t)ways[i], found);
	return (struct jp_memo_entry *)found;
}

bool
jp_memo_find(
    struct jp_memo *memo, const char *phc, const struct jp_secret *token)
{
	struct jp_memo_entry *ways[CANDIDATES];
	uint8_t tag[JP_MEMO_TAG_LEN];
	int64_t now;
	bool found;

	if (memo == NULL)
		return false;
	now = jp_clock_now(&memo->clock);
	pthread_mutex_lock(&memo->mutex);
	locate(memo, phc, token, tag, ways);
	found = find_way(ways, tag, now) != NULL;
	pthread_mutex_unlock(&memo->mutex);
	atomic_fetch_add(found ? &memo->hits : &memo->misses, 1);
	return found;
}

/* A free way is the oldest of all. */
static struct jp_memo_entry *
oldest_way(struct jp_memo_entry *const ways[CANDIDATES])
{
	struct jp_memo_entry *oldest = ways[0];

	for (size_t i = 1; i < CANDIDATES; i++)
		if (ways[i]->deadline < oldest->deadline)
			oldest = ways[i];
	return oldest;
}

/* What is not to last leaves nothing there, not even what it replaces. */
static void
write_way(struct jp_memo *memo, const struct jp_memo_entry *way, bool lasting)
{
	static const struct jp_memo_entry none;

	if (memo->file != NULL)
		jp_memo_file_write(memo->file,
		    (size_t)(way - memo->table->ways[0]),
		    lasting ? way : &none);
}

void
jp_memo_add(struct jp_memo *memo, const char *phc,
    const struct jp_secret *token, bool lasting)
{
	struct jp_memo_entry *ways[CANDIDATES], *way;
	uint8_t tag[JP_MEMO_TAG_LEN];
	int64_t now;

	if (memo == NULL)
		return;
	now = jp_clock_now(&memo->clock);
	pthread_mutex_lock(&memo->mutex);
	locate(memo, phc, token, tag, ways);
	way = find_way(ways, tag, now);
	if (way == NULL) {
		way = oldest_way(ways);
		if (way->deadline == 0)
			atomic_fetch_add(&memo->entries, 1);
		else if (way->deadline > now)
			atomic_fetch_add(&memo->evictions, 1);
	}
	memcpy(way->tag, tag, sizeof(tag));
	way->deadline = now + JP_MEMO_LIFETIME;
	write_way(memo, way, lasting);
	pthread_mutex_unlock(&memo->mutex);
	atomic_fetch_add(&memo->inserts, 1);
}

void
jp_memo_flush(struct jp_memo *memo)
{
	if (memo == NULL)
		return;
	pthread_mutex_lock(&memo->mutex);
	sodium_memzero(memo->table, table_size(memo->sets));
	if (memo->file != NULL)
		jp_memo_file_renew(memo->file);
	take_key(memo);
	atomic_store(&memo->entries, 0);
	pthread_mutex_unlock(&memo->mutex);
}

void
jp_memo_count(struct jp_memo *memo, struct jp_memo_counts *counts)
{
	memset(counts, 0, sizeof(*counts));
	if (memo == NULL)
		return;
	counts->hits = atomic_load(&memo->hits);
	counts->misses = atomic_load(&memo->misses);
	counts->inserts = atomic_load(&memo->inserts);
	counts->evictions = atomic_load(&memo->evictions);
	counts->entries = atomic_load(&memo->entries);
}
