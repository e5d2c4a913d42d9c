/*
 * The number beside the id of a token: common/record/token_number.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/record/token_make.h"
#include "common/record/token_number.h"

#define UNTOUCHED "????????"

static void
the_number_is_the_id_in_base62_plus_two_to_the_32(void **state)
{
	static const struct {
		const char *id;
		uint64_t number;
	} rows[] = {
		{ "00000000", JP_TOKEN_NUMBER_MIN },
		{ "00000001", JP_TOKEN_NUMBER_MIN + 1 },
		{ "00000009", JP_TOKEN_NUMBER_MIN + 9 },
		{ "0000000A", JP_TOKEN_NUMBER_MIN + 10 },
		{ "0000000Z", JP_TOKEN_NUMBER_MIN + 35 },
		{ "0000000a", JP_TOKEN_NUMBER_MIN + 36 },
		{ "0000000z", JP_TOKEN_NUMBER_MIN + 61 },
		{ "00000010", JP_TOKEN_NUMBER_MIN + 62 },
		{ "10000000", JP_TOKEN_NUMBER_MIN + UINT64_C(3521614606208) },
		{ "12345678", UINT64_C(3642318763658) },
		{ "zzzzzzzz", JP_TOKEN_NUMBER_MAX },
	};

	(void)state;
	assert_true(JP_TOKEN_NUMBER_MIN == UINT64_C(1) << 32);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char id[JP_TOKEN_ID_LEN + 1];

		assert_int_equal(jp_token_number(rows[i].id), rows[i].number);
		assert_int_equal(
		    jp_token_number_id(rows[i].number, id), JP_ERR_OK);
		assert_string_equal(id, rows[i].id);
	}
}

static void
it_fits_a_number_of_json(void **state)
{
	(void)state;
	assert_true(JP_TOKEN_NUMBER_MAX < UINT64_C(1) << 53);
	assert_true(JP_TOKEN_NUMBER_MIN > UINT32_MAX);
}

static void
every_id_has_a_number_and_that_number_the_id(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		char id[JP_TOKEN_ID_LEN + 1], back[JP_TOKEN_ID_LEN + 1];
		char text[24];
		struct jp_secret token;
		uint64_t number;

		jp_token_make("jpat", &token, id);
		number = jp_token_number(id);
		assert_true(number >= JP_TOKEN_NUMBER_MIN);
		assert_true(number <= JP_TOKEN_NUMBER_MAX);
		assert_int_equal(jp_token_number_id(number, back), JP_ERR_OK);
		assert_string_equal(back, id);
		(void)snprintf(text, sizeof(text), "%" PRIu64, number);
		assert_int_equal(jp_token_named(text, back), JP_ERR_OK);
		assert_string_equal(back, id);
		assert_int_equal(jp_token_named(id, back), JP_ERR_OK);
		assert_string_equal(back, id);
	}
}

/* Neither side of the bounds has an id, and nothing wraps into them. */
static void
a_number_that_no_id_has_is_not_found(void **state)
{
	static const uint64_t numbers[] = { 0, 1, 62, UINT32_MAX,
		JP_TOKEN_NUMBER_MIN - 1, JP_TOKEN_NUMBER_MAX + 1,
		UINT64_C(1) << 53, INT64_MAX, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		char id[JP_TOKEN_ID_LEN + 1] = UNTOUCHED;

		assert_int_equal(
		    jp_token_number_id(numbers[i], id), JP_ERR_NOT_FOUND);
		assert_string_equal(id, "");
	}
}

static void
what_is_no_id_has_no_number(void **state)
{
	static const char *const texts[] = { "", "1234567", "123456789",
		"1234-678", "jpat_123", "1234567\xc3", "/2345678", ":2345678",
		"@2345678", "[2345678", "`2345678", "{2345678" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(jp_token_number(texts[i]), 0);
}

static void
eight_digits_are_an_id_and_ten_or_more_a_number(void **state)
{
	char id[JP_TOKEN_ID_LEN + 1];

	(void)state;
	assert_int_equal(jp_token_named("12345678", id), JP_ERR_OK);
	assert_string_equal(id, "12345678");
	assert_int_equal(jp_token_named("00000000", id), JP_ERR_OK);
	assert_string_equal(id, "00000000");
	assert_int_equal(jp_token_named("4294967296", id), JP_ERR_OK);
	assert_string_equal(id, "00000000");
	assert_int_equal(jp_token_named("218344400552191", id), JP_ERR_OK);
	assert_string_equal(id, "zzzzzzzz");
}

static void
what_names_no_token_is_not_found(void **state)
{
	static const char *const texts[] = { "", "0", "1", "-1", "123456789",
		"4294967295", "04294967296", "+4294967296", " 4294967296",
		"4294967296 ", "4294967296.0", "4.294967296e9", "0x100000000",
		"218344400552192", "999999999999999", "9223372036854775808",
		"18446744073709551616", "36893488151714070528", "self",
		"1234567\xc3", "12345678/", "%31%32345678",
		"jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char id[JP_TOKEN_ID_LEN + 1] = UNTOUCHED;

		assert_int_equal(
		    jp_token_named(texts[i], id), JP_ERR_NOT_FOUND);
		assert_string_equal(id, "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_number_is_the_id_in_base62_plus_two_to_the_32),
		cmocka_unit_test(it_fits_a_number_of_json),
		cmocka_unit_test(every_id_has_a_number_and_that_number_the_id),
		cmocka_unit_test(a_number_that_no_id_has_is_not_found),
		cmocka_unit_test(what_is_no_id_has_no_number),
		cmocka_unit_test(
		    eight_digits_are_an_id_and_ten_or_more_a_number),
		cmocka_unit_test(what_names_no_token_is_not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
