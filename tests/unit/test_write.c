/*
 * A read and its commit where other hosts write, too: common/decide/write.c,
 * and all that goes through it, over the store in memory, which says when
 * another host was faster.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/admin/admin.h"
#include "common/decide/decide.h"
#include "common/decide/open.h"
#include "common/decide/rotation.h"
#include "common/decide/usage.h"
#include "common/decide/write.h"
#include "common/record/token_make.h"
#include "tests/unit/core_help.h"
#include "tests/unit/store_mem.h"

#define NOW INT64_C(1800000000)
#define HOUR_MS INT64_C(3600000)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const int64_t now = NOW;

struct fixture {
	struct jp_core core;
	struct jp_store_mem_peers *peers;
	struct jp_why why;
	struct jp_admin_request request;
	struct jp_request question; /* of that token */
	struct jp_record record;
	unsigned int rounds;
	enum jp_err fails; /* the act, in its end */
	size_t len;        /* items of the last operation */
	struct jp_admin_item items[8];
	bool refuses; /* to take a token */
};

static int
set_up(void **state)
{
	struct fixture *fixture = core_help_fixture(state, sizeof(*fixture));
	struct jp_settings settings;

	core_help_settings(&settings);
	core_help_open(&fixture->core, &settings, &now);
	fixture->core.usage = jp_usage_make();
	assert_non_null(fixture->core.usage);
	fixture->peers = jp_store_mem_peers(fixture->core.store);
	fixture->peers->arg = fixture;
	return 0;
}

static bool
is_locked(struct fixture *fixture)
{
	return fixture->core.writers.taken;
}

static void
assert_free(struct jp_store *store, void *arg)
{
	(void)store;
	assert_false(is_locked(arg));
}

static void
put(struct fixture *fixture, enum jp_change_kind kind)
{
	core_help_commit(&fixture->core, kind, &fixture->record);
}

static void
reread(struct fixture *fixture)
{
	core_help_reread(&fixture->core, &fixture->record);
}

/* A token of alice in the record, and a question that it answers. */
static void
make_token(struct fixture *fixture)
{
	struct jp_record *record = &fixture->record;

	memset(record, 0, sizeof(*record));
	jp_token_make("jpat", &fixture->question.token, record->id);
	strcpy(record->user, "alice");
	memcpy(record->family, record->id, sizeof(record->family));
	assert_int_equal(jp_hash_make(&fixture->question.token,
	                     &fixture->core.policy.cost, record->phc),
	    JP_ERR_OK);
	put(fixture, JP_CHANGE_CREATE);
	strcpy(fixture->question.user, "alice");
	strcpy(fixture->question.service, "jira");
}

/* ---- the step ---- */

static enum jp_err
act(struct jp_core *core, void *arg)
{
	struct fixture *fixture = arg;

	(void)core;
	fixture->rounds++;
	assert_true(is_locked(fixture));
	assert_int_equal(
	    fixture->peers->loud + fixture->peers->quiet, fixture->rounds);
	if (fixture->fails != JP_ERR_OK)
		return fixture->fails;
	jp_token_make("jpat", &fixture->question.token, fixture->record.id);
	return jp_store_commit(core->store,
	    &(struct jp_change){ JP_CHANGE_CREATE, &fixture->record }, 1);
}

static enum jp_err
write_it(struct fixture *fixture, enum jp_begin how)
{
	return jp_write(&fixture->core, how, &fixture->why, act, fixture);
}

static void
a_step_that_nobody_disturbs_runs_once(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(write_it(fixture, JP_BEGIN_LOUD), JP_ERR_OK);
	assert_int_equal(fixture->peers->loud, 1);
	fixture->rounds = 0;
	fixture->peers->loud = 0;
	assert_int_equal(write_it(fixture, JP_BEGIN_QUIET), JP_ERR_OK);
	assert_int_equal(fixture->peers->quiet, 1);
	assert_int_equal(fixture->peers->settled, 0);
	assert_false(is_locked(fixture));
}

/* ---- the turn ---- */

