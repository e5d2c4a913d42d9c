/*
 * The token scanner skips what its filter rules out, and finds what the matcher
 * finds that reads every byte: common/record/token_scan.c against
 * common/record/token_match.c, over texts in which tokens are hidden in every
 * form, at every border of a block. All random numbers are of one seed, so that
 * a failure comes back; JP_TEXTS is how many texts there are.
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

enum { TEXT_MAX = 1 << 16, FORM_MAX = 1 << 14, FOUND_MAX = 4096 };

/* ---- Random numbers ---- */

static uint64_t seed;

static uint32_t
below(uint32_t limit)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(seed >> 33) % limit;
}

static bool
once_in(uint32_t times)
{
	return below(times) == 0;
}

static char
any_of(const char *letters)
{
	return letters[below((uint32_t)strlen(letters))];
}

/* ---- A text that grows ---- */

struct text {
	size_t len;
	char bytes[TEXT_MAX];
};

static void
put(struct text *text, const char *bytes, size_t len)
{
	if (len > sizeof(text->bytes) - text->len)
		len = sizeof(text->bytes) - text->len;
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
}

static void
put_text(struct text *text, const char *bytes)
{
	put(text, bytes, strlen(bytes));
}

/* ---- Tokens, and what is nearly one ---- */

static void
put_token(struct text *text)
{
	static const char *const prefixes[] = { "jpat", "jpat", "jpat", "a",
		"acmeCorpToken15", "a3b", "ABEFD", "n0a" };
	char id[JP_TOKEN_ID_LEN], secret[JP_TOKEN_SECRET_LEN];
	struct jp_secret token;

	for (size_t i = 0; i < sizeof(id); i++)
		id[i] = any_of(JP_TOKEN_ALPHABET);
	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = any_of(JP_TOKEN_ALPHABET);
	jp_token_format(&token,
	    prefixes[below(sizeof(prefixes) / sizeof(prefixes[0]))], id,
	    secret);
	switch (below(12)) {
	case 0: /* a wrong letter */
		token.text[below((uint32_t)token.len)] = any_of("_0aZ-/+ \n");
		break;
	case 1: /* one too few */
		token.len--;
		break;
	default:
		break;
	}
	put(text, token.text, token.len);
}

/* ---- Forms: each makes another text of one ---- */

static void
to_base64(struct text *dst, const struct text *src)
{
	static const int variants[] = { sodium_base64_VARIANT_ORIGINAL,
		sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
		sodium_base64_VARIANT_URLSAFE,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING };
	size_t len = src->len < FORM_MAX ? src->len : FORM_MAX;

	assert_non_null(sodium_bin2base64(dst->bytes, sizeof(dst->bytes),
	    (const unsigned char *)src->bytes, len, variants[below(4)]));
	dst->len = strlen(dst->bytes);
}

static void
to_lines(struct text *dst, const struct text *src)
{
	static const char *const ends[] = { "\n", "\n", "\r\n", "\\n", "\\r\\n",
		"\n\n", "=\n", "\\\n", "%0A", "=0A", "&#10;" };
	static const char *const marks[] = { "", "", "  ", "\t", "+", "-", "> ",
		">> ", "# ", " * ", "++", "| ", "-+ ",
		"                                                          " };
	static const size_t widths[] = { 1, 3, 17, 60, 64, 76, 76 };
	const char *end = ends[below(sizeof(ends) / sizeof(ends[0]))];
	const char *mark = marks[below(sizeof(marks) / sizeof(marks[0]))];
	size_t width = widths[below(7)];

	for (size_t at = 0; at < src->len; at += width) {
		put_text(dst, mark);
		put(dst, src->bytes + at,
		    src->len - at < width ? src->len - at : width);
		put_text(dst, end);
	}
}

static void
to_wide(struct text *dst, const struct text *src)
{
	static const size_t before[] = { 0, 1, 0, 3, 9 };
	static const size_t after[] = { 1, 0, 3, 0, 90 };
	static const char zeros[90];
	size_t kind = once_in(8) ? below(5) : below(2);

	for (size_t i = 0; i < src->len; i++) {
		put(dst, zeros, before[kind]);
		put(dst, &src->bytes[i], 1);
		put(dst, zeros, after[kind]);
	}
}

