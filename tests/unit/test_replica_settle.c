/*
 * Whoever changes something waits until it holds on all hosts, and names those
 * for which it waited in vain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <string.h>

#include "tests/unit/link_help.h"
#include "tests/unit/replica_help.h"
#include "tests/unit/store_help.h"

/* Time passes, and messages come, while somebody waits. */
struct world {
	struct fixture *fixture;
	atomic_bool over;
	pthread_t thread;
};

static void *
go_on(void *arg)
{
	struct world *world = arg;

	while (!atomic_load(&world->over)) {
		pump(world->fixture);
		(void)jp_replica_tick(world->fixture->a.replica);
		(void)jp_replica_tick(world->fixture->b.replica);
		atomic_fetch_add(&now_ms, 50);
		(void)sched_yield();
	}
	return NULL;
}

static void
world_start(struct world *world, struct fixture *fixture)
{
	world->fixture = fixture;
	atomic_init(&world->over, false);
	fixture->a.is_pumped = fixture->b.is_pumped = true;
	assert_int_equal(pthread_create(&world->thread, NULL, go_on, world), 0);
}

static void
world_end(struct world *world)
{
	atomic_store(&world->over, true);
	(void)pthread_join(world->thread, NULL);
	world->fixture->a.is_pumped = world->fixture->b.is_pumped = false;
}

static void
what_is_settled_is_everywhere(void **state)
{
	struct fixture *fixture = *state;
	struct jp_replica_status status;
	struct world world;
	struct jp_why why;

	(void)jp_replica_tick(fixture->b.replica);
	pump(fixture);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	world_start(&world, fixture);
	assert_int_equal(jp_store_settle(fixture->a.store, &why), JP_ERR_OK);
	assert_true(has(&fixture->b, ID));
	assert_string_equal(why.text, "");
	world_end(&world);
	jp_replica_status(fixture->a.replica, &status);
	assert_int_equal(status.waits, 1);
	assert_int_equal(status.late, 0);
}

/* Whose lease is over before anybody says that it is revoked. */
static void
who_is_cut_off_accepts_nothing_once_it_is_settled(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host *b = &fixture->b;
	struct jp_replica_status status;
	struct world world;
	struct jp_why why;

	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	pump(fixture);
	(void)jp_replica_tick(b->replica);
	pump(fixture);
	assert_true(jp_replica_holds(b->replica));
	fake_cut(b, true);
	assert_int_equal(revoke_on(&fixture->a, ID), JP_ERR_OK);
	assert_true(jp_replica_holds(b->replica));
	assert_false(is_revoked(b, ID));
	world_start(&world, fixture);
	assert_int_equal(jp_store_settle(fixture->a.store, &why), JP_ERR_OK);
	assert_false(jp_replica_holds(b->replica));
	world_end(&world);
	assert_non_null(strstr(why.text, "s for b, which does not answer"));
	jp_replica_status(fixture->a.replica, &status);
	assert_int_equal(status.late, 1);
	/* The next one need not wait, and b learns of all of it. */
	assert_int_equal(add_to(&fixture->a, OTHER), JP_ERR_OK);
	assert_int_equal(jp_store_settle(fixture->a.store, &why), JP_ERR_OK);
	assert_string_equal(why.text, "");
	fake_connect(b);
	pump(fixture);
	(void)jp_replica_tick(b->replica);
	assert_true(jp_replica_holds(b->replica));
	assert_true(is_revoked(b, ID));
}

/* And nobody waits for those. */
static void
quiet_commits_are_not_settled(void **state)
{
	struct fixture *fixture = *state;
	struct jp_why why;

	(void)jp_replica_tick(fixture->b.replica);
	pump(fixture);
	jp_store_begin(fixture->a.store, JP_BEGIN_QUIET);
	assert_int_equal(
	    add(fixture->a.store, ID, "alice", JP_NEVER), JP_ERR_OK);
	assert_int_equal(jp_store_settle(fixture->a.store, &why), JP_ERR_OK);
	assert_false(has(&fixture->b, ID));
}

