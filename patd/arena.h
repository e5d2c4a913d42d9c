/*
 * The memory of Argon2id is kept between hashes. libsodium maps it anew for
 * each one, and the kernel then hands out and clears every page of it: 4,864
 * page faults for 19 MiB, of the cost of the hash itself or more. It offers no
 * allocator, so patd defines mmap(2) and munmap(2), which libsodium calls by
 * name: while a thread hashes, the mapping of exactly that size is a block of
 * ours; all else goes to the kernel as it is.
 *
 * What a block holds after a hash makes guesses at its token cheaper, no more:
 * it is not in a core dump, and goes back to the kernel when it is idle.
 */
#ifndef PATD_ARENA_H
#define PATD_ARENA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Begins to keep blocks: with those that are lent they take at most `room`
 * bytes, but that what libsodium needs is never refused here. `bytes`, the
 * caller's, always tells how many they take. False, and nothing is kept, where
 * the functions belong to somebody else: a build with a sanitizer.
 */
bool arena_start(uint64_t room, atomic_ullong *bytes);

/* Gives back the blocks that no hash has used since `since_ms` of jp_now_ms()
 */
void arena_sweep(int64_t since_ms);

/* Gives back all blocks, and keeps none from now on. No hash may run. */
void arena_stop(void);

#endif
