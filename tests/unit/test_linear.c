/*
 * What was changed holds for every question that begins later, while others
 * ask without a pause: threads hammer one token, which the memo knows, over a
 * store of Berkeley DB; its record or the policy changes; no question that
 * begins after the change has returned is accepted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <sodium.h>
#include <stdatomic.h>

#include "common/decide/open.h"
#include "common/wire/client.h"
#include "common/decide/decide.h"
#include "common/record/token_make.h"
#include "tests/unit/store_help.h"

#define NOW INT64_C(1800000000)
#define USER "alice"

enum {
	HAMMERS = 3,
	ROUNDS = 10,
	QUESTIONS = 20, /* of each hammer, before and after a change */
	WAIT_MS = 60000,
};

struct hammer {
	struct fixture *fixture;
	pthread_t thread;
	atomic_ullong asked, accepted;
	atomic_llong last_ns; /* when the last accepted question began */
};

struct fixture {
	char dir[PATH_MAX];
	struct jp_core core;
	struct jp_policy policy; /* the one under which all is accepted */
	struct jp_record record; /* likewise */
	struct jp_request request;
	atomic_bool over;
	struct hammer hammers[HAMMERS];
};

static int64_t
fixture_now(void *arg)
{
	(void)arg;
	return NOW;
}

static void
commit(struct fixture *fixture, enum jp_change_kind kind,
    const struct jp_record *record)
{
	assert_int_equal(
	    commit_one(fixture->core.store, kind, record), JP_ERR_OK);
}

static void *
hammer(void *arg)
{
	struct hammer *self = arg;
	struct fixture *fixture = self->fixture;
	struct jp_decision decision;

	while (!atomic_load(&fixture->over)) {
		int64_t begin_ns = jp_now_ns();

		jp_decide_now(&fixture->core, &fixture->request, &decision);
		if (decision.verdict == JP_ACCEPT) {
			atomic_store(&self->last_ns, begin_ns);
			atomic_fetch_add(&self->accepted, 1);
		}
		atomic_fetch_add(&self->asked, 1);
	}
	return NULL;
}

/* Until each hammer has asked, or been accepted, some times more. */
static void
wait_for(struct fixture *fixture, bool accepted)
{
	const int64_t end_ms = jp_now_ms() + WAIT_MS;

	for (size_t i = 0; i < HAMMERS; i++) {
		struct hammer *one = &fixture->hammers[i];
		atomic_ullong *count = accepted ? &one->accepted : &one->asked;
		unsigned long long wanted = atomic_load(count) + QUESTIONS;

		while (atomic_load(count) < wanted) {
			assert_true(jp_now_ms() < end_ms);
			(void)sched_yield();
		}
	}
}

/* ---- what is changed, and changed back ---- */

static void
revoke_it(struct fixture *fixture)
{
	struct jp_record record = fixture->record;

	record.revoked_at = NOW;
	commit(fixture, JP_CHANGE_REPLACE, &record);
}

static void
expire(struct fixture *fixture)
{
	struct jp_record record = fixture->record;

	record.expires_at = NOW;
	commit(fixture, JP_CHANGE_REPLACE, &record);
}

static void
supersede(struct fixture *fixture)
{
	struct jp_record record = fixture->record;

	record.superseded_at = record.grace_until = NOW;
	commit(fixture, JP_CHANGE_REPLACE, &record);
}

static void
limit_services(struct fixture *fixture)
{
	struct jp_record record = fixture->record;

	record.service_len = 1;
	(void)strcpy(record.services[0], "other");
	commit(fixture, JP_CHANGE_REPLACE, &record);
}

static void
put_back(struct fixture *fixture)
{
	commit(fixture, JP_CHANGE_REPLACE, &fixture->record);
}

static void
remove_record(struct fixture *fixture)
{
	commit(fixture, JP_CHANGE_DELETE, &fixture->record);
}

static void
make_again(struct fixture *fixture)
{
	commit(fixture, JP_CHANGE_CREATE, &fixture->record);
}

/* The same id, another secret: what was proved is worth nothing. */
static void
make_another(struct fixture *fixture)
{
	struct jp_record record = fixture->record;
	struct jp_secret other;
	char id[JP_TOKEN_ID_LEN + 1];

	remove_record(fixture);
	jp_token_make("jpat", &other, id);
	record.has_fast_tag = false;
	assert_int_equal(
	    jp_hash_make(&other, &fixture->policy.cost, record.phc), JP_ERR_OK);
	commit(fixture, JP_CHANGE_CREATE, &record);
}

/* The same id and the same secret for another user. */
static void
make_for_bob(struct fixture *fixture)
{
	struct jp_record record = fixture->record;

	remove_record(fixture);
	(void)strcpy(record.user, "bob");
	commit(fixture, JP_CHANGE_CREATE, &record);
}

static void
make_back(struct fixture *fixture)
{
	remove_record(fixture);
	make_again(fixture);
}

static void
set_disabled(struct fixture *fixture, bool disabled)
{
	struct jp_user user;

	jp_user_default(&user, USER);
	user.disabled = disabled;
	user.changed_at = NOW;
	assert_int_equal(
	    jp_store_put_users(fixture->core.store, &user, 1), JP_ERR_OK);
}

