/*
 * What a log must not do, to which a host says no: other batches than those
 * that the hosts have signed, in another order, or another log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/link_help.h"
#include "tests/unit/replica_help.h"
#include "tests/unit/store_help.h"

/* What administrators are told to be no batch of this cluster. */
static void
assert_foreign(struct fake_host *host, uint64_t count)
{
	struct jp_replica_status status;

	jp_replica_status(host->replica, &status);
	assert_int_equal(status.refused, count);
}

static void
a_wrong_mac_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg;

	make_two(fixture);
	fake_batch(&fixture->log, 1, &msg);
	msg.batch.mac[7] ^= 1;
	(void)fake_give(&fixture->b, &msg, fixture->log.of[1].bytes);
	assert_refused(&fixture->b, JP_ERR_CHECKSUM, "wrong MAC");
	assert_false(has(&fixture->b, ID));
	assert_int_equal(fixture->log.nodes.of[1].applied, 0);
	/* Nor is anything else looked at until there is a new connection. */
	give_batch(fixture, &fixture->b, 1, 1);
	assert_int_equal(fixture->b.err, JP_ERR_OK);
	assert_string_equal(fixture->b.why.text, "");
	assert_false(has(&fixture->b, ID));
	fake_connect(&fixture->b);
	assert_true(fake_pump(&fixture->b));
	assert_true(has(&fixture->b, ID));
	assert_foreign(&fixture->b, 1);
}

static void
batches_out_of_order_are_refused(void **state)
{
	struct fixture *fixture = *state;

	make_two(fixture);
	give_batch(fixture, &fixture->b, 2, 2);
	assert_refused(&fixture->b, JP_ERR_CONFLICT, "1 is next");
	assert_false(has(&fixture->b, OTHER));
	fake_connect(&fixture->b);
	give_batch(fixture, &fixture->b, 1, 2);
	assert_refused(&fixture->b, JP_ERR_CHECKSUM, "wrong MAC");
	fake_connect(&fixture->b);
	give_batch(fixture, &fixture->b, 1, 1);
	give_batch(fixture, &fixture->b, 2, 1);
	assert_refused(&fixture->b, JP_ERR_CHECKSUM, "wrong MAC");
	assert_true(has(&fixture->b, ID));
}

/* The own batches come back, and after a new connection others, too. */
static void
what_was_applied_may_come_again(void **state)
{
	struct fixture *fixture = *state;
	struct jp_replica_status status;

	make_two(fixture);
	give_batch(fixture, &fixture->a, 1, 1);
	assert_int_equal(fixture->a.err, JP_ERR_OK);
	give_batch(fixture, &fixture->a, 2, 2);
	assert_int_equal(fixture->a.err, JP_ERR_OK);
	jp_replica_status(fixture->a.replica, &status);
	assert_int_equal(status.applied, 2);
	assert_int_equal(fixture->log.nodes.of[0].applied, 2);
	/* But not another one in its place. */
	give_batch(fixture, &fixture->a, 1, 2);
	assert_refused(&fixture->a, JP_ERR_CHECKSUM, "wrong MAC");
}

/* Of which no more is known than where they were. */
static void
what_was_applied_long_ago_may_come_again(void **state)
{
	struct fixture *fixture = *state;
	char id[9];

	for (unsigned int i = 0; i < 300; i++) {
		(void)snprintf(id, sizeof(id), "aaaaa%03u", i % 1000);
		assert_int_equal(add_to(&fixture->a, id), JP_ERR_OK);
	}
	give_batch(fixture, &fixture->a, 1, 1);
	assert_int_equal(fixture->a.err, JP_ERR_OK);
	give_batch(fixture, &fixture->a, 299, 298);
	assert_refused(&fixture->a, JP_ERR_CHECKSUM, "wrong MAC");
}

static void
a_log_that_says_done_and_is_not_is_found_out(void **state)
{
	struct fixture *fixture = *state;

	fixture->a.way = FAKE_LIES;
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	assert_int_equal(add_to(&fixture->b, OTHER), JP_ERR_OK);
	(void)fake_pump(&fixture->a);
	assert_refused(&fixture->a, JP_ERR_CHECKSUM, "wrong MAC");
}

