/* [pat-httpd], [listener NAME], and what pat-httpd reads of [service GLOB]. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <netinet/in.h>
#include <sys/un.h>

#include <cmocka.h>

#include "common/config/keys.h"
#include "tests/unit/settings_help.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X64 X32 X32

/* The listener of that name. */
static const struct jp_listener *
listener_of(const struct jp_settings *settings, const char *name)
{
	size_t i = 0;

	while (strcmp(settings->httpd.listeners[i].name, name) != 0) {
		i++;
		assert_true(i < settings->httpd.listener_len);
	}
	return &settings->httpd.listeners[i];
}

static void
all_keys_have_a_place_in_a_reading(void **unused)
{
	size_t count = 0;

	(void)unused;
	while (jp_key_at(count) != NULL)
		count++;
	assert_in_range(count, 1, JP_KEYS_MAX - 1);
	assert_string_equal(jp_key_at(count - 1)->name, "upstream");
}

static void
two_listeners_are_built_in(void **unused)
{
	struct jp_settings settings;
	const struct jp_listener *http, *fcgi;
	char text[JP_LISTEN_TEXT_MAX];

	(void)unused;
	load_good("[patd]\nrun_dir = /run/p\n", &settings);
	assert_string_equal(settings.httpd.user, "jira-pat-http");
	assert_string_equal(settings.httpd.user_header, "X-Forwarded-User");
	assert_int_equal(settings.httpd.max_connections, 1024);
	assert_int_equal(settings.httpd.max_per_uid, 512);
	assert_int_equal(settings.httpd.allow_users.len, 0);
	assert_int_equal(settings.httpd.listener_len, 2);
	http = &settings.httpd.listeners[0];
	fcgi = &settings.httpd.listeners[1];
	assert_string_equal(http->name, "http");
	assert_int_equal(http->protocol, JP_LISTENER_HTTP);
	assert_false(http->source_is_request);
	assert_string_equal(http->method_header, "X-Forwarded-Method");
	assert_string_equal(http->uri_header, "X-Forwarded-Uri");
	assert_string_equal(http->address_header, "X-Forwarded-For");
	assert_string_equal(fcgi->name, "fcgi");
	assert_int_equal(fcgi->protocol, JP_LISTENER_FCGI);
	assert_string_equal(fcgi->method_header, "");
	assert_string_equal(fcgi->service, "");
	jp_listener_format(http, settings.run_dir, text);
	assert_string_equal(text, "/run/p/http.sock");
	jp_listener_format(fcgi, settings.run_dir, text);
	assert_string_equal(text, "/run/p/fcgi.sock");
}

