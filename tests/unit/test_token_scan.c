/*
 * Tokens in a stream of bytes: common/record/token_scan.c. All random numbers
 * are of one seed, so that a failure comes back.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/record/token_scan.h"

#define KNOWN "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"
#define WRONG "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpE"

enum { FOUND_MAX = 8, USER_LONGEST = 255 };

struct seen {
	size_t count;
	struct one {
		char text[80];
		bool checked, base64;
		uint64_t line;
	} all[FOUND_MAX];
	enum jp_err answer;
};

static enum jp_err
see(void *arg, const struct jp_found *found)
{
	struct seen *seen = arg;
	struct one *one = &seen->all[seen->count++];

	assert_true(seen->count <= FOUND_MAX);
	assert_true(found->len < sizeof(one->text));
	assert_ptr_equal(found->token.prefix, found->text);
	memcpy(one->text, found->text, found->len);
	one->text[found->len] = '\0';
	one->checked = found->checked;
	one->base64 = found->base64;
	one->line = found->line;
	return seen->answer;
}

/* In pieces of `piece` bytes. */
static void
search(struct seen *seen, const char *text, size_t len, size_t piece)
{
	struct jp_token_scan scan;

	memset(seen, 0, sizeof(*seen));
	jp_token_scan_start(&scan, "jpat", see, seen);
	for (size_t at = 0; at < len; at += piece)
		assert_int_equal(jp_token_scan_feed(&scan, text + at,
		                     len - at < piece ? len - at : piece),
		    JP_ERR_OK);
	assert_int_equal(jp_token_scan_end(&scan), JP_ERR_OK);
}

static void
search_text(struct seen *seen, const char *text)
{
	search(seen, text, strlen(text), strlen(text) + 1);
}

static void
a_token_is_found_wherever_it_stands(void **unused)
{
	static const char *const texts[] = {
		KNOWN,
		"token=" KNOWN,
		"\"" KNOWN "\",",
		"https://jane:" KNOWN "@jira.example.org/",
		"CI_" KNOWN,
		"x_y_12345678_" KNOWN,
		"\\n" KNOWN "\\n",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" KNOWN,
		KNOWN "0123",
		KNOWN "_" KNOWN,
	};
	struct seen seen;

	(void)unused;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		search_text(&seen, texts[i]);
		assert_in_range(seen.count, 1, 2);
		for (size_t j = 0; j < seen.count; j++) {
			assert_string_equal(seen.all[j].text, KNOWN);
			assert_true(seen.all[j].checked);
			assert_false(seen.all[j].base64);
		}
	}
	assert_int_equal(seen.count, 2);
}

static void
what_is_no_token_is_not_found(void **unused)
{
	static const char *const texts[] = {
		"",
		"jpat_",
		"_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD",
		"jpat-D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD",
		"jpat_D4oBwk0_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD",
		"jpat_D4oBwk0SS_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD",
		"jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkp",
		"jpat_D4oBwk0S_cdgXNCTZuXCvl14 LWfvqWFxkpJyFn414xkpD",
		"abcd_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"a",
	};
	struct seen seen;

	(void)unused;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		search_text(&seen, texts[i]);
		assert_int_equal(seen.count, 0);
	}
}

static void
a_wrong_checksum_behind_the_prefix_is_told(void **unused)
{
	struct seen seen;

	(void)unused;
	search_text(&seen, "MY" WRONG);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.all[0].text, WRONG);
	assert_false(seen.all[0].checked);
}

static void
another_prefix_is_found_by_its_checksum(void **unused)
{
	struct jp_secret token;
	struct seen seen;
	char text[600];

	(void)unused;
	jp_token_format(&token, "acmeCorpToken15", "AAAAAAAA",
	    "000000000000000000000000000000");
	(void)snprintf(text, sizeof(text), "(%s)", token.text);
	search_text(&seen, text);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.all[0].text, token.text);
}

static void
lines_are_counted(void **unused)
{
	struct seen seen;

	(void)unused;
	search_text(&seen, KNOWN "\n\n" KNOWN "\r\nx " KNOWN);
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.all[0].line, 1);
	assert_int_equal(seen.all[1].line, 3);
	assert_int_equal(seen.all[2].line, 4);
}

