/*
 * What FastCGI's parameters ask for, and the answers in its words:
 * pat_httpd/fcgi_ask.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pat_httpd/fcgi_ask.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- questions ---- */

static struct fcgi_reader reader;
static struct jp_listener listener;
static struct ask ask;

static int
setup(void **unused)
{
	(void)unused;
	memset(&reader, 0, sizeof(reader));
	memset(&listener, 0, sizeof(listener));
	return 0;
}

static void
set(enum fcgi_param_code code, const char *value)
{
	reader.params[code] = (struct fcgi_param){ .value = value, .count = 1 };
}

static void
assert_text(const char *text, const char *expected)
{
	if (expected == NULL)
		assert_null(text);
	else
		assert_string_equal(text, expected);
}

/* The service that `role` is asked for, with all that might name one. */
static const char *
service_of(enum fcgi_role role, const char *script, const char *variable,
    const char *of_listener)
{
	(void)setup(NULL);
	reader.role = role;
	if (script != NULL)
		set(FCGI_PARAM_SCRIPT, script);
	if (variable != NULL)
		set(FCGI_PARAM_SERVICE, variable);
	(void)snprintf(
	    listener.service, sizeof(listener.service), "%s", of_listener);
	fcgi_ask_read(&reader, &listener, &ask);
	assert_false(ask.ambiguous);
	return ask.service;
}

