/*
 * Listings page by page, of users with groups, and by search; the counts of a
 * policy; what comes and goes as a whole with its parents: common/admin/list.c,
 * policy.c, import_export.c, over the store in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/admin_help.h"
#include "tests/unit/store_mem.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW ADMIN_NOW
#define DAY ADMIN_DAY

/* Stores a record as it is. */
static void
put(struct admin_fixture *fixture, const char *id, const char *user,
    const char *name, const char *group)
{
	struct jp_record record = { .created_at = NOW };
	const struct jp_change change = { JP_CHANGE_CREATE, &record };

	strcpy(record.id, id);
	strcpy(record.family, id);
	strcpy(record.user, user);
	strcpy(record.name, name);
	strcpy(record.owner_group, group);
	assert_int_equal(
	    jp_store_commit(fixture->core.store, &change, 1), JP_ERR_OK);
}

static void
numbered(unsigned int number, char id[JP_TOKEN_ID_LEN + 1])
{
	strcpy(id, "00000000");
	for (size_t i = JP_TOKEN_ID_LEN; i-- > 0; number /= 10)
		id[i] = (char)('0' + number % 10);
}

static void delete (struct admin_fixture *fixture, const char *id)
{
	struct jp_record record = { .created_at = NOW };
	const struct jp_change change = { JP_CHANGE_DELETE, &record };

	strcpy(record.id, id);
	assert_int_equal(
	    jp_store_commit(fixture->core.store, &change, 1), JP_ERR_OK);
}

/* The ids of the last answer, with a blank between them. */
static const char *
ids(const struct admin_fixture *fixture)
{
	static char text[ADMIN_ITEMS_MAX * (JP_TOKEN_ID_LEN + 1) + 1];

	text[0] = '\0';
	for (size_t i = 0; i < fixture->len; i++) {
		if (fixture->items[i].kind == JP_ITEM_PAGE)
			continue;
		if (text[0] != '\0')
			strcat(text, " ");
		strcat(text, fixture->items[i].record.id);
	}
	return text;
}

/* Where the next page begins behind, or NULL: it was the last. */
static const char *
page_of(const struct admin_fixture *fixture)
{
	const struct jp_admin_item *last =
	    &fixture->items[fixture->len > 0 ? fixture->len - 1 : 0];

	return fixture->len > 0 && last->kind == JP_ITEM_PAGE ? last->record.id
	                                                      : NULL;
}

/* ---- pages ---- */

static void
a_page_that_is_cut_says_where_the_next_begins(void **state)
{
	static const struct {
		uint32_t limit;
		const char *after, *expected, *page;
	} rows[] = {
		{ 0, "", "00000001 00000002 00000003", NULL },
		{ 2, "", "00000001 00000002", "00000002" },
		{ 2, "00000002", "00000003", NULL },
		{ 3, "", "00000001 00000002 00000003", NULL }, /* just fits */
		{ 1, "00000001", "00000002", "00000002" },
		{ 5, "00000003", "", NULL },
		{ 0, "00000001", "00000002 00000003", NULL },
		{ 2, "00000000", "00000001 00000002", "00000002" },
		{ 2, "zzzzzzzz", "", NULL },
	};
	struct admin_fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];

	for (unsigned int i = 1; i <= 3; i++) {
		numbered(i, id);
		put(fixture, id, "alice", "", "");
	}
	for (size_t i = 0; i < 2 * COUNT_OF(rows); i++) {
		size_t row = i / 2;

		admin_wish(fixture, i % 2 == 0 ? "" : "alice");
		fixture->request.limit = rows[row].limit;
		strcpy(fixture->request.after, rows[row].after);
		assert_int_equal(admin_run(fixture, JP_ADMIN_LIST), JP_ERR_OK);
		assert_string_equal(ids(fixture), rows[row].expected);
		if (rows[row].page == NULL)
			assert_null(page_of(fixture));
		else
			assert_string_equal(page_of(fixture), rows[row].page);
	}
	admin_wish(fixture, "");
	strcpy(fixture->request.after, "../x");
	assert_int_equal(admin_run(fixture, JP_ADMIN_LIST), JP_ERR_INVALID);
}

