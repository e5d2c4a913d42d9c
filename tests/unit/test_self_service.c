/*
 * Who may do what on admin.sock, and in whose name:
 * common/admin/self_service.c, over the store in memory. Each operation has a
 * row below.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <pwd.h>

#include "common/admin/self_service.h"
#include "common/decide/open.h"
#include "tests/unit/core_help.h"
#include "tests/unit/store_mem.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)
#define HTTPD 4242

/* The tokens of the store; each id tells whose it is. */
#define OWN "ownown00"     /* alice's: the scope "read", 90 days */
#define MINTER "minter00"  /* alice's: "tokens" and "read", 30 days */
#define BARE "bare0000"    /* alice's, without scopes */
#define OTHERS "others00"  /* bob's */
#define GROUPS "groups00"  /* svc's, owned by alice's group "dev" */
#define FOREIGN "foreign0" /* svc's, owned by a group that she is not in */

/* A name service that fails. */
int
getpwnam_r(const char *name, struct passwd *pw, char *room, size_t size,
    struct passwd **result)
{
	(void)name;
	(void)pw;
	(void)room;
	(void)size;
	*result = NULL;
	return EIO;
}

struct fixture {
	struct jp_core core;
	int64_t now;
	struct jp_self_rules rules;
	struct jp_asker asker;
	struct jp_admin_request request;
	struct jp_permit permit;
	struct jp_why why;
};

static struct jp_record
record_of(const char *id, const char *user, int64_t days, const char *scope)
{
	struct jp_record record = { .created_at = NOW };

	strcpy(record.id, id);
	strcpy(record.family, id);
	strcpy(record.user, user);
	strcpy(record.prefix, "jpat");
	strcpy(record.created_by, "root");
	record.expires_at = days > 0 ? NOW + days * DAY : JP_NEVER;
	if (scope != NULL)
		strcpy(record.scopes[record.scope_len++], scope);
	return record;
}

static void
store(struct fixture *fixture, const struct jp_record *record)
{
	core_help_commit(&fixture->core, JP_CHANGE_CREATE, record);
}

static void
store_user(
    struct fixture *fixture, const char *name, const char *group, bool disabled)
{
	struct jp_user user;

	jp_user_default(&user, name);
	user.disabled = disabled;
	user.changed_at = NOW;
	if (group != NULL)
		assert_int_equal(
		    jp_user_add_group(&user, group, &fixture->why), JP_ERR_OK);
	assert_int_equal(
	    jp_store_put_users(fixture->core.store, &user, 1), JP_ERR_OK);
}

static void
fill_store(struct fixture *fixture)
{
	struct jp_record record = record_of(OWN, "alice", 90, "read");

	store(fixture, &record);
	record = record_of(MINTER, "alice", 30, "tokens");
	strcpy(record.scopes[record.scope_len++], "read");
	store(fixture, &record);
	record = record_of(BARE, "alice", 0, NULL);
	store(fixture, &record);
	record = record_of(OTHERS, "bob", 90, "read");
	store(fixture, &record);
	record = record_of(GROUPS, "svc", 90, "read");
	strcpy(record.owner_group, "dev");
	store(fixture, &record);
	record = record_of(FOREIGN, "svc", 90, "read");
	strcpy(record.owner_group, "ops");
	store(fixture, &record);
	store_user(fixture, "alice", "dev", false);
	store_user(fixture, "carol", "staff", false);
	store_user(fixture, "gone", "staff", true);
}

static int
set_up(void **state)
{
	struct fixture *fixture = core_help_fixture(state, sizeof(*fixture));
	struct jp_settings settings;

	fixture->now = NOW;
	core_help_settings(&settings);
	core_help_open(&fixture->core, &settings, &fixture->now);
	fill_store(fixture);
	fixture->rules.local = true;
	fixture->rules.front = settings.self;
	fixture->rules.front.configured = true;
	strcpy(fixture->rules.front.admin_group, "staff");
	return 0;
}

static void
policy(struct fixture *fixture, int64_t self_lifetime, const char *scope)
{
	fixture->core.policy.self_lifetime = self_lifetime;
	if (scope != NULL)
		strcpy(fixture->core.policy
		           .self_scopes[fixture->core.policy.self_scope_len++],
		    scope);
}

/* ---- asking ---- */

/* A request of that peer; `user` NULL: in its own name, else in that user's. */
static void
begin(struct fixture *fixture, enum jp_peer peer, const char *user,
    const char *token)
{
	static const struct jp_asker askers[JP_PEER_COUNT] = {
		[JP_PEER_LOCAL] = { JP_PEER_LOCAL, 1000, "alice" },
		[JP_PEER_MEMBER] = { JP_PEER_MEMBER, 1001, "adele" },
		[JP_PEER_HTTPD] = { JP_PEER_HTTPD, HTTPD, "jira-pat-http" },
		[JP_PEER_ROOT] = { JP_PEER_ROOT, 0, "root" },
	};

	memset(&fixture->request, 0, sizeof(fixture->request));
	fixture->request.owner = "nobody"; /* no request says for whom it is */
	fixture->asker = askers[peer];
	if (user != NULL) {
		strcpy(fixture->request.behalf.user, user);
		strcpy(fixture->request.behalf.address, "192.0.2.7");
	}
	if (token != NULL)
		strcpy(fixture->request.behalf.token, token);
}

