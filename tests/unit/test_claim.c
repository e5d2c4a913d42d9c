/*
 * Tokens that are disabled, and tokens that wait to be fetched by a link:
 * common/admin/disable.c, claim.c, over the store in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>

#include "common/record/claim_code.h"
#include "common/audit/audit.h"
#include "tests/unit/admin_help.h"
#include "tests/unit/core_help.h"
#include "tests/unit/store_mem.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW ADMIN_NOW
#define DAY ADMIN_DAY

/* Makes a token of alice that waits a week for `code`. */
static void
make_link(struct admin_fixture *fixture, struct jp_secret *code,
    char id[JP_TOKEN_ID_LEN + 1])
{
	admin_wish(fixture, "alice");
	fixture->request.link_for = 7 * DAY;
	admin_create(fixture, id);
	*code = fixture->items[0].token;
}

static enum jp_err
claim(struct admin_fixture *fixture, const char *owner,
    const struct jp_secret *code)
{
	char id[JP_TOKEN_ID_LEN + 1] = "";

	memcpy(id, code->text, code->len < 8 ? code->len : 8);
	admin_wish_id(fixture, id);
	fixture->request.question.token = *code;
	return admin_run_as(fixture, owner, JP_ADMIN_CLAIM);
}

/* The one answer to everything that is wrong. */
static void
assert_gone(struct admin_fixture *fixture, const char *owner,
    const struct jp_secret *code)
{
	assert_int_equal(claim(fixture, owner, code), JP_ERR_NOT_FOUND);
	assert_int_equal(fixture->why.refusal, JP_REFUSAL_LINK_GONE);
	assert_int_equal(fixture->len, 0);
	assert_non_null(strstr(fixture->why.text, "this link leads to no"));
}

/* ---- links ---- */

static void
a_link_is_shown_once_and_waits(void **state)
{
	struct admin_fixture *fixture = *state;
	const struct jp_admin_item *item = &fixture->items[0];
	char id[JP_TOKEN_ID_LEN + 1];
	struct jp_secret code;
	struct jp_record record;

	make_link(fixture, &code, id);
	assert_int_equal(item->kind, JP_ITEM_LINK);
	assert_int_equal(item->state, JP_STATE_UNCLAIMED);
	assert_int_equal(code.len, JP_CLAIM_CODE_LEN);
	assert_memory_equal(code.text, id, JP_TOKEN_ID_LEN);
	assert_int_equal(code.text[JP_TOKEN_ID_LEN], '-');
	admin_read(fixture, id, &record);
	assert_string_equal(record.phc, "");
	assert_false(record.has_fast_tag);
	assert_true(record.claim_until == NOW + 7 * DAY);
	assert_true(jp_claim_code_fits(&fixture->core.pepper, &code, &record));
	assert_int_equal(admin_state(fixture, id), JP_STATE_UNCLAIMED);
	assert_int_equal(admin_records(fixture), 1);
}

static void
its_user_fetches_the_token_once(void **state)
{
	struct admin_fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];
	struct jp_secret code, token;
	struct jp_record record;

	make_link(fixture, &code, id);
	fixture->now += DAY;
	assert_int_equal(claim(fixture, "alice", &code), JP_ERR_OK);
	assert_int_equal(fixture->len, 1);
	assert_int_equal(fixture->items[0].kind, JP_ITEM_TOKEN);
	assert_string_equal(fixture->items[0].record.id, id);
	token = fixture->items[0].token;
	assert_int_equal(
	    admin_test(fixture, "alice", &token), JP_REASON_ACCEPTED);
	assert_int_equal(admin_state(fixture, id), JP_STATE_LIVE);
	admin_read(fixture, id, &record);
	assert_true(record.claim_until == JP_NEVER);
	assert_true(record.created_at == fixture->now);
	assert_string_equal(record.prefix, "jpat");
	assert_gone(fixture, "alice", &code);
	assert_int_equal(
	    admin_test(fixture, "alice", &token), JP_REASON_ACCEPTED);
}