/* base64 of USER:TOKEN, in lines of `width` characters; 0: in one. */
static size_t
encode(char *dst, size_t size, size_t user_len, size_t width, int variant)
{
	char plain[USER_LONGEST + 80], encoded[600];
	size_t used = 0;

	memset(plain, 'u', user_len);
	memcpy(plain + user_len, ":" KNOWN, sizeof(":" KNOWN));
	assert_non_null(sodium_bin2base64(encoded, sizeof(encoded),
	    (const unsigned char *)plain, user_len + sizeof(KNOWN), variant));
	for (size_t i = 0; encoded[i] != '\0'; i++) {
		if (width != 0 && i != 0 && i % width == 0)
			used += (size_t)snprintf(dst + used, size - used, "\n");
		used +=
		    (size_t)snprintf(dst + used, size - used, "%c", encoded[i]);
	}
	return used;
}

static void
assert_base64(const char *text, size_t piece)
{
	struct seen seen;

	search(&seen, text, strlen(text), piece);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.all[0].text, KNOWN);
	assert_true(seen.all[0].checked);
	assert_true(seen.all[0].base64);
}

static void
base64_of_every_length_of_user_is_read(void **unused)
{
	static const int variants[] = { sodium_base64_VARIANT_ORIGINAL,
		sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
		sodium_base64_VARIANT_URLSAFE,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING };
	char text[1000], whole[1200];

	(void)unused;
	for (size_t user = 0; user <= USER_LONGEST; user++)
		for (size_t i = 0; i < 4; i++) {
			(void)encode(
			    text, sizeof(text), user, user % 77, variants[i]);
			assert_base64(text, sizeof(text));
			(void)snprintf(
			    whole, sizeof(whole), "Basic %s\"", text);
			assert_base64(whole, 1);
		}
}

static void
base64_is_read_wherever_it_begins(void **unused)
{
	static const char *const fronts[] = { "Authorization: Basic ", "x",
		"xy", "xyz", "Basic%20", "line\n", "AAAA\n", "\"", "=", "a=b" };
	char text[1000], whole[1200];

	(void)unused;
	(void)encode(text, sizeof(text), 9, 0, sodium_base64_VARIANT_ORIGINAL);
	for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++) {
		(void)snprintf(whole, sizeof(whole), "%s%s", fronts[i], text);
		assert_base64(whole, sizeof(whole));
	}
}

/* `_` in each spelling, in one that is escaped again, and in some mixed. */
static void
escapes_are_taken_back(void **unused)
{
	static const char *const texts[] = {
#define HIDDEN(u) "jpat" u "D4oBwk0S" u "cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"
		HIDDEN("%5F"),
		HIDDEN("%5f"),
		HIDDEN("%255F"),
		HIDDEN("%25255F"),
		HIDDEN("%u005F"),
		HIDDEN("\\u005f"),
		HIDDEN("\\u005F"),
		HIDDEN("\\\\u005f"),
		HIDDEN("\\\\\\\\u005f"),
		HIDDEN("\\u{5f}"),
		HIDDEN("\\u{00005F}"),
		HIDDEN("\\U0000005f"),
		HIDDEN("\\x5f"),
		HIDDEN("\\x5F"),
		HIDDEN("\\\\x5f"),
		HIDDEN("\\x{5f}"),
		HIDDEN("\\137"),
		HIDDEN("&#95;"),
		HIDDEN("&#095;"),
		HIDDEN("&#x5f;"),
		HIDDEN("&#X5F;"),
		HIDDEN("&amp;#95;"),
		HIDDEN("&amp;amp;#95;"),
		HIDDEN("&lowbar;"),
		HIDDEN("&UnderBar;"),
		HIDDEN("=5F"),
		HIDDEN("\\_"),
		HIDDEN("\\\\_"),
		HIDDEN("%5Cu005f"),
		HIDDEN("%26%2395%3B"),
		HIDDEN("_=\n"),
		HIDDEN("_=\r\n"),
		HIDDEN("_\\\n"),
		HIDDEN("&=\n#95;"),
		HIDDEN("%\\\n5F"),
		HIDDEN("=\\\n5F"),
		"%6Apat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJ"
		"yFn414xkp%44",
		"\\u006a\\u0070\\u0061\\u0074%5FD4oBwk0S_cdgXNCTZuXCvl14LWf"
		"vqWFxkpJyFn414xkpD",
		"%%5" HIDDEN("%5F"),
		"\\" HIDDEN("\\x5f"),
		"&" HIDDEN("&#95;"),
		"a=" HIDDEN("=5F") "=",
		"\\n" KNOWN,
		"=4" KNOWN "%",
		"&" KNOWN,
	};
	struct seen seen;

	(void)unused;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		search_text(&seen, texts[i]);
		assert_int_equal(seen.count, 1);
		assert_string_equal(seen.all[0].text, KNOWN);
		assert_false(seen.all[0].base64);
	}
}

