/* What a request is to the rule of its service: pat_httpd/authorizer/access.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pat_httpd/authorizer/access.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *const names[] = { "denied", "write", "read", "preflight" };

struct row {
	const char *method, *uri;
	enum access_kind wanted;
};

static struct jp_rule
rule_of(const char *methods, const char *read, const char *deny)
{
	struct jp_rule rule = { .glob = "jira" };

	(void)strcpy(rule.read_methods, methods);
	(void)strcpy(rule.read_paths, read);
	(void)strcpy(rule.deny_paths, deny);
	return rule;
}

static void
assert_kind(const struct jp_rule *rule, const struct access_request *request,
    enum access_kind wanted)
{
	enum access_kind got = access_of(rule, request);

	if (got != wanted)
		fail_msg("%s %s: %s, not %s",
		    request->method != NULL ? request->method : "(none)",
		    request->uri != NULL ? request->uri : "(none)", names[got],
		    names[wanted]);
}

static void
assert_rows(const struct jp_rule *rule, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct access_request request = {
			.method = rows[i].method,
			.uri = rows[i].uri,
		};

		assert_kind(rule, &request, rows[i].wanted);
	}
}

static void
the_zero_value_denies(void **unused)
{
	(void)unused;
	assert_int_equal(ACCESS_DENY_PATH, 0);
}

static void
without_a_rule_everything_is_a_write(void **unused)
{
	static const struct row rows[] = {
		{ "GET", "/", ACCESS_WRITE },
		{ "OPTIONS", "*", ACCESS_WRITE },
		{ NULL, NULL, ACCESS_WRITE },
	};

	(void)unused;
	assert_rows(NULL, rows, COUNT_OF(rows));
}

static void
methods_tell_reads_by_their_exact_name(void **unused)
{
	static const struct row rows[] = {
		{ "GET", "/x", ACCESS_READ },
		{ "HEAD", "/x", ACCESS_READ },
		{ "OPTIONS", "/x", ACCESS_READ },
		{ "OPTIONS", "*", ACCESS_READ },
		{ "GET", "/a/../b;c//%2e%zz", ACCESS_READ },
		{ "GET", "http://host/x", ACCESS_READ },
		{ "POST", "/x", ACCESS_WRITE },
		{ "PUT", "/x", ACCESS_WRITE },
		{ "PATCH", "/x", ACCESS_WRITE },
		{ "DELETE", "/x", ACCESS_WRITE },
		{ "TRACE", "/x", ACCESS_WRITE },
		{ "CONNECT", "host:443", ACCESS_WRITE },
		{ "PROPFIND", "/x", ACCESS_WRITE },
		{ "get", "/x", ACCESS_WRITE },
		{ "Get", "/x", ACCESS_WRITE },
		{ "GETS", "/x", ACCESS_WRITE },
		{ "GE", "/x", ACCESS_WRITE },
		{ " GET", "/x", ACCESS_WRITE },
		{ "GET ", "/x", ACCESS_WRITE },
		{ "GET, HEAD", "/x", ACCESS_WRITE },
		{ "GET\nHEAD", "/x", ACCESS_WRITE },
		{ "", "/x", ACCESS_WRITE },
	};
	struct jp_rule rule = rule_of("", "", "");

	(void)unused;
	assert_rows(&rule, rows, COUNT_OF(rows));
}

static void
what_is_absent_is_a_write(void **unused)
{
	static const struct row rows[] = {
		{ NULL, "/x", ACCESS_WRITE },
		{ "GET", NULL, ACCESS_WRITE },
		{ "GET", "", ACCESS_WRITE },
		{ NULL, NULL, ACCESS_WRITE },
	};
	struct jp_rule bare = rule_of("", "", "");
	struct jp_rule read = rule_of("GET", "POST /x", "");

	(void)unused;
	assert_rows(&bare, rows, COUNT_OF(rows));
	assert_rows(&read, rows, COUNT_OF(rows));
}

static void
own_read_methods_replace_the_default(void **unused)
{
	static const struct row rows[] = {
		{ "GET", "/svn/x", ACCESS_READ },
		{ "REPORT", "/svn/x", ACCESS_READ },
		{ "PROPFIND", "/svn/x", ACCESS_READ },
		{ "HEAD", "/svn/x", ACCESS_WRITE },
		{ "OPTIONS", "/svn/x", ACCESS_WRITE },
		{ "PROP", "/svn/x", ACCESS_WRITE },
	};
	struct jp_rule rule = rule_of("GET\nREPORT\nPROPFIND", "", "");

	(void)unused;
	assert_rows(&rule, rows, COUNT_OF(rows));
}

static void
read_paths_make_reads_of_their_method_and_path(void **unused)
{
	static const struct row rows[] = {
		{ "POST", "/rest/api/2/search", ACCESS_READ },
		{ "POST", "/rest/api/2/search?jql=a/../b;c//d%2e%zz",
		    ACCESS_READ },
		{ "POST", "/rest/api/2/s%65arch", ACCESS_READ },
		{ "POST", "/rest/api/2/search/", ACCESS_WRITE },
		{ "POST", "/rest/api/2/searchx", ACCESS_WRITE },
		{ "POST", "/rest/api/2/Search", ACCESS_WRITE },
		{ "POST", "/x/rest/api/2/search", ACCESS_WRITE },
		{ "POST", "/rest/api/2", ACCESS_WRITE },
		{ "PUT", "/rest/api/2/search", ACCESS_WRITE },
		{ "post", "/rest/api/2/search", ACCESS_WRITE },
		{ "GET", "/rest/api/2/search", ACCESS_READ },
		{ "POST", "/scm/a/b.git/git-upload-pack", ACCESS_READ },
		{ "POST", "/git-upload-pack", ACCESS_READ },
		{ "POST", "/scm/a/b.git/git-receive-pack", ACCESS_WRITE },
		{ "POST", "/git-receive-pack?/git-upload-pack", ACCESS_WRITE },
		{ "POST", "/a%3F/git-upload-pack", ACCESS_READ },
		{ "POST", "/issue/7/x", ACCESS_READ },
		{ "POST", "/issue//x", ACCESS_DENY_PATH },
		{ "POST", "/issue/7/y", ACCESS_WRITE },
	};
	struct jp_rule rule = rule_of("",
	    "POST /rest/api/2/search\nPOST */git-upload-pack\n"
	    "POST /issue/*/x",
	    "");

	(void)unused;
	assert_rows(&rule, rows, COUNT_OF(rows));
}

