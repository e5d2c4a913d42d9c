/*
 * The text of a token: common/wire/token.c. All random numbers are of one seed,
 * so that a failure comes back.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/token.h"

#define KNOWN "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"
#define KNOWN_LEN (sizeof(KNOWN) - 1)

enum { ROUNDS = 100000, LENGTH_MAX = 600 };

/* xorshift64 (Marsaglia 2003). */
static uint32_t
draw(uint64_t *state, uint32_t below)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)(*state >> 32) % below;
}

static void
draw_base62(uint64_t *state, char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text[i] = JP_TOKEN_ALPHABET[draw(state, 62)];
}

/* A token of random parts, and those parts. */
static void
draw_token(uint64_t *state, struct jp_secret *text,
    char prefix[JP_TOKEN_PREFIX_MAX + 1], char id[JP_TOKEN_ID_LEN],
    char secret[JP_TOKEN_SECRET_LEN])
{
	size_t len = 1 + draw(state, JP_TOKEN_PREFIX_MAX);

	draw_base62(state, prefix, len);
	prefix[len] = '\0';
	draw_base62(state, id, JP_TOKEN_ID_LEN);
	draw_base62(state, secret, JP_TOKEN_SECRET_LEN);
	jp_token_format(text, prefix, id, secret);
}

static void
formatted_tokens_parse_to_their_parts(void **unused)
{
	uint64_t state = 1;
	char prefix[JP_TOKEN_PREFIX_MAX + 1];
	char id[JP_TOKEN_ID_LEN];
	char secret[JP_TOKEN_SECRET_LEN];
	struct jp_secret text;
	struct jp_token token;

	(void)unused;
	for (int i = 0; i < ROUNDS; i++) {
		draw_token(&state, &text, prefix, id, secret);
		assert_int_equal(text.len, strlen(text.text));
		assert_int_equal(
		    jp_token_parse(text.text, text.len, &token), JP_ERR_OK);
		assert_int_equal(token.prefix_len, strlen(prefix));
		assert_memory_equal(token.prefix, prefix, token.prefix_len);
		assert_memory_equal(token.id, id, sizeof(id));
		assert_memory_equal(token.secret, secret, sizeof(secret));
	}
}

/* One to three edits: change, insert, delete or swap a byte. */
static size_t
mutate(uint64_t *state, char *text, size_t len)
{
	for (uint32_t edits = 1 + draw(state, 3); edits > 0; edits--) {
		size_t at = draw(state, (uint32_t)len - 1);
		char c = text[at];

		switch (draw(state, 4)) {
		case 0:
			text[at] = (char)draw(state, 256);
			break;
		case 1:
			memmove(text + at + 1, text + at, len++ - at);
			break;
		case 2:
			memmove(text + at, text + at + 1, --len - at);
			break;
		default:
			text[at] = text[at + 1];
			text[at + 1] = c;
		}
	}
	return len;
}

static void
mutated_tokens_are_refused_or_spell_themselves(void **unused)
{
	uint64_t state = 2;
	char prefix[JP_TOKEN_PREFIX_MAX + 1];
	char id[JP_TOKEN_ID_LEN];
	char secret[JP_TOKEN_SECRET_LEN];
	struct jp_secret text;
	struct jp_secret again;
	struct jp_token token;

	(void)unused;
	for (int i = 0; i < ROUNDS; i++) {
		draw_token(&state, &text, prefix, id, secret);
		text.len = mutate(&state, text.text, text.len);
		if (jp_token_parse(text.text, text.len, &token) != JP_ERR_OK)
			continue;
		memcpy(prefix, token.prefix, token.prefix_len);
		prefix[token.prefix_len] = '\0';
		jp_token_format(&again, prefix, token.id, token.secret);
		assert_int_equal(again.len, text.len);
		assert_memory_equal(again.text, text.text, text.len);
	}
}

static void
no_single_change_of_a_character_passes(void **unused)
{
	char text[] = KNOWN;
	struct jp_token token;

	(void)unused;
	for (size_t at = 0; at < KNOWN_LEN; at++) {
		for (int c = 0; c < 256; c++) {
			text[at] = (char)c;
			if (text[at] == KNOWN[at])
				continue;
			assert_int_not_equal(
			    jp_token_parse(text, KNOWN_LEN, &token), JP_ERR_OK);
		}
		text[at] = KNOWN[at];
	}
}

static void
the_known_token_has_its_crc(void **unused)
{
	struct jp_secret text;
	struct jp_token token;

	(void)unused;
	assert_int_equal(jp_token_parse(KNOWN, KNOWN_LEN, &token), JP_ERR_OK);
	assert_memory_equal(token.prefix, JP_TOKEN_PREFIX, token.prefix_len);
	assert_memory_equal(token.id, "D4oBwk0S", JP_TOKEN_ID_LEN);
	jp_token_format(&text, JP_TOKEN_PREFIX, token.id, token.secret);
	assert_string_equal(text.text, KNOWN);
}