/* Each byte of `text` with `before` NULs in front and `after` behind. */
static size_t
widen(char *dst, const char *text, size_t before, size_t after)
{
	size_t len = 0;

	for (; *text != '\0'; text++) {
		memset(dst + len, 0, before + after + 1);
		dst[len + before] = *text;
		len += before + after + 1;
	}
	return len;
}

static void
utf_16_and_32_are_read(void **unused)
{
	static const char *const texts[] = { KNOWN, "\"" KNOWN "\"\r\n",
		"jpat\\u005fD4oBwk0S\\u005fcdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkp"
		"D",
		"YTpqcGF0X0Q0b0J3azBTX2NkZ1hOQ1RadVhDdmwxNExXZnZxV0Z4a3BKeUZuND"
		"E0eGtwRA==" };
	static const size_t around[][2] = { { 0, 1 }, { 1, 0 }, { 0, 3 },
		{ 3, 0 } };
	char wide[1000];
	struct seen seen;

	(void)unused;
	for (size_t i = 0; i < 4 * sizeof(texts) / sizeof(texts[0]); i++) {
		size_t len = widen(
		    wide, texts[i / 4], around[i % 4][0], around[i % 4][1]);

		for (size_t piece = 1; piece <= len; piece += 6) {
			search(&seen, wide, len, piece);
			assert_int_equal(seen.count, 1);
			assert_string_equal(seen.all[0].text, KNOWN);
		}
	}
}

/* Lines of `width` characters, each with `end` behind and `mark` before it. */
static size_t
wrap(char *dst, size_t size, const char *text, size_t width, const char *mark,
    const char *end)
{
	size_t used = 0;

	for (size_t at = 0; at < strlen(text); at += width)
		used += (size_t)snprintf(dst + used, size - used, "%s%.*s%s",
		    mark, (int)width, text + at, end);
	return used;
}

static void
base64_is_read_across_lines(void **unused)
{
	static const char *const marks[] = { "", "  ", "\t", "+", "-", "+  ",
		"> ", ">> ", "# ", " * ", "++", "| " };
	static const char *const ends[] = { "\n", "\r\n", "\\n", "\\r\\n",
		"\n\n" };
	char plain[300], encoded[600], text[8000];

	(void)unused;
	for (size_t user = 0; user < 80; user++) {
		memset(plain, 'u', user);
		memcpy(plain + user, ":" KNOWN, sizeof(":" KNOWN));
		(void)sodium_bin2base64(encoded, sizeof(encoded),
		    (const unsigned char *)plain, user + sizeof(KNOWN),
		    sodium_base64_VARIANT_ORIGINAL);
		for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
			for (size_t j = 0; j < sizeof(ends) / sizeof(ends[0]);
			     j++) {
				static const size_t widths[] = { 76, 64, 60,
					17 };

				(void)wrap(text, sizeof(text), encoded,
				    widths[user % 4], marks[i], ends[j]);
				assert_base64(text, sizeof(text));
			}
	}
}