static void
a_responder_is_told_the_service_by_its_location(void **unused)
{
	static const char *const rows[][2] = {
		{ "/auth/jira", "jira" },
		{ "/auth/", "" },
		{ "/auth/jira/x", "jira/x" },
		{ "/auth", NULL },
		{ "/Auth/jira", NULL },
		{ "//auth/jira", NULL },
		{ "/x/auth/jira", NULL },
		{ "", NULL },
		{ NULL, NULL },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_text(
		    service_of(FCGI_RESPONDER, rows[i][0], "other", "another"),
		    rows[i][1]);
}

static void
an_authorizer_is_told_the_service_by_a_variable_or_its_listener(void **unused)
{
	static const char *const script = "/auth/other";

	(void)unused;
	assert_text(service_of(FCGI_AUTHORIZER, script, "jira", ""), "jira");
	assert_text(
	    service_of(FCGI_AUTHORIZER, script, "jira", "wiki"), "jira");
	assert_text(service_of(FCGI_AUTHORIZER, script, NULL, "wiki"), "wiki");
	assert_text(service_of(FCGI_AUTHORIZER, script, "", "wiki"), "");
	assert_text(service_of(FCGI_AUTHORIZER, script, NULL, ""), NULL);
}

static void
what_is_asked_are_the_web_servers_own_variables(void **unused)
{
	(void)unused;
	reader.role = FCGI_RESPONDER;
	fcgi_ask_read(&reader, &listener, &ask);
	assert_null(ask.method);
	assert_null(ask.uri);
	assert_null(ask.address);
	assert_null(ask.authorization);
	assert_int_equal(ask.authorizations, 0);
	assert_false(ask.ambiguous || ask.preflight || ask.body);

	set(FCGI_PARAM_METHOD, "PUT");
	set(FCGI_PARAM_URI, "/x?y");
	set(FCGI_PARAM_ADDRESS, "192.0.2.7");
	set(FCGI_PARAM_AUTHORIZATION, "Bearer a");
	reader.params[FCGI_PARAM_AUTHORIZATION].count = 2;
	fcgi_ask_read(&reader, &listener, &ask);
	assert_string_equal(ask.method, "PUT");
	assert_string_equal(ask.uri, "/x?y");
	assert_string_equal(ask.address, "192.0.2.7");
	assert_string_equal(ask.authorization, "Bearer a");
	assert_int_equal(ask.authorizations, 2);
	assert_false(ask.ambiguous);
}

/* Whether it is ambiguous that `code` came twice, and that it came oddly. */
static void
assert_ambiguous(
    enum fcgi_role role, enum fcgi_param_code code, bool twice, bool odd)
{
	for (size_t i = 0; i < 2; i++) {
		(void)setup(NULL);
		reader.role = role;
		reader.params[code] = (struct fcgi_param){
			.value = "x", .count = i == 0 ? 2 : 1, .odd = i == 1
		};
		fcgi_ask_read(&reader, &listener, &ask);
		assert_int_equal(ask.ambiguous, i == 0 ? twice : odd);
	}
}

static void
what_decides_must_come_once_and_rightly_spelt(void **unused)
{
	(void)unused;
	for (int i = FCGI_RESPONDER; i <= FCGI_AUTHORIZER; i++) {
		enum fcgi_role role = (enum fcgi_role)i;
		bool responder = role == FCGI_RESPONDER;

		assert_ambiguous(role, FCGI_PARAM_METHOD, true, true);
		assert_ambiguous(role, FCGI_PARAM_URI, true, true);
		assert_ambiguous(role, FCGI_PARAM_ADDRESS, true, true);
		assert_ambiguous(role, FCGI_PARAM_AUTHORIZATION, false, true);
		assert_ambiguous(role, FCGI_PARAM_SCRIPT, responder, responder);
		assert_ambiguous(
		    role, FCGI_PARAM_SERVICE, !responder, !responder);
		/* nginx gives each of a client's fields a parameter. */
		assert_ambiguous(role, FCGI_PARAM_ACCEPT, false, false);
	}
}

static void
a_preflight_has_both_fields_once(void **unused)
{
	(void)unused;
	reader.role = FCGI_RESPONDER;
	set(FCGI_PARAM_ORIGIN, "https://app.example.org");
	fcgi_ask_read(&reader, &listener, &ask);
	assert_false(ask.preflight);
	set(FCGI_PARAM_PREFLIGHT, "PUT");
	fcgi_ask_read(&reader, &listener, &ask);
	assert_true(ask.preflight);
	reader.params[FCGI_PARAM_PREFLIGHT].count = 2;
	fcgi_ask_read(&reader, &listener, &ask);
	assert_false(ask.preflight);
}

static void
a_body_is_made_for_whoever_accepts_json(void **unused)
{
	(void)unused;
	set(FCGI_PARAM_ACCEPT, "*/*");
	fcgi_ask_read(&reader, &listener, &ask);
	assert_false(ask.body);
	set(FCGI_PARAM_ACCEPT, "text/html, application/problem+json;q=0.9");
	fcgi_ask_read(&reader, &listener, &ask);
	assert_true(ask.body);
	set(FCGI_PARAM_ACCEPT, "Application/JSON");
	fcgi_ask_read(&reader, &listener, &ask);
	assert_true(ask.body);
}

/* ---- answers ---- */

static char text[FCGI_ANSWER_MAX];

/* The text of the answer, from between its records. */
static const char *
answer_text(const struct answer *answer, enum fcgi_role role)
{
	static uint8_t bytes[FCGI_ANSWER_MAX];
	size_t len =
	    fcgi_answer_make(answer, role, 7, "X-Forwarded-User", bytes);
	size_t inside = (size_t)bytes[4] << 8 | bytes[5];

	assert_int_equal(len, inside + FCGI_ANSWER_EXTRA);
	assert_memory_equal(bytes, "\1\6\0\7", 4);
	memcpy(text, bytes + FCGI_HEADER_LEN, inside);
	text[inside] = '\0';
	return text;
}

static const struct answer yes = { .kind = ANSWER_ACCEPTED,
	.body = true,
	.user = "alice",
	.id = "D4oBwk0S",
	.expires = 1801353600,
	.upstream = { 10, "Bearer abc" } };

static void
a_yes_to_a_responder_is_an_http_answer(void **unused)
{
	(void)unused;
	assert_string_equal(answer_text(&yes, FCGI_RESPONDER),
	    "Status: 200\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Forwarded-User: alice\r\n"
	    "X-Token-Id: D4oBwk0S\r\n"
	    "X-Token-Expires: 2027-01-31T00:00:00Z\r\n"
	    "X-Upstream-Authorization: Bearer abc\r\n"
	    "Content-Length: 0\r\n\r\n");
}

static void
a_yes_of_an_authorizer_is_nothing_but_variables(void **unused)
{
	(void)unused;
	assert_string_equal(answer_text(&yes, FCGI_AUTHORIZER),
	    "Status: 200\r\n"
	    "Variable-REMOTE_USER: alice\r\n"
	    "Variable-TOKEN_ID: D4oBwk0S\r\n"
	    "Variable-TOKEN_EXPIRES: 2027-01-31T00:00:00Z\r\n"
	    "Variable-UPSTREAM_AUTHORIZATION: Bearer abc\r\n\r\n");
}

static void
a_no_is_the_same_in_both_roles_and_tells_nothing_of_a_user(void **unused)
{
	static char first[FCGI_ANSWER_MAX];

	(void)unused;
	for (int kind = 0; kind < ANSWER_COUNT; kind++) {
		struct answer answer = yes;

		answer.kind = (enum answer_kind)kind;
		answer.body = false;
		if (answer_status(answer.kind) == 200)
			continue;
		strcpy(first, answer_text(&answer, FCGI_RESPONDER));
		assert_string_equal(
		    answer_text(&answer, FCGI_AUTHORIZER), first);
		assert_null(strstr(first, "alice"));
		assert_null(strstr(first, "abc"));
		assert_non_null(strstr(first, "Cache-Control: no-store\r\n"));
		assert_non_null(strstr(first, "Content-Length: 0\r\n\r\n"));
	}
}

static void
a_body_comes_with_its_type_and_length(void **unused)
{
	struct answer answer = { .kind = ANSWER_PATH, .body = true };
	const char *body;
	char field[40];

	(void)unused;
	body = strstr(answer_text(&answer, FCGI_AUTHORIZER), "\r\n\r\n");
	assert_non_null(body);
	(void)snprintf(field, sizeof(field), "\r\nContent-Length: %zu\r\n",
	    strlen(body + 4));
	assert_non_null(strstr(text, field));
	assert_non_null(
	    strstr(text, "\r\nContent-Type: application/problem+json\r\n"));
	assert_int_equal(body[4], '{');
}

/* All that an answer may hold. */
static void
the_longest_answer_has_room(void **unused)
{
	static uint8_t bytes[FCGI_ANSWER_MAX];
	char header[JP_HEADER_NAME_MAX + 1];
	struct answer answer = yes;
	size_t len;

	(void)unused;
	memset(header, 'H', sizeof(header) - 1);
	header[sizeof(header) - 1] = '\0';
	memset(answer.user, 'u', sizeof(answer.user) - 1);
	memset(answer.upstream.text, 's', JP_SECRET_MAX);
	answer.upstream.len = JP_SECRET_MAX;
	for (int i = FCGI_RESPONDER; i <= FCGI_AUTHORIZER; i++) {
		enum fcgi_role role = (enum fcgi_role)i;

		len = fcgi_answer_make(&answer, role, 1, header, bytes);
		assert_non_null(
		    memmem(bytes, len, answer.upstream.text, JP_SECRET_MAX));
		assert_memory_equal(
		    bytes + len - FCGI_ANSWER_EXTRA + 4, "\r\n\r\n", 4);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, setup)
		TEST(a_responder_is_told_the_service_by_its_location),
		TEST(
		    an_authorizer_is_told_the_service_by_a_variable_or_its_listener),
		TEST(what_is_asked_are_the_web_servers_own_variables),
		TEST(what_decides_must_come_once_and_rightly_spelt),
		TEST(a_preflight_has_both_fields_once),
		TEST(a_body_is_made_for_whoever_accepts_json),
		TEST(a_yes_to_a_responder_is_an_http_answer),
		TEST(a_yes_of_an_authorizer_is_nothing_but_variables),
		TEST(
		    a_no_is_the_same_in_both_roles_and_tells_nothing_of_a_user),
		TEST(a_body_comes_with_its_type_and_length),
		TEST(the_longest_answer_has_room),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
