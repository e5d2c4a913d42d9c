/* Who a visitor is: pat_httpd/self/visitor.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pat_httpd/self/visitor.h"
#include "tests/unit/head_help.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TOKEN "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"
#define BEARER "Authorization: Bearer " TOKEN "\n"
#define ALICE "X-Remote-User: alice\n"

/* gcc takes a text of a table for NULL where it looks for undefined behaviour.
 */
static void
say(const char *text)
{
	print_message("# %s\n", text != NULL ? text : "");
}

static const struct visitor nobody;
static const struct jp_login no_login;

static enum visitor_verdict
read_with(const char *fields, bool trusted, enum visitor_takes takes,
    struct visitor *visitor, struct jp_login *login)
{
	const struct visitor_rules rules = { .user_header = "X-Remote-User",
		.auth_time_header = "X-Auth-Time",
		.address_header = "X-Forwarded-For",
		.trusted = trusted,
		.takes = takes };
	struct http_head head;
	char text[HEAD_TEXT_MAX];

	print_message("# %s%s", trusted ? "" : "not trusted: ", fields);
	(void)snprintf(text, sizeof(text), "%s", fields);
	head_make(&head, "GET", text);
	return visitor_read(&head, &rules, visitor, login);
}

static void
check_refused(const char *fields, bool trusted, enum visitor_verdict verdict)
{
	struct visitor visitor;
	struct jp_login login;

	assert_int_equal(
	    read_with(fields, trusted, VISITOR_TAKES_TOKEN, &visitor, &login),
	    verdict);
	assert_memory_equal(&visitor, &nobody, sizeof(visitor));
	assert_memory_equal(&login, &no_login, sizeof(login));
}

static void
the_single_sign_on_names_the_user(void **unused)
{
	static const struct {
		const char *fields, *user;
	} rows[] = {
		{ ALICE, "alice" },
		{ "x-remote-USER: alice\n", "alice" },
		{ "X-Remote-User:  alice \t\n", "alice" },
		{ "X-Remote-User: j\xc3\xbcrgen m\n", "j\xc3\xbcrgen m" },
		{ "X-Remote-User: alice@example.org\n", "alice@example.org" },
		{ ALICE "X-Other: x\nX-Remote-Users: bob\n", "alice" },
	};
	struct visitor visitor;
	struct jp_login login;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(read_with(rows[i].fields, true,
		                     VISITOR_TAKES_SSO, &visitor, &login),
		    VISITOR_READ);
		assert_int_equal(visitor.kind, VISITOR_SSO);
		assert_string_equal(visitor.user, rows[i].user);
		assert_int_equal(visitor.auth_time, 0);
	}
	assert_int_equal(
	    read_with("Host: x\n", true, VISITOR_TAKES_SSO, &visitor, &login),
	    VISITOR_READ);
	assert_int_equal(visitor.kind, VISITOR_NONE);
}

static void
nobody_else_may(void **unused)
{
	(void)unused;
	check_refused(ALICE, false, VISITOR_FORGED);
	check_refused("X-Remote-User: \n", false, VISITOR_FORGED);
	check_refused("X_REMOTE_USER: alice\n", false, VISITOR_FORGED);
	check_refused("X-Remote.User: alice\n", false, VISITOR_FORGED);
	check_refused("X-Auth-Time: 1\n", false, VISITOR_FORGED);
	check_refused("X-Auth_Time: x\n", false, VISITOR_FORGED);
	check_refused(BEARER ALICE, false, VISITOR_FORGED);
	check_refused(ALICE ALICE, false, VISITOR_FORGED);
}

static void
a_user_who_is_none_is_refused(void **unused)
{
	char fields[HEAD_TEXT_MAX], name[JP_USER_MAX + 2];

	(void)unused;
	check_refused(ALICE ALICE, true, VISITOR_AMBIGUOUS);
	check_refused(ALICE "X-Remote-User: bob\n", true, VISITOR_AMBIGUOUS);
	check_refused(ALICE "X_Remote_User: alice\n", true, VISITOR_AMBIGUOUS);
	check_refused("X_Remote-User: alice\n", true, VISITOR_AMBIGUOUS);
	check_refused("X-Remote-User: \n", true, VISITOR_AMBIGUOUS);
	check_refused("X-Remote-User:  \t\n", true, VISITOR_AMBIGUOUS);
	check_refused("X-Remote-User: (null)\n", true, VISITOR_AMBIGUOUS);
	check_refused("X-Remote-User: a:b\n", true, VISITOR_AMBIGUOUS);
	check_refused("X-Remote-User: alice, bob\n", true, VISITOR_AMBIGUOUS);
	check_refused("X-Remote-User: a\tb\n", true, VISITOR_AMBIGUOUS);
	check_refused("X-Remote-User: j\xfcrgen\n", true, VISITOR_AMBIGUOUS);
	check_refused(
	    "X-Remote-User: alice\xc2\xa0\n", true, VISITOR_AMBIGUOUS);
	check_refused("X-Remote-User: " TOKEN "\n", true, VISITOR_AMBIGUOUS);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	(void)snprintf(fields, sizeof(fields), "X-Remote-User: %s\n", name);
	check_refused(fields, true, VISITOR_AMBIGUOUS);
}

