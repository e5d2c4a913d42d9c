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
#include "tests/unit/process_help.h"
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
	uint32_t parts, req;
	struct jp_position position;
	struct logged logged;
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
	logged_begin(&fixture->logged);
	cluster_snapshot_init(&fixture->snapshot, fixture->store,
	    &fixture->chain, &fixture->ends.link);
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	logged_end(&fixture->logged);
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
	assert_true(part->req > fixture->req);
	fixture->req = part->req;
	assert_int_equal(part->seq, fixture->position.seq);
	assert_memory_equal(
	    part->mac, fixture->position.mac, sizeof(part->mac));
	assert_true(part->part + 1 == part->parts || part->len <= 2 << 20);
	assert_int_equal(jp_batch_check(fixture->ends.reader.bytes,
	                     fixture->ends.reader.len, &count),
	    JP_ERR_OK);
	fixture->records += count;
	assert_true(answer(fixture, part->req, JP_ERR_OK));
	return fixture->snapshot.phase == SNAPSHOT_IDLE;
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

/* From its first record on, with another count. */
static void
the_next_one_begins_anew(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned int i = 0; i < MANY; i++)
		create(fixture, i);
	for (int round = 0; round < 2; round++) {
		fixture->parts = 0;
		fixture->records = 0;
		consider(fixture, NOW + 60000 * round);
		while (!take_part(fixture))
			continue;
		assert_true(fixture->parts > 1);
		assert_int_equal(fixture->records, MANY);
		assert_logged(&fixture->logged, 1, "made of batch 0, in ");
	}
}

static void
a_store_that_shrinks_meanwhile_leaves_parts_empty(void **state)
{
	struct fixture *fixture = *state;
	struct jp_record record;
	const struct jp_change change = { JP_CHANGE_DELETE, &record };

	for (unsigned int i = 0; i < MANY; i++)
		create(fixture, i);
	consider(fixture, NOW);
	while (fixture->snapshot.phase != SNAPSHOT_PUTS)
		assert_true(cluster_snapshot_step(&fixture->snapshot, NOW));
	assert_true(fixture->snapshot.parts > 2);
	for (unsigned int i = 1; i < MANY; i++) {
		record_set_full(&record);
		(void)snprintf(record.id, sizeof(record.id), "%08u", i);
		assert_int_equal(
		    jp_store_commit(fixture->store, &change, 1), JP_ERR_OK);
	}
	while (!take_part(fixture))
		continue;
	assert_int_equal(fixture->records, 1);
	assert_int_equal(fixture->parts, fixture->snapshot.parts);
}

static void
each_part_says_of_which_batch_it_is(void **state)
{
	struct fixture *fixture = *state;

	create(fixture, 1);
	memcpy(fixture->position.cluster, "cluster", sizeof("cluster"));
	fixture->position.seq = 7;
	memset(fixture->position.mac, 0x3a, sizeof(fixture->position.mac));
	assert_int_equal(
	    jp_store_place(fixture->store, NULL, &fixture->position),
	    JP_ERR_OK);
	consider(fixture, NOW);
	assert_true(take_part(fixture));
	assert_logged(&fixture->logged, 1, "made of batch 7, in 1 parts");
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
		assert_true(answer(fixture, fixture->snapshot.req, errs[i]));
		assert_int_equal(fixture->snapshot.phase, SNAPSHOT_IDLE);
		assert_int_equal(
		    fixture->snapshot.part, errs[i] == JP_ERR_OK ? 1 : 0);
		consider(fixture, NOW + 59999);
		assert_false(cluster_snapshot_step(&fixture->snapshot, NOW));
		now_ms = NOW + 60000;
		fixture->snapshot.not_before_ms = 0;
	}
}

static void
the_pause_is_a_minute_and_its_reason_is_logged(void **state)
{
	static const struct {
		enum jp_err err;
		int lines;
	} rows[] = { { JP_ERR_BUSY, 0 }, { JP_ERR_DISK_FULL, 1 } };
	struct fixture *fixture = *state;
	int64_t now_ms = NOW;

	create(fixture, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct jp_link_done done = { .err = rows[i].err };

		(void)strcpy(done.text, "the disk is full");
		consider(fixture, now_ms);
		while (cluster_snapshot_step(&fixture->snapshot, now_ms))
			continue;
		done.req = receive(fixture)->req;
		assert_true(cluster_snapshot_answered(
		    &fixture->snapshot, &done, now_ms));
		assert_logged(&fixture->logged, rows[i].lines,
		    "no snapshot was made: the disk is full");
		consider(fixture, now_ms + 59999);
		assert_int_equal(fixture->snapshot.phase, SNAPSHOT_IDLE);
		now_ms += 60000;
		consider(fixture, now_ms);
		assert_int_equal(fixture->snapshot.phase, SNAPSHOT_COUNTS);
		cluster_snapshot_lost(&fixture->snapshot);
	}
}

/* While its parts were counted, and put: it would never end. */
static void
a_store_that_grows_by_a_lot_makes_none(void **state)
{
	enum { PART = 1000 };
	struct fixture *fixture = *state;
	struct jp_record *records = calloc(PART, sizeof(*records));
	struct jp_change *changes = calloc(PART, sizeof(*changes));

	assert_true(records != NULL && changes != NULL);
	consider(fixture, NOW);
	while (fixture->snapshot.phase != SNAPSHOT_PUTS)
		assert_true(cluster_snapshot_step(&fixture->snapshot, NOW));
	for (unsigned int i = 0; i < 12; i++) {
		for (unsigned int j = 0; j < PART; j++) {
			record_set_full(&records[j]);
			(void)snprintf(records[j].id, sizeof(records[j].id),
			    "%08u", i * PART + j);
			changes[j] =
			    (struct jp_change){ JP_CHANGE_CREATE, &records[j] };
		}
		assert_int_equal(
		    jp_store_commit(fixture->store, changes, PART), JP_ERR_OK);
	}
	free(records);
	free(changes);
	assert_false(cluster_snapshot_step(&fixture->snapshot, NOW));
	assert_int_equal(fixture->snapshot.phase, SNAPSHOT_IDLE);
	assert_logged(&fixture->logged, 1, "no snapshot was made: ");
	assert_int_equal(recv(fixture->ends.other, &(char){ 0 }, 1, 0), -1);
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
		TEST(the_next_one_begins_anew),
		TEST(a_store_that_shrinks_meanwhile_leaves_parts_empty),
		TEST(each_part_says_of_which_batch_it_is),
		TEST(an_empty_store_is_one_part),
		TEST(after_each_try_there_is_a_pause),
		TEST(the_pause_is_a_minute_and_its_reason_is_logged),
		TEST(a_store_that_grows_by_a_lot_makes_none),
		TEST(a_store_that_cannot_be_read_makes_none),
		TEST(a_lost_connection_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
