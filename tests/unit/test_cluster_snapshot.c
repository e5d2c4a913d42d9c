/* Snapshots for hosts that join: patd/cluster_snapshot.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "patd/cluster_snapshot.h"
#include "tests/unit/record_help.h"
#include "tests/unit/store_mem.h"
#include "tests/unit/wire_help.h"

enum {
	MANY = 600, /* records: some megabytes, more than a part */
	NOW = 1000,
};

struct fixture {
	struct jp_store *store;
	struct jp_chain chain;
	struct wire_ends ends;
	struct cluster_snapshot snapshot;
	size_t records; /* that came, by parts */
	uint32_t parts;
};

static void
create(struct fixture *fixture, unsigned int number)
{
	struct jp_record record;
	const struct jp_change change = { JP_CHANGE_CREATE, &record };

	record_set_full(&record);
	(void)snprintf(record.id, sizeof(record.id), "%08u", number);
	assert_int_equal(
	    jp_store_commit(fixture->store, &change, 1), JP_ERR_OK);
}

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	const struct jp_pepper pepper = { .key = "pepper" };
	const uint8_t id[JP_CLUSTER_ID_LEN] = "cluster";

	assert_non_null(fixture);
	wire_ends_open(&fixture->ends);
	assert_int_equal(jp_store_mem_open(&fixture->store), JP_ERR_OK);
	jp_chain_init(&fixture->chain, &pepper, id);
	cluster_snapshot_init(&fixture->snapshot, fixture->store,
	    &fixture->chain, &fixture->ends.link);
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	wire_ends_close(&fixture->ends);
	jp_store_close(fixture->store);
	free(fixture);
	return 0;
}

/* The next part that was sent. */
static const struct jp_link_snapshot *
receive(struct fixture *fixture)
{
	const struct jp_link_msg *msg = wire_ends_receive(&fixture->ends);

	assert_int_equal(msg->kind, JP_LINK_SNAPSHOT_PUT);
	return &msg->snapshot;
}

static bool
answer(struct fixture *fixture, uint32_t req, enum jp_err err)
{
	const struct jp_link_done done = { .req = req, .err = err };

	return cluster_snapshot_answered(&fixture->snapshot, &done, NOW);
}

static void
consider(struct fixture *fixture, int64_t now_ms)
{
	cluster_snapshot_consider(&fixture->snapshot, 10000, 0, now_ms);
}

/* Takes a part; true: it was the last one, and all is there. */
static bool
take_part(struct fixture *fixture)
{
	const struct jp_link_snapshot *part;
	size_t count;

	while (cluster_snapshot_step(&fixture->snapshot, NOW))
		continue;
	part = receive(fixture);
	assert_int_equal(jp_chain_check_part(
	                     &fixture->chain, part, fixture->ends.reader.bytes),
	    JP_ERR_OK);
	assert_int_equal(part->part, fixture->parts++);
	assert_int_equal(jp_batch_check(fixture->ends.reader.bytes,
	                     fixture->ends.reader.len, &count),
	    JP_ERR_OK);
	fixture->records += count;
	return answer(fixture, part->req, JP_ERR_OK);
}

static void
a_short_log_needs_none(void **state)
{
	struct fixture *fixture = *state;

	create(fixture, 1);
	cluster_snapshot_consider(
	    &fixture->snapshot, 9999, (16 << 20) - 1, NOW);
	assert_false(cluster_snapshot_step(&fixture->snapshot, NOW));
	assert_false(cluster_wire_is_waiting(&fixture->ends.link));
	assert_int_equal(recv(fixture->ends.other, &(char){ 0 }, 1, 0), -1);
	cluster_snapshot_consider(&fixture->snapshot, 1, 16 << 20, NOW);
	assert_true(take_part(fixture));
	assert_int_equal(fixture->records, 1);
}

static void
all_records_come_in_parts_also_those_made_meanwhile(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int i = 0; i < MANY; i++)
		create(fixture, i);
	consider(fixture, NOW);
	assert_false(take_part(fixture));
	assert_true(fixture->ends.reader.msg.snapshot.parts > 1);
	for (unsigned int i = 0; i < MANY; i++)
		create(fixture, 10000000 + i);
	while (!take_part(fixture))
		continue;
	assert_int_equal(
	    fixture->parts, fixture->ends.reader.msg.snapshot.parts);
	assert_int_equal(fixture->records, 2 * MANY);
}

static void
an_empty_store_is_one_part(void **state)
{
	struct fixture *fixture = *state;

	consider(fixture, NOW);
	assert_true(take_part(fixture));
	assert_int_equal(fixture->records, 0);
}

/* Whoever comes second, or fails, tries again in a minute. */
static void
after_each_try_there_is_a_pause(void **state)
{
	static const enum jp_err errs[] = { JP_ERR_BUSY, JP_ERR_DISK_FULL,
		JP_ERR_OK };
	struct fixture *fixture = *state;
	int64_t now_ms = NOW;

	create(fixture, 1);
	for (size_t i = 0; i < sizeof(errs) / sizeof(errs[0]); i++) {
		consider(fixture, now_ms);
		while (cluster_snapshot_step(&fixture->snapshot, now_ms))
			continue;
		(void)receive(fixture);
		assert_false(answer(fixture, 12345, JP_ERR_OK));
		fixture->snapshot.not_before_ms = 0;
		assert_int_equal(
		    answer(fixture, fixture->snapshot.req, errs[i]),
		    errs[i] == JP_ERR_OK);
		consider(fixture, NOW + 59999);
		assert_false(cluster_snapshot_step(&fixture->snapshot, NOW));
		now_ms = NOW + 60000;
		fixture->snapshot.not_before_ms = 0;
	}
}

static void
a_store_that_cannot_be_read_makes_none(void **state)
{
	struct fixture *fixture = *state;

	create(fixture, 1);
	jp_store_mem_fail(fixture->store, 1, JP_ERR_IO, false);
	consider(fixture, NOW);
	assert_false(cluster_snapshot_step(&fixture->snapshot, NOW));
	assert_int_equal(recv(fixture->ends.other, &(char){ 0 }, 1, 0), -1);
}

static void
a_lost_connection_ends_it(void **state)
{
	struct fixture *fixture = *state;

	create(fixture, 1);
	consider(fixture, NOW);
	while (cluster_snapshot_step(&fixture->snapshot, NOW))
		continue;
	(void)receive(fixture);
	cluster_snapshot_lost(&fixture->snapshot);
	assert_false(answer(fixture, fixture->snapshot.req, JP_ERR_OK));
	consider(fixture, NOW);
	assert_true(take_part(fixture));
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_short_log_needs_none),
		TEST(all_records_come_in_parts_also_those_made_meanwhile),
		TEST(an_empty_store_is_one_part),
		TEST(after_each_try_there_is_a_pause),
		TEST(a_store_that_cannot_be_read_makes_none),
		TEST(a_lost_connection_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
