/*
 * Groups of the name service: common/decide/groups.c, with a name service that
 * stands here and fails on demand, and a clock that is set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sodium.h>
#include <stdlib.h>

#include "common/decide/groups.h"
#include "common/decide/member.h"
#include "common/decide/open.h"
#include "tests/unit/core_help.h"

/* ---- the name service ---- */

static int asked; /* how often for a user */
static int user_error, group_error;
static bool member_of_two;

int
getpwnam_r(const char *name, struct passwd *pw, char *room, size_t size,
    struct passwd **result)
{
	(void)room;
	(void)size;
	asked++;
	*result = NULL;
	if (user_error != 0)
		return user_error;
	if (strcmp(name, "alice") != 0)
		return 0;
	pw->pw_gid = 100;
	*result = pw;
	return 0;
}

int
getgrouplist(const char *user, gid_t group, gid_t *groups, int *count)
{
	int size = *count;

	(void)user;
	*count = 201;
	if (size < 201)
		return -1;
	for (int i = 0; i < 200; i++)
		groups[i] = 1000 + (gid_t)i;
	groups[200] = member_of_two ? 2 : group;
	return 201;
}

int
getgrnam_r(const char *name, struct group *group, char *room, size_t size,
    struct group **result)
{
	static char bob[] = "bob";
	static char *members[] = { bob, NULL };
	static const char *const known[] = { "zero", "one", "two" };

	(void)room;
	*result = NULL;
	if (group_error != 0)
		return group_error;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i], name) != 0)
			continue;
		if (size < 10000) /* many members */
			return ERANGE;
		group->gr_gid = (gid_t)i;
		group->gr_mem = i == 1 ? members : members + 1;
		*result = group;
	}
	return 0;
}

int
getgrgid_r(gid_t gid, struct group *group, char *room, size_t size,
    struct group **result)
{
	static char two[] = "two";

	(void)room;
	*result = NULL;
	if (group_error != 0)
		return group_error;
	if (gid != 2)
		return 0;
	if (size < 10000)
		return ERANGE;
	group->gr_name = two;
	*result = group;
	return 0;
}

/* ---- the tests ---- */

static int64_t now;

static int64_t
clock_now(void *arg)
{
	(void)arg;
	return now;
}

static int
set_up(void **state)
{
	static const struct jp_clock clock = { clock_now, NULL };
	struct jp_groups *groups = malloc(sizeof(*groups));

	assert_non_null(groups);
	assert_true(sodium_init() >= 0);
	now = 1000;
	asked = user_error = group_error = 0;
	member_of_two = true;
	jp_groups_init(groups, &clock);
	*state = groups;
	return 0;
}

static int
tear_down(void **state)
{
	jp_groups_free(*state);
	free(*state);
	return 0;
}

static enum jp_member
ask(void **state, const char *user, const char *names)
{
	assert_int_equal(jp_groups_learn(*state, user, names), JP_ERR_OK);
	return jp_groups_find(*state, user, names);
}

static void
nothing_is_known_before_it_was_asked(void **state)
{
	assert_int_equal(
	    jp_groups_find(*state, "alice", "two"), JP_MEMBER_UNKNOWN);
	assert_int_equal(asked, 0);
}

static void
an_account_is_in_its_groups(void **state)
{
	assert_int_equal(ask(state, "alice", "two"), JP_MEMBER_YES);
	assert_int_equal(ask(state, "alice", "one\nzero\ntwo"), JP_MEMBER_YES);
	assert_int_equal(ask(state, "alice", "zero"), JP_MEMBER_NO);
}

static void
a_user_without_account_is_where_it_is_listed(void **state)
{
	assert_int_equal(ask(state, "bob", "one"), JP_MEMBER_YES);
	assert_int_equal(ask(state, "bob", "two"), JP_MEMBER_NO);
	assert_int_equal(ask(state, "eve", "zero\none\ntwo"), JP_MEMBER_NO);
}

static void
a_group_that_is_not_there_has_nobody(void **state)
{
	assert_int_equal(ask(state, "alice", "tw"), JP_MEMBER_NO);
	assert_int_equal(ask(state, "alice", "none\ntwo"), JP_MEMBER_YES);
}

static void
an_answer_holds_for_a_minute(void **state)
{
	assert_int_equal(ask(state, "alice", "two"), JP_MEMBER_YES);
	member_of_two = false;
	now += JP_GROUPS_LIFETIME - 1;
	assert_int_equal(jp_groups_find(*state, "alice", "two"), JP_MEMBER_YES);
	now++;
	assert_int_equal(
	    jp_groups_find(*state, "alice", "two"), JP_MEMBER_UNKNOWN);
	assert_int_equal(ask(state, "alice", "two"), JP_MEMBER_NO);
	jp_groups_flush(*state);
	assert_int_equal(
	    jp_groups_find(*state, "alice", "two"), JP_MEMBER_UNKNOWN);
}

/* "ab" in "c" is not "a" in "bc". */
static void
an_answer_is_for_one_user_and_its_groups(void **state)
{
	assert_int_equal(ask(state, "alice", "two"), JP_MEMBER_YES);
	assert_int_equal(
	    jp_groups_find(*state, "alicetwo", ""), JP_MEMBER_UNKNOWN);
	assert_int_equal(
	    jp_groups_find(*state, "alic", "etwo"), JP_MEMBER_UNKNOWN);
	assert_int_equal(
	    jp_groups_find(*state, "alice", "two\none"), JP_MEMBER_UNKNOWN);
}

