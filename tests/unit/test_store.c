/*
 * What both stores promise: each test runs over Berkeley DB and over memory.
 * Folder, lock, damage and recovery are in test_store_bdb.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/store_mem.h"
#include "tests/unit/store_help.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct fixture {
	char dir[PATH_MAX]; /* "" for the one in memory */
	struct jp_store *store;
};

static int
set_up_bdb(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct jp_store_options options = options_for(fixture->dir);
	struct jp_why why;

	scratch_make(fixture->dir);
	assert_int_equal(jp_store_bdb_create(&options, &why), JP_ERR_OK);
	assert_int_equal(
	    jp_store_bdb_open(&options, &fixture->store, &why), JP_ERR_OK);
	*state = fixture;
	return 0;
}

static int
set_up_mem(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_int_equal(jp_store_mem_open(&fixture->store), JP_ERR_OK);
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	jp_store_close(fixture->store);
	if (fixture->dir[0] != '\0')
		scratch_remove(fixture->dir);
	free(fixture);
	return 0;
}

static struct jp_store *
store_of(void **state)
{
	return ((struct fixture *)*state)->store;
}

/* Adds the ids of the next page to `ids`, each followed by a blank. */
static size_t
next_page(struct jp_store *store, struct jp_listing *listing, size_t max,
    char ids[512])
{
	struct jp_record page[4];
	size_t count;

	assert_true(max <= COUNT_OF(page));
	assert_int_equal(
	    jp_store_list(store, listing, page, max, &count), JP_ERR_OK);
	assert_true(count <= max);
	for (size_t i = 0; i < count; i++) {
		char expected[sizeof(page[i].name)];

		(void)snprintf(expected, sizeof(expected), "%.8s of %.100s",
		    page[i].id, page[i].user);
		assert_string_equal(page[i].name, expected);
		(void)snprintf(
		    ids + strlen(ids), 512 - strlen(ids), "%s ", page[i].id);
	}
	return count;
}

static void
assert_lists(struct jp_store *store, const struct jp_listing *listing,
    const char *expected)
{
	for (size_t max = 1; max <= 3; max++) {
		struct jp_listing at = *listing;
		char ids[512] = "";

		while (next_page(store, &at, max, ids) > 0)
			;
		assert_string_equal(ids, expected);
	}
}

static void
a_created_record_reads_back_whole(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_record record, copy;

	record_make(&record, "aaaaaaaa", "alice", 1800000000);
	record.use_len = 1;
	record.uses[0].at = 5;
	record.scope_len = 1;
	(void)strcpy(record.scopes[0], "read");
	record.has_fast_tag = true;
	memset(record.fast_tag, 0xa5, sizeof(record.fast_tag));
	assert_int_equal(
	    commit_one(store, JP_CHANGE_CREATE, &record), JP_ERR_OK);
	assert_int_equal(jp_store_get(store, "aaaaaaaa", &copy), JP_ERR_OK);
	assert_memory_equal(&record, &copy, sizeof(record));
}

static void
an_unknown_id_is_not_found_and_leaves_the_record_empty(void **state)
{
	const char *const ids[] = { "aaaaaaab", "Aaaaaaaa", "aaaaaaa",
		"aaaaaaaaa", "", "aaaa-aaa" };
	struct jp_store *store = store_of(state);
	struct jp_record record, empty;

	memset(&empty, 0, sizeof(empty));
	assert_int_equal(add(store, "aaaaaaaa", "alice", 1), JP_ERR_OK);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		memset(&record, 1, sizeof(record));
		assert_int_equal(
		    jp_store_get(store, ids[i], &record), JP_ERR_NOT_FOUND);
		assert_memory_equal(&record, &empty, sizeof(record));
	}
}

static void
creating_an_id_twice_is_refused_and_keeps_the_first(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_record record;

	assert_int_equal(add(store, "aaaaaaaa", "alice", 1), JP_ERR_OK);
	assert_int_equal(add(store, "aaaaaaaa", "bob", 2), JP_ERR_EXISTS);
	assert_int_equal(jp_store_get(store, "aaaaaaaa", &record), JP_ERR_OK);
	assert_string_equal(record.user, "alice");
}

