/*
 * Tokens that may be used a limited number of times: common/decide/provide.c,
 * over the store in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "common/decide/decide.h"
#include "common/decide/open.h"
#include "common/record/token_make.h"
#include "tests/unit/core_help.h"
#include "tests/unit/store_mem.h"

enum {
	USES = 3,
	CROWD = 8,
	TIMES = 50,
};

/* A token of alice with three uses, and a question that is accepted. */
struct fixture {
	struct jp_core core;
	struct jp_record record;
	struct jp_request request;
};

static void
put(struct fixture *fixture, enum jp_change_kind kind)
{
	core_help_commit(&fixture->core, kind, &fixture->record);
}

static void
read_record(struct fixture *fixture)
{
	core_help_reread(&fixture->core, &fixture->record);
}

static int
set_up(void **state)
{
	struct fixture *fixture = core_help_fixture(state, sizeof(*fixture));
	struct jp_record *record;
	struct jp_settings settings;

	record = &fixture->record;
	core_help_settings(&settings);
	core_help_open(&fixture->core, &settings, NULL);
	assert_int_equal(
	    jp_memo_make(&fixture->core.memo, 64, &jp_steady_clock), JP_ERR_OK);
	jp_token_make("jpat", &fixture->request.token, record->id);
	strcpy(record->user, "alice");
	record->uses_max = USES;
	record->uses_left = USES;
	assert_int_equal(jp_hash_make(&fixture->request.token,
	                     &fixture->core.policy.cost, record->phc),
	    JP_ERR_OK);
	put(fixture, JP_CHANGE_CREATE);
	strcpy(fixture->request.user, "alice");
	strcpy(fixture->request.service, "jira");
	return 0;
}

static enum jp_reason
decide_now(struct fixture *fixture)
{
	struct jp_decision decision;

	jp_decide_now(&fixture->core, &fixture->request, &decision);
	assert_int_equal(decision.verdict, jp_reason_verdict(decision.reason));
	assert_int_equal(decision.need, JP_NEED_NOTHING);
	if (!jp_reason_rights(decision.reason))
		assert_string_equal(decision.user,
		    decision.verdict == JP_ACCEPT ? "alice" : "");
	return decision.reason;
}

static uint32_t
left(struct fixture *fixture)
{
	read_record(fixture);
	return fixture->record.uses_left;
}

static void
a_token_is_accepted_as_often_as_it_may_be_used(void **state)
{
	struct fixture *fixture = *state;

	for (uint32_t i = USES; i > 0; i--) {
		assert_int_equal(left(fixture), i);
		assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	}
	for (int i = 0; i < USES; i++) {
		assert_int_equal(left(fixture), 0);
		assert_int_equal(decide_now(fixture), JP_REASON_USED_UP);
	}
	assert_int_equal(fixture->record.uses_max, USES);
}

/* The loop of patd has only this: whoever forgets the need accepts nothing. */
static void
a_decision_that_does_not_write_does_not_accept_it(void **state)
{
	struct fixture *fixture = *state;
	struct jp_decision decision;

	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	for (int i = 0; i < TIMES; i++) {
		jp_decide(&fixture->core, &fixture->request, NULL, &decision);
		assert_int_equal(decision.verdict, JP_DENY);
		assert_int_equal(decision.reason, JP_REASON_NONE);
		assert_int_equal(decision.need, JP_NEED_USE);
	}
	assert_int_equal(left(fixture), USES - 1);
}

static void
a_test_takes_no_use(void **state)
{
	struct fixture *fixture = *state;
	struct jp_decision decision;

	for (int i = 0; i < TIMES; i++) {
		jp_decide_dry(&fixture->core, &fixture->request, &decision);
		assert_int_equal(decision.reason, JP_REASON_ACCEPTED);
		assert_int_equal(decision.verdict, JP_ACCEPT);
	}
	assert_int_equal(left(fixture), USES);
	for (int i = 0; i < USES; i++)
		assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	jp_decide_dry(&fixture->core, &fixture->request, &decision);
	assert_int_equal(decision.reason, JP_REASON_USED_UP);
}

