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
#include "tests/unit/core_help.h"
#include "common/decide/throttle.h"
#include "common/record/token_make.h"
#include "patd/pool.h"
#include "patd/task_queue.h"

enum {
	CROWD = 1000,
	QUEUE = 256,  /* flights that may wait */
	TAGLESS = 64, /* the same without fast tag */
	WAIT_MS = 60000,
};

struct fixture {
	struct jp_store gate; /* in front of `store` */
	struct jp_store *store;
	pthread_mutex_t mutex;
	pthread_cond_t moved;
	unsigned int tickets; /* readings that may pass */
	unsigned int waiting;
	bool slow_disk; /* commits wait */
	unsigned int committing;
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

static struct fixture *here;

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

static enum jp_err
gate_commit(
    struct jp_store *store, const struct jp_change *changes, size_t count)
{
	(void)store;
	pthread_mutex_lock(&here->mutex);
	here->committing++;
	pthread_cond_broadcast(&here->moved);
	while (here->slow_disk)
		pthread_cond_wait(&here->moved, &here->mutex);
	here->committing--;
	pthread_mutex_unlock(&here->mutex);
	return jp_store_commit(here->store, changes, count);
}

static void
slow_down(struct fixture *fixture, bool slow)
{
	pthread_mutex_lock(&fixture->mutex);
	fixture->slow_disk = slow;
	pthread_cond_broadcast(&fixture->moved);
	pthread_mutex_unlock(&fixture->mutex);
}

static void
wait_commit(struct fixture *fixture)
{
	pthread_mutex_lock(&fixture->mutex);
	while (fixture->committing == 0)
		pthread_cond_wait(&fixture->moved, &fixture->mutex);
	pthread_mutex_unlock(&fixture->mutex);
}

static void
open_gate(struct fixture *fixture, unsigned int tickets)
{
	pthread_mutex_lock(&fixture->mutex);
	fixture->tickets = tickets;
	pthread_cond_broadcast(&fixture->moved);
	pthread_mutex_unlock(&fixture->mutex);
}

/* Until all tickets are gone and a worker stands before the gate. */
static void
wait_gate(struct fixture *fixture)
{
	pthread_mutex_lock(&fixture->mutex);
	while (fixture->tickets > 0 || fixture->waiting == 0)
		pthread_cond_wait(&fixture->moved, &fixture->mutex);
	pthread_mutex_unlock(&fixture->mutex);
}

static void
store_record(struct fixture *fixture, enum jp_change_kind kind)
{
	const struct jp_change change = { kind, &fixture->record };

	assert_int_equal(
	    jp_store_commit(fixture->store, &change, 1), JP_ERR_OK);
}

static void
make_token(struct fixture *fixture)
{
	const struct jp_cost cost = { 8, 1 };

	memset(&fixture->record, 0, sizeof(fixture->record));
	jp_token_make("jpat", &fixture->token, fixture->record.id);
	strcpy(fixture->record.user, "alice");
	assert_int_equal(
	    jp_hash_make(&fixture->token, &cost, fixture->record.phc),
	    JP_ERR_OK);
	store_record(fixture, JP_CHANGE_CREATE);
}

static void
start(struct fixture *fixture, uint32_t workers, uint32_t joined_max)
{
	assert_int_equal(pool_start(&fixture->pool, &fixture->core, workers,
	                     joined_max, fixture->done_fd),
	    JP_ERR_OK);
}

static int
set_up(void **state)
{
	static const struct jp_store_ops ops = {
		.get = gate_get, .user_get = gate_user, .commit = gate_commit
	};
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct jp_settings settings;

	assert_non_null(fixture);
	here = fixture;
	core_help_settings(&settings);
	core_help_open(&fixture->core, &settings, NULL);
	fixture->store = fixture->core.store;
	fixture->gate.ops = &ops;
	fixture->core.store = &fixture->gate;
	(void)pthread_mutex_init(&fixture->mutex, NULL);
	(void)pthread_cond_init(&fixture->moved, NULL);
	fixture->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	make_token(fixture);
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	slow_down(fixture, false);
	open_gate(fixture, UINT32_MAX);
	assert_true(pool_stop(fixture->pool, jp_now_ms() + WAIT_MS));
	fixture->core.store = fixture->store;
	jp_core_close(&fixture->core);
	(void)close(fixture->done_fd);
	(void)pthread_cond_destroy(&fixture->moved);
	(void)pthread_mutex_destroy(&fixture->mutex);
	free(fixture);
	return 0;
}

/*
 * A question about `text`, to be answered until `deadline_ms`. False: there is
 * no room for it.
 */
static bool
ask(struct fixture *fixture, const char *user, const struct jp_secret *text,
    int64_t deadline_ms)
{
	struct pool_item *item = pool_take(fixture->pool);
	struct jp_decision open = { .tagless = fixture->tagless,
		.need = fixture->need };

	if (item == NULL)
		return false;
	assert_int_equal(item->request.token.len, 0); /* it was wiped */
	strcpy(item->request.user, user);
	memcpy(&item->request.token, text, sizeof(*text));
	item->deadline_ms = deadline_ms;
	strcpy(open.phc, fixture->record.phc);
	strcpy(open.id, fixture->record.id);
	fixture->refusal = pool_submit(fixture->pool, &open, item);
	if (fixture->refusal == JP_REASON_NONE)
		return true;
	pool_release(fixture->pool, item);
	return false;
}

static bool
ask_in_time(struct fixture *fixture)
{
	return ask(fixture, "alice", &fixture->token, INT64_MAX);
}

/* Waits for `count` answers, and counts them by reason. */
static void
gather(struct fixture *fixture, unsigned int count)
{
	while (count > 0) {
		struct pollfd fd = { .fd = fixture->done_fd, .events = POLLIN };
		struct pool_item *item, *next;
		uint64_t events;

		assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
		(void)!read(fixture->done_fd, &events, sizeof(events));
		for (item = pool_done(fixture->pool); item != NULL;
		     item = next) {
			next = item->next;
			fixture->answers[item->decision.reason]++;
			pool_release(fixture->pool, item);
			assert_true(count-- > 0);
		}
	}
}

static unsigned long long
runs(struct fixture *fixture)
{
	return atomic_load(&fixture->core.argon2_runs);
}

/* The same id with another secret: only Argon2id can tell. */
static void
forge(struct fixture *fixture, struct jp_secret *text, char letter)
{
	char secret[JP_TOKEN_SECRET_LEN];
	struct jp_token token;

	(void)jp_token_parse(fixture->token.text, fixture->token.len, &token);
	memset(secret, letter, sizeof(secret));
	jp_token_format(text, "jpat", fixture->record.id, secret);
}

static void
a_crowd_with_one_token_runs_one_hash(void **state)
{
	struct fixture *fixture = *state;

	start(fixture, 4, CROWD);
	for (int i = 0; i < CROWD; i++)
		assert_true(ask_in_time(fixture));
	open_gate(fixture, UINT32_MAX);
	gather(fixture, CROWD);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], CROWD);
	assert_int_equal(runs(fixture), 1);
	assert_true(ask_in_time(fixture)); /* which finds no flight to join */
	gather(fixture, 1);
	assert_int_equal(runs(fixture), 2);
}

