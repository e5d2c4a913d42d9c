/*
 * Rotation: common/admin/rotate.c, common/decide/rotation.c and what the
 * decision makes of both, over the store in memory and a clock that is set.
 */
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
#include "tests/unit/store_mem.h"

#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)

struct world {
	struct jp_core core;
	int64_t now;
	struct jp_admin_request request;
	struct jp_why why;
	struct jp_secret old, next; /* token texts */
	struct jp_record old_record, next_record;
	enum jp_err emit_err;
	size_t tokens; /* items of a kind, of the last operation */
};

static int64_t
world_now(void *arg)
{
	return ((const struct world *)arg)->now;
}

static enum jp_err
take(void *arg, const struct jp_admin_item *item)
{
	struct world *world = arg;

	if (world->emit_err != JP_ERR_OK)
		return world->emit_err;
	if (item->kind == JP_ITEM_TOKEN) {
		world->next = item->token;
		world->next_record = item->record;
		world->tokens++;
	} else {
		assert_int_equal(item->kind, JP_ITEM_RECORD);
		assert_int_equal(item->token.len, 0);
		world->old_record = item->record;
	}
	return JP_ERR_OK;
}

static enum jp_err
run(struct world *world, enum jp_admin_op op)
{
	world->request.op = op;
	world->tokens = 0;
	return jp_admin_execute(
	    &world->core, "root", &world->request, take, world, &world->why);
}

/* A token of alice that lives 30 days, `old`. */
static int
set_up(void **state)
{
	static const struct jp_pepper pepper = { { 1, 2, 3 } };
	struct world *world = calloc(1, sizeof(*world));
	struct jp_settings settings;
	struct jp_clock clock;
	struct jp_store *store;
	struct jp_record *record;

	assert_non_null(world);
	world->now = NOW;
	clock = (struct jp_clock){ world_now, world };
	jp_settings_default(&settings);
	settings.policy.cost = (struct jp_cost){ 8, 1 };
	settings.policy.max_per_user = 1;
	assert_int_equal(jp_store_mem_open(&store), JP_ERR_OK);
	assert_int_equal(jp_core_init(&world->core, store, &pepper,
	                     &settings.policy, &clock),
	    JP_ERR_OK);
	record = &world->request.record;
	strcpy(record->user, "alice");
	strcpy(record->name, "ci");
	record->scope_len = record->service_len = record->net_len = 1;
	strcpy(record->scopes[0], "read");
	strcpy(record->services[0], "jira-*");
	record->nets[0].prefix = 0;
	world->request.lifetime = JP_LIFETIME_UNTIL;
	world->request.expires_at = NOW + 30 * DAY;
	assert_int_equal(run(world, JP_ADMIN_CREATE), JP_ERR_OK);
	world->old = world->next;
	world->old_record = world->next_record;
	*state = world;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *world = *state;

	jp_core_close(&world->core);
	free(world);
	return 0;
}

static enum jp_err
rotate(struct world *world, const char *id, int64_t grace, bool keep)
{
	memset(&world->request, 0, sizeof(world->request));
	strcpy(world->request.record.id, id);
	world->request.grace = grace;
	world->request.keep_until_grace = keep;
	return run(world, JP_ADMIN_ROTATE);
}

static void
rotated(struct world *world, int64_t grace, bool keep)
{
	assert_int_equal(
	    rotate(world, world->old_record.id, grace, keep), JP_ERR_OK);
	assert_int_equal(world->tokens, 1);
}

/* A service that names the scope. */
static void
ask(struct world *world, const struct jp_secret *token,
    struct jp_request *request)
{
	struct jp_rule *rule = &world->core.policy.rules[0];

	world->core.policy.rule_len = 1;
	strcpy(rule->glob, "jira-*");
	strcpy(rule->scope, "read");
	memset(request, 0, sizeof(*request));
	strcpy(request->user, "alice");
	strcpy(request->service, "jira-x");
	strcpy(request->rhost, "192.0.2.7");
	request->token = *token;
}

static enum jp_reason
use(struct world *world, const struct jp_secret *token)
{
	struct jp_request request;
	struct jp_decision decision;

	ask(world, token, &request);
	jp_decide_now(&world->core, &request, &decision);
	assert_int_equal(decision.verdict, jp_reason_verdict(decision.reason));
	return decision.reason;
}

