/*
 * patd/maintenance.c: how often uses are written, and that idle memory goes
 * back. The period is short here; what is counted is how many writes fit into
 * the time that went by.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/decide/open.h"
#include "common/wire/client.h"
#include "tests/unit/core_help.h"
#include "tests/unit/store_mem.h"
#include "common/decide/usage.h"
#include "common/record/argon2.h"
#include "patd/arena.h"
#include "patd/maintenance.h"

#define NOW INT64_C(1800000000)

enum {
	TOKENS = 10,
	PERIOD_MS = 50,
	WAIT_MS = 60000,
};

struct fixture {
	struct jp_core core;
	struct maintenance *maintenance;
	unsigned int noted; /* uses of each token */
};

static void
id_of(unsigned int number, char id[JP_TOKEN_ID_LEN + 1])
{
	(void)snprintf(id, JP_TOKEN_ID_LEN + 1, "a%07u", number % 10000000);
}

static uint64_t
commits(struct fixture *fixture)
{
	struct jp_store_info info;

	assert_int_equal(jp_store_info(fixture->core.store, &info), JP_ERR_OK);
	return info.commits;
}

static int
set_up(void **state)
{
	static struct fixture fixture;
	struct jp_settings settings;

	memset(&fixture, 0, sizeof(fixture));
	*state = &fixture;
	core_help_settings(&settings);
	core_help_open(&fixture.core, &settings, NULL);
	fixture.core.usage = jp_usage_make();
	assert_non_null(fixture.core.usage);
	for (unsigned int i = 0; i < TOKENS; i++) {
		struct jp_record record = { .created_at = NOW };
		const struct jp_change change = { JP_CHANGE_CREATE, &record };

		id_of(i, record.id);
		(void)strcpy(record.user, "alice");
		assert_int_equal(
		    jp_store_commit(fixture.core.store, &change, 1), JP_ERR_OK);
	}
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	maintenance_stop(fixture->maintenance);
	jp_core_close(&fixture->core);
	return 0;
}

/* One use of each token. */
static void
use_all(struct fixture *fixture)
{
	const struct jp_request request = { .service = "jira" };
	char id[JP_TOKEN_ID_LEN + 1];

	for (unsigned int i = 0; i < TOKENS; i++) {
		id_of(i, id);
		jp_usage_note(fixture->core.usage, id, &request, NOW);
	}
	fixture->noted++;
}

static void
assert_counted(struct fixture *fixture)
{
	struct jp_record record;
	char id[JP_TOKEN_ID_LEN + 1];

	for (unsigned int i = 0; i < TOKENS; i++) {
		id_of(i, id);
		assert_int_equal(
		    jp_store_get(fixture->core.store, id, &record), JP_ERR_OK);
		assert_int_equal(record.use_count, fixture->noted);
	}
}

static void
start(struct fixture *fixture, unsigned int save_ms)
{
	assert_int_equal(
	    maintenance_start(&fixture->maintenance, &fixture->core, save_ms),
	    JP_ERR_OK);
}

static void
a_period_has_one_write_of_all_tokens(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t before = commits(fixture);
	const int64_t begin_ms = jp_now_ms();
	uint64_t writes = 0;

	start(fixture, PERIOD_MS);
	while (writes < 10) {
		use_all(fixture);
		writes = commits(fixture) - before;
		assert_true(jp_now_ms() < begin_ms + WAIT_MS);
	}
	assert_true(writes <= (uint64_t)(jp_now_ms() - begin_ms) / PERIOD_MS);
	assert_true(fixture->noted > writes);
	maintenance_stop(fixture->maintenance);
	fixture->maintenance = NULL;
	assert_int_equal(jp_usage_flush(fixture->core.usage, &fixture->core),
	    JP_ERR_OK); /* as jp_core_close() does */
	assert_counted(fixture);
}

/* That it lives for a minute is what a crash may cost. */
static void
nothing_is_written_before_the_period_is_over(void **state)
{
	struct fixture *fixture = *state;
	const uint64_t before = commits(fixture);
	const int64_t begin_ms = jp_now_ms();

	start(fixture, MAINTENANCE_PERIOD_MS);
	for (int i = 0; i < 10000; i++)
		use_all(fixture);
	maintenance_stop(fixture->maintenance);
	fixture->maintenance = NULL;
	if (jp_now_ms() < begin_ms + MAINTENANCE_PERIOD_MS)
		assert_int_equal(commits(fixture), before);
	assert_int_equal(
	    jp_usage_flush(fixture->core.usage, &fixture->core), JP_ERR_OK);
	assert_counted(fixture);
}

/* Or else a start after a kill would have to replay all of their log. */
static void
many_uses_are_written_at_once_with_a_checkpoint(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_store *store = fixture->core.store;
	const int64_t begin_ms = jp_now_ms();
	const uint64_t before = commits(fixture);

	start(fixture, MAINTENANCE_PERIOD_MS);
	for (unsigned int i = 1; i <= 3; i++) {
		use_all(fixture);
		maintenance_hurry(fixture->maintenance);
		while (jp_store_mem_checkpoints(store) < i)
			assert_true(jp_now_ms() < begin_ms + WAIT_MS);
		assert_int_equal(commits(fixture), before + i);
	}
	assert_counted(fixture);
}

static void
without_uses_nothing_is_written(void **state)
{
	struct fixture *fixture = *state;
	const int64_t begin_ms = jp_now_ms();
	const uint64_t before = commits(fixture);

	start(fixture, 1);
	while (jp_now_ms() < begin_ms + 50)
		(void)commits(fixture);
	assert_int_equal(commits(fixture), before);
}

static void
memory_of_hashes_that_is_idle_goes_back(void **state)
{
	static atomic_ullong kept;
	struct fixture *fixture = *state;
	const int64_t begin_ms = jp_now_ms();
	struct jp_secret token = { .len = 0 };
	char phc[JP_PHC_MAX + 1];

	if (!arena_start(UINT64_MAX, &kept))
		return; /* a sanitizer keeps none */
	assert_int_equal(
	    jp_hash_make(&token, &(struct jp_cost){ 64, 1 }, phc), JP_ERR_OK);
	assert_true(kept > 0);
	start(fixture, 1);
	while (kept > 0)
		assert_true(jp_now_ms() < begin_ms + WAIT_MS);
	arena_stop();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_period_has_one_write_of_all_tokens),
		TEST(nothing_is_written_before_the_period_is_over),
		TEST(many_uses_are_written_at_once_with_a_checkpoint),
		TEST(without_uses_nothing_is_written),
		TEST(memory_of_hashes_that_is_idle_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
