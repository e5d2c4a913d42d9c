/*
 * The operations that take or find many, over the store in memory: how many
 * commits and hashes they cost, and what one bad row does to the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/admin/admin.h"
#include "common/admin/batch.h"
#include "common/decide/open.h"
#include "common/record/argon2.h"
#include "tests/unit/core_help.h"
#include "tests/unit/store_mem.h"

#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)

enum {
	ITEMS_MAX = 1024,
	MANY = 2 * JP_BATCH_ROWS + 1, /* take three batches */
};

struct fixture {
	struct jp_core core;
	struct jp_workers workers; /* they count */
	size_t tasks;
	enum jp_err workers_err;
	size_t meanwhile; /* tokens that alice gets during the hashes */
	int64_t now;
	struct jp_admin_request request;
	struct jp_why why;
	size_t len; /* of the items of the last operation */
	struct jp_admin_item items[ITEMS_MAX];
	size_t emit_fails;        /* at this item; 0: never */
	unsigned int store_fails; /* at this call of it; 0: never */
	uint64_t commits;         /* before it */
	struct jp_buf buf;
	uint8_t batch[JP_BATCH_MAX];
};

static void put_many(struct fixture *fixture, size_t count, int64_t expires_at);

/* From the last to the first: the order of the answers is not that of these. */
static enum jp_err
run_backwards(struct jp_workers *workers, jp_task task, void *arg, size_t count)
{
	struct fixture *fixture =
	    (struct fixture *)((char *)workers -
	                       offsetof(struct fixture, workers));

	fixture->tasks += count;
	for (size_t i = count; fixture->workers_err == JP_ERR_OK && i-- > 0;)
		task(arg, i);
	put_many(fixture, fixture->meanwhile, NOW + DAY);
	return fixture->workers_err;
}

static void
begin(struct fixture *fixture)
{
	memset(&fixture->request, 0, sizeof(fixture->request));
	jp_buf_write(&fixture->buf, fixture->batch, sizeof(fixture->batch));
}

static int
set_up(void **state)
{
	struct fixture *fixture = core_help_fixture(state, sizeof(*fixture));
	struct jp_settings settings;

	fixture->now = NOW;
	core_help_settings(&settings);
	settings.policy.max_per_user = 3;
	core_help_open(&fixture->core, &settings, &fixture->now);
	fixture->workers.run = run_backwards;
	fixture->core.workers = &fixture->workers;
	begin(fixture);
	return 0;
}

static struct jp_store_info
info_of(struct fixture *fixture)
{
	struct jp_store_info info;

	assert_int_equal(jp_store_info(fixture->core.store, &info), JP_ERR_OK);
	return info;
}

static enum jp_err
take(void *arg, const struct jp_admin_item *item)
{
	struct fixture *fixture = arg;

	assert_true(fixture->len < ITEMS_MAX);
	if (fixture->emit_fails > 0 && fixture->len + 1 >= fixture->emit_fails)
		return JP_ERR_UNREACHABLE;
	fixture->items[fixture->len++] = *item;
	return JP_ERR_OK;
}

static enum jp_err
run(struct fixture *fixture, enum jp_admin_op op)
{
	enum jp_err err;

	fixture->request.op = op;
	fixture->request.batch = fixture->batch;
	fixture->request.batch_len = fixture->buf.pos;
	fixture->len = fixture->tasks = 0;
	fixture->commits = info_of(fixture).commits;
	jp_store_mem_fail(
	    fixture->core.store, fixture->store_fails, JP_ERR_DISK_FULL, false);
	err = jp_admin_execute(&fixture->core, "root", &fixture->request, take,
	    fixture, &fixture->why);
	jp_store_mem_fail(fixture->core.store, 0, JP_ERR_OK, false);
	return err;
}

/* By the last operation. */
static uint64_t
commits(struct fixture *fixture)
{
	return info_of(fixture).commits - fixture->commits;
}

static uint64_t
records(struct fixture *fixture)
{
	return info_of(fixture).records;
}

/* ---- create-many ---- */

static void
ask_for(struct fixture *fixture, const char *user, const char *name)
{
	struct jp_new_token token = { .lifetime = JP_LIFETIME_DEFAULT };

	strcpy(token.record.user, user);
	strcpy(token.record.name, name);
	assert_int_equal(jp_batch_put_new(&fixture->buf, &token), JP_ERR_OK);
}