static void
replacing_changes_the_record_and_its_place_by_expiry(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_listing early = { .order = JP_ORDER_EXPIRY, .until = 10 };
	struct jp_record record, copy;

	record_make(&record, "aaaaaaaa", "alice", 5);
	(void)commit_one(store, JP_CHANGE_CREATE, &record);
	record.expires_at = 50;
	record.revoked_at = 7;
	assert_int_equal(
	    commit_one(store, JP_CHANGE_REPLACE, &record), JP_ERR_OK);
	assert_int_equal(jp_store_get(store, "aaaaaaaa", &copy), JP_ERR_OK);
	assert_memory_equal(&record, &copy, sizeof(record));
	assert_lists(store, &early, "");
	early.until = 50;
	assert_lists(store, &early, "aaaaaaaa ");
}

static void
replacing_an_unknown_id_is_not_found_and_makes_nothing(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_record record;

	record_make(&record, "aaaaaaaa", "alice", 1);
	assert_int_equal(
	    commit_one(store, JP_CHANGE_REPLACE, &record), JP_ERR_NOT_FOUND);
	assert_int_equal(
	    jp_store_get(store, "aaaaaaaa", &record), JP_ERR_NOT_FOUND);
}

static void
replacing_cannot_give_a_token_to_another_user(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_record record;

	assert_int_equal(add(store, "aaaaaaaa", "alice", 1), JP_ERR_OK);
	record_make(&record, "aaaaaaaa", "bob", 1);
	assert_int_equal(
	    commit_one(store, JP_CHANGE_REPLACE, &record), JP_ERR_INVALID);
	assert_int_equal(jp_store_get(store, "aaaaaaaa", &record), JP_ERR_OK);
	assert_string_equal(record.user, "alice");
}

static void
deleting_removes_the_record_from_every_listing(void **state)
{
	const struct jp_listing listings[] = {
		{ .order = JP_ORDER_ID },
		{ .order = JP_ORDER_USER, .user = "alice" },
		{ .order = JP_ORDER_EXPIRY, .until = INT64_MAX },
	};
	struct jp_store *store = store_of(state);
	struct jp_record record;

	assert_int_equal(add(store, "aaaaaaaa", "alice", 1), JP_ERR_OK);
	assert_int_equal(add(store, "bbbbbbbb", "alice", 1), JP_ERR_OK);
	assert_int_equal(drop(store, "aaaaaaaa"), JP_ERR_OK);
	assert_int_equal(
	    jp_store_get(store, "aaaaaaaa", &record), JP_ERR_NOT_FOUND);
	for (size_t i = 0; i < COUNT_OF(listings); i++)
		assert_lists(store, &listings[i], "bbbbbbbb ");
}

static void
deleting_an_unknown_id_is_not_found(void **state)
{
	assert_int_equal(drop(store_of(state), "aaaaaaaa"), JP_ERR_NOT_FOUND);
}

static void
an_id_that_is_none_is_not_stored(void **state)
{
	assert_int_equal(
	    add(store_of(state), "aaaa", "alice", 1), JP_ERR_INVALID);
}

static void
a_commit_makes_all_its_changes(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_record a, b, c;
	const struct jp_change changes[] = {
		{ JP_CHANGE_CREATE, &b },
		{ JP_CHANGE_DELETE, &a },
		{ JP_CHANGE_CREATE, &c },
		{ JP_CHANGE_REPLACE, &b },
	};
	const struct jp_listing all = { .order = JP_ORDER_ID };

	record_make(&a, "aaaaaaaa", "alice", 1);
	record_make(&b, "bbbbbbbb", "alice", 1);
	record_make(&c, "cccccccc", "alice", 1);
	(void)commit_one(store, JP_CHANGE_CREATE, &a);
	assert_int_equal(
	    jp_store_commit(store, changes, COUNT_OF(changes)), JP_ERR_OK);
	assert_lists(store, &all, "bbbbbbbb cccccccc ");
}

