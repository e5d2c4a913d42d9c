/*
 * Tokens that are children of others, and what rotation makes of them:
 * common/admin/child.c, within.c, over the store in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "common/admin/within.h"
#include "tests/unit/admin_help.h"
#include "tests/unit/store_mem.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW ADMIN_NOW
#define DAY ADMIN_DAY
#define HOUR INT64_C(3600)

/* Wishes a child of `parent`, which stays the caller's. */
static void
wish_child(struct admin_fixture *fixture, const char *parent)
{
	char kept[JP_TOKEN_ID_LEN + 1];

	strcpy(kept, parent);
	admin_wish(fixture, "");
	strcpy(fixture->request.record.parent, kept);
}

/* A token of alice with those rights: id in `id`. */
static void
make_parent(struct admin_fixture *fixture, char id[JP_TOKEN_ID_LEN + 1])
{
	struct jp_record *record = &fixture->request.record;
	struct jp_why why;

	admin_wish(fixture, "alice");
	record->scope_len = 2;
	strcpy(record->scopes[0], "read");
	strcpy(record->scopes[1], "write");
	record->service_len = 1;
	strcpy(record->services[0], "jira-*");
	record->net_len = 1;
	assert_int_equal(
	    jp_net_parse("192.0.2.0/24", &record->nets[0], &why), JP_ERR_OK);
	fixture->request.lifetime = JP_LIFETIME_UNTIL;
	fixture->request.expires_at = NOW + DAY;
	admin_create(fixture, id);
}

static void
make_limited(
    struct admin_fixture *fixture, uint32_t uses, char id[JP_TOKEN_ID_LEN + 1])
{
	admin_wish(fixture, "alice");
	fixture->request.record.uses_max = uses;
	admin_create(fixture, id);
}

static uint32_t
uses_left(struct admin_fixture *fixture, const char *id)
{
	struct jp_record record;

	admin_read(fixture, id, &record);
	return record.uses_left;
}

static void
a_child_has_what_its_parent_has_and_lives_an_hour(void **state)
{
	struct admin_fixture *fixture = *state;
	char parent[JP_TOKEN_ID_LEN + 1], child[JP_TOKEN_ID_LEN + 1];
	struct jp_record record;

	make_parent(fixture, parent);
	wish_child(fixture, parent);
	admin_create(fixture, child);
	assert_int_equal(admin_test(fixture, "alice", &fixture->items[0].token),
	    JP_REASON_SERVICE);
	admin_read(fixture, child, &record);
	assert_string_equal(record.user, "alice");
	assert_string_equal(record.parent, parent);
	assert_int_equal(record.scope_len, 2);
	assert_string_equal(record.scopes[1], "write");
	assert_int_equal(record.service_len, 1);
	assert_string_equal(record.services[0], "jira-*");
	assert_int_equal(record.net_len, 1);
	assert_true(record.expires_at == NOW + HOUR);
	assert_int_equal(record.uses_max, 0);
}

static void
a_child_lives_no_longer_than_its_parent(void **state)
{
	static const struct {
		enum jp_lifetime lifetime;
		int64_t expires_at, expected; /* 0: refused */
	} rows[] = {
		{ JP_LIFETIME_DEFAULT, 0, NOW + DAY },
		{ JP_LIFETIME_UNTIL, NOW + DAY - 1, NOW + DAY - 1 },
		{ JP_LIFETIME_UNTIL, NOW + DAY, NOW + DAY },
		{ JP_LIFETIME_UNTIL, NOW + DAY + 1, 0 },
		{ JP_LIFETIME_NEVER, 0, 0 },
	};
	struct admin_fixture *fixture = *state;
	char parent[JP_TOKEN_ID_LEN + 1];

	make_parent(fixture, parent);
	fixture->now = NOW + DAY - 7; /* less than the hour is left */
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		wish_child(fixture, parent);
		fixture->request.lifetime = rows[i].lifetime;
		fixture->request.expires_at = rows[i].expires_at;
		if (rows[i].expected == 0) {
			admin_refused(fixture, JP_ADMIN_CREATE, JP_ERR_REFUSED,
			    JP_REFUSAL_WIDER);
			continue;
		}
		assert_int_equal(
		    admin_run(fixture, JP_ADMIN_CREATE), JP_ERR_OK);
		assert_true(
		    fixture->items[0].record.expires_at == rows[i].expected);
	}
}

