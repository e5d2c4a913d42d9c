/*
 * The operations of an administrator and their messages: common/admin/admin.c,
 * common/admin/wire.c, over the store in memory and a clock that is set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/admin/wire.h"
#include "common/admin/batch.h"
#include "common/decide/open.h"
#include "tests/unit/core_help.h"
#include "tests/unit/pins.h"
#include "tests/unit/record_help.h"
#include "tests/unit/store_mem.h"
#include "tests/leave_out.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)

enum {
	ITEMS_MAX = 200,
};

struct fixture {
	struct jp_core core;
	int64_t now;
	struct jp_admin_request request;
	struct jp_why why;
	size_t len; /* of the items of the last operation */
	struct jp_admin_item items[ITEMS_MAX];
	enum jp_err emit_err;
};

static int
set_up(void **state)
{
	struct fixture *fixture = core_help_fixture(state, sizeof(*fixture));
	struct jp_settings settings;

	fixture->now = NOW;
	core_help_settings(&settings);
	settings.policy.max_per_user = 3;
	core_help_open(&fixture->core, &settings, &fixture->now);
	return 0;
}

/* Nothing that proves a secret may leave the store. */
static enum jp_err
take(void *arg, const struct jp_admin_item *item)
{
	static const uint8_t no_tag[JP_FAST_TAG_LEN];
	struct fixture *fixture = arg;

	assert_string_equal(item->record.phc, "");
	assert_false(item->record.has_fast_tag);
	assert_memory_equal(item->record.fast_tag, no_tag, sizeof(no_tag));
	assert_int_equal(item->kind == JP_ITEM_TOKEN, item->token.len > 0);
	if (fixture->emit_err != JP_ERR_OK)
		return fixture->emit_err;
	assert_true(fixture->len < ITEMS_MAX);
	fixture->items[fixture->len++] = *item;
	return JP_ERR_OK;
}

static enum jp_err
run(struct fixture *fixture, enum jp_admin_op op)
{
	enum jp_err err;

	fixture->request.op = op;
	fixture->len = 0;
	err = jp_admin_execute(&fixture->core, "root", &fixture->request, take,
	    fixture, &fixture->why);
	if (err != JP_ERR_OK && fixture->emit_err == JP_ERR_OK)
		assert_string_not_equal(fixture->why.text, "");
	return err;
}

static void
wish(struct fixture *fixture, const char *user)
{
	memset(&fixture->request, 0, sizeof(fixture->request));
	assert_true(strlen(user) <= JP_USER_MAX);
	strcpy(fixture->request.record.user, user);
}

/* Makes a token as wished; its id stands in items[0]. */
static const char *
create(struct fixture *fixture, const char *user)
{
	wish(fixture, user);
	assert_int_equal(run(fixture, JP_ADMIN_CREATE), JP_ERR_OK);
	assert_int_equal(fixture->len, 1);
	return fixture->items[0].record.id;
}

static uint64_t
records(struct fixture *fixture)
{
	struct jp_store_info info;

	assert_int_equal(jp_store_info(fixture->core.store, &info), JP_ERR_OK);
	return info.records;
}

static enum jp_err
revoke_id(struct fixture *fixture, const char *id)
{
	char kept[JP_TOKEN_ID_LEN + 1];

	strcpy(kept, id);
	wish(fixture, "");
	strcpy(fixture->request.record.id, kept);
	strcpy(fixture->request.record.revoked_why, "leaked");
	return run(fixture, JP_ADMIN_REVOKE);
}

static enum jp_reason
test_token(struct fixture *fixture, const struct jp_secret *token)
{
	struct jp_secret kept = *token;

	wish(fixture, "");
	strcpy(fixture->request.question.user, "alice");
	fixture->request.question.token = kept;
	assert_int_equal(run(fixture, JP_ADMIN_TEST), JP_ERR_OK);
	assert_int_equal(fixture->len, 1);
	assert_int_equal(fixture->items[0].kind, JP_ITEM_DECISION);
	return fixture->items[0].reason;
}

/* What a program is told of each thing that is wrong with a request. */
static void
refusals_have_their_ids(void **state)
{
	static const struct {
		const char *user, *name, *scope;
		enum jp_lifetime lifetime;
		int64_t expires_at;
		enum jp_refusal refusal;
	} rows[] = {
		{ "", "x", "", 0, 0, JP_REFUSAL_USER_INVALID },
		{ "a:b", "x", "", 0, 0, JP_REFUSAL_USER_INVALID },
		{ "alice", "", "", 0, 0, JP_REFUSAL_NAME_REQUIRED },
		{ "alice", "a\nb", "", 0, 0, JP_REFUSAL_NAME_INVALID },
		{ "alice", "x", "a b", 0, 0, JP_REFUSAL_SCOPE_INVALID },
		{ "alice", "x", "a\nb", 0, 0, JP_REFUSAL_SCOPE_INVALID },
		{ "alice", "x", "", JP_LIFETIME_UNTIL, NOW,
		    JP_REFUSAL_LIFETIME_PAST },
		{ "alice", "x", "", JP_LIFETIME_UNTIL, NOW + DAY + 1,
		    JP_REFUSAL_LIFETIME_TOO_LONG },
		{ "alice", "x", "", JP_LIFETIME_NEVER, 0,
		    JP_REFUSAL_LIFETIME_TOO_LONG },
	};
	struct fixture *fixture = *state;

	fixture->core.policy.name_required = true;
	fixture->core.policy.max_lifetime = DAY;
	fixture->core.policy.default_lifetime = DAY;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		wish(fixture, rows[i].user);
		strcpy(fixture->request.record.name, rows[i].name);
		fixture->request.record.scope_len = rows[i].scope[0] != '\0';
		strcpy(fixture->request.record.scopes[0], rows[i].scope);
		fixture->request.lifetime = rows[i].lifetime;
		fixture->request.expires_at = rows[i].expires_at;
		assert_int_not_equal(run(fixture, JP_ADMIN_CREATE), JP_ERR_OK);
		assert_int_equal(fixture->why.refusal, rows[i].refusal);
	}
	for (size_t i = 0; i <= 3; i++) {
		wish(fixture, "alice");
		strcpy(fixture->request.record.name, "x");
		assert_int_equal(run(fixture, JP_ADMIN_CREATE),
		    i < 3 ? JP_ERR_OK : JP_ERR_REFUSED);
	}
	assert_int_equal(fixture->why.refusal, JP_REFUSAL_TOO_MANY);
	wish(fixture, "");
	strcpy(fixture->request.record.id, "AAAAAAAA");
	assert_int_equal(run(fixture, JP_ADMIN_SHOW), JP_ERR_NOT_FOUND);
	assert_int_equal(fixture->why.refusal, JP_REFUSAL_NOT_FOUND);
	wish(fixture, "nobody");
	assert_int_equal(run(fixture, JP_ADMIN_REVOKE), JP_ERR_NOT_FOUND);
	assert_int_equal(fixture->why.refusal, JP_REFUSAL_NOT_FOUND);
	wish(fixture, "bob");
	fixture->request.owner = "alice";
	assert_int_equal(run(fixture, JP_ADMIN_LIST), JP_ERR_REFUSED);
	assert_int_equal(fixture->why.refusal, JP_REFUSAL_NOT_ALLOWED);
	wish(fixture, "alice"); /* nothing is left of it */
	assert_int_equal(run(fixture, JP_ADMIN_LIST), JP_ERR_OK);
	assert_int_equal(fixture->why.refusal, JP_REFUSAL_NONE);
}

/* ---- create ---- */

static void
a_new_token_is_stored_and_shown_once(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_record *record = &fixture->items[0].record;

	(void)create(fixture, "alice");
	assert_int_equal(fixture->items[0].kind, JP_ITEM_TOKEN);
	assert_int_equal(fixture->items[0].state, JP_STATE_LIVE);
	assert_true(fixture->items[0].changed);
	assert_int_equal(fixture->items[0].token.len, 50);
	assert_memory_equal(fixture->items[0].token.text + 5, record->id, 8);
	assert_string_equal(record->user, "alice");
	assert_string_equal(record->created_by, "root");
	assert_true(record->created_at == NOW);
	assert_string_equal(record->family, record->id);
	assert_int_equal(records(fixture), 1);
	assert_int_equal(
	    test_token(fixture, &fixture->items[0].token), JP_REASON_ACCEPTED);
}

