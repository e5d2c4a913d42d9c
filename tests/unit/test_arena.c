/*
 * The memory of Argon2id that patd keeps: patd/arena.c, under the real
 * libsodium of this machine.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/base/clock.h"
#include "common/record/argon2.h"
#include "patd/arena.h"
#include "tests/leave_out.h"

enum {
	INPUTS = 10000,
	FAULTS_MAX = 20, /* of a hash in memory that is kept */
	HASHES = 10,
	THREADS = 4,
	KIB = 1024,
};

static atomic_ullong kept;

static int
start(void **state)
{
	(void)state;
	assert_true(arena_start(UINT64_MAX, &kept));
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	arena_stop();
	assert_int_equal(kept, 0);
	return 0;
}

static void
draw_token(struct jp_secret *token)
{
	char bytes[JP_SECRET_MAX];
	size_t len = randombytes_uniform(sizeof(bytes) + 1);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(1 + randombytes_uniform(UINT8_MAX));
	assert_int_equal(jp_secret_set(token, bytes, len), JP_ERR_OK);
}

/* Whether a hash of ours is what libsodium makes of the same in its memory. */
static void
compare(const struct jp_cost *cost)
{
	struct jp_secret token;
	struct jp_phc phc;
	char text[JP_PHC_MAX + 1];
	uint8_t tag[JP_PHC_TAG_LEN];

	draw_token(&token);
	assert_int_equal(jp_hash_make(&token, cost, text), JP_ERR_OK);
	assert_int_equal(jp_phc_parse(text, &phc), JP_ERR_OK);
	assert_int_equal(crypto_pwhash(tag, sizeof(tag), token.text, token.len,
	                     phc.salt, cost->passes, (size_t)cost->memory * KIB,
	                     crypto_pwhash_ALG_ARGON2ID13),
	    0);
	assert_memory_equal(tag, phc.tag, sizeof(tag));
}

static void
hashes_are_those_of_libsodium_in_its_own_memory(void **unused)
{
	(void)unused;
	for (unsigned int i = 0; i < INPUTS; i++)
		compare(&(struct jp_cost){
		    JP_ARGON2_MEMORY_MIN + randombytes_uniform(120),
		    1 + randombytes_uniform(3) });
	assert_true(kept > 0);
}

static void
so_they_are_at_all_bounds(void **unused)
{
	static const uint32_t memories[] = { JP_ARGON2_MEMORY_MIN,
		JP_ARGON2_MEMORY_MIN + 1, JP_ARGON2_MEMORY_MIN + 3, 2047, 2048,
		2049, JP_ARGON2_MEMORY, JP_ARGON2_MEMORY_MAX - 1,
		JP_ARGON2_MEMORY_MAX };
	static const uint32_t passes[] = { 1, JP_ARGON2_PASSES_MAX };

	(void)unused;
	for (size_t i = 0; i < sizeof(memories) / sizeof(memories[0]); i++)
		for (size_t j = 0; j < 2; j++)
			for (int again = 0; again < 2; again++)
				compare(&(struct jp_cost){
				    memories[i], passes[j] });
}

static void
hash_once(uint32_t memory)
{
	const struct jp_cost cost = { memory, 1 };
	struct jp_secret token;
	char text[JP_PHC_MAX + 1];

	draw_token(&token);
	assert_int_equal(jp_hash_make(&token, &cost, text), JP_ERR_OK);
}

static long
faults(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_THREAD, &usage), 0);
	return usage.ru_minflt;
}

static void
a_hash_after_the_first_one_faults_in_no_memory(void **unused)
{
	long before;

	(void)unused;
	hash_once(JP_ARGON2_MEMORY);
	before = faults();
	for (int i = 0; i < HASHES; i++)
		hash_once(JP_ARGON2_MEMORY);
	assert_in_range(faults() - before, 0, HASHES * FAULTS_MAX);
	assert_int_equal(kept, JP_ARGON2_MEMORY * KIB);
}

/* Whether the mapping that has `bytes` has this flag in smaps. */
static bool
has_flag(size_t bytes, const char *flag)
{
	FILE *smaps = fopen("/proc/self/smaps", "re");
	unsigned long first, last;
	char line[512];
	bool ours = false, found = false, all = true;

	assert_non_null(smaps);
	while (fgets(line, sizeof(line), smaps) != NULL) {
		if (sscanf(line, "%lx-%lx ", &first, &last) == 2)
			ours = last - first == bytes;
		if (!ours || strncmp(line, "VmFlags:", 8) != 0)
			continue;
		found = true;
		all = all && strstr(line, flag) != NULL;
	}
	(void)fclose(smaps);
	assert_true(found);
	return all;
}

/* Whether the kernel lends huge pages to who asks for them, and to no other. */
static bool
may_ask_for_huge_pages(void)
{
	FILE *enabled =
	    fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
	char line[64] = "";

	if (enabled == NULL)
		return false;
	(void)!fgets(line, sizeof(line), enabled);
	(void)fclose(enabled);
	return strstr(line, "[madvise]") != NULL;
}

/* They are dear where the machine is a virtual one: the kernel may gather them
 * later. */
static void
the_first_hash_does_not_wait_for_huge_pages(void **unused)
{
	const long pages = (long)JP_ARGON2_MEMORY * KIB / sysconf(_SC_PAGESIZE);
	long before;

	(void)unused;
	before = faults();
	hash_once(JP_ARGON2_MEMORY);
	assert_true(faults() - before >= pages / 2);
	assert_true(has_flag((size_t)JP_ARGON2_MEMORY * KIB, " hg"));
}