static void
a_child_is_never_wider_than_its_parent(void **state)
{
	static const struct {
		const char *scope, *service, *net;
		bool within;
	} rows[] = {
		{ "read", "jira-*", "192.0.2.0/24", true },
		{ "write", NULL, "192.0.2.7", true },
		{ NULL, NULL, "192.0.2.128/25", true },
		{ "admin", NULL, NULL, false },
		{ "READ", NULL, NULL, false },
		{ NULL, "jira-read", NULL, false }, /* by the text alone */
		{ NULL, "*", NULL, false },
		{ NULL, NULL, "192.0.0.0/16", false },
		{ NULL, NULL, "0.0.0.0/0", false },
		{ NULL, NULL, "2001:db8::/32", false },
	};
	struct admin_fixture *fixture = *state;
	struct jp_record *record = &fixture->request.record;
	char parent[JP_TOKEN_ID_LEN + 1];

	make_parent(fixture, parent);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		wish_child(fixture, parent);
		record->scope_len = rows[i].scope != NULL;
		if (rows[i].scope != NULL)
			strcpy(record->scopes[0], rows[i].scope);
		record->service_len = rows[i].service != NULL;
		if (rows[i].service != NULL)
			strcpy(record->services[0], rows[i].service);
		record->net_len = rows[i].net != NULL;
		if (rows[i].net != NULL)
			assert_int_equal(jp_net_parse(rows[i].net,
			                     &record->nets[0], &fixture->why),
			    JP_ERR_OK);
		if (rows[i].within)
			assert_int_equal(
			    admin_run(fixture, JP_ADMIN_CREATE), JP_ERR_OK);
		else
			admin_refused(fixture, JP_ADMIN_CREATE, JP_ERR_REFUSED,
			    JP_REFUSAL_WIDER);
	}
}

static void
one_wrong_scope_among_right_ones_is_wider(void **unused)
{
	struct jp_record outer = { .scope_len = 2 }, inner = { .scope_len = 2 };
	struct jp_why why;

	(void)unused;
	strcpy(outer.scopes[0], "read");
	strcpy(outer.scopes[1], "write");
	strcpy(inner.scopes[0], "write");
	strcpy(inner.scopes[1], "admin");
	assert_int_equal(
	    jp_admin_check_within(&outer, &inner, &why), JP_ERR_REFUSED);
	assert_int_equal(why.refusal, JP_REFUSAL_WIDER);
	inner.scope_len = 1;
	assert_int_equal(
	    jp_admin_check_within(&outer, &inner, &why), JP_ERR_OK);
	outer.scope_len = 0; /* holds every one */
	strcpy(inner.scopes[0], "admin");
	assert_int_equal(
	    jp_admin_check_within(&outer, &inner, &why), JP_ERR_OK);
	inner.scope_len = 0;
	assert_int_equal(
	    jp_admin_check_within(&outer, &inner, &why), JP_ERR_OK);
	assert_int_equal(inner.scope_len, 0);
}

static void
a_child_acts_as_the_user_of_its_parent(void **state)
{
	struct admin_fixture *fixture = *state;
	char parent[JP_TOKEN_ID_LEN + 1];

	make_parent(fixture, parent);
	wish_child(fixture, parent);
	strcpy(fixture->request.record.user, "bob");
	admin_refused(
	    fixture, JP_ADMIN_CREATE, JP_ERR_REFUSED, JP_REFUSAL_NOT_ALLOWED);
	strcpy(fixture->request.record.user, "alice");
	assert_int_equal(admin_run(fixture, JP_ADMIN_CREATE), JP_ERR_OK);
}

static void
a_parent_that_is_not_there_or_anothers_is_not_found(void **state)
{
	static const char *const ids[] = { "AAAAAAAA", "short", "********" };
	struct admin_fixture *fixture = *state;
	char parent[JP_TOKEN_ID_LEN + 1];

	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		wish_child(fixture, ids[i]);
		admin_refused(fixture, JP_ADMIN_CREATE, JP_ERR_NOT_FOUND,
		    JP_REFUSAL_NOT_FOUND);
	}
	make_parent(fixture, parent);
	wish_child(fixture, parent);
	assert_int_equal(
	    admin_run_as(fixture, "bob", JP_ADMIN_CREATE), JP_ERR_NOT_FOUND);
	assert_int_equal(admin_records(fixture), 1);
	assert_int_equal(
	    admin_run_as(fixture, "alice", JP_ADMIN_CREATE), JP_ERR_OK);
}