static void
lifetimes_follow_request_and_policy(void **state)
{
	static const struct {
		enum jp_lifetime lifetime;
		int64_t expires_at, default_lifetime, max_lifetime;
		enum jp_err err;
		int64_t expected;
	} rows[] = {
		{ JP_LIFETIME_DEFAULT, 0, DAY, 2 * DAY, JP_ERR_OK, NOW + DAY },
		{ JP_LIFETIME_DEFAULT, 7, 0, 0, JP_ERR_OK, JP_NEVER },
		{ JP_LIFETIME_NEVER, 7, DAY, 0, JP_ERR_OK, JP_NEVER },
		{ JP_LIFETIME_NEVER, 0, DAY, DAY, JP_ERR_REFUSED, 0 },
		{ JP_LIFETIME_UNTIL, NOW + 1, DAY, DAY, JP_ERR_OK, NOW + 1 },
		{ JP_LIFETIME_UNTIL, NOW + DAY, DAY, DAY, JP_ERR_OK,
		    NOW + DAY },
		{ JP_LIFETIME_UNTIL, NOW + DAY + 1, DAY, DAY, JP_ERR_REFUSED,
		    0 },
		{ JP_LIFETIME_UNTIL, INT64_MAX, DAY, DAY, JP_ERR_REFUSED, 0 },
		{ JP_LIFETIME_UNTIL, NOW, DAY, DAY, JP_ERR_INVALID, 0 },
		{ JP_LIFETIME_UNTIL, NOW - 1, DAY, 0, JP_ERR_INVALID, 0 },
		{ JP_LIFETIME_UNTIL, 0, DAY, 0, JP_ERR_INVALID, 0 },
		{ JP_LIFETIME_UNTIL, INT64_MIN, DAY, DAY, JP_ERR_INVALID, 0 },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct jp_policy policy = fixture->core.policy;

		policy.max_per_user = 0;
		policy.default_lifetime = rows[i].default_lifetime;
		policy.max_lifetime = rows[i].max_lifetime;
		jp_core_set_policy(&fixture->core, &policy);
		wish(fixture, "alice");
		fixture->request.lifetime = rows[i].lifetime;
		fixture->request.expires_at = rows[i].expires_at;
		assert_int_equal(run(fixture, JP_ADMIN_CREATE), rows[i].err);
		assert_int_equal(fixture->len, rows[i].err == JP_ERR_OK);
		if (fixture->len == 1)
			assert_true(fixture->items[0].record.expires_at ==
			            rows[i].expected);
	}
}

static void
only_live_tokens_count_against_the_limit(void **state)
{
	struct fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];

	for (int i = 0; i < 3; i++)
		strcpy(id, create(fixture, "alice"));
	wish(fixture, "alice");
	assert_int_equal(run(fixture, JP_ADMIN_CREATE), JP_ERR_REFUSED);
	assert_int_equal(fixture->len, 0);
	(void)create(fixture, "bob");
	assert_int_equal(revoke_id(fixture, id), JP_ERR_OK);
	(void)create(fixture, "alice");
	wish(fixture, "alice");
	assert_int_equal(run(fixture, JP_ADMIN_CREATE), JP_ERR_REFUSED);
	fixture->now += 91 * DAY;
	(void)create(fixture, "alice");
}

static void
a_name_is_required_if_the_policy_says_so(void **state)
{
	struct fixture *fixture = *state;
	struct jp_policy policy = fixture->core.policy;

	policy.name_required = true;
	jp_core_set_policy(&fixture->core, &policy);
	wish(fixture, "alice");
	assert_int_equal(run(fixture, JP_ADMIN_CREATE), JP_ERR_INVALID);
	strcpy(fixture->request.record.name, "ci");
	assert_int_equal(run(fixture, JP_ADMIN_CREATE), JP_ERR_OK);
	assert_string_equal(fixture->items[0].record.name, "ci");
}

static void
bad_users_get_no_token(void **state)
{
	static const char *const users[] = { "", "a:b", "a\nb", "\xff",
		"\xc0\x80", "\x7f", "a\tb", "\xc2\x80" };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT_OF(users); i++) {
		wish(fixture, users[i]);
		assert_int_equal(run(fixture, JP_ADMIN_CREATE), JP_ERR_INVALID);
	}
	assert_int_equal(records(fixture), 0);
}

static void
bad_names_scopes_and_services_get_no_token(void **state)
{
	static const struct {
		const char *name, *scope, *service;
	} rows[] = {
		{ "a\nb", "s", "t" },
		{ "\xff", "s", "t" },
		{ "n", "", "t" },
		{ "n", "a b", "t" },
		{ "n", "a,b", "t" },
		{ "n", "a\nb", "t" },
		{ "n", "\xff", "t" },
		{ "n", "s", "" },
		{ "n", "s", "a\nb" },
		{ "n", "s", "\xff" },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct jp_record *record = &fixture->request.record;

		wish(fixture, "alice");
		strcpy(record->name, rows[i].name);
		record->scope_len = 2;
		strcpy(record->scopes[0], "good");
		strcpy(record->scopes[1], rows[i].scope);
		record->service_len = 2;
		strcpy(record->services[0], "good");
		strcpy(record->services[1], rows[i].service);
		assert_int_equal(run(fixture, JP_ADMIN_CREATE), JP_ERR_INVALID);
	}
	assert_int_equal(records(fixture), 0);
}

static void
a_token_that_could_not_be_handed_over_is_gone(void **state)
{
	struct fixture *fixture = *state;

	wish(fixture, "alice");
	fixture->emit_err = JP_ERR_PEER;
	assert_int_equal(run(fixture, JP_ADMIN_CREATE), JP_ERR_PEER);
	assert_int_equal(records(fixture), 0);
}

/* ---- list, show ---- */

static size_t
listed(struct fixture *fixture, const char *user, bool all, int64_t expiring)
{
	wish(fixture, user);
	fixture->request.all = all;
	fixture->request.expiring = expiring;
	assert_int_equal(run(fixture, JP_ADMIN_LIST), JP_ERR_OK);
	return fixture->len;
}

static void
a_list_takes_the_tokens_asked_for(void **state)
{
	struct fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];

	strcpy(id, create(fixture, "alice"));
	assert_int_equal(revoke_id(fixture, id), JP_ERR_OK);
	(void)create(fixture, "alice");
	wish(fixture, "bob");
	fixture->request.lifetime = JP_LIFETIME_UNTIL;
	fixture->request.expires_at = NOW + DAY;
	assert_int_equal(run(fixture, JP_ADMIN_CREATE), JP_ERR_OK);
	assert_int_equal(listed(fixture, "", false, 0), 2);
	assert_int_equal(listed(fixture, "", true, 0), 3);
	assert_int_equal(listed(fixture, "alice", false, 0), 1);
	assert_int_equal(listed(fixture, "alice", true, 0), 2);
	assert_int_equal(listed(fixture, "nobody", true, 0), 0);
	assert_int_equal(listed(fixture, "", false, DAY - 1), 0);
	assert_int_equal(listed(fixture, "", false, DAY), 1);
	assert_string_equal(fixture->items[0].record.user, "bob");
	assert_int_equal(listed(fixture, "alice", false, DAY), 0);
	assert_int_equal(listed(fixture, "", true, INT64_MAX), 3);
	fixture->now += DAY;
	assert_int_equal(listed(fixture, "", false, 0), 1);
}

/* A token of alice that was used from these addresses, at these times. */
static void
store_used(
    struct fixture *fixture, const char *id, int64_t first, int64_t second)
{
	struct jp_record record = { .use_len = 2,
		.uses = { { .at = NOW, .since = second, .rhost = "192.0.2.2" },
		    { .at = NOW, .since = first, .rhost = "192.0.2.1" } } };
	const struct jp_change change = { JP_CHANGE_CREATE, &record };

	strcpy(record.id, id);
	strcpy(record.user, "alice");
	assert_int_equal(
	    jp_store_commit(fixture->core.store, &change, 1), JP_ERR_OK);
}

static size_t
listed_since(struct fixture *fixture, int64_t since)
{
	wish(fixture, "");
	fixture->request.places_since = since;
	assert_int_equal(run(fixture, JP_ADMIN_LIST), JP_ERR_OK);
	return fixture->len;
}

