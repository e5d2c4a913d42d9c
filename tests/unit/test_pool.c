/*
 * The workers, patd/pool.c, over a store with a gate: while it is shut no
 * worker comes past its reading, so that a test says who waits for whom. There
 * is no memo: what is shared here is shared by the flights.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/decide/open.h"
#include "common/wire/client.h"
#include "tests/unit/store_mem.h"
#include "common/decide/throttle.h"
#include "common/record/token_make.h"
#include "patd/pool.h"

enum {
	CROWD = 1000,
	QUEUE = 256,  /* flights that may wait */
	TAGLESS = 64, /* the same without fast tag */
	WAIT_MS = 60000,
};

struct world {
	struct jp_store gate; /* in front of `store` */
	struct jp_store *store;
	pthread_mutex_t mutex;
	pthread_cond_t moved;
	unsigned int tickets; /* readings that may pass */
	unsigned int waiting;
	struct jp_core core;
	struct pool *pool;
	int done_fd;
	struct jp_record record;
	struct jp_secret token;
	bool tagless;
	enum jp_need need;
	enum jp_reason refusal; /* of the last question that was not taken */
	unsigned int answers[JP_REASON_COUNT];
};

static struct world *here;

static enum jp_err
gate_get(
    struct jp_store *store, const char *id, struct jp_record *record, bool wait)
{
	(void)store;
	(void)wait;
	pthread_mutex_lock(&here->mutex);
	here->waiting++;
	pthread_cond_broadcast(&here->moved);
	while (here->tickets == 0)
		pthread_cond_wait(&here->moved, &here->mutex);
	here->tickets--;
	here->waiting--;
	pthread_mutex_unlock(&here->mutex);
	return jp_store_get(here->store, id, record);
}

static enum jp_err
gate_user(
    struct jp_store *store, const char *name, struct jp_user *user, bool wait)
{
	(void)store;
	(void)wait;
	return jp_store_user(here->store, name, user);
}

static void
open_gate(struct world *world, unsigned int tickets)
{
	pthread_mutex_lock(&world->mutex);
	world->tickets = tickets;
	pthread_cond_broadcast(&world->moved);
	pthread_mutex_unlock(&world->mutex);
}

/* Until all tickets are gone and a worker stands before the gate. */
static void
wait_gate(struct world *world)
{
	pthread_mutex_lock(&world->mutex);
	while (world->tickets > 0 || world->waiting == 0)
		pthread_cond_wait(&world->moved, &world->mutex);
	pthread_mutex_unlock(&world->mutex);
}

static void
store_record(struct world *world, enum jp_change_kind kind)
{
	const struct jp_change change = { kind, &world->record };

	assert_int_equal(jp_store_commit(world->store, &change, 1), JP_ERR_OK);
}

static void
make_token(struct world *world)
{
	const struct jp_cost cost = { 8, 1 };

	memset(&world->record, 0, sizeof(world->record));
	jp_token_make("jpat", &world->token, world->record.id);
	strcpy(world->record.user, "alice");
	assert_int_equal(
	    jp_hash_make(&world->token, &cost, world->record.phc), JP_ERR_OK);
	store_record(world, JP_CHANGE_CREATE);
}

static void
start(struct world *world, uint32_t workers, uint32_t joined_max)
{
	assert_int_equal(pool_start(&world->pool, &world->core, workers,
	                     joined_max, world->done_fd),
	    JP_ERR_OK);
}

static int
set_up(void **state)
{
	static const struct jp_store_ops ops = { .get = gate_get,
		.user_get = gate_user };
	static const struct jp_pepper pepper = { { 1 } };
	struct world *world = calloc(1, sizeof(*world));
	struct jp_settings settings;

	assert_non_null(world);
	here = world;
	jp_settings_default(&settings);
	assert_int_equal(jp_store_mem_open(&world->store), JP_ERR_OK);
	assert_int_equal(jp_core_init(&world->core, world->store, &pepper,
	                     &settings.policy, &jp_system_clock),
	    JP_ERR_OK);
	world->gate.ops = &ops;
	world->core.store = &world->gate;
	(void)pthread_mutex_init(&world->mutex, NULL);
	(void)pthread_cond_init(&world->moved, NULL);
	world->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	make_token(world);
	*state = world;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *world = *state;

	open_gate(world, UINT32_MAX);
	assert_true(pool_stop(world->pool, jp_now_ms() + WAIT_MS));
	world->core.store = world->store;
	jp_core_close(&world->core);
	(void)close(world->done_fd);
	(void)pthread_cond_destroy(&world->moved);
	(void)pthread_mutex_destroy(&world->mutex);
	free(world);
	return 0;
}

