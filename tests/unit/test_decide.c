/*
 * The decision: common/decide/decide.c, over the store in memory and a clock
 * that is set. Each reason has a way to bring it about; the ways are then
 * combined.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/admin/batch.h"
#include "common/decide/decide.h"
#include "common/decide/open.h"
#include "tests/unit/core_help.h"
#include "tests/unit/pins.h"
#include "tests/unit/store_mem.h"
#include "common/record/token_make.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW INT64_C(1800000000)

enum {
	FORGED = 10000,
	KNOWN = 1000,
};

/* A stored token of alice, and a request with it that is accepted. */
struct fixture {
	struct jp_core core;
	int64_t now;
	struct jp_record record;
	struct jp_request request;
};

static void
store_record(struct fixture *fixture, enum jp_change_kind kind)
{
	core_help_commit(&fixture->core, kind, &fixture->record);
}

static void
tag_record(struct fixture *fixture, const struct jp_secret *text)
{
	struct jp_token token;

	assert_int_equal(
	    jp_token_parse(text->text, text->len, &token), JP_ERR_OK);
	jp_pepper_fast_tag(&fixture->core.pepper, token.id, token.secret,
	    fixture->record.fast_tag);
	fixture->record.has_fast_tag = true;
}

/* A token that holds all rights, limited so that each can be missed. */
static void
make_record(struct fixture *fixture)
{
	struct jp_record *record = &fixture->record;
	struct jp_why why;

	jp_token_make("jpat", &fixture->request.token, record->id);
	strcpy(record->user, "alice");
	record->created_at = NOW - 1000;
	record->expires_at = NOW + 1000;
	record->superseded_at = NOW - 10;
	record->grace_until = NOW + 10;
	record->service_len = 2;
	strcpy(record->services[0], "imap");
	strcpy(record->services[1], "jira-*");
	record->scope_len = 2;
	strcpy(record->scopes[0], "admin");
	strcpy(record->scopes[1], "read");
	record->net_len = 2;
	assert_int_equal(
	    jp_net_parse("2001:db8::/32", &record->nets[0], &why), JP_ERR_OK);
	assert_int_equal(
	    jp_net_parse("192.0.2.0/24", &record->nets[1], &why), JP_ERR_OK);
	assert_int_equal(jp_hash_make(&fixture->request.token,
	                     &fixture->core.policy.cost, record->phc),
	    JP_ERR_OK);
	tag_record(fixture, &fixture->request.token);
}

static void
set_alice(struct fixture *fixture, bool disabled)
{
	struct jp_user user;
	struct jp_why why;

	jp_user_default(&user, "alice");
	user.disabled = disabled;
	assert_int_equal(
	    jp_user_add_group(&user, "developers", &why), JP_ERR_OK);
	assert_int_equal(
	    jp_store_put_users(fixture->core.store, &user, 1), JP_ERR_OK);
}

static int
set_up(void **state)
{
	struct fixture *fixture = core_help_fixture(state, sizeof(*fixture));
	struct jp_settings settings;

	fixture->now = NOW;
	core_help_settings(&settings);
	settings.policy.rule_len = 2;
	strcpy(settings.policy.rules[0].glob, "jira-*");
	strcpy(settings.policy.rules[0].scope, "read");
	strcpy(settings.policy.rules[0].groups, "dev\nJira Admins\ndevelopers");
	strcpy(settings.policy.rules[1].glob, "imap");
	core_help_open(&fixture->core, &settings, &fixture->now);
	make_record(fixture);
	store_record(fixture, JP_CHANGE_CREATE);
	set_alice(fixture, false);
	fixture->request.front = JP_FRONT_PAM;
	strcpy(fixture->request.user, "alice");
	strcpy(fixture->request.service, "jira-read");
	strcpy(fixture->request.rhost, "192.0.2.7");
	return 0;
}

static unsigned long long
runs(struct fixture *fixture)
{
	return atomic_load(&fixture->core.argon2_runs);
}

static enum jp_reason
decide_now(struct fixture *fixture)
{
	struct jp_decision decision;

	jp_decide_now(&fixture->core, &fixture->request, &decision);
	assert_int_equal(decision.verdict, jp_reason_verdict(decision.reason));
	assert_string_equal(decision.user,
	    decision.verdict == JP_ACCEPT || jp_reason_rights(decision.reason)
	        ? fixture->record.user
	        : "");
	return decision.reason;
}

/* A well-made token of the same id with another secret. */
static void
forge_secret(struct fixture *fixture)
{
	struct jp_secret *text = &fixture->request.token;
	char secret[JP_TOKEN_SECRET_LEN], id[JP_TOKEN_ID_LEN];
	struct jp_token token;

	(void)jp_token_parse(text->text, text->len, &token);
	memcpy(id, token.id, sizeof(id));
	memcpy(secret, token.secret, sizeof(secret));
	secret[3] = secret[3] == 'x' ? 'y' : 'x';
	jp_token_format(text, "jpat", id, secret);
}

/* ---- the ways to each reason, in the order of the decision ---- */

static void
break_shape(struct fixture *fixture)
{
	fixture->request.token.text[4] = '-';
}

static void
break_crc(struct fixture *fixture)
{
	char *last = &fixture->request.token.text[49];

	*last = *last == '0' ? '1' : '0';
}

/* The store knows the token under another id. */
static void
break_id(struct fixture *fixture)
{
	store_record(fixture, JP_CHANGE_DELETE);
	fixture->record.id[0] = fixture->record.id[0] == 'x' ? 'y' : 'x';
	store_record(fixture, JP_CHANGE_CREATE);
}

static void
break_fast_tag(struct fixture *fixture)
{
	fixture->record.has_fast_tag = true;
	fixture->record.fast_tag[0] ^= 1;
}

static void
break_secret(struct fixture *fixture)
{
	struct jp_secret other = { .len = 1, .text = "x" };

	assert_int_equal(jp_hash_make(&other, &fixture->core.policy.cost,
	                     fixture->record.phc),
	    JP_ERR_OK);
}

static void
break_user(struct fixture *fixture)
{
	strcpy(fixture->request.user, "Alice");
}

static void
break_revoked(struct fixture *fixture)
{
	fixture->record.revoked_at = NOW - 5;
}

static void
break_superseded(struct fixture *fixture)
{
	fixture->record.grace_until = NOW;
}

static void
break_expired(struct fixture *fixture)
{
	fixture->record.expires_at = NOW;
}

static void
break_uses(struct fixture *fixture)
{
	fixture->record.uses_max = 3;
	fixture->record.uses_left = 0;
}

static void
break_enabled(struct fixture *fixture)
{
	fixture->record.disabled_at = NOW - 5;
}

/* A new token directly above the stored one, and below what was above it. */
static void
put_above(struct fixture *fixture, struct jp_record *above)
{
	const struct jp_change change = { JP_CHANGE_CREATE, above };
	struct jp_secret unused;

	jp_token_make("jpat", &unused, above->id);
	memcpy(above->user, fixture->record.user, sizeof(above->user));
	memcpy(above->parent, fixture->record.parent, sizeof(above->parent));
	memcpy(fixture->record.parent, above->id, sizeof(above->id));
	assert_int_equal(
	    jp_store_commit(fixture->core.store, &change, 1), JP_ERR_OK);
}

static void
break_parent(struct fixture *fixture)
{
	struct jp_record dead = { .revoked_at = NOW - 5 };

	put_above(fixture, &dead);
}

static void
pause_parent(struct fixture *fixture)
{
	struct jp_record paused = { .disabled_at = NOW - 5 };

	put_above(fixture, &paused);
}

static void
break_unused(struct fixture *fixture)
{
	fixture->core.policy.unused_limit =
	    NOW - fixture->record.created_at - 1;
}

static void
break_active(struct fixture *fixture)
{
	set_alice(fixture, true);
}

/* imap and jira-* are what the token serves. */
static void
break_service(struct fixture *fixture)
{
	strcpy(fixture->record.services[1], "jira");
}

static void
break_scope(struct fixture *fixture)
{
	strcpy(fixture->record.scopes[1], "write");
}

static void
break_address(struct fixture *fixture)
{
	strcpy(fixture->request.rhost, "192.0.3.7");
}