static void
a_list_has_those_that_were_used_from_a_new_address(void **state)
{
	struct fixture *fixture = *state;

	store_used(fixture, "aaaaaaaa", JP_NEVER, JP_NEVER);
	store_used(fixture, "bbbbbbbb", JP_NEVER, NOW - 10);
	store_used(fixture, "cccccccc", NOW - 5, JP_NEVER);
	assert_int_equal(listed_since(fixture, 0), 3);
	assert_int_equal(listed_since(fixture, 1), 2);
	assert_int_equal(listed_since(fixture, NOW - 10), 2);
	assert_int_equal(listed_since(fixture, NOW - 9), 1);
	assert_string_equal(fixture->items[0].record.id, "cccccccc");
	assert_int_equal(listed_since(fixture, NOW - 4), 0);
}

static void
a_list_goes_over_many_pages(void **state)
{
	struct fixture *fixture = *state;
	char user[16];

	for (int i = 0; i < 150; i++) {
		(void)snprintf(user, sizeof(user), "u%d", i);
		(void)create(fixture, user);
	}
	assert_int_equal(listed(fixture, "", false, 0), 150);
	assert_int_equal(listed(fixture, "", false, 365 * DAY), 150);
}

static void
show_finds_one_token_or_says_why_not(void **state)
{
	struct fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];

	strcpy(id, create(fixture, "alice"));
	wish(fixture, "");
	strcpy(fixture->request.record.id, id);
	assert_int_equal(run(fixture, JP_ADMIN_SHOW), JP_ERR_OK);
	assert_int_equal(fixture->items[0].kind, JP_ITEM_RECORD);
	assert_false(fixture->items[0].changed);
	strcpy(fixture->request.record.id, "00000000");
	assert_int_equal(run(fixture, JP_ADMIN_SHOW), JP_ERR_NOT_FOUND);
	strcpy(fixture->request.record.id, "0000-000");
	assert_int_equal(run(fixture, JP_ADMIN_SHOW), JP_ERR_INVALID);
}

/* ---- revoke ---- */

static void
a_revoked_token_is_refused_from_then_on(void **state)
{
	struct fixture *fixture = *state;
	struct jp_secret token;

	(void)create(fixture, "alice");
	token = fixture->items[0].token;
	assert_int_equal(
	    revoke_id(fixture, fixture->items[0].record.id), JP_ERR_OK);
	assert_true(fixture->items[0].changed);
	assert_int_equal(fixture->items[0].state, JP_STATE_REVOKED);
	assert_true(fixture->items[0].record.revoked_at == NOW);
	assert_string_equal(fixture->items[0].record.revoked_by, "root");
	assert_string_equal(fixture->items[0].record.revoked_why, "leaked");
	assert_int_equal(test_token(fixture, &token), JP_REASON_REVOKED);
}

static void
revoking_twice_changes_nothing_more(void **state)
{
	struct fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];

	strcpy(id, create(fixture, "alice"));
	assert_int_equal(revoke_id(fixture, id), JP_ERR_OK);
	fixture->now += 5;
	assert_int_equal(revoke_id(fixture, id), JP_ERR_OK);
	assert_false(fixture->items[0].changed);
	assert_true(fixture->items[0].record.revoked_at == NOW);
	assert_int_equal(revoke_id(fixture, "00000000"), JP_ERR_NOT_FOUND);
}

static void
all_tokens_of_a_user_are_revoked_and_no_other(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 3; i++)
		(void)create(fixture, "alice");
	(void)create(fixture, "bob");
	wish(fixture, "alice");
	assert_int_equal(run(fixture, JP_ADMIN_REVOKE), JP_ERR_OK);
	assert_int_equal(fixture->len, 3);
	assert_int_equal(listed(fixture, "", false, 0), 1);
	assert_string_equal(fixture->items[0].record.user, "bob");
	wish(fixture, "alice");
	assert_int_equal(run(fixture, JP_ADMIN_REVOKE), JP_ERR_NOT_FOUND);
}

static void
info_counts_records_and_hashes(void **state)
{
	struct fixture *fixture = *state;

	(void)create(fixture, "alice");
	(void)test_token(fixture, &fixture->items[0].token);
	wish(fixture, "");
	assert_int_equal(run(fixture, JP_ADMIN_STATS), JP_ERR_OK);
	assert_int_equal(fixture->items[0].kind, JP_ITEM_STATS);
	assert_int_equal(fixture->items[0].store.records, 1);
	assert_int_equal(fixture->items[0].argon2_runs, 1);
	assert_int_equal(fixture->items[0].memo.hits, 0); /* it has none */
}

/* ---- errors of the store ---- */

/* One that is tried again is another's: see another_host_that_was_faster... */
static enum jp_err
lasting(int err)
{
	return err == JP_ERR_CONFLICT ? JP_ERR_IO : (enum jp_err)err;
}

/* Runs `op` with a failure at the nth call; false if none was reached. */
static bool
fails_at(struct fixture *fixture, enum jp_admin_op op, unsigned int nth,
    enum jp_err err)
{
	unsigned int calls = jp_store_mem_calls(fixture->core.store);
	enum jp_err got;
	bool reached;

	jp_store_mem_fail(fixture->core.store, nth, err, false);
	got = run(fixture, op);
	reached = jp_store_mem_calls(fixture->core.store) >= calls + nth;
	jp_store_mem_fail(fixture->core.store, 0, JP_ERR_OK, false);
	if (!reached) {
		assert_int_equal(got, JP_ERR_OK);
		return false;
	}
	assert_int_equal(got, err);
	assert_int_equal(fixture->len, 0);
	return true;
}

static void
an_error_of_the_store_makes_no_token(void **state)
{
	struct fixture *fixture = *state;

	for (int err = JP_ERR_OK + 1; err < JP_ERR_COUNT; err++) {
		unsigned int nth = 1;
		struct jp_policy policy = fixture->core.policy;

		policy.max_per_user = 1000;
		jp_core_set_policy(&fixture->core, &policy);
		wish(fixture, "alice");
		while (fails_at(fixture, JP_ADMIN_CREATE, nth, lasting(err)))
			assert_int_equal(records(fixture), err - 1), nth++;
		assert_true(nth > 3);
		assert_int_equal(records(fixture), err);
	}
}

static void
an_error_of_the_store_revokes_nothing(void **state)
{
	struct fixture *fixture = *state;

	for (int err = JP_ERR_OK + 1; err < JP_ERR_COUNT; err++) {
		unsigned int nth = 1;

		for (int i = 0; i < 3; i++)
			(void)create(fixture, "alice");
		for (;; nth++) {
			wish(fixture, "alice");
			if (!fails_at(
			        fixture, JP_ADMIN_REVOKE, nth, lasting(err)))
				break;
			assert_int_equal(listed(fixture, "alice", false, 0), 3);
		}
		assert_int_equal(listed(fixture, "alice", false, 0), 0);
		assert_true(nth > 2);
	}
}

static void
an_error_of_the_store_ends_every_reading_operation(void **state)
{
	static const enum jp_admin_op ops[] = { JP_ADMIN_LIST, JP_ADMIN_SHOW,
		JP_ADMIN_STATS, JP_ADMIN_BACKUP };
	struct fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];

	strcpy(id, create(fixture, "alice"));
	for (size_t i = 0; i < COUNT_OF(ops); i++)
		for (int err = JP_ERR_OK + 1; err < JP_ERR_COUNT; err++) {
			wish(fixture, "");
			if (ops[i] == JP_ADMIN_SHOW)
				strcpy(fixture->request.record.id, id);
			assert_true(
			    fails_at(fixture, ops[i], 1, (enum jp_err)err));
		}
}

/* Which of the two would be meant? */
static void
no_operation_takes_a_token_and_a_user(void **state)
{
	struct fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];

	strcpy(id, create(fixture, "alice"));
	for (int op = 0; op < JP_ADMIN_OP_COUNT; op++) {
		wish(fixture, "alice");
		strcpy(fixture->request.record.id, id);
		assert_int_equal(
		    run(fixture, (enum jp_admin_op)op), JP_ERR_INVALID);
		assert_int_equal(fixture->len, 0);
	}
	assert_int_equal(records(fixture), 1);
	assert_int_equal(listed(fixture, "alice", false, 0), 1);
}

static void
an_owner_reaches_nothing_of_anybody_else(void **state)
{
	static const enum jp_admin_op ops[] = { JP_ADMIN_SHOW, JP_ADMIN_REVOKE,
		JP_ADMIN_ROTATE };
	struct fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];

	strcpy(id, create(fixture, "alice"));
	for (size_t i = 0; i < COUNT_OF(ops); i++) {
		wish(fixture, "");
		fixture->request.owner = "bob";
		strcpy(fixture->request.record.id, id);
		assert_int_equal(run(fixture, ops[i]), JP_ERR_NOT_FOUND);
		assert_int_equal(fixture->len, 0);
	}
	wish(fixture, "alice");
	fixture->request.owner = "bob";
	assert_int_equal(run(fixture, JP_ADMIN_REVOKE), JP_ERR_REFUSED);
	assert_int_equal(listed(fixture, "alice", false, 0), 1);
}