/*
 * A question about `text`, to be answered until `deadline_ms`. False: there is
 * no room for it.
 */
static bool
ask(struct world *world, const char *user, const struct jp_secret *text,
    int64_t deadline_ms)
{
	struct pool_item *item = pool_take(world->pool);
	struct jp_decision open = { .tagless = world->tagless,
		.need = world->need };

	if (item == NULL)
		return false;
	assert_int_equal(item->request.token.len, 0); /* it was wiped */
	strcpy(item->request.user, user);
	memcpy(&item->request.token, text, sizeof(*text));
	item->deadline_ms = deadline_ms;
	strcpy(open.phc, world->record.phc);
	strcpy(open.id, world->record.id);
	world->refusal = pool_submit(world->pool, &open, item);
	if (world->refusal == JP_REASON_NONE)
		return true;
	pool_release(world->pool, item);
	return false;
}

static bool
ask_in_time(struct world *world)
{
	return ask(world, "alice", &world->token, INT64_MAX);
}

/* Waits for `count` answers, and counts them by reason. */
static void
gather(struct world *world, unsigned int count)
{
	while (count > 0) {
		struct pollfd fd = { .fd = world->done_fd, .events = POLLIN };
		struct pool_item *item, *next;
		uint64_t events;

		assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
		(void)!read(world->done_fd, &events, sizeof(events));
		for (item = pool_done(world->pool); item != NULL; item = next) {
			next = item->next;
			world->answers[item->decision.reason]++;
			pool_release(world->pool, item);
			assert_true(count-- > 0);
		}
	}
}

static unsigned long long
runs(struct world *world)
{
	return atomic_load(&world->core.argon2_runs);
}

/* The same id with another secret: only Argon2id can tell. */
static void
forge(struct world *world, struct jp_secret *text, char letter)
{
	char secret[JP_TOKEN_SECRET_LEN];
	struct jp_token token;

	(void)jp_token_parse(world->token.text, world->token.len, &token);
	memset(secret, letter, sizeof(secret));
	jp_token_format(text, "jpat", world->record.id, secret);
}

static void
a_crowd_with_one_token_runs_one_hash(void **state)
{
	struct world *world = *state;

	start(world, 4, CROWD);
	for (int i = 0; i < CROWD; i++)
		assert_true(ask_in_time(world));
	open_gate(world, UINT32_MAX);
	gather(world, CROWD);
	assert_int_equal(world->answers[JP_REASON_ACCEPTED], CROWD);
	assert_int_equal(runs(world), 1);
	assert_true(ask_in_time(world)); /* which finds no flight to join */
	gather(world, 1);
	assert_int_equal(runs(world), 2);
}

static void
who_comes_during_the_flight_joins_it(void **state)
{
	struct world *world = *state;

	start(world, 2, CROWD);
	assert_true(ask_in_time(world));
	wait_gate(world); /* it has taken off */
	assert_true(ask_in_time(world));
	open_gate(world, 1);
	wait_gate(world); /* it has hashed */
	assert_true(ask_in_time(world));
	open_gate(world, UINT32_MAX);
	gather(world, 3);
	assert_int_equal(world->answers[JP_REASON_ACCEPTED], 3);
	assert_int_equal(runs(world), 1);
}

static void
another_text_for_the_same_hash_does_not_join(void **state)
{
	struct world *world = *state;
	struct jp_secret forged[2];

	forge(world, &forged[0], 'a');
	forge(world, &forged[1], 'b');
	start(world, 2, CROWD);
	for (int i = 0; i < 3; i++) {
		assert_true(ask_in_time(world));
		assert_true(ask(world, "alice", &forged[0], INT64_MAX));
		assert_true(ask(world, "alice", &forged[1], INT64_MAX));
	}
	open_gate(world, UINT32_MAX);
	gather(world, 9);
	assert_int_equal(world->answers[JP_REASON_ACCEPTED], 3);
	assert_int_equal(world->answers[JP_REASON_SECRET], 6);
	assert_int_equal(runs(world), 3);
}

