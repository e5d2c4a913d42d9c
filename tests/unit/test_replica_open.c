/*
 * With what a store becomes a replica, and how it introduces itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/replica_help.h"

static void
only_a_store_of_a_cluster_can_be_a_replica(void **state)
{
	struct fixture *fixture = *state;
	struct jp_position filling = { .cluster = "a cluster of us" };
	struct jp_replica_options options = { .pepper = &fake_pepper,
		.node = "c",
		.holder = fake_holder,
		.lease_ms = FAKE_LEASE_MS,
		.clock = &jp_system_clock };
	struct jp_replica *replica;
	struct jp_store *store;
	struct jp_why why;

	(void)fixture;
	assert_int_equal(jp_store_mem_open(&options.store), JP_ERR_OK);
	assert_int_equal(
	    jp_replica_open(&options, &replica, &store, &why), JP_ERR_CONFIG);
	assert_null(store);
	assert_non_null(strstr(why.text, "cluster init"));
	assert_int_equal(jp_store_mem_open(&options.store), JP_ERR_OK);
	assert_int_equal(
	    jp_store_place(options.store, NULL, &filling), JP_ERR_OK);
	assert_int_equal(
	    jp_replica_open(&options, &replica, &store, &why), JP_ERR_CONFIG);
	assert_non_null(strstr(why.text, "join again"));
}

static void
a_name_or_a_lease_out_of_bounds_is_refused(void **state)
{
	struct jp_position start = { .cluster = "a cluster of us", .seq = 4 };
	struct jp_replica_options options = { .pepper = &fake_pepper,
		.node = "c",
		.holder = fake_holder,
		.clock = &jp_system_clock };
	struct jp_replica *replica;
	struct jp_store *store;
	struct jp_why why;

	(void)state;
	for (int i = 0; i < 3; i++) {
		options.node = i == 0 ? "no name" : "c";
		options.lease_ms = i == 0   ? FAKE_LEASE_MS
		                   : i == 1 ? JP_LINK_LEASE_MIN_MS - 1
		                            : JP_LINK_LEASE_MAX_MS + 1;
		assert_int_equal(jp_store_mem_open(&options.store), JP_ERR_OK);
		assert_int_equal(
		    jp_store_place(options.store, NULL, &start), JP_ERR_OK);
		assert_int_equal(
		    jp_replica_open(&options, &replica, &store, &why),
		    JP_ERR_CONFIG);
		assert_null(replica);
		assert_non_null(strstr(why.text,
		    i == 0 ? "\"no name\"" : "from 1 to 300 seconds"));
	}
}

static enum jp_err
open_at(uint64_t seq, int64_t append_wait_ms, bool fails,
    struct jp_replica **replica, struct jp_store **store, struct jp_why *why)
{
	struct jp_position start = { .cluster = "a cluster of us", .seq = seq };
	struct jp_replica_options options = { .pepper = &fake_pepper,
		.node = "c",
		.holder = fake_holder,
		.lease_ms = FAKE_LEASE_MS,
		.append_wait_ms = append_wait_ms,
		.clock = &jp_system_clock };

	memset(start.mac, 0x3a, sizeof(start.mac));
	assert_int_equal(jp_store_mem_open(&options.store), JP_ERR_OK);
	assert_int_equal(
	    jp_store_place(options.store, NULL, &start), JP_ERR_OK);
	if (fails)
		jp_store_mem_fail(options.store, 1, JP_ERR_IO, false);
	return jp_replica_open(&options, replica, store, why);
}

static void
a_store_that_cannot_be_read_is_no_replica(void **state)
{
	struct jp_replica *replica;
	struct jp_store *store;
	struct jp_why why;

	(void)state;
	assert_int_equal(
	    open_at(1, 0, true, &replica, &store, &why), JP_ERR_IO);
	assert_null(replica);
	assert_non_null(strstr(why.text, "the store in memory: "));
}

static void
a_writer_is_as_patient_as_a_lease_unless_told(void **state)
{
	static const struct {
		int64_t given, patience;
	} rows[] = { { 0, FAKE_LEASE_MS }, { 1, 1 }, { 60000, 60000 } };
	struct jp_replica *replica;
	struct jp_store *store;
	struct jp_why why;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    open_at(1, rows[i].given, false, &replica, &store, &why),
		    JP_ERR_OK);
		assert_int_equal(jp_store_patience(store), rows[i].patience);
		jp_store_close(store);
	}
}

static void
the_shortest_and_the_longest_lease_are_leases(void **state)
{
	static const int64_t leases[] = { JP_LINK_LEASE_MIN_MS,
		JP_LINK_LEASE_MAX_MS };
	struct fixture *fixture = *state;
	struct fake_host c;

	for (size_t i = 0; i < sizeof(leases) / sizeof(leases[0]); i++) {
		fake_lease_ms = leases[i];
		fake_host_open(&c, &fixture->log, "c", fake_boot_ms);
		fake_lease_ms = FAKE_LEASE_MS;
		fake_host_close(&c);
	}
}

/* Its last batch, which it applied before it was started again. */
static void
the_batch_at_which_it_starts_is_known(void **state)
{
	struct jp_link_msg msg = { .kind = JP_LINK_WELCOME };
	struct jp_replica_status status;
	struct jp_replica *replica;
	struct jp_store *store;
	struct jp_why why;

	(void)state;
	assert_int_equal(
	    open_at(300, 0, false, &replica, &store, &why), JP_ERR_OK);
	jp_replica_status(replica, &status);
	msg.welcome.version = JP_LINK_VERSION;
	memcpy(msg.welcome.cluster, status.position.cluster, JP_LINK_ID_LEN);
	memcpy(msg.welcome.mac, status.position.mac, JP_LINK_MAC_LEN);
	jp_pepper_name(&fake_pepper, msg.welcome.tag);
	msg.welcome.head = 300;
	msg.welcome.oldest = 1;
	assert_int_equal(jp_replica_take(replica, &msg, NULL, &why), JP_ERR_OK);
	memset(&msg, 0, sizeof(msg));
	msg.kind = JP_LINK_BATCH;
	msg.batch.seq = 300;
	memset(msg.batch.mac, 0x3a, sizeof(msg.batch.mac));
	assert_int_equal(jp_replica_take(replica, &msg, NULL, &why), JP_ERR_OK);
	msg.batch.mac[0] ^= 1;
	assert_int_equal(
	    jp_replica_take(replica, &msg, NULL, &why), JP_ERR_CHECKSUM);
	jp_store_close(store);
}