/* Puts a live record in that no operation would have made. */
static const char *
put_odd(struct fixture *fixture, int64_t created_at, int64_t expires_at)
{
	static char id[JP_TOKEN_ID_LEN + 1];
	struct jp_record record;
	const struct jp_change change = { JP_CHANGE_REPLACE, &record };

	strcpy(id, create(fixture, "alice"));
	assert_int_equal(
	    jp_store_get(fixture->core.store, id, &record), JP_ERR_OK);
	record.created_at = created_at;
	record.expires_at = expires_at;
	record.last_used_at = created_at;
	assert_int_equal(
	    jp_store_commit(fixture->core.store, &change, 1), JP_ERR_OK);
	return id;
}

static enum jp_err
rotate(struct fixture *fixture, const char *id, int64_t grace)
{
	wish(fixture, "");
	strcpy(fixture->request.record.id, id);
	fixture->request.grace = grace;
	return run(fixture, JP_ADMIN_ROTATE);
}

static void
a_grace_without_end_ends(void **state)
{
	struct fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];

	strcpy(id, create(fixture, "alice"));
	assert_int_equal(rotate(fixture, id, INT64_MAX), JP_ERR_OK);
	assert_int_equal(fixture->items[1].record.grace_until, JP_WHEN_MAX);
}

/* Such records lie in stores that an earlier version imported into. */
static void
stored_times_of_any_value_wrap_nowhere(void **state)
{
	static const int64_t values[] = { INT64_MIN, -1, 1, NOW, INT64_MAX };
	struct fixture *fixture = *state;
	struct jp_policy policy = fixture->core.policy;

	policy.max_per_user = 0;
	policy.unused_limit = 90 * DAY;
	jp_core_set_policy(&fixture->core, &policy);
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		char id[JP_TOKEN_ID_LEN + 1];

		strcpy(id, put_odd(fixture, values[i], INT64_MAX));
		(void)listed(fixture, "alice", false, DAY);
		wish(fixture, "");
		fixture->request.unused = DAY;
		assert_int_equal(run(fixture, JP_ADMIN_LIST), JP_ERR_OK);
		assert_int_equal(rotate(fixture, id, DAY), JP_ERR_OK);
		assert_in_range(fixture->items[0].record.expires_at, NOW + 1,
		    NOW + policy.max_lifetime);
		wish(fixture, "");
		assert_int_equal(run(fixture, JP_ADMIN_POLICY), JP_ERR_OK);
		wish(fixture, "");
		fixture->request.dead_for = INT64_MAX;
		assert_int_equal(run(fixture, JP_ADMIN_PURGE), JP_ERR_OK);
	}
}

/* Nor does it by being made when it ends, which would be a lifetime of 0. */
static void
a_future_creation_lengthens_no_life(void **state)
{
	struct fixture *fixture = *state;
	int64_t longest = fixture->core.policy.max_lifetime,
	        far = NOW + 900 * DAY;
	char id[JP_TOKEN_ID_LEN + 1];

	strcpy(id, put_odd(fixture, far, far));
	wish(fixture, "");
	assert_int_equal(run(fixture, JP_ADMIN_POLICY), JP_ERR_OK);
	assert_int_equal(fixture->len, 1);
	assert_int_equal(fixture->items[0].record.expires_at, NOW + longest);
	strcpy(id, put_odd(fixture, far, far));
	assert_int_equal(rotate(fixture, id, DAY), JP_ERR_OK);
	assert_int_equal(fixture->items[0].record.expires_at, NOW + longest);
}

static enum jp_err
import_one(struct fixture *fixture, const struct jp_moved *moved)
{
	static uint8_t batch[JP_BATCH_MAX];
	struct jp_buf buf;

	jp_buf_write(&buf, batch, sizeof(batch));
	assert_int_equal(jp_batch_put(&buf, moved), JP_ERR_OK);
	wish(fixture, "");
	fixture->request.batch = batch;
	fixture->request.batch_len = buf.pos;
	return run(fixture, JP_ADMIN_IMPORT);
}

static void
imported_times_are_from_1970_to_9999(void **state)
{
	static const size_t times[] = {
		offsetof(struct jp_record, created_at),
		offsetof(struct jp_record, expires_at),
		offsetof(struct jp_record, revoked_at),
		offsetof(struct jp_record, last_used_at),
		offsetof(struct jp_record, superseded_at),
		offsetof(struct jp_record, grace_until),
		offsetof(struct jp_record, denied_at),
		offsetof(struct jp_record, disabled_at),
		offsetof(struct jp_record, claim_until),
		offsetof(struct jp_record, uses[1].at),
		offsetof(struct jp_record, uses[1].since),
	};
	static const int64_t bad[] = { -1, JP_WHEN_MAX + 1, INT64_MIN,
		INT64_MAX };
	struct fixture *fixture = *state;
	struct jp_moved moved, good;

	memset(&good, 0, sizeof(good));
	(void)create(fixture, "alice");
	good.record = fixture->items[0].record;
	strcpy(good.record.id, "imported");
	strcpy(good.record.phc,
	    "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	good.record.use_len = 2;
	for (size_t i = 0; i < COUNT_OF(times) * COUNT_OF(bad); i++) {
		moved = good;
		memcpy((char *)&moved.record + times[i / COUNT_OF(bad)],
		    &bad[i % COUNT_OF(bad)], sizeof(bad[0]));
		assert_int_equal(import_one(fixture, &moved), JP_ERR_INVALID);
		assert_non_null(strstr(fixture->why.text, "1970 to 9999"));
	}
	assert_int_equal(records(fixture), 1);
	assert_int_equal(import_one(fixture, &good), JP_ERR_OK);
	assert_int_equal(records(fixture), 2);
}

/* In a child: its limit is gone with it. */
static int
create_in_little_memory(struct fixture *fixture)
{
	const struct rlimit limit = { 64U << 20, 64U << 20 };
	struct jp_policy policy = fixture->core.policy;

	policy.cost.memory = JP_ARGON2_MEMORY_MAX;
	jp_core_set_policy(&fixture->core, &policy);
	wish(fixture, "alice");
	if (setrlimit(RLIMIT_AS, &limit) != 0)
		return 100;
	if (run(fixture, JP_ADMIN_CREATE) != JP_ERR_NOMEM)
		return 1;
	return fixture->len == 0 && records(fixture) == 0 ? 0 : 2;
}

static void
a_lack_of_memory_makes_no_token(void **state)
{
	int status;
	pid_t pid;

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(create_in_little_memory(*state));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- the messages ---- */

static void
set_user(struct jp_user *user)
{
	jp_user_default(user, "alice");
	user->disabled = true;
	user->changed_at = NOW;
	strcpy(user->changed_by, "root");
	strcpy(user->note, "left");
	user->group_len = 2;
	strcpy(user->groups[0], "developers");
	strcpy(user->groups[1], "ops");
}

/* What came with version 4. */
static void
set_newer(struct jp_admin_request *request)
{
	strcpy(request->record.parent, "1bC2dE3f");
	strcpy(request->record.owner_group, "ci");
	request->record.uses_max = 9;
	request->link_for = 5 * DAY;
	strcpy(request->behalf.user, "carol");
	strcpy(request->behalf.token, "2cD3eF4g");
	strcpy(request->behalf.address, "192.0.2.8");
	request->behalf.staff = true;
	strcpy(request->after, "3dE4fG5h");
	request->limit = 50;
	strcpy(request->search, "bot");
	request->statuses = 1U << JP_STATUS_DEAD;
	request->summary = true;
	request->places_since = NOW - DAY;
}

static void
set_request(struct jp_admin_request *request, enum jp_admin_op op)
{
	memset(request, 0, sizeof(*request));
	request->op = op;
	strcpy(request->record.id, "0aZ9bY8c");
	strcpy(request->record.user, "alice");
	strcpy(request->record.name, "ci");
	strcpy(request->record.revoked_why, "leaked");
	request->record.scope_len = 1;
	strcpy(request->record.scopes[0], "read");
	request->record.service_len = 1;
	strcpy(request->record.services[0], "jira-*");
	request->record.net_len = 1;
	request->record.nets[0].prefix = 7;
	request->lifetime = JP_LIFETIME_UNTIL;
	request->expires_at = NOW;
	request->all = true;
	request->expiring = DAY;
	strcpy(request->question.user, "bob");
	strcpy(request->question.service, "imap");
	strcpy(request->question.rhost, "192.0.2.7");
	(void)jp_secret_set(&request->question.token, "token", 5);
	request->dead_for = 7 * DAY;
	request->dry_run = true;
	request->skip_known = true;
	request->batch = (const uint8_t *)"batch";
	request->batch_len = 5;
	set_user(&request->user);
	request->user_fields = JP_USER_NOTE | JP_USER_GROUPS;
	request->grace = 3 * DAY;
	request->keep_until_grace = true;
	request->unused = 90 * DAY;
	set_newer(request);
}

static void
requests_come_back_and_cut_ones_do_not(void **state)
{
	static const struct jp_admin_request zero;
	struct jp_admin_request in, out;
	uint8_t bytes[JP_ADMIN_MSG_MAX];
	struct jp_why why;
	size_t len;

	(void)state;
	for (int op = 0; op < JP_ADMIN_OP_COUNT; op++) {
		set_request(&in, (enum jp_admin_op)op);
		assert_int_equal(
		    jp_admin_request_encode(&in, bytes, &len), JP_ERR_OK);
		assert_int_equal(
		    jp_admin_request_decode(&out, bytes, len, &why), JP_ERR_OK);
		assert_int_equal(out.batch_len, in.batch_len);
		assert_memory_equal(out.batch, in.batch, in.batch_len);
		out.batch = in.batch;
		assert_memory_equal(&in, &out, sizeof(in));
		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *exact = malloc(cut > 0 ? cut : 1);

			assert_non_null(exact);
			memcpy(exact, bytes, cut);
			assert_int_not_equal(
			    jp_admin_request_decode(&out, exact, cut, &why),
			    JP_ERR_OK);
			assert_memory_equal(&out, &zero, sizeof(out));
			free(exact);
		}
		bytes[len] = 0;
		assert_int_equal(
		    jp_admin_request_decode(&out, bytes, len + 1, &why),
		    JP_ERR_TRAILING);
	}
}

/* A sum of two of what passes is far from the end of its type. */
static void
times_out_of_bounds_are_no_request(void **state)
{
	static const size_t times[] = {
		offsetof(struct jp_admin_request, expires_at),
		offsetof(struct jp_admin_request, expiring),
		offsetof(struct jp_admin_request, dead_for),
		offsetof(struct jp_admin_request, grace),
		offsetof(struct jp_admin_request, unused),
		offsetof(struct jp_admin_request, link_for),
		offsetof(struct jp_admin_request, places_since),
		offsetof(struct jp_admin_request, user.changed_at),
	};
	static const struct {
		int64_t value;
		enum jp_err err;
	} rows[] = { { 0, JP_ERR_OK }, { JP_WHEN_MAX, JP_ERR_OK },
		{ JP_WHEN_MAX + 1, JP_ERR_INVALID }, { -1, JP_ERR_INVALID },
		{ INT64_MAX, JP_ERR_INVALID }, { INT64_MIN, JP_ERR_INVALID } };
	struct jp_admin_request in, out;
	uint8_t bytes[JP_ADMIN_MSG_MAX];
	struct jp_why why;
	size_t len;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(times) * COUNT_OF(rows); i++) {
		size_t row = i % COUNT_OF(rows);

		set_request(&in, JP_ADMIN_ROTATE);
		memcpy((char *)&in + times[i / COUNT_OF(rows)],
		    &rows[row].value, sizeof(rows[row].value));
		assert_int_equal(
		    jp_admin_request_encode(&in, bytes, &len), JP_ERR_OK);
		assert_int_equal(
		    jp_admin_request_decode(&out, bytes, len, &why),
		    rows[row].err);
	}
}