/* A group with the same beginning is another. */
static void
break_group(struct fixture *fixture)
{
	strcpy(fixture->core.policy.rules[0].groups, "dev\ndeveloper\nops");
}

static void
break_upstream(struct fixture *fixture)
{
	fixture->core.policy.rules[0].upstream = JP_UPSTREAM_USE_REQUIRED;
}

static const struct way {
	void (*go)(struct fixture *fixture);
	enum jp_reason reason;
} ways[] = {
	{ break_shape, JP_REASON_SHAPE },
	{ break_crc, JP_REASON_CRC },
	{ break_id, JP_REASON_UNKNOWN_ID },
	{ break_fast_tag, JP_REASON_FAST_TAG },
	{ break_secret, JP_REASON_SECRET },
	{ break_user, JP_REASON_USER },
	{ break_revoked, JP_REASON_REVOKED },
	{ break_superseded, JP_REASON_SUPERSEDED },
	{ break_expired, JP_REASON_EXPIRED },
	{ break_uses, JP_REASON_USED_UP },
	{ break_parent, JP_REASON_PARENT },
	{ break_enabled, JP_REASON_DISABLED },
	{ break_unused, JP_REASON_UNUSED },
	{ break_active, JP_REASON_USER_DISABLED },
	{ pause_parent, JP_REASON_PARENT },
	{ break_service, JP_REASON_SERVICE },
	{ break_scope, JP_REASON_SCOPE },
	{ break_address, JP_REASON_ADDRESS },
	{ break_group, JP_REASON_GROUP },
	{ break_upstream, JP_REASON_UPSTREAM },
};

static enum jp_reason
broken(const struct way *first, const struct way *second)
{
	enum jp_reason reason;
	struct fixture *fixture;
	void *state;

	(void)set_up(&state);
	fixture = state;
	first->go(fixture);
	if (second != first)
		second->go(fixture);
	store_record(fixture, JP_CHANGE_REPLACE);
	reason = decide_now(fixture);
	(void)core_help_tear_down(&state);
	return reason;
}

static void
a_good_token_is_accepted(void **state)
{
	assert_int_equal(decide_now(*state), JP_REASON_ACCEPTED);
	assert_int_equal(runs(*state), 1);
}

static void
each_reason_has_a_way_to_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ways); i++)
		assert_int_equal(broken(&ways[i], &ways[i]), ways[i].reason);
}

/* Nothing shows before the proof, nor of a token that is not his or is dead. */
static void
a_denial_names_the_user_if_just_a_right_is_missing(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		bool rights =
		    ways[i].go == break_service || ways[i].go == break_scope ||
		    ways[i].go == break_address || ways[i].go == break_group ||
		    ways[i].go == break_upstream;
		struct jp_decision decision;
		struct fixture *fixture;
		void *state;

		(void)set_up(&state);
		fixture = state;
		ways[i].go(fixture);
		store_record(fixture, JP_CHANGE_REPLACE);
		jp_decide_now(&fixture->core, &fixture->request, &decision);
		assert_int_equal(jp_reason_rights(decision.reason), rights);
		assert_int_equal(jp_reason_denial(decision.reason),
		    rights ? JP_DENIAL_RIGHTS : JP_DENIAL_CREDENTIALS);
		assert_int_equal(decision.expires, JP_NEVER);
		assert_string_equal(
		    decision.user, rights ? fixture->request.user : "");
		(void)core_help_tear_down(&state);
	}
	assert_false(jp_reason_rights(JP_REASON_STORE));
	assert_false(jp_reason_rights(JP_REASON_ACCEPTED));
	assert_false(jp_reason_rights(JP_REASON_NONE));
	assert_int_equal(
	    jp_reason_denial(JP_REASON_THROTTLED), JP_DENIAL_CREDENTIALS);
	assert_int_equal(
	    jp_reason_denial(JP_REASON_NONE), JP_DENIAL_CREDENTIALS);
}

static void
the_first_of_two_reasons_is_given(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ways); i++)
		for (size_t n = i + 1; n < COUNT_OF(ways); n++)
			assert_int_equal(
			    broken(&ways[i], &ways[n]), ways[i].reason);
}

static void
an_accepted_decision_names_the_user_of_the_token(void **state)
{
	struct fixture *fixture = *state;
	struct jp_decision decision;

	fixture->request.user[0] = '\0';
	jp_decide_now(&fixture->core, &fixture->request, &decision);
	assert_int_equal(decision.verdict, JP_ACCEPT);
	assert_string_equal(decision.user, "alice");
	assert_string_equal(decision.id, fixture->record.id);
}

static void
an_empty_user_does_not_help_a_wrong_token(void **state)
{
	struct fixture *fixture = *state;

	fixture->request.user[0] = '\0';
	forge_secret(fixture);
	assert_int_equal(decide_now(fixture), JP_REASON_FAST_TAG);
	fixture->record.has_fast_tag = false;
	store_record(fixture, JP_CHANGE_REPLACE);
	assert_int_equal(decide_now(fixture), JP_REASON_SECRET);
}

static void
users_are_compared_byte_for_byte(void **state)
{
	static const char *const users[] = { "alic", "alice ", " alice",
		"ALICE", "alice\n", "alice@x", "a", "*", "alicf" };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT_OF(users); i++) {
		strcpy(fixture->request.user, users[i]);
		assert_int_equal(decide_now(fixture), JP_REASON_USER);
	}
}

static void
a_decision_never_hashes_but_asks_for_a_proof(void **state)
{
	struct fixture *fixture = *state;
	struct jp_decision decision;

	jp_decide(&fixture->core, &fixture->request, NULL, &decision);
	assert_int_equal(decision.reason, JP_REASON_NONE);
	assert_int_equal(decision.verdict, JP_DENY);
	assert_string_equal(decision.phc, fixture->record.phc);
	assert_false(decision.tagless);
	assert_string_equal(decision.user, "");
	assert_int_equal(runs(fixture), 0);
}

static void
a_proof_of_another_phc_is_not_taken(void **state)
{
	struct fixture *fixture = *state;
	struct jp_proof proof = { .match = true };
	struct jp_decision decision;

	for (size_t cut = 0; cut < strlen(fixture->record.phc); cut++) {
		memset(proof.phc, 0, sizeof(proof.phc));
		memcpy(proof.phc, fixture->record.phc, cut);
		jp_decide(&fixture->core, &fixture->request, &proof, &decision);
		assert_int_equal(decision.reason, JP_REASON_NONE);
		assert_int_equal(decision.verdict, JP_DENY);
	}
}

static void
an_empty_proof_does_not_prove_an_empty_phc(void **state)
{
	struct fixture *fixture = *state;
	struct jp_proof proof = { .match = true };
	struct jp_decision decision;

	fixture->record.phc[0] = '\0';
	store_record(fixture, JP_CHANGE_REPLACE);
	jp_decide(&fixture->core, &fixture->request, &proof, &decision);
	assert_int_not_equal(decision.verdict, JP_ACCEPT);
	assert_int_equal(decide_now(fixture), JP_REASON_RECORD);
}

/* With the stored text as the record's PHC string, and the token or `typed`. */
static void
assert_never_accepted(
    struct fixture *fixture, const char *phc, const char *typed)
{
	strcpy(fixture->record.phc, phc);
	store_record(fixture, JP_CHANGE_REPLACE);
	if (typed != NULL)
		(void)jp_secret_set(
		    &fixture->request.token, typed, strlen(typed));
	assert_int_not_equal(jp_reason_verdict(decide_now(fixture)), JP_ACCEPT);
}

/*
 * CVE-2026-123158: an error of crypt(3) was "*", and so was what stood in the
 * place of a hash; CVE-2013-4122: it was NULL.
 */
static void
a_stored_text_that_is_no_hash_proves_nothing(void **state)
{
	static const char *const texts[] = { "*", "*0", "*1", "!", "!!", "x",
		"", " ", "$", "$argon2id$", "$1$$", "NULL" };
	struct fixture *fixture = *state;
	char longest[JP_SECRET_MAX + 1];

	for (size_t len = 1; len <= JP_SECRET_MAX; len += 255) {
		memset(longest, '*', len);
		longest[len] = '\0';
		for (size_t i = 0; i < COUNT_OF(texts); i++)
			assert_never_accepted(fixture, texts[i], longest);
	}
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_never_accepted(fixture, texts[i], texts[i]);
}