static void
every_key_of_pat_httpd_and_its_listeners_is_read(void **unused)
{
	struct jp_settings settings;
	const struct jp_listener *listener;

	(void)unused;
	load_good("[pat-httpd]\nuser = www\nuser_header = Remote-User\n"
	          "allow_users = a, b\nallow_groups = c\n"
	          "max_connections = 7\nmax_per_uid = 6\n"
	          "sandbox = no\n"
	          "[listener traefik]\nlisten = 127.0.0.1:9019\n"
	          "method_header = A\nuri_header = B-2\n"
	          "address_header = C\nsource = headers\nprotocol = http\n"
	          "[listener apache]\nlisten = [::1]:919\n"
	          "protocol = fastcgi\nservice = jira.a_b-C1\n"
	          "[listener fcgi]\nservice = jira\nlisten = /f\n"
	          "[listener watch]\nlisten = /w\nprotocol = metrics\n"
	          "[listener Env_oy.1-]\nsource = request\nlisten = /e/s\n",
	    &settings);
	assert_string_equal(settings.httpd.user, "www");
	assert_string_equal(settings.httpd.user_header, "Remote-User");
	assert_int_equal(settings.httpd.allow_users.len, 2);
	assert_string_equal(settings.httpd.allow_users.names[1], "b");
	assert_string_equal(settings.httpd.allow_groups.names[0], "c");
	assert_int_equal(settings.httpd.max_connections, 7);
	assert_int_equal(settings.httpd.max_per_uid, 6);
	assert_false(settings.httpd.sandbox);
	assert_int_equal(settings.httpd.listener_len, 6);
	listener = listener_of(&settings, "watch");
	assert_int_equal(listener->protocol, JP_LISTENER_METRICS);
	assert_string_equal(listener->method_header, "");
	assert_string_equal(listener->address_header, "");
	listener = listener_of(&settings, "traefik");
	assert_string_equal(listener->listen, "127.0.0.1:9019");
	assert_string_equal(listener->method_header, "A");
	assert_string_equal(listener->uri_header, "B-2");
	assert_string_equal(listener->address_header, "C");
	listener = listener_of(&settings, "apache");
	assert_int_equal(listener->protocol, JP_LISTENER_FCGI);
	assert_string_equal(listener->service, "jira.a_b-C1");
	assert_string_equal(listener->method_header, "");
	listener = listener_of(&settings, "fcgi");
	assert_int_equal(listener->protocol, JP_LISTENER_FCGI);
	assert_string_equal(listener->service, "jira");
	assert_string_equal(listener->listen, "/f");
	listener = listener_of(&settings, "Env_oy.1-");
	assert_true(listener->source_is_request);
	assert_string_equal(listener->method_header, "");
	assert_string_equal(listener->uri_header, "");
	assert_string_equal(listener->address_header, "X-Forwarded-For");
	assert_int_equal(settings.allow_users.len, 0);
}

static void
a_listener_may_stand_at_its_loopback_or_path_only(void **unused)
{
	static const char *const bad[] = {
		"",
		"919",
		":919",
		"0.0.0.0:919",
		"[::]:919",
		"*:919",
		"127.0.0.2:919",
		"127.1:919",
		"10.0.0.1:919",
		"192.0.2.1:80",
		"localhost:919",
		"::1:919",
		"[::1]",
		"[0:0:0:0:0:0:0:1]:919",
		"[::1%lo]:919",
		"[::ffff:127.0.0.1]:919",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:0",
		"127.0.0.1:00",
		"127.0.0.1:080",
		"127.0.0.1:65536",
		"127.0.0.1:99999",
		"127.0.0.1:100000",
		"127.0.0.1:4294967297",
		"127.0.0.1:-1",
		"127.0.0.1:+80",
		"127.0.0.1: 80",
		"127.0.0.1:80x",
		"127.0.0.1:0x50",
		"http://127.0.0.1:80",
		"unix:/run/x",
		"run/x",
		"./x",
		"/",
		"/run/",
		"//run/x",
		"/run//x",
		"/run/./x",
		"/run/../x",
		"/run/..",
		"@x",
		"/" X64 X32 "xxxxxxxxxxx",
	};
	static const char *const good[] = {
		"127.0.0.1:1",
		"127.0.0.1:65535",
		"[::1]:1",
		"[::1]:65535",
		"/x",
		"/run/a..b/.c",
		"/" X64 X32 "xxxxxxxxxx",
	};
	struct jp_settings settings;
	char text[256];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		(void)snprintf(text, sizeof(text),
		    "[patd]\n[listener a]\nlisten = %s\n", bad[i]);
		assert_refused(text, 3,
		    "[listener a] listen: expected 127.0.0.1:PORT, "
		    "[::1]:PORT or an absolute path");
	}
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		(void)snprintf(
		    text, sizeof(text), "[listener a]\nlisten=%s\n", good[i]);
		load_good(text, &settings);
		assert_string_equal(
		    listener_of(&settings, "a")->listen, good[i]);
	}
}

