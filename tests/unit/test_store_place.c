/*
 * A store as one of several: common/store/place.c, over Berkeley DB and over
 * memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/store/bdb_internal.h"
#include "tests/unit/store_help.h"
#include "tests/unit/store_mem.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { STORES = 2 };

/* Two stores of a kind. */
struct fixture {
	char dir[STORES][PATH_MAX]; /* "" for those in memory */
	struct jp_store *store[STORES];
};

static void
open_bdb(struct fixture *fixture, size_t i)
{
	struct jp_store_options options = options_for(fixture->dir[i]);
	struct jp_why why;

	assert_int_equal(
	    jp_store_bdb_open(&options, &fixture->store[i], &why), JP_ERR_OK);
}

static int
set_up_bdb(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	for (size_t i = 0; i < STORES; i++) {
		struct jp_store_options options = options_for(fixture->dir[i]);
		struct jp_why why;

		scratch_make(fixture->dir[i]);
		assert_int_equal(
		    jp_store_bdb_create(&options, &why), JP_ERR_OK);
		open_bdb(fixture, i);
	}
	*state = fixture;
	return 0;
}

static int
set_up_mem(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	for (size_t i = 0; i < STORES; i++)
		assert_int_equal(
		    jp_store_mem_open(&fixture->store[i]), JP_ERR_OK);
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < STORES; i++) {
		jp_store_close(fixture->store[i]);
		if (fixture->dir[i][0] != '\0')
			scratch_remove(fixture->dir[i]);
	}
	free(fixture);
	return 0;
}

static struct jp_store *
store_of(void **state)
{
	return ((struct fixture *)*state)->store[0];
}

static struct jp_store *
other_of(void **state)
{
	return ((struct fixture *)*state)->store[1];
}

/* ---- places ---- */

static struct jp_position
position(uint64_t seq)
{
	struct jp_position position = { .cluster = "a cluster of us",
		.seq = seq };

	memset(position.mac, (int)(seq + 1), sizeof(position.mac));
	return position;
}

static struct jp_position
filling(void)
{
	return (struct jp_position){ .cluster = "a cluster of us" };
}

static void
assert_at(struct jp_store *store, const struct jp_position *expected)
{
	struct jp_position got;

	assert_int_equal(jp_store_position(store, &got), JP_ERR_OK);
	assert_memory_equal(&got, expected, sizeof(got));
}

static void
place(struct jp_store *store, const struct jp_position *to)
{
	struct jp_position from;

	assert_int_equal(jp_store_position(store, &from), JP_ERR_OK);
	assert_int_equal(jp_store_place(store, &from, to), JP_ERR_OK);
}

/* Puts it at a place, and has it fill. */
static void
place_at(struct jp_store *store, uint64_t seq)
{
	const struct jp_position to = position(seq);

	place(store, &to);
}

static void
place_filling(struct jp_store *store)
{
	const struct jp_position to = filling();

	place(store, &to);
}

/* ---- batches ---- */

static void
put_token(struct jp_batch *batch, const char *id, const char *user)
{
	uint8_t bytes[JP_RECORD_MAX];
	struct jp_batch_item item = { .file = JP_BATCH_TOKENS, .bytes = bytes };
	struct jp_record record;

	record_make(&record, id, user, 1800000000);
	assert_int_equal(
	    jp_record_encode(&record, bytes, &item.len), JP_ERR_OK);
	(void)snprintf(item.key, sizeof(item.key), "%s", id);
	assert_int_equal(jp_batch_add(batch, &item), JP_ERR_OK);
}

static void
put_gone(struct jp_batch *batch, enum jp_batch_file file, const char *key)
{
	struct jp_batch_item item = { .file = file };

	(void)snprintf(item.key, sizeof(item.key), "%s", key);
	assert_int_equal(jp_batch_add(batch, &item), JP_ERR_OK);
}