/* How numbers of characters are written. */
static const struct {
	const char *front, *back;
	unsigned int base, width;
	bool upper;
} numbers[] = {
	{ "%", "", 16, 2, true },
	{ "%", "", 16, 2, false },
	{ "%u", "", 16, 4, true },
	{ "=", "", 16, 2, true },
	{ "\\x", "", 16, 2, false },
	{ "\\u", "", 16, 4, false },
	{ "\\U", "", 16, 8, false },
	{ "\\x{", "}", 16, 1, false },
	{ "\\u{", "}", 16, 5, true },
	{ "\\", "", 8, 3, false },
	{ "&#", ";", 10, 1, false },
	{ "&#x", ";", 16, 1, false },
	{ "&#X", ";", 16, 3, true },
};
enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };

static void
escape_one(struct text *dst, size_t kind, unsigned int c)
{
	const char *digits =
	    numbers[kind].upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char out[16];
	size_t at = sizeof(out);

	for (unsigned int i = 0; i < numbers[kind].width || c > 0; i++) {
		out[--at] = digits[c % numbers[kind].base];
		c /= numbers[kind].base;
	}
	put_text(dst, numbers[kind].front);
	put(dst, out + at, sizeof(out) - at);
	put_text(dst, numbers[kind].back);
}

/* Some characters, or all; those that are no letters first. */
static void
to_escaped(struct text *dst, const struct text *src)
{
	size_t kind = below(NUMBERS);
	uint32_t rare = 1 + below(20);
	bool mixed = once_in(4), words = once_in(5);

	for (size_t i = 0; i < src->len; i++) {
		char c = src->bytes[i];
		bool plain = strchr("_+/=\n", c) == NULL || c == '\0';

		if (words && c != '\0' && strchr("_\\/+", c) != NULL) {
			put_text(dst, "\\");
			put(dst, &c, 1);
		} else if ((!plain && !once_in(4)) || once_in(rare))
			escape_one(dst, mixed ? below(NUMBERS) : kind,
			    (unsigned char)c);
		else
			put(dst, &c, 1);
	}
}

static void
to_itself(struct text *dst, const struct text *src)
{
	put(dst, src->bytes, src->len);
}

/* Something around it. */
static void
to_framed(struct text *dst, const struct text *src)
{
	static const char *const fronts[] = { "Basic ", "x", "xy", "xyz", "=",
		"token=", "=a", "=3", "%3", "%2", "&", "&am", "\\", "\\\\", "_",
		"\"", "\n", "\n ", "a:", "user:", "+", "-", "\\x", "A_1_" };
	static const char *const backs[] = { "", "\n", " ", "==", "\"", "=",
		"_", "&", "%", "\\", ",", "=a", "=1", "\\n", "x", "\r\n", "-",
		" x", "\n+", "\n x" };

	put_text(dst, fronts[below(sizeof(fronts) / sizeof(fronts[0]))]);
	put(dst, src->bytes, src->len);
	put_text(dst, backs[below(sizeof(backs) / sizeof(backs[0]))]);
}

typedef void (*form)(struct text *dst, const struct text *src);

static const form forms[] = { to_base64, to_base64, to_lines, to_wide,
	to_escaped, to_framed, to_framed, to_itself };

static void
put_hidden(struct text *text)
{
	static struct text rooms[2];
	size_t now = 0;

	rooms[0].len = 0;
	put_token(&rooms[0]);
	for (uint32_t i = below(6); i > 0; i--, now = !now) {
		rooms[!now].len = 0;
		forms[below(sizeof(forms) / sizeof(forms[0]))](
		    &rooms[!now], &rooms[now]);
	}
	put(text, rooms[now].bytes, rooms[now].len);
}

/* ---- What is around ---- */