static void
what_is_kept_is_in_no_core_dump(void **unused)
{
	const uint32_t memory = 5 * KIB; /* of nothing else here */

	(void)unused;
	hash_once(memory);
	assert_true(has_flag(memory * KIB, " dd"));
}

static void
idle_memory_goes_back_and_used_memory_stays(void **unused)
{
	int64_t between;

	(void)unused;
	hash_once(64);
	between = jp_now_ms();
	while (jp_now_ms() == between)
		;
	hash_once(128);
	arena_sweep(between);
	assert_int_equal(kept, 128 * KIB);
	arena_sweep(INT64_MAX);
	assert_int_equal(kept, 0);
	hash_once(64);
	assert_int_equal(kept, 64 * KIB);
}

static void
more_than_there_is_room_for_is_not_kept(void **unused)
{
	(void)unused;
	arena_stop();
	assert_true(arena_start(200 * KIB, &kept));
	hash_once(64);
	hash_once(128);
	assert_int_equal(kept, (64 + 128) * KIB);
	hash_once(100); /* the other two make room */
	assert_int_equal(kept, 100 * KIB);
	hash_once(300); /* of more than the whole room: it is lent alone */
	assert_int_equal(kept, 0);
	hash_once(200);
	assert_int_equal(kept, 200 * KIB);
	hash_once(8);
	assert_int_equal(kept, 8 * KIB);
}

/* Runs `task` where no more than `room` bytes can be mapped. */
static enum jp_err
hash_in_little_space(uint32_t memory, rlim_t room)
{
	const struct jp_cost cost = { memory, 1 };
	struct rlimit limit, less;
	struct jp_secret token;
	char text[JP_PHC_MAX + 1];
	unsigned long pages;
	enum jp_err err;
	FILE *statm = fopen("/proc/self/statm", "re");

	draw_token(&token);
	assert_non_null(statm);
	assert_int_equal(fscanf(statm, "%lu", &pages), 1);
	(void)fclose(statm);
	assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
	less = limit;
	less.rlim_cur = pages * (rlim_t)sysconf(_SC_PAGESIZE) + room;
	assert_int_equal(setrlimit(RLIMIT_AS, &less), 0);
	err = jp_hash_make(&token, &cost, text);
	assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
	return err;
}

static void
memory_that_is_refused_is_an_error_and_no_leak(void **unused)
{
	(void)unused;
	assert_int_equal(
	    hash_in_little_space(JP_ARGON2_MEMORY, 4 << 20), JP_ERR_NOMEM);
	assert_int_equal(kept, 0);
	hash_once(JP_ARGON2_MEMORY);
	assert_int_equal(kept, JP_ARGON2_MEMORY * KIB);
	assert_int_equal(/* what is there needs no more */
	    hash_in_little_space(JP_ARGON2_MEMORY, 4 << 20), JP_ERR_OK);
	assert_int_equal(/* a cost of another size drops it */
	    hash_in_little_space(JP_ARGON2_MEMORY + 1024, 4 << 20), JP_ERR_OK);
	assert_int_equal(kept, (JP_ARGON2_MEMORY + 1024) * KIB);
}

static void *
map_and_unmap(void *arg)
{
	const size_t bytes = 64 * KIB; /* as large as a block that is idle */
	char *start;

	(void)arg;
	start = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (start == MAP_FAILED)
		return NULL;
	start[0] = 1;
	return munmap(start, bytes) == 0 &&
	               mincore(start, 1, &(uint8_t){ 0 }) != 0
	           ? arg
	           : NULL;
}

static void
mappings_of_others_are_none_of_ours(void **unused)
{
	(void)unused;
	hash_once(64);
	assert_ptr_equal(map_and_unmap(&kept), &kept);
	assert_int_equal(kept, 64 * KIB);
	errno = 0;
	assert_ptr_equal(
	    mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	    MAP_FAILED);
	assert_int_equal(errno, EINVAL);
}

static void *
hash_many(void *arg)
{
	for (int i = 0; i < 200; i++)
		hash_once(*(const uint32_t *)arg + (uint32_t)i % 3 * 4);
	return NULL;
}

static void
threads_do_not_share_a_block(void **unused)
{
	uint32_t memory = 64;
	pthread_t threads[THREADS];

	(void)unused;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, hash_many, &memory), 0);
	for (int i = 0; i < INPUTS / 10; i++)
		compare(&(struct jp_cost){ memory, 1 });
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_in_range(kept, 64 * KIB, 3 * (THREADS + 1) * 72 * KIB);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		TEST(hashes_are_those_of_libsodium_in_its_own_memory),
		TEST(so_they_are_at_all_bounds),
		TEST(a_hash_after_the_first_one_faults_in_no_memory),
		TEST(the_first_hash_does_not_wait_for_huge_pages),
		TEST(what_is_kept_is_in_no_core_dump),
		TEST(idle_memory_goes_back_and_used_memory_stays),
		TEST(more_than_there_is_room_for_is_not_kept),
		TEST(memory_that_is_refused_is_an_error_and_no_leak),
		TEST(mappings_of_others_are_none_of_ours),
		TEST(threads_do_not_share_a_block),
	};

	if (sodium_init() < 0)
		return 1;
	if (!arena_start(UINT64_MAX, &kept))
		leave_out("*", "a sanitizer has a mmap() of its own");
	else if (!may_ask_for_huge_pages())
		leave_out("the_first_hash_*", "no huge pages on demand");
	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
