#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/decide/open.h"
#include "tests/unit/core_help.h"
#include "tests/unit/store_mem.h"
#include "common/decide/clock_guard.h"
#include "common/decide/usage.h"

#define NOW INT64_C(1800000000)

struct fixture {
	struct jp_core core;
	struct jp_record record;
};

static struct jp_request
request_from(const char *rhost, const char *service)
{
	struct jp_request request = { .front = JP_FRONT_PAM };

	strcpy(request.rhost, rhost);
	strcpy(request.service, service);
	return request;
}

static void
note(struct fixture *fixture, const char *id, const char *rhost, int64_t now)
{
	struct jp_request request = request_from(rhost, "jira");

	(void)jp_usage_note(fixture->core.usage, id, &request, now);
}

static void
store_record(struct fixture *fixture, const char *id)
{
	struct jp_record record = { .created_at = NOW };
	const struct jp_change change = { JP_CHANGE_CREATE, &record };

	strcpy(record.id, id);
	strcpy(record.user, "alice");
	assert_int_equal(
	    jp_store_commit(fixture->core.store, &change, 1), JP_ERR_OK);
}

/* Flushes, and reads the record `id` afresh. */
static const struct jp_record *
written(struct fixture *fixture, const char *id)
{
	assert_int_equal(
	    jp_usage_flush(fixture->core.usage, &fixture->core), JP_ERR_OK);
	assert_int_equal(
	    jp_store_get(fixture->core.store, id, &fixture->record), JP_ERR_OK);
	return &fixture->record;
}

static int
set_up(void **state)
{
	static struct fixture fixture;
	struct jp_settings settings;

	memset(&fixture, 0, sizeof(fixture));
	core_help_settings(&settings);
	core_help_open(&fixture.core, &settings, NULL);
	fixture.core.usage = jp_usage_make();
	*state = &fixture;
	store_record(&fixture, "aaaaaaaa");
	return fixture.core.usage != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	jp_core_close(&fixture->core);
	return 0;
}

static void
many_uses_of_a_token_are_one_write(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store_info before, after;
	const struct jp_record *record;

	assert_int_equal(
	    jp_store_info(fixture->core.store, &before), JP_ERR_OK);
	for (int i = 0; i < 1000; i++)
		note(fixture, "aaaaaaaa", "192.0.2.1", NOW + i);
	record = written(fixture, "aaaaaaaa");
	assert_int_equal(jp_store_info(fixture->core.store, &after), JP_ERR_OK);
	assert_int_equal(record->use_count, 1000);
	assert_int_equal(record->last_used_at, NOW + 999);
	assert_int_equal(after.commits, before.commits + 1);
}

/* The clock is behind for a moment, then far ahead of what was seen. */
static void
times_of_uses_only_grow(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_record *record;

	note(fixture, "aaaaaaaa", "192.0.2.1", NOW);
	note(fixture, "aaaaaaaa", "192.0.2.1", NOW - 1000000);
	record = written(fixture, "aaaaaaaa");
	assert_int_equal(record->last_used_at, NOW);
	note(fixture, "aaaaaaaa", "192.0.2.2", NOW - 1000000);
	(void)jp_usage_deny(
	    fixture->core.usage, "aaaaaaaa", JP_REASON_SERVICE, NOW + 5);
	record = written(fixture, "aaaaaaaa");
	assert_int_equal(record->last_used_at, NOW);
	assert_int_equal(record->denied_at, NOW + 5);
	jp_store_see(fixture->core.store, NOW);
	note(fixture, "aaaaaaaa", "192.0.2.2", NOW + JP_CLOCK_AHEAD_MAX + 1);
	(void)jp_usage_deny(
	    fixture->core.usage, "aaaaaaaa", JP_REASON_SERVICE, NOW + 4);
	record = written(fixture, "aaaaaaaa");
	assert_int_equal(record->last_used_at, NOW);
	assert_int_equal(record->denied_at, NOW + 5);
	assert_int_equal(record->use_count, 4);
}

static int64_t
wrong_now(void *arg)
{
	return *(const int64_t *)arg;
}