static enum jp_err
ask(struct fixture *fixture, enum jp_admin_op op, const char *id)
{
	fixture->request.op = op;
	strcpy(fixture->request.record.id, id);
	jp_why_clear(&fixture->why);
	memset(&fixture->permit, 0xff, sizeof(fixture->permit));
	return jp_self_service(&fixture->core, &fixture->rules, &fixture->asker,
	    &fixture->request, &fixture->permit, &fixture->why);
}

static enum jp_err
drop(void *arg, const struct jp_admin_item *item)
{
	(void)arg;
	(void)item;
	return JP_ERR_OK;
}

/* The same, and if it is permitted it is done. */
static enum jp_err
do_it(struct fixture *fixture, enum jp_admin_op op, const char *id)
{
	enum jp_err err = ask(fixture, op, id);

	return err != JP_ERR_OK
	           ? err
	           : jp_admin_execute(&fixture->core, fixture->permit.actor,
	                 &fixture->request, drop, NULL, &fixture->why);
}

static void
assert_refusal(struct fixture *fixture, enum jp_err err, enum jp_refusal wanted)
{
	assert_int_equal(err, JP_ERR_REFUSED);
	assert_string_equal(
	    jp_refusal_id(fixture->why.refusal), jp_refusal_id(wanted));
	assert_string_not_equal(fixture->why.text, "");
}

/* ---- the table ---- */

/*
 * What becomes of each operation: y: permitted, and of all; o: permitted, for
 * the owner; -: not allowed; s: needs the scope "tokens".
 */
enum column {
	ROOT,      /* root or a member of [patd] admin_group, for themselves */
	USER,      /* alice, local, or by the single sign-on, or as root says */
	BY_MINTER, /* her token with the scope */
	BY_ITSELF, /* her token without it, about itself */
	BY_ANOTHER, /* the same about another of hers */
	BY_BARE,    /* her token without scopes, about another of hers */
	STAFF,      /* carol as staff */
	NO_STAFF,   /* alice as staff */
	COLUMNS,
};

static const struct row {
	enum jp_admin_op op;
	bool dry_run;
	char expected[COLUMNS + 1];
} rows[] = {
	/* R U M I A B S N */
	{ JP_ADMIN_CREATE, false, "yoosss--" },
	{ JP_ADMIN_CREATE, true, "yoosss--" },
	{ JP_ADMIN_LIST, false, "yoooooy-" },
	{ JP_ADMIN_SHOW, false, "yoooooy-" },
	{ JP_ADMIN_REVOKE, false, "yooossy-" },
	{ JP_ADMIN_TEST, false, "y-------" },
	{ JP_ADMIN_STATS, false, "y-------" },
	{ JP_ADMIN_BACKUP, false, "y-------" },
	{ JP_ADMIN_EXPORT, false, "y-------" },
	{ JP_ADMIN_IMPORT, false, "y-------" },
	{ JP_ADMIN_PURGE, false, "y-------" },
	{ JP_ADMIN_PURGE, true, "y-------" },
	{ JP_ADMIN_USERS, false, "y-----y-" },
	{ JP_ADMIN_USER, false, "y-------" },
	{ JP_ADMIN_SET_USER, false, "y-------" },
	{ JP_ADMIN_ROTATE, false, "yoooss--" },
	{ JP_ADMIN_ROTATE, true, "yoooss--" },
	{ JP_ADMIN_POLICY, false, "y-------" },
	{ JP_ADMIN_POLICY, true, "y-----y-" },
	{ JP_ADMIN_SET_USERS, false, "y-------" },
	{ JP_ADMIN_CREATE_MANY, false, "y-------" },
	{ JP_ADMIN_IMPORT_USERS, false, "y-------" },
	{ JP_ADMIN_UPSTREAMS, false, "y-------" },
	{ JP_ADMIN_SET_UPSTREAM, false, "y-------" },
	{ JP_ADMIN_REMOVE_UPSTREAM, false, "y-------" },
	{ JP_ADMIN_REKEY_UPSTREAM, false, "y-------" },
	{ JP_ADMIN_DISABLE, false, "yooossy-" },
	{ JP_ADMIN_ENABLE, false, "yoosssy-" },
	{ JP_ADMIN_CLAIM, false, "yo------" },
	{ JP_ADMIN_CLUSTER, false, "y-------" },
};

static bool
takes_id(enum jp_admin_op op)
{
	enum jp_takes takes = jp_admin_op_info(op)->takes;

	return takes == JP_TAKES_ID || takes == JP_TAKES_ID_OR_USER;
}

static enum jp_err
ask_row(struct fixture *fixture, const struct row *row, const char *id)
{
	fixture->request.dry_run = row->dry_run;
	return ask(fixture, row->op, takes_id(row->op) ? id : "");
}

static void
assert_cell(struct fixture *fixture, const struct row *row, enum jp_err err,
    enum column column, const char *actor)
{
	bool makes = row->op == JP_ADMIN_CREATE || row->op == JP_ADMIN_ROTATE;

	switch (row->expected[column]) {
	case 'y':
		assert_int_equal(err, JP_ERR_OK);
		assert_null(fixture->request.owner);
		assert_false(fixture->permit.limited);
		assert_string_equal(fixture->permit.actor, actor);
		return;
	case 'o':
		assert_int_equal(err, JP_ERR_OK);
		assert_string_equal(fixture->request.owner, "alice");
		assert_int_equal(fixture->permit.limited, makes);
		assert_string_equal(fixture->permit.actor, actor);
		return;
	case 's':
		assert_refusal(fixture, err, JP_REFUSAL_NEEDS_SCOPE);
		return;
	case '-':
		assert_refusal(fixture, err, JP_REFUSAL_NOT_ALLOWED);
		return;
	default:
		fail();
	}
}