/* CVE-2013-7041: hashes were compared by their beginning, and in any case. */
static void
a_hash_that_is_cut_longer_or_in_another_case_proves_nothing(void **state)
{
	struct fixture *fixture = *state;
	char phc[JP_PHC_MAX + 1], changed[JP_PHC_MAX + 1];
	size_t len = strlen(fixture->record.phc);

	strcpy(phc, fixture->record.phc);
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	for (size_t i = 0; i < len; i++) {
		memcpy(changed, phc, i);
		changed[i] = '\0';
		assert_never_accepted(fixture, changed, NULL);
		strcpy(changed, phc);
		if ((changed[i] ^ 0x20) < 'A' || changed[i] < 'A')
			continue;
		changed[i] ^= 0x20;
		assert_never_accepted(fixture, changed, NULL);
	}
	strcpy(changed, phc);
	strcat(changed, "A");
	assert_never_accepted(fixture, changed, NULL);
	assert_never_accepted(fixture, changed, NULL);
	strcpy(fixture->record.phc, phc);
	store_record(fixture, JP_CHANGE_REPLACE);
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
}

static void
a_proof_with_an_error_is_unavailable(void **state)
{
	static const enum jp_err errs[] = { JP_ERR_NOMEM, JP_ERR_IO,
		JP_ERR_INVALID };
	struct fixture *fixture = *state;
	struct jp_decision decision;

	for (size_t i = 0; i < COUNT_OF(errs); i++) {
		struct jp_proof proof = { .match = true, .err = errs[i] };

		strcpy(proof.phc, fixture->record.phc);
		jp_decide(&fixture->core, &fixture->request, &proof, &decision);
		assert_int_equal(decision.verdict, JP_UNAVAILABLE);
	}
}

static void
a_revocation_between_proof_and_decision_holds(void **state)
{
	struct fixture *fixture = *state;
	struct jp_decision decision;
	struct jp_proof proof;

	jp_decide(&fixture->core, &fixture->request, NULL, &decision);
	jp_prove(&fixture->core, &decision, &fixture->request.token, &proof);
	assert_true(proof.match);
	break_revoked(fixture);
	store_record(fixture, JP_CHANGE_REPLACE);
	jp_decide(&fixture->core, &fixture->request, &proof, &decision);
	assert_int_equal(decision.reason, JP_REASON_REVOKED);
}

static void
forged_tokens_run_no_argon2(void **state)
{
	struct fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];
	struct jp_secret forged;
	struct jp_token token;

	for (int i = 0; i < FORGED; i++) {
		enum jp_reason expected = JP_REASON_UNKNOWN_ID;

		jp_token_make("jpat", &forged, id);
		(void)jp_token_parse(forged.text, forged.len, &token);
		fixture->request.token = forged;
		if (i % 2 == 0) {
			jp_token_format(&fixture->request.token, "jpat",
			    fixture->record.id, token.secret);
			expected = JP_REASON_FAST_TAG;
		}
		assert_int_equal(decide_now(fixture), expected);
	}
	assert_int_equal(runs(fixture), 0);
}

static void
a_token_without_fast_tag_costs_an_argon2(void **state)
{
	struct fixture *fixture = *state;
	struct jp_decision decision;

	fixture->record.has_fast_tag = false;
	store_record(fixture, JP_CHANGE_REPLACE);
	jp_decide(&fixture->core, &fixture->request, NULL, &decision);
	assert_int_equal(decision.reason, JP_REASON_NONE);
	assert_true(decision.tagless);
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	forge_secret(fixture);
	assert_int_equal(decide_now(fixture), JP_REASON_SECRET);
	assert_int_equal(runs(fixture), 2);
}

static void
a_damaged_phc_is_unavailable_and_runs_nothing(void **state)
{
	static const char *const phcs[] = { "", "*", "!", "$argon2id$",
		/* Parentheses: clang suspects a missing comma. */
		("$argon2id$v=19$m=4194304,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$"
		 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8") };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT_OF(phcs); i++) {
		strcpy(fixture->record.phc, phcs[i]);
		store_record(fixture, JP_CHANGE_REPLACE);
		assert_int_equal(decide_now(fixture), JP_REASON_RECORD);
	}
	assert_int_equal(runs(fixture), 0);
}

static void
an_error_of_the_store_is_unavailable(void **state)
{
	struct fixture *fixture = *state;

	for (int err = JP_ERR_OK + 1; err < JP_ERR_COUNT; err++)
		for (unsigned int nth = 1; nth <= 3; nth++) {
			enum jp_reason reason;
			/* Two reads of the token, then one of its user. */
			enum jp_reason missing =
			    nth == 3 ? JP_REASON_GROUP : JP_REASON_UNKNOWN_ID;

			if (err == JP_ERR_BUSY) /* which is waited for */
				continue;
			jp_store_mem_fail(
			    fixture->core.store, nth, (enum jp_err)err, false);
			reason = decide_now(fixture);
			assert_int_equal(reason, err == JP_ERR_NOT_FOUND
			                             ? missing
			                             : JP_REASON_STORE);
			jp_store_mem_fail(
			    fixture->core.store, 0, JP_ERR_OK, false);
		}
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
}

static void
an_enabled_user_is_in_again_with_no_change_of_the_token(void **state)
{
	struct fixture *fixture = *state;

	break_active(fixture);
	assert_int_equal(decide_now(fixture), JP_REASON_USER_DISABLED);
	set_alice(fixture, false);
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
}

static void
a_use_counts_against_the_limit_for_unused_tokens(void **state)
{
	struct fixture *fixture = *state;

	fixture->core.policy.unused_limit = 100;
	assert_int_equal(decide_now(fixture), JP_REASON_UNUSED);
	fixture->record.last_used_at = NOW - 100;
	store_record(fixture, JP_CHANGE_REPLACE);
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	fixture->now++;
	assert_int_equal(decide_now(fixture), JP_REASON_UNUSED);
}

static void
a_wrong_or_cold_token_costs_one_read_of_the_store(void **state)
{
	struct fixture *fixture = *state;
	unsigned int calls = jp_store_mem_calls(fixture->core.store);
	struct jp_decision decision;

	jp_decide(&fixture->core, &fixture->request, NULL, &decision);
	assert_int_equal(jp_store_mem_calls(fixture->core.store), calls + 1);
}

static void
a_prefix_of_others_is_the_wrong_shape(void **state)
{
	static const char *const prefixes[] = { "jpa", "jpatt", "Jpat", "x" };
	struct fixture *fixture = *state;
	struct jp_token token;
	struct jp_secret text = fixture->request.token;

	assert_int_equal(
	    jp_token_parse(text.text, text.len, &token), JP_ERR_OK);
	for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
		jp_token_format(&fixture->request.token, prefixes[i], token.id,
		    token.secret);
		assert_int_equal(decide_now(fixture), JP_REASON_SHAPE);
	}
}

static void
the_clock_decides_in_the_very_second(void **state)
{
	static const struct {
		int64_t now;
		enum jp_reason reason;
	} rows[] = {
		{ NOW + 9, JP_REASON_ACCEPTED },
		{ NOW + 10, JP_REASON_SUPERSEDED },
		{ NOW + 1000, JP_REASON_SUPERSEDED },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		fixture->now = rows[i].now;
		assert_int_equal(decide_now(fixture), rows[i].reason);
	}
	fixture->record.superseded_at = JP_NEVER;
	store_record(fixture, JP_CHANGE_REPLACE);
	fixture->now = NOW + 999;
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	fixture->now = NOW + 1000;
	assert_int_equal(decide_now(fixture), JP_REASON_EXPIRED);
}

static void
services_and_scopes_follow_their_globs(void **state)
{
	static const struct {
		const char *service;
		enum jp_reason reason;
	} rows[] = {
		{ "jira-read", JP_REASON_ACCEPTED },
		{ "jira-", JP_REASON_ACCEPTED }, { "jira", JP_REASON_SERVICE },
		{ "xjira-read", JP_REASON_SERVICE },
		{ "sshd", JP_REASON_SERVICE }, { "", JP_REASON_SERVICE },
		{ "imap", JP_REASON_SCOPE }, /* names no scope */
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		strcpy(fixture->request.service, rows[i].service);
		assert_int_equal(decide_now(fixture), rows[i].reason);
	}
}