/* A Secret of Kubernetes: of the token alone, with a line end, of a header. */
static void
base64_is_read_inside_base64(void **unused)
{
	static const char *const texts[] = { KNOWN, KNOWN "\n",
		"Authorization: Basic "
		"YTpqcGF0X0Q0b0J3azBTX2NkZ1hOQ1RadVhDdmwxNE"
		"xXZnZxV0Z4a3BKeUZuNDE0eGtwRA==",
		"{\"auth\":\"YTpqcGF0X0Q0b0J3azBTX2NkZ1hOQ1RadVhDdmwxNExXZnZxV0"
		"Z4a3BKeUZuNDE0eGtwRA==\"}" };
	char encoded[600], text[800];

	(void)unused;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		(void)sodium_bin2base64(encoded, sizeof(encoded),
		    (const unsigned char *)texts[i], strlen(texts[i]),
		    sodium_base64_VARIANT_ORIGINAL);
		(void)snprintf(text, sizeof(text), "  token: %s\n", encoded);
		assert_base64(text, sizeof(text));
		assert_base64(text, 1);
	}
}

/* PowerShell's -EncodedCommand. */
static void
utf_16_is_read_inside_base64(void **unused)
{
	char wide[300], encoded[600];
	size_t len = widen(wide, "$t = '" KNOWN "'", 0, 1);

	(void)unused;
	(void)sodium_bin2base64(encoded, sizeof(encoded),
	    (const unsigned char *)wide, len, sodium_base64_VARIANT_ORIGINAL);
	assert_base64(encoded, 7);
}

static void
pieces_change_nothing(void **unused)
{
	static const char text[] = "a_b " KNOWN "\n\xff\0 " WRONG
	                           "\nanBhdF9ENG9Cd2swU19jZGdYTkNUWnVYQ3ZsMTRM"
	                           "V2Z2cVdGeGtwSnlGbjQxNHhrcEQ= " KNOWN;
	struct seen whole, pieces;

	(void)unused;
	search(&whole, text, sizeof(text), sizeof(text));
	assert_int_equal(whole.count, 4);
	for (size_t piece = 1; piece < sizeof(text); piece++) {
		search(&pieces, text, sizeof(text), piece);
		assert_memory_equal(&pieces, &whole, sizeof(whole));
	}
}

static void
an_error_of_the_taker_ends_the_search(void **unused)
{
	struct seen seen = { .answer = JP_ERR_REFUSED };
	struct jp_token_scan scan;

	(void)unused;
	jp_token_scan_start(&scan, "jpat", see, &seen);
	assert_int_equal(
	    jp_token_scan_feed(&scan, KNOWN " " KNOWN, 2 * sizeof(KNOWN) - 1),
	    JP_ERR_REFUSED);
	assert_int_equal(
	    jp_token_scan_feed(&scan, KNOWN, sizeof(KNOWN)), JP_ERR_REFUSED);
	assert_int_equal(jp_token_scan_end(&scan), JP_ERR_REFUSED);
	assert_int_equal(seen.count, 1);
}

static void
nothing_stays_in_the_scanner(void **unused)
{
	static const struct jp_token_scan empty;
	struct jp_token_scan scan;
	struct seen seen = { 0 };

	(void)unused;
	jp_token_scan_start(&scan, "jpat", see, &seen);
	(void)jp_token_scan_feed(&scan, KNOWN, sizeof(KNOWN) - 1);
	(void)jp_token_scan_end(&scan);
	assert_memory_equal(&scan, &empty, sizeof(scan));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_found_wherever_it_stands),
		cmocka_unit_test(what_is_no_token_is_not_found),
		cmocka_unit_test(a_wrong_checksum_behind_the_prefix_is_told),
		cmocka_unit_test(another_prefix_is_found_by_its_checksum),
		cmocka_unit_test(lines_are_counted),
		cmocka_unit_test(base64_of_every_length_of_user_is_read),
		cmocka_unit_test(base64_is_read_wherever_it_begins),
		cmocka_unit_test(escapes_are_taken_back),
		cmocka_unit_test(utf_16_and_32_are_read),
		cmocka_unit_test(base64_is_read_across_lines),
		cmocka_unit_test(base64_is_read_inside_base64),
		cmocka_unit_test(utf_16_is_read_inside_base64),
		cmocka_unit_test(pieces_change_nothing),
		cmocka_unit_test(an_error_of_the_taker_ends_the_search),
		cmocka_unit_test(nothing_stays_in_the_scanner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
