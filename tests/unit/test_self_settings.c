/* [self_service] of the configuration file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/settings_help.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X64 X32 X32
#define HOST "https://jira.example.com"

static void
without_the_section_there_is_no_self_service(void **unused)
{
	struct jp_settings settings;
	const struct jp_self_settings *self = &settings.self;

	(void)unused;
	load_good("[self_service]\n", &settings);
	assert_false(self->configured);
	assert_int_equal(self->trusted_peers.len, 0);
	assert_string_equal(self->user_header, "X-Remote-User");
	assert_int_equal(self->users, JP_SELF_USERS_ALL);
	assert_string_equal(self->admin_group, "");
	assert_int_equal(self->max_auth_age, JP_NEVER);
	assert_string_equal(self->auth_time_header, "X-Auth-Time");
	assert_string_equal(self->login_url, "");
	assert_string_equal(self->logout_url, "");
	assert_string_equal(self->url, "");
	assert_string_equal(self->api_url, "");
	assert_int_equal(self->service_len, 0);
	assert_int_equal(self->link_lifetime, 7 * 86400);
	assert_true(self->rest);
}

static void
every_key_of_self_service_is_read(void **unused)
{
	struct jp_settings settings;
	const struct jp_self_settings *self = &settings.self;

	(void)unused;
	load_good("[self_service]\ntrusted_peers = www-data, sso\n"
	          "user_header = Remote-User\nusers = known\n"
	          "admin_group = \"Jira Admins\"\nmax_auth_age = 15m\n"
	          "auth_time_header = Auth-Time\nlogin_url = /in?rd=%2Ftokens\n"
	          "logout_url = https://idp.example.com:8443/out\n"
	          "url = " HOST "/a/tokens\napi_url = " HOST
	          ":8443\nservices = jira, git.a_b-C1\n"
	          "link_lifetime = 30d\nrest = no\n",
	    &settings);
	assert_true(self->configured);
	assert_false(settings.httpd.configured);
	assert_int_equal(self->trusted_peers.len, 2);
	assert_string_equal(self->trusted_peers.names[0], "www-data");
	assert_string_equal(self->trusted_peers.names[1], "sso");
	assert_string_equal(self->user_header, "Remote-User");
	assert_int_equal(self->users, JP_SELF_USERS_KNOWN);
	assert_string_equal(self->admin_group, "Jira Admins");
	assert_int_equal(self->max_auth_age, 900);
	assert_string_equal(self->auth_time_header, "Auth-Time");
	assert_string_equal(self->login_url, "/in?rd=%2Ftokens");
	assert_string_equal(
	    self->logout_url, "https://idp.example.com:8443/out");
	assert_string_equal(self->url, HOST "/a/tokens");
	assert_string_equal(self->api_url, HOST ":8443");
	assert_int_equal(self->service_len, 2);
	assert_string_equal(self->services[0], "jira");
	assert_string_equal(self->services[1], "git.a_b-C1");
	assert_int_equal(self->link_lifetime, 30 * 86400);
	assert_false(self->rest);
}

static void
one_key_turns_it_on(void **unused)
{
	static const char *const lines[] = {
		"rest = yes",
		"users = all",
		"services = jira",
		"trusted_peers = www-data",
	};
	struct jp_settings settings;
	char text[128];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		(void)snprintf(
		    text, sizeof(text), "[self_service]\n%s\n", lines[i]);
		load_good(text, &settings);
		assert_true(settings.self.configured);
	}
}

static void
bad_values_of_self_service_are_refused(void **unused)
{
	static const struct {
		const char *key, *value;
	} rows[] = {
		{ "trusted_peers", "" },
		{ "trusted_peers", "," },
		{ "trusted_peers", X64 },
		{ "user_header", "" },
		{ "user_header", "X_Remote_User" },
		{ "user_header", "Cookie" },
		{ "user_header", "Authorization" },
		{ "user_header", "Sec-Fetch-Site" },
		{ "user_header", "X-Atlassian-Token" },
		{ "user_header", X64 "x" },
		{ "auth_time_header", "Date" },
		{ "auth_time_header", "X Auth" },
		{ "users", "" },
		{ "users", "none" },
		{ "users", "All" },
		{ "admin_group", "" },
		{ "admin_group", "a b" },
		{ "admin_group", "a, b" },
		{ "admin_group", "\"a" },
		{ "admin_group", X64 "x" },
		{ "max_auth_age", "15" },
		{ "max_auth_age", "-1m" },
		{ "max_auth_age", "0" },
		{ "login_url", "" },
		{ "login_url", "login" },
		{ "login_url", "//evil.example.com/" },
		{ "login_url", "/\\evil.example.com/" },
		{ "login_url", "javascript:alert(1)" },
		{ "login_url", "http://idp.example.com/" },
		{ "login_url", "https:///path" },
		{ "login_url", "https://a@b/" },
		{ "login_url", "/a b" },
		{ "login_url", "/\"a\"" },
		{ "login_url", "/<a>" },
		{ "login_url", "/\xc3\xa4" },
		{ "logout_url", "logout" },
		{ "logout_url", "/" X64 X64 X32 },
		{ "url", "" },
		{ "url", "/tokens" },
		{ "url", "http://jira.example.com/tokens" },
		{ "url", HOST },
		{ "url", HOST "/" },
		{ "url", HOST "/tokens/" },
		{ "url", HOST "/tokens?a=b" },
		{ "url", HOST "/tokens#a" },
		{ "url", HOST "//tokens" },
		{ "url", HOST "/../tokens" },
		{ "url", "https://user@jira.example.com/tokens" },
		{ "api_url", "" },
		{ "api_url", "/jira" },
		{ "api_url", "jira.example.com" },
		{ "api_url", "http://jira.example.com" },
		{ "api_url", HOST "/" },
		{ "api_url", HOST "/jira/" },
		{ "api_url", HOST "?a=b" },
		{ "api_url", HOST "/$(id)" },
		{ "api_url", HOST "/a b" },
		{ "services", "" },
		{ "services", "a a" },
		{ "services", "jira/x" },
		{ "services", "*" },
		{ "services", X64 "x" },
		{ "services", "a b c d e f g h i j k l m n o p q" },
		{ "link_lifetime", "never" },
		{ "link_lifetime", "0" },
		{ "link_lifetime", "59s" },
		{ "link_lifetime", "31d" },
		{ "rest", "maybe" },
	};
	char text[512], words[64];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		(void)snprintf(text, sizeof(text), "[self_service]\n%s = %s\n",
		    rows[i].key, rows[i].value);
		(void)snprintf(words, sizeof(words),
		    "[self_service] %s: expected ", rows[i].key);
		assert_refused(text, 2, words);
	}
}

/* The words of what is wrong with the whole file; it stays in `why`. */
static void
assert_misfit(const char *text, const char *words)
{
	struct jp_settings settings;
	struct jp_why why = { .text = "" };

	assert_int_equal(load(text, &settings, &why), JP_ERR_CONFIG);
	assert_non_null(strstr(why.text, words));
}