static void
a_clock_is_far_off_beyond_its_limits(void **state)
{
	static const struct {
		int64_t skew;
		enum jp_err err;
	} rows[] = {
		{ 0, JP_ERR_OK },
		{ -JP_CLOCK_BEHIND_MAX, JP_ERR_OK },
		{ -JP_CLOCK_BEHIND_MAX - 1, JP_ERR_REFUSED },
		{ JP_CLOCK_AHEAD_MAX, JP_ERR_OK },
		{ JP_CLOCK_AHEAD_MAX + 1, JP_ERR_REFUSED },
		{ -NOW, JP_ERR_REFUSED },
		{ JP_WHEN_MAX - NOW, JP_ERR_REFUSED },
	};
	struct fixture *fixture = *state;
	struct jp_why why = { .text = "" };
	int64_t now = NOW;

	fixture->core.clock = (struct jp_clock){ wrong_now, &now };
	assert_int_equal(jp_clock_guard_check(&fixture->core, &why), JP_ERR_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		jp_store_see(fixture->core.store, NOW);
		now = NOW + rows[i].skew;
		assert_int_equal(
		    jp_clock_guard_check(&fixture->core, &why), rows[i].err);
		jp_clock_guard_note(&fixture->core);
		if (rows[i].err != JP_ERR_OK || rows[i].skew <= 0)
			assert_int_equal(
			    jp_store_seen(fixture->core.store), NOW);
		jp_clock_guard_trust(&fixture->core);
		assert_int_equal(jp_store_seen(fixture->core.store), now);
		assert_int_equal(
		    jp_clock_guard_check(&fixture->core, &why), JP_ERR_OK);
	}
}

static void
the_last_denial_is_kept_beside_the_uses(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_record *record;

	note(fixture, "aaaaaaaa", "192.0.2.1", NOW);
	(void)written(fixture, "aaaaaaaa");
	(void)jp_usage_deny(
	    fixture->core.usage, "aaaaaaaa", JP_REASON_SERVICE, NOW + 5);
	(void)jp_usage_deny(
	    fixture->core.usage, "aaaaaaaa", JP_REASON_REVOKED, NOW + 7);
	record = written(fixture, "aaaaaaaa");
	assert_int_equal(record->denied_at, NOW + 7);
	assert_string_equal(record->denied_why, "revoked");
	assert_int_equal(record->last_used_at, NOW);
	assert_int_equal(record->use_count, 1);
}

static void
only_denials_of_a_proved_secret_are_kept(void **state)
{
	struct fixture *fixture = *state;
	struct jp_request request = { .seq = 0 };
	struct jp_decision decision = { .id = "aaaaaaaa" };
	unsigned int kept = 0;

	for (int i = 0; i < JP_REASON_COUNT; i++) {
		enum jp_reason reason = (enum jp_reason)i;

		decision.reason = reason;
		decision.verdict = jp_reason_verdict(reason);
		if (decision.verdict == JP_ACCEPT)
			continue;
		(void)jp_usage_decided(&fixture->core, &request, &decision);
		kept += jp_reason_proved(reason);
		assert_true(strlen(jp_reason_name(reason)) <= JP_REASON_MAX);
	}
	assert_true(kept >= 9);
	assert_false(jp_reason_proved(JP_REASON_SECRET));
	assert_false(jp_reason_proved(JP_REASON_FAST_TAG));
	assert_false(jp_reason_proved(JP_REASON_STORE));
	assert_string_equal(
	    written(fixture, "aaaaaaaa")->denied_why, "used-up");
}

static void
nothing_noted_is_nothing_written(void **state)
{
	struct fixture *fixture = *state;
	unsigned int calls = jp_store_mem_calls(fixture->core.store);

	assert_int_equal(
	    jp_usage_flush(fixture->core.usage, &fixture->core), JP_ERR_OK);
	assert_int_equal(jp_store_mem_calls(fixture->core.store), calls);
}

static void
the_last_five_places_are_kept_newest_first(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_record *record;
	char rhost[32];

	for (int i = 0; i < 7; i++) {
		snprintf(rhost, sizeof(rhost), "192.0.2.%d", i);
		note(fixture, "aaaaaaaa", rhost, NOW + i);
		if (i == 3)
			(void)written(fixture, "aaaaaaaa");
	}
	note(fixture, "aaaaaaaa", "192.0.2.4", NOW + 9);
	record = written(fixture, "aaaaaaaa");
	assert_int_equal(record->use_count, 8);
	assert_int_equal(record->use_len, JP_USES_MAX);
	assert_string_equal(record->uses[0].rhost, "192.0.2.4");
	assert_int_equal(record->uses[0].at, NOW + 9);
	assert_string_equal(record->uses[1].rhost, "192.0.2.6");
	assert_string_equal(record->uses[2].rhost, "192.0.2.5");
	assert_string_equal(record->uses[3].rhost, "192.0.2.3");
	assert_string_equal(record->uses[4].rhost, "192.0.2.2");
}

