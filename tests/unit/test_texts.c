/* The texts of the page, and which language it is in: pat_httpd/self/texts.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/text.h"
#include "pat_httpd/self/texts.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Bits of the placeholders of a text; a brace that begins none fails. */
static unsigned int
placeholders(const char *text)
{
	unsigned int bits = 0;

	while ((text = strpbrk(text, "{}")) != NULL) {
		assert_int_equal(*text, '{');
		assert_in_range(text[1], '0', '0' + TEXT_ARGS_MAX - 1);
		assert_int_equal(text[2], '}');
		bits |= 1U << (text[1] - '0');
		text += 3;
	}
	return bits;
}

static void
each_text_is_there_in_each_language_with_the_same_places(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < TEXT_COUNT; i++)
		for (size_t lang = 0; lang < LANG_COUNT; lang++) {
			const char *text =
			    text_of((enum lang)lang, (enum text)i);

			assert_non_null(text);
			assert_true(text[0] != '\0');
			assert_true(jp_utf8_valid(text, strlen(text)));
			assert_false(jp_blank_ends(text));
			assert_null(strpbrk(text, "<>&%"));
			assert_int_equal(placeholders(text),
			    placeholders(text_of(LANG_EN, (enum text)i)));
		}
}

static const struct {
	const char *field;
	enum lang lang;
} fields[] = {
	{ NULL, LANG_EN },
	{ "", LANG_EN },
	{ "*", LANG_EN },
	{ "fr", LANG_EN },
	{ "de", LANG_DE },
	{ "DE", LANG_DE },
	{ "de-AT", LANG_DE },
	{ "den", LANG_EN },
	{ "fr, de;q=0.1", LANG_DE },
	{ "en;q=0.5, de;q=0.6", LANG_DE },
	{ "de;q=0.6,en;q=0.65", LANG_EN },
	{ "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7", LANG_DE },
	{ "en-US,en;q=0.9,de;q=0.8", LANG_EN },
	{ "en;q=0, de;q=0.001", LANG_DE },
	{ "de;q=0", LANG_EN },
	{ "de;q=0.000", LANG_EN },
	{ "de ; q=1.0", LANG_DE },
	{ "de;q=", LANG_EN },
	{ "de;", LANG_EN },
	{ "de;q=2", LANG_EN },
	{ ",,, de ,,", LANG_DE },
	{ "de;q=0.5,en;q=0.5", LANG_DE },
};

static void
the_language_is_the_one_of_the_highest_weight(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		assert_int_equal(
		    lang_accepted(fields[i].field), fields[i].lang);
}

static void
arguments_are_escaped_and_isolated(void **unused)
{
	struct html html = { 0 };

	(void)unused;
	html_say(&html, LANG_EN, TEXT_SHOWN_OLD, "<b>", "{0}\xE2\x80\xAE");
	assert_string_equal(html.text,
	    "The old token <bdi>&lt;b&gt;</bdi> works until "
	    "<bdi>{0}\xE2\x80\xAE</bdi>.");
	html_free(&html);
	html_say(&html, LANG_DE, TEXT_MAY_USES, "2", "5");
	assert_string_equal(
	    html.text, "Noch <bdi>2</bdi> von <bdi>5</bdi> Verwendungen");
	html_free(&html);
}

static void
arguments_without_markup_are_isolated_by_characters(void **unused)
{
	struct html html = { 0 };

	(void)unused;
	html_say_plain(&html, LANG_EN, TEXT_TOKEN_TITLE, "<a>");
	assert_string_equal(
	    html.text, "Token \xE2\x81\xA8&lt;a&gt;\xE2\x81\xA9");
	html_free(&html);
	html_say_plain(&html, LANG_EN, TEXT_TOKEN_TITLE, NULL);
	assert_true(html.failed);
	html_free(&html);
}

static void
a_missing_argument_fails(void **unused)
{
	struct html html = { 0 };

	(void)unused;
	html_say(&html, LANG_EN, TEXT_MAY_USES, "2");
	assert_true(html.failed);
	html_free(&html);
}

static void
a_language_is_found_by_its_tag(void **unused)
{
	enum lang lang;

	(void)unused;
	for (size_t i = 0; i < LANG_COUNT; i++) {
		const char *tag = lang_tag((enum lang)i);

		assert_true(lang_find(tag, strlen(tag), &lang));
		assert_int_equal(lang, i);
		assert_true(lang_name(lang)[0] != '\0');
	}
	assert_false(lang_find("", 0, &lang));
	assert_false(lang_find("e", 1, &lang));
	assert_false(lang_find("fr", 2, &lang));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    each_text_is_there_in_each_language_with_the_same_places),
		cmocka_unit_test(the_language_is_the_one_of_the_highest_weight),
		cmocka_unit_test(arguments_are_escaped_and_isolated),
		cmocka_unit_test(
		    arguments_without_markup_are_isolated_by_characters),
		cmocka_unit_test(a_missing_argument_fails),
		cmocka_unit_test(a_language_is_found_by_its_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
