/*
 * Records of users and the operations on them: common/record/user.c and
 * common/admin/user.c, over the store in memory and a clock that is set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/admin/admin.h"
#include "common/admin/batch.h"
#include "common/decide/open.h"
#include "tests/unit/core_help.h"
#include "tests/unit/store_mem.h"

#define NOW INT64_C(1800000000)

struct fixture {
	struct jp_core core;
	struct jp_admin_request request;
	struct jp_why why;
	size_t len; /* of the items of the last operation */
	struct jp_admin_item items[8];
};

static int
set_up(void **state)
{
	static const int64_t now = NOW;
	struct fixture *fixture = core_help_fixture(state, sizeof(*fixture));
	struct jp_settings settings;

	core_help_settings(&settings);
	core_help_open(&fixture->core, &settings, &now);
	return 0;
}

static enum jp_err
take(void *arg, const struct jp_admin_item *item)
{
	struct fixture *fixture = arg;

	assert_true(fixture->len < sizeof(fixture->items) / sizeof(*item));
	fixture->items[fixture->len++] = *item;
	return JP_ERR_OK;
}

static enum jp_err
run(struct fixture *fixture, enum jp_admin_op op)
{
	enum jp_err err;

	fixture->request.op = op;
	fixture->len = 0;
	err = jp_admin_execute(&fixture->core, "root", &fixture->request, take,
	    fixture, &fixture->why);
	assert_true((err != JP_ERR_OK) == (fixture->why.text[0] != '\0'));
	return err;
}

static struct jp_user *
wish(struct fixture *fixture, const char *name, unsigned int fields)
{
	memset(&fixture->request, 0, sizeof(fixture->request));
	fixture->request.user_fields = fields;
	jp_user_default(&fixture->request.user, name);
	return &fixture->request.user;
}

static void
set_disabled(struct fixture *fixture, const char *name, bool disabled)
{
	wish(fixture, name, JP_USER_STATE)->disabled = disabled;
	assert_int_equal(run(fixture, JP_ADMIN_SET_USER), JP_ERR_OK);
	assert_int_equal(fixture->len, 1);
}

/* ---- the record ---- */

static void
fill(struct jp_user *user)
{
	jp_user_default(user, "alice");
	user->disabled = true;
	user->changed_at = NOW;
	strcpy(user->changed_by, "root");
	strcpy(user->note, "left");
	user->group_len = JP_GROUPS_MAX;
	for (size_t i = 0; i < user->group_len; i++)
		memset(user->groups[i], 'a' + (int)(i % 26), JP_GROUP_MAX);
}

static void
the_largest_record_comes_back_and_a_cut_one_does_not(void **state)
{
	uint8_t bytes[JP_USER_RECORD_MAX];
	struct jp_user in, out, zero;
	size_t len;

	(void)state;
	fill(&in);
	memset(in.name, 'n', JP_USER_MAX);
	memset(in.changed_by, 'c', JP_ACTOR_MAX);
	memset(in.note, 'w', JP_NOTE_MAX);
	memset(&zero, 0, sizeof(zero));
	assert_int_equal(jp_user_encode(&in, bytes, &len), JP_ERR_OK);
	assert_int_equal(jp_user_decode(&out, bytes, len), JP_ERR_OK);
	assert_memory_equal(&in, &out, sizeof(in));
	for (size_t cut = 0; cut < len; cut++) {
		assert_int_equal(
		    jp_user_decode(&out, bytes, cut), JP_ERR_DAMAGED);
		assert_memory_equal(&out, &zero, sizeof(out));
	}
	bytes[0] = JP_USER_VERSION + 1;
	assert_int_equal(jp_user_decode(&out, bytes, len), JP_ERR_NEWER);
}

static void
a_group_may_hold_spaces_inside_and_counts_once(void **state)
{
	static const char *const bad[] = { "", " a", "a ", "\xc2\xa0z", "a\nb",
		"\xff" };
	struct jp_user user;
	struct jp_why why;

	(void)state;
	jp_user_default(&user, "alice");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(
		    jp_user_add_group(&user, bad[i], &why), JP_ERR_INVALID);
	assert_int_equal(
	    jp_user_add_group(&user, "Jira Admins", &why), JP_ERR_OK);
	assert_int_equal(
	    jp_user_add_group(&user, "Jira Admins", &why), JP_ERR_OK);
	assert_int_equal(user.group_len, 1);
	assert_int_equal(jp_user_add_group(&user, "ops", &why), JP_ERR_OK);
	assert_true(jp_user_in_group(&user, "ops"));
	assert_false(jp_user_in_group(&user, "Ops"));
	fill(&user);
	assert_int_equal(
	    jp_user_add_group(&user, "one-more", &why), JP_ERR_TOO_LONG);
}