/* Of one token with this scope at a service with these. */
static void
who_may_write_may_read_and_not_the_other_way(void **state)
{
	static const struct {
		const char *held, *scope, *read_scope;
		enum jp_reason writing, reading;
	} rows[] = {
		{ "read", "write", "read", JP_REASON_SCOPE,
		    JP_REASON_ACCEPTED },
		{ "write", "write", "read", JP_REASON_ACCEPTED,
		    JP_REASON_ACCEPTED },
		{ "other", "write", "read", JP_REASON_SCOPE, JP_REASON_SCOPE },
		{ "write", "write", "", JP_REASON_ACCEPTED,
		    JP_REASON_ACCEPTED },
		{ "read", "write", "", JP_REASON_SCOPE, JP_REASON_SCOPE },
		{ "read", "", "read", JP_REASON_SCOPE, JP_REASON_ACCEPTED },
		{ "read", "", "", JP_REASON_SCOPE, JP_REASON_SCOPE },
	};
	struct fixture *fixture = *state;
	struct jp_rule *rule = &fixture->core.policy.rules[0];

	strcpy(rule->glob, "*");
	fixture->core.policy.rule_len = 1;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		print_message("row %zu\n", i);
		strcpy(rule->scope, rows[i].scope);
		strcpy(rule->read_scope, rows[i].read_scope);
		fixture->record.scope_len = 1;
		strcpy(fixture->record.scopes[0], rows[i].held);
		store_record(fixture, JP_CHANGE_REPLACE);
		fixture->request.access = JP_ACCESS_WRITE;
		assert_int_equal(decide_now(fixture), rows[i].writing);
		fixture->request.access = JP_ACCESS_READ;
		assert_int_equal(decide_now(fixture), rows[i].reading);
		fixture->record.scope_len = 0; /* holds every scope */
		store_record(fixture, JP_CHANGE_REPLACE);
		assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	}
}

/* What else speaks against a token still does. */
static void
a_token_that_manages_itself_needs_no_rights_at_a_server(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		bool server =
		    ways[i].go == break_service || ways[i].go == break_scope ||
		    ways[i].go == break_group || ways[i].go == break_upstream;
		struct fixture *fixture;
		void *state;

		(void)set_up(&state);
		fixture = state;
		ways[i].go(fixture);
		store_record(fixture, JP_CHANGE_REPLACE);
		fixture->request.access = JP_ACCESS_SELF;
		assert_int_equal(decide_now(fixture),
		    server ? JP_REASON_ACCEPTED : ways[i].reason);
		(void)core_help_tear_down(&state);
	}
}

static void
a_token_with_scopes_opens_no_service_without_section(void **state)
{
	struct fixture *fixture = *state;

	fixture->record.service_len = 0;
	store_record(fixture, JP_CHANGE_REPLACE);
	strcpy(fixture->request.service, "sshd");
	assert_int_equal(decide_now(fixture), JP_REASON_SCOPE);
}

static void
a_token_without_limits_opens_every_service_from_anywhere(void **state)
{
	static const char *const services[] = { "jira-read", "imap", "sshd",
		"" };
	struct fixture *fixture = *state;

	fixture->record.service_len = 0;
	fixture->record.scope_len = 0;
	fixture->record.net_len = 0;
	store_record(fixture, JP_CHANGE_REPLACE);
	strcpy(fixture->request.rhost, "");
	for (size_t i = 0; i < COUNT_OF(services); i++) {
		strcpy(fixture->request.service, services[i]);
		assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	}
}

static void
a_token_with_networks_wants_a_literal_address(void **state)
{
	static const struct {
		const char *rhost;
		enum jp_reason reason;
	} rows[] = {
		{ "2001:db8::9", JP_REASON_ACCEPTED },
		{ "::ffff:192.0.2.9", JP_REASON_ACCEPTED },
		{ "", JP_REASON_ADDRESS },
		{ "localhost", JP_REASON_ADDRESS },
		{ "192.0.2.7 ", JP_REASON_ADDRESS },
		{ "2001:db9::", JP_REASON_ADDRESS },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		strcpy(fixture->request.rhost, rows[i].rhost);
		assert_int_equal(decide_now(fixture), rows[i].reason);
	}
}

static void
another_policy_holds_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct jp_policy policy = fixture->core.policy;

	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	strcpy(policy.rules[0].scope, "write");
	jp_core_set_policy(&fixture->core, &policy);
	assert_int_equal(decide_now(fixture), JP_REASON_SCOPE);
	strcpy(policy.prefix, "acme");
	jp_core_set_policy(&fixture->core, &policy);
	assert_int_equal(decide_now(fixture), JP_REASON_SHAPE);
}

/* And none but these: a token under another prefix is another text. */
static void
tokens_of_a_former_prefix_live_on_if_it_is_accepted(void **state)
{
	struct fixture *fixture = *state;
	struct jp_policy policy = fixture->core.policy;
	struct jp_secret text = fixture->request.token;
	struct jp_token token;

	strcpy(policy.prefix, "acme");
	strcpy(policy.accept_prefixes[0], "other");
	policy.accept_prefix_len = 1;
	jp_core_set_policy(&fixture->core, &policy);
	assert_int_equal(decide_now(fixture), JP_REASON_SHAPE);
	strcpy(policy.accept_prefixes[1], JP_TOKEN_PREFIX);
	policy.accept_prefix_len = 2;
	jp_core_set_policy(&fixture->core, &policy);
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	assert_int_equal(
	    jp_token_parse(text.text, text.len, &token), JP_ERR_OK);
	for (size_t i = 0; i < 2; i++) {
		jp_token_format(&fixture->request.token,
		    jp_policy_prefix(&policy, i), token.id, token.secret);
		assert_int_equal(decide_now(fixture), JP_REASON_SECRET);
	}
}

/* ---- with a memo ---- */

/* Gives `fixture` a memo in which its token is. */
static void
warm(struct fixture *fixture)
{
	assert_int_equal(
	    jp_memo_make(&fixture->core.memo, 64, &jp_steady_clock), JP_ERR_OK);
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	assert_int_equal(runs(fixture), 1);
}

static unsigned long long
hits(struct fixture *fixture)
{
	struct jp_memo_counts counts;

	jp_memo_count(fixture->core.memo, &counts);
	return counts.hits;
}

static void
a_known_token_needs_no_proof(void **state)
{
	struct fixture *fixture = *state;
	struct jp_decision decision;

	warm(fixture);
	for (int i = 1; i <= KNOWN; i++) {
		jp_decide(&fixture->core, &fixture->request, NULL, &decision);
		assert_int_equal(decision.reason, JP_REASON_ACCEPTED);
		assert_string_equal(decision.user, "alice");
		assert_string_equal(decision.phc, "");
		assert_int_equal(hits(fixture), i);
	}
	assert_int_equal(runs(fixture), 1);
}

static void
a_known_token_costs_two_reads_its_own_and_its_users(void **state)
{
	struct fixture *fixture = *state;
	struct jp_decision decision;
	unsigned int calls;

	warm(fixture);
	calls = jp_store_mem_calls(fixture->core.store);
	jp_decide(&fixture->core, &fixture->request, NULL, &decision);
	assert_int_equal(jp_store_mem_calls(fixture->core.store), calls + 2);
}

/* A right that is not there is not looked for. */
static void
only_a_child_costs_more_reads_one_for_each_token_above_it(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store *store = fixture->core.store;

	warm(fixture);
	for (unsigned int above = 0; above <= JP_PARENTS_MAX; above++) {
		unsigned long long reads = atomic_load(&store->reads);
		unsigned int calls = jp_store_mem_calls(store);
		struct jp_record one = { .created_at = NOW - 1000 };

		assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
		assert_int_equal(atomic_load(&store->reads), reads + 1 + above);
		assert_int_equal(jp_store_mem_calls(store), calls + 2 + above);
		put_above(fixture, &one);
		store_record(fixture, JP_CHANGE_REPLACE);
	}
	assert_int_equal(decide_now(fixture), JP_REASON_PARENT);
	assert_int_equal(runs(fixture), 1);
}

