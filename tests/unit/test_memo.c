/*
 * The memo of proved secrets, common/decide/memo.c: what it finds, what it
 * never finds, and what it forgets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <sodium.h>

#include "common/decide/memo.h"

#define PHC "$argon2id$v=19$m=8,t=1,p=1$AAAA$BBBB"
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum {
	START = 1000,
	THREADS = 4,
	ROUNDS = 2000,
};

static int64_t now;

static int64_t
test_now(void *arg)
{
	(void)arg;
	return now;
}

static struct jp_memo *
make(uint32_t entries)
{
	const struct jp_clock clock = { test_now, NULL };
	struct jp_memo *memo;

	now = START;
	assert_int_equal(jp_memo_make(&memo, entries, &clock), JP_ERR_OK);
	return memo;
}

static struct jp_secret
token(const char *text)
{
	struct jp_secret secret;

	assert_int_equal(jp_secret_set(&secret, text, strlen(text)), JP_ERR_OK);
	return secret;
}

static struct jp_secret
numbered(int number)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "t%d", number);
	return token(text);
}

static bool
finds(struct jp_memo *memo, const char *phc, const char *text)
{
	const struct jp_secret secret = token(text);

	return jp_memo_find(memo, phc, &secret);
}

static void
add(struct jp_memo *memo, const char *phc, const char *text)
{
	const struct jp_secret secret = token(text);

	jp_memo_add(memo, phc, &secret, true);
}

static struct jp_memo_counts
counts(struct jp_memo *memo)
{
	struct jp_memo_counts got;

	memset(&got, 0xff, sizeof(got));
	jp_memo_count(memo, &got);
	return got;
}

static void
a_pair_is_found_once_it_was_added(void **state)
{
	struct jp_memo *memo = make(64);

	(void)state;
	assert_false(finds(memo, PHC, "token"));
	add(memo, PHC, "token");
	assert_true(finds(memo, PHC, "token"));
	assert_true(finds(memo, PHC, "token"));
	assert_int_equal(counts(memo).hits, 2);
	assert_int_equal(counts(memo).misses, 1);
	assert_int_equal(counts(memo).inserts, 1);
	assert_int_equal(counts(memo).entries, 1);
	jp_memo_free(memo);
}

static void
any_other_pair_is_not_found(void **state)
{
	static const struct {
		const char *phc, *text;
	} rows[] = {
		{ PHC, "tokem" },
		{ PHC, "toke" },
		{ PHC, "token " },
		{ PHC, "" },
		{ PHC "C", "token" },
		{ "", "token" },
		{ "", "" },
		{ "token", PHC },
		/* the same bytes, cut elsewhere */
		{ PHC "t", "oken" },
		{ "$argon2id$v=19$m=8,t=1,p=1$AAAA$BBB", "Btoken" },
		{ "", PHC "token" },
		{ PHC "token", "" },
	};
	struct jp_memo *memo = make(64);

	(void)state;
	add(memo, PHC, "token");
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_false(finds(memo, rows[i].phc, rows[i].text));
	assert_int_equal(counts(memo).hits, 0);
	jp_memo_free(memo);
}

/* The layout that common/decide/memo.h and the design name, built by hand. */
static void
a_tag_is_the_keyed_blake2b_of_both_texts(void **state)
{
	static const char bytes[] = "jpat-memo-v1\3\0\0\0phc\5\0\0\0token";
	const struct jp_memo_key key = { { 7 } };
	const struct jp_secret secret = token("token");
	uint8_t tag[JP_MEMO_TAG_LEN], wanted[JP_MEMO_TAG_LEN];

	(void)state;
	jp_memo_tag(&key, "phc", &secret, tag);
	assert_int_equal(
	    crypto_generichash(wanted, sizeof(wanted), (const uint8_t *)bytes,
	        sizeof(bytes) - 1, key.bytes, sizeof(key.bytes)),
	    0);
	assert_memory_equal(tag, wanted, sizeof(tag));
}

