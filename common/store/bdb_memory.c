/*
 * Memory of the engine. While it opens, recovers, copies or closes a store it
 * cannot do without: where it gets none there, it follows a pointer to
 * something else, and the process crashes. So a thread that does this finds
 * some set aside.
 */
#include "common/store/bdb_internal.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROOM = 4 << 20, /* a file takes little more than one megabyte */
	ALIGN = 16,
	TRIES = 100, /* in vain, until the next one waits */
};

/* Only written where memory has run out. What lies there may stay for good. */
static _Alignas(ALIGN) uint8_t room[ROOM];
static pthread_mutex_t copying = PTHREAD_MUTEX_INITIALIZER; /* of those below */
static size_t used;
static size_t last; /* where the newest piece begins */
static __thread bool copies;

static bool
is_aside(const void *memory)
{
	const uint8_t *at = memory;

	return at >= room && at < room + ROOM;
}

static void *
take_aside(size_t size)
{
	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!copies || size > ROOM - used)
		return NULL;
	last = used;
	used += size;
	return room + last;
}

/*
 * Who asks again and again until there is memory does so with pauses, or it
 * would burn a processor. What takes too long is a store that is stuck, and
 * patd is started anew.
 */
static void
wait_for_memory(bool found)
{
	static __thread unsigned int tries;

	if (found)
		tries = 0;
	else if (tries < TRIES)
		tries++;
	else
		bdb_sleep_ms(1);
}

static void *
engine_malloc(size_t size)
{
	void *memory = malloc(size);

	if (memory == NULL)
		memory = take_aside(size);
	wait_for_memory(memory != NULL);
	return memory;
}

/* Only the newest piece can be used again. */
static void
engine_free(void *memory)
{
	if (!is_aside(memory))
		free(memory);
	else if (copies && memory == room + last)
		used = last;
}

static size_t
size_of(void *memory)
{
	return is_aside(memory) ? (size_t)(room + ROOM - (uint8_t *)memory)
	                        : malloc_usable_size(memory);
}

static void *
engine_realloc(void *memory, size_t size)
{
	bool aside = is_aside(memory); /* asked before it may be gone */
	void *other = aside ? malloc(size) : realloc(memory, size);

	if (other != NULL && !aside)
		return other;
	if (other == NULL)
		other = take_aside(size);
	if (other == NULL || memory == NULL)
		return other;
	memmove(other, memory, size < size_of(memory) ? size : size_of(memory));
	engine_free(memory);
	return other;
}

void
bdb_memory_free(void *memory)
{
	engine_free(memory);
}

int
bdb_memory_prepare(void)
{
	int ret = db_env_set_func_malloc(engine_malloc);

	if (ret == 0)
		ret = db_env_set_func_realloc(engine_realloc);
	return ret == 0 ? db_env_set_func_free(engine_free) : ret;
}

void
bdb_memory_hold(void)
{
	(void)pthread_mutex_lock(&copying);
	copies = true;
}

void
bdb_memory_drop(void)
{
	copies = false;
	(void)pthread_mutex_unlock(&copying);
}