/* All different, so that none can stand for another. */
static void
set_numbers(struct jp_admin_item *item)
{
	uint64_t n = 100;

	item->store = (struct jp_store_info){ 1, 2, 3, 4, 10 };
	item->argon2_runs = 4;
	item->memo = (struct jp_memo_counts){ 5, 6, 7, 8, 9 };
#define SET(field) item->stats.field = n++;
	JP_STATS_LIST(SET)
	JP_STATS_MORE_LIST(SET)
#undef SET
	for (size_t i = 0; i < JP_REASON_COUNT; i++)
		item->stats.reasons[i] = n++;
	for (size_t i = 0; i < JP_LATENCY_BUCKETS; i++)
		item->stats.latency[i] = n++;
}

static void
set_item(struct jp_admin_item *item, enum jp_admin_kind kind)
{
	memset(item, 0, sizeof(*item));
	item->kind = kind;
	strcpy(item->record.id, "0aZ9bY8c");
	strcpy(item->record.user, "alice");
	item->state = JP_STATE_EXPIRED;
	item->changed = true;
	item->reason = JP_REASON_ADDRESS;
	item->breach = JP_BREACH_COUNT;
	if (kind == JP_ITEM_STATS)
		set_numbers(item);
	if (kind == JP_ITEM_PIECE) {
		strcpy(item->piece_name, "tokens.db");
		item->piece = (struct jp_piece){ .name = item->piece_name,
			.offset = UINT64_C(5) << 32,
			.bytes = (const uint8_t *)"some\0bytes",
			.len = 10 };
	}
	if (kind == JP_ITEM_USER) {
		set_user(&item->user);
		item->live = 12;
	}
	if (kind == JP_ITEM_ROW)
		item->row = 7;
	if (kind == JP_ITEM_UPSTREAM) {
		strcpy(item->user.name, "alice");
		item->upstream = (struct jp_upstream){ .service = "jira",
			.kind = JP_UPSTREAM_BASIC,
			.set_at = NOW,
			.set_by = "root",
			.key_name = "key" };
		item->upstream_state = JP_UPSTREAM_OTHER_KEY;
	}
	if (kind == JP_ITEM_CLUSTER)
		item->here = (struct jp_cluster_here){
			.id = "0123456789abcdef",
			.node = "proxy1",
			.link = JP_CLUSTER_REFUSED,
			.text = "no such host",
			.database = "db1:5432/jira_pat",
			.primary = true,
			.synchronous = true,
			.applied = 1,
			.head = 2,
			.lease_ms = 3,
			.lease_left_ms = 4,
			.grants = 5,
			.lapses = 6,
			.commits = 7,
			.conflicts = 8,
			.batches = 9,
			.refused = 10,
			.unavailable = 11,
			.waits = 12,
			.late = 13,
			.connections = 14,
		};
	if (kind == JP_ITEM_HOST)
		item->host = (struct jp_cluster_node){
			.name = "proxy2",
			.applied = 1,
			.grants = 2,
			.lease_ms = 3,
			.contact_ms = 4,
			.cut_off = true,
			.version = "0.1.0",
		};
	if (kind == JP_ITEM_COUNTS) {
		item->live = 12;
		for (size_t i = 0; i < JP_BREACH_COUNT_OF; i++)
			item->breaches[i] = 20 + i;
	}
	if (kind == JP_ITEM_TOKEN || kind == JP_ITEM_LINK)
		(void)jp_secret_set(&item->token, "token", 5);
}

/* Its texts lie elsewhere. */
static void
assert_same_piece(const struct jp_piece *one, const struct jp_piece *other)
{
	assert_int_equal(one->offset, other->offset);
	assert_int_equal(one->len, other->len);
	if (one->name == NULL) {
		assert_null(other->name);
		return;
	}
	assert_string_equal(one->name, other->name);
	assert_memory_equal(one->bytes, other->bytes, one->len);
}

static void
items_come_back_and_cut_ones_do_not(void **state)
{
	struct jp_admin_item in, out;
	uint8_t bytes[JP_ADMIN_MSG_MAX];
	struct jp_why why;
	enum jp_err result;
	size_t len;
	bool end;

	(void)state;
	for (int kind = 0; kind < JP_ITEM_COUNT; kind++) {
		if (kind == JP_ITEM_END)
			continue;
		set_item(&in, (enum jp_admin_kind)kind);
		assert_int_equal(
		    jp_admin_item_encode(&in, bytes, &len), JP_ERR_OK);
		assert_int_equal(jp_admin_answer_decode(
		                     bytes, len, &end, &out, &result, &why),
		    JP_ERR_OK);
		assert_false(end);
		assert_same_piece(&in.piece, &out.piece);
		memset(&in.piece, 0, sizeof(in.piece));
		memset(&out.piece, 0, sizeof(out.piece));
		assert_memory_equal(&in, &out, sizeof(in));
		for (size_t cut = 0; cut < len; cut++)
			assert_int_not_equal(jp_admin_answer_decode(bytes, cut,
			                         &end, &out, &result, &why),
			    JP_ERR_OK);
	}
}