static void
an_address_becomes_that_of_a_socket(void **unused)
{
	struct sockaddr_storage at;
	socklen_t len;

	(void)unused;
	assert_int_equal(
	    jp_listen_parse("127.0.0.1:919", &at, &len), JP_ERR_OK);
	assert_int_equal(at.ss_family, AF_INET);
	assert_int_equal(len, sizeof(struct sockaddr_in));
	assert_int_equal(((struct sockaddr_in *)&at)->sin_port, htons(919));
	assert_int_equal(((struct sockaddr_in *)&at)->sin_addr.s_addr,
	    htonl(INADDR_LOOPBACK));
	assert_int_equal(jp_listen_parse("[::1]:65535", &at, &len), JP_ERR_OK);
	assert_int_equal(at.ss_family, AF_INET6);
	assert_int_equal(len, sizeof(struct sockaddr_in6));
	assert_int_equal(((struct sockaddr_in6 *)&at)->sin6_port, 0xffff);
	assert_true(
	    IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&at)->sin6_addr));
	assert_int_equal(jp_listen_parse("/run/x", &at, &len), JP_ERR_OK);
	assert_int_equal(at.ss_family, AF_UNIX);
	assert_string_equal(((struct sockaddr_un *)&at)->sun_path, "/run/x");
	assert_int_equal(jp_listen_parse("x", &at, &len), JP_ERR_INVALID);
	assert_int_equal(jp_listen_port("127.0.0.1:919"), 919);
	assert_int_equal(jp_listen_port("[::1]:65535"), 65535);
	assert_int_equal(jp_listen_port("/run/x"), 0);
	assert_int_equal(jp_listen_port("0.0.0.0:919"), 0);
}

static void
a_header_is_one_that_nobody_else_uses(void **unused)
{
	static const char *const bad[] = {
		"",
		"X User",
		"X_User",
		"X.User",
		"X:User",
		"X-User:",
		"-X",
		"1X",
		"X\xc3\xa4",
		"\"X\"",
		"(X)",
		"Authorization",
		"AUTHORIZATION",
		"proxy-authorization",
		"Host",
		"Cookie",
		"Set-Cookie",
		"Content-Length",
		"content-type",
		"Connection",
		"Transfer-Encoding",
		"TE",
		"Trailer",
		"Upgrade",
		"Expect",
		"Origin",
		"Access-Control-Request-Method",
		"Access-Control-Allow-Origin",
		"Sec-Fetch-Site",
		"User-Agent",
		"WWW-Authenticate",
		"Cache-Control",
		"Retry-After",
		"Status",
		"X-HTTP-Method-Override",
		"X-Token-Id",
		"x-upstream-authorization",
		"X" X64,
	};
	static const struct {
		const char *section, *key;
	} keys[] = {
		{ "pat-httpd", "user_header" },
		{ "listener http", "method_header" },
		{ "listener http", "uri_header" },
		{ "listener http", "address_header" },
	};
	struct jp_settings settings;
	char text[256], words[128];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(keys) * COUNT_OF(bad); i++) {
		const char *section = keys[i % 4].section;
		const char *key = keys[i % 4].key;

		(void)snprintf(text, sizeof(text), "[%s]\n\n%s = %s\n", section,
		    key, bad[i / 4]);
		(void)snprintf(words, sizeof(words),
		    "[%s] %s: expected a header name", section, key);
		assert_refused(text, 3, words);
	}
	load_good("[pat-httpd]\nuser_header = " X64 "\n", &settings);
}