/* Filters come before the limit: a page is full as long as there are some. */
static void
a_page_has_as_many_as_asked_for_of_what_is_asked_for(void **state)
{
	struct admin_fixture *fixture = *state;
	char id[JP_TOKEN_ID_LEN + 1];

	for (unsigned int i = 0; i < 200; i++) {
		numbered(i, id);
		put(fixture, id, i % 50 == 49 ? "bob" : "alice", "", "");
	}
	admin_wish(fixture, "");
	strcpy(fixture->request.search, "bob");
	fixture->request.limit = 3;
	assert_int_equal(admin_run(fixture, JP_ADMIN_LIST), JP_ERR_OK);
	assert_string_equal(ids(fixture), "00000049 00000099 00000149");
	assert_string_equal(page_of(fixture), "00000149");
	strcpy(fixture->request.after, "00000149");
	assert_int_equal(admin_run(fixture, JP_ADMIN_LIST), JP_ERR_OK);
	assert_string_equal(ids(fixture), "00000199");
	assert_null(page_of(fixture));
}

/* What is there all the time is shown once, whatever comes and goes. */
static void
pages_show_each_token_once_while_others_come_and_go(void **state)
{
	struct admin_fixture *fixture = *state;
	char after[JP_TOKEN_ID_LEN + 1] = "", id[JP_TOKEN_ID_LEN + 1];
	bool seen[300] = { false };
	unsigned int round = 0;

	admin_join(fixture, "alice", "ci");
	for (unsigned int i = 0; i < 300; i += 2) {
		numbered(i, id);
		put(fixture, id, i % 4 == 0 ? "alice" : "svc", "",
		    i % 4 == 0 && i % 3 != 0 ? "" : "ci");
	}
	do {
		admin_wish(fixture, "");
		fixture->request.limit = 7;
		strcpy(fixture->request.after, after);
		assert_int_equal(
		    admin_run_as(fixture, "alice", JP_ADMIN_LIST), JP_ERR_OK);
		for (size_t i = 0; i < fixture->len; i++) {
			int number = atoi(fixture->items[i].record.id);

			if (fixture->items[i].kind == JP_ITEM_PAGE)
				continue;
			assert_false(seen[number]);
			seen[number] = true;
		}
		if (page_of(fixture) == NULL)
			break;
		strcpy(after, page_of(fixture));
		numbered(2 * (41 * round % 150) + 1, id); /* one comes */
		put(fixture, id, "alice", "", "");
		delete (fixture, after); /* and where we stand goes */
	} while (round++ < 100);
	assert_in_range(round, 20, 40);
	for (unsigned int i = 0; i < 300; i += 2)
		assert_true(seen[i]);
}

static void
an_error_of_the_store_ends_every_listing(void **state)
{
	struct admin_fixture *fixture = *state;
	enum jp_err err = JP_ERR_IO;
	unsigned int nth = 1;

	admin_join(fixture, "alice", "ci");
	put(fixture, "00000001", "alice", "", "");
	put(fixture, "00000002", "svc", "", "ci");
	for (; err != JP_ERR_OK; nth++) {
		admin_wish(fixture, "");
		jp_store_mem_fail(fixture->core.store, nth, JP_ERR_IO, false);
		err = admin_run_as(fixture, "alice", JP_ADMIN_LIST);
		jp_store_mem_fail(fixture->core.store, 0, JP_ERR_OK, false);
		assert_true(err == JP_ERR_OK || err == JP_ERR_IO);
	}
	assert_true(nth > 5);
	assert_string_equal(ids(fixture), "00000001 00000002");
}

/* ---- whose ---- */

static void
an_owner_sees_the_tokens_of_the_own_groups_too(void **state)
{
	struct admin_fixture *fixture = *state;

	admin_join(fixture, "alice", "ci");
	admin_join(fixture, "alice", "ops");
	put(fixture, "00000001", "svc", "", "ops");
	put(fixture, "00000002", "alice", "", "");
	put(fixture, "00000003", "bob", "", "");
	put(fixture, "00000004", "svc", "", "cd");
	put(fixture, "00000005", "alice", "", "ci"); /* twice hers */
	put(fixture, "00000006", "svc", "", "ci");
	put(fixture, "00000007", "alice", "", "cd");
	admin_wish(fixture, "");
	assert_int_equal(
	    admin_run_as(fixture, "alice", JP_ADMIN_LIST), JP_ERR_OK);
	assert_string_equal(
	    ids(fixture), "00000001 00000002 00000005 00000006 00000007");
	admin_wish(fixture, "alice"); /* an administrator asks for hers alone */
	assert_int_equal(admin_run(fixture, JP_ADMIN_LIST), JP_ERR_OK);
	assert_string_equal(ids(fixture), "00000002 00000005 00000007");
	admin_wish(fixture, "");
	assert_int_equal(
	    admin_run_as(fixture, "bob", JP_ADMIN_LIST), JP_ERR_OK);
	assert_string_equal(ids(fixture), "00000003");
}

