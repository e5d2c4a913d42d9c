/*
 * Upstream credentials: their bytes, what may be one, the seal, the operations
 * on them and what is read for an answer; over the store in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/admin/admin.h"
#include "common/admin/self_service.h"
#include "common/admin/wire.h"
#include "common/decide/open.h"
#include "tests/unit/core_help.h"
#include "tests/unit/store_help.h"
#include "tests/unit/store_mem.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW INT64_C(1800000000)
#define OURS "jpat_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD"

struct fixture {
	char dir[PATH_MAX], key_path[PATH_MAX + 8], next_path[PATH_MAX + 16];
	struct jp_core core;
	struct jp_admin_request request;
	struct jp_why why;
	size_t len; /* of the items of the last operation */
	struct jp_admin_item items[8];
};

static const struct jp_rule rules[] = {
	{ .glob = "jira", .upstream = JP_UPSTREAM_USE_YES },
	{ .glob = "conf", .upstream = JP_UPSTREAM_USE_YES },
	{ .glob = "*" },
};

static int
set_up(void **state)
{
	static const int64_t now = NOW;
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct jp_settings settings;

	assert_non_null(fixture);
	scratch_make(fixture->dir);
	(void)snprintf(fixture->key_path, sizeof(fixture->key_path), "%s/key",
	    fixture->dir);
	(void)snprintf(fixture->next_path, sizeof(fixture->next_path), "%s%s",
	    fixture->key_path, JP_UPSTREAM_NEXT);
	core_help_settings(&settings);
	settings.policy.rule_len = COUNT_OF(rules);
	memcpy(settings.policy.rules, rules, sizeof(rules));
	core_help_open(&fixture->core, &settings, &now);
	assert_int_equal(
	    jp_upstream_key_create(fixture->key_path, &fixture->why),
	    JP_ERR_OK);
	assert_int_equal(jp_upstream_keys_load(&fixture->core.upstream,
	                     fixture->key_path, &fixture->why),
	    JP_ERR_OK);
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	jp_core_close(&fixture->core);
	scratch_remove(fixture->dir);
	free(fixture);
	return 0;
}

static struct jp_secret
secret(const char *text)
{
	struct jp_secret secret;

	assert_int_equal(jp_secret_set(&secret, text, strlen(text)), JP_ERR_OK);
	return secret;
}

/* ---- the bytes ---- */

static void
make_one(struct jp_upstream *one, const char *service)
{
	*one = (struct jp_upstream){ .kind = JP_UPSTREAM_BASIC,
		.set_at = NOW,
		.set_by = "root",
		.key_name = "0123456789abcde",
		.sealed_len = JP_UPSTREAM_SEALED_MAX };
	(void)snprintf(one->service, sizeof(one->service), "%s", service);
	memset(one->sealed, 'x', sizeof(one->sealed));
}

static void
a_record_comes_back_and_a_cut_one_does_not(void **state)
{
	static const struct jp_upstreams zero;
	struct jp_upstreams in = { .user = "alice" }, out;
	uint8_t bytes[JP_UPSTREAM_RECORD_MAX + 1];
	struct jp_upstream one;
	char service[JP_SERVICE_MAX + 1];
	size_t len;

	(void)state;
	memset(in.user, 'u', JP_USER_MAX);
	memset(service, 's', sizeof(service));
	service[JP_SERVICE_MAX] = '\0';
	for (int i = 0; i < JP_UPSTREAMS_MAX; i++) {
		service[JP_SERVICE_MAX - 1] = (char)('p' - i);
		make_one(&one, service);
		memset(one.set_by, 'r', JP_ACTOR_MAX);
		assert_int_equal(jp_upstreams_set(&in, &one), JP_ERR_OK);
	}
	make_one(&one, "one more");
	assert_int_equal(jp_upstreams_set(&in, &one), JP_ERR_TOO_LONG);
	assert_int_equal(jp_upstreams_encode(&in, bytes, &len), JP_ERR_OK);
	assert_int_equal(jp_upstreams_decode(&out, bytes, len), JP_ERR_OK);
	assert_memory_equal(&in, &out, sizeof(in));
	bytes[len] = 0;
	assert_int_equal(
	    jp_upstreams_decode(&out, bytes, len + 1), JP_ERR_DAMAGED);
	for (size_t cut = 0; cut < len; cut += 1 + cut / 50) {
		assert_int_equal(
		    jp_upstreams_decode(&out, bytes, cut), JP_ERR_DAMAGED);
		assert_memory_equal(&out, &zero, sizeof(out));
	}
	bytes[0] = JP_UPSTREAM_VERSION + 1;
	assert_int_equal(jp_upstreams_decode(&out, bytes, len), JP_ERR_NEWER);
	bytes[0] = 0;
	assert_int_equal(jp_upstreams_decode(&out, bytes, len), JP_ERR_DAMAGED);
}

