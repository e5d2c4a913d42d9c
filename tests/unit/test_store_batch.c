/*
 * The bytes of a batch: common/store/batch.c, and what a commit makes of them:
 * common/store/batch_make.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/store_help.h"
#include "tests/unit/store_mem.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct fixture {
	struct jp_store *store;
	struct jp_batch batch;
	struct jp_why why;
};

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_int_equal(jp_store_mem_open(&fixture->store), JP_ERR_OK);
	assert_int_equal(jp_batch_start(&fixture->batch), JP_ERR_OK);
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	jp_batch_free(&fixture->batch);
	jp_store_close(fixture->store);
	free(fixture);
	return 0;
}

/* An item with a token's record, whose bytes are in `bytes`. */
static struct jp_batch_item
token_item(const char *id, uint8_t bytes[JP_RECORD_MAX])
{
	struct jp_batch_item item = { .file = JP_BATCH_TOKENS, .bytes = bytes };
	struct jp_record record;

	record_make(&record, id, "alice", JP_NEVER);
	assert_int_equal(
	    jp_record_encode(&record, bytes, &item.len), JP_ERR_OK);
	(void)snprintf(item.key, sizeof(item.key), "%s", id);
	return item;
}

static struct jp_batch_item
gone_item(enum jp_batch_file file, const char *key)
{
	struct jp_batch_item item = { .file = file };

	(void)snprintf(item.key, sizeof(item.key), "%s", key);
	return item;
}

static struct jp_batch_item
user_item(const char *name, uint8_t bytes[JP_USER_RECORD_MAX])
{
	struct jp_batch_item item = { .file = JP_BATCH_USERS, .bytes = bytes };
	struct jp_user user;

	jp_user_default(&user, name);
	assert_int_equal(jp_user_encode(&user, bytes, &item.len), JP_ERR_OK);
	(void)snprintf(item.key, sizeof(item.key), "%s", name);
	return item;
}

static struct jp_upstreams
upstreams_of(const char *user, size_t len)
{
	struct jp_upstreams all = { .len = len };

	(void)snprintf(all.user, sizeof(all.user), "%s", user);
	for (size_t i = 0; i < len; i++) {
		(void)snprintf(all.of[i].service, sizeof(all.of[i].service),
		    "service%02zu", i);
		all.of[i].set_at = 5;
		all.of[i].sealed_len = JP_UPSTREAM_SEAL_LEN + 8;
		memset(all.of[i].sealed, 7, all.of[i].sealed_len);
	}
	return all;
}

static void
assert_check(
    const uint8_t *bytes, size_t len, enum jp_err expected, size_t count)
{
	size_t got;

	assert_int_equal(jp_batch_check(bytes, len, &got), expected);
	assert_int_equal(got, count);
}

/* The keys in the batch, each followed by "=" and a blank, or "-" if gone. */
static void
assert_items(const struct jp_batch *batch, const char *expected)
{
	struct jp_batch_reader reader;
	struct jp_batch_item item;
	char text[512] = "";

	jp_batch_read(&reader, batch->bytes, batch->len);
	while (jp_batch_next(&reader, &item))
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "%d:%s%s ", (int)item.file, item.key,
		    item.len > 0 ? "=" : "-");
	assert_int_equal(jp_batch_end(&reader), JP_ERR_OK);
	assert_string_equal(text, expected);
}

/* ---- the bytes ---- */

static void
an_empty_batch_is_one(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture->batch.len, 8);
	assert_memory_equal(fixture->batch.bytes, "JPB1\0\0\0\0", 8);
	assert_check(fixture->batch.bytes, fixture->batch.len, JP_ERR_OK, 0);
}

