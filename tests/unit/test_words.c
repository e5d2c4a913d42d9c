/* What the page says about tokens: pat_httpd/self/words.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pat_httpd/self/words.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW INT64_C(1800000000) /* 2027-01-15T08:00:00Z */
#define MINUTE INT64_C(60)
#define HOUR INT64_C(3600)
#define DAY INT64_C(86400)

static const struct {
	int64_t seconds;
	const char *english, *german;
} spans[] = {
	{ 0, "just now", "gerade eben" },
	{ 1, "in less than a minute", "in weniger als einer Minute" },
	{ 59, "in less than a minute", "in weniger als einer Minute" },
	{ 60, "in 1 minute", "in 1 Minute" },
	{ 90, "in 2 minutes", "in 2 Minuten" },
	{ HOUR - 1, "in 60 minutes", "in 60 Minuten" },
	{ HOUR, "in 1 hour", "in 1 Stunde" },
	{ 5 * HOUR, "in 5 hours", "in 5 Stunden" },
	{ DAY, "in 1 day", "in 1 Tag" },
	{ 5 * DAY - 1, "in 5 days", "in 5 Tagen" },
	{ 5 * DAY, "in 5 days", "in 5 Tagen" },
	{ 90 * DAY - 2, "in 90 days", "in 90 Tagen" },
	{ -1, "just now", "gerade eben" },
	{ -60, "1 minute ago", "vor 1 Minute" },
	{ -120, "2 minutes ago", "vor 2 Minuten" },
	{ -HOUR, "1 hour ago", "vor 1 Stunde" },
	{ -3 * HOUR, "3 hours ago", "vor 3 Stunden" },
	{ -DAY, "1 day ago", "vor 1 Tag" },
	{ -400 * DAY, "400 days ago", "vor 400 Tagen" },
};

/* Without the markup, which others test. */
static void
assert_said(struct html *html, const char *expected)
{
	char plain[1024];
	size_t len = 0;
	bool inside = false;

	assert_non_null(html->text);
	for (const char *c = html->text; *c != '\0'; c++) {
		inside |= *c == '<';
		if (!inside && len < sizeof(plain) - 1)
			plain[len++] = *c;
		inside &= *c != '>';
	}
	plain[len] = '\0';
	assert_string_equal(plain, expected);
	html_free(html);
}

static void
times_are_said_in_their_largest_unit(void **unused)
{
	struct html html = { 0 };

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(spans); i++) {
		words_add_time(&html, LANG_EN, NOW + spans[i].seconds, NOW);
		assert_said(&html, spans[i].english);
		words_add_time(&html, LANG_DE, NOW + spans[i].seconds, NOW);
		assert_said(&html, spans[i].german);
	}
}

static void
times_carry_the_exact_one(void **unused)
{
	char date[WORDS_DATE_MAX];
	struct html html = { 0 };

	(void)unused;
	words_add_time(&html, LANG_EN, NOW, NOW - DAY);
	assert_string_equal(html.text,
	    "<time datetime=\"2027-01-15T08:00:00Z\" "
	    "title=\"2027-01-15T08:00:00Z\" data-live>in 1 day</time>");
	html_free(&html);
	words_add_date(&html, LANG_EN, NOW);
	assert_string_equal(html.text,
	    "<time datetime=\"2027-01-15T08:00:00Z\">2027-01-15 08:00 "
	    "UTC</time>");
	html_free(&html);
	words_date(NOW, date);
	assert_string_equal(date, "2027-01-15 08:00 UTC");
	words_date(JP_NEVER, date);
	assert_string_equal(date, "");
	words_add_time(&html, LANG_DE, JP_NEVER, NOW);
	assert_said(&html, "nie");
	words_add_date(&html, LANG_EN, JP_NEVER);
	assert_said(&html, "never");
	/* Whatever was stored. */
	words_add_time(&html, LANG_EN, INT64_MAX, INT64_MIN);
	assert_false(html.failed);
	html_free(&html);
}

static void
each_state_has_its_own_words(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < JP_STATE_COUNT; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(
			    text_of(LANG_DE, words_of_state((enum jp_state)i)),
			    text_of(LANG_DE, words_of_state((enum jp_state)k)));
	assert_string_equal(
	    text_of(LANG_EN, words_of_state(JP_STATE_LIVE)), "live");
}

static const struct {
	int64_t expires_at;
	enum jp_state state;
	bool soon;
} soons[] = {
	{ NOW + 7 * DAY, JP_STATE_LIVE, true },
	{ NOW + 7 * DAY + 1, JP_STATE_LIVE, false },
	{ NOW + 1, JP_STATE_DISABLED, true },
	{ NOW + 1, JP_STATE_REVOKED, false },
	{ NOW, JP_STATE_EXPIRED, false },
	{ JP_NEVER, JP_STATE_LIVE, false },
};