/* Lengths of more than a byte, little end first. */
static void
a_tag_knows_long_texts_by_their_lengths(void **state)
{
	enum { PHC_LEN = 0x123, TOKEN_LEN = 0x1f4, HEAD = 12 };
	const struct jp_memo_key key = { { 7 } };
	uint8_t bytes[HEAD + 4 + PHC_LEN + 4 + TOKEN_LEN] = "jpat-memo-v1";
	uint8_t tag[JP_MEMO_TAG_LEN], wanted[JP_MEMO_TAG_LEN];
	char phc[PHC_LEN + 1] = "", text[TOKEN_LEN + 1] = "";
	struct jp_secret secret;

	(void)state;
	memset(phc, 'p', PHC_LEN);
	memset(text, 't', TOKEN_LEN);
	secret = token(text);
	memcpy(bytes + HEAD, "\x23\x01\0\0", 4);
	memcpy(bytes + HEAD + 4, phc, PHC_LEN);
	memcpy(bytes + HEAD + 4 + PHC_LEN, "\xf4\x01\0\0", 4);
	memcpy(bytes + HEAD + 8 + PHC_LEN, text, TOKEN_LEN);
	jp_memo_tag(&key, phc, &secret, tag);
	assert_int_equal(crypto_generichash(wanted, sizeof(wanted), bytes,
	                     sizeof(bytes), key.bytes, sizeof(key.bytes)),
	    0);
	assert_memory_equal(tag, wanted, sizeof(tag));
}

static void
every_table_has_its_own_key(void **state)
{
	const struct jp_secret secret = token("token");
	uint8_t tags[2][JP_MEMO_TAG_LEN];
	struct jp_memo_key keys[2] = { { { 0 } } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		jp_memo_key_make(&keys[i]);
		jp_memo_tag(&keys[i], PHC, &secret, tags[i]);
	}
	assert_memory_not_equal(&keys[0], &keys[1], sizeof(keys[0]));
	assert_memory_not_equal(tags[0], tags[1], sizeof(tags[0]));
}

/* The key says which pairs meet: of two tables other pairs give way. */
static void
every_memo_has_a_key_of_its_own_and_another_after_a_flush(void **state)
{
	enum { PAIRS = 512, TABLES = 3 };
	struct jp_memo *memo = make(PAIRS / 4);
	struct jp_memo *other = make(PAIRS / 4);
	bool kept[TABLES][PAIRS];

	(void)state;
	for (size_t table = 0; table < TABLES; table++) {
		struct jp_memo *one = table == 1 ? other : memo;

		jp_memo_flush(table == 2 ? memo : NULL);
		for (int i = 0; i < PAIRS; i++) {
			const struct jp_secret secret = numbered(i);

			jp_memo_add(one, PHC, &secret, true);
		}
		for (int i = 0; i < PAIRS; i++) {
			const struct jp_secret secret = numbered(i);

			kept[table][i] = jp_memo_find(one, PHC, &secret);
		}
	}
	assert_memory_not_equal(kept[0], kept[1], sizeof(kept[0]));
	assert_memory_not_equal(kept[0], kept[2], sizeof(kept[0]));
	assert_memory_not_equal(kept[1], kept[2], sizeof(kept[0]));
	jp_memo_free(other);
	jp_memo_free(memo);
}

static void
an_entry_lives_for_its_lifetime_and_no_second_longer(void **state)
{
	struct jp_memo *memo = make(64);

	(void)state;
	add(memo, PHC, "token");
	now = START + JP_MEMO_LIFETIME - 1;
	assert_true(finds(memo, PHC, "token")); /* which renews nothing */
	now = START + JP_MEMO_LIFETIME;
	assert_false(finds(memo, PHC, "token"));
	add(memo, PHC, "token");
	assert_true(finds(memo, PHC, "token"));
	now = START + 2 * JP_MEMO_LIFETIME;
	assert_false(finds(memo, PHC, "token"));
	assert_int_equal(counts(memo).evictions, 0);
	jp_memo_free(memo);
}