/* ---- which ---- */

static void
a_search_finds_user_name_and_id_in_any_case(void **state)
{
	static const struct {
		const char *search, *expected;
	} rows[] = {
		{ "ALI", "00000001" },
		{ "laptop", "00000001 00000002" },
		{ "LAPTOP of b", "00000002" },
		{ "000002", "00000002" },
		{ "\xc3\xa4rger", "00000003" }, /* beyond ASCII as it stands */
		{ "\xc3\x84rger", "" },
		{ "nobody", "" },
		{ "", "00000001 00000002 00000003" },
	};
	struct admin_fixture *fixture = *state;

	put(fixture, "00000001", "alice", "my Laptop", "");
	put(fixture, "00000002", "bob", "laptop of Bob", "");
	put(fixture, "00000003", "carol", "\xc3\xa4rger", "");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		admin_wish(fixture, "");
		strcpy(fixture->request.search, rows[i].search);
		assert_int_equal(admin_run(fixture, JP_ADMIN_LIST), JP_ERR_OK);
		assert_string_equal(ids(fixture), rows[i].expected);
	}
}

static void
a_list_is_of_the_statuses_that_are_asked_for(void **state)
{
	static const struct {
		unsigned int statuses;
		bool all;
		const char *expected;
	} rows[] = {
		{ 0, false, "00000001 00000002" },
		{ 0, true, "00000001 00000002 00000003" },
		{ 1U << JP_STATUS_LIVE, false, "00000001" },
		{ 1U << JP_STATUS_PAUSED, false, "00000002" },
		{ 1U << JP_STATUS_DEAD, false, "00000003" },
		{ 1U << JP_STATUS_LIVE | 1U << JP_STATUS_DEAD, true,
		    "00000001 00000003" },
	};
	struct admin_fixture *fixture = *state;

	for (unsigned int i = 1; i <= 3; i++) {
		char id[JP_TOKEN_ID_LEN + 1];

		numbered(i, id);
		put(fixture, id, "alice", "", "");
		admin_wish_id(fixture, id);
		if (i > 1)
			assert_int_equal(
			    admin_run(fixture,
			        i == 2 ? JP_ADMIN_DISABLE : JP_ADMIN_REVOKE),
			    JP_ERR_OK);
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		admin_wish(fixture, "");
		fixture->request.statuses = rows[i].statuses;
		fixture->request.all = rows[i].all;
		assert_int_equal(admin_run(fixture, JP_ADMIN_LIST), JP_ERR_OK);
		assert_string_equal(ids(fixture), rows[i].expected);
	}
}

/* By the end as by the id: the pages of an expiring list are by id. */
static void
an_expiring_list_has_pages_too(void **state)
{
	static const int64_t ends[] = { NOW + 3, NOW + 1, NOW + 9 * DAY,
		NOW + 2, NOW - 1 };
	struct admin_fixture *fixture = *state;
	struct jp_record record;
	char id[JP_TOKEN_ID_LEN + 1];

	for (unsigned int i = 0; i < COUNT_OF(ends); i++) {
		numbered(i, id);
		put(fixture, id, "alice", "", "");
		admin_read(fixture, id, &record);
		record.expires_at = ends[i];
		admin_write(fixture, &record);
	}
	admin_wish(fixture, "");
	fixture->request.expiring = DAY;
	assert_int_equal(admin_run(fixture, JP_ADMIN_LIST), JP_ERR_OK);
	assert_string_equal(ids(fixture), "00000001 00000003 00000000");
	fixture->request.limit = 2;
	assert_int_equal(admin_run(fixture, JP_ADMIN_LIST), JP_ERR_OK);
	assert_string_equal(ids(fixture), "00000000 00000001");
	assert_string_equal(page_of(fixture), "00000001");
	strcpy(fixture->request.after, "00000001");
	assert_int_equal(admin_run(fixture, JP_ADMIN_LIST), JP_ERR_OK);
	assert_string_equal(ids(fixture), "00000003");
}