/* Since when the record lists that address; -1: it does not. */
static int64_t
since(const struct jp_record *record, const char *rhost)
{
	for (size_t i = 0; i < record->use_len; i++)
		if (strcmp(record->uses[i].rhost, rhost) == 0)
			return record->uses[i].since;
	return -1;
}

static void
a_new_address_is_known_since_its_first_use(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_record *record;

	note(fixture, "aaaaaaaa", "192.0.2.1", NOW);
	(void)written(fixture, "aaaaaaaa");
	note(fixture, "aaaaaaaa", "192.0.2.2", NOW + 5);
	note(fixture, "aaaaaaaa", "192.0.2.2", NOW + 7);
	record = written(fixture, "aaaaaaaa");
	assert_int_equal(since(record, "192.0.2.2"), NOW + 5);
	note(fixture, "aaaaaaaa", "192.0.2.2", NOW + 90);
	record = written(fixture, "aaaaaaaa");
	assert_int_equal(since(record, "192.0.2.2"), NOW + 5);
	assert_int_equal(record->uses[0].at, NOW + 90);
}

/* Where it was set up: not new to anybody, however the writes fall. */
static void
the_first_address_of_a_token_is_not_new(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_record *record;

	note(fixture, "aaaaaaaa", "192.0.2.1", NOW);
	note(fixture, "aaaaaaaa", "192.0.2.2", NOW);
	note(fixture, "aaaaaaaa", "192.0.2.1", NOW + 5);
	record = written(fixture, "aaaaaaaa");
	assert_int_equal(since(record, "192.0.2.1"), JP_NEVER);
	assert_int_equal(since(record, "192.0.2.2"), NOW);
	note(fixture, "aaaaaaaa", "192.0.2.1", NOW + 9);
	record = written(fixture, "aaaaaaaa");
	assert_int_equal(since(record, "192.0.2.1"), JP_NEVER);
}

static void
of_many_first_addresses_all_but_the_first_are_new(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_record *record;
	char rhost[32];

	for (int i = 0; i < 7; i++) {
		snprintf(rhost, sizeof(rhost), "192.0.2.%d", i);
		note(fixture, "aaaaaaaa", rhost, NOW + i);
	}
	record = written(fixture, "aaaaaaaa");
	for (int i = 2; i < 7; i++) {
		snprintf(rhost, sizeof(rhost), "192.0.2.%d", i);
		assert_int_equal(since(record, rhost), NOW + i);
	}
}

/* The address moves to the front of a full list while others push it out. */
static void
an_address_that_was_listed_before_the_batch_is_not_new(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_record *record;
	char rhost[32];

	for (int i = 0; i < JP_USES_MAX; i++) {
		snprintf(rhost, sizeof(rhost), "192.0.2.%d", i);
		note(fixture, "aaaaaaaa", rhost, NOW + i);
	}
	(void)written(fixture, "aaaaaaaa");
	for (int i = 0; i < 3; i++) {
		snprintf(rhost, sizeof(rhost), "198.51.100.%d", i);
		note(fixture, "aaaaaaaa", rhost, NOW + 20 + i);
	}
	note(fixture, "aaaaaaaa", "192.0.2.1", NOW + 30);
	record = written(fixture, "aaaaaaaa");
	assert_string_equal(record->uses[0].rhost, "192.0.2.1");
	assert_int_equal(record->uses[0].since, NOW + 1);
	assert_int_equal(since(record, "198.51.100.0"), NOW + 20);
}