static void
a_token_that_manages_itself_takes_no_use(void **state)
{
	struct fixture *fixture = *state;

	fixture->request.access = JP_ACCESS_SELF;
	for (int i = 0; i < TIMES; i++)
		assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	assert_int_equal(left(fixture), USES);
	fixture->request.access = JP_ACCESS_READ;
	for (int i = 0; i < USES; i++)
		assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	fixture->request.access = JP_ACCESS_SELF;
	assert_int_equal(decide_now(fixture), JP_REASON_USED_UP);
}

static void
a_denial_takes_no_use(void **state)
{
	struct fixture *fixture = *state;

	strcpy(fixture->record.services[0], "jira");
	fixture->record.service_len = 1;
	put(fixture, JP_CHANGE_REPLACE);
	strcpy(fixture->request.service, "imap");
	assert_int_equal(decide_now(fixture), JP_REASON_SERVICE);
	strcpy(fixture->request.service, "jira");
	strcpy(fixture->request.user, "bob");
	assert_int_equal(decide_now(fixture), JP_REASON_USER);
	assert_int_equal(left(fixture), USES);
}

static void
a_token_without_a_limit_writes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store_info before, after;

	fixture->record.uses_max = 0; /* and then uses_left says nothing */
	put(fixture, JP_CHANGE_REPLACE);
	assert_int_equal(
	    jp_store_info(fixture->core.store, &before), JP_ERR_OK);
	for (int i = 0; i < TIMES; i++)
		assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	assert_int_equal(jp_store_info(fixture->core.store, &after), JP_ERR_OK);
	assert_int_equal(after.commits, before.commits);
}

/* The first use of a successor ends the old one, and is one. */
static void
the_first_use_of_a_successor_takes_a_use_too(void **state)
{
	struct fixture *fixture = *state;

	memset(fixture->record.ends, 'x', JP_TOKEN_ID_LEN); /* gone */
	put(fixture, JP_CHANGE_REPLACE);
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	assert_int_equal(left(fixture), USES - 1);
	assert_string_equal(fixture->record.ends, "");
}

/* Each call of the store in turn: the answer is never yes for nothing. */
static void
what_cannot_be_written_is_not_accepted(void **state)
{
	struct fixture *fixture = *state;
	unsigned int calls = jp_store_mem_calls(fixture->core.store);
	unsigned int nth;

	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	calls = jp_store_mem_calls(fixture->core.store) - calls;
	for (nth = 1; nth <= calls; nth++) {
		enum jp_reason reason;

		fixture->record.uses_left = USES;
		put(fixture, JP_CHANGE_REPLACE);
		jp_memo_flush(fixture->core.memo);
		jp_store_mem_fail(
		    fixture->core.store, nth, JP_ERR_DISK_FULL, false);
		reason = decide_now(fixture);
		jp_store_mem_fail(fixture->core.store, 0, JP_ERR_OK, false);
		assert_int_equal(reason, JP_REASON_STORE);
		assert_int_equal(left(fixture), USES);
	}
	assert_true(
	    nth > 5); /* text, text and user, the same, record, commit */
}

/* Between the first decision and the writing. */
static void
a_revocation_before_the_writing_holds(void **state)
{
	struct fixture *fixture = *state;
	struct jp_decision decision;

	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	jp_decide(&fixture->core, &fixture->request, NULL, &decision);
	assert_int_equal(decision.need, JP_NEED_USE);
	read_record(fixture);
	fixture->record.revoked_at = 1;
	put(fixture, JP_CHANGE_REPLACE);
	jp_decide_using(
	    &fixture->core, &fixture->request, NULL, INT64_MAX, &decision);
	assert_int_equal(decision.reason, JP_REASON_REVOKED);
	assert_int_equal(decision.verdict, JP_DENY);
	assert_int_equal(left(fixture), USES - 1);
}