/* Nothing is known by it: the batch is sent again, over a new connection. */
static void
an_answer_that_cannot_be_true_is_refused(void **state)
{
	static const enum fake_way ways[] = { FAKE_ABSURD, FAKE_ABSURD_TOO };
	struct fixture *fixture = *state;
	struct jp_replica_status status;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		fixture->a.way = (int)ways[i];
		fixture->a.appends = 0;
		assert_int_equal(
		    add_to(&fixture->a, i == 0 ? ID : OTHER), JP_ERR_OK);
		assert_int_equal(fixture->a.appends, 2);
		assert_int_equal(fixture->log.head, i + 1);
		jp_replica_status(fixture->a.replica, &status);
		assert_non_null(strstr(
		    status.refused_why, i == 0 ? "ends at 0" : "ends at 1"));
		(void)jp_replica_tick(fixture->a.replica);
	}
}

/* Gives b these as the first batch, which the right hosts have signed. */
static void
give_bytes(struct fixture *fixture, const uint8_t *bytes, size_t len)
{
	struct jp_link_msg msg = { .kind = JP_LINK_BATCH };
	struct jp_position start = { .seq = 0 }, to;
	struct jp_replica_status status;

	memcpy(start.mac, fixture->log.of[0].batch.mac, sizeof(start.mac));
	msg.batch.seq = 1;
	msg.batch.len = (uint32_t)len;
	link_text(msg.batch.node, "a");
	jp_chain_next(jp_replica_chain(fixture->b.replica), &start, &msg.batch,
	    bytes, &to);
	memcpy(msg.batch.mac, to.mac, sizeof(to.mac));
	assert_int_not_equal(fake_give(&fixture->b, &msg, bytes), JP_ERR_OK);
	jp_replica_status(fixture->b.replica, &status);
	assert_int_equal(status.position.seq, 0);
}

static void
a_batch_that_is_none_is_refused(void **state)
{
	static const uint8_t bytes[] = "JPB1, but no more";
	struct fixture *fixture = *state;

	give_bytes(fixture, bytes, sizeof(bytes));
	assert_non_null(strstr(fixture->b.why.text, "cannot be applied"));
}

/* Which is how a new try begins. */
static void
a_store_that_cannot_write_goes_on_after_a_new_hello(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	jp_store_mem_fail(fixture->b.below, 2, JP_ERR_IO, false);
	(void)fake_pump(&fixture->b);
	assert_non_null(strstr(fixture->b.why.text, "the store in memory: "));
	assert_false(has(&fixture->b, ID));
	assert_int_equal(fixture->log.nodes.of[1].applied, 0);
	assert_foreign(&fixture->b, 0);
	fake_cut(&fixture->b, true);
	fixture->b.told = 0;
	fake_connect(&fixture->b);
	(void)fake_pump(&fixture->b);
	assert_true(has(&fixture->b, ID));
}

/* Its writers hear why, and not that pat-clusterd does not run. */
static void
who_cannot_apply_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *b = &fixture->b;

	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	jp_store_mem_fail(b->below, 2, JP_ERR_IO, false);
	(void)fake_pump(b);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(add_to(b, OTHER), JP_ERR_UNREACHABLE);
		assert_why(b, "nothing was changed: this host cannot take");
		assert_why(b, "cannot be applied");
		fake_cut(b, true);
	}
	assert_int_equal(fixture->log.head, 1);
	fake_connect(b);
	(void)fake_pump(b);
	/* A connection that ends without is lost for another reason. */
	fake_cut(b, true);
	assert_int_equal(add_to(b, OTHER), JP_ERR_UNREACHABLE);
	assert_why(b, "pat-clusterd does not run");
	fake_connect(b);
	(void)jp_replica_tick(b->replica);
	assert_int_equal(add_to(b, OTHER), JP_ERR_OK);
}

static void
a_batch_of_a_newer_version_says_so(void **state)
{
	static const uint8_t bytes[] = "JPB2, and more";
	struct fixture *fixture = *state;

	give_bytes(fixture, bytes, sizeof(bytes));
	assert_non_null(strstr(fixture->b.why.text,
	    "written by a newer version of jira-pat: install that on this "
	    "host"));
}