static void
put_user(struct jp_batch *batch, const char *name, bool disabled)
{
	struct jp_user user;
	struct jp_why why;

	jp_user_default(&user, name);
	user.disabled = disabled;
	assert_int_equal(jp_batch_users(batch, &user, 1, &why), JP_ERR_OK);
}

static struct jp_upstreams
upstreams_of(const char *user)
{
	struct jp_upstreams all = { .len = 1 };

	(void)snprintf(all.user, sizeof(all.user), "%s", user);
	all.of[0].set_at = 5;
	all.of[0].sealed_len = JP_UPSTREAM_SEAL_LEN + 8;
	memset(all.of[0].sealed, 7, all.of[0].sealed_len);
	return all;
}

static void
put_upstream(struct jp_batch *batch, const char *user)
{
	const struct jp_upstreams all = upstreams_of(user);
	struct jp_why why;

	assert_int_equal(jp_batch_upstream(batch, &all, 1, &why), JP_ERR_OK);
}

/* Applies the batch, which ends with it, as the one of that number. */
static enum jp_err
apply(struct jp_store *store, struct jp_batch *batch, uint64_t seq)
{
	const struct jp_position to = position(seq);
	enum jp_err err = jp_store_apply(store, batch->bytes, batch->len, &to);

	jp_batch_free(batch);
	return err;
}

static struct jp_batch
started(void)
{
	struct jp_batch batch;

	assert_int_equal(jp_batch_start(&batch), JP_ERR_OK);
	return batch;
}

static enum jp_err
apply_token(
    struct jp_store *store, const char *id, const char *user, uint64_t seq)
{
	struct jp_batch batch = started();

	put_token(&batch, id, user);
	return apply(store, &batch, seq);
}

/* ---- what a store has ---- */

/* The keys of all records, each with its file, in parts of about `max` bytes.
 */
static void
list_all(struct jp_store *store, size_t max, char *text, size_t size)
{
	struct jp_walk walk = { .ended = false };

	text[0] = '\0';
	while (!walk.ended) {
		struct jp_batch part = started();
		struct jp_batch_reader reader;
		struct jp_batch_item item;

		assert_int_equal(
		    jp_store_walk(store, &walk, &part, max), JP_ERR_OK);
		jp_batch_read(&reader, part.bytes, part.len);
		while (jp_batch_next(&reader, &item))
			(void)snprintf(text + strlen(text), size - strlen(text),
			    "%d:%s ", (int)item.file, item.key);
		assert_int_equal(jp_batch_end(&reader), JP_ERR_OK);
		jp_batch_free(&part);
	}
}

static void
assert_has(struct jp_store *store, const char *expected)
{
	static const size_t sizes[] = { 1, 300, 1 << 20 };
	struct jp_store_info info;
	char text[1024];
	size_t tokens = 0;

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		list_all(store, sizes[i], text, sizeof(text));
		assert_string_equal(text, expected);
	}
	for (const char *at = expected; (at = strstr(at, "1:")) != NULL; at++)
		tokens++;
	assert_int_equal(jp_store_info(store, &info), JP_ERR_OK);
	assert_int_equal(info.records, tokens);
}

static void
assert_lists_of_user(
    struct jp_store *store, const char *user, const char *expected)
{
	struct jp_listing listing = { .order = JP_ORDER_USER };
	struct jp_record page[8];
	char text[256] = "";
	size_t count;

	(void)snprintf(listing.user, sizeof(listing.user), "%s", user);
	assert_int_equal(
	    jp_store_list(store, &listing, page, 8, &count), JP_ERR_OK);
	for (size_t i = 0; i < count; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "%.8s ", page[i].id);
	assert_string_equal(text, expected);
}

/* ---- places ---- */

static void
a_new_store_is_in_no_cluster(void **state)
{
	const struct jp_position none = { .seq = 0 };

	assert_at(store_of(state), &none);
	assert_false(jp_position_is_set(&none));
	assert_false(jp_position_is_filling(&none));
}

