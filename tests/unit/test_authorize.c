/* One request of a proxy, from what it says to the answer:
 * pat_httpd/authorizer/authorize.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "pat_httpd/authorizer/authorize.h"
#include "tests/unit/loop_link.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TOKEN "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"

static struct jp_settings settings;
static struct authorizer authorizer;
static struct authorization authorization;

/* A question that is asked, changed by each test. */
static const struct ask good = {
	.service = "jira",
	.authorization = "Bearer " TOKEN,
	.authorizations = 1,
	.method = "GET",
	.uri = "/rest/api/2/myself",
	.address = "192.0.2.7",
};

static struct jp_reply reply;

static void
reply_as_told(struct loop_patd *who, size_t i)
{
	loop_patd_reply(who, i, &reply);
}

static void
on_done(struct authorization *it)
{
	assert_ptr_equal(it, &authorization);
	loop_ended();
}

/* Asks; returns what comes of it. Whether patd was asked: `patd.heard_len`. */
static enum answer_kind
ask(const struct ask *question)
{
	patd.heard_len = 0;
	memset(&authorization, 'x', sizeof(authorization));
	authorization.done = on_done;
	if (authorize(&authorizer, question, &authorization)) {
		assert_int_equal(patd.heard_len, 0);
		return authorization.answer.kind;
	}
	run_until(1);
	return authorization.answer.kind;
}

static void
patd_is_asked_what_the_proxy_said(void **unused)
{
	const struct jp_request *heard = &patd.heard[0];
	struct ask question = good;

	(void)unused;
	assert_int_equal(ask(&question), ANSWER_ACCEPTED);
	assert_int_equal(patd.heard_len, 1);
	assert_int_equal(heard->front, JP_FRONT_HTTP);
	assert_true(heard->detailed);
	assert_false(heard->account);
	assert_int_equal(heard->access, JP_ACCESS_READ);
	assert_string_equal(heard->user, "");
	assert_string_equal(heard->token.text, TOKEN);
	assert_string_equal(heard->service, "jira");
	assert_string_equal(heard->rhost, "192.0.2.7");
	question.authorization = "Bearer alice:" TOKEN;
	question.method = "POST";
	question.address = NULL;
	assert_int_equal(ask(&question), ANSWER_ACCEPTED);
	assert_int_equal(heard->access, JP_ACCESS_WRITE);
	assert_string_equal(heard->user, "alice");
	assert_string_equal(heard->rhost, "");
}

static void
what_is_not_said_is_a_write(void **unused)
{
	struct ask question = good;

	(void)unused;
	question.method = NULL;
	assert_int_equal(ask(&question), ANSWER_ACCEPTED);
	assert_int_equal(patd.heard[0].access, JP_ACCESS_WRITE);
	question.uri = NULL;
	assert_int_equal(ask(&question), ANSWER_PATH); /* it has deny_paths */
	question.service = "cors";
	assert_int_equal(ask(&question), ANSWER_ACCEPTED);
	assert_int_equal(patd.heard[0].access, JP_ACCESS_WRITE);
}

static void
a_long_address_is_none(void **unused)
{
	char address[JP_RHOST_MAX + 2];
	struct ask question = good;

	(void)unused;
	memset(address, '1', sizeof(address));
	address[sizeof(address) - 1] = '\0';
	question.address = address;
	assert_int_equal(ask(&question), ANSWER_ACCEPTED);
	assert_string_equal(patd.heard[0].rhost, "");
}

static void
some_questions_are_answered_here(void **unused)
{
	static const struct {
		const char *service, *authorization;
		size_t authorizations;
		const char *method, *uri;
		bool ambiguous, preflight;
		enum answer_kind kind;
	} rows[] = {
		{ NULL, "Bearer x", 1, "GET", "/", false, false,
		    ANSWER_NOT_FOUND },
		{ "", "Bearer x", 1, "GET", "/", false, false,
		    ANSWER_NOT_FOUND },
		{ "a/b", "Bearer x", 1, "GET", "/", false, false,
		    ANSWER_NOT_FOUND },
		{ "a b", "Bearer x", 1, "GET", "/", false, false,
		    ANSWER_NOT_FOUND },
		{ "a*", "Bearer x", 1, "GET", "/", false, false,
		    ANSWER_NOT_FOUND },
		{ "jira", "Bearer x", 1, "GET", "/", true, false,
		    ANSWER_HEADER },
		{ "jira", NULL, 0, "GET", "/", true, false, ANSWER_HEADER },
		{ "jira", NULL, 0, "GET", "/", false, false,
		    ANSWER_NO_CREDENTIALS },
		{ "jira", "Bearer x", 2, "GET", "/", false, false,
		    ANSWER_MALFORMED },
		{ "jira", "Bearer", 1, "GET", "/", false, false,
		    ANSWER_MALFORMED },
		{ "jira", "", 1, "GET", "/", false, false, ANSWER_MALFORMED },
		{ "jira", "Bearer x", 1, "GET", "/rest/auth/1/session", false,
		    false, ANSWER_PATH },
		{ "jira", NULL, 0, "OPTIONS", "/", false, true,
		    ANSWER_NO_CREDENTIALS },
		{ "cors", NULL, 0, "OPTIONS", "/", false, true,
		    ANSWER_PREFLIGHT },
		{ "cors", NULL, 0, "OPTIONS", "/", false, false,
		    ANSWER_NO_CREDENTIALS },
		{ "cors", NULL, 0, "POST", "/", false, true,
		    ANSWER_NO_CREDENTIALS },
		{ "cors", "Bearer", 1, "OPTIONS", "/", false, true,
		    ANSWER_MALFORMED },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct ask question = { .service = rows[i].service,
			.authorization = rows[i].authorization,
			.authorizations = rows[i].authorizations,
			.method = rows[i].method,
			.uri = rows[i].uri,
			.ambiguous = rows[i].ambiguous,
			.preflight = rows[i].preflight };

		print_message("# row %zu\n", i);
		assert_int_equal(ask(&question), rows[i].kind);
		assert_int_equal(patd.heard_len, 0);
		assert_string_equal(authorization.answer.user, "");
	}
}