static void
disable(struct fixture *fixture)
{
	set_disabled(fixture, true);
}

static void
enable(struct fixture *fixture)
{
	set_disabled(fixture, false);
}

static void
change_prefix(struct fixture *fixture)
{
	struct jp_policy policy = fixture->policy;

	(void)strcpy(policy.prefix, "other");
	jp_core_set_policy(&fixture->core, &policy);
}

static void
change_scope(struct fixture *fixture)
{
	struct jp_policy policy = fixture->policy;

	(void)strcpy(policy.rules[0].scope, "write");
	jp_core_set_policy(&fixture->core, &policy);
}

static void
policy_back(struct fixture *fixture)
{
	jp_core_set_policy(&fixture->core, &fixture->policy);
}

static const struct way {
	void (*go)(struct fixture *fixture);
	void (*back)(struct fixture *fixture);
} ways[] = {
	{ revoke_it, put_back },
	{ expire, put_back },
	{ supersede, put_back },
	{ limit_services, put_back },
	{ remove_record, make_again },
	{ make_another, make_back },
	{ make_for_bob, make_back },
	{ disable, enable },
	{ change_prefix, policy_back },
	{ change_scope, policy_back },
};

/* ---- the fixture ---- */

static void
make_record(struct fixture *fixture)
{
	struct jp_record *record = &fixture->record;

	jp_token_make("jpat", &fixture->request.token, record->id);
	(void)strcpy(record->user, USER);
	record->created_at = NOW - 1000;
	record->scope_len = 1;
	(void)strcpy(record->scopes[0], "read");
	assert_int_equal(jp_hash_make(&fixture->request.token,
	                     &fixture->policy.cost, record->phc),
	    JP_ERR_OK);
	commit(fixture, JP_CHANGE_CREATE, record);
	(void)strcpy(fixture->request.user, USER);
	(void)strcpy(fixture->request.service, "jira");
}

static void
make_policy(struct jp_policy *policy)
{
	struct jp_settings settings;

	jp_settings_default(&settings);
	*policy = settings.policy;
	policy->cost = (struct jp_cost){ 8, 1 };
	policy->rule_len = 1;
	(void)strcpy(policy->rules[0].glob, "jira");
	(void)strcpy(policy->rules[0].scope, "read");
}

static int
set_up(void **state)
{
	static const struct jp_pepper pepper = { { 1 } };
	const struct jp_clock clock = { fixture_now, NULL };
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct jp_store_options options;
	struct jp_store *store;
	struct jp_why why;

	assert_non_null(fixture);
	*state = fixture;
	scratch_make(fixture->dir);
	options = options_for(fixture->dir);
	make_policy(&fixture->policy);
	assert_int_equal(jp_store_bdb_create(&options, &why), JP_ERR_OK);
	assert_int_equal(jp_store_bdb_open(&options, &store, &why), JP_ERR_OK);
	assert_int_equal(jp_core_init(&fixture->core, store, &pepper,
	                     &fixture->policy, &clock),
	    JP_ERR_OK);
	assert_int_equal(
	    jp_memo_make(&fixture->core.memo, 64, &jp_steady_clock), JP_ERR_OK);
	assert_int_equal(
	    jp_memo_make(&fixture->core.wrong, 64, &jp_steady_clock),
	    JP_ERR_OK);
	make_record(fixture);
	for (size_t i = 0; i < HAMMERS; i++) {
		fixture->hammers[i].fixture = fixture;
		assert_int_equal(pthread_create(&fixture->hammers[i].thread,
		                     NULL, hammer, &fixture->hammers[i]),
		    0);
	}
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	atomic_store(&fixture->over, true);
	for (size_t i = 0; i < HAMMERS; i++)
		(void)pthread_join(fixture->hammers[i].thread, NULL);
	jp_core_close(&fixture->core);
	scratch_remove(fixture->dir);
	free(fixture);
	return 0;
}

/* ---- the tests ---- */

static void
no_question_that_begins_after_a_change_is_accepted(void **state)
{
	struct fixture *fixture = *state;

	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
			int64_t done_ns;

			wait_for(fixture, true);
			ways[i].go(fixture);
			done_ns = jp_now_ns();
			wait_for(fixture, false);
			for (size_t n = 0; n < HAMMERS; n++)
				assert_true(
				    atomic_load(&fixture->hammers[n].last_ns) <
				    done_ns);
			ways[i].back(fixture);
		}
}

/* What is back is accepted by the very next question. */
static void
no_question_that_begins_after_the_way_back_is_denied(void **state)
{
	struct fixture *fixture = *state;
	struct jp_decision decision;

	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
			ways[i].go(fixture);
			jp_decide_now(
			    &fixture->core, &fixture->request, &decision);
			assert_int_not_equal(decision.verdict, JP_ACCEPT);
			ways[i].back(fixture);
			jp_decide_now(
			    &fixture->core, &fixture->request, &decision);
			assert_int_equal(decision.verdict, JP_ACCEPT);
		}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_question_that_begins_after_a_change_is_accepted),
		TEST(no_question_that_begins_after_the_way_back_is_denied),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