static void
a_commit_that_fails_midway_changes_nothing(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_record a, b, c;
	const struct jp_change changes[] = {
		{ JP_CHANGE_CREATE, &b },
		{ JP_CHANGE_DELETE, &a },
		{ JP_CHANGE_REPLACE, &c },
	};
	const struct jp_listing all = { .order = JP_ORDER_ID };
	struct jp_store_info before, after;

	record_make(&a, "aaaaaaaa", "alice", 1);
	record_make(&b, "bbbbbbbb", "alice", 1);
	record_make(&c, "cccccccc", "alice", 1);
	(void)commit_one(store, JP_CHANGE_CREATE, &a);
	(void)jp_store_info(store, &before);
	assert_int_equal(jp_store_commit(store, changes, COUNT_OF(changes)),
	    JP_ERR_NOT_FOUND);
	assert_lists(store, &all, "aaaaaaaa ");
	(void)jp_store_info(store, &after);
	assert_int_equal(before.commits, after.commits);
	assert_int_equal(before.records, after.records);
}

static void
an_empty_commit_is_fine_and_counts_for_nothing(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_store_info info;

	assert_int_equal(jp_store_commit(store, NULL, 0), JP_ERR_OK);
	assert_int_equal(jp_store_info(store, &info), JP_ERR_OK);
	assert_int_equal(info.commits, 0);
}

static void
info_counts_records_and_commits(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_store_info info;

	(void)add(store, "aaaaaaaa", "alice", 1);
	(void)add(store, "bbbbbbbb", "alice", 1);
	(void)drop(store, "aaaaaaaa");
	(void)drop(store, "aaaaaaaa");
	assert_int_equal(jp_store_info(store, &info), JP_ERR_OK);
	assert_int_equal(info.records, 1);
	assert_int_equal(info.commits, 3);
}

static void
a_listing_by_id_is_complete_and_in_order(void **state)
{
	const char *const ids[] = { "zzzzzzzz", "00000000", "aaaaaaaB",
		"aaaaaaaA", "Zaaaaaaa" };
	const struct jp_listing all = { .order = JP_ORDER_ID };
	struct jp_store *store = store_of(state);

	assert_lists(store, &all, "");
	for (size_t i = 0; i < COUNT_OF(ids); i++)
		(void)add(store, ids[i], "alice", 1);
	assert_lists(
	    store, &all, "00000000 Zaaaaaaa aaaaaaaA aaaaaaaB zzzzzzzz ");
}

static void
a_listing_by_user_has_just_the_tokens_of_that_very_user(void **state)
{
	static const struct {
		const char *id, *user, *listed;
	} rows[] = {
		{ "aaaaaaaa", "al", "aaaaaaaa " },
		{ "bbbbbbbb", "alice", "bbbbbbbb cccccccc " },
		{ "cccccccc", "alice", "bbbbbbbb cccccccc " },
		{ "dddddddd", "alicia", "dddddddd " },
		{ "eeeeeeee", "Alice", "eeeeeeee " },
		{ "ffffffff", "al\xc3\xafs", "ffffffff " },
		{ "gggggggg", "\xf0\x9f\xa6\x8a", "gggggggg " },
		{ "hhhhhhhh", "\xc3", "hhhhhhhh " },
	};
	struct jp_store *store = store_of(state);
	struct jp_listing nobody = { .order = JP_ORDER_USER, .user = "ali" };

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(
		    add(store, rows[i].id, rows[i].user, 1), JP_ERR_OK);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct jp_listing listing = { .order = JP_ORDER_USER };

		(void)strcpy(listing.user, rows[i].user);
		assert_lists(store, &listing, rows[i].listed);
	}
	assert_lists(store, &nobody, "");
}

/* Adds a token of that user which the group owns. */
static void
add_owned(
    struct jp_store *store, const char *id, const char *user, const char *group)
{
	struct jp_record record;

	record_make(&record, id, user, 1);
	(void)strcpy(record.owner_group, group);
	assert_int_equal(
	    commit_one(store, JP_CHANGE_CREATE, &record), JP_ERR_OK);
}

