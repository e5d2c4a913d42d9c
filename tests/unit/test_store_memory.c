/*
 * Berkeley DB without memory, where it asks again and again for what it does
 * not get: common/store/bdb_env.c has it get that at the start.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "common/store/bdb_internal.h"
#include "tests/unit/store_help.h"

enum {
	IN_VAIN = 200,  /* calls, after which there is memory again */
	AT_ONCE = 512,  /* transactions and questions of patd, at most */
	MANY = 1 << 16, /* more than there may be */
};

static bool missing;
static int in_vain;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *
__wrap_malloc(size_t size)
{
	if (missing && in_vain < IN_VAIN) {
		in_vain++;
		return NULL;
	}
	return __real_malloc(size);
}

/* Each transaction has one, and each question outside of one. */
static void
who_takes_locks_needs_no_memory_for_that(void **state)
{
	static uint32_t lockers[MANY];
	char dir[PATH_MAX];
	struct jp_store_options options;
	struct jp_store *store = NULL;
	struct jp_why why;
	DB_ENV *env;
	size_t count = 0;
	int ret = 0;

	(void)state;
	scratch_make(dir);
	options = options_for(dir);
	assert_int_equal(jp_store_bdb_create(&options, &why), JP_ERR_OK);
	assert_int_equal(jp_store_bdb_open(&options, &store, &why), JP_ERR_OK);
	env = bdb_of(store)->env;
	missing = true;
	while (count < MANY && in_vain < IN_VAIN &&
	       (ret = env->lock_id(env, &lockers[count])) == 0)
		count++;
	missing = false;
	assert_in_range(in_vain, 0, IN_VAIN / 2);
	assert_int_equal(ret, ENOMEM);
	assert_in_range(count, AT_ONCE, MANY);
	while (count > 0)
		assert_int_equal(env->lock_id_free(env, lockers[--count]), 0);
	jp_store_close(store);
	scratch_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_takes_locks_needs_no_memory_for_that),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