static void
whoever_joined_is_decided_by_himself(void **state)
{
	struct world *world = *state;

	start(world, 1, CROWD);
	assert_true(ask(world, "bob", &world->token, INT64_MAX));
	assert_true(ask_in_time(world));
	assert_true(ask(world, "bob", &world->token, INT64_MAX));
	open_gate(world, UINT32_MAX);
	gather(world, 3);
	assert_int_equal(world->answers[JP_REASON_ACCEPTED], 1);
	assert_int_equal(world->answers[JP_REASON_USER], 2);
	assert_int_equal(runs(world), 1);
}

/* The first is decided by its second reading, those who joined by theirs. */
static void
a_revocation_during_the_flight_holds_for_who_joined(void **state)
{
	struct world *world = *state;

	start(world, 1, CROWD);
	for (int i = 0; i < 3; i++)
		assert_true(ask_in_time(world));
	open_gate(world, 2);
	gather(world, 1);
	wait_gate(world);
	world->record.revoked_at = 1;
	store_record(world, JP_CHANGE_REPLACE);
	open_gate(world, UINT32_MAX);
	gather(world, 2);
	assert_int_equal(world->answers[JP_REASON_ACCEPTED], 1);
	assert_int_equal(world->answers[JP_REASON_REVOKED], 2);
	assert_int_equal(runs(world), 1);
}

static void
a_hash_that_changed_meanwhile_is_run_once_for_all(void **state)
{
	const struct jp_cost cost = { 16, 1 };
	struct world *world = *state;

	start(world, 1, CROWD);
	for (int i = 0; i < 10; i++)
		assert_true(ask_in_time(world));
	open_gate(world, 2);
	gather(world, 1);
	wait_gate(world);
	assert_int_equal(
	    jp_hash_make(&world->token, &cost, world->record.phc), JP_ERR_OK);
	store_record(world, JP_CHANGE_REPLACE);
	open_gate(world, UINT32_MAX);
	gather(world, 9);
	assert_int_equal(world->answers[JP_REASON_ACCEPTED], 10);
	assert_int_equal(runs(world), 2);
}

static void
who_is_late_in_the_queue_costs_no_hash(void **state)
{
	struct world *world = *state;
	struct jp_secret other;

	forge(world, &other, 'a');
	start(world, 1, CROWD);
	assert_true(ask_in_time(world));
	wait_gate(world);
	assert_true(ask(world, "alice", &other, 0));
	assert_true(ask(world, "alice", &other, 0));
	open_gate(world, UINT32_MAX);
	gather(world, 3);
	assert_int_equal(world->answers[JP_REASON_OVERLOAD], 2);
	assert_int_equal(runs(world), 1);
}

static void
who_is_not_late_keeps_the_flight_of_who_is(void **state)
{
	struct world *world = *state;
	struct jp_secret other;

	forge(world, &other, 'a');
	start(world, 1, CROWD);
	assert_true(ask(world, "alice", &other, INT64_MAX));
	wait_gate(world);
	assert_true(ask(world, "alice", &world->token, 0));
	assert_true(ask(world, "alice", &world->token, 0));
	assert_true(ask_in_time(world));
	open_gate(world, UINT32_MAX);
	gather(world, 4);
	assert_int_equal(world->answers[JP_REASON_OVERLOAD], 2);
	assert_int_equal(world->answers[JP_REASON_ACCEPTED], 1);
	assert_int_equal(world->answers[JP_REASON_SECRET], 1);
	assert_int_equal(runs(world), 2);
}

static void
who_joined_and_is_late_is_told_so(void **state)
{
	struct world *world = *state;

	start(world, 1, CROWD);
	assert_true(ask_in_time(world));
	wait_gate(world);
	assert_true(ask(world, "alice", &world->token, 0));
	assert_true(ask_in_time(world));
	open_gate(world, UINT32_MAX);
	gather(world, 3);
	assert_int_equal(world->answers[JP_REASON_OVERLOAD], 1);
	assert_int_equal(world->answers[JP_REASON_ACCEPTED], 2);
}