/* ---- uses ---- */

static void
limit_uses(struct fixture *fixture, uint32_t uses)
{
	fixture->record.uses_max = uses;
	fixture->record.uses_left = uses;
	store_record(fixture, JP_CHANGE_REPLACE);
}

static uint32_t
uses_left(struct fixture *fixture)
{
	struct jp_record record;

	assert_int_equal(
	    jp_store_get(fixture->store, fixture->record.id, &record),
	    JP_ERR_OK);
	return record.uses_left;
}

static void
a_crowd_with_one_token_gets_the_uses_that_it_has(void **state)
{
	struct fixture *fixture = *state;

	limit_uses(fixture, 3);
	start(fixture, 4, CROWD);
	for (int i = 0; i < CROWD; i++)
		assert_true(ask_in_time(fixture));
	open_gate(fixture, UINT32_MAX);
	gather(fixture, CROWD);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], 3);
	assert_int_equal(fixture->answers[JP_REASON_USED_UP], CROWD - 3);
	assert_int_equal(uses_left(fixture), 0);
	assert_int_equal(runs(fixture), 1); /* also for those that wrote */
}

/* One worker, which is not kept by the disk. */
static void
others_are_decided_while_the_disk_writes_a_use(void **state)
{
	struct fixture *fixture = *state;

	limit_uses(fixture, 3);
	start(fixture, 1, CROWD);
	open_gate(fixture, UINT32_MAX);
	slow_down(fixture, true);
	assert_true(ask_in_time(fixture));
	wait_commit(fixture);
	make_token(fixture);
	for (int i = 0; i < 3; i++)
		assert_true(ask_in_time(fixture));
	gather(fixture, 3);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], 3);
	slow_down(fixture, false);
	gather(fixture, 1);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], 4);
}

