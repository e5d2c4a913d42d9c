#include "common/store/bdb_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	WAYS = 8,
	LOCKS = 64, /* a power of two */
};

/* The key stands in front of the record, with its NUL. */
struct entry {
	uint8_t kind;
	bool used; /* since the hand last passed */
	size_t key_len, len, room;
	uint8_t bytes[];
};

/* The only places for the records of one hash. */
struct set {
	uint32_t changes; /* by commits: tickets of before are void */
	uint32_t hand;    /* whose turn it is to go */
	struct entry *ways[WAYS];
};

struct bdb_cache {
	pthread_mutex_t locks[LOCKS]; /* each of every LOCKS-th set */
	size_t set_len;               /* a power of two */
	struct set sets[];
};

/* FNV-1a: ids are random, and users are named by administrators. */
static size_t
hash_of(const struct bdb_key *key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ key->kind;

	for (const char *at = key->text; *at != '\0'; at++)
		hash = (hash ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
	return (size_t)(hash ^ hash >> 32);
}

/* The set of `key`, locked. */
static struct set *
lock_set(struct bdb_cache *cache, const struct bdb_key *key)
{
	size_t at = hash_of(key) & (cache->set_len - 1);

	(void)pthread_mutex_lock(&cache->locks[at & (LOCKS - 1)]);
	return &cache->sets[at];
}

static void
unlock_set(struct bdb_cache *cache, const struct set *set)
{
	size_t at = (size_t)(set - cache->sets);

	(void)pthread_mutex_unlock(&cache->locks[at & (LOCKS - 1)]);
}

static struct entry **
find_way(struct set *set, const struct bdb_key *key)
{
	size_t key_len = strlen(key->text) + 1;

	for (size_t i = 0; i < WAYS; i++) {
		const struct entry *entry = set->ways[i];

		if (entry != NULL && entry->kind == key->kind &&
		    entry->key_len == key_len &&
		    memcmp(entry->bytes, key->text, key_len) == 0)
			return &set->ways[i];
	}
	return NULL;
}

static struct entry **
free_way(struct set *set)
{
	for (size_t i = 0; i < WAYS; i++)
		if (set->ways[i] == NULL)
			return &set->ways[i];
	return NULL;
}

/* The next one that was not in use since its last turn. */
static struct entry **
worst_way(struct set *set)
{
	while (set->ways[set->hand % WAYS]->used)
		set->ways[set->hand++ % WAYS]->used = false;
	return &set->ways[set->hand++ % WAYS];
}

static void
empty_way(struct entry **way)
{
	free(*way);
	*way = NULL;
}

/* Puts the record there, in the memory of the last one if it fits. */
static void
put_in(struct entry **way, const struct bdb_key *key, const uint8_t *bytes,
    size_t len)
{
	size_t key_len = strlen(key->text) + 1;
	struct entry *entry = *way;

	if (entry == NULL || entry->room < key_len + len) {
		empty_way(way);
		entry = malloc(sizeof(*entry) + key_len + len);
		if (entry == NULL)
			return;
		entry->room = key_len + len;
		*way = entry;
	}
	entry->kind = key->kind;
	entry->used = true;
	entry->key_len = key_len;
	entry->len = len;
	memcpy(entry->bytes, key->text, key_len);
	if (len > 0)
		memcpy(entry->bytes + key_len, bytes, len);
}

enum jp_err
bdb_cache_make(struct bdb_cache **out, size_t entries)
{
	struct bdb_cache *cache;
	size_t set_len = 1;

	*out = NULL;
	if (entries == 0)
		return JP_ERR_OK;
	while (set_len * WAYS < entries)
		set_len *= 2;
	cache = calloc(1, sizeof(*cache) + set_len * sizeof(struct set));
	if (cache == NULL)
		return JP_ERR_NOMEM;
	cache->set_len = set_len;
	for (size_t i = 0; i < LOCKS; i++)
		(void)pthread_mutex_init(&cache->locks[i], NULL);
	*out = cache;
	return JP_ERR_OK;
}

void
bdb_cache_free(struct bdb_cache *cache)
{
	if (cache == NULL)
		return;
	for (size_t i = 0; i < cache->set_len; i++)
		for (size_t way = 0; way < WAYS; way++)
			free(cache->sets[i].ways[way]);
	for (size_t i = 0; i < LOCKS; i++)
		(void)pthread_mutex_destroy(&cache->locks[i]);
	free(cache);
}

bool
bdb_cache_find(struct bdb_cache *cache, const struct bdb_key *key,
    uint8_t *bytes, size_t max, size_t *len, uint64_t *ticket)
{
	struct entry **way;
	struct set *set;
	bool found;

	*ticket = 0;
	if (cache == NULL)
		return false;
	set = lock_set(cache, key);
	way = find_way(set, key);
	found = way != NULL && (*way)->len <= max;
	if (found) {
		(*way)->used = true;
		*len = (*way)->len;
		memcpy(bytes, (*way)->bytes + (*way)->key_len, *len);
	}
	*ticket = set->changes;
	unlock_set(cache, set);
	return found;
}

void
bdb_cache_fill(struct bdb_cache *cache, const struct bdb_key *key,
    uint64_t ticket, const uint8_t *bytes, size_t len)
{
	struct entry **way;
	struct set *set;

	if (cache == NULL)
		return;
	set = lock_set(cache, key);
	if (set->changes == ticket) {
		way = find_way(set, key);
		if (way == NULL)
			way = free_way(set);
		if (way == NULL)
			way = worst_way(set);
		put_in(way, key, bytes, len);
	}
	unlock_set(cache, set);
}

void
bdb_cache_publish(struct bdb_cache *cache, const struct bdb_key *key,
    const uint8_t *bytes, size_t len)
{
	struct entry **way;
	struct set *set;

	if (cache == NULL)
		return;
	set = lock_set(cache, key);
	set->changes++;
	way = find_way(set, key);
	if (way == NULL)
		way = free_way(set);
	if (way != NULL)
		put_in(way, key, bytes, len);
	unlock_set(cache, set);
}

void
bdb_cache_drop(struct bdb_cache *cache, const struct bdb_key *key)
{
	struct entry **way;
	struct set *set;

	if (cache == NULL)
		return;
	set = lock_set(cache, key);
	set->changes++;
	way = find_way(set, key);
	if (way != NULL)
		empty_way(way);
	unlock_set(cache, set);
}