static void
who_joins_takes_no_room_from_others(void **state)
{
	struct world *world = *state;
	struct jp_secret other;

	start(world, 1, 3);
	for (int i = 0; i < 4; i++)
		assert_true(ask_in_time(world));
	assert_false(ask_in_time(world));
	for (unsigned int i = 0; i < QUEUE; i++) {
		other.len = (size_t)snprintf(
		    other.text, sizeof(other.text), "other %u", i);
		assert_true(ask(world, "alice", &other, INT64_MAX));
	}
	(void)jp_secret_set(&other, "one more", 8);
	assert_false(ask(world, "alice", &other, INT64_MAX));
	open_gate(world, UINT32_MAX);
	gather(world, 4 + QUEUE);
	assert_int_equal(world->answers[JP_REASON_ACCEPTED], 4);
	assert_int_equal(world->answers[JP_REASON_SHAPE], QUEUE);
	open_gate(world, 0);
	for (int i = 0; i < 4; i++) /* all room has come back */
		assert_true(ask_in_time(world));
	assert_false(ask_in_time(world));
	open_gate(world, UINT32_MAX);
	gather(world, 4);
}

static void
an_id_without_fast_tag_has_few_hashes_at_a_time(void **state)
{
	struct world *world = *state;
	struct jp_secret forged[3];

	for (int i = 0; i < 3; i++)
		forge(world, &forged[i], (char)('a' + i));
	start(world, 1, CROWD);
	world->tagless = true;
	assert_true(ask(world, "alice", &forged[0], INT64_MAX));
	assert_true(ask(world, "alice", &forged[1], INT64_MAX));
	assert_false(ask(world, "alice", &forged[2], INT64_MAX));
	assert_int_equal(world->refusal, JP_REASON_THROTTLED);
	assert_true(ask(world, "alice", &forged[1], INT64_MAX));
	make_token(world); /* another id */
	assert_true(ask_in_time(world));
	open_gate(world, UINT32_MAX);
	gather(world, 4);
	assert_int_equal(world->answers[JP_REASON_SECRET], 3);
	assert_int_equal(world->answers[JP_REASON_ACCEPTED], 1);
	assert_int_equal(runs(world), 3);
	for (int i = 0; i < 3; i++) { /* their room has come back */
		assert_true(ask(world, "alice", &forged[i], INT64_MAX));
		gather(world, 1);
	}
}

/* A try comes back after ten seconds: so many would be a miracle. */
static void
wrong_secrets_of_an_id_without_fast_tag_are_throttled(void **state)
{
	struct world *world = *state;
	unsigned int taken = 0;
	struct jp_secret text;

	start(world, 1, CROWD);
	open_gate(world, UINT32_MAX);
	world->tagless = true;
	for (int i = 0; i < 52; i++) {
		forge(world, &text, (char)(i < 26 ? 'a' + i : 'A' + i - 26));
		if (!ask(world, "alice", &text, INT64_MAX))
			continue;
		taken++;
		gather(world, 1);
	}
	assert_in_range(taken, JP_THROTTLE_BURST, 25);
	assert_int_equal(world->refusal, JP_REASON_THROTTLED);
	assert_int_equal(runs(world), taken);
	assert_int_equal(world->answers[JP_REASON_SECRET], taken);
	make_token(world); /* another id has its own rate, but by a miracle */
	assert_true(ask_in_time(world));
	gather(world, 1);
}

static void
the_right_secret_is_never_throttled_by_itself(void **state)
{
	struct world *world = *state;

	start(world, 1, CROWD);
	open_gate(world, UINT32_MAX);
	world->tagless = true;
	for (unsigned int i = 0; i < 5 * JP_THROTTLE_BURST; i++) {
		assert_true(ask_in_time(world));
		gather(world, 1);
	}
	assert_int_equal(
	    world->answers[JP_REASON_ACCEPTED], 5 * JP_THROTTLE_BURST);
}

/* Its hash was not run, so nothing was tried. */
static void
who_is_late_in_the_queue_spends_no_try(void **state)
{
	struct world *world = *state;
	struct jp_secret other;

	forge(world, &other, 'a');
	start(world, 1, CROWD);
	assert_true(ask_in_time(world));
	wait_gate(world);
	world->tagless = true;
	for (unsigned int i = 0; i < 5; i++) {
		forge(world, &other, (char)('a' + i));
		assert_int_equal(ask(world, "alice", &other, 0), i < 2);
	}
	open_gate(world, UINT32_MAX);
	gather(world, 3);
	assert_int_equal(world->answers[JP_REASON_OVERLOAD], 2);
	for (unsigned int i = 0; i < JP_THROTTLE_BURST; i++) {
		forge(world, &other, (char)('a' + i));
		assert_true(ask(world, "alice", &other, INT64_MAX));
		gather(world, 1);
	}
}

