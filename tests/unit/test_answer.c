/* What a proxy hears, pat_httpd/authorizer/answer.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "pat_httpd/authorizer/answer.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NO_STORE "Cache-Control: no-store\n"
#define BASIC "WWW-Authenticate: Basic realm=\"jira-pat\", charset=\"UTF-8\"\n"
#define BEARER "WWW-Authenticate: Bearer realm=\"jira-pat\""

/* All fields as lines. */
static void
lines_of(const struct answer *answer, enum answer_names names, char *text,
    size_t size)
{
	struct answer_field fields[ANSWER_FIELDS_MAX];
	size_t len = answer_fields(answer, names, "X-Forwarded-User", fields);

	assert_in_range(len, 0, ANSWER_FIELDS_MAX);
	text[0] = '\0';
	for (size_t i = 0; i < len; i++) {
		size_t at = strlen(text);

		(void)snprintf(text + at, size - at, "%s: %s\n", fields[i].name,
		    fields[i].value);
	}
}

static void
a_no_tells_what_to_do(void **unused)
{
	static const struct {
		enum answer_kind kind;
		unsigned int status;
		const char *lines;
	} rows[] = {
		{ 0, 401, NO_STORE BASIC BEARER ", error=\"invalid_token\"\n" },
		{ ANSWER_NO_CREDENTIALS, 401, NO_STORE BASIC BEARER "\n" },
		{ ANSWER_MALFORMED, 401,
		    NO_STORE BASIC BEARER ", error=\"invalid_request\"\n" },
		{ ANSWER_FORBIDDEN, 403, NO_STORE },
		{ ANSWER_PATH, 403, NO_STORE },
		{ ANSWER_HEADER, 403, NO_STORE },
		{ ANSWER_NOT_FOUND, 404, NO_STORE },
		{ ANSWER_TOO_LARGE, 431, NO_STORE },
		{ ANSWER_THROTTLED, 429, NO_STORE "Retry-After: 10\n" },
		{ ANSWER_UNAVAILABLE, 503, NO_STORE "Retry-After: 2\n" },
	};
	char lines[1024];

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (int names = 0; names < 2; names++) {
			/* What a yes would tell stays here. */
			struct answer answer = { .kind = rows[i].kind,
				.user = "alice",
				.id = "D4oBwk0S",
				.upstream = { 3, "abc" } };

			lines_of(&answer, (enum answer_names)names, lines,
			    sizeof(lines));
			assert_string_equal(lines, rows[i].lines);
			assert_int_equal(
			    answer_status(rows[i].kind), rows[i].status);
		}
}

static void
a_yes_names_the_user(void **unused)
{
	struct answer answer = { .kind = ANSWER_ACCEPTED,
		.user = "alice",
		.id = "D4oBwk0S",
		.expires = 1801353600 };
	char lines[1024];

	(void)unused;
	lines_of(&answer, ANSWER_NAMES_HTTP, lines, sizeof(lines));
	assert_string_equal(lines, NO_STORE "X-Forwarded-User: alice\n"
	                                    "X-Token-Id: D4oBwk0S\n"
	                                    "X-Token-Expires: "
	                                    "2027-01-31T00:00:00Z\n");
	answer.expires = 0;
	answer.upstream.len = 10;
	memcpy(answer.upstream.text, "Bearer abc", 11);
	lines_of(&answer, ANSWER_NAMES_CGI, lines, sizeof(lines));
	assert_string_equal(lines,
	    "Variable-REMOTE_USER: alice\n"
	    "Variable-TOKEN_ID: D4oBwk0S\n"
	    "Variable-TOKEN_EXPIRES: never\n"
	    "Variable-UPSTREAM_AUTHORIZATION: Bearer abc\n");
}

static void
a_healthy_program_says_no_more(void **unused)
{
	const struct answer answer = { .kind = ANSWER_HEALTHY,
		.user = "alice" };
	char lines[1024];

	(void)unused;
	lines_of(&answer, ANSWER_NAMES_HTTP, lines, sizeof(lines));
	assert_string_equal(lines, NO_STORE);
	assert_int_equal(answer_status(ANSWER_HEALTHY), 200);
}

static void
a_preflight_is_nobodys(void **unused)
{
	const struct answer answer = { .kind = ANSWER_PREFLIGHT,
		.user = "alice" };
	char lines[1024];

	(void)unused;
	lines_of(&answer, ANSWER_NAMES_HTTP, lines, sizeof(lines));
	assert_string_equal(lines, NO_STORE "X-Forwarded-User: \n"
	                                    "X-Token-Preflight: yes\n");
	lines_of(&answer, ANSWER_NAMES_CGI, lines, sizeof(lines));
	assert_string_equal(lines, "Variable-REMOTE_USER: \n"
	                           "Variable-TOKEN_PREFLIGHT: yes\n");
}

static void
a_body_comes_on_request(void **unused)
{
	size_t len;

	(void)unused;
	for (int kind = 0; kind < ANSWER_COUNT; kind++) {
		struct answer answer = { .kind = (enum answer_kind)kind };
		json_t *problem;
		char *body;

		assert_null(answer_body(&answer, &len));
		answer.body = true;
		body = answer_body(&answer, &len);
		if (answer_status(answer.kind) == 200) {
			assert_null(body);
			continue;
		}
		problem = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
		assert_int_equal(
		    json_integer_value(json_object_get(problem, "status")),
		    answer_status(answer.kind));
		assert_string_not_equal(
		    json_string_value(json_object_get(problem, "error")), "");
		assert_string_not_equal(
		    json_string_value(json_object_get(problem, "title")), "");
		json_decref(problem);
		free(body);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_no_tells_what_to_do),
		cmocka_unit_test(a_yes_names_the_user),
		cmocka_unit_test(a_healthy_program_says_no_more),
		cmocka_unit_test(a_preflight_is_nobodys),
		cmocka_unit_test(a_body_comes_on_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