static void
a_listing_by_owner_has_just_the_tokens_of_that_very_group(void **state)
{
	static const struct {
		const char *id, *group, *listed;
	} rows[] = {
		{ "aaaaaaaa", "op", "aaaaaaaa " },
		{ "bbbbbbbb", "ops", "bbbbbbbb eeeeeeee " },
		{ "cccccccc", "", "" },
		{ "dddddddd", "Ops", "dddddddd " },
		{ "eeeeeeee", "ops", "bbbbbbbb eeeeeeee " },
		{ "ffffffff", "\xc3\xb6ps", "ffffffff " },
	};
	struct jp_store *store = store_of(state);
	const struct jp_listing nobody = { .order = JP_ORDER_OWNER,
		.owner = "opsx" };

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		add_owned(store, rows[i].id, "ops", rows[i].group);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct jp_listing listing = { .order = JP_ORDER_OWNER };

		(void)strcpy(listing.owner, rows[i].group);
		assert_lists(store, &listing, rows[i].listed);
	}
	assert_lists(store, &nobody, "");
}

static void
a_group_of_the_longest_name_is_listed(void **state)
{
	struct jp_listing listing = { .order = JP_ORDER_OWNER };
	struct jp_store *store = store_of(state);

	memset(listing.owner, 'g', JP_GROUP_MAX);
	add_owned(store, "aaaaaaaa", "alice", listing.owner);
	assert_lists(store, &listing, "aaaaaaaa ");
}

static void
a_token_changes_hands_with_its_owner_alone(void **state)
{
	const struct jp_listing ops = { .order = JP_ORDER_OWNER,
		.owner = "ops" };
	const struct jp_listing dev = { .order = JP_ORDER_OWNER,
		.owner = "dev" };
	struct jp_store *store = store_of(state);
	struct jp_record record;

	add_owned(store, "aaaaaaaa", "alice", "ops");
	add_owned(store, "bbbbbbbb", "bob", "ops");
	record_make(&record, "aaaaaaaa", "alice", 2);
	(void)strcpy(record.owner_group, "dev");
	assert_int_equal(
	    commit_one(store, JP_CHANGE_REPLACE, &record), JP_ERR_OK);
	assert_lists(store, &ops, "bbbbbbbb ");
	assert_lists(store, &dev, "aaaaaaaa ");
	record.owner_group[0] = '\0';
	assert_int_equal(
	    commit_one(store, JP_CHANGE_REPLACE, &record), JP_ERR_OK);
	assert_lists(store, &dev, "");
	assert_int_equal(drop(store, "bbbbbbbb"), JP_ERR_OK);
	assert_lists(store, &ops, "");
}

/* For pages that a person asks for: with no state kept in between. */
static void
a_listing_may_begin_behind_any_id(void **state)
{
	static const struct {
		const char *behind, *listed;
	} rows[] = {
		{ "", "aaaaaaaa cccccccc eeeeeeee " },
		{ "0", "aaaaaaaa cccccccc eeeeeeee " },
		{ "aaaaaaaa", "cccccccc eeeeeeee " },
		{ "bbbbbbbb", "cccccccc eeeeeeee " },
		{ "dddddddd", "eeeeeeee " },
		{ "eeeeeeee", "" },
		{ "zzzzzzzz", "" },
	};
	struct jp_listing orders[] = {
		{ .order = JP_ORDER_ID },
		{ .order = JP_ORDER_USER, .user = "alice" },
		{ .order = JP_ORDER_OWNER, .owner = "ops" },
	};
	struct jp_store *store = store_of(state);

	add_owned(store, "aaaaaaaa", "alice", "ops");
	add_owned(store, "cccccccc", "alice", "ops");
	add_owned(store, "eeeeeeee", "alice", "ops");
	for (size_t o = 0; o < COUNT_OF(orders); o++)
		for (size_t i = 0; i < COUNT_OF(rows); i++) {
			orders[o].started = true;
			(void)strcpy(orders[o].last_id, rows[i].behind);
			assert_lists(store, &orders[o], rows[i].listed);
		}
}

