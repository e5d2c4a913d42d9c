/* What the form for a new token offers: pat_httpd/self/offers.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pat_httpd/self/offers.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define HOUR INT64_C(3600)
#define DAY (24 * HOUR)

static struct jp_policy policy;

/* The chosen one has a star. */
static const struct {
	int64_t longest_self, longest, by_default;
	const char *offered;
} rows[] = {
	{ JP_NEVER, JP_NEVER, JP_NEVER, "7 30 90 180 365 never* custom" },
	{ JP_NEVER, JP_NEVER, 90 * DAY, "7 30 90* 180 365 never custom" },
	{ JP_NEVER, JP_NEVER, 60 * DAY, "7 30 60* 90 180 365 never custom" },
	{ JP_NEVER, 365 * DAY, 90 * DAY, "7 30 90* 180 365 custom" },
	{ JP_NEVER, 364 * DAY, 90 * DAY, "7 30 90* 180 364 custom" },
	{ JP_NEVER, 366 * DAY, JP_NEVER, "7 30 90 180 365 366* custom" },
	{ 30 * DAY, 365 * DAY, 90 * DAY, "7 30* custom" },
	{ 365 * DAY, 30 * DAY, 7 * DAY, "7* 30 custom" },
	{ 30 * DAY, JP_NEVER, 90 * DAY, "7 30* custom" },
	{ 45 * DAY, 365 * DAY, 90 * DAY, "7 30 45* custom" },
	{ JP_NEVER, 3 * DAY, 90 * DAY, "3* custom" },
	{ JP_NEVER, DAY, 12 * HOUR, "12h* 1 custom" },
	{ JP_NEVER, 90, 90 * DAY, "90s* custom" },
	{ 36 * HOUR, JP_NEVER, JP_NEVER, "36h* custom" },
	{ 400 * DAY, JP_NEVER, 200 * DAY, "7 30 90 180 200* 365 400 custom" },
};

static void
only_what_the_policy_allows_is_offered(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct offer offers[OFFERS_MAX];
		char got[256] = "", value[OFFER_VALUE_MAX];
		size_t len, used = 0;

		policy.self_lifetime = rows[i].longest_self;
		policy.max_lifetime = rows[i].longest;
		policy.default_lifetime = rows[i].by_default;
		len = offer_lifetimes(&policy, offers);
		assert_in_range(len, 2, OFFERS_MAX);
		for (size_t k = 0; k < len; k++) {
			offer_format(&offers[k], value);
			used += (size_t)snprintf(got + used, sizeof(got) - used,
			    "%s%s%s", k > 0 ? " " : "", value,
			    offers[k].chosen ? "*" : "");
		}
		assert_string_equal(got, rows[i].offered);
	}
}

static void
what_is_offered_is_read_back(void **unused)
{
	struct offer offers[OFFERS_MAX], got;
	char value[OFFER_VALUE_MAX];
	size_t len;

	(void)unused;
	policy = (struct jp_policy){ .default_lifetime = 36 * HOUR };
	len = offer_lifetimes(&policy, offers);
	for (size_t i = 0; i < len; i++) {
		offer_format(&offers[i], value);
		assert_true(offer_parse(value, &got));
		assert_int_equal(got.kind, offers[i].kind);
		assert_true(got.seconds == offers[i].seconds);
	}
}

static const char *const no_values[] = { "", "0", "-1", "+7", " 7", "7 ", "1.5",
	"Never", "0d", "7x", "d", "7dd", "99999999999999999999999999999999999",
	"36526", "NEVER", "custom ", "never\n" };

static void
nothing_else_is_read(void **unused)
{
	struct offer offer;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(no_values); i++)
		assert_false(offer_parse(no_values[i], &offer));
	assert_true(offer_parse("36525", &offer));
	assert_true(offer.seconds == 36525 * DAY);
}

static void
rule(const char *scope, const char *read_scope)
{
	struct jp_rule *new_rule = &policy.rules[policy.rule_len++];

	(void)jp_field_set(new_rule->scope, sizeof(new_rule->scope), scope);
	(void)jp_field_set(
	    new_rule->read_scope, sizeof(new_rule->read_scope), read_scope);
}

static void
scopes_are_those_that_services_ask_for(void **unused)
{
	const char *scopes[OFFER_SCOPES_MAX];

	(void)unused;
	policy = (struct jp_policy){ .rule_len = 0 };
	assert_int_equal(offer_scopes(&policy, scopes), 1);
	assert_string_equal(scopes[0], "tokens");
	rule("write", "read");
	rule("", "");
	rule("wiki", "read");
	assert_int_equal(offer_scopes(&policy, scopes), 4);
	assert_string_equal(scopes[0], "read");
	assert_string_equal(scopes[1], "write");
	assert_string_equal(scopes[2], "wiki");
	assert_string_equal(scopes[3], "tokens");
}

static void
self_scopes_cut_them(void **unused)
{
	const char *scopes[OFFER_SCOPES_MAX];

	(void)unused;
	policy.self_scope_len = 1;
	(void)jp_field_set(
	    policy.self_scopes[0], sizeof(policy.self_scopes[0]), "read");
	assert_int_equal(offer_scopes(&policy, scopes), 1);
	assert_string_equal(scopes[0], "read");
}

static void
many_scopes_are_cut_to_the_room(void **unused)
{
	const char *scopes[OFFER_SCOPES_MAX];
	char name[JP_SCOPE_MAX];

	(void)unused;
	policy = (struct jp_policy){ .rule_len = 0 };
	for (int i = 0; i < JP_RULES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "s%d", i);
		rule(name, "");
	}
	assert_int_equal(offer_scopes(&policy, scopes), OFFER_SCOPES_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_the_policy_allows_is_offered),
		cmocka_unit_test(what_is_offered_is_read_back),
		cmocka_unit_test(nothing_else_is_read),
		cmocka_unit_test(scopes_are_those_that_services_ask_for),
		cmocka_unit_test(self_scopes_cut_them),
		cmocka_unit_test(many_scopes_are_cut_to_the_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
