/* The chain of batches: common/cluster/chain.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/cluster/chain.h"

static const struct jp_pepper pepper = { { 1, 2, 3 } };
static const uint8_t cluster[JP_CLUSTER_ID_LEN] = { 7, 7, 7 };
static const uint8_t bytes[] = "what a commit made of records";

/* A chain with its first batch. */
struct fixture {
	struct jp_chain chain;
	struct jp_position start, first;
	struct jp_link_batch batch;
};

static void
make(struct fixture *fixture)
{
	struct jp_link_batch *batch = &fixture->batch;

	memset(fixture, 0, sizeof(*fixture));
	jp_chain_init(&fixture->chain, &pepper, cluster);
	jp_chain_start(&fixture->chain, &fixture->start);
	memset(batch->id, 0x1d, sizeof(batch->id));
	(void)strcpy(batch->node, "proxy1");
	batch->time = 1800000000;
	batch->len = sizeof(bytes);
	jp_chain_next(
	    &fixture->chain, &fixture->start, batch, bytes, &fixture->first);
	batch->seq = fixture->first.seq;
	memcpy(batch->mac, fixture->first.mac, sizeof(batch->mac));
}

static enum jp_err
check(const struct fixture *fixture)
{
	struct jp_position to;

	return jp_chain_check(
	    &fixture->chain, &fixture->start, &fixture->batch, bytes, &to);
}

/* Hosts of several versions compute the same. */
static void
the_macs_are_fixed(void **unused)
{
	struct fixture fixture;
	char start[2 * JP_CHAIN_LEN + 1], first[2 * JP_CHAIN_LEN + 1];

	(void)unused;
	make(&fixture);
	(void)sodium_bin2hex(
	    start, sizeof(start), fixture.start.mac, sizeof(fixture.start.mac));
	(void)sodium_bin2hex(
	    first, sizeof(first), fixture.first.mac, sizeof(fixture.first.mac));
	assert_string_equal(start, "2731ba99c348c602e72ebc14788f8ebf"
	                           "66104502e4818b9f5f21efae52aee2c6");
	assert_string_equal(first, "11a704cacd9ec5234142afb242f88e4c"
	                           "8e6b0be3d73d23b6a7c6eedf8bdd8cbd");
}

static void
a_chain_starts_before_its_first_batch_in_its_cluster(void **unused)
{
	struct fixture fixture;
	struct jp_position start;

	(void)unused;
	make(&fixture);
	memset(&start, 0xff, sizeof(start));
	jp_chain_start(&fixture.chain, &start);
	assert_int_equal(start.seq, 0);
	assert_memory_equal(start.cluster, cluster, sizeof(cluster));
	assert_memory_equal(
	    start.mac, fixture.start.mac, sizeof(fixture.start.mac));
}

static void
the_batch_behind_is_taken(void **unused)
{
	struct fixture fixture;
	struct jp_position to;

	(void)unused;
	make(&fixture);
	assert_int_equal(jp_chain_check(&fixture.chain, &fixture.start,
	                     &fixture.batch, bytes, &to),
	    JP_ERR_OK);
	assert_true(jp_position_same(&to, &fixture.first));
	assert_int_equal(to.seq, 1);
	assert_memory_equal(to.cluster, cluster, sizeof(cluster));
}

/* Where the position may be the same as the one that it comes from. */
static void
a_chain_goes_on_in_place(void **unused)
{
	struct fixture fixture;
	struct jp_position at;

	(void)unused;
	make(&fixture);
	at = fixture.start;
	assert_int_equal(
	    jp_chain_check(&fixture.chain, &at, &fixture.batch, bytes, &at),
	    JP_ERR_OK);
	assert_true(jp_position_same(&at, &fixture.first));
}

static void
any_bit_that_is_another_is_noticed(void **unused)
{
	static const size_t ats[] = { offsetof(struct jp_link_batch, id),
		offsetof(struct jp_link_batch, id) + JP_LINK_ID_LEN - 1,
		offsetof(struct jp_link_batch, node),
		offsetof(struct jp_link_batch, time),
		offsetof(struct jp_link_batch, mac),
		offsetof(struct jp_link_batch, mac) + JP_LINK_MAC_LEN - 1 };
	struct fixture fixture;
	uint8_t copy[sizeof(bytes)];
	struct jp_position to;

	(void)unused;
	make(&fixture);
	for (size_t i = 0; i < sizeof(ats) / sizeof(ats[0]); i++) {
		((uint8_t *)&fixture.batch)[ats[i]] ^= 1;
		assert_int_equal(check(&fixture), JP_ERR_CHECKSUM);
		((uint8_t *)&fixture.batch)[ats[i]] ^= 1;
	}
	for (size_t i = 0; i < sizeof(bytes); i++) {
		memcpy(copy, bytes, sizeof(copy));
		copy[i] ^= 0x80;
		assert_int_equal(jp_chain_check(&fixture.chain, &fixture.start,
		                     &fixture.batch, copy, &to),
		    JP_ERR_CHECKSUM);
	}
	fixture.batch.len--;
	assert_int_equal(check(&fixture), JP_ERR_CHECKSUM);
}