/* ---- policy ---- */

static void
a_summary_counts_what_a_policy_would_do(void **state)
{
	struct admin_fixture *fixture = *state;
	const struct jp_admin_item *item = &fixture->items[0];
	struct jp_record record;
	char id[JP_TOKEN_ID_LEN + 1];

	for (unsigned int i = 0; i < 6; i++) {
		numbered(i, id);
		put(fixture, id, "alice", i < 2 ? "" : "named", "");
	}
	admin_read(fixture, "00000005", &record); /* dead by its parent */
	strcpy(record.parent, "00000004");
	admin_write(fixture, &record);
	admin_read(fixture, "00000004", &record);
	record.revoked_at = NOW;
	admin_write(fixture, &record);
	fixture->core.policy.name_required = true;
	fixture->core.policy.max_lifetime = JP_NEVER;
	admin_wish(fixture, "");
	fixture->request.summary = true;
	assert_int_equal(admin_run(fixture, JP_ADMIN_POLICY), JP_ERR_INVALID);
	fixture->request.dry_run = true;
	assert_int_equal(admin_run(fixture, JP_ADMIN_POLICY), JP_ERR_OK);
	assert_int_equal(fixture->len, 1);
	assert_int_equal(item->kind, JP_ITEM_COUNTS);
	assert_int_equal(item->live, 4);
	assert_int_equal(item->breaches[JP_BREACH_NONE], 2);
	assert_int_equal(item->breaches[JP_BREACH_NAME], 2);
	assert_int_equal(item->breaches[JP_BREACH_LIFETIME], 0);
	fixture->core.policy.max_lifetime = DAY;
	assert_int_equal(admin_run(fixture, JP_ADMIN_POLICY), JP_ERR_OK);
	assert_int_equal(item->breaches[JP_BREACH_LIFETIME], 2);
	fixture->request.summary = fixture->request.dry_run = false;
	assert_int_equal(admin_run(fixture, JP_ADMIN_POLICY), JP_ERR_OK);
	assert_int_equal(fixture->len, 4);
	fixture->request.summary = fixture->request.dry_run = true;
	assert_int_equal(admin_run(fixture, JP_ADMIN_POLICY), JP_ERR_OK);
	assert_int_equal(item->live, 2);
	assert_int_equal(item->breaches[JP_BREACH_NONE], 2);
}

static void
children_of_the_dead_take_no_place_of_their_user(void **state)
{
	struct admin_fixture *fixture = *state;
	struct jp_record record;

	put(fixture, "00000001", "alice", "", "");
	put(fixture, "00000002", "alice", "", "");
	admin_read(fixture, "00000002", &record);
	strcpy(record.parent, "00000001");
	admin_write(fixture, &record);
	fixture->core.policy.max_per_user = 1;
	admin_wish(fixture, "alice");
	admin_refused(
	    fixture, JP_ADMIN_CREATE, JP_ERR_REFUSED, JP_REFUSAL_TOO_MANY);
	admin_wish_id(fixture, "00000001");
	assert_int_equal(admin_run(fixture, JP_ADMIN_REVOKE), JP_ERR_OK);
	admin_wish(fixture, "alice");
	assert_int_equal(admin_run(fixture, JP_ADMIN_CREATE), JP_ERR_OK);
}

/* ---- purge ---- */

static const char *
purge(struct admin_fixture *fixture, int64_t dead_for)
{
	admin_wish(fixture, "");
	fixture->request.dead_for = dead_for;
	fixture->request.clock_rule = JP_CLOCK_TRUST;
	assert_int_equal(admin_run(fixture, JP_ADMIN_PURGE), JP_ERR_OK);
	return ids(fixture);
}