static void
a_store_is_placed_and_taken_out_again(void **state)
{
	struct jp_store *store = store_of(state);
	const struct jp_position one = position(7), none = { .seq = 0 };

	assert_int_equal(add(store, "aaaaaaaa", "alice", JP_NEVER), JP_ERR_OK);
	assert_int_equal(jp_store_place(store, NULL, &one), JP_ERR_OK);
	assert_at(store, &one);
	assert_true(jp_position_is_set(&one));
	assert_int_equal(jp_store_place(store, &one, NULL), JP_ERR_OK);
	assert_at(store, &none);
	assert_has(store, "1:aaaaaaaa ");
	assert_int_equal(add(store, "bbbbbbbb", "alice", JP_NEVER), JP_ERR_OK);
}

static void
a_place_that_it_does_not_have_is_a_conflict(void **state)
{
	struct jp_store *store = store_of(state);
	const struct jp_position one = position(7), two = position(8);
	struct jp_position other = one;

	other.mac[31] ^= 1;
	place(store, &one);
	assert_int_equal(jp_store_place(store, NULL, &two), JP_ERR_CONFLICT);
	assert_int_equal(jp_store_place(store, &two, &one), JP_ERR_CONFLICT);
	assert_int_equal(jp_store_place(store, &other, &two), JP_ERR_CONFLICT);
	assert_at(store, &one);
}

static void
one_of_a_cluster_is_changed_by_batches_alone(void **state)
{
	struct jp_store *store = store_of(state);
	const struct jp_upstreams all = upstreams_of("alice");
	struct jp_user user;

	assert_int_equal(add(store, "aaaaaaaa", "alice", JP_NEVER), JP_ERR_OK);
	place_at(store, 7);
	jp_user_default(&user, "alice");
	assert_int_equal(
	    add(store, "bbbbbbbb", "alice", JP_NEVER), JP_ERR_CONFIG);
	assert_int_equal(drop(store, "aaaaaaaa"), JP_ERR_CONFIG);
	assert_int_equal(jp_store_put_users(store, &user, 1), JP_ERR_CONFIG);
	assert_int_equal(jp_store_put_upstream(store, &all, 1), JP_ERR_CONFIG);
	assert_has(store, "1:aaaaaaaa ");
	place_filling(store);
	assert_int_equal(
	    add(store, "bbbbbbbb", "alice", JP_NEVER), JP_ERR_CONFIG);
}

static void
the_refusal_names_the_way_out(void **state)
{
	struct fixture *fixture = *state;
	char expected[PATH_MAX + 100];
	struct jp_why why;

	place_at(store_of(state), 7);
	assert_int_equal(
	    add(store_of(state), "bbbbbbbb", "a", JP_NEVER), JP_ERR_CONFIG);
	jp_store_why(store_of(state), &why);
	(void)snprintf(expected, sizeof(expected),
	    "the store %s is one of a cluster, and only patd changes it: start "
	    "patd",
	    fixture->dir[0]);
	assert_string_equal(why.text, expected);
}

static void
a_place_lasts_over_closing_and_opening(void **state)
{
	struct fixture *fixture = *state;
	const struct jp_position one = position(8);

	place_at(fixture->store[0], 7);
	assert_int_equal(
	    apply_token(fixture->store[0], "aaaaaaaa", "alice", 8), JP_ERR_OK);
	jp_store_close(fixture->store[0]);
	open_bdb(fixture, 0);
	assert_at(fixture->store[0], &one);
	assert_has(fixture->store[0], "1:aaaaaaaa ");
}

static void
a_replica_alone_is_asked_to_begin_and_to_settle(void **state)
{
	struct jp_why why = { .text = "old" };

	jp_store_begin(store_of(state), JP_BEGIN_LOUD);
	assert_int_equal(jp_store_settle(store_of(state), &why), JP_ERR_OK);
	assert_string_equal(why.text, "");
	assert_int_equal(jp_store_settle(store_of(state), NULL), JP_ERR_OK);
	assert_int_equal(jp_store_room(store_of(state), false), JP_ERR_OK);
	assert_int_equal(jp_store_room(store_of(state), true), JP_ERR_OK);
}