static void
a_user_of_the_longest_name_is_listed(void **state)
{
	struct jp_listing listing = { .order = JP_ORDER_USER };
	struct jp_store *store = store_of(state);

	memset(listing.user, 'u', JP_USER_MAX);
	assert_int_equal(add(store, "aaaaaaaa", listing.user, 1), JP_ERR_OK);
	assert_lists(store, &listing, "aaaaaaaa ");
}

static void
a_listing_by_expiry_goes_up_to_its_end_and_skips_never(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_listing listing = { .order = JP_ORDER_EXPIRY };
	static const struct {
		int64_t until;
		const char *listed;
	} rows[] = {
		{ 0, "" },
		{ 99, "" },
		{ 100, "cccccccc dddddddd " },
		{ 255, "cccccccc dddddddd " },
		{ 256, "cccccccc dddddddd bbbbbbbb " },
		{ INT64_MAX, "cccccccc dddddddd bbbbbbbb aaaaaaaa eeeeeeee " },
	};

	(void)add(store, "aaaaaaaa", "alice", INT64_C(1) << 40);
	(void)add(store, "bbbbbbbb", "alice", 256);
	(void)add(store, "dddddddd", "bob", 100);
	(void)add(store, "cccccccc", "carol", 100);
	(void)add(store, "eeeeeeee", "alice", INT64_MAX);
	(void)add(store, "ffffffff", "alice", JP_NEVER);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		listing.until = rows[i].until;
		assert_lists(store, &listing, rows[i].listed);
	}
}