static void
assert_row(struct fixture *fixture, const struct row *row)
{
	static const struct {
		enum column column;
		enum jp_peer peer;
		const char *user, *token, *id, *actor;
	} cells[] = {
		{ ROOT, JP_PEER_ROOT, NULL, NULL, OTHERS, "root" },
		{ ROOT, JP_PEER_MEMBER, NULL, NULL, OTHERS, "adele" },
		{ USER, JP_PEER_LOCAL, NULL, NULL, OWN, "alice" },
		{ USER, JP_PEER_HTTPD, "alice", NULL, OWN, "sso:alice" },
		{ USER, JP_PEER_ROOT, "alice", NULL, OWN, "sso:alice" },
		{ BY_MINTER, JP_PEER_HTTPD, "alice", MINTER, OWN,
		    "token:" MINTER },
		{ BY_ITSELF, JP_PEER_HTTPD, "alice", OWN, OWN, "token:" OWN },
		{ BY_ANOTHER, JP_PEER_HTTPD, "alice", OWN, BARE, "token:" OWN },
		{ BY_BARE, JP_PEER_ROOT, "alice", BARE, OWN, "token:" BARE },
		{ STAFF, JP_PEER_HTTPD, "carol", NULL, OTHERS, "sso:carol" },
		{ STAFF, JP_PEER_ROOT, "carol", NULL, OTHERS, "sso:carol" },
		{ NO_STAFF, JP_PEER_HTTPD, "alice", NULL, OWN, "sso:alice" },
		{ NO_STAFF, JP_PEER_ROOT, "alice", NULL, OWN, "sso:alice" },
		{ NO_STAFF, JP_PEER_HTTPD, "alice", MINTER, OWN, "" },
	};
	bool seen[COLUMNS] = { false };

	for (size_t i = 0; i < COUNT_OF(cells); i++) {
		enum column column = cells[i].column;

		begin(fixture, cells[i].peer, cells[i].user, cells[i].token);
		fixture->request.behalf.staff =
		    column == STAFF || column == NO_STAFF;
		assert_cell(fixture, row, ask_row(fixture, row, cells[i].id),
		    column, cells[i].actor);
		seen[column] = true;
	}
	for (size_t i = 0; i < COLUMNS; i++)
		assert_true(seen[i]);
}

static void
each_operation_is_permitted_as_the_table_says(void **state)
{
	bool seen[JP_ADMIN_OP_COUNT] = { false };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(strlen(rows[i].expected), COLUMNS);
		assert_row(*state, &rows[i]);
		seen[rows[i].op] = true;
	}
	for (size_t i = 0; i < JP_ADMIN_OP_COUNT; i++)
		assert_true(seen[i]); /* a new operation needs a row */
}

/* ---- in whose name ---- */

static void
only_pat_httpd_and_root_may_name_a_user(void **state)
{
	static const enum jp_peer never[] = { JP_PEER_LOCAL, JP_PEER_MEMBER };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT_OF(never); i++) {
		begin(fixture, never[i], "alice", NULL);
		assert_refusal(fixture, ask(fixture, JP_ADMIN_LIST, ""),
		    JP_REFUSAL_NOT_ALLOWED);
		assert_null(fixture->request.owner);
		begin(fixture, never[i], "alice", MINTER);
		assert_refusal(fixture, ask(fixture, JP_ADMIN_LIST, ""),
		    JP_REFUSAL_NOT_ALLOWED);
	}
}

static void
pat_httpd_must_name_a_user(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		begin(fixture, JP_PEER_HTTPD, NULL, NULL);
		assert_refusal(fixture, ask_row(fixture, &rows[i], OWN),
		    JP_REFUSAL_NOT_ALLOWED);
		begin(fixture, JP_PEER_HTTPD, NULL, MINTER);
		fixture->request.behalf.staff = true;
		assert_refusal(fixture, ask_row(fixture, &rows[i], OWN),
		    JP_REFUSAL_NOT_ALLOWED);
	}
}

static void
nobody_is_half_named(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, JP_PEER_ROOT, NULL, MINTER);
	assert_int_equal(ask(fixture, JP_ADMIN_LIST, ""), JP_ERR_INVALID);
	begin(fixture, JP_PEER_ROOT, NULL, NULL);
	fixture->request.behalf.staff = true;
	assert_int_equal(ask(fixture, JP_ADMIN_LIST, ""), JP_ERR_INVALID);
	begin(fixture, JP_PEER_LOCAL, NULL, NULL);
	strcpy(fixture->request.behalf.address, "192.0.2.7");
	assert_int_equal(ask(fixture, JP_ADMIN_LIST, ""), JP_ERR_INVALID);
}