static void
denied_paths_are_denied_however_they_are_spelt(void **unused)
{
	static const struct row rows[] = {
		{ "GET", "/rest/auth/1/session", ACCESS_DENY_PATH },
		{ "POST", "/rest/auth/1/session?x=y", ACCESS_DENY_PATH },
		{ "OPTIONS", "/rest/auth/1", ACCESS_DENY_PATH },
		{ NULL, "/rest/auth/1", ACCESS_DENY_PATH },
		{ "GET", "/rest/auth/", ACCESS_DENY_PATH },
		{ "GET", "/rest/auth", ACCESS_DENY_PATH },
		{ "GET", "/rest/auth?x", ACCESS_DENY_PATH },
		{ "GET", "/rest/%61uth/x", ACCESS_DENY_PATH },
		{ "GET", "/rest/%61%75%74%68/x", ACCESS_DENY_PATH },
		{ "GET", "/rest/a%75th", ACCESS_DENY_PATH },
		{ "GET", "/REST/Auth/x", ACCESS_DENY_PATH },
		{ "GET", "/rest/%41UTH/x", ACCESS_DENY_PATH },
		{ "GET", "/rest/auth/%20", ACCESS_DENY_PATH },
		{ "GET", "/rest/author", ACCESS_READ },
		{ "GET", "/rest/aut", ACCESS_READ },
		{ "GET", "/x?/rest/auth/1", ACCESS_READ },
		{ "GET", "/rest/api/2/issue/A-1", ACCESS_READ },
		{ "GET", "/login", ACCESS_DENY_PATH },
		{ "GET", "/login/", ACCESS_DENY_PATH },
		{ "GET", "/login/x", ACCESS_READ },
		{ "DELETE", "/p/1", ACCESS_DENY_PATH },
		{ "delete", "/p/1", ACCESS_DENY_PATH },
		{ NULL, "/p/1", ACCESS_DENY_PATH },
		{ "POST", "/p/1", ACCESS_WRITE },
		{ "GET", "/p/1", ACCESS_READ },
		{ "GET", "/", ACCESS_READ },
		{ "GET", NULL, ACCESS_DENY_PATH },
		{ "GET", "", ACCESS_DENY_PATH },
		{ NULL, NULL, ACCESS_DENY_PATH },
	};
	struct jp_rule rule =
	    rule_of("", "", "/rest/auth/*\n/login\nDELETE /p/*");

	(void)unused;
	assert_rows(&rule, rows, COUNT_OF(rows));
}