static void
what_does_not_fit_together_is_refused_at_its_line(void **unused)
{
	static const struct {
		const char *text;
		int line;
		const char *words;
	} rows[] = {
		{ "[listener a]\n", 1, "[listener a] listen: missing" },
		{ "\n[listener a]\nprotocol = http\n[patd]\n", 2,
		    "[listener a] listen: missing" },
		{ "[listener a]\nmethod_header = A\nlisten = /a\n"
		  "protocol = fastcgi\n[tokens]\n",
		    2, "method_header: only with protocol = http" },
		{ "[listener fcgi]\nuri_header = A\n", 2, "only with" },
		{ "[listener fcgi]\naddress_header = A\n", 2, "only with" },
		{ "[listener fcgi]\nsource = headers\n", 2,
		    "source: only with protocol = http" },
		{ "[listener fcgi]\nsource = request\n", 2, "source: only" },
		{ "[listener http]\nservice = jira\n", 2,
		    "service: only with protocol = fastcgi" },
		{ "[listener a]\nservice = jira\nlisten = /a\n", 2,
		    "service: only with protocol = fastcgi" },
		{ "[listener a]\nsource = headers\nlisten = /a\n"
		  "protocol = metrics\n",
		    2, "source: only with protocol = http" },
		{ "[listener a]\nlisten = /a\nservice = jira\n"
		  "protocol = metrics\n",
		    3, "service: only with protocol = fastcgi" },
		{ "[listener a]\nlisten = /a\nuri_header = A\n"
		  "protocol = metrics\n",
		    3, "uri_header: only with protocol = http" },
		{ "[listener metrics]\nprotocol = metrics\n", 1,
		    "[listener metrics] listen: missing" },
		{ "[listener http]\nprotocol = metrics\n", 2, "built-in" },
		{ "[listener http]\nprotocol = fastcgi\n", 2, "built-in" },
		{ "[listener fcgi]\nprotocol = http\n", 2, "built-in" },
		{ "[listener http]\nsource = request\nuri_header = A\n", 3,
		    "uri_header: not with source = request" },
		{ "[listener http]\nmethod_header = A\nuri_header = a\n", 2,
		    "three different headers" },
		{ "[listener http]\nuri_header = x-forwarded-for\n", 2,
		    "three different headers" },
		{ "[listener http]\nsource = request\n"
		  "address_header = A\naddress_header = B\n",
		    4, "address_header: given twice" },
		{ "[listener a]\nlisten = /a\n[listener b]\nlisten = /a\n", 4,
		    "[listener b] listen: expected an address of its own, "
		    "not that of a" },
		{ "[listener a]\nlisten = [::1]:9\n[listener b]\n"
		  "listen = [::1]:9\n[patd]\n",
		    4, "[listener b] listen: expected an address" },
		{ "[listener a]\nlisten = /run/jira-pat/fcgi.sock\n", 2,
		    "not that of fcgi" },
		{ "[listener a]\nlisten = /r/http.sock\n[patd]\nrun_dir = /r\n",
		    2, "not that of http" },
		{ "[listener a]\nlisten = /r/verify.sock\n"
		  "[patd]\nrun_dir = /r\n",
		    2, "not that of patd" },
		{ "[listener a]\nlisten = /run/jira-pat/admin.sock\n", 2,
		    "not that of patd" },
		{ "[listener a]\nlisten = /m\n[patd]\nmux = /m\n", 2,
		    "not that of patd" },
		{ "[patd]\nverify = /run/jira-pat/http.sock\n", 2,
		    "[listener http] listen: expected" },
		{ "[listener a]\nlisten = /a\n[listener a]\nlisten = /b\n", 3,
		    "[listener a] given twice" },
		{ "[listener http]\n[listener http]\n", 2, "given twice" },
		{ "[listener]\n", 1, "unknown section" },
		{ "[listener ]\n", 1, "expected a name" },
		{ "[listener a b]\n", 1, "expected a name" },
		{ "[listener a/b]\n", 1, "expected a name" },
		{ "[listener " X32 "x]\n", 1, "expected a name" },
		{ "[pat-httpd x]\n", 1, "unknown section" },
		{ "[pat_httpd]\n", 1, "unknown section" },
		{ "[pat-httpd]\nlisten = /a\n", 2, "listen: unknown key" },
		{ "[listener http]\nports = 1\n", 2, "ports: unknown key" },
		{ "[listener http]\nprotocol = fcgi\n", 2,
		    "protocol: expected http, fastcgi or metrics" },
		{ "[listener http]\nprotocol = HTTP\n", 2, "expected http" },
		{ "[listener http]\nsource = any\n", 2,
		    "source: expected headers or request" },
		{ "[listener fcgi]\nservice = a/b\n", 2, "service: expected" },
		{ "[listener fcgi]\nservice =\n", 2, "service: expected" },
		{ "[listener fcgi]\nservice = x" X64 "\n", 2, "expected" },
		{ "[pat-httpd]\nuser = a b\n", 2, "user: expected" },
		{ "[pat-httpd]\nmax_connections = 0\n", 2, "expected" },
		{ "[pat-httpd]\nmax_per_uid = 65537\n", 2, "expected" },
		{ "[pat-httpd]\nallow_users =\n", 2, "expected" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_refused(rows[i].text, rows[i].line, rows[i].words);
}

static void
there_are_at_most_eight_listeners(void **unused)
{
	struct jp_settings settings;
	char text[1024] = "";
	size_t len = 0;

	(void)unused;
	for (int i = 0; i < JP_LISTENERS_MAX - 2; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "[listener l%d]\nlisten = /s%d\n", i, i);
	load_good(text, &settings);
	assert_int_equal(settings.httpd.listener_len, JP_LISTENERS_MAX);
	(void)strcat(text, "[listener http]\nsource = request\n");
	load_good(text, &settings);
	(void)strcat(text, "[listener more]\nlisten = /more\n");
	assert_refused(text, 2 * (JP_LISTENERS_MAX - 2) + 3, "8 listeners");
}

static void
what_a_service_reads_and_denies_is_read(void **unused)
{
	struct jp_settings settings;
	const struct jp_rule *rule = &settings.policy.rules[0];

	(void)unused;
	load_good("[service jira]\nscope = write\nread_scope = read\n"
	          "read_methods = GET,HEAD  PROPFIND\nread_methods = M-SEARCH\n"
	          "read_paths =POST   /rest/api/2/search ,PUT\t*/x*,\n"
	          "deny_paths = /rest/auth/*, DELETE /rest/*\n"
	          "read_paths = POST */git-upload-pack\n"
	          "deny_paths = *\npreflight = allow\nupstream = yes\n"
	          "[service *]\n",
	    &settings);
	assert_int_equal(settings.policy.rule_len, 2);
	assert_string_equal(rule->read_scope, "read");
	assert_string_equal(
	    rule->read_methods, "GET\nHEAD\nPROPFIND\nM-SEARCH");
	assert_string_equal(rule->read_paths,
	    "POST /rest/api/2/search\nPUT */x*\nPOST */git-upload-pack");
	assert_string_equal(
	    rule->deny_paths, "/rest/auth/*\nDELETE /rest/*\n*");
	assert_true(rule->preflight);
	assert_true(rule->upstream);
	rule++;
	assert_string_equal(rule->read_scope, "");
	assert_string_equal(rule->read_methods, "");
	assert_string_equal(rule->read_paths, "");
	assert_string_equal(rule->deny_paths, "");
	assert_false(rule->preflight);
	assert_false(rule->upstream);
}

static void
bad_rules_of_a_service_are_refused(void **unused)
{
	static const struct {
		const char *key, *value;
	} rows[] = {
		{ "read_scope", "" },
		{ "read_scope", "a b" },
		{ "read_scope", X32 "x" },
		{ "read_methods", "" },
		{ "read_methods", " , " },
		{ "read_methods", "get" },
		{ "read_methods", "GET Head" },
		{ "read_methods", "GET:" },
		{ "read_methods", "GET/" },
		{ "read_methods", "*" },
		{ "read_methods", "\"GET\"" },
		{ "read_methods", "(GET)" },
		{ "read_methods", "X\xc3\x84" },
		{ "read_methods", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG" },
		{ "read_paths", "" },
		{ "read_paths", "," },
		{ "read_paths", "/rest/api/2/search" },
		{ "read_paths", "POST" },
		{ "read_paths", "POST rest" },
		{ "read_paths", "POST /a /b" },
		{ "read_paths", "post /a" },
		{ "read_paths", "POST /a?b" },
		{ "read_paths", "POST /a, /b" },
		{ "read_paths", "POST /a, * /b" },
		{ "read_paths", "POST,/a" },
		{ "read_paths", "POST /a%20b" },
		{ "read_paths", "POST /[ab]" },
		{ "read_paths", "POST /a\\b" },
		{ "read_paths", "POST /a//b" },
		{ "read_paths", "POST /a/../b" },
		{ "read_paths", "POST /a#b" },
		{ "read_paths", "POST /a;b" },
		{ "read_paths", "POST /\xc3\xa4" },
		{ "read_paths", "POST http://host/a" },
		{ "deny_paths", "" },
		{ "deny_paths", "rest" },
		{ "deny_paths", "GET" },
		{ "deny_paths", "get /a" },
		{ "deny_paths", "/a /b" },
		{ "deny_paths", "/a/." },
		{ "deny_paths", "GET POST /a" },
		{ "preflight", "" },
		{ "preflight", "yes" },
		{ "preflight", "Allow" },
		{ "upstream", "true" },
		{ "upstream", "" },
	};
	char text[256], words[64];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		(void)snprintf(text, sizeof(text), "[service x]\n%s = %s\n",
		    rows[i].key, rows[i].value);
		(void)snprintf(words, sizeof(words),
		    "[service x] %s: expected ", rows[i].key);
		assert_refused(text, 2, words);
	}
	assert_refused("[service x]\nread_scope = a\nread_scope = a\n", 3,
	    "[service x] read_scope: given twice");
	assert_refused("[service x]\npreflight = deny\npreflight = deny\n", 3,
	    "preflight: given twice");
}

/* As many lines as fit, then one more. */
static void
lists_of_a_service_have_a_bound(void **unused)
{
	static const struct {
		const char *key, *element;
		size_t max;
	} rows[] = {
		{ "read_methods", "ABCDEFGHIJKLMNO", JP_RULE_METHODS_MAX },
		{ "read_paths", "P /23456789012", JP_RULE_PATHS_MAX },
		{ "deny_paths", "/23456789012345", JP_RULE_PATHS_MAX },
	};
	struct jp_settings settings;
	char text[4096], line[64];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		size_t each = strlen(rows[i].element) + 1;
		int lines = 1;

		(void)strcpy(text, "[service x]\n");
		(void)snprintf(line, sizeof(line), "%s = %s\n", rows[i].key,
		    rows[i].element);
		for (size_t used = 0; used + each <= rows[i].max + 1;
		     used += each, lines++)
			(void)strcat(text, line);
		load_good(text, &settings);
		(void)strcat(text, line);
		assert_refused(text, lines + 1, "bytes in all");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_keys_have_a_place_in_a_reading),
		cmocka_unit_test(two_listeners_are_built_in),
		cmocka_unit_test(
		    every_key_of_pat_httpd_and_its_listeners_is_read),
		cmocka_unit_test(
		    a_listener_may_stand_at_its_loopback_or_path_only),
		cmocka_unit_test(an_address_becomes_that_of_a_socket),
		cmocka_unit_test(a_header_is_one_that_nobody_else_uses),
		cmocka_unit_test(
		    what_does_not_fit_together_is_refused_at_its_line),
		cmocka_unit_test(there_are_at_most_eight_listeners),
		cmocka_unit_test(what_a_service_reads_and_denies_is_read),
		cmocka_unit_test(bad_rules_of_a_service_are_refused),
		cmocka_unit_test(lists_of_a_service_have_a_bound),
	};

	return cmocka_run_group_tests(
	    tests, settings_make_file, settings_remove_file);
}
