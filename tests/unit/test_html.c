/* What cannot get into a page: pat_httpd/self/html.c. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pat_httpd/self/html.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define FFFD "\xEF\xBF\xBD"

/* X is what lies between <p title=" and the end of it. */
#define ATTRIBUTE(x) "<p title=\"" x "\">" x "</p>"

static void
assert_written(const char *text, size_t len, const char *expected)
{
	struct html html = { 0 };
	size_t got_len = 0;
	char *got;

	html_add_markup(&html, "<p title=\"");
	html_add_text(&html, text, len);
	html_add_markup(&html, "\">");
	html_add_text(&html, text, len);
	html_add_markup(&html, "</p>");
	got = html_take(&html, &got_len);
	assert_string_equal(got, expected);
	assert_int_equal(got_len, strlen(expected));
	free(got);
}

static const struct {
	const char *text, *written;
} rows[] = {
	{ "", ATTRIBUTE("") },
	{ "plain", ATTRIBUTE("plain") },
	{ "a & b", ATTRIBUTE("a &amp; b") },
	{ "&amp;", ATTRIBUTE("&amp;amp;") },
	{ "<script>", ATTRIBUTE("&lt;script&gt;") },
	{ "\" onload=\"x", ATTRIBUTE("&#34; onload=&#34;x") },
	{ "it's", ATTRIBUTE("it&#39;s") },
	{ "</p><!-- ", ATTRIBUTE("&lt;/p&gt;&lt;!-- ") },
	{ "a\tb\nc\rd", ATTRIBUTE("a&#9;b&#10;c&#13;d") },
	{ "100 %s %d %%", ATTRIBUTE("100 %s %d %%") },
	{ "Grüße €\xF0\x9F\x98\x80", ATTRIBUTE("Grüße €\xF0\x9F\x98\x80") },
	{ "\xD7\xA9\xE2\x80\xAE x", ATTRIBUTE("\xD7\xA9\xE2\x80\xAE x") },
	/* Overlong, surrogate, above U+10FFFF, cut, a lone byte. */
	{ "\xC0\xBC", ATTRIBUTE(FFFD FFFD) },
	{ "\xE0\x80\xBC", ATTRIBUTE(FFFD FFFD FFFD) },
	{ "\xED\xA0\x80", ATTRIBUTE(FFFD FFFD FFFD) },
	{ "\xF4\x90\x80\x80", ATTRIBUTE(FFFD FFFD FFFD FFFD) },
	{ "\xE2\x82<b>", ATTRIBUTE(FFFD FFFD "&lt;b&gt;") },
	{ "\xC3\"", ATTRIBUTE(FFFD "&#34;") },
	{ "\xFF<", ATTRIBUTE(FFFD "&lt;") },
	{ "\xC3", ATTRIBUTE(FFFD) },
};

static void
text_is_escaped_in_elements_and_attributes(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_written(
		    rows[i].text, strlen(rows[i].text), rows[i].written);
}

static void
no_control_character_gets_in(void **unused)
{
	(void)unused;
	for (unsigned int c = 0; c < 0x20; c++) {
		char byte = (char)c;

		if (c != '\t' && c != '\n' && c != '\r')
			assert_written(&byte, 1, ATTRIBUTE(FFFD));
	}
	assert_written("\x7F", 1, ATTRIBUTE(FFFD));
	for (unsigned int c = 0x80; c < 0xA0; c++) {
		char bytes[2] = { (char)0xC2, (char)c };

		assert_written(bytes, 2, ATTRIBUTE(FFFD));
	}
	assert_written("\xC2\xA0", 2, ATTRIBUTE("\xC2\xA0"));
}

static void
formats_have_texts_and_numbers(void **unused)
{
	struct html html = { 0 };

	(void)unused;
	html_add(&html, "<b class=\"%s\">%d of %d, 5%%</b>", "\"", INT_MIN, 7);
	assert_false(html.failed);
	assert_string_equal(
	    html.text, "<b class=\"&#34;\">-2147483648 of 7, 5%</b>");
	html_free(&html);
}

/* Not literals: the compiler would see it. */
static const char *const no_formats[] = { "%", "a %", "%x", "%c", "%5d", "%ld",
	"%.3s", "%n", "%S" };

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void
other_formats_fail(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(no_formats); i++) {
		struct html html = { 0 };
		size_t len;

		html_add(&html, no_formats[i], 1, 2);
		html_add_markup(&html, "behind");
		assert_true(html.failed);
		assert_null(html_take(&html, &len));
	}
}

static void
a_missing_text_fails(void **unused)
{
	struct html html = { 0 };
	const char *volatile none = NULL;
	const char *volatile format = "a %s";
	size_t len;

	(void)unused;
	html_add(&html, format, none);
	assert_null(html_take(&html, &len));
}
#pragma GCC diagnostic pop

static void
it_grows(void **unused)
{
	struct html html = { 0 };
	size_t len = 0;
	char *got;

	(void)unused;
	for (int i = 0; i < 20000; i++)
		html_add(&html, "<%s>", "&");
	got = html_take(&html, &len);
	assert_int_equal(len, 20000 * strlen("<&amp;>"));
	assert_int_equal(strlen(got), len);
	assert_string_equal(got + len - 7, "<&amp;>");
	assert_null(html.text);
	free(got);
}

static void
an_empty_one_is_none(void **unused)
{
	struct html html = { 0 };
	size_t len;

	(void)unused;
	assert_null(html_take(&html, &len));
	html_free(&html);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_escaped_in_elements_and_attributes),
		cmocka_unit_test(no_control_character_gets_in),
		cmocka_unit_test(formats_have_texts_and_numbers),
		cmocka_unit_test(other_formats_fail),
		cmocka_unit_test(a_missing_text_fails),
		cmocka_unit_test(it_grows),
		cmocka_unit_test(an_empty_one_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