static void
a_pair_added_twice_takes_one_place_and_lives_anew(void **state)
{
	struct jp_memo *memo = make(64);

	(void)state;
	add(memo, PHC, "token");
	now += 10;
	add(memo, PHC, "token");
	now = START + JP_MEMO_LIFETIME + 9;
	assert_true(finds(memo, PHC, "token"));
	assert_int_equal(counts(memo).entries, 1);
	assert_int_equal(counts(memo).inserts, 2);
	jp_memo_free(memo);
}

/* One set: five pairs meet in it for sure. */
static void
the_oldest_gives_way(void **state)
{
	struct jp_memo *memo = make(JP_MEMO_WAYS);

	(void)state;
	for (int i = 0; i <= JP_MEMO_WAYS; i++) {
		const struct jp_secret secret = numbered(i);

		jp_memo_add(memo, PHC, &secret, true);
		now++;
	}
	for (int i = 0; i <= JP_MEMO_WAYS; i++) {
		const struct jp_secret secret = numbered(i);

		assert_int_equal(jp_memo_find(memo, PHC, &secret), i != 0);
	}
	assert_int_equal(counts(memo).evictions, 1);
	assert_int_equal(counts(memo).entries, JP_MEMO_WAYS);
	jp_memo_free(memo);
}

static void
what_is_over_gives_way_and_is_not_driven_out(void **state)
{
	struct jp_memo *memo = make(JP_MEMO_WAYS);

	(void)state;
	for (int i = 0; i < 2 * JP_MEMO_WAYS; i++) {
		const struct jp_secret secret = numbered(i);

		if (i == JP_MEMO_WAYS)
			now = START + JP_MEMO_LIFETIME;
		jp_memo_add(memo, PHC, &secret, true);
	}
	assert_int_equal(counts(memo).evictions, 0);
	assert_int_equal(counts(memo).entries, JP_MEMO_WAYS);
	add(memo, PHC, "token");
	assert_int_equal(counts(memo).evictions, 1);
	jp_memo_free(memo);
}

static void
a_renewed_entry_is_not_the_oldest(void **state)
{
	struct jp_memo *memo = make(JP_MEMO_WAYS);

	(void)state;
	for (int i = 0; i < JP_MEMO_WAYS; i++, now++) {
		const struct jp_secret secret = numbered(i);

		jp_memo_add(memo, PHC, &secret, true);
	}
	add(memo, PHC, "t0");
	now++;
	add(memo, PHC, "new");
	assert_true(finds(memo, PHC, "t0"));
	assert_false(finds(memo, PHC, "t1"));
	assert_true(finds(memo, PHC, "t2"));
	jp_memo_free(memo);
}