static void
what_is_above_a_child_cannot_be_left_unread(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store *store = fixture->core.store;
	struct jp_record above = { .created_at = NOW - 1000 };
	struct jp_decision decision;

	put_above(fixture, &above);
	store_record(fixture, JP_CHANGE_REPLACE);
	warm(fixture);
	jp_store_mem_fail(store, 2, JP_ERR_IO, false);
	assert_int_equal(decide_now(fixture), JP_REASON_STORE);
	jp_store_mem_fail(store, 2, JP_ERR_NOT_FOUND, false);
	assert_int_equal(decide_now(fixture), JP_REASON_PARENT);
	jp_store_mem_fail(store, 2, JP_ERR_BUSY, false);
	jp_decide(&fixture->core, &fixture->request, NULL, &decision);
	assert_int_equal(decision.reason, JP_REASON_NONE);
	assert_int_equal(decision.need, JP_NEED_STORE);
	jp_store_mem_fail(store, 2, JP_ERR_BUSY, false);
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
}

/* Its id may be known: it is in the link. */
static void
what_waits_to_be_fetched_has_no_secret_and_costs_no_hash(void **state)
{
	struct fixture *fixture = *state;
	char phc[JP_PHC_MAX + 1];

	memcpy(phc, fixture->record.phc, sizeof(phc));
	fixture->record.claim_until = NOW + 10;
	fixture->record.has_fast_tag = false;
	for (int past = 0; past < 2; past++) {
		memset(fixture->record.phc, 0, sizeof(phc));
		store_record(fixture, JP_CHANGE_REPLACE);
		assert_int_equal(decide_now(fixture), JP_REASON_SECRET);
		memcpy(fixture->record.phc, phc, sizeof(phc)); /* damaged */
		store_record(fixture, JP_CHANGE_REPLACE);
		assert_int_equal(decide_now(fixture), JP_REASON_SECRET);
		fixture->record.claim_until = NOW - 10;
	}
	assert_int_equal(runs(fixture), 0);
	fixture->record.claim_until = JP_NEVER;
	store_record(fixture, JP_CHANGE_REPLACE);
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
}

/* The table of ways says which reasons still need a look at the secret. */
static void
whatever_speaks_against_a_known_token_holds_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		struct fixture *fixture;
		void *fresh;

		(void)set_up(&fresh);
		fixture = fresh;
		warm(fixture);
		ways[i].go(fixture);
		store_record(fixture, JP_CHANGE_REPLACE);
		assert_int_equal(decide_now(fixture), ways[i].reason);
		assert_int_equal(
		    runs(fixture), ways[i].go == break_secret ? 2 : 1);
		assert_int_equal(
		    hits(fixture), ways[i].reason >= JP_REASON_USER ? 1 : 0);
		(void)core_help_tear_down(&fresh);
	}
}

static void
a_known_token_ends_with_its_time_and_not_with_the_memo(void **state)
{
	struct fixture *fixture = *state;

	fixture->record.superseded_at = JP_NEVER;
	store_record(fixture, JP_CHANGE_REPLACE);
	warm(fixture);
	fixture->now = NOW + 999;
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	fixture->now = NOW + 1000;
	assert_int_equal(decide_now(fixture), JP_REASON_EXPIRED);
	assert_int_equal(runs(fixture), 1);
}

static void
another_hash_of_the_same_token_is_not_known(void **state)
{
	struct fixture *fixture = *state;
	char old[JP_PHC_MAX + 1];

	warm(fixture);
	strcpy(old, fixture->record.phc);
	assert_int_equal(jp_hash_make(&fixture->request.token,
	                     &fixture->core.policy.cost, fixture->record.phc),
	    JP_ERR_OK);
	store_record(fixture, JP_CHANGE_REPLACE);
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	assert_int_equal(runs(fixture), 2);
	strcpy(fixture->record.phc, old); /* it was true, and it still is */
	store_record(fixture, JP_CHANGE_REPLACE);
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	assert_int_equal(runs(fixture), 2);
}

static void
a_record_made_anew_under_an_id_is_not_known(void **state)
{
	struct fixture *fixture = *state;

	warm(fixture);
	store_record(fixture, JP_CHANGE_DELETE);
	assert_int_equal(decide_now(fixture), JP_REASON_UNKNOWN_ID);
	break_secret(fixture);
	store_record(fixture, JP_CHANGE_CREATE);
	assert_int_equal(decide_now(fixture), JP_REASON_SECRET);
	assert_int_equal(hits(fixture), 0);
}

static void
a_wrong_text_is_not_known_and_does_not_become_so(void **state)
{
	struct fixture *fixture = *state;

	fixture->record.has_fast_tag = false;
	store_record(fixture, JP_CHANGE_REPLACE);
	warm(fixture);
	forge_secret(fixture);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(decide_now(fixture), JP_REASON_SECRET);
		assert_int_equal(runs(fixture), 2 + i);
	}
	assert_int_equal(hits(fixture), 0);
}

static void
a_wrong_text_tried_again_costs_no_hash_where_there_is_no_fast_tag(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_request right = fixture->request;
	struct jp_request wrong;

	assert_int_equal(
	    jp_memo_make(&fixture->core.wrong, 64, &jp_steady_clock),
	    JP_ERR_OK);
	fixture->record.has_fast_tag = false;
	store_record(fixture, JP_CHANGE_REPLACE);
	warm(fixture);
	forge_secret(fixture);
	wrong = fixture->request;
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(decide_now(fixture), JP_REASON_SECRET);
	assert_int_equal(runs(fixture), 2);
	fixture->request = right; /* and the right one is as good as ever */
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	assert_int_equal(runs(fixture), 2);
	/* The text that was wrong becomes right: another hash, so it is. */
	assert_int_equal(jp_hash_make(&wrong.token, &fixture->core.policy.cost,
	                     fixture->record.phc),
	    JP_ERR_OK);
	store_record(fixture, JP_CHANGE_REPLACE);
	fixture->request = wrong;
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	assert_int_equal(runs(fixture), 3);
}

/* As the hash of a record that takes more memory than there is. */
static void
an_error_is_not_remembered(void **state)
{
	struct fixture *fixture = *state;
	struct jp_memo_counts counts;

	assert_int_equal(
	    jp_memo_make(&fixture->core.memo, 64, &jp_steady_clock), JP_ERR_OK);
	assert_int_equal(
	    jp_memo_make(&fixture->core.wrong, 64, &jp_steady_clock),
	    JP_ERR_OK);
	fixture->record.phc[1] = 'x';
	store_record(fixture, JP_CHANGE_REPLACE);
	assert_int_equal(decide_now(fixture), JP_REASON_RECORD);
	jp_store_mem_fail(fixture->core.store, 1, JP_ERR_IO, false);
	assert_int_equal(decide_now(fixture), JP_REASON_STORE);
	jp_memo_count(fixture->core.memo, &counts);
	assert_int_equal(counts.inserts, 0);
	jp_memo_count(fixture->core.wrong, &counts);
	assert_int_equal(counts.inserts, 0);
}

static void
a_flushed_memo_costs_one_more_hash(void **state)
{
	struct fixture *fixture = *state;

	warm(fixture);
	jp_memo_flush(fixture->core.memo);
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	assert_int_equal(runs(fixture), 2);
}

static void
a_proof_serves_several_questions_of_one_token(void **state)
{
	struct fixture *fixture = *state;
	struct jp_proof proof = { .phc = "" };
	struct jp_decision decision;

	for (int i = 0; i < KNOWN; i++) {
		jp_decide_proving(
		    &fixture->core, &fixture->request, &proof, &decision);
		assert_int_equal(decision.reason, JP_REASON_ACCEPTED);
	}
	assert_int_equal(runs(fixture), 1);
}

/* A store whose records change their hash under every read. */
static enum jp_err
fickle_get(
    struct jp_store *store, const char *id, struct jp_record *record, bool wait)
{
	struct jp_secret token = { .len = 1, .text = "x" };
	const struct jp_cost cost = { 8, 1 };

	(void)store;
	(void)wait;
	memcpy(record->id, id, sizeof(record->id));
	return jp_hash_make(&token, &cost, record->phc);
}

static void
a_record_that_never_rests_is_unavailable(void **state)
{
	static const struct jp_store_ops ops = { .get = fickle_get };
	struct fixture *fixture = *state;
	struct jp_store fickle = { .ops = &ops }, *kept = fixture->core.store;

	fixture->core.store = &fickle;
	assert_int_equal(decide_now(fixture), JP_REASON_OVERLOAD);
	fixture->core.store = kept;
}