static void
whoever_cannot_have_the_turn_in_time_changes_nothing(void **state)
{
	struct fixture *fixture = *state;

	fixture->peers->patience_ms = 1;
	assert_true(jp_writers_enter(&fixture->core.writers, INT64_MAX));
	assert_int_equal(write_it(fixture, JP_BEGIN_LOUD), JP_ERR_UNREACHABLE);
	assert_non_null(strstr(fixture->why.text, "nothing was changed"));
	assert_int_equal(fixture->rounds, 0);
	assert_int_equal(fixture->core.writers.waiting, 0);
	jp_writers_leave(&fixture->core.writers);
	fixture->peers->patience_ms = HOUR_MS;
	assert_int_equal(write_it(fixture, JP_BEGIN_LOUD), JP_ERR_OK);
}

static void
a_moment_that_is_past_is_no_bound_where_nobody_else_is(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(jp_write_by(&fixture->core, JP_BEGIN_LOUD, 1,
	                     &fixture->why, act, fixture),
	    JP_ERR_OK);
	fixture->rounds = fixture->peers->loud = 0;
	fixture->peers->patience_ms = HOUR_MS;
	assert_int_equal(jp_write_by(&fixture->core, JP_BEGIN_LOUD, 1,
	                     &fixture->why, act, fixture),
	    JP_ERR_OK);
}

static void *
wait_for_turn(void *arg)
{
	struct jp_writers *writers = arg;

	if (jp_writers_enter(writers, jp_now_ms() + HOUR_MS))
		jp_writers_leave(writers);
	return NULL;
}

static size_t
count_waiting(struct jp_writers *writers)
{
	size_t count;

	pthread_mutex_lock(&writers->mutex);
	count = writers->waiting;
	pthread_mutex_unlock(&writers->mutex);
	return count;
}

static void
where_many_wait_others_do_not_join_them_for_long(void **state)
{
	struct fixture *fixture = *state;
	struct jp_writers *writers = &fixture->core.writers;
	pthread_t threads[JP_WRITERS_WAITING];

	assert_true(jp_writers_enter(writers, INT64_MAX));
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, wait_for_turn, writers),
		    0);
	while (count_waiting(writers) < COUNT_OF(threads))
		(void)sched_yield();
	/* It comes back, though all of them still wait. */
	assert_false(jp_writers_enter(writers, jp_now_ms() + HOUR_MS));
	assert_int_equal(count_waiting(writers), COUNT_OF(threads));
	jp_writers_leave(writers);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_false(writers->taken);
}

static void
a_step_that_was_too_late_runs_again_from_its_beginning(void **state)
{
	struct fixture *fixture = *state;

	fixture->peers->conflicts = JP_WRITE_ROUNDS - 1;
	assert_int_equal(write_it(fixture, JP_BEGIN_LOUD), JP_ERR_OK);
	assert_int_equal(fixture->rounds, JP_WRITE_ROUNDS);
	assert_int_equal(fixture->peers->loud, JP_WRITE_ROUNDS);
	assert_string_equal(fixture->why.text, "");
}

static void
a_step_that_is_always_too_late_gives_up_with_a_reason(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store_info info;

	fixture->peers->conflicts = UINT32_MAX;
	assert_int_equal(write_it(fixture, JP_BEGIN_LOUD), JP_ERR_LOCKED);
	assert_int_equal(fixture->rounds, JP_WRITE_ROUNDS);
	assert_string_equal(fixture->why.text,
	    "other hosts keep changing the store: try again");
	assert_int_equal(jp_store_info(fixture->core.store, &info), JP_ERR_OK);
	assert_int_equal(info.records, 0);
	fixture->rounds = fixture->peers->loud = 0;
	assert_int_equal(
	    jp_write(&fixture->core, JP_BEGIN_LOUD, NULL, act, fixture),
	    JP_ERR_LOCKED);
}

static void
any_other_error_ends_it_at_once(void **state)
{
	struct fixture *fixture = *state;

	for (int err = JP_ERR_OK + 1; err < JP_ERR_COUNT; err++) {
		if (err == JP_ERR_CONFLICT)
			continue;
		fixture->rounds = fixture->peers->loud = 0;
		fixture->fails = (enum jp_err)err;
		assert_int_equal(write_it(fixture, JP_BEGIN_LOUD), err);
		assert_int_equal(fixture->rounds, 1);
	}
}