/* ---- batches ---- */

static void
a_batch_is_applied_with_its_place(void **state)
{
	struct jp_store *store = store_of(state);
	const struct jp_position eight = position(8);
	struct jp_batch batch = started();
	struct jp_upstreams all;
	struct jp_record record;
	struct jp_user user;

	place_at(store, 7);
	put_token(&batch, "aaaaaaaa", "alice");
	put_token(&batch, "bbbbbbbb", "bob");
	put_user(&batch, "alice", true);
	put_upstream(&batch, "bob");
	assert_int_equal(apply(store, &batch, 8), JP_ERR_OK);
	assert_at(store, &eight);
	assert_has(store, "1:aaaaaaaa 1:bbbbbbbb 2:alice 3:bob ");
	assert_int_equal(jp_store_get(store, "bbbbbbbb", &record), JP_ERR_OK);
	assert_string_equal(record.user, "bob");
	assert_int_equal(jp_store_user(store, "alice", &user), JP_ERR_OK);
	assert_true(user.disabled);
	assert_int_equal(jp_store_upstream(store, "bob", &all), JP_ERR_OK);
	assert_int_equal(all.len, 1);
	assert_lists_of_user(store, "bob", "bbbbbbbb ");
}

/* What was read before is not what is answered from then on. */
static void
a_batch_shows_at_once_in_what_is_cached(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_batch batch = started();
	struct jp_record record;
	struct jp_upstreams all;
	struct jp_user user;

	assert_int_equal(add(store, "aaaaaaaa", "alice", JP_NEVER), JP_ERR_OK);
	place_at(store, 7);
	assert_int_equal(
	    jp_store_try_get(store, "aaaaaaaa", &record), JP_ERR_OK);
	assert_int_equal(jp_store_try_user(store, "alice", &user), JP_ERR_OK);
	assert_int_equal(
	    jp_store_try_upstream(store, "alice", &all), JP_ERR_OK);
	put_gone(&batch, JP_BATCH_TOKENS, "aaaaaaaa");
	put_user(&batch, "alice", true);
	put_upstream(&batch, "alice");
	assert_int_equal(apply(store, &batch, 8), JP_ERR_OK);
	assert_int_equal(
	    jp_store_try_get(store, "aaaaaaaa", &record), JP_ERR_NOT_FOUND);
	assert_int_equal(jp_store_try_user(store, "alice", &user), JP_ERR_OK);
	assert_true(user.disabled);
	assert_int_equal(
	    jp_store_try_upstream(store, "alice", &all), JP_ERR_OK);
	assert_int_equal(all.len, 1);
	batch = started();
	put_gone(&batch, JP_BATCH_USERS, "alice");
	put_gone(&batch, JP_BATCH_UPSTREAM, "alice");
	assert_int_equal(apply(store, &batch, 9), JP_ERR_OK);
	assert_int_equal(jp_store_try_user(store, "alice", &user), JP_ERR_OK);
	assert_false(user.disabled);
	assert_int_equal(
	    jp_store_try_upstream(store, "alice", &all), JP_ERR_OK);
	assert_int_equal(all.len, 0);
}

static void
what_is_gone_already_or_there_already_changes_nothing(void **state)
{
	struct jp_store *store = store_of(state);

	place_at(store, 7);
	for (uint64_t seq = 8; seq < 11; seq++) {
		struct jp_batch batch = started();

		put_token(&batch, "aaaaaaaa", "alice");
		put_gone(&batch, JP_BATCH_TOKENS, "bbbbbbbb");
		put_gone(&batch, JP_BATCH_USERS, "bob");
		put_gone(&batch, JP_BATCH_UPSTREAM, "bob");
		assert_int_equal(apply(store, &batch, seq), JP_ERR_OK);
		assert_has(store, "1:aaaaaaaa ");
	}
}