static void
another_service_makes_no_address_new(void **state)
{
	struct fixture *fixture = *state;
	struct jp_request request = request_from("192.0.2.2", "git");
	const struct jp_record *record;

	note(fixture, "aaaaaaaa", "192.0.2.1", NOW);
	note(fixture, "aaaaaaaa", "192.0.2.2", NOW + 1);
	(void)written(fixture, "aaaaaaaa");
	(void)jp_usage_note(fixture->core.usage, "aaaaaaaa", &request, NOW + 5);
	record = written(fixture, "aaaaaaaa");
	assert_int_equal(record->use_len, 3);
	assert_string_equal(record->uses[0].service, "git");
	assert_int_equal(record->uses[0].since, NOW + 1);
}

/* Of before since was kept: nobody is told of what is old. */
static void
an_address_of_an_older_record_stays_known(void **state)
{
	struct fixture *fixture = *state;
	struct jp_record record = { .created_at = NOW,
		.id = "bbbbbbbb",
		.user = "alice",
		.use_count = 3,
		.use_len = 1,
		.uses = { { .at = NOW, .rhost = "192.0.2.1" } } };
	const struct jp_change change = { JP_CHANGE_CREATE, &record };
	const struct jp_record *now;

	assert_int_equal(
	    jp_store_commit(fixture->core.store, &change, 1), JP_ERR_OK);
	note(fixture, "bbbbbbbb", "192.0.2.1", NOW + 5);
	note(fixture, "bbbbbbbb", "192.0.2.2", NOW + 6);
	now = written(fixture, "bbbbbbbb");
	assert_int_equal(since(now, "192.0.2.1"), JP_NEVER);
	assert_int_equal(since(now, "192.0.2.2"), NOW + 6);
}

/* Else nobody would be told of it before that time. */
static void
a_clock_that_was_far_ahead_makes_no_address_of_the_future(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_record *record;

	note(fixture, "aaaaaaaa", "192.0.2.1", NOW);
	(void)written(fixture, "aaaaaaaa");
	jp_store_see(fixture->core.store, NOW);
	note(fixture, "aaaaaaaa", "192.0.2.2", NOW + 10 * JP_CLOCK_AHEAD_MAX);
	record = written(fixture, "aaaaaaaa");
	assert_int_equal(since(record, "192.0.2.2"), NOW + JP_CLOCK_AHEAD_MAX);
}

static void
a_new_address_shows_before_it_is_written(void **state)
{
	struct fixture *fixture = *state;

	note(fixture, "aaaaaaaa", "192.0.2.1", NOW);
	(void)written(fixture, "aaaaaaaa");
	note(fixture, "aaaaaaaa", "192.0.2.2", NOW + 5);
	jp_usage_show(&fixture->core, &fixture->record);
	assert_int_equal(since(&fixture->record, "192.0.2.2"), NOW + 5);
}

static void
a_revocation_before_the_write_stays(void **state)
{
	struct fixture *fixture = *state;
	struct jp_record record;
	const struct jp_change change = { JP_CHANGE_REPLACE, &record };

	note(fixture, "aaaaaaaa", "192.0.2.1", NOW);
	assert_int_equal(
	    jp_store_get(fixture->core.store, "aaaaaaaa", &record), JP_ERR_OK);
	record.revoked_at = NOW + 1;
	assert_int_equal(
	    jp_store_commit(fixture->core.store, &change, 1), JP_ERR_OK);
	assert_int_equal(written(fixture, "aaaaaaaa")->revoked_at, NOW + 1);
	assert_int_equal(fixture->record.use_count, 1);
}

static void
a_token_that_is_gone_hinders_no_other(void **state)
{
	struct fixture *fixture = *state;

	note(fixture, "zzzzzzzz", "192.0.2.1", NOW);
	note(fixture, "aaaaaaaa", "192.0.2.1", NOW);
	assert_int_equal(written(fixture, "aaaaaaaa")->use_count, 1);
}

static void
hundreds_of_tokens_are_all_written(void **state)
{
	struct fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];

	for (unsigned int i = 0; i < 300; i++) {
		snprintf(id, sizeof(id), "b%07u", i);
		store_record(fixture, id);
		note(fixture, id, "192.0.2.1", NOW + i);
	}
	for (unsigned int i = 0; i < 300; i++) {
		snprintf(id, sizeof(id), "b%07u", i);
		assert_int_equal(written(fixture, id)->last_used_at, NOW + i);
	}
}