/* Whoever is late when it is their turn has been answered by then. */
static void
a_question_that_is_late_takes_no_use(void **state)
{
	struct fixture *fixture = *state;

	limit_uses(fixture, 3);
	start(fixture, 1, CROWD);
	fixture->need = JP_NEED_USE;
	open_gate(fixture, UINT32_MAX);
	slow_down(fixture, true);
	assert_true(ask_in_time(fixture)); /* comes back for its hash */
	wait_commit(fixture);
	assert_true(ask(fixture, "alice", &fixture->token, jp_now_ms() - 1));
	slow_down(fixture, false);
	gather(fixture, 2);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], 1);
	assert_int_equal(fixture->answers[JP_REASON_OVERLOAD], 1);
	assert_int_equal(uses_left(fixture), 2);
}

static void
who_comes_during_the_flight_joins_it(void **state)
{
	struct fixture *fixture = *state;

	start(fixture, 2, CROWD);
	assert_true(ask_in_time(fixture));
	wait_gate(fixture); /* it has taken off */
	assert_true(ask_in_time(fixture));
	open_gate(fixture, 1);
	wait_gate(fixture); /* it has hashed */
	assert_true(ask_in_time(fixture));
	open_gate(fixture, UINT32_MAX);
	gather(fixture, 3);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], 3);
	assert_int_equal(runs(fixture), 1);
}

static void
another_text_for_the_same_hash_does_not_join(void **state)
{
	struct fixture *fixture = *state;
	struct jp_secret forged[2];

	forge(fixture, &forged[0], 'a');
	forge(fixture, &forged[1], 'b');
	start(fixture, 2, CROWD);
	for (int i = 0; i < 3; i++) {
		assert_true(ask_in_time(fixture));
		assert_true(ask(fixture, "alice", &forged[0], INT64_MAX));
		assert_true(ask(fixture, "alice", &forged[1], INT64_MAX));
	}
	open_gate(fixture, UINT32_MAX);
	gather(fixture, 9);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], 3);
	assert_int_equal(fixture->answers[JP_REASON_SECRET], 6);
	assert_int_equal(runs(fixture), 3);
}

static void
whoever_joined_is_decided_by_himself(void **state)
{
	struct fixture *fixture = *state;

	start(fixture, 1, CROWD);
	assert_true(ask(fixture, "bob", &fixture->token, INT64_MAX));
	assert_true(ask_in_time(fixture));
	assert_true(ask(fixture, "bob", &fixture->token, INT64_MAX));
	open_gate(fixture, UINT32_MAX);
	gather(fixture, 3);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], 1);
	assert_int_equal(fixture->answers[JP_REASON_USER], 2);
	assert_int_equal(runs(fixture), 1);
}

/* The first is decided by its second reading, those who joined by theirs. */
static void
a_revocation_during_the_flight_holds_for_who_joined(void **state)
{
	struct fixture *fixture = *state;

	start(fixture, 1, CROWD);
	for (int i = 0; i < 3; i++)
		assert_true(ask_in_time(fixture));
	open_gate(fixture, 2);
	gather(fixture, 1);
	wait_gate(fixture);
	fixture->record.revoked_at = 1;
	store_record(fixture, JP_CHANGE_REPLACE);
	open_gate(fixture, UINT32_MAX);
	gather(fixture, 2);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], 1);
	assert_int_equal(fixture->answers[JP_REASON_REVOKED], 2);
	assert_int_equal(runs(fixture), 1);
}