static void
one_service_stands_once_in_a_record(void **state)
{
	struct jp_upstreams all = { .user = "alice", .len = 2 };
	uint8_t bytes[JP_UPSTREAM_RECORD_MAX];
	size_t len;

	(void)state;
	make_one(&all.of[0], "jira");
	make_one(&all.of[1], "jira");
	assert_int_equal(jp_upstreams_encode(&all, bytes, &len), JP_ERR_OK);
	assert_int_equal(jp_upstreams_decode(&all, bytes, len), JP_ERR_DAMAGED);
	memset(&all, 0, sizeof(all));
	strcpy(all.user, "alice");
	assert_int_equal(jp_upstreams_encode(&all, bytes, &len), JP_ERR_OK);
	assert_int_equal(jp_upstreams_decode(&all, bytes, len), JP_ERR_DAMAGED);
}

static void
the_own_one_of_a_service_goes_first(void **state)
{
	static const char *const services[] = { "jira", "", "conf" };
	struct jp_upstreams all = { .user = "alice" };
	struct jp_upstream one;

	(void)state;
	assert_null(jp_upstreams_for(&all, "jira"));
	for (size_t i = 0; i < COUNT_OF(services); i++) {
		make_one(&one, services[i]);
		assert_int_equal(jp_upstreams_set(&all, &one), JP_ERR_OK);
		assert_int_equal(jp_upstreams_set(&all, &one), JP_ERR_OK);
	}
	assert_int_equal(all.len, 3);
	assert_string_equal(jp_upstreams_for(&all, "jira")->service, "jira");
	assert_string_equal(jp_upstreams_for(&all, "conf")->service, "conf");
	assert_string_equal(jp_upstreams_for(&all, "jir")->service, "");
	assert_string_equal(jp_upstreams_for(&all, "")->service, "");
	assert_null(jp_upstreams_exact(&all, "jir"));
	assert_false(jp_upstreams_remove(&all, "jir"));
	assert_true(jp_upstreams_remove(&all, ""));
	assert_null(jp_upstreams_for(&all, "jir"));
	assert_string_equal(jp_upstreams_for(&all, "jira")->service, "jira");
}

/* ---- what is typed ---- */

/* base64 of "alice:" and our token, as `create --bearer` prints it. */
static void
bearer_of_ours(char *text, size_t size)
{
	static const char pair[] = "alice:" OURS;

	(void)sodium_bin2base64(text, size, (const unsigned char *)pair,
	    sizeof(pair) - 1, sodium_base64_VARIANT_ORIGINAL);
}