/* What another host has not settled yet is not told here as done, either. */
static void
who_finds_it_done_waits_as_well(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host c;
	struct world world;
	struct jp_why why;

	fake_host_open(&c, &fixture->log, "c", fake_boot_ms);
	fake_connect(&c);
	(void)jp_replica_tick(c.replica);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	(void)fake_pump(&fixture->b);
	assert_true(jp_replica_holds(c.replica));
	assert_false(has(&c, ID));
	world_start(&world, fixture);
	jp_store_begin(fixture->b.store, JP_BEGIN_LOUD);
	assert_true(has(&fixture->b, ID));
	assert_int_equal(jp_store_settle(fixture->b.store, &why), JP_ERR_OK);
	assert_false(jp_replica_holds(c.replica));
	world_end(&world);
	fake_host_close(&c);
}

static void
what_cannot_be_seen_is_not_called_settled(void **state)
{
	struct fixture *fixture = *state;
	struct world world;
	struct jp_why why;

	assert_int_equal(add_to(&fixture->b, ID), JP_ERR_OK);
	give_batch(fixture, &fixture->a, 1, 1);
	fake_cut(&fixture->a, true);
	jp_store_begin(fixture->a.store, JP_BEGIN_LOUD);
	world_start(&world, fixture);
	assert_int_equal(
	    jp_store_settle(fixture->a.store, &why), JP_ERR_TIMEOUT);
	world_end(&world);
	assert_non_null(strstr(why.text, "cannot be reached"));
	assert_non_null(strstr(why.text, "(15 s here)"));
}

/* Batch 1 is here, and at `host` others may have a lease without it. */
static void
make_late(struct fixture *fixture, struct fake_host *host, size_t others,
    uint32_t lease_ms)
{
	struct jp_link_msg msg = { .kind = JP_LINK_NODES };
	struct jp_link_nodes *nodes = &msg.nodes.nodes;

	if (fixture->log.head == 0)
		assert_int_equal(add_to(&fixture->b, ID), JP_ERR_OK);
	fake_host_open(host, &fixture->log, "x", stepping_boot_ms);
	fake_connect(host);
	give_batch(fixture, host, 1, 1);
	jp_store_begin(host->store, JP_BEGIN_LOUD);
	nodes->head = 1;
	nodes->len = (uint16_t)others;
	for (size_t i = 0; i < others; i++) {
		nodes->of[i].name[0] = (char)('b' + (int)i);
		nodes->of[i].grants = 1;
		nodes->of[i].lease_ms = lease_ms;
	}
	assert_int_equal(fake_give(host, &msg, NULL), JP_ERR_OK);
}

/* What lies where the next functions have what is on their stack. */
static __attribute__((noinline)) void
leave_words_behind(void)
{
	volatile char words[16384];

	for (size_t i = 0; i < sizeof(words); i++)
		words[i] = i % 64 == 63 ? '\0' : 'w';
}

/* In whole seconds, as people count; and nothing else is named. */
static void
who_was_waited_for_is_named_with_the_time(void **state)
{
	static const struct {
		size_t others;
		int64_t waited_ms;
		const char *text;
	} rows[] = {
		{ 1, 499,
		    "waited 0 s for b, which does not answer: it accepts "
		    "nothing until it is back" },
		{ 1, 500,
		    "waited 1 s for b, which does not answer: it accepts "
		    "nothing until it is back" },
		{ 1, 1499,
		    "waited 1 s for b, which does not answer: it "
		    "accepts nothing until it is back" },
		{ 2, 1500,
		    "waited 2 s for b, c, which do not answer: they "
		    "accept nothing until they are back" },
		{ 3, 15000,
		    "waited 15 s for b, c, d, which do not answer: "
		    "they accept nothing until they are back" },
	};
	struct fixture *fixture = *state;
	struct fake_host host;
	struct jp_why why;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make_late(fixture, &host, rows[i].others, 20);
		atomic_store(&step_ms, rows[i].waited_ms);
		leave_words_behind();
		assert_int_equal(jp_store_settle(host.store, &why), JP_ERR_OK);
		assert_string_equal(why.text, rows[i].text);
		atomic_store(&step_ms, 0);
		fake_host_close(&host);
	}
}

