/*
 * Rotation: common/admin/rotate.c, common/decide/rotation.c and what the
 * decision makes of both, over the store in memory and a clock that is set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/audit/audit.h"
#include "common/decide/decide.h"
#include "common/decide/open.h"
#include "common/decide/rotation.h"
#include "tests/unit/core_help.h"
#include "tests/unit/store_mem.h"

#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)
#define HOUR INT64_C(3600)

struct fixture {
	char dir[CORE_HELP_DIR_MAX]; /* of the trail; "": there is none */
	struct jp_settings settings;
	struct jp_core core;
	int64_t now;
	struct jp_admin_request request;
	struct jp_why why;
	struct jp_secret old, next; /* token texts */
	struct jp_record old_record, next_record;
	enum jp_err emit_err;
	bool lost;     /* no commit is possible any more after that */
	size_t tokens; /* items of a kind, of the last operation */
};

static enum jp_err
take(void *arg, const struct jp_admin_item *item)
{
	struct fixture *fixture = arg;

	if (fixture->lost) /* reads work */
		jp_store_mem_fail(
		    fixture->core.store, 2, JP_ERR_UNREACHABLE, false);
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
	struct fixture *fixture = core_help_fixture(state, sizeof(*fixture));
	struct jp_settings *settings = &fixture->settings;
	struct jp_record *record;

	fixture->now = NOW;
	core_help_settings(settings);
	settings->policy.max_per_user = 1;
	core_help_open(&fixture->core, settings, &fixture->now);
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
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	jp_core_close(&fixture->core);
	if (fixture->dir[0] != '\0')
		core_help_remove_trail(fixture->dir);
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
	    jp_rotation_complete(&fixture->core, decision.id, INT64_MAX),
	    JP_ERR_OK);
	assert_int_equal(use(fixture, &fixture->old), JP_REASON_SUPERSEDED);
	jp_decide(&fixture->core, &request, &proof, &decision);
	assert_int_equal(decision.verdict, JP_ACCEPT);
	assert_int_equal(
	    jp_store_get(fixture->core.store, fixture->old_record.id, &old),
	    JP_ERR_OK);
	assert_int_equal(old.grace_until, NOW);
}

static void
a_first_use_by_a_wrong_clock_ends_the_old_one_for_good(void **state)
{
	struct fixture *fixture = *state;
	const int64_t jumps[] = { 1, HOUR, DAY, 29 * DAY, -1, -HOUR,
		-29 * DAY };

	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
		fixture = *state;
		rotated(fixture, DAY, false);
		fixture->now = NOW + jumps[i];
		assert_int_equal(
		    use(fixture, &fixture->next), JP_REASON_ACCEPTED);
		assert_int_equal(
		    use(fixture, &fixture->old), JP_REASON_SUPERSEDED);
		fixture->now = NOW;
		assert_int_equal(
		    use(fixture, &fixture->old), JP_REASON_SUPERSEDED);
	}
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
	assert_int_equal(fixture->why.refusal, JP_REFUSAL_ROTATED);
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

/* ---- what is told of it ---- */

/* From now on there is a trail, written at once. */
static void
open_trail(struct fixture *fixture)
{
	core_help_trail_dir(fixture->dir, &fixture->settings);
	core_help_make_trail(&fixture->core, &fixture->settings);
}

static void
fill_disk(struct fixture *fixture, bool full)
{
	jp_audit_file(fixture->core.audit)->write =
	    full ? core_help_full_disk : write;
}

/* How many lines of this file hold both texts. */
static size_t
lines_of(FILE *file, const char *one, const char *other)
{
	char line[1024];
	size_t count = 0;

	assert_non_null(file);
	rewind(file);
	while (fgets(line, sizeof(line), file) != NULL)
		count +=
		    strstr(line, one) != NULL && strstr(line, other) != NULL;
	(void)fclose(file);
	return count;
}

static size_t
told(struct fixture *fixture, const char *one, const char *other)
{
	return lines_of(fopen(fixture->settings.audit_file, "re"), one, other);
}