/* Who decides for the loop is told so; who may wait, waits and decides. */
static void
a_store_that_is_written_is_waited_for_elsewhere(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store *store = fixture->core.store;
	struct jp_decision decision;

	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	jp_store_mem_fail(store, 1, JP_ERR_BUSY, false);
	jp_decide(&fixture->core, &fixture->request, NULL, &decision);
	assert_int_equal(decision.verdict, JP_DENY);
	assert_int_equal(decision.reason, JP_REASON_NONE);
	assert_int_equal(decision.need, JP_NEED_STORE);
	/* Twice the record, then the user. */
	for (unsigned int nth = 1; nth <= 3; nth++) {
		jp_store_mem_fail(store, nth, JP_ERR_BUSY, false);
		assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	}
	jp_store_mem_fail(store, 1, JP_ERR_BUSY, true);
	assert_int_equal(decide_now(fixture), JP_REASON_STORE);
}

/* ---- without a token ---- */

static enum jp_reason
account_now(struct fixture *fixture)
{
	struct jp_request request = { .front = JP_FRONT_PAM, .account = true };
	struct jp_decision decision;

	strcpy(request.user, "alice");
	strcpy(request.service, "jira-read");
	strcpy(request.rhost, "192.0.2.7");
	jp_decide_now(&fixture->core, &request, &decision);
	assert_int_equal(decision.verdict, jp_reason_verdict(decision.reason));
	return decision.reason;
}

/* But for what only another text or another user can be. */
static void
a_user_may_if_one_of_their_tokens_would_be_accepted(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		enum jp_reason reason = JP_REASON_NO_TOKEN;
		struct fixture *fixture;
		void *state;

		(void)set_up(&state);
		fixture = state;
		assert_int_equal(account_now(fixture), JP_REASON_ACCOUNT);
		if (ways[i].reason > JP_REASON_USER &&
		    ways[i].go != break_address) {
			if (ways[i].go == break_active)
				reason = JP_REASON_USER_DISABLED;
			ways[i].go(fixture);
			store_record(fixture, JP_CHANGE_REPLACE);
			assert_int_equal(account_now(fixture), reason);
		}
		(void)core_help_tear_down(&state);
	}
}

static void
a_user_may_not_by_a_token_that_waits_to_be_fetched(void **state)
{
	struct fixture *fixture = *state;

	fixture->record.claim_until = NOW + 10;
	store_record(fixture, JP_CHANGE_REPLACE);
	assert_int_equal(account_now(fixture), JP_REASON_NO_TOKEN);
}

/* The user, the token, what is above it, the end of the list. */
static void
whether_a_user_may_is_unavailable_if_something_cannot_be_read(void **state)
{
	struct fixture *fixture = *state;
	struct jp_record above = { .created_at = NOW - 1000 };

	put_above(fixture, &above);
	store_record(fixture, JP_CHANGE_REPLACE);
	assert_int_equal(account_now(fixture), JP_REASON_ACCOUNT);
	store_record(fixture, JP_CHANGE_DELETE);
	memset(fixture->record.id, '0', JP_TOKEN_ID_LEN); /* the first */
	store_record(fixture, JP_CHANGE_CREATE);
	above.disabled_at = NOW;
	assert_int_equal(
	    jp_store_commit(fixture->core.store,
	        &(struct jp_change){ JP_CHANGE_REPLACE, &above }, 1),
	    JP_ERR_OK);
	assert_int_equal(account_now(fixture), JP_REASON_NO_TOKEN);
	for (unsigned int nth = 1; nth <= 4; nth++) {
		jp_store_mem_fail(fixture->core.store, nth, JP_ERR_IO, false);
		assert_int_equal(account_now(fixture), JP_REASON_STORE);
	}
}

/* ---- secrets of other systems ---- */

/* The stored token becomes an imported secret of alice, which is `text`. */
static void
make_imported(struct fixture *fixture, const char *text)
{
	store_record(fixture, JP_CHANGE_DELETE);
	assert_int_equal(
	    jp_secret_set(&fixture->request.token, text, strlen(text)),
	    JP_ERR_OK);
	jp_imported_id("alice", fixture->record.id);
	fixture->record.has_fast_tag = false;
	assert_int_equal(jp_hash_make(&fixture->request.token,
	                     &fixture->core.policy.cost, fixture->record.phc),
	    JP_ERR_OK);
	store_record(fixture, JP_CHANGE_CREATE);
}

static void
an_imported_secret_is_accepted_and_has_rights(void **state)
{
	struct fixture *fixture = *state;

	make_imported(fixture, "correct horse");
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	strcpy(fixture->request.rhost, "198.51.100.1");
	assert_int_equal(decide_now(fixture), JP_REASON_ADDRESS);
	strcpy(fixture->request.rhost, "192.0.2.7");
	fixture->now = fixture->record.grace_until;
	assert_int_equal(decide_now(fixture), JP_REASON_SUPERSEDED);
}

static void
an_imported_secret_is_its_own_users_only(void **state)
{
	struct fixture *fixture = *state;

	make_imported(fixture, "correct horse");
	strcpy(fixture->request.user, "bob");
	assert_int_equal(decide_now(fixture), JP_REASON_SHAPE);
	fixture->request.user[0] = '\0';
	assert_int_equal(decide_now(fixture), JP_REASON_SHAPE);
	assert_int_equal(runs(fixture), 0);
}

/* What has no shape may be a password: a stack shall go on to the next. */
static void
a_wrong_text_of_a_user_with_an_imported_secret_has_no_shape(void **state)
{
	struct fixture *fixture = *state;

	make_imported(fixture, "correct horse");
	strcpy(fixture->request.token.text, "correct house");
	assert_int_equal(decide_now(fixture), JP_REASON_SHAPE);
	assert_int_equal(runs(fixture), 1);
}

static void
a_text_without_shape_runs_no_argon2_for_other_users(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(
	    jp_secret_set(&fixture->request.token, "password", 8), JP_ERR_OK);
	assert_int_equal(decide_now(fixture), JP_REASON_SHAPE);
	/* Also where a token of ours has the very id. */
	store_record(fixture, JP_CHANGE_DELETE);
	jp_imported_id("alice", fixture->record.id);
	store_record(fixture, JP_CHANGE_CREATE);
	assert_int_equal(decide_now(fixture), JP_REASON_SHAPE);
	assert_int_equal(runs(fixture), 0);
}

static unsigned int
calls_of_one(
    struct fixture *fixture, enum jp_upstream_use use, enum jp_reason reason)
{
	unsigned int before;

	fixture->core.policy.rules[0].upstream = use;
	before = jp_store_mem_calls(fixture->core.store);
	assert_int_equal(decide_now(fixture), reason);
	return jp_store_mem_calls(fixture->core.store) - before;
}

/* One for all services does, and one for another service does not. */
static void
only_a_required_upstream_credential_is_looked_for(void **state)
{
	struct fixture *fixture = *state;
	struct jp_upstreams all = { .user = "alice", .len = 1 };
	unsigned int plain =
	    calls_of_one(fixture, JP_UPSTREAM_USE_NO, JP_REASON_ACCEPTED);

	plain = calls_of_one(fixture, JP_UPSTREAM_USE_NO, JP_REASON_ACCEPTED);
	assert_int_equal(
	    calls_of_one(fixture, JP_UPSTREAM_USE_YES, JP_REASON_ACCEPTED),
	    plain);
	assert_int_equal(
	    calls_of_one(fixture, JP_UPSTREAM_USE_REQUIRED, JP_REASON_UPSTREAM),
	    plain + 1);
	strcpy(all.of[0].service, "another");
	assert_int_equal(
	    jp_store_put_upstream(fixture->core.store, &all, 1), JP_ERR_OK);
	assert_int_equal(decide_now(fixture), JP_REASON_UPSTREAM);
	all.of[0].service[0] = '\0';
	assert_int_equal(
	    jp_store_put_upstream(fixture->core.store, &all, 1), JP_ERR_OK);
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
}

/* ---- what the name service knows ---- */

/* As if it had said so of alice and the groups of jira-*; they are not hers
 * here. */