/* The bytes of an item, without the lists that grow from build to build. */
static void
add_item(crypto_generichash_state *sum, enum jp_admin_kind kind)
{
	struct jp_admin_item item;
	uint8_t bytes[JP_ADMIN_MSG_MAX];
	size_t len;

	set_item(&item, kind);
	assert_int_equal(jp_admin_item_encode(&item, bytes, &len), JP_ERR_OK);
	if (kind == JP_ITEM_STATS) {
		len -=
		    (JP_REASON_COUNT + JP_LATENCY_BUCKETS) * sizeof(uint64_t);
		(void)crypto_generichash_update(
		    sum, (const uint8_t *)&len, sizeof(len));
		return;
	}
	(void)crypto_generichash_update(sum, bytes, len);
}

static void
add_rows(crypto_generichash_state *sum)
{
	struct jp_user_change change = { .fields = JP_USER_FIELDS };
	struct jp_new_token token = { .lifetime = JP_LIFETIME_UNTIL,
		.expires_at = NOW };
	struct jp_admin_request request;
	uint8_t bytes[JP_BATCH_MAX];
	struct jp_buf buf;

	set_request(&request, JP_ADMIN_CREATE);
	token.record = request.record;
	set_user(&change.user);
	jp_buf_write(&buf, bytes, sizeof(bytes));
	assert_int_equal(jp_batch_put_user(&buf, &change), JP_ERR_OK);
	assert_int_equal(jp_batch_put_new(&buf, &token), JP_ERR_OK);
	(void)crypto_generichash_update(sum, bytes, buf.pos);
}

/*
 * All messages, as one sum. If it fails, the layout has changed: raise
 * JP_ADMIN_VERSION, for patd and pat-admin may be of different builds, and put
 * the sum that is shown here.
 */
static void
the_layout_of_all_messages_is_that_of_their_version(void **state)
{
	static const char wanted[] = "4 0bf2c989bdffb46642910bcd741b0563";
	crypto_generichash_state sum;
	struct jp_admin_request request;
	uint8_t bytes[JP_ADMIN_MSG_MAX], hash[16];
	char text[2 * sizeof(hash) + 1], shown[64];
	size_t len;

	(void)state;
	(void)crypto_generichash_init(&sum, NULL, 0, sizeof(hash));
	set_request(&request, JP_ADMIN_LIST);
	assert_int_equal(
	    jp_admin_request_encode(&request, bytes, &len), JP_ERR_OK);
	(void)crypto_generichash_update(&sum, bytes, len);
	for (int kind = 0; kind < JP_ITEM_COUNT; kind++)
		if (kind != JP_ITEM_END)
			add_item(&sum, (enum jp_admin_kind)kind);
	add_rows(&sum);
	(void)crypto_generichash_final(&sum, hash, sizeof(hash));
	(void)sodium_bin2hex(text, sizeof(text), hash, sizeof(hash));
	(void)snprintf(shown, sizeof(shown), "%d %s", JP_ADMIN_VERSION, text);
	assert_string_equal(shown, wanted);
}

static void
the_largest_record_fits_into_a_message_and_a_batch(void **state)
{
	struct jp_admin_item item = { .kind = JP_ITEM_MOVED }, out;
	struct jp_moved moved = { .record.id = "" };
	uint8_t bytes[JP_ADMIN_MSG_MAX], batch[JP_BATCH_MAX];
	enum jp_err result;
	struct jp_why why;
	struct jp_buf buf;
	size_t len;
	bool end;

	(void)state;
	record_set_full(&item.record);
	assert_int_equal(jp_admin_item_encode(&item, bytes, &len), JP_ERR_OK);
	assert_int_equal(
	    jp_admin_answer_decode(bytes, len, &end, &out, &result, &why),
	    JP_ERR_OK);
	assert_memory_equal(&out.record, &item.record, sizeof(out.record));
	moved.record = item.record;
	jp_buf_write(&buf, batch, sizeof(batch));
	assert_int_equal(jp_batch_put(&buf, &moved), JP_ERR_OK);
}

static void
every_end_comes_back(void **state)
{
	struct jp_why in = { .text = "why not" }, out;
	struct jp_admin_item item;
	uint8_t bytes[JP_ADMIN_MSG_MAX];
	enum jp_err result;
	size_t len;
	bool end;

	(void)state;
	for (int err = 0; err < JP_ERR_COUNT; err++) {
		in.refusal = (enum jp_refusal)(err % JP_REFUSAL_COUNT);
		assert_int_equal(
		    jp_admin_end_encode((enum jp_err)err, &in, bytes, &len),
		    JP_ERR_OK);
		assert_int_equal(jp_admin_answer_decode(
		                     bytes, len, &end, &item, &result, &out),
		    JP_ERR_OK);
		assert_true(end);
		assert_int_equal(result, err);
		assert_string_equal(out.text, in.text);
		assert_int_equal(out.refusal, in.refusal);
		for (size_t cut = 0; cut < len; cut++)
			assert_int_not_equal(jp_admin_answer_decode(bytes, cut,
			                         &end, &item, &result, &out),
			    JP_ERR_OK);
	}
}

/* An older program is on the other side: none ever changes. */
static void
numbers_of_the_protocol_are_fixed(void **unused)
{
	static const struct {
		int code, number;
	} fixed[] = {
		{ JP_LIFETIME_DEFAULT, 0 },
		{ JP_LIFETIME_NEVER, 1 },
		{ JP_LIFETIME_UNTIL, 2 },
		{ JP_CLOCK_ANY, 0 },
		{ JP_CLOCK_NEAR, 1 },
		{ JP_CLOCK_TRUST, 2 },
		{ JP_USER_STATE, 1 },
		{ JP_USER_NOTE, 2 },
		{ JP_USER_GROUPS, 4 },
		{ JP_USER_PROTECTION, 8 },
		{ JP_BREACH_NONE, 0 },
		{ JP_BREACH_UNUSED, 1 },
		{ JP_BREACH_NAME, 2 },
		{ JP_BREACH_COUNT, 3 },
		{ JP_BREACH_LIFETIME, 4 },
		{ JP_BREACH_COUNT_OF, 5 },
		{ JP_ITEM_RECORD, 0 },
		{ JP_ITEM_TOKEN, 1 },
		{ JP_ITEM_DECISION, 2 },
		{ JP_ITEM_STATS, 3 },
		{ JP_ITEM_PIECE, 4 },
		{ JP_ITEM_MOVED, 5 },
		{ JP_ITEM_USER, 6 },
		{ JP_ITEM_END, 7 },
		{ JP_ITEM_ROW, 8 },
		{ JP_ITEM_UPSTREAM, 9 },
		{ JP_ITEM_LINK, 10 },
		{ JP_ITEM_PAGE, 11 },
		{ JP_ITEM_COUNTS, 12 },
		{ JP_ITEM_CLUSTER, 13 },
		{ JP_ITEM_HOST, 14 },
		{ JP_ITEM_COUNT, 15 },
		{ JP_CLUSTER_NO_LINK, 0 },
		{ JP_CLUSTER_CONNECTING, 1 },
		{ JP_CLUSTER_CONNECTED, 2 },
		{ JP_CLUSTER_REFUSED, 3 },
		{ JP_CLUSTER_OFFLINE, 4 },
		{ JP_CLUSTER_LINK_COUNT, 5 },
		{ JP_UPSTREAM_BEARER, 0 },
		{ JP_UPSTREAM_BASIC, 1 },
		{ JP_UPSTREAM_KIND_COUNT, 2 },
		{ JP_UPSTREAM_READY, 0 },
		{ JP_UPSTREAM_NO_KEY, 1 },
		{ JP_UPSTREAM_OTHER_KEY, 2 },
		{ JP_UPSTREAM_DAMAGED, 3 },
		{ JP_UPSTREAM_STATE_COUNT, 4 },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(fixed); i++)
		assert_int_equal(fixed[i].code, fixed[i].number);
}