/* All of them end up elsewhere in one server or another. */
static const char *const not_judged[] = {
	"/a/../rest/auth",
	"/..",
	"/a/..",
	"/../a",
	"/a/./b",
	"/.",
	"/a/.",
	"/./a",
	"//a",
	"/a//b",
	"/a//",
	"//",
	"/a;b",
	"/a;",
	"/rest;x=y/auth",
	"/a\\b",
	"/a\\..\\b",
	"/a%2eb",
	"/a%2Eb",
	"/%2e%2e/a",
	"/%2E./a",
	"/a%2fb",
	"/a%2Fb",
	"/a%5cb",
	"/a%5Cb",
	"/a%3bb",
	"/a%3Bb",
	"/a%00",
	"/a%00b",
	"/a%0a",
	"/a%1f",
	"/a%7f",
	"/a%7F",
	"/a%252e",
	"/a%25",
	"/a%2561",
	"/%",
	"/a%",
	"/a%6",
	"/a%g1",
	"/a%1g",
	"/a%zz",
	"/a%%61",
	"/a%u002e",
	"/a%?x",
	"/a%6?x",
	"/a b",
	"/a\tb",
	"/a\r\nb",
	"/a\x01",
	"/a\x7f",
	"/a\xc3\xa4",
	"/a\xff",
	"/a%c0%ae",
	"/a%c0%af",
	"/a%e0%80%af",
	"/a%ff",
	"/a%c3",
	"/a%ed%a0%80",
	"/a#b",
	"/a#",
	"/a\"b",
	"/a<b>",
	"/a^b",
	"/a`b",
	"/a{b}",
	"a",
	"a/b",
	"rest/auth",
	"*",
	"?x",
	"?",
	"#",
	" /a",
	"http://host/a",
	"HTTP://host/rest/auth",
	"https:/a",
	"host:443",
	"%2fa",
	"\\a",
	".",
	"..",
};

static void
a_path_that_servers_read_in_different_ways_is_denied(void **unused)
{
	struct jp_rule deny = rule_of("", "", "/elsewhere");
	struct jp_rule read = rule_of("", "POST /elsewhere", "");
	struct jp_rule bare = rule_of("", "", "");

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(not_judged); i++) {
		struct access_request request = { "GET", not_judged[i], true };

		assert_kind(&deny, &request, ACCESS_DENY_PATH);
		assert_kind(&read, &request, ACCESS_DENY_PATH);
		assert_kind(&bare, &request, ACCESS_READ);
		request.method = "OPTIONS";
		deny.preflight = true;
		assert_kind(&deny, &request, ACCESS_DENY_PATH);
		request.method = NULL;
		assert_kind(&read, &request, ACCESS_DENY_PATH);
	}
}

static void
a_path_that_all_read_alike_is_judged(void **unused)
{
	static const char *const rows[] = {
		"/",
		"/a",
		"/a/",
		"/a.b/..c/d../...",
		"/.hidden/x.y",
		"/a/b/c?../x//y;z%2e%00%",
		"/a?",
		"/a?#",
		"/~alice/a-b_c",
		"/a:b@c!$&'()*+,=d",
		"/a|b[c]",
		"/a%20b",
		"/%7Ealice",
		"/a%C3%A4%f0%9f%98%80",
		"/a%2Bb%2b",
		"/%23%3F",
	};
	struct jp_rule rule = rule_of("", "POST /x", "/elsewhere");

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct access_request request = { "GET", rows[i], false };

		assert_kind(&rule, &request, ACCESS_READ);
	}
}