static void
who_has_no_fast_tag_waits_behind_who_has(void **state)
{
	struct world *world = *state;
	struct jp_secret forged;

	forge(world, &forged, 'a');
	start(world, 1, CROWD);
	assert_true(ask(world, "bob", &world->token, INT64_MAX));
	wait_gate(world);
	world->tagless = true;
	assert_true(ask(world, "alice", &forged, INT64_MAX));
	world->tagless = false;
	make_token(world);
	assert_true(ask_in_time(world));
	open_gate(world, 2);
	gather(world, 1);
	assert_int_equal(world->answers[JP_REASON_USER], 1);
	open_gate(world, 2);
	gather(world, 1);
	assert_int_equal(world->answers[JP_REASON_ACCEPTED], 1);
	open_gate(world, UINT32_MAX);
	gather(world, 1);
	assert_int_equal(world->answers[JP_REASON_SECRET], 1);
}

static void
tokens_without_fast_tag_leave_room_for_others(void **state)
{
	struct world *world = *state;
	unsigned int taken = 0;

	start(world, 1, CROWD);
	world->tagless = true;
	for (unsigned int i = 0; i < QUEUE; i++) {
		make_token(world);
		taken += ask_in_time(world);
	}
	assert_int_equal(taken, TAGLESS);
	assert_int_equal(world->refusal, JP_REASON_OVERLOAD);
	world->tagless = false;
	for (unsigned int i = 0; i < QUEUE; i++) {
		make_token(world);
		assert_true(ask_in_time(world));
	}
	open_gate(world, UINT32_MAX);
	gather(world, QUEUE + TAGLESS);
	assert_int_equal(world->answers[JP_REASON_ACCEPTED], QUEUE + TAGLESS);
}

/* Some crowds, one after the other: no flight or item gets lost. */
static void
room_comes_back_again_and_again(void **state)
{
	struct world *world = *state;

	start(world, 2, CROWD);
	open_gate(world, UINT32_MAX);
	for (int i = 0; i < 20; i++) {
		for (int n = 0; n < 50; n++)
			assert_true(ask_in_time(world));
		gather(world, 50);
	}
	assert_int_equal(world->answers[JP_REASON_ACCEPTED], 20 * 50);
}

static void
the_end_drops_what_waits(void **state)
{
	struct world *world = *state;
	struct jp_secret other;

	forge(world, &other, 'a');
	start(world, 1, CROWD);
	for (int i = 0; i < 10; i++) {
		assert_true(ask_in_time(world));
		assert_true(ask(world, "alice", &other, INT64_MAX));
	}
}

/* Whoever waits for the store takes no worker, and no try of the id. */
static void
what_the_store_was_busy_for_comes_back_with_what_it_needs(void **state)
{
	struct world *world = *state;

	start(world, 1, CROWD);
	assert_true(ask_in_time(world));
	wait_gate(world); /* the only worker */
	world->need = JP_NEED_STORE;
	for (int i = 0; i < 10; i++)
		assert_true(ask_in_time(world));
	open_gate(world, UINT32_MAX);
	gather(world, 11);
	assert_int_equal(
	    world->answers[JP_REASON_ACCEPTED] + world->answers[JP_REASON_NONE],
	    11);
	assert_int_equal(runs(world), 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_crowd_with_one_token_runs_one_hash),
		TEST(who_comes_during_the_flight_joins_it),
		TEST(another_text_for_the_same_hash_does_not_join),
		TEST(whoever_joined_is_decided_by_himself),
		TEST(a_revocation_during_the_flight_holds_for_who_joined),
		TEST(a_hash_that_changed_meanwhile_is_run_once_for_all),
		TEST(who_is_late_in_the_queue_costs_no_hash),
		TEST(who_is_not_late_keeps_the_flight_of_who_is),
		TEST(who_joined_and_is_late_is_told_so),
		TEST(who_joins_takes_no_room_from_others),
		TEST(an_id_without_fast_tag_has_few_hashes_at_a_time),
		TEST(wrong_secrets_of_an_id_without_fast_tag_are_throttled),
		TEST(the_right_secret_is_never_throttled_by_itself),
		TEST(who_is_late_in_the_queue_spends_no_try),
		TEST(who_has_no_fast_tag_waits_behind_who_has),
		TEST(tokens_without_fast_tag_leave_room_for_others),
		TEST(room_comes_back_again_and_again),
		TEST(the_end_drops_what_waits),
		TEST(what_the_store_was_busy_for_comes_back_with_what_it_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