static void
children_go_by_the_end_of_their_parent_or_their_own(void **state)
{
	struct admin_fixture *fixture = *state;
	struct jp_record record;
	char id[JP_TOKEN_ID_LEN + 1];

	for (unsigned int i = 0; i < 5; i++) {
		numbered(i, id);
		put(fixture, id, "alice", "", "");
	}
	admin_read(fixture, "00000003", &record); /* the parent */
	record.expires_at = NOW + 2 * DAY;
	admin_write(fixture, &record);
	admin_read(fixture, "00000001", &record);
	strcpy(record.parent, "00000003");
	admin_write(fixture, &record);
	admin_read(fixture, "00000002", &record);
	strcpy(record.parent, "00000003");
	record.expires_at = NOW + DAY;
	admin_write(fixture, &record);
	admin_read(fixture, "00000004", &record); /* was lost long ago */
	strcpy(record.parent, "zzzzzzzz");
	admin_write(fixture, &record);
	assert_string_equal(purge(fixture, 7 * DAY), "00000004");
	fixture->now = NOW + 8 * DAY;
	assert_string_equal(purge(fixture, 7 * DAY), "00000002");
	fixture->now = NOW + 9 * DAY - 1;
	assert_string_equal(purge(fixture, 7 * DAY), "");
	fixture->now = NOW + 9 * DAY;
	assert_string_equal(purge(fixture, 7 * DAY), "00000001 00000003");
	assert_int_equal(admin_records(fixture), 1);
}

static void
a_used_up_parent_stays_as_long_as_its_children(void **state)
{
	struct admin_fixture *fixture = *state;
	struct jp_record record;

	put(fixture, "00000001", "alice", "", "");
	put(fixture, "00000002", "alice", "", "");
	admin_read(fixture, "00000001", &record);
	record.uses_max = 5;
	record.last_used_at = NOW;
	admin_write(fixture, &record);
	admin_read(fixture, "00000002", &record);
	strcpy(record.parent, "00000001");
	record.uses_max = record.uses_left = 2;
	admin_write(fixture, &record);
	fixture->now = NOW + 30 * DAY;
	assert_string_equal(purge(fixture, 7 * DAY), "");
	admin_read(fixture, "00000002", &record);
	record.revoked_at = NOW;
	admin_write(fixture, &record);
	assert_string_equal(purge(fixture, 7 * DAY), "00000002");
	assert_string_equal(purge(fixture, 7 * DAY), "00000001");
}

/* ---- export, import ---- */

/* What a store has gives the batch for another. */
static void
export_all(struct admin_fixture *from, struct admin_fixture *to)
{
	admin_wish(from, "");
	assert_int_equal(admin_run(from, JP_ADMIN_EXPORT), JP_ERR_OK);
	admin_wish(to, "");
	for (size_t i = 0; i < from->len; i++) {
		struct jp_moved moved = { .record = from->items[i].record };

		if (from->items[i].kind != JP_ITEM_MOVED)
			continue;
		memcpy(
		    moved.pepper, from->items[i].pepper, sizeof(moved.pepper));
		assert_int_equal(jp_batch_put(&to->buf, &moved), JP_ERR_OK);
	}
}

/* A token, its child with uses, whose id is in front, and a link. */
static void
make_family(struct admin_fixture *fixture, char parent[JP_TOKEN_ID_LEN + 1],
    char child[JP_TOKEN_ID_LEN + 1], struct jp_secret *code)
{
	char link[JP_TOKEN_ID_LEN + 1];

	do {
		admin_wish(fixture, "alice");
		strcpy(fixture->request.record.owner_group, "ci");
		fixture->request.record.uses_max = 10;
		admin_create(fixture, parent);
		admin_wish(fixture, "");
		strcpy(fixture->request.record.parent, parent);
		fixture->request.record.uses_max = 3;
		admin_create(fixture, child);
	} while (strcmp(child, parent) > 0);
	admin_wish(fixture, "alice");
	fixture->request.link_for = DAY;
	admin_create(fixture, link);
	*code = fixture->items[0].token;
	admin_wish_id(fixture, child);
	assert_int_equal(admin_run(fixture, JP_ADMIN_DISABLE), JP_ERR_OK);
}