static void
waiting_for_others_says_for_whom(void **state)
{
	struct fixture *fixture = *state;

	strcpy(fixture->why.text, "old");
	assert_int_equal(
	    jp_write_settle(&fixture->core, &fixture->why), JP_ERR_OK);
	assert_string_equal(fixture->why.text, "");
	fixture->peers->waited = "waited 14 s for proxy2";
	assert_int_equal(
	    jp_write_settle(&fixture->core, &fixture->why), JP_ERR_OK);
	assert_string_equal(fixture->why.text, "waited 14 s for proxy2");
	fixture->peers->unsettled = JP_ERR_TIMEOUT;
	assert_int_equal(jp_write_settle(&fixture->core, NULL), JP_ERR_TIMEOUT);
	assert_int_equal(fixture->peers->settled, 3);
}

/* ---- operations ---- */

static enum jp_err
take(void *arg, const struct jp_admin_item *item)
{
	struct fixture *fixture = arg;

	if (fixture->refuses &&
	    (item->kind == JP_ITEM_TOKEN || item->kind == JP_ITEM_LINK))
		return JP_ERR_UNREACHABLE;
	assert_true(fixture->len < COUNT_OF(fixture->items));
	fixture->items[fixture->len++] = *item;
	return JP_ERR_OK;
}

static enum jp_err
run(struct fixture *fixture, enum jp_admin_op op)
{
	fixture->len = 0;
	fixture->request.op = op;
	return jp_admin_execute(&fixture->core, "root", &fixture->request, take,
	    fixture, &fixture->why);
}

static void
name_token(struct fixture *fixture)
{
	memset(&fixture->request, 0, sizeof(fixture->request));
	memcpy(fixture->request.record.id, fixture->record.id,
	    sizeof(fixture->record.id));
}

static void
name_user(struct fixture *fixture)
{
	memset(&fixture->request, 0, sizeof(fixture->request));
	strcpy(fixture->request.record.user, "alice");
	strcpy(fixture->request.user.name, "alice");
}

/* Each changes the token of the record, or its user, or makes one. */
static const struct {
	enum jp_admin_op op;
	void (*name)(struct fixture *fixture);
} changes[] = {
	{ JP_ADMIN_CREATE, name_user },
	{ JP_ADMIN_REVOKE, name_token },
	{ JP_ADMIN_REVOKE, name_user },
	{ JP_ADMIN_ROTATE, name_token },
	{ JP_ADMIN_DISABLE, name_token },
};

static void
another_host_that_was_faster_changes_no_outcome(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT_OF(changes); i++)
		for (unsigned int late = 0; late < 3; late++) {
			unsigned int settled = fixture->peers->settled;
			struct jp_store_info before, after;

			make_token(fixture);
			changes[i].name(fixture);
			assert_int_equal(
			    jp_store_info(fixture->core.store, &before),
			    JP_ERR_OK);
			fixture->peers->conflicts = late;
			fixture->peers->settling = assert_free;
			assert_int_equal(
			    run(fixture, changes[i].op), JP_ERR_OK);
			assert_int_equal(fixture->peers->conflicts, 0);
			assert_int_equal(fixture->peers->settled, settled + 1);
			assert_string_equal(fixture->why.text, "");
			assert_int_equal(
			    jp_store_info(fixture->core.store, &after),
			    JP_ERR_OK);
			assert_int_equal(after.commits, before.commits + 1);
		}
}

static void
an_operation_says_for_whom_it_waited(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT_OF(changes); i++) {
		make_token(fixture);
		changes[i].name(fixture);
		fixture->peers->waited = "waited 14 s for proxy2";
		assert_int_equal(run(fixture, changes[i].op), JP_ERR_OK);
		assert_string_equal(
		    fixture->why.text, "waited 14 s for proxy2");
		assert_true(fixture->len > 0);
	}
}

/* What another has done may not hold everywhere yet. */
static void
a_revocation_of_what_is_revoked_waits_too(void **state)
{
	struct fixture *fixture = *state;

	make_token(fixture);
	name_token(fixture);
	assert_int_equal(run(fixture, JP_ADMIN_REVOKE), JP_ERR_OK);
	assert_int_equal(fixture->peers->settled, 1);
	assert_int_equal(run(fixture, JP_ADMIN_REVOKE), JP_ERR_OK);
	assert_false(fixture->items[0].changed);
	assert_int_equal(fixture->peers->settled, 2);
}

