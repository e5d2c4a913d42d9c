/* common/base/grow: arrays that grow as items come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/grow.h"

static void
items_stay_while_the_array_grows(void **state)
{
	uint64_t *items = NULL;
	size_t len = 0, cap = 0;

	(void)state;
	while (len < 1000) {
		assert_int_equal(JP_GROW(items, len, cap), JP_ERR_OK);
		assert_true(len < cap);
		items[len] = len;
		len++;
	}
	for (size_t i = 0; i < len; i++)
		assert_int_equal(items[i], i);
	free(items);
}

static void
an_array_with_room_does_not_move(void **state)
{
	char room[2], *items = room;
	size_t cap = 2;

	(void)state;
	assert_int_equal(JP_GROW(items, 1, cap), JP_ERR_OK);
	assert_ptr_equal(items, room);
	assert_int_equal(cap, 2);
}

static void
a_size_that_overflows_is_refused_and_changes_nothing(void **state)
{
	static const size_t caps[] = { SIZE_MAX, SIZE_MAX / 2 + 1,
		SIZE_MAX / sizeof(uint64_t) };
	uint64_t one, *items = &one;

	(void)state;
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		size_t cap = caps[i];

		assert_int_equal(JP_GROW(items, cap, cap), JP_ERR_NOMEM);
		assert_ptr_equal(items, &one);
		assert_int_equal(cap, caps[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_stay_while_the_array_grows),
		cmocka_unit_test(an_array_with_room_does_not_move),
		cmocka_unit_test(
		    a_size_that_overflows_is_refused_and_changes_nothing),
	};

	return cmocka_run_group_tests_name("grow", tests, NULL, NULL);
}