static void
ask_for_many(struct fixture *fixture, size_t count)
{
	char user[JP_USER_MAX + 1];

	begin(fixture);
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(user, sizeof(user), "user%zu", i);
		ask_for(fixture, user, "ci");
	}
}

static void
a_batch_of_tokens_is_one_commit_and_a_hash_for_each(void **state)
{
	struct fixture *fixture = *state;
	char user[JP_USER_MAX + 1];
	struct jp_record record;
	bool match;

	ask_for_many(fixture, JP_BATCH_ROWS);
	assert_int_equal(run(fixture, JP_ADMIN_CREATE_MANY), JP_ERR_OK);
	assert_int_equal(commits(fixture), 1);
	assert_int_equal(fixture->tasks, JP_BATCH_ROWS);
	assert_int_equal(fixture->len, 2 * JP_BATCH_ROWS);
	for (size_t i = 0; i < JP_BATCH_ROWS; i++) {
		const struct jp_admin_item *told = &fixture->items[i];
		const struct jp_admin_item *item =
		    &fixture->items[JP_BATCH_ROWS + i];

		assert_int_equal(told->kind, JP_ITEM_RECORD);
		assert_string_equal(told->record.id, item->record.id);
		assert_int_equal(told->token.len, 0);
		(void)snprintf(user, sizeof(user), "user%zu", i);
		assert_int_equal(item->kind, JP_ITEM_TOKEN);
		assert_string_equal(item->record.user, user);
		assert_string_equal(item->record.phc, "");
		assert_int_equal(
		    jp_store_get(fixture->core.store, item->record.id, &record),
		    JP_ERR_OK);
		assert_string_equal(record.user, user);
		assert_true(record.has_fast_tag);
		assert_int_equal(
		    jp_hash_verify(record.phc, &item->token, &match),
		    JP_ERR_OK);
		assert_true(match);
	}
}

static void
without_workers_the_caller_hashes(void **state)
{
	struct fixture *fixture = *state;

	fixture->core.workers = NULL;
	ask_for_many(fixture, 3);
	assert_int_equal(run(fixture, JP_ADMIN_CREATE_MANY), JP_ERR_OK);
	assert_int_equal(fixture->len, 2 * 3);
	assert_int_equal(commits(fixture), 1);
}

static void
a_dry_run_of_tokens_hashes_and_stores_nothing(void **state)
{
	struct fixture *fixture = *state;

	ask_for_many(fixture, 5);
	fixture->request.dry_run = true;
	assert_int_equal(run(fixture, JP_ADMIN_CREATE_MANY), JP_ERR_OK);
	assert_int_equal(fixture->tasks + fixture->len, 0);
	assert_int_equal(records(fixture) + commits(fixture), 0);
}

static void
an_empty_batch_is_nothing_to_do(void **state)
{
	static const enum jp_admin_op ops[] = { JP_ADMIN_CREATE_MANY,
		JP_ADMIN_IMPORT, JP_ADMIN_IMPORT_USERS, JP_ADMIN_SET_USERS };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		begin(fixture);
		assert_int_equal(run(fixture, ops[i]), JP_ERR_OK);
		assert_int_equal(fixture->len + commits(fixture), 0);
	}
}

static void
more_rows_than_a_batch_holds_are_refused(void **state)
{
	struct fixture *fixture = *state;

	ask_for_many(fixture, JP_BATCH_ROWS + 1);
	assert_int_equal(run(fixture, JP_ADMIN_CREATE_MANY), JP_ERR_INVALID);
	assert_string_equal(fixture->why.text, "a malformed batch");
	assert_int_equal(records(fixture), 0);
	ask_for_many(fixture, 2);
	fixture->buf.pos--;
	assert_int_equal(run(fixture, JP_ADMIN_CREATE_MANY), JP_ERR_INVALID);
	assert_int_equal(records(fixture), 0);
}

/* The last item says which row it was. */
static void
assert_row(struct fixture *fixture, size_t row)
{
	const struct jp_admin_item *item = &fixture->items[fixture->len - 1];

	assert_true(fixture->len > 0);
	assert_int_equal(item->kind, JP_ITEM_ROW);
	assert_int_equal(item->row, row);
}