static void
it_says_hello_with_its_place(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg;
	struct jp_replica_status status;

	make_two(fixture);
	jp_replica_status(fixture->a.replica, &status);
	jp_replica_hello(fixture->a.replica, &msg);
	assert_int_equal(msg.kind, JP_LINK_HELLO);
	assert_int_equal(msg.hello.version, JP_LINK_VERSION);
	assert_string_equal(msg.hello.node, "a");
	assert_int_equal(msg.hello.lease_ms, FAKE_LEASE_MS);
	assert_int_equal(msg.hello.applied, 2);
	assert_memory_equal(msg.hello.holder, fake_holder, JP_LINK_HOLDER_LEN);
	assert_memory_equal(
	    msg.hello.mac, status.position.mac, JP_LINK_MAC_LEN);
	assert_memory_equal(
	    msg.hello.cluster, status.position.cluster, JP_LINK_ID_LEN);
	assert_string_not_equal(msg.hello.release, "");
	jp_replica_status(fixture->a.replica, &status);
	assert_true(status.linked);
	assert_false(status.welcome);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_a_store_of_a_cluster_can_be_a_replica),
		TEST(a_name_or_a_lease_out_of_bounds_is_refused),
		TEST(a_store_that_cannot_be_read_is_no_replica),
		TEST(a_writer_is_as_patient_as_a_lease_unless_told),
		TEST(the_shortest_and_the_longest_lease_are_leases),
		TEST(the_batch_at_which_it_starts_is_known),
		TEST(it_says_hello_with_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