static void
items_read_back_in_their_order(void **state)
{
	struct fixture *fixture = *state;
	uint8_t token[JP_RECORD_MAX], user[JP_USER_RECORD_MAX];
	const struct jp_batch_item items[] = {
		gone_item(JP_BATCH_TOKENS, "Aaaaaaaa"),
		token_item("aaaaaaaa", token),
		user_item("alice", user),
		gone_item(JP_BATCH_USERS, "b\303\266b"),
		gone_item(JP_BATCH_UPSTREAM, "alice"),
	};
	struct jp_batch_reader reader;
	struct jp_batch_item item;

	for (size_t i = 0; i < COUNT_OF(items); i++)
		assert_int_equal(
		    jp_batch_add(&fixture->batch, &items[i]), JP_ERR_OK);
	assert_items(&fixture->batch, "1:Aaaaaaaa- 1:aaaaaaaa= 2:alice= "
	                              "2:b\303\266b- 3:alice- ");
	jp_batch_read(&reader, fixture->batch.bytes, fixture->batch.len);
	for (size_t i = 0; i < COUNT_OF(items); i++) {
		size_t pos = reader.pos;

		assert_true(jp_batch_next(&reader, &item));
		assert_int_equal(item.len, items[i].len);
		if (item.len > 0)
			assert_memory_equal(
			    item.bytes, items[i].bytes, item.len);
		jp_batch_item_at(
		    fixture->batch.bytes, fixture->batch.len, pos, &item);
		assert_string_equal(item.key, items[i].key);
		assert_int_equal(item.len, items[i].len);
	}
	assert_false(jp_batch_next(&reader, &item));
	assert_check(fixture->batch.bytes, fixture->batch.len, JP_ERR_OK,
	    COUNT_OF(items));
}

static void
an_item_out_of_its_place_is_refused_and_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct jp_batch_item item = gone_item(JP_BATCH_USERS, "bob");
	const struct jp_batch_item wrong[] = {
		item,
		gone_item(JP_BATCH_USERS, "alice"),
		gone_item(JP_BATCH_TOKENS, "zzzzzzzz"),
		gone_item(JP_BATCH_UPSTREAM, ""),
		gone_item(JP_BATCH_FILES, "x"),
		gone_item((enum jp_batch_file)0, "x"),
	};
	size_t len;

	assert_int_equal(jp_batch_add(&fixture->batch, &item), JP_ERR_OK);
	len = fixture->batch.len;
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_equal(
		    jp_batch_add(&fixture->batch, &wrong[i]), JP_ERR_INVALID);
	assert_int_equal(fixture->batch.len, len);
	assert_check(fixture->batch.bytes, len, JP_ERR_OK, 1);
}

static void
an_id_that_is_none_is_refused(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_batch_item item =
	    gone_item(JP_BATCH_TOKENS, "../../..");

	assert_int_equal(jp_batch_add(&fixture->batch, &item), JP_ERR_INVALID);
}

static void
a_record_under_another_key_is_refused(void **state)
{
	struct fixture *fixture = *state;
	uint8_t token[JP_RECORD_MAX], user[JP_USER_RECORD_MAX];
	struct jp_batch_item item = token_item("aaaaaaaa", token);

	item.key[0] = 'b';
	assert_int_equal(jp_batch_add(&fixture->batch, &item), JP_ERR_INVALID);
	item = user_item("alice", user);
	item.key[0] = 'b';
	assert_int_equal(jp_batch_add(&fixture->batch, &item), JP_ERR_INVALID);
}

static void
a_record_that_does_not_decode_is_refused(void **state)
{
	struct fixture *fixture = *state;
	uint8_t token[JP_RECORD_MAX];
	struct jp_batch_item item = token_item("aaaaaaaa", token);

	item.len--;
	assert_int_equal(jp_batch_add(&fixture->batch, &item), JP_ERR_DAMAGED);
	token[0] = 255;
	assert_int_equal(jp_batch_add(&fixture->batch, &item), JP_ERR_NEWER);
	item.len = JP_RECORD_MAX + 1;
	assert_int_equal(jp_batch_add(&fixture->batch, &item), JP_ERR_TOO_LONG);
}