static void
what_is_typed_becomes_a_header_or_is_refused(void **state)
{
	char ours64[256], pat[JP_UPSTREAM_PAT_MAX + 2];
	char pair[JP_UPSTREAM_BASIC_MAX + 2];
	const struct {
		const char *typed;
		enum jp_err err;
		const char *header; /* NULL: its length is looked at */
	} cases[] = {
		{ "MDA5ODc2NTQzMjEw", JP_ERR_OK, "Bearer MDA5ODc2NTQzMjEw" },
		{ "a-b._~+/==", JP_ERR_OK, "Bearer a-b._~+/==" },
		{ "bob@example.com:tok", JP_ERR_OK,
		    "Basic Ym9iQGV4YW1wbGUuY29tOnRvaw==" },
		{ "b:t:u", JP_ERR_OK, "Basic Yjp0OnU=" },
		{ "b\xc3\xa4:\xc3\xa4", JP_ERR_OK, "Basic YsOkOsOk" },
		{ "b b:t t", JP_ERR_OK, "Basic YiBiOnQgdA==" },
		{ pat + 1, JP_ERR_OK, NULL },
		{ pair + 1, JP_ERR_OK, NULL },
		{ pat, JP_ERR_TOO_LONG, "" },
		{ pair, JP_ERR_TOO_LONG, "" },
		{ "", JP_ERR_INVALID, "" },
		{ "Bearer abc", JP_ERR_INVALID, "" },
		{ "a b", JP_ERR_INVALID, "" },
		{ " abc", JP_ERR_INVALID, "" },
		{ "abc ", JP_ERR_INVALID, "" },
		{ "abc\r", JP_ERR_INVALID, "" },
		{ "b:t\r\nX-A: b", JP_ERR_INVALID, "" },
		{ "b:t\x7f", JP_ERR_INVALID, "" },
		{ "ab=c", JP_ERR_INVALID, "" },
		{ "=", JP_ERR_INVALID, "" },
		{ "\xc3\xa4", JP_ERR_INVALID, "" },
		{ "b:\xff", JP_ERR_INVALID, "" },
		{ ":t", JP_ERR_INVALID, "" },
		{ "b:", JP_ERR_INVALID, "" },
		{ OURS, JP_ERR_REFUSED, "" },
		{ "alice:" OURS, JP_ERR_REFUSED, "" },
		{ OURS ":x", JP_ERR_REFUSED, "" },
		{ "old_D4oBwk0S_cdgXNCTZuXCvl14LWfvqWFxkpJyFn414xkpD",
		    JP_ERR_REFUSED, "" },
		{ ours64, JP_ERR_REFUSED, "" },
	};

	(void)state;
	bearer_of_ours(ours64, sizeof(ours64));
	memset(pat, 'p', sizeof(pat) - 1);
	pat[sizeof(pat) - 1] = '\0';
	memset(pair, ':', sizeof(pair) - 1);
	pair[1] = 'b';
	pair[sizeof(pair) - 1] = '\0';
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct jp_secret typed = secret(cases[i].typed), header;
		struct jp_why why = { .text = "" };
		enum jp_upstream_kind kind;

		assert_int_equal(
		    jp_upstream_header(&typed, "jpat", &kind, &header, &why),
		    cases[i].err);
		assert_int_equal(header.len, strlen(header.text));
		if (cases[i].header != NULL)
			assert_string_equal(header.text, cases[i].header);
		if (header.len > 0)
			assert_true(strncmp(header.text, "Basic ", 6) == 0 ||
			            kind == JP_UPSTREAM_BEARER);
	}
}

/* ---- the seal ---- */

static const struct jp_upstream_key key = { { 1, 2, 3 }, "one" };

static void
seal_one(struct jp_upstream *one)
{
	const struct jp_secret header = secret("Bearer abc");

	make_one(one, "jira");
	jp_upstream_seal(&key, "alice", &header, one);
}

static void
what_was_sealed_opens_and_no_two_seals_are_alike(void **state)
{
	struct jp_upstream one, two;
	struct jp_secret header;

	(void)state;
	seal_one(&one);
	seal_one(&two);
	assert_memory_not_equal(one.sealed, two.sealed, one.sealed_len);
	assert_null(memmem(one.sealed, one.sealed_len, "abc", strlen("abc")));
	assert_int_equal(
	    jp_upstream_open(&key, "alice", &one, &header), JP_ERR_OK);
	assert_string_equal(header.text, "Bearer abc");
	assert_int_equal(header.len, strlen("Bearer abc"));
}