static void
what_is_not_configured_is_for_nobody(void **state)
{
	struct fixture *fixture = *state;

	fixture->rules.front.configured = false;
	assert_false(jp_self_may_connect(&fixture->rules, JP_PEER_HTTPD));
	assert_true(jp_self_may_connect(&fixture->rules, JP_PEER_LOCAL));
	for (size_t i = 0; i < 2; i++) {
		begin(fixture, i == 0 ? JP_PEER_HTTPD : JP_PEER_ROOT, "alice",
		    NULL);
		assert_refusal(fixture, ask(fixture, JP_ADMIN_LIST, ""),
		    JP_REFUSAL_NOT_ALLOWED);
	}
	begin(fixture, JP_PEER_LOCAL, NULL, NULL);
	assert_int_equal(ask(fixture, JP_ADMIN_LIST, ""), JP_ERR_OK);
	fixture->rules.local = false;
	fixture->rules.front.configured = true;
	assert_true(jp_self_may_connect(&fixture->rules, JP_PEER_HTTPD));
	assert_false(jp_self_may_connect(&fixture->rules, JP_PEER_LOCAL));
	begin(fixture, JP_PEER_LOCAL, NULL, NULL);
	assert_refusal(
	    fixture, ask(fixture, JP_ADMIN_LIST, ""), JP_REFUSAL_NOT_ALLOWED);
	begin(fixture, JP_PEER_HTTPD, "alice", NULL);
	assert_int_equal(ask(fixture, JP_ADMIN_LIST, ""), JP_ERR_OK);
	fixture->rules.front.configured = false;
	assert_true(jp_self_may_connect(&fixture->rules, JP_PEER_ROOT));
	assert_true(jp_self_may_connect(&fixture->rules, JP_PEER_MEMBER));
}

static void
a_name_of_the_single_sign_on_is_no_local_account(void **state)
{
	struct fixture *fixture = *state;
	char name[JP_USER_MAX + 1] = "";

	begin(fixture, JP_PEER_HTTPD, "root", NULL);
	assert_int_equal(ask(fixture, JP_ADMIN_LIST, ""), JP_ERR_OK);
	assert_string_equal(fixture->permit.actor, "sso:root");
	assert_string_equal(fixture->request.owner, "root");
	assert_int_equal(fixture->request.front, HTTPD);
	memset(name, 'x', JP_USER_MAX);
	begin(fixture, JP_PEER_HTTPD, name, NULL);
	assert_int_equal(ask(fixture, JP_ADMIN_LIST, ""), JP_ERR_OK);
	assert_int_equal(
	    strlen(fixture->permit.actor), JP_USER_MAX + strlen("sso:"));
}

static void
a_name_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = { "a:b", "\x01", "a\nb", "\xff" };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		begin(fixture, JP_PEER_HTTPD, bad[i], NULL);
		assert_refusal(fixture, ask(fixture, JP_ADMIN_LIST, ""),
		    JP_REFUSAL_USER_INVALID);
	}
}

static void
nobody_names_another_than_the_owner(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, JP_PEER_HTTPD, "alice", NULL);
	strcpy(fixture->request.record.user, "bob");
	assert_int_equal(ask(fixture, JP_ADMIN_CREATE, ""), JP_ERR_REFUSED);
	begin(fixture, JP_PEER_HTTPD, "alice", MINTER);
	strcpy(fixture->request.record.user, "bob");
	assert_int_equal(ask(fixture, JP_ADMIN_REVOKE, ""), JP_ERR_REFUSED);
}

static void
a_token_of_another_is_not_there(void **state)
{
	static const enum jp_admin_op ops[] = { JP_ADMIN_SHOW, JP_ADMIN_REVOKE,
		JP_ADMIN_ROTATE };
	struct fixture *fixture = *state;
	char text[JP_WHY_MAX];

	for (size_t i = 0; i < COUNT_OF(ops); i++)
		for (size_t by = 0; by < 2; by++) {
			const char *token = by == 0 ? NULL : MINTER;
			char *at;

			begin(fixture, JP_PEER_HTTPD, "alice", token);
			assert_int_equal(
			    do_it(fixture, ops[i], OTHERS), JP_ERR_NOT_FOUND);
			strcpy(text, fixture->why.text);
			begin(fixture, JP_PEER_HTTPD, "alice", token);
			assert_int_equal(do_it(fixture, ops[i], "nobodys0"),
			    JP_ERR_NOT_FOUND);
			at = strstr(text, OTHERS);
			assert_non_null(at);
			memcpy(at, "nobodys0", strlen(OTHERS));
			assert_string_equal(fixture->why.text, text);
		}
}

/* ---- users ---- */

static void
a_disabled_user_gets_nothing(void **state)
{
	struct fixture *fixture = *state;

	store_user(fixture, "alice", "staff", true);
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t way = 0; way < 5; way++) {
			begin(fixture,
			    way == 0   ? JP_PEER_LOCAL
			    : way == 1 ? JP_PEER_ROOT
			               : JP_PEER_HTTPD,
			    way == 0 ? NULL : "alice",
			    way == 3 ? MINTER : NULL);
			fixture->request.behalf.staff = way == 4;
			assert_refusal(fixture, ask_row(fixture, &rows[i], OWN),
			    JP_REFUSAL_USER_DISABLED);
		}
}

