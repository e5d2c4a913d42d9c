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
	struct world *world;
	pthread_t thread;
	atomic_ullong asked, accepted;
	atomic_llong last_ns; /* when the last accepted question began */
};

struct world {
	char dir[PATH_MAX];
	struct jp_core core;
	struct jp_policy policy; /* the one under which all is accepted */
	struct jp_record record; /* likewise */
	struct jp_request request;
	atomic_bool over;
	struct hammer hammers[HAMMERS];
};

static int64_t
world_now(void *arg)
{
	(void)arg;
	return NOW;
}

static void
commit(struct world *world, enum jp_change_kind kind,
    const struct jp_record *record)
{
	assert_int_equal(
	    commit_one(world->core.store, kind, record), JP_ERR_OK);
}

static void *
hammer(void *arg)
{
	struct hammer *self = arg;
	struct world *world = self->world;
	struct jp_decision decision;

	while (!atomic_load(&world->over)) {
		int64_t begin_ns = jp_now_ns();

		jp_decide_now(&world->core, &world->request, &decision);
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
wait_for(struct world *world, bool accepted)
{
	const int64_t end_ms = jp_now_ms() + WAIT_MS;

	for (size_t i = 0; i < HAMMERS; i++) {
		struct hammer *one = &world->hammers[i];
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
revoke_it(struct world *world)
{
	struct jp_record record = world->record;

	record.revoked_at = NOW;
	commit(world, JP_CHANGE_REPLACE, &record);
}

static void
expire(struct world *world)
{
	struct jp_record record = world->record;

	record.expires_at = NOW;
	commit(world, JP_CHANGE_REPLACE, &record);
}

static void
supersede(struct world *world)
{
	struct jp_record record = world->record;

	record.superseded_at = record.grace_until = NOW;
	commit(world, JP_CHANGE_REPLACE, &record);
}

static void
limit_services(struct world *world)
{
	struct jp_record record = world->record;

	record.service_len = 1;
	(void)strcpy(record.services[0], "other");
	commit(world, JP_CHANGE_REPLACE, &record);
}

static void
put_back(struct world *world)
{
	commit(world, JP_CHANGE_REPLACE, &world->record);
}

static void
remove_record(struct world *world)
{
	commit(world, JP_CHANGE_DELETE, &world->record);
}

static void
make_again(struct world *world)
{
	commit(world, JP_CHANGE_CREATE, &world->record);
}

/* The same id, another secret: what was proved is worth nothing. */
static void
make_another(struct world *world)
{
	struct jp_record record = world->record;
	struct jp_secret other;
	char id[JP_TOKEN_ID_LEN + 1];

	remove_record(world);
	jp_token_make("jpat", &other, id);
	record.has_fast_tag = false;
	assert_int_equal(
	    jp_hash_make(&other, &world->policy.cost, record.phc), JP_ERR_OK);
	commit(world, JP_CHANGE_CREATE, &record);
}

/* The same id and the same secret for another user. */
static void
make_for_bob(struct world *world)
{
	struct jp_record record = world->record;

	remove_record(world);
	(void)strcpy(record.user, "bob");
	commit(world, JP_CHANGE_CREATE, &record);
}

static void
make_back(struct world *world)
{
	remove_record(world);
	make_again(world);
}

static void
set_disabled(struct world *world, bool disabled)
{
	struct jp_user user;

	jp_user_default(&user, USER);
	user.disabled = disabled;
	user.changed_at = NOW;
	assert_int_equal(
	    jp_store_put_users(world->core.store, &user, 1), JP_ERR_OK);
}

static void
disable(struct world *world)
{
	set_disabled(world, true);
}

static void
enable(struct world *world)
{
	set_disabled(world, false);
}

static void
change_prefix(struct world *world)
{
	struct jp_policy policy = world->policy;

	(void)strcpy(policy.prefix, "other");
	jp_core_set_policy(&world->core, &policy);
}

static void
change_scope(struct world *world)
{
	struct jp_policy policy = world->policy;

	(void)strcpy(policy.rules[0].scope, "write");
	jp_core_set_policy(&world->core, &policy);
}

static void
policy_back(struct world *world)
{
	jp_core_set_policy(&world->core, &world->policy);
}

static const struct way {
	void (*go)(struct world *world);
	void (*back)(struct world *world);
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

/* ---- the world ---- */

static void
make_record(struct world *world)
{
	struct jp_record *record = &world->record;

	jp_token_make("jpat", &world->request.token, record->id);
	(void)strcpy(record->user, USER);
	record->created_at = NOW - 1000;
	record->scope_len = 1;
	(void)strcpy(record->scopes[0], "read");
	assert_int_equal(jp_hash_make(&world->request.token,
	                     &world->policy.cost, record->phc),
	    JP_ERR_OK);
	commit(world, JP_CHANGE_CREATE, record);
	(void)strcpy(world->request.user, USER);
	(void)strcpy(world->request.service, "jira");
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
	const struct jp_clock clock = { world_now, NULL };
	struct world *world = calloc(1, sizeof(*world));
	struct jp_store_options options;
	struct jp_store *store;
	struct jp_why why;

	assert_non_null(world);
	*state = world;
	scratch_make(world->dir);
	options = options_for(world->dir);
	make_policy(&world->policy);
	assert_int_equal(jp_store_bdb_create(&options, &why), JP_ERR_OK);
	assert_int_equal(jp_store_bdb_open(&options, &store, &why), JP_ERR_OK);
	assert_int_equal(
	    jp_core_init(&world->core, store, &pepper, &world->policy, &clock),
	    JP_ERR_OK);
	assert_int_equal(
	    jp_memo_make(&world->core.memo, 64, &jp_steady_clock), JP_ERR_OK);
	assert_int_equal(
	    jp_memo_make(&world->core.wrong, 64, &jp_steady_clock), JP_ERR_OK);
	make_record(world);
	for (size_t i = 0; i < HAMMERS; i++) {
		world->hammers[i].world = world;
		assert_int_equal(pthread_create(&world->hammers[i].thread, NULL,
		                     hammer, &world->hammers[i]),
		    0);
	}
	return 0;
}

static int
tear_down(void **state)
{
	struct world *world = *state;

	atomic_store(&world->over, true);
	for (size_t i = 0; i < HAMMERS; i++)
		(void)pthread_join(world->hammers[i].thread, NULL);
	jp_core_close(&world->core);
	scratch_remove(world->dir);
	free(world);
	return 0;
}

/* ---- the tests ---- */

static void
no_question_that_begins_after_a_change_is_accepted(void **state)
{
	struct world *world = *state;

	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
			int64_t done_ns;

			wait_for(world, true);
			ways[i].go(world);
			done_ns = jp_now_ns();
			wait_for(world, false);
			for (size_t n = 0; n < HAMMERS; n++)
				assert_true(
				    atomic_load(&world->hammers[n].last_ns) <
				    done_ns);
			ways[i].back(world);
		}
}

/* What is back is accepted by the very next question. */
static void
no_question_that_begins_after_the_way_back_is_denied(void **state)
{
	struct world *world = *state;
	struct jp_decision decision;

	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
			ways[i].go(world);
			jp_decide_now(&world->core, &world->request, &decision);
			assert_int_not_equal(decision.verdict, JP_ACCEPT);
			ways[i].back(world);
			jp_decide_now(&world->core, &world->request, &decision);
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