static void
a_path_is_judged_up_to_its_bound_and_a_query_of_any_length(void **unused)
{
	static char uri[3 * ACCESS_PATH_MAX];
	struct jp_rule rule = rule_of("", "", "/elsewhere\n*xxy");
	struct access_request request = { "GET", uri, false };

	(void)unused;
	memset(uri, 'x', sizeof(uri) - 1);
	uri[0] = '/';
	uri[ACCESS_PATH_MAX] = '?';
	assert_kind(&rule, &request, ACCESS_READ);
	uri[ACCESS_PATH_MAX - 1] = 'y';
	assert_kind(&rule, &request, ACCESS_DENY_PATH);
	uri[ACCESS_PATH_MAX - 1] = '/';
	assert_kind(&rule, &request, ACCESS_READ);
	uri[ACCESS_PATH_MAX - 2] = 'y';
	assert_kind(&rule, &request, ACCESS_DENY_PATH);
	uri[ACCESS_PATH_MAX - 2] = uri[ACCESS_PATH_MAX - 1] = 'x';
	uri[ACCESS_PATH_MAX] = 'x';
	assert_kind(&rule, &request, ACCESS_DENY_PATH);
	uri[ACCESS_PATH_MAX + 1] = '\0';
	assert_kind(&rule, &request, ACCESS_DENY_PATH);
	uri[ACCESS_PATH_MAX] = '\0';
	assert_kind(&rule, &request, ACCESS_READ);
}

static void
a_star_stands_for_any_bytes(void **unused)
{
	static const struct {
		const char *glob, *path;
		bool matches;
	} rows[] = {
		{ "*", "/", true },
		{ "*", "/a/b", true },
		{ "/*", "/", true },
		{ "/**", "/a", true },
		{ "/a*", "/a", true },
		{ "/a*c", "/abcbc", true },
		{ "/a*c", "/abcb", false },
		{ "/a*b*c", "/a/b/c", true },
		{ "/a*b*c", "/a/c/b", false },
		{ "*a*a*a*b", "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		    false },
		{ "*/b", "/a/b", true },
		{ "*/b", "/ab", false },
		{ "/a.b", "/axb", false },
		{ "/a", "/", false },
		{ "/", "/a", false },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct jp_rule rule = rule_of("", "POST /n", "");
		struct access_request request = { "POST", rows[i].path, false };

		(void)snprintf(rule.read_paths, sizeof(rule.read_paths),
		    "PUT *\nPOST %s\nPUT /x", rows[i].glob);
		assert_kind(&rule, &request,
		    rows[i].matches ? ACCESS_READ : ACCESS_WRITE);
	}
}

static void
a_preflight_passes_where_it_is_allowed(void **unused)
{
	struct jp_rule rule = rule_of("", "", "/rest/auth/*");
	struct access_request request = { "OPTIONS", "/rest/api", true };

	(void)unused;
	assert_kind(&rule, &request, ACCESS_READ);
	rule.preflight = true;
	assert_kind(&rule, &request, ACCESS_PREFLIGHT);
	request.uri = "/rest/auth/1";
	assert_kind(&rule, &request, ACCESS_DENY_PATH);
	request.uri = "/rest/api";
	request.preflight = false;
	assert_kind(&rule, &request, ACCESS_READ);
	request.preflight = true;
	request.method = "options";
	assert_kind(&rule, &request, ACCESS_WRITE);
	request.method = "GET";
	assert_kind(&rule, &request, ACCESS_READ);
	request.method = NULL;
	assert_kind(&rule, &request, ACCESS_WRITE);
}

static void
a_denied_path_is_denied_before_it_is_read(void **unused)
{
	struct jp_rule rule = rule_of("GET\nPOST", "POST /a*", "POST /ab");
	struct access_request request = { "POST", "/ab", false };

	(void)unused;
	assert_kind(&rule, &request, ACCESS_DENY_PATH);
	request.uri = "/ac";
	assert_kind(&rule, &request, ACCESS_READ);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_zero_value_denies),
		cmocka_unit_test(without_a_rule_everything_is_a_write),
		cmocka_unit_test(methods_tell_reads_by_their_exact_name),
		cmocka_unit_test(what_is_absent_is_a_write),
		cmocka_unit_test(own_read_methods_replace_the_default),
		cmocka_unit_test(
		    read_paths_make_reads_of_their_method_and_path),
		cmocka_unit_test(
		    denied_paths_are_denied_however_they_are_spelt),
		cmocka_unit_test(
		    a_path_that_servers_read_in_different_ways_is_denied),
		cmocka_unit_test(a_path_that_all_read_alike_is_judged),
		cmocka_unit_test(
		    a_path_is_judged_up_to_its_bound_and_a_query_of_any_length),
		cmocka_unit_test(a_star_stands_for_any_bytes),
		cmocka_unit_test(a_preflight_passes_where_it_is_allowed),
		cmocka_unit_test(a_denied_path_is_denied_before_it_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