static void
whatever_is_cut_off_or_added_is_refused(void **state)
{
	struct fixture *fixture = *state;
	uint8_t token[JP_RECORD_MAX], longer[JP_RECORD_MAX];
	const struct jp_batch_item item = token_item("aaaaaaaa", token);
	size_t len, count;

	assert_int_equal(jp_batch_add(&fixture->batch, &item), JP_ERR_OK);
	len = fixture->batch.len;
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(
		    jp_batch_check(fixture->batch.bytes, cut, &count),
		    JP_ERR_TRUNCATED);
	memcpy(longer, fixture->batch.bytes, len);
	longer[len] = 0;
	assert_check(longer, len + 1, JP_ERR_TRAILING, 1);
	longer[7]++; /* one item more than there are */
	assert_check(longer, len, JP_ERR_TRUNCATED, 1);
	longer[7] = 0;
	assert_check(longer, len, JP_ERR_TRAILING, 0);
	longer[3]++; /* "JPB2" */
	assert_check(longer, len, JP_ERR_NEWER, 0);
	longer[3] -= 2;
	assert_check(longer, len, JP_ERR_PROTOCOL, 0);
	longer[2]++;
	assert_check(longer, len, JP_ERR_PROTOCOL, 0);
}

/* Whoever stops before the last item has not read it. */
static void
what_was_not_read_is_no_end(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_batch_item item = gone_item(JP_BATCH_USERS, "bob");
	struct jp_batch_reader reader;
	struct jp_batch_item got;

	assert_int_equal(jp_batch_add(&fixture->batch, &item), JP_ERR_OK);
	jp_batch_read(&reader, fixture->batch.bytes, fixture->batch.len);
	assert_int_equal(jp_batch_end(&reader), JP_ERR_TRUNCATED);
	assert_true(jp_batch_next(&reader, &got));
	assert_int_equal(jp_batch_end(&reader), JP_ERR_OK);
}

/* Of every size, so that some of them end where the memory does. */
static void
items_are_whole_wherever_the_memory_ends(void **state)
{
	struct fixture *fixture = *state;
	char name[32];

	for (unsigned int i = 0; i < 1000; i++) {
		struct jp_batch_item item;

		(void)snprintf(name, sizeof(name), "%04u%.*s", i, (int)(i % 13),
		    "xxxxxxxxxxxxx");
		item = gone_item(JP_BATCH_USERS, name);
		assert_int_equal(
		    jp_batch_add(&fixture->batch, &item), JP_ERR_OK);
		assert_check(
		    fixture->batch.bytes, fixture->batch.len, JP_ERR_OK, i + 1);
	}
}

static void
items_in_another_order_are_refused(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_batch_item one = gone_item(JP_BATCH_USERS, "a");
	const struct jp_batch_item two = gone_item(JP_BATCH_USERS, "b");

	assert_int_equal(jp_batch_add(&fixture->batch, &one), JP_ERR_OK);
	assert_int_equal(jp_batch_add(&fixture->batch, &two), JP_ERR_OK);
	fixture->batch.bytes[8 + 3] = 'b'; /* the same twice */
	assert_check(
	    fixture->batch.bytes, fixture->batch.len, JP_ERR_INVALID, 1);
	fixture->batch.bytes[8 + 3] = 'c';
	assert_check(
	    fixture->batch.bytes, fixture->batch.len, JP_ERR_INVALID, 1);
	fixture->batch.bytes[8] = JP_BATCH_UPSTREAM;
	assert_check(
	    fixture->batch.bytes, fixture->batch.len, JP_ERR_INVALID, 1);
	fixture->batch.bytes[8] = JP_BATCH_FILES;
	assert_check(
	    fixture->batch.bytes, fixture->batch.len, JP_ERR_PROTOCOL, 0);
}