static void
an_operation_that_does_not_hold_everywhere_is_not_done(void **state)
{
	struct fixture *fixture = *state;

	make_token(fixture);
	name_token(fixture);
	fixture->peers->waited = "patd ends: proxy2 may accept it for 14 s";
	fixture->peers->unsettled = JP_ERR_TIMEOUT;
	assert_int_equal(run(fixture, JP_ADMIN_REVOKE), JP_ERR_TIMEOUT);
	assert_string_equal(fixture->why.text, fixture->peers->waited);
}

static void
revoke_record(struct jp_store *store, void *arg)
{
	struct fixture *fixture = arg;
	struct jp_record record;
	const struct jp_change change = { JP_CHANGE_END, &record };

	assert_int_equal(
	    jp_store_get(store, fixture->record.id, &record), JP_ERR_OK);
	record.revoked_at = NOW - 5;
	strcpy(record.revoked_by, "proxy2");
	assert_int_equal(jp_store_commit(store, &change, 1), JP_ERR_OK);
}

static void
what_another_host_has_done_is_not_undone(void **state)
{
	struct fixture *fixture = *state;

	make_token(fixture);
	name_token(fixture);
	fixture->peers->conflicts = 1;
	fixture->peers->rival = revoke_record;
	assert_int_equal(run(fixture, JP_ADMIN_REVOKE), JP_ERR_OK);
	reread(fixture);
	assert_int_equal(fixture->record.revoked_at, NOW - 5);
	assert_string_equal(fixture->record.revoked_by, "proxy2");
	make_token(fixture);
	name_token(fixture);
	fixture->peers->conflicts = 1;
	assert_int_equal(run(fixture, JP_ADMIN_ROTATE), JP_ERR_REFUSED);
	reread(fixture);
	assert_int_equal(fixture->record.superseded_at, JP_NEVER);
}

static size_t
live(struct fixture *fixture)
{
	name_user(fixture);
	assert_int_equal(run(fixture, JP_ADMIN_LIST), JP_ERR_OK);
	return fixture->len;
}

static void
what_is_not_handed_over_is_taken_back_however_often_it_takes(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int late = 0; late < 3; late++) {
		name_user(fixture);
		fixture->refuses = true;
		fixture->peers->conflicts = 0;
		assert_int_equal(
		    run(fixture, JP_ADMIN_CREATE), JP_ERR_UNREACHABLE);
		fixture->peers->conflicts = late;
		fixture->refuses = false;
		assert_int_equal(live(fixture), 0);
	}
}

/* Its uses are the old one's again, once. */
static void
a_successor_that_is_taken_back_leaves_the_uses(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int late = 0; late < 4; late++) {
		make_token(fixture);
		fixture->record.uses_max = 7;
		fixture->record.uses_left = 5;
		put(fixture, JP_CHANGE_REPLACE);
		name_token(fixture);
		fixture->refuses = true;
		fixture->peers->conflicts = late;
		assert_int_equal(
		    run(fixture, JP_ADMIN_ROTATE), JP_ERR_UNREACHABLE);
		reread(fixture);
		assert_int_equal(fixture->record.superseded_at, JP_NEVER);
		assert_int_equal(fixture->record.uses_left, 5);
	}
}

/* ---- questions ---- */

static enum jp_reason
decide_now(struct fixture *fixture)
{
	struct jp_decision decision;

	jp_decide_now(&fixture->core, &fixture->question, &decision);
	return decision.reason;
}

static void
take_last_use(struct jp_store *store, void *arg)
{
	struct fixture *fixture = arg;
	struct jp_record record;
	const struct jp_change change = { JP_CHANGE_REPLACE, &record };

	assert_int_equal(
	    jp_store_get(store, fixture->record.id, &record), JP_ERR_OK);
	record.uses_left = 0;
	assert_int_equal(jp_store_commit(store, &change, 1), JP_ERR_OK);
}

static void
a_use_that_another_host_has_taken_is_not_taken_again(void **state)
{
	struct fixture *fixture = *state;

	make_token(fixture);
	fixture->record.uses_max = fixture->record.uses_left = 2;
	put(fixture, JP_CHANGE_REPLACE);
	fixture->peers->conflicts = 2;
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	fixture->peers->conflicts = 1;
	fixture->peers->rival = take_last_use;
	assert_int_equal(decide_now(fixture), JP_REASON_USED_UP);
	reread(fixture);
	assert_int_equal(fixture->record.uses_left, 0);
	assert_int_equal(fixture->peers->settled, 0); /* the order is enough */
}