static void
a_record_of_another_user_takes_the_place_of_the_old_one(void **state)
{
	struct jp_store *store = store_of(state);

	place_at(store, 7);
	assert_int_equal(apply_token(store, "aaaaaaaa", "alice", 8), JP_ERR_OK);
	assert_int_equal(apply_token(store, "aaaaaaaa", "bob", 9), JP_ERR_OK);
	assert_has(store, "1:aaaaaaaa ");
	assert_lists_of_user(store, "alice", "");
	assert_lists_of_user(store, "bob", "aaaaaaaa ");
}

static void
only_the_next_batch_is_applied(void **state)
{
	static const uint64_t wrong[] = { 0, 1, 6, 7, 9, UINT64_MAX };
	struct jp_store *store = store_of(state);
	const struct jp_position seven = position(7);

	place_at(store, 7);
	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		assert_int_equal(
		    apply_token(store, "aaaaaaaa", "alice", wrong[i]),
		    JP_ERR_CONFLICT);
	assert_at(store, &seven);
	assert_has(store, "");
}

static void
a_batch_of_another_cluster_is_a_conflict(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_position to = position(8);
	struct jp_batch batch = started();

	put_token(&batch, "aaaaaaaa", "alice");
	assert_int_equal(jp_store_apply(store, batch.bytes, batch.len, &to),
	    JP_ERR_CONFLICT); /* it is in none */
	place_at(store, 7);
	to.cluster[0] ^= 1;
	assert_int_equal(jp_store_apply(store, batch.bytes, batch.len, &to),
	    JP_ERR_CONFLICT);
	memset(&to, 0, sizeof(to));
	assert_int_equal(jp_store_apply(store, batch.bytes, batch.len, &to),
	    JP_ERR_CONFLICT);
	jp_batch_free(&batch);
	assert_has(store, "");
}

static void
a_store_that_is_being_filled_applies_none(void **state)
{
	struct jp_store *store = store_of(state);

	place_filling(store);
	assert_int_equal(
	    apply_token(store, "aaaaaaaa", "alice", 1), JP_ERR_CONFLICT);
	assert_has(store, "");
}

static void
what_is_no_batch_changes_nothing(void **state)
{
	struct jp_store *store = store_of(state);
	const struct jp_position seven = position(7), eight = position(8);
	struct jp_batch batch = started();

	place(store, &seven);
	put_token(&batch, "aaaaaaaa", "alice");
	put_token(&batch, "bbbbbbbb", "bob");
	batch.bytes[batch.len - 1] ^= 0xff; /* in the second record */
	batch.len--;
	assert_int_not_equal(
	    jp_store_apply(store, batch.bytes, batch.len, &eight), JP_ERR_OK);
	assert_int_not_equal(
	    jp_store_apply(store, batch.bytes, 0, &eight), JP_ERR_OK);
	jp_batch_free(&batch);
	assert_at(store, &seven);
	assert_has(store, "");
}

struct late {
	struct jp_store *store;
	struct jp_batch *batch;
	enum jp_err err;
};

static void *
apply_late(void *arg)
{
	struct late *late = arg;

	late->err = apply(late->store, late->batch, 8);
	return NULL;
}