/* It is in the log: nobody may say that it was not done. */
static void
an_own_batch_that_cannot_be_written_here_is_done_elsewhere(void **state)
{
	struct fixture *fixture = *state;

	jp_store_begin(fixture->a.store, JP_BEGIN_LOUD);
	jp_store_mem_fail(fixture->a.below, 3, JP_ERR_IO, true);
	assert_int_equal(
	    add(fixture->a.store, ID, "alice", JP_NEVER), JP_ERR_IO);
	jp_store_mem_fail(fixture->a.below, 0, JP_ERR_OK, false);
	assert_why(&fixture->a, "in the log of the cluster");
	assert_int_equal(fixture->log.head, 1);
	assert_int_equal(fixture->log.nodes.of[0].applied, 0);
	fixture->a.told = 1;
	assert_int_not_equal(
	    fake_give(&fixture->a,
	        &(struct jp_link_msg){ .kind = JP_LINK_NODES }, NULL),
	    JP_ERR_OK);
	assert_non_null(strstr(fixture->a.why.text, "cannot be applied"));
	fake_cut(&fixture->a, true);
	fixture->a.told = 0;
	fake_connect(&fixture->a);
	(void)fake_pump(&fixture->a);
	assert_true(has(&fixture->a, ID));
}

static void
hosts_that_cannot_be_kept_in_mind_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_NODES };
	struct jp_replica_status before, after;

	jp_replica_status(fixture->a.replica, &before);
	msg.nodes.nodes.len = 1;
	msg.nodes.log_batches = 7;
	msg.nodes.log_bytes = 9;
	link_text(msg.nodes.nodes.of[0].name, "c");
	atomic_store(&now_ms, -1); /* there is no clock */
	assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_IO);
	assert_non_null(strstr(fixture->a.why.text, "cannot be taken"));
	assert_null(strstr(fixture->a.why.text, "too many"));
	atomic_store(&now_ms, START_MS);
	jp_replica_status(fixture->a.replica, &after);
	assert_int_equal(after.nodes.len, before.nodes.len);
	assert_int_equal(after.log_batches, before.log_batches);
	fake_connect(&fixture->a);
	assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_OK);
	jp_replica_status(fixture->a.replica, &after);
	assert_int_equal(after.nodes.len, 1);
	assert_int_equal(after.log_batches, 7);
	assert_int_equal(after.log_bytes, 9);
	/* What comes with the answer to a batch is one, too. */
	memset(&msg, 0, sizeof(msg));
	msg.kind = JP_LINK_APPENDED;
	atomic_store(&now_ms, -1);
	assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_IO);
	assert_non_null(strstr(fixture->a.why.text, "cannot be taken"));
}

static void
it_is_known_how_old_a_reading_is(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_NODES };
	struct jp_replica_status status;

	atomic_store(&now_ms, 0);
	jp_replica_status(fixture->a.replica, &status);
	assert_int_equal(status.nodes_age_ms, -1);
	assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_OK);
	atomic_store(&now_ms, 7);
	jp_replica_status(fixture->a.replica, &status);
	assert_int_equal(status.nodes_age_ms, 7);
	assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_OK);
	atomic_store(&now_ms, 10);
	jp_replica_status(fixture->a.replica, &status);
	assert_int_equal(status.nodes_age_ms, 3);
}

static void
more_hosts_than_there_can_be_are_named_as_such(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_NODES };

	for (int set = 0; set < 3; set++) {
		link_nodes(&msg.nodes.nodes, JP_LINK_NODES_MAX);
		for (size_t i = 0; i < JP_LINK_NODES_MAX; i++)
			msg.nodes.nodes.of[i].name[0] = (char)('a' + set);
		(void)fake_give(&fixture->a, &msg, NULL);
	}
	assert_refused(&fixture->a, JP_ERR_OVERLOAD, "too many of them");
}