static void
a_use_that_is_always_too_late_is_no_yes(void **state)
{
	struct fixture *fixture = *state;

	make_token(fixture);
	fixture->record.uses_max = fixture->record.uses_left = 2;
	put(fixture, JP_CHANGE_REPLACE);
	fixture->peers->conflicts = UINT32_MAX;
	assert_int_equal(decide_now(fixture), JP_REASON_STORE);
	fixture->peers->conflicts = 0;
	reread(fixture);
	assert_int_equal(fixture->record.uses_left, 2);
}

static void
the_first_use_of_a_successor_holds_everywhere(void **state)
{
	struct fixture *fixture = *state;
	char old[JP_TOKEN_ID_LEN + 1];

	make_token(fixture);
	memcpy(old, fixture->record.id, sizeof(old));
	fixture->record.superseded_at = NOW;
	fixture->record.grace_until = NOW + 1000;
	put(fixture, JP_CHANGE_REPLACE);
	make_token(fixture);
	memcpy(fixture->record.ends, old, sizeof(old));
	put(fixture, JP_CHANGE_REPLACE);
	fixture->peers->conflicts = 2;
	fixture->peers->settling = assert_free;
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	assert_int_equal(fixture->peers->settled, 1);
	assert_int_equal(
	    jp_store_get(fixture->core.store, old, &fixture->record),
	    JP_ERR_OK);
	assert_int_equal(fixture->record.grace_until, NOW);
}

static void
a_family_is_revoked_however_often_it_takes(void **state)
{
	struct fixture *fixture = *state;

	make_token(fixture);
	fixture->core.policy.on_reuse = JP_REUSE_REVOKE_FAMILY;
	fixture->record.superseded_at = NOW - 10;
	fixture->record.grace_until = NOW - 5;
	put(fixture, JP_CHANGE_REPLACE);
	fixture->peers->conflicts = 3;
	assert_int_equal(decide_now(fixture), JP_REASON_SUPERSEDED);
	assert_int_equal(fixture->peers->conflicts, 0);
	reread(fixture);
	assert_int_equal(fixture->record.revoked_at, NOW);
	assert_int_equal(fixture->peers->settled, 0); /* a thief waits not */
}

/* ---- usage ---- */

static void
use(struct fixture *fixture, const char *rhost, int64_t at)
{
	struct jp_request request = fixture->question;

	strcpy(request.rhost, rhost);
	(void)jp_usage_note(
	    fixture->core.usage, fixture->record.id, &request, at);
}

static enum jp_err
flush(struct fixture *fixture)
{
	return jp_usage_flush(fixture->core.usage, &fixture->core);
}

static void
use_elsewhere(struct jp_store *store, void *arg)
{
	struct fixture *fixture = arg;
	struct jp_record record;
	const struct jp_change change = { JP_CHANGE_REPLACE, &record };

	assert_int_equal(
	    jp_store_get(store, fixture->record.id, &record), JP_ERR_OK);
	record.use_count += 10;
	record.last_used_at = NOW + 3;
	assert_int_equal(jp_store_commit(store, &change, 1), JP_ERR_OK);
}

static void
uses_of_all_hosts_add_up(void **state)
{
	struct fixture *fixture = *state;

	make_token(fixture);
	use(fixture, "192.0.2.1", NOW + 1);
	use(fixture, "192.0.2.1", NOW + 2);
	fixture->peers->conflicts = 2;
	fixture->peers->rival = use_elsewhere;
	assert_int_equal(flush(fixture), JP_ERR_OK);
	reread(fixture);
	assert_int_equal(fixture->record.use_count, 22);
	assert_int_equal(fixture->record.last_used_at, NOW + 3);
	assert_int_equal(fixture->peers->settled, 0);
	assert_int_equal(fixture->peers->loud, 0);
	assert_true(fixture->peers->quiet > 0);
}