/* Seven tokens of one user, that expire in pairs. */
static void
fill(struct jp_store *store)
{
	static const struct {
		const char *id;
		int64_t expires_at;
	} rows[] = {
		{ "a0000000", 10 },
		{ "b0000000", 10 },
		{ "c0000000", 20 },
		{ "d0000000", 20 },
		{ "e0000000", 30 },
		{ "f0000000", 30 },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		(void)add(store, rows[i].id, "u", rows[i].expires_at);
	(void)add(store, "z0000000", "v", 5);
}

static const struct jp_listing six_by[] = {
	{ .order = JP_ORDER_USER, .user = "u" },
	{ .order = JP_ORDER_EXPIRY, .until = 30 },
	{ .order = JP_ORDER_ID },
};

static void
a_listing_goes_on_where_its_last_record_was_deleted(void **state)
{
	struct jp_store *store = store_of(state);

	for (size_t i = 0; i < COUNT_OF(six_by); i++) {
		struct jp_listing listing = six_by[i];
		char ids[512] = "";

		fill(store);
		(void)drop(store, "z0000000");
		assert_int_equal(next_page(store, &listing, 2, ids), 2);
		(void)drop(store, "b0000000");
		assert_int_equal(next_page(store, &listing, 1, ids), 1);
		(void)drop(store, "c0000000");
		(void)drop(store, "d0000000");
		while (next_page(store, &listing, 3, ids) > 0)
			;
		assert_string_equal(
		    ids, "a0000000 b0000000 c0000000 e0000000 f0000000 ");
	}
}

static void
a_listing_shows_what_came_after_its_place_once(void **state)
{
	struct jp_store *store = store_of(state);

	for (size_t i = 0; i < COUNT_OF(six_by); i++) {
		struct jp_listing listing = six_by[i];
		char ids[512] = "";

		fill(store);
		(void)drop(store, "z0000000");
		assert_int_equal(next_page(store, &listing, 1, ids), 1);
		(void)add(store, "a0000001", "u", 10);
		(void)add(store, "A0000000", "u", 10);
		(void)add(store, "c0000001", "u", 20);
		while (next_page(store, &listing, 2, ids) > 0)
			;
		assert_string_equal(ids,
		    "a0000000 a0000001 b0000000 c0000000 c0000001 d0000000 "
		    "e0000000 f0000000 ");
		(void)drop(store, "a0000001");
		(void)drop(store, "A0000000");
		(void)drop(store, "c0000001");
	}
}

static void
a_listing_that_ended_stays_at_its_end(void **state)
{
	struct jp_store *store = store_of(state);

	for (size_t i = 0; i < COUNT_OF(six_by); i++) {
		struct jp_listing listing = six_by[i];
		char ids[512] = "";

		fill(store);
		while (next_page(store, &listing, 4, ids) > 0)
			;
		assert_int_equal(next_page(store, &listing, 4, ids), 0);
	}
}

static void
closing_no_store_is_fine(void **state)
{
	(void)state;
	jp_store_close(NULL);
}

static void
a_checkpoint_keeps_everything(void **state)
{
	const struct jp_listing all = { .order = JP_ORDER_ID };
	struct jp_store *store = store_of(state);

	(void)add(store, "aaaaaaaa", "alice", 1);
	assert_int_equal(jp_store_checkpoint(store), JP_ERR_OK);
	assert_lists(store, &all, "aaaaaaaa ");
}

static void
an_idle_store_is_not_stalled(void **state)
{
	(void)add(store_of(state), "aaaaaaaa", "alice", 1);
	assert_false(jp_store_stalled(store_of(state), 0));
}

static void
the_nth_call_fails_once_and_changes_nothing(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_record record;

	jp_store_mem_fail(store, 2, JP_ERR_DISK_FULL, false);
	assert_int_equal(add(store, "aaaaaaaa", "alice", 1), JP_ERR_OK);
	assert_int_equal(add(store, "bbbbbbbb", "alice", 1), JP_ERR_DISK_FULL);
	assert_int_equal(
	    jp_store_get(store, "bbbbbbbb", &record), JP_ERR_NOT_FOUND);
	assert_int_equal(add(store, "bbbbbbbb", "alice", 1), JP_ERR_OK);
	assert_int_equal(jp_store_mem_calls(store), 4);
}

static void
a_lasting_failure_lasts_until_it_is_ended(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_listing listing = { .order = JP_ORDER_ID };
	struct jp_store_info info;
	struct jp_record record;
	struct jp_why why;
	size_t count;

	(void)add(store, "aaaaaaaa", "alice", 1);
	jp_store_mem_fail(store, 1, JP_ERR_IO, true);
	assert_int_equal(jp_store_get(store, "aaaaaaaa", &record), JP_ERR_IO);
	assert_int_equal(
	    jp_store_list(store, &listing, &record, 1, &count), JP_ERR_IO);
	assert_int_equal(count, 0);
	assert_int_equal(jp_store_checkpoint(store), JP_ERR_IO);
	assert_int_equal(jp_store_info(store, &info), JP_ERR_IO);
	assert_int_equal(drop(store, "aaaaaaaa"), JP_ERR_IO);
	jp_store_why(store, &why);
	assert_non_null(strstr(why.text, jp_err_text(JP_ERR_IO)));
	jp_store_mem_fail(store, 0, JP_ERR_OK, false);
	assert_int_equal(jp_store_get(store, "aaaaaaaa", &record), JP_ERR_OK);
}

static void
put_named(struct jp_store *store, const char *name, bool disabled)
{
	struct jp_user user;

	jp_user_default(&user, name);
	user.disabled = disabled;
	(void)snprintf(user.note, sizeof(user.note), "of %s", name);
	assert_int_equal(jp_store_put_users(store, &user, 1), JP_ERR_OK);
}

static void
a_user_without_a_record_is_active_and_in_no_group(void **state)
{
	struct jp_user user, plain;

	jp_user_default(&plain, "nobody");
	assert_int_equal(
	    jp_store_user(store_of(state), "nobody", &user), JP_ERR_OK);
	assert_memory_equal(&user, &plain, sizeof(user));
	assert_false(user.disabled);
}

static void
a_user_reads_back_as_last_written(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_user user;

	put_named(store, "alice", true);
	put_named(store, "alic", false);
	assert_int_equal(jp_store_user(store, "alice", &user), JP_ERR_OK);
	assert_true(user.disabled);
	assert_string_equal(user.note, "of alice");
	put_named(store, "alice", false);
	assert_int_equal(jp_store_user(store, "alice", &user), JP_ERR_OK);
	assert_false(user.disabled);
}

static void
users_are_listed_by_name_page_by_page(void **state)
{
	static const char *const names[] = { "zoe", "alice", "bob", "al" };
	struct jp_store *store = store_of(state);

	for (size_t i = 0; i < COUNT_OF(names); i++)
		put_named(store, names[i], false);
	for (size_t max = 1; max <= 5; max++) {
		struct jp_user page[5] = { { .name = "" } };
		char all[64] = "", after[JP_USER_MAX + 1] = "";
		size_t count = 1;

		while (count > 0) {
			assert_int_equal(jp_store_list_users(
			                     store, after, page, max, &count),
			    JP_ERR_OK);
			for (size_t i = 0; i < count; i++) {
				strcat(strcat(all, page[i].name), " ");
				strcpy(after, page[i].name);
			}
		}
		assert_string_equal(all, "al alice bob zoe ");
	}
}

static void
many_users_are_one_commit_and_tokens_stay_theirs(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_store_info info;
	struct jp_user users[40];
	struct jp_record record;

	(void)add(store, "aaaaaaaa", "user 3", 1);
	for (size_t i = 0; i < COUNT_OF(users); i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "user %zu", i);
		jp_user_default(&users[i], name);
	}
	assert_int_equal(
	    jp_store_put_users(store, users, COUNT_OF(users)), JP_ERR_OK);
	assert_int_equal(jp_store_put_users(store, users, 0), JP_ERR_OK);
	assert_int_equal(jp_store_info(store, &info), JP_ERR_OK);
	assert_int_equal(info.commits, 2);
	assert_int_equal(info.records, 1);
	assert_int_equal(jp_store_get(store, "aaaaaaaa", &record), JP_ERR_OK);
	users[39].name[0] = '\0';
	assert_int_equal(
	    jp_store_put_users(store, users, COUNT_OF(users)), JP_ERR_INVALID);
}