/* Every kind of name, with every separator that is in use. */
static void
groups_that_were_printed_are_read_again(void **state)
{
	static const char *const names[] = { "ops", "Jira Admins", "a,b", "c;d",
		"say \"so\"", "\"", "\"\"x", "CN=Jira Admins,OU=x",
		"\xc3\xa4 \xc3\xb6" };
	static const char separators[] = " ,;";
	char text[JP_GROUPS_TEXT_MAX];
	struct jp_user user, again;
	struct jp_why why;

	(void)state;
	jp_user_default(&user, "alice");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(
		    jp_user_add_group(&user, names[i], &why), JP_ERR_OK);
	for (size_t i = 0; separators[i] != '\0'; i++) {
		const char one[] = { separators[i], '\0' };

		jp_user_print_groups(&user, separators[i], text);
		jp_user_default(&again, "alice");
		assert_int_equal(
		    jp_user_add_groups(&again, text, one, &why), JP_ERR_OK);
		assert_memory_equal(&user, &again, sizeof(user));
	}
	fill(&user);
	for (size_t i = 0; i < JP_GROUPS_MAX; i++) {
		memset(user.groups[i], '"', JP_GROUP_MAX);
		user.groups[i][0] = (char)('A' + i);
	}
	jp_user_print_groups(&user, ' ', text);
	assert_true(strlen(text) < sizeof(text));
}

static void
a_list_of_groups_has_one_meaning(void **state)
{
	static const struct {
		const char *text, *separators;
		size_t len; /* of the groups; 99: refused */
		const char *first;
	} rows[] = {
		{ "", ",", 0, "" },
		{ " , ,", ",", 0, "" },
		{ "Jira Admins", ",", 1, "Jira Admins" },
		{ "Jira Admins", " ,", 2, "Jira" },
		{ "\"Jira Admins\" b", " ,", 2, "Jira Admins" },
		{ " Jira Admins ; b ;", ";", 2, "Jira Admins" },
		{ "a,b;c", ";", 2, "a,b" },
		{ "\"a;b\";c", ";", 2, "a;b" },
		{ "\"a\"b", ",", 99, "" },
		{ "\"a\" b", ";", 99, "" },
		{ "\"a", ",", 99, "" },
		{ "\"\"", ",", 99, "" },
		{ "\" a\"", ",", 99, "" },
	};
	struct jp_user user;
	struct jp_why why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum jp_err err;

		jp_user_default(&user, "alice");
		err = jp_user_add_groups(
		    &user, rows[i].text, rows[i].separators, &why);
		assert_int_equal(
		    err, rows[i].len == 99 ? JP_ERR_INVALID : JP_ERR_OK);
		if (err != JP_ERR_OK)
			continue;
		assert_int_equal(user.group_len, rows[i].len);
		assert_string_equal(user.groups[0], rows[i].first);
	}
}

/* So an older jira-pat reads all but those. */
static void
protection_needs_the_newer_version_alone(void **state)
{
	uint8_t bytes[JP_USER_RECORD_MAX];
	struct jp_user user, again;
	size_t len;

	(void)state;
	jp_user_default(&user, "alice");
	user.disabled = true;
	assert_int_equal(jp_user_encode(&user, bytes, &len), JP_ERR_OK);
	assert_int_equal(bytes[0], 1);
	user.protected = true;
	assert_int_equal(jp_user_encode(&user, bytes, &len), JP_ERR_OK);
	assert_int_equal(bytes[0], 2);
	assert_int_equal(jp_user_decode(&again, bytes, len), JP_ERR_OK);
	assert_memory_equal(&user, &again, sizeof(user));
	bytes[0] = 1;
	assert_int_equal(jp_user_decode(&again, bytes, len), JP_ERR_DAMAGED);
	bytes[0] = 3;
	assert_int_equal(jp_user_decode(&again, bytes, len), JP_ERR_NEWER);
}

/* ---- the operations ---- */