/* Bytes cannot move from one field into the next. */
static void
the_end_of_a_name_is_not_the_beginning_of_bytes(void **unused)
{
	struct fixture fixture;
	struct jp_position to;

	(void)unused;
	make(&fixture);
	fixture.batch.node[5] = '\0';
	jp_chain_next(
	    &fixture.chain, &fixture.start, &fixture.batch, bytes, &to);
	assert_int_not_equal(
	    memcmp(to.mac, fixture.first.mac, sizeof(to.mac)), 0);
}

static void
old_batches_and_gaps_are_refused(void **unused)
{
	static const uint64_t seqs[] = { 0, 2, 3, UINT64_MAX };
	struct fixture fixture;
	struct jp_position to;

	(void)unused;
	make(&fixture);
	for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
		fixture.batch.seq = seqs[i];
		assert_int_equal(check(&fixture), JP_ERR_CONFLICT);
	}
	/* The first one once more, as if it were the second. */
	make(&fixture);
	fixture.batch.seq = 2;
	assert_int_equal(jp_chain_check(&fixture.chain, &fixture.first,
	                     &fixture.batch, bytes, &to),
	    JP_ERR_CHECKSUM);
}

/* Two batches behind the same one: whoever has one never takes what follows
 * the other. */
static void
a_fork_is_noticed(void **unused)
{
	struct fixture fixture;
	struct jp_position other, second, to;

	(void)unused;
	make(&fixture);
	memset(fixture.batch.id, 0x2d, sizeof(fixture.batch.id));
	jp_chain_next(
	    &fixture.chain, &fixture.start, &fixture.batch, bytes, &other);
	jp_chain_next(&fixture.chain, &other, &fixture.batch, bytes, &second);
	fixture.batch.seq = 2;
	memcpy(fixture.batch.mac, second.mac, sizeof(second.mac));
	assert_int_equal(
	    jp_chain_check(&fixture.chain, &other, &fixture.batch, bytes, &to),
	    JP_ERR_OK);
	assert_int_equal(jp_chain_check(&fixture.chain, &fixture.first,
	                     &fixture.batch, bytes, &to),
	    JP_ERR_CHECKSUM);
}

static void
another_pepper_or_cluster_makes_another_chain(void **unused)
{
	static const struct jp_pepper other_pepper = { { 9 } };
	static const uint8_t other_cluster[JP_CLUSTER_ID_LEN] = { 8 };
	struct fixture fixture;
	struct jp_position start;

	(void)unused;
	make(&fixture);
	start = fixture.start;
	jp_chain_init(&fixture.chain, &other_pepper, cluster);
	assert_int_equal(check(&fixture), JP_ERR_CHECKSUM);
	jp_chain_start(&fixture.chain, &fixture.start);
	assert_false(jp_position_same(&start, &fixture.start));
	make(&fixture);
	jp_chain_init(&fixture.chain, &pepper, other_cluster);
	assert_int_equal(check(&fixture), JP_ERR_CHECKSUM);
}

static void
a_part_belongs_to_its_place_in_its_snapshot(void **unused)
{
	struct fixture fixture;
	struct jp_link_snapshot part = { .seq = 9, .parts = 3, .part = 1 };
	struct jp_link_snapshot other;

	(void)unused;
	make(&fixture);
	memset(part.mac, 0xee, sizeof(part.mac));
	part.len = sizeof(bytes);
	jp_chain_part(&fixture.chain, &part, bytes);
	assert_int_equal(
	    jp_chain_check_part(&fixture.chain, &part, bytes), JP_ERR_OK);
#define CHANGED(change)                                                        \
	other = part;                                                          \
	change;                                                                \
	assert_int_equal(jp_chain_check_part(&fixture.chain, &other, bytes),   \
	    JP_ERR_CHECKSUM)
	CHANGED(other.seq++);
	CHANGED(other.mac[0] ^= 1);
	CHANGED(other.parts++);
	CHANGED(other.part++);
	CHANGED(other.len--);
	CHANGED(other.part_mac[31] ^= 1);
#undef CHANGED
	/* Which is no batch, either. */
	assert_int_not_equal(
	    memcmp(part.part_mac, fixture.first.mac, sizeof(part.part_mac)), 0);
}

static void
the_key_can_be_cleared(void **unused)
{
	static const struct jp_chain zero;
	struct fixture fixture;

	(void)unused;
	make(&fixture);
	jp_chain_clear(&fixture.chain);
	assert_memory_equal(&fixture.chain, &zero, sizeof(zero));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_macs_are_fixed),
		cmocka_unit_test(
		    a_chain_starts_before_its_first_batch_in_its_cluster),
		cmocka_unit_test(the_batch_behind_is_taken),
		cmocka_unit_test(a_chain_goes_on_in_place),
		cmocka_unit_test(any_bit_that_is_another_is_noticed),
		cmocka_unit_test(
		    the_end_of_a_name_is_not_the_beginning_of_bytes),
		cmocka_unit_test(old_batches_and_gaps_are_refused),
		cmocka_unit_test(a_fork_is_noticed),
		cmocka_unit_test(another_pepper_or_cluster_makes_another_chain),
		cmocka_unit_test(a_part_belongs_to_its_place_in_its_snapshot),
		cmocka_unit_test(the_key_can_be_cleared),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