static void
a_wrong_crc_is_told_from_a_wrong_shape(void **unused)
{
	static const struct {
		const char *text;
		enum jp_err err;
	} rows[] = {
		{ "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpE",
		    JP_ERR_CHECKSUM },
		{ "jqat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD",
		    JP_ERR_CHECKSUM },
		{ "jpat_d4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD",
		    JP_ERR_CHECKSUM },
		{ "jpat-D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD",
		    JP_ERR_INVALID },
		{ "jpat_D4oBwk0S-cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD",
		    JP_ERR_INVALID },
		{ "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkp",
		    JP_ERR_INVALID },
		{ "_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD",
		    JP_ERR_INVALID },
		{ " jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD",
		    JP_ERR_INVALID },
		{ "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD\n",
		    JP_ERR_INVALID },
		{ "correct horse battery staple", JP_ERR_INVALID },
		{ "", JP_ERR_INVALID },
	};
	struct jp_token token;

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
		    jp_token_parse(rows[i].text, strlen(rows[i].text), &token),
		    rows[i].err);
}

/* Each text has memory of just its length, for the sanitizer to watch. */
static void
parsing_stays_inside_every_length(void **unused)
{
	static const char fills[] = { 'a', '_', '\0', '\xff' };
	struct jp_token token;

	(void)unused;
	for (size_t len = 0; len <= LENGTH_MAX; len++) {
		char *text = malloc(len > 0 ? len : 1);

		assert_non_null(text);
		for (size_t i = 0; i < sizeof(fills); i++) {
			memset(text, fills[i], len);
			assert_int_equal(
			    jp_token_parse(text, len, &token), JP_ERR_INVALID);
		}
		for (size_t i = 0; i < len; i++)
			text[i] = KNOWN[i % KNOWN_LEN];
		assert_int_equal(jp_token_parse(text, len, &token) == JP_ERR_OK,
		    len == KNOWN_LEN);
		free(text);
	}
}

static void
prefixes_are_1_to_15_letters_and_digits(void **unused)
{
	(void)unused;
	assert_true(jp_token_prefix_valid("jpat"));
	assert_true(jp_token_prefix_valid("J"));
	assert_true(jp_token_prefix_valid("123456789012345"));
	assert_false(jp_token_prefix_valid("1234567890123456"));
	assert_false(jp_token_prefix_valid(""));
	assert_false(jp_token_prefix_valid("j_pat"));
	assert_false(jp_token_prefix_valid("j-pat"));
	assert_false(jp_token_prefix_valid("j\xc3\xa4t"));
}

static void
ids_are_8_base62_characters(void **unused)
{
	(void)unused;
	assert_true(jp_token_id_valid("D4oBwk0S"));
	assert_false(jp_token_id_valid("D4oBwk0"));
	assert_false(jp_token_id_valid("D4oBwk0S0"));
	assert_false(jp_token_id_valid("D4oB_k0S"));
	assert_false(jp_token_id_valid("../../.."));
	assert_false(jp_token_id_valid(""));
}

static void
what_is_meant_as_a_token_is_one_whatever_its_crc(void **unused)
{
	static const struct {
		const char *text;
		bool is;
	} rows[] = {
		{ KNOWN, true },
		{ "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpE", true },
		{ "acme_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD", true },
		{ "JPAT_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD", true },
		{ "0_00000000_000000000000000000000000000000000000", true },
		{ "abcdefghijklmno_00000000_"
		  "000000000000000000000000000000000000",
		    true },
		{ "abcdefghijklmnop_00000000_"
		  "000000000000000000000000000000000000",
		    false },
		{ "_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD", false },
		{ "D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD", false },
		{ KNOWN "D", false },
		{ KNOWN " ", false },
		{ " " KNOWN, false },
		{ KNOWN "\n", false },
		{ KNOWN "@realm", false },
		{ "DOMAIN\\" KNOWN, false },
		{ KNOWN KNOWN, false },
		{ "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkp", false },
		{ "jpat-D4oBwk0S-cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD", false },
		{ "jp.t_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD", false },
		{ "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xk\303\244",
		    false },
		{ "alice", false },
		{ "correct horse battery staple", false },
		{ "", false },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
		    jp_is_token(rows[i].text, strlen(rows[i].text)),
		    rows[i].is);
	assert_false(jp_is_token(KNOWN, KNOWN_LEN - 1));
	assert_false(jp_is_token(KNOWN, KNOWN_LEN + 1)); /* with its NUL */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formatted_tokens_parse_to_their_parts),
		cmocka_unit_test(
		    mutated_tokens_are_refused_or_spell_themselves),
		cmocka_unit_test(no_single_change_of_a_character_passes),
		cmocka_unit_test(the_known_token_has_its_crc),
		cmocka_unit_test(a_wrong_crc_is_told_from_a_wrong_shape),
		cmocka_unit_test(parsing_stays_inside_every_length),
		cmocka_unit_test(prefixes_are_1_to_15_letters_and_digits),
		cmocka_unit_test(ids_are_8_base62_characters),
		cmocka_unit_test(
		    what_is_meant_as_a_token_is_one_whatever_its_crc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