/* Moved to another user or service, or altered anywhere: it stays closed. */
static void
nothing_else_opens(void **state)
{
	static const struct jp_upstream_key other = { { 1, 2, 4 }, "two" };
	static const struct jp_upstream_key same_name = { { 1, 2, 4 }, "one" };
	struct jp_upstream one, bad;
	struct jp_secret header = secret("left over");

	(void)state;
	seal_one(&one);
	assert_int_equal(
	    jp_upstream_open(&other, "alice", &one, &header), JP_ERR_CONFIG);
	assert_int_equal(header.len, 0);
	assert_int_equal(jp_upstream_open(&same_name, "alice", &one, &header),
	    JP_ERR_DAMAGED);
	assert_int_equal(
	    jp_upstream_open(&key, "alicf", &one, &header), JP_ERR_DAMAGED);
	bad = one;
	strcpy(bad.service, "conf");
	assert_int_equal(
	    jp_upstream_open(&key, "alice", &bad, &header), JP_ERR_DAMAGED);
	bad = one;
	bad.kind = JP_UPSTREAM_BEARER;
	assert_int_equal(
	    jp_upstream_open(&key, "alice", &bad, &header), JP_ERR_DAMAGED);
	bad = one;
	strcpy(bad.set_by, "eve");
	assert_int_equal(
	    jp_upstream_open(&key, "alice", &bad, &header), JP_ERR_DAMAGED);
	for (size_t i = 0; i < one.sealed_len; i++) {
		bad = one;
		bad.sealed[i] ^= 1;
		assert_int_equal(jp_upstream_open(&key, "alice", &bad, &header),
		    JP_ERR_DAMAGED);
		assert_int_equal(header.len, 0);
	}
	bad = one;
	bad.sealed_len--;
	assert_int_equal(
	    jp_upstream_open(&key, "alice", &bad, &header), JP_ERR_DAMAGED);
}

/* ---- the operations ---- */

static enum jp_err
take(void *arg, const struct jp_admin_item *item)
{
	struct fixture *fixture = arg;

	assert_true(fixture->len < COUNT_OF(fixture->items));
	fixture->items[fixture->len++] = *item;
	return JP_ERR_OK;
}

static enum jp_err
run(struct fixture *fixture, enum jp_admin_op op, const char *user,
    const char *service)
{
	struct jp_admin_request *request = &fixture->request;
	enum jp_err err;

	request->op = op;
	(void)jp_field_set(
	    request->record.user, sizeof(request->record.user), user);
	(void)jp_field_set(request->question.service,
	    sizeof(request->question.service), service);
	fixture->len = 0;
	err = jp_admin_execute(
	    &fixture->core, "root", request, take, fixture, &fixture->why);
	assert_true((err != JP_ERR_OK) == (fixture->why.text[0] != '\0'));
	return err;
}

static enum jp_err
set(struct fixture *fixture, const char *user, const char *service,
    const char *typed)
{
	fixture->request.question.token = secret(typed);
	return run(fixture, JP_ADMIN_SET_UPSTREAM, user, service);
}

static enum jp_err
remove_all(struct fixture *fixture, const char *user)
{
	enum jp_err err;

	fixture->request.all = true;
	err = run(fixture, JP_ADMIN_REMOVE_UPSTREAM, user, "");
	fixture->request.all = false;
	return err;
}

/* What the server behind `service` would be shown. */
static const char *
shown(struct fixture *fixture, const char *user, const char *service)
{
	static struct jp_secret header;

	assert_int_equal(
	    jp_upstream_reveal(&fixture->core, user, service, false, &header),
	    JP_ERR_OK);
	return header.text;
}

static void
what_is_set_is_shown_to_its_services_alone(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(set(fixture, "alice", "", "all"), JP_ERR_OK);
	assert_int_equal(fixture->len, 1);
	assert_string_equal(fixture->items[0].user.name, "alice");
	assert_string_equal(fixture->items[0].upstream.set_by, "root");
	assert_int_equal(fixture->items[0].upstream.set_at, NOW);
	assert_int_equal(fixture->items[0].upstream_state, JP_UPSTREAM_READY);
	assert_int_equal(set(fixture, "alice", "conf", "c:d"), JP_ERR_OK);
	assert_string_equal(shown(fixture, "alice", "jira"), "Bearer all");
	assert_string_equal(shown(fixture, "alice", "conf"), "Basic Yzpk");
	assert_string_equal(shown(fixture, "alice", "imap"), "");
	assert_string_equal(shown(fixture, "bob", "jira"), "");
	assert_string_equal(shown(fixture, "", "jira"), "");
	assert_int_equal(set(fixture, "alice", "", "new"), JP_ERR_OK);
	assert_string_equal(shown(fixture, "alice", "jira"), "Bearer new");
}