static const char *
err_name(int code)
{
	return jp_err_name((enum jp_err)code);
}

static void
errors_keep_their_numbers_and_names(void **unused)
{
	static const struct pin pins[] = {
		{ JP_ERR_OK, "ok" },
		{ JP_ERR_INVALID, "invalid" },
		{ JP_ERR_TOO_LONG, "too-long" },
		{ JP_ERR_TRUNCATED, "truncated" },
		{ JP_ERR_TRAILING, "trailing" },
		{ JP_ERR_CHECKSUM, "checksum" },
		{ JP_ERR_NEWER, "newer" },
		{ JP_ERR_NOT_FOUND, "not-found" },
		{ JP_ERR_EXISTS, "exists" },
		{ JP_ERR_REFUSED, "refused" },
		{ JP_ERR_NOMEM, "nomem" },
		{ JP_ERR_PERMISSION, "permission" },
		{ JP_ERR_IO, "io" },
		{ JP_ERR_DISK_FULL, "disk-full" },
		{ JP_ERR_LOCKED, "locked" },
		{ JP_ERR_MISSING, "missing" },
		{ JP_ERR_DAMAGED, "damaged" },
		{ JP_ERR_CONFIG, "config" },
		{ JP_ERR_UNREACHABLE, "unreachable" },
		{ JP_ERR_TIMEOUT, "timeout" },
		{ JP_ERR_PEER, "peer" },
		{ JP_ERR_PROTOCOL, "protocol" },
		{ JP_ERR_OVERLOAD, "overload" },
		{ JP_ERR_BUSY, "busy" },
		{ JP_ERR_CONFLICT, "conflict" },
	};

	(void)unused;
	assert_pinned(pins, COUNT_OF(pins), JP_ERR_COUNT, err_name);
	assert_string_equal(err_name(JP_ERR_COUNT), "unknown");
}

static const char *
op_name(int code)
{
	return jp_admin_op_info((enum jp_admin_op)code)->name;
}

static void
operations_keep_their_numbers_and_names(void **unused)
{
	static const struct pin pins[] = {
		{ JP_ADMIN_CREATE, "create" },
		{ JP_ADMIN_LIST, "list" },
		{ JP_ADMIN_SHOW, "show" },
		{ JP_ADMIN_REVOKE, "revoke" },
		{ JP_ADMIN_TEST, "test" },
		{ JP_ADMIN_STATS, "stats" },
		{ JP_ADMIN_BACKUP, "backup" },
		{ JP_ADMIN_EXPORT, "export" },
		{ JP_ADMIN_IMPORT, "import" },
		{ JP_ADMIN_PURGE, "purge" },
		{ JP_ADMIN_USERS, "users" },
		{ JP_ADMIN_USER, "user" },
		{ JP_ADMIN_SET_USER, "set-user" },
		{ JP_ADMIN_ROTATE, "rotate" },
		{ JP_ADMIN_POLICY, "policy" },
		{ JP_ADMIN_SET_USERS, "set-users" },
		{ JP_ADMIN_CREATE_MANY, "create" },
		{ JP_ADMIN_IMPORT_USERS, "import" },
		{ JP_ADMIN_UPSTREAMS, "upstreams" },
		{ JP_ADMIN_SET_UPSTREAM, "set-upstream" },
		{ JP_ADMIN_REMOVE_UPSTREAM, "remove-upstream" },
		{ JP_ADMIN_REKEY_UPSTREAM, "rekey-upstream" },
		{ JP_ADMIN_DISABLE, "disable" },
		{ JP_ADMIN_ENABLE, "enable" },
		{ JP_ADMIN_CLAIM, "claim" },
		{ JP_ADMIN_CLUSTER, "cluster" },
	};

	(void)unused;
	assert_pinned(pins, COUNT_OF(pins), JP_ADMIN_OP_COUNT, op_name);
	assert_string_equal(op_name(JP_ADMIN_OP_COUNT), "unknown");
	assert_int_equal(
	    jp_admin_op_info((enum jp_admin_op)JP_ADMIN_OP_COUNT)->self,
	    JP_SELF_NEVER);
}

static const char *
refusal_id(int code)
{
	return jp_refusal_id((enum jp_refusal)code);
}

static void
refusals_keep_their_numbers_and_ids(void **unused)
{
	static const struct pin pins[] = {
		{ JP_REFUSAL_NONE, "" },
		{ JP_REFUSAL_NAME_REQUIRED, "name-required" },
		{ JP_REFUSAL_NAME_INVALID, "name-invalid" },
		{ JP_REFUSAL_SCOPE_REQUIRED, "scope-required" },
		{ JP_REFUSAL_SCOPE_NOT_ALLOWED, "scope-not-allowed" },
		{ JP_REFUSAL_SCOPE_INVALID, "scope-invalid" },
		{ JP_REFUSAL_LIFETIME_TOO_LONG, "lifetime-too-long" },
		{ JP_REFUSAL_LIFETIME_PAST, "lifetime-past" },
		{ JP_REFUSAL_TOO_MANY, "too-many-tokens" },
		{ JP_REFUSAL_TOO_FAST, "too-fast" },
		{ JP_REFUSAL_USER_DISABLED, "user-disabled" },
		{ JP_REFUSAL_USER_UNKNOWN, "user-unknown" },
		{ JP_REFUSAL_NOT_ALLOWED, "not-allowed" },
		{ JP_REFUSAL_NOT_LIVE, "not-live" },
		{ JP_REFUSAL_ROTATED, "rotated-already" },
		{ JP_REFUSAL_WIDER, "wider-than-parent" },
		{ JP_REFUSAL_NEEDS_SCOPE, "scope-tokens-needed" },
		{ JP_REFUSAL_LINK_GONE, "link-gone" },
		{ JP_REFUSAL_NOT_FOUND, "not-found" },
		{ JP_REFUSAL_USER_INVALID, "user-invalid" },
		{ JP_REFUSAL_AUDIT, "audit" },
	};

	(void)unused;
	assert_pinned(pins, COUNT_OF(pins), JP_REFUSAL_COUNT, refusal_id);
	assert_string_equal(refusal_id(JP_REFUSAL_COUNT), "");
}

static const char *
state_name(int code)
{
	return jp_state_name((enum jp_state)code);
}

static void
states_keep_their_numbers_and_names(void **unused)
{
	static const struct pin pins[] = {
		{ JP_STATE_REVOKED, "revoked" },
		{ JP_STATE_SUPERSEDED, "superseded" },
		{ JP_STATE_EXPIRED, "expired" },
		{ JP_STATE_LIVE, "live" },
		{ JP_STATE_REPLACED, "replaced" },
		{ JP_STATE_UNUSED, "paused" },
		{ JP_STATE_USER_DISABLED, "paused" },
		{ JP_STATE_PREFIX, "dead" },
		{ JP_STATE_DISABLED, "paused" },
		{ JP_STATE_PARENT, "dead" },
		{ JP_STATE_PARENT_PAUSED, "paused" },
		{ JP_STATE_USED_UP, "dead" },
		{ JP_STATE_UNCLAIMED, "paused" },
	};

	(void)unused;
	assert_pinned(pins, COUNT_OF(pins), JP_STATE_COUNT, state_name);
	assert_int_equal(
	    jp_state_status((enum jp_state)JP_STATE_COUNT), JP_STATUS_DEAD);
}

/* Which operations are for users, and which change the store. */
static void
rights_and_effects_of_operations_are_fixed(void **unused)
{
	(void)unused;
	for (int code = 0; code < JP_ADMIN_OP_COUNT; code++) {
		enum jp_admin_op op = (enum jp_admin_op)code;
		bool self = op == JP_ADMIN_CREATE || op == JP_ADMIN_LIST ||
		            op == JP_ADMIN_SHOW || op == JP_ADMIN_REVOKE ||
		            op == JP_ADMIN_ROTATE || op == JP_ADMIN_DISABLE ||
		            op == JP_ADMIN_ENABLE || op == JP_ADMIN_CLAIM;
		bool reads = op == JP_ADMIN_LIST || op == JP_ADMIN_SHOW ||
		             op == JP_ADMIN_TEST || op == JP_ADMIN_STATS ||
		             op == JP_ADMIN_BACKUP || op == JP_ADMIN_EXPORT ||
		             op == JP_ADMIN_USERS || op == JP_ADMIN_USER ||
		             op == JP_ADMIN_UPSTREAMS || op == JP_ADMIN_CLUSTER;

		assert_int_equal(
		    jp_admin_op_info(op)->self != JP_SELF_NEVER, self);
		assert_int_equal(jp_admin_op_changes(op), !reads);
	}
}