/* Nobody is to bring it back. */
static void
who_has_left_is_said_to_be_no_longer_there(void **state)
{
	static const struct {
		size_t others, left; /* the last ones of the others */
		const char *text;
	} rows[] = {
		{ 1, 1, "waited 5 s for b, no longer in the cluster" },
		{ 2, 2, "waited 5 s for b, c, no longer in the cluster" },
		{ 2, 1,
		    "waited 5 s for b, which does not answer: it accepts "
		    "nothing until it is back; and for those no longer in the "
		    "cluster: c" },
		{ 4, 2,
		    "waited 5 s for b, c, which do not answer: they accept "
		    "nothing until they are back; and for those no longer in "
		    "the cluster: d, e" },
	};
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_NODES };
	struct jp_link_nodes *nodes = &msg.nodes.nodes;
	struct fake_host host;
	struct jp_why why;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make_late(fixture, &host, rows[i].others, 20);
		nodes->head = 1;
		nodes->len = (uint16_t)rows[i].others;
		for (size_t j = 0; j < rows[i].others; j++) {
			nodes->of[j].name[0] = (char)('b' + (int)j);
			nodes->of[j].grants = 1;
			nodes->of[j].lease_ms = 20;
			nodes->of[j].gone = j + rows[i].left >= rows[i].others;
		}
		assert_int_equal(fake_give(&host, &msg, NULL), JP_ERR_OK);
		atomic_store(&step_ms, 5000);
		assert_int_equal(jp_store_settle(host.store, &why), JP_ERR_OK);
		assert_string_equal(why.text, rows[i].text);
		atomic_store(&step_ms, 0);
		fake_host_close(&host);
	}
}

/* Of so many as there can be, half of whom have left, the first are named. */
static void
a_line_of_many_names_is_cut(void **state)
{
	struct fixture *fixture = *state;
	struct jp_link_msg msg = { .kind = JP_LINK_NODES };
	struct fake_host host;
	struct jp_why why;
	char name[JP_LINK_NAME_MAX + 1], text[JP_WHY_MAX];

	memset(name, 'n', JP_LINK_NAME_MAX);
	name[JP_LINK_NAME_MAX] = '\0';
	make_late(fixture, &host, 0, 20);
	link_nodes(&msg.nodes.nodes, JP_LINK_NODES_MAX);
	msg.nodes.nodes.head = 1;
	for (size_t i = 0; i < JP_LINK_NODES_MAX; i++) {
		struct jp_link_node *node = &msg.nodes.nodes.of[i];

		memset(node->name, 'n', JP_LINK_NAME_MAX);
		node->name[0] = (char)('0' + (int)i);
		node->applied = 0;
		node->lease_ms = 20;
	}
	assert_int_equal(fake_give(&host, &msg, NULL), JP_ERR_OK);
	atomic_store(&step_ms, 1000);
	assert_int_equal(jp_store_settle(host.store, &why), JP_ERR_OK);
	(void)snprintf(text, sizeof(text),
	    "waited 1 s for 0%s, 2%s, 4%s and 29 more, which do not answer: "
	    "they accept nothing until they are back; and for those no longer "
	    "in the cluster: 1%s and 31 more",
	    name + 1, name + 1, name + 1, name + 1);
	assert_string_equal(why.text, text);
	atomic_store(&step_ms, 0);
	fake_host_close(&host);
}