static void
a_batch_is_cut_back_to_what_it_was(void **state)
{
	struct fixture *fixture = *state;
	uint8_t token[JP_RECORD_MAX];
	struct jp_batch_item item = token_item("aaaaaaaa", token);
	struct jp_batch before;
	size_t len;

	assert_int_equal(jp_batch_add(&fixture->batch, &item), JP_ERR_OK);
	before = fixture->batch;
	for (char c = 'b'; c <= 'z'; c++) {
		char id[] = "xaaaaaaa";

		id[0] = c;
		item = token_item(id, token);
		assert_int_equal(
		    jp_batch_add(&fixture->batch, &item), JP_ERR_OK);
	}
	item = gone_item(JP_BATCH_USERS, "zoe");
	assert_int_equal(jp_batch_add(&fixture->batch, &item), JP_ERR_OK);
	len = fixture->batch.len;
	jp_batch_cut(&fixture->batch, &before);
	assert_items(&fixture->batch, "1:aaaaaaaa= ");
	for (size_t i = before.len; i < len; i++)
		assert_int_equal(fixture->batch.bytes[i], 0);
	item = token_item("bbbbbbbb", token);
	assert_int_equal(jp_batch_add(&fixture->batch, &item), JP_ERR_OK);
	assert_items(&fixture->batch, "1:aaaaaaaa= 1:bbbbbbbb= ");
}

/* ---- what a commit makes ---- */

static enum jp_err
make(struct fixture *fixture, const struct jp_change *changes, size_t count)
{
	return jp_batch_changes(
	    &fixture->batch, fixture->store, changes, count, &fixture->why);
}

static void
changes_become_what_is_in_the_store_afterwards(void **state)
{
	struct fixture *fixture = *state;
	struct jp_record made, ended, gone;
	const struct jp_change changes[] = {
		{ JP_CHANGE_CREATE, &made },
		{ JP_CHANGE_DELETE, &gone },
		{ JP_CHANGE_END, &ended },
	};

	assert_int_equal(
	    add(fixture->store, "aaaaaaaa", "alice", JP_NEVER), JP_ERR_OK);
	assert_int_equal(
	    add(fixture->store, "bbbbbbbb", "bob", JP_NEVER), JP_ERR_OK);
	record_make(&made, "cccccccc", "carol", JP_NEVER);
	record_make(&gone, "bbbbbbbb", "bob", JP_NEVER);
	record_make(&ended, "aaaaaaaa", "alice", 5);
	(void)strcpy(fixture->why.text, "of something before");
	assert_int_equal(make(fixture, changes, COUNT_OF(changes)), JP_ERR_OK);
	assert_items(&fixture->batch, "1:aaaaaaaa= 1:bbbbbbbb- 1:cccccccc= ");
	assert_string_equal(fixture->why.text, "");
}

static void
no_changes_are_an_empty_batch(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(make(fixture, NULL, 0), JP_ERR_OK);
	assert_items(&fixture->batch, "");
}

static void
what_a_store_would_refuse_is_refused(void **state)
{
	static const struct {
		enum jp_change_kind kind;
		const char *id, *user;
		enum jp_err err;
		const char *why;
	} rows[] = {
		{ JP_CHANGE_CREATE, "aaaaaaaa", "alice", JP_ERR_EXISTS,
		    "there is a token of the id aaaaaaaa already" },
		{ JP_CHANGE_REPLACE, "zzzzzzzz", "alice", JP_ERR_NOT_FOUND,
		    "there is no token zzzzzzzz" },
		{ JP_CHANGE_END, "zzzzzzzz", "alice", JP_ERR_NOT_FOUND,
		    "there is no token zzzzzzzz" },
		{ JP_CHANGE_DELETE, "zzzzzzzz", "alice", JP_ERR_NOT_FOUND,
		    "there is no token zzzzzzzz" },
		{ JP_CHANGE_REPLACE, "aaaaaaaa", "bob", JP_ERR_INVALID,
		    "the token aaaaaaaa cannot get another user" },
		{ JP_CHANGE_END, "aaaaaaaa", "bob", JP_ERR_INVALID,
		    "the token aaaaaaaa cannot get another user" },
	};
	struct fixture *fixture = *state;

	assert_int_equal(
	    add(fixture->store, "aaaaaaaa", "alice", JP_NEVER), JP_ERR_OK);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct jp_record record;
		const struct jp_change change = { rows[i].kind, &record };

		record_make(&record, rows[i].id, rows[i].user, JP_NEVER);
		assert_int_equal(make(fixture, &change, 1), rows[i].err);
		assert_string_equal(fixture->why.text, rows[i].why);
	}
}