static void
everything_wrong_about_a_link_gets_one_answer(void **state)
{
	struct admin_fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1], other[JP_TOKEN_ID_LEN + 1];
	struct jp_secret code, wrong;

	make_link(fixture, &code, id);
	make_link(fixture, &wrong, other);
	assert_gone(fixture, "bob", &code);
	assert_gone(fixture, "root", &code);     /* an administrator, neither */
	memcpy(wrong.text, id, JP_TOKEN_ID_LEN); /* the secret of the other */
	assert_gone(fixture, "alice", &wrong);
	wrong = code;
	wrong.text[JP_CLAIM_CODE_LEN - 1] ^= 1;
	assert_gone(fixture, "alice", &wrong);
	for (size_t len = JP_TOKEN_ID_LEN; len < JP_CLAIM_CODE_LEN; len++) {
		(void)jp_secret_set(&wrong, code.text, len);
		assert_gone(fixture, "alice", &wrong);
	}
	(void)jp_secret_set(&wrong, "AAAAAAAA-1234567890123456789012", 31);
	assert_gone(fixture, "alice", &wrong);
	assert_int_equal(admin_state(fixture, id), JP_STATE_UNCLAIMED);
}

static void
a_link_ends(void **state)
{
	struct admin_fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];
	struct jp_secret code;

	make_link(fixture, &code, id);
	fixture->now = NOW + 7 * DAY;
	assert_gone(fixture, "alice", &code);
	fixture->now--;
	assert_int_equal(claim(fixture, "alice", &code), JP_ERR_OK);
}

static void
a_link_of_a_token_that_is_no_more_is_gone(void **state)
{
	struct admin_fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];
	struct jp_secret code;

	make_link(fixture, &code, id);
	admin_wish_id(fixture, id);
	assert_int_equal(admin_run(fixture, JP_ADMIN_DISABLE), JP_ERR_OK);
	assert_gone(fixture, "alice", &code);
	admin_wish_id(fixture, id);
	assert_int_equal(admin_run(fixture, JP_ADMIN_ENABLE), JP_ERR_OK);
	admin_wish_id(fixture, id);
	assert_int_equal(admin_run(fixture, JP_ADMIN_REVOKE), JP_ERR_OK);
	assert_gone(fixture, "alice", &code);
	admin_wish(fixture, "alice");
	fixture->request.link_for = 7 * DAY;
	fixture->request.lifetime = JP_LIFETIME_UNTIL;
	fixture->request.expires_at = NOW + DAY;
	admin_create(fixture, id);
	code = fixture->items[0].token;
	fixture->now += DAY;
	assert_gone(fixture, "alice", &code);
}

static void
guesses_at_a_link_are_limited(void **state)
{
	struct admin_fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1], other[JP_TOKEN_ID_LEN + 1];
	struct jp_secret code, wrong, others;

	make_link(fixture, &code, id);
	make_link(fixture, &others, other);
	wrong = code;
	wrong.text[JP_CLAIM_CODE_LEN - 1] ^= 1;
	for (int i = 0; i < 20; i++) /* of others, who cannot lock her out */
		assert_gone(fixture, "bob", &wrong);
	for (int i = 0; i < JP_THROTTLE_BURST; i++)
		assert_gone(fixture, "alice", &wrong);
	assert_gone(fixture, "alice", &code);
	assert_int_equal(claim(fixture, "alice", &others), JP_ERR_OK);
}

static void
a_token_that_could_not_be_handed_over_leaves_the_link(void **state)
{
	struct admin_fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];
	struct jp_record before, after;
	struct jp_secret code, lost;

	make_link(fixture, &code, id);
	admin_read(fixture, id, &before);
	fixture->emit_fails = 1;
	assert_int_equal(claim(fixture, "alice", &code), JP_ERR_UNREACHABLE);
	lost = fixture->items[0].token;
	fixture->emit_fails = 0;
	admin_read(fixture, id, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(claim(fixture, "alice", &code), JP_ERR_OK);
	assert_int_not_equal(
	    admin_test(fixture, "alice", &lost), JP_REASON_ACCEPTED);
}