static void
a_failure_is_no_answer(void **state)
{
	user_error = EIO;
	assert_int_equal(
	    jp_groups_learn(*state, "alice", "two"), JP_ERR_UNREACHABLE);
	user_error = 0;
	group_error = EIO;
	assert_int_equal(
	    jp_groups_learn(*state, "alice", "two"), JP_ERR_UNREACHABLE);
	assert_int_equal(
	    jp_groups_find(*state, "alice", "two"), JP_MEMBER_UNKNOWN);
	group_error = 0;
	assert_int_equal(ask(state, "alice", "two"), JP_MEMBER_YES);
}

/* ---- with the store ---- */

static void
open_core(struct jp_core *core, bool nss)
{
	struct jp_settings settings;

	core_help_settings(&settings);
	settings.policy.nss_groups = nss;
	core_help_open(core, &settings, &now);
}

static bool
is_member(struct jp_core *core, const char *name, const char *group)
{
	struct jp_user user;
	bool member;

	assert_int_equal(jp_store_user(core->store, name, &user), JP_ERR_OK);
	assert_int_equal(jp_member(core, &user, group, &member), JP_ERR_OK);
	return member;
}

static void
store_group(struct jp_core *core, const char *name, const char *group)
{
	struct jp_user user;
	struct jp_why why;

	jp_user_default(&user, name);
	assert_int_equal(jp_user_add_group(&user, group, &why), JP_ERR_OK);
	assert_int_equal(jp_store_put_users(core->store, &user, 1), JP_ERR_OK);
}

static void
the_store_alone_is_asked_unless_it_is_configured(void **unused)
{
	struct jp_core core;

	(void)unused;
	open_core(&core, false);
	store_group(&core, "carol", "staff");
	assert_true(is_member(&core, "carol", "staff"));
	assert_false(is_member(&core, "carol", "Staff"));
	assert_false(is_member(&core, "alice", "two"));
	assert_int_equal(asked, 0);
	jp_core_close(&core);
}

static void
both_are_asked_where_it_is_configured(void **unused)
{
	struct jp_core core;

	(void)unused;
	open_core(&core, true);
	store_group(&core, "carol", "staff");
	assert_true(is_member(&core, "carol", "staff"));
	assert_int_equal(asked, 0);
	assert_true(is_member(&core, "alice", "two"));
	assert_true(is_member(&core, "alice", "two"));
	assert_false(is_member(&core, "alice", "zero"));
	assert_int_equal(asked, 2);
	jp_core_close(&core);
}

static void
no_name_is_a_group_and_a_list_is_none(void **unused)
{
	struct jp_core core;

	(void)unused;
	open_core(&core, true);
	assert_false(is_member(&core, "alice", ""));
	assert_false(is_member(&core, "alice", "zero\ntwo"));
	jp_core_close(&core);
}

static void
a_name_service_that_fails_makes_nobody_a_member(void **unused)
{
	struct jp_user user;
	struct jp_core core;
	bool member = true;

	(void)unused;
	open_core(&core, true);
	jp_user_default(&user, "alice");
	group_error = EIO;
	assert_int_equal(
	    jp_member(&core, &user, "two", &member), JP_ERR_UNREACHABLE);
	assert_false(member);
	group_error = 0;
	assert_true(is_member(&core, "alice", "two"));
	jp_core_close(&core);
}

struct names {
	size_t len;
	char names[4][JP_GROUP_MAX + 1];
	enum jp_err err;
};

static enum jp_err
take_name(void *arg, const char *group)
{
	struct names *names = arg;

	assert_true(names->len < 4);
	strcpy(names->names[names->len++], group);
	return names->err;
}

static void
all_groups_of_a_user_are_listed(void **unused)
{
	static const char *const users[] = { "alice", "bob" };
	struct names names;
	struct jp_user user;
	struct jp_core core;
	struct jp_why why;

	(void)unused;
	open_core(&core, true);
	for (size_t i = 0; i < 2; i++) { /* with an account, and without */
		memset(&names, 0, sizeof(names));
		jp_user_default(&user, users[i]);
		assert_int_equal(
		    jp_user_add_group(&user, "own", &why), JP_ERR_OK);
		assert_int_equal(
		    jp_member_each(&core, &user, take_name, &names), JP_ERR_OK);
		assert_int_equal(names.len, 2);
		assert_string_equal(names.names[0], "own");
		assert_string_equal(names.names[1], "two");
	}
	group_error = EIO;
	assert_int_equal(jp_member_each(&core, &user, take_name, &names),
	    JP_ERR_UNREACHABLE);
	group_error = 0;
	memset(&names, 0, sizeof(names));
	names.err = JP_ERR_NOMEM; /* of who takes them: it ends the listing */
	assert_int_equal(
	    jp_member_each(&core, &user, take_name, &names), JP_ERR_NOMEM);
	assert_int_equal(names.len, 1);
	core.policy.nss_groups = false;
	memset(&names, 0, sizeof(names));
	assert_int_equal(
	    jp_member_each(&core, &user, take_name, &names), JP_ERR_OK);
	assert_int_equal(names.len, 1);
	jp_core_close(&core);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_known_before_it_was_asked),
		TEST(an_account_is_in_its_groups),
		TEST(a_user_without_account_is_where_it_is_listed),
		TEST(a_group_that_is_not_there_has_nobody),
		TEST(an_answer_holds_for_a_minute),
		TEST(an_answer_is_for_one_user_and_its_groups),
		TEST(a_failure_is_no_answer),
		TEST(the_store_alone_is_asked_unless_it_is_configured),
		TEST(both_are_asked_where_it_is_configured),
		TEST(no_name_is_a_group_and_a_list_is_none),
		TEST(a_name_service_that_fails_makes_nobody_a_member),
		TEST(all_groups_of_a_user_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