static void
a_hash_that_changed_meanwhile_is_run_once_for_all(void **state)
{
	const struct jp_cost cost = { 16, 1 };
	struct fixture *fixture = *state;

	start(fixture, 1, CROWD);
	for (int i = 0; i < 10; i++)
		assert_true(ask_in_time(fixture));
	open_gate(fixture, 2);
	gather(fixture, 1);
	wait_gate(fixture);
	assert_int_equal(
	    jp_hash_make(&fixture->token, &cost, fixture->record.phc),
	    JP_ERR_OK);
	store_record(fixture, JP_CHANGE_REPLACE);
	open_gate(fixture, UINT32_MAX);
	gather(fixture, 9);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], 10);
	assert_int_equal(runs(fixture), 2);
}

static void
who_is_late_in_the_queue_costs_no_hash(void **state)
{
	struct fixture *fixture = *state;
	struct jp_secret other;

	forge(fixture, &other, 'a');
	start(fixture, 1, CROWD);
	assert_true(ask_in_time(fixture));
	wait_gate(fixture);
	assert_true(ask(fixture, "alice", &other, 0));
	assert_true(ask(fixture, "alice", &other, 0));
	open_gate(fixture, UINT32_MAX);
	gather(fixture, 3);
	assert_int_equal(fixture->answers[JP_REASON_OVERLOAD], 2);
	assert_int_equal(runs(fixture), 1);
}

static void
who_is_not_late_keeps_the_flight_of_who_is(void **state)
{
	struct fixture *fixture = *state;
	struct jp_secret other;

	forge(fixture, &other, 'a');
	start(fixture, 1, CROWD);
	assert_true(ask(fixture, "alice", &other, INT64_MAX));
	wait_gate(fixture);
	assert_true(ask(fixture, "alice", &fixture->token, 0));
	assert_true(ask(fixture, "alice", &fixture->token, 0));
	assert_true(ask_in_time(fixture));
	open_gate(fixture, UINT32_MAX);
	gather(fixture, 4);
	assert_int_equal(fixture->answers[JP_REASON_OVERLOAD], 2);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], 1);
	assert_int_equal(fixture->answers[JP_REASON_SECRET], 1);
	assert_int_equal(runs(fixture), 2);
}

static void
who_joined_and_is_late_is_told_so(void **state)
{
	struct fixture *fixture = *state;

	start(fixture, 1, CROWD);
	assert_true(ask_in_time(fixture));
	wait_gate(fixture);
	assert_true(ask(fixture, "alice", &fixture->token, 0));
	assert_true(ask_in_time(fixture));
	open_gate(fixture, UINT32_MAX);
	gather(fixture, 3);
	assert_int_equal(fixture->answers[JP_REASON_OVERLOAD], 1);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], 2);
}

static void
who_joins_takes_no_room_from_others(void **state)
{
	struct fixture *fixture = *state;
	struct jp_secret other;

	start(fixture, 1, 3);
	for (int i = 0; i < 4; i++)
		assert_true(ask_in_time(fixture));
	assert_false(ask_in_time(fixture));
	for (unsigned int i = 0; i < QUEUE; i++) {
		other.len = (size_t)snprintf(
		    other.text, sizeof(other.text), "other %u", i);
		assert_true(ask(fixture, "alice", &other, INT64_MAX));
	}
	(void)jp_secret_set(&other, "one more", 8);
	assert_false(ask(fixture, "alice", &other, INT64_MAX));
	open_gate(fixture, UINT32_MAX);
	gather(fixture, 4 + QUEUE);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], 4);
	assert_int_equal(fixture->answers[JP_REASON_SHAPE], QUEUE);
	open_gate(fixture, 0);
	for (int i = 0; i < 4; i++) /* all room has come back */
		assert_true(ask_in_time(fixture));
	assert_false(ask_in_time(fixture));
	open_gate(fixture, UINT32_MAX);
	gather(fixture, 4);
}

static void
an_id_without_fast_tag_has_few_hashes_at_a_time(void **state)
{
	struct fixture *fixture = *state;
	struct jp_secret forged[3];

	for (int i = 0; i < 3; i++)
		forge(fixture, &forged[i], (char)('a' + i));
	start(fixture, 1, CROWD);
	fixture->tagless = true;
	assert_true(ask(fixture, "alice", &forged[0], INT64_MAX));
	assert_true(ask(fixture, "alice", &forged[1], INT64_MAX));
	assert_false(ask(fixture, "alice", &forged[2], INT64_MAX));
	assert_int_equal(fixture->refusal, JP_REASON_THROTTLED);
	assert_true(ask(fixture, "alice", &forged[1], INT64_MAX));
	make_token(fixture); /* another id */
	assert_true(ask_in_time(fixture));
	open_gate(fixture, UINT32_MAX);
	gather(fixture, 4);
	assert_int_equal(fixture->answers[JP_REASON_SECRET], 3);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], 1);
	assert_int_equal(runs(fixture), 3);
	for (int i = 0; i < 3; i++) { /* their room has come back */
		assert_true(ask(fixture, "alice", &forged[i], INT64_MAX));
		gather(fixture, 1);
	}
}