static void
a_size_is_rounded_up_to_a_power_of_two(void **state)
{
	static const struct {
		uint32_t entries;
		size_t room;
	} rows[] = { { 1, 4 }, { 4, 4 }, { 5, 8 }, { 100, 128 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct jp_memo *memo = make(rows[i].entries);

		/* So many that no set stays free, but by a miracle. */
		for (int n = 0; n < 4096; n++) {
			const struct jp_secret secret = numbered(n);

			jp_memo_add(memo, PHC, &secret, true);
		}
		assert_int_equal(counts(memo).entries, rows[i].room);
		jp_memo_free(memo);
	}
}

/* Each has two sets to choose from: with one, some hundred would go. */
static void
a_table_that_is_half_full_loses_hardly_any(void **state)
{
	enum { PAIRS = 2048, LOST = 4 };
	struct jp_memo *memo = make(2 * PAIRS);
	int kept = 0;

	(void)state;
	for (int i = 0; i < PAIRS; i++) {
		const struct jp_secret secret = numbered(i);

		jp_memo_add(memo, PHC, &secret, true);
	}
	for (int i = 0; i < PAIRS; i++) {
		const struct jp_secret secret = numbered(i);

		kept += jp_memo_find(memo, PHC, &secret);
	}
	assert_in_range(kept, PAIRS - LOST, PAIRS);
	assert_int_equal(counts(memo).evictions, PAIRS - kept);
	jp_memo_free(memo);
}

static void
a_flush_forgets_all(void **state)
{
	struct jp_memo *memo = make(64);

	(void)state;
	add(memo, PHC, "token");
	jp_memo_flush(memo);
	assert_false(finds(memo, PHC, "token"));
	assert_int_equal(counts(memo).entries, 0);
	add(memo, PHC, "token");
	assert_true(finds(memo, PHC, "token"));
	jp_memo_free(memo);
}

static void
without_a_file_there_is_none_to_hold(void **state)
{
	struct jp_memo *memo = make(64);

	(void)state;
	jp_memo_lock_file(memo);
	jp_memo_lock_file(NULL);
	add(memo, PHC, "token");
	assert_true(finds(memo, PHC, "token"));
	jp_memo_free(memo);
}

static void
a_table_without_entries_is_always_empty(void **state)
{
	struct jp_memo *memo = make(0);
	struct jp_memo_ties ties = { .pepper = NULL };
	struct jp_why why;
	uint64_t kept = 1;

	(void)state;
	assert_null(memo);
	assert_int_equal(
	    jp_memo_keep(memo, "/", &ties, &kept, &why), JP_ERR_OK);
	assert_int_equal(kept, 0);
	add(memo, PHC, "token");
	assert_false(finds(memo, PHC, "token"));
	jp_memo_flush(memo);
	assert_int_equal(counts(memo).misses, 0);
	jp_memo_free(memo);
}

static void *
use(void *arg)
{
	struct jp_memo *memo = arg;

	for (int i = 0; i < ROUNDS; i++) {
		const struct jp_secret secret = numbered(i % 32);

		jp_memo_add(memo, PHC, &secret, true);
		(void)jp_memo_find(memo, PHC, &secret);
		if (i % 100 == 0)
			jp_memo_flush(memo);
	}
	return NULL;
}

static void
threads_share_it(void **state)
{
	struct jp_memo *memo = make(64);
	pthread_t threads[THREADS];

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, use, memo), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(counts(memo).inserts, THREADS * ROUNDS);
	assert_int_equal(
	    counts(memo).hits + counts(memo).misses, THREADS * ROUNDS);
	jp_memo_free(memo);
}

static int
set_up(void **state)
{
	(void)state;
	return sodium_init() < 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pair_is_found_once_it_was_added),
		cmocka_unit_test(any_other_pair_is_not_found),
		cmocka_unit_test(a_tag_is_the_keyed_blake2b_of_both_texts),
		cmocka_unit_test(a_tag_knows_long_texts_by_their_lengths),
		cmocka_unit_test(every_table_has_its_own_key),
		cmocka_unit_test(
		    every_memo_has_a_key_of_its_own_and_another_after_a_flush),
		cmocka_unit_test(
		    an_entry_lives_for_its_lifetime_and_no_second_longer),
		cmocka_unit_test(
		    a_pair_added_twice_takes_one_place_and_lives_anew),
		cmocka_unit_test(the_oldest_gives_way),
		cmocka_unit_test(what_is_over_gives_way_and_is_not_driven_out),
		cmocka_unit_test(a_renewed_entry_is_not_the_oldest),
		cmocka_unit_test(a_size_is_rounded_up_to_a_power_of_two),
		cmocka_unit_test(a_table_that_is_half_full_loses_hardly_any),
		cmocka_unit_test(a_flush_forgets_all),
		cmocka_unit_test(without_a_file_there_is_none_to_hold),
		cmocka_unit_test(a_table_without_entries_is_always_empty),
		cmocka_unit_test(threads_share_it),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