static void
what_is_removed_is_shown_no_more(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(
	    run(fixture, JP_ADMIN_REMOVE_UPSTREAM, "alice", "jira"),
	    JP_ERR_NOT_FOUND);
	assert_int_equal(remove_all(fixture, "alice"), JP_ERR_NOT_FOUND);
	assert_int_equal(set(fixture, "alice", "", "all"), JP_ERR_OK);
	assert_int_equal(set(fixture, "alice", "jira", "own"), JP_ERR_OK);
	assert_int_equal(set(fixture, "bob", "", "bob"), JP_ERR_OK);
	assert_int_equal(
	    run(fixture, JP_ADMIN_REMOVE_UPSTREAM, "alice", "jira"), JP_ERR_OK);
	assert_int_equal(fixture->len, 1);
	assert_string_equal(shown(fixture, "alice", "jira"), "Bearer all");
	assert_int_equal(set(fixture, "alice", "jira", "own"), JP_ERR_OK);
	assert_int_equal(remove_all(fixture, "alice"), JP_ERR_OK);
	assert_int_equal(fixture->len, 2);
	assert_string_equal(shown(fixture, "alice", "jira"), "");
	assert_string_equal(shown(fixture, "bob", "jira"), "Bearer bob");
}

static void
a_list_tells_all_but_the_secret(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_upstream *one = &fixture->items[0].upstream;
	uint8_t bytes[JP_ADMIN_MSG_MAX];
	size_t len;

	for (int i = 0; i < 40; i++) { /* more than a page */
		char user[16];

		(void)snprintf(user, sizeof(user), "user%02d", i);
		assert_int_equal(
		    set(fixture, user, "jira", "s3cret"), JP_ERR_OK);
		if (i >= 5)
			assert_int_equal(remove_all(fixture, user), JP_ERR_OK);
	}
	assert_int_equal(
	    run(fixture, JP_ADMIN_UPSTREAMS, "user03", ""), JP_ERR_OK);
	assert_int_equal(fixture->len, 1);
	assert_string_equal(one->service, "jira");
	assert_int_equal(
	    jp_admin_item_encode(&fixture->items[0], bytes, &len), JP_ERR_OK);
	assert_null(memmem(bytes, len, "s3cret", strlen("s3cret")));
	assert_null(memmem(bytes, len, one->sealed, JP_UPSTREAM_SEAL_LEN));
	assert_int_equal(run(fixture, JP_ADMIN_UPSTREAMS, "", ""), JP_ERR_OK);
	assert_int_equal(fixture->len, 5);
	assert_string_equal(fixture->items[4].user.name, "user04");
	assert_int_equal(
	    run(fixture, JP_ADMIN_UPSTREAMS, "nobody", ""), JP_ERR_OK);
	assert_int_equal(fixture->len, 0);
}

static void
wrong_wishes_change_nothing(void **state)
{
	static const char *const services[] = { "*", "ji?a", "[a]", "a b",
		"a\\b", "a\nb" };
	struct fixture *fixture = *state;

	assert_int_equal(set(fixture, "alice", "jira", "good"), JP_ERR_OK);
	for (size_t i = 0; i < COUNT_OF(services); i++)
		assert_int_equal(
		    set(fixture, "alice", services[i], "bad"), JP_ERR_INVALID);
	assert_int_equal(set(fixture, "", "jira", "bad"), JP_ERR_INVALID);
	assert_int_equal(set(fixture, "a:b", "jira", "bad"), JP_ERR_INVALID);
	assert_int_equal(set(fixture, "alice", "jira", OURS), JP_ERR_REFUSED);
	assert_null(strstr(fixture->why.text, "cdgXNCTZ"));
	assert_int_equal(set(fixture, "alice", "jira", "b d"), JP_ERR_INVALID);
	assert_string_equal(shown(fixture, "alice", "jira"), "Bearer good");
	assert_int_equal(run(fixture, JP_ADMIN_UPSTREAMS, "", ""), JP_ERR_OK);
	assert_int_equal(fixture->len, 1);
}