/* A batch that disables `names`, up to a NULL. */
static enum jp_err
disable_all(struct fixture *fixture, const char *const *names)
{
	static uint8_t bytes[JP_BATCH_MAX];
	struct jp_user_change change = { .fields = JP_USER_STATE };
	struct jp_buf buf;

	jp_buf_write(&buf, bytes, sizeof(bytes));
	for (; *names != NULL; names++) {
		jp_user_default(&change.user, *names);
		change.user.disabled = true;
		assert_int_equal(jp_batch_put_user(&buf, &change), JP_ERR_OK);
	}
	fixture->request.batch = bytes;
	fixture->request.batch_len = buf.pos;
	return run(fixture, JP_ADMIN_SET_USERS);
}

static bool
is_disabled(struct fixture *fixture, const char *name)
{
	struct jp_user user;

	assert_int_equal(
	    jp_store_user(fixture->core.store, name, &user), JP_ERR_OK);
	return user.disabled;
}

static void
a_batch_of_users_is_stored_whole_or_not_at_all(void **state)
{
	static const char *const good[] = { "a", "b", "c", NULL };
	static const char *const bad[] = { "d", "", NULL };
	struct fixture *fixture = *state;
	struct jp_store_info info;

	assert_int_equal(disable_all(fixture, good), JP_ERR_OK);
	assert_true(is_disabled(fixture, "a") && is_disabled(fixture, "c"));
	assert_int_equal(jp_store_info(fixture->core.store, &info), JP_ERR_OK);
	assert_int_equal(info.commits, 1);
	assert_int_equal(disable_all(fixture, good), JP_ERR_OK);
	assert_int_equal(jp_store_info(fixture->core.store, &info), JP_ERR_OK);
	assert_int_equal(info.commits, 1); /* nothing to do */
	assert_int_equal(disable_all(fixture, bad), JP_ERR_INVALID);
	assert_false(is_disabled(fixture, "d"));
	fixture->request.batch_len--;
	assert_int_equal(run(fixture, JP_ADMIN_SET_USERS), JP_ERR_INVALID);
}

static void
a_batch_disables_nobody_who_is_protected(void **state)
{
	static const char *const names[] = { "a", "bot", NULL };
	struct fixture *fixture = *state;

	jp_user_default(&fixture->request.user, "bot");
	fixture->request.user.protected = true;
	fixture->request.user_fields = JP_USER_PROTECTION;
	assert_int_equal(run(fixture, JP_ADMIN_SET_USER), JP_ERR_OK);
	assert_true(fixture->items[0].user.protected);
	assert_int_equal(disable_all(fixture, names), JP_ERR_REFUSED);
	assert_false(is_disabled(fixture, "a") || is_disabled(fixture, "bot"));
	set_disabled(fixture, "bot", true); /* by name it is possible */
	assert_true(fixture->items[0].user.disabled);
	assert_true(fixture->items[0].user.protected);
}

static void
disabling_is_written_once_and_says_by_whom_and_when(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store_info info;

	set_disabled(fixture, "alice", true);
	assert_true(fixture->items[0].changed);
	assert_true(fixture->items[0].user.disabled);
	assert_string_equal(fixture->items[0].user.changed_by, "root");
	assert_int_equal(fixture->items[0].user.changed_at, NOW);
	set_disabled(fixture, "alice", true);
	assert_false(fixture->items[0].changed);
	assert_int_equal(jp_store_info(fixture->core.store, &info), JP_ERR_OK);
	assert_int_equal(info.commits, 1);
	set_disabled(fixture, "alice", false);
	assert_true(fixture->items[0].changed);
	assert_false(fixture->items[0].user.disabled);
}

static void
what_is_not_named_stays_as_it_is(void **state)
{
	struct fixture *fixture = *state;
	struct jp_user *user = wish(fixture, "alice", JP_USER_FIELDS);

	user->disabled = true;
	strcpy(user->note, "on leave");
	user->group_len = 3;
	strcpy(user->groups[0], "ops");
	strcpy(user->groups[1], "developers");
	strcpy(user->groups[2], "ops");
	assert_int_equal(run(fixture, JP_ADMIN_SET_USER), JP_ERR_OK);
	assert_int_equal(fixture->items[0].user.group_len, 2);
	set_disabled(fixture, "alice", false);
	assert_string_equal(fixture->items[0].user.note, "on leave");
	assert_int_equal(fixture->items[0].user.group_len, 2);
	(void)wish(fixture, "alice", JP_USER_GROUPS);
	assert_int_equal(run(fixture, JP_ADMIN_SET_USER), JP_ERR_OK);
	assert_int_equal(fixture->items[0].user.group_len, 0);
	assert_string_equal(fixture->items[0].user.note, "on leave");
}