static void
a_bad_row_is_named_and_no_token_is_made(void **state)
{
	struct fixture *fixture = *state;

	for (size_t bad = 0; bad < 3; bad++) {
		begin(fixture);
		for (size_t i = 0; i < 3; i++)
			ask_for(fixture, i == bad ? "a:b" : "alice", "ci");
		assert_int_equal(
		    run(fixture, JP_ADMIN_CREATE_MANY), JP_ERR_INVALID);
		assert_row(fixture, bad);
		assert_int_equal(fixture->tasks + records(fixture), 0);
	}
}

static void
rows_before_count_against_the_limit(void **state)
{
	struct fixture *fixture = *state;

	ask_for(fixture, "alice", "");
	assert_int_equal(run(fixture, JP_ADMIN_CREATE_MANY), JP_ERR_OK);
	begin(fixture);
	ask_for(fixture, "alice", "");
	ask_for(fixture, "bob", "");
	ask_for(fixture, "alice", "");
	ask_for(fixture, "alice", ""); /* the fourth */
	assert_int_equal(run(fixture, JP_ADMIN_CREATE_MANY), JP_ERR_REFUSED);
	assert_row(fixture, 3);
	assert_int_equal(fixture->tasks, 0);
	assert_int_equal(records(fixture), 1);
}

static void
tokens_of_others_meanwhile_count_too(void **state)
{
	struct fixture *fixture = *state;

	ask_for(fixture, "bob", "");
	ask_for(fixture, "alice", "");
	fixture->meanwhile = 3; /* as many as she may have */
	assert_int_equal(run(fixture, JP_ADMIN_CREATE_MANY), JP_ERR_REFUSED);
	assert_row(fixture, 1);
	assert_int_equal(records(fixture), 3);
}

static void
without_all_hashes_no_token_is_stored(void **state)
{
	struct fixture *fixture = *state;
	struct jp_policy policy = fixture->core.policy;

	policy.cost.memory = 0; /* which libsodium refuses */
	jp_core_set_policy(&fixture->core, &policy);
	ask_for_many(fixture, 3);
	assert_int_equal(run(fixture, JP_ADMIN_CREATE_MANY), JP_ERR_IO);
	assert_int_equal(fixture->tasks, 3);
	assert_int_equal(fixture->len + records(fixture), 0);
}

static void
tokens_that_cannot_be_handed_over_are_all_gone(void **state)
{
	struct fixture *fixture = *state;

	ask_for_many(fixture, 7);
	fixture->emit_fails = 7 + 4;
	assert_int_equal(
	    run(fixture, JP_ADMIN_CREATE_MANY), JP_ERR_UNREACHABLE);
	assert_int_equal(commits(fixture), 2);
	assert_int_equal(records(fixture), 0);
}

/* Whatever happens from the commit on, whoever asked knows what to revoke. */
static void
no_token_is_stored_whose_id_was_not_told(void **state)
{
	struct fixture *fixture = *state;

	ask_for_many(fixture, 7);
	fixture->emit_fails = 7;
	assert_int_equal(
	    run(fixture, JP_ADMIN_CREATE_MANY), JP_ERR_UNREACHABLE);
	assert_int_equal(commits(fixture), 0);
}

static void
no_token_is_shown_that_is_not_stored(void **state)
{
	struct fixture *fixture = *state;
	enum jp_err err = JP_ERR_DISK_FULL;

	ask_for_many(fixture, 7);
	fixture->workers_err = JP_ERR_UNREACHABLE; /* patd ends */
	assert_int_equal(
	    run(fixture, JP_ADMIN_CREATE_MANY), JP_ERR_UNREACHABLE);
	assert_int_equal(fixture->len + records(fixture), 0);
	fixture->workers_err = JP_ERR_OK;
	while (err != JP_ERR_OK) {
		assert_int_equal(fixture->len + records(fixture), 0);
		fixture->store_fails++;
		err = run(fixture, JP_ADMIN_CREATE_MANY);
		if (err != JP_ERR_OK) { /* ids are told, or a row */
			assert_int_equal(err, JP_ERR_DISK_FULL);
			for (size_t i = 0; i < fixture->len; i++)
				assert_int_not_equal(
				    fixture->items[i].kind, JP_ITEM_TOKEN);
			fixture->len = 0;
		}
	}
	assert_true(fixture->store_fails > 7);
	assert_int_equal(fixture->len, 2 * 7);
	assert_int_equal(records(fixture), 7);
}