/* While it is held up, nobody who must not wait reads what it changes. */
static void
what_a_batch_changes_is_pending_and_nothing_else(void **state)
{
	static const struct bdb_key touched[] = {
		{ BDB_TOKENS, "Aaaaaaaa" },
		{ BDB_TOKENS, "aaaaaaaa" },
		{ BDB_TOKENS, "zzzzzzzz" },
		{ BDB_USERS, "alice" },
		{ BDB_USERS, "bob" },
		{ BDB_UPSTREAM, "bob" },
	};
	static const struct bdb_key others[] = {
		{ BDB_TOKENS, "0aaaaaaa" },
		{ BDB_TOKENS, "bbbbbbbb" },
		{ BDB_USERS, "Alice" },
		{ BDB_USERS, "alic" },
		{ BDB_USERS, "zzzzzzzz" },
		{ BDB_UPSTREAM, "alice" },
		{ BDB_UPSTREAM, "carol" },
	};
	struct bdb *bdb = bdb_of(store_of(state));
	const int64_t end = jp_now_ms() + 60000;
	struct jp_batch batch = started();
	struct late late = { store_of(state), &batch, JP_ERR_OK };
	pthread_t thread;

	place_at(store_of(state), 7);
	put_token(&batch, "Aaaaaaaa", "alice");
	put_token(&batch, "aaaaaaaa", "alice");
	put_gone(&batch, JP_BATCH_TOKENS, "zzzzzzzz");
	put_user(&batch, "alice", true);
	put_gone(&batch, JP_BATCH_USERS, "bob");
	put_upstream(&batch, "bob");
	(void)pthread_rwlock_rdlock(&bdb->gate);
	assert_int_equal(pthread_create(&thread, NULL, apply_late, &late), 0);
	while (!bdb_is_pending(bdb, &touched[0]))
		assert_true(jp_pause(end));
	for (size_t i = 0; i < COUNT_OF(touched); i++)
		assert_true(bdb_is_pending(bdb, &touched[i]));
	for (size_t i = 0; i < COUNT_OF(others); i++)
		assert_false(bdb_is_pending(bdb, &others[i]));
	(void)pthread_rwlock_unlock(&bdb->gate);
	(void)pthread_join(thread, NULL);
	assert_int_equal(late.err, JP_ERR_OK);
	assert_false(bdb_is_pending(bdb, &touched[0]));
}

/* ---- snapshots ---- */

static void
add_some(struct jp_store *store)
{
	const struct jp_upstreams all = upstreams_of("carol");
	struct jp_user users[2];

	assert_int_equal(add(store, "Aaaaaaaa", "alice", JP_NEVER), JP_ERR_OK);
	assert_int_equal(add(store, "aaaaaaaa", "alice", 5), JP_ERR_OK);
	assert_int_equal(add(store, "cccccccc", "carol", 7), JP_ERR_OK);
	jp_user_default(&users[0], "alice");
	jp_user_default(&users[1], "zoe");
	users[1].disabled = true;
	assert_int_equal(jp_store_put_users(store, users, 2), JP_ERR_OK);
	assert_int_equal(jp_store_put_upstream(store, &all, 1), JP_ERR_OK);
}

#define SOME "1:Aaaaaaaa 1:aaaaaaaa 1:cccccccc 2:alice 2:zoe 3:carol "

/* In parts of about `max` bytes. */
static void
copy(struct jp_store *from, struct jp_store *to, size_t max)
{
	struct jp_walk out = { .ended = false }, in = { .ended = false };

	while (!out.ended) {
		struct jp_batch part = started();

		assert_int_equal(
		    jp_store_walk(from, &out, &part, max), JP_ERR_OK);
		assert_int_equal(
		    jp_store_fill(to, &in, part.bytes, part.len, out.ended),
		    JP_ERR_OK);
		jp_batch_free(&part);
	}
	assert_true(in.ended);
}

static void
assert_same(struct jp_store *one, struct jp_store *other)
{
	struct jp_walk walk = { .ended = false }, again = { .ended = false };
	struct jp_batch part = started(), same = started();

	assert_int_equal(jp_store_walk(one, &walk, &part, SIZE_MAX), JP_ERR_OK);
	assert_int_equal(
	    jp_store_walk(other, &again, &same, SIZE_MAX), JP_ERR_OK);
	assert_int_equal(part.len, same.len);
	assert_memory_equal(part.bytes, same.bytes, part.len);
	jp_batch_free(&part);
	jp_batch_free(&same);
}

static void
a_walk_passes_every_record_once_in_order(void **state)
{
	assert_has(store_of(state), "");
	add_some(store_of(state));
	assert_has(store_of(state), SOME);
}