/* The last reading of the hosts holds on, and so do their leases. */
static void
an_answer_that_it_is_not_done_says_nothing_of_hosts(void **state)
{
	static const enum jp_link_result results[] = { JP_LINK_CONFLICT,
		JP_LINK_NOT_DONE, JP_LINK_UNKNOWN };
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_APPENDED };
	struct jp_replica_status status;

	pump(fixture);
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		msg.appended.result = results[i];
		assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_OK);
		jp_replica_status(fixture->a.replica, &status);
		assert_int_equal(status.nodes.len, 2);
	}
}

static void
set_cluster(struct jp_link_welcome *welcome)
{
	welcome->cluster[0] ^= 1;
}

static void
set_tag(struct jp_link_welcome *welcome)
{
	welcome->tag[0] ^= 1;
}

static void
set_version(struct jp_link_welcome *welcome)
{
	welcome->version++;
}

static void
set_head(struct jp_link_welcome *welcome)
{
	welcome->head--;
}

static void
set_mac(struct jp_link_welcome *welcome)
{
	welcome->mac[0] ^= 1;
}

static void
set_oldest(struct jp_link_welcome *welcome)
{
	welcome->head = 9;
	welcome->oldest = 4;
}

static const struct bad_welcome {
	void (*set)(struct jp_link_welcome *welcome);
	enum jp_err err;
	const char *part;
} bad_welcomes[] = {
	{ set_cluster, JP_ERR_CONFLICT, "another cluster" },
	{ set_tag, JP_ERR_CHECKSUM, "another pepper" },
	{ set_version, JP_ERR_PROTOCOL, "same version" },
	{ set_head, JP_ERR_CONFLICT, "has lost" },
	{ set_mac, JP_ERR_CHECKSUM, "another one" },
	{ set_oldest, JP_ERR_CONFLICT, "lacks, from 3 to 3: stop" },
};

static void
another_log_than_its_own_is_refused(void **state)
{
	struct fixture *fixture = *state;

	make_two(fixture);
	for (size_t i = 0; i < sizeof(bad_welcomes) / sizeof(bad_welcomes[0]);
	     i++) {
		struct jp_link_msg msg = { .kind = JP_LINK_WELCOME };
		struct jp_link_welcome *welcome = &msg.welcome;
		struct jp_replica_status status;

		jp_replica_status(fixture->a.replica, &status);
		welcome->version = JP_LINK_VERSION;
		memcpy(welcome->cluster, status.position.cluster,
		    sizeof(welcome->cluster));
		memcpy(welcome->mac, status.position.mac, sizeof(welcome->mac));
		jp_pepper_name(&fake_pepper, welcome->tag);
		welcome->head = 2;
		welcome->oldest = 3;
		assert_int_equal(fake_give(&fixture->a, &msg, NULL), JP_ERR_OK);
		bad_welcomes[i].set(welcome);
		(void)fake_give(&fixture->a, &msg, NULL);
		assert_refused(
		    &fixture->a, bad_welcomes[i].err, bad_welcomes[i].part);
	}
}

static void
a_message_that_is_not_for_it_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_DONE };

	(void)fake_give(&fixture->a, &msg, NULL);
	assert_refused(&fixture->a, JP_ERR_PROTOCOL, "DONE");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_wrong_mac_is_refused),
		TEST(batches_out_of_order_are_refused),
		TEST(what_was_applied_may_come_again),
		TEST(what_was_applied_long_ago_may_come_again),
		TEST(a_log_that_says_done_and_is_not_is_found_out),
		TEST(an_answer_that_cannot_be_true_is_refused),
		TEST(a_batch_that_is_none_is_refused),
		TEST(a_store_that_cannot_write_goes_on_after_a_new_hello),
		TEST(who_cannot_apply_changes_nothing),
		TEST(a_batch_of_a_newer_version_says_so),
		TEST(
		    an_own_batch_that_cannot_be_written_here_is_done_elsewhere),
		TEST(hosts_that_cannot_be_kept_in_mind_are_refused),
		TEST(more_hosts_than_there_can_be_are_named_as_such),
		TEST(it_is_known_how_old_a_reading_is),
		TEST(an_answer_that_it_is_not_done_says_nothing_of_hosts),
		TEST(another_log_than_its_own_is_refused),
		TEST(a_message_that_is_not_for_it_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