static void
name_service_says(struct fixture *fixture, bool member)
{
	struct jp_groups *groups = &fixture->core.groups;

	fixture->core.policy.nss_groups = true;
	strcpy(fixture->core.policy.rules[0].groups, "staff\nothers");
	jp_groups_flush(groups);
	assert_int_equal(
	    jp_groups_learn(groups, "alice", "staff\nothers"), JP_ERR_OK);
	for (size_t i = 0; i < COUNT_OF(groups->entries); i++)
		groups->entries[i].member = member;
}

static void
a_group_of_the_name_service_counts_as_it_is_known(void **state)
{
	struct fixture *fixture = *state;
	struct jp_decision decision;

	warm(fixture);
	name_service_says(fixture, true);
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	assert_int_equal(account_now(fixture), JP_REASON_ACCOUNT);
	name_service_says(fixture, false);
	assert_int_equal(decide_now(fixture), JP_REASON_GROUP);
	assert_int_equal(account_now(fixture), JP_REASON_NO_TOKEN);
	strcpy(fixture->core.policy.rules[0].groups, "developers\nothers");
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	fixture->core.policy.nss_groups = false;
	strcpy(fixture->core.policy.rules[0].groups, "others");
	jp_decide(&fixture->core, &fixture->request, NULL, &decision);
	assert_int_equal(decision.need, JP_NEED_NOTHING);
	assert_int_equal(decision.reason, JP_REASON_GROUP);
}

static void
the_longest_name_of_a_group_is_compared_as_a_whole(void **state)
{
	struct fixture *fixture = *state;
	char *groups = fixture->core.policy.rules[0].groups;
	struct jp_user user;
	struct jp_why why;

	warm(fixture);
	memset(groups, 'g', JP_GROUP_MAX);
	groups[JP_GROUP_MAX] = '\0';
	assert_int_equal(decide_now(fixture), JP_REASON_GROUP);
	jp_user_default(&user, "alice");
	assert_int_equal(jp_user_add_group(&user, groups, &why), JP_ERR_OK);
	assert_int_equal(
	    jp_store_put_users(fixture->core.store, &user, 1), JP_ERR_OK);
	assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	groups[JP_GROUP_MAX - 1] = 'h';
	assert_int_equal(decide_now(fixture), JP_REASON_GROUP);
}

/* Nothing is asked for a token that is denied for something else. */
static void
a_group_that_is_not_known_is_asked_for_last(void **state)
{
	struct fixture *fixture = *state;
	struct jp_request request = fixture->request;
	struct jp_decision decision;

	warm(fixture);
	name_service_says(fixture, true);
	jp_groups_flush(&fixture->core.groups);
	jp_decide(&fixture->core, &request, NULL, &decision);
	assert_int_equal(decision.verdict, JP_DENY);
	assert_int_equal(decision.reason, JP_REASON_NONE);
	assert_int_equal(decision.need, JP_NEED_GROUPS);
	assert_string_equal(decision.user, "alice");
	request.account = true;
	jp_decide_waiting(&fixture->core, &request, NULL, &decision);
	assert_int_equal(decision.verdict, JP_DENY);
	assert_int_equal(decision.reason, JP_REASON_NONE);
	assert_int_equal(decision.need, JP_NEED_GROUPS);
	assert_string_equal(decision.user, "alice");
	strcpy(fixture->request.rhost, "198.51.100.1");
	jp_decide(&fixture->core, &fixture->request, NULL, &decision);
	assert_int_equal(decision.need, JP_NEED_NOTHING);
	assert_int_equal(decision.reason, JP_REASON_ADDRESS);
}

/* ---- the edges of both questions ---- */

/* One that has a fast tag was made here, and its text is a token. */
static void
a_record_with_a_fast_tag_is_no_imported_secret(void **state)
{
	struct fixture *fixture = *state;
	struct jp_decision decision;

	make_imported(fixture, "correct horse");
	fixture->record.has_fast_tag = true;
	store_record(fixture, JP_CHANGE_REPLACE);
	jp_decide(&fixture->core, &fixture->request, NULL, &decision);
	assert_int_equal(decision.reason, JP_REASON_SHAPE);
	assert_int_equal(decision.need, JP_NEED_NOTHING);
	assert_string_equal(decision.id, "");
}

static void
without_a_time_of_day_it_is_unavailable(void **state)
{
	struct fixture *fixture = *state;

	warm(fixture);
	fixture->now = -1;
	assert_int_equal(decide_now(fixture), JP_REASON_STORE);
	assert_int_equal(account_now(fixture), JP_REASON_STORE);
}

static void
an_imported_secret_that_cannot_be_read_is_unavailable(void **state)
{
	struct fixture *fixture = *state;

	make_imported(fixture, "correct horse");
	jp_store_mem_fail(fixture->core.store, 1, JP_ERR_IO, false);
	assert_int_equal(decide_now(fixture), JP_REASON_STORE);
	assert_int_equal(runs(fixture), 0);
}

static void
an_upstream_credential_that_cannot_be_read_is_unavailable(void **state)
{
	struct fixture *fixture = *state;

	warm(fixture);
	fixture->core.policy.rules[0].upstream = JP_UPSTREAM_USE_REQUIRED;
	jp_store_mem_fail(fixture->core.store, 3, JP_ERR_IO, false);
	assert_int_equal(decide_now(fixture), JP_REASON_STORE);
	assert_int_equal(decide_now(fixture), JP_REASON_UPSTREAM);
}

static void
a_user_may_not_by_a_token_whose_prefix_is_not_taken(void **state)
{
	struct fixture *fixture = *state;

	strcpy(fixture->record.prefix, "jpat");
	store_record(fixture, JP_CHANGE_REPLACE);
	assert_int_equal(account_now(fixture), JP_REASON_ACCOUNT);
	strcpy(fixture->record.prefix, "other");
	store_record(fixture, JP_CHANGE_REPLACE);
	assert_int_equal(account_now(fixture), JP_REASON_NO_TOKEN);
}

/* What waits for the store is never answered by the one who must not wait. */
static void
whether_a_user_may_is_no_question_for_who_cannot_wait(void **state)
{
	struct fixture *fixture = *state;
	struct jp_decision decision;

	fixture->request.account = true;
	memset(&decision, 0xff, sizeof(decision));
	jp_decide(&fixture->core, &fixture->request, NULL, &decision);
	assert_int_equal(decision.verdict, JP_DENY);
	assert_int_equal(decision.reason, JP_REASON_NONE);
	assert_int_equal(decision.need, JP_NEED_COMMIT);
	assert_string_equal(decision.user, "");
}

static void
whether_a_user_may_tells_their_name_and_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	struct jp_request request = fixture->request;
	struct jp_decision decision;

	request.account = true;
	memset(&decision, 0xff, sizeof(decision));
	jp_decide_waiting(&fixture->core, &request, NULL, &decision);
	assert_int_equal(decision.verdict, JP_MAY);
	assert_string_equal(decision.user, "alice");
	assert_string_equal(decision.id, "");
	assert_string_equal(decision.phc, "");
	assert_int_equal(decision.denial, JP_DENIAL_CREDENTIALS);
	assert_int_equal(decision.need, JP_NEED_NOTHING);
	assert_int_equal(decision.expires, 0);
	assert_false(decision.tagless);
	request.user[0] = '\0';
	memset(&decision, 0xff, sizeof(decision));
	jp_decide_waiting(&fixture->core, &request, NULL, &decision);
	assert_int_equal(decision.verdict, JP_DENY);
	assert_int_equal(decision.reason, JP_REASON_NO_TOKEN);
	assert_string_equal(decision.user, "");
}

static void
a_store_that_is_written_for_long_is_held(void **state)
{
	struct fixture *fixture = *state;

	warm(fixture);
	for (unsigned int times = 1; times <= 2; times++) {
		jp_store_mem_fail_times(
		    fixture->core.store, 1, JP_ERR_BUSY, times);
		assert_int_equal(decide_now(fixture), JP_REASON_ACCEPTED);
	}
	jp_store_mem_fail_times(fixture->core.store, 1, JP_ERR_BUSY, 3);
	assert_int_equal(decide_now(fixture), JP_REASON_STORE);
}

#define TEST(test)                                                             \
	cmocka_unit_test_setup_teardown(test, set_up, core_help_tear_down)

