/*
 * What clients of SASL say: common/base/text.c, common/wire/sasl_plain.c,
 * common/wire/sasl_bearer.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/wire/sasl_bearer.h"
#include "common/base/text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define BYTES(text) text, sizeof(text) - 1

struct row {
	const char *bytes;
	size_t len;
	enum jp_err err;
	const char *authzid, *authcid, *passwd;
};

typedef enum jp_err parser(const char *, size_t, struct jp_login *);

static bool
is_clear(const struct jp_login *login)
{
	static const struct jp_login zero;

	return memcmp(login, &zero, sizeof(zero)) == 0;
}

static void
check_rows(parser *parse, const struct row *rows, size_t count)
{
	struct jp_login login;

	for (size_t i = 0; i < count; i++) {
		memset(&login, 'x', sizeof(login));
		print_message("# row %zu\n", i);
		assert_int_equal(
		    parse(rows[i].bytes, rows[i].len, &login), rows[i].err);
		if (rows[i].err != JP_ERR_OK) {
			assert_true(is_clear(&login));
			continue;
		}
		assert_string_equal(login.authzid, rows[i].authzid);
		assert_string_equal(login.authcid, rows[i].authcid);
		assert_string_equal(login.passwd.text, rows[i].passwd);
	}
}

static void
utf8_is_that_of_rfc_3629(void **unused)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
		{ "", true },
		{ "alice", true },
		{ "\x7f", true },
		{ "\xc2\x80", true },
		{ "j\xc3\xbcrgen", true },
		{ "\xdf\xbf", true },
		{ "\xe0\xa0\x80", true },
		{ "\xed\x9f\xbf", true },
		{ "\xee\x80\x80", true },
		{ "\xef\xbf\xbf", true },
		{ "\xf0\x90\x80\x80", true },
		{ "\xf4\x8f\xbf\xbf", true },
		{ "\x80", false },
		{ "\xbf", false },
		{ "\xc0\x80", false },
		{ "\xc1\xbf", false },
		{ "\xc2", false },
		{ "\xc2\x20", false },
		{ "\xc2\xc0", false },
		{ "\xe0\x9f\xbf", false },
		{ "\xe1\x80", false },
		{ "\xe1\x80\x20", false },
		{ "\xed\xa0\x80", false },
		{ "\xf0\x8f\xbf\xbf", false },
		{ "\xf1\x80\x80", false },
		{ "\xf4\x90\x80\x80", false },
		{ "\xf5\x80\x80\x80", false },
		{ "\xf8\x88\x80\x80\x80", false },
		{ "\xff", false },
		{ "alice\xe2\x82", false },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		print_message("# row %zu\n", i);
		assert_int_equal(
		    jp_utf8_valid(rows[i].text, strlen(rows[i].text)),
		    rows[i].valid);
	}
	assert_false(jp_utf8_valid("\xc3\xbc", 1)); /* nor reads the second */
}

