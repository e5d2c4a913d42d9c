/*
 * The maintenance of the store, patd/maintenance.c: how often uses are written.
 * Its period is short here; what is counted is how many writes fit into the
 * time that went by.
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
#include "tests/unit/store_mem.h"
#include "common/decide/usage.h"
#include "patd/maintenance.h"

#define NOW INT64_C(1800000000)

enum {
	TOKENS = 10,
	PERIOD_MS = 50,
	WAIT_MS = 60000,
};

struct world {
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
commits(struct world *world)
{
	struct jp_store_info info;

	assert_int_equal(jp_store_info(world->core.store, &info), JP_ERR_OK);
	return info.commits;
}

static int
set_up(void **state)
{
	static struct world world;
	const struct jp_pepper pepper = { { 0 } };
	const struct jp_policy policy = { .max_per_user = 0 };
	struct jp_store *store;

	memset(&world, 0, sizeof(world));
	*state = &world;
	assert_int_equal(jp_store_mem_open(&store), JP_ERR_OK);
	assert_int_equal(jp_core_init(&world.core, store, &pepper, &policy,
	                     &jp_system_clock),
	    JP_ERR_OK);
	world.core.usage = jp_usage_make();
	assert_non_null(world.core.usage);
	for (unsigned int i = 0; i < TOKENS; i++) {
		struct jp_record record = { .created_at = NOW };
		const struct jp_change change = { JP_CHANGE_CREATE, &record };

		id_of(i, record.id);
		(void)strcpy(record.user, "alice");
		assert_int_equal(jp_store_commit(store, &change, 1), JP_ERR_OK);
	}
	return 0;
}

static int
tear_down(void **state)
{
	struct world *world = *state;

	maintenance_stop(world->maintenance);
	jp_core_close(&world->core);
	return 0;
}

/* One use of each token. */
static void
use_all(struct world *world)
{
	const struct jp_request request = { .service = "jira" };
	char id[JP_TOKEN_ID_LEN + 1];

	for (unsigned int i = 0; i < TOKENS; i++) {
		id_of(i, id);
		jp_usage_note(world->core.usage, id, &request, NOW);
	}
	world->noted++;
}

static void
assert_counted(struct world *world)
{
	struct jp_record record;
	char id[JP_TOKEN_ID_LEN + 1];

	for (unsigned int i = 0; i < TOKENS; i++) {
		id_of(i, id);
		assert_int_equal(
		    jp_store_get(world->core.store, id, &record), JP_ERR_OK);
		assert_int_equal(record.use_count, world->noted);
	}
}

static void
start(struct world *world, unsigned int save_ms)
{
	assert_int_equal(
	    maintenance_start(&world->maintenance, &world->core, save_ms),
	    JP_ERR_OK);
}

static void
a_period_has_one_write_of_all_tokens(void **state)
{
	struct world *world = *state;
	const uint64_t before = commits(world);
	const int64_t begin_ms = jp_now_ms();
	uint64_t writes = 0;

	start(world, PERIOD_MS);
	while (writes < 10) {
		use_all(world);
		writes = commits(world) - before;
		assert_true(jp_now_ms() < begin_ms + WAIT_MS);
	}
	assert_true(writes <= (uint64_t)(jp_now_ms() - begin_ms) / PERIOD_MS);
	assert_true(world->noted > writes);
	maintenance_stop(world->maintenance);
	world->maintenance = NULL;
	assert_int_equal(jp_usage_flush(world->core.usage, &world->core),
	    JP_ERR_OK); /* as jp_core_close() does */
	assert_counted(world);
}

/* That it lives for a minute is what a crash may cost. */
static void
nothing_is_written_before_the_period_is_over(void **state)
{
	struct world *world = *state;
	const uint64_t before = commits(world);
	const int64_t begin_ms = jp_now_ms();

	start(world, MAINTENANCE_SAVE_MS);
	for (int i = 0; i < 10000; i++)
		use_all(world);
	maintenance_stop(world->maintenance);
	world->maintenance = NULL;
	if (jp_now_ms() < begin_ms + MAINTENANCE_SAVE_MS)
		assert_int_equal(commits(world), before);
	assert_int_equal(
	    jp_usage_flush(world->core.usage, &world->core), JP_ERR_OK);
	assert_counted(world);
}

static void
without_uses_nothing_is_written(void **state)
{
	struct world *world = *state;
	const int64_t begin_ms = jp_now_ms();
	const uint64_t before = commits(world);

	start(world, 1);
	while (jp_now_ms() < begin_ms + 50)
		(void)commits(world);
	assert_int_equal(commits(world), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_period_has_one_write_of_all_tokens),
		TEST(nothing_is_written_before_the_period_is_over),
		TEST(without_uses_nothing_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
