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
#include "tests/unit/core_help.h"
#include "tests/unit/store_mem.h"

#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)

struct fixture {
	struct jp_core core;
	int64_t now;
	struct jp_admin_request request;
	struct jp_why why;
	struct jp_secret old, next; /* token texts */
	struct jp_record old_record, next_record;
	enum jp_err emit_err;
	size_t tokens; /* items of a kind, of the last operation */
};

static enum jp_err
take(void *arg, const struct jp_admin_item *item)
{
	struct fixture *fixture = arg;

	if (fixture->emit_err != JP_ERR_OK)
		return fixture->emit_err;
	if (item->kind == JP_ITEM_TOKEN) {
		fixture->next = item->token;
		fixture->next_record = item->record;
		fixture->tokens++;
	} else {
		assert_int_equal(item->kind, JP_ITEM_RECORD);
		assert_int_equal(item->token.len, 0);
		fixture->old_record = item->record;
	}
	return JP_ERR_OK;
}

static enum jp_err
run(struct fixture *fixture, enum jp_admin_op op)
{
	fixture->request.op = op;
	fixture->tokens = 0;
	return jp_admin_execute(&fixture->core, "root", &fixture->request, take,
	    fixture, &fixture->why);
}

/* A token of alice that lives 30 days, `old`. */
static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct jp_settings settings;
	struct jp_record *record;

	assert_non_null(fixture);
	fixture->now = NOW;
	core_help_settings(&settings);
	settings.policy.max_per_user = 1;
	core_help_open(&fixture->core, &settings, &fixture->now);
	record = &fixture->request.record;
	strcpy(record->user, "alice");
	strcpy(record->name, "ci");
	record->scope_len = record->service_len = record->net_len = 1;
	strcpy(record->scopes[0], "read");
	strcpy(record->services[0], "jira-*");
	record->nets[0].prefix = 0;
	fixture->request.lifetime = JP_LIFETIME_UNTIL;
	fixture->request.expires_at = NOW + 30 * DAY;
	assert_int_equal(run(fixture, JP_ADMIN_CREATE), JP_ERR_OK);
	fixture->old = fixture->next;
	fixture->old_record = fixture->next_record;
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	jp_core_close(&fixture->core);
	free(fixture);
	return 0;
}

static enum jp_err
rotate(struct fixture *fixture, const char *id, int64_t grace, bool keep)
{
	memset(&fixture->request, 0, sizeof(fixture->request));
	strcpy(fixture->request.record.id, id);
	fixture->request.grace = grace;
	fixture->request.keep_until_grace = keep;
	return run(fixture, JP_ADMIN_ROTATE);
}

static void
rotated(struct fixture *fixture, int64_t grace, bool keep)
{
	assert_int_equal(
	    rotate(fixture, fixture->old_record.id, grace, keep), JP_ERR_OK);
	assert_int_equal(fixture->tokens, 1);
}

/* A service that names the scope. */
static void
ask(struct fixture *fixture, const struct jp_secret *token,
    struct jp_request *request)
{
	struct jp_rule *rule = &fixture->core.policy.rules[0];

	fixture->core.policy.rule_len = 1;
	strcpy(rule->glob, "jira-*");
	strcpy(rule->scope, "read");
	memset(request, 0, sizeof(*request));
	strcpy(request->user, "alice");
	strcpy(request->service, "jira-x");
	strcpy(request->rhost, "192.0.2.7");
	request->token = *token;
}

static enum jp_reason
use(struct fixture *fixture, const struct jp_secret *token)
{
	struct jp_request request;
	struct jp_decision decision;

	ask(fixture, token, &request);
	jp_decide_now(&fixture->core, &request, &decision);
	assert_int_equal(decision.verdict, jp_reason_verdict(decision.reason));
	return decision.reason;
}

static uint64_t
commits(struct fixture *fixture)
{
	struct jp_store_info info;

	assert_int_equal(jp_store_info(fixture->core.store, &info), JP_ERR_OK);
	return info.commits;
}