static void
plain_is_the_message_of_rfc_4616(void **unused)
{
	static const struct row rows[] = {
		{ BYTES("\0alice\0secret"), JP_ERR_OK, "", "alice", "secret" },
		{ BYTES("bob\0alice\0s"), JP_ERR_OK, "bob", "alice", "s" },
		{ BYTES("\0 a b \0 "), JP_ERR_OK, "", " a b ", " " },
		{ BYTES("\0j\xc3\xbc\0\xc3\xbc"), JP_ERR_OK, "", "j\xc3\xbc",
		    "\xc3\xbc" },
		{ BYTES(""), JP_ERR_TRUNCATED, 0, 0, 0 },
		{ BYTES("alice"), JP_ERR_TRUNCATED, 0, 0, 0 },
		{ BYTES("\0alice"), JP_ERR_TRUNCATED, 0, 0, 0 },
		{ BYTES("\0alice\0secret\0"), JP_ERR_TRAILING, 0, 0, 0 },
		{ BYTES("\0alice\0sec\0ret"), JP_ERR_TRAILING, 0, 0, 0 },
		{ BYTES("\0\0\0"), JP_ERR_TRAILING, 0, 0, 0 },
		{ BYTES("\0\0"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("\0\0secret"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("\0alice\0"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("\0  \0secret"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("  \0alice\0secret"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("\0al\nice\0secret"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("\0al\x7fice\0secret"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("\0al\xc0\xafice\0s"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("\xff\0alice\0secret"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("\0alice\0sec\xffret"), JP_ERR_INVALID, 0, 0, 0 },
		/* A character must not reach over the end of its field. */
		{ BYTES("\0alice\xc3\0\xbcx"), JP_ERR_INVALID, 0, 0, 0 },
	};

	(void)unused;
	check_rows(jp_plain_parse, rows, COUNT_OF(rows));
}

/* RFC 4616 §2: a server must take 255 octets of each. */
static void
plain_takes_the_longest_fields_and_no_longer_ones(void **unused)
{
	static const struct {
		size_t authzid, authcid, passwd;
		enum jp_err err;
	} rows[] = {
		{ 255, 255, 255, JP_ERR_OK },
		{ 0, 1, JP_SECRET_MAX, JP_ERR_OK },
		{ 255, 255, JP_SECRET_MAX, JP_ERR_OK },
		{ 256, 1, 1, JP_ERR_TOO_LONG },
		{ 0, 256, 1, JP_ERR_TOO_LONG },
		{ 0, 1, JP_SECRET_MAX + 1, JP_ERR_TOO_LONG },
	};
	char message[2048];
	struct jp_login login;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		size_t len =
		    rows[i].authzid + rows[i].authcid + rows[i].passwd + 2;

		memset(message, 'a', sizeof(message));
		message[rows[i].authzid] = '\0';
		message[rows[i].authzid + 1 + rows[i].authcid] = '\0';
		assert_int_equal(
		    jp_plain_parse(message, len, &login), rows[i].err);
		if (rows[i].err == JP_ERR_OK)
			assert_int_equal(login.passwd.len, rows[i].passwd);
		else
			assert_true(is_clear(&login));
	}
}

static void
oauthbearer_is_the_message_of_rfc_7628(void **unused)
{
	static const struct row rows[] = {
		{ BYTES("n,a=user@example.com,\1host=server.example.com\1"
		        "port=143\1auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdml"
		        "zdGEuY29tCg==\1\1"),
		    JP_ERR_OK, "", "user@example.com",
		    "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==" },
		{ BYTES("n,,\1auth=Bearer t\1\1"), JP_ERR_OK, "", "", "t" },
		{ BYTES("y,,\1auth=Bearer t\1\1"), JP_ERR_OK, "", "", "t" },
		{ BYTES("n,,\1auth=bEARER   t\1\1"), JP_ERR_OK, "", "", "t" },
		{ BYTES("n,a=a=2Cb=3Dc,\1auth=Bearer t\1\1"), JP_ERR_OK, "",
		    "a,b=c", "t" },
		{ BYTES("n,,\1xyz=a b\tc\r\n\1auth=Bearer t\1\1"), JP_ERR_OK,
		    "", "", "t" },
		{ BYTES("n,,\1auth=Bearer -._~+/09azAZ\1\1"), JP_ERR_OK, "", "",
		    "-._~+/09azAZ" },
		{ BYTES(""), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,,"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,,\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,,\1auth=Bearer t\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,,\1auth=Bearer t"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,,\1auth=Bearer t\1\1x"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,,auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("N,,\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("p=tls-unique,,\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0,
		    0, 0 },
		{ BYTES("F,n,,\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,a=,\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,a= ,\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,a==2c,\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0,
		    0 },
		{ BYTES("n,a=x=,\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0,
		    0 },
		{ BYTES("n,a=x\0y,\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0,
		    0 },
		{ BYTES("n,a=\xff,\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0,
		    0 },
		{ BYTES("n,a=x\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,b=x,\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,,\1auth=Bearer t\1auth=Bearer u\1\1"),
		    JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,,\1auth=Basic dDp0\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,,\1auth=Bearer\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,,\1auth=Bearer \1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,,\1auth=Bearer ==\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,,\1auth=Bearer t=t\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,,\1auth=Bearer t u\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,,\1auth=Bearer t\0\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,,\1auth=Bearer \xc3\xbc\1\1"), JP_ERR_INVALID, 0, 0,
		    0 },
		{ BYTES("n,,\1Auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,,\1=x\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0,
		    0 },
		{ BYTES("n,,\0011x=x\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0,
		    0 },
		{ BYTES("n,,\1x1=x\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0,
		    0 },
		{ BYTES("n,,\1x\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("n,,\1x=\2\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0,
		    0 },
	};

	(void)unused;
	check_rows(jp_oauthbearer_parse, rows, COUNT_OF(rows));
}

static void
xoauth2_is_user_and_auth_in_this_order(void **unused)
{
	static const struct row rows[] = {
		{ BYTES("user=someuser@example.com\1auth=Bearer ya29.vF9d\1\1"),
		    JP_ERR_OK, "", "someuser@example.com", "ya29.vF9d" },
		{ BYTES("user=a=2Cb\1auth=bearer t==\1\1"), JP_ERR_OK, "",
		    "a=2Cb", "t==" },
		{ BYTES(""), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("user=a"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("user=a\1auth=Bearer t\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("user=a\1auth=Bearer t\1\1\1"), JP_ERR_INVALID, 0, 0,
		    0 },
		{ BYTES("user=\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("user= \1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("auth=Bearer t\1user=a\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("user=a\1x=y\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0,
		    0 },
		{ BYTES("user=a\0b\1auth=Bearer t\1\1"), JP_ERR_INVALID, 0, 0,
		    0 },
		{ BYTES("user=a\1auth=Basic t\1\1"), JP_ERR_INVALID, 0, 0, 0 },
		{ BYTES("user=a\1auth=Bearer \1\1"), JP_ERR_INVALID, 0, 0, 0 },
	};

	(void)unused;
	check_rows(jp_xoauth2_parse, rows, COUNT_OF(rows));
}

/* `name` and `token` of these lengths, in both messages. */
static void
check_bearer_lengths(size_t name, size_t token, enum jp_err err)
{
	char user[512] = "", text[1024] = "", message[2048];
	struct jp_login login;
	size_t len;

	memset(user, 'u', name);
	memset(text, 't', token);
	len = (size_t)snprintf(message, sizeof(message),
	    "n,a=%s,\1auth=Bearer %s\1\1", user, text);
	assert_int_equal(jp_oauthbearer_parse(message, len, &login), err);
	len = (size_t)snprintf(message, sizeof(message),
	    "user=%s\1auth=Bearer %s\1\1", user, text);
	assert_int_equal(jp_xoauth2_parse(message, len, &login), err);
	assert_int_equal(is_clear(&login), err != JP_ERR_OK);
}

static void
bearer_names_and_tokens_have_their_longest(void **unused)
{
	(void)unused;
	check_bearer_lengths(255, JP_SECRET_MAX, JP_ERR_OK);
	check_bearer_lengths(256, 1, JP_ERR_TOO_LONG);
	check_bearer_lengths(300, 1, JP_ERR_TOO_LONG);
	check_bearer_lengths(1, JP_SECRET_MAX + 1, JP_ERR_TOO_LONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_is_that_of_rfc_3629),
		cmocka_unit_test(plain_is_the_message_of_rfc_4616),
		cmocka_unit_test(
		    plain_takes_the_longest_fields_and_no_longer_ones),
		cmocka_unit_test(oauthbearer_is_the_message_of_rfc_7628),
		cmocka_unit_test(xoauth2_is_user_and_auth_in_this_order),
		cmocka_unit_test(bearer_names_and_tokens_have_their_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
