/* Whether a request comes from a page of this site: pat_httpd/self/origin.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pat_httpd/self/origin.h"
#include "tests/unit/head_help.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* gcc takes a text of a table for NULL where it looks for undefined behaviour.
 */
static void
say(const char *text)
{
	print_message("# %s\n", text != NULL ? text : "");
}

struct row {
	const char *fields;
	enum origin page, rest; /* of a POST */
};

static enum origin
origin_with(const char *method, const char *fields, bool may_be_silent)
{
	struct http_head head;
	char text[HEAD_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%s", fields);
	head_make(&head, method, text);
	return origin_of(&head, may_be_silent);
}

static void
check(const struct row *rows, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		print_message("# %s", rows[i].fields);
		assert_int_equal(
		    origin_with("POST", rows[i].fields, false), rows[i].page);
		assert_int_equal(
		    origin_with("POST", rows[i].fields, true), rows[i].rest);
	}
}

#define HOST "Host: jira.example:8443\n"
#define OWN ORIGIN_OWN, ORIGIN_OWN
#define FOREIGN ORIGIN_FOREIGN, ORIGIN_FOREIGN
#define AMBIGUOUS ORIGIN_AMBIGUOUS, ORIGIN_AMBIGUOUS

static void
what_the_browser_says_decides(void **unused)
{
	static const struct row rows[] = {
		{ HOST "Sec-Fetch-Site: same-origin\n", OWN },
		{ HOST "sec-fetch-site: same-origin\n", OWN },
		{ HOST "Sec-Fetch-Site: none\n", OWN },
		{ HOST "Sec-Fetch-Site: same-site\n", FOREIGN },
		{ HOST "Sec-Fetch-Site: cross-site\n", FOREIGN },
		{ HOST "Sec-Fetch-Site: Same-Origin\n", FOREIGN },
		{ HOST "Sec-Fetch-Site: same-origin, cross-site\n", FOREIGN },
		{ HOST "Sec-Fetch-Site: same-origin \n", FOREIGN },
		{ HOST "Sec-Fetch-Site: \n", FOREIGN },
		/* It goes before an origin, in both directions. */
		{ HOST "Sec-Fetch-Site: cross-site\n"
		       "Origin: https://jira.example:8443\n",
		    FOREIGN },
		{ HOST "Sec-Fetch-Site: same-origin\n"
		       "Origin: https://behind.a.proxy\n",
		    OWN },
		{ HOST "Sec-Fetch-Site: cross-site\n"
		       "X-Atlassian-Token: no-check\n",
		    FOREIGN },
	};

	(void)unused;
	check(rows, COUNT_OF(rows));
}

static void
without_it_the_origin_is_that_of_the_host(void **unused)
{
	static const struct row rows[] = {
		{ HOST "Origin: https://jira.example:8443\n", OWN },
		{ HOST "Origin: http://jira.example:8443\n", OWN },
		{ HOST "Origin: HTTPS://JIRA.example:8443\n", OWN },
		{ "Host: jira.example\nOrigin: https://jira.example\n", OWN },
		{ "Host: jira.example:443\nOrigin: https://jira.example\n",
		    OWN },
		{ "Host: jira.example\nOrigin: http://jira.example:80\n", OWN },
		{ "Host: [::1]:8080\nOrigin: http://[::1]:8080\n", OWN },
		{ "Host: jira.example:80\nOrigin: https://jira.example\n",
		    FOREIGN },
		{ HOST "Origin: https://jira.example\n", FOREIGN },
		{ HOST "Origin: https://jira.example:8444\n", FOREIGN },
		{ HOST "Origin: https://evil.example\n", FOREIGN },
		{ HOST "Origin: https://jira.example:8443.evil.example\n",
		    FOREIGN },
		{ HOST "Origin: https://jira.example:84430\n", FOREIGN },
		{ HOST "Origin: https://jira.example:844\n", FOREIGN },
		{ HOST "Origin: https://jira.example:8443/\n", FOREIGN },
		{ HOST "Origin: https://x@jira.example:8443\n", FOREIGN },
		{ HOST "Origin: jira.example:8443\n", FOREIGN },
		{ HOST "Origin: ftp://jira.example:8443\n", FOREIGN },
		{ HOST "Origin: null\n", FOREIGN },
		{ HOST "Origin: \n", FOREIGN },
		{ "Host: \nOrigin: https://\n", FOREIGN },
		{ "Host: null\nOrigin: null\n", FOREIGN },
		{ "Host: :443\nOrigin: https://\n", FOREIGN },
		{ "Origin: https://jira.example\n", FOREIGN },
	};

	(void)unused;
	check(rows, COUNT_OF(rows));
}

static void
only_a_program_may_be_silent(void **unused)
{
	static const struct row rows[] = {
		{ HOST, ORIGIN_FOREIGN, ORIGIN_OWN },
		{ HOST "X-Atlassian-Token: no-check\n", ORIGIN_FOREIGN,
		    ORIGIN_OWN },
		{ HOST "Referer: https://jira.example:8443/tokens\n",
		    ORIGIN_FOREIGN, ORIGIN_OWN },
	};

	(void)unused;
	check(rows, COUNT_OF(rows));
}

static void
a_field_that_comes_twice_is_refused(void **unused)
{
	static const struct row rows[] = {
		{ HOST "Sec-Fetch-Site: same-origin\n"
		       "Sec-Fetch-Site: same-origin\n",
		    AMBIGUOUS },
		{ HOST "Sec-Fetch-Site: same-origin\n"
		       "Sec_Fetch_Site: cross-site\n",
		    AMBIGUOUS },
		{ HOST "Sec_Fetch_Site: same-origin\n", AMBIGUOUS },
		{ HOST "Origin: https://jira.example:8443\n"
		       "origin: https://jira.example:8443\n",
		    AMBIGUOUS },
		{ HOST HOST "Origin: https://jira.example:8443\n", AMBIGUOUS },
	};

	(void)unused;
	check(rows, COUNT_OF(rows));
	assert_int_equal(origin_with("GET", HOST HOST, true), ORIGIN_AMBIGUOUS);
}

static void
methods_that_change_nothing_come_from_anywhere(void **unused)
{
	static const struct {
		const char *method;
		enum origin origin;
	} rows[] = {
		{ "GET", ORIGIN_OWN },
		{ "HEAD", ORIGIN_OWN },
		{ "OPTIONS", ORIGIN_OWN },
		{ "POST", ORIGIN_FOREIGN },
		{ "PUT", ORIGIN_FOREIGN },
		{ "DELETE", ORIGIN_FOREIGN },
		{ "get", ORIGIN_FOREIGN },
		{ "GETS", ORIGIN_FOREIGN },
		{ "TRACE", ORIGIN_FOREIGN },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		say(rows[i].method);
		assert_int_equal(origin_with(rows[i].method,
		                     HOST "Sec-Fetch-Site: cross-site\n", true),
		    rows[i].origin);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_browser_says_decides),
		cmocka_unit_test(without_it_the_origin_is_that_of_the_host),
		cmocka_unit_test(only_a_program_may_be_silent),
		cmocka_unit_test(a_field_that_comes_twice_is_refused),
		cmocka_unit_test(
		    methods_that_change_nothing_come_from_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