/* A try comes back after ten seconds: so many would be a miracle. */
static void
wrong_secrets_of_an_id_without_fast_tag_are_throttled(void **state)
{
	struct fixture *fixture = *state;
	unsigned int taken = 0;
	struct jp_secret text;

	start(fixture, 1, CROWD);
	open_gate(fixture, UINT32_MAX);
	fixture->tagless = true;
	for (int i = 0; i < 52; i++) {
		forge(fixture, &text, (char)(i < 26 ? 'a' + i : 'A' + i - 26));
		if (!ask(fixture, "alice", &text, INT64_MAX))
			continue;
		taken++;
		gather(fixture, 1);
	}
	assert_in_range(taken, JP_THROTTLE_BURST, 25);
	assert_int_equal(fixture->refusal, JP_REASON_THROTTLED);
	assert_int_equal(runs(fixture), taken);
	assert_int_equal(fixture->answers[JP_REASON_SECRET], taken);
	make_token(fixture); /* another id has its own rate, but by a miracle */
	assert_true(ask_in_time(fixture));
	gather(fixture, 1);
}

static void
the_right_secret_is_never_throttled_by_itself(void **state)
{
	struct fixture *fixture = *state;

	start(fixture, 1, CROWD);
	open_gate(fixture, UINT32_MAX);
	fixture->tagless = true;
	for (unsigned int i = 0; i < 5 * JP_THROTTLE_BURST; i++) {
		assert_true(ask_in_time(fixture));
		gather(fixture, 1);
	}
	assert_int_equal(
	    fixture->answers[JP_REASON_ACCEPTED], 5 * JP_THROTTLE_BURST);
}

/* Its hash was not run, so nothing was tried. */
static void
who_is_late_in_the_queue_spends_no_try(void **state)
{
	struct fixture *fixture = *state;
	struct jp_secret other;

	forge(fixture, &other, 'a');
	start(fixture, 1, CROWD);
	assert_true(ask_in_time(fixture));
	wait_gate(fixture);
	fixture->tagless = true;
	for (unsigned int i = 0; i < 5; i++) {
		forge(fixture, &other, (char)('a' + i));
		assert_int_equal(ask(fixture, "alice", &other, 0), i < 2);
	}
	open_gate(fixture, UINT32_MAX);
	gather(fixture, 3);
	assert_int_equal(fixture->answers[JP_REASON_OVERLOAD], 2);
	for (unsigned int i = 0; i < JP_THROTTLE_BURST; i++) {
		forge(fixture, &other, (char)('a' + i));
		assert_true(ask(fixture, "alice", &other, INT64_MAX));
		gather(fixture, 1);
	}
}

static void
who_has_no_fast_tag_waits_behind_who_has(void **state)
{
	struct fixture *fixture = *state;
	struct jp_secret forged;

	forge(fixture, &forged, 'a');
	start(fixture, 1, CROWD);
	assert_true(ask(fixture, "bob", &fixture->token, INT64_MAX));
	wait_gate(fixture);
	fixture->tagless = true;
	assert_true(ask(fixture, "alice", &forged, INT64_MAX));
	fixture->tagless = false;
	make_token(fixture);
	assert_true(ask_in_time(fixture));
	open_gate(fixture, 2);
	gather(fixture, 1);
	assert_int_equal(fixture->answers[JP_REASON_USER], 1);
	open_gate(fixture, 2);
	gather(fixture, 1);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], 1);
	open_gate(fixture, UINT32_MAX);
	gather(fixture, 1);
	assert_int_equal(fixture->answers[JP_REASON_SECRET], 1);
}