static void
those_who_are_known_may_come_where_others_may_not(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, JP_PEER_HTTPD, "nobody", NULL);
	assert_int_equal(ask(fixture, JP_ADMIN_LIST, ""), JP_ERR_OK);
	fixture->rules.front.users = JP_SELF_USERS_KNOWN;
	begin(fixture, JP_PEER_HTTPD, "nobody", NULL);
	assert_refusal(
	    fixture, ask(fixture, JP_ADMIN_LIST, ""), JP_REFUSAL_USER_UNKNOWN);
	begin(fixture, JP_PEER_ROOT, "nobody", NULL);
	assert_refusal(fixture, ask(fixture, JP_ADMIN_CREATE, ""),
	    JP_REFUSAL_USER_UNKNOWN);
	begin(fixture, JP_PEER_HTTPD, "bob", NULL); /* has a token */
	assert_int_equal(ask(fixture, JP_ADMIN_LIST, ""), JP_ERR_OK);
	begin(fixture, JP_PEER_HTTPD, "carol", NULL); /* has a record */
	assert_int_equal(ask(fixture, JP_ADMIN_LIST, ""), JP_ERR_OK);
	begin(fixture, JP_PEER_LOCAL, NULL, NULL);
	fixture->asker.account = "nobody"; /* who came by another door */
	assert_int_equal(ask(fixture, JP_ADMIN_LIST, ""), JP_ERR_OK);
}

static void
staff_without_a_group_is_nobody(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, JP_PEER_HTTPD, "carol", NULL);
	fixture->request.behalf.staff = true;
	assert_int_equal(ask(fixture, JP_ADMIN_LIST, ""), JP_ERR_OK);
	strcpy(fixture->rules.front.admin_group, "");
	begin(fixture, JP_PEER_HTTPD, "carol", NULL);
	fixture->request.behalf.staff = true;
	assert_refusal(
	    fixture, ask(fixture, JP_ADMIN_LIST, ""), JP_REFUSAL_NOT_ALLOWED);
}

static void
a_token_of_staff_is_no_staff(void **state)
{
	struct fixture *fixture = *state;
	struct jp_record record = record_of("carol000", "carol", 9, "tokens");

	store(fixture, &record);
	begin(fixture, JP_PEER_HTTPD, "carol", "carol000");
	fixture->request.behalf.staff = true;
	assert_refusal(
	    fixture, ask(fixture, JP_ADMIN_LIST, ""), JP_REFUSAL_NOT_ALLOWED);
	begin(fixture, JP_PEER_HTTPD, "carol", "carol000");
	assert_int_equal(ask(fixture, JP_ADMIN_LIST, ""), JP_ERR_OK);
	assert_string_equal(fixture->request.owner, "carol");
}

static void
a_name_service_that_fails_makes_nobody_staff(void **state)
{
	struct fixture *fixture = *state;

	fixture->core.policy.nss_groups = true;
	begin(fixture, JP_PEER_HTTPD, "alice", NULL);
	fixture->request.behalf.staff = true;
	assert_int_equal(ask(fixture, JP_ADMIN_LIST, ""), JP_ERR_UNREACHABLE);
	assert_string_not_equal(fixture->why.text, "");
	begin(fixture, JP_PEER_HTTPD, "carol", NULL); /* the store knows it */
	fixture->request.behalf.staff = true;
	assert_int_equal(ask(fixture, JP_ADMIN_LIST, ""), JP_ERR_OK);
}

/* ---- tokens that ask ---- */

static void
a_token_that_is_not_live_asks_for_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct jp_record record;

	record = record_of("revoked0", "alice", 9, "tokens");
	record.revoked_at = NOW;
	store(fixture, &record);
	record = record_of("expired0", "alice", 9, "tokens");
	record.expires_at = NOW;
	store(fixture, &record);
	record = record_of("paused00", "alice", 9, "tokens");
	record.disabled_at = NOW;
	store(fixture, &record);
	record = record_of("prefix00", "alice", 9, "tokens");
	strcpy(record.prefix, "old");
	store(fixture, &record);
	for (size_t i = 0; i < 7; i++) {
		static const char *const ids[] = { "revoked0", "expired0",
			"paused00", "prefix00", OTHERS, "nobodys0", "x" };

		begin(fixture, JP_PEER_HTTPD, "alice", ids[i]);
		assert_refusal(fixture, ask(fixture, JP_ADMIN_LIST, ""),
		    JP_REFUSAL_NOT_ALLOWED);
		begin(fixture, JP_PEER_HTTPD, "alice", ids[i]);
		assert_refusal(fixture, ask(fixture, JP_ADMIN_CREATE, ""),
		    JP_REFUSAL_NOT_ALLOWED);
	}
}

static void
a_token_that_cannot_be_read_asks_for_nothing(void **state)
{
	struct fixture *fixture = *state;

	/* After the user; the one above it does not help. */
	for (unsigned int nth = 1; nth <= 2; nth++) {
		begin(fixture, JP_PEER_HTTPD, "alice", MINTER);
		jp_store_mem_fail(fixture->core.store, nth, JP_ERR_IO, false);
		assert_int_equal(ask(fixture, JP_ADMIN_LIST, ""), JP_ERR_IO);
		assert_string_equal(
		    fixture->why.text, "the store: input/output error");
	}
}

static void
a_token_revokes_all_with_the_scope_alone(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, JP_PEER_HTTPD, "alice", OWN);
	strcpy(fixture->request.record.user, "alice");
	assert_refusal(
	    fixture, ask(fixture, JP_ADMIN_REVOKE, ""), JP_REFUSAL_NEEDS_SCOPE);
	begin(fixture, JP_PEER_HTTPD, "alice", MINTER);
	strcpy(fixture->request.record.user, "alice");
	assert_int_equal(ask(fixture, JP_ADMIN_REVOKE, ""), JP_ERR_OK);
}