static void
uses_are_kept_while_others_are_out_of_reach(void **state)
{
	struct fixture *fixture = *state;

	make_token(fixture);
	use(fixture, "192.0.2.1", NOW + 1);
	use(fixture, "192.0.2.2", NOW + 2);
	jp_store_mem_fail(fixture->core.store, 2, JP_ERR_UNREACHABLE, false);
	assert_int_equal(flush(fixture), JP_ERR_UNREACHABLE);
	use(fixture, "192.0.2.1", NOW + 3);
	use(fixture, "192.0.2.3", NOW - 7);
	fixture->peers->conflicts = UINT32_MAX;
	assert_int_equal(flush(fixture), JP_ERR_LOCKED);
	fixture->peers->conflicts = 0;
	assert_int_equal(flush(fixture), JP_ERR_OK);
	reread(fixture);
	assert_int_equal(fixture->record.use_count, 4);
	assert_int_equal(fixture->record.last_used_at, NOW + 3);
	assert_int_equal(fixture->record.use_len, 3);
	assert_string_equal(fixture->record.uses[0].rhost, "192.0.2.3");
	assert_string_equal(fixture->record.uses[1].rhost, "192.0.2.1");
	assert_string_equal(fixture->record.uses[2].rhost, "192.0.2.2");
	assert_int_equal(fixture->record.uses[1].since, JP_NEVER);
}

static void
a_denial_is_kept_while_others_are_out_of_reach(void **state)
{
	struct fixture *fixture = *state;

	make_token(fixture);
	(void)jp_usage_deny(fixture->core.usage, fixture->record.id,
	    JP_REASON_SERVICE, NOW - 1);
	jp_store_mem_fail(fixture->core.store, 2, JP_ERR_UNREACHABLE, false);
	assert_int_equal(flush(fixture), JP_ERR_UNREACHABLE);
	use(fixture, "192.0.2.1", NOW);
	assert_int_equal(flush(fixture), JP_ERR_OK);
	reread(fixture);
	assert_int_equal(fixture->record.denied_at, NOW - 1);
	assert_string_equal(fixture->record.denied_why, "service");
	assert_int_equal(fixture->record.use_count, 1);
}

/* It may have been written: rather too few than too many. */
static void
uses_of_a_commit_that_nobody_knows_of_do_not_count_twice(void **state)
{
	struct fixture *fixture = *state;

	make_token(fixture);
	use(fixture, "192.0.2.1", NOW);
	jp_store_mem_fail(fixture->core.store, 2, JP_ERR_TIMEOUT, false);
	assert_int_equal(flush(fixture), JP_ERR_TIMEOUT);
	assert_int_equal(flush(fixture), JP_ERR_OK);
	reread(fixture);
	assert_int_equal(fixture->record.use_count, 0);
}

#define TEST(test)                                                             \
	cmocka_unit_test_setup_teardown(test, set_up, core_help_tear_down)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_step_that_nobody_disturbs_runs_once),
		TEST(whoever_cannot_have_the_turn_in_time_changes_nothing),
		TEST(a_moment_that_is_past_is_no_bound_where_nobody_else_is),
		TEST(where_many_wait_others_do_not_join_them_for_long),
		TEST(a_step_that_was_too_late_runs_again_from_its_beginning),
		TEST(a_step_that_is_always_too_late_gives_up_with_a_reason),
		TEST(any_other_error_ends_it_at_once),
		TEST(waiting_for_others_says_for_whom),
		TEST(another_host_that_was_faster_changes_no_outcome),
		TEST(an_operation_says_for_whom_it_waited),
		TEST(a_revocation_of_what_is_revoked_waits_too),
		TEST(an_operation_that_does_not_hold_everywhere_is_not_done),
		TEST(what_another_host_has_done_is_not_undone),
		TEST(
		    what_is_not_handed_over_is_taken_back_however_often_it_takes),
		TEST(a_successor_that_is_taken_back_leaves_the_uses),
		TEST(a_use_that_another_host_has_taken_is_not_taken_again),
		TEST(a_use_that_is_always_too_late_is_no_yes),
		TEST(the_first_use_of_a_successor_holds_everywhere),
		TEST(a_family_is_revoked_however_often_it_takes),
		TEST(uses_of_all_hosts_add_up),
		TEST(uses_are_kept_while_others_are_out_of_reach),
		TEST(a_denial_is_kept_while_others_are_out_of_reach),
		TEST(uses_of_a_commit_that_nobody_knows_of_do_not_count_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