static void
an_empty_store_is_filled_byte_for_byte(void **state)
{
	struct jp_store *from = store_of(state), *to = other_of(state);
	const struct jp_position seven = position(7);

	add_some(from);
	place_filling(to);
	copy(from, to, 300);
	assert_same(from, to);
	place(to, &seven);
	assert_at(to, &seven);
	assert_lists_of_user(to, "alice", "Aaaaaaaa aaaaaaaa ");
	assert_has(to, SOME);
}

static void
a_store_that_is_filled_anew_loses_what_the_snapshot_lacks(void **state)
{
	static const size_t sizes[] = { 1, 300, 1 << 20 };
	struct jp_store *from = store_of(state), *to = other_of(state);
	const struct jp_upstreams all = upstreams_of("a");
	const struct jp_position none = { .seq = 0 };
	struct jp_user users[2];

	add_some(from);
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		place(to, &none);
		assert_int_equal(add(to, "0aaaaaaa", "bob", 5), JP_ERR_OK);
		assert_int_equal(add(to, "bbbbbbbb", "bob", 5), JP_ERR_OK);
		assert_int_equal(add(to, "zzzzzzzz", "bob", 5), JP_ERR_OK);
		jp_user_default(&users[0], "Bob");
		jp_user_default(&users[1], "zoezoe");
		assert_int_equal(jp_store_put_users(to, users, 2), JP_ERR_OK);
		assert_int_equal(jp_store_put_upstream(to, &all, 1), JP_ERR_OK);
		place_filling(to);
		copy(from, to, sizes[i]);
		assert_same(from, to);
		assert_has(to, SOME);
		assert_lists_of_user(to, "bob", "");
	}
}

static void
a_part_changes_nothing_behind_its_end(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_walk walk = { .ended = false };
	struct jp_batch part = started();

	add_some(store);
	place_filling(store);
	put_token(&part, "bbbbbbbb", "bob");
	assert_int_equal(
	    jp_store_fill(store, &walk, part.bytes, part.len, false),
	    JP_ERR_OK);
	jp_batch_free(&part);
	assert_false(walk.ended);
	assert_string_equal(walk.key, "bbbbbbbb");
	assert_has(store, "1:bbbbbbbb 1:cccccccc 2:alice 2:zoe 3:carol ");
	part = started();
	assert_int_equal(
	    jp_store_fill(store, &walk, part.bytes, part.len, false),
	    JP_ERR_OK);
	jp_batch_free(&part);
	assert_has(store, "1:bbbbbbbb 1:cccccccc 2:alice 2:zoe 3:carol ");
}

static void
an_empty_snapshot_empties_a_store(void **state)
{
	struct jp_store *from = store_of(state), *to = other_of(state);

	add_some(to);
	place_filling(to);
	copy(from, to, 300);
	assert_has(to, "");
}

static void
only_a_store_that_says_so_is_filled(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_batch none = started();
	struct jp_walk walk = { .ended = false };

	assert_int_equal(
	    jp_store_fill(store, &walk, none.bytes, none.len, true),
	    JP_ERR_CONFLICT);
	place_at(store, 7);
	assert_int_equal(
	    jp_store_fill(store, &walk, none.bytes, none.len, true),
	    JP_ERR_CONFLICT);
	place_filling(store);
	assert_int_equal(
	    jp_store_fill(store, &walk, none.bytes, none.len, true), JP_ERR_OK);
	assert_true(walk.ended);
	assert_int_equal(
	    jp_store_fill(store, &walk, none.bytes, none.len, true),
	    JP_ERR_INVALID);
	jp_batch_free(&none);
}