static void
what_patd_says_is_translated(void **unused)
{
	static const struct {
		struct jp_reply reply;
		enum answer_kind kind;
	} rows[] = {
		{ { .verdict = JP_DENY }, ANSWER_DENIED },
		{ { .verdict = JP_DENY, .denial = JP_DENIAL_THROTTLED },
		    ANSWER_THROTTLED },
		{ { .verdict = JP_DENY,
		      .denial = JP_DENIAL_RIGHTS,
		      .user = "alice",
		      .id = "D4oBwk0S" },
		    ANSWER_FORBIDDEN },
		{ { .verdict = JP_UNAVAILABLE }, ANSWER_UNAVAILABLE },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		reply = rows[i].reply;
		reply.detailed = true;
		print_message("# row %zu\n", i);
		assert_int_equal(ask(&good), rows[i].kind);
		assert_string_equal(authorization.answer.user, "");
		assert_string_equal(authorization.answer.id, "");
	}
}

static void
a_yes_carries_what_patd_told(void **unused)
{
	struct ask question = good;

	(void)unused;
	reply.expires = 1801353600;
	(void)jp_secret_set(&reply.upstream, "Bearer abc", 10);
	question.body = true;
	assert_int_equal(ask(&question), ANSWER_ACCEPTED);
	assert_string_equal(authorization.answer.user, "alice");
	assert_string_equal(authorization.answer.id, "D4oBwk0S");
	assert_int_equal(authorization.answer.expires, 1801353600);
	assert_string_equal(authorization.answer.upstream.text, "Bearer abc");
	assert_true(authorization.answer.body);
	/* The token is not kept. */
	assert_string_equal(authorization.question.request.token.text, "");
}

/* A proxy would cut the blank off, and it would be another user's name. */
static void
a_name_that_no_header_carries_is_no_yes(void **unused)
{
	static const char *const names[] = { " alice", "alice ",
		"\xe2\x80\x8b"
		"alice" };

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		(void)jp_field_set(reply.user, sizeof(reply.user), names[i]);
		assert_int_equal(ask(&good), ANSWER_FORBIDDEN);
		assert_string_equal(authorization.answer.user, "");
	}
}

static void
one_that_is_forgotten_is_not_answered(void **unused)
{
	(void)unused;
	authorization.done = NULL;
	assert_false(authorize(&authorizer, &good, &authorization));
	authorize_forget(&authorization);
	assert_string_equal(authorization.question.request.token.text, "");
	assert_int_equal(ask(&good), ANSWER_ACCEPTED);
	assert_int_equal(patd.heard_len, 1);
}

static void
add_rule(const char *glob, const char *deny_paths, bool preflight)
{
	struct jp_rule *rule =
	    &settings.policy.rules[settings.policy.rule_len++];

	(void)jp_field_set(rule->glob, sizeof(rule->glob), glob);
	(void)jp_field_set(rule->scope, sizeof(rule->scope), "write");
	(void)jp_field_set(rule->read_scope, sizeof(rule->read_scope), "read");
	(void)jp_field_set(
	    rule->deny_paths, sizeof(rule->deny_paths), deny_paths);
	rule->preflight = preflight;
}

static int
set_up(void **unused)
{
	(void)unused;
	jp_settings_default(&settings);
	add_rule("jira", "/rest/auth/*", false);
	add_rule("cors", "", true);
	loop_link_begin();
	authorizer =
	    (struct authorizer){ .settings = &settings, .link = link_ };
	patd.on_heard = reply_as_told;
	reply = (struct jp_reply){ .verdict = JP_ACCEPT,
		.detailed = true,
		.user = "alice",
		.id = "D4oBwk0S" };
	return 0;
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, set_up, loop_link_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(patd_is_asked_what_the_proxy_said),
		TEST(what_is_not_said_is_a_write),
		TEST(a_long_address_is_none),
		TEST(some_questions_are_answered_here),
		TEST(what_patd_says_is_translated),
		TEST(a_yes_carries_what_patd_told),
		TEST(a_name_that_no_header_carries_is_no_yes),
		TEST(one_that_is_forgotten_is_not_answered),
	};

	return cmocka_run_group_tests(
	    tests, loop_patd_make_scratch, loop_patd_remove_scratch);
}