static void
who_may_wait_no_longer_says_so(void **state)
{
	struct fixture *fixture = *state;
	struct fake_host host;
	struct jp_why why;

	make_late(fixture, &host, 1, JP_LINK_LEASE_MAX_MS);
	assert_int_equal(
	    jp_store_settle_by(host.store, 0, &why), JP_ERR_TIMEOUT);
	assert_string_equal(
	    why.text, "it is done, and not all hosts have it yet");
	/* Though a lease goes on for minutes. */
	assert_int_equal(
	    jp_store_settle_by(host.store, jp_now_ms() + HASTY_MS, &why),
	    JP_ERR_TIMEOUT);
	assert_string_equal(
	    why.text, "it is done, and not all hosts have it yet");
	/* Time enough. */
	fake_host_close(&host);
	make_late(fixture, &host, 1, 20);
	atomic_store(&step_ms, 1000);
	assert_int_equal(
	    jp_store_settle_by(host.store, jp_now_ms() + 60000, &why),
	    JP_ERR_OK);
	assert_non_null(strstr(why.text, "waited 1 s for b"));
	atomic_store(&step_ms, 0);
	fake_host_close(&host);
}

struct settler {
	struct fake_host *host;
	struct jp_why why;
	enum jp_err err;
};

static void *
settle(void *arg)
{
	struct settler *settler = arg;

	settler->err = jp_store_settle(settler->host->store, &settler->why);
	return NULL;
}

static void
a_reading_is_waited_for(void **state)
{
	struct fixture *fixture = *state;
	struct settler settler = { .host = &fixture->a };
	struct jp_replica_status status;
	pthread_t thread;

	assert_int_equal(add_to(&fixture->b, ID), JP_ERR_OK);
	give_batch(fixture, &fixture->a, 1, 1);
	jp_store_begin(fixture->a.store, JP_BEGIN_LOUD);
	assert_int_equal(pthread_create(&thread, NULL, settle, &settler), 0);
	do {
		(void)sched_yield();
		jp_replica_status(fixture->a.replica, &status);
	} while (status.waits == 0);
	pump(fixture);
	(void)pthread_join(thread, NULL);
	assert_int_equal(settler.err, JP_ERR_OK);
	assert_string_equal(settler.why.text, "");
}

/* Nor for what was here before it began. */
static void
who_begins_quietly_waits_for_nobody(void **state)
{
	struct fixture *fixture = *state;
	struct jp_why why;

	assert_int_equal(add_to(&fixture->b, ID), JP_ERR_OK);
	give_batch(fixture, &fixture->a, 1, 1);
	jp_store_begin(fixture->a.store, JP_BEGIN_QUIET);
	assert_int_equal(
	    jp_store_settle_by(fixture->a.store, 0, &why), JP_ERR_OK);
}

static void
nobody_settles_with_a_patd_that_ends(void **state)
{
	struct fixture *fixture = *state;
	struct jp_why why;

	(void)jp_replica_tick(fixture->b.replica);
	pump(fixture);
	assert_int_equal(add_to(&fixture->a, ID), JP_ERR_OK);
	jp_replica_stop(fixture->a.replica);
	assert_int_equal(
	    jp_store_settle(fixture->a.store, &why), JP_ERR_TIMEOUT);
	assert_non_null(strstr(why.text, "patd ends"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_settled_is_everywhere),
		TEST(who_is_cut_off_accepts_nothing_once_it_is_settled),
		TEST(quiet_commits_are_not_settled),
		TEST(who_finds_it_done_waits_as_well),
		TEST(what_cannot_be_seen_is_not_called_settled),
		TEST(who_was_waited_for_is_named_with_the_time),
		TEST(who_has_left_is_said_to_be_no_longer_there),
		TEST(a_line_of_many_names_is_cut),
		TEST(who_may_wait_no_longer_says_so),
		TEST(a_reading_is_waited_for),
		TEST(who_begins_quietly_waits_for_nobody),
		TEST(nobody_settles_with_a_patd_that_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