static void
what_ends_within_a_week_is_marked(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(soons); i++) {
		struct jp_record record = { .expires_at = soons[i].expires_at };

		assert_int_equal(words_ends_soon(&record, soons[i].state, NOW),
		    soons[i].soon);
	}
}

/* ---- rights ---- */

static const struct jp_policy policy = {
	.rule_len = 2,
	.rules = { { .scope = "write", .read_scope = "read" },
	    { .scope = "wiki", .read_scope = "look" } },
};

/* Lists have blanks between their elements. */
static const struct {
	const char *scopes, *services, *nets;
	uint32_t uses_max, uses_left;
	const char *english;
} rights[] = {
	{ "", "", "", 0, 0, "Everything" },
	{ "read", "", "", 0, 0, "Read only (read)" },
	{ "read look", "", "", 0, 0, "Read only (read, look)" },
	{ "read write", "", "", 0, 0, "Limited to read, write" },
	{ "unheard", "", "", 0, 0, "Limited to unheard" },
	{ "tokens", "", "", 0, 0, "Limited to tokens|Creates further tokens" },
	{ "read tokens", "", "", 0, 0,
	    "Limited to read, tokens|Creates further tokens" },
	{ "", "jira", "", 0, 0, "Read and write|For jira" },
	{ "", "jira wiki-*", "", 0, 0, "Read and write|For jira, wiki-*" },
	{ "", "", "192.0.2.0/24 2001:db8::1", 0, 0,
	    "Read and write|Only from 192.0.2.0/24, 2001:db8::1" },
	{ "", "", "", 5, 2, "Read and write|2 of 5 uses left" },
	{ "read", "jira", "192.0.2.1", 1, 1,
	    "Read only (read)|For jira|Only from 192.0.2.1|"
	    "1 of 1 uses left" },
};

#define SPLIT(list, record, field, count)                                      \
	for (char *at = strtok((list), " "); at != NULL;                       \
	     at = strtok(NULL, " "))                                           \
	(void)jp_field_set((record)->field[(record)->count++],                 \
	    sizeof((record)->field[0]), at)

static void
fill(struct jp_record *record, size_t i)
{
	char list[256];
	struct jp_why why;

	memset(record, 0, sizeof(*record));
	(void)snprintf(list, sizeof(list), "%s", rights[i].scopes);
	SPLIT(list, record, scopes, scope_len);
	(void)snprintf(list, sizeof(list), "%s", rights[i].services);
	SPLIT(list, record, services, service_len);
	(void)snprintf(list, sizeof(list), "%s", rights[i].nets);
	for (char *at = strtok(list, " "); at; at = strtok(NULL, " "))
		assert_int_equal(
		    jp_net_parse(at, &record->nets[record->net_len++], &why),
		    JP_ERR_OK);
	record->uses_max = rights[i].uses_max;
	record->uses_left = rights[i].uses_left;
}

static void
rights_are_said_in_words(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rights); i++) {
		struct html html = { 0 };
		struct jp_record record;
		char *between;

		fill(&record, i);
		words_add_rights(&html, LANG_EN, &policy, &record);
		assert_false(html.failed);
		while ((between = strstr(html.text, "</li><li>")) != NULL)
			memcpy(between, "<aaaaaa>|", strlen("</li><li>"));
		assert_said(&html, rights[i].english);
	}
}

static void
rights_are_said_in_german(void **unused)
{
	struct html html = { 0 };
	struct jp_record record;

	(void)unused;
	fill(&record, 1);
	words_add_rights(&html, LANG_DE, &policy, &record);
	assert_string_equal(html.text, "<ul class=\"rights\"><li>Nur lesen "
	                               "(<bdi>read</bdi>)</li></ul>");
	html_free(&html);
}

static void
as_many_as_a_record_holds_are_said(void **unused)
{
	struct html html = { 0 };
	struct jp_record record = { .scope_len = JP_SCOPES_MAX,
		.service_len = JP_SERVICES_MAX,
		.net_len = JP_NETS_MAX };

	(void)unused;
	for (size_t i = 0; i < JP_SCOPES_MAX; i++)
		memset(record.scopes[i], 's', JP_SCOPE_MAX);
	for (size_t i = 0; i < JP_SERVICES_MAX; i++)
		memset(record.services[i], 'x', JP_SERVICE_MAX);
	for (size_t i = 0; i < JP_NETS_MAX; i++)
		memset(&record.nets[i], 0x7F, sizeof(record.nets[i]));
	words_add_rights(&html, LANG_EN, &policy, &record);
	assert_false(html.failed);
	assert_true(html.len > JP_SERVICES_MAX * JP_SERVICE_MAX);
	html_free(&html);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_said_in_their_largest_unit),
		cmocka_unit_test(times_carry_the_exact_one),
		cmocka_unit_test(each_state_has_its_own_words),
		cmocka_unit_test(what_ends_within_a_week_is_marked),
		cmocka_unit_test(rights_are_said_in_words),
		cmocka_unit_test(rights_are_said_in_german),
		cmocka_unit_test(as_many_as_a_record_holds_are_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