/* Takes a family down, and gets what was logged of that. */
static enum jp_err
revoke_family(struct fixture *fixture, FILE **logged)
{
	const char *id = fixture->old_record.id;
	FILE *file = tmpfile();
	int kept = dup(STDERR_FILENO);
	enum jp_err err;

	assert_non_null(file);
	assert_true(kept >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
	err = jp_rotation_revoke(&fixture->core, id, INT64_MAX);
	(void)dup2(kept, STDERR_FILENO);
	(void)close(kept);
	*logged = file;
	return err;
}

static void
the_trail_names_each_token_of_a_reused_family(void **state)
{
	static const char why[] = "a rotated token of its family was reused";
	struct fixture *fixture = *state;

	fixture->core.policy.on_reuse = JP_REUSE_REVOKE_FAMILY;
	rotated(fixture, 0, false);
	open_trail(fixture);
	assert_int_equal(use(fixture, &fixture->old), JP_REASON_SUPERSEDED);
	assert_int_equal(told(fixture, why, "\"revoke\""), 2);
	assert_int_equal(told(fixture, why, "\"alice\""), 2);
	assert_int_equal(told(fixture, why, "\"patd\""), 2);
	assert_int_equal(told(fixture, why, fixture->old_record.id), 1);
	assert_int_equal(told(fixture, why, fixture->next_record.id), 1);
	assert_int_equal(use(fixture, &fixture->old), JP_REASON_REVOKED);
	assert_int_equal(told(fixture, why, ""), 2);
}

/* More than are read at once, and as many as there is memory for at first. */
static void
a_family_of_any_size_goes_down_whole(void **state)
{
	static const size_t sizes[] = { 16, 33 };
	struct fixture *fixture = *state;
	struct jp_record record;
	FILE *logged;

	for (size_t i = 0; i < 2; i++) {
		char ids[33][JP_TOKEN_ID_LEN + 1];
		size_t len = 0;

		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
		fixture = *state;
		strcpy(ids[len++], fixture->old_record.id);
		while (len < sizes[i]) {
			rotated(fixture, 0, false);
			fixture->old_record = fixture->next_record;
			strcpy(ids[len++], fixture->old_record.id);
		}
		assert_int_equal(revoke_family(fixture, &logged), JP_ERR_OK);
		(void)fclose(logged);
		while (len-- > 0) {
			assert_int_equal(jp_store_get(fixture->core.store,
			                     ids[len], &record),
			    JP_ERR_OK);
			assert_int_equal(record.revoked_at, NOW);
			assert_string_equal(record.revoked_by, "patd");
		}
	}
}

static void
what_reuse_ends_is_logged_once(void **state)
{
	struct fixture *fixture = *state;
	FILE *logged;

	rotated(fixture, 0, false);
	jp_store_mem_fail(fixture->core.store, 1, JP_ERR_IO, false);
	assert_int_equal(revoke_family(fixture, &logged), JP_ERR_IO);
	assert_int_equal(lines_of(logged, "is not revoked: io", ""), 1);
	assert_int_equal(revoke_family(fixture, &logged), JP_ERR_OK);
	assert_int_equal(lines_of(logged, "is revoked, 2 tokens", ""), 1);
	assert_int_equal(revoke_family(fixture, &logged), JP_ERR_OK);
	assert_int_equal(lines_of(logged, "", ""), 0);
}

static void
what_could_not_be_taken_back_is_not_said_to_be(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store_info info;

	open_trail(fixture);
	fixture->emit_err = JP_ERR_PEER;
	fixture->lost = true;
	assert_int_equal(
	    rotate(fixture, fixture->old_record.id, 0, false), JP_ERR_PEER);
	assert_int_equal(jp_store_info(fixture->core.store, &info), JP_ERR_OK);
	assert_int_equal(info.records, 2);
	assert_int_equal(told(fixture, "take-back", ""), 0);
}

static void
a_first_use_is_told_or_ends_nothing(void **state)
{
	static const char why[] = "successor-used";
	struct fixture *fixture = *state;
	const char *next = fixture->next_record.id;

	rotated(fixture, DAY, false);
	open_trail(fixture);
	fill_disk(fixture, true);
	assert_int_not_equal(
	    jp_rotation_complete(&fixture->core, next, INT64_MAX), JP_ERR_OK);
	assert_int_equal(use(fixture, &fixture->old), JP_REASON_ACCEPTED);
	fill_disk(fixture, false);
	assert_int_equal(
	    jp_rotation_complete(&fixture->core, next, INT64_MAX), JP_ERR_OK);
	assert_int_equal(use(fixture, &fixture->old), JP_REASON_SUPERSEDED);
	assert_int_equal(told(fixture, why, fixture->old_record.id), 1);
	assert_int_equal(told(fixture, why, next), 1);
	assert_int_equal(told(fixture, why, "\"alice\""), 1);
	assert_int_equal(
	    jp_rotation_complete(&fixture->core, next, INT64_MAX), JP_ERR_OK);
	assert_int_equal(told(fixture, why, ""), 1);
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
		TEST(a_first_use_by_a_wrong_clock_ends_the_old_one_for_good),
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
		TEST(the_trail_names_each_token_of_a_reused_family),
		TEST(what_could_not_be_taken_back_is_not_said_to_be),
		TEST(a_family_of_any_size_goes_down_whole),
		TEST(what_reuse_ends_is_logged_once),
		TEST(a_first_use_is_told_or_ends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