static void
two_changes_of_one_record_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct jp_record record;
	const struct jp_change changes[] = {
		{ JP_CHANGE_CREATE, &record },
		{ JP_CHANGE_CREATE, &record },
	};

	record_make(&record, "aaaaaaaa", "alice", JP_NEVER);
	assert_int_equal(make(fixture, changes, 2), JP_ERR_INVALID);
}

static void
a_store_that_fails_fails_the_batch(void **state)
{
	struct fixture *fixture = *state;
	struct jp_record record;
	const struct jp_change change = { JP_CHANGE_CREATE, &record };

	record_make(&record, "aaaaaaaa", "alice", JP_NEVER);
	jp_store_mem_fail(fixture->store, 1, JP_ERR_IO, false);
	assert_int_equal(make(fixture, &change, 1), JP_ERR_IO);
	assert_non_null(strstr(fixture->why.text, "the store in memory: "));
}

static void
users_are_written_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct jp_user users[2];

	jp_user_default(&users[0], "zoe");
	jp_user_default(&users[1], "alice");
	users[1].disabled = true;
	(void)strcpy(fixture->why.text, "of something before");
	assert_int_equal(
	    jp_batch_users(&fixture->batch, users, 2, &fixture->why),
	    JP_ERR_OK);
	assert_items(&fixture->batch, "2:alice= 2:zoe= ");
	assert_string_equal(fixture->why.text, "");
}

static void
credentials_of_none_are_gone(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_upstreams all[] = { upstreams_of("zoe", 2),
		upstreams_of("alice", 0) };

	assert_int_equal(
	    jp_batch_upstream(&fixture->batch, all, 2, &fixture->why),
	    JP_ERR_OK);
	assert_items(&fixture->batch, "3:alice- 3:zoe= ");
}

static void
too_much_at_once_is_refused_with_the_way_out(void **state)
{
	enum { FITTING = JP_BATCH_BYTES_MAX / JP_UPSTREAM_RECORD_MAX };
	struct fixture *fixture = *state;
	struct jp_upstreams one = upstreams_of("0", JP_UPSTREAMS_MAX);
	enum jp_err err = JP_ERR_OK;
	size_t len = 0;

	for (size_t i = 0; i < JP_UPSTREAMS_MAX; i++) {
		one.of[i].sealed_len = JP_UPSTREAM_SEALED_MAX;
		memset(one.of[i].sealed, 7, sizeof(one.of[i].sealed));
	}
	for (size_t i = 0; i < 20 * FITTING && err == JP_ERR_OK; i++) {
		len = fixture->batch.len;
		(void)snprintf(one.user, sizeof(one.user), "%08zu", i);
		err =
		    jp_batch_upstream(&fixture->batch, &one, 1, &fixture->why);
	}
	assert_int_equal(err, JP_ERR_TOO_LONG);
	assert_string_equal(fixture->why.text,
	    "these are too many changes at once (more than 64 MiB): make them "
	    "in several steps");
	assert_int_equal(fixture->batch.len, len);
	assert_true(len <= JP_BATCH_BYTES_MAX);
}

#define OVER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		OVER(an_empty_batch_is_one),
		OVER(items_read_back_in_their_order),
		OVER(an_item_out_of_its_place_is_refused_and_changes_nothing),
		OVER(an_id_that_is_none_is_refused),
		OVER(a_record_under_another_key_is_refused),
		OVER(a_record_that_does_not_decode_is_refused),
		OVER(whatever_is_cut_off_or_added_is_refused),
		OVER(what_was_not_read_is_no_end),
		OVER(items_are_whole_wherever_the_memory_ends),
		OVER(items_in_another_order_are_refused),
		OVER(a_batch_is_cut_back_to_what_it_was),
		OVER(changes_become_what_is_in_the_store_afterwards),
		OVER(no_changes_are_an_empty_batch),
		OVER(what_a_store_would_refuse_is_refused),
		OVER(two_changes_of_one_record_are_refused),
		OVER(a_store_that_fails_fails_the_batch),
		OVER(users_are_written_in_order),
		OVER(credentials_of_none_are_gone),
		OVER(too_much_at_once_is_refused_with_the_way_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