static void
only_a_live_token_gets_children(void **state)
{
	static const enum jp_admin_op ends[] = { JP_ADMIN_REVOKE,
		JP_ADMIN_DISABLE };
	struct admin_fixture *fixture = *state;
	char parent[JP_TOKEN_ID_LEN + 1];

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		make_parent(fixture, parent);
		admin_wish_id(fixture, parent);
		assert_int_equal(admin_run(fixture, ends[i]), JP_ERR_OK);
		wish_child(fixture, parent);
		admin_refused(fixture, JP_ADMIN_CREATE, JP_ERR_REFUSED,
		    JP_REFUSAL_NOT_LIVE);
	}
	make_parent(fixture, parent);
	wish_child(fixture, parent);
	fixture->now = NOW + DAY; /* the second of its end */
	admin_refused(
	    fixture, JP_ADMIN_CREATE, JP_ERR_REFUSED, JP_REFUSAL_NOT_LIVE);
}

static void
a_child_lives_and_dies_with_its_ancestors(void **state)
{
	struct admin_fixture *fixture = *state;
	char ids[3][JP_TOKEN_ID_LEN + 1];

	make_parent(fixture, ids[0]);
	for (size_t i = 1; i < COUNT_OF(ids); i++) {
		wish_child(fixture, ids[i - 1]);
		admin_create(fixture, ids[i]);
	}
	assert_int_equal(admin_state(fixture, ids[2]), JP_STATE_LIVE);
	admin_wish_id(fixture, ids[0]);
	assert_int_equal(admin_run(fixture, JP_ADMIN_DISABLE), JP_ERR_OK);
	assert_int_equal(admin_state(fixture, ids[2]), JP_STATE_PARENT_PAUSED);
	admin_wish_id(fixture, ids[0]);
	assert_int_equal(admin_run(fixture, JP_ADMIN_ENABLE), JP_ERR_OK);
	assert_int_equal(admin_state(fixture, ids[2]), JP_STATE_LIVE);
	admin_wish_id(fixture, ids[0]);
	assert_int_equal(admin_run(fixture, JP_ADMIN_REVOKE), JP_ERR_OK);
	assert_int_equal(admin_state(fixture, ids[1]), JP_STATE_PARENT);
	assert_int_equal(admin_state(fixture, ids[2]), JP_STATE_PARENT);
	admin_wish(fixture, "alice"); /* what has ended is not listed */
	assert_int_equal(admin_run(fixture, JP_ADMIN_LIST), JP_ERR_OK);
	assert_int_equal(fixture->len, 0);
}

static void
a_token_has_four_ancestors_at_most(void **state)
{
	struct admin_fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];

	make_parent(fixture, id);
	for (int depth = 1; depth <= JP_PARENTS_MAX; depth++) {
		wish_child(fixture, id);
		admin_create(fixture, id);
		assert_int_equal(admin_state(fixture, id), JP_STATE_LIVE);
	}
	wish_child(fixture, id);
	admin_refused(
	    fixture, JP_ADMIN_CREATE, JP_ERR_REFUSED, JP_REFUSAL_NOT_ALLOWED);
}

/* ---- uses ---- */

static void
a_childs_uses_are_taken_out_of_its_parents(void **state)
{
	struct admin_fixture *fixture = *state;
	char parent[JP_TOKEN_ID_LEN + 1], child[JP_TOKEN_ID_LEN + 1];

	make_limited(fixture, 10, parent);
	assert_int_equal(uses_left(fixture, parent), 10);
	wish_child(fixture, parent); /* without a limit: more than the parent */
	admin_refused(
	    fixture, JP_ADMIN_CREATE, JP_ERR_REFUSED, JP_REFUSAL_WIDER);
	fixture->request.record.uses_max = 11;
	admin_refused(
	    fixture, JP_ADMIN_CREATE, JP_ERR_REFUSED, JP_REFUSAL_WIDER);
	fixture->request.record.uses_max = 4;
	fixture->request.dry_run = true;
	assert_int_equal(admin_run(fixture, JP_ADMIN_CREATE), JP_ERR_OK);
	assert_int_equal(uses_left(fixture, parent), 10);
	fixture->request.dry_run = false;
	admin_create(fixture, child);
	assert_int_equal(uses_left(fixture, parent), 6);
	assert_int_equal(uses_left(fixture, child), 4);
	wish_child(fixture, parent);
	fixture->request.record.uses_max = 6;
	admin_create(fixture, child);
	assert_int_equal(admin_state(fixture, parent), JP_STATE_USED_UP);
	assert_int_equal(admin_state(fixture, child), JP_STATE_LIVE);
	wish_child(fixture, parent);
	fixture->request.record.uses_max = 1;
	admin_refused(
	    fixture, JP_ADMIN_CREATE, JP_ERR_REFUSED, JP_REFUSAL_NOT_LIVE);
}

