/*
 * JSON whole or not at all, where memory runs out: common/sys/json_text.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "common/sys/json_text.h"

#define WHOLE                                                                  \
	"{\"id\":\"D4oBwk0S\",\"revoked_at\":1801353600,\"scopes\":[\"a\"]}"

/* So many calls of malloc(3) from now on succeed, and all behind the next. */
static int until_failure = -1;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *
__wrap_malloc(size_t size)
{
	if (until_failure >= 0 && until_failure-- == 0)
		return NULL;
	return __real_malloc(size);
}

/* Without a look at any result, as code forgets it. */
static json_t *
make(void)
{
	json_t *json = json_object(), *list = json_array();

	(void)json_object_set_new(json, "id", json_string("D4oBwk0S"));
	(void)json_object_set_new(json, "revoked_at", json_integer(1801353600));
	(void)json_array_append_new(list, json_string("a"));
	(void)json_object_set_new(json, "scopes", list);
	return json;
}

static void
whatever_finds_no_memory_no_part_of_it_is_a_text(void **state)
{
	int failed = 0;
	char *text = NULL;

	(void)state;
	jp_json_watch();
	for (int calls = 0; text == NULL; calls++) {
		json_t *json;

		until_failure = calls;
		json = make();
		text = jp_json_text(json);
		failed += until_failure < 0;
		until_failure = -1;
		json_decref(json);
		assert_in_range(calls, 0, 1000);
		assert_int_equal(failed, text == NULL ? calls + 1 : calls);
	}
	assert_in_range(failed, 8, 1000); /* one for each value and key */
	assert_string_equal(text, WHOLE);
	jp_json_free(text);
}

static void
what_was_lost_is_told_once(void **state)
{
	json_t *json;
	char *text;

	(void)state;
	jp_json_watch();
	until_failure = 0;
	assert_null(json_object());
	assert_true(jp_json_lost());
	assert_false(jp_json_lost());
	json = make();
	text = jp_json_text(json);
	assert_string_equal(text, WHOLE);
	jp_json_free(text);
	json_decref(json);
	assert_null(jp_json_text(NULL));
}

static void
seconds_have_the_digits_that_they_were_made_of(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {
		{ 6619 / 1000.0, "[6.619]" },
		{ 0.1 + 0.2, "[0.3]" },
		{ 86400001 / 1000.0, "[86400.001]" },
		{ 5000 / 1000.0, "[5.0]" },
		{ 0.000256, "[0.000256]" },
		{ 0, "[0.0]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *json = json_pack("[f]", rows[i].value);
		char *text = jp_json_text(json);

		assert_non_null(text);
		assert_string_equal(text, rows[i].text);
		jp_json_free(text);
		json_decref(json);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    whatever_finds_no_memory_no_part_of_it_is_a_text),
		cmocka_unit_test(what_was_lost_is_told_once),
		cmocka_unit_test(
		    seconds_have_the_digits_that_they_were_made_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