static void
when_the_user_signed_in_is_read(void **unused)
{
	static const struct {
		const char *text;
		int64_t when; /* 0: it is none */
	} rows[] = {
		{ "1700000000", 1700000000 },
		{ "1700000000.25", 1700000000 },
		{ "1", 1 },
		{ "253402300799", INT64_C(253402300799) },
		{ "2023-11-14T22:13:20Z", 1700000000 },
		{ "2023-11-14t22:13:20z", 1700000000 },
		{ "2023-11-14T22:13:20.123456Z", 1700000000 },
		{ "2023-11-15T00:13:20+02:00", 1700000000 },
		{ "2023-11-14T17:43:20-04:30", 1700000000 },
		{ "", 0 },
		{ "0", 0 },
		{ "-1", 0 },
		{ "+1", 0 },
		{ " 1", 0 },
		{ "1.", 0 },
		{ ".5", 0 },
		{ "1x", 0 },
		{ "0x10", 0 },
		{ "253402300800", 0 },
		{ "1700000000000", 0 }, /* milliseconds */
		{ "99999999999999999999", 0 },
		{ "never", 0 },
		{ "90d", 0 },
		{ "2023-11-14", 0 },
		{ "2023-11-14T22:13:20", 0 },
		{ "2023-11-14 22:13:20Z", 0 },
		{ "2023-11-14T22:13:20.Z", 0 },
		{ "2023-11-14T22:13:20+0200", 0 },
		{ "2023-11-14T22:13:20+24:00", 0 },
		{ "2023-11-14T22:13:20+02:60", 0 },
		{ "2023-11-14T22:13:20+02:00x", 0 },
		{ "2023-11-14T22:13:20+0/:00", 0 },
		{ "2023-02-30T22:13:20Z", 0 },
		{ "1970-01-01T00:00:01+00:01", 0 },
		{ "(null)", 0 },
	};
	char fields[HEAD_TEXT_MAX];
	struct visitor visitor;
	struct jp_login login;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t when = 0;

		say(rows[i].text);
		assert_int_equal(visitor_time(rows[i].text, &when) == JP_ERR_OK,
		    rows[i].when != 0);
		if (rows[i].when != 0)
			assert_int_equal(when, rows[i].when);
		if (rows[i].text[0] == ' ')
			continue; /* is no part of a value */
		(void)snprintf(fields, sizeof(fields),
		    ALICE "X-Auth-Time: %s\n", rows[i].text);
		assert_int_equal(read_with(fields, true, VISITOR_TAKES_SSO,
		                     &visitor, &login),
		    rows[i].when != 0 ? VISITOR_READ : VISITOR_AMBIGUOUS);
		assert_int_equal(visitor.auth_time, rows[i].when);
	}
	check_refused(
	    ALICE "X-Auth-Time: 1\nX-Auth-Time: 1\n", true, VISITOR_AMBIGUOUS);
	check_refused(ALICE "X_Auth_Time: 1\n", true, VISITOR_AMBIGUOUS);
}

static void
a_token_is_read_where_it_counts(void **unused)
{
	struct visitor visitor;
	struct jp_login login;

	(void)unused;
	assert_int_equal(
	    read_with(BEARER, false, VISITOR_TAKES_TOKEN, &visitor, &login),
	    VISITOR_READ);
	assert_int_equal(visitor.kind, VISITOR_NONE);
	assert_string_equal(login.passwd.text, TOKEN);
	assert_string_equal(login.authcid, "");
	assert_int_equal(read_with(ALICE BEARER, true, VISITOR_TAKES_TOKEN,
	                     &visitor, &login),
	    VISITOR_READ);
	assert_string_equal(visitor.user, "alice");
	assert_string_equal(login.passwd.text, TOKEN);
	assert_int_equal(
	    read_with(ALICE BEARER, true, VISITOR_TAKES_SSO, &visitor, &login),
	    VISITOR_READ);
	assert_int_equal(visitor.kind, VISITOR_SSO);
	assert_memory_equal(&login, &no_login, sizeof(login));
	check_refused(BEARER BEARER, false, VISITOR_BAD_LOGIN);
	check_refused(
	    "Authorization: Negotiate abc\n", false, VISITOR_BAD_LOGIN);
	check_refused("Authorization: \n", false, VISITOR_BAD_LOGIN);
	check_refused(
	    ALICE "Authorization: Basic ?\n", true, VISITOR_BAD_LOGIN);
}

static void
the_trusted_hop_says_where_the_user_is(void **unused)
{
	static const struct {
		const char *fields, *address;
	} rows[] = {
		{ "Host: x\n", "" },
		{ "X-Forwarded-For: 192.0.2.1\n", "192.0.2.1" },
		{ "X-Forwarded-For: 198.51.100.1, 192.0.2.1\n", "192.0.2.1" },
		{ "X-Forwarded-For: 198.51.100.1\nX-Forwarded-For: 192.0.2.1\n",
		    "192.0.2.1" },
		{ "X-Forwarded-For: [2001:db8::1]:443\n", "2001:db8::1" },
		{ "X-Forwarded-For: 192.0.2.1, unknown\n", "" },
		{ "X-Forwarded-For: 192.0.2.1,\n", "" },
		{ "X-Forwarded-For: <script>\n", "" },
	};
	struct visitor visitor;
	struct jp_login login;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(read_with(rows[i].fields, false,
		                     VISITOR_TAKES_TOKEN, &visitor, &login),
		    VISITOR_READ);
		assert_string_equal(visitor.address, rows[i].address);
	}
	check_refused("X_Forwarded_For: 192.0.2.1\n", false, VISITOR_AMBIGUOUS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_single_sign_on_names_the_user),
		cmocka_unit_test(nobody_else_may),
		cmocka_unit_test(a_user_who_is_none_is_refused),
		cmocka_unit_test(when_the_user_signed_in_is_read),
		cmocka_unit_test(a_token_is_read_where_it_counts),
		cmocka_unit_test(the_trusted_hop_says_where_the_user_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