/* Letters of which texts are made, in lines of some width. */
static const struct {
	const char *letters;
	uint32_t width;  /* about; 0: no lines */
	const char *end; /* of a line; NULL: the usual one */
} fillers[] = {
	{ JP_TOKEN_ALPHABET "+/", 76, "=\n" },
	{ JP_TOKEN_ALPHABET "/", 60, "\\n" },
	{ JP_TOKEN_ALPHABET, 300, "%2F" },
	{ JP_TOKEN_ALPHABET, 500, "=\r\n" },
	{ "abcdefghijklmnop    .,:", 90, NULL },
	{ "abcdefghijklmnopqrstuvwxyz", 9, NULL },
	{ JP_TOKEN_ALPHABET "+/", 76, NULL },
	{ JP_TOKEN_ALPHABET "+/", 0, NULL },
	{ JP_TOKEN_ALPHABET "-_", 0, NULL },
	{ JP_TOKEN_ALPHABET, 0, NULL },
	{ JP_TOKEN_ALPHABET "____", 0, NULL },
	{ "0123456789abcdef", 64, NULL },
	{ "A", 0, NULL },
	{ "AB", 76, NULL },
	{ "_", 0, NULL },
	{ "jpat_", 0, NULL },
	{ " ", 70, NULL },
	{ "\n", 0, NULL },
	{ "-+ >", 12, NULL },
	{ "+-", 0, NULL },
	{ "ab =0123&%\\;{}x#", 80, NULL },
	{ "a%\\=&", 0, NULL },
	{ "ab%5Fcd=2", 0, NULL },
	{ "\\n\\\\u0", 0, NULL },
	{ "a\t\r >|*#", 7, NULL },
};

static void
put_filler(struct text *text, size_t len)
{
	static const char zeros[5000];
	size_t kind = below(2 + sizeof(fillers) / sizeof(fillers[0]));

	if (kind < 2) {
		if (kind == 0)
			put(text, zeros, len < sizeof(zeros) ? len : 5000);
		for (size_t i = 0; kind == 1 && i < len; i++) {
			char c = (char)below(256);

			put(text, &c, 1);
		}
		return;
	}
	kind -= 2;
	for (size_t i = 0; i < len; i++) {
		char c = any_of(fillers[kind].letters);

		put(text, &c, 1);
		if (fillers[kind].width != 0 && once_in(fillers[kind].width))
			put_text(text, fillers[kind].end != NULL
			                   ? fillers[kind].end
			                   : "\n");
	}
}

/* A text, perhaps itself in another form; tokens are near a block's border. */
static void
make_text(struct text *text)
{
	static struct text inner;
	uint32_t parts = 1 + below(4);

	text->len = inner.len = 0;
	for (uint32_t i = 0; i < parts; i++) {
		size_t border = JP_FILTER_MAX - 200 + below(200);

		put_filler(&inner, once_in(3) && inner.len < border
		                       ? border - inner.len
		                       : below(3000));
		put_hidden(&inner);
	}
	put_filler(&inner, below(100));
	forms[once_in(3) ? below(sizeof(forms) / sizeof(forms[0])) : 7](
	    text, &inner);
}

/* ---- Both searches ---- */

struct seen {
	size_t count;
	struct one {
		char text[80];
		size_t len;
		bool checked, base64;
		uint64_t line;
	} all[FOUND_MAX];
};

static enum jp_err
see(void *arg, const struct jp_found *found)
{
	struct seen *seen = arg;
	struct one *one = &seen->all[seen->count++];

	assert_true(seen->count <= FOUND_MAX);
	*one = (struct one){ .len = found->len,
		.checked = found->checked,
		.base64 = found->base64,
		.line = found->line };
	memcpy(one->text, found->text, found->len);
	return JP_ERR_OK;
}

static void
search(struct seen *seen, const struct text *text, uint32_t most)
{
	static struct jp_token_scan scan;
	size_t len;

	seen->count = 0;
	jp_token_scan_start(&scan, "jpat", see, seen);
	for (size_t at = 0; at < text->len; at += len) {
		len = 1 + below(most);
		if (len > text->len - at)
			len = text->len - at;
		(void)jp_token_scan_feed(&scan, text->bytes + at, len);
	}
	(void)jp_token_scan_end(&scan);
}