static void
uses_of_a_child_that_could_not_be_handed_over_go_back(void **state)
{
	struct admin_fixture *fixture = *state;
	char parent[JP_TOKEN_ID_LEN + 1];

	make_limited(fixture, 10, parent);
	wish_child(fixture, parent);
	fixture->request.record.uses_max = 4;
	fixture->emit_fails = 1;
	assert_int_equal(
	    admin_run(fixture, JP_ADMIN_CREATE), JP_ERR_UNREACHABLE);
	assert_int_equal(admin_records(fixture), 1);
	assert_int_equal(uses_left(fixture, parent), 10);
}

/* Parent and child are one commit: whatever call of the store fails. */
static void
an_error_of_the_store_takes_no_uses(void **state)
{
	struct admin_fixture *fixture = *state;
	char parent[JP_TOKEN_ID_LEN + 1];
	unsigned int nth = 1;

	make_limited(fixture, 10, parent);
	for (enum jp_err err = JP_ERR_IO; err != JP_ERR_OK; nth++) {
		wish_child(fixture, parent);
		fixture->request.record.uses_max = 4;
		jp_store_mem_fail(fixture->core.store, nth, JP_ERR_IO, false);
		err = admin_run(fixture, JP_ADMIN_CREATE);
		jp_store_mem_fail(fixture->core.store, 0, JP_ERR_OK, false);
		assert_int_equal(
		    uses_left(fixture, parent), err == JP_ERR_OK ? 6 : 10);
		assert_int_equal(
		    admin_records(fixture), err == JP_ERR_OK ? 2 : 1);
	}
	assert_true(nth > 5);
}

struct racer {
	struct jp_core *core;
	char parent[JP_TOKEN_ID_LEN + 1];
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
	struct jp_admin_request request = { .op = JP_ADMIN_CREATE };
	struct jp_why why;

	strcpy(request.record.parent, racer->parent);
	request.record.uses_max = 3;
	racer->err =
	    jp_admin_execute(racer->core, "root", &request, drop, NULL, &why);
	return NULL;
}