static void
tokens_without_fast_tag_leave_room_for_others(void **state)
{
	struct fixture *fixture = *state;
	unsigned int taken = 0;

	start(fixture, 1, CROWD);
	fixture->tagless = true;
	for (unsigned int i = 0; i < QUEUE; i++) {
		make_token(fixture);
		taken += ask_in_time(fixture);
	}
	assert_int_equal(taken, TAGLESS);
	assert_int_equal(fixture->refusal, JP_REASON_OVERLOAD);
	fixture->tagless = false;
	for (unsigned int i = 0; i < QUEUE; i++) {
		make_token(fixture);
		assert_true(ask_in_time(fixture));
	}
	open_gate(fixture, UINT32_MAX);
	gather(fixture, QUEUE + TAGLESS);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], QUEUE + TAGLESS);
}

/* Some crowds, one after the other: no flight or item gets lost. */
static void
room_comes_back_again_and_again(void **state)
{
	struct fixture *fixture = *state;

	start(fixture, 2, CROWD);
	open_gate(fixture, UINT32_MAX);
	for (int i = 0; i < 20; i++) {
		for (int n = 0; n < 50; n++)
			assert_true(ask_in_time(fixture));
		gather(fixture, 50);
	}
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], 20 * 50);
}

static void
the_end_drops_what_waits(void **state)
{
	struct fixture *fixture = *state;
	struct jp_secret other;

	forge(fixture, &other, 'a');
	start(fixture, 1, CROWD);
	for (int i = 0; i < 10; i++) {
		assert_true(ask_in_time(fixture));
		assert_true(ask(fixture, "alice", &other, INT64_MAX));
	}
}

/* Whoever waits for the store takes no worker, and no try of the id. */
static void
what_the_store_was_busy_for_comes_back_with_what_it_needs(void **state)
{
	struct fixture *fixture = *state;

	start(fixture, 1, CROWD);
	assert_true(ask_in_time(fixture));
	wait_gate(fixture); /* the only worker */
	fixture->need = JP_NEED_STORE;
	for (int i = 0; i < 10; i++)
		assert_true(ask_in_time(fixture));
	open_gate(fixture, UINT32_MAX);
	gather(fixture, 11);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED] +
	                     fixture->answers[JP_REASON_NONE],
	    11);
	assert_int_equal(runs(fixture), 1);
}

/* ---- tasks of operations ---- */

enum {
	TASKS = 50,
};

struct errand {
	struct fixture *fixture;
	unsigned int permits; /* to end a task */
	unsigned int begun, ended, at_once, most;
	unsigned int marks[TASKS];
	enum jp_err err;
	pthread_t thread;
};

static void
do_task(void *arg, size_t i)
{
	struct errand *errand = arg;
	struct fixture *fixture = errand->fixture;

	pthread_mutex_lock(&fixture->mutex);
	errand->marks[i]++;
	errand->begun++;
	errand->at_once++;
	if (errand->at_once > errand->most)
		errand->most = errand->at_once;
	pthread_cond_broadcast(&fixture->moved);
	while (errand->permits == 0)
		pthread_cond_wait(&fixture->moved, &fixture->mutex);
	errand->permits--;
	errand->at_once--;
	errand->ended++;
	pthread_mutex_unlock(&fixture->mutex);
}

static void *
run_errand(void *arg)
{
	struct errand *errand = arg;

	errand->err = jp_workers_run(
	    errand->fixture->core.workers, do_task, errand, TASKS);
	return NULL;
}

/* Until `count` of its tasks have begun. */
static void
begin_errand(struct errand *errand, unsigned int count)
{
	struct fixture *fixture = errand->fixture;

	assert_int_equal(
	    pthread_create(&errand->thread, NULL, run_errand, errand), 0);
	pthread_mutex_lock(&fixture->mutex);
	while (errand->begun < count)
		pthread_cond_wait(&fixture->moved, &fixture->mutex);
	pthread_mutex_unlock(&fixture->mutex);
}

static void
permit(struct errand *errand, unsigned int count)
{
	struct fixture *fixture = errand->fixture;

	pthread_mutex_lock(&fixture->mutex);
	errand->permits += count;
	pthread_cond_broadcast(&fixture->moved);
	pthread_mutex_unlock(&fixture->mutex);
}