static void
no_user_reaches_the_operations(void **state)
{
	static const enum jp_admin_op ops[] = { JP_ADMIN_UPSTREAMS,
		JP_ADMIN_SET_UPSTREAM, JP_ADMIN_REMOVE_UPSTREAM,
		JP_ADMIN_REKEY_UPSTREAM };
	static const struct jp_self_rules local = { .local = true };
	static const struct jp_asker asker = {
		.peer = JP_PEER_LOCAL, .uid = 1000, .account = "alice"
	};
	struct fixture *fixture = *state;
	struct jp_permit permit;

	for (size_t i = 0; i < COUNT_OF(ops); i++) {
		fixture->request.op = ops[i];
		assert_int_equal(jp_self_service(&fixture->core, &local, &asker,
		                     &fixture->request, &permit, &fixture->why),
		    JP_ERR_REFUSED);
	}
}

/* ---- keys ---- */

static enum jp_upstream_state
state_of(struct fixture *fixture, const char *user)
{
	assert_int_equal(run(fixture, JP_ADMIN_UPSTREAMS, user, ""), JP_ERR_OK);
	assert_int_equal(fixture->len, 1);
	return fixture->items[0].upstream_state;
}

static void
a_lost_or_exchanged_key_is_told_and_nothing_is_shown(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(set(fixture, "alice", "", "good"), JP_ERR_OK);
	assert_int_equal(unlink(fixture->key_path), 0);
	assert_int_equal(state_of(fixture, "alice"), JP_UPSTREAM_NO_KEY);
	assert_string_equal(shown(fixture, "alice", "jira"), "");
	assert_int_equal(set(fixture, "bob", "", "bob"), JP_ERR_MISSING);
	assert_non_null(strstr(fixture->why.text, "pat-admin init"));
	assert_int_equal(
	    jp_upstream_key_create(fixture->key_path, &fixture->why),
	    JP_ERR_OK);
	assert_int_equal(state_of(fixture, "alice"), JP_UPSTREAM_OTHER_KEY);
	assert_string_equal(shown(fixture, "alice", "jira"), "");
	assert_int_equal(set(fixture, "bob", "", "bob"), JP_ERR_OK);
	assert_string_equal(shown(fixture, "bob", "jira"), "Bearer bob");
	assert_int_equal(set(fixture, "alice", "", "again"), JP_ERR_OK);
	assert_string_equal(shown(fixture, "alice", "jira"), "Bearer again");
}

static void
a_key_that_others_may_read_is_none(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(chmod(fixture->key_path, 0440), 0);
	assert_int_equal(set(fixture, "bob", "", "bob"), JP_ERR_CONFIG);
	assert_non_null(strstr(fixture->why.text, "others may open"));
	assert_int_equal(chmod(fixture->key_path, 0600), 0);
	assert_int_equal(truncate(fixture->key_path, 31), 0);
	assert_int_equal(set(fixture, "bob", "", "bob"), JP_ERR_CONFIG);
	assert_string_equal(shown(fixture, "bob", "jira"), "");
}

/* At any moment of it all can be opened, also by a process that starts then. */
static void
a_new_key_takes_over_and_all_stays_readable(void **state)
{
	struct fixture *fixture = *state;
	struct jp_upstream_keys *keys = &fixture->core.upstream;

	assert_int_equal(set(fixture, "alice", "", "a"), JP_ERR_OK);
	assert_int_equal(set(fixture, "bob", "", "b"), JP_ERR_OK);
	assert_int_equal(
	    run(fixture, JP_ADMIN_REKEY_UPSTREAM, "", ""), JP_ERR_MISSING);
	assert_int_equal(
	    jp_upstream_key_create(fixture->next_path, &fixture->why),
	    JP_ERR_OK);
	assert_int_equal(
	    run(fixture, JP_ADMIN_REKEY_UPSTREAM, "", ""), JP_ERR_OK);
	assert_int_equal(fixture->len, 2);
	assert_string_equal(shown(fixture, "alice", "jira"), "Bearer a");
	assert_int_equal(set(fixture, "carol", "", "c"), JP_ERR_OK);
	assert_int_equal(rename(fixture->next_path, fixture->key_path), 0);
	assert_int_equal(
	    jp_upstream_keys_load(keys, NULL, &fixture->why), JP_ERR_OK);
	assert_string_equal(shown(fixture, "alice", "jira"), "Bearer a");
	assert_string_equal(shown(fixture, "bob", "jira"), "Bearer b");
	assert_string_equal(shown(fixture, "carol", "jira"), "Bearer c");
}