static uint64_t
commits(struct world *world)
{
	struct jp_store_info info;

	assert_int_equal(jp_store_info(world->core.store, &info), JP_ERR_OK);
	return info.commits;
}

static void
a_successor_has_the_rights_and_the_family_of_the_old_one(void **state)
{
	struct world *world = *state;
	uint64_t before = commits(world);
	const struct jp_record *next = &world->next_record;

	rotated(world, DAY, false);
	assert_int_equal(commits(world), before + 1);
	assert_string_equal(next->user, "alice");
	assert_string_equal(next->name, "ci");
	assert_string_equal(next->scopes[0], "read");
	assert_string_equal(next->services[0], "jira-*");
	assert_int_equal(next->net_len, 1);
	assert_string_equal(next->family, world->old_record.id);
	assert_string_not_equal(next->id, world->old_record.id);
	assert_int_equal(next->expires_at, NOW + 30 * DAY);
	assert_int_equal(world->old_record.superseded_at, NOW);
	assert_int_equal(world->old_record.grace_until, NOW + DAY);
}

static void
the_old_one_ends_with_its_grace(void **state)
{
	struct world *world = *state;

	rotated(world, DAY, false);
	world->now = NOW + DAY - 1;
	assert_int_equal(use(world, &world->old), JP_REASON_ACCEPTED);
	world->now = NOW + DAY;
	assert_int_equal(use(world, &world->old), JP_REASON_SUPERSEDED);
	assert_int_equal(use(world, &world->next), JP_REASON_ACCEPTED);
}

static void
a_grace_of_0_ends_the_old_one_at_once(void **state)
{
	struct world *world = *state;

	rotated(world, 0, false);
	assert_int_equal(use(world, &world->old), JP_REASON_SUPERSEDED);
	assert_int_equal(use(world, &world->next), JP_REASON_ACCEPTED);
}

static void
the_first_use_of_the_successor_ends_the_old_one_before_it_is_answered(
    void **state)
{
	struct world *world = *state;
	struct jp_request request;
	struct jp_decision decision;
	struct jp_proof proof;
	struct jp_record old;

	rotated(world, DAY, false);
	ask(world, &world->next, &request);
	jp_decide(&world->core, &request, NULL, &decision);
	assert_int_equal(decision.need, JP_NEED_PROOF);
	jp_prove(&world->core, decision.phc, &request.token, &proof);
	jp_decide(&world->core, &request, &proof, &decision);
	assert_int_equal(decision.need, JP_NEED_SETTLE);
	assert_int_not_equal(decision.verdict, JP_ACCEPT);
	assert_int_equal(use(world, &world->old), JP_REASON_ACCEPTED);
	assert_int_equal(
	    jp_rotation_settle(&world->core, decision.id), JP_ERR_OK);
	assert_int_equal(use(world, &world->old), JP_REASON_SUPERSEDED);
	jp_decide(&world->core, &request, &proof, &decision);
	assert_int_equal(decision.verdict, JP_ACCEPT);
	assert_int_equal(
	    jp_store_get(world->core.store, world->old_record.id, &old),
	    JP_ERR_OK);
	assert_int_equal(old.grace_until, NOW);
}

static void
a_first_use_is_written_once(void **state)
{
	struct world *world = *state;
	uint64_t before;

	rotated(world, DAY, false);
	before = commits(world);
	for (int i = 0; i < 3; i++)
		assert_int_equal(use(world, &world->next), JP_REASON_ACCEPTED);
	assert_int_equal(commits(world), before + 1);
}

static void
kept_until_its_grace_the_old_one_outlives_the_first_use(void **state)
{
	struct world *world = *state;
	uint64_t before;

	rotated(world, DAY, true);
	before = commits(world);
	assert_int_equal(use(world, &world->next), JP_REASON_ACCEPTED);
	assert_int_equal(commits(world), before);
	assert_int_equal(use(world, &world->old), JP_REASON_ACCEPTED);
	world->now = NOW + DAY;
	assert_int_equal(use(world, &world->old), JP_REASON_SUPERSEDED);
}

static void
a_denied_use_of_the_successor_ends_nothing(void **state)
{
	struct world *world = *state;
	struct jp_request request;
	struct jp_decision decision;

	rotated(world, DAY, false);
	ask(world, &world->next, &request);
	strcpy(request.service, "imap");
	jp_decide_now(&world->core, &request, &decision);
	assert_int_equal(decision.reason, JP_REASON_SERVICE);
	assert_int_equal(use(world, &world->old), JP_REASON_ACCEPTED);
}