static void
a_part_that_does_not_go_on_is_refused(void **state)
{
	struct jp_store *store = store_of(state);
	struct jp_walk walk = { .file = JP_BATCH_TOKENS, .key = "bbbbbbbb" };
	static const char *const ids[] = { "aaaaaaaa", "bbbbbbbb" };
	struct jp_batch part;

	add_some(store);
	place_filling(store);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		part = started();
		put_token(&part, ids[i], "alice");
		assert_int_equal(
		    jp_store_fill(store, &walk, part.bytes, part.len, true),
		    JP_ERR_INVALID);
		jp_batch_free(&part);
	}
	part = started();
	put_gone(&part, JP_BATCH_TOKENS, "dddddddd");
	assert_int_equal(
	    jp_store_fill(store, &walk, part.bytes, part.len, true),
	    JP_ERR_INVALID);
	assert_int_not_equal(
	    jp_store_fill(store, &walk, part.bytes, part.len - 1, true),
	    JP_ERR_OK);
	jp_batch_free(&part);
	assert_has(store, SOME);
}

/* Whoever fills a store anew begins from the start again. */
static void
a_filling_that_fails_can_be_repeated(void **state)
{
	struct jp_store *from = store_of(state), *to = other_of(state);
	unsigned int nth = 1;
	bool failed = true;

	add_some(from);
	assert_int_equal(add(to, "bbbbbbbb", "bob", 5), JP_ERR_OK);
	place_filling(to);
	while (failed) {
		struct jp_walk out = { .ended = false }, in = { .file = 0 };
		struct jp_batch part = started();
		enum jp_err err;

		assert_int_equal(
		    jp_store_walk(from, &out, &part, SIZE_MAX), JP_ERR_OK);
		jp_store_mem_fail(to, nth++, JP_ERR_IO, false);
		err = jp_store_fill(to, &in, part.bytes, part.len, true);
		jp_store_mem_fail(to, 0, JP_ERR_OK, false);
		jp_batch_free(&part);
		failed = err != JP_ERR_OK;
		if (failed)
			assert_int_equal(err, JP_ERR_IO);
	}
	assert_true(nth > 4);
	assert_same(from, to);
}

#define OVER_MEM(test)                                                         \
	cmocka_unit_test_setup_teardown(test, set_up_mem, tear_down)
#define OVER_BDB(test)                                                         \
	cmocka_unit_test_setup_teardown(test, set_up_bdb, tear_down)
#define OVER_BOTH(test) OVER_MEM(test), OVER_BDB(test)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		OVER_BOTH(a_new_store_is_in_no_cluster),
		OVER_BOTH(a_store_is_placed_and_taken_out_again),
		OVER_BOTH(a_place_that_it_does_not_have_is_a_conflict),
		OVER_BOTH(one_of_a_cluster_is_changed_by_batches_alone),
		OVER_BDB(the_refusal_names_the_way_out),
		OVER_BDB(a_place_lasts_over_closing_and_opening),
		OVER_BOTH(a_replica_alone_is_asked_to_begin_and_to_settle),
		OVER_BOTH(a_batch_is_applied_with_its_place),
		OVER_BOTH(a_batch_shows_at_once_in_what_is_cached),
		OVER_BOTH(
		    what_is_gone_already_or_there_already_changes_nothing),
		OVER_BOTH(
		    a_record_of_another_user_takes_the_place_of_the_old_one),
		OVER_BOTH(only_the_next_batch_is_applied),
		OVER_BOTH(a_batch_of_another_cluster_is_a_conflict),
		OVER_BOTH(a_store_that_is_being_filled_applies_none),
		OVER_BOTH(what_is_no_batch_changes_nothing),
		OVER_BDB(what_a_batch_changes_is_pending_and_nothing_else),
		OVER_BOTH(a_walk_passes_every_record_once_in_order),
		OVER_BOTH(an_empty_store_is_filled_byte_for_byte),
		OVER_BOTH(
		    a_store_that_is_filled_anew_loses_what_the_snapshot_lacks),
		OVER_BOTH(a_part_changes_nothing_behind_its_end),
		OVER_BOTH(an_empty_snapshot_empties_a_store),
		OVER_BOTH(only_a_store_that_says_so_is_filled),
		OVER_BOTH(a_part_that_does_not_go_on_is_refused),
		OVER_MEM(a_filling_that_fails_can_be_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