static void
tasks_run_on_all_workers_at_once_and_once_each(void **state)
{
	struct fixture *fixture = *state;
	struct errand errand;

	start(fixture, 3, CROWD);
	for (unsigned int round = 0; round < 2; round++) {
		memset(&errand, 0, sizeof(errand));
		errand.fixture = fixture;
		begin_errand(&errand, 3); /* none can end: three are at it */
		permit(&errand, TASKS);
		(void)pthread_join(errand.thread, NULL);
		assert_int_equal(errand.err, JP_ERR_OK);
		assert_int_equal(errand.most, 3);
		assert_int_equal(errand.ended, TASKS);
		for (size_t i = 0; i < TASKS; i++)
			assert_int_equal(errand.marks[i], 1);
	}
}

/* It waits for the task under way, and for no more of the operation. */
static void
a_question_goes_before_tasks(void **state)
{
	struct fixture *fixture = *state;
	struct errand errand = { .fixture = fixture };

	start(fixture, 1, CROWD);
	open_gate(fixture, UINT32_MAX);
	begin_errand(&errand, 1);
	assert_true(ask_in_time(fixture));
	permit(&errand, 1);
	gather(fixture, 1);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], 1);
	permit(&errand, TASKS);
	(void)pthread_join(errand.thread, NULL);
	assert_int_equal(errand.ended, TASKS);
}

static void
the_end_leaves_out_tasks_and_says_so(void **state)
{
	struct fixture *fixture = *state;
	struct errand errand = { .fixture = fixture };

	start(fixture, 2, CROWD);
	begin_errand(&errand, 2);
	assert_false(pool_stop(fixture->pool, jp_now_ms()));
	permit(&errand, TASKS);
	(void)pthread_join(errand.thread, NULL);
	assert_int_equal(errand.err, JP_ERR_UNREACHABLE);
	assert_int_equal(errand.ended, 2);
}

/* Questions are answered yet: nobody waits for all hashes of a batch. */
static void
the_end_of_tasks_is_before_that_of_questions(void **state)
{
	struct fixture *fixture = *state;
	struct errand errand = { .fixture = fixture };

	start(fixture, 1, CROWD);
	open_gate(fixture, UINT32_MAX);
	begin_errand(&errand, 1);
	pool_end_tasks(fixture->pool);
	permit(&errand, TASKS);
	(void)pthread_join(errand.thread, NULL);
	assert_int_equal(errand.err, JP_ERR_UNREACHABLE);
	assert_int_equal(errand.ended, 1);
	run_errand(&errand);
	assert_int_equal(errand.err, JP_ERR_UNREACHABLE);
	assert_int_equal(errand.ended, 1);
	assert_true(ask_in_time(fixture));
	gather(fixture, 1);
	assert_int_equal(fixture->answers[JP_REASON_ACCEPTED], 1);
}

static void
operations_take_turns(void **state)
{
	struct task_group a = { .count = 4 }, b = { .count = 2 };
	struct task_queue queue;
	struct task_group *group;
	char order[8] = "";
	size_t i;

	(void)state;
	task_queue_init(&queue);
	assert_false(task_queue_take(&queue, &group, &i));
	task_queue_add(&queue, &a);
	task_queue_add(&queue, &b);
	for (size_t len = 0; len < 5; len++) {
		assert_true(task_queue_take(&queue, &group, &i));
		order[len] = group == &a ? 'a' : 'b';
	}
	assert_string_equal(order, "ababa");
	assert_int_equal(i, 2);
	task_queue_cut(&queue, &a);
	task_queue_cut(&queue, &b);
	assert_false(task_queue_take(&queue, &group, &i));
	task_queue_add(&queue, &a); /* its last one */
	assert_true(task_queue_take(&queue, &group, &i));
	assert_int_equal(i, 3);
	assert_false(task_queue_take(&queue, &group, &i));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_crowd_with_one_token_runs_one_hash),
		TEST(a_crowd_with_one_token_gets_the_uses_that_it_has),
		TEST(others_are_decided_while_the_disk_writes_a_use),
		TEST(a_question_that_is_late_takes_no_use),
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
		TEST(tasks_run_on_all_workers_at_once_and_once_each),
		TEST(a_question_goes_before_tasks),
		TEST(the_end_leaves_out_tasks_and_says_so),
		TEST(the_end_of_tasks_is_before_that_of_questions),
		cmocka_unit_test(operations_take_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