static void
a_dry_decision_is_the_same_and_ends_nothing(void **state)
{
	struct world *world = *state;
	struct jp_request request;
	struct jp_decision decision;

	rotated(world, DAY, false);
	ask(world, &world->next, &request);
	jp_decide_dry(&world->core, &request, &decision);
	assert_int_equal(decision.reason, JP_REASON_ACCEPTED);
	assert_int_equal(decision.verdict, JP_ACCEPT);
	assert_string_equal(decision.user, "alice");
	assert_int_equal(use(world, &world->old), JP_REASON_ACCEPTED);
}

static void
what_cannot_be_written_is_not_accepted(void **state)
{
	struct world *world = *state;

	rotated(world, DAY, false);
	/* Two readings of the token, one of its user, the three of settling. */
	for (unsigned int nth = 4; nth <= 6; nth++) {
		jp_store_mem_fail(world->core.store, nth, JP_ERR_IO, false);
		assert_int_equal(use(world, &world->next), JP_REASON_STORE);
		assert_int_equal(use(world, &world->old), JP_REASON_ACCEPTED);
	}
	assert_int_equal(use(world, &world->next), JP_REASON_ACCEPTED);
}

static void
a_successor_of_a_token_that_is_gone_works(void **state)
{
	struct world *world = *state;
	struct jp_record old = { 0 };
	const struct jp_change change = { JP_CHANGE_DELETE, &old };

	rotated(world, DAY, false);
	strcpy(old.id, world->old_record.id);
	assert_int_equal(
	    jp_store_commit(world->core.store, &change, 1), JP_ERR_OK);
	assert_int_equal(use(world, &world->next), JP_REASON_ACCEPTED);
}

static void
only_a_live_token_that_was_not_rotated_is_rotated(void **state)
{
	struct world *world = *state;
	uint64_t before;

	rotated(world, DAY, false);
	before = commits(world);
	assert_int_equal(
	    rotate(world, world->old_record.id, DAY, false), JP_ERR_REFUSED);
	assert_non_null(strstr(world->why.text, "rotated already"));
	assert_int_equal(
	    rotate(world, "AAAAAAAA", DAY, false), JP_ERR_NOT_FOUND);
	world->now = NOW + 30 * DAY;
	assert_int_equal(
	    rotate(world, world->next_record.id, DAY, false), JP_ERR_REFUSED);
	assert_non_null(strstr(world->why.text, "expired"));
	assert_int_equal(commits(world), before);
}

static void
a_family_keeps_its_name_over_many_rotations(void **state)
{
	struct world *world = *state;
	char first[JP_TOKEN_ID_LEN + 1];

	strcpy(first, world->old_record.id);
	for (int i = 0; i < 5; i++) {
		rotated(world, DAY, false);
		assert_string_equal(world->next_record.family, first);
		world->old_record = world->next_record;
	}
}

static void
a_lifetime_is_the_old_ones_within_the_policy(void **state)
{
	struct world *world = *state;

	world->core.policy.max_lifetime = 7 * DAY;
	rotated(world, DAY, false);
	assert_int_equal(world->next_record.expires_at, NOW + 7 * DAY);
	memset(&world->request, 0, sizeof(world->request));
	strcpy(world->request.record.id, world->next_record.id);
	world->request.lifetime = JP_LIFETIME_UNTIL;
	world->request.expires_at = NOW + 8 * DAY;
	assert_int_equal(run(world, JP_ADMIN_ROTATE), JP_ERR_REFUSED);
	assert_non_null(strstr(world->why.text, "max_lifetime"));
}

static void
a_successor_that_could_not_be_handed_over_leaves_all_as_it_was(void **state)
{
	struct world *world = *state;
	struct jp_store_info info;

	world->emit_err = JP_ERR_UNREACHABLE;
	assert_int_equal(
	    rotate(world, world->old_record.id, 0, false), JP_ERR_UNREACHABLE);
	world->emit_err = JP_ERR_OK;
	assert_int_equal(jp_store_info(world->core.store, &info), JP_ERR_OK);
	assert_int_equal(info.records, 1);
	assert_int_equal(use(world, &world->old), JP_REASON_ACCEPTED);
	rotated(world, DAY, false);
}