static void
a_successor_has_the_rights_and_the_family_of_the_old_one(void **state)
{
	struct fixture *fixture = *state;
	uint64_t before = commits(fixture);
	const struct jp_record *next = &fixture->next_record;

	rotated(fixture, DAY, false);
	assert_int_equal(commits(fixture), before + 1);
	assert_string_equal(next->user, "alice");
	assert_string_equal(next->name, "ci");
	assert_string_equal(next->scopes[0], "read");
	assert_string_equal(next->services[0], "jira-*");
	assert_int_equal(next->net_len, 1);
	assert_string_equal(next->family, fixture->old_record.id);
	assert_string_not_equal(next->id, fixture->old_record.id);
	assert_int_equal(next->expires_at, NOW + 30 * DAY);
	assert_int_equal(fixture->old_record.superseded_at, NOW);
	assert_int_equal(fixture->old_record.grace_until, NOW + DAY);
}

static void
the_old_one_ends_with_its_grace(void **state)
{
	struct fixture *fixture = *state;

	rotated(fixture, DAY, false);
	fixture->now = NOW + DAY - 1;
	assert_int_equal(use(fixture, &fixture->old), JP_REASON_ACCEPTED);
	fixture->now = NOW + DAY;
	assert_int_equal(use(fixture, &fixture->old), JP_REASON_SUPERSEDED);
	assert_int_equal(use(fixture, &fixture->next), JP_REASON_ACCEPTED);
}

static void
a_grace_of_0_ends_the_old_one_at_once(void **state)
{
	struct fixture *fixture = *state;

	rotated(fixture, 0, false);
	assert_int_equal(use(fixture, &fixture->old), JP_REASON_SUPERSEDED);
	assert_int_equal(use(fixture, &fixture->next), JP_REASON_ACCEPTED);
}

static void
the_first_use_of_the_successor_ends_the_old_one_before_it_is_answered(
    void **state)
{
	struct fixture *fixture = *state;
	struct jp_request request;
	struct jp_decision decision;
	struct jp_proof proof;
	struct jp_record old;

	rotated(fixture, DAY, false);
	ask(fixture, &fixture->next, &request);
	jp_decide(&fixture->core, &request, NULL, &decision);
	assert_int_equal(decision.need, JP_NEED_PROOF);
	jp_prove(&fixture->core, &decision, &request.token, &proof);
	jp_decide(&fixture->core, &request, &proof, &decision);
	assert_int_equal(decision.need, JP_NEED_COMPLETE);
	assert_int_not_equal(decision.verdict, JP_ACCEPT);
	assert_int_equal(use(fixture, &fixture->old), JP_REASON_ACCEPTED);
	assert_int_equal(
	    jp_rotation_complete(&fixture->core, decision.id), JP_ERR_OK);
	assert_int_equal(use(fixture, &fixture->old), JP_REASON_SUPERSEDED);
	jp_decide(&fixture->core, &request, &proof, &decision);
	assert_int_equal(decision.verdict, JP_ACCEPT);
	assert_int_equal(
	    jp_store_get(fixture->core.store, fixture->old_record.id, &old),
	    JP_ERR_OK);
	assert_int_equal(old.grace_until, NOW);
}

static void
a_first_use_is_written_once(void **state)
{
	struct fixture *fixture = *state;
	uint64_t before;

	rotated(fixture, DAY, false);
	before = commits(fixture);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
		    use(fixture, &fixture->next), JP_REASON_ACCEPTED);
	assert_int_equal(commits(fixture), before + 1);
}

static void
kept_until_its_grace_the_old_one_outlives_the_first_use(void **state)
{
	struct fixture *fixture = *state;
	uint64_t before;

	rotated(fixture, DAY, true);
	before = commits(fixture);
	assert_int_equal(use(fixture, &fixture->next), JP_REASON_ACCEPTED);
	assert_int_equal(commits(fixture), before);
	assert_int_equal(use(fixture, &fixture->old), JP_REASON_ACCEPTED);
	fixture->now = NOW + DAY;
	assert_int_equal(use(fixture, &fixture->old), JP_REASON_SUPERSEDED);
}