static void
match(struct seen *seen, const struct text *text)
{
	static struct jp_token_match all;

	seen->count = 0;
	jp_token_match_start(&all, "jpat", see, seen);
	(void)jp_token_match_feed(&all, text->bytes, text->len);
	(void)jp_token_match_flush(&all);
}

static void
assert_equal(const struct seen *seen, const struct seen *expected,
    const struct text *text, unsigned long number)
{
	for (size_t i = 0; i < seen->count && i < expected->count; i++)
		if (memcmp(&seen->all[i], &expected->all[i],
		        sizeof(seen->all[i])) != 0)
			fail_msg("text %lu: token %zu: %s:%lu, not %s:%lu",
			    number, i, seen->all[i].text,
			    (unsigned long)seen->all[i].line,
			    expected->all[i].text,
			    (unsigned long)expected->all[i].line);
	if (seen->count != expected->count)
		fail_msg("text %lu, %zu bytes: %zu tokens, not %zu", number,
		    text->len, seen->count, expected->count);
}

static void
the_filter_loses_nothing(void **unused)
{
	static struct text text;
	static struct seen seen, expected;
	const char *wanted = getenv("JP_TEXTS");
	unsigned long texts = wanted != NULL ? strtoul(wanted, NULL, 10) : 1000;
	static const uint32_t pieces[] = { 1, 100, 5000, TEXT_MAX };
	size_t found = 0;

	(void)unused;
	for (unsigned long i = 0; i < texts; i++) {
		seed = i;
		make_text(&text);
		match(&expected, &text);
		search(&seen, &text, pieces[below(4)]);
		assert_equal(&seen, &expected, &text, i);
		found += expected.count;
	}
	assert_true(found >= texts);
}

/* Texts of one kind, without a token: how far the matcher came. */
static void
most_text_is_skipped(void **unused)
{
	static const struct {
		const char *line;
		const char *letters; /* so many of these behind it */
		uint32_t count;
		const char *end;
	} kinds[] = {
		{ "Nov 29 01:02:03 host sshd[", "0123456789", 5,
		    "]: failure; logname= uid=0 tty=ssh user=jane\n" },
		{ "GET /rest/api?a=b&startAt=", "0123456789", 3,
		    "&page=com.atlassian%3Acomment HTTP/1.1\r\n" },
		{ "{\"hash\":\"", "0123456789abcdef", 64,
		    "\",\"text\":\"line\\n\\tsaid \\\"no\\\"\"}\n" },
		{ "", JP_TOKEN_ALPHABET "+/", 76, "\n" },
		{ "", JP_TOKEN_ALPHABET "-_", 1000, "" },
		{ "", JP_TOKEN_ALPHABET "+/", 58, "==\n" },
		{ "", "abcdefghijklmnopqrstuvwxyz", 7, "\n" },
		{ "", "_", 100, "" },
		{ "jpat_", "", 0, "" },
		{ "jpat_", JP_TOKEN_ALPHABET, 8, "_" },
		{ "abcd_", JP_TOKEN_ALPHABET, 8, "_\n" },
	};
	static struct jp_token_scan scan;
	static struct seen seen;
	static struct text text;

	(void)unused;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		text.len = 0;
		while (text.len < sizeof(text.bytes) - 2000) {
			put_text(&text, kinds[i].line);
			for (uint32_t j = 0; j < kinds[i].count; j++) {
				char c = any_of(kinds[i].letters);

				put(&text, &c, 1);
			}
			put_text(&text, kinds[i].end);
		}
		jp_token_scan_start(&scan, "jpat", see, &seen);
		(void)jp_token_scan_feed(&scan, text.bytes, text.len);
		if (scan.match.at != 0)
			fail_msg("text %zu is read at %lu", i,
			    (unsigned long)scan.match.at);
		(void)jp_token_scan_end(&scan);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_filter_loses_nothing),
		cmocka_unit_test(most_text_is_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