static void
an_error_of_the_store_leaves_the_link(void **state)
{
	struct admin_fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];
	struct jp_record before, after;
	struct jp_secret code;
	unsigned int nth = 1;
	enum jp_err err = JP_ERR_IO;

	make_link(fixture, &code, id);
	admin_read(fixture, id, &before);
	for (; err != JP_ERR_OK; nth++) {
		jp_store_mem_fail(fixture->core.store, nth, JP_ERR_IO, false);
		err = claim(fixture, "alice", &code);
		jp_store_mem_fail(fixture->core.store, 0, JP_ERR_OK, false);
		assert_true(err == JP_ERR_OK || err == JP_ERR_IO);
		admin_read(fixture, id, &after);
		assert_int_equal(memcmp(&before, &after, sizeof(before)) == 0,
		    err != JP_ERR_OK);
	}
	assert_true(nth > 4);
}

struct racer {
	struct jp_core *core;
	struct jp_secret code;
	enum jp_err err;
};

static enum jp_err
drop(void *arg, const struct jp_admin_item *item)
{
	(void)arg;
	(void)item;
	return JP_ERR_OK;
}

static void *
race(void *arg)
{
	struct racer *racer = arg;
	struct jp_admin_request request = { .op = JP_ADMIN_CLAIM,
		.owner = "alice" };
	struct jp_why why;

	memcpy(request.record.id, racer->code.text, JP_TOKEN_ID_LEN);
	request.question.token = racer->code;
	racer->err =
	    jp_admin_execute(racer->core, "alice", &request, drop, NULL, &why);
	return NULL;
}

