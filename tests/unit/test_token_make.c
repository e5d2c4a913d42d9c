/*
 * New tokens: common/record/token_make.c, with random bytes that are set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/record/token_make.h"

static uint8_t byte;       /* all that are drawn, */
static unsigned int calls; /* from the second call on; before: unfair ones */

static const char *
name(void)
{
	return "set";
}

static void
fill(void *const bytes, const size_t len)
{
	memset(bytes, calls++ == 0 ? 255 : byte, len);
}

static uint32_t
number(void)
{
	uint32_t value;

	fill(&value, sizeof(value));
	return value;
}

/* 256 is no multiple of 62: bytes from 248 on would favour eight letters. */
static void
letters_are_equally_likely_and_unfair_bytes_are_left_out(void **state)
{
	static struct randombytes_implementation set = {
		.implementation_name = name, .random = number, .buf = fill
	};
	unsigned int counts[256] = { 0 };
	char id[JP_TOKEN_ID_LEN + 1];
	struct jp_secret text;

	(void)state;
	(void)randombytes_set_implementation(&set);
	for (int i = 0; i < 248; i++) {
		byte = (uint8_t)i;
		calls = 0;
		jp_token_make("jpat", &text, id);
		assert_int_equal(calls, 3); /* one is drawn again */
		counts[(uint8_t)id[0]]++;
		for (size_t j = 0; j < JP_TOKEN_ID_LEN; j++)
			assert_int_equal(id[j], id[0]);
	}
	for (const char *at = JP_TOKEN_ALPHABET; *at != '\0'; at++)
		assert_int_equal(counts[(uint8_t)*at], 4);
}

static void
no_two_tokens_are_the_same(void **state)
{
	struct jp_secret one, other;
	char first[JP_TOKEN_ID_LEN + 1], second[JP_TOKEN_ID_LEN + 1];

	(void)state;
	assert_true(sodium_init() >= 0);
	jp_token_make("jpat", &one, first);
	jp_token_make("jpat", &other, second);
	assert_string_not_equal(first, second);
	assert_memory_equal(one.text + 5, first, JP_TOKEN_ID_LEN);
	assert_memory_not_equal(
	    one.text + 14, other.text + 14, JP_TOKEN_SECRET_LEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_two_tokens_are_the_same),
		cmocka_unit_test(
		    letters_are_equally_likely_and_unfair_bytes_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