static void
what_is_exported_is_imported_with_its_parents_and_links(void **state)
{
	struct admin_fixture *fixture = *state, *other;
	char parent[JP_TOKEN_ID_LEN + 1], child[JP_TOKEN_ID_LEN + 1];
	struct jp_record before, after;
	struct jp_secret code;

	assert_int_equal(admin_set_up((void **)&other), 0);
	make_family(fixture, parent, child, &code);
	export_all(fixture, other);
	assert_int_equal(admin_run(other, JP_ADMIN_IMPORT), JP_ERR_OK);
	assert_int_equal(admin_records(other), admin_records(fixture));
	admin_read(fixture, child, &before);
	admin_read(other, child, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(after.uses_left, 3);
	assert_true(after.disabled_at == NOW);
	admin_read(other, parent, &after);
	assert_int_equal(after.uses_left, 7);
	assert_string_equal(after.owner_group, "ci");
	admin_wish(other, ""); /* the link leads there, too */
	memcpy(other->request.record.id, code.text, JP_TOKEN_ID_LEN);
	other->request.question.token = code;
	assert_int_equal(
	    admin_run_as(other, "alice", JP_ADMIN_CLAIM), JP_ERR_OK);
	assert_int_equal(core_help_tear_down((void **)&other), 0);
}

/* Whatever their ids: import takes one batch after the other. */
static void
an_export_has_parents_in_front_of_their_children(void **state)
{
	static const char *const family[] = { "00000005", "00000003",
		"00000004", "00000001", "00000002" };
	struct admin_fixture *fixture = *state;
	struct jp_record record;

	for (size_t i = 0; i < COUNT_OF(family); i++) {
		put(fixture, family[i], "alice", "", "");
		admin_read(fixture, family[i], &record);
		if (i > 0)
			strcpy(record.parent, family[i - 1]);
		admin_write(fixture, &record);
	}
	put(fixture, "00000000", "alice", "", "");
	put(fixture, "00000006", "alice", "", ""); /* lost, and dead for good */
	admin_read(fixture, "00000006", &record);
	strcpy(record.parent, "zzzzzzzz");
	admin_write(fixture, &record);
	admin_wish(fixture, "");
	assert_int_equal(admin_run(fixture, JP_ADMIN_EXPORT), JP_ERR_OK);
	assert_string_equal(ids(fixture), "00000000 00000005 00000003 00000004 "
	                                  "00000001 00000002");
	record.revoked_at = NOW; /* a record of the past, which is kept */
	admin_write(fixture, &record);
	assert_int_equal(admin_run(fixture, JP_ADMIN_EXPORT), JP_ERR_OK);
	assert_int_equal(fixture->len, 7);
}

/* A moved record that import takes. */
static void
make_moved(struct jp_moved *moved, const char *id)
{
	static const char phc[] =
	    "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

	memset(moved, 0, sizeof(*moved));
	strcpy(moved->record.id, id);
	strcpy(moved->record.family, id);
	strcpy(moved->record.user, "alice");
	strcpy(moved->record.phc, phc);
	moved->record.created_at = NOW;
}

static enum jp_err
import_two(struct admin_fixture *fixture, const struct jp_moved *one,
    const struct jp_moved *two)
{
	admin_wish(fixture, "");
	assert_int_equal(jp_batch_put(&fixture->buf, one), JP_ERR_OK);
	assert_int_equal(jp_batch_put(&fixture->buf, two), JP_ERR_OK);
	return admin_run(fixture, JP_ADMIN_IMPORT);
}

static void
a_child_without_its_parent_is_a_wrong_row(void **state)
{
	struct admin_fixture *fixture = *state;
	struct jp_moved one, child;

	make_moved(&one, "00000001");
	make_moved(&child, "00000002");
	strcpy(child.record.parent, "00000003");
	assert_int_equal(import_two(fixture, &one, &child), JP_ERR_INVALID);
	assert_int_equal(fixture->items[fixture->len - 1].kind, JP_ITEM_ROW);
	assert_int_equal(fixture->items[fixture->len - 1].row, 1);
	assert_non_null(strstr(fixture->why.text, "00000003 is not there"));
	assert_int_equal(admin_records(fixture), 0);
	child.record.revoked_at = NOW; /* a record of the past */
	assert_int_equal(import_two(fixture, &one, &child), JP_ERR_OK);
	make_moved(&one, "00000004");
	make_moved(&child, "00000005");
	strcpy(child.record.parent, "00000001"); /* in the store */
	assert_int_equal(import_two(fixture, &one, &child), JP_ERR_OK);
	make_moved(&one, "00000006");
	make_moved(&child, "00000007");
	strcpy(one.record.parent, "00000007"); /* further down in the batch */
	assert_int_equal(import_two(fixture, &one, &child), JP_ERR_OK);
	make_moved(&one, "00000008");
	make_moved(&child, "00000009");
	strcpy(one.record.user, "bob");
	strcpy(child.record.parent, "00000008");
	assert_int_equal(import_two(fixture, &one, &child), JP_ERR_INVALID);
	assert_non_null(strstr(fixture->why.text, "another user's"));
}

static void
what_is_no_record_of_this_version_is_a_wrong_row(void **state)
{
	enum { SELF_PARENT, PARENT, USES, GROUP, WAITS, NO_HASH, BY, TIME };
	struct admin_fixture *fixture = *state;
	struct jp_moved one, wrong;

	make_moved(&one, "00000001");
	for (int what = SELF_PARENT; what <= TIME; what++) {
		make_moved(&wrong, "00000002");
		if (what == SELF_PARENT)
			strcpy(wrong.record.parent, "00000002");
		if (what == PARENT)
			strcpy(wrong.record.parent, "no id");
		if (what == USES)
			wrong.record.uses_left = 1;
		if (what == GROUP)
			strcpy(wrong.record.owner_group, " ci");
		if (what == WAITS)
			wrong.record.claim_until = NOW; /* and has a hash */
		if (what == NO_HASH)
			wrong.record.phc[0] = '\0';
		if (what == BY)
			strcpy(wrong.record.disabled_by, "a\nb");
		if (what == TIME)
			wrong.record.disabled_at = -1;
		assert_int_equal(
		    import_two(fixture, &one, &wrong), JP_ERR_INVALID);
		assert_int_equal(
		    fixture->items[fixture->len - 1].kind, JP_ITEM_ROW);
		assert_int_equal(fixture->items[fixture->len - 1].row, 1);
		assert_int_equal(admin_records(fixture), 0);
	}
}

/* Its tag is of no use under another pepper: the link leads nowhere. */
static void
a_link_is_of_its_pepper(void **state)
{
	struct admin_fixture *fixture = *state;
	struct jp_moved one, waits;
	struct jp_record record;

	make_moved(&one, "00000001");
	make_moved(&waits, "00000002");
	waits.record.phc[0] = '\0';
	waits.record.claim_until = NOW + DAY;
	memset(waits.record.claim_tag, 7, sizeof(waits.record.claim_tag));
	memset(waits.pepper, 9, sizeof(waits.pepper));
	assert_int_equal(import_two(fixture, &one, &waits), JP_ERR_OK);
	admin_read(fixture, "00000002", &record);
	assert_int_equal(record.claim_tag[0], 0);
	assert_int_equal(admin_state(fixture, "00000002"), JP_STATE_UNCLAIMED);
}

#define TEST(test)                                                             \
	cmocka_unit_test_setup_teardown(test, admin_set_up, core_help_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_page_that_is_cut_says_where_the_next_begins),
		TEST(a_page_has_as_many_as_asked_for_of_what_is_asked_for),
		TEST(pages_show_each_token_once_while_others_come_and_go),
		TEST(an_error_of_the_store_ends_every_listing),
		TEST(an_owner_sees_the_tokens_of_the_own_groups_too),
		TEST(a_search_finds_user_name_and_id_in_any_case),
		TEST(a_list_is_of_the_statuses_that_are_asked_for),
		TEST(an_expiring_list_has_pages_too),
		TEST(a_summary_counts_what_a_policy_would_do),
		TEST(children_of_the_dead_take_no_place_of_their_user),
		TEST(children_go_by_the_end_of_their_parent_or_their_own),
		TEST(a_used_up_parent_stays_as_long_as_its_children),
		TEST(what_is_exported_is_imported_with_its_parents_and_links),
		TEST(an_export_has_parents_in_front_of_their_children),
		TEST(a_child_without_its_parent_is_a_wrong_row),
		TEST(what_is_no_record_of_this_version_is_a_wrong_row),
		TEST(a_link_is_of_its_pepper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