static void
what_a_token_makes_has_its_limits(void **state)
{
	struct fixture *fixture = *state;
	struct jp_record minter = record_of("narrow00", "alice", 30, "tokens");
	const struct jp_record *made = &fixture->request.record;

	strcpy(minter.services[minter.service_len++], "jira");
	assert_int_equal(
	    jp_net_parse("192.0.2.0/24", &minter.nets[0], &fixture->why),
	    JP_ERR_OK);
	minter.net_len = 1;
	store(fixture, &minter);
	begin(fixture, JP_PEER_HTTPD, "alice", "narrow00");
	assert_int_equal(ask(fixture, JP_ADMIN_CREATE, ""), JP_ERR_OK);
	assert_int_equal(made->scope_len, 1);
	assert_string_equal(made->scopes[0], "tokens");
	assert_string_equal(made->services[0], "jira");
	assert_memory_equal(
	    &made->nets[0], &minter.nets[0], sizeof(minter.nets[0]));
	assert_string_equal(made->parent, "");
	assert_int_equal(fixture->request.lifetime, JP_LIFETIME_UNTIL);
	assert_int_equal(fixture->request.expires_at, NOW + 30 * DAY);
}

static void
what_a_token_makes_is_no_wider(void **state)
{
	struct fixture *fixture = *state;
	struct jp_record *wish = &fixture->request.record;

	begin(fixture, JP_PEER_HTTPD, "alice", MINTER);
	strcpy(wish->scopes[wish->scope_len++], "read");
	assert_int_equal(ask(fixture, JP_ADMIN_CREATE, ""), JP_ERR_OK);
	assert_int_equal(wish->scope_len, 1);
	begin(fixture, JP_PEER_HTTPD, "alice", MINTER);
	strcpy(wish->scopes[wish->scope_len++], "read");
	strcpy(wish->scopes[wish->scope_len++], "write");
	assert_refusal(
	    fixture, ask(fixture, JP_ADMIN_CREATE, ""), JP_REFUSAL_WIDER);
}

static void
what_a_token_makes_lives_no_longer(void **state)
{
	static const struct {
		enum jp_lifetime lifetime;
		int64_t days;
		enum jp_refusal refusal;
	} cases[] = {
		{ JP_LIFETIME_UNTIL, 30, JP_REFUSAL_NONE },
		{ JP_LIFETIME_UNTIL, 31, JP_REFUSAL_LIFETIME_TOO_LONG },
		{ JP_LIFETIME_NEVER, 0, JP_REFUSAL_LIFETIME_TOO_LONG },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		enum jp_err err;

		begin(fixture, JP_PEER_HTTPD, "alice", MINTER);
		fixture->request.lifetime = cases[i].lifetime;
		fixture->request.expires_at = NOW + cases[i].days * DAY;
		err = ask(fixture, JP_ADMIN_CREATE, "");
		if (cases[i].refusal == JP_REFUSAL_NONE)
			assert_int_equal(err, JP_ERR_OK);
		else
			assert_refusal(fixture, err, cases[i].refusal);
	}
	policy(fixture, 7 * DAY, NULL);
	begin(fixture, JP_PEER_HTTPD, "alice", MINTER);
	assert_int_equal(ask(fixture, JP_ADMIN_CREATE, ""), JP_ERR_OK);
	assert_int_equal(fixture->request.expires_at, NOW + 7 * DAY);
}

static void
a_token_hands_on_the_scopes_that_the_policy_allows(void **state)
{
	struct fixture *fixture = *state;
	struct jp_record *wish = &fixture->request.record;

	policy(fixture, JP_NEVER, "read");
	begin(fixture, JP_PEER_HTTPD, "alice", MINTER);
	assert_int_equal(ask(fixture, JP_ADMIN_CREATE, ""), JP_ERR_OK);
	assert_int_equal(wish->scope_len, 1);
	assert_string_equal(wish->scopes[0], "read");
	begin(fixture, JP_PEER_HTTPD, "alice", MINTER);
	strcpy(wish->scopes[wish->scope_len++], "tokens");
	assert_refusal(fixture, ask(fixture, JP_ADMIN_CREATE, ""),
	    JP_REFUSAL_SCOPE_NOT_ALLOWED);
	strcpy(fixture->core.policy.self_scopes[0], "write");
	begin(fixture, JP_PEER_HTTPD, "alice", MINTER);
	assert_refusal(fixture, ask(fixture, JP_ADMIN_CREATE, ""),
	    JP_REFUSAL_SCOPE_NOT_ALLOWED);
}

static void
a_token_rotates_none_that_may_do_more(void **state)
{
	struct fixture *fixture = *state;
	struct jp_record record = record_of("wide0000", "alice", 9, "read");

	strcpy(record.scopes[record.scope_len++], "write");
	store(fixture, &record);
	record = record_of("narrow00", "alice", 9, "tokens");
	strcpy(record.scopes[record.scope_len++], "read");
	strcpy(record.services[record.service_len++], "jira");
	store(fixture, &record);
	for (size_t i = 0; i < 4; i++) {
		static const char *const ways[][2] = { { MINTER, BARE },
			{ MINTER, "wide0000" }, { "narrow00", OWN },
			{ MINTER, GROUPS } };

		begin(fixture, JP_PEER_HTTPD, "alice", ways[i][0]);
		assert_refusal(fixture,
		    ask(fixture, JP_ADMIN_ROTATE, ways[i][1]),
		    JP_REFUSAL_WIDER);
	}
	begin(fixture, JP_PEER_HTTPD, "alice", MINTER);
	assert_int_equal(ask(fixture, JP_ADMIN_ROTATE, "narrow00"), JP_ERR_OK);
	begin(fixture, JP_PEER_HTTPD, "alice", BARE);
	assert_int_equal(ask(fixture, JP_ADMIN_ROTATE, BARE), JP_ERR_OK);
}