/* ---- users ---- */

static void
put_user(struct fixture *fixture, const char *name, unsigned int fields)
{
	struct jp_user_change change = { .fields = fields };

	jp_user_default(&change.user, name);
	change.user.disabled = true;
	assert_int_equal(jp_batch_put_user(&fixture->buf, &change), JP_ERR_OK);
}

static bool
is_disabled(struct fixture *fixture, const char *name)
{
	struct jp_user user;

	assert_int_equal(
	    jp_store_user(fixture->core.store, name, &user), JP_ERR_OK);
	return user.disabled;
}

static void
imported_users_are_one_commit_and_known_ones_stay(void **state)
{
	struct fixture *fixture = *state;

	put_user(fixture, "bob", JP_USER_NOTE | JP_USER_GROUPS);
	assert_int_equal(run(fixture, JP_ADMIN_SET_USERS), JP_ERR_OK);
	put_user(fixture, "bob", JP_USER_STATE);
	begin(fixture);
	put_user(fixture, "anna", JP_USER_FIELDS);
	put_user(fixture, "carl", JP_USER_FIELDS);
	assert_int_equal(run(fixture, JP_ADMIN_IMPORT_USERS), JP_ERR_OK);
	assert_int_equal(commits(fixture), 1);
	assert_int_equal(fixture->len, 0);
	assert_int_equal(run(fixture, JP_ADMIN_IMPORT_USERS), JP_ERR_EXISTS);
	assert_row(fixture, 0);
	put_user(fixture, "dora", JP_USER_FIELDS);
	put_user(fixture, "dora", JP_USER_FIELDS);
	fixture->request.skip_known = true;
	fixture->request.dry_run = true;
	assert_int_equal(run(fixture, JP_ADMIN_IMPORT_USERS), JP_ERR_OK);
	assert_int_equal(commits(fixture), 0);
	fixture->request.dry_run = false;
	assert_int_equal(run(fixture, JP_ADMIN_IMPORT_USERS), JP_ERR_OK);
	assert_int_equal(commits(fixture), 1);
	assert_int_equal(fixture->len, 3); /* anna, carl, dora again */
	assert_row(fixture, 3);
	assert_true(is_disabled(fixture, "dora"));
}

static void
a_bad_user_is_named_and_none_is_stored(void **state)
{
	static const enum jp_admin_op ops[] = { JP_ADMIN_SET_USERS,
		JP_ADMIN_IMPORT_USERS };
	struct fixture *fixture = *state;

	for (size_t bad = 0; bad < 6; bad++) {
		begin(fixture);
		for (size_t i = 0; i < 3; i++)
			put_user(fixture,
			    i == bad / 2 ? "a:b"
			    : i == 2     ? "carl"
			                 : "anna",
			    JP_USER_FIELDS);
		if (bad / 2 == 2) { /* anna stands twice */
			begin(fixture);
			put_user(fixture, "anna", JP_USER_FIELDS);
			put_user(fixture, "bob", JP_USER_FIELDS);
			put_user(fixture, "anna", JP_USER_FIELDS);
		}
		assert_int_not_equal(run(fixture, ops[bad % 2]), JP_ERR_OK);
		assert_row(fixture, bad / 2);
		assert_int_equal(commits(fixture), 0);
	}
}

/* ---- purge, policy ---- */

static void
put_many(struct fixture *fixture, size_t count, int64_t expires_at)
{
	struct jp_record record = { .created_at = NOW - 500 * DAY };

	for (size_t i = 0; i < count; i++) {
		const struct jp_change change = { JP_CHANGE_CREATE, &record };

		(void)snprintf(
		    record.id, sizeof(record.id), "%08zu", i % 100000000);
		memcpy(record.family, record.id, sizeof(record.family));
		strcpy(record.user, "alice");
		record.expires_at = expires_at;
		assert_int_equal(
		    jp_store_commit(fixture->core.store, &change, 1),
		    JP_ERR_OK);
	}
}

