/* The fields of a form or a query: pat_httpd/self/form.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pat_httpd/self/form.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* gcc takes a text of a table for NULL where it looks for undefined behaviour.
 */
static void
say(const char *text)
{
	print_message("# %s\n", text != NULL ? text : "");
}

/* In memory of exactly its size and one more, for the sanitizers. */
static char *
copy(const char *text, size_t len)
{
	char *bytes = malloc(len + 1);

	assert_non_null(bytes);
	memcpy(bytes, text, len);
	bytes[len] = '?';
	return bytes;
}

static enum jp_err
parse_result(const char *text, size_t len)
{
	struct form form;
	char *bytes = copy(text, len);
	enum jp_err err = form_parse(&form, bytes, len);

	if (err != JP_ERR_OK) {
		assert_null(form.fields);
		assert_int_equal(form.len, 0);
	}
	form_free(&form);
	free(bytes);
	return err;
}

static void
fields_are_decoded(void **unused)
{
	static const struct {
		const char *text, *shown; /* NAME|VALUE; of each */
	} rows[] = {
		{ "", "" },
		{ "a=1", "a|1;" },
		{ "a=1&b=2", "a|1;b|2;" },
		{ "a=1&&b=2&", "a|1;b|2;" },
		{ "&", "" },
		{ "a", "a|;" },
		{ "a=", "a|;" },
		{ "a&b", "a|;b|;" },
		{ "a=b=c", "a|b=c;" },
		{ "a+b=c+d", "a b|c d;" },
		{ "a%3Db=c%26d", "a=b|c&d;" },
		{ "a=%2b%2B+", "a|++ ;" },
		{ "a=j%C3%BCrgen", "a|j\xc3\xbcrgen;" },
		{ "a=j\xc3\xbcrgen", "a|j\xc3\xbcrgen;" },
		{ "a=%0d%0Ab", "a|\r\nb;" },
		{ "a=10.0.0.0/8, x", "a|10.0.0.0/8, x;" },
		{ "ids=1&ids=2", "ids|1;ids|2;" },
		{ "a=%2525", "a|%25;" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char *bytes = copy(rows[i].text, strlen(rows[i].text));
		char shown[256] = "";
		struct form form;
		size_t at = 0;

		say(rows[i].text);
		assert_int_equal(
		    form_parse(&form, bytes, strlen(rows[i].text)), JP_ERR_OK);
		for (size_t n = 0; n < form.len; n++)
			at += (size_t)snprintf(shown + at, sizeof(shown) - at,
			    "%s|%s;", form.fields[n].name,
			    form.fields[n].value);
		assert_string_equal(shown, rows[i].shown);
		form_free(&form);
		free(bytes);
	}
}

static void
what_is_malformed_is_refused(void **unused)
{
	static const char *const rows[] = { "=", "=1", "a=1&=2", "a=%", "a=%4",
		"a=%zz", "a=%4g", "%=1", "a=% 1", "a=%00", "a%00=1", "a=\x01",
		"a=1\n", "a=\x7f", "a=%ff", "a=\xff", "a=%C3", "%C0%80=1",
		"a=%ED%A0%80", "a=%4&b=1", "a=%&41" };

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		say(rows[i]);
		assert_int_equal(
		    parse_result(rows[i], strlen(rows[i])), JP_ERR_INVALID);
	}
	assert_int_equal(parse_result("a=\0b", 4), JP_ERR_INVALID);
	assert_int_equal(parse_result("a\0", 2), JP_ERR_INVALID);
}

static void
there_are_so_many_fields_and_no_more(void **unused)
{
	char text[4 * (FORM_FIELDS_MAX + 1)];
	size_t len = 0;

	(void)unused;
	for (size_t i = 0; i < FORM_FIELDS_MAX; i++) {
		memcpy(text + len, "a=1&", 4);
		len += 4;
		if (i + 1 == 100)
			assert_int_equal(parse_result(text, len), JP_ERR_OK);
	}
	assert_int_equal(parse_result(text, len), JP_ERR_OK);
	memcpy(text + len, "b", 1);
	assert_int_equal(parse_result(text, len + 1), JP_ERR_TOO_LONG);
}

static void
a_name_that_comes_twice_is_found(void **unused)
{
	static const struct {
		const char *text, *lists, *repeated;
	} rows[] = {
		{ "a=1&b=2", NULL, NULL },
		{ "a=1&b=2&a=1", NULL, "a" },
		{ "a=1&b=2&%61=3", NULL, "a" },
		{ "a&a", NULL, "a" },
		{ "a=1&a=2", "a", NULL },
		{ "a=1&a=2", "b a", NULL },
		{ "a=1&a=2", "aa b", "a" },
		{ "aa=1&aa=2", "a", "aa" },
		{ "a=1&A=2", NULL, NULL },
		{ "a=1&a=2&b=1&b=2", "a", "b" },
		{ "", NULL, NULL },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char *bytes = copy(rows[i].text, strlen(rows[i].text));
		const char *repeated;
		struct form form;

		say(rows[i].text);
		assert_int_equal(
		    form_parse(&form, bytes, strlen(rows[i].text)), JP_ERR_OK);
		repeated = form_repeated(&form, rows[i].lists);
		if (rows[i].repeated == NULL)
			assert_null(repeated);
		else
			assert_string_equal(repeated, rows[i].repeated);
		form_free(&form);
		free(bytes);
	}
}

static void
fields_are_found_by_name(void **unused)
{
	char text[] = "a=1&b=2&a=3&ab=4";
	const char *values[1] = { NULL };
	struct form form, none = { 0 };

	(void)unused;
	assert_int_equal(form_parse(&form, text, strlen(text)), JP_ERR_OK);
	assert_string_equal(form_get(&form, "a"), "1");
	assert_string_equal(form_get(&form, "ab"), "4");
	assert_null(form_get(&form, "A"));
	assert_null(form_get(&form, ""));
	assert_int_equal(form_all(&form, "a", values, 1), 2);
	assert_string_equal(values[0], "1");
	assert_int_equal(form_all(&form, "c", values, 1), 0);
	assert_null(form_get(&none, "a"));
	form_free(&form);
	form_free(&none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_decoded),
		cmocka_unit_test(what_is_malformed_is_refused),
		cmocka_unit_test(there_are_so_many_fields_and_no_more),
		cmocka_unit_test(a_name_that_comes_twice_is_found),
		cmocka_unit_test(fields_are_found_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