static void
children_that_are_made_at_once_take_no_more_than_there_is(void **state)
{
	struct admin_fixture *fixture = *state;
	struct racer racers[12];
	pthread_t threads[COUNT_OF(racers)];
	size_t made = 0;

	memset(racers, 0, sizeof(racers));
	for (size_t i = 0; i < COUNT_OF(racers); i++)
		racers[i].core = &fixture->core;
	make_limited(fixture, 10, racers[0].parent);
	/* A hash that takes long enough for all to come meanwhile. */
	fixture->core.policy.cost = (struct jp_cost){ 16384, 2 };
	for (size_t i = 0; i < COUNT_OF(racers); i++) {
		if (i > 0)
			strcpy(racers[i].parent, racers[0].parent);
		assert_int_equal(
		    pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (size_t i = 0; i < COUNT_OF(racers); i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		made += racers[i].err == JP_ERR_OK;
	}
	assert_int_equal(made, 3);
	assert_int_equal(uses_left(fixture, racers[0].parent), 1);
}

/* ---- many ---- */

static void
put_child(struct admin_fixture *fixture, const char *parent, uint32_t uses)
{
	struct jp_new_token token = { .lifetime = JP_LIFETIME_DEFAULT };

	strcpy(token.record.parent, parent);
	token.record.uses_max = uses;
	assert_int_equal(jp_batch_put_new(&fixture->buf, &token), JP_ERR_OK);
}

static void
the_children_of_a_batch_share_what_their_parent_has(void **state)
{
	struct admin_fixture *fixture = *state;
	char parent[JP_TOKEN_ID_LEN + 1];

	make_limited(fixture, 10, parent);
	admin_wish(fixture, "");
	put_child(fixture, parent, 5);
	put_child(fixture, parent, 6);
	admin_refused(
	    fixture, JP_ADMIN_CREATE_MANY, JP_ERR_REFUSED, JP_REFUSAL_WIDER);
	assert_int_equal(fixture->items[fixture->len - 1].kind, JP_ITEM_ROW);
	assert_int_equal(fixture->items[fixture->len - 1].row, 1);
	assert_int_equal(uses_left(fixture, parent), 10);
	assert_int_equal(admin_records(fixture), 1);
	admin_wish(fixture, "");
	put_child(fixture, parent, 4);
	put_child(fixture, parent, 4);
	assert_int_equal(admin_run(fixture, JP_ADMIN_CREATE_MANY), JP_ERR_OK);
	assert_int_equal(uses_left(fixture, parent), 2);
	admin_wish(fixture, "");
	put_child(fixture, parent, 1);
	put_child(fixture, parent, 1);
	fixture->emit_fails = 4; /* the second of the tokens */
	assert_int_equal(
	    admin_run(fixture, JP_ADMIN_CREATE_MANY), JP_ERR_UNREACHABLE);
	assert_int_equal(uses_left(fixture, parent), 2);
	assert_int_equal(admin_records(fixture), 3);
}

/* ---- rotation ---- */

static void
a_successor_has_the_parent_and_the_group_of_the_old_one(void **state)
{
	struct admin_fixture *fixture = *state;
	char parent[JP_TOKEN_ID_LEN + 1], child[JP_TOKEN_ID_LEN + 1];
	struct jp_record record;

	make_parent(fixture, parent);
	admin_read(fixture, parent, &record);
	strcpy(record.owner_group, "ci");
	admin_write(fixture, &record);
	wish_child(fixture, parent);
	admin_create(fixture, child);
	fixture->now +=
	    DAY - HOUR / 2; /* it would live half an hour too long */
	admin_read(fixture, child, &record);
	record.expires_at = NOW + DAY;
	admin_write(fixture, &record);
	admin_wish_id(fixture, child);
	fixture->request.grace = 60;
	assert_int_equal(admin_run(fixture, JP_ADMIN_ROTATE), JP_ERR_OK);
	assert_string_equal(fixture->items[0].record.parent, parent);
	assert_string_equal(fixture->items[0].record.owner_group, "ci");
	assert_true(fixture->items[0].record.expires_at == NOW + DAY);
	strcpy(child, fixture->items[0].record.id);
	admin_wish_id(fixture, child);
	fixture->request.lifetime = JP_LIFETIME_UNTIL;
	fixture->request.expires_at = NOW + DAY + 1;
	admin_refused(
	    fixture, JP_ADMIN_ROTATE, JP_ERR_REFUSED, JP_REFUSAL_WIDER);
	admin_wish_id(fixture, parent);
	assert_int_equal(admin_run(fixture, JP_ADMIN_REVOKE), JP_ERR_OK);
	admin_wish_id(fixture, child);
	admin_refused(
	    fixture, JP_ADMIN_ROTATE, JP_ERR_REFUSED, JP_REFUSAL_NOT_LIVE);
}

static void
rotation_hands_the_uses_on_and_adds_none(void **state)
{
	struct admin_fixture *fixture = *state;
	char old[JP_TOKEN_ID_LEN + 1];
	struct jp_record record;

	make_limited(fixture, 10, old);
	admin_read(fixture, old, &record);
	record.uses_left = 7;
	admin_write(fixture, &record);
	admin_wish_id(fixture, old);
	fixture->request.grace = DAY;
	fixture->emit_fails = 1;
	assert_int_equal(
	    admin_run(fixture, JP_ADMIN_ROTATE), JP_ERR_UNREACHABLE);
	assert_int_equal(uses_left(fixture, old), 7); /* taken back */
	fixture->emit_fails = 0;
	assert_int_equal(admin_run(fixture, JP_ADMIN_ROTATE), JP_ERR_OK);
	assert_int_equal(fixture->items[0].record.uses_max, 10);
	assert_int_equal(fixture->items[0].record.uses_left, 7);
	assert_int_equal(uses_left(fixture, old), 0);
	assert_int_equal(admin_state(fixture, old), JP_STATE_USED_UP);
}

/* ---- groups ---- */

static void
a_group_manages_its_tokens_and_nobody_else_does(void **state)
{
	static const enum jp_admin_op ops[] = { JP_ADMIN_SHOW, JP_ADMIN_DISABLE,
		JP_ADMIN_ENABLE, JP_ADMIN_ROTATE, JP_ADMIN_REVOKE };
	struct admin_fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];

	admin_join(fixture, "alice", "ci");
	admin_join(fixture, "bob", "cd");
	fixture->actor = "sso:alice";
	admin_wish(fixture, "svc-ci");
	strcpy(fixture->request.record.owner_group, "ci");
	admin_create(fixture, id);
	for (size_t i = 0; i < COUNT_OF(ops); i++) {
		admin_wish_id(fixture, id);
		assert_int_equal(
		    admin_run_as(fixture, "bob", ops[i]), JP_ERR_NOT_FOUND);
		assert_int_equal(fixture->why.refusal, JP_REFUSAL_NOT_FOUND);
		assert_int_equal(
		    admin_run_as(fixture, "alice", ops[i]), JP_ERR_OK);
	}
}

static void
nobody_gives_a_token_to_a_group_of_others(void **state)
{
	struct admin_fixture *fixture = *state;

	admin_join(fixture, "alice", "ci");
	admin_wish(fixture, "alice");
	strcpy(fixture->request.record.owner_group, "cd");
	assert_int_equal(
	    admin_run_as(fixture, "alice", JP_ADMIN_CREATE), JP_ERR_REFUSED);
	assert_int_equal(fixture->why.refusal, JP_REFUSAL_NOT_ALLOWED);
	strcpy(fixture->request.record.owner_group, "ci");
	assert_int_equal(
	    admin_run_as(fixture, "alice", JP_ADMIN_CREATE), JP_ERR_OK);
	strcpy(fixture->request.record.owner_group, " ci");
	fixture->request.owner = NULL;
	assert_int_equal(admin_run(fixture, JP_ADMIN_CREATE), JP_ERR_INVALID);
}

static void
a_child_is_owned_by_the_group_of_its_parent(void **state)
{
	struct admin_fixture *fixture = *state;
	char parent[JP_TOKEN_ID_LEN + 1];

	admin_join(fixture, "alice", "ci");
	admin_wish(fixture, "svc-ci");
	strcpy(fixture->request.record.owner_group, "ci");
	admin_create(fixture, parent);
	wish_child(fixture, parent);
	strcpy(fixture->request.record.owner_group, "cd");
	admin_refused(
	    fixture, JP_ADMIN_CREATE, JP_ERR_REFUSED, JP_REFUSAL_NOT_ALLOWED);
	wish_child(fixture, parent); /* by a member, for whom it acts */
	assert_int_equal(
	    admin_run_as(fixture, "alice", JP_ADMIN_CREATE), JP_ERR_OK);
	assert_string_equal(fixture->items[0].record.user, "svc-ci");
	assert_string_equal(fixture->items[0].record.owner_group, "ci");
	wish_child(fixture, parent); /* a token of alice makes none of it */
	strcpy(fixture->request.behalf.token, "AAAAAAAA");
	assert_int_equal(
	    admin_run_as(fixture, "alice", JP_ADMIN_CREATE), JP_ERR_REFUSED);
	assert_int_equal(fixture->why.refusal, JP_REFUSAL_NOT_ALLOWED);
}

#define TEST(test)                                                             \
	cmocka_unit_test_setup_teardown(test, admin_set_up, core_help_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_child_has_what_its_parent_has_and_lives_an_hour),
		TEST(a_child_lives_no_longer_than_its_parent),
		TEST(a_child_is_never_wider_than_its_parent),
		cmocka_unit_test(one_wrong_scope_among_right_ones_is_wider),
		TEST(a_child_acts_as_the_user_of_its_parent),
		TEST(a_parent_that_is_not_there_or_anothers_is_not_found),
		TEST(only_a_live_token_gets_children),
		TEST(a_child_lives_and_dies_with_its_ancestors),
		TEST(a_token_has_four_ancestors_at_most),
		TEST(a_childs_uses_are_taken_out_of_its_parents),
		TEST(uses_of_a_child_that_could_not_be_handed_over_go_back),
		TEST(an_error_of_the_store_takes_no_uses),
		TEST(children_that_are_made_at_once_take_no_more_than_there_is),
		TEST(the_children_of_a_batch_share_what_their_parent_has),
		TEST(a_successor_has_the_parent_and_the_group_of_the_old_one),
		TEST(rotation_hands_the_uses_on_and_adds_none),
		TEST(a_group_manages_its_tokens_and_nobody_else_does),
		TEST(nobody_gives_a_token_to_a_group_of_others),
		TEST(a_child_is_owned_by_the_group_of_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