static void
a_purge_is_one_commit_for_each_batch(void **state)
{
	struct fixture *fixture = *state;

	put_many(fixture, MANY, NOW - DAY);
	fixture->request.dead_for = DAY;
	assert_int_equal(run(fixture, JP_ADMIN_PURGE), JP_ERR_OK);
	assert_int_equal(commits(fixture), 3);
	assert_int_equal(fixture->len, MANY);
	assert_int_equal(records(fixture), 0);
	assert_int_equal(run(fixture, JP_ADMIN_PURGE), JP_ERR_OK);
	assert_int_equal(fixture->len + commits(fixture), 0);
}

static void
the_policy_is_applied_in_one_commit_for_each_batch(void **state)
{
	struct fixture *fixture = *state;
	struct jp_policy policy = fixture->core.policy;

	policy.max_per_user = 0;
	policy.name_required = true;
	jp_core_set_policy(&fixture->core, &policy);
	put_many(fixture, MANY, NOW + DAY);
	assert_int_equal(run(fixture, JP_ADMIN_POLICY), JP_ERR_OK);
	assert_int_equal(commits(fixture), 3);
	assert_int_equal(fixture->len, MANY);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(fixture->items[i].breach, JP_BREACH_NAME);
		assert_int_equal(fixture->items[i].state, JP_STATE_REVOKED);
	}
	assert_int_equal(run(fixture, JP_ADMIN_POLICY), JP_ERR_OK);
	assert_int_equal(fixture->len + commits(fixture), 0);
}

/* Those of one batch do not see each other's ends: the newest stay, no less. */
static void
of_too_many_tokens_the_newest_stay(void **state)
{
	struct fixture *fixture = *state;
	struct jp_policy policy = fixture->core.policy;

	policy.max_lifetime = JP_NEVER;
	jp_core_set_policy(&fixture->core, &policy);
	put_many(fixture, 10, NOW + DAY); /* made at once: by their ids */
	assert_int_equal(run(fixture, JP_ADMIN_POLICY), JP_ERR_OK);
	assert_int_equal(commits(fixture), 1);
	assert_int_equal(fixture->len, 7);
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(fixture->items[i].breach, JP_BREACH_COUNT);
		assert_int_equal(fixture->items[i].record.id[7], '0' + i);
	}
}

/* What stands before the failure is done, the rest is not; then all is. */
static void
a_purge_that_fails_in_the_middle_is_run_again(void **state)
{
	struct fixture *fixture = *state;

	put_many(fixture, MANY, NOW - DAY);
	fixture->request.dead_for = DAY;
	fixture->emit_fails = JP_BATCH_ROWS + 2; /* in the second batch */
	assert_int_equal(run(fixture, JP_ADMIN_PURGE), JP_ERR_UNREACHABLE);
	assert_int_equal(records(fixture), MANY - 2 * JP_BATCH_ROWS);
	fixture->emit_fails = 0;
	assert_int_equal(run(fixture, JP_ADMIN_PURGE), JP_ERR_OK);
	assert_int_equal(fixture->len, MANY - 2 * JP_BATCH_ROWS);
	assert_int_equal(records(fixture), 0);
}

#define TEST(test)                                                             \
	cmocka_unit_test_setup_teardown(test, set_up, core_help_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_batch_of_tokens_is_one_commit_and_a_hash_for_each),
		TEST(without_workers_the_caller_hashes),
		TEST(a_dry_run_of_tokens_hashes_and_stores_nothing),
		TEST(an_empty_batch_is_nothing_to_do),
		TEST(more_rows_than_a_batch_holds_are_refused),
		TEST(a_bad_row_is_named_and_no_token_is_made),
		TEST(rows_before_count_against_the_limit),
		TEST(tokens_of_others_meanwhile_count_too),
		TEST(without_all_hashes_no_token_is_stored),
		TEST(tokens_that_cannot_be_handed_over_are_all_gone),
		TEST(no_token_is_stored_whose_id_was_not_told),
		TEST(no_token_is_shown_that_is_not_stored),
		TEST(imported_users_are_one_commit_and_known_ones_stay),
		TEST(a_bad_user_is_named_and_none_is_stored),
		TEST(a_purge_is_one_commit_for_each_batch),
		TEST(the_policy_is_applied_in_one_commit_for_each_batch),
		TEST(of_too_many_tokens_the_newest_stay),
		TEST(a_purge_that_fails_in_the_middle_is_run_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