static void
a_successor_lives_no_longer_than_the_token_that_asks(void **state)
{
	struct fixture *fixture = *state;

	begin(fixture, JP_PEER_HTTPD, "alice", MINTER);
	assert_int_equal(ask(fixture, JP_ADMIN_ROTATE, OWN), JP_ERR_OK);
	assert_int_equal(fixture->request.lifetime, JP_LIFETIME_UNTIL);
	assert_int_equal(fixture->request.expires_at, NOW + 30 * DAY);
	begin(fixture, JP_PEER_HTTPD, "alice", OWN);
	assert_int_equal(ask(fixture, JP_ADMIN_ROTATE, OWN), JP_ERR_OK);
	assert_int_equal(fixture->request.lifetime, JP_LIFETIME_DEFAULT);
	begin(fixture, JP_PEER_HTTPD, "alice", OWN);
	fixture->request.lifetime = JP_LIFETIME_NEVER;
	assert_refusal(fixture, ask(fixture, JP_ADMIN_ROTATE, OWN),
	    JP_REFUSAL_LIFETIME_TOO_LONG);
}

/* ---- the policy ---- */

static void
the_policy_holds_for_each_way(void **state)
{
	struct fixture *fixture = *state;

	policy(fixture, 7 * DAY, "read");
	/* What another policy has left behind the last one is none. */
	strcpy(fixture->core.policy.self_scopes[1], "write");
	for (size_t i = 0; i < 3; i++) {
		enum jp_peer peer = i == 0   ? JP_PEER_LOCAL
		                    : i == 1 ? JP_PEER_ROOT
		                             : JP_PEER_HTTPD;
		const char *user = i == 0 ? NULL : "alice";
		struct jp_record *wish = &fixture->request.record;

		begin(fixture, peer, user, NULL);
		assert_refusal(fixture, ask(fixture, JP_ADMIN_CREATE, ""),
		    JP_REFUSAL_SCOPE_REQUIRED);
		begin(fixture, peer, user, NULL);
		strcpy(wish->scopes[wish->scope_len++], "write");
		assert_refusal(fixture, ask(fixture, JP_ADMIN_CREATE, ""),
		    JP_REFUSAL_SCOPE_NOT_ALLOWED);
		begin(fixture, peer, user, NULL);
		strcpy(wish->scopes[wish->scope_len++], "read");
		assert_int_equal(ask(fixture, JP_ADMIN_CREATE, ""), JP_ERR_OK);
		assert_int_equal(fixture->request.expires_at, NOW + 7 * DAY);
		fixture->request.lifetime = JP_LIFETIME_NEVER;
		assert_refusal(fixture, ask(fixture, JP_ADMIN_CREATE, ""),
		    JP_REFUSAL_LIFETIME_TOO_LONG);
	}
}

static void
a_member_of_the_owning_group_is_held_to_the_policy(void **state)
{
	struct fixture *fixture = *state;

	policy(fixture, 7 * DAY, NULL);
	begin(fixture, JP_PEER_HTTPD, "alice", NULL);
	assert_int_equal(ask(fixture, JP_ADMIN_ROTATE, GROUPS), JP_ERR_OK);
	assert_int_equal(fixture->request.expires_at, NOW + 7 * DAY);
	begin(fixture, JP_PEER_HTTPD, "alice", NULL);
	assert_int_equal(
	    do_it(fixture, JP_ADMIN_ROTATE, FOREIGN), JP_ERR_NOT_FOUND);
	fixture->core.policy.nss_groups = true; /* nobody knows who is in it */
	begin(fixture, JP_PEER_HTTPD, "alice", NULL);
	assert_int_equal(
	    ask(fixture, JP_ADMIN_ROTATE, FOREIGN), JP_ERR_UNREACHABLE);
}

static void
a_token_goes_to_a_group_of_its_maker_alone(void **state)
{
	static const struct {
		const char *token, *group;
		enum jp_err err;
	} cases[] = {
		{ NULL, "dev", JP_ERR_OK },
		{ NULL, "ops", JP_ERR_REFUSED },
		{ MINTER, "", JP_ERR_OK },
		{ MINTER, "dev", JP_ERR_REFUSED },
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		begin(fixture, JP_PEER_HTTPD, "alice", cases[i].token);
		strcpy(fixture->request.record.owner_group, cases[i].group);
		assert_int_equal(
		    do_it(fixture, JP_ADMIN_CREATE, ""), cases[i].err);
		if (cases[i].err != JP_ERR_OK)
			assert_int_equal(
			    fixture->why.refusal, JP_REFUSAL_NOT_ALLOWED);
	}
}

/* The user of the service is not in the group, and need not be. */
static void
what_a_token_of_a_group_makes_is_the_groups(void **state)
{
	struct fixture *fixture = *state;
	struct jp_record record = record_of("service0", "svc", 9, "tokens");

	strcpy(record.owner_group, "ops");
	store(fixture, &record);
	begin(fixture, JP_PEER_HTTPD, "svc", "service0");
	assert_int_equal(do_it(fixture, JP_ADMIN_CREATE, ""), JP_ERR_OK);
	assert_string_equal(fixture->request.record.owner_group, "ops");
}

/*
 * A token that ends with its parent, or by its uses, would leave them behind by
 * what it makes.
 */