static void
one_that_cannot_be_opened_stops_a_new_key(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(set(fixture, "alice", "", "a"), JP_ERR_OK);
	assert_int_equal(unlink(fixture->key_path), 0);
	assert_int_equal(
	    jp_upstream_key_create(fixture->key_path, &fixture->why),
	    JP_ERR_OK);
	assert_int_equal(set(fixture, "bob", "", "b"), JP_ERR_OK);
	assert_int_equal(
	    jp_upstream_key_create(fixture->next_path, &fixture->why),
	    JP_ERR_OK);
	assert_int_equal(
	    run(fixture, JP_ADMIN_REKEY_UPSTREAM, "", ""), JP_ERR_CONFIG);
	assert_int_equal(fixture->len, 1);
	assert_string_equal(fixture->items[0].user.name, "alice");
	assert_int_equal(unlink(fixture->next_path), 0);
	assert_int_equal(state_of(fixture, "bob"), JP_UPSTREAM_READY);
}

/* ---- the answer ---- */

static unsigned int
reads_of(struct fixture *fixture, const char *service)
{
	unsigned int before = jp_store_mem_calls(fixture->core.store);

	(void)shown(fixture, "alice", service);
	return jp_store_mem_calls(fixture->core.store) - before;
}

static void
only_a_service_that_asks_for_it_costs_a_read(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(set(fixture, "alice", "", "a"), JP_ERR_OK);
	assert_int_equal(reads_of(fixture, "jira"), 1);
	assert_int_equal(reads_of(fixture, "imap"), 0);
	assert_int_equal(reads_of(fixture, ""), 0);
}

static void
an_error_of_the_store_shows_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct jp_secret header = secret("left over");

	assert_int_equal(set(fixture, "alice", "", "a"), JP_ERR_OK);
	jp_store_mem_fail(fixture->core.store, 1, JP_ERR_BUSY, false);
	assert_int_equal(
	    jp_upstream_reveal(&fixture->core, "alice", "jira", false, &header),
	    JP_ERR_BUSY);
	assert_int_equal(header.len, 0);
	assert_string_equal(shown(fixture, "alice", "jira"), "Bearer a");
	jp_store_mem_fail(fixture->core.store, 2, JP_ERR_DISK_FULL, false);
	assert_int_equal(set(fixture, "alice", "", "b"), JP_ERR_DISK_FULL);
	assert_string_equal(shown(fixture, "alice", "jira"), "Bearer a");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_comes_back_and_a_cut_one_does_not),
		cmocka_unit_test(one_service_stands_once_in_a_record),
		cmocka_unit_test(the_own_one_of_a_service_goes_first),
		cmocka_unit_test(what_is_typed_becomes_a_header_or_is_refused),
		cmocka_unit_test(
		    what_was_sealed_opens_and_no_two_seals_are_alike),
		cmocka_unit_test(nothing_else_opens),
		cmocka_unit_test_setup_teardown(
		    what_is_set_is_shown_to_its_services_alone, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    what_is_removed_is_shown_no_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_list_tells_all_but_the_secret, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    wrong_wishes_change_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    no_user_reaches_the_operations, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_lost_or_exchanged_key_is_told_and_nothing_is_shown,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_key_that_others_may_read_is_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_new_key_takes_over_and_all_stays_readable, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    one_that_cannot_be_opened_stops_a_new_key, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    only_a_service_that_asks_for_it_costs_a_read, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    an_error_of_the_store_shows_nothing, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
