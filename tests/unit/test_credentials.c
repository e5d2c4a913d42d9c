/* The value of Authorization, pat_httpd/authorizer/credentials.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "pat_httpd/authorizer/credentials.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TOKEN "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"

static bool
is_clear(const struct jp_login *login)
{
	static const struct jp_login zero;

	return memcmp(login, &zero, sizeof(zero)) == 0;
}

/* `scheme` and the base64 of `pair`. */
static void
code(char *value, size_t size, const char *scheme, const char *pair, size_t len)
{
	size_t at = (size_t)snprintf(value, size, "%s ", scheme);

	(void)sodium_bin2base64(value + at, size - at,
	    (const unsigned char *)pair, len, sodium_base64_VARIANT_ORIGINAL);
}

static void
who_and_what_are_read(void **unused)
{
	static const struct {
		const char *scheme, *pair, *user, *token;
	} rows[] = {
		{ "Basic", "alice:" TOKEN, "alice", TOKEN },
		{ "basic", "alice:" TOKEN, "alice", TOKEN },
		{ "BASIC  ", "alice:" TOKEN, "alice", TOKEN },
		{ "Bearer", "alice:" TOKEN, "alice", TOKEN },
		{ "bEARER", "j\xc3\xbcrgen:x", "j\xc3\xbcrgen", "x" },
		{ "Basic", "alice@example.org:a:b:c", "alice@example.org",
		    "a:b:c" },
		{ "Basic", "alice smith: x ", "alice smith", " x " },
		{ "Bearer", "alice::", "alice", ":" },
	};
	char value[2048];
	struct jp_login login;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		code(value, sizeof(value), rows[i].scheme, rows[i].pair,
		    strlen(rows[i].pair));
		print_message("# %s\n", value);
		assert_int_equal(
		    credentials_parse(value, strlen(value), &login), JP_ERR_OK);
		assert_string_equal(login.authcid, rows[i].user);
		assert_string_equal(login.passwd.text, rows[i].token);
		assert_string_equal(login.authzid, "");
	}
}

static void
a_bearer_value_may_be_plain(void **unused)
{
	static const struct {
		const char *value, *user, *token;
	} rows[] = {
		{ "Bearer " TOKEN, "", TOKEN },
		{ "bearer    " TOKEN, "", TOKEN },
		{ "Bearer alice:" TOKEN, "alice", TOKEN },
		{ "Bearer alice:", NULL, NULL },
		{ "Bearer :" TOKEN, NULL, NULL },
		/* Of a token that was imported: any text. */
		{ "Bearer NjU2OTk2", "", "NjU2OTk2" },
		{ "Bearer s3cret-_~+/==", "", "s3cret-_~+/==" },
		{ "Bearer a", "", "a" },
	};
	struct jp_login login;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		enum jp_err err = credentials_parse(
		    rows[i].value, strlen(rows[i].value), &login);

		print_message("# %s\n", rows[i].value);
		if (rows[i].user == NULL) {
			assert_int_not_equal(err, JP_ERR_OK);
			assert_true(is_clear(&login));
			continue;
		}
		assert_int_equal(err, JP_ERR_OK);
		assert_string_equal(login.authcid, rows[i].user);
		assert_string_equal(login.passwd.text, rows[i].token);
	}
}

static void
other_values_are_refused(void **unused)
{
	static const char *const values[] = {
		"",
		" ",
		"Basic",
		"Basic ",
		"Bearer",
		"Bearer ",
		"Bearer\t" TOKEN,
		"Basicx YWxpY2U6eA==",
		"BasicYWxpY2U6eA==",
		" Basic YWxpY2U6eA==",
		"Digest username=\"alice\"",
		"Negotiate YII=",
		"Token " TOKEN,
		TOKEN,
		"Basic YWxpY2U6eA",     /* without its padding */
		"Basic YWxpY2U6eA==\n", /* echo without -n */
		"Basic YWxpY2U6eA= =",
		"Basic YWxp Y2U6eA==",
		"Basic YWxpY2U6eA==, Basic Ym9iOng=",
		"Basic YWxpY2U6eA==,",
		"Bearer " TOKEN ", Bearer " TOKEN,
		"Bearer " TOKEN " x",
		"Basic YWxpY2U6_-8=", /* of the other alphabet */
		"Basic YWxpY2U=",     /* no colon */
		"Basic OngK",
		"Basic Onl4eA==", /* no user */
		"Basic YWxpY2U6", /* no token */
		"Basic YWxpY2U6\x01==",
		"Basic alice:" TOKEN,
	};
	struct jp_login login;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		memset(&login, 'x', sizeof(login));
		print_message("# %s\n", values[i]);
		assert_int_not_equal(
		    credentials_parse(values[i], strlen(values[i]), &login),
		    JP_ERR_OK);
		assert_true(is_clear(&login));
	}
}

static void
pairs_that_are_none_are_refused(void **unused)
{
	static const struct {
		const char *pair;
		size_t len;
	} rows[] = {
#define ROW(text) { text, sizeof(text) - 1 }
		ROW(TOKEN ":x"), /* pasted into the wrong field */
		ROW(TOKEN ":"),
		ROW("me " TOKEN ":x"),
		ROW("alice\0:x"),
		ROW("alice:x\0y"),
		ROW("al\nice:x"),
		ROW("alice:\xff"),
		ROW("\xff:x"),
		ROW("  :x"),
#undef ROW
	};
	char value[2048];
	struct jp_login login;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		code(value, sizeof(value), "Basic", rows[i].pair, rows[i].len);
		print_message("# %s\n", value);
		assert_int_not_equal(
		    credentials_parse(value, strlen(value), &login), JP_ERR_OK);
		assert_true(is_clear(&login));
	}
}

static void
lengths_are_bounded(void **unused)
{
	char pair[JP_USER_MAX + JP_SECRET_MAX + 4], value[4096];
	struct jp_login login;

	(void)unused;
	for (size_t more = 0; more < 2; more++) {
		memset(pair, 'a', sizeof(pair));
		pair[JP_USER_MAX] = ':';
		code(value, sizeof(value), "Basic", pair,
		    JP_USER_MAX + 1 + JP_SECRET_MAX + more);
		assert_int_equal(credentials_parse(
		                     value, strlen(value), &login) == JP_ERR_OK,
		    more == 0);
		memset(pair, 'a', sizeof(pair));
		pair[JP_USER_MAX + more] = ':';
		code(value, sizeof(value), "Basic", pair,
		    JP_USER_MAX + more + 2);
		assert_int_equal(credentials_parse(
		                     value, strlen(value), &login) == JP_ERR_OK,
		    more == 0);
	}
	memset(value, 'b', sizeof(value));
	memcpy(value, "Bearer ", 7);
	assert_int_equal(
	    credentials_parse(value, 7 + JP_SECRET_MAX, &login), JP_ERR_OK);
	assert_int_equal(credentials_parse(value, 8 + JP_SECRET_MAX, &login),
	    JP_ERR_TOO_LONG);
	assert_true(is_clear(&login));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_and_what_are_read),
		cmocka_unit_test(a_bearer_value_may_be_plain),
		cmocka_unit_test(other_values_are_refused),
		cmocka_unit_test(pairs_that_are_none_are_refused),
		cmocka_unit_test(lengths_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
