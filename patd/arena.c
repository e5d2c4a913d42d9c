#include "patd/arena.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/config/budget.h"
#include "common/record/argon2.h"

/* The sanitizers have a mmap() of their own; elsewhere than with 64 bits the
 * system call has another form. */
#if defined(__LP64__) && !defined(__SANITIZE_ADDRESS__) &&                     \
    !defined(__SANITIZE_THREAD__)

enum { HUGE_PAGE = 2 << 20 };

/* Free: no bytes. While it is mapped: bytes, but no start. */
struct block {
	void *start;
	size_t bytes;
	bool lent;
	int64_t used_ms; /* of jp_now_ms() */
};

static struct {
	pthread_mutex_t mutex; /* of all that follows */
	uint64_t room;
	atomic_ullong *bytes; /* of all blocks */
	struct block blocks[JP_WORKERS_MAX];
} arena = { .mutex = PTHREAD_MUTEX_INITIALIZER };

/* The hash that this thread is in. */
static _Thread_local struct {
	size_t wanted; /* 0: none */
	struct block *block;
} hash;

static void *
map(void *start, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	/* -1 with errno, as MAP_FAILED is. */
	return (void *)syscall(SYS_mmap, start, bytes, prot, flags, fd, offset);
}

static int
unmap(void *start, size_t bytes)
{
	return (int)syscall(SYS_munmap, start, bytes);
}

static void
forget(struct block *block)
{
	atomic_fetch_sub(arena.bytes, block->bytes);
	*block = (struct block){ 0 };
}

/* To the kernel. */
static void
drop(struct block *block)
{
	(void)unmap(block->start, block->bytes);
	forget(block);
}

/* Idle blocks that no hash has used since then. */
static void
drop_since(int64_t since_ms)
{
	for (size_t i = 0; i < JP_WORKERS_MAX; i++) {
		struct block *block = &arena.blocks[i];

		if (block->bytes == 0 || block->lent ||
		    block->used_ms > since_ms)
			continue;
		drop(block);
	}
}

/* Of idle blocks of this size the one whose memory is the nearest. */
static struct block *
find_idle(size_t bytes)
{
	struct block *found = NULL;

	for (size_t i = 0; i < JP_WORKERS_MAX; i++) {
		struct block *block = &arena.blocks[i];

		if (block->bytes == bytes && !block->lent &&
		    (found == NULL || block->used_ms > found->used_ms))
			found = block;
	}
	return found;
}

static struct block *
find_free(void)
{
	for (size_t i = 0; i < JP_WORKERS_MAX; i++)
		if (arena.blocks[i].bytes == 0)
			return &arena.blocks[i];
	return NULL;
}

/* A block of that size, taken: one without start is to be mapped. NULL: none.
 */
static struct block *
take(size_t bytes)
{
	struct block *block;

	pthread_mutex_lock(&arena.mutex);
	block = find_idle(bytes);
	if (block == NULL) {
		if (atomic_load(arena.bytes) + bytes > arena.room)
			drop_since(INT64_MAX);
		block = find_free();
		if (block != NULL) {
			block->bytes = bytes;
			atomic_fetch_add(arena.bytes, bytes);
		}
	}
	if (block != NULL)
		block->lent = true;
	pthread_mutex_unlock(&arena.mutex);
	return block;
}

/*
 * What there was no room for is not kept. What has served once may become huge
 * pages, in the background: the first hash does not wait for them, which may
 * take several times as long as the hash where the machine is a virtual one.
 */
static void
take_back(struct block *block)
{
	pthread_mutex_lock(&arena.mutex);
	if (block->used_ms == 0)
		(void)madvise(block->start, block->bytes, MADV_HUGEPAGE);
	block->lent = false;
	block->used_ms = jp_now_ms();
	if (atomic_load(arena.bytes) > arena.room)
		drop(block);
	pthread_mutex_unlock(&arena.mutex);
}

static void
give_up(struct block *block)
{
	pthread_mutex_lock(&arena.mutex);
	forget(block);
	pthread_mutex_unlock(&arena.mutex);
}

/*
 * Memory for a block. It begins where a huge page does: Argon2id reads all over
 * it, and so needs few entries of the TLB, where the kernel lends such pages to
 * who asks for them (transparent_hugepage: madvise or always), as take_back()
 * does.
 */
static void *
map_block(size_t bytes)
{
	const int prot = PROT_READ | PROT_WRITE;
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	char *start = map(NULL, bytes + HUGE_PAGE, prot, flags, -1, 0);
	size_t before;

	if (start == MAP_FAILED) {
		start = map(NULL, bytes, prot, flags, -1, 0);
		if (start == MAP_FAILED)
			return start;
	} else {
		before = -(uintptr_t)start % HUGE_PAGE;
		if (before > 0)
			(void)unmap(start, before);
		start += before;
		(void)unmap(start + bytes, HUGE_PAGE - before);
	}
	(void)madvise(start, bytes, MADV_DONTDUMP);
	return start;
}

/* The same; what is kept must not be what the kernel lacks. */
static void *
map_block_at_last(size_t bytes)
{
	void *start = map_block(bytes);

	if (start != MAP_FAILED)
		return start;
	arena_sweep(INT64_MAX);
	return map_block(bytes);
}

/* The memory for the hash of this thread. */
static void *
lend(size_t bytes)
{
	struct block *block = take(bytes);
	void *start;

	if (block != NULL && block->start != NULL) {
		hash.block = block;
		return block->start;
	}
	start = map_block_at_last(bytes);
	if (block == NULL)
		return start;
	if (start == MAP_FAILED) {
		give_up(block);
		return start;
	}
	block->start = start;
	hash.block = block;
	return start;
}

/* For libsodium, which finds the two by their names. */
#pragma GCC visibility push(default)

void *
mmap(void *start, size_t bytes, int prot, int flags, int fd, off_t offset)
{
	if (hash.wanted != 0 && hash.wanted == bytes && hash.block == NULL &&
	    start == NULL && fd == -1 && prot == (PROT_READ | PROT_WRITE) &&
	    (flags & MAP_TYPE) == MAP_PRIVATE)
		return lend(bytes);
	return map(start, bytes, prot, flags, fd, offset);
}

int
munmap(void *start, size_t bytes)
{
	struct block *block = hash.block;

	if (block == NULL || block->start != start || block->bytes != bytes)
		return unmap(start, bytes);
	hash.block = NULL;
	take_back(block);
	return 0;
}

#pragma GCC visibility pop

static void
begin(size_t bytes)
{
	hash.wanted = bytes;
}

/* Memory that libsodium did not give back is its own from now on. */
static void
end(void)
{
	if (hash.block != NULL)
		give_up(hash.block);
	hash.block = NULL;
	hash.wanted = 0;
}

bool
arena_start(uint64_t room, atomic_ullong *bytes)
{
	static const struct jp_argon2_memory memory = { begin, end };

	arena.room = room;
	arena.bytes = bytes;
	atomic_store(bytes, 0);
	jp_argon2_provide(&memory);
	return true;
}

void
arena_sweep(int64_t since_ms)
{
	pthread_mutex_lock(&arena.mutex);
	drop_since(since_ms);
	pthread_mutex_unlock(&arena.mutex);
}

void
arena_stop(void)
{
	jp_argon2_provide(NULL);
	arena_sweep(INT64_MAX);
}

#else

bool
arena_start(uint64_t room, atomic_ullong *bytes)
{
	(void)room;
	atomic_store(bytes, 0);
	return false;
}

void
arena_sweep(int64_t since_ms)
{
	(void)since_ms;
}

void
arena_stop(void)
{
}

#endif