static void
without_a_proof_no_use_is_taken(void **state)
{
	struct fixture *fixture = *state;
	struct jp_decision decision;

	jp_decide_using(
	    &fixture->core, &fixture->request, NULL, INT64_MAX, &decision);
	assert_int_equal(decision.need, JP_NEED_PROOF);
	assert_int_equal(decision.verdict, JP_DENY);
	assert_int_equal(left(fixture), USES);
}

/* ---- many at once ---- */

/* In front of the store: what is called while others may write, and not. */
static struct watch {
	struct jp_store store;
	struct jp_store *behind;
	struct jp_core *core;
	unsigned int gets[2], commits[2]; /* [1]: under the write lock */
} watch;

static bool
is_locked(void)
{
	return watch.core->writers.taken;
}

static enum jp_err
watch_get(
    struct jp_store *store, const char *id, struct jp_record *record, bool wait)
{
	(void)store;
	(void)wait;
	watch.gets[is_locked()]++;
	return jp_store_get(watch.behind, id, record);
}

static enum jp_err
watch_commit(
    struct jp_store *store, const struct jp_change *changes, size_t count)
{
	(void)store;
	watch.commits[is_locked()]++;
	return jp_store_commit(watch.behind, changes, count);
}

static enum jp_err
watch_user(
    struct jp_store *store, const char *name, struct jp_user *user, bool wait)
{
	(void)store;
	(void)wait;
	return jp_store_user(watch.behind, name, user);
}

/* Read, decided and written: nobody comes between. */
static void
a_use_is_decided_and_written_under_the_write_lock(void **state)
{
	static const struct jp_store_ops ops = {
		.get = watch_get, .user_get = watch_user, .commit = watch_commit
	};
	struct fixture *fixture = *state;
	enum jp_reason reason;

	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	watch = (struct watch){ .store.ops = &ops,
		.behind = fixture->core.store,
		.core = &fixture->core };
	fixture->core.store = &watch.store;
	reason = decide_now(fixture);
	fixture->core.store = watch.behind;
	assert_int_equal(reason, JP_REASON_ACCEPTED);
	assert_int_equal(watch.gets[false], 1);
	assert_int_equal(watch.gets[true], 2);
	assert_int_equal(watch.commits[false], 0);
	assert_int_equal(watch.commits[true], 1);
	assert_false(is_locked());
}

static void *
ask_often(void *arg)
{
	struct fixture *fixture = arg;
	struct jp_decision decision;
	uintptr_t accepted = 0;

	for (int i = 0; i < TIMES; i++) {
		jp_decide_now(&fixture->core, &fixture->request, &decision);
		accepted += decision.verdict == JP_ACCEPT;
	}
	return (void *)accepted;
}

static void
no_two_threads_get_the_same_use(void **state)
{
	struct fixture *fixture = *state;
	pthread_t threads[CROWD];
	uintptr_t accepted = 0;

	fixture->record.uses_left = CROWD * TIMES / 2;
	fixture->record.uses_max = CROWD * TIMES / 2;
	put(fixture, JP_CHANGE_REPLACE);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, ask_often, fixture), 0);
	for (int i = 0; i < CROWD; i++) {
		void *count;

		assert_int_equal(pthread_join(threads[i], &count), 0);
		accepted += (uintptr_t)count;
	}
	assert_int_equal(accepted, CROWD * TIMES / 2);
	assert_int_equal(left(fixture), 0);
}

#define TEST(test)                                                             \
	cmocka_unit_test_setup_teardown(test, set_up, core_help_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_token_is_accepted_as_often_as_it_may_be_used),
		TEST(a_decision_that_does_not_write_does_not_accept_it),
		TEST(a_test_takes_no_use),
		TEST(a_token_that_manages_itself_takes_no_use),
		TEST(a_denial_takes_no_use),
		TEST(a_token_without_a_limit_writes_nothing),
		TEST(the_first_use_of_a_successor_takes_a_use_too),
		TEST(what_cannot_be_written_is_not_accepted),
		TEST(a_revocation_before_the_writing_holds),
		TEST(without_a_proof_no_use_is_taken),
		TEST(a_use_is_decided_and_written_under_the_write_lock),
		TEST(no_two_threads_get_the_same_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