static void
of_those_who_come_at_once_one_gets_the_token(void **state)
{
	struct admin_fixture *fixture = *state;
	struct racer racers[8];
	pthread_t threads[COUNT_OF(racers)];
	char id[JP_TOKEN_ID_LEN + 1];
	size_t got = 0;

	memset(racers, 0, sizeof(racers));
	make_link(fixture, &racers[0].code, id);
	/* A hash that takes long enough for all to come meanwhile. */
	fixture->core.policy.cost = (struct jp_cost){ 16384, 2 };
	for (size_t i = 0; i < COUNT_OF(racers); i++) {
		racers[i].core = &fixture->core;
		racers[i].code = racers[0].code;
		assert_int_equal(
		    pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (size_t i = 0; i < COUNT_OF(racers); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_true(racers[i].err == JP_ERR_OK ||
		            racers[i].err == JP_ERR_NOT_FOUND);
		got += racers[i].err == JP_ERR_OK;
	}
	assert_int_equal(got, 1);
}

static void
a_batch_makes_links(void **state)
{
	struct admin_fixture *fixture = *state;
	struct jp_new_token token = { .lifetime = JP_LIFETIME_DEFAULT };
	struct jp_secret code;

	admin_wish(fixture, "");
	fixture->request.link_for = DAY;
	strcpy(token.record.user, "alice");
	assert_int_equal(jp_batch_put_new(&fixture->buf, &token), JP_ERR_OK);
	strcpy(token.record.user, "bob");
	assert_int_equal(jp_batch_put_new(&fixture->buf, &token), JP_ERR_OK);
	assert_int_equal(admin_run(fixture, JP_ADMIN_CREATE_MANY), JP_ERR_OK);
	assert_int_equal(fixture->len, 4);
	assert_int_equal(fixture->items[0].kind, JP_ITEM_RECORD);
	assert_int_equal(fixture->items[0].state, JP_STATE_UNCLAIMED);
	assert_int_equal(fixture->items[3].kind, JP_ITEM_LINK);
	code = fixture->items[3].token;
	assert_gone(fixture, "alice", &code);
	assert_int_equal(claim(fixture, "bob", &code), JP_ERR_OK);
}

static void
a_link_has_a_lifetime(void **state)
{
	struct admin_fixture *fixture = *state;

	admin_wish(fixture, "alice");
	fixture->request.link_for = -1;
	admin_refused(
	    fixture, JP_ADMIN_CREATE, JP_ERR_INVALID, JP_REFUSAL_LIFETIME_PAST);
	fixture->request.link_for = INT64_MAX;
	assert_int_equal(admin_run(fixture, JP_ADMIN_CREATE), JP_ERR_OK);
	assert_true(fixture->items[0].record.claim_until > NOW);
}

/* A code is of its record and of its pepper. */
static void
codes_are_random_and_fit_their_record_alone(void **unused)
{
	struct jp_pepper pepper = { { 1 } }, other = { { 2 } };
	struct jp_record record = { .id = "0aZ9bY8c" };
	struct jp_secret one, two;

	(void)unused;
	jp_claim_code_make(&pepper, record.id, &one, record.claim_tag);
	jp_claim_code_make(&pepper, record.id, &two, record.claim_tag);
	assert_string_not_equal(one.text, two.text);
	assert_int_equal(one.len, JP_CLAIM_CODE_LEN);
	assert_false(jp_claim_code_fits(&pepper, &one, &record));
	assert_true(jp_claim_code_fits(&pepper, &two, &record));
	assert_false(jp_claim_code_fits(&other, &two, &record));
	strcpy(record.id, "1aZ9bY8c");
	assert_false(jp_claim_code_fits(&pepper, &two, &record));
	strcpy(record.id, "0aZ9bY8c");
	memset(record.claim_tag, 0, sizeof(record.claim_tag));
	assert_false(jp_claim_code_fits(&pepper, &two, &record));
}

/* ---- disable, enable ---- */

static void
a_disabled_token_is_paused_until_it_is_enabled(void **state)
{
	struct admin_fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];
	struct jp_secret token;
	struct jp_record record;

	admin_wish(fixture, "alice");
	admin_create(fixture, id);
	token = fixture->items[0].token;
	for (int i = 0; i < 2; i++) { /* twice is fine */
		admin_wish_id(fixture, id);
		assert_int_equal(
		    admin_run(fixture, JP_ADMIN_DISABLE), JP_ERR_OK);
		assert_int_equal(fixture->items[0].changed, i == 0);
		assert_int_equal(fixture->items[0].state, JP_STATE_DISABLED);
		fixture->now++;
	}
	admin_read(fixture, id, &record);
	assert_true(record.disabled_at == NOW);
	assert_string_equal(record.disabled_by, "root");
	assert_int_equal(
	    admin_test(fixture, "alice", &token), JP_REASON_DISABLED);
	for (int i = 0; i < 2; i++) {
		admin_wish_id(fixture, id);
		assert_int_equal(
		    admin_run(fixture, JP_ADMIN_ENABLE), JP_ERR_OK);
		assert_int_equal(fixture->items[0].changed, i == 0);
		assert_int_equal(fixture->items[0].state, JP_STATE_LIVE);
	}
	admin_read(fixture, id, &record);
	assert_string_equal(record.disabled_by, "");
	assert_int_equal(
	    admin_test(fixture, "alice", &token), JP_REASON_ACCEPTED);
}

static void
what_has_ended_is_neither_disabled_nor_enabled(void **state)
{
	struct admin_fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];

	admin_wish(fixture, "alice");
	admin_create(fixture, id);
	admin_wish_id(fixture, id);
	assert_int_equal(admin_run(fixture, JP_ADMIN_REVOKE), JP_ERR_OK);
	admin_wish_id(fixture, id);
	admin_refused(
	    fixture, JP_ADMIN_DISABLE, JP_ERR_REFUSED, JP_REFUSAL_NOT_LIVE);
	assert_int_equal(admin_run(fixture, JP_ADMIN_ENABLE), JP_ERR_OK);
	assert_false(fixture->items[0].changed);
	admin_wish_id(fixture, "AAAAAAAA");
	admin_refused(
	    fixture, JP_ADMIN_DISABLE, JP_ERR_NOT_FOUND, JP_REFUSAL_NOT_FOUND);
}

static void
a_user_enables_what_no_administrator_has_disabled(void **state)
{
	static const struct {
		const char *by;
		bool may;
	} rows[] = {
		{ "sso:alice", true },
		{ "alice", true },
		{ "sso:bob", false },
		{ "sso:root", false },
		{ "root", false },
		{ "token:ID", true },
		{ "token:AAAAAAAA", false },
	};
	struct admin_fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1], by[32];

	admin_wish(fixture, "alice");
	admin_create(fixture, id);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		strcpy(by, rows[i].by);
		if (strcmp(by, "token:ID") == 0)
			(void)snprintf(by, sizeof(by), "token:%s", id);
		fixture->actor = by;
		admin_wish_id(fixture, id);
		assert_int_equal(
		    admin_run(fixture, JP_ADMIN_DISABLE), JP_ERR_OK);
		fixture->actor = "sso:alice";
		admin_wish_id(fixture, id);
		assert_int_equal(
		    admin_run_as(fixture, "alice", JP_ADMIN_ENABLE),
		    rows[i].may ? JP_ERR_OK : JP_ERR_REFUSED);
		if (!rows[i].may)
			assert_int_equal(
			    fixture->why.refusal, JP_REFUSAL_NOT_ALLOWED);
		fixture->actor = "root";
		admin_wish_id(fixture, id);
		assert_int_equal(
		    admin_run(fixture, JP_ADMIN_ENABLE), JP_ERR_OK);
	}
}