static void
a_list_has_all_that_are_recorded_or_those_that_are_disabled(void **state)
{
	struct fixture *fixture = *state;

	set_disabled(fixture, "zoe", true);
	set_disabled(fixture, "alice", true);
	set_disabled(fixture, "alice", false);
	(void)wish(fixture, "", 0);
	assert_int_equal(run(fixture, JP_ADMIN_USERS), JP_ERR_OK);
	assert_int_equal(fixture->len, 1);
	assert_string_equal(fixture->items[0].user.name, "zoe");
	fixture->request.all = true;
	assert_int_equal(run(fixture, JP_ADMIN_USERS), JP_ERR_OK);
	assert_int_equal(fixture->len, 2);
	assert_string_equal(fixture->items[0].user.name, "alice");
}

static void
an_unknown_user_is_shown_as_active_with_its_live_tokens(void **state)
{
	struct fixture *fixture = *state;

	(void)wish(fixture, "", 0);
	strcpy(fixture->request.record.user, "bob");
	assert_int_equal(run(fixture, JP_ADMIN_CREATE), JP_ERR_OK);
	(void)wish(fixture, "bob", 0);
	assert_int_equal(run(fixture, JP_ADMIN_USER), JP_ERR_OK);
	assert_false(fixture->items[0].user.disabled);
	assert_int_equal(fixture->items[0].live, 1);
	assert_int_equal(fixture->items[0].user.changed_at, JP_NEVER);
}

static void
bad_names_groups_and_notes_change_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct jp_store_info info;

	(void)wish(fixture, "a:b", JP_USER_STATE);
	assert_int_equal(run(fixture, JP_ADMIN_SET_USER), JP_ERR_INVALID);
	(void)wish(fixture, "", JP_USER_STATE);
	assert_int_equal(run(fixture, JP_ADMIN_SET_USER), JP_ERR_INVALID);
	strcpy(wish(fixture, "a", JP_USER_NOTE)->note, "\x01");
	assert_int_equal(run(fixture, JP_ADMIN_SET_USER), JP_ERR_INVALID);
	wish(fixture, "a", JP_USER_GROUPS)->group_len = 1;
	assert_int_equal(run(fixture, JP_ADMIN_SET_USER), JP_ERR_INVALID);
	assert_int_equal(jp_store_info(fixture->core.store, &info), JP_ERR_OK);
	assert_int_equal(info.commits, 0);
}

static void
an_error_of_the_store_ends_each_operation(void **state)
{
	static const enum jp_admin_op ops[] = { JP_ADMIN_USERS, JP_ADMIN_USER,
		JP_ADMIN_SET_USER };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		wish(fixture, "alice", JP_USER_STATE)->disabled = true;
		jp_store_mem_fail(fixture->core.store, 1, JP_ERR_IO, true);
		assert_int_equal(run(fixture, ops[i]), JP_ERR_IO);
		jp_store_mem_fail(fixture->core.store, 0, JP_ERR_OK, false);
	}
	assert_int_equal(run(fixture, JP_ADMIN_USER), JP_ERR_OK);
	assert_false(fixture->items[0].user.disabled);
}

#define TEST(test)                                                             \
	cmocka_unit_test_setup_teardown(test, set_up, core_help_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_largest_record_comes_back_and_a_cut_one_does_not),
		cmocka_unit_test(
		    a_group_may_hold_spaces_inside_and_counts_once),
		cmocka_unit_test(groups_that_were_printed_are_read_again),
		cmocka_unit_test(a_list_of_groups_has_one_meaning),
		cmocka_unit_test(protection_needs_the_newer_version_alone),
		TEST(a_batch_of_users_is_stored_whole_or_not_at_all),
		TEST(a_batch_disables_nobody_who_is_protected),
		TEST(disabling_is_written_once_and_says_by_whom_and_when),
		TEST(what_is_not_named_stays_as_it_is),
		TEST(
		    a_list_has_all_that_are_recorded_or_those_that_are_disabled),
		TEST(an_unknown_user_is_shown_as_active_with_its_live_tokens),
		TEST(bad_names_groups_and_notes_change_nothing),
		TEST(an_error_of_the_store_ends_each_operation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