#define OVER(where, test)                                                      \
	{                                                                      \
#where ": " #test, test, set_up_##where, tear_down, NULL       \
	}
#define BOTH(test) OVER(bdb, test), OVER(mem, test)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_created_record_reads_back_whole),
		BOTH(an_unknown_id_is_not_found_and_leaves_the_record_empty),
		BOTH(creating_an_id_twice_is_refused_and_keeps_the_first),
		BOTH(replacing_changes_the_record_and_its_place_by_expiry),
		BOTH(replacing_an_unknown_id_is_not_found_and_makes_nothing),
		BOTH(replacing_cannot_give_a_token_to_another_user),
		BOTH(deleting_removes_the_record_from_every_listing),
		BOTH(deleting_an_unknown_id_is_not_found),
		BOTH(an_id_that_is_none_is_not_stored),
		BOTH(a_commit_makes_all_its_changes),
		BOTH(a_commit_that_fails_midway_changes_nothing),
		BOTH(an_empty_commit_is_fine_and_counts_for_nothing),
		BOTH(info_counts_records_and_commits),
		BOTH(a_listing_by_id_is_complete_and_in_order),
		BOTH(a_listing_by_user_has_just_the_tokens_of_that_very_user),
		BOTH(a_user_of_the_longest_name_is_listed),
		BOTH(a_listing_by_owner_has_just_the_tokens_of_that_very_group),
		BOTH(a_group_of_the_longest_name_is_listed),
		BOTH(a_token_changes_hands_with_its_owner_alone),
		BOTH(a_listing_may_begin_behind_any_id),
		BOTH(a_listing_by_expiry_goes_up_to_its_end_and_skips_never),
		BOTH(a_listing_goes_on_where_its_last_record_was_deleted),
		BOTH(a_listing_shows_what_came_after_its_place_once),
		BOTH(a_listing_that_ended_stays_at_its_end),
		BOTH(a_user_without_a_record_is_active_and_in_no_group),
		BOTH(a_user_reads_back_as_last_written),
		BOTH(users_are_listed_by_name_page_by_page),
		BOTH(many_users_are_one_commit_and_tokens_stay_theirs),
		BOTH(a_checkpoint_keeps_everything),
		BOTH(an_idle_store_is_not_stalled),
		OVER(mem, the_nth_call_fails_once_and_changes_nothing),
		OVER(mem, a_lasting_failure_lasts_until_it_is_ended),
		cmocka_unit_test(closing_no_store_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