/* A group's token is of all its members: one ends the pause of another. */
static void
a_member_enables_what_another_member_has_disabled(void **state)
{
	struct admin_fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];

	admin_join(fixture, "alice", "ci");
	admin_join(fixture, "bob", "ci");
	admin_wish(fixture, "svc-ci");
	strcpy(fixture->request.record.owner_group, "ci");
	admin_create(fixture, id);
	fixture->actor = "sso:bob";
	admin_wish_id(fixture, id);
	assert_int_equal(
	    admin_run_as(fixture, "bob", JP_ADMIN_DISABLE), JP_ERR_OK);
	admin_wish_id(fixture, id);
	assert_int_equal(
	    admin_run_as(fixture, "alice", JP_ADMIN_ENABLE), JP_ERR_OK);
}

/* ---- the audit trail ---- */

/* What cannot be logged is not done: audit_required. */
static void
what_cannot_be_logged_is_not_done(void **state)
{
	static const enum jp_admin_op ops[] = { JP_ADMIN_DISABLE,
		JP_ADMIN_CLAIM, JP_ADMIN_CREATE };
	struct admin_fixture *fixture = *state;
	char dir[CORE_HELP_DIR_MAX], id[JP_TOKEN_ID_LEN + 1];
	struct jp_settings settings;
	struct jp_record before, after;
	struct jp_secret code;

	make_link(fixture, &code, id);
	admin_read(fixture, id, &before);
	core_help_settings(&settings);
	core_help_trail_dir(dir, &settings);
	core_help_make_trail(&fixture->core, &settings);
	jp_audit_file(fixture->core.audit)->write = core_help_full_disk;
	assert_int_equal(jp_audit_start(fixture->core.audit), JP_ERR_OK);
	for (size_t i = 0; i < COUNT_OF(ops); i++) {
		admin_wish_id(fixture, id);
		fixture->request.question.token = code;
		if (ops[i] == JP_ADMIN_CREATE)
			admin_wish(fixture, "alice");
		assert_int_not_equal(
		    admin_run_as(fixture, "alice", ops[i]), JP_ERR_OK);
		assert_int_equal(fixture->why.refusal, JP_REFUSAL_AUDIT);
		assert_int_equal(fixture->len, 0);
		admin_read(fixture, id, &after);
		assert_memory_equal(&before, &after, sizeof(before));
		assert_int_equal(admin_records(fixture), 1);
	}
	jp_audit_close(fixture->core.audit);
	fixture->core.audit = NULL;
	core_help_remove_trail(dir);
}

#define TEST(test)                                                             \
	cmocka_unit_test_setup_teardown(test, admin_set_up, core_help_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_link_is_shown_once_and_waits),
		TEST(its_user_fetches_the_token_once),
		TEST(everything_wrong_about_a_link_gets_one_answer),
		TEST(a_link_ends),
		TEST(a_link_of_a_token_that_is_no_more_is_gone),
		TEST(guesses_at_a_link_are_limited),
		TEST(a_token_that_could_not_be_handed_over_leaves_the_link),
		TEST(an_error_of_the_store_leaves_the_link),
		TEST(of_those_who_come_at_once_one_gets_the_token),
		TEST(a_batch_makes_links),
		TEST(a_link_has_a_lifetime),
		cmocka_unit_test(codes_are_random_and_fit_their_record_alone),
		TEST(a_disabled_token_is_paused_until_it_is_enabled),
		TEST(what_has_ended_is_neither_disabled_nor_enabled),
		TEST(a_user_enables_what_no_administrator_has_disabled),
		TEST(a_member_enables_what_another_member_has_disabled),
		TEST(what_cannot_be_logged_is_not_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
