/* Who holds the leases of a node, and who is somebody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>
#include <sys/stat.h>

#include "common/cluster/holder.h"
#include "common/sys/boot_id.h"
#include "tests/unit/store_help.h"

static const char *boot = "a boot";

void __wrap_jp_boot_id(char text[JP_BOOT_ID_LEN]);

void
__wrap_jp_boot_id(char text[JP_BOOT_ID_LEN])
{
	memset(text, 0, JP_BOOT_ID_LEN);
	(void)snprintf(text, JP_BOOT_ID_LEN, "%s", boot);
}

static char dirs[2][PATH_MAX];

static int
set_up(void **state)
{
	(void)state;
	boot = "a boot";
	for (size_t i = 0; i < 2; i++)
		scratch_make(dirs[i]);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++)
		(void)rmdir(dirs[i]);
	return 0;
}

static bool
is_same(const uint8_t one[JP_LINK_HOLDER_LEN], const char *dir)
{
	uint8_t other[JP_LINK_HOLDER_LEN] = { 0 };

	jp_holder_make(other, dir);
	return memcmp(one, other, JP_LINK_HOLDER_LEN) == 0;
}

static void
who_has_the_store_is_the_same_however_often_it_starts(void **state)
{
	uint8_t holder[JP_LINK_HOLDER_LEN];

	(void)state;
	jp_holder_make(holder, dirs[0]);
	assert_true(is_same(holder, dirs[0]));
}

/* Else an upgrade would cost a lease. */
static void
who_it_is_depends_on_these_alone(void **state)
{
	struct {
		char domain[24];
		char boot[JP_BOOT_ID_LEN];
		uint64_t dev, ino;
	} of;
	uint8_t holder[JP_LINK_HOLDER_LEN], expected[JP_LINK_HOLDER_LEN];
	struct stat st;

	(void)state;
	memset(&of, 0, sizeof(of));
	(void)strcpy(of.domain, "jpat-holder-v1");
	(void)strcpy(of.boot, "a boot");
	assert_int_equal(stat(dirs[0], &st), 0);
	of.dev = st.st_dev;
	of.ino = st.st_ino;
	(void)crypto_generichash(expected, sizeof(expected),
	    (const uint8_t *)&of, sizeof(of), NULL, 0);
	jp_holder_make(holder, dirs[0]);
	assert_memory_equal(holder, expected, sizeof(holder));
}

static void
who_has_another_store_is_another_one(void **state)
{
	uint8_t holder[JP_LINK_HOLDER_LEN];

	(void)state;
	jp_holder_make(holder, dirs[0]);
	assert_false(is_same(holder, dirs[1]));
}

static void
who_has_booted_is_another_one(void **state)
{
	uint8_t holder[JP_LINK_HOLDER_LEN];

	(void)state;
	jp_holder_make(holder, dirs[0]);
	boot = "another boot";
	assert_false(is_same(holder, dirs[0]));
}

static void
who_cannot_be_known_is_another_one_each_time(void **state)
{
	uint8_t holder[JP_LINK_HOLDER_LEN] = { 0 };

	(void)state;
	jp_holder_make(holder, "/nowhere/at/all");
	assert_false(is_same(holder, "/nowhere/at/all"));
	boot = "";
	memset(holder, 0, sizeof(holder));
	jp_holder_make(holder, dirs[0]);
	assert_false(is_same(holder, dirs[0]));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_has_the_store_is_the_same_however_often_it_starts),
		TEST(who_it_is_depends_on_these_alone),
		TEST(who_has_another_store_is_another_one),
		TEST(who_has_booted_is_another_one),
		TEST(who_cannot_be_known_is_another_one_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