static void
a_denied_use_of_the_successor_ends_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct jp_request request;
	struct jp_decision decision;

	rotated(fixture, DAY, false);
	ask(fixture, &fixture->next, &request);
	strcpy(request.service, "imap");
	jp_decide_now(&fixture->core, &request, &decision);
	assert_int_equal(decision.reason, JP_REASON_SERVICE);
	assert_int_equal(use(fixture, &fixture->old), JP_REASON_ACCEPTED);
}

static void
a_dry_decision_is_the_same_and_ends_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct jp_request request;
	struct jp_decision decision;

	rotated(fixture, DAY, false);
	ask(fixture, &fixture->next, &request);
	jp_decide_dry(&fixture->core, &request, &decision);
	assert_int_equal(decision.reason, JP_REASON_ACCEPTED);
	assert_int_equal(decision.verdict, JP_ACCEPT);
	assert_string_equal(decision.user, "alice");
	assert_int_equal(use(fixture, &fixture->old), JP_REASON_ACCEPTED);
}

static void
what_cannot_be_written_is_not_accepted(void **state)
{
	struct fixture *fixture = *state;

	rotated(fixture, DAY, false);
	/* Two readings of the token, one of its user, the three of settling. */
	for (unsigned int nth = 4; nth <= 6; nth++) {
		jp_store_mem_fail(fixture->core.store, nth, JP_ERR_IO, false);
		assert_int_equal(use(fixture, &fixture->next), JP_REASON_STORE);
		assert_int_equal(
		    use(fixture, &fixture->old), JP_REASON_ACCEPTED);
	}
	assert_int_equal(use(fixture, &fixture->next), JP_REASON_ACCEPTED);
}

static void
a_successor_of_a_token_that_is_gone_works(void **state)
{
	struct fixture *fixture = *state;
	struct jp_record old = { 0 };
	const struct jp_change change = { JP_CHANGE_DELETE, &old };

	rotated(fixture, DAY, false);
	strcpy(old.id, fixture->old_record.id);
	assert_int_equal(
	    jp_store_commit(fixture->core.store, &change, 1), JP_ERR_OK);
	assert_int_equal(use(fixture, &fixture->next), JP_REASON_ACCEPTED);
}

static void
only_a_live_token_that_was_not_rotated_is_rotated(void **state)
{
	struct fixture *fixture = *state;
	uint64_t before;

	rotated(fixture, DAY, false);
	before = commits(fixture);
	assert_int_equal(rotate(fixture, fixture->old_record.id, DAY, false),
	    JP_ERR_REFUSED);
	assert_non_null(strstr(fixture->why.text, "rotated already"));
	assert_int_equal(
	    rotate(fixture, "AAAAAAAA", DAY, false), JP_ERR_NOT_FOUND);
	fixture->now = NOW + 30 * DAY;
	assert_int_equal(rotate(fixture, fixture->next_record.id, DAY, false),
	    JP_ERR_REFUSED);
	assert_non_null(strstr(fixture->why.text, "expired"));
	assert_int_equal(commits(fixture), before);
}

static void
a_family_keeps_its_name_over_many_rotations(void **state)
{
	struct fixture *fixture = *state;
	char first[JP_TOKEN_ID_LEN + 1];

	strcpy(first, fixture->old_record.id);
	for (int i = 0; i < 5; i++) {
		rotated(fixture, DAY, false);
		assert_string_equal(fixture->next_record.family, first);
		fixture->old_record = fixture->next_record;
	}
}

static void
a_lifetime_is_the_old_ones_within_the_policy(void **state)
{
	struct fixture *fixture = *state;

	fixture->core.policy.max_lifetime = 7 * DAY;
	rotated(fixture, DAY, false);
	assert_int_equal(fixture->next_record.expires_at, NOW + 7 * DAY);
	memset(&fixture->request, 0, sizeof(fixture->request));
	strcpy(fixture->request.record.id, fixture->next_record.id);
	fixture->request.lifetime = JP_LIFETIME_UNTIL;
	fixture->request.expires_at = NOW + 8 * DAY;
	assert_int_equal(run(fixture, JP_ADMIN_ROTATE), JP_ERR_REFUSED);
	assert_non_null(strstr(fixture->why.text, "max_lifetime"));
}