static void
the_age_of_a_login_needs_somebody_who_says_it(void **unused)
{
	struct jp_settings settings;

	(void)unused;
	assert_misfit("[self_service]\nmax_auth_age = 1h\n",
	    "[self_service] max_auth_age needs trusted_peers");
	load_good("[self_service]\nmax_auth_age = never\n", &settings);
}

static void
a_header_of_the_sso_is_none_that_another_writes(void **unused)
{
	static const char *const bad[] = {
		"[self_service]\nuser_header = X-Auth-Time\n",
		"[self_service]\nauth_time_header = x-remote-user\n",
		"[self_service]\nuser_header = X-Forwarded-For\n",
		"[self_service]\nauth_time_header = x-forwarded-uri\n",
		"[self_service]\nusers = all\n[listener x]\n"
		"listen = /x\nmethod_header = X-Remote-User\n",
		"[listener http]\naddress_header = X-Auth-Time\n"
		"[self_service]\nusers = all\n",
	};
	struct jp_settings settings;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_misfit(bad[i], "[self_service] ");
	load_good("[listener http]\naddress_header = X-Remote-User\n"
	          "source = request\n",
	    &settings);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_the_section_there_is_no_self_service),
		cmocka_unit_test(every_key_of_self_service_is_read),
		cmocka_unit_test(one_key_turns_it_on),
		cmocka_unit_test(bad_values_of_self_service_are_refused),
		cmocka_unit_test(the_age_of_a_login_needs_somebody_who_says_it),
		cmocka_unit_test(
		    a_header_of_the_sso_is_none_that_another_writes),
	};

	return cmocka_run_group_tests(
	    tests, settings_make_file, settings_remove_file);
}