static void
a_bound_token_makes_children_of_its_own_alone(void **state)
{
	struct fixture *fixture = *state;
	struct jp_record record = record_of("child000", "alice", 9, "tokens");
	struct jp_record *wish = &fixture->request.record;

	strcpy(record.parent, MINTER);
	store(fixture, &record);
	record = record_of("limited0", "alice", 9, "tokens");
	record.uses_max = record.uses_left = 3;
	store(fixture, &record);
	record = record_of("simple00", "alice", 9, "tokens");
	store(fixture, &record);
	for (size_t i = 0; i < 2; i++) {
		const char *token = i == 0 ? "child000" : "limited0";

		begin(fixture, JP_PEER_HTTPD, "alice", token);
		wish->uses_max = 1;
		assert_int_equal(
		    do_it(fixture, JP_ADMIN_CREATE, ""), JP_ERR_OK);
		assert_string_equal(wish->parent, token);
		begin(fixture, JP_PEER_HTTPD, "alice", token);
		strcpy(wish->parent, MINTER);
		assert_refusal(fixture, ask(fixture, JP_ADMIN_CREATE, ""),
		    JP_REFUSAL_WIDER);
		begin(fixture, JP_PEER_HTTPD, "alice", token);
		assert_refusal(fixture,
		    ask(fixture, JP_ADMIN_ROTATE, "simple00"),
		    JP_REFUSAL_WIDER);
		begin(fixture, JP_PEER_HTTPD, "alice", token);
		assert_int_equal(
		    ask(fixture, JP_ADMIN_ROTATE, token), JP_ERR_OK);
	}
	record = record_of("child001", "alice", 9, "tokens");
	strcpy(record.parent, "limited0");
	record.uses_max = record.uses_left = 1;
	store(fixture, &record);
	begin(fixture, JP_PEER_HTTPD, "alice", "limited0");
	assert_int_equal(ask(fixture, JP_ADMIN_ROTATE, "child001"), JP_ERR_OK);
	begin(fixture, JP_PEER_HTTPD, "alice", "simple00"); /* is not bound */
	assert_int_equal(ask(fixture, JP_ADMIN_CREATE, ""), JP_ERR_OK);
	assert_string_equal(wish->parent, "");
}

static void
a_child_keeps_its_own_default_lifetime(void **state)
{
	struct fixture *fixture = *state;

	policy(fixture, 7 * DAY, NULL);
	begin(fixture, JP_PEER_HTTPD, "alice", NULL);
	strcpy(fixture->request.record.parent, OWN);
	assert_int_equal(ask(fixture, JP_ADMIN_CREATE, ""), JP_ERR_OK);
	assert_int_equal(fixture->request.lifetime, JP_LIFETIME_DEFAULT);
	policy(fixture, 60, NULL);
	assert_int_equal(ask(fixture, JP_ADMIN_CREATE, ""), JP_ERR_OK);
	assert_int_equal(fixture->request.expires_at, NOW + 60);
}

static void
a_narrowed_successor_fits_the_longest_lifetime(void **state)
{
	struct fixture *fixture = *state;

	policy(fixture, 30 * DAY, NULL);
	fixture->core.policy.max_lifetime = 5 * DAY;
	begin(fixture, JP_PEER_LOCAL, NULL, NULL);
	assert_int_equal(do_it(fixture, JP_ADMIN_ROTATE, BARE), JP_ERR_OK);
	assert_int_equal(fixture->request.expires_at, NOW + 5 * DAY);
}

#define TEST(test)                                                             \
	cmocka_unit_test_setup_teardown(test, set_up, core_help_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_operation_is_permitted_as_the_table_says),
		TEST(only_pat_httpd_and_root_may_name_a_user),
		TEST(pat_httpd_must_name_a_user),
		TEST(nobody_is_half_named),
		TEST(what_is_not_configured_is_for_nobody),
		TEST(a_name_of_the_single_sign_on_is_no_local_account),
		TEST(a_name_that_is_none_is_refused),
		TEST(nobody_names_another_than_the_owner),
		TEST(a_token_of_another_is_not_there),
		TEST(a_disabled_user_gets_nothing),
		TEST(those_who_are_known_may_come_where_others_may_not),
		TEST(staff_without_a_group_is_nobody),
		TEST(a_token_of_staff_is_no_staff),
		TEST(a_name_service_that_fails_makes_nobody_staff),
		TEST(a_token_that_is_not_live_asks_for_nothing),
		TEST(a_token_that_cannot_be_read_asks_for_nothing),
		TEST(a_token_revokes_all_with_the_scope_alone),
		TEST(what_a_token_makes_has_its_limits),
		TEST(what_a_token_makes_is_no_wider),
		TEST(what_a_token_makes_lives_no_longer),
		TEST(a_token_hands_on_the_scopes_that_the_policy_allows),
		TEST(a_token_rotates_none_that_may_do_more),
		TEST(a_successor_lives_no_longer_than_the_token_that_asks),
		TEST(the_policy_holds_for_each_way),
		TEST(a_member_of_the_owning_group_is_held_to_the_policy),
		TEST(a_token_goes_to_a_group_of_its_maker_alone),
		TEST(what_a_token_of_a_group_makes_is_the_groups),
		TEST(a_bound_token_makes_children_of_its_own_alone),
		TEST(a_child_keeps_its_own_default_lifetime),
		TEST(a_narrowed_successor_fits_the_longest_lifetime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