static void
a_successor_that_could_not_be_handed_over_leaves_all_as_it_was(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store_info info;

	fixture->emit_err = JP_ERR_UNREACHABLE;
	assert_int_equal(rotate(fixture, fixture->old_record.id, 0, false),
	    JP_ERR_UNREACHABLE);
	fixture->emit_err = JP_ERR_OK;
	assert_int_equal(jp_store_info(fixture->core.store, &info), JP_ERR_OK);
	assert_int_equal(info.records, 1);
	assert_int_equal(use(fixture, &fixture->old), JP_REASON_ACCEPTED);
	rotated(fixture, DAY, false);
}

static void
an_error_of_the_store_rotates_nothing(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int nth = 1; nth <= 3; nth++) {
		jp_store_mem_fail(fixture->core.store, nth, JP_ERR_IO, false);
		assert_int_equal(
		    rotate(fixture, fixture->old_record.id, 0, false),
		    JP_ERR_IO);
		assert_int_equal(
		    use(fixture, &fixture->old), JP_REASON_ACCEPTED);
	}
}

static void
by_policy_reuse_takes_the_family_down_in_one_commit(void **state)
{
	struct fixture *fixture = *state;
	struct jp_secret first = fixture->old, second;
	uint64_t before;

	fixture->core.policy.on_reuse = JP_REUSE_REVOKE_FAMILY;
	fixture->core.policy.max_per_user = 0;
	rotated(fixture, 0, false);
	fixture->old_record = fixture->next_record;
	second = fixture->next;
	rotated(fixture, DAY, false);
	assert_int_equal(use(fixture, &fixture->next), JP_REASON_ACCEPTED);
	before = commits(fixture);
	assert_int_equal(use(fixture, &first), JP_REASON_SUPERSEDED);
	assert_int_equal(commits(fixture), before + 1);
	assert_int_equal(use(fixture, &fixture->next), JP_REASON_REVOKED);
	assert_int_equal(use(fixture, &second), JP_REASON_REVOKED);
	assert_int_equal(use(fixture, &first), JP_REASON_REVOKED);
	assert_int_equal(commits(fixture), before + 1);
}

static void
reuse_takes_nobody_elses_tokens_down(void **state)
{
	struct fixture *fixture = *state;
	struct jp_secret other;

	fixture->core.policy.on_reuse = JP_REUSE_REVOKE_FAMILY;
	fixture->core.policy.max_per_user = 0;
	rotated(fixture, 0, false);
	memset(&fixture->request, 0, sizeof(fixture->request));
	strcpy(fixture->request.record.user, "alice");
	assert_int_equal(run(fixture, JP_ADMIN_CREATE), JP_ERR_OK);
	other = fixture->next;
	assert_int_equal(use(fixture, &fixture->old), JP_REASON_SUPERSEDED);
	assert_int_equal(use(fixture, &other), JP_REASON_ACCEPTED);
}

static void
reuse_is_denied_also_if_nothing_can_be_written(void **state)
{
	struct fixture *fixture = *state;

	fixture->core.policy.on_reuse = JP_REUSE_REVOKE_FAMILY;
	rotated(fixture, 0, false);
	for (unsigned int nth = 3; nth <= 6; nth++) {
		jp_store_mem_fail(fixture->core.store, nth, JP_ERR_IO, true);
		assert_int_equal(
		    use(fixture, &fixture->old), JP_REASON_SUPERSEDED);
		jp_store_mem_fail(fixture->core.store, 0, JP_ERR_OK, false);
	}
}

static void
a_dry_decision_revokes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct jp_request request;
	struct jp_decision decision;
	uint64_t before;

	fixture->core.policy.on_reuse = JP_REUSE_REVOKE_FAMILY;
	rotated(fixture, 0, false);
	before = commits(fixture);
	ask(fixture, &fixture->old, &request);
	jp_decide_dry(&fixture->core, &request, &decision);
	assert_int_equal(decision.reason, JP_REASON_SUPERSEDED);
	assert_int_equal(commits(fixture), before);
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