static void
an_error_of_the_store_rotates_nothing(void **state)
{
	struct world *world = *state;

	for (unsigned int nth = 1; nth <= 3; nth++) {
		jp_store_mem_fail(world->core.store, nth, JP_ERR_IO, false);
		assert_int_equal(
		    rotate(world, world->old_record.id, 0, false), JP_ERR_IO);
		assert_int_equal(use(world, &world->old), JP_REASON_ACCEPTED);
	}
}

static void
by_policy_reuse_takes_the_family_down_in_one_commit(void **state)
{
	struct world *world = *state;
	struct jp_secret first = world->old, second;
	uint64_t before;

	world->core.policy.on_reuse = JP_REUSE_REVOKE_FAMILY;
	world->core.policy.max_per_user = 0;
	rotated(world, 0, false);
	world->old_record = world->next_record;
	second = world->next;
	rotated(world, DAY, false);
	assert_int_equal(use(world, &world->next), JP_REASON_ACCEPTED);
	before = commits(world);
	assert_int_equal(use(world, &first), JP_REASON_SUPERSEDED);
	assert_int_equal(commits(world), before + 1);
	assert_int_equal(use(world, &world->next), JP_REASON_REVOKED);
	assert_int_equal(use(world, &second), JP_REASON_REVOKED);
	assert_int_equal(use(world, &first), JP_REASON_REVOKED);
	assert_int_equal(commits(world), before + 1);
}

static void
reuse_takes_nobody_elses_tokens_down(void **state)
{
	struct world *world = *state;
	struct jp_secret other;

	world->core.policy.on_reuse = JP_REUSE_REVOKE_FAMILY;
	world->core.policy.max_per_user = 0;
	rotated(world, 0, false);
	memset(&world->request, 0, sizeof(world->request));
	strcpy(world->request.record.user, "alice");
	assert_int_equal(run(world, JP_ADMIN_CREATE), JP_ERR_OK);
	other = world->next;
	assert_int_equal(use(world, &world->old), JP_REASON_SUPERSEDED);
	assert_int_equal(use(world, &other), JP_REASON_ACCEPTED);
}

static void
reuse_is_denied_also_if_nothing_can_be_written(void **state)
{
	struct world *world = *state;

	world->core.policy.on_reuse = JP_REUSE_REVOKE_FAMILY;
	rotated(world, 0, false);
	for (unsigned int nth = 3; nth <= 6; nth++) {
		jp_store_mem_fail(world->core.store, nth, JP_ERR_IO, true);
		assert_int_equal(use(world, &world->old), JP_REASON_SUPERSEDED);
		jp_store_mem_fail(world->core.store, 0, JP_ERR_OK, false);
	}
}

static void
a_dry_decision_revokes_nothing(void **state)
{
	struct world *world = *state;
	struct jp_request request;
	struct jp_decision decision;
	uint64_t before;

	world->core.policy.on_reuse = JP_REUSE_REVOKE_FAMILY;
	rotated(world, 0, false);
	before = commits(world);
	ask(world, &world->old, &request);
	jp_decide_dry(&world->core, &request, &decision);
	assert_int_equal(decision.reason, JP_REASON_SUPERSEDED);
	assert_int_equal(commits(world), before);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_successor_has_the_rights_and_the_family_of_the_old_one),
		TEST(the_old_one_ends_with_its_grace),
		TEST(a_grace_of_0_ends_the_old_one_at_once),
		TEST(
		    the_first_use_of_the_successor_ends_the_old_one_before_it_is_answered),
		TEST(a_first_use_is_written_once),
		TEST(kept_until_its_grace_the_old_one_outlives_the_first_use),
		TEST(a_denied_use_of_the_successor_ends_nothing),
		TEST(a_dry_decision_is_the_same_and_ends_nothing),
		TEST(what_cannot_be_written_is_not_accepted),
		TEST(a_successor_of_a_token_that_is_gone_works),
		TEST(only_a_live_token_that_was_not_rotated_is_rotated),
		TEST(a_family_keeps_its_name_over_many_rotations),
		TEST(a_lifetime_is_the_old_ones_within_the_policy),
		TEST(
		    a_successor_that_could_not_be_handed_over_leaves_all_as_it_was),
		TEST(an_error_of_the_store_rotates_nothing),
		TEST(by_policy_reuse_takes_the_family_down_in_one_commit),
		TEST(reuse_takes_nobody_elses_tokens_down),
		TEST(reuse_is_denied_also_if_nothing_can_be_written),
		TEST(a_dry_decision_revokes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