static const char *
reason_name(int code)
{
	return jp_reason_name((enum jp_reason)code);
}

static void
reasons_keep_their_numbers_and_names(void **unused)
{
	static const struct pin pins[] = {
		{ JP_REASON_NONE, "none" },
		{ JP_REASON_SHAPE, "shape" },
		{ JP_REASON_CRC, "crc" },
		{ JP_REASON_UNKNOWN_ID, "unknown-id" },
		{ JP_REASON_FAST_TAG, "fast-tag" },
		{ JP_REASON_SECRET, "secret" },
		{ JP_REASON_USER, "wrong-user" },
		{ JP_REASON_REVOKED, "revoked" },
		{ JP_REASON_SUPERSEDED, "superseded" },
		{ JP_REASON_EXPIRED, "expired" },
		{ JP_REASON_UNUSED, "unused" },
		{ JP_REASON_USER_DISABLED, "user-disabled" },
		{ JP_REASON_SERVICE, "service" },
		{ JP_REASON_SCOPE, "scope" },
		{ JP_REASON_ADDRESS, "address" },
		{ JP_REASON_GROUP, "group" },
		{ JP_REASON_STORE, "store" },
		{ JP_REASON_GROUP_SOURCE, "group-source" },
		{ JP_REASON_RECORD, "record" },
		{ JP_REASON_MEMORY, "memory" },
		{ JP_REASON_OVERLOAD, "overload" },
		{ JP_REASON_THROTTLED, "throttled" },
		{ JP_REASON_AUDIT, "audit" },
		{ JP_REASON_STOPPING, "stopping" },
		{ JP_REASON_ACCEPTED, "accepted" },
		{ JP_REASON_NO_TOKEN, "no-token" },
		{ JP_REASON_ACCOUNT, "account" },
		{ JP_REASON_UPSTREAM, "upstream" },
		{ JP_REASON_DISABLED, "disabled" },
		{ JP_REASON_PARENT, "parent" },
		{ JP_REASON_USED_UP, "used-up" },
		{ JP_REASON_LEASE, "lease" },
	};

	(void)unused;
	assert_pinned(pins, COUNT_OF(pins), JP_REASON_COUNT, reason_name);
	assert_string_equal(reason_name(JP_REASON_COUNT), "none");
	assert_string_equal(reason_name(-1), "none");
	assert_int_equal(
	    jp_reason_verdict((enum jp_reason)JP_REASON_COUNT), JP_DENY);
	assert_false(jp_reason_proved((enum jp_reason)JP_REASON_COUNT));
}

static void
verdicts_and_reasons_have_words_for_people(void **unused)
{
	static const struct {
		enum jp_verdict verdict;
		const char *name;
	} rows[] = {
		{ JP_DENY, "denied" },
		{ JP_UNAVAILABLE, "unavailable" },
		{ JP_ACCEPT, "accepted" },
		{ JP_MAY, "may" },
		{ (enum jp_verdict)99, "denied" },
	};

	(void)unused;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_string_equal(
		    jp_verdict_name(rows[i].verdict), rows[i].name);
	assert_true(jp_reason_proved(JP_REASON_REVOKED));
	assert_true(jp_reason_proved(JP_REASON_SCOPE));
	assert_false(jp_reason_proved(JP_REASON_SECRET));
	assert_false(jp_reason_proved(JP_REASON_ACCEPTED));
	assert_string_equal(
	    jp_reason_text(JP_REASON_REVOKED), "the token is revoked");
	assert_string_equal(
	    jp_reason_text((enum jp_reason)JP_REASON_COUNT), "not decided");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_good_token_is_accepted),
		TEST(a_store_that_is_written_is_waited_for_elsewhere),
		TEST(each_reason_has_a_way_to_it),
		TEST(a_denial_names_the_user_if_just_a_right_is_missing),
		TEST(the_first_of_two_reasons_is_given),
		TEST(an_accepted_decision_names_the_user_of_the_token),
		TEST(an_empty_user_does_not_help_a_wrong_token),
		TEST(users_are_compared_byte_for_byte),
		TEST(a_decision_never_hashes_but_asks_for_a_proof),
		TEST(a_proof_of_another_phc_is_not_taken),
		TEST(an_empty_proof_does_not_prove_an_empty_phc),
		TEST(a_stored_text_that_is_no_hash_proves_nothing),
		TEST(
		    a_hash_that_is_cut_longer_or_in_another_case_proves_nothing),
		TEST(a_proof_with_an_error_is_unavailable),
		TEST(a_revocation_between_proof_and_decision_holds),
		TEST(forged_tokens_run_no_argon2),
		TEST(a_token_without_fast_tag_costs_an_argon2),
		TEST(a_damaged_phc_is_unavailable_and_runs_nothing),
		TEST(an_error_of_the_store_is_unavailable),
		TEST(an_enabled_user_is_in_again_with_no_change_of_the_token),
		TEST(a_use_counts_against_the_limit_for_unused_tokens),
		TEST(a_wrong_or_cold_token_costs_one_read_of_the_store),
		TEST(a_prefix_of_others_is_the_wrong_shape),
		TEST(tokens_of_a_former_prefix_live_on_if_it_is_accepted),
		TEST(the_clock_decides_in_the_very_second),
		TEST(services_and_scopes_follow_their_globs),
		TEST(who_may_write_may_read_and_not_the_other_way),
		TEST(a_token_that_manages_itself_needs_no_rights_at_a_server),
		TEST(a_token_with_scopes_opens_no_service_without_section),
		TEST(a_token_without_limits_opens_every_service_from_anywhere),
		TEST(a_token_with_networks_wants_a_literal_address),
		TEST(another_policy_holds_at_once),
		TEST(a_known_token_needs_no_proof),
		TEST(a_known_token_costs_two_reads_its_own_and_its_users),
		TEST(only_a_child_costs_more_reads_one_for_each_token_above_it),
		TEST(what_is_above_a_child_cannot_be_left_unread),
		TEST(what_waits_to_be_fetched_has_no_secret_and_costs_no_hash),
		TEST(whatever_speaks_against_a_known_token_holds_at_once),
		TEST(a_known_token_ends_with_its_time_and_not_with_the_memo),
		TEST(another_hash_of_the_same_token_is_not_known),
		TEST(a_record_made_anew_under_an_id_is_not_known),
		TEST(a_wrong_text_is_not_known_and_does_not_become_so),
		TEST(
		    a_wrong_text_tried_again_costs_no_hash_where_there_is_no_fast_tag),
		TEST(an_error_is_not_remembered),
		TEST(a_flushed_memo_costs_one_more_hash),
		TEST(a_proof_serves_several_questions_of_one_token),
		TEST(a_record_that_never_rests_is_unavailable),
		cmocka_unit_test(
		    a_user_may_if_one_of_their_tokens_would_be_accepted),
		TEST(a_user_may_not_by_a_token_that_waits_to_be_fetched),
		TEST(
		    whether_a_user_may_is_unavailable_if_something_cannot_be_read),
		TEST(an_imported_secret_is_accepted_and_has_rights),
		TEST(an_imported_secret_is_its_own_users_only),
		TEST(
		    a_wrong_text_of_a_user_with_an_imported_secret_has_no_shape),
		TEST(only_a_required_upstream_credential_is_looked_for),
		TEST(a_text_without_shape_runs_no_argon2_for_other_users),
		TEST(a_group_of_the_name_service_counts_as_it_is_known),
		TEST(the_longest_name_of_a_group_is_compared_as_a_whole),
		TEST(a_group_that_is_not_known_is_asked_for_last),
		TEST(a_record_with_a_fast_tag_is_no_imported_secret),
		TEST(without_a_time_of_day_it_is_unavailable),
		TEST(an_imported_secret_that_cannot_be_read_is_unavailable),
		TEST(an_upstream_credential_that_cannot_be_read_is_unavailable),
		TEST(a_user_may_not_by_a_token_whose_prefix_is_not_taken),
		TEST(whether_a_user_may_is_no_question_for_who_cannot_wait),
		TEST(whether_a_user_may_tells_their_name_and_nothing_else),
		TEST(a_store_that_is_written_for_long_is_held),
		cmocka_unit_test(reasons_keep_their_numbers_and_names),
		cmocka_unit_test(verdicts_and_reasons_have_words_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