/* Behind another version nothing is read; the older side is named. */
static void
another_version_names_the_side_to_restart(void **unused)
{
	static const struct {
		char version;
		const char *patd, *pat_admin; /* what each of them says */
	} rows[] = {
		{ JP_ADMIN_VERSION + '0' - 1, "this pat-admin is older",
		    "restart patd" },
		{ JP_ADMIN_VERSION + '0' + 1, "restart patd",
		    "this pat-admin is older" },
	};
	static const struct jp_admin_request zero_request;
	static const struct jp_admin_item zero_item;
	struct jp_admin_request request;
	struct jp_admin_item item;
	uint8_t bytes[JP_ADMIN_MSG_MAX];
	struct jp_why why;
	enum jp_err result;
	size_t len;
	bool end;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		set_request(&request, JP_ADMIN_LIST);
		assert_int_equal(
		    jp_admin_request_encode(&request, bytes, &len), JP_ERR_OK);
		bytes[3] = (uint8_t)rows[i].version;
		assert_int_equal(
		    jp_admin_request_decode(&request, bytes, len, &why),
		    JP_ERR_PROTOCOL);
		assert_non_null(strstr(why.text, rows[i].patd));
		assert_memory_equal(&request, &zero_request, sizeof(request));
		set_item(&item, JP_ITEM_RECORD);
		assert_int_equal(
		    jp_admin_item_encode(&item, bytes, &len), JP_ERR_OK);
		bytes[3] = (uint8_t)rows[i].version;
		assert_int_equal(jp_admin_answer_decode(
		                     bytes, len, &end, &item, &result, &why),
		    JP_ERR_PROTOCOL);
		assert_false(end);
		assert_non_null(strstr(why.text, rows[i].pat_admin));
		assert_memory_equal(&item, &zero_item, sizeof(item));
	}
}

enum {
	NUMBER_AT = 4, /* of the operation, or of the kind of item */
	STATE_AT = 5,
	REASON_AT = 7,
	BREACH_AT = 8,
};

static void
numbers_that_are_not_known_here_are_refused_with_a_reason(void **unused)
{
	static const struct {
		size_t at;
		uint8_t number;
	} rows[] = {
		{ NUMBER_AT, JP_ITEM_COUNT },
		{ STATE_AT, JP_STATE_COUNT },
		{ REASON_AT, JP_REASON_COUNT },
		{ BREACH_AT, JP_BREACH_COUNT_OF },
		{ REASON_AT, 255 },
	};
	static const struct jp_why none = { .text = "" };
	struct jp_admin_request request;
	struct jp_admin_item item;
	uint8_t bytes[JP_ADMIN_MSG_MAX];
	struct jp_why why;
	enum jp_err result;
	size_t len;
	bool end;

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		set_item(&item, JP_ITEM_RECORD);
		assert_int_equal(
		    jp_admin_item_encode(&item, bytes, &len), JP_ERR_OK);
		bytes[rows[i].at] = rows[i].number;
		assert_int_equal(jp_admin_answer_decode(
		                     bytes, len, &end, &item, &result, &why),
		    JP_ERR_NEWER);
		assert_non_null(strstr(why.text, "this pat-admin is older"));
	}
	assert_int_equal(
	    jp_admin_end_encode(JP_ERR_OK, &none, bytes, &len), JP_ERR_OK);
	bytes[STATE_AT] = JP_ERR_COUNT; /* the result, in an end */
	assert_int_equal(
	    jp_admin_answer_decode(bytes, len, &end, &item, &result, &why),
	    JP_ERR_NEWER);
	set_request(&request, JP_ADMIN_LIST);
	assert_int_equal(
	    jp_admin_request_encode(&request, bytes, &len), JP_ERR_OK);
	bytes[NUMBER_AT] = JP_ADMIN_OP_COUNT;
	assert_int_equal(
	    jp_admin_request_decode(&request, bytes, len, &why), JP_ERR_NEWER);
	assert_non_null(strstr(why.text, "restart patd"));
}

/* An older pat-admin, too, reads why it was refused. */
static void
a_refusal_has_the_version_of_its_request(void **unused)
{
	static const struct jp_why why = { .text = "no",
		.refusal = JP_REFUSAL_NOT_ALLOWED };
	static const uint8_t other[] = { 'J', 'P', 'X', '1' };
	uint8_t bytes[JP_ADMIN_MSG_MAX];
	size_t len;

	(void)unused;
	assert_int_equal(jp_admin_refusal_encode((const uint8_t *)"JPA1",
	                     JP_ERR_PROTOCOL, &why, bytes, &len),
	    JP_ERR_OK);
	assert_int_equal(len, 10);
	assert_memory_equal(bytes, "JPA1\x07\x15\0\x02no", 10);
	assert_int_equal(jp_admin_refusal_encode((const uint8_t *)"JPA3",
	                     JP_ERR_PROTOCOL, &why, bytes, &len),
	    JP_ERR_OK);
	assert_int_equal(len, 10);
	assert_int_equal(jp_admin_refusal_encode((const uint8_t *)"JPA4",
	                     JP_ERR_PROTOCOL, &why, bytes, &len),
	    JP_ERR_OK);
	assert_int_equal(len, 11);
	assert_memory_equal(bytes, "JPA4\x07\x15\0\x02no\x0c", 11);
	assert_int_equal(
	    jp_admin_refusal_encode(other, JP_ERR_PROTOCOL, &why, bytes, &len),
	    JP_ERR_PROTOCOL);
}

#define TEST(test)                                                             \
	cmocka_unit_test_setup_teardown(test, set_up, core_help_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(refusals_have_their_ids),
		TEST(a_new_token_is_stored_and_shown_once),
		TEST(times_out_of_bounds_are_no_request),
		TEST(a_grace_without_end_ends),
		TEST(stored_times_of_any_value_wrap_nowhere),
		TEST(a_future_creation_lengthens_no_life),
		TEST(imported_times_are_from_1970_to_9999),
		TEST(no_operation_takes_a_token_and_a_user),
		TEST(an_owner_reaches_nothing_of_anybody_else),
		TEST(lifetimes_follow_request_and_policy),
		TEST(only_live_tokens_count_against_the_limit),
		TEST(a_name_is_required_if_the_policy_says_so),
		TEST(bad_users_get_no_token),
		TEST(bad_names_scopes_and_services_get_no_token),
		TEST(a_token_that_could_not_be_handed_over_is_gone),
		TEST(a_list_takes_the_tokens_asked_for),
		TEST(a_list_has_those_that_were_used_from_a_new_address),
		TEST(a_list_goes_over_many_pages),
		TEST(show_finds_one_token_or_says_why_not),
		TEST(a_revoked_token_is_refused_from_then_on),
		TEST(revoking_twice_changes_nothing_more),
		TEST(all_tokens_of_a_user_are_revoked_and_no_other),
		TEST(info_counts_records_and_hashes),
		TEST(an_error_of_the_store_makes_no_token),
		TEST(an_error_of_the_store_revokes_nothing),
		TEST(an_error_of_the_store_ends_every_reading_operation),
		TEST(a_lack_of_memory_makes_no_token),
		cmocka_unit_test(requests_come_back_and_cut_ones_do_not),
		cmocka_unit_test(items_come_back_and_cut_ones_do_not),
		cmocka_unit_test(
		    the_layout_of_all_messages_is_that_of_their_version),
		cmocka_unit_test(
		    the_largest_record_fits_into_a_message_and_a_batch),
		cmocka_unit_test(every_end_comes_back),
		cmocka_unit_test(numbers_of_the_protocol_are_fixed),
		cmocka_unit_test(errors_keep_their_numbers_and_names),
		cmocka_unit_test(operations_keep_their_numbers_and_names),
		cmocka_unit_test(refusals_keep_their_numbers_and_ids),
		cmocka_unit_test(states_keep_their_numbers_and_names),
		cmocka_unit_test(rights_and_effects_of_operations_are_fixed),
		cmocka_unit_test(another_version_names_the_side_to_restart),
		cmocka_unit_test(
		    numbers_that_are_not_known_here_are_refused_with_a_reason),
		cmocka_unit_test(a_refusal_has_the_version_of_its_request),
	};

	if (UNDER_ASAN)
		leave_out("a_lack_of_memory_*", "AddressSanitizer");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