static void
too_many_tokens_at_once_are_not_counted(void **state)
{
	struct fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];

	for (unsigned int i = 0; i < JP_USAGE_MAX_TOKENS; i++) {
		snprintf(id, sizeof(id), "c%07u", i);
		note(fixture, id, "192.0.2.1", NOW);
	}
	note(fixture, "aaaaaaaa", "192.0.2.1", NOW);
	assert_int_equal(written(fixture, "aaaaaaaa")->use_count, 0);
	note(fixture, "aaaaaaaa", "192.0.2.1", NOW);
	assert_int_equal(written(fixture, "aaaaaaaa")->use_count, 1);
}

static void
many_tokens_are_told_once_between_two_writes(void **state)
{
	struct fixture *fixture = *state;
	struct jp_request request = request_from("192.0.2.1", "jira");

	for (int round = 0; round < 2; round++) {
		unsigned int told = 0;

		for (unsigned int i = 0; i < 2 * JP_USAGE_MAX_TOKENS; i++) {
			char id[16];

			(void)snprintf(
			    id, sizeof(id), "%08u", i % JP_USAGE_MAX_TOKENS);
			if (!jp_usage_note(
			        fixture->core.usage, id, &request, NOW))
				continue;
			assert_int_equal(i + 1, JP_USAGE_MANY_TOKENS);
			told++;
		}
		assert_int_equal(told, 1);
		assert_int_equal(
		    jp_usage_flush(fixture->core.usage, &fixture->core),
		    JP_ERR_OK);
	}
}

static void
an_error_of_the_store_is_told_and_the_next_batch_is_fine(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int nth = 1; nth <= 2; nth++) {
		note(fixture, "aaaaaaaa", "192.0.2.1", NOW);
		jp_store_mem_fail(
		    fixture->core.store, nth, JP_ERR_DISK_FULL, false);
		assert_int_equal(
		    jp_usage_flush(fixture->core.usage, &fixture->core),
		    JP_ERR_DISK_FULL);
	}
	note(fixture, "aaaaaaaa", "192.0.2.1", NOW);
	assert_int_equal(written(fixture, "aaaaaaaa")->use_count, 1);
}

/* Shown, and not counted twice once it is written. */
static void
a_use_shows_before_it_is_written(void **state)
{
	struct fixture *fixture = *state;
	struct jp_record record;

	store_record(fixture, "AAAAAAAA");
	note(fixture, "AAAAAAAA", "192.0.2.1", NOW + 5);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    jp_store_get(fixture->core.store, "AAAAAAAA", &record),
		    JP_ERR_OK);
		jp_usage_show(&fixture->core, &record);
		assert_int_equal(record.last_used_at, NOW + 5);
		assert_int_equal(record.use_count, 1);
		assert_string_equal(record.uses[0].rhost, "192.0.2.1");
		(void)written(fixture, "AAAAAAAA");
	}
	strcpy(record.id, "BBBBBBBB"); /* of which nothing was gathered */
	record.use_count = 7;
	jp_usage_show(&fixture->core, &record);
	assert_int_equal(record.use_count, 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(many_uses_of_a_token_are_one_write),
		TEST(times_of_uses_only_grow),
		TEST(a_clock_is_far_off_beyond_its_limits),
		TEST(the_last_denial_is_kept_beside_the_uses),
		TEST(only_denials_of_a_proved_secret_are_kept),
		TEST(nothing_noted_is_nothing_written),
		TEST(the_last_five_places_are_kept_newest_first),
		TEST(a_new_address_is_known_since_its_first_use),
		TEST(the_first_address_of_a_token_is_not_new),
		TEST(of_many_first_addresses_all_but_the_first_are_new),
		TEST(an_address_that_was_listed_before_the_batch_is_not_new),
		TEST(another_service_makes_no_address_new),
		TEST(an_address_of_an_older_record_stays_known),
		TEST(a_clock_that_was_far_ahead_makes_no_address_of_the_future),
		TEST(a_new_address_shows_before_it_is_written),
		TEST(a_revocation_before_the_write_stays),
		TEST(a_token_that_is_gone_hinders_no_other),
		TEST(hundreds_of_tokens_are_all_written),
		TEST(a_use_shows_before_it_is_written),
		TEST(too_many_tokens_at_once_are_not_counted),
		TEST(many_tokens_are_told_once_between_two_writes),
		TEST(an_error_of_the_store_is_told_and_the_next_batch_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
